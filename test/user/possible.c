/* possible.c: who could not send is told when he can. */
#include "test/user/mach_test.h"

static mach_port_t self, port, notify;

#define REQUESTED (MACH_PORT_TYPE_DNREQUEST | MACH_PORT_TYPE_SPREQUEST)

static kern_return_t
request(mach_port_t name, mach_msg_id_t id, unsigned sync)
{
	mach_port_t previous = 1;
	kern_return_t kr = mach_port_request_notification(self, name, id, sync,
	    notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);

	if (kr == KERN_SUCCESS && previous != MACH_PORT_NULL)
		mach_port_deallocate(self, previous);
	return kr;
}

static void
fill(void)
{
	while (post(port, 5) == KERN_SUCCESS)
		continue;
}

static void
begin(void)
{
	port = port_new_send();
	notify = port_new();
	set_limit(port, 2);
	fill();
}

static void
end(void)
{
	if (type_of(port) != 0)
		must(mach_port_destroy(self, port));
	port_end(notify);
}

/* A send of @options, without waiting. */
static kern_return_t
send_with(mach_msg_option_t options, mach_msg_type_name_t disposition)
{
	struct note note;
	kern_return_t kr;

	note.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(disposition, 0),
	    .msgh_remote_port = port,
	    .msgh_id = 7,
	};
	kr = mach_msg(&note.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT | options,
	    NOTE_SIZE, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
	if (kr == MACH_SEND_TIMED_OUT)
		mach_msg_destroy(&note.header);
	return kr;
}

static void
test_armed_at_once(void)
{
	mach_send_possible_notification_t got;

	begin();
	is(request(port, MACH_NOTIFY_SEND_POSSIBLE, 1), KERN_SUCCESS,
	    "a word when there is room");
	is(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE | REQUESTED,
	    "is noted with the name");
	is(take(notify), -1, "there is none");
	is(take(port), 5, "now there is");
	is(await(&got, sizeof(got), notify), KERN_SUCCESS, "that is told");
	is(got.not_header.msgh_id, MACH_NOTIFY_SEND_POSSIBLE, "by this word");
	is(got.not_port, port, "about this name");
	is(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE, "nothing is noted now");
	fill();
	take(port);
	is(take(notify), -1, "and it is told once");
	is(send_refs(port), 1, "it costs no reference");
	is(request(port, MACH_NOTIFY_SEND_POSSIBLE, 1), KERN_SUCCESS,
	    "where there is room");
	is(take(notify), MACH_NOTIFY_SEND_POSSIBLE, "one is told at once");
	end();
}

static void
test_delayed(void)
{
	begin();
	is(request(port, MACH_NOTIFY_SEND_POSSIBLE, 0), KERN_SUCCESS,
	    "a word after the next send that fails");
	is(type_of(port),
	    MACH_PORT_TYPE_SEND_RECEIVE | REQUESTED |
		MACH_PORT_TYPE_SPREQUEST_DELAYED,
	    "is noted as such");
	take(port);
	is(take(notify), -1, "none did");
	fill();
	is(send_with(0, MACH_MSG_TYPE_COPY_SEND), MACH_SEND_TIMED_OUT,
	    "one does");
	ok(type_of(port) & MACH_PORT_TYPE_SPREQUEST_DELAYED,
	    "which did not care to know");
	is(send_with(MACH_SEND_NOTIFY, MACH_MSG_TYPE_COPY_SEND),
	    MACH_SEND_TIMED_OUT, "another does");
	is(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE | REQUESTED, "which did");
	is(take(notify), -1, "there is no room");
	take(port);
	is(take(notify), MACH_NOTIFY_SEND_POSSIBLE, "there is");
	is(send_with(MACH_SEND_NOTIFY, MACH_MSG_TYPE_COPY_SEND), KERN_SUCCESS,
	    "who gets in arms nothing");
	is(send_with(MACH_SEND_NOTIFY, MACH_MSG_TYPE_COPY_SEND),
	    MACH_SEND_TIMED_OUT, "nor who asked for nothing");
	take(port);
	is(take(notify), -1, "and hears nothing");
	end();
}

static void
test_raised_limit(void)
{
	begin();
	must(request(port, MACH_NOTIFY_SEND_POSSIBLE, 1));
	set_limit(port, 2);
	is(take(notify), -1, "the same limit is no room");
	set_limit(port, 3);
	is(take(notify), MACH_NOTIFY_SEND_POSSIBLE, "a higher one is");
	set_limit(port, 1);
	must(request(port, MACH_NOTIFY_SEND_POSSIBLE, 1));
	take(port);
	is(take(notify), -1, "one less of too many is none");
	take(port);
	is(take(notify), MACH_NOTIFY_SEND_POSSIBLE, "all of them are");
	end();
}

static void
test_death(void)
{
	mach_dead_name_notification_t got;

	for (unsigned sync = 0; sync < 2; sync++) {
		begin();
		must(request(port, MACH_NOTIFY_SEND_POSSIBLE, sync));
		must(mach_port_mod_refs(
		    self, port, MACH_PORT_RIGHT_RECEIVE, -1));
		is(await(&got, sizeof(got), notify), KERN_SUCCESS,
		    "there will never be room, sync %u", sync);
		is(got.not_header.msgh_id, MACH_NOTIFY_DEAD_NAME,
		    "that is the word then");
		is(got.not_port, port, "of this name");
		is(dead_refs(port), 2, "which has a reference more");
		is(request(port, MACH_NOTIFY_SEND_POSSIBLE, sync), KERN_SUCCESS,
		    "of the dead");
		is(take(notify), MACH_NOTIFY_DEAD_NAME, "one hears at once");
		is(dead_refs(port), 3, "and has a reference more again");
		end();
	}
	begin();
	must(request(port, MACH_NOTIFY_SEND_POSSIBLE, 1));
	take(port);
	is(take(notify), MACH_NOTIFY_SEND_POSSIBLE, "who was told");
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	is(dead_refs(port), 1, "gets no reference when it dies");
	is(take(notify), -1, "and no word");
	end();
}

