/*
 * observe.c: see observe.h.
 */
#include "observe.h"

#include <mach/notify.h>
#include <string.h>

#include "chance.h"
#include "ipc/fast.h"
#include "ipc/kmsg.h"
#include "ipc/mqueue.h"
#include "ipc/port.h"
#include "ipc/pset.h"
#include "ipc_host.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "vm/across.h"

#define SEEN_MAX 4096

struct seen_failure observed_failure;
uint64_t observed_fast, observed_direct;

static struct seen notes[SEEN_MAX];
static unsigned seen_count, next_seen;
static bool in_notice;

void
observe_begin(void)
{
	seen_count = 0;
	next_seen = 0;
	observed_failure = (struct seen_failure){0};
}

static void
note(struct seen seen)
{
	EXPECT(seen_count < SEEN_MAX);
	if (seen.thread == NULL)
		seen.thread = current_thread();
	notes[seen_count++] = seen;
}

/* ---- between ipc/'s files ---- */

void __real_port_send_kernel(
    struct port *port, mach_msg_type_name_t type, struct kmsg *kmsg);
void __wrap_port_send_kernel(
    struct port *port, mach_msg_type_name_t type, struct kmsg *kmsg);
enum post_result __real_mqueue_post(struct port *port, struct kmsg *kmsg,
    bool force, struct thread **receiverp);
enum post_result __wrap_mqueue_post(struct port *port, struct kmsg *kmsg,
    bool force, struct thread **receiverp);
void __real_mqueue_append(struct port *port, struct kmsg *kmsg);
void __wrap_mqueue_append(struct port *port, struct kmsg *kmsg);
struct kmsg *__real_mqueue_peek(struct port *port);
struct kmsg *__wrap_mqueue_peek(struct port *port);
struct kmsg *__real_mqueue_take(struct port *port);
struct kmsg *__wrap_mqueue_take(struct port *port);
struct port *__real_pset_next_ready(struct pset *pset);
struct port *__wrap_pset_next_ready(struct pset *pset);
void __real_mqueue_wake(
    struct list *waiters, kern_return_t result, uint32_t most);
void __wrap_mqueue_wake(
    struct list *waiters, kern_return_t result, uint32_t most);
void __real_port_evict_receivers(struct port *port, enum eviction why);
void __wrap_port_evict_receivers(struct port *port, enum eviction why);
void __real_kmsg_destroy(struct kmsg *kmsg);
void __wrap_kmsg_destroy(struct kmsg *kmsg);
bool __real_across_copy(const struct across *across);
bool __wrap_across_copy(const struct across *across);
kern_return_t __real_message_general(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);
kern_return_t __wrap_message_general(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);

void
__wrap_port_send_kernel(
    struct port *port, mach_msg_type_name_t type, struct kmsg *kmsg)
{
	struct seen seen = {.kind = SEEN_NOTICE, .port = port, .id = kmsg->id};

	if (kmsg->size == HEADER_SIZE + 12)
		memcpy(&seen.word, kmsg->body + 8, sizeof(seen.word));
	if (kmsg->id == MACH_NOTIFY_PORT_DESTROYED)
		seen.carried = kmsg->descriptor[0].port;
	note(seen);
	in_notice = true;
	__real_port_send_kernel(port, type, kmsg);
	in_notice = false;
}

enum post_result
__wrap_mqueue_post(
    struct port *port, struct kmsg *kmsg, bool force, struct thread **receiverp)
{
	if (!in_notice)
		note((struct seen){.kind = SEEN_POST, .port = port});
	return __real_mqueue_post(port, kmsg, force, receiverp);
}

void
__wrap_mqueue_append(struct port *port, struct kmsg *kmsg)
{
	note((struct seen){.kind = SEEN_POST, .port = port});
	__real_mqueue_append(port, kmsg);
}

struct kmsg *
__wrap_mqueue_peek(struct port *port)
{
	note((struct seen){.kind = SEEN_LOOK, .port = port});
	return __real_mqueue_peek(port);
}

struct kmsg *
__wrap_mqueue_take(struct port *port)
{
	note((struct seen){.kind = SEEN_TAKE, .port = port});
	return __real_mqueue_take(port);
}

struct port *
__wrap_pset_next_ready(struct pset *pset)
{
	note((struct seen){.kind = SEEN_LOOK});
	return __real_pset_next_ready(pset);
}

void
__wrap_mqueue_wake(struct list *waiters, kern_return_t result, uint32_t most)
{
	struct list *at;
	uint32_t left = most;

	list_for_each (at, waiters) {
		if (result != RECEIVE_LOOK_AGAIN || left-- == 0)
			break;
		note((struct seen){.kind = SEEN_WAKE,
		    .thread = container_of(at, struct thread, wait_link)});
	}
	__real_mqueue_wake(waiters, result, most);
}

