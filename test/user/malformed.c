/*
 * malformed.c: requests to the kernel's ports that are not what the definition
 * says: each is answered with the code that says so, no handler sees it, and
 * what it carried is given up.
 *
 * What is wrong with a request is one of the faults below; each is tried with
 * every routine that there is, as the definitions list them.
 */
#include "test/user/mach_test.h"

#include <string.h>

#include <mach/clock.h>
#include <mach/mach_eventlink.h>
#include <mach/mig_errors.h>
#include <mach/semaphore.h>
#include <servers/bootstrap.h>

#include <device/device_calls.h>

#define PIECES_MAX 3 /* descriptors of one request */
#define ROOM	   6000

/* What a port stands for; the names are the definitions'. */
enum kind {
	KOBJECT_TASK,
	KOBJECT_THREAD,
	KOBJECT_HOST,
	KOBJECT_HOST_PRIV,
	KOBJECT_CLOCK,
	KOBJECT_SEMAPHORE,
	KOBJECT_EVENTLINK,
	KOBJECT_DEVICE_MASTER,
	KOBJECT_DEVICE,
	KINDS
};

/* What requests of a routine are like; offsets and sizes in bytes, 0: none. */
struct shape {
	mach_msg_id_t id;
	const char *name;
	enum kind kind;
	unsigned least, most;
	/* 's' a send right, 't' one to something of the kernel's, 'o' a
	 * send-once right, 'r' a receive right, 'p' any one right, 'm' memory,
	 * 'a' an array of send rights */
	const char *descriptors;
	unsigned array_count_at, array_most;
	unsigned memory_count_at;
	unsigned memory_size; /* where it has no count */
	unsigned string_at, string_size;
};

