/*
 * stubs.c: what userland/mig writes: an argument of every form, to a server in
 * another task and back, and nothing is left over.
 *
 * Run with an argument this program is that server.
 *
 * Definitions: test/user/forms.defs
 */
#include "test/user/forms_test.h"

#include <string.h>

static mach_port_t server;

/* ---- values ---- */

static void
test_numbers(void)
{
	form_pair_t first = {5, 6}, second = {1ULL << 40, 7}, third;
	form_shorts_t shorts = {1, -2, 3}, reversed;
	form_longs_t longs = {1, 2, 1ULL << 50}, both = {10, 20, 30};
	uint64_t sum = 0;
	short flipped = 0;
	double doubled = 0;

	is(form_numbers(server, 1, -2, 1000000, 1ULL << 40, 1.25, &sum,
	       &flipped, &doubled),
	    KERN_SUCCESS, "numbers of all sizes");
	is(sum, (1ULL << 40) + 999999, "are added");
	is(flipped, 1, "a short comes back");
	ok(doubled == 2.5, "and a double");

	is(form_pairs(server, 4, first, &second, &third), KERN_SUCCESS,
	    "structs");
	is(second.first, (1ULL << 40) + 5, "in and out");
	is(second.second, 13, "as a whole");
	is(third.first, 80, "out");
	is(third.second, 7 << 4, "as a whole");

	is(form_fixed(server, 1, shorts, longs, both, reversed), KERN_SUCCESS,
	    "fixed arrays");
	is(both[0], 12, "of longs, in and out");
	is(both[2], (1ULL << 51) + 30, "to the last");
	is(reversed[0], 3, "of shorts");
	is(reversed[1], -2, "which keep their signs");
	nothing_left("numbers");
}

static void
test_counted(unsigned int words, unsigned int bytes, unsigned int wides)
{
	int word[10], back[10], end = 0;
	char byte[13], letter[13];
	uint64_t wide[4], turned[4];
	mach_msg_type_number_t back_count = 10, letter_count = 13,
			       turned_count = 4;

	for (unsigned int i = 0; i < words; i++)
		word[i] = (int)i * 100;
	for (unsigned int i = 0; i < bytes; i++)
		byte[i] = (char)('a' + i);
	for (unsigned int i = 0; i < wides; i++)
		wide[i] = i * 0x1111111111111111;
	is(form_counted(server, word, words, byte, bytes, wide, wides, 77, back,
	       &back_count, letter, &letter_count, turned, &turned_count, &end),
	    KERN_SUCCESS, "arrays of %u, %u and %u", words, bytes, wides);
	is(back_count, words, "come back with their counts");
	is(letter_count, bytes, "each");
	is(turned_count, wides, "of them");
	is(end, ~77, "and what stands behind them");
	if (words > 0)
		is(back[0], (words - 1) * 100, "the first");
	if (bytes > 0)
		is(letter[bytes - 1], 'A' + bytes - 1, "the last");
	if (wides > 0)
		is(turned[wides - 1], ~wide[wides - 1], "and the widest");
}

static void
test_too_many(void)
{
	int word[11] = {0}, back[10], end = 0;
	char byte[13] = {0}, letter[13];
	uint64_t wide[4] = {0}, turned[4];
	mach_msg_type_number_t back_count = 10, letter_count = 13,
			       turned_count = 4;

	is(form_counted(server, word, 11, byte, 13, wide, 4, 0, back,
	       &back_count, letter, &letter_count, turned, &turned_count, &end),
	    MIG_ARRAY_TOO_LARGE, "more than there may be");
	back_count = 3;
	memset(back, 0x55, sizeof(back));
	is(form_counted(server, word, 10, byte, 13, wide, 4, 0, back,
	       &back_count, letter, &letter_count, turned, &turned_count, &end),
	    MIG_ARRAY_TOO_LARGE, "more than the caller has room for");
	is(back_count, 10, "who is told how many there are");
	is(back[2], 0, "gets what fits");
	is(back[3], 0x55555555, "and not more");
	back_count = 10, turned_count = 3;
	is(form_counted(server, word, 1, byte, 1, wide, 4, 0, back, &back_count,
	       letter, &letter_count, turned, &turned_count, &end),
	    KERN_NO_SPACE, "a server is told of the room by CountInOut");
	nothing_left("arrays");
}

