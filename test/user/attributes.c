/* attributes.c: what can be asked about ports, names and the whole space. */
#include "test/user/mach_test.h"

#include <string.h>

static mach_port_t self;

static kern_return_t
get(mach_port_t port, mach_port_flavor_t flavor, void *info, unsigned count)
{
	mach_msg_type_number_t words = count;
	kern_return_t kr =
	    mach_port_get_attributes(self, port, flavor, info, &words);

	if (kr == KERN_SUCCESS)
		is(words, count, "as many words as it has");
	return kr;
}

static kern_return_t
set(mach_port_t port, mach_port_flavor_t flavor, uint32_t value, unsigned count)
{
	return mach_port_set_attributes(
	    self, port, flavor, (mach_port_info_t)&value, count);
}

/* ---- one port ---- */

static void
test_flavors(void)
{
	mach_port_t port = port_new_send(), pset;
	mach_port_info_ext_t all;
	mach_port_guard_info_t guard;
	uint32_t word = 7;

	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &pset));
	must(mach_port_insert_member(self, port, pset));
	must(post(port, 1));
	is(get(port, MACH_PORT_INFO_EXT, &all, MACH_PORT_INFO_EXT_COUNT),
	    KERN_SUCCESS, "all about a port");
	is(all.mpie_status.mps_pset, 1, "in one set");
	is(all.mpie_status.mps_msgcount, 1, "one message");
	is(all.mpie_status.mps_srights, true, "a send right");
	is(all.mpie_status.mps_sorights, 0, "no send-once right");
	is(all.mpie_boost_cnt, 0, "no boosts");
	is(get(port, MACH_PORT_DNREQUESTS_SIZE, &word, 1), KERN_SUCCESS,
	    "requests");
	is(word, 0, "there are none");
	is(get(port, MACH_PORT_GUARD_INFO, &guard, MACH_PORT_GUARD_INFO_COUNT),
	    KERN_SUCCESS, "a guard");
	is(guard.mpgi_guard, 0, "there is none");
	must(mach_port_guard(self, port, 0xabcd00000001, 0));
	must(get(port, MACH_PORT_GUARD_INFO, &guard, 2));
	is(guard.mpgi_guard, 0xabcd00000001, "and here is one");
	must(mach_port_unguard(self, port, 0xabcd00000001));
	must(mach_port_guard(self, port, 5, true));
	must(get(port, MACH_PORT_GUARD_INFO, &guard, 2));
	is(guard.mpgi_guard, 0, "a strict one is not told");
	must(mach_port_unguard(self, port, 5));
	is(get(port, MACH_PORT_SERVICE_THROTTLED, &word, 1),
	    KERN_INVALID_CAPABILITY, "no port is a service's");
	is(get(port, MACH_PORT_SERVICE_THROTTLED, &word, 0), KERN_FAILURE,
	    "nor is there room to say so");
	is(get(port, MACH_PORT_TEMPOWNER, &word, 1), KERN_INVALID_ARGUMENT,
	    "what is only set");
	is(get(port, 77, &word, 1), KERN_INVALID_ARGUMENT, "no such flavor");
	is(get(port, MACH_PORT_INFO_EXT, &all, MACH_PORT_INFO_EXT_COUNT - 1),
	    KERN_FAILURE, "a word too few");
	is(get(pset, MACH_PORT_INFO_EXT, &all, MACH_PORT_INFO_EXT_COUNT),
	    KERN_INVALID_RIGHT, "a set is no port");
	is(get(NO_NAME, MACH_PORT_GUARD_INFO, &guard, 2), KERN_INVALID_NAME,
	    "no such name");
	port_end(port);
	port_end(pset);
}

