/* crowds.c: many threads that send with and without patience, priorities and
 * notices, while limits change and ports die; what is left at the end. */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>

#define SENDERS	 12
#define ROUNDS	 3
#define MESSAGES 60

static mach_port_t self, port, notify;
static atomic_uint sent, received, senders_left, odd;

static uint32_t
chance(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed / 65536 % below;
}

static void
ask_for_room(uint32_t *seed)
{
	mach_port_t previous = MACH_PORT_NULL;
	kern_return_t kr;

	kr = mach_port_request_notification(self, port,
	    MACH_NOTIFY_SEND_POSSIBLE, chance(seed, 2), notify,
	    MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
	if (kr != KERN_SUCCESS)
		odd++;
	else if (previous != MACH_PORT_NULL)
		mach_port_deallocate(self, previous);
}

/* One message, in some way or other: what became of it. */
static kern_return_t
send_somehow(uint32_t *seed)
{
	mach_msg_option_t option = MACH_SEND_MSG | MACH_SEND_INTERRUPT;
	mach_msg_priority_t priority = 0;
	struct parcel parcel;
	mach_port_t cargo = MACH_PORT_NULL;
	kern_return_t kr;

	if (chance(seed, 4) == 0)
		cargo = port_new();
	parcel_fill(&parcel, port, cargo, MACH_MSG_TYPE_MOVE_RECEIVE);
	if (chance(seed, 3) != 0)
		option |= MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY;
	if (chance(seed, 2) != 0) {
		option |= MACH_SEND_OVERRIDE;
		priority = chance(seed, 7) << MACH_MSG_PRIORITY_QOS_SHIFT;
	}
	kr = mach_msg(&parcel.header, option, PARCEL_SIZE, 0, MACH_PORT_NULL,
	    chance(seed, 2), priority);
	/* It came back, or was never taken: ours to give up. */
	if (kr != KERN_SUCCESS)
		mach_msg_destroy(&parcel.header);
	return kr;
}

static void
sender(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	for (unsigned i = 0; i < MESSAGES; i++) {
		kern_return_t kr;

		if (chance(&seed, 10) == 0)
			ask_for_room(&seed);
		kr = send_somehow(&seed);
		if (kr == KERN_SUCCESS)
			sent++;
		else if (kr != MACH_SEND_TIMED_OUT &&
			 kr != MACH_SEND_INTERRUPTED)
			odd++;
	}
	senders_left--;
}

/* Receive all there is, and give it up. */
static void
drain(mach_port_t from, atomic_uint *count)
{
	struct parcel parcel;

	while (poll_for(&parcel, sizeof(parcel), from) == KERN_SUCCESS) {
		if (parcel.header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
			mach_msg_destroy(&parcel.header);
		(*count)++;
	}
}

static void
round_of(unsigned number)
{
	struct mach_thread *thread[SENDERS];
	uint32_t seed = number + 1;
	atomic_uint notices = 0;

	port = port_new_send();
	notify = port_new();
	set_limit(notify, 1024);
	senders_left = SENDERS;
	for (uintptr_t i = 0; i < SENDERS; i++)
		must(mach_thread_start(
		    sender, (void *)(number * 100 + i), 0, &thread[i]));
	while (senders_left > 0) {
		unsigned what = chance(&seed, 8);

		if (what == 0)
			set_limit(port, chance(&seed, 6));
		else if (what == 1)
			thread_abort(
			    mach_thread_port(thread[chance(&seed, SENDERS)]));
		else
			drain(port, &received);
		drain(notify, &notices);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		mach_thread_join(thread[i]);
	drain(port, &received);
	must(mach_port_destroy(self, port));
	port_end(notify);
}

/* The same to a port that dies meanwhile: all hear of it and leave. */
static void
dying_sender(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;
	kern_return_t kr;

	do {
		kr = send_somehow(&seed);
	} while (kr == KERN_SUCCESS || kr == MACH_SEND_TIMED_OUT ||
		 kr == MACH_SEND_INTERRUPTED);
	if (kr != MACH_SEND_INVALID_DEST)
		odd++;
}

static void
dying_round(unsigned number)
{
	struct mach_thread *thread[SENDERS];
	uint32_t seed = number + 77;

	port = port_new_send();
	notify = port_new();
	for (uintptr_t i = 0; i < SENDERS; i++)
		must(mach_thread_start(
		    dying_sender, (void *)(number * 100 + i), 0, &thread[i]));
	ask_for_room(&seed);
	sleep_ms(3 + number);
	drain(port, &received);
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	for (unsigned i = 0; i < SENDERS; i++)
		mach_thread_join(thread[i]);
	must(mach_port_destroy(self, port));
	port_end(notify);
}

int
main(void)
{
	struct baton_kernel_counters before, after;

	self = mach_task_self();
	round_of(0);
	is(received, sent, "what was sent was received");
	before = quiet_counters();
	for (unsigned i = 1; i < ROUNDS; i++)
		round_of(i);
	is(received, sent, "again and again");
	for (unsigned i = 0; i < ROUNDS; i++)
		dying_round(i);
	is(odd, 0, "and each failure is one that may be");
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "no port is left over");
	is(after.objects[BATON_OBJECT_MESSAGE],
	    before.objects[BATON_OBJECT_MESSAGE], "and no message");
	return done();
}
