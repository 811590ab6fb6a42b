/*
 * test/unit/test_thread_ends.c: threads whose end is a signal: what is left of
 * one that could not be made, whatever failed; who hears of an end, and when;
 * and a port that is made when it is wanted.  Long because of what of a kernel
 * a thread stands on, which comes first.
 *
 * Sources: kernel/thread.c kernel/thread_port.c kernel/task_threads.c
 * Sources: kernel/semaphore.c kernel/wait_queue.c kernel/lock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arch/fpu.h>

#include "ipc/port.h"
#include "kernel/cpu.h"
#include "kernel/cputime.h"
#include "kernel/exception_ports.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/semaphore.h"
#include "kernel/servers.h"
#include "kernel/task.h"
#include "kernel/task_threads.h"
#include "kernel/zone.h"
#include "vm/map.h"
#include "vm/memory_wait.h"
#include "vm/superpage.h"

static struct task task, other;
static struct thread waiter, idle;
static jmp_buf out;
static struct thread *handed, *woken; /* who runs in the place of who ended */
static unsigned live, fail_in;

/* ---- memory ---- */

void
zone_init(struct zone *zone, const char *name, size_t size, size_t alignment)
{
	(void)alignment;
	*zone = (struct zone){.name = name, .size = (uint32_t)size};
}

void *
zone_alloc(struct zone *zone)
{
	if (fail_in > 0 && --fail_in == 0)
		return NULL;
	live++;
	return memset(malloc(zone->size), 0xa5, zone->size);
}

void *
zone_alloc_zeroed(struct zone *zone)
{
	void *object = zone_alloc(zone);

	return object == NULL ? NULL : memset(object, 0, zone->size);
}

void
zone_free(struct zone *zone, void *object)
{
	(void)zone;
	live--;
	free(object);
}

/* ---- ports ---- */

static struct zone ports = {.name = "port", .size = sizeof(struct port)};

struct port *
port_create_kernel(enum kobject_kind kind, void *object)
{
	struct port *port = zone_alloc_zeroed(&ports);

	if (port == NULL)
		return NULL;
	atomic_init(&port->refs, 1);
	port->state = PORT_IN_KERNEL;
	port->kind = (uint8_t)kind;
	port->object = object;
	return port;
}

void
port_put(struct port *port)
{
	if (atomic_fetch_sub(&port->refs, 1) == 1)
		zone_free(&ports, port);
}

void
port_destroy_kernel(struct port *port)
{
	port->state = PORT_IS_DEAD;
	port_put(port);
}

struct port *
right_make_send(struct port *port)
{
	port->send_rights++;
	return port_get(port);
}

void
right_release_send(struct port *port)
{
	if (port == NULL)
		return;
	port->send_rights--;
	port_put(port);
}

void
kobject_register(enum kobject_kind kind, const struct kobject_class *class)
{
	(void)kind;
	(void)class;
}

/* ---- the rest of a kernel ---- */

bool cputime_by_cycles;

uint64_t
cputime_ticks(uint64_t units)
{
	return units;
}

uint64_t
arch_read_time(void)
{
	return 0;
}

void
arch_poll_interrupts(void)
{
}

void
timer_arm(struct timer *timer, uint64_t deadline)
{
	(void)timer;
	(void)deadline;
}

bool
timer_cancel_armed(struct timer *timer)
{
	(void)timer;
	return true;
}

noreturn void
arch_user_return(void)
{
	longjmp(out, 1);
}

void
fast_init(struct thread *thread)
{
	thread->fast.room = 1; /* it has been here */
}

void
fast_unpark(struct thread *thread)
{
	(void)thread;
}

bool
fast_is_parked(struct thread *thread)
{
	(void)thread;
	return false;
}

void
fpu_discard(struct thread *thread)
{
	(void)thread;
}

void
fpu_release(struct cpu *cpu)
{
	(void)cpu;
}

void
thread_drop_ports(struct thread *self)
{
	assert_int_equal(self->fast.room, 1);
}

void
exception_ports_end(const struct exception_scope *of)
{
	(void)of;
}

void
memory_wait_forget(void)
{
}

void
memory_wait_trap_again(void)
{
	abort();
}

void
superpage_forget(struct superpage *superpage)
{
	(void)superpage;
}

static struct reap_item *to_reap;

void
reap_later(struct reap_item *item)
{
	assert_null(to_reap);
	to_reap = item;
}

static void
reap(void)
{
	struct reap_item *item = to_reap;

	to_reap = NULL;
	while (item->step(item))
		continue;
}

void
task_put(struct task *put)
{
	assert_int_not_equal(atomic_fetch_sub(&put->refs, 1), 1);
}

