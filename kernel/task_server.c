/*
 * kernel/task_server.c: what a task's port answers, its memory (vm/user.c) and
 * its names (ipc/port_server.c) apart.
 */
#include <arch/layout.h>
#include <mach/baton_host.h>
#include <mach/mach_types.h>
#include <serve/baton_host.h>

#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/host.h"
#include "kernel/servers.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/task_ports.h"
#include "kernel/thread.h"
#include "kernel/zone.h"
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

static kern_return_t
serve_task_create(struct kcall *call)
{
	struct task *parent = call->object;
	struct task *child;
	kern_return_t kr;
	bool inherit_memory;

	(void)kcall_u32(call); /* how many ledgers; they account for nothing */
	inherit_memory = kcall_u32(call) != 0;
	if (inherit_memory)
		return KERN_NOT_SUPPORTED;
	kr = task_create(&child);
	if (kr != KERN_SUCCESS)
		return kr;
	task_inherit_ports(parent, child);
	exception_ports_inherit(parent, child);
	kcall_put_send(call, task_make_send(child));
	task_put(child);
	return KERN_SUCCESS;
}

static kern_return_t
serve_task_terminate(struct kcall *call)
{
	return task_terminate(call->object);
}

static kern_return_t
serve_task_suspend(struct kcall *call)
{
	return task_suspend(call->object);
}