static void
test_set(void)
{
	mach_port_t port = port_new(), pset;

	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &pset));
	is(set(port, MACH_PORT_TEMPOWNER, 0, 0), KERN_SUCCESS, "for another");
	is(set(port, MACH_PORT_IMPORTANCE_RECEIVER, 0, 0), KERN_SUCCESS,
	    "of importance");
	is(set(port, MACH_PORT_DENAP_RECEIVER, 0, 0), KERN_SUCCESS, "awake");
	is(status_of(port).mps_flags,
	    MACH_PORT_STATUS_FLAG_TEMPOWNER |
		MACH_PORT_STATUS_FLAG_IMP_DONATION,
	    "are remembered");
	is(set(port, MACH_PORT_DNREQUESTS_SIZE, 100, 1), KERN_SUCCESS,
	    "room for requests");
	is(set(port, MACH_PORT_DNREQUESTS_SIZE, 100, 0), KERN_FAILURE,
	    "how much room?");
	is(set(port, MACH_PORT_LIMITS_INFO, 3, 0), KERN_FAILURE, "what limit?");
	is(set(port, MACH_PORT_SERVICE_THROTTLED, 1, 1),
	    KERN_INVALID_CAPABILITY, "nothing to throttle");
	is(set(port, MACH_PORT_INFO_EXT, 1, 1), KERN_INVALID_ARGUMENT,
	    "what is only told");
	is(set(pset, MACH_PORT_TEMPOWNER, 0, 0), KERN_INVALID_RIGHT,
	    "a set is no port");
	is(set(NO_NAME, MACH_PORT_DENAP_RECEIVER, 0, 0), KERN_INVALID_NAME,
	    "no such name");
	port_end(port);
	port_end(pset);
}

