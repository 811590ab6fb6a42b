/*
 * stubs_hostile.c: stubs and what is not for them: requests that no client's
 * stub sends, replies that no server's stub makes.  Each has its MIG_ code, and
 * all that came with it is given back.
 *
 * Run with an argument this program is a server that answers what it is told.
 *
 * Definitions: test/user/forms.defs
 */
#include "test/user/forms_test.h"

#include <string.h>

#include <mach/notify.h>

static mach_port_t server;

/* ---- requests that no stub sends ---- */

static mach_port_t reply_port;

static union {
	mach_msg_header_t header;
	mig_reply_error_t error;
	union __RequestUnion__forms_subsystem request;
	unsigned char bytes[8192];
} odd;

/*
 * Sends @size bytes of odd.request as a request for @id; the RetCode of the
 * answer, which has to be an error reply.
 */
static kern_return_t
ask(mach_msg_id_t id, bool complex, mach_msg_size_t size)
{
	kern_return_t kr;

	odd.header.msgh_bits = MACH_MSGH_BITS_SET(MACH_MSG_TYPE_COPY_SEND,
	    MACH_MSG_TYPE_MAKE_SEND_ONCE, 0,
	    complex ? MACH_MSGH_BITS_COMPLEX : 0);
	odd.header.msgh_remote_port = server;
	odd.header.msgh_local_port = reply_port;
	odd.header.msgh_voucher_port = MACH_PORT_NULL;
	odd.header.msgh_id = id;
	kr = mach_msg(&odd.header, MACH_SEND_MSG | MACH_RCV_MSG, size,
	    sizeof(odd), reply_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (kr != KERN_SUCCESS)
		return kr;
	if (odd.header.msgh_id != id + 100 ||
	    odd.header.msgh_size != sizeof(odd.error) ||
	    MACH_MSGH_BITS_IS_COMPLEX(odd.header.msgh_bits))
		return KERN_ABORTED;
	return odd.error.RetCode;
}

static void
test_odd_ids_and_sizes(void)
{
	is(ask(76999, false, 24), MIG_BAD_ID, "an id below");
	is(ask(FORMS_END, false, 24), MIG_BAD_ID, "above");
	is(ask(77004, false, 24), MIG_BAD_ID, "and one that is skipped");
	is(ask(-2000000000, false, 24), MIG_BAD_ID, "and far below");
	is(ask(FORM_NOTHING_ID, false, 28), MIG_BAD_ARGUMENTS,
	    "a request that is too long");
	is(ask(FORM_NUMBERS_ID, false,
	       sizeof(odd.request.Request_form_numbers) - 4),
	    MIG_BAD_ARGUMENTS, "too short");
	is(ask(FORM_RIGHTS_ID, false, sizeof(odd.request.Request_form_rights)),
	    MIG_BAD_ARGUMENTS, "simple, where rights are expected");
	memset(&odd, 0, sizeof(odd));
	is(ask(FORM_NOTHING_ID, true, 28), MIG_BAD_ARGUMENTS,
	    "complex, where none are");
}

static void
test_odd_counts(void)
{
	__Request__form_counted_t *counted = &odd.request.Request_form_counted;
	__Request__form_strings_t *strings = &odd.request.Request_form_strings;

	memset(&odd, 0, sizeof(odd));
	counted->wordsCnt = 11;
	is(ask(FORM_COUNTED_ID, false, sizeof(*counted)), MIG_BAD_ARGUMENTS,
	    "a count that is too large");
	memset(&odd, 0, sizeof(odd));
	counted->wordsCnt = 0x40000001;
	is(ask(FORM_COUNTED_ID, false, sizeof(*counted)), MIG_BAD_ARGUMENTS,
	    "by far");
	memset(&odd, 0, sizeof(odd));
	counted->wordsCnt = 3; /* the rest stands further on */
	is(ask(FORM_COUNTED_ID, false, sizeof(*counted)), MIG_BAD_ARGUMENTS,
	    "one that is smaller than what was sent");
	memset(&odd, 0, sizeof(odd));
	counted->wordsCnt = 10;
	is(ask(FORM_COUNTED_ID, false, 60), MIG_BAD_ARGUMENTS,
	    "one that is larger");
	memset(&odd, 'x', sizeof(odd));
	is(ask(FORM_STRINGS_ID, false, sizeof(*strings)), MIG_BAD_ARGUMENTS,
	    "a string without an end");
	memset(&odd, 0, sizeof(odd));
	strings->textCnt = 4;
	memset(strings->text, 'x', 8);
	is(ask(FORM_STRINGS_ID, false, sizeof(*strings) - 24 + 4),
	    MIG_BAD_ARGUMENTS, "one of any size, likewise");
}

static void
put_right(mach_msg_port_descriptor_t *descriptor, mach_port_t port,
    mach_msg_type_name_t disposition)
{
	*descriptor = (mach_msg_port_descriptor_t){
	    .name = port,
	    .disposition = disposition,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};
}

static void
test_odd_descriptors(void)
{
	mach_port_t mine = port_new_send();
	__Request__form_memory_t *memory = &odd.request.Request_form_memory;
	__Request__form_port_arrays_t *arrays =
	    &odd.request.Request_form_port_arrays;
	__Request__form_any_right_t *any = &odd.request.Request_form_any_right;

	memset(&odd, 0, sizeof(odd));
	memory->msgh_body.msgh_descriptor_count = 1;
	memory->data = (mach_msg_ool_descriptor_t){
	    .address = &odd,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	    .size = 5000,
	};
	memory->dataCnt = 5001;
	is(ask(FORM_MEMORY_ID, true, sizeof(*memory)), MIG_TYPE_ERROR,
	    "a count that is not the memory's");

	memset(&odd, 0, sizeof(odd));
	arrays->msgh_body.msgh_descriptor_count = 7;
	for (int i = 0; i < 3; i++)
		put_right(&arrays->three[i], mine, MACH_MSG_TYPE_COPY_SEND);
	for (int i = 0; i < 4; i++)
		put_right(&arrays->few[i], mine, MACH_MSG_TYPE_MAKE_SEND);
	arrays->fewCnt = 3;
	is(ask(FORM_ARRAYS_ID, true, sizeof(*arrays)), MIG_TYPE_ERROR,
	    "a right behind the count of rights");

	memset(&odd, 0, sizeof(odd));
	memory->msgh_body.msgh_descriptor_count = 1;
	put_right(&any->right, mine, MACH_MSG_TYPE_COPY_SEND);
	is(ask(FORM_MEMORY_ID, true, sizeof(*memory)), MIG_TYPE_ERROR,
	    "a right for memory");
	memset(&odd, 0, sizeof(odd));
	memory->msgh_body.msgh_descriptor_count = 2;
	put_right(&any->right, mine, MACH_MSG_TYPE_COPY_SEND);
	put_right(&any->right + 1, mine, MACH_MSG_TYPE_COPY_SEND);
	is(ask(FORM_ANY_RIGHT_ID, true, sizeof(*any) + 12), MIG_BAD_ARGUMENTS,
	    "two rights for one");
	is(send_refs(mine), 1, "all were given back");
	port_end(mine);
	nothing_left("odd descriptors");
}

/* ---- replies that no stub makes ---- */

/*
 * What the server does to the next replies, set by form_note(): its number is
 * one of these.
 */
enum harm {
	NONE,
	ANOTHER_ID,
	NOTICE,	 /* as if the right to reply had died */
	SILENCE, /* it does */
	LONGER,
	SHORTER,
	SIMPLE,	 /* what should have rights has not */
	COMPLEX, /* what should have none has one */
	DISPOSITION,
	KIND,
	ONE_MORE,  /* descriptor */
	COUNT,	   /* beyond what may be, or what there is */
	NO_END,	   /* of a string */
	ANSWER_TO, /* a right to answer the reply */
	BARE,	   /* success, and nothing else */
	FAILURE,   /* and all the rest */
};

#pragma pack(push, 4)
struct with_right {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t port;
	NDR_record_t ndr;
};
#pragma pack(pop)

/* Make @reply one that carries a right, whatever it was. */
static void
give_a_right(mach_msg_header_t *reply, mach_port_t self)
{
	struct with_right *with = (struct with_right *)reply;

	reply->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	reply->msgh_size = sizeof(*with);
	with->body.msgh_descriptor_count = 1;
	put_right(&with->port, self, MACH_MSG_TYPE_MAKE_SEND);
}

/* The memory of a reply that will not be sent with it is ours to end. */
static void
keep_memory(mach_msg_header_t *reply)
{
	__Reply__form_memory_t *memory = (void *)reply;

	if (reply->msgh_id == FORM_MEMORY_ID + 100)
		vm_deallocate(mach_task_self(),
		    (vm_address_t)memory->back.address, memory->back.size);
}

static void
harm_form(enum harm harm, mach_msg_header_t *reply, mach_port_t self)
{
	__Reply__form_new_rights_t *rights = (void *)reply;
	__Reply__form_memory_t *memory = (void *)reply;

	switch (harm) {
	case LONGER:
		reply->msgh_size += 4;
		break;
	case SHORTER:
		reply->msgh_size -= 4;
		break;
	case SIMPLE:
		keep_memory(reply);
		reply->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
		break;
	case COMPLEX:
		keep_memory(reply);
		give_a_right(reply, self);
		break;
	case DISPOSITION:
		rights->made.disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE;
		break;
	case KIND:
		memory->back.type = MACH_MSG_OOL_VOLATILE_DESCRIPTOR;
		break;
	case ONE_MORE: /* made of the NDR record and the word behind it */
		rights->msgh_body.msgh_descriptor_count = 4;
		put_right((mach_msg_port_descriptor_t *)&rights->NDR, self,
		    MACH_MSG_TYPE_MAKE_SEND);
		break;
	default:
		break;
	}
}

static void
harm_content(enum harm harm, mach_msg_header_t *reply, mach_port_t self)
{
	mig_reply_error_t *error = (mig_reply_error_t *)reply;

	switch (harm) {
	case COUNT:
		if (reply->msgh_id == FORM_MEMORY_ID + 100)
			((__Reply__form_memory_t *)reply)->backCnt++;
		else
			((__Reply__form_counted_t *)reply)->backCnt = 11;
		break;
	case NO_END:
		memset(((__Reply__form_strings_t *)reply)->upper, 'x', 10);
		break;
	case ANSWER_TO:
		reply->msgh_local_port = self;
		reply->msgh_bits =
		    MACH_MSGH_BITS_SET(MACH_MSGH_BITS_REMOTE(reply->msgh_bits),
			MACH_MSG_TYPE_MAKE_SEND, 0, reply->msgh_bits);
		break;
	case BARE:
		reply->msgh_size = sizeof(*error);
		break;
	case FAILURE:
		error->RetCode = KERN_FAILURE;
		break;
	default:
		break;
	}
}

/* Answer as a server should, and then do to the answer what was asked for. */
static boolean_t
harmful_server(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	boolean_t known = forms_server(request, reply);
	mach_port_t self = request->msgh_local_port;
	enum harm harm = (enum harm)last_noted();

	if (request->msgh_id >= FORM_NOTE_ID)
		return known;
	if (harm == ANOTHER_ID)
		reply->msgh_id++;
	else if (harm == NOTICE)
		reply->msgh_id = MACH_NOTIFY_SEND_ONCE;
	else if (harm == SILENCE) {
		((mig_reply_error_t *)reply)->RetCode = MIG_NO_REPLY;
		mach_port_deallocate(mach_task_self(), reply->msgh_remote_port);
	} else {
		harm_form(harm, reply, self);
		harm_content(harm, reply, self);
	}
	return known;
}

static void
set_harm(enum harm harm)
{
	must(form_note(server, (int)harm, NULL, 0));
}

static kern_return_t
call_nothing(void)
{
	return form_nothing(server);
}

static kern_return_t
call_rights(void)
{
	mach_port_t made = 1, once = 1, received = 1;
	int word = 1;
	kern_return_t kr =
	    form_new_rights(server, &made, &once, &received, &word);

	ok(made == 1 && once == 1 && received == 1 && word == 1,
	    "and no result is written");
	return kr;
}

static kern_return_t
call_memory(void)
{
	static char data[9000];
	char *back = data;
	mach_msg_type_number_t count = 7;
	kern_return_t kr =
	    form_memory(server, data, sizeof(data), &back, &count);

	ok(back == data && count == 7, "and no memory is given");
	return kr;
}

static kern_return_t
call_counted(void)
{
	int words[10] = {0}, last = 0;
	char bytes[13];
	uint64_t wides[4] = {0};
	mach_msg_type_number_t count = 10, letters = 13, turned = 4;

	return form_counted(server, words, 10, bytes, 0, wides, 0, 5, words,
	    &count, bytes, &letters, wides, &turned, &last);
}

static kern_return_t
call_strings(void)
{
	form_name_t upper;
	form_text_t twice;
	int end;

	return form_strings(server, "name", "text", 1, upper, twice, &end);
}

static void
test_replies(void)
{
	static const struct {
		enum harm harm;
		kern_return_t (*call)(void);
		kern_return_t code;
		const char *what;
	} cases[] = {
	    {ANOTHER_ID, call_nothing, MIG_REPLY_MISMATCH, "another id"},
	    {ANOTHER_ID, call_rights, MIG_REPLY_MISMATCH, "with rights"},
	    {ANOTHER_ID, call_memory, MIG_REPLY_MISMATCH, "with memory"},
	    {NOTICE, call_nothing, MIG_SERVER_DIED, "a notice"},
	    {NOTICE, call_rights, MIG_SERVER_DIED, "with rights"},
	    {SILENCE, call_nothing, MIG_SERVER_DIED, "no answer"},
	    {LONGER, call_nothing, MACH_RCV_TOO_LARGE, "longer"},
	    {LONGER, call_rights, MACH_RCV_TOO_LARGE, "with rights"},
	    {LONGER, call_counted, MIG_TYPE_ERROR, "with arrays"},
	    {SHORTER, call_rights, MIG_TYPE_ERROR, "shorter"},
	    {SHORTER, call_memory, MIG_TYPE_ERROR, "with memory"},
	    {SHORTER, call_counted, MIG_TYPE_ERROR, "with arrays"},
	    {SIMPLE, call_memory, MIG_TYPE_ERROR, "no memory"},
	    {COMPLEX, call_nothing, MACH_RCV_TOO_LARGE, "a right for nothing"},
	    {COMPLEX, call_counted, MIG_TYPE_ERROR, "a right for arrays"},
	    {COMPLEX, call_memory, MIG_TYPE_ERROR, "a right for memory"},
	    {DISPOSITION, call_rights, MIG_TYPE_ERROR, "another right"},
	    {KIND, call_memory, MIG_TYPE_ERROR, "another descriptor"},
	    {ONE_MORE, call_rights, MIG_TYPE_ERROR, "one right more"},
	    {COUNT, call_counted, MIG_TYPE_ERROR, "a count too large"},
	    {COUNT, call_memory, MIG_TYPE_ERROR, "not the memory's count"},
	    {NO_END, call_strings, MIG_TYPE_ERROR, "a string without end"},
	    {ANSWER_TO, call_nothing, MIG_TYPE_ERROR, "a right to answer"},
	    {ANSWER_TO, call_rights, MIG_TYPE_ERROR, "besides rights"},
	    {BARE, call_counted, MIG_TYPE_ERROR, "success and no results"},
	    {FAILURE, call_counted, KERN_FAILURE, "failure and results"},
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_harm(cases[i].harm);
		is(cases[i].call(), cases[i].code, "a reply: %s",
		    cases[i].what);
		nothing_left(cases[i].what);
	}
	set_harm(NONE);
	is(form_nothing(server), KERN_SUCCESS, "after all that, a good one");
}

int
main(int argc, char *argv[])
{
	if (argc > 1)
		return be_server(argv[1], harmful_server);
	server = start_server("test/stubs_hostile", "test.stubs.hostile");
	reply_port = port_new();
	remember();
	test_odd_ids_and_sizes();
	test_odd_counts();
	test_odd_descriptors();
	test_replies();
	is(form_quit(server), KERN_SUCCESS, "the server ends");
	return done();
}
