/*
 * vm/msync.c: mach_vm_msync(): what was written goes to the pagers it is of.
 */
#include <mach/vm_sync.h>
#include <serve/mach_vm.h>

#include "ipc/kserver.h"
#include "kernel/sched.h"
#include "vm/map.h"
#include "vm/map_tree.h"
#include "vm/object.h"
#include "vm/pager.h"
#include "vm/user.h"

#define SYNC_KNOWN                                                             \
	(VM_SYNC_ASYNCHRONOUS | VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE |     \
	    VM_SYNC_KILLPAGES | VM_SYNC_DEACTIVATE | VM_SYNC_CONTIGUOUS |      \
	    VM_SYNC_REUSABLEPAGES)
/* Those that have something done about pages. */
#define SYNC_PAGES                                                             \
	(VM_SYNC_ASYNCHRONOUS | VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE |     \
	    VM_SYNC_KILLPAGES)
/* Map entries that one step looks at. */
#define STEP_ENTRIES 256

/* Progress of the call. */
enum {
	SYNC_DONE,  /* bytes of the range */
	SYNC_CLEAN, /* what is being cleaned, or 0: pager_clean_call()'s */
	SYNC_END,   /* bytes of the range that will then be done */
};

/* A part of the range that is a pager's. */
struct part {
	struct object *object; /* with a reference; NULL: there is none */
	uint64_t offset;       /* in it */
	uaddr_t start, end;
};

static bool
has_pager(const struct map_entry *entry)
{
	return entry->kind == MAP_OBJECT && entry->object->pager != NULL;
}

/*
 * The first part of [@at, @end) that is a pager's.  Without one, part->end is
 * how far the search got.  KERN_INVALID_ADDRESS: a hole, and there may be none.
 */
static kern_return_t
find_locked(struct map *map, uaddr_t at, uaddr_t end, bool contiguous,
    struct part *part)
{
	struct map_entry *entry = map_find(map, at);

	for (unsigned i = 0; i < STEP_ENTRIES && at < end; i++) {
		if (contiguous && (entry == NULL || entry->start > at))
			return KERN_INVALID_ADDRESS;
		if (entry == NULL || entry->start >= end) {
			at = end;
			break;
		}
		at = max_u64(at, entry->start);
		if (has_pager(entry)) {
			part->object = object_get(entry->object);
			part->offset = entry->window + (at - entry->start);
			part->start = at;
			at = min_u64(entry->end, end);
			break;
		}
		at = entry->end;
		entry = map_next(map, entry);
	}
	part->end = min_u64(at, end);
	return KERN_SUCCESS;
}

static struct pager_clean
what_to_do(const struct part *part, vm_sync_t flags)
{
	return (struct pager_clean){
	    .at = part->offset,
	    .end = part->offset + (part->end - part->start),
	    .should_return = flags & VM_SYNC_KILLPAGES
				 ? MEMORY_OBJECT_RETURN_NONE
				 : MEMORY_OBJECT_RETURN_DIRTY,
	    .flush = (flags & (VM_SYNC_INVALIDATE | VM_SYNC_KILLPAGES)) != 0,
	    .wait_for_room = true,
	    .wait_taken = (flags & VM_SYNC_SYNCHRONOUS) != 0,
	};
}

/* Some of the range. */
static kern_return_t
sync_step(struct map *map, uaddr_t address, uint64_t size, vm_sync_t flags)
{
	uint64_t *progress = call_progress();
	struct part part = {0};
	struct pager_clean clean;
	kern_return_t kr;

	/* Whatever has become of the range meanwhile. */
	if (progress[SYNC_CLEAN] != 0)
		return pager_clean_call(NULL, NULL, &progress[SYNC_CLEAN]);
	progress[SYNC_DONE] = progress[SYNC_END];
	spin_lock(&map->lock);
	kr = find_locked(map, address + progress[SYNC_DONE], address + size,
	    (flags & VM_SYNC_CONTIGUOUS) != 0, &part);
	spin_unlock(&map->lock);
	if (kr != KERN_SUCCESS)
		return kr;
	progress[SYNC_END] = part.end - address;
	if (part.object != NULL) {
		clean = what_to_do(&part, flags);
		if (flags & SYNC_PAGES)
			kr = pager_clean_call(
			    part.object, &clean, &progress[SYNC_CLEAN]);
		object_put(part.object);
	}
	return kr;
}

kern_return_t
serve_mach_vm_msync(struct map *map, mach_vm_address_t address,
    mach_vm_size_t size, vm_sync_t flags)
{
	const vm_sync_t both = VM_SYNC_ASYNCHRONOUS | VM_SYNC_SYNCHRONOUS;
	uint64_t *progress = call_progress();

	if ((flags & ~SYNC_KNOWN) != 0 || (flags & both) == both ||
	    vm_whole_pages(&address, &size) != KERN_SUCCESS)
		return KERN_INVALID_ARGUMENT;
	while (progress[SYNC_END] < size || progress[SYNC_CLEAN] != 0) {
		kern_return_t kr = sync_step(map, address, size, flags);

		if (kr != KERN_SUCCESS)
			return kr;
		if (progress[SYNC_END] < size && thread_should_yield())
			return KCALL_AGAIN;
	}
	return KERN_SUCCESS;
}
