/* ports.c: rights and their names: every call, every way to get it wrong. */
#include "test/user/mach_test.h"

static mach_port_t self;

/* ---- making and giving up ---- */

static void
test_allocate(void)
{
	mach_port_t port, set, dead, none = 123;

	is(mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &port),
	    KERN_SUCCESS, "a receive right is made");
	is(type_of(port), MACH_PORT_TYPE_RECEIVE, "and is one");
	is(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set),
	    KERN_SUCCESS, "a port set is made");
	is(type_of(set), MACH_PORT_TYPE_PORT_SET, "and is one");
	is(mach_port_allocate(self, MACH_PORT_RIGHT_DEAD_NAME, &dead),
	    KERN_SUCCESS, "a dead name is made");
	is(type_of(dead), MACH_PORT_TYPE_DEAD_NAME, "and is one");
	is(mach_port_allocate(self, MACH_PORT_RIGHT_SEND, &none),
	    KERN_INVALID_VALUE, "a send right comes from a port alone");
	is(mach_port_allocate(self, MACH_PORT_RIGHT_SEND_ONCE, &none),
	    KERN_INVALID_VALUE, "so does a send-once right");
	is(mach_port_allocate(self, MACH_PORT_RIGHT_NUMBER, &none),
	    KERN_INVALID_VALUE, "there is no such right");
	is(none, 123, "a call that fails writes no name");
	ok(port != set && set != dead && port != dead, "names differ");
	ok(MACH_PORT_VALID(port), "a name is neither null nor dead");

	is(mach_port_destroy(self, port), KERN_SUCCESS, "ends the port");
	is(mach_port_destroy(self, set), KERN_SUCCESS, "ends the set");
	is(mach_port_destroy(self, dead), KERN_SUCCESS, "ends the dead name");
	is(type_of(port), 0, "its name denotes nothing");
	is(mach_port_destroy(self, port), KERN_INVALID_NAME, "not twice");
}

static void
test_allocate_name(void)
{
	is(mach_port_allocate_name(self, MACH_PORT_RIGHT_RECEIVE, 0x4d501),
	    KERN_SUCCESS, "a name of one's choice");
	is(type_of(0x4d501), MACH_PORT_TYPE_RECEIVE, "denotes the right");
	is(mach_port_allocate_name(self, MACH_PORT_RIGHT_RECEIVE, 0x4d501),
	    KERN_NAME_EXISTS, "but only one");
	is(mach_port_allocate_name(
	       self, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL),
	    KERN_INVALID_VALUE, "null cannot be chosen");
	is(mach_port_allocate_name(
	       self, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_DEAD),
	    KERN_INVALID_VALUE, "nor can dead");
	port_end(0x4d501);
}

static void
test_deallocate(void)
{
	mach_port_t port = port_new_send(), receive = port_new(), dead;

	is(mach_port_deallocate(self, port), KERN_SUCCESS,
	    "gives up the send right");
	is(type_of(port), MACH_PORT_TYPE_RECEIVE, "and leaves the other");
	is(mach_port_deallocate(self, port), KERN_INVALID_RIGHT,
	    "a receive right is not given up so");
	is(mach_port_deallocate(self, NO_NAME), KERN_INVALID_NAME,
	    "no such name");
	is(mach_port_deallocate(self, ODD_NAME), KERN_INVALID_NAME,
	    "far beyond the table");
	is(mach_port_deallocate(self, MACH_PORT_NULL), KERN_SUCCESS,
	    "null is ignored");
	is(mach_port_deallocate(self, MACH_PORT_DEAD), KERN_SUCCESS,
	    "and dead");
	must(mach_port_allocate(self, MACH_PORT_RIGHT_DEAD_NAME, &dead));
	is(mach_port_deallocate(self, dead), KERN_SUCCESS, "a dead name goes");
	is(type_of(dead), 0, "with its last reference");
	port_end(port);
	port_end(receive);
}

/* ---- references ---- */

