/* deaths.c: ports that die, and who hears of it. */
#include "test/user/mach_test.h"

#include <baton/thread.h>

static mach_port_t self;

static kern_return_t
request(mach_port_t name, mach_msg_id_t id, unsigned sync, mach_port_t notify)
{
	mach_port_t previous = 1;
	kern_return_t kr = mach_port_request_notification(self, name, id, sync,
	    notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);

	if (kr == KERN_SUCCESS && previous != MACH_PORT_NULL)
		mach_port_deallocate(self, previous);
	return kr;
}

static void
test_dead_destination(void)
{
	mach_port_t port = port_new_send();

	must(post(port, 1));
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	is(post(port, 2), MACH_SEND_INVALID_DEST, "nobody sends to the dead");
	is(dead_refs(port), 1, "the name is dead, and stays");
	must(mach_port_deallocate(self, port));
	is(post(port, 2), MACH_SEND_INVALID_DEST, "nor to nothing");
}

static void
test_dead_name(void)
{
	mach_port_t port = port_new_send(), notify = port_new();
	mach_dead_name_notification_t got;

	is(request(port, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_SUCCESS,
	    "a word when the port dies");
	is(type_of(port),
	    MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_DNREQUEST,
	    "is noted with the name");
	is(take(notify), -1, "it lives");
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	is(await(&got, sizeof(got), notify), KERN_SUCCESS, "it died");
	is(got.not_header.msgh_id, MACH_NOTIFY_DEAD_NAME, "that is the word");
	is(got.not_port, port, "about this name");
	is(dead_refs(port), 2, "which has a reference more");
	must(mach_port_destroy(self, port));

	must(mach_port_allocate(self, MACH_PORT_RIGHT_DEAD_NAME, &port));
	is(request(port, MACH_NOTIFY_DEAD_NAME, 0, notify),
	    KERN_INVALID_ARGUMENT, "the dead do not die again");
	is(take(notify), MACH_NOTIFY_SEND_ONCE,
	    "the right that was not needed is given up");
	is(request(port, MACH_NOTIFY_DEAD_NAME, 1, notify), KERN_SUCCESS,
	    "but can be asked about");
	is(take(notify), MACH_NOTIFY_DEAD_NAME, "with an answer at once");
	must(mach_port_destroy(self, port));
	port_end(notify);
}

static void
test_deleted(void)
{
	mach_port_t port = port_new_send(), notify = port_new();

	must(request(port, MACH_NOTIFY_DEAD_NAME, 0, notify));
	must(mach_port_destroy(self, port));
	is(take(notify), MACH_NOTIFY_PORT_DELETED,
	    "a name given up while a word is awaited");
	port_end(notify);
}

static void
test_cancel(void)
{
	mach_port_t port = port_new_send(), notify = port_new(), previous = 0;

	must(request(port, MACH_NOTIFY_DEAD_NAME, 0, notify));
	is(mach_port_request_notification(self, port, MACH_NOTIFY_DEAD_NAME, 0,
	       MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
	    KERN_SUCCESS, "a request taken back");
	is(type_of(previous), MACH_PORT_TYPE_SEND_ONCE,
	    "comes with the right it had");
	is(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE, "nothing is noted");
	must(mach_port_deallocate(self, previous));
	is(take(notify), MACH_NOTIFY_SEND_ONCE, "that right's end is told");
	must(mach_port_destroy(self, port));
	is(take(notify), -1, "and nothing else");
	port_end(notify);
}

static void
test_no_senders(void)
{
	mach_port_t port = port_new_send(), notify = port_new();
	mach_no_senders_notification_t got;

	is(request(port, MACH_NOTIFY_NO_SENDERS, 0, notify), KERN_SUCCESS,
	    "a word when nobody can send any more");
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 3));
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, -3));
	is(take(notify), -1, "somebody still can");
	must(mach_port_deallocate(self, port));
	is(await(&got, sizeof(got), notify), KERN_SUCCESS, "nobody can");
	is(got.not_header.msgh_id, MACH_NOTIFY_NO_SENDERS, "that is the word");
	is(got.not_count, 1, "one right had been made");
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	must(mach_port_deallocate(self, port));
	is(take(notify), -1, "it is told once for each time one asks");
	is(request(port, MACH_NOTIFY_NO_SENDERS, 3, notify), KERN_SUCCESS,
	    "to be told of the third right's end");
	is(take(notify), -1, "after two");
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	must(mach_port_deallocate(self, port));
	is(take(notify), MACH_NOTIFY_NO_SENDERS, "that was the third");
	is(request(port, MACH_NOTIFY_NO_SENDERS, 3, notify), KERN_SUCCESS,
	    "when it is so already");
	is(take(notify), MACH_NOTIFY_NO_SENDERS, "one is told at once");
	port_end(port);
	port_end(notify);
}

