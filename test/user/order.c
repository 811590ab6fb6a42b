/* order.c: messages with priorities, and what they lend. */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>

static mach_port_t self, port;

#define QOS(class)   ((class) << MACH_MSG_PRIORITY_QOS_SHIFT)
#define LEAST(class) ((class) << MACH_MSG_PRIORITY_OVERRIDE_SHIFT)
/* So much below the best of its class. */
#define LESS(less)                                                             \
	(((uint32_t)(-(less)-1) << MACH_MSG_PRIORITY_RELPRI_SHIFT) &           \
	    MACH_MSG_PRIORITY_RELPRI_MASK)

static kern_return_t
send_at(mach_msg_id_t id, mach_msg_option_t options, mach_msg_priority_t at)
{
	struct note note;

	note.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_remote_port = port,
	    .msgh_id = id,
	};
	return mach_msg(&note.header, MACH_SEND_MSG | options, NOTE_SIZE, 0,
	    MACH_PORT_NULL, 0, at);
}

static void
post_at(mach_msg_id_t id, mach_msg_priority_t at)
{
	must(send_at(id, MACH_SEND_OVERRIDE, at));
}

static void
test_classes(void)
{
	port = port_new_send();
	set_limit(port, 100);
	must(post(port, 40));
	post_at(20, QOS(MACH_MSG_QOS_BACKGROUND));
	post_at(60, QOS(MACH_MSG_QOS_USER_INTERACTIVE));
	post_at(30, QOS(MACH_MSG_QOS_UTILITY));
	post_at(50, QOS(MACH_MSG_QOS_USER_INITIATED));
	post_at(41, QOS(MACH_MSG_QOS_DEFAULT));
	post_at(10, QOS(MACH_MSG_QOS_MAINTENANCE));
	post_at(42, MACH_MSG_PRIORITY_UNSPECIFIED);
	must(send_at(43, 0, QOS(MACH_MSG_QOS_USER_INTERACTIVE)));
	post_at(61, QOS(MACH_MSG_QOS_USER_INTERACTIVE));
	post_at(44, QOS(15u));
	is(take(port), 60, "the most urgent message comes first");
	is(take(port), 61, "first come first served among equals");
	is(take(port), 50, "then what a user asked for");
	is(take(port), 40, "then what nobody asked anything for");
	is(take(port), 41, "which is the same as the default");
	is(take(port), 42, "and as no class");
	is(take(port), 43, "a priority without the option is none");
	is(take(port), 44, "a class that does not exist is none");
	is(take(port), 30, "then utilities");
	is(take(port), 20, "what is done in the background");
	is(take(port), 10, "and maintenance");
	is(take(port), -1, "that is all");
	port_end(port);
}

static void
test_within_a_class(void)
{
	port = port_new_send();
	set_limit(port, 100);
	post_at(1, QOS(MACH_MSG_QOS_UTILITY) | LESS(10));
	post_at(2, QOS(MACH_MSG_QOS_UTILITY) | LESS(1));
	post_at(3, QOS(MACH_MSG_QOS_UTILITY) | LESS(0));
	post_at(4, QOS(MACH_MSG_QOS_BACKGROUND));
	post_at(5, QOS(MACH_MSG_QOS_MAINTENANCE) | LESS(15));
	post_at(6,
	    QOS(MACH_MSG_QOS_BACKGROUND) | LEAST(MACH_MSG_QOS_USER_INITIATED));
	is(take(port), 6, "a class is raised to the least that is asked for");
	is(take(port), 3, "the best of a class");
	is(take(port), 2, "one less");
	is(take(port), 1, "ten less");
	is(take(port), 4, "the next class");
	is(take(port), 5, "and never below nothing");
	port_end(port);
}

/* A long queue, filled in no order, is emptied in order. */
static void
test_many(void)
{
	unsigned at = 12345, wrong = 0;
	int last = 1 << 30;

	port = port_new_send();
	set_limit(port, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned class;

		at = at * 1103515245 + 12345;
		class = 1 + at / 65536 % MACH_MSG_QOS_LAST;
		post_at((int)(class * 1000 + 999 - i), QOS(class));
	}
	for (unsigned i = 0; i < 1000; i++) {
		int id = take(port);

		wrong += id >= last;
		last = id;
	}
	is(wrong, 0, "a thousand messages, best class and oldest first");
	port_end(port);
}

#define SENDERS 6

static void
send_waiting(void *arg)
{
	unsigned class = (unsigned)(uintptr_t)arg;

	must(send_at((int)class, MACH_SEND_OVERRIDE, QOS(class)));
}

static void
test_waiting_senders(void)
{
	struct mach_thread *thread[SENDERS + 1];
	struct note note;

	port = port_new_send();
	set_limit(port, 1);
	must(post(port, 100));
	for (uintptr_t i = 1; i <= SENDERS; i++)
		must(mach_thread_start(send_waiting, (void *)i, 0, &thread[i]));
	sleep_ms(100);
	is(take(port), 100, "the queue's one message");
	for (int i = SENDERS; i > 0; i--) {
		must(await(&note, sizeof(note), port));
		is(note.header.msgh_id, i, "and who waits gets in by class");
	}
	for (int i = 1; i <= SENDERS; i++)
		mach_thread_join(thread[i]);
	port_end(port);
}

int
main(void)
{
	self = mach_task_self();
	test_classes();
	test_within_a_class();
	test_many();
	test_waiting_senders();
	return done();
}
