/* guards.c: guarded receive rights: what they refuse, and how they travel. */
#include "test/user/mach_test.h"

#include <string.h>

#define GUARD 0x1234567890abcdef
#define OTHER 0x77

static mach_port_t self, box;

static mach_port_t
construct(uint32_t flags, uint64_t context)
{
	mach_port_options_t options = {.flags = flags};
	mach_port_t port;

	must(mach_port_construct(self, &options, context, &port));
	return port;
}

static uint64_t
context_of(mach_port_t port)
{
	mach_port_context_t context = 1;

	must(mach_port_get_context(self, port, &context));
	return context;
}

/* ---- guarding and unguarding ---- */

static void
test_guard(void)
{
	mach_port_t port = port_new_send(), set;

	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	is(mach_port_guard(self, NO_NAME, GUARD, 0), KERN_INVALID_NAME,
	    "no such name to guard");
	is(mach_port_guard(self, set, GUARD, 0), KERN_INVALID_RIGHT,
	    "a set is not guarded");
	is(mach_port_unguard(self, port, 0), KERN_INVALID_ARGUMENT,
	    "no guard to take away");
	is(mach_port_guard(self, port, GUARD, 0), KERN_SUCCESS, "guarded");
	is(status_of(port).mps_flags, MACH_PORT_STATUS_FLAG_GUARDED,
	    "and says so");
	is(context_of(port), GUARD, "the guard is the context");
	is(mach_port_guard(self, port, GUARD, 0), KERN_INVALID_ARGUMENT,
	    "not twice");
	is(mach_port_unguard(self, port, OTHER), KERN_INVALID_ARGUMENT,
	    "the wrong guard opens nothing");
	is(mach_port_unguard(self, set, GUARD), KERN_INVALID_RIGHT,
	    "a set has none");
	is(mach_port_unguard(self, NO_NAME, GUARD), KERN_INVALID_NAME,
	    "nor has nothing");
	is(mach_port_unguard(self, port, GUARD), KERN_SUCCESS,
	    "the right one does");
	is(status_of(port).mps_flags, 0, "no guard is left");
	is(context_of(port), 0, "nor a context");
	must(mach_port_set_context(self, port, 5));
	is(mach_port_guard(self, port, GUARD, 0), KERN_INVALID_ARGUMENT,
	    "a context is not overwritten by a guard");
	port_end(port);
	port_end(set);
}

static void
test_refused(void)
{
	mach_port_t port = port_new_send();

	must(mach_port_guard(self, port, GUARD, 0));
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1),
	    KERN_INVALID_RIGHT, "mod_refs does not end it");
	is(mach_port_destroy(self, port), KERN_INVALID_RIGHT,
	    "nor does destroy");
	is(mach_port_destruct(self, port, -1, OTHER), KERN_INVALID_ARGUMENT,
	    "nor destruct with the wrong guard");
	is(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE, "all is as it was");
	is(send_refs(port), 1, "the send right too");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 1),
	    KERN_SUCCESS, "send rights are not guarded");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, 0),
	    KERN_SUCCESS, "none less is none");
	is(post(port, 3), KERN_SUCCESS, "it is sent to");
	is(take(port), 3, "and received from");
	is(mach_port_set_context(self, port, OTHER), KERN_SUCCESS,
	    "the guard is changed as a context");
	is(mach_port_destruct(self, port, -2, GUARD), KERN_INVALID_ARGUMENT,
	    "so that the old one no longer serves");
	is(mach_port_destruct(self, port, -3, OTHER), KERN_INVALID_VALUE,
	    "a send right has not three references");
	is(mach_port_destruct(self, port, -2, OTHER), KERN_SUCCESS,
	    "but two, and the new guard ends the port");
	is(type_of(port), 0, "all of it");
}

