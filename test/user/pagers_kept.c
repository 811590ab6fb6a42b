/*
 * pagers_kept.c: memory objects that may be kept when nobody has them mapped:
 * with their pages, but not for ever, and not too many.
 */
#include "test/user/bare_pager.h"

/* What the kernel keeps, at most; and some more. */
#define MANY 70

static task_t self;

/* The object's pager says whether it may be kept. */
static void
say(boolean_t may_cache)
{
	must(memory_object_change_attributes(
	    it.control, may_cache, MEMORY_OBJECT_COPY_DELAY, MACH_PORT_NULL));
}

static char *
map_again(boolean_t copy)
{
	mach_vm_address_t address = 0;

	/* The pager gives one up with each end. */
	must(mach_port_insert_right(
	    self, it.port, it.port, MACH_MSG_TYPE_MAKE_SEND));
	must(mach_vm_map(self, &address, SIZE, 0, VM_FLAGS_ANYWHERE, it.port, 0,
	    copy, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	return (char *)address;
}

static void
test_kept(void)
{
	char *at = map_new(SUPPLY, FALSE);

	is(at[PAGE], 'b', "a page is read");
	say(TRUE);
	at[0] = 'x';
	pages_end(at, SIZE);
	ok(becomes(&it.dirty, 1), "unmapped, what was written comes back");
	is(it.kept, 1, "and is kept");
	is(it.terminated, 0, "as is the object");
	at = map_again(FALSE);
	is(at[0], 'x', "mapped again, it is there");
	is(at[PAGE], 'b', "and what was read");
	is(it.requests, 2, "without the pager");
	is(it.inits, 1, "which hears of nothing");
	at[0] = 'y';
	pages_end(at, SIZE);
	ok(becomes(&it.dirty, 2), "what was written later comes back, too");
	at = map_again(TRUE);
	is(at[0], 'y', "a private mapping has it");
	pages_end(at, SIZE);
	at = map_again(FALSE);
	say(FALSE);
	is(it.terminated, 0, "not to be kept any more, it stays while mapped");
	unmap(at);
}

static void
test_dropped(void)
{
	char *at = map_new(SUPPLY, FALSE), byte;

	is(at[0], 'a', "a page is read");
	say(TRUE);
	pages_end(at, SIZE);
	is(it.terminated, 0, "an object is kept");
	say(FALSE);
	ok(becomes(&it.terminated, 1), "until its pager has enough of it");
	at = map_again(FALSE);
	is(read_byte(at, &byte), KERN_SUCCESS, "mapped again, it begins anew");
	ok(becomes(&it.inits, 2), "as another one");
	say(TRUE);
	pages_end(at, SIZE);
	must(memory_object_destroy(it.control, KERN_SUCCESS));
	ok(becomes(&it.terminated, 2), "a pager that gives up loses it");
	at = map_again(FALSE);
	is(read_byte(at, &byte), KERN_SUCCESS, "and again");
	say(TRUE);
	pages_end(at, SIZE);
	port_end(it.port);
	ok(dies(it.control), "so does one whose port dies");
	mach_port_deallocate(self, it.control);
}

/* Does the kernel have rights to @port?  It may be about to give them up. */
static bool
is_held(mach_port_t port, bool expected)
{
	for (int i = 0; i < 500; i++) {
		mach_port_status_t status = status_of(port);

		if ((status.mps_srights != 0) == expected)
			break;
		sleep_ms(10);
	}
	return status_of(port).mps_srights != 0;
}

static void
test_many(void)
{
	static mach_port_t port[MANY];
	unsigned held = MANY;

	for (int i = 0; i < MANY; i++) {
		char *at = map_new(SUPPLY, FALSE);

		must(at[PAGE] != 'b');
		say(TRUE);
		pages_end(at, SIZE);
		port[i] = it.port;
		must(mach_port_mod_refs(
		    self, port[i], MACH_PORT_RIGHT_SEND, -1));
	}
	ok(!is_held(port[0], false), "of many the first is not kept");
	ok(is_held(port[MANY - 1], true), "but the last is");
	/* Those that go take a moment. */
	for (int tries = 0; tries < 100 && held > 64; tries++) {
		sleep_ms(10);
		held = 0;
		for (int i = 0; i < MANY; i++)
			held += status_of(port[i]).mps_srights != 0;
	}
	ok(held <= 64, "and no more than there may be");
	for (int i = 0; i < MANY; i++)
		must(mach_port_destroy(self, port[i]));
}

int
main(void)
{
	self = mach_task_self();
	pager_start();
	test_kept();
	test_dropped();
	test_many();
	return done();
}
