/*
 * ipc_host.c: see ipc_host.h.  Long because it is all of a kernel that ipc/
 * stands on, on one page.
 */
#include "ipc_host.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <arch/fpu.h>
#include <arch/pmap.h>
#include <arch/usercopy.h>
#include <serve/mach_port.h>

#include "ipc/fast.h"
#include "ipc/fast_port.h"
#include "ipc/kmsg.h"
#include "ipc/message.h"
#include "ipc/notify.h"
#include "ipc/pset.h"
#include "kernel/reaper.h"
#include "kernel/cpu.h"
#include "kernel/exception.h"
#include "kernel/kassert.h"
#include "kernel/sched.h"
#include "kernel/zone.h"
#include "vm/map.h"
#include "vm/pager_fast.h"
#include "vm/across.h"
#include "vm/passage.h"
#include "vm/transfer.h"

#define TASKS 8

static struct sim_task *tasks[TASKS];
static struct thread idle;
bool host_fast_used;
unsigned host_yields;
uint64_t host_time = 12345, host_deadline;
bool host_map_full;
bool host_across_declines;

/* ---- memory ---- */

static uint64_t live, fail_in;
static bool failed;

static void *
allocate(size_t size)
{
	if (fail_in > 0 && --fail_in == 0) {
		failed = true;
		return NULL;
	}
	live++;
	/* As objects come from a zone: with anything in them. */
	return memset(malloc(size), 0xa5, size);
}

uint64_t
host_live(void)
{
	return live;
}

void
host_fail(uint64_t count)
{
	fail_in = count;
	failed = false;
}

bool
host_failed(void)
{
	return failed;
}

void
zone_init(struct zone *zone, const char *name, size_t size, size_t alignment)
{
	(void)alignment;
	*zone = (struct zone){.name = name, .size = (uint32_t)size};
}

void
zone_init_made(struct zone *zone, const char *name, size_t size,
    size_t alignment, void (*make)(void *object))
{
	zone_init(zone, name, size, alignment);
	zone->make = make;
}

void *
zone_alloc(struct zone *zone)
{
	void *object = allocate(zone->size);

	if (object != NULL && zone->make != NULL)
		zone->make(object);
	return object;
}

void *
zone_alloc_zeroed(struct zone *zone)
{
	void *object = allocate(zone->size);

	return object == NULL ? NULL : memset(object, 0, zone->size);
}

void
zone_free(struct zone *zone, void *object)
{
	(void)zone;
	live--;
	free(object);
}

void *
kmem_alloc(size_t size)
{
	return allocate(size);
}

void
kmem_free(void *memory, size_t size)
{
	KASSERT(memory != NULL);
	memset(memory, 0x5a, size); /* it was at least so large */
	live--;
	free(memory);
}

/* ---- user memory ---- */

static struct sim_task *
current_task(void)
{
	return container_of(current_thread()->task, struct sim_task, task);
}

void *
user_at(struct sim_task *task, uaddr_t address)
{
	KASSERT(address >= USER_START);
	KASSERT(address < USER_START + USER_SIZE);
	return task->memory + (address - USER_START);
}

static bool
mapped(uaddr_t address, size_t size)
{
	return address >= USER_START && size <= USER_SIZE &&
	       address <= USER_START + USER_SIZE - size;
}

kern_return_t
copyin(void *to, uaddr_t from, size_t size)
{
	KASSERT(cpus[0].held_count == 0);
	if (!mapped(from, size))
		return KERN_INVALID_ADDRESS;
	memcpy(to, user_at(current_task(), from), size);
	return KERN_SUCCESS;
}

/* With locks held. */
kern_return_t
copyin_present(void *to, uaddr_t from, size_t size)
{
	if (!mapped(from, size))
		return KERN_INVALID_ADDRESS;
	memcpy(to, user_at(current_task(), from), size);
	return KERN_SUCCESS;
}

unsigned host_absent;

kern_return_t
copyout(uaddr_t to, const void *from, size_t size)
{
	KASSERT(cpus[0].held_count == 0);
	if (!mapped(to, size))
		return KERN_INVALID_ADDRESS;
	if (host_absent > 0 && to >= USER_START + USER_SIZE / 2) {
		host_absent--;
		return KERN_MEMORY_WAIT;
	}
	memcpy(user_at(current_task(), to), from, size);
	return KERN_SUCCESS;
}

