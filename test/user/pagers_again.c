/*
 * pagers_again.c: who receives for a memory object ends with requests in hand,
 * and the port goes on with another, by a port-destroyed notification: that one
 * is asked for everything again, and the clients notice nothing.  Here both are
 * the test itself, with bare messages.
 */
#include <baton/thread.h>
#include <mach/memory_object.h>
#include <mach/memory_object_control.h>
#include <mach/routine_ids.h>
#include <string.h>

#include "test/user/mach_test.h"

#define PAGE 4096UL
#define SIZE (80 * PAGE)

static task_t self;
static mach_port_t port, notify;
static memory_object_control_t control;

/* ---- the pager ---- */

static union {
	mach_msg_header_t header;
	__Request__memory_object_init_t init;
	__Request__memory_object_data_request_t request;
	char bytes[512];
} got;

/* Receives what the kernel says next: its id, or -1 if it says nothing. */
static int
hear(void)
{
	if (await(&got, sizeof(got), port) != MACH_MSG_SUCCESS)
		return -1;
	return got.header.msgh_id;
}

/* What was received is forgotten with who received it. */
static void
forget(void)
{
	mach_msg_destroy(&got.header);
}

static void
want_it_back(void)
{
	mach_port_t previous;

	must(mach_port_request_notification(self, port,
	    MACH_NOTIFY_PORT_DESTROYED, 0, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &previous));
}

/* The receive right ends, and comes back as it would to another task. */
static void
hand_over(void)
{
	mach_port_destroyed_notification_t told;

	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1));
	must(await(&told, sizeof(told), notify));
	if (told.not_port.name != port)
		note("the port has another name");
	want_it_back();
}

static void
keep_control(void)
{
	control = got.init.memory_control.name;
	mach_port_deallocate(self, got.init.memory_object_name.name);
}

static void
supply(uint64_t offset, vm_prot_t locks)
{
	char *data = pages_new(PAGE);

	memset(data, 'a' + (int)(offset / PAGE % 26), PAGE);
	must(memory_object_data_supply(control, offset, (vm_offset_t)data, PAGE,
	    TRUE, locks, FALSE, MACH_PORT_NULL));
}

/* ---- a client: another thread, which reads or writes one byte ---- */

struct client {
	struct mach_thread *thread;
	volatile char *at;
	bool writes;
	char got;
};

static void
touch(void *argument)
{
	struct client *client = argument;

	if (client->writes)
		*client->at = 'w';
	client->got = *client->at;
}

static void
client_start(struct client *client, char *at, bool writes)
{
	*client = (struct client){.at = at, .writes = writes};
	must(mach_thread_start(touch, client, 0, &client->thread));
}

static char
client_end(struct client *client)
{
	mach_thread_join(client->thread);
	return client->got;
}

/* ---- the tests ---- */

