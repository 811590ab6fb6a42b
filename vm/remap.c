/*
 * remap.c: mach_vm_remap(): memory of one map is seen in another too, or a copy
 * of it.
 */
#include <arch/layout.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <serve/mach_vm.h>

#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/task.h"
#include "vm/map_tree.h"
#include "vm/object.h"
#include "vm/user.h"
#include "vm/view_call.h"

struct remap {
	uaddr_t address;
	uint64_t size, mask;
	unsigned flags;
	uaddr_t source_address;
	bool copy;
	unsigned inherit;
};

#define FLAGS_KNOWN                                                            \
	(VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE | VM_FLAGS_RETURN_DATA_ADDR |  \
	    VM_FLAGS_IGNORED)

static kern_return_t
check(const struct remap *remap, uint64_t *startp, uint64_t *sizep)
{
	if (remap->size == 0 || (remap->flags & ~(unsigned)FLAGS_KNOWN) != 0 ||
	    remap->inherit > VM_INHERIT_LAST_VALID)
		return KERN_INVALID_ARGUMENT;
	*startp = remap->source_address;
	*sizep = remap->size;
	return vm_whole_pages(startp, sizep);
}

/*
 * Is all of the range a pager's object?  Then a private mapping of that is a
 * copy, whose pages come when they are touched.  If it is something else by the
 * time it is taken, its pages are copied from what becomes an object.
 */
static bool
is_paged(struct map *map, uint64_t start, uint64_t end)
{
	struct map_entry *entry;
	bool paged;

	spin_lock(&map->lock);
	entry = map_find(map, start);
	paged = entry != NULL && entry->start <= start && end <= entry->end &&
		entry->kind == MAP_OBJECT && entry->object->pager != NULL;
	spin_unlock(&map->lock);
	return paged;
}

/* Everything is checked but what the maps say. */
static kern_return_t
begin(struct map *map, struct port *source, const struct remap *remap)
{
	uint64_t start, size;
	kern_return_t kr = check(remap, &start, &size);
	struct view_call *call;
	struct task *task;

	if (kr != KERN_SUCCESS)
		return kr;
	if (start >= USER_END || size > USER_END - start)
		return KERN_INVALID_ADDRESS;
	task = port_task_get(source);
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	call = view_call_begin();
	if (call == NULL) {
		task_put(task);
		return KERN_RESOURCE_SHORTAGE;
	}
	call->source = task;
	call->take.share.from = task->map;
	call->take.share.next = start;
	call->take.share.end = start + size;
	call->take.kind =
	    remap->copy && !is_paged(task->map, start, start + size)
		? VIEW_COPY
		: VIEW_SHARE;
	call->place = (struct view_place){
	    .map = map,
	    .size = size,
	    .mask = remap->mask,
	    .address = page_floor(remap->address),
	    .anywhere = (remap->flags & VM_FLAGS_ANYWHERE) != 0,
	    .overwrite = (remap->flags & VM_FLAGS_OVERWRITE) != 0,
	    .private = remap->copy,
	    .as_taken = true,
	    .prot = VM_PROT_ALL,
	    .max_prot = VM_PROT_ALL,
	    .inherit = remap->inherit,
	};
	return KERN_SUCCESS;
}

static kern_return_t
run(struct view_call *call)
{
	if (call->place.view == NULL) {
		kern_return_t kr = view_call_take(call);

		if (kr != KERN_SUCCESS)
			return kr;
		call->place.view = call->take.view;
		call->take.view = NULL;
	}
	return view_call_place(call);
}

kern_return_t
serve_mach_vm_remap(struct map *map, mach_vm_address_t *address,
    mach_vm_size_t size, mach_vm_offset_t mask, int flags, struct port *source,
    mach_vm_address_t source_address, boolean_t copy, vm_prot_t *protection,
    vm_prot_t *maximum, vm_inherit_t inheritance)
{
	struct remap remap = {
	    .address = *address,
	    .size = size,
	    .mask = mask,
	    .flags = (uint32_t)flags,
	    .source_address = source_address,
	    .copy = copy != FALSE,
	    .inherit = inheritance,
	};
	kern_return_t kr = KERN_SUCCESS;
	unsigned prot, max_prot;
	struct view_call *call;

	if (view_call_current() == NULL)
		kr = begin(map, source, &remap);
	if (kr != KERN_SUCCESS)
		return kr;
	call = view_call_current();
	kr = run(call);
	if (call_goes_on(kr))
		return kr;
	if (kr == KERN_SUCCESS) {
		view_rights(
		    call->place.view, 0, call->place.size, &prot, &max_prot);
		*protection = (vm_prot_t)prot;
		*maximum = (vm_prot_t)max_prot;
		*address = call->place.address;
		if (flags & VM_FLAGS_RETURN_DATA_ADDR)
			*address += source_address & PAGE_MASK;
		right_release_send(source);
	}
	view_call_end(call);
	return kr;
}