static void
test_mod_refs(void)
{
	mach_port_t port = port_new_send();

	is(send_refs(port), 1, "one reference");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 9),
	    KERN_SUCCESS, "nine more");
	is(send_refs(port), 10, "are ten");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, -11),
	    KERN_INVALID_VALUE, "not eleven fewer");
	is(send_refs(port), 10, "nothing changed");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 0x7fffffff),
	    KERN_UREFS_OVERFLOW, "nor more than can be counted");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 0),
	    KERN_SUCCESS, "none more");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, -9),
	    KERN_SUCCESS, "nine fewer");
	is(mach_port_deallocate(self, port), KERN_SUCCESS, "and the last");
	is(send_refs(port), 0, "no send right is left");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 1),
	    KERN_INVALID_RIGHT, "none comes from nothing");

	is(refs(port, MACH_PORT_RIGHT_RECEIVE), 1, "one receive right");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, 1),
	    KERN_INVALID_VALUE, "never two");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -2),
	    KERN_INVALID_VALUE, "never fewer than none");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_NUMBER, 1),
	    KERN_INVALID_VALUE, "no such kind");
	is(mach_port_mod_refs(self, NO_NAME, MACH_PORT_RIGHT_SEND, 1),
	    KERN_INVALID_NAME, "no such name");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1),
	    KERN_SUCCESS, "the receive right goes");
	is(type_of(port), 0, "and the name with it");
}

static void
test_dead_refs(void)
{
	mach_port_t port = port_new_send();

	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 2));
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	is(type_of(port), MACH_PORT_TYPE_DEAD_NAME,
	    "send rights to a dead port are a dead name");
	is(dead_refs(port), 3, "with as many references");
	is(send_refs(port), 0, "and no send right");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, -1),
	    KERN_INVALID_RIGHT, "which cannot be given up");
	is(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_DEAD_NAME, -2),
	    KERN_SUCCESS, "the dead name can");
	is(mach_port_deallocate(self, port), KERN_SUCCESS, "in any way");
	is(type_of(port), 0, "until it is gone");
}

static void
test_get_refs(void)
{
	mach_port_t port = port_new_send();
	mach_port_urefs_t count = 99;

	is(mach_port_get_refs(self, port, MACH_PORT_RIGHT_DEAD_NAME, &count),
	    KERN_SUCCESS, "asking for another kind is no error");
	is(count, 0, "there are none");
	is(mach_port_get_refs(self, port, MACH_PORT_RIGHT_NUMBER, &count),
	    KERN_INVALID_VALUE, "no such kind");
	is(mach_port_get_refs(self, NO_NAME, MACH_PORT_RIGHT_SEND, &count),
	    KERN_INVALID_NAME, "no such name");
	port_end(port);
}

/* ---- rights out of rights ---- */

static void
test_insert_right(void)
{
	mach_port_t port = port_new(), other = port_new(), name;
	mach_msg_type_name_t type;

	is(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND),
	    KERN_SUCCESS, "a send right is made");
	is(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE, "by the same name");
	is(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_COPY_SEND),
	    KERN_SUCCESS, "and copied");
	is(send_refs(port), 2, "a second reference");
	is(status_of(port).mps_mscount, 1, "made once");
	is(mach_port_insert_right(
	       self, other, port, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    KERN_NAME_EXISTS, "the name of another port is taken");
	while (take(port) != -1)
		; /* a word about the right that was made for it, perhaps */
	is(mach_port_insert_right(self, 0x7e501, port, MACH_MSG_TYPE_MAKE_SEND),
	    KERN_RIGHT_EXISTS, "one port has one name");
	is(mach_port_insert_right(
	       self, 0x7e501, other, MACH_MSG_TYPE_COPY_SEND),
	    KERN_INVALID_CAPABILITY, "no send right to copy");
	is(mach_port_insert_right(
	       self, 0x7e501, NO_NAME, MACH_MSG_TYPE_MAKE_SEND),
	    KERN_INVALID_CAPABILITY, "nothing to make it of");
	is(mach_port_insert_right(self, port, port, 99), KERN_INVALID_VALUE,
	    "no such disposition");

	is(mach_port_extract_right(
	       self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &name, &type),
	    KERN_SUCCESS, "a send-once right");
	is(type, MACH_MSG_TYPE_PORT_SEND_ONCE, "is what it says");
	is(type_of(name), MACH_PORT_TYPE_SEND_ONCE, "with a name of its own");
	ok(name != port, "not the port's");
	is(status_of(port).mps_sorights, 1, "the port knows of it");
	is(mach_port_deallocate(self, name), KERN_SUCCESS, "given up");
	is(take(port), MACH_NOTIFY_SEND_ONCE, "the port hears of that");
	port_end(port);
	port_end(other);
}