static void
test_port_destroyed(void)
{
	mach_port_t port = port_new_send(), notify = port_new(), name;
	mach_port_destroyed_notification_t got;

	must(post(port, 8));
	is(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify), KERN_SUCCESS,
	    "the port itself instead of its death");
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	is(await(&got, sizeof(got), notify), KERN_SUCCESS, "it is sent");
	is(got.not_header.msgh_id, MACH_NOTIFY_PORT_DESTROYED, "by this word");
	name = got.not_port.name;
	is(name, port, "meets its send right");
	is(take(name), 8, "and has its messages");
	port_end(name);
	port_end(notify);
}

/* Each kind of request is one that a later one replaces, and gives back. */
static void
test_replaced(void)
{
	static const mach_msg_id_t ids[] = {MACH_NOTIFY_DEAD_NAME,
	    MACH_NOTIFY_NO_SENDERS, MACH_NOTIFY_PORT_DESTROYED,
	    MACH_NOTIFY_SEND_POSSIBLE};
	mach_port_t first = port_new(), second = port_new(), previous;

	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		mach_port_t port = port_new_send();

		must(request(port, ids[i], 0, first));
		is(mach_port_request_notification(self, port, ids[i], 0, second,
		       MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
		    KERN_SUCCESS, "a second request, of kind %d", ids[i]);
		is(type_of(previous), MACH_PORT_TYPE_SEND_ONCE,
		    "gives back the first one's right");
		must(send_note(previous, MACH_MSG_TYPE_MOVE_SEND_ONCE, 3, 0));
		is(take(first), 3, "which is that one");
		is(mach_port_request_notification(self, port, ids[i], 0,
		       MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
		    KERN_SUCCESS, "and is taken back");
		must(mach_port_deallocate(self, previous));
		is(take(second), MACH_NOTIFY_SEND_ONCE, "in its turn");
		is(mach_port_request_notification(self, port, ids[i], 0,
		       MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
		    KERN_SUCCESS, "once");
		is(previous, MACH_PORT_NULL, "and no more");
		must(mach_port_destroy(self, port));
		is(take(first), -1, "the end of the port");
		is(take(second), -1, "is told to nobody");
	}
	port_end(first);
	port_end(second);
}

/* References to a dead name that can be counted no further stick. */
static void
test_many_references(void)
{
	mach_port_t port, notify = port_new();

	must(mach_port_allocate(self, MACH_PORT_RIGHT_DEAD_NAME, &port));
	must(mach_port_mod_refs(
	    self, port, MACH_PORT_RIGHT_DEAD_NAME, MACH_PORT_UREFS_MAX - 2));
	for (int i = 0; i < 3; i++) {
		is(request(port, MACH_NOTIFY_DEAD_NAME, 1, notify),
		    KERN_SUCCESS, "a word about the dead");
		is(take(notify), MACH_NOTIFY_DEAD_NAME, "comes");
		is(dead_refs(port), MACH_PORT_UREFS_MAX,
		    "and counts while it can");
	}
	must(mach_port_destroy(self, port));
	port_end(notify);
}

/* A name goes with its last right, whichever way that goes. */
static void
test_moved_away(void)
{
	mach_port_t target = port_new_send(), notify = port_new();
	mach_port_t port = port_new_send(), right;
	mach_msg_type_name_t type;
	struct parcel parcel;

	must(mach_port_extract_right(
	    self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &right, &type));
	must(request(right, MACH_NOTIFY_DEAD_NAME, 0, notify));
	parcel_fill(&parcel, target, right, MACH_MSG_TYPE_MOVE_SEND_ONCE);
	must(send_message(&parcel, PARCEL_SIZE));
	is(take(notify), MACH_NOTIFY_PORT_DELETED,
	    "a name whose right is sent away");
	is(poll_for(&parcel, sizeof(parcel), target), KERN_SUCCESS,
	    "comes back as another");
	ok(parcel.port.name != right, "by all means");
	must(request(parcel.port.name, MACH_NOTIFY_DEAD_NAME, 0, notify));
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	is(take(notify), MACH_NOTIFY_DEAD_NAME, "that may be asked about, too");
	is(dead_refs(parcel.port.name), 2, "with a reference more");
	must(mach_port_destroy(self, parcel.port.name));
	must(mach_port_destroy(self, port));
	port_end(target);
	port_end(notify);
}

/* A right on its way in a message is a sender, too. */
static void
test_no_senders_in_transit(void)
{
	mach_port_t target = port_new_send(), notify = port_new();
	mach_port_t port = port_new();
	struct parcel parcel;

	must(request(port, MACH_NOTIFY_NO_SENDERS, 1, notify));
	parcel_fill(&parcel, target, port, MACH_MSG_TYPE_MAKE_SEND);
	must(send_message(&parcel, PARCEL_SIZE));
	is(take(notify), -1, "a right in a message");
	must(mach_port_mod_refs(self, target, MACH_PORT_RIGHT_RECEIVE, -1));
	is(take_later(notify), MACH_NOTIFY_NO_SENDERS,
	    "that is never received is a sender until then");
	must(mach_port_deallocate(self, target));
	must(mach_port_set_mscount(self, port, 7));
	is(request(port, MACH_NOTIFY_NO_SENDERS, 8, notify), KERN_SUCCESS,
	    "of rights yet to be made");
	is(take(notify), -1, "nothing is told");
	is(status_of(port).mps_nsrequest, 1, "it is noted");
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	must(mach_port_deallocate(self, port));
	is(take(notify), MACH_NOTIFY_NO_SENDERS, "until they are gone again");
	is(status_of(port).mps_nsrequest, 0, "and no more");
	port_end(port);
	port_end(notify);
}

static void
test_wrong_requests(void)
{
	mach_port_t port = port_new_send(), notify = port_new();

	is(request(port, 12345, 0, notify), KERN_INVALID_VALUE, "no such word");
	is(request(NO_NAME, MACH_NOTIFY_DEAD_NAME, 0, notify),
	    KERN_INVALID_NAME, "no such name to die");
	is(request(MACH_PORT_NULL, MACH_NOTIFY_DEAD_NAME, 1, notify),
	    KERN_INVALID_ARGUMENT, "nothing");
	is(request(MACH_PORT_DEAD, MACH_NOTIFY_DEAD_NAME, 1, notify),
	    KERN_INVALID_ARGUMENT, "the dead as such");
	is(request(port, MACH_NOTIFY_PORT_DESTROYED, 1, notify),
	    KERN_INVALID_VALUE, "a count of nothing");
	is(request(NO_NAME, MACH_NOTIFY_NO_SENDERS, 0, notify),
	    KERN_INVALID_NAME, "nor to be sent to");
	is(request(self, MACH_NOTIFY_NO_SENDERS, 0, notify), KERN_INVALID_RIGHT,
	    "another's port");
	is(request(self, MACH_NOTIFY_PORT_DESTROYED, 0, notify),
	    KERN_INVALID_RIGHT, "for that too");
	is(request(port, MACH_NOTIFY_DEAD_NAME, 0, NO_NAME),
	    KERN_INVALID_CAPABILITY, "nobody to tell");
	port_end(port);
	port_end(notify);
}

/* Who awaits an answer from a server that dies is told so by its own port. */
static void
test_server_dies(void)
{
	mach_port_t service = port_new_send(), reply = port_new();
	struct small server;
	struct note message;

	small_make(&server, service, MACH_MSG_TYPE_MOVE_RECEIVE);
	message.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = service,
	    .msgh_local_port = reply,
	};
	must(send_message(&message, NOTE_SIZE));
	must(task_terminate(server.task));
	is(await(&message, sizeof(message), reply), KERN_SUCCESS,
	    "the request dies with its server");
	is(message.header.msgh_id, MACH_NOTIFY_SEND_ONCE,
	    "and its sender hears");
	ok(dies(server.task), "the server's task is gone");
	ok(dies(service), "and its port");
	small_forget(&server);
	must(mach_port_deallocate(self, service));
	port_end(reply);
}

static void
end_later(void *port)
{
	sleep_ms(20);
	port_end(*(mach_port_t *)port);
}

static void
test_receiver_hears(void)
{
	mach_port_t port = port_new();
	struct mach_thread *thread;
	struct note message;

	must(mach_thread_start(end_later, &port, 0, &thread));
	is(await(&message, sizeof(message), port), MACH_RCV_PORT_DIED,
	    "waiting on a port ends with it");
	mach_thread_join(thread);
}

/* What is refused costs no right. */
static void
test_refused(void)
{
	mach_port_t port = port_new_send(), mine = port_new_send(), previous;

	is(mach_port_request_notification(self, port, MACH_NOTIFY_DEAD_NAME, 0,
	       mine, MACH_MSG_TYPE_MOVE_RECEIVE, &previous),
	    KERN_INVALID_CAPABILITY, "a receive right to tell");
	is(mach_port_request_notification(self, port, MACH_NOTIFY_DEAD_NAME, 0,
	       mine, MACH_MSG_TYPE_MOVE_SEND, &previous),
	    KERN_INVALID_CAPABILITY, "or a send right");
	is(mach_port_request_notification(self, port, MACH_NOTIFY_DEAD_NAME, 0,
	       mine, MACH_MSG_TYPE_MAKE_SEND_ONCE, (mach_port_t *)8),
	    KERN_INVALID_ADDRESS, "or nowhere to write");
	is(mach_port_insert_right(
	       self, MACH_PORT_NULL, mine, MACH_MSG_TYPE_MOVE_RECEIVE),
	    KERN_INVALID_VALUE, "a receive right for no name");
	is(type_of(mine), MACH_PORT_TYPE_SEND_RECEIVE, "stays where it is");
	is(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE, "and nothing is asked");
	is(take(mine), -1, "or told");
	port_end(port);
	port_end(mine);
}

int
main(void)
{
	self = mach_task_self();
	test_dead_destination();
	test_dead_name();
	test_deleted();
	test_cancel();
	test_no_senders();
	test_port_destroyed();
	test_replaced();
	test_many_references();
	test_moved_away();
	test_no_senders_in_transit();
	test_wrong_requests();
	test_refused();
	test_server_dies();
	test_receiver_hears();
	return done();
}