static void
test_strict(void)
{
	mach_port_t port = port_new();
	mach_port_guard_info_t info = {GUARD};
	mach_port_info_t words = (mach_port_info_t)&info;

	must(mach_port_guard(self, port, GUARD, true));
	is(status_of(port).mps_flags,
	    MACH_PORT_STATUS_FLAG_GUARDED | MACH_PORT_STATUS_FLAG_STRICT_GUARD,
	    "a strict guard");
	is(context_of(port), 0, "is not shown");
	is(mach_port_set_context(self, port, 1), KERN_INVALID_ARGUMENT,
	    "nor changed");
	is(mach_port_swap_guard(self, port, GUARD, OTHER),
	    KERN_INVALID_ARGUMENT, "in any way");
	is(mach_port_assert_attributes(self, port, MACH_PORT_GUARD_INFO, words,
	       MACH_PORT_GUARD_INFO_COUNT),
	    KERN_SUCCESS, "who knows it has it confirmed");
	info.mpgi_guard = OTHER;
	is(mach_port_assert_attributes(self, port, MACH_PORT_GUARD_INFO, words,
	       MACH_PORT_GUARD_INFO_COUNT),
	    KERN_INVALID_ARGUMENT, "who does not has not");
	is(mach_port_assert_attributes(
	       self, port, MACH_PORT_GUARD_INFO, words, 1),
	    KERN_FAILURE, "half a guard");
	is(mach_port_assert_attributes(self, port, MACH_PORT_LIMITS_INFO, words,
	       MACH_PORT_GUARD_INFO_COUNT),
	    KERN_INVALID_ARGUMENT, "nothing else is asserted");
	is(mach_port_destruct(self, port, 0, GUARD), KERN_SUCCESS,
	    "its guard ends it");
}

static void
test_swap(void)
{
	mach_port_t port = port_new();
	mach_port_guard_info_t info = {OTHER};

	is(mach_port_swap_guard(self, port, 0, GUARD), KERN_INVALID_ARGUMENT,
	    "no guard to swap");
	must(mach_port_guard(self, port, GUARD, 0));
	is(mach_port_swap_guard(self, port, OTHER, OTHER),
	    KERN_INVALID_ARGUMENT, "the wrong guard is not swapped");
	is(mach_port_swap_guard(self, port, GUARD, OTHER), KERN_SUCCESS,
	    "the right one is");
	is(mach_port_assert_attributes(self, port, MACH_PORT_GUARD_INFO,
	       (mach_port_info_t)&info, MACH_PORT_GUARD_INFO_COUNT),
	    KERN_INVALID_ARGUMENT, "only strict guards are asserted");
	is(mach_port_unguard(self, port, GUARD), KERN_INVALID_ARGUMENT,
	    "the old one is void");
	is(mach_port_unguard(self, port, OTHER), KERN_SUCCESS,
	    "the new one holds");
	is(mach_port_swap_guard(self, NO_NAME, 0, 1), KERN_INVALID_NAME,
	    "no such name");
	port_end(port);
}

static void
test_flags(void)
{
	mach_port_t port = port_new();

	is(mach_port_guard_with_flags(self, port, GUARD, 4),
	    KERN_INVALID_ARGUMENT, "no such flag");
	is(mach_port_guard_with_flags(self, port, GUARD, 1ULL << 32),
	    KERN_INVALID_ARGUMENT, "nor one so high");
	is(status_of(port).mps_flags, 0, "nothing is guarded");
	is(mach_port_guard_with_flags(
	       self, port, GUARD, MPG_STRICT | MPG_IMMOVABLE_RECEIVE),
	    KERN_SUCCESS, "strict and immovable");
	is(status_of(port).mps_flags,
	    MACH_PORT_STATUS_FLAG_GUARDED | MACH_PORT_STATUS_FLAG_STRICT_GUARD |
		MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE,
	    "is both");
	is(mach_port_unguard(self, port, GUARD), KERN_SUCCESS, "unguarded");
	is(status_of(port).mps_flags,
	    MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE,
	    "it still does not move");
	port_end(port);
}

/* ---- construct ---- */