/* ---- names ---- */

/* A name that was given up is refused, though its slot is used again. */
static void
test_generations(void)
{
	mach_port_t first = port_new(), name = MACH_PORT_NULL;
	bool reused = false, stale_refused = true;

	port_end(first);
	for (int i = 0; i < 200 && !reused; i++) {
		name = port_new();
		reused = MACH_PORT_INDEX(name) == MACH_PORT_INDEX(first);
		stale_refused &= type_of(first) == 0;
		stale_refused &= name != first;
		stale_refused &= post(first, 1) == MACH_SEND_INVALID_DEST;
		if (!reused)
			port_end(name);
	}
	ok(reused, "a slot is used again");
	ok(stale_refused, "its last tenant's name is refused");
	if (reused)
		port_end(name);
}

static void
test_names(void)
{
	mach_port_t port = port_new_send();
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	mach_msg_type_number_t count, type_count;
	unsigned found = 0;

	is(mach_port_names(self, &names, &count, &types, &type_count),
	    KERN_SUCCESS, "all names");
	is(count, type_count, "as many types");
	for (unsigned i = 0; i < count; i++)
		if (names[i] == port && types[i] == MACH_PORT_TYPE_SEND_RECEIVE)
			found++;
	is(found, 1, "ours is there, once");
	pages_end(names, count * sizeof(*names));
	pages_end(types, count * sizeof(*types));
	port_end(port);
	is(name_count(), count - 1, "and is not, afterwards");
}

/* More names than a first table holds; all found, all given back. */
static void
test_many_names(void)
{
	enum {
		MANY = 6000
	};
	static mach_port_t ports[MANY];
	unsigned before = name_count(), wrong = 0;

	for (unsigned i = 0; i < MANY; i++)
		ports[i] = port_new();
	for (unsigned i = 0; i < MANY; i++)
		wrong += type_of(ports[i]) != MACH_PORT_TYPE_RECEIVE;
	is(wrong, 0, "%d ports, each by its name", MANY);
	is(name_count(), before + MANY, "and all are listed");
	for (unsigned i = 0; i < MANY; i++)
		wrong += mach_port_destroy(self, ports[i]) != KERN_SUCCESS;
	is(wrong, 0, "all ended");
	is(name_count(), before, "and gone");
}

/* ---- making and ending in one call ---- */

static void
test_construct(void)
{
	mach_port_options_t options = {
	    .flags = MPO_QLIMIT | MPO_INSERT_SEND_RIGHT,
	    .mpl = {.mpl_qlimit = 16},
	};
	mach_port_t port;
	mach_port_context_t context = 0;

	is(mach_port_construct(self, &options, 0xabcdef0123, &port),
	    KERN_SUCCESS, "a port as one likes it");
	is(type_of(port), MACH_PORT_TYPE_SEND_RECEIVE, "with a send right");
	is(status_of(port).mps_qlimit, 16, "a queue limit");
	is(mach_port_get_context(self, port, &context), KERN_SUCCESS,
	    "and a context");
	is(context, 0xabcdef0123, "which is kept");
	is(mach_port_destruct(self, port, -2, 0), KERN_INVALID_VALUE,
	    "not more references than there are");
	is(mach_port_destruct(self, port, -1, 0), KERN_SUCCESS, "all in one");
	is(type_of(port), 0, "nothing is left");
	options.mpl.mpl_qlimit = 100000;
	is(mach_port_construct(self, &options, 0, &port), KERN_INVALID_VALUE,
	    "a limit beyond the largest");
}