kern_return_t
copyout_words_return(
    uaddr_t to, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	uint64_t words[] = {w0, w1, w2, w3};

	KASSERT(to % 8 == 0);
	if (copyout(to, words, sizeof(words)) != KERN_SUCCESS)
		return KERN_INVALID_ADDRESS;
	thread_return_value(KERN_SUCCESS);
}

noreturn void
arch_user_return_success(void)
{
	thread_return_value(KERN_SUCCESS);
}

kern_return_t
copyin_descriptor(void *to, uaddr_t from)
{
	KASSERT(((uaddr_t)to | from) % 8 == 0);
	return copyin(to, from, 20);
}

kern_return_t
copyout_descriptor_return(uaddr_t to, uint64_t w0, uint64_t w1, uint64_t w2,
    uint64_t w3, uint64_t w4, uint64_t w5, uint64_t w6)
{
	uint64_t words[] = {w0, w1, w2, w3, w4, w5, w6};

	KASSERT(to % 8 == 0);
	if (copyout(to, words, sizeof(words) - 4) != KERN_SUCCESS)
		return KERN_INVALID_ADDRESS;
	thread_return_value(KERN_SUCCESS);
}

kern_return_t
copyout_name(uint64_t target, uint64_t right, uaddr_t to, uint32_t name)
{
	return port_name_later(target, right, to, name);
}

kern_return_t
copyout_raise_return(uaddr_t to, uint64_t bits_size, uint64_t names,
    uint64_t id, uint64_t identity, uint64_t ndr_exception, uint64_t code,
    uint64_t subcode)
{
	const uint64_t descriptor = MACH_MSG_TYPE_PORT_SEND << 16 |
				    (uint64_t)MACH_MSG_PORT_DESCRIPTOR << 24;
	uint64_t words[] = {bits_size, names, id, 2 | identity << 32,
	    descriptor << 32, identity >> 32, descriptor, ndr_exception,
	    2 | code << 32, code >> 32 | subcode << 32, subcode >> 32,
	    sizeof(mach_msg_trailer_t)};

	KASSERT(to % 8 == 0);
	if (copyout(to, words, sizeof(words) - 4) != KERN_SUCCESS)
		return KERN_INVALID_ADDRESS;
	thread_return_value(KERN_SUCCESS);
}

/* The upper half of a task's memory is for what is mapped later. */
static uaddr_t
take_address(struct sim_task *task, uint64_t size)
{
	uaddr_t address = USER_START + USER_SIZE / 2 + task->used;

	size = page_ceil(size);
	if (size > USER_SIZE / 2 - task->used) {
		task->used = 0; /* start again: tests look at once */
		address = USER_START + USER_SIZE / 2;
	}
	task->used += size;
	return address;
}

kern_return_t
map_allocate(struct map *map, uaddr_t *addressp, uint64_t size, uint64_t mask,
    unsigned flags, unsigned prot, unsigned max_prot, unsigned inherit)
{
	(void)map;
	(void)mask;
	(void)flags;
	(void)prot;
	(void)max_prot;
	(void)inherit;
	if (host_map_full)
		return KERN_NO_SPACE;
	if (fail_in > 0 && --fail_in == 0) {
		failed = true;
		return KERN_RESOURCE_SHORTAGE;
	}
	*addressp = take_address(current_task(), size);
	return KERN_SUCCESS;
}

kern_return_t
map_deallocate(struct map *map, uaddr_t address, uint64_t size, uint64_t *donep)
{
	(void)map;
	(void)address;
	*donep = size;
	return KERN_SUCCESS;
}

/* Memory on its way: a copy.  Taking and destroying it takes two steps. */
struct transfer {
	uint64_t size;
	bool ready;
	bool torn;
	uint8_t bytes[];
};

kern_return_t
transfer_from_kernel(struct ledger *ledger, const void *bytes, uint64_t size,
    struct transfer **transferp)
{
	struct transfer *transfer = allocate(sizeof(*transfer) + size);

	(void)ledger;
	if (transfer == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*transfer = (struct transfer){.size = size, .ready = true};
	memcpy(transfer->bytes, bytes, size);
	*transferp = transfer;
	return KERN_SUCCESS;
}

kern_return_t
transfer_blank(
    struct ledger *ledger, uint64_t size, struct transfer **transferp)
{
	struct transfer *transfer = NULL;