static void
test_construct(void)
{
	mach_port_options_t options = {.flags = 0x80000000};
	mach_port_t port = 9;
	unsigned before;

	is(mach_port_construct(self, &options, 0, &port), KERN_INVALID_ARGUMENT,
	    "no such option");
	is(port, 9, "no name is written");
	port = construct(MPO_CONTEXT_AS_GUARD | MPO_INSERT_SEND_RIGHT, GUARD);
	is(status_of(port).mps_flags, MACH_PORT_STATUS_FLAG_GUARDED,
	    "made with a guard");
	is(mach_port_destruct(self, port, 0, 0), KERN_INVALID_ARGUMENT,
	    "which counts");
	is(mach_port_destruct(self, port, 0, GUARD), KERN_SUCCESS,
	    "it ends, the send right stays");
	is(type_of(port), MACH_PORT_TYPE_DEAD_NAME, "as a dead name");
	must(mach_port_deallocate(self, port));

	port = construct(MPO_CONTEXT_AS_GUARD | MPO_STRICT, GUARD);
	is(context_of(port), 0, "made with a strict guard");
	must(mach_port_destruct(self, port, 0, GUARD));
	port = construct(MPO_STRICT, GUARD);
	is(context_of(port), GUARD, "strict alone is no guard");
	port_end(port);
	port = construct(MPO_IMMOVABLE_RECEIVE | MPO_TEMPOWNER, 0);
	is(status_of(port).mps_flags,
	    MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE |
		MACH_PORT_STATUS_FLAG_TEMPOWNER,
	    "made immovable, for another");
	port_end(port);
	port = construct(MPO_IMPORTANCE_RECEIVER | MPO_DENAP_RECEIVER |
			     MPO_FILTER_MSG | MPO_TG_BLOCK_TRACKING |
			     MPO_SERVICE_PORT | MPO_CONNECTION_PORT |
			     MPO_REPLY_PORT | MPO_ENFORCE_REPLY_PORT_SEMANTICS |
			     MPO_PROVISIONAL_REPLY_PORT | MPO_EXCEPTION_PORT,
	    0);
	is(type_of(port), MACH_PORT_TYPE_RECEIVE, "what nobody has is ignored");
	port_end(port);

	options.flags = MPO_CONTEXT_AS_GUARD | MPO_INSERT_SEND_RIGHT;
	before = name_count();
	is(_kernelrpc_mach_port_construct_trap(
	       self, &options, GUARD, (mach_port_name_t *)8),
	    KERN_INVALID_ADDRESS, "nowhere to write the name");
	is(name_count(), before, "a guard does not keep it alive");
}

/* ---- in messages ---- */

/* A guarded right between two words, so that what follows shows. */
struct guarded {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_guarded_port_descriptor_t port;
	mach_msg_port_descriptor_t send;
	uint32_t word[3];
	mach_msg_max_trailer_t trailer;
};
#define GUARDED_SIZE offsetof(struct guarded, trailer)

/* The same where guarded descriptors are not asked for. */
struct plain {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t port, send;
	uint32_t word[3];
	mach_msg_max_trailer_t trailer;
};

static void
fill(struct guarded *message, mach_port_t to, mach_port_t port, uint64_t guard,
    unsigned flags)
{
	*message = (struct guarded){
	    .header =
		{
		    .msgh_bits = MACH_MSGH_BITS_COMPLEX |
				 MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		    .msgh_size = GUARDED_SIZE,
		    .msgh_remote_port = to,
		    .msgh_id = 44,
		},
	    .body = {2},
	    .port =
		{
		    .context = guard,
		    .flags = flags,
		    .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
		    .type = MACH_MSG_GUARDED_PORT_DESCRIPTOR,
		    .name = port,
		},
	    .send =
		{
		    .name = box,
		    .disposition = MACH_MSG_TYPE_COPY_SEND,
		    .type = MACH_MSG_PORT_DESCRIPTOR,
		},
	    .word = {11, 22, 33},
	};
}

static kern_return_t
receive(void *message, size_t size, mach_msg_option_t option)
{
	return mach_msg(message, MACH_RCV_MSG | MACH_RCV_TIMEOUT | option, 0,
	    (mach_msg_size_t)size, box, 0, MACH_PORT_NULL);
}

static void
check_words(const uint32_t *word, const char *what)
{
	ok(word[0] == 11 && word[1] == 22 && word[2] == 33, "%s", what);
}

