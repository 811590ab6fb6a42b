/*
 * vm/contents.c: messages to a task's port that copy what is in its memory.
 *
 * Each takes a transfer from one map and maps it into another, or puts it over
 * memory that is there (vm/copy.h).  So the usual rules bound how much memory a
 * caller can make the kernel use, and nothing of the second map is changed
 * before all of the first was found good.
 */
#include <arch/layout.h>
#include <serve/mach_vm.h>

#include "ipc/kserver.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/zone.h"
#include "vm/copy.h"
#include "vm/map.h"
#include "vm/map_range.h"
#include "vm/transfer.h"

/* Does [@address, @address + @size) have whole pages? */
static bool
has_end(uaddr_t address, uint64_t size)
{
	return address <= UINT64_MAX - PAGE_MASK &&
	       size <= UINT64_MAX - PAGE_MASK - address;
}

/* ---- parts ---- */

/* KCALL_AGAIN: others are to have a turn before there is more. */
static kern_return_t
take(struct map *map, uaddr_t address, uint64_t size,
    struct transfer **transferp)
{
	kern_return_t kr;

	do {
		kr =
		    transfer_take(map, address, size, TRANSFER_READ, transferp);
		if (kr != KERN_OPERATION_TIMED_OUT)
			return kr;
	} while (!thread_should_yield());
	return KCALL_AGAIN;
}

static kern_return_t
overwrite(
    struct transfer *transfer, struct map *map, uaddr_t to, uint64_t *donep)
{
	kern_return_t kr;

	do {
		kr = transfer_overwrite(transfer, map, to, donep);
		if (kr != KERN_OPERATION_TIMED_OUT)
			return kr;
	} while (!thread_should_yield());
	return KCALL_AGAIN;
}

/* true: others are to have a turn before there is more. */
static bool
give_up(struct transfer *transfer)
{
	while (transfer_destroy_step(transfer)) {
		if (thread_should_yield())
			return true;
	}
	return false;
}

/* ---- from one map to another ---- */

struct copy {
	struct map *from_map, *to_map;
	uaddr_t from, to;
	uint64_t size;
};

/* Progress of such a copy. */
enum {
	COPY_TRANSFER,
	COPY_DONE,   /* bytes put in their place */
	COPY_RESULT, /* COPY_OVER, and what the call will answer */
};
#define COPY_OVER (1UL << 32)

static kern_return_t
copy_most(const struct copy *copy, uint64_t *progress)
{
	struct transfer *transfer = (struct transfer *)progress[COPY_TRANSFER];
	kern_return_t kr;

	kr = take(copy->from_map, copy->from, copy->size, &transfer);
	progress[COPY_TRANSFER] = (uint64_t)transfer;
	if (kr == KERN_SUCCESS)
		kr = overwrite(
		    transfer, copy->to_map, copy->to, &progress[COPY_DONE]);
	return kr;
}

static kern_return_t
copy_steps(const struct copy *copy)
{
	uint64_t *progress = call_progress();
	kern_return_t kr;

	if (!(progress[COPY_RESULT] & COPY_OVER)) {
		kr = copy_most(copy, progress);
		if (call_goes_on(kr))
			return kr;
		progress[COPY_RESULT] = COPY_OVER | (uint32_t)kr;
	}
	if (give_up((struct transfer *)progress[COPY_TRANSFER]))
		return KCALL_AGAIN;
	return (kern_return_t)(uint32_t)progress[COPY_RESULT];
}

kern_return_t
serve_mach_vm_copy(struct map *map, mach_vm_address_t source,
    mach_vm_size_t size, mach_vm_address_t destination)
{
	struct copy copy = {
	    .from_map = map,
	    .from = source,
	    .to_map = map,
	    .to = destination,
	    .size = size,
	};

	if (!has_end(source, size) || !has_end(destination, size))
		return KERN_INVALID_ARGUMENT;
	return copy_steps(&copy);
}

/* Into memory that the caller has already. */
kern_return_t
serve_mach_vm_read_overwrite(struct map *map, mach_vm_address_t address,
    mach_vm_size_t size, mach_vm_address_t data, mach_vm_size_t *copied)
{
	struct copy copy = {
	    .from_map = map,
	    .from = address,
	    .to_map = current_thread()->task->map,
	    .to = data,
	    .size = size,
	};

	if (!has_end(address, size) || !has_end(data, size))
		return KERN_INVALID_ARGUMENT;
	*copied = size;
	return copy_steps(&copy);
}

/* ---- to and from a message ---- */

kern_return_t
serve_mach_vm_read(struct map *map, mach_vm_address_t address,
    mach_vm_size_t size, struct transfer **data, mach_msg_type_number_t *count)
{
	uint64_t *progress = call_progress();
	struct transfer *transfer = (struct transfer *)progress[COPY_TRANSFER];
	kern_return_t kr;

	if (size > UINT32_MAX || !has_end(address, size))
		return KERN_INVALID_ARGUMENT;
	kr = take(map, address, size, &transfer);
	progress[COPY_TRANSFER] = (uint64_t)transfer;
	if (kr != KERN_SUCCESS)
		return kr;
	*data = transfer;
	*count = (uint32_t)size;
	return KERN_SUCCESS;
}

