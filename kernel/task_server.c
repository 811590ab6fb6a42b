/*
 * kernel/task_server.c: what a task's port answers, its memory (vm/user.c) and
 * its names (ipc/port_server.c) apart.
 */
#include <arch/layout.h>
#include <mach/baton_host.h>
#include <mach/mach_types.h>
#include <serve/baton_host.h>
#include <serve/task.h>

#include "ipc/kmsg.h"
#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/cputime.h"
#include "kernel/host.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/servers.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/task_ports.h"
#include "kernel/task_threads.h"
#include "kernel/thread.h"
#include "kernel/thread_state.h"
#include "kernel/zone.h"
#include "vm/copy.h"
#include "vm/map.h"
#include "vm/user.h"

struct port *
task_make_send(struct task *task)
{
	struct port *port;

	spin_lock(&task->lock);
	port = right_make_send(task->self_port);
	spin_unlock(&task->lock);
	return port;
}

/* ---- life ---- */

/* Progress of making a task with its parent's memory. */
enum {
	FORK_CHILD, /* the task; 0: not yet */
	FORK_STATE, /* struct map_fork; 0: over */
	FORK_RESULT,
};

static kern_return_t
fork_begin(struct task *parent, uint64_t *progress)
{
	struct task *child;
	struct map_fork *fork;
	kern_return_t kr = task_create(parent, &child);

	if (kr != KERN_SUCCESS)
		return kr;
	fork = map_fork_begin(parent->map, child->map);
	progress[FORK_CHILD] = (uint64_t)child;
	progress[FORK_STATE] = (uint64_t)fork;
	progress[FORK_RESULT] =
	    (uint64_t)(fork != NULL ? KERN_OPERATION_TIMED_OUT
				    : KERN_RESOURCE_SHORTAGE);
	return KERN_SUCCESS;
}

/* The child's memory is complete, or will not be: KCALL_AGAIN: not yet. */
static kern_return_t
fork_steps(struct map_fork *fork, uint64_t *result)
{
	while (*result == KERN_OPERATION_TIMED_OUT) {
		kern_return_t kr = map_fork_step(fork);

		if (kr == KERN_MEMORY_WAIT)
			return kr;
		*result = (uint64_t)kr;
		if (thread_should_yield())
			return KCALL_AGAIN;
	}
	while (fork != NULL && map_fork_end_step(fork)) {
		if (thread_should_yield())
			return KCALL_AGAIN;
	}
	return (kern_return_t)*result;
}

/* It ends, if whoever may list all tasks has not ended it already. */
static void
fork_forget(struct task *child)
{
	kern_return_t kr = task_terminate(child);

	KASSERT(kr == KERN_SUCCESS || kr == KERN_TERMINATED);
	task_put(child);
}