	(void)ledger;
	if (size > 0) {
		transfer = allocate(sizeof(*transfer) + size);
		if (transfer == NULL)
			return KERN_RESOURCE_SHORTAGE;
		*transfer = (struct transfer){.size = size, .ready = true};
		memset(transfer->bytes, 0, size);
	}
	*transferp = transfer;
	return KERN_SUCCESS;
}

kern_return_t
transfer_write(struct transfer *transfer, uint64_t offset, const void *bytes,
    uint64_t size)
{
	KASSERT(offset + size <= transfer->size);
	if (fail_in > 0 && --fail_in == 0) {
		failed = true;
		return KERN_RESOURCE_SHORTAGE;
	}
	memcpy(transfer->bytes + offset, bytes, size);
	return KERN_SUCCESS;
}

uint64_t
transfer_size(const struct transfer *transfer)
{
	return transfer != NULL ? transfer->size : 0;
}

bool
transfer_trim(struct transfer *transfer, uint64_t size)
{
	if (transfer == NULL)
		return size == 0;
	if (page_ceil(size) != page_ceil(transfer->size))
		return false;
	transfer->size = size;
	return true;
}

kern_return_t
transfer_to_kernel(const struct transfer *transfer, uint64_t offset,
    void *bytes, uint64_t size)
{
	KASSERT(offset + size <= transfer->size);
	memcpy(bytes, transfer->bytes + offset, size);
	return KERN_SUCCESS;
}

/* The task whose map it is. */
static struct sim_task *
task_of(const struct map *map)
{
	for (unsigned i = 0; i < TASKS; i++) {
		if (tasks[i] != NULL && tasks[i]->task.map == map)
			return tasks[i];
	}
	panic("a map of nobody's");
}

static bool
overlaps(const struct across *across, uint64_t size)
{
	return across->from == across->to &&
	       across->source < across->target + size &&
	       across->target < across->source + across->size;
}

/* What is there, is there in one piece. */
bool
across_copy(const struct across *across)
{
	uint64_t size = across->head_size + across->size + across->tail_size;
	uint8_t *to;

	if (host_across_declines || ((across->source | across->target) & 3) ||
	    !mapped(across->target, size) || overlaps(across, size) ||
	    (across->size > 0 && !mapped(across->source, across->size)))
		return false;
	to = user_at(task_of(across->to), across->target);
	memcpy(to, across->head, across->head_size);
	to += across->head_size;
	if (across->size > 0)
		memcpy(to, user_at(task_of(across->from), across->source),
		    across->size);
	memcpy(to + across->size, across->tail, across->tail_size);
	return true;
}

/* Nobody waits in registers here. */
bool
across_body(struct map *to, uaddr_t target, uaddr_t source, uint64_t size,
    uint64_t w0, uint64_t w1, uint64_t w2)
{
	(void)to, (void)target, (void)source, (void)size;
	(void)w0, (void)w1, (void)w2;
	return false;
}

bool
across_words(struct map *to, uaddr_t target, uaddr_t source, uint64_t size,
    uint64_t w0, uint64_t w1, uint64_t w2, const uint64_t *words)
{
	(void)words;
	return across_body(to, target, source, size, w0, w1, w2);
}

bool
passage_prepare(struct passage *passage, struct map *to)
{
	(void)passage;
	(void)to;
	return false;
}

uaddr_t
passage_commit(struct passage *passage)
{
	(void)passage;
	panic("nothing was prepared");
}

void
passage_abandon(struct passage *passage)
{
	(void)passage;
	panic("nothing was prepared");
}

/* No memory here is a pager's: what is supplied goes the long way. */
bool
pager_supply_fast(struct pager *pager, struct pager_supply *supply)
{
	(void)pager;
	(void)supply;
	return false;
}

struct thread *
pager_supplied(const struct pager_supply *supply)
{
	(void)supply;
	return NULL;
}

kern_return_t
transfer_take(struct map *map, uaddr_t address, uint64_t size,
    enum transfer_how how, struct transfer **transferp)
{
	kern_return_t kr;

