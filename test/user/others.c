/* others.c: rights given to and taken from another task, and counts at their
 * ends. */
#include "test/user/mach_test.h"

#include <user/mach_port.h>

#define NAME  ((mach_port_t)0x55501)
#define TAKEN ((mach_port_t)0x55601)

static mach_port_t self;
static task_t other;

/* What @name denotes in the other task, and with how many references. */
static mach_port_type_t
type_there(mach_port_t name)
{
	mach_port_type_t type = 0;

	if (mach_port_type(other, name, &type) != KERN_SUCCESS)
		return 0;
	return type;
}

static unsigned
refs_there(mach_port_t name)
{
	mach_port_urefs_t count = 0;

	must(mach_port_get_refs(other, name, MACH_PORT_RIGHT_SEND, &count));
	return count;
}

static kern_return_t
give(mach_port_t name, mach_port_t right, mach_msg_type_name_t disposition)
{
	return mach_port_insert_right(other, name, right, disposition);
}

static void
test_insert(void)
{
	mach_port_t port = port_new_send(), once;
	mach_msg_type_name_t type;

	is(give(NAME, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS,
	    "a send right is made for another");
	is(type_there(NAME), MACH_PORT_TYPE_SEND, "who has it by that name");
	is(give(NAME, port, MACH_MSG_TYPE_COPY_SEND), KERN_SUCCESS,
	    "another is copied");
	is(refs_there(NAME), 2, "and adds a reference");
	is(give(NAME, port, MACH_MSG_TYPE_MOVE_SEND), KERN_SUCCESS,
	    "ours is moved");
	is(send_refs(port), 0, "so that we have none");
	is(refs_there(NAME), 3, "but the other");
	is(status_of(port).mps_mscount, 2, "two were made");
	is(give(NAME, port, MACH_MSG_TYPE_MOVE_RECEIVE), KERN_SUCCESS,
	    "the receive right follows");
	is(type_there(NAME), MACH_PORT_TYPE_SEND_RECEIVE, "by the same name");
	is(type_of(port), 0, "we have nothing any more");
	must(mach_port_destroy(other, NAME));

	port = port_new();
	is(give(NAME, port, MACH_MSG_TYPE_MAKE_SEND_ONCE), KERN_SUCCESS,
	    "a send-once right");
	is(type_there(NAME), MACH_PORT_TYPE_SEND_ONCE, "is one");
	must(mach_port_extract_right(
	    self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
	is(give(TAKEN, once, MACH_MSG_TYPE_MOVE_SEND_ONCE), KERN_SUCCESS,
	    "a second, moved");
	is(type_of(once), 0, "from us");
	is(type_there(TAKEN), MACH_PORT_TYPE_SEND_ONCE, "by a second name");
	must(mach_port_destroy(other, NAME));
	must(mach_port_destroy(other, TAKEN));
	is(take_later(port), MACH_NOTIFY_SEND_ONCE, "each is told of");
	is(take_later(port), MACH_NOTIFY_SEND_ONCE, "when it goes unused");
	port_end(port);
}

static void
test_insert_wrong(void)
{
	mach_port_t port = port_new_send(), dead = port_new_send();

	must(mach_port_allocate_name(other, MACH_PORT_RIGHT_RECEIVE, TAKEN));
	is(mach_port_allocate_name(other, MACH_PORT_RIGHT_PORT_SET, TAKEN),
	    KERN_NAME_EXISTS, "a name is chosen once");
	is(give(TAKEN, port, MACH_MSG_TYPE_COPY_SEND), KERN_NAME_EXISTS,
	    "and is that of one port");
	is(give(MACH_PORT_NULL, port, MACH_MSG_TYPE_COPY_SEND),
	    KERN_INVALID_VALUE, "null is no name");
	is(give(MACH_PORT_DEAD, port, MACH_MSG_TYPE_COPY_SEND),
	    KERN_INVALID_VALUE, "dead is none");
	must(give(NAME, port, MACH_MSG_TYPE_COPY_SEND));
	is(give(NAME + 0x100, port, MACH_MSG_TYPE_COPY_SEND), KERN_RIGHT_EXISTS,
	    "one port has one name");
	is(refs_there(NAME), 1, "nothing was added");
	is(send_refs(port), 1, "nor taken");
	is(give(NAME, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND),
	    KERN_INVALID_CAPABILITY, "nothing to give");
	must(mach_port_mod_refs(self, dead, MACH_PORT_RIGHT_RECEIVE, -1));
	is(give(NAME + 0x200, dead, MACH_MSG_TYPE_COPY_SEND),
	    KERN_INVALID_CAPABILITY, "what is dead is not given");
	is(give(NAME + 0x200, NO_NAME, MACH_MSG_TYPE_COPY_SEND),
	    MACH_SEND_INVALID_RIGHT, "nor what is not there");
	is(type_there(NAME + 0x200), 0, "no name came of it");
	is(give(TAKEN, port, MACH_MSG_TYPE_MOVE_RECEIVE), KERN_RIGHT_EXISTS,
	    "a receive right goes where its send right is");
	is(type_there(NAME), MACH_PORT_TYPE_DEAD_NAME,
	    "one that was sent in vain is lost");
	must(mach_port_destroy(other, NAME));
	must(mach_port_destroy(other, TAKEN));
	must(mach_port_destroy(self, port));
	must(mach_port_destroy(self, dead));
}

/* Take a right out of the other task: the code, and in *@name what came. */
static kern_return_t
extract(mach_port_t name, mach_msg_type_name_t disposition, mach_port_t *right,
    mach_msg_type_name_t *type)
{
	return mach_port_extract_right(other, name, disposition, right, type);
}

static void
test_extract(void)
{
	mach_port_t right, again;
	mach_msg_type_name_t type;

	must(mach_port_allocate_name(other, MACH_PORT_RIGHT_RECEIVE, NAME));
	is(extract(NAME, MACH_MSG_TYPE_COPY_SEND, &right, &type),
	    KERN_INVALID_RIGHT, "no send right to copy");
	is(extract(NAME, MACH_MSG_TYPE_MOVE_SEND_ONCE, &right, &type),
	    KERN_INVALID_RIGHT, "nor once");
	is(extract(NO_NAME, MACH_MSG_TYPE_COPY_SEND, &right, &type),
	    KERN_INVALID_NAME, "no such name");
	is(extract(NAME, 99, &right, &type), KERN_INVALID_VALUE,
	    "no such disposition");
	is(extract(NAME, MACH_MSG_TYPE_MAKE_SEND, &right, &type), KERN_SUCCESS,
	    "a send right is made there");
	is(type, MACH_MSG_TYPE_PORT_SEND, "and is one here");
	is(type_of(right), MACH_PORT_TYPE_SEND, "by our own name for it");
	is(post(right, 5), KERN_SUCCESS, "it can be sent to");
	must(give(NAME, right, MACH_MSG_TYPE_COPY_SEND));
	must(give(NAME, right, MACH_MSG_TYPE_COPY_SEND));
	is(extract(NAME, MACH_MSG_TYPE_COPY_SEND, &again, &type), KERN_SUCCESS,
	    "copied back");
	is(again, right, "is the same");
	is(extract(NAME, MACH_MSG_TYPE_MOVE_SEND, &again, &type), KERN_SUCCESS,
	    "moved back");
	is(refs_there(NAME), 1, "there is one less there");
	is(send_refs(right), 3, "and one more here");
	is(extract(NAME, MACH_MSG_TYPE_MAKE_SEND_ONCE, &again, &type),
	    KERN_SUCCESS, "once");
	is(type_of(again), MACH_PORT_TYPE_SEND_ONCE, "is once");
	must(give(TAKEN, again, MACH_MSG_TYPE_MOVE_SEND_ONCE));
	is(extract(TAKEN, MACH_MSG_TYPE_MOVE_SEND_ONCE, &again, &type),
	    KERN_SUCCESS, "there and back");
	is(type_there(TAKEN), 0, "and gone there");
	must(mach_port_deallocate(self, again));
	is(extract(NAME, MACH_MSG_TYPE_MOVE_RECEIVE, &again, &type),
	    KERN_SUCCESS, "the receive right");
	is(again, right, "joins our send right");
	is(type_of(right), MACH_PORT_TYPE_SEND_RECEIVE, "by one name");
	is(type_there(NAME), MACH_PORT_TYPE_SEND, "there the send right stays");
	is(take(right), 5, "with what was queued");
	port_end(right);
	is(type_there(NAME), MACH_PORT_TYPE_DEAD_NAME, "until it dies");
	must(mach_port_deallocate(other, NAME));
}

/* ---- the most references ---- */

static void
test_urefs(void)
{
	mach_port_t port = port_new_send(), box = port_new_send();
	struct parcel parcel;

	must(give(NAME, port, MACH_MSG_TYPE_COPY_SEND));
	must(mach_port_mod_refs(
	    other, NAME, MACH_PORT_RIGHT_SEND, MACH_PORT_UREFS_MAX - 2));
	is(refs_there(NAME), MACH_PORT_UREFS_MAX - 1, "all but one");
	is(give(NAME, port, MACH_MSG_TYPE_COPY_SEND), KERN_SUCCESS, "one fits");
	is(give(NAME, port, MACH_MSG_TYPE_COPY_SEND), KERN_UREFS_OVERFLOW,
	    "no more");
	is(mach_port_mod_refs(other, NAME, MACH_PORT_RIGHT_SEND, 1),
	    KERN_UREFS_OVERFLOW, "in no way");
	is(refs_there(NAME), MACH_PORT_UREFS_MAX, "they are as many");
	is(mach_port_deallocate(other, NAME), KERN_SUCCESS, "one less");
	is(refs_there(NAME), MACH_PORT_UREFS_MAX, "is none less");
	is(mach_port_mod_refs(
	       other, NAME, MACH_PORT_RIGHT_SEND, -MACH_PORT_UREFS_MAX),
	    KERN_SUCCESS, "all of them are all");
	is(type_there(NAME), 0, "and the name goes");

	must(mach_port_mod_refs(
	    self, port, MACH_PORT_RIGHT_SEND, MACH_PORT_UREFS_MAX - 1));
	parcel_fill(&parcel, box, port, MACH_MSG_TYPE_COPY_SEND);
	must(send_message(&parcel, PARCEL_SIZE));
	is(poll_for(&parcel, sizeof(parcel), box), KERN_SUCCESS,
	    "a message brings one more");
	is(send_refs(port), MACH_PORT_UREFS_MAX, "which is swallowed");
	is(status_of(port).mps_srights, true, "and counted right");
	must(mach_port_mod_refs(
	    self, port, MACH_PORT_RIGHT_SEND, -MACH_PORT_UREFS_MAX));
	is(status_of(port).mps_srights, false, "all of it gone");
	port_end(port);
	port_end(box);
}

/* A port made in another task, as the options say. */
static void
test_construct(void)
{
	mach_port_options_t options = {
	    .flags = MPO_QLIMIT | MPO_INSERT_SEND_RIGHT | MPO_CONTEXT_AS_GUARD,
	    .mpl = {.mpl_qlimit = 3},
	};
	mach_port_status_t status;
	mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
	mach_port_context_t context = 0;
	mach_port_t name = 0, own = 0;

	is(mach_port_construct(other, &options, 0x77, &name), KERN_SUCCESS,
	    "a port is made there");
	is(type_there(name), MACH_PORT_TYPE_SEND_RECEIVE, "with both rights");
	must(mach_port_get_attributes(other, name, MACH_PORT_RECEIVE_STATUS,
	    (mach_port_info_t)&status, &count));
	is(status.mps_qlimit, 3, "with its queue's limit");
	is(mach_port_get_context(other, name, &context), KERN_SUCCESS,
	    "and a context");
	is(mach_port_mod_refs(other, name, MACH_PORT_RIGHT_RECEIVE, -1),
	    KERN_INVALID_RIGHT, "that guards it");
	is(mach_port_destruct(other, name, -1, 0x78), KERN_INVALID_ARGUMENT,
	    "who does not know it does not end it");
	is(mach_port_destruct(other, name, -1, 0x77), KERN_SUCCESS,
	    "who does ends all of it");
	is(type_there(name), 0, "with the name");

	options.mpl.mpl_qlimit = MACH_PORT_QLIMIT_MAX + 1;
	is(mach_port_construct(other, &options, 0, &name), KERN_INVALID_VALUE,
	    "no queue is that long");
	options.flags = 1U << 31;
	is(mach_port_construct(other, &options, 0, &name),
	    KERN_INVALID_ARGUMENT, "nor is there such a flag");
	is(mach_port_construct(other, (mach_port_options_t *)8, 0, &name),
	    MACH_SEND_INVALID_MEMORY, "options are somewhere");

	/* The message that others would use, about ourselves. */
	options.flags = 0;
	is(_kernelrpc_mach_port_construct(self, &options, 5, &own),
	    KERN_SUCCESS, "one of ours, by the message");
	is(type_of(own), MACH_PORT_TYPE_RECEIVE, "is ours");
	port_end(own);
}

int
main(void)
{
	self = mach_task_self();
	must(task_create(self, NULL, 0, false, &other));
	test_insert();
	test_insert_wrong();
	test_extract();
	test_urefs();
	test_construct();
	must(task_terminate(other));
	is(mach_port_insert_right(other, NAME, self, MACH_MSG_TYPE_COPY_SEND),
	    MACH_SEND_INVALID_DEST, "who has ended is given nothing");
	must(mach_port_deallocate(self, other));
	return done();
}