static void
test_counts(void)
{
	mach_port_t port = port_new(), once, previous, notify = port_new();
	mach_msg_type_name_t type;
	mach_port_rights_t count = 9;
	unsigned total = 9, used = 9;
	uint32_t word;

	is(mach_port_get_srights(self, port, &count), KERN_SUCCESS,
	    "send rights are counted");
	is(count, 0, "none yet");
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 9));
	must(mach_port_get_srights(self, port, &count));
	is(count, 1, "a task has one, whatever its references");
	must(post(port, 1));
	must(mach_port_get_srights(self, port, &count));
	is(count, 2, "and a message on its way");
	must(mach_port_extract_right(
	    self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
	is(status_of(port).mps_sorights, 1, "a send-once right is another");
	must(mach_port_request_notification(self, once, MACH_NOTIFY_DEAD_NAME,
	    0, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	must(mach_port_request_notification(self, port, MACH_NOTIFY_DEAD_NAME,
	    0, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	is(mach_port_dnrequest_info(self, port, &total, &used), KERN_SUCCESS,
	    "requests are counted");
	is(used, 2, "two");
	is(total, 2, "with room for as many");
	must(get(port, MACH_PORT_DNREQUESTS_SIZE, &word, 1));
	is(word, 2, "told in both ways");
	is(mach_port_get_srights(self, NO_NAME, &count), KERN_INVALID_NAME,
	    "no such name");
	is(mach_port_dnrequest_info(self, once, &total, &used),
	    KERN_INVALID_RIGHT, "no receive right");
	port_end(port);
	must(mach_port_destroy(self, once));
	port_end(notify);
}

/* A count at its end goes on from zero; the no-senders notice tells it so. */
static void
test_make_send_wraps(void)
{
	mach_port_t port = port_new(), previous;
	struct {
		mach_no_senders_notification_t notice;
		char room[64];
	} got;

	must(mach_port_set_mscount(self, port, UINT32_MAX));
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	is(status_of(port).mps_mscount, 0, "the make-send count wraps");
	must(mach_port_request_notification(self, port, MACH_NOTIFY_NO_SENDERS,
	    0, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	must(mach_port_deallocate(self, port));
	must(poll_for(&got, sizeof(got), port));
	is(got.notice.not_header.msgh_id, MACH_NOTIFY_NO_SENDERS,
	    "no senders are left");
	is(got.notice.not_count, 0, "with that count");
	port_end(port);
}

/* The race that @sync is for: a right made after the server last counted. */
static void
test_no_senders_race(void)
{
	mach_port_t port = port_new_send(), previous;

	/* The server knows of one right; a second was made and is gone. */
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, -2));
	must(mach_port_request_notification(self, port, MACH_NOTIFY_NO_SENDERS,
	    3, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	is(take(port), -1, "none left, but a third is awaited");
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	is(take(port), -1, "it comes");
	must(mach_port_deallocate(self, port));
	is(take(port), MACH_NOTIFY_NO_SENDERS, "and goes");
	must(mach_port_request_notification(self, port, MACH_NOTIFY_NO_SENDERS,
	    3, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	is(take(port), MACH_NOTIFY_NO_SENDERS, "who asks late is told at once");
	must(mach_port_set_mscount(self, port, 0));
	must(mach_port_request_notification(self, port, MACH_NOTIFY_NO_SENDERS,
	    1, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	is(take(port), -1, "a count that was reset starts anew");
	port_end(port);
}

/* ---- the kernel's ports ---- */

static void
test_kobject(void)
{
	mach_port_t port = port_new(), host = mach_host_self(), pset;
	kobject_description_t what;
	mach_vm_address_t address = 1;
	natural_t kind = 99;

	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &pset));
	is(mach_port_kobject(self, self, &kind, &address), KERN_SUCCESS,
	    "what is behind our task's port?");
	is(kind, IKOT_TASK, "a task");
	is(address, 0, "at a place that is nobody's business");
	is(mach_port_kobject_description(self, host, &kind, &address, what),
	    KERN_SUCCESS, "the host's");
	is(kind, IKOT_HOST, "the host");
	ok(strcmp(what, "host") == 0, "which is called so");
	is(mach_port_kobject_description(self, port, &kind, &address, what),
	    KERN_SUCCESS, "a port of ours");
	is(kind, IKOT_NONE, "is nothing");
	ok(strcmp(what, "") == 0, "and called nothing");
	is(mach_port_kobject(self, NO_NAME, &kind, &address), KERN_INVALID_NAME,
	    "no such name");
	is(mach_port_kobject(self, pset, &kind, &address), KERN_INVALID_RIGHT,
	    "a set is no port");
	port_end(pset);
	port_end(port);
	must(mach_port_deallocate(self, host));
}

/* ---- lists of any length ---- */

#define MANY 20000

static mach_port_t ports[MANY];

/* Which of @ports @name is, plus 1; 0: none of them.  The first call, with
 * MACH_PORT_NULL, learns them. */
static unsigned
number_of(mach_port_t name)
{
	static uint16_t numbers[4 * MANY];

	if (name == MACH_PORT_NULL) {
		memset(numbers, 0, sizeof(numbers));
		for (unsigned i = 0; i < MANY; i++)
			numbers[MACH_PORT_INDEX(ports[i])] = (uint16_t)(i + 1);
		return 0;
	}
	if (MACH_PORT_INDEX(name) >= 4 * MANY)
		return 0;
	return numbers[MACH_PORT_INDEX(name)];
}

static void
test_space_info(void)
{
	ipc_info_space_basic_t basic;
	ipc_info_name_array_t names;
	ipc_info_tree_name_array_t tree;
	mach_msg_type_number_t count, tree_count;
	ipc_info_space_t info;
	unsigned before, found = 0, wrong = 0;
	uint32_t object = 0, step = 0, alike = 0;

	must(mach_port_space_basic_info(self, &basic));
	before = name_count();
	ok(basic.iisb_table_inuse >= before, "names in use");
	is(basic.iisb_genno_mask, 0xff, "eight bits of generation");
	for (unsigned i = 0; i < MANY; i++)
		ports[i] = i % 2 == 0 ? port_new_send() : port_new();
	must(mach_port_space_basic_info(self, &basic));
	ok(basic.iisb_table_inuse >= before + MANY, "and %d more", MANY);
	ok(basic.iisb_table_size >= basic.iisb_table_inuse,
	    "in a table large enough");
	is(mach_port_space_info(
	       self, &info, &names, &count, &tree, &tree_count),
	    KERN_SUCCESS, "a list of them all");
	is(count, before + MANY, "is whole");
	is(info.iis_table_size, count, "and says how long it is");
	is(tree_count, 0, "there is no tree");
	number_of(MACH_PORT_NULL);
	for (unsigned i = 0; i < count; i++) {
		unsigned number = number_of(names[i].iin_name);
		bool send = number % 2 != 0;

		if (number == 0)
			continue;
		wrong += names[i].iin_name != ports[number - 1];
		wrong +=
		    names[i].iin_type != (send ? MACH_PORT_TYPE_SEND_RECEIVE
					       : MACH_PORT_TYPE_RECEIVE);
		wrong += names[i].iin_urefs != (send ? 1 : 0);
		wrong += names[i].iin_object == object;
		alike += names[i].iin_object - object == step;
		step = names[i].iin_object - object;
		object = names[i].iin_object;
		found++;
	}
	is(found, MANY, "each is there");
	is(wrong, 0, "with its rights and references");
	ok(alike < found / 8, "and it does not tell how far apart they lie");
	pages_end(names, count * sizeof(*names));
	is(name_count(), before + MANY, "mach_port_names() cuts none either");
	for (unsigned i = 0; i < MANY; i++)
		must(mach_port_destroy(self, ports[i]));
	is(name_count(), before, "all are gone");
}

static void
test_members(void)
{
	mach_port_name_array_t members;
	mach_msg_type_number_t count = 1;
	mach_port_t pset, empty;
	unsigned wrong = 0;

	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &pset));
	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &empty));
	for (unsigned i = 0; i < MANY; i++) {
		ports[i] = port_new();
		if (i % 2 == 0)
			must(mach_port_insert_member(self, ports[i], pset));
	}
	is(mach_port_get_set_status(self, pset, &members, &count), KERN_SUCCESS,
	    "the members of a large set");
	is(count, MANY / 2, "all of them");
	number_of(MACH_PORT_NULL);
	for (unsigned i = 0; i < count; i++)
		wrong += number_of(members[i]) % 2 != 1;
	is(wrong, 0, "and no others");
	pages_end(members, count * sizeof(*members));
	is(mach_port_get_set_status(self, empty, &members, &count),
	    KERN_SUCCESS, "the members of an empty set");
	is(count, 0, "are none");
	is(mach_port_get_set_status(self, ports[0], &members, &count),
	    KERN_INVALID_RIGHT, "a port has no members");
	is(mach_port_get_set_status(self, NO_NAME, &members, &count),
	    KERN_INVALID_NAME, "no such name");
	for (unsigned i = 0; i < MANY; i++)
		must(mach_port_destroy(self, ports[i]));
	port_end(pset);
	port_end(empty);
}

/* Lists of a task that dies meanwhile. */
static void
list_dying(void)
{
	struct small small;
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t count, type_count;
	mach_port_t name;

	small_make(&small, MACH_PORT_NULL, 0);
	for (unsigned i = 0; i < 5000; i++)
		must(mach_port_allocate(
		    small.task, MACH_PORT_RIGHT_RECEIVE, &name));
	must(task_terminate(small.task));
	while (mach_port_names(small.task, &names, &count, &types,
		   &type_count) == KERN_SUCCESS) {
		pages_end(names, count * sizeof(*names));
		pages_end(types, type_count * sizeof(*types));
	}
	small_forget(&small);
}

static void
test_moving_list(void)
{
	struct baton_kernel_counters before, after;

	list_dying(); /* what the kernel keeps for the next time it has now */
	before = quiet_counters();
	for (unsigned i = 0; i < 20; i++)
		list_dying();
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "a task that dies under the list");
	/* A list has 5 pages; caches of objects may have grown by a few. */
	ok(after.pages_free + 64 >= before.pages_free,
	    "takes no memory with it");
}

static void
test_allocate_full(void)
{
	mach_port_qos_t qos = {.name = 1};
	mach_port_t port = 0x5a501;

	is(mach_port_allocate_full(
	       self, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL, &qos, &port),
	    KERN_SUCCESS, "a port by a chosen name");
	is(port, 0x5a501, "which it keeps");
	is(type_of(port), MACH_PORT_TYPE_RECEIVE, "and is one");
	is(mach_port_allocate_full(
	       self, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL, &qos, &port),
	    KERN_NAME_EXISTS, "but once");
	is(mach_port_allocate_full(
	       self, MACH_PORT_RIGHT_RECEIVE, self, &qos, &port),
	    KERN_INVALID_VALUE, "no subsystems");
	port_end(port);
	qos = (mach_port_qos_t){.prealloc = 1, .len = 64};
	is(mach_port_allocate_qos(self, MACH_PORT_RIGHT_RECEIVE, &qos, &port),
	    KERN_INVALID_VALUE, "no memory set aside");
	qos = (mach_port_qos_t){.len = 5};
	is(mach_port_allocate_qos(self, MACH_PORT_RIGHT_PORT_SET, &qos, &port),
	    KERN_SUCCESS, "a set, of no quality");
	is(type_of(port), MACH_PORT_TYPE_PORT_SET, "is one");
	port_end(port);
}

int
main(void)
{
	self = mach_task_self();
	test_flavors();
	test_set();
	test_counts();
	test_make_send_wraps();
	test_no_senders_race();
	test_kobject();
	test_space_info();
	test_members();
	test_moving_list();
	test_allocate_full();
	return done();
}
