/*
 * lib/forms.c: the server of forms.defs.  What it does with each argument is
 * simple enough to be checked by who asked, and moves every byte.
 *
 * Definitions: test/user/forms.defs
 */
#include "test/user/forms_test.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int number, count;
} noted;

static struct form_object the_object;
static mach_port_t kept; /* where nobody was answered yet */

/* ---- values ---- */

kern_return_t
serve_form_nothing(mach_port_t server)
{
	return server == MACH_PORT_NULL ? KERN_INVALID_ARGUMENT : KERN_SUCCESS;
}

kern_return_t
serve_form_numbers(mach_port_t server, char tiny, short small, int word,
    uint64_t large, double half, uint64_t *sum, short *flipped, double *doubled)
{
	(void)server;
	*sum = (uint64_t)(tiny + small) + (uint64_t)word + large;
	*flipped = (short)~small;
	*doubled = half * 2;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_pairs(mach_port_t server, int shift, form_pair_t first,
    form_pair_t *second, form_pair_t *third)
{
	(void)server;
	third->first = first.first << (shift & 63);
	third->second = second->second << (shift & 63);
	second->first += first.first;
	second->second += first.second;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_fixed(mach_port_t server, int shift, form_shorts_t shorts,
    form_longs_t longs, form_longs_t both, form_shorts_t reversed)
{
	(void)server;
	for (int i = 0; i < 3; i++) {
		both[i] += longs[i] << (shift & 63);
		reversed[i] = shorts[2 - i];
	}
	return KERN_SUCCESS;
}

/* ---- arrays with a count ---- */

kern_return_t
serve_form_counted(mach_port_t server, form_words_t words,
    mach_msg_type_number_t wordsCnt, form_bytes_t bytes,
    mach_msg_type_number_t bytesCnt, form_wides_t wides,
    mach_msg_type_number_t widesCnt, int last, form_words_t back,
    mach_msg_type_number_t *backCnt, form_bytes_t letters,
    mach_msg_type_number_t *lettersCnt, form_wides_t turned,
    mach_msg_type_number_t *turnedCnt, int *end)
{
	(void)server;
	if (*backCnt != 10 || *lettersCnt != 13)
		return KERN_FAILURE; /* the room that the .defs promises */
	for (unsigned int i = 0; i < wordsCnt; i++)
		back[i] = words[wordsCnt - 1 - i];
	for (unsigned int i = 0; i < bytesCnt; i++)
		letters[i] = (char)toupper(bytes[i]);
	if (widesCnt > *turnedCnt)
		return KERN_NO_SPACE;
	for (unsigned int i = 0; i < widesCnt; i++)
		turned[i] = ~wides[i];
	*backCnt = wordsCnt;
	*lettersCnt = bytesCnt;
	*turnedCnt = widesCnt;
	*end = ~last;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_strings(mach_port_t server, form_name_t name, form_text_t text,
    int last, form_name_t upper, form_text_t twice, int *end)
{
	size_t length = strlen(text);

	(void)server;
	for (int i = 0; name[i] != '\0'; i++)
		upper[i] = (char)toupper(name[i]);
	if (2 * length >= sizeof(form_text_t))
		return KERN_NO_SPACE;
	memcpy(twice, text, length);
	memcpy(twice + length, text, length + 1);
	*end = last ^ (int)length;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_inouts(mach_port_t server, int *word, form_words_t words,
    mach_msg_type_number_t *wordsCnt, form_wides_t wides,
    mach_msg_type_number_t *widesCnt, form_name_t name, form_text_t text)
{
	(void)server;
	for (unsigned int i = 0; i < *wordsCnt; i++)
		words[i] ^= *word;
	for (unsigned int i = 0; i < *widesCnt; i++)
		wides[i] += (uint64_t)*word;
	if (*wordsCnt > 0)
		*wordsCnt -= 1;
	if (*widesCnt == 1)
		wides[(*widesCnt)++] = 99; /* more than the caller sent */
	name[0] = 'N';
	text[0] = 'T';
	*word ^= 1;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_same_count(mach_port_t server, form_words_t words,
    mach_msg_type_number_t wordsCnt, form_bytes_t bytes, int *sum)
{
	(void)server;
	*sum = 0;
	for (unsigned int i = 0; i < wordsCnt; i++)
		*sum ^= words[i] ^ bytes[i];
	return KERN_SUCCESS;
}

/* ---- rights ---- */

static void
drop(mach_port_t name)
{
	if (MACH_PORT_VALID(name))
		mach_port_deallocate(mach_task_self(), name);
}

static void
end(mach_port_t name)
{
	if (MACH_PORT_VALID(name))
		mach_port_mod_refs(
		    mach_task_self(), name, MACH_PORT_RIGHT_RECEIVE, -1);
}

static void
count_right(mach_port_t name, int *send, int *send_once, int *receive)
{
	mach_port_type_t type = 0;

	if (mach_port_type(mach_task_self(), name, &type) != KERN_SUCCESS)
		return;
	*send += (type & MACH_PORT_TYPE_SEND) != 0;
	*send_once += (type & MACH_PORT_TYPE_SEND_ONCE) != 0;
	*receive += (type & MACH_PORT_TYPE_RECEIVE) != 0;
}

kern_return_t
serve_form_rights(mach_port_t server, mach_port_t copied, mach_port_t made,
    mach_port_t moved, mach_port_t once, mach_port_t moved_once,
    mach_port_t received, int *send, int *send_once, int *receive)
{
	(void)server;
	*send = *send_once = *receive = 0;
	count_right(copied, send, send_once, receive);
	count_right(made, send, send_once, receive);
	count_right(moved, send, send_once, receive);
	count_right(once, send, send_once, receive);
	count_right(moved_once, send, send_once, receive);
	count_right(received, send, send_once, receive);
	drop(copied);
	drop(made);
	drop(moved);
	drop(once);
	drop(moved_once);
	end(received);
	return KERN_SUCCESS;
}

static mach_port_t
new_port(void)
{
	mach_port_t port = MACH_PORT_NULL;

	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	return port;
}

/* Rights to the server's own port, and to one that goes to who asked. */
kern_return_t
serve_form_new_rights(mach_port_t server, mach_port_t *made, mach_port_t *once,
    mach_port_t *received, int *word)
{
	*made = *once = server;
	*received = new_port();
	*word = 17;
	return KERN_SUCCESS;
}

/* Back goes what came: a right received can be moved on. */
kern_return_t
serve_form_any_right(mach_port_t server, mach_port_t right,
    mach_msg_type_name_t rightPoly, mach_port_t *again,
    mach_msg_type_name_t *againPoly)
{
	(void)server;
	*again = right;
	*againPoly = rightPoly;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_port_arrays(mach_port_t server, form_three_t three, form_few_t few,
    mach_msg_type_number_t fewCnt, form_got_few_t back,
    mach_msg_type_number_t *backCnt)
{
	(void)server;
	for (int i = 0; i < 3; i++)
		drop(three[i]);
	for (unsigned int i = 0; i < fewCnt; i++)
		back[i] = few[fewCnt - 1 - i];
	*backCnt = fewCnt;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_ports(mach_port_t server, form_ports_t ports,
    mach_msg_type_number_t portsCnt, form_moved_ports_t *back,
    mach_msg_type_number_t *backCnt)
{
	(void)server;
	*back = ports;
	*backCnt = portsCnt;
	return KERN_SUCCESS;
}

struct form_object *
form_object_of(mach_port_t port)
{
	the_object.port = port;
	the_object.uses++;
	return &the_object;
}

mach_port_t
form_object_port(struct form_object *object)
{
	return object == NULL ? MACH_PORT_NULL : object->port;
}

void
form_object_put(struct form_object *object)
{
	object->uses--;
}

/* @number: how many uses of the object there are: those of this call. */
kern_return_t
serve_form_object(struct form_object *object, struct form_object *other,
    struct form_object **same, int *number)
{
	if (object != other)
		return KERN_FAILURE;
	*same = object;
	*number = object->uses;
	drop(other->port); /* the right that came for it */
	return KERN_SUCCESS;
}

/* ---- memory ---- */

static void
forget(const void *data, mach_msg_type_number_t size)
{
	if (size > 0)
		vm_deallocate(mach_task_self(), (vm_address_t)data, size);
}

kern_return_t
serve_form_memory(mach_port_t server, form_data_t data,
    mach_msg_type_number_t dataCnt, form_data_t *back,
    mach_msg_type_number_t *backCnt)
{
	(void)server;
	for (unsigned int i = 0; i < dataCnt; i++)
		data[i] = (char)(data[i] + 1);
	*back = data;
	*backCnt = dataCnt;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_moved_memory(mach_port_t server, form_data_t data,
    mach_msg_type_number_t dataCnt, boolean_t leave, form_data_t *back,
    mach_msg_type_number_t *backCnt, boolean_t *backDealloc)
{
	static char constant[] = "constant";

	(void)server;
	*backDealloc = leave;
	if (leave) {
		*back = data;
		*backCnt = dataCnt;
		return KERN_SUCCESS;
	}
	forget(data, dataCnt);
	*back = constant;
	*backCnt = sizeof(constant);
	return KERN_SUCCESS;
}

kern_return_t
serve_form_fixed_memory(mach_port_t server, form_page_t page,
    form_out_pair_t pair, uint64_t *sum, form_page_t *back)
{
	(void)server;
	*sum = pair->first + pair->second;
	for (int i = 0; i < 4096; i++)
		*sum += (unsigned char)page[i];
	forget(pair, sizeof(*pair));
	*back = page;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_ints(mach_port_t server, form_ints_t ints,
    mach_msg_type_number_t intsCnt, int *sum)
{
	(void)server;
	*sum = 0;
	for (unsigned int i = 0; i < intsCnt; i++)
		*sum += ints[i];
	forget(ints, intsCnt * (mach_msg_type_number_t)sizeof(*ints));
	return KERN_SUCCESS;
}

kern_return_t
serve_form_inout_memory(
    mach_port_t server, form_data_t *data, mach_msg_type_number_t *dataCnt)
{
	(void)server;
	for (unsigned int i = 0; i < *dataCnt; i++)
		(*data)[i] = (char)(*data)[i] ^ 0x55;
	return KERN_SUCCESS;
}

/* ---- the rest ---- */

kern_return_t
serve_form_tokens(mach_port_t server, mach_port_seqno_t seqno,
    security_token_t sender, audit_token_t who, mach_port_context_t context,
    security_token_t *said_sender, audit_token_t *said_who,
    mach_port_context_t *said_context)
{
	(void)server, (void)seqno;
	*said_sender = sender;
	*said_who = who;
	*said_context = context;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_note(mach_port_t server, int number, form_words_t words,
    mach_msg_type_number_t wordsCnt)
{
	(void)server;
	noted.number = number;
	for (unsigned int i = 0; i < wordsCnt; i++)
		noted.number ^= words[i];
	noted.count++;
	return KERN_SUCCESS;
}

int
last_noted(void)
{
	return noted.number;
}

kern_return_t
serve_form_note_right(mach_port_t server, mach_port_t right)
{
	(void)server;
	drop(right);
	noted.count++;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_noted(mach_port_t server, int *number, int *count)
{
	(void)server;
	*number = noted.number;
	*count = noted.count;
	noted.count = 0;
	drop(kept);
	kept = MACH_PORT_NULL;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_fail(mach_port_t server, int code, mach_port_t right,
    form_data_t data, mach_msg_type_number_t dataCnt, mach_port_t *made,
    int *word)
{
	*made = server;
	*word = 5;
	if (code == KERN_SUCCESS) {
		drop(right);
		forget(data, dataCnt);
	}
	return code;
}

/* Keeps the right to reply until it is asked something else. */
kern_return_t
serve_form_silent(mach_port_t server, mach_port_t answer)
{
	(void)server;
	drop(kept);
	kept = answer;
	return MIG_NO_REPLY;
}

kern_return_t
serve_form_late(
    mach_port_t server, mach_port_t answer, int number, int *changed)
{
	__Reply__form_late_t reply = {
	    .Head =
		{
		    .msgh_bits =
			MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
		    .msgh_size = sizeof(reply),
		    .msgh_remote_port = answer,
		    .msgh_id = FORM_LATE_ID + 100,
		},
	    .NDR = NDR_record,
	    .changed = number ^ 2,
	};

	(void)server, (void)changed;
	mach_msg_send(&reply.Head);
	return MIG_NO_REPLY;
}

kern_return_t
serve_form_special(mach_port_t server, int number, int *changed)
{
	(void)server;
	*changed = number ^ 2;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_soon(mach_port_t server, mach_port_t copied, mach_port_t moved,
    form_data_t data, mach_msg_type_number_t dataCnt)
{
	(void)server;
	drop(copied);
	drop(moved);
	forget(data, dataCnt);
	return KERN_SUCCESS;
}

kern_return_t
serve_form_note_soon(mach_port_t server, mach_port_t once)
{
	(void)server;
	drop(once);
	noted.count++;
	return KERN_SUCCESS;
}

kern_return_t
serve_form_quit(mach_port_t server)
{
	(void)server;
	exit(EXIT_SUCCESS);
}