static void
test_strings(void)
{
	form_name_t name = "name", upper;
	form_text_t text = "0123456789", twice;
	int end = 0;

	is(form_strings(server, name, text, 5, upper, twice, &end),
	    KERN_SUCCESS, "strings");
	ok(strcmp(upper, "NAME") == 0, "of a fixed size");
	ok(strcmp(twice, "01234567890123456789") == 0, "and of any");
	is(end, 15, "what stands behind them");
	text[0] = '\0';
	is(form_strings(server, "", text, 1, upper, twice, &end), KERN_SUCCESS,
	    "empty ones");
	ok(upper[0] == '\0' && twice[0] == '\0' && end == 1, "likewise");
	is(form_strings(
	       server, "far too long a name", text, 1, upper, twice, &end),
	    KERN_SUCCESS, "one that is too long");
	ok(strcmp(upper, "FAR TOO L") == 0, "is cut");
}

static void
test_inouts(void)
{
	int word = 5, words[10] = {1, 2, 3};
	uint64_t wides[4] = {1ULL << 60, 8};
	form_name_t name = "xame";
	form_text_t text = "xext";
	mach_msg_type_number_t count = 3, wide_count = 2;

	is(form_inouts(
	       server, &word, words, &count, wides, &wide_count, name, text),
	    KERN_SUCCESS, "in and out");
	is(word, 4, "a number");
	is(count, 2, "an array that became shorter");
	is(words[1], 7, "by what it says");
	is(wide_count, 2, "an array of longs");
	is(wides[0], (1ULL << 60) + 5, "and what is in it");
	ok(strcmp(name, "Name") == 0 && strcmp(text, "Text") == 0, "strings");
	wide_count = 1;
	is(form_inouts(
	       server, &word, words, &count, wides, &wide_count, name, text),
	    MIG_ARRAY_TOO_LARGE, "what went in is the room for what comes out");
	is(wide_count, 2, "and is told");
}

static void
test_same_count(void)
{
	int words[3] = {1, 10, 100}, sum = 0;
	char bytes[3] = {1, 2, 3};

	is(form_same_count(server, words, 3, bytes, &sum), KERN_SUCCESS,
	    "two arrays with one count");
	is(sum, 1 ^ 10 ^ 100 ^ 1 ^ 2 ^ 3, "both are there");
}

/* ---- rights ---- */

