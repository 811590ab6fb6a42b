/* work.c: what a worker does, an operation at a time. */
#include "test/soak/soak.h"

#include <mach/mach_time.h>
#include <mach/mk_timer.h>
#include <mach/notify.h>

uint32_t
chance(struct worker *worker, uint32_t limit)
{
	worker->random = worker->random * 1664525 + 1013904223;
	return (worker->random >> 8) % limit;
}

mach_port_t
any_port(struct worker *worker)
{
	return ports[chance(worker, PORTS)];
}

mach_port_t
any_set(struct worker *worker)
{
	return sets[chance(worker, SETS)];
}

mach_msg_timeout_t
any_timeout(struct worker *worker)
{
	return chance(worker, 8) == 0 ? 1 + chance(worker, 2) : 0;
}

void
pool_give_up(mach_port_t name)
{
	mach_port_type_t type = 0;

	mach_port_type(mach_task_self(), name, &type);
	if (type == MACH_PORT_TYPE_SEND)
		mach_port_deallocate(mach_task_self(), name);
	else
		mach_port_destroy(mach_task_self(), name);
}

void
pool_replace(struct worker *worker, mach_port_t name)
{
	mach_port_t old = atomic_exchange(&ports[chance(worker, PORTS)], name);

	mach_port_insert_right(
	    mach_task_self(), name, name, MACH_MSG_TYPE_MAKE_SEND);
	pool_give_up(old);
}

/* ---- calls, as the fast path likes them ---- */

/* Of a few, so that clients and servers meet. */
static mach_port_t
busy_port(struct worker *worker)
{
	return ports[chance(worker, 3)];
}

void
work_client(struct worker *worker)
{
	union message message;
	uint32_t id = chance(worker, 0x10000);
	mach_msg_size_t size = 24 + 4 * chance(worker, 13);
	mach_msg_return_t mr;
	mach_msg_id_t asked;

	if (worker->reply == MACH_PORT_NULL)
		worker->reply = mach_reply_port();
	message_fill(&message, busy_port(worker), size, id);
	message.header.msgh_bits |=
	    MACH_MSGH_BITS(0, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	message.header.msgh_local_port = worker->reply;
	asked = message.header.msgh_id;
	mr = message_trap(
	    &message, MACH_SEND_MSG | MACH_RCV_MSG, size, worker->reply, 0);
	if (mr == MACH_MSG_SUCCESS) {
		worker->answers += message.header.msgh_id == asked;
		message_check(&message, worker);
		mach_msg_destroy(&message.header);
	} else if (mr & 0x4000) {
		/*
		 * The answer may come later: with another port it is not taken
		 * for that to the next call.
		 */
		mach_port_mod_refs(mach_task_self(), worker->reply,
		    MACH_PORT_RIGHT_RECEIVE, -1);
		worker->reply = MACH_PORT_NULL;
	} else {
		message_failed(&message, mr);
	}
}

/* Answers until its port is gone, then looks for another. */
void
work_server(struct worker *worker)
{
	mach_port_t from =
	    chance(worker, 8) == 0 ? any_set(worker) : busy_port(worker);
	union message message;
	mach_msg_return_t mr;

	/* Who waits for ever on a port that nobody knows does nothing. */
	if (chance(worker, 4) == 0)
		mr = message_trap(&message, MACH_RCV_MSG, 0, from, 0);
	else
		mr = message_trap(&message, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
		    from, any_timeout(worker));
	while (mr == MACH_MSG_SUCCESS && !over && chance(worker, 64) != 0) {
		mach_msg_size_t size = message.header.msgh_size;

		worker->messages++;
		message_check(&message, worker);
		if (MACH_MSGH_BITS_REMOTE(message.header.msgh_bits) !=
		    MACH_MSG_TYPE_MOVE_SEND_ONCE) {
			mach_msg_destroy(&message.header);
			mr = message_trap(&message, MACH_RCV_MSG, 0, from, 0);
			continue;
		}
		if (message.header.msgh_bits & MACH_MSGH_BITS_COMPLEX ||
		    size > 200)
			break;
		message.header.msgh_bits = MACH_MSG_TYPE_MOVE_SEND_ONCE;
		message.header.msgh_local_port = MACH_PORT_NULL;
		mr = message_trap(
		    &message, MACH_SEND_MSG | MACH_RCV_MSG, size, from, 0);
		if (mr != MACH_MSG_SUCCESS && !(mr & 0x4000))
			message_failed(&message, mr);
	}
	if (mr == MACH_MSG_SUCCESS)
		mach_msg_destroy(&message.header);
}

/* ---- messages that nobody waits for long ---- */

static void
send(struct worker *worker, union message *message)
{
	mach_msg_return_t mr;

	mr = message_trap(message, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
	    message->header.msgh_size, MACH_PORT_NULL, any_timeout(worker));
	if (mr != MACH_MSG_SUCCESS)
		message_failed(message, mr);
}

static void
send_plain(struct worker *worker)
{
	union message message;

	message_fill(&message, any_port(worker), 24 + 4 * chance(worker, 200),
	    chance(worker, 0x10000));
	send(worker, &message);
}

static void
send_right(struct worker *worker)
{
	static const mach_msg_type_name_t dispositions[] = {
	    MACH_MSG_TYPE_MOVE_RECEIVE,
	    MACH_MSG_TYPE_COPY_SEND,
	    MACH_MSG_TYPE_MAKE_SEND,
	    MACH_MSG_TYPE_MAKE_SEND_ONCE,
	};
	union message message;

	message_fill_right(&message, any_port(worker), any_port(worker),
	    dispositions[chance(worker, 4)]);
	send(worker, &message);
}

static void
send_memory(struct worker *worker)
{
	union message message;

	message_fill_memory(&message, any_port(worker), worker);
	send(worker, &message);
}

static void
send_array(struct worker *worker)
{
	union message message;

	message_fill_array(&message, any_port(worker), worker);
	send(worker, &message);
}

static void
receive(struct worker *worker)
{
	union message message;
	mach_port_t from =
	    chance(worker, 3) == 0 ? any_set(worker) : any_port(worker);

	for (int i = 0; i < 4; i++) {
		if (message_trap(&message, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
			from, any_timeout(worker)) != MACH_MSG_SUCCESS)
			return;
		worker->messages++;
		message_check(&message, worker);
		mach_msg_destroy(&message.header);
	}
}

/* ---- what else ports have ---- */

void
renew_port(struct worker *worker)
{
	mach_port_t name;

	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE,
		&name) == KERN_SUCCESS)
		pool_replace(worker, name);
}