void
task_thread_gone(struct task *gone, struct thread *thread)
{
	/* Nobody has heard yet. */
	assert_null(handed);
	list_remove(&thread->task_link);
	gone->thread_count--;
}

void
sched_wake(struct thread *thread)
{
	woken = thread;
}

noreturn void
sched_handoff(struct thread *next)
{
	handed = next;
	longjmp(out, 1);
}

noreturn void
sched_switch(void)
{
	longjmp(out, 1);
}

noreturn void
sched_yield(continuation_t cont)
{
	(void)cont;
	abort();
}

void
sched_preempt(struct thread *self)
{
	(void)self;
}

void
sched_queue_self(continuation_t cont)
{
	(void)cont;
}

bool
sched_should_yield(const struct thread *self)
{
	(void)self;
	return false;
}

void
sched_poke(struct cpu *cpu)
{
	(void)cpu;
}

void
sched_reprioritize(struct thread *thread, uint32_t priority)
{
	(void)thread;
	(void)priority;
}

/* ---- a task, its ledger, and who waits ---- */

#define AS_MANY_AS_IT_LIKES 1000000

static struct ledger ledger;
uint32_t ledger_weights[LEDGER_KINDS], ledger_grains[LEDGER_KINDS];

bool
ledger_grow(struct ledger *of, enum baton_ledger_kind kind, uint64_t count)
{
	atomic_fetch_sub(&of->line[kind].use, count);
	return false;
}

void
ledger_shrink(struct ledger *of, enum baton_ledger_kind kind)
{
	(void)of;
	(void)kind;
}

void
ledger_weigh(enum baton_ledger_kind kind, size_t bytes)
{
	(void)kind;
	(void)bytes;
}

static uint64_t
charged(enum baton_ledger_kind kind)
{
	return atomic_load(&ledger.line[kind].use);
}

static void
limit(enum baton_ledger_kind kind, uint64_t part)
{
	atomic_store(&ledger.line[kind].part, part);
}

static void
task_make(struct task *made)
{
	static struct map map;

	*made = (struct task){.refs = 1, .ledger = &ledger, .map = &map};
	spin_init(&made->lock, LOCK_TASK);
	list_init(&made->threads);
	list_init(&made->semaphores);
}

static int
set_up(void **state)
{
	(void)state;
	live = fail_in = 0;
	memset(&ledger, 0, sizeof(ledger));
	for (int kind = 0; kind < LEDGER_KINDS; kind++)
		limit((enum baton_ledger_kind)kind, AS_MANY_AS_IT_LIKES);
	thread_zone_init();
	semaphore_init();
	task_make(&task);
	task_make(&other);
	waiter = (struct thread){.task = &task, .cpu = &cpus[0], .refs = 1};
	spin_init(&waiter.lock, LOCK_THREAD);
	list_init(&waiter.wait_link);
	list_init(&waiter.sync.peers);
	idle = (struct thread){.cpu = &cpus[0]};
	cpus[0].idle = &idle;
	handed = woken = NULL;
	host_current = &waiter;
	return 0;
}

/* All that was made has been freed, and nobody pays for it. */
static int
tear_down(void **state)
{
	(void)state;
	assert_int_equal(live, 0);
	assert_int_equal(charged(BATON_LEDGER_THREADS), 0);
	assert_int_equal(charged(BATON_LEDGER_SEMAPHORES), 0);
	assert_int_equal(atomic_load(&task.refs), 1);
	assert_int_equal(atomic_load(&other.refs), 1);
	assert_true(list_empty(&task.threads));
	assert_int_equal(task.thread_count, 0);
	return 0;
}

/* With one reference, ours, and one right. */
static struct semaphore *
semaphore_new(struct task *of)
{
	struct semaphore *semaphore;
	struct port *port;

	assert_int_equal(semaphore_create(of, 0, 0, &port), KERN_SUCCESS);
	semaphore = semaphore_get(port->object);
	right_release_send(port);
	return semaphore;
}

static void
semaphore_gone(struct semaphore *semaphore)
{
	struct task *owner = semaphore->owner;

	assert_int_equal(semaphore_destroy(owner, semaphore), KERN_SUCCESS);
	reap();
	semaphore_put(semaphore);
}

static const struct thread_start somewhere = {
    .pc = 0x1000, .sp = 0x2000, .tp = 0x3000, .a0 = 4};

static kern_return_t
start_for(struct semaphore *semaphore)
{
	kern_return_t kr =
	    thread_start(&task, &somewhere, semaphore_get(semaphore));

	if (kr != KERN_SUCCESS)
		semaphore_put(semaphore);
	return kr;
}

/* The task's last thread runs and ends. */
static void
end_last(void)
{
	struct thread *thread =
	    container_of(task.threads.prev, struct thread, task_link);

	thread->state = THREAD_ACTIVE;
	host_current = thread;
	if (setjmp(out) == 0)
		thread_end();
	assert_ptr_equal(host_current, &idle);
	host_current = &waiter;
}