	(void)map;
	(void)how;
	if (size == 0)
		return KERN_SUCCESS;
	if (*transferp == NULL) {
		if (!mapped(address, size))
			return KERN_INVALID_ADDRESS;
		kr = transfer_from_kernel(
		    NULL, user_at(current_task(), address), size, transferp);
		if (kr != KERN_SUCCESS)
			return kr;
		(*transferp)->ready = false;
		return KERN_OPERATION_TIMED_OUT;
	}
	(*transferp)->ready = true;
	return KERN_SUCCESS;
}

kern_return_t
transfer_map(struct transfer *transfer, struct map *map, uaddr_t *addressp)
{
	(void)map;
	KASSERT(transfer->ready);
	KASSERT(!transfer->torn);
	if (host_map_full)
		return KERN_NO_SPACE;
	if (fail_in > 0 && --fail_in == 0) {
		failed = true;
		return KERN_RESOURCE_SHORTAGE;
	}
	*addressp = take_address(current_task(), transfer->size);
	memcpy(user_at(current_task(), *addressp), transfer->bytes,
	    transfer->size);
	live--;
	free(transfer);
	return KERN_SUCCESS;
}

bool
transfer_destroy_step(struct transfer *transfer)
{
	if (!transfer->torn) {
		transfer->torn = true;
		return true;
	}
	live--;
	free(transfer);
	return false;
}

void
transfer_destroy(struct transfer *transfer)
{
	while (transfer_destroy_step(transfer))
		continue;
}

/* ---- threads ---- */

static jmp_buf out;
static struct sim_thread *runnable, **runnable_end = &runnable;
static unsigned yield_every, yield_asked;

static void
make_runnable(struct thread *thread)
{
	struct sim_thread *sim =
	    container_of(thread, struct sim_thread, thread);

	sim->next = NULL;
	*runnable_end = sim;
	runnable_end = &sim->next;
}

void
sched_wake(struct thread *thread)
{
	KASSERT(thread->state == THREAD_ACTIVE);
	thread->state = THREAD_RUNNABLE;
	make_runnable(thread);
}

void
sched_run_at(struct thread *self, uint32_t priority)
{
	self->priority = priority;
}

bool
sched_can_handoff(const struct thread *next)
{
	(void)next;
	return true;
}

noreturn void
sched_switch(void)
{
	KASSERT(cpus[0].held_count == 0);
	longjmp(out, 1);
}

noreturn void
sched_handoff(struct thread *next)
{
	sched_wake(next);
	sched_switch();
}

/* Nobody is more urgent than another here. */
void
sched_check(struct thread *next, const struct cpu *cpu)
{
	(void)next;
	(void)cpu;
}

noreturn void
sched_yield(continuation_t cont)
{
	struct thread *self = current_thread();

	host_yields++;
	self->cont = cont;
	self->state = THREAD_RUNNABLE;
	make_runnable(self);
	sched_switch();
}

bool
thread_should_yield(void)
{
	return yield_every != 0 && ++yield_asked % yield_every == 0;
}

void
host_yield_every(unsigned nth)
{
	yield_every = nth;
}

void
wait_begin(struct thread *self, continuation_t cont, uint64_t deadline,
    struct spinlock *queue_lock)
{
	host_deadline = deadline;
	self->cont = cont;
	self->priority = self->base_priority;
	atomic_store(&self->wait_armed, 1);
	spin_unlock(queue_lock);
	arch_set_current(&idle);
}

/* No deadline is ever armed: time passes when a test says so. */
bool
timer_cancel_armed(struct timer *timer)
{
	KASSERT(timer->cpu == NULL);
	return false;
}

noreturn void
thread_return(void)
{
	struct sim_thread *sim =
	    container_of(current_thread(), struct sim_thread, thread);

	KASSERT(cpus[0].held_count == 0);
	sim->returned = true;
	sim->value = (int64_t)sim->thread.tf.a0;
	longjmp(out, 1);
}

noreturn void
thread_return_value(uint64_t value)
{
	current_thread()->tf.a0 = value;
	thread_return();
}

noreturn void
arch_user_return(void)
{
	thread_return();
}

void
pmap_switch(struct pmap *pmap)
{
	(void)pmap;
}

void
fpu_switch(struct cpu *cpu, struct thread *next)
{
	(void)cpu;
	(void)next;
}

void
fpu_shut(struct cpu *cpu)
{
	(void)cpu;
}

struct thread *
thread_create_kernel(continuation_t cont, uint32_t priority)
{
	(void)cont;
	(void)priority;
	return NULL; /* tests drain the reaper themselves */
}

/* No thread here raises exceptions. */

noreturn void
exception_ask(void)
{
	panic("an exception");
}

void
exception_answered(void)
{
	panic("an exception");
}

uint64_t
timer_now(void)
{
	return host_time;
}

uint64_t
timer_after_ms(uint32_t milliseconds)
{
	return host_time + milliseconds;
}

kern_return_t
thread_need_port(struct thread *thread)
{
	return thread->self_port != NULL ? KERN_SUCCESS : KERN_TERMINATED;
}

void
thread_put(struct thread *thread)
{
	atomic_fetch_sub(&thread->refs, 1);
}

void
task_put(struct task *task)
{
	atomic_fetch_sub(&task->refs, 1);
}

static void
end_wait(struct sim_thread *sim, kern_return_t result)
{
	if (thread_claim(&sim->thread, result))
		sched_wake(&sim->thread);
	host_run();
}

void
host_expire(struct sim_thread *thread)
{
	end_wait(thread, KERN_OPERATION_TIMED_OUT);
}

void
host_abort(struct sim_thread *thread)
{
	end_wait(thread, KERN_ABORTED);
}

bool
host_call(struct sim_thread *sim, int64_t (*function)(void *), void *argument)
{
	KASSERT(!thread_is_waiting(&sim->thread));
	arch_set_current(&sim->thread);
	sim->thread.state = THREAD_ACTIVE;
	sim->returned = false;
	if (setjmp(out) == 0) {
		int64_t value = function(argument);

		sim->returned = true;
		sim->value = value;
	}
	KASSERT(cpus[0].held_count == 0);
	arch_set_current(&idle);
	host_run();
	return sim->returned;
}

void
host_run(void)
{
	for (;;) {
		struct sim_thread *sim = runnable;

		if (sim == NULL) {
			reaper_drain();
			if (runnable == NULL)
				return;
			continue;
		}
		runnable = sim->next;
		if (runnable == NULL)
			runnable_end = &runnable;
		arch_set_current(&sim->thread);
		sim->thread.state = THREAD_ACTIVE;
		if (setjmp(out) == 0)
			sim->thread.cont();
		KASSERT(cpus[0].held_count == 0);
		arch_set_current(&idle);
	}
}

/* ---- tasks ---- */

void
host_ipc_start(void)
{
	static bool begun;

	idle.cpu = &cpus[0];
	cpus[0].idle = &idle;
	arch_set_current(&idle);
	host_fail(0);
	host_yield_every(0);
	host_fast_used = false;
	host_map_full = false;
	host_across_declines = false;
	KASSERT(live == 0);
	if (!begun) {
		ipc_init();
		kserver_register(&mach_port_subsystem);
	}
	begun = true;
}

struct sim_task *
sim_task_create(void)
{
	static uint64_t ids;
	struct sim_task *task = calloc(1, sizeof(*task));

	spin_init(&task->task.lock, LOCK_TASK);
	task->task.id = ++ids;
	task->task.refs = 1;
	KASSERT(space_create(ids, &task->task.space) == KERN_SUCCESS);
	/* fast.c takes the address of its pmap, and nothing else. */
	task->task.map = calloc(1, sizeof(struct map));
	for (unsigned i = 0;; i++) {
		KASSERT(i < TASKS);
		if (tasks[i] == NULL) {
			tasks[i] = task;
			return task;
		}
	}
}

void
sim_task_end(struct sim_task *task)
{
	while (space_destroy_step(task->task.space))
		continue;
	host_run();
	space_put(task->task.space);
	KASSERT(task->task.refs == 1);
	for (unsigned i = 0; i < TASKS; i++) {
		if (tasks[i] == task)
			tasks[i] = NULL;
	}
	free(task->task.map);
	free(task);
}

kern_return_t
mach_msg2_trap(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	return (ipc_fast_enabled ? mach_msg2_fast : message_general)(buffer,
	    option, bits_send_size, remote_local, voucher_id,
	    descriptors_rcv_name, rcv_size_priority, timeout);
}

struct sim_thread *
sim_thread_create(struct sim_task *task)
{
	struct sim_thread *sim = calloc(1, sizeof(*sim));

	sim->thread.task = &task->task;
	fast_init(&sim->thread);
	sim->thread.cpu = &cpus[0];
	sim->thread.state = THREAD_RUNNABLE;
	sim->thread.base_priority = PRIORITY_USER;
	sim->thread.priority = PRIORITY_USER;
	spin_init(&sim->thread.lock, LOCK_THREAD);
	list_init(&sim->thread.wait_link);
	return sim;
}

void
sim_thread_end(struct sim_thread *sim)
{
	KASSERT(!thread_is_waiting(&sim->thread));
	thread_drop_ports(&sim->thread);
	free(sim);
}

/* ---- are rights and references conserved? ---- */

#define PORTS 4096

struct tally {
	struct port *port;
	uint32_t send, send_once, receive, refs;
};

static struct tally tallies[PORTS];
static unsigned tally_count;

static struct tally *
tally_of(struct port *port)
{
	for (unsigned i = 0; i < tally_count; i++) {
		if (tallies[i].port == port)
			return &tallies[i];
	}
	KASSERT(tally_count < PORTS);
	tallies[tally_count] = (struct tally){.port = port};
	return &tallies[tally_count++];
}

static void
tally_right(struct port *port, uint32_t type)
{
	struct tally *tally;

	if (port == NULL || port == RIGHT_DEAD)
		return;
	tally = tally_of(port);
	tally->refs++;
	tally->send += type == MACH_MSG_TYPE_PORT_SEND;
	tally->send_once += type == MACH_MSG_TYPE_PORT_SEND_ONCE;
	tally->receive += type == MACH_MSG_TYPE_PORT_RECEIVE;
}

static void
tally_kmsg(struct kmsg *kmsg)
{
	tally_right(kmsg->remote, kmsg->remote_type);
	tally_right(kmsg->local, kmsg->local_type);
	for (uint32_t i = 0; i < kmsg->done; i++) {
		struct kdescriptor *descriptor = &kmsg->descriptor[i];

		if (descriptor->type == MACH_MSG_PORT_DESCRIPTOR ||
		    descriptor->type == MACH_MSG_GUARDED_PORT_DESCRIPTOR)
			tally_right(descriptor->port, descriptor->disposition);
		if (descriptor->type != MACH_MSG_OOL_PORTS_DESCRIPTOR)
			continue;
		for (uint32_t k = 0; k < descriptor->size; k++)
			tally_right(
			    descriptor->ports[k], descriptor->disposition);
	}
}

/* What a port's own fields hold on to. */
static void
tally_port(struct port *port)
{
	struct list *at;

	list_for_each (at, &port->queue.messages)
		tally_kmsg(container_of(at, struct kmsg, link));
	list_for_each (at, &port->queue.receivers)
		tally_of(port)->refs++;
	list_for_each (at, &port->queue.senders) {
		tally_of(port)->refs++;
		tally_kmsg(container_of(at, struct kmsg, link));
	}
	list_for_each (at, &port->requests)
		tally_kmsg(
		    container_of(at, struct name_request, port_link)->notice);
	tally_of(port)->refs += port->set_count;
	if (port->no_senders != NULL)
		tally_kmsg(port->no_senders);
	if (port->destroyed != NULL)
		tally_kmsg(port->destroyed);
}

static void
tally_entry(const struct entry *entry)
{
	uint32_t key = entry->key;

	if (!(key & (MACH_PORT_TYPE_PORT_RIGHTS)))
		return;
	tally_of(entry->port)->refs++;
	tally_of(entry->port)->send += (key & MACH_PORT_TYPE_SEND) != 0;
	tally_of(entry->port)->send_once +=
	    (key & MACH_PORT_TYPE_SEND_ONCE) != 0;
	tally_of(entry->port)->receive += (key & MACH_PORT_TYPE_RECEIVE) != 0;
}

static void
tally_space(struct space *space)
{
	spin_lock(&space->lock);
	space_check(space);
	for (uint32_t i = 1; i < space->top; i++) {
		struct entry *entry = space_entry(space, i);

		if (entry != NULL)
			tally_entry(entry);
	}
	spin_unlock(&space->lock);
}

static void
compare(const struct tally *tally)
{
	struct port *port = tally->port;

	port_lock(port);
	port_check(port);
	KASSERT(tally->send == port->send_rights);
	KASSERT(
	    tally->send_once + port->notices_owed == port->send_once_rights);
	if (port->state == PORT_IS_DEAD) {
		KASSERT(tally->receive == 0);
	} else if (port->state == PORT_IN_KERNEL) {
		KASSERT(port->refs >= tally->refs);
	} else {
		uint32_t refs =
		    tally->refs + port->notices_owed + port->reaping;

		KASSERT(tally->receive == 1);
		/* The fast path remembers ports, with references. */
		KASSERT(
		    host_fast_used ? port->refs >= refs : port->refs == refs);
	}
	spin_unlock(&port->lock);
}

void
host_check(void)
{
	tally_count = 0;
	for (unsigned i = 0; i < TASKS; i++) {
		if (tasks[i] != NULL)
			tally_space(tasks[i]->task.space);
	}
	/* Ports found on the way are looked at in their turn. */
	for (unsigned i = 0; i < tally_count; i++)
		tally_port(tallies[i].port);
	for (unsigned i = 0; i < tally_count; i++)
		compare(&tallies[i]);
}