/* Timers are ports of the pool like others. */
static void
use_timer(struct worker *worker)
{
	mach_port_t timer = any_port(worker);

	switch (chance(worker, 8)) {
	case 0:
		timer = mk_timer_create();
		if (timer != MACH_PORT_NULL)
			pool_replace(worker, timer);
		break;
	case 1:
		(void)mk_timer_cancel(timer, NULL);
		break;
	default:
		(void)mk_timer_arm(
		    timer, mach_absolute_time() + chance(worker, 0x10000));
	}
}

static void
change_sets(struct worker *worker)
{
	mach_port_t task = mach_task_self(), name;

	switch (chance(worker, 8)) {
	case 0:
		if (mach_port_allocate(task, MACH_PORT_RIGHT_PORT_SET, &name))
			break;
		name = atomic_exchange(&sets[chance(worker, SETS)], name);
		mach_port_destroy(task, name);
		break;
	case 1:
		mach_port_move_member(task, any_port(worker), any_set(worker));
		break;
	case 2:
		mach_port_move_member(task, any_port(worker), MACH_PORT_NULL);
		break;
	case 3:
	case 4:
		mach_port_extract_member(
		    task, any_port(worker), any_set(worker));
		break;
	default:
		mach_port_insert_member(
		    task, any_port(worker), any_set(worker));
	}
}

static void
ask_for_notice(struct worker *worker)
{
	static const mach_msg_id_t kinds[] = {
	    MACH_NOTIFY_DEAD_NAME,
	    MACH_NOTIFY_NO_SENDERS,
	    MACH_NOTIFY_PORT_DESTROYED,
	    MACH_NOTIFY_SEND_POSSIBLE,
	};
	mach_port_t previous = MACH_PORT_NULL;
	mach_port_t notify =
	    chance(worker, 4) == 0 ? MACH_PORT_NULL : any_port(worker);

	if (mach_port_request_notification(mach_task_self(), any_port(worker),
		kinds[chance(worker, 4)], chance(worker, 2), notify,
		MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous) == KERN_SUCCESS &&
	    MACH_PORT_VALID(previous))
		mach_port_deallocate(mach_task_self(), previous);
}

static void
change_references(struct worker *worker)
{
	mach_port_t task = mach_task_self(), name = any_port(worker);

	switch (chance(worker, 4)) {
	case 0:
		mach_port_insert_right(
		    task, name, name, MACH_MSG_TYPE_MAKE_SEND);
		break;
	case 1:
		mach_port_deallocate(task, name);
		break;
	case 2:
		mach_port_mod_refs(task, name, MACH_PORT_RIGHT_SEND,
		    (mach_port_delta_t)chance(worker, 5) - 2);
		break;
	default:
		mach_port_mod_refs(task, name, MACH_PORT_RIGHT_DEAD_NAME, -1);
	}
}

static void
change_limit(struct worker *worker)
{
	mach_port_limits_t limits = {chance(worker, 12)};

	mach_port_set_attributes(mach_task_self(), any_port(worker),
	    MACH_PORT_LIMITS_INFO, (mach_port_info_t)&limits,
	    MACH_PORT_LIMITS_INFO_COUNT);
}

static void
look(struct worker *worker)
{
	mach_port_status_t status;
	mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
	mach_port_name_array_t members;

	mach_port_get_attributes(mach_task_self(), any_port(worker),
	    MACH_PORT_RECEIVE_STATUS, (mach_port_info_t)&status, &count);
	if (mach_port_get_set_status(mach_task_self(), any_set(worker),
		&members, &count) == KERN_SUCCESS)
		vm_deallocate(mach_task_self(), (vm_address_t)members,
		    count * sizeof(*members));
}

/* How often each is done, of all together. */
static const struct {
	void (*operation)(struct worker *worker);
	unsigned weight;
} operations[] = {
    {send_plain, 12},
    {send_right, 12},
    {send_memory, 1}, /* has other harts forget pages, which takes time */
    {send_array, 4},
    {receive, 18},
    {renew_port, 4},
    {change_sets, 18},
    {ask_for_notice, 10},
    {change_references, 10},
    {change_limit, 4},
    {look, 1}, /* the same */
    {use_timer, 6},
    {use_semaphore, 12},
    {use_eventlink, 8},
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

void
work_mixed(struct worker *worker)
{
	unsigned all = 0, choice;

	for (unsigned i = 0; i < OPERATIONS; i++)
		all += operations[i].weight;
	choice = chance(worker, all);
	for (unsigned i = 0; i < OPERATIONS; i++) {
		if (choice < operations[i].weight) {
			operations[i].operation(worker);
			return;
		}
		choice -= operations[i].weight;
	}
}