kern_return_t
serve_mach_vm_write(struct map *map, mach_vm_address_t address,
    struct transfer *data, mach_msg_type_number_t size)
{
	if (!has_end(address, size))
		return KERN_INVALID_ARGUMENT;
	return overwrite(data, map, address, &call_progress()[COPY_DONE]);
}

/* ---- several reads ---- */

/*
 * What a call that reads several ranges has got so far.  If one of them fails,
 * those before it leave the caller's map again, for which no memory is needed:
 * they are joined with their neighbours when all are there.
 */
struct read_list {
	struct transfer *transfer;
	uint32_t at;		    /* the one at hand */
	uint32_t settled;	    /* ... when all are there */
	bool failed;		    /* it is being undone, from @at - 1 down */
	kern_return_t why;	    /* ... and this is the answer */
	uint64_t undone;	    /* bytes of the one at hand */
	mach_vm_read_entry_t entry; /* the ranges; those read, in our map */
};

static kern_return_t
read_one(struct map *map, struct read_list *list)
{
	struct mach_vm_read_entry *entry = &list->entry[list->at];
	kern_return_t kr;

	if (entry->size == 0) {
		entry->address = 0;
		list->at++;
		return KERN_SUCCESS;
	}
	if (!has_end(entry->address, entry->size))
		return KERN_INVALID_ARGUMENT;
	kr = take(map, entry->address, entry->size, &list->transfer);
	if (kr == KERN_SUCCESS)
		kr = transfer_map_placing(list->transfer,
		    current_thread()->task->map, &entry->address);
	if (kr != KERN_SUCCESS)
		return kr;
	list->transfer = NULL;
	list->at++;
	return KERN_SUCCESS;
}

/* Take what was read out of the caller's map again. */
static kern_return_t
undo_reads(struct read_list *list)
{
	struct map *map = current_thread()->task->map;

	if (give_up(list->transfer))
		return KCALL_AGAIN;
	list->transfer = NULL;
	while (list->at > 0) {
		const struct mach_vm_read_entry *entry =
		    &list->entry[list->at - 1];

		/* Only if its threads have meanwhile joined it with others
		 * can it fail: then it is theirs. */
		if (map_deallocate(map, entry->address, entry->size,
			&list->undone) == KERN_SUCCESS &&
		    entry->size > 0 &&
		    map_range_more(entry->address, entry->size, list->undone)) {
			if (thread_should_yield())
				return KCALL_AGAIN;
			continue;
		}
		list->undone = 0;
		list->at--;
	}
	return list->why;
}

/* They become regions like others. */
static kern_return_t
settle_reads(struct read_list *list)
{
	struct map *map = current_thread()->task->map;

	while (list->settled < list->at) {
		const struct mach_vm_read_entry *entry =
		    &list->entry[list->settled++];

		spin_lock(&map->lock);
		map_settle(map, entry->address, entry->address + entry->size);
		spin_unlock(&map->lock);
		if (thread_should_yield())
			return KCALL_AGAIN;
	}
	return KERN_SUCCESS;
}

static kern_return_t
read_all(struct map *map, uint32_t count, struct read_list *list)
{
	kern_return_t kr;

	while (!list->failed && list->at < count) {
		kr = read_one(map, list);
		if (call_goes_on(kr))
			return kr;
		if (kr == KERN_SUCCESS && thread_should_yield())
			return KCALL_AGAIN;
		list->failed = kr != KERN_SUCCESS;
		list->why = kr;
	}
	return list->failed ? undo_reads(list) : settle_reads(list);
}

/* @entries: VM_MAP_ENTRY_MAX struct mach_vm_read_entry, in a message. */
kern_return_t
serve_mach_vm_read_list(struct map *map, natural_t *entries, natural_t count)
{
	uint64_t *progress = call_progress();
	struct read_list *list = (struct read_list *)progress[0];
	kern_return_t kr;

	if (count > VM_MAP_ENTRY_MAX)
		return KERN_INVALID_ARGUMENT;
	if (list == NULL) {
		list = kmem_alloc(sizeof(*list));
		if (list == NULL)
			return KERN_RESOURCE_SHORTAGE;
		memset(list, 0, sizeof(*list));
		memcpy(list->entry, entries, sizeof(list->entry));
		progress[0] = (uint64_t)list;
	}
	kr = read_all(map, count, list);
	if (call_goes_on(kr))
		return kr;
	if (kr == KERN_SUCCESS)
		memcpy(entries, list->entry, sizeof(list->entry));
	kmem_free(list, sizeof(*list));
	return kr;
}
