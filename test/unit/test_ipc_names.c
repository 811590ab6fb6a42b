/*
 * test/unit/test_ipc_names.c: names and rights against a plain model.
 *
 * Long because the model and its comparison belong together.
 *
 * The model knows for each port which space has how many references to it, by
 * which name, and nothing else.  Random operations are done to both, and both
 * must agree: on the result, and on every name afterwards.  The rights and
 * references that the kernel's structures hold are counted up after each.
 *
 * Sources: ipc
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <mach/notify.h>

#include "ipc/mach_port.h"
#include "ipc/message.h"
#include "ipc/notify.h"
#include "ipc/right.h"
#include "ipc_host.h"
#include "kernel/kassert.h"

#define SPACES 3
#define PORTS  24

static struct sim_task *task[SPACES];

static struct space *
space_of(unsigned which)
{
	return task[which]->task.space;
}

static int
begin(void **state)
{
	(void)state;
	host_ipc_start();
	ipc_fast_enabled = false;
	for (unsigned i = 0; i < SPACES; i++)
		task[i] = sim_task_create();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SPACES; i++)
		sim_task_end(task[i]);
	assert_int_equal(host_live(), 0);
	return 0;
}

/* ---- the model ---- */

/* A name in a space: what it denotes. */
struct model_name {
	mach_port_name_t name; /* 0: none */
	uint32_t type;
	uint32_t urefs;
};

static struct model_port {
	bool alive;
	/* One per space for receive and send, or what became of it. */
	struct model_name in[SPACES];
} model[PORTS];

/* What the kernel says of a name must be what the model says. */
static void
agree(unsigned which, const struct model_name *expected)
{
	mach_port_urefs_t urefs = 0;
	mach_port_type_t type = 0;
	mach_port_right_t right;

	if (expected->name == 0)
		return;
	assert_int_equal(mach_port_type(space_of(which), expected->name, &type),
	    KERN_SUCCESS);
	assert_int_equal(type, expected->type);
	right = type & MACH_PORT_TYPE_DEAD_NAME ? MACH_PORT_RIGHT_DEAD_NAME
						: MACH_PORT_RIGHT_SEND;
	assert_int_equal(
	    mach_port_get_refs(space_of(which), expected->name, right, &urefs),
	    KERN_SUCCESS);
	assert_int_equal(urefs, expected->urefs);
}

static void
agree_all(void)
{
	uint32_t count[SPACES] = {0};

	for (unsigned i = 0; i < PORTS; i++) {
		for (unsigned which = 0; which < SPACES; which++) {
			agree(which, &model[i].in[which]);
			count[which] += model[i].in[which].name != 0;
		}
	}
	for (unsigned which = 0; which < SPACES; which++)
		assert_int_equal(
		    mach_port_name_count(space_of(which)), count[which]);
	host_check();
}

static void
model_die(struct model_port *port)
{
	port->alive = false;
	for (unsigned i = 0; i < SPACES; i++) {
		struct model_name *in = &port->in[i];

		if (in->type & MACH_PORT_TYPE_SEND)
			in->type = MACH_PORT_TYPE_DEAD_NAME;
		else
			*in = (struct model_name){0};
	}
}

/* Change the references of a name; what mod_refs() must answer. */
static kern_return_t
model_mod(struct model_name *in, int32_t delta)
{
	int64_t urefs = (int64_t)in->urefs + delta;

	if (urefs < 0)
		return KERN_INVALID_VALUE;
	if (in->urefs == MACH_PORT_UREFS_MAX && urefs != 0)
		return delta > 0 ? KERN_UREFS_OVERFLOW : KERN_SUCCESS;
	if (urefs > MACH_PORT_UREFS_MAX)
		return KERN_UREFS_OVERFLOW;
	in->urefs = (uint32_t)urefs;
	if (urefs > 0)
		return KERN_SUCCESS;
	if (in->type & MACH_PORT_TYPE_RECEIVE)
		in->type = MACH_PORT_TYPE_RECEIVE;
	else
		*in = (struct model_name){0};
	return KERN_SUCCESS;
}

/* ---- random operations ---- */

static unsigned
chance(unsigned n)
{
	return (unsigned)random() % n;
}