static void
test_travel_immovable(void)
{
	mach_port_t port = port_new();
	struct guarded message;
	struct parcel parcel;
	mach_msg_type_name_t type;
	mach_port_t name;

	must(mach_port_guard(self, port, GUARD, 0));
	fill(
	    &message, box, port, OTHER, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	is(send_message(&message, GUARDED_SIZE), MACH_SEND_INVALID_RIGHT,
	    "does not leave with the wrong guard");
	is(type_of(port), MACH_PORT_TYPE_RECEIVE, "and is still here");
	fill(
	    &message, box, port, GUARD, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	is(send_message(&message, GUARDED_SIZE), KERN_SUCCESS,
	    "leaves with the right one");
	is(type_of(port), 0, "and is gone");
	is(receive(&message, sizeof(message), MACH_RCV_GUARDED_DESC),
	    KERN_SUCCESS, "arrives");
	is(message.header.msgh_size, GUARDED_SIZE, "in full length");
	is(message.port.type, MACH_MSG_GUARDED_PORT_DESCRIPTOR,
	    "in a guarded descriptor");
	is(message.port.flags, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE,
	    "that says it is immovable");
	check_words(message.word, "what follows is in its place");
	port = message.port.name;
	is(type_of(port), MACH_PORT_TYPE_RECEIVE, "the right is here");
	is(status_of(port).mps_flags,
	    MACH_PORT_STATUS_FLAG_GUARDED |
		MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE,
	    "guarded, immovable");
	is(context_of(port), message.port.context,
	    "with the guard that the descriptor tells");
	parcel_fill(&parcel, box, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	is(send_message(&parcel, PARCEL_SIZE), MACH_SEND_INVALID_RIGHT,
	    "it is not sent on");
	fill(&message, box, port, context_of(port), 0);
	is(send_message(&message, GUARDED_SIZE), MACH_SEND_INVALID_RIGHT,
	    "by any descriptor");
	is(mach_port_extract_right(
	       self, port, MACH_MSG_TYPE_MOVE_RECEIVE, &name, &type),
	    KERN_INVALID_CAPABILITY, "nor extracted");
	is(mach_port_insert_right(
	       self, 0x9e501, port, MACH_MSG_TYPE_MOVE_RECEIVE),
	    KERN_INVALID_CAPABILITY, "nor inserted elsewhere");
	is(mach_port_destruct(self, port, 0, context_of(port)), KERN_SUCCESS,
	    "its guard ends it");
	must(mach_port_deallocate(self, box)); /* the copy that came along */
}

static void
test_travel_plain(void)
{
	mach_port_t port = port_new();
	struct guarded message;
	struct plain plain;

	must(mach_port_guard(self, port, GUARD, true));
	fill(
	    &message, box, port, GUARD, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	must(send_message(&message, GUARDED_SIZE));
	memset(&plain, 0xee, sizeof(plain));
	is(receive(&plain, sizeof(plain), 0), KERN_SUCCESS,
	    "who does not ask for guarded descriptors");
	is(plain.header.msgh_size, offsetof(struct plain, trailer),
	    "gets a shorter message");
	is(plain.port.type, MACH_MSG_PORT_DESCRIPTOR,
	    "with a plain descriptor");
	is(plain.port.disposition, MACH_MSG_TYPE_PORT_RECEIVE, "of the right");
	is(plain.send.type, MACH_MSG_PORT_DESCRIPTOR, "the next");
	is(plain.send.name, box, "behind it");
	check_words(plain.word, "and the body behind that");
	is(plain.trailer.msgh_trailer_size, sizeof(mach_msg_trailer_t),
	    "and the trailer last");
	port = plain.port.name;
	is(status_of(port).mps_flags, 0, "the right has no guard");
	is(context_of(port), 0, "nor context");
	port_end(port);
	must(mach_port_deallocate(self, box));
}

static void
test_travel_unguarded(void)
{
	mach_port_t port = port_new();
	struct guarded message;

	fill(&message, box, port, 0, 0);
	is(send_message(&message, GUARDED_SIZE), MACH_SEND_INVALID_RIGHT,
	    "a right without a guard");
	fill(
	    &message, box, port, OTHER, MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND);
	is(send_message(&message, GUARDED_SIZE), MACH_SEND_INVALID_RIGHT,
	    "for which a guard is given");
	fill(&message, box, port, 0, MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND);
	is(send_message(&message, GUARDED_SIZE), KERN_SUCCESS,
	    "goes if it is said to have none");
	is(receive(&message, sizeof(message), MACH_RCV_GUARDED_DESC),
	    KERN_SUCCESS, "and arrives");
	is(message.port.flags, MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND,
	    "as it left");
	is(status_of(message.port.name).mps_flags, 0, "without a guard");
	mach_msg_destroy(&message.header);

	port = port_new();
	fill(&message, box, port, 0,
	    MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND |
		MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	must(send_message(&message, GUARDED_SIZE));
	must(receive(&message, sizeof(message), MACH_RCV_GUARDED_DESC));
	is(message.port.flags, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE,
	    "or with one, if it is to be immovable");
	port = message.port.name;
	mach_msg_destroy(&message.header);
	is(type_of(port), 0, "destroying the message opens it");
}

static void
test_travel_wrong(void)
{
	mach_port_t port = port_new_send();
	struct guarded message;

	must(mach_port_guard(self, port, GUARD, 0));
	fill(&message, box, port, GUARD, 4);
	is(send_message(&message, GUARDED_SIZE), MACH_SEND_INVALID_TYPE,
	    "flags that do not exist");
	fill(&message, box, port, GUARD, 0);
	message.port.disposition = MACH_MSG_TYPE_COPY_SEND;
	is(send_message(&message, GUARDED_SIZE), MACH_SEND_INVALID_TYPE,
	    "a send right in a guarded descriptor");
	fill(&message, box, NO_NAME, GUARD, 0);
	is(send_message(&message, GUARDED_SIZE), MACH_SEND_INVALID_RIGHT,
	    "no such name");
	fill(&message, box, MACH_PORT_NULL, GUARD, 0);
	is(send_message(&message, GUARDED_SIZE), KERN_SUCCESS, "null passes");
	must(receive(&message, sizeof(message), MACH_RCV_GUARDED_DESC));
	is(message.port.name, MACH_PORT_NULL, "as null");
	must(mach_port_deallocate(self, box));
	fill(&message, box, port, GUARD, 0);
	message.header.msgh_size = 40;
	is(send_message(&message, 40), MACH_SEND_MSG_TOO_SMALL,
	    "a descriptor that is cut short");
	is(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE, "nothing has left");
	must(mach_port_destruct(self, port, -1, GUARD));
}

/* A send that comes back brings the right with a guard that one can open. */
static void
test_returned(void)
{
	mach_port_t full = port_new_send(), port = port_new();
	struct guarded message;

	set_limit(full, 1);
	must(post(full, 1));
	must(mach_port_guard(self, port, GUARD, 0));
	fill(&message, full, port, GUARD,
	    MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	is(send_message(&message, GUARDED_SIZE), MACH_SEND_TIMED_OUT,
	    "a full queue");
	is(message.port.type, MACH_MSG_GUARDED_PORT_DESCRIPTOR,
	    "gives the right back");
	port = message.port.name;
	is(status_of(port).mps_flags, MACH_PORT_STATUS_FLAG_GUARDED,
	    "guarded, and free to move");
	is(context_of(port), message.port.context, "with a guard it tells");
	is(mach_port_unguard(self, port, message.port.context), KERN_SUCCESS,
	    "and that opens it");
	port_end(port);
	must(mach_port_deallocate(self, message.header.msgh_remote_port));
	must(mach_port_deallocate(self, box));
	port_end(full);
}

/* A guarded right that goes as a plain one leaves its guard behind. */
static void
test_moves(void)
{
	mach_port_t port = port_new();
	struct parcel parcel;

	must(mach_port_guard(self, port, GUARD, true));
	parcel_fill(&parcel, box, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	is(send_message(&parcel, PARCEL_SIZE), KERN_SUCCESS,
	    "a guarded right that may move");
	must(poll_for(&parcel, sizeof(parcel), box));
	port = parcel.port.name;
	is(status_of(port).mps_flags, 0, "arrives without guard");
	is(context_of(port), 0, "and without context");
	port_end(port);
}

/* Who ends takes guarded rights along. */
static void
test_end(void)
{
	struct small small;
	mach_port_t name, sender;
	mach_port_options_t options = {
	    .flags = MPO_CONTEXT_AS_GUARD | MPO_STRICT | MPO_IMMOVABLE_RECEIVE |
		     MPO_INSERT_SEND_RIGHT,
	};
	mach_msg_type_name_t type;

	small_make(&small, MACH_PORT_NULL, 0);
	is(mach_port_construct(small.task, &options, GUARD, &name),
	    KERN_SUCCESS, "a guarded port in another task");
	is(mach_port_destroy(small.task, name), KERN_INVALID_RIGHT,
	    "is guarded against us, too");
	is(mach_port_extract_right(
	       small.task, name, MACH_MSG_TYPE_MOVE_RECEIVE, &sender, &type),
	    KERN_INVALID_CAPABILITY, "and not to be taken away");
	must(mach_port_extract_right(
	    small.task, name, MACH_MSG_TYPE_COPY_SEND, &sender, &type));
	small_kill(&small);
	ok(dies(sender), "but goes with its task");
	must(mach_port_deallocate(self, sender));
}

int
main(void)
{
	unsigned names;

	self = mach_task_self();
	box = port_new_send();
	test_guard(); /* and the console has its reply port by then */
	names = name_count();
	test_refused();
	test_strict();
	test_swap();
	test_flags();
	test_construct();
	test_travel_immovable();
	test_travel_plain();
	test_travel_unguarded();
	test_travel_wrong();
	test_returned();
	test_moves();
	test_end();
	is(send_refs(box), 1, "our own rights are as they were");
	is(name_count(), names, "no name is left");
	return done();
}