static void
waited(void)
{
	thread_return_value(KERN_SUCCESS);
}

/* The waiter comes to wait for @semaphore. */
static void
wait_for(struct semaphore *semaphore)
{
	if (setjmp(out) == 0) {
		(void)!semaphore_wait(
		    semaphore_get(semaphore), NULL, TIMER_NEVER, waited);
		fail_msg("it does not wait");
	}
	host_current = &waiter;
}

/* ---- beginning ---- */

static void
test_starts(void **state)
{
	struct semaphore *semaphore = semaphore_new(&task);
	struct thread *thread;

	(void)state;
	assert_int_equal(start_for(semaphore), KERN_SUCCESS);
	assert_non_null(woken);
	thread = semaphore_thread(semaphore);
	assert_ptr_equal(thread, woken);
	assert_int_equal(thread->tf.epc, somewhere.pc);
	assert_int_equal(thread->tf.sp, somewhere.sp);
	assert_int_equal(thread->tf.tp, somewhere.tp);
	assert_int_equal(thread->tf.a0, somewhere.a0);
	assert_int_equal(thread->suspend_count, 0);
	assert_int_equal(charged(BATON_LEDGER_THREADS), 1);
	thread_put(thread);
	end_last();
	assert_null(semaphore_thread(semaphore));
	semaphore_gone(semaphore);
}

static void
test_task_suspended(void **state)
{
	struct semaphore *semaphore = semaphore_new(&task);
	struct thread *thread;

	(void)state;
	task.suspend_count = 1;
	assert_int_equal(start_for(semaphore), KERN_SUCCESS);
	assert_null(woken);
	thread = semaphore_thread(semaphore);
	thread_hold(thread, false);
	assert_ptr_equal(woken, thread);
	thread_put(thread);
	end_last();
	semaphore_gone(semaphore);
}

static void
test_refused(void **state)
{
	struct semaphore *semaphore = semaphore_new(&task);
	struct semaphore *foreign = semaphore_new(&other);
	struct thread_start odd = {.pc = 0x1001};
	unsigned before = live;

	(void)state;
	assert_int_equal(
	    thread_start(&task, &odd, semaphore), KERN_INVALID_ARGUMENT);
	odd.pc = ~1UL;
	assert_int_equal(
	    thread_start(&task, &odd, semaphore), KERN_INVALID_ARGUMENT);
	assert_int_equal(start_for(foreign), KERN_INVALID_ARGUMENT);
	task.dying = true;
	assert_int_equal(start_for(semaphore), KERN_TERMINATED);
	task.dying = false;
	limit(BATON_LEDGER_THREADS, 0);
	assert_int_equal(start_for(semaphore), KERN_RESOURCE_SHORTAGE);
	limit(BATON_LEDGER_THREADS, AS_MANY_AS_IT_LIKES);
	fail_in = 1;
	assert_int_equal(start_for(semaphore), KERN_RESOURCE_SHORTAGE);
	assert_int_equal(live, before);
	assert_null(semaphore_thread(semaphore));
	assert_null(woken);

	assert_int_equal(start_for(semaphore), KERN_SUCCESS);
	before = live;
	assert_int_equal(start_for(semaphore), KERN_FAILURE);
	assert_int_equal(live, before);
	assert_int_equal(charged(BATON_LEDGER_THREADS), 1);
	end_last();
	assert_int_equal(semaphore_destroy(&task, semaphore), KERN_SUCCESS);
	reap();
	assert_int_equal(start_for(semaphore), KERN_TERMINATED);
	semaphore_put(semaphore);
	semaphore_gone(foreign);
}

/* The other way to make one, with a port from its beginning. */
static void
test_create(void **state)
{
	struct thread *thread;

	(void)state;
	for (fail_in = 1; fail_in < 3; fail_in++) {
		unsigned turn = fail_in;

		assert_int_equal(
		    thread_create(&task, &thread), KERN_RESOURCE_SHORTAGE);
		assert_int_equal(live, 0);
		fail_in = turn;
	}
	fail_in = 0;
	task.dying = true;
	assert_int_equal(thread_create(&task, &thread), KERN_TERMINATED);
	assert_int_equal(live, 0);
	task.dying = false;
	assert_int_equal(thread_create(&task, &thread), KERN_SUCCESS);
	assert_int_equal(thread->suspend_count, 1);
	assert_non_null(thread->self_port);
	thread_put(thread);
	end_last();
	assert_null(handed);
}

/* ---- the end ---- */