static void
test_attributes(void)
{
	mach_port_t port = port_new_send(), set;
	mach_port_limits_t limits = {.mpl_qlimit = MACH_PORT_QLIMIT_MAX + 1};
	mach_msg_type_number_t count = MACH_PORT_LIMITS_INFO_COUNT;
	mach_port_info_t info = (mach_port_info_t)&limits;

	is(status_of(port).mps_qlimit, MACH_PORT_QLIMIT_DEFAULT,
	    "the usual limit");
	is(mach_port_set_attributes(
	       self, port, MACH_PORT_LIMITS_INFO, info, count),
	    KERN_INVALID_VALUE, "the limit has a limit");
	is(mach_port_set_attributes(self, port, 1234, info, count),
	    KERN_INVALID_ARGUMENT, "no such flavor");
	limits.mpl_qlimit = MACH_PORT_QLIMIT_MAX;
	is(mach_port_set_attributes(
	       self, port, MACH_PORT_LIMITS_INFO, info, count),
	    KERN_SUCCESS, "the largest");
	limits.mpl_qlimit = 0;
	is(mach_port_get_attributes(
	       self, port, MACH_PORT_LIMITS_INFO, info, &count),
	    KERN_SUCCESS, "is read back");
	is(limits.mpl_qlimit, MACH_PORT_QLIMIT_MAX, "as it was set");
	count = 0;
	is(mach_port_get_attributes(
	       self, port, MACH_PORT_LIMITS_INFO, info, &count),
	    KERN_FAILURE, "no room for it");
	count = MACH_PORT_LIMITS_INFO_COUNT;
	is(mach_port_get_attributes(
	       self, NO_NAME, MACH_PORT_LIMITS_INFO, info, &count),
	    KERN_INVALID_NAME, "no such name");

	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	count = MACH_PORT_LIMITS_INFO_COUNT;
	is(mach_port_get_attributes(
	       self, set, MACH_PORT_LIMITS_INFO, info, &count),
	    KERN_INVALID_RIGHT, "a set has no queue");
	ok(status_of(port).mps_srights, "there is a send right");
	is(mach_port_set_mscount(self, port, 17), KERN_SUCCESS, "count");
	is(status_of(port).mps_mscount, 17, "is set");
	is(mach_port_set_seqno(self, port, 40), KERN_SUCCESS, "number");
	is(status_of(port).mps_seqno, 40, "is set");
	port_end(port);
	port_end(set);
}

/* A task's names are its own business: the wrong target is told so. */
static void
test_targets(void)
{
	mach_port_t port = port_new_send(), name;

	is(_kernelrpc_mach_port_allocate_trap(
	       port, MACH_PORT_RIGHT_RECEIVE, &name),
	    KERN_INVALID_TASK, "a port that is no task");
	is(_kernelrpc_mach_port_allocate_trap(
	       NO_NAME, MACH_PORT_RIGHT_RECEIVE, &name),
	    KERN_INVALID_TASK, "no port at all");
	is(_kernelrpc_mach_port_deallocate_trap(MACH_PORT_NULL, port),
	    KERN_INVALID_TASK, "null");
	is(_kernelrpc_mach_port_mod_refs_trap(
	       MACH_PORT_DEAD, port, MACH_PORT_RIGHT_SEND, 1),
	    KERN_INVALID_TASK, "dead");
	is(send_refs(port), 1, "nothing happened to the port");
	port_end(port);
}

int
main(void)
{
	self = mach_task_self();
	test_allocate();
	test_allocate_name();
	test_deallocate();
	test_mod_refs();
	test_dead_refs();
	test_get_refs();
	test_insert_right();
	test_generations();
	test_names();
	test_many_names();
	test_construct();
	test_attributes();
	test_targets();
	return done();
}
