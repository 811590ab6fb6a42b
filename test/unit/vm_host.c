/* vm_host.c: see vm_host.h.  Long because all that vm/ stands on is here. */
#include "vm_host.h"

#include <arch/cpu.h>
#include <arch/usercopy.h>
#include <stdlib.h>
#include <string.h>

#include "arch/riscv64/tlb.h"
#include "chance.h"
#include "kernel/cpu.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/reaper.h"
#include "kernel/timer.h"
#include "kernel/zone.h"
#include "vm/memory_wait.h"
#include "vm/object.h"
#include "vm/pageout.h"
#include "vm/pager.h"
#include "vm/swap.h"
#include "vm/transfer.h"

/* No thread waits in a port's word. */
void port_absorb(struct port *port, uint64_t word);
void
port_absorb(struct port *port, uint64_t word)
{
	(void)port;
	(void)word;
}

enum {
	SPACES = 8,
	HARTS = 2,
	TLB_SIZE = 1 << 14,
	SLOTS = 1 << 16,
};

struct translation {
	uint64_t page; /* address | 1: in use */
	uint64_t generation;
	pte_t pte;
};

static struct space {
	struct map *map;
	uint64_t generation;
	struct translation tlb[HARTS][TLB_SIZE];
} spaces[SPACES];

static struct map *current;
static unsigned hart; /* whose TLB is used */
static uint64_t ram_bytes;
static uint8_t *written; /* per page of RAM: since the last arch_sync_code() */

bool vm_host_elsewhere;
bool vm_host_superpages;
uint32_t pmap_asid_bits = 16;

void
vm_host_start(uint64_t size)
{
	map_spreads = false;
	host_pages_init(size);
	ram_bytes = size;
	written = calloc(size >> PAGE_SHIFT, 1);
	kernel_pmap.root = page_va(page_alloc_zeroed());
	for (unsigned i = PTE_COUNT / 2; i < PTE_COUNT; i++)
		kernel_pmap.root[i] = pte_make(i << PAGE_SHIFT, PTE_V);
	pmap_kernel_made();
	kmem_init();
	map_zone_init();
	transfer_zone_init();
}

static struct space *
space_of(const struct pmap *pmap)
{
	for (unsigned i = 0; i < SPACES; i++) {
		if (spaces[i].map != NULL && &spaces[i].map->pmap == pmap)
			return &spaces[i];
	}
	panic("no such space");
}

struct ledger *
vm_host_ledger(void)
{
	static struct ledger ledger = {.refs = 1};

	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
		ledger.line[kind].part = ledger.line[kind].limit = 1UL << 50;
	return &ledger;
}

/* What is charged is what the maps have, and the objects that they map: these
 * pages and nodes. */
static void
check_ledger(
    struct map *const *maps, unsigned count, uint64_t pages, uint64_t nodes)
{
	struct ledger_line *line = vm_host_ledger()->line;
	uint64_t tables = 0, entries = 0, wired = 0;
	uint64_t bytes = nodes << PAGE_SHIFT;
	struct pmap_weight has;

	for (unsigned i = 0; i < count; i++) {
		struct list *at;

		list_for_each (at, &maps[i]->entries) {
			struct map_entry *entry =
			    container_of(at, struct map_entry, link);

			entries++;
			if (entry->wired > 0)
				wired +=
				    (entry->end - entry->start) >> PAGE_SHIFT;
		}
		has = maps[i]->pmap.spare;
		pmap_check_weight(&maps[i]->pmap, &has);
		pages += has.pages;
		tables += has.tables;
	}
	KASSERT(line[BATON_LEDGER_RESIDENT].use == pages);
	KASSERT(line[BATON_LEDGER_PAGE_TABLES].use == tables);
	KASSERT(line[BATON_LEDGER_MAP_ENTRIES].use == entries);
	KASSERT(line[BATON_LEDGER_WIRED].use == wired);
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
		bytes += line[kind].use * ledger_weights[kind];
	KASSERT(line[BATON_LEDGER_KERNEL].use == bytes);
}

struct map *
vm_host_create(void)
{
	for (unsigned i = 0; i < SPACES; i++) {
		if (spaces[i].map != NULL)
			continue;
		if (map_create(&spaces[i].map) != KERN_SUCCESS)
			return NULL;
		map_pay_from(spaces[i].map, vm_host_ledger());
		spaces[i].generation++;
		return spaces[i].map;
	}
	panic("too many spaces");
}

