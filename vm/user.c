/*
 * vm/user.c: memory calls: traps for a task's own frequent ones, messages to a
 * task's port for all.
 *
 * Long because all of the calls on memory are here, each of them short.
 *
 * Both end in vm/map.h.  Whatever takes longer the more memory it is about goes
 * in steps: a trap keeps its progress in the thread and yields, a message
 * routine keeps it in the call and returns KCALL_AGAIN.
 */
#include "vm/user.h"

#include <arch/layout.h>
#include <arch/usercopy.h>
#include <mach/vm_statistics.h>
#include <serve/mach_vm.h>

#include "ipc/right.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/zone.h"
#include "vm/map.h"
#include "vm/memory_entry.h"

/* The task that @target names in the caller's space, with a reference. */
static struct task *
target_task(uint64_t target)
{
	return task_from_name(
	    current_thread()->task->space, (mach_port_name_t)target);
}

/* ---- what traps and messages share ---- */

/* All that a caller may choose of new memory. */
struct request {
	uint64_t size, mask;
	unsigned flags, prot, max_prot, inherit;
};

static kern_return_t
allocate(struct map *map, uaddr_t *addressp, const struct request *request)
{
	if (request->prot & ~request->max_prot)
		return KERN_INVALID_ARGUMENT;
	return map_allocate(map, addressp, request->size, request->mask,
	    request->flags & ~VM_FLAGS_IGNORED, request->prot,
	    request->max_prot, request->inherit);
}

/* Memory as vm_allocate() gives it, of which 0 bytes are at address 0. */
static kern_return_t
allocate_plain(
    struct map *map, uaddr_t *addressp, uint64_t size, unsigned flags)
{
	struct request request = {
	    .size = size,
	    .flags = flags,
	    .prot = VM_PROT_DEFAULT,
	    .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_DEFAULT,
	};

	if (size == 0) {
		*addressp = 0;
		return KERN_SUCCESS;
	}
	return allocate(map, addressp, &request);
}

kern_return_t
vm_whole_pages(uint64_t *addressp, uint64_t *sizep)
{
	uint64_t start = page_floor(*addressp);
	uint64_t end;

	if (__builtin_add_overflow(*addressp, *sizep, &end) ||
	    end > UINT64_MAX - PAGE_MASK)
		return KERN_INVALID_ARGUMENT;
	*addressp = start;
	/* No bytes are in no page, wherever they are not. */
	if (*sizep > 0)
		*sizep = page_ceil(end) - start;
	return KERN_SUCCESS;
}

/* What may be done to a range, step by step. */
enum range_change {
	RANGE_DEALLOCATE,
	RANGE_PROTECT,	       /* to what */
	RANGE_PROTECT_MAXIMUM, /* to what */
	RANGE_INHERIT,	       /* how */
};

/* Whole pages. */
struct range {
	uint64_t address, size;
	enum range_change change;
	uint32_t value; /* what the change says it is */
};

/* One step, *@donep bytes being done; KCALL_AGAIN while there is more. */
static kern_return_t
range_step(struct map *map, const struct range *range, uint64_t *donep)
{
	kern_return_t kr = KERN_SUCCESS;

	if (*donep >= range->size)
		return KERN_SUCCESS;
	switch (range->change) {
	case RANGE_DEALLOCATE:
		kr = map_deallocate(map, range->address, range->size, donep);
		break;
	case RANGE_PROTECT:
	case RANGE_PROTECT_MAXIMUM:
		kr = map_protect(map, range->address, range->size,
		    range->change == RANGE_PROTECT_MAXIMUM, range->value,
		    donep);
		break;
	case RANGE_INHERIT:
		kr = map_inherit(
		    map, range->address, range->size, range->value, donep);
		break;
	}
	if (kr != KERN_SUCCESS || *donep >= range->size)
		return kr;
	return KCALL_AGAIN;
}

/* ---- traps ---- */

/* For as much as a map may have, of which there are no tables. */
#define TAKE_BACK_STEPS 8