static void
op_allocate(struct model_port *port)
{
	unsigned which = chance(SPACES);
	struct model_name *in = &port->in[which];

	for (unsigned i = 0; i < SPACES; i++) {
		if (port->in[i].name != 0)
			return;
	}
	assert_int_equal(mach_port_allocate(space_of(which),
			     MACH_PORT_RIGHT_RECEIVE, &in->name),
	    KERN_SUCCESS);
	in->type = MACH_PORT_TYPE_RECEIVE;
	in->urefs = 0;
	port->alive = true;
}

/* What right_copyin() of @disposition from @in gives, by the model. */
static kern_return_t
model_copyin(struct model_name *in, mach_msg_type_name_t disposition)
{
	uint32_t wanted = disposition == MACH_MSG_TYPE_MAKE_SEND ||
				  disposition == MACH_MSG_TYPE_MOVE_RECEIVE
			      ? MACH_PORT_TYPE_RECEIVE
			      : MACH_PORT_TYPE_SEND;

	if (in->name == 0)
		return KERN_INVALID_NAME;
	if (!(in->type & wanted))
		return KERN_INVALID_RIGHT;
	if (disposition == MACH_MSG_TYPE_MOVE_SEND &&
	    in->urefs < MACH_PORT_UREFS_MAX)
		(void)model_mod(in, -1);
	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE) {
		in->type &= ~MACH_PORT_TYPE_RECEIVE;
		if (in->type == 0)
			*in = (struct model_name){0};
	}
	return KERN_SUCCESS;
}

static void
model_copyout(
    struct model_name *in, mach_msg_type_name_t type, mach_port_name_t name)
{
	assert_true(in->name == 0 || in->name == name);
	in->name = name;
	if (type == MACH_MSG_TYPE_PORT_RECEIVE) {
		in->type |= MACH_PORT_TYPE_RECEIVE;
	} else {
		in->type |= MACH_PORT_TYPE_SEND;
		if (in->urefs < MACH_PORT_UREFS_MAX)
			in->urefs++;
	}
}

/* A right goes from one space to another, or to the same. */
static void
op_copy(struct model_port *port)
{
	static const mach_msg_type_name_t dispositions[] = {
	    MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_COPY_SEND,
	    MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MOVE_RECEIVE};
	mach_msg_type_name_t disposition = dispositions[chance(4)];
	unsigned from = chance(SPACES), to = chance(SPACES);
	mach_port_name_t name = port->in[from].name;
	mach_msg_type_name_t type = right_received_type(disposition);
	struct port *taken;
	bool dead;
	kern_return_t kr;

	if (name == 0)
		return;
	kr = right_copyin(
	    space_of(from), name, disposition, false, &taken, &dead);
	assert_int_equal(kr, model_copyin(&port->in[from], disposition));
	if (kr != KERN_SUCCESS)
		return;
	assert_int_equal(
	    right_copyout(space_of(to), taken, type, &name), KERN_SUCCESS);
	model_copyout(&port->in[to], type, name);
}

static void
op_mod_refs(struct model_port *port)
{
	static const int32_t deltas[] = {
	    -2, -1, -1, -1, 0, 1, 2, 65534, -65535};
	unsigned which = chance(SPACES);
	struct model_name *in = &port->in[which];
	int32_t delta = deltas[chance(ARRAY_SIZE(deltas))];
	bool is_dead = in->type & MACH_PORT_TYPE_DEAD_NAME;
	mach_port_right_t right =
	    is_dead ? MACH_PORT_RIGHT_DEAD_NAME : MACH_PORT_RIGHT_SEND;
	mach_port_name_t name = in->name;
	kern_return_t expected;

	if (name == 0)
		return;
	expected = in->type & MACH_PORT_TYPE(right) ? model_mod(in, delta)
						    : KERN_INVALID_RIGHT;
	assert_int_equal(
	    mach_port_mod_refs(space_of(which), name, right, delta), expected);
}

static void
op_deallocate(struct model_port *port)
{
	unsigned which = chance(SPACES);
	struct model_name *in = &port->in[which];
	mach_port_name_t name = in->name;
	kern_return_t expected;

	if (name == 0)
		return;
	expected = in->type == MACH_PORT_TYPE_RECEIVE ? KERN_INVALID_RIGHT
						      : model_mod(in, -1);
	assert_int_equal(mach_port_deallocate(space_of(which), name), expected);
}