static kern_return_t
serve_task_resume(struct kcall *call)
{
	return task_resume(call->object);
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

/*
 * What all forms of the answer are made of.  Threads' times are not kept, so
 * all times are zero.
 */
struct facts {
	uint64_t virtual, resident; /* bytes */
	integer_t suspend_count;
};

/* KCALL_AGAIN: its pages are still being counted. */
static kern_return_t
get_facts(struct kcall *call, struct facts *facts)
{
	struct task *task = call->object;
	struct map *map = task->map;
	uint64_t *progress = call->progress; /* next address, pages so far */

	while (progress[0] < USER_END)
		if (vm_count_step(map, &progress[0], &progress[1]) &&
		    thread_should_yield())
			return KCALL_AGAIN;
	spin_lock(&map->lock);
	facts->virtual = map->size;
	spin_unlock(&map->lock);
	facts->resident = progress[1] << PAGE_SHIFT;
	facts->suspend_count = (integer_t)task->suspend_count;
	return KERN_SUCCESS;
}

static void
put_basic_info(struct kcall *call, const struct facts *facts)
{
	struct mach_task_basic_info info = {
	    .virtual_size = facts->virtual,
	    .resident_size = facts->resident,
	    .resident_size_max = facts->resident,
	    .policy = POLICY_RR,
	    .suspend_count = facts->suspend_count,
	};

	kcall_put_array(
	    call, &info, MACH_TASK_BASIC_INFO_COUNT, sizeof(natural_t));
}

static void
put_basic_info_64(struct kcall *call, const struct facts *facts)
{
	struct task_basic_info_64 info = {
	    .suspend_count = facts->suspend_count,
	    .virtual_size = facts->virtual,
	    .resident_size = facts->resident,
	    .policy = POLICY_RR,
	};

	kcall_put_array(
	    call, &info, TASK_BASIC_INFO_64_COUNT, sizeof(natural_t));
}

static void
put_basic_info_32(struct kcall *call, const struct facts *facts)
{
	struct task_basic_info_32 info = {
	    .suspend_count = facts->suspend_count,
	    .virtual_size = (natural_t)min_u64(facts->virtual, UINT32_MAX),
	    .resident_size = (natural_t)min_u64(facts->resident, UINT32_MAX),
	    .policy = POLICY_RR,
	};

	kcall_put_array(
	    call, &info, TASK_BASIC_INFO_32_COUNT, sizeof(natural_t));
}

static const struct task_flavor {
	uint32_t flavor, count;
	void (*put)(struct kcall *call, const struct facts *facts);
} flavors[] = {
    {MACH_TASK_BASIC_INFO, MACH_TASK_BASIC_INFO_COUNT, put_basic_info},
    {TASK_BASIC_INFO_64, TASK_BASIC_INFO_64_COUNT, put_basic_info_64},
    {TASK_BASIC_INFO_64_2, TASK_BASIC_INFO_64_2_COUNT, put_basic_info_64},
    {TASK_BASIC_INFO_32, TASK_BASIC_INFO_32_COUNT, put_basic_info_32},
};

static kern_return_t
serve_task_info(struct kcall *call)
{
	uint32_t flavor = kcall_u32(call);
	uint32_t room = kcall_u32(call);

	for (unsigned i = 0; i < ARRAY_SIZE(flavors); i++) {
		struct facts facts;
		kern_return_t kr;

		if (flavors[i].flavor != flavor || room < flavors[i].count)
			continue;
		kr = get_facts(call, &facts);
		if (kr == KERN_SUCCESS)
			flavors[i].put(call, &facts);
		return kr;
	}
	return KERN_INVALID_ARGUMENT;
}

/* ---- exception ports ---- */

static kern_return_t
serve_task_set_exception_ports(struct kcall *call)
{
	return serve_set_exception_ports(
	    call, &(struct exception_scope){.task = call->object});
}

static kern_return_t
serve_task_get_exception_ports(struct kcall *call)
{
	return serve_get_exception_ports(
	    call, &(struct exception_scope){.task = call->object});
}

static kern_return_t
serve_task_swap_exception_ports(struct kcall *call)
{
	return serve_swap_exception_ports(
	    call, &(struct exception_scope){.task = call->object});
}

/* ---- threads ---- */

static kern_return_t
serve_thread_create(struct kcall *call)
{
	struct thread *thread;
	kern_return_t kr = thread_create(call->object, &thread);

	if (kr != KERN_SUCCESS)
		return kr;
	kcall_put_send(call, thread_make_send(thread));
	thread_put(thread);
	return KERN_SUCCESS;
}

static kern_return_t
serve_thread_create_running(struct kcall *call)
{
	uint32_t flavor = kcall_u32(call);
	uint32_t count = kcall_u32(call);
	const uint32_t *words;
	struct thread *thread;
	kern_return_t kr;

	if (count > THREAD_STATE_MAX)
		return KERN_INVALID_ARGUMENT;
	words = kcall_bytes(call, count * sizeof(*words));
	if (words == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = thread_create(call->object, &thread);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = thread_set_words(thread, flavor, words, count);
	if (kr == KERN_SUCCESS)
		kr = thread_resume(thread);
	if (kr == KERN_SUCCESS)
		kcall_put_send(call, thread_make_send(thread));
	else
		thread_terminate(thread);
	thread_put(thread);
	return kr;
}

/*
 * Send rights to at most @room of the task's threads, in @ports; how many there
 * are.  A thread that is ending gives NULL.
 */
static uint32_t
collect_threads(struct task *task, struct port **ports, uint32_t room)
{
	uint32_t count = 0;
	struct list *link;

	spin_lock(&task->lock);
	list_for_each (link, &task->threads) {
		if (count == room)
			break;
		ports[count++] = thread_make_send(
		    container_of(link, struct thread, task_link));
	}
	spin_unlock(&task->lock);
	return count;
}

static kern_return_t
serve_task_threads(struct kcall *call)
{
	struct task *task = call->object;
	/* Who starts meanwhile is not in the answer. */
	uint32_t room = task->thread_count;
	struct port **ports = NULL;
	uint32_t count = 0;
	kern_return_t kr;

	if (room > 0) {
		ports = kmem_alloc(room * sizeof(*ports));
		if (ports == NULL)
			return KERN_RESOURCE_SHORTAGE;
		count = collect_threads(task, ports, room);
	}
	kr = kcall_put_ool_ports(call, ports, count, MACH_MSG_TYPE_PORT_SEND);
	kcall_put_u32(call, count);
	if (ports != NULL)
		kmem_free(ports, room * sizeof(*ports));
	return kr;
}

/* ---- the table ---- */

#define TASK_INFO_SIZE sizeof(struct mach_task_basic_info)

const struct kroutine task_routines[] = {
    {MSGID_TASK_CREATE, "task_create", KOBJECT_TASK, serve_task_create, .in = 8,
	.descriptors = "a", .out_descriptors = 1},
    {MSGID_TASK_TERMINATE, "task_terminate", KOBJECT_TASK, serve_task_terminate,
	.in = 0},
    {MSGID_TASK_THREADS, "task_threads", KOBJECT_TASK, serve_task_threads,
	.out = 4, .out_descriptors = 1},
    {MSGID_TASK_INFO, "task_info", KOBJECT_TASK, serve_task_info, .in = 8,
	.out = 4 + TASK_INFO_SIZE},
    {MSGID_TASK_SUSPEND, "task_suspend", KOBJECT_TASK, serve_task_suspend,
	.in = 0},
    {MSGID_TASK_RESUME, "task_resume", KOBJECT_TASK, serve_task_resume,
	.in = 0},
    {MSGID_THREAD_CREATE, "thread_create", KOBJECT_TASK, serve_thread_create,
	.out_descriptors = 1},
    {MSGID_THREAD_CREATE_RUNNING, "thread_create_running", KOBJECT_TASK,
	serve_thread_create_running, .in = 8, .out_descriptors = 1},
    {MSGID_TASK_SET_EXCEPTION_PORTS, "task_set_exception_ports", KOBJECT_TASK,
	serve_task_set_exception_ports, .in = 12, .descriptors = "s"},
    {MSGID_TASK_GET_EXCEPTION_PORTS, "task_get_exception_ports", KOBJECT_TASK,
	serve_task_get_exception_ports, .in = 4, .out = EXCEPTION_LIST_SIZE,
	.out_descriptors = EXCEPTION_LIST_MAX},
    {MSGID_TASK_SWAP_EXCEPTION_PORTS, "task_swap_exception_ports", KOBJECT_TASK,
	serve_task_swap_exception_ports, .in = 12, .descriptors = "s",
	.out = EXCEPTION_LIST_SIZE, .out_descriptors = EXCEPTION_LIST_MAX},
};
const unsigned task_routine_count = ARRAY_SIZE(task_routines);
