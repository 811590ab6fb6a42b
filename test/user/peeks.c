/* peeks.c: looking at messages in a queue, and the special reply port. */
#include "test/user/mach_test.h"

#include <string.h>

#include <baton/thread.h>

static mach_port_t self;

struct seen {
	mach_port_seqno_t sequence;
	mach_msg_size_t size;
	mach_msg_id_t id;
	mach_msg_type_number_t trailer_size;
	mach_msg_max_trailer_t trailer;
};

static kern_return_t
peek(mach_port_t port, unsigned elements, mach_port_seqno_t which,
    struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	seen->sequence = which;
	seen->trailer_size = sizeof(seen->trailer);
	return mach_port_peek(self, port,
	    MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) |
		MACH_RCV_TRAILER_ELEMENTS(elements),
	    &seen->sequence, &seen->size, &seen->id,
	    (mach_msg_trailer_info_t)&seen->trailer, &seen->trailer_size);
}

static void
test_peek(void)
{
	mach_port_t port = port_new_send();
	struct seen seen;
	struct note note;

	is(peek(port, 0, 0, &seen), KERN_FAILURE, "nothing to see");
	must(mach_port_set_seqno(self, port, 70));
	for (int i = 1; i <= 3; i++)
		must(post(port, i));
	is(peek(port, MACH_RCV_TRAILER_NULL, 0, &seen), KERN_SUCCESS,
	    "the first message");
	is(seen.sequence, 70, "its number");
	is(seen.size, NOTE_SIZE, "size");
	is(seen.id, 1, "and id");
	is(seen.trailer_size, sizeof(mach_msg_trailer_t), "no more");
	is(seen.trailer.msgh_trailer_size, seen.trailer_size, "it says so");
	is(peek(port, MACH_RCV_TRAILER_AUDIT, 72, &seen), KERN_SUCCESS,
	    "the third one, by number");
	is(seen.id, 3, "it is");
	is(seen.sequence, 72, "that one");
	is(seen.trailer_size, sizeof(mach_msg_audit_trailer_t),
	    "with who sent it");
	is(seen.trailer.msgh_seqno, 72, "and its number");
	must(mach_msg(&note.header,
	    MACH_RCV_MSG | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), 0,
	    sizeof(note), port, 0, 0));
	is(note.trailer.msgh_seqno, 70, "the first is received as 70");
	ok(memcmp(&note.trailer.msgh_audit, &seen.trailer.msgh_audit,
	       sizeof(audit_token_t)) == 0,
	    "from whom the look said");
	is(peek(port, 0, 0, &seen), KERN_SUCCESS, "the next");
	is(seen.id, 2, "is the second");
	is(peek(port, 0, 70, &seen), KERN_FAILURE, "which was is no more");
	is(peek(port, 0, 73, &seen), KERN_FAILURE, "which will be is not yet");
	port_end(port);
}

static void
test_peek_mistakes(void)
{
	mach_port_t port = port_new_send(), set;
	mach_msg_type_number_t room = 4;
	struct seen seen;

	must(post(port, 1));
	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	is(peek(port, MACH_RCV_TRAILER_CTX, 0, &seen), KERN_INVALID_ARGUMENT,
	    "the context is not for others");
	is(mach_port_peek(self, port, 0, &seen.sequence, &seen.size, &seen.id,
	       (mach_msg_trailer_info_t)&seen.trailer, &room),
	    KERN_INVALID_ARGUMENT, "no room for a trailer");
	is(peek(MACH_PORT_NULL, 0, 0, &seen), KERN_INVALID_RIGHT, "nothing");
	is(peek(NO_NAME, 0, 0, &seen), KERN_INVALID_NAME, "no name");
	is(peek(set, 0, 0, &seen), KERN_INVALID_RIGHT, "a set");
	is(peek(self, 0, 0, &seen), KERN_INVALID_RIGHT, "another's port");
	is(take(port), 1, "none of it took anything");
	must(mach_port_destroy(self, set));
	port_end(port);
}

/* ---- the special reply port ---- */

static mach_port_t theirs[2];

static void
get_and_end(void *arg)
{
	(void)arg;
	theirs[0] = thread_get_special_reply_port();
	theirs[1] = thread_get_special_reply_port();
}

static void
get_and_destroy(void *arg)
{
	(void)arg;
	theirs[0] = thread_get_special_reply_port();
	must(mach_port_destroy(self, theirs[0]));
	theirs[1] = port_new();
}

/* What goes with a thread is gone a little after it was joined. */
static bool
gone(mach_port_t name)
{
	for (int i = 0; i < 1000 && type_of(name) != 0; i++)
		sleep_ms(1);
	return type_of(name) == 0;
}

static void
test_special_reply_port(void)
{
	mach_port_t first = thread_get_special_reply_port(), second;
	struct mach_thread *thread;

	is(type_of(first), MACH_PORT_TYPE_SEND_RECEIVE,
	    "both rights of a port for replies");
	must(post(first, 9));
	is(take(first), 9, "which works");
	second = thread_get_special_reply_port();
	ok(second != first, "who asks again gets another");
	is(type_of(first), MACH_PORT_TYPE_SEND_RECEIVE,
	    "and may go on to use the first");
	must(mach_port_destroy(self, first));
	must(mach_port_destroy(self, second));
	second = thread_get_special_reply_port();
	is(type_of(second), MACH_PORT_TYPE_SEND_RECEIVE,
	    "who destroys it gets another, too");
	must(mach_port_destroy(self, second));

	must(mach_thread_start(get_and_end, NULL, 0, &thread));
	mach_thread_join(thread);
	ok(gone(theirs[1]), "it ends with its thread");
	is(type_of(theirs[0]), MACH_PORT_TYPE_SEND_RECEIVE,
	    "which had given the one before to the task");
	must(mach_port_destroy(self, theirs[0]));

	must(mach_thread_start(get_and_destroy, NULL, 0, &thread));
	mach_thread_join(thread);
	sleep_ms(20);
	is(type_of(theirs[1]), MACH_PORT_TYPE_RECEIVE,
	    "another port is not taken for it");
	port_end(theirs[1]);
}

int
main(void)
{
	self = mach_task_self();
	test_peek();
	test_peek_mistakes();
	test_special_reply_port();
	return done();
}