void
vm_host_destroy(struct map *map)
{
	struct space *space = space_of(&map->pmap);

	if (current == map)
		current = NULL;
	while (map_destroy_step(map))
		continue;
	vm_host_reap();
	space->map = NULL;
}

void
vm_host_set_current(struct map *map)
{
	current = map;
}

/* ---- waiting for pages: a test does so itself ---- */

struct vm_host_wait vm_host_wait;

void
vm_host_maybe_fail(void)
{
	if (random_below(5) == 0)
		page_fail_after(1 + random_below(6));
	if (random_below(5) == 0)
		zone_fail_after(1 + random_below(4));
}

void
vm_host_stop_failing(void)
{
	page_fail_after(0);
	zone_fail_after(0);
	vm_host_wait.failed = NULL;
}

void
memory_wait_init(void)
{
}

kern_return_t
memory_wait_note(const struct memory_source *source, void *object,
    uint64_t where, uint64_t deadline)
{
	bool failed =
	    vm_host_wait.failed == object && vm_host_wait.failed_where == where;

	(void)deadline;
	memory_wait_forget();
	vm_host_wait.failed = NULL;
	if (failed) {
		source->put(object);
		return vm_host_wait.failure;
	}
	vm_host_wait.source = source;
	vm_host_wait.object = object;
	vm_host_wait.where = where;
	return KERN_MEMORY_WAIT;
}

void
memory_wait_forget(void)
{
	if (vm_host_wait.source != NULL)
		vm_host_wait.source->put(vm_host_wait.object);
	vm_host_wait.source = NULL;
}

void
memory_wake(
    const void *object, uint64_t start, uint64_t end, kern_return_t result)
{
	(void)object;
	(void)start;
	(void)end;
	(void)result;
	vm_host_wait.woken++;
}

/* ---- pagers: nobody is one here, unless a test brings vm/pager.c ---- */

#define WEAK __attribute__((weak))

WEAK kern_return_t
pager_view(struct port *port, struct view **viewp)
{
	(void)port;
	(void)viewp;
	return KERN_INVALID_OBJECT;
}

WEAK struct port *
pager_name(struct object *object)
{
	(void)object;
	return NULL;
}

WEAK kern_return_t
pager_allow(struct object *object, uint64_t offset, unsigned access)
{
	(void)object;
	(void)offset;
	(void)access;
	panic("an object with a pager");
}

WEAK kern_return_t
pager_clean_call(struct object *object, const struct pager_clean *template,
    uint64_t *progress)
{
	(void)object;
	(void)template;
	(void)progress;
	panic("an object with a pager");
}

WEAK kern_return_t
pager_clean_step(struct object *object, struct pager_clean *clean)
{
	(void)object;
	(void)clean;
	panic("an object with a pager");
}

WEAK bool
pager_cache_keep(struct object *object)
{
	(void)object;
	panic("an object with a pager");
}

WEAK kern_return_t
pager_pause(struct object *object)
{
	(void)object;
	panic("an object with a pager");
}

WEAK kern_return_t
pager_wait_ready(struct object *object)
{
	(void)object;
	panic("an object with a pager");
}

WEAK kern_return_t
pager_end_step(struct object *object)
{
	(void)object;
	panic("an object with a pager");
}

uint64_t
timer_after_ms(uint32_t milliseconds)
{
	return milliseconds;
}

/* Where pages run out, tests let them: nobody has to wait for more. */
kern_return_t
pageout_admit_slowly(struct map *map)
{
	(void)map;
	return KERN_SUCCESS;
}

/* ---- the store of page replacement ---- */

enum {
	WRITES = 16
};

static struct {
	uint8_t *page[SLOTS]; /* what it has */
	uint32_t asked[SLOTS];
	unsigned asked_count;
	/* Written, but not answered for; the pages are still the kernel's. */
	uint32_t slot[WRITES];
	struct page *copy[WRITES];
	unsigned writing;
} store;

bool vm_host_store_deaf;

kern_return_t
swap_store_ask(uint32_t slot)
{
	if (vm_host_store_deaf)
		return KERN_RESOURCE_SHORTAGE;
	KASSERT(store.asked_count < SLOTS);
	store.asked[store.asked_count++] = slot;
	return KERN_SUCCESS;
}

void
vm_host_store_write(unsigned most)
{
	KASSERT(most <= WRITES);
	if (store.writing > 0)
		return;
	store.writing = swap_write_begin(store.slot, store.copy, most);
}

