/*
 * test/unit/vm_host.h: an MMU for unit tests of vm/.
 *
 * Each space has threads on two harts, each with a TLB that keeps a translation
 * until it is told to drop it, and uses it whatever the tables say meanwhile:
 * what a real one may do.  So a forgotten fence shows as a byte that changed,
 * or did not.
 */
#pragma once
#include "vm/map.h"
#include "vm/superpage.h"

/* Start with @size bytes of RAM and empty zones; once per program. */
void vm_host_start(uint64_t size);

/* A map to play with; spaces are never moved.  Becomes known to the MMU. */
struct map *vm_host_create(void);
/* All steps of destroying it. */
void vm_host_destroy(struct map *map);

/* Who pays for all maps, and may have anything. */
struct ledger *vm_host_ledger(void);

/* Pages that are free or that zones keep; objects in use of all zones. */
uint64_t vm_host_pages_at_rest(void);
uint64_t vm_host_objects(void);

/* Let one of the next allocations fail, sometimes; and none any more, nor a
 * wait that nobody came to hear of. */
void vm_host_maybe_fail(void);
void vm_host_stop_failing(void);

/* Do what is left to the reaper. */
void vm_host_reap(void);

/* What copyin() and copyout() use. */
void vm_host_set_current(struct map *map);
/* What pmap_runs_elsewhere() answers, and how many ASID bits there are. */
extern bool vm_host_elsewhere;
/* Do user accesses make superpages? */
extern bool vm_host_superpages;

/*
 * As a user access would, on either hart: through its TLB, then the tables,
 * then map_fault().
 * *@bytesp is where in the test's memory the byte at @va is.
 */
kern_return_t must_check vm_host_access(
    struct map *map, uaddr_t va, unsigned access, void **bytesp);

/* Was the page at @bytes written by vm_host_access() since all harts'
 * instruction fences? */
bool vm_host_is_stale_code(const void *bytes);

/* KASSERT that each page's references are the leaves of @maps that name it,
 * and that tables are counted right; and that what is charged to
 * vm_host_ledger() is what they and the objects that they map have, which all
 * are at its cost.  For when nothing is in transit.  Returns how many pages
 * there are, tables among them. */
uint64_t vm_host_check_references(struct map *const *maps, unsigned count);

/*
 * A store for page replacement, after swap_store_open(): have up to @most pages
 * written to it, unless the last are not answered for; answer; let it forget
 * what it has to; supply all that was asked for.
 */
void vm_host_store_write(unsigned most);
void vm_host_store_answer(bool stored);
void vm_host_store_forget(void);
void vm_host_store_supply(void);
/* It dies, whatever it has. */
void vm_host_store_drop(void);
/* Is there no memory to ask it for anything? */
extern bool vm_host_store_deaf;

/* Did @kr say that a page has to be waited for?  It has come, or will not: the
 * call is to be made again. */
bool must_check vm_host_brings(kern_return_t kr);

/* What was to be waited for last, if it was not forgotten since. */
extern struct vm_host_wait {
	const struct memory_source *source;
	void *object;
	uint64_t where;
	unsigned woken; /* calls of memory_wake() */
	void *failed;	/* the last wait was for that, and @failed_where */
	uint64_t failed_where;
	kern_return_t failure;
} vm_host_wait;