/* A task with what is to be inherited of the parent's memory, in steps. */
static kern_return_t
fork_task(struct task *parent, struct task **childp)
{
	uint64_t *progress = call_progress();
	struct task *child;
	kern_return_t kr;

	if (progress[FORK_CHILD] == 0) {
		kr = fork_begin(parent, progress);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	child = (struct task *)progress[FORK_CHILD];
	kr = fork_steps(
	    (struct map_fork *)progress[FORK_STATE], &progress[FORK_RESULT]);
	if (call_goes_on(kr))
		return kr;
	if (kr == KERN_SUCCESS) {
		*childp = child;
		return KERN_SUCCESS;
	}
	fork_forget(child);
	return kr;
}

/* The child has a ledger of its own; ports of others account for nothing. */
kern_return_t
serve_task_create(struct task *parent, struct port **ledgers,
    mach_msg_type_number_t ledger_count, boolean_t inherit_memory,
    struct port **port)
{
	struct task *child;
	kern_return_t kr;

	(void)ledgers;
	(void)ledger_count;
	kr = inherit_memory ? fork_task(parent, &child)
			    : task_create(parent, &child);
	if (kr != KERN_SUCCESS)
		return kr;
	task_inherit_ports(parent, child);
	exception_ports_inherit(parent, child);
	*port = task_make_send(child);
	task_put(child);
	return KERN_SUCCESS;
}

static noreturn void
terminate_continue(void)
{
	task_wait_finish(current_thread()->step.called);
	call_finish(KERN_SUCCESS);
}

kern_return_t
serve_task_terminate(struct task *task)
{
	kern_return_t kr = task_terminate(task);

	if (kr == KERN_SUCCESS && call_wants_reply())
		task_wait_end(task, terminate_continue);
	return kr;
}

/* What a call that stops or releases a task's threads is at; the first word of
 * its progress.  The others are where its walk along them has got to. */
enum hold_phase {
	HOLD_COUNT,
	HOLD_TELL,
	HOLD_REST
};

static struct task_walk
walk_load(const uint64_t *progress)
{
	return (struct task_walk){
	    .at = (struct thread *)progress[1], .number = progress[2]};
}

static void
walk_save(uint64_t *progress, enum hold_phase phase, struct task_walk walk)
{
	progress[0] = phase;
	progress[1] = (uint64_t)walk.at;
	progress[2] = walk.number;
}

/* The count has changed: KCALL_AGAIN until all threads know. */
static kern_return_t
tell_threads(struct task *task, uint64_t *progress)
{
	struct task_walk walk = walk_load(progress);

	while (task_hold_step(task, &walk)) {
		walk_save(progress, HOLD_TELL, walk);
		if (thread_should_yield())
			return KCALL_AGAIN;
	}
	walk_save(progress, HOLD_REST, (struct task_walk){0});
	return KERN_SUCCESS;
}

/* When this returns they have done their last instruction. */
static kern_return_t
await_rest(struct task *task, uint64_t *progress)
{
	struct task_walk walk = walk_load(progress);
	bool more = task_rest_step(task, &walk);

	walk_save(progress, HOLD_REST, walk);
	return more ? KCALL_AGAIN : KERN_SUCCESS;
}

kern_return_t
serve_task_suspend(struct task *task)
{
	uint64_t *progress = call_progress();
	kern_return_t kr = KERN_SUCCESS;

	if (progress[0] == HOLD_COUNT)
		kr = task_suspend(task);
	if (kr == KERN_SUCCESS && progress[0] != HOLD_REST)
		kr = tell_threads(task, progress);
	return kr == KERN_SUCCESS ? await_rest(task, progress) : kr;
}

kern_return_t
serve_task_resume(struct task *task)
{
	uint64_t *progress = call_progress();
	kern_return_t kr = KERN_SUCCESS;

	if (progress[0] == HOLD_COUNT)
		kr = task_resume(task);
	return kr == KERN_SUCCESS ? tell_threads(task, progress) : kr;
}

kern_return_t
serve_task_set_name(struct task *task, const char *name)
{
	static_assert(BATON_TASK_NAME_MAX == TASK_NAME_SIZE, "copied whole");
	spin_lock(&task->lock);
	memset(task->name, 0, sizeof(task->name));
	memcpy(task->name, name, strlen(name));
	spin_unlock(&task->lock);
	return KERN_SUCCESS;
}

/* ---- information ---- */

/* What the forms of the answer about memory are made of. */
struct facts {
	uint64_t virtual, resident; /* bytes */
	integer_t suspend_count;
	time_value_t ended_time; /* of threads that have ended */
};

/* KCALL_AGAIN: its pages are still being counted. */
static kern_return_t
get_facts(struct task *task, struct facts *facts)
{
	struct map *map = task->map;
	uint64_t *progress = call_progress(); /* next address, pages so far */

	while (progress[0] < USER_END)
		if (vm_count_step(map, &progress[0], &progress[1]) &&
		    thread_should_yield())
			return KCALL_AGAIN;
	spin_lock(&map->lock);
	facts->virtual = map->size;
	spin_unlock(&map->lock);
	facts->resident = progress[1] << PAGE_SHIFT;
	facts->suspend_count = (integer_t)task->suspend_count;
	facts->ended_time =
	    timer_time_value(cputime_ticks(task->ended_cputime));
	return KERN_SUCCESS;
}

static void
basic_info(void *words, const struct facts *facts)
{
	struct mach_task_basic_info info = {
	    .virtual_size = facts->virtual,
	    .resident_size = facts->resident,
	    .resident_size_max = facts->resident,
	    .policy = POLICY_RR,
	    .suspend_count = facts->suspend_count,
	    .user_time = facts->ended_time,
	};

	memcpy(words, &info, sizeof(info));
}

static void
basic_info_64(void *words, const struct facts *facts)
{
	struct task_basic_info_64 info = {
	    .suspend_count = facts->suspend_count,
	    .user_time = facts->ended_time,
	    .virtual_size = facts->virtual,
	    .resident_size = facts->resident,
	    .policy = POLICY_RR,
	};

	memcpy(words, &info, sizeof(info));
}

static void
basic_info_32(void *words, const struct facts *facts)
{
	struct task_basic_info_32 info = {
	    .suspend_count = facts->suspend_count,
	    .user_time = facts->ended_time,
	    .virtual_size = (natural_t)min_u64(facts->virtual, UINT32_MAX),
	    .resident_size = (natural_t)min_u64(facts->resident, UINT32_MAX),
	    .policy = POLICY_RR,
	};

	memcpy(words, &info, sizeof(info));
}

/* Of this one the caller's count says how many fields it knows. */
static kern_return_t
put_vm_info(struct task *task, integer_t *words, mach_msg_type_number_t *count)
{
	struct facts facts;
	kern_return_t kr = get_facts(task, &facts);
	struct task_vm_info info = {
	    .page_size = PAGE_SIZE,
	    .min_address = PAGE_SIZE,
	    .max_address = USER_END,
	};

	if (kr != KERN_SUCCESS)
		return kr;
	info.virtual_size = facts.virtual;
	info.resident_size = facts.resident;
	info.resident_size_peak = facts.resident;
	info.internal = facts.resident;
	info.internal_peak = facts.resident;
	info.phys_footprint = facts.resident;
	if (*count > TASK_VM_INFO_COUNT)
		*count = TASK_VM_INFO_COUNT;
	memcpy(words, &info, *count * sizeof(*words));
	return KERN_SUCCESS;
}

/* Times: of threads that live, and of all. */
static kern_return_t
put_times(struct task *task, task_flavor_t flavor, integer_t *words,
    mach_msg_type_number_t *count)
{
	uint64_t ended = cputime_ticks(task->ended_cputime);
	uint64_t all = cputime_ticks(atomic_load(&task->cputime));
	uint64_t living = all > ended ? all - ended : 0;
	struct task_thread_times_info times = {
	    .user_time = timer_time_value(living)};
	struct task_absolutetime_info absolute = {
	    .total_user = all, .threads_user = living};

	if (flavor == TASK_THREAD_TIMES_INFO)
		return call_put_info(words, count, &times, sizeof(times));
	return call_put_info(words, count, &absolute, sizeof(absolute));
}

/* What trailers name the task by. */
static kern_return_t
put_token(struct task *task, task_flavor_t flavor, integer_t *words,
    mach_msg_type_number_t *count)
{
	security_token_t security = {{(uint32_t)task->id, 0}};
	audit_token_t audit = {{0}};

	audit.val[AUDIT_TASK_ID] = (uint32_t)task->id;
	if (flavor == TASK_SECURITY_TOKEN)
		return call_put_info(words, count, &security, sizeof(security));
	return call_put_info(words, count, &audit, sizeof(audit));
}

/* As far as the room goes: there may be more kinds one day. */
static kern_return_t
put_ledger_info(
    struct task *task, integer_t *words, mach_msg_type_number_t *count)
{
	struct baton_ledger_info info;

	ledger_info_of_task(task, &info);
	if (*count > BATON_TASK_LEDGER_INFO_COUNT)
		*count = BATON_TASK_LEDGER_INFO_COUNT;
	memcpy(words, &info, *count * sizeof(*words));
	return KERN_SUCCESS;
}

static const struct task_flavor {
	task_flavor_t flavor;
	uint32_t count;
	void (*fill)(void *words, const struct facts *facts);
} flavors[] = {
    {MACH_TASK_BASIC_INFO, MACH_TASK_BASIC_INFO_COUNT, basic_info},
    {TASK_BASIC_INFO_64, TASK_BASIC_INFO_64_COUNT, basic_info_64},
    {TASK_BASIC_INFO_64_2, TASK_BASIC_INFO_64_2_COUNT, basic_info_64},
    {TASK_BASIC_INFO_32, TASK_BASIC_INFO_32_COUNT, basic_info_32},
};

kern_return_t
serve_task_info(struct task *task, task_flavor_t flavor, integer_t *words,
    mach_msg_type_number_t *count)
{
	switch (flavor) {
	case TASK_THREAD_TIMES_INFO:
	case TASK_ABSOLUTETIME_INFO:
		return put_times(task, flavor, words, count);
	case TASK_SECURITY_TOKEN:
	case TASK_AUDIT_TOKEN:
		return put_token(task, flavor, words, count);
	case BATON_TASK_LEDGER_INFO:
		return put_ledger_info(task, words, count);
	case TASK_VM_INFO:
		if (*count >= TASK_VM_INFO_REV0_COUNT)
			return put_vm_info(task, words, count);
		return KERN_INVALID_ARGUMENT;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(flavors); i++) {
		struct facts facts;
		kern_return_t kr;

		if (flavors[i].flavor != flavor || *count < flavors[i].count)
			continue;
		kr = get_facts(task, &facts);
		if (kr != KERN_SUCCESS)
			return kr;
		flavors[i].fill(words, &facts);
		*count = flavors[i].count;
		return KERN_SUCCESS;
	}
	return KERN_INVALID_ARGUMENT;
}

/* ---- threads ---- */

kern_return_t
serve_thread_create(struct task *task, struct port **port)
{
	struct thread *thread;
	kern_return_t kr = thread_create(task, &thread);

	if (kr != KERN_SUCCESS)
		return kr;
	*port = thread_make_send(thread);
	thread_put(thread);
	return KERN_SUCCESS;
}

kern_return_t
serve_thread_create_running(struct task *task, thread_state_flavor_t flavor,
    const natural_t *words, mach_msg_type_number_t count, struct port **port)
{
	struct thread *thread;
	kern_return_t kr = thread_create(task, &thread);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = thread_state_set(thread, (uint32_t)flavor, words, count);
	if (kr == KERN_SUCCESS)
		kr = thread_resume(thread);
	if (kr == KERN_SUCCESS)
		*port = thread_make_send(thread);
	else
		thread_terminate(thread);
	thread_put(thread);
	return kr;
}

/* KERN_RESOURCE_SHORTAGE */
static kern_return_t
gathering_begin(uint32_t room, struct task_gathering **gatheringp)
{
	struct task_gathering *gathering = kmem_alloc(sizeof(*gathering));

	if (gathering == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*gathering = (struct task_gathering){
	    .ports = kmem_alloc(room * sizeof(struct port *)), .room = room};
	if (gathering->ports == NULL) {
		kmem_free(gathering, sizeof(*gathering));
		return KERN_RESOURCE_SHORTAGE;
	}
	*gatheringp = gathering;
	return KERN_SUCCESS;
}

kern_return_t
serve_task_threads(
    struct task *task, struct port ***array, mach_msg_type_number_t *count)
{
	uint64_t *progress = call_progress();
	struct task_gathering *gathering = (struct task_gathering *)progress[0];
	/* Who starts meanwhile need not be in the answer. */
	uint32_t room = task->thread_count;
	kern_return_t kr;

	if (gathering == NULL && room == 0)
		return KERN_SUCCESS;
	if (gathering == NULL) {
		kr = gathering_begin(room, &gathering);
		if (kr != KERN_SUCCESS)
			return kr;
		progress[0] = (uint64_t)gathering;
	}
	while (task_gather_step(task, gathering))
		if (thread_should_yield())
			return KCALL_AGAIN;
	kr = KERN_SUCCESS;
	if (gathering->failed) {
		kr = KERN_RESOURCE_SHORTAGE;
		kmem_free(
		    gathering->ports, gathering->room * sizeof(struct port *));
	} else {
		*array = gathering->ports;
		*count = gathering->room;
	}
	kmem_free(gathering, sizeof(*gathering));
	return kr;
}