void
vm_host_store_answer(bool stored)
{
	while (store.writing > 0) {
		struct page *page = store.copy[--store.writing];
		uint32_t slot = store.slot[store.writing];

		KASSERT(slot < SLOTS);
		if (stored) {
			if (store.page[slot] == NULL)
				store.page[slot] = malloc(PAGE_SIZE);
			memcpy(store.page[slot], page_va(page), PAGE_SIZE);
		}
		page_put(page);
		KASSERT(swap_write_end(slot, stored) == KERN_SUCCESS);
		KASSERT(swap_write_end(slot, stored) != KERN_SUCCESS);
	}
}

void
vm_host_store_forget(void)
{
	uint32_t slots[WRITES];
	unsigned count = swap_forget(slots, WRITES);

	while (count > 0) {
		free(store.page[slots[--count]]);
		store.page[slots[count]] = NULL;
	}
}

void
vm_host_store_supply(void)
{
	while (store.asked_count > 0) {
		uint32_t slot = store.asked[--store.asked_count];
		struct page *page;

		KASSERT(swap_supply_begin(slot, &page) == KERN_SUCCESS);
		KASSERT(store.page[slot] != NULL);
		memcpy(page_va(page), store.page[slot], PAGE_SIZE);
		swap_supply_end(slot, page, true);
		KASSERT(swap_supply_begin(slot, &page) != KERN_SUCCESS);
		free(store.page[slot]);
		store.page[slot] = NULL;
	}
}

void
vm_host_store_drop(void)
{
	store.asked_count = 0;
	while (store.writing > 0)
		page_put(store.copy[--store.writing]);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		free(store.page[slot]);
		store.page[slot] = NULL;
	}
}

bool
vm_host_brings(kern_return_t kr)
{
	struct thread *next;

	if (kr != KERN_MEMORY_WAIT)
		return false;
	KASSERT(vm_host_wait.source != NULL);
	kr = vm_host_wait.source->ask(
	    vm_host_wait.object, vm_host_wait.where, &next);
	if (kr != KERN_SUCCESS) {
		vm_host_wait.failed = vm_host_wait.object;
		vm_host_wait.failed_where = vm_host_wait.where;
		vm_host_wait.failure = kr;
	}
	memory_wait_forget();
	vm_host_store_supply();
	return true;
}

/* ---- what tlb.c and cpu.c do on the machine ---- */

void
tlb_add(struct pmap *pmap)
{
	(void)pmap;
}

void
tlb_remove(struct pmap *pmap)
{
	(void)pmap;
}

void
pmap_retire(struct pmap *pmap)
{
	space_of(pmap)->generation++;
}

void
pmap_retire_leaving(struct pmap *pmap)
{
	pmap_retire(pmap);
}

static struct translation *
translation_of(struct space *space, uaddr_t va)
{
	uint64_t number = va >> PAGE_SHIFT;

	return &space->tlb[hart][(number ^ number >> 14) % TLB_SIZE];
}

void
pmap_fence_page(uaddr_t va)
{
	struct translation *entry =
	    translation_of(space_of(&current->pmap), va);

	if (entry->page == (page_floor(va) | 1))
		entry->page = 0;
}

bool
pmap_is_current(const struct pmap *pmap)
{
	return current != NULL && &current->pmap == pmap;
}

bool
pmap_runs_elsewhere(const struct pmap *pmap)
{
	(void)pmap;
	return vm_host_elsewhere;
}

bool
pmap_in_use(const struct pmap *pmap)
{
	(void)pmap;
	return false;
}

/* What a thread keeps; one is enough, as one is at work at a time. */
static struct superpage fresh;

static kern_return_t
serve_fault(struct map *map, uaddr_t va, unsigned access)
{
	kern_return_t kr;

	do
		kr = map_fault(
		    map, va, access, vm_host_superpages ? &fresh : NULL);
	while (kr == KERN_OPERATION_TIMED_OUT || vm_host_brings(kr));
	return kr;
}

/* What the reaper has to do is done when somebody looks. */
static struct list reaped = {&reaped, &reaped};

void
reap_later(struct reap_item *item)
{
	list_add_tail(&reaped, &item->link);
}

void
reap_starved(struct reap_item *item)
{
	/* In a while there is memory again. */
	zone_fail_after(0);
	page_fail_after(0);
	reap_later(item);
}

void
vm_host_reap(void)
{
	superpage_forget(&fresh);
	while (!list_empty(&reaped)) {
		struct reap_item *item =
		    list_first(&reaped, struct reap_item, link);

		list_remove(&item->link);
		while (item->step(item))
			continue;
	}
}