void
__wrap_port_evict_receivers(struct port *port, enum eviction why)
{
	note((struct seen){.kind = SEEN_EVICT, .port = port});
	__real_port_evict_receivers(port, why);
}

void
__wrap_kmsg_destroy(struct kmsg *kmsg)
{
	/* The first in a call is its own message. */
	if (!observed_failure.happened)
		observed_failure = (struct seen_failure){
		    .happened = true,
		    .header = kmsg->remote != NULL,
		    .done = kmsg->index,
		};
	__real_kmsg_destroy(kmsg);
}

/* Who waits to receive at @across->target. */
static struct m_thread *
awaited_by(const struct across *across)
{
	for (unsigned i = 0; i < THREADS; i++) {
		struct m_thread *thread = &world.thread[i];

		if (thread->state == M_RECEIVING &&
		    thread->task->sim->task.map == across->to &&
		    thread->receive_buffer == across->target)
			return thread;
	}
	return NULL;
}

/* As another hart may, when all is written: his wait ends. */
static bool
ends_wait(const struct across *across)
{
	struct m_thread *thread = awaited_by(across);
	struct thread *kernel;

	if (thread == NULL || chance(6) != 0)
		return false;
	kernel = &thread->sim->thread;
	EXPECT(thread_claim(kernel, KERN_ABORTED));
	note((struct seen){.kind = SEEN_ABORT, .thread = kernel});
	sched_wake(kernel);
	return true;
}

/* A message arrives that is in no queue, ever. */
bool
__wrap_across_copy(const struct across *across)
{
	bool written = __real_across_copy(across);

	if (written && !ends_wait(across)) {
		note((struct seen){.kind = SEEN_POST});
		observed_direct++;
	}
	return written;
}

kern_return_t
__wrap_message_general(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	observed_fast--; /* not so */
	return __real_message_general(buffer, option, bits_send_size,
	    remote_local, voucher_id, descriptors_rcv_name, rcv_size_priority,
	    timeout);
}

/* ---- the model follows ---- */

static uint32_t
notice_size(int32_t id)
{
	switch (id) {
	case MACH_NOTIFY_SEND_ONCE:
		return sizeof(mach_msg_header_t);
	case MACH_NOTIFY_PORT_DESTROYED:
		return sizeof(mach_msg_base_t) +
		       sizeof(mach_msg_port_descriptor_t);
	default:
		return sizeof(mach_msg_header_t) + 12;
	}
}

static bool
died_now(const struct m_port *port)
{
	return port != NULL && !port->alive && port->died == world.step;
}

/* May @notice be told as one of @id? */
static bool
id_allowed(const struct m_message *notice, int32_t id)
{
	if (notice->id == id || notice->other_id == id)
		return true;
	/* Of two things that one call does, either may come first: the last
	 * sender goes, and the port dies; */
	if (notice->id == MACH_NOTIFY_NO_SENDERS && id == MACH_NOTIFY_SEND_ONCE)
		return died_now(notice->about);
	/* a name goes, and its port dies. */
	if (notice->id == MACH_NOTIFY_DEAD_NAME)
		return id == MACH_NOTIFY_PORT_DELETED && world.ending;
	if (notice->id == MACH_NOTIFY_PORT_DELETED)
		return id == MACH_NOTIFY_DEAD_NAME && world.ending &&
		       died_now(notice->about);
	return false;
}

static bool
is_notice(const struct m_message *notice, const struct seen *seen)
{
	if (notice->dest.port->kernel != seen->port ||
	    !id_allowed(notice, seen->id))
		return false;
	if (seen->id == MACH_NOTIFY_PORT_DESTROYED)
		return notice->descriptor[0].right[0].port->kernel ==
		       seen->carried;
	return seen->id == MACH_NOTIFY_SEND_ONCE || notice->word == seen->word;
}

static bool
port_is_dead_now(const struct port *kernel)
{
	for (unsigned i = 0; i < world.ports.count; i++) {
		const struct m_port *port = world.ports.item[i];

		if (port->kernel == kernel && port->alive)
			return false;
	}
	return true;
}

static void
send_notice(struct m_message *notice)
{
	items_remove(&world.pending, notice);
	notice->size = notice_size(notice->id);
	if (notice->id == MACH_NOTIFY_PORT_DESTROYED && m_circular(notice))
		m_message_destroy(notice);
	else
		(void)m_post(notice, true);
}

static bool
find_notice(const struct seen *seen)
{
	for (unsigned i = 0; i < world.pending.count; i++) {
		struct m_message *notice = world.pending.item[i];

		if (is_notice(notice, seen)) {
			notice->id = seen->id;
			send_notice(notice);
			return true;
		}
	}
	return false;
}

/* A receive right that would go into its own queue is not sent, and dies; and
 * with it those on their way to that queue. */