static void
op_end(struct model_port *port)
{
	unsigned which = chance(SPACES);
	struct model_name *in = &port->in[which];
	bool had_receive = in->type & MACH_PORT_TYPE_RECEIVE;
	mach_port_name_t name = in->name;

	if (name == 0)
		return;
	if (chance(2)) {
		assert_int_equal(
		    mach_port_destroy(space_of(which), name), KERN_SUCCESS);
		*in = (struct model_name){0};
	} else if (had_receive) {
		assert_int_equal(mach_port_mod_refs(space_of(which), name,
				     MACH_PORT_RIGHT_RECEIVE, -1),
		    KERN_SUCCESS);
		in->type &= ~MACH_PORT_TYPE_RECEIVE;
		if (in->type == 0)
			*in = (struct model_name){0};
	} else {
		return;
	}
	if (had_receive)
		model_die(port);
	host_run();
}

static void
test_random(void **state)
{
	static void (*const op[])(struct model_port *) = {op_allocate,
	    op_allocate, op_copy, op_copy, op_copy, op_mod_refs, op_deallocate,
	    op_end};

	(void)state;
	memset(model, 0, sizeof(model));
	for (unsigned i = 0; i < 100000; i++) {
		op[chance(ARRAY_SIZE(op))](&model[chance(PORTS)]);
		agree_all();
	}
	print_message("100000 steps agree\n");
}

/* ---- names ---- */

static void
test_generations(void **state)
{
	struct space *space = space_of(0);
	mach_port_name_t first, name, again;
	mach_port_type_t type;

	(void)state;
	assert_int_equal(
	    mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &first),
	    KERN_SUCCESS);
	name = first;
	for (unsigned i = 0; i < 255; i++) {
		assert_int_equal(mach_port_destroy(space, name), KERN_SUCCESS);
		assert_int_equal(
		    mach_port_type(space, name, &type), KERN_INVALID_NAME);
		assert_int_equal(mach_port_allocate(
				     space, MACH_PORT_RIGHT_DEAD_NAME, &again),
		    KERN_SUCCESS);
		assert_int_equal(MACH_PORT_INDEX(again), MACH_PORT_INDEX(name));
		assert_int_not_equal(again, first);
		name = again;
	}
	assert_int_equal(mach_port_destroy(space, name), KERN_SUCCESS);
}

static void
test_many_names(void **state)
{
	enum {
		COUNT = 10000
	};
	static mach_port_name_t name[COUNT];
	struct space *space = space_of(0);

	(void)state;
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(mach_port_allocate(space,
				     MACH_PORT_RIGHT_DEAD_NAME, &name[i]),
		    KERN_SUCCESS);
	host_check();
	for (unsigned i = 0; i < COUNT; i += 2)
		assert_int_equal(
		    mach_port_deallocate(space, name[i]), KERN_SUCCESS);
	for (unsigned i = 1; i < COUNT; i += 2)
		assert_int_equal(
		    mach_port_deallocate(space, name[i]), KERN_SUCCESS);
	assert_int_equal(mach_port_name_count(space), 0);
}

static void
test_chosen_names(void **state)
{
	struct space *space = space_of(0);
	static const mach_port_name_t chosen[] = {
	    0x105, 0xffff07, 0x80000001, 0xfffffe00};
	mach_port_name_t name;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(chosen); i++) {
		assert_int_equal(mach_port_allocate_name(
				     space, MACH_PORT_RIGHT_RECEIVE, chosen[i]),
		    KERN_SUCCESS);
		assert_int_equal(mach_port_allocate_name(
				     space, MACH_PORT_RIGHT_RECEIVE, chosen[i]),
		    KERN_NAME_EXISTS);
	}
	assert_int_equal(mach_port_allocate_name(
			     space, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_DEAD),
	    KERN_INVALID_VALUE);
	assert_int_equal(
	    mach_port_allocate_name(space, MACH_PORT_RIGHT_RECEIVE, 0x42),
	    KERN_INVALID_VALUE);
	/* The table goes round what was chosen. */
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(
		    mach_port_allocate(space, MACH_PORT_RIGHT_DEAD_NAME, &name),
		    KERN_SUCCESS);
		assert_int_not_equal(MACH_PORT_INDEX(name), 1);
	}
	host_check();
}

