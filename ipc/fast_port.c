/*
 * fast_port.c: a receive right made of what the space keeps, kept.h, and one
 * ended that it will keep, by traps on one's own names.
 *
 * Each takes the space's lock and no other, calls nobody where that is free,
 * and goes the general way, port_traps.c, with nothing changed where anything
 * is not as it most often is.
 */
#include "ipc/fast_port.h"

#include <arch/usercopy.h>
#include <mach/trap_numbers.h>

#include "ipc/kept.h"
#include "ipc/mach_port.h"
#include "ipc/traps.h"
#include "kernel/task.h"
#include "kernel/thread.h"

/* Is @target the caller's own task, as nearly always?  Locks: the space's. */
static inline bool
is_self(const struct space *space, uint64_t target)
{
	return likely((mach_port_name_t)target == space->self_name &&
		      space->self_entry->key == space->self_key);
}

/* ---- making ---- */

/* Where a page is yet to come to which the name goes, the trap is made again,
 * with these. */
static void
keep_arguments(uint64_t target, uint64_t right, uaddr_t namep)
{
	struct trapframe *tf = &current_thread()->tf;

	tf->t0 = (uint64_t)TRAP_MACH_PORT_ALLOCATE;
	tf->a0 = target;
	tf->a1 = right;
	tf->a2 = namep;
}

static never_inline kern_return_t
allocate_generally(uint64_t target, uint64_t right, uaddr_t namep)
{
	keep_arguments(target, right, namep);
	return port_allocate_trap(target, right, namep);
}

/* The same when it is the caller's turn to have the space. */
static never_inline kern_return_t
allocate_in_turn(uint64_t target, uint64_t right, uaddr_t namep, int64_t word)
{
	struct space *space = current_thread()->fast.space;

	spin_wait(&space->lock, word);
	spin_unlock(&space->lock);
	return allocate_generally(target, right, namep);
}

kern_return_t
fast_port_allocate(uint64_t target, uint64_t right, uaddr_t namep)
{
	struct space *space = current_thread()->fast.space;
	mach_port_name_t name = MACH_PORT_NULL;
	int64_t word;

	if (unlikely(!spin_lock_or_queue(&space->lock, &word)))
		return allocate_in_turn(target, right, namep, word);
	if (likely(right == MACH_PORT_RIGHT_RECEIVE) && is_self(space, target))
		name = kept_take(space);
	spin_unlock(&space->lock);
	if (unlikely(name == MACH_PORT_NULL))
		return allocate_generally(target, right, namep);
	return copyout_name(target, right, namep, name);
}

kern_return_t
port_name_later(
    uint64_t target, uint64_t right, uaddr_t namep, mach_port_name_t name)
{
	keep_arguments(target, right, namep);
	if (copyout(namep, &name, sizeof(name)) == KERN_SUCCESS)
		return KERN_SUCCESS;
	mach_port_destroy(current_thread()->fast.space, name);
	return KERN_INVALID_ADDRESS;
}

static never_inline mach_port_name_t
reply_port_in_turn(struct space *space, int64_t word)
{
	spin_wait(&space->lock, word);
	spin_unlock(&space->lock);
	return mach_reply_port();
}

mach_port_name_t
fast_reply_port(void)
{
	struct space *space = current_thread()->fast.space;
	mach_port_name_t name;
	int64_t word;

	if (unlikely(!spin_lock_or_queue(&space->lock, &word)))
		return reply_port_in_turn(space, word);
	name = kept_take(space);
	spin_unlock(&space->lock);
	return likely(name != MACH_PORT_NULL) ? name : mach_reply_port();
}

/* ---- ending ---- */

static never_inline kern_return_t
mod_refs_in_turn(uint64_t target, uint64_t name, uint64_t right, uint64_t delta,
    int64_t word)
{
	struct space *space = current_thread()->fast.space;

	spin_wait(&space->lock, word);
	spin_unlock(&space->lock);
	return port_mod_refs_trap(target, name, right, delta);
}

/* The entry of one of the first names, if it is below @bound and @name a
 * receive right alone.  Locks: the space's. */
static inline struct entry *
find_receive(struct space *space, uint64_t name)
{
	struct entry *entry;

	/* Where names have been in use there is a chunk. */
	if (unlikely(name >> NAME_INDEX_SHIFT >= space->bound ||
		     name >> (NAME_INDEX_SHIFT + CHUNK_SHIFT) >= FIRST_CHUNKS ||
		     space->dead))
		return NULL;
	entry = space_entry_locked(space, name_index((mach_port_name_t)name));
	return likely(entry->key == (MACH_PORT_TYPE_RECEIVE | (uint8_t)name))
		   ? entry
		   : NULL;
}

kern_return_t
fast_port_mod_refs(
    uint64_t target, uint64_t name, uint64_t right, uint64_t delta)
{
	struct space *space = current_thread()->fast.space;
	struct entry *entry = NULL;
	bool kept = false;
	int64_t word;

	if (unlikely(right != MACH_PORT_RIGHT_RECEIVE || ~delta != 0))
		return port_mod_refs_trap(target, name, right, delta);
	if (unlikely(!spin_lock_or_queue(&space->lock, &word)))
		return mod_refs_in_turn(target, name, right, delta, word);
	if (is_self(space, target))
		entry = find_receive(space, name);
	if (likely(entry != NULL))
		kept = kept_keep(space, (mach_port_name_t)name, entry);
	spin_unlock(&space->lock);
	return likely(kept) ? KERN_SUCCESS
			    : port_mod_refs_trap(target, name, right, delta);
}