static void
test_nobody_waits(void **state)
{
	struct semaphore *semaphore = semaphore_new(&task);

	(void)state;
	assert_int_equal(start_for(semaphore), KERN_SUCCESS);
	end_last();
	assert_null(handed);
	assert_int_equal(semaphore->count, 1);
	semaphore_gone(semaphore);
}

static void
test_somebody_waits(void **state)
{
	struct semaphore *semaphore = semaphore_new(&task);

	(void)state;
	assert_int_equal(start_for(semaphore), KERN_SUCCESS);
	wait_for(semaphore);
	assert_int_equal(charged(BATON_LEDGER_THREADS), 1);
	end_last();
	/* By then it is accounted for no more. */
	assert_ptr_equal(handed, &waiter);
	assert_int_equal(charged(BATON_LEDGER_THREADS), 0);
	assert_int_equal(semaphore->count, 0);
	assert_int_equal(semaphore_wait_end(), KERN_SUCCESS);
	semaphore_gone(semaphore);
}

static void
test_semaphore_ends_first(void **state)
{
	struct semaphore *semaphore = semaphore_new(&task);

	(void)state;
	assert_int_equal(start_for(semaphore), KERN_SUCCESS);
	wait_for(semaphore);
	woken = NULL;
	assert_int_equal(semaphore_destroy(&task, semaphore), KERN_SUCCESS);
	reap();
	assert_ptr_equal(woken, &waiter);
	assert_int_equal(semaphore_wait_end(), KERN_TERMINATED);
	semaphore_put(semaphore);
	assert_int_equal(charged(BATON_LEDGER_SEMAPHORES), 1);
	end_last(); /* has the last reference */
	assert_null(handed);
}

static void
test_one_too_many(void **state)
{
	struct semaphore *semaphore = semaphore_new(&task);

	(void)state;
	semaphore->count = INT32_MAX;
	assert_int_equal(start_for(semaphore), KERN_SUCCESS);
	end_last();
	assert_int_equal(semaphore->count, INT32_MAX);
	semaphore_gone(semaphore);
}

/* ---- ports ---- */

static void
test_port(void **state)
{
	struct semaphore *semaphore = semaphore_new(&task);
	struct thread *thread;
	struct port *right;

	(void)state;
	assert_int_equal(start_for(semaphore), KERN_SUCCESS);
	thread = semaphore_thread(semaphore);
	assert_null(thread_make_send(thread));
	fail_in = 1;
	assert_int_equal(thread_need_port(thread), KERN_RESOURCE_SHORTAGE);
	assert_null(thread_make_send(thread));
	assert_int_equal(thread_need_port(thread), KERN_SUCCESS);
	right = thread_make_send(thread);
	assert_non_null(right);
	assert_int_equal(thread_need_port(thread), KERN_SUCCESS);
	assert_ptr_equal(right, thread->self_port);
	end_last();
	assert_int_equal(right->state, PORT_IS_DEAD);
	assert_int_equal(thread_need_port(thread), KERN_TERMINATED);
	assert_null(thread_make_send(thread));
	right_release_send(right);
	thread_put(thread);
	semaphore_gone(semaphore);
}

#define MANY 40

/* All of a task's threads are asked for, and the port of one fails. */
static void
test_gathering(void **state)
{
	struct semaphore *semaphore[MANY];
	struct port *right[MANY];

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		semaphore[i] = semaphore_new(&task);
		assert_int_equal(start_for(semaphore[i]), KERN_SUCCESS);
	}
	for (unsigned fails = MANY; fails > 0; fails -= 13) {
		struct task_gathering gathering = {
		    .ports = right, .room = MANY};
		unsigned before = live, steps = 0;

		fail_in = fails;
		while (task_gather_step(&task, &gathering))
			steps++;
		assert_true(gathering.failed);
		assert_int_equal(gathering.count, 0);
		assert_true(steps > 0);
		/* The ports that were made stay. */
		assert_int_equal(live - before, fails - 1);
		for (unsigned i = 0; i < MANY; i++) {
			struct thread *thread = semaphore_thread(semaphore[i]);

			if (thread->self_port != NULL) {
				assert_int_equal(
				    thread->self_port->send_rights, 0);
				port_destroy_kernel(thread->self_port);
			}
			thread->self_port = NULL;
			thread_put(thread);
		}
		if (fails < 13)
			break;
	}
	fail_in = 0;
	for (unsigned i = 0; i < MANY; i++)
		end_last();
	for (unsigned i = 0; i < MANY; i++)
		semaphore_gone(semaphore[i]);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_starts),
	    TEST(test_task_suspended),
	    TEST(test_refused),
	    TEST(test_create),
	    TEST(test_nobody_waits),
	    TEST(test_somebody_waits),
	    TEST(test_semaphore_ends_first),
	    TEST(test_one_too_many),
	    TEST(test_port),
	    TEST(test_gathering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
