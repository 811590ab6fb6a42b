/*
 * requests.c: requests of chance to the kernel's ports: whatever one asks of a
 * task, a thread or the host, and however badly, one gets an answer.
 *
 * What is asked for is done to a small task that is there for nothing else.
 * With a number as its argument the program has other luck.
 */
#include "test/user/mach_test.h"

#include <stdlib.h>
#include <string.h>

#include <device/device.h>
#include <mach/routine_ids.h>

#define REQUESTS 12000
#define PAGE	 4096UL

static mach_port_t self, reply, some_port;
static char *some_pages;
static struct small victim;
static uint64_t state = 0x2545f4914f6cdd1d;

static uint64_t
chance(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 11;
}

/* A number that might mean something. */
static uint32_t
some_word(void)
{
	static const uint32_t words[] = {0, 1, 2, 3, 4, 5, 9, 10, 12, 20, 32,
	    64, 66, 128, 4095, 4096, 8192, 0x100000, 0x200000, 0x20f000,
	    0x40000000, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff};
	uint32_t luck = (uint32_t)chance();

	if (luck % 4 == 0)
		return (uint32_t)chance();
	return words[chance() % (sizeof(words) / sizeof(words[0]))];
}

static void
victim_new(void)
{
	small_make(&victim, some_port, MACH_MSG_TYPE_MAKE_SEND);
	small_run(&victim, chance() % 2 ? small_spin : small_wait, 0, 0);
	small_yield(&victim);
}

static void
victim_renew(void)
{
	if ((type_of(victim.task) & MACH_PORT_TYPE_SEND) != 0) {
		if ((type_of(victim.thread) & MACH_PORT_TYPE_SEND) != 0)
			return;
		(void)task_terminate(victim.task);
	}
	small_forget(&victim);
	victim_new();
}

/* Ids that mean something at some port of the kernel's. */
static mach_msg_id_t
some_id(void)
{
	static const struct {
		mach_msg_id_t first;
		unsigned count;
	} groups[] = {{3200, 43}, {3400, 22}, {3600, 30}, {4800, 26}, {200, 20},
	    {300, 4}, {2800, 56}, {3800, 30}, {400, 20}};
	unsigned group = (unsigned)(chance() % 14);

	/* Tasks, threads and memory more often. */
	if (group >= sizeof(groups) / sizeof(groups[0]))
		group = 1 + group % 3;
	return groups[group].first +
	       (mach_msg_id_t)(chance() % groups[group].count);
}

/* ---- one request ---- */

static union {
	mach_msg_header_t header;
	uint32_t word[128];
} message;

static uint32_t *
put_descriptor(uint32_t *at)
{
	mach_msg_descriptor_t descriptor;
	size_t size = sizeof(descriptor.out_of_line);

	memset(&descriptor, 0, sizeof(descriptor));
	switch (chance() % 3) {
	case 0:
		size = sizeof(descriptor.port);
		descriptor.port.name = chance() % 3 ? some_port : 0;
		descriptor.port.disposition =
		    MACH_MSG_TYPE_MAKE_SEND + (unsigned)chance() % 2;
		descriptor.port.type = MACH_MSG_PORT_DESCRIPTOR;
		break;
	case 1:
		descriptor.out_of_line.address = some_pages + chance() % 2000;
		descriptor.out_of_line.size = (uint32_t)chance() % 9000;
		descriptor.out_of_line.copy = MACH_MSG_VIRTUAL_COPY;
		descriptor.out_of_line.type = MACH_MSG_OOL_DESCRIPTOR;
		break;
	default: /* zeros are null names */
		descriptor.ool_ports.address = some_pages + 2 * PAGE;
		descriptor.ool_ports.count = (uint32_t)chance() % 20;
		descriptor.ool_ports.disposition = MACH_MSG_TYPE_COPY_SEND;
		descriptor.ool_ports.type = MACH_MSG_OOL_PORTS_DESCRIPTOR;
	}
	memcpy(at, &descriptor, size);
	return at + size / sizeof(*at);
}

/* Fill a request; its size. */
static mach_msg_size_t
fill(mach_port_t to, mach_msg_id_t id)
{
	uint32_t *at = &message.word[sizeof(mach_msg_header_t) / 4];
	unsigned descriptors = 0, words = (unsigned)chance() % 30;

	message.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = to,
	    .msgh_local_port = reply,
	    .msgh_id = id,
	};
	if (chance() % 3 == 0) {
		message.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
		descriptors = (unsigned)chance() % 3;
		*at++ = descriptors;
	}
	for (unsigned i = 0; i < descriptors; i++)
		at = put_descriptor(at);
	for (unsigned i = 0; i < words; i++)
		*at++ = some_word();
	return (mach_msg_size_t)((char *)at - (char *)&message);
}

/* Throw an answer away; a task that was made would live for ever. */
static void
forget(mach_msg_header_t *answer)
{
	const struct parcel *parcel = (const struct parcel *)answer;

	if (answer->msgh_id == MSGID_TASK_CREATE + MSGID_REPLY &&
	    MACH_MSGH_BITS_IS_COMPLEX(answer->msgh_bits))
		(void)task_terminate(parcel->port.name);
	mach_msg_destroy(answer);
}

/* Ask, and wait for the answer. */
static kern_return_t
ask(mach_port_t to, mach_msg_id_t id)
{
	mach_msg_size_t size = fill(to, id);
	static union {
		mach_msg_header_t header;
		char room[16384];
	} answer;
	kern_return_t kr = send_message(&message, size);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = await(&answer, sizeof(answer), reply);
	if (kr == KERN_SUCCESS)
		forget(&answer.header);
	return kr;
}

static mach_port_t
some_target(mach_port_t host)
{
	switch (chance() % 8) {
	case 0:
		return host;
	case 1:
	case 2:
	case 3:
		return victim.thread;
	default:
		return victim.task;
	}
}

int
main(int argc, char *argv[])
{
	mach_port_t host = mach_host_self();
	unsigned answered = 0, refused = 0, silent = 0;
	struct baton_kernel_counters before, after;

	self = mach_task_self();
	if (argc > 1)
		state += strtoull(argv[1], NULL, 0) << 20;
	reply = port_new();
	some_port = port_new_send();
	some_pages = pages_new(3 * PAGE);
	before = quiet_counters();
	tap_hold(); /* the victim may fault */
	victim_new();
	for (unsigned i = 0; i < REQUESTS; i++) {
		kern_return_t kr = ask(some_target(host), some_id());

		answered += kr == KERN_SUCCESS;
		refused += (kr & ~0xff) == (MACH_SEND_INVALID_DATA & ~0xff);
		silent += kr == MACH_RCV_TIMED_OUT;
		if (i % 8 == 0)
			victim_renew();
	}
	note("%u answered, %u not sent", answered, refused);
	ok(answered > REQUESTS / 2, "most requests are answered");
	is(silent, 0, "and none is not");
	is(answered + refused, REQUESTS, "unless it could not be sent");
	must(task_terminate(victim.task));
	small_forget(&victim);
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_TASK], before.objects[BATON_OBJECT_TASK],
	    "as many tasks as before");
	is(after.objects[BATON_OBJECT_THREAD],
	    before.objects[BATON_OBJECT_THREAD], "as many threads");
	is(after.objects[BATON_OBJECT_MESSAGE],
	    before.objects[BATON_OBJECT_MESSAGE], "as many messages");
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "as many ports");
	ok(after.pages_free + 128 >= before.pages_free,
	    "and as many pages: %llu, %llu",
	    (unsigned long long)before.pages_free,
	    (unsigned long long)after.pages_free);
	return done();
}