static void
test_rights(void)
{
	mach_port_t mine = port_new_send(), other = port_new(), once;
	mach_msg_type_name_t type;
	int send = 0, send_once = 0, receive = 0;

	must(mach_port_mod_refs(
	    mach_task_self(), mine, MACH_PORT_RIGHT_SEND, 1));
	must(mach_port_extract_right(mach_task_self(), mine,
	    MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
	is(form_rights(server, mine, mine, mine, mine, once, other, &send,
	       &send_once, &receive),
	    KERN_SUCCESS, "a right of every disposition");
	is(send, 3, "three ways to send");
	is(send_once, 2, "two to send once");
	is(receive, 1, "one to receive");
	is(type_of(other), 0, "which has gone");
	is(type_of(once), 0, "like the one that was used up");
	is(send_refs(mine), 1, "of two send rights one was moved");
	for (int i = 0; i < 2; i++)
		is(take_later(mine), MACH_NOTIFY_SEND_ONCE,
		    "the server gave up send-once right %d", i);
	port_end(mine);
	nothing_left("rights");
}

static void
test_new_rights(void)
{
	mach_port_t made = 0, once = 0, received = 0;
	int word = 0;

	is(form_new_rights(server, &made, &once, &received, &word),
	    KERN_SUCCESS, "rights from the server");
	is(made, server, "a send right by the name we had");
	is(type_of(once), MACH_PORT_TYPE_SEND_ONCE, "a send-once right");
	is(type_of(received), MACH_PORT_TYPE_RECEIVE, "a receive right");
	is(word, 17, "and a word behind them");
	must(mach_port_deallocate(mach_task_self(), made));
	must(mach_port_deallocate(mach_task_self(), once));
	port_end(received);
	nothing_left("new rights");
}

static void
test_any_right(void)
{
	static const struct {
		mach_msg_type_name_t sent, got;
	} kinds[] = {
	    {MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_PORT_SEND},
	    {MACH_MSG_TYPE_MAKE_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE},
	    {MACH_MSG_TYPE_MOVE_RECEIVE, MACH_MSG_TYPE_PORT_RECEIVE},
	};

	for (unsigned int i = 0; i < 3; i++) {
		mach_port_t port = port_new_send(), again = 0;
		mach_msg_type_name_t type = 0;

		is(form_any_right(server, port, kinds[i].sent, &again, &type),
		    KERN_SUCCESS, "a right of any kind: %u", kinds[i].sent);
		is(type, kinds[i].got, "arrives as what it is");
		is(again == port, kinds[i].got != MACH_MSG_TYPE_PORT_SEND_ONCE,
		    "by the name that it has here");
		if (again == port)
			must(mach_port_mod_refs(mach_task_self(), port,
			    MACH_PORT_RIGHT_SEND, 1 - (int)send_refs(port)));
		else
			must(mach_port_deallocate(mach_task_self(), again));
		port_end(port);
	}
	nothing_left("any right");
}

static void
test_port_arrays(void)
{
	mach_port_t mine = port_new_send(), back[4] = {0}, *list = NULL;
	form_three_t three = {mine, MACH_PORT_NULL, mine};
	mach_port_t few[2] = {mine, mine}, many[7] = {0};
	mach_msg_type_number_t count = 4;

	is(form_port_arrays(server, three, few, 2, back, &count), KERN_SUCCESS,
	    "arrays of rights in line");
	is(count, 2, "come back");
	ok(back[0] == mine && back[1] == mine, "as the names they have here");
	is(send_refs(mine), 3, "with a reference each");
	count = 1;
	is(form_port_arrays(server, three, few, 2, back, &count),
	    MIG_ARRAY_TOO_LARGE, "more rights than there is room for");
	is(send_refs(mine), 3, "are given back");
	is(form_port_arrays(server, three, few, 5, back, &count),
	    MIG_ARRAY_TOO_LARGE, "more than there may be are not sent");

	is(form_ports(server, few, 2, &list, &count), KERN_SUCCESS,
	    "arrays out of line");
	is(count, 2, "come back");
	ok(list[0] == mine && list[1] == mine, "with what was in them");
	is(send_refs(mine), 5, "and a reference each");
	vm_deallocate(mach_task_self(), (vm_address_t)list, sizeof(few));
	is(form_ports(server, many, 7, &list, &count), MIG_ARRAY_TOO_LARGE,
	    "a server that would answer more than the .defs allows");
	must(mach_port_mod_refs(
	    mach_task_self(), mine, MACH_PORT_RIGHT_SEND, -4));
	port_end(mine);
	nothing_left("arrays of rights");
}

static void
test_objects(void)
{
	mach_port_t same = MACH_PORT_NULL;
	int number = 0;

	is(form_object(server, server, &same, &number), KERN_SUCCESS,
	    "ports that are translated");
	is(number, 2, "each once");
	is(same, server, "and back");
	must(mach_port_deallocate(mach_task_self(), same));
	is(form_object(server, server, &same, &number), KERN_SUCCESS, "again");
	is(number, 2, "what was made of them had been put");
	must(mach_port_deallocate(mach_task_self(), same));
	nothing_left("objects");
}

/* ---- memory ---- */

static void
test_memory(vm_size_t size)
{
	char *data = pages_new(round_page(size)), *back = NULL;
	mach_msg_type_number_t count = 0;

	memset(data, 'a', size);
	is(form_memory(
	       server, data, (mach_msg_type_number_t)size, &back, &count),
	    KERN_SUCCESS, "%lu bytes out of line", (unsigned long)size);
	is(count, size, "come back");
	ok(back[0] == 'b' && back[size - 1] == 'b', "as the server left them");
	is(data[0], 'a', "our own are as they were");
	vm_deallocate(mach_task_self(), (vm_address_t)back, count);
	pages_end(data, round_page(size));
	nothing_left("memory");
}

static void
test_moved_memory(void)
{
	char *data = pages_new(2 * PAGE_SIZE), *back = NULL;
	mach_msg_type_number_t count = 0;

	data[PAGE_SIZE] = 'x';
	is(form_moved_memory(
	       server, data, 2 * PAGE_SIZE, TRUE, TRUE, &back, &count),
	    KERN_SUCCESS, "memory that is moved both ways");
	is(count, 2 * PAGE_SIZE, "is all there");
	is(back[PAGE_SIZE], 'x', "unchanged");
	ok(back == data || !is_mapped(data), "and no longer where it was");
	data = back;
	is(form_moved_memory(
	       server, data, 2 * PAGE_SIZE, FALSE, FALSE, &back, &count),
	    KERN_SUCCESS, "neither way");
	is(count, sizeof("constant"), "the server's own");
	ok(strcmp(back, "constant") == 0, "was copied");
	ok(is_mapped(data), "like ours");
	vm_deallocate(mach_task_self(), (vm_address_t)back, count);
	pages_end(data, 2 * PAGE_SIZE);
	nothing_left("moved memory");
}

static void
test_other_memory(void)
{
	char *page = pages_new(PAGE_SIZE), *back = NULL;
	form_pair_t pair = {1000, 234};
	mach_msg_type_number_t count = PAGE_SIZE;
	int ints[2000], sum = 0;
	uint64_t total = 0;

	memset(page, 1, PAGE_SIZE);
	is(form_fixed_memory(server, page, &pair, &total, &back), KERN_SUCCESS,
	    "memory of a fixed size");
	is(total, 1234 + 4096, "is read");
	is(back[4095], 1, "and comes back");
	vm_deallocate(mach_task_self(), (vm_address_t)back, 4096);
	for (int i = 0; i < 2000; i++)
		ints[i] = i;
	is(form_ints(server, ints, 2000, &sum), KERN_SUCCESS,
	    "an array of ints out of line");
	is(sum, 1999000, "all of them");
	is(form_ints(server, ints, 0, &sum), KERN_SUCCESS, "none");
	is(form_ints(server, ints, 2001, &sum), MIG_ARRAY_TOO_LARGE,
	    "more than there may be");
	back = page;
	is(form_inout_memory(server, &back, &count), KERN_SUCCESS,
	    "memory that goes and comes");
	is(back[7], 1 ^ 0x55, "changed");
	vm_deallocate(mach_task_self(), (vm_address_t)back, count);
	nothing_left("other memory");
}

/* ---- what is not in the body ---- */

static void
test_tokens(void)
{
	security_token_t server_sender, said_sender;
	audit_token_t server_who, said_who;
	mach_port_context_t context = 0;

	is(form_tokens(server, &server_sender, &server_who, &said_sender,
	       &said_who, &context),
	    KERN_SUCCESS, "who sent it, in both directions");
	is(context, 0x123456789abcdef0, "and the port's context");
	ok(server_who.val[5] != 0 && said_who.val[5] != 0,
	    "both have a task's id");
	ok(server_who.val[5] != said_who.val[5], "not the same");
	is(server_sender.val[0], server_who.val[5], "in the old token, too");
	is(said_sender.val[0], said_who.val[5], "of both");
}

static void
test_one_way(void)
{
	mach_port_t mine = port_new_send();
	int words[4] = {1, 2, 3, 4}, number = 0, count = 0;

	is(form_note(server, 100, words, 4), KERN_SUCCESS, "without a reply");
	is(form_note_right(server, mine), KERN_SUCCESS, "with a right");
	is(form_noted(server, &number, &count), KERN_SUCCESS, "arrives");
	is(number, 100 ^ 1 ^ 2 ^ 3 ^ 4, "whole");
	is(count, 2, "and once");
	is(type_of(mine), MACH_PORT_TYPE_RECEIVE, "the right was moved");
	port_end(mine);
	nothing_left("one way");
}

static void
test_failures(void)
{
	mach_port_t mine = port_new_send(), made = 0xdead;
	char *data;
	int word = 3, count;

	for (int code = KERN_FAILURE; code <= KERN_FAILURE + 2; code++) {
		data = pages_new(PAGE_SIZE);
		must(mach_port_mod_refs(
		    mach_task_self(), mine, MACH_PORT_RIGHT_SEND, 1));
		is(form_fail(server, code, mine, data, PAGE_SIZE, &made, &word),
		    code, "a server that fails");
	}
	is(made, 0xdead, "gives nothing");
	is(word, 3, "at all");
	is(send_refs(mine), 1, "what was moved is gone");
	port_end(mine);
	nothing_left("failures");

	is(form_nothing(NO_NAME), MACH_SEND_INVALID_DEST, "no server");
	is(form_nothing(server), KERN_SUCCESS, "that is no matter");
	nothing_left("no server");
	is(form_silent(server, 20, 0), MACH_RCV_TIMED_OUT,
	    "a server that does not answer");
	is(form_noted(server, &word, &count), KERN_SUCCESS, "is asked again");
	nothing_left("silence");
}

/* A message that comes back to the stub is given up, whatever it carries. */
static void
test_full_queue(void)
{
	mach_port_t full = port_new_send(), mine = port_new_send();
	char *data = pages_new(PAGE_SIZE);

	set_limit(full, 1);
	must(post(full, 1));
	is(form_soon(full, 10, mine, mine, data, PAGE_SIZE),
	    MACH_SEND_TIMED_OUT, "a queue that stays full");
	is(send_refs(mine), 0, "what was to be moved is given up");
	ok(!is_mapped(data), "memory, too");
	is(form_note_soon(full, 10, mine), MACH_SEND_TIMED_OUT,
	    "likewise without a reply");
	is(take(mine), MACH_NOTIFY_SEND_ONCE, "a right that was made is told");
	is(take(full), 1, "nothing was queued");
	is(take(full), -1, "at all");
	data = pages_new(PAGE_SIZE);
	must(mach_port_insert_right(
	    mach_task_self(), mine, mine, MACH_MSG_TYPE_MAKE_SEND));
	is(form_soon(server, 1000, mine, mine, data, PAGE_SIZE), KERN_SUCCESS,
	    "one that has room");
	port_end(full);
	port_end(mine);
	nothing_left("a full queue");
}

static void
test_reply_ports(void)
{
	mach_port_t reply = port_new();
	int changed = 0;

	is(form_late(server, reply, 21, &changed), KERN_SUCCESS,
	    "a reply port of one's own, and a right that the server keeps");
	is(changed, 23, "answered");
	port_end(reply);
	nothing_left("reply ports");
	is(form_special(server, 4, &changed), KERN_SUCCESS,
	    "the thread's special reply port");
	is(changed, 6, "answered");
}

int
main(int argc, char *argv[])
{
	if (argc > 1)
		return be_server(argv[1], forms_server);
	server = start_server("test/stubs", "test.stubs");
	remember();
	test_numbers();
	test_counted(10, 13, 4);
	test_counted(0, 0, 0);
	test_counted(3, 5, 1);
	test_counted(0, 13, 0);
	test_too_many();
	test_strings();
	test_inouts();
	test_same_count();
	test_rights();
	test_new_rights();
	test_any_right();
	test_port_arrays();
	test_objects();
	test_memory(1);
	test_memory(3 * PAGE_SIZE + 5);
	test_moved_memory();
	test_other_memory();
	test_tokens();
	test_one_way();
	test_failures();
	test_full_queue();
	test_reply_ports();
	is(form_quit(server), KERN_SUCCESS, "the server ends");
	return done();
}