/* The caller will not learn of memory that was just made for it. */
static void
take_back(struct map *map, uaddr_t start, uint64_t size)
{
	uint64_t done = 0;

	/* Nobody has touched it yet, so a few steps are enough; and if some
	 * other thread of the task had a hand in it, that is its own affair. */
	for (unsigned i = 0; i < TAKE_BACK_STEPS; i++) {
		if (map_deallocate(map, start, size, &done) != KERN_SUCCESS ||
		    !map_range_more(start, size, done))
			return;
	}
}

/*
 * New memory in @target's map, its address read from and written to the
 * caller's *@address.
 */
static kern_return_t
allocate_trap(uint64_t target, uaddr_t address,
    kern_return_t (*make)(
	struct map *map, uaddr_t *addressp, const struct request *request),
    const struct request *request)
{
	struct task *task;
	uaddr_t start;
	kern_return_t kr = copyin(&start, address, sizeof(start));

	if (kr != KERN_SUCCESS)
		return kr;
	/* It may take steps: by message only. */
	if (request->flags & VM_FLAGS_OVERWRITE)
		return KERN_INVALID_ARGUMENT;
	task = target_task(target);
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = make(task->map, &start, request);
	if (kr == KERN_SUCCESS) {
		kr = copyout(address, &start, sizeof(start));
		if (kr != KERN_SUCCESS && request->size > 0)
			take_back(task->map, start, request->size);
	}
	task_put(task);
	return kr;
}

static kern_return_t
make_plain(struct map *map, uaddr_t *addressp, const struct request *request)
{
	return allocate_plain(map, addressp, request->size, request->flags);
}

kern_return_t
vm_allocate_trap(
    uint64_t target, uaddr_t address, uint64_t size, uint64_t flags)
{
	struct request request = {.size = size, .flags = (uint32_t)flags};

	return allocate_trap(target, address, make_plain, &request);
}

kern_return_t
vm_map_trap(uint64_t target, uaddr_t address, uint64_t size, uint64_t mask,
    uint64_t flags, uint64_t prot)
{
	struct request request = {
	    .size = size,
	    .mask = mask,
	    .flags = (uint32_t)flags,
	    .prot = (uint32_t)prot,
	    .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_DEFAULT,
	};

	return allocate_trap(target, address, allocate, &request);
}

static noreturn void range_continue(void);

/*
 * Steps of a trap until it is done.  The thread's step state: the task, with
 * a reference; address, size, how much is done, change and value.
 */
static kern_return_t
range_run(void)
{
	struct step_state *step = &current_thread()->step;
	struct task *task = step->object;
	struct range range = {
	    .address = step->word[0],
	    .size = step->word[1],
	    .change = (enum range_change)(step->word[3] >> 32),
	    .value = (uint32_t)step->word[3],
	};
	kern_return_t kr;

	for (;;) {
		kr = range_step(task->map, &range, &step->word[2]);
		if (kr != KCALL_AGAIN)
			break;
		if (thread_should_yield())
			sched_yield(range_continue);
	}
	task_put(task);
	return kr;
}

static noreturn void
range_continue(void)
{
	thread_return_value((uint64_t)range_run());
}

static kern_return_t
range_trap(uint64_t target, uint64_t address, uint64_t size,
    enum range_change change, uint32_t value)
{
	struct step_state *step = &current_thread()->step;
	kern_return_t kr = vm_whole_pages(&address, &size);
	struct task *task;

	if (kr != KERN_SUCCESS)
		return kr;
	task = target_task(target);
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	*step = (struct step_state){
	    .object = task,
	    .word = {address, size, 0, (uint64_t)change << 32 | value},
	};
	return range_run();
}

kern_return_t
vm_deallocate_trap(uint64_t target, uint64_t address, uint64_t size)
{
	return range_trap(target, address, size, RANGE_DEALLOCATE, 0);
}

