/*
 * operations.c: which operation comes next, and what all of them share.
 */
#include "operations.h"

#include "chance.h"
#include "observe.h"

uint64_t chance_state;

/* ---- choosing ---- */

struct m_thread *
idle_thread(void)
{
	unsigned first = chance(THREADS);

	for (unsigned i = 0; i < THREADS; i++) {
		struct m_thread *thread = &world.thread[(first + i) % THREADS];

		if (thread->state == M_IDLE)
			return thread;
	}
	return NULL;
}

mach_port_name_t
true_name(struct m_task *task, uint32_t type)
{
	unsigned first = chance(NAMES);

	for (unsigned i = 0; i < NAMES; i++) {
		struct m_name *entry = &task->names[(first + i) % NAMES];

		if (entry->name != 0 && (entry->type & type))
			return entry->name;
	}
	return 0;
}

static mach_port_name_t
no_name(struct m_task *task)
{
	mach_port_name_t name = true_name(task, MACH_PORT_TYPE_ALL_RIGHTS);

	switch (chance(4)) {
	case 0:
		return MACH_PORT_NULL;
	case 1:
		return MACH_PORT_DEAD;
	case 2:
		return name ^ 1; /* of another generation */
	default:
		return (4000 + chance(300)) << 8 | chance(256);
	}
}

mach_port_name_t
some_name(struct m_task *task, uint32_t type)
{
	mach_port_name_t name = 0;

	if (chance(8))
		name = true_name(task, type);
	if (name == 0 && chance(2))
		name = true_name(task, MACH_PORT_TYPE_ALL_RIGHTS);
	return name != 0 ? name : no_name(task);
}

mach_port_name_t
chosen_name(struct m_task *task)
{
	/* A table is walked to its end now and then: let that be near. */
	if (chance(12) == 0)
		return some_name(task, MACH_PORT_TYPE_ALL_RIGHTS);
	if (chance(32) == 0)
		return (4000 + chance(300)) << 8 | chance(256);
	return (1 + chance(200)) << 8 | chance(256);
}

/* ---- running ---- */

void
settle(void)
{
	/* A notice that lacked memory is tried again after a while. */
	if (host_failed())
		host_run();
}

int64_t
run(struct m_thread *thread, int64_t (*call)(void *), void *argument)
{
	if (!host_call(thread->sim, call, argument))
		disagree("t%u waits, in a call that does not", thread->number);
	settle();
	return thread->sim->value;
}

bool
nothing_happened(kern_return_t kr)
{
	return kr == KERN_RESOURCE_SHORTAGE && host_failed();
}

bool
no_space(const struct m_task *task, kern_return_t kr)
{
	unsigned count = m_name_count(task);

	if (kr != KERN_NO_SPACE) {
		if (count >= task->limit)
			disagree("%d, and task %u has too many names", kr,
			    task->number);
		return false;
	}
	/* Each thread may keep one free for a reply right. */
	EXPECT(count + THREADS_PER_TASK >= task->limit);
	return true;
}

/* ---- one operation ---- */

static void
step_begin(void)
{
	world.step++;
	world.ending = false;
	for (unsigned i = 0; i < THREADS; i++)
		world.thread[i].returned = false;
	observe_begin();
}

static void
step_end(void)
{
	observe_rest();
	host_fail(0);
	compare_all();
}

static struct m_thread *
waiting_thread(void)
{
	unsigned first = chance(THREADS);

	for (unsigned i = 0; i < THREADS; i++) {
		struct m_thread *thread = &world.thread[(first + i) % THREADS];

		if (thread->state != M_IDLE)
			return thread;
	}
	return NULL;
}

static void
end_a_wait(void)
{
	struct m_thread *thread = waiting_thread();

	if (thread != NULL)
		operation_abort(thread, thread->can_expire && chance(2));
}

static void
end_task(void)
{
	struct m_task *task = &world.task[chance(TASKS)];

	for (unsigned i = 0; i < THREADS; i++) {
		struct m_thread *thread = &world.thread[i];

		if (thread->task != task || thread->state == M_IDLE)
			continue;
		operation_abort(thread, false);
		step_end();
		step_begin();
	}
	say("task %u ends", task->number);
	task_ends(task);
}

void
operation_end_waits(void)
{
	for (unsigned i = 0; i < THREADS; i++) {
		if (world.thread[i].state == M_IDLE)
			continue;
		step_begin();
		operation_abort(&world.thread[i], false);
		step_end();
	}
}

static void
choose(void)
{
	uint32_t which = chance(1000);

	if (which < 1)
		end_task();
	else if (which < 70)
		end_a_wait();
	else if (which < 350)
		operation_on_names();
	else if (which < 430)
		operation_on_sets();
	else if (which < 470)
		operation_on_attributes();
	else if (which < 560)
		operation_between_tasks();
	else if (which < 640)
		operation_on_requests();
	else if (which < 760)
		operation_message();
	else if (!operation_reply())
		(void)operation_call();
}

void
operation(void)
{
	step_begin();
	if (chance(10) == 0)
		host_fail(1 + chance(5));
	host_yield_every(chance(10) == 0 ? 1 + chance(3) : 0);
	host_across_declines = chance(10) == 0;
	choose();
	step_end();
}