void
arch_sync_code(void)
{
	memset(written, 0, ram_bytes >> PAGE_SHIFT);
}

/* ---- the MMU ---- */

static pte_t
access_right(unsigned access)
{
	return access == VM_PROT_WRITE	? PTE_W
	       : access == VM_PROT_READ ? PTE_R
					: PTE_X;
}

static uint64_t
ram_index(const void *bytes)
{
	return (va_to_pa(bytes) - HOST_RAM_BASE) >> PAGE_SHIFT;
}

bool
vm_host_is_stale_code(const void *bytes)
{
	return written[ram_index(bytes)];
}

/* Look the tables up as the walker does; 0: it would fault. */
static pte_t
walk(const struct map *map, uaddr_t va)
{
	const pte_t *table = map->pmap.root;

	for (unsigned level = PT_LEVELS - 1;; level--) {
		pte_t pte = table[pt_index(va, level)];

		if (!(pte & PTE_V))
			return 0;
		if (pte_is_leaf(pte)) {
			KASSERT(level < 2);
			KASSERT((pte_pa(pte) & (pt_span(level) - 1)) == 0);
			KASSERT(pte & PTE_U);
			KASSERT(pte & PTE_A);
			KASSERT(!(pte & PTE_W) || (pte & PTE_D));
			KASSERT(!(pte & PTE_W) || (pte & PTE_R));
			/* The page's own, if it is in a superpage. */
			return pte +
			       pte_make(
				   page_floor(va & (pt_span(level) - 1)), 0);
		}
		KASSERT(level > 0);
		KASSERT(!(pte & (PTE_U | PTE_A | PTE_D)));
		table = pte_table(pte);
	}
}

kern_return_t
vm_host_access(struct map *map, uaddr_t va, unsigned access, void **bytesp)
{
	struct space *space = space_of(&map->pmap);
	struct translation *entry;
	struct map *saved = current;
	kern_return_t kr = KERN_SUCCESS;

	current = map;
	hart = (unsigned)random() % HARTS;
	entry = translation_of(space, va);
	for (unsigned tries = 0;; tries++) {
		KASSERT(tries < 4);
		if (entry->page != (page_floor(va) | 1) ||
		    entry->generation != space->generation) {
			entry->pte = walk(map, va);
			entry->generation = space->generation;
			entry->page = entry->pte ? page_floor(va) | 1 : 0;
		}
		if (entry->page != 0 && (entry->pte & access_right(access)))
			break;
		kr = serve_fault(map, va, access);
		if (kr != KERN_SUCCESS)
			break;
	}
	current = saved;
	if (kr != KERN_SUCCESS)
		return kr;
	*bytesp = (char *)pa_to_va(pte_pa(entry->pte)) + (va & PAGE_MASK);
	if (access == VM_PROT_WRITE)
		written[ram_index(*bytesp)] = 1;
	return KERN_SUCCESS;
}

static kern_return_t
user_copy(uaddr_t va, char *bytes, size_t size, unsigned access)
{
	if (!user_range_ok(va, size))
		return KERN_INVALID_ADDRESS;
	while (size > 0) {
		size_t piece = min_u64(size, PAGE_SIZE - (va & PAGE_MASK));
		void *user;

		if (vm_host_access(current, va, access, &user) != KERN_SUCCESS)
			return KERN_INVALID_ADDRESS;
		if (access == VM_PROT_READ)
			memcpy(bytes, user, piece);
		else
			memcpy(user, bytes, piece);
		va += piece;
		bytes += piece;
		size -= piece;
	}
	return KERN_SUCCESS;
}

kern_return_t
copyin(void *to, uaddr_t from, size_t size)
{
	return user_copy(from, to, size, VM_PROT_READ);
}

kern_return_t
copyout(uaddr_t to, const void *from, size_t size)
{
	return user_copy(to, (char *)(uintptr_t)from, size, VM_PROT_WRITE);
}

/* ---- where every page is ---- */

static void
count_superpage(const struct page *block, unsigned *count)
{
	if (block->whole == 0) {
		KASSERT(block->order == PAGE_ORDER_MAX);
		(*count)++;
		return;
	}
	for (unsigned i = 0; i < PTE_COUNT; i++)
		count[i]++;
}

/* Entries that speak of each slot of page replacement's. */
static unsigned slot_refs[SLOTS];

