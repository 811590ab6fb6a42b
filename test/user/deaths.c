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

static void
test_wrong_requests(void)
{
	mach_port_t port = port_new_send(), notify = port_new();

	is(request(port, 12345, 0, notify), KERN_INVALID_VALUE, "no such word");
	is(request(NO_NAME, MACH_NOTIFY_DEAD_NAME, 0, notify),
	    KERN_INVALID_NAME, "no such name to die");
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
	test_wrong_requests();
	test_server_dies();
	test_receiver_hears();
	return done();
}