kern_return_t
vm_protect_trap(uint64_t target, uint64_t address, uint64_t size,
    uint64_t set_maximum, uint64_t prot)
{
	return range_trap(target, address, size,
	    (uint32_t)set_maximum != 0 ? RANGE_PROTECT_MAXIMUM : RANGE_PROTECT,
	    (uint32_t)prot);
}

/* ---- how much there is ---- */

bool
vm_count_range_step(
    struct map *map, uaddr_t *addressp, uint64_t end, uint64_t *pagesp)
{
	bool more;

	spin_lock(&map->lock);
	more = pmap_count_step(&map->pmap, addressp, end, pagesp);
	spin_unlock(&map->lock);
	return more;
}

bool
vm_count_step(struct map *map, uaddr_t *addressp, uint64_t *pagesp)
{
	return vm_count_range_step(map, addressp, USER_END, pagesp);
}

/* ---- messages: regions ---- */

kern_return_t
serve_mach_vm_allocate(
    struct map *map, mach_vm_address_t *address, mach_vm_size_t size, int flags)
{
	kern_return_t kr;

	do {
		kr = allocate_plain(map, address, size, (uint32_t)flags);
		if (kr != KERN_OPERATION_TIMED_OUT)
			return kr;
	} while (!thread_should_yield());
	return KCALL_AGAIN;
}

/* A part of a change of a range, whose bounds are as the caller gave them. */
static kern_return_t
serve_range(struct map *map, struct range range)
{
	kern_return_t kr = vm_whole_pages(&range.address, &range.size);

	if (kr != KERN_SUCCESS)
		return kr;
	return range_step(map, &range, call_progress());
}

kern_return_t
serve_mach_vm_deallocate(
    struct map *map, mach_vm_address_t address, mach_vm_size_t size)
{
	return serve_range(map,
	    (struct range){
		.address = address, .size = size, .change = RANGE_DEALLOCATE});
}

kern_return_t
serve_mach_vm_protect(struct map *map, mach_vm_address_t address,
    mach_vm_size_t size, boolean_t set_maximum, vm_prot_t protection)
{
	return serve_range(map,
	    (struct range){
		.address = address,
		.size = size,
		.change = set_maximum ? RANGE_PROTECT_MAXIMUM : RANGE_PROTECT,
		.value = (uint32_t)protection,
	    });
}

kern_return_t
serve_mach_vm_inherit(struct map *map, mach_vm_address_t address,
    mach_vm_size_t size, vm_inherit_t inheritance)
{
	return serve_range(map, (struct range){
				    .address = address,
				    .size = size,
				    .change = RANGE_INHERIT,
				    .value = inheritance,
				});
}

/* Memory of a memory entry's; of none, which is zeroed memory. */
kern_return_t
serve_mach_vm_map(struct map *map, mach_vm_address_t *address,
    mach_vm_size_t size, mach_vm_offset_t mask, int flags, struct port *object,
    memory_object_offset_t offset, boolean_t copy, vm_prot_t protection,
    vm_prot_t maximum, vm_inherit_t inheritance)
{
	struct request request = {
	    .size = size,
	    .mask = mask,
	    .flags = (uint32_t)flags,
	    .prot = (uint32_t)protection,
	    .max_prot = (uint32_t)maximum,
	    .inherit = inheritance,
	};

	kern_return_t kr;

	/* Into nothing, and a copy of it. */
	(void)offset;
	(void)copy;
	if (object != NULL)
		return memory_entry_map(map, address, object,
		    &(struct memory_entry_request){
			.offset = offset,
			.size = size,
			.mask = mask,
			.flags = (uint32_t)flags,
			.copy = copy != FALSE,
			.prot = (uint32_t)protection,
			.max_prot = (uint32_t)maximum,
			.inherit = inheritance,
		    });
	do {
		kr = allocate(map, address, &request);
		if (kr != KERN_OPERATION_TIMED_OUT)
			return kr;
	} while (!thread_should_yield());
	return KCALL_AGAIN;
}