/* Count who names each page and table; what a table names, counts once. */
static void
count_entries(
    const pte_t *table, unsigned level, unsigned entries, unsigned *counts)
{
	for (unsigned i = 0; i < entries; i++) {
		pte_t pte = table[i];
		unsigned *count =
		    &counts[(pte_pa(pte) - HOST_RAM_BASE) >> PAGE_SHIFT];

		if (pte == 0 || (level == 0 && (pte & PTE_FOREIGN)))
			continue;
		if (pte & PTE_SWAP) {
			KASSERT(level == 0);
			slot_refs[pte_slot(pte)]++;
			continue;
		}
		KASSERT(pte_pa(pte) - HOST_RAM_BASE < ram_bytes);
		if (level > 0 && pte_is_page(pte)) {
			count_superpage(page_of(pte_pa(pte)), count);
			continue;
		}
		if (level > 0 && *count == 0)
			count_entries(
			    pte_table(pte), level - 1, PTE_COUNT, counts);
		(*count)++;
	}
}

static uint64_t
count_tables(const pte_t *table, unsigned level)
{
	/* A root's upper half is the kernel's. */
	unsigned entries = level == 2 ? PTE_COUNT / 2 : PTE_COUNT;
	uint64_t count = 0;

	for (unsigned i = 0; level > 0 && i < entries; i++) {
		if (table[i] != 0 && !pte_is_page(table[i]))
			count +=
			    1 + count_tables(pte_table(table[i]), level - 1);
	}
	return count;
}

static void
count_page(void *counts, struct page *page)
{
	((unsigned *)counts)[(page_pa(page) - HOST_RAM_BASE) >> PAGE_SHIFT]++;
}

/* What objects have of their own; pages that are slots among it. */
static uint64_t object_pages, object_nodes;

static void
count_object_page(void *counts, struct page *page)
{
	object_nodes++;
	count_page(counts, page);
}

/* Each object is counted at the first entry that maps it, and by nobody else
 * is it held. */
static void
count_objects(struct map *map, unsigned *counts)
{
	struct list *link;

	list_for_each (link, &map->entries) {
		struct map_entry *entry =
		    container_of(link, struct map_entry, link);
		struct object *object = entry->object;

		if (object == NULL ||
		    object->mappings.next != &entry->object_link)
			continue;
		object_check(object, count_object_page, counts);
		KASSERT(object->pages_ledger == vm_host_ledger());
		object_pages += object->pages;
		object_nodes -= object->pages;
		KASSERT(object->refs == object->mapping_count);
	}
}

static void
check_slot(void *counts, uint32_t slot, uint32_t refs, struct page *page)
{
	KASSERT(slot < SLOTS);
	KASSERT(slot_refs[slot] == refs);
	if (page != NULL)
		count_page(counts, page);
}

uint64_t
vm_host_check_references(struct map *const *maps, unsigned count)
{
	uint64_t named = count; /* the roots */
	unsigned *counts = calloc(ram_bytes >> PAGE_SHIFT, sizeof(*counts));

	memset(slot_refs, 0, sizeof(slot_refs));
	object_pages = object_nodes = 0;
	vm_host_reap();
	for (unsigned i = 0; i < count; i++) {
		const pte_t *root = maps[i]->pmap.root;

		count_entries(root, PT_LEVELS - 1, PTE_COUNT / 2, counts);
		count_objects(maps[i], counts);
		KASSERT(maps[i]->pmap.table_count == count_tables(root, 2));
	}
	check_ledger(maps, count, object_pages, object_nodes);
	swap_check(check_slot, counts);
	for (uint64_t k = 0; k < ram_bytes >> PAGE_SHIFT; k++) {
		struct page *page = page_of(HOST_RAM_BASE + (k << PAGE_SHIFT));

		if (counts[k] == 0)
			continue;
		KASSERT(page->state == PAGE_USED);
		KASSERT(page->refs == counts[k]);
		named += 1U << page->order;
	}
	free(counts);
	return named;
}

uint64_t
vm_host_pages_at_rest(void)
{
	uint64_t pages = page_free_count();

	for (struct zone *zone = NULL; (zone = zone_next(zone)) != NULL;) {
		uint64_t per_slab =
		    ((PAGE_SIZE << zone->order) - CACHE_LINE) / zone->size;

		pages += zone->total / per_slab << zone->order;
	}
	return pages;
}

uint64_t
vm_host_objects(void)
{
	uint64_t count = 0;

	for (struct zone *zone = NULL; (zone = zone_next(zone)) != NULL;)
		count += zone_in_use(zone);
	return count;
}
