/*
 * pagers_hostile.c: pagers that say what they ought not, and clients that make
 * much of it: nothing breaks, nobody waits for ever, nothing is left behind.
 */
#include "test/user/bare_pager.h"

#include <servers/bootstrap.h>
#include <string.h>

#define MAPPINGS 100

static task_t self;

/* Calls that are to have no effect. */
static void
test_arguments(void)
{
	char *at = map_new(SUPPLY, FALSE);
	const uint64_t most = ~0UL & ~(PAGE - 1);
	char *data = pages_new(2 * PAGE);
	boolean_t ready, cache;
	int strategy;

	at[0] = 'x';
	memory_object_lock_request(it.control, 1, PAGE, 0, TRUE, 0, 0);
	memory_object_lock_request(it.control, 0, 100, 0, TRUE, 0, 0);
	memory_object_lock_request(it.control, most, PAGE, 0, TRUE, 0, 0);
	memory_object_lock_request(it.control, 0, PAGE, -1, TRUE, 0, 0);
	memory_object_lock_request(it.control, 0, PAGE, 4, TRUE, 0, 0);
	memory_object_lock_request(it.control, 0, PAGE, 0, TRUE, 0x40, 0);
	memory_object_data_supply(it.control, most, (vm_offset_t)data, PAGE,
	    FALSE, 0, FALSE, MACH_PORT_NULL);
	memory_object_data_supply(it.control, 0, (vm_offset_t)data, PAGE, FALSE,
	    0, TRUE, MACH_PORT_NULL);
	memory_object_data_supply(it.control, 0, (vm_offset_t)data, 0, FALSE, 0,
	    TRUE, MACH_PORT_NULL);
	memory_object_data_unavailable(it.control, 0, SIZE);
	memory_object_data_unavailable(it.control, 0, most);
	memory_object_data_unavailable(it.control, 5, PAGE);
	memory_object_data_error(it.control, 0, most, 0);
	memory_object_set_attributes(it.control, TRUE, TRUE, 77);
	memory_object_change_attributes(it.control, TRUE, -1, MACH_PORT_NULL);
	memory_object_ready(it.control, TRUE, 5);
	is(at[0], 'x', "a page that is there stays there");
	is(memory_object_get_attributes(it.control, &ready, &cache, &strategy),
	    KERN_SUCCESS, "attributes");
	ok(ready && !cache && strategy == MEMORY_OBJECT_COPY_DELAY,
	    "are as they were");
	is(at[PAGE], 'b', "and others come");
	request(0, most, MEMORY_OBJECT_RETURN_DIRTY, TRUE, VM_PROT_NO_CHANGE);
	is(it.dirty, 1, "all there is can be taken back at once");
	pages_end(data, 2 * PAGE);
	unmap(at);
}

/* One page in very many places. */
static void
test_mappings(void)
{
	char *at = map_new(SUPPLY, FALSE), *place[MAPPINGS];
	unsigned wrong = 0;

	for (int i = 0; i < MAPPINGS; i++) {
		mach_vm_address_t address = 0;

		must(mach_vm_map(self, &address, PAGE, 0, VM_FLAGS_ANYWHERE,
		    it.port, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
		    VM_INHERIT_NONE));
		place[i] = (char *)address;
		place[i][i] = 'x';
	}
	is(it.requests, 1, "a page in many places was asked for once");
	request(0, PAGE, MEMORY_OBJECT_RETURN_DIRTY, TRUE, VM_PROT_NO_CHANGE);
	is(it.dirty, 1, "and comes back once");
	for (int i = 0; i < MAPPINGS; i++)
		wrong += place[i][i] != 'a';
	is(wrong, 0, "it was taken from all of them");
	for (int i = 0; i < MAPPINGS; i++)
		pages_end(place[i], PAGE);
	unmap(at);
}

/* A part that is wired stays where it is. */
static void
test_wired(void)
{
	char *at = map_new(SUPPLY, FALSE);
	mach_port_t host;

	must(bootstrap_device(bootstrap_port, "host_priv", &host));
	is(mach_vm_wire(
	       host, self, (mach_vm_address_t)at, PAGE, VM_PROT_DEFAULT),
	    KERN_SUCCESS, "a page that is not there is wired");
	at[0] = 'x';
	request(0, SIZE, MEMORY_OBJECT_RETURN_DIRTY, TRUE, VM_PROT_NO_CHANGE);
	is(it.dirty, 1, "what was written comes back");
	is(it.kept, 1, "but stays");
	is(at[0], 'x', "as it was");
	is(it.requests, 1, "and is not asked for again");
	is(mach_vm_wire(host, self, (mach_vm_address_t)at, PAGE, VM_PROT_NONE),
	    KERN_SUCCESS, "unwired");
	mach_port_deallocate(self, host);
	unmap(at);
}

/* Ports that nobody receives from are mapped and unmapped. */
static void
test_nobody(void)
{
	mach_port_t port = port_new_send();
	unsigned done_so_far = 0;
	kern_return_t kr = KERN_SUCCESS;

	for (int i = 0; i < 300 && kr == KERN_SUCCESS; i++) {
		mach_vm_address_t address = 0;

		kr = mach_vm_map(self, &address, PAGE, 0, VM_FLAGS_ANYWHERE,
		    port, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
		    VM_INHERIT_NONE);
		if (kr != KERN_SUCCESS)
			break;
		done_so_far++;
		must(mach_vm_deallocate(self, address, PAGE));
	}
	ok(done_so_far > 0 &&
		(kr == KERN_SUCCESS || kr == KERN_RESOURCE_SHORTAGE),
	    "a port whose queue nobody empties: %u times, %d", done_so_far, kr);
	port_end(port);
}

/* A port of the kernel's that is no memory. */
static void
test_wrong_ports(void)
{
	char *at = map_new(SUPPLY, FALSE);
	mach_vm_address_t address = 0;

	is(at[0], 'a', "an object");
	is(mach_vm_map(self, &address, PAGE, 0, VM_FLAGS_ANYWHERE, it.control,
	       0, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE),
	    KERN_INVALID_OBJECT, "its control port is none");
	unmap(at);
}

static void
all_once(void)
{
	test_arguments();
	test_mappings();
	test_wired();
	test_nobody();
	test_wrong_ports();
}

int
main(void)
{
	struct baton_kernel_counters before, after;

	self = mach_task_self();
	pager_start();
	all_once();
	before = quiet_counters();
	all_once();
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "no port is left behind");
	/* Caches of objects may have grown by a few. */
	ok(after.pages_free + 64 >= before.pages_free, "and no memory");
	return done();
}