static void
test_deleted(void)
{
	for (unsigned sync = 0; sync < 2; sync++) {
		begin();
		must(request(port, MACH_NOTIFY_SEND_POSSIBLE, sync));
		must(mach_port_destroy(self, port));
		is(take(notify), MACH_NOTIFY_PORT_DELETED,
		    "the name is given up, sync %u", sync);
		end();
	}
}

/* A name has one request, of either kind. */
static void
test_replaced(void)
{
	mach_port_t previous = 0;

	begin();
	must(request(port, MACH_NOTIFY_SEND_POSSIBLE, 1));
	is(request(port, MACH_NOTIFY_DEAD_NAME, 0), KERN_SUCCESS,
	    "another request of the same name");
	is(take(notify), MACH_NOTIFY_SEND_ONCE, "ends the one before");
	is(type_of(port),
	    MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_DNREQUEST,
	    "and is noted in its place");
	take(port);
	is(take(notify), -1, "which says nothing of room");
	fill();
	must(request(port, MACH_NOTIFY_SEND_POSSIBLE, 1));
	is(take(notify), MACH_NOTIFY_SEND_ONCE, "back again");
	is(mach_port_request_notification(self, port, MACH_NOTIFY_DEAD_NAME, 0,
	       MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
	    KERN_SUCCESS, "and taken back");
	is(type_of(previous), MACH_PORT_TYPE_SEND_ONCE, "with its right");
	must(mach_port_deallocate(self, previous));
	is(take(notify), MACH_NOTIFY_SEND_ONCE, "which is given up");
	is(mach_port_request_notification(self, port, MACH_NOTIFY_SEND_POSSIBLE,
	       1, MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
	    KERN_SUCCESS, "nothing taken back");
	is(previous, MACH_PORT_NULL, "is nothing");
	take(port);
	is(mach_port_request_notification(self, port, MACH_NOTIFY_SEND_POSSIBLE,
	       1, MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
	    KERN_SUCCESS, "nor where there is room");
	is(previous, MACH_PORT_NULL, "is there anything");
	end();
}

/* Rights that always get through are told of at once, or not at all. */
static void
test_always_possible(void)
{
	mach_msg_type_name_t type;
	mach_port_t once;

	begin();
	must(mach_port_extract_right(
	    self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
	is(request(once, MACH_NOTIFY_SEND_POSSIBLE, 1), KERN_SUCCESS,
	    "a send-once right");
	is(take(notify), MACH_NOTIFY_SEND_POSSIBLE, "gets through");
	is(request(self, MACH_NOTIFY_SEND_POSSIBLE, 1), KERN_SUCCESS,
	    "a port of the kernel's");
	is(take(notify), MACH_NOTIFY_SEND_POSSIBLE, "is never full");
	is(request(once, MACH_NOTIFY_SEND_POSSIBLE, 0), KERN_SUCCESS,
	    "a send-once right, later");
	is(send_note(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, 1, 1), KERN_SUCCESS,
	    "is used");
	is(take(notify), MACH_NOTIFY_PORT_DELETED, "and gone");
	end();
}

static void
test_wrong(void)
{
	begin();
	is(request(MACH_PORT_NULL, MACH_NOTIFY_SEND_POSSIBLE, 1),
	    KERN_INVALID_ARGUMENT, "of nothing");
	is(request(MACH_PORT_DEAD, MACH_NOTIFY_SEND_POSSIBLE, 1),
	    KERN_INVALID_ARGUMENT, "of the dead");
	is(request(NO_NAME, MACH_NOTIFY_SEND_POSSIBLE, 1), KERN_INVALID_NAME,
	    "of no name");
	end();
}

#define MANY 8

/* Many wait for the same room, and all hear of it. */
static void
test_many(void)
{
	struct small task[MANY];
	unsigned told = 0;
	struct note note;

	begin();
	for (unsigned i = 0; i < MANY; i++)
		small_make(&task[i], port, MACH_MSG_TYPE_COPY_SEND);
	for (unsigned i = 0; i < MANY; i++) {
		mach_port_t previous;

		must(mach_port_request_notification(task[i].task, SMALL_PORT,
		    MACH_NOTIFY_SEND_POSSIBLE, 1, notify,
		    MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	}
	is(take(notify), -1, "they wait");
	take(port);
	while (
	    told < MANY && await(&note, sizeof(note), notify) == KERN_SUCCESS)
		told += note.header.msgh_id == MACH_NOTIFY_SEND_POSSIBLE;
	is(told, MANY, "and all hear");
	for (unsigned i = 0; i < MANY; i++)
		small_kill(&task[i]);
	end();
}

int
main(void)
{
	self = mach_task_self();
	test_armed_at_once();
	test_delayed();
	test_raised_limit();
	test_death();
	test_deleted();
	test_replaced();
	test_always_possible();
	test_wrong();
	test_many();
	return done();
}