static bool
drop_circular(void)
{
	for (unsigned i = 0; i < world.pending.count; i++) {
		struct m_message *notice = world.pending.item[i];

		if (notice->id == MACH_NOTIFY_PORT_DESTROYED &&
		    (m_circular(notice) || !notice->dest.port->alive)) {
			send_notice(notice);
			return true;
		}
	}
	return false;
}

static void
follow_notice(const struct seen *seen)
{
	do {
		if (find_notice(seen))
			return;
	} while (drop_circular());
	if (seen->id == MACH_NOTIFY_SEND_POSSIBLE &&
	    m_tell_room(seen->word, seen->port) != NULL) {
		(void)find_notice(seen);
		return;
	}
	/* To a port just before it died, for which the model was too quick. */
	if (seen->id != MACH_NOTIFY_PORT_DESTROYED &&
	    port_is_dead_now(seen->port))
		return;
	disagree("notice %d(0x%x) out of nothing", seen->id, seen->word);
}

/* Somebody is woken, or looks after that. */
static void
follow_waiter(const struct seen *seen)
{
	for (unsigned i = 0; i < THREADS; i++) {
		struct m_thread *thread = &world.thread[i];

		if (&thread->sim->thread != seen->thread)
			continue;
		if (seen->kind == SEEN_LOOK && thread->state == M_RESUMED)
			m_receive(thread);
		else if (seen->kind == SEEN_WAKE)
			m_look_again(thread);
		else if (seen->kind == SEEN_ABORT)
			m_interrupt(thread);
	}
}

/* The model does what was seen next. */
static void
follow_one(void)
{
	const struct seen *seen = &notes[next_seen++];

	if (seen->kind == SEEN_NOTICE)
		follow_notice(seen);
	else if (seen->kind == SEEN_LOOK || seen->kind == SEEN_WAKE ||
		 seen->kind == SEEN_ABORT)
		follow_waiter(seen);
	m_come_back_all();
}

/* Up to the next note of @kind, by @thread if that is not NULL. */
static bool
follow(enum seen_kind kind, const struct m_thread *thread)
{
	m_come_back_all();
	while (next_seen < seen_count) {
		const struct seen *seen = &notes[next_seen];

		if (seen->kind == kind &&
		    (thread == NULL || seen->thread == &thread->sim->thread)) {
			next_seen++;
			return true;
		}
		follow_one();
	}
	return false;
}

bool
observe_until_post(void)
{
	return follow(SEEN_POST, NULL);
}

bool
observe_leaves(const struct port *port)
{
	for (unsigned i = 0; i < seen_count; i++) {
		if (notes[i].kind == SEEN_EVICT && notes[i].port == port)
			return true;
	}
	return false;
}

bool
observe_until_leave(const struct m_port *port)
{
	unsigned end = next_seen;

	while (end < seen_count && (notes[end].kind != SEEN_EVICT ||
				       notes[end].port != port->kernel))
		end++;
	if (end == seen_count)
		return false;
	while (next_seen < end)
		follow_one();
	return true;
}

bool
observe_until_look(const struct m_thread *thread)
{
	/* Where there is no such name, it does not look. */
	if (m_lookup(thread->task, thread->receive_name) == NULL)
		return false;
	for (unsigned i = next_seen; i < seen_count; i++) {
		if (notes[i].kind == SEEN_LOOK &&
		    notes[i].thread == &thread->sim->thread)
			return follow(SEEN_LOOK, thread);
	}
	m_come_back_all();
	return false;
}

/* Notices to ports that died meanwhile went nowhere, seen or not. */
static void
drop_to_the_dead(void)
{
	while (world.pending.count > 0) {
		struct m_message *notice;

		/* First what makes others die. */
		if (!drop_circular()) {
			notice = items_take(&world.pending, 0);
			if (notice->dest.port->alive)
				disagree("notice %d(0x%x) to port %u was not "
					 "sent",
				    notice->id, notice->word,
				    notice->dest.port->number);
			m_message_destroy(notice);
		}
		m_come_back_all();
	}
}

void
observe_rest(void)
{
	(void)follow(SEEN_END, NULL);
	drop_to_the_dead();
	for (unsigned i = 0; i < THREADS; i++) {
		if (world.thread[i].state == M_RESUMED)
			m_receive_unseen(&world.thread[i]);
	}
	m_expect_told();
}

struct port *
observe_chosen(const struct m_thread *thread)
{
	struct port *port = NULL;

	for (unsigned i = next_seen; i < seen_count; i++) {
		if (notes[i].thread != &thread->sim->thread)
			continue;
		if (notes[i].kind == SEEN_TAKE)
			return notes[i].port;
		if (notes[i].kind == SEEN_LOOK && notes[i].port != NULL)
			port = notes[i].port;
	}
	return port;
}