static const struct shape shapes[] = {
#include <serve/baton_host.inc>
#include <serve/baton_port.inc>
#include <serve/clock.inc>
#include <serve/device.inc>
#include <serve/device_node.inc>
#include <serve/host_priv.inc>
#include <serve/mach_eventlink.inc>
#include <serve/mach_host.inc>
#include <serve/mach_port.inc>
#include <serve/mach_vm.inc>
#include <serve/semaphore.inc>
#include <serve/task.inc>
#include <serve/thread_act.inc>
#include <serve/vm_map.inc>
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static mach_port_t self, reply, mine; /* @mine: whose rights are sent */
static mach_port_t target[KINDS];
static struct small victim;
static unsigned notices; /* of send-once rights, that are due at @mine */

/* ---- one request ---- */

static union {
	mach_msg_base_t base;
	char bytes[ROOM];
} request;

static unsigned size; /* of it */

static unsigned
piece_size(char letter)
{
	return letter == 'm' || letter == 'a'
		   ? sizeof(mach_msg_ool_descriptor_t)
		   : sizeof(mach_msg_port_descriptor_t);
}

/* Where the @index-th descriptor is; one behind the last, where they end. */
static unsigned
piece_at(const struct shape *shape, unsigned index)
{
	unsigned at = sizeof(mach_msg_base_t);

	for (unsigned i = 0; i < index; i++)
		at += piece_size(shape->descriptors[i]);
	return at;
}

static void
put(unsigned at, const void *bytes, unsigned count)
{
	memcpy(request.bytes + at, bytes, count);
}

static void
put_word(unsigned at, uint32_t word)
{
	put(at, &word, sizeof(word));
}

static void
put_right(unsigned at, mach_port_t right, mach_msg_type_name_t disposition)
{
	mach_msg_port_descriptor_t descriptor = {
	    .name = right,
	    .disposition = disposition,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};

	put(at, &descriptor, sizeof(descriptor));
	notices += right != MACH_PORT_NULL &&
		   disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE;
}

/* Memory of @bytes zeros, or an array of the rights at @rights. */
static void
put_memory(unsigned at, unsigned bytes)
{
	static char zeros[200];
	mach_msg_ool_descriptor_t descriptor = {
	    .address = zeros,
	    .size = bytes,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	};

	put(at, &descriptor, sizeof(descriptor));
}

static void
put_rights(unsigned at, mach_port_t *rights, unsigned count,
    mach_msg_type_name_t disposition)
{
	mach_msg_ool_ports_descriptor_t descriptor = {
	    .address = rights,
	    .count = count,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .disposition = disposition,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	};

	put(at, &descriptor, sizeof(descriptor));
	if (disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE)
		notices += count;
}

/* The @index-th descriptor as it ought to be, with nothing in it. */
static void
put_piece(const struct shape *shape, unsigned index)
{
	unsigned at = piece_at(shape, index);

	switch (shape->descriptors[index]) {
	case 'm':
		put_memory(at, shape->memory_size);
		break;
	case 'a':
		put_rights(at, NULL, 0, MACH_MSG_TYPE_COPY_SEND);
		break;
	case 'o':
		put_right(at, MACH_PORT_NULL, MACH_MSG_TYPE_MAKE_SEND_ONCE);
		break;
	case 'r':
		put_right(at, MACH_PORT_NULL, MACH_MSG_TYPE_MOVE_RECEIVE);
		break;
	default:
		put_right(at, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND);
	}
}

/* A request of the right form, all of whose numbers are 0. */
static void
put_request(const struct shape *shape)
{
	unsigned count = (unsigned)strlen(shape->descriptors);

	memset(&request, 0, sizeof(request));
	size = shape->least;
	request.base.header.msgh_bits = MACH_MSGH_BITS(
	    MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	request.base.header.msgh_id = shape->id;
	if (count == 0)
		return;
	request.base.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	request.base.body.msgh_descriptor_count = count;
	for (unsigned i = 0; i < count; i++)
		put_piece(shape, i);
	put(piece_at(shape, count), &NDR_record, sizeof(NDR_record));
}

/* What the kernel says to it: exactly an error reply, or -1. */
static kern_return_t
ask(mach_port_t to)
{
	struct {
		mig_reply_error_t error;
		char room[ROOM];
	} answer;

	request.base.header.msgh_size = size;
	request.base.header.msgh_remote_port = to;
	request.base.header.msgh_local_port = reply;
	must(send_message(&request, size));
	must(await(&answer, sizeof(answer), reply));
	if (answer.error.Head.msgh_id != request.base.header.msgh_id + 100 ||
	    answer.error.Head.msgh_size != sizeof(answer.error) ||
	    (answer.error.Head.msgh_bits & MACH_MSGH_BITS_COMPLEX)) {
		mach_msg_destroy(&answer.error.Head);
		return -1;
	}
	return answer.error.RetCode;
}

/* ---- faults: each spoils a request; false: not this one ---- */

static bool
too_short(const struct shape *shape)
{
	size -= 4;
	return size >= sizeof(mach_msg_header_t) &&
	       (shape->descriptors[0] == '\0' ||
		   size >=
		       piece_at(shape, (unsigned)strlen(shape->descriptors)));
}

static bool
too_long(const struct shape *shape)
{
	size = shape->most + 4;
	return true;
}

/* The right length, but some of it is a descriptor. */
static bool
unexpected_right(const struct shape *shape)
{
	if (shape->descriptors[0] != '\0')
		return false;
	request.base.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	request.base.body.msgh_descriptor_count = 1;
	put_right(sizeof(mach_msg_base_t), mine, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	if (size < sizeof(mach_msg_base_t) + piece_size('s'))
		size = sizeof(mach_msg_base_t) + piece_size('s');
	return true;
}

/* The right length, but no descriptor. */
static bool
no_descriptor(const struct shape *shape)
{
	request.base.header.msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
	return shape->descriptors[0] != '\0';
}

static bool
one_descriptor_less(const struct shape *shape)
{
	request.base.body.msgh_descriptor_count--;
	return shape->descriptors[0] != '\0';
}

static bool
one_descriptor_more(const struct shape *shape)
{
	unsigned end = piece_at(shape, (unsigned)strlen(shape->descriptors));

	if (shape->descriptors[0] == '\0')
		return false;
	request.base.body.msgh_descriptor_count++;
	put_right(end, mine, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	size += piece_size('s');
	return true;
}

static bool
too_many_elements(const struct shape *shape)
{
	if (shape->array_count_at == 0)
		return false;
	put_word(shape->array_count_at, shape->array_most + 1);
	size = shape->most;
	return true;
}

static bool
fewer_elements_than_said(const struct shape *shape)
{
	if (shape->array_count_at == 0)
		return false;
	put_word(shape->array_count_at, 1);
	return true;
}

static bool
huge_count(const struct shape *shape)
{
	if (shape->array_count_at == 0)
		return false;
	put_word(shape->array_count_at, 0x40000000);
	return true;
}

static bool
endless_string(const struct shape *shape)
{
	memset(request.bytes + shape->string_at, 'x', shape->string_size);
	return shape->string_at != 0;
}

/* A right of another kind than the first that is asked for. */
static bool
wrong_right(const struct shape *shape)
{
	size_t index = strcspn(shape->descriptors, "stor");
	char letter = shape->descriptors[index];

	if (letter == '\0')
		return false;
	put_right(piece_at(shape, (unsigned)index), mine,
	    letter == 'o' ? MACH_MSG_TYPE_MAKE_SEND
			  : MACH_MSG_TYPE_MAKE_SEND_ONCE);
	return true;
}

static bool
rights_for_memory(const struct shape *shape)
{
	size_t index = strcspn(shape->descriptors, "m");

	put_rights(
	    piece_at(shape, (unsigned)index), NULL, 0, MACH_MSG_TYPE_COPY_SEND);
	return shape->descriptors[index] != '\0';
}

static bool
memory_for_rights(const struct shape *shape)
{
	size_t index = strcspn(shape->descriptors, "a");

	put_memory(piece_at(shape, (unsigned)index), 0);
	return shape->descriptors[index] != '\0';
}

static bool
array_of_wrong_rights(const struct shape *shape)
{
	size_t index = strcspn(shape->descriptors, "a");
	static mach_port_t rights[2];

	if (shape->descriptors[index] == '\0')
		return false;
	rights[0] = rights[1] = mine;
	put_rights(piece_at(shape, (unsigned)index), rights, 2,
	    MACH_MSG_TYPE_MAKE_SEND_ONCE);
	put_word(shape->memory_count_at, 2);
	return true;
}

static bool
other_size_than_said(const struct shape *shape)
{
	if (shape->memory_size != 0) {
		put_memory(piece_at(shape, 0), shape->memory_size + 1);
		return true;
	}
	if (shape->memory_count_at == 0)
		return false;
	put_word(shape->memory_count_at, 5);
	return true;
}

/* A port that stands for nothing. */
static bool
wrong_object(const struct shape *shape)
{
	size_t index = strcspn(shape->descriptors, "t");

	if (shape->descriptors[index] == '\0')
		return false;
	put_right(
	    piece_at(shape, (unsigned)index), mine, MACH_MSG_TYPE_MAKE_SEND);
	return true;
}

static const struct fault {
	bool (*spoil)(const struct shape *shape);
	kern_return_t answer;
	const char *name;
} faults[] = {
    {too_short, MIG_BAD_ARGUMENTS, "too short"},
    {too_long, MIG_BAD_ARGUMENTS, "too long"},
    {unexpected_right, MIG_BAD_ARGUMENTS, "with a right"},
    {no_descriptor, MIG_BAD_ARGUMENTS, "without a descriptor"},
    {one_descriptor_less, MIG_BAD_ARGUMENTS, "with a descriptor less"},
    {one_descriptor_more, MIG_BAD_ARGUMENTS, "with a descriptor more"},
    {too_many_elements, MIG_BAD_ARGUMENTS, "with too many elements"},
    {fewer_elements_than_said, MIG_BAD_ARGUMENTS, "with too few elements"},
    {huge_count, MIG_BAD_ARGUMENTS, "with a count that overflows"},
    {endless_string, MIG_BAD_ARGUMENTS, "with a string without an end"},
    {wrong_right, MIG_TYPE_ERROR, "with a right of another kind"},
    {rights_for_memory, MIG_TYPE_ERROR, "with rights for memory"},
    {memory_for_rights, MIG_TYPE_ERROR, "with memory for rights"},
    {array_of_wrong_rights, MIG_TYPE_ERROR, "with an array of other rights"},
    {other_size_than_said, MIG_TYPE_ERROR, "with memory of another size"},
    {wrong_object, KERN_INVALID_ARGUMENT, "about something else"},
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

/* ---- the tests ---- */

static void
test_fault(const struct fault *fault)
{
	unsigned tried = 0, wrong = 0;

	for (unsigned i = 0; i < SHAPES; i++) {
		kern_return_t kr;

		put_request(&shapes[i]);
		if (!fault->spoil(&shapes[i]))
			continue;
		tried++;
		kr = ask(target[shapes[i].kind]);
		if (kr == fault->answer)
			continue;
		wrong++;
		note("%s %s: %#x", shapes[i].name, fault->name, (unsigned)kr);
	}
	ok(tried > 0, "there are requests to send %s", fault->name);
	is(wrong, 0, "%u requests %s are refused", tried, fault->name);
}

/* The right form, the wrong port. */
static void
test_wrong_ports(void)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < SHAPES; i++)
		for (unsigned kind = 0; kind < KINDS; kind++) {
			if (kind == shapes[i].kind)
				continue;
			put_request(&shapes[i]);
			wrong += ask(target[kind]) != MIG_BAD_ID;
		}
	is(wrong, 0, "%u routines are those of one kind of port",
	    (unsigned)SHAPES);
}

static void
make_targets(void)
{
	mach_port_t pair[2];

	small_make(&victim, MACH_PORT_NULL, 0);
	small_run(&victim, small_wait, 0, 0);
	target[KOBJECT_TASK] = victim.task;
	target[KOBJECT_THREAD] = victim.thread;
	target[KOBJECT_HOST] = mach_host_self();
	must(host_get_clock_service(
	    target[KOBJECT_HOST], SYSTEM_CLOCK, &target[KOBJECT_CLOCK]));
	must(semaphore_create(
	    self, &target[KOBJECT_SEMAPHORE], SYNC_POLICY_FIFO, 0));
	must(mach_eventlink_create(self, MELC_OPTION_NO_COPYIN, pair));
	target[KOBJECT_EVENTLINK] = pair[0];
	must(bootstrap_device(
	    bootstrap_port, "host_priv", &target[KOBJECT_HOST_PRIV]));
	must(bootstrap_device(
	    bootstrap_port, "device_master", &target[KOBJECT_DEVICE_MASTER]));
	must(device_open(target[KOBJECT_DEVICE_MASTER], 0, "sbi-console",
	    &target[KOBJECT_DEVICE]));
}

static unsigned
take_notices(void)
{
	unsigned count = 0;

	while (take(mine) == MACH_NOTIFY_SEND_ONCE)
		count++;
	return count;
}

int
main(void)
{
	struct baton_kernel_counters before, after;
	unsigned names;

	self = mach_task_self();
	reply = port_new();
	mine = port_new();
	make_targets();
	/* What is said first finds the console, by a name that stays. */
	note("%u routines", (unsigned)SHAPES);
	before = quiet_counters();
	names = name_count();
	for (unsigned i = 0; i < FAULTS; i++) {
		test_fault(&faults[i]);
		is(take_notices(), notices, "what they carried is given up");
		notices = 0;
	}
	test_wrong_ports();

	is(status_of(mine).mps_srights, FALSE, "no send right is left");
	is(status_of(mine).mps_sorights, 0, "nor a send-once right");
	is(name_count(), names, "no name has come");
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "as many ports as before");
	is(after.objects[BATON_OBJECT_MESSAGE],
	    before.objects[BATON_OBJECT_MESSAGE], "as many messages");
	is(type_of(victim.task), MACH_PORT_TYPE_SEND, "the task is alive");
	is(type_of(victim.thread), MACH_PORT_TYPE_SEND, "and its thread");
	small_kill(&victim);
	return done();
}