/* ---- notifications ---- */

static mach_port_name_t
port_in(unsigned which)
{
	mach_port_name_t name;

	assert_int_equal(
	    mach_port_allocate(space_of(which), MACH_PORT_RIGHT_RECEIVE, &name),
	    KERN_SUCCESS);
	return name;
}

static struct port *
take_right(
    unsigned which, mach_port_name_t name, mach_msg_type_name_t disposition)
{
	struct port *port;
	bool dead;

	assert_int_equal(right_copyin(space_of(which), name, disposition, false,
			     &port, &dead),
	    KERN_SUCCESS);
	return port;
}

static mach_port_name_t
send_right_in(unsigned to, unsigned from, mach_port_name_t name)
{
	struct port *port = take_right(from, name, MACH_MSG_TYPE_MAKE_SEND);
	mach_port_name_t sent;

	assert_int_equal(
	    right_copyout(space_of(to), port, MACH_MSG_TYPE_PORT_SEND, &sent),
	    KERN_SUCCESS);
	return sent;
}

static void
ask(unsigned which, mach_port_name_t name, int32_t id, uint32_t sync,
    mach_port_name_t notify)
{
	struct port *right =
	    take_right(which, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	struct port *previous;

	assert_int_equal(
	    notify_request(space_of(which), name, id, sync, right, &previous),
	    KERN_SUCCESS);
	assert_null(previous);
}

/* The id and the word of the first message that waits on @name, or 0. */
static int32_t
heard(unsigned which, mach_port_name_t name, uint32_t *word)
{
	struct port *port;
	struct kmsg *kmsg;
	int32_t id = 0;

	assert_int_equal(
	    port_from_receive_name(space_of(which), name, &port), KERN_SUCCESS);
	port_lock(port);
	kmsg = mqueue_take(port);
	spin_unlock(&port->lock);
	if (kmsg != NULL) {
		struct port *to = kmsg->remote;

		id = kmsg->id;
		if (kmsg->size >= 36)
			memcpy(word, kmsg->body + sizeof(NDR_record_t), 4);
		right_used(to, kmsg->remote_type);
		kmsg->remote = NULL;
		kmsg_destroy(kmsg);
	}
	port_put(port);
	return id;
}

static void
test_dead_name(void **state)
{
	mach_port_name_t port = port_in(0), notify = port_in(1);
	mach_port_name_t name = send_right_in(1, 0, port);
	mach_port_urefs_t urefs;
	uint32_t word = 0;

	(void)state;
	ask(1, name, MACH_NOTIFY_DEAD_NAME, 0, notify);
	host_check();
	assert_int_equal(mach_port_destroy(space_of(0), port), KERN_SUCCESS);
	host_run();
	assert_int_equal(heard(1, notify, &word), MACH_NOTIFY_DEAD_NAME);
	assert_int_equal(word, name);
	assert_int_equal(mach_port_get_refs(space_of(1), name,
			     MACH_PORT_RIGHT_DEAD_NAME, &urefs),
	    KERN_SUCCESS);
	assert_int_equal(urefs, 2);

	/* Given up before it died: deleted, not dead. */
	port = port_in(0);
	name = send_right_in(1, 0, port);
	ask(1, name, MACH_NOTIFY_DEAD_NAME, 0, notify);
	assert_int_equal(mach_port_deallocate(space_of(1), name), KERN_SUCCESS);
	assert_int_equal(heard(1, notify, &word), MACH_NOTIFY_PORT_DELETED);
	assert_int_equal(word, name);
	host_check();
}

static void
test_no_senders(void **state)
{
	mach_port_name_t port = port_in(0), name;
	uint32_t word = 0;

	(void)state;
	name = send_right_in(1, 0, port);
	ask(0, port, MACH_NOTIFY_NO_SENDERS, 1, port);
	assert_int_equal(heard(0, port, &word), 0);
	assert_int_equal(mach_port_deallocate(space_of(1), name), KERN_SUCCESS);
	assert_int_equal(heard(0, port, &word), MACH_NOTIFY_NO_SENDERS);
	assert_int_equal(word, 1);
	/* Asked for too late: told at once; for the next one: not yet. */
	ask(0, port, MACH_NOTIFY_NO_SENDERS, 1, port);
	assert_int_equal(heard(0, port, &word), MACH_NOTIFY_NO_SENDERS);
	ask(0, port, MACH_NOTIFY_NO_SENDERS, 2, port);
	assert_int_equal(heard(0, port, &word), 0);
	host_check();
}

static void
test_port_destroyed(void **state)
{
	mach_port_name_t port = port_in(0), notify = port_in(0);
	mach_port_name_t self = port_in(0);
	uint32_t word;

	(void)state;
	ask(0, port, MACH_NOTIFY_PORT_DESTROYED, 0, notify);
	ask(0, self, MACH_NOTIFY_PORT_DESTROYED, 0, self);
	assert_int_equal(mach_port_destroy(space_of(0), port), KERN_SUCCESS);
	host_check();
	assert_int_equal(heard(0, notify, &word), MACH_NOTIFY_PORT_DESTROYED);
	/* A right that goes to itself dies after all. */
	assert_int_equal(mach_port_destroy(space_of(0), self), KERN_SUCCESS);
	host_run();
	host_check();
}

static void
test_send_once_owed(void **state)
{
	mach_port_name_t port = port_in(0);
	struct port *right = take_right(0, port, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	uint32_t word;

	(void)state;
	/* No memory for the notice: it comes later, but it comes. */
	host_fail(1);
	right_release_send_once(right);
	assert_true(host_failed());
	host_check();
	host_run();
	assert_int_equal(heard(0, port, &word), MACH_NOTIFY_SEND_ONCE);
	host_check();
}

/* ---- no memory ---- */

/* A life in short, in which any step may fail; false: one did. */
static bool
short_life(void)
{
	struct port *right = NULL, *previous = NULL;
	mach_port_name_t port, set, sent;
	mach_msg_type_name_t type;
	bool ok = false;

	if (mach_port_allocate(space_of(0), MACH_PORT_RIGHT_RECEIVE, &port) !=
	    KERN_SUCCESS)
		return false;
	if (mach_port_allocate(space_of(0), MACH_PORT_RIGHT_PORT_SET, &set) !=
	    KERN_SUCCESS)
		goto out_port;
	if (mach_port_insert_member(space_of(0), port, set) != KERN_SUCCESS)
		goto out_set;
	if (mach_port_extract_right(space_of(0), port, MACH_MSG_TYPE_MAKE_SEND,
		&right, &type) != KERN_SUCCESS)
		goto out_set;
	if (right_copyout(space_of(1), right, type, &sent) != KERN_SUCCESS) {
		right_release(right, type);
		goto out_set;
	}
	right = take_right(0, port, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	if (notify_request(space_of(1), sent, MACH_NOTIFY_DEAD_NAME, 0, right,
		&previous) != KERN_SUCCESS) {
		right_used(right, MACH_MSG_TYPE_PORT_SEND_ONCE);
		goto out_sent;
	}
	ok = true;
out_sent:
	assert_int_equal(mach_port_destroy(space_of(1), sent), KERN_SUCCESS);
out_set:
	assert_int_equal(mach_port_destroy(space_of(0), set), KERN_SUCCESS);
out_port:
	assert_int_equal(mach_port_destroy(space_of(0), port), KERN_SUCCESS);
	host_run();
	return ok;
}

static void
test_no_memory(void **state)
{
	unsigned n = 0;
	bool ok;

	(void)state;
	do {
		/* Tables of names stay, once made: so in fresh spaces. */
		for (unsigned i = 0; i < SPACES; i++) {
			sim_task_end(task[i]);
			task[i] = sim_task_create();
		}
		host_fail(++n);
		ok = short_life();
		host_fail(0);
		host_run();
		host_check();
	} while (!ok);
	assert_true(n > 6);
	print_message("%u sites failed\n", n - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_random, begin, end),
	    cmocka_unit_test_setup_teardown(test_generations, begin, end),
	    cmocka_unit_test_setup_teardown(test_many_names, begin, end),
	    cmocka_unit_test_setup_teardown(test_chosen_names, begin, end),
	    cmocka_unit_test_setup_teardown(test_dead_name, begin, end),
	    cmocka_unit_test_setup_teardown(test_no_senders, begin, end),
	    cmocka_unit_test_setup_teardown(test_port_destroyed, begin, end),
	    cmocka_unit_test_setup_teardown(test_send_once_owed, begin, end),
	    cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