static char *
map_new(void)
{
	mach_vm_address_t address = 0;

	port = port_new_send();
	notify = port_new();
	want_it_back();
	must(mach_vm_map(self, &address, SIZE, 0, VM_FLAGS_ANYWHERE, port, 0,
	    FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	return (char *)address;
}

static char *
map_ready(void)
{
	char *at = map_new();

	is(hear(), MSGID_MEMORY_OBJECT_INIT, "an object begins");
	keep_control();
	must(memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_DELAY));
	return at;
}

static void
unmap(char *at)
{
	pages_end(at, SIZE);
	while (hear() != MSGID_MEMORY_OBJECT_TERMINATE)
		forget();
	forget();
	mach_port_deallocate(self, control);
	port_end(notify); /* it is not wanted back now */
	port_end(port);
}

static bool
is_request(int id, uint64_t offset)
{
	return hear() == id && got.request.offset == offset &&
	       got.request.length == PAGE;
}

static void
test_data(void)
{
	char *at = map_ready();
	struct client one, two;

	client_start(&one, at + PAGE, false);
	ok(is_request(MSGID_MEMORY_OBJECT_DATA_REQUEST, PAGE),
	    "a page is asked for");
	forget();
	client_start(&two, at + 3 * PAGE, false);
	ok(is_request(MSGID_MEMORY_OBJECT_DATA_REQUEST, 3 * PAGE),
	    "and another");
	forget();
	hand_over();
	for (int i = 0; i < 2; i++) {
		is(hear(), MSGID_MEMORY_OBJECT_DATA_REQUEST,
		    "who follows is asked again");
		supply(got.request.offset, VM_PROT_NONE);
		forget();
	}
	is(client_end(&one), 'b', "one client has its page");
	is(client_end(&two), 'd', "and so has the other");
	unmap(at);
}

static void
test_unlock(void)
{
	char *at = map_ready();
	struct client client;

	client_start(&client, at, true);
	ok(is_request(MSGID_MEMORY_OBJECT_DATA_REQUEST, 0), "to be written");
	forget();
	supply(0, VM_PROT_WRITE);
	ok(is_request(MSGID_MEMORY_OBJECT_DATA_UNLOCK, 0),
	    "a page is to be unlocked");
	forget();
	hand_over();
	ok(is_request(MSGID_MEMORY_OBJECT_DATA_UNLOCK, 0),
	    "who follows is asked again");
	forget();
	must(memory_object_lock_request(control, 0, PAGE,
	    MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE, MACH_PORT_NULL));
	is(client_end(&client), 'w', "and the client goes on");
	unmap(at);
}

static void
test_beginning(void)
{
	char *at = map_new();
	struct client client;

	client_start(&client, at, false);
	is(hear(), MSGID_MEMORY_OBJECT_INIT, "an object begins");
	forget();
	hand_over();
	is(hear(), MSGID_MEMORY_OBJECT_INIT, "who follows hears of it too");
	keep_control();
	must(memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_DELAY));
	ok(is_request(MSGID_MEMORY_OBJECT_DATA_REQUEST, 0), "and is asked");
	forget();
	supply(0, VM_PROT_NONE);
	is(client_end(&client), 'a', "the client goes on");
	unmap(at);
}

/* A question of which nothing came is not the last. */
static void
test_silence(void)
{
	char *at = map_ready();
	struct client client;
	char byte = 'v';

	client_start(&client, at, false);
	ok(is_request(MSGID_MEMORY_OBJECT_DATA_REQUEST, 0), "a page comes");
	forget();
	supply(0, VM_PROT_WRITE);
	is(client_end(&client), 'a', "locked");
	is(vm_write(self, (vm_address_t)at, (vm_offset_t)&byte, 1),
	    KERN_MEMORY_ERROR, "it is not unlocked: who writes fails");
	ok(is_request(MSGID_MEMORY_OBJECT_DATA_UNLOCK, 0), "it was asked for");
	forget();
	client_start(&client, at, true);
	ok(is_request(MSGID_MEMORY_OBJECT_DATA_UNLOCK, 0),
	    "the next who writes asks again");
	forget();
	must(memory_object_lock_request(control, 0, PAGE,
	    MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE, MACH_PORT_NULL));
	is(client_end(&client), 'w', "and goes on");
	unmap(at);
}

/* However often it changes hands while nobody listens. */
static void
test_no_flood(void)
{
	char *at = map_ready();
	struct client clients[8];
	unsigned most = 0;

	for (int i = 0; i < 8; i++)
		client_start(&clients[i], at + i * PAGE, false);
	for (int i = 0; i < 100; i++) {
		hand_over();
		sleep_ms(1);
		if (status_of(port).mps_msgcount > most)
			most = status_of(port).mps_msgcount;
	}
	ok(most >= 8, "requests are in the queue: %u", most);
	ok(most <= 200, "so many and not more");
	for (int i = 0; i < 8; i++)
		supply(i * PAGE, VM_PROT_NONE);
	for (int i = 0; i < 8; i++)
		is(client_end(&clients[i]), 'a' + i, "a client goes on");
	unmap(at);
}

int
main(void)
{
	self = mach_task_self();
	test_data();
	test_unlock();
	test_beginning();
	test_silence();
	test_no_flood();
	return done();
}
