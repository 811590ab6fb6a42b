/*
 * services.c: the bootstrap server: names of services, programs and their ends.
 *
 * Run with an argument this program is its own child: `exit N`, `crash`,
 * `take NAME`, `nap`.
 */
#include "test/user/mach_test.h"

#include <stdlib.h>
#include <string.h>

#include <servers/bootstrap.h>
#include <user/bootstrap.h>
#include <user/bootstrap_programs.h>

static mach_port_t boot;

static void
test_register(void)
{
	mach_port_t port = port_new_send(), found = 0, other = port_new_send();
	name_t name = "test.services.one";

	is(bootstrap_look_up(boot, name, &found), BOOTSTRAP_UNKNOWN_SERVICE,
	    "nobody has that name");
	is(bootstrap_register(boot, name, port), BOOTSTRAP_SUCCESS,
	    "we take it");
	is(bootstrap_look_up(boot, name, &found), BOOTSTRAP_SUCCESS,
	    "it is found");
	is(found, port, "and is ours");
	is(bootstrap_register(boot, name, other), BOOTSTRAP_NAME_IN_USE,
	    "nobody else gets it");
	is(bootstrap_register(boot, name, MACH_PORT_NULL), BOOTSTRAP_SUCCESS,
	    "we give it back");
	is(bootstrap_look_up(boot, name, &found), BOOTSTRAP_UNKNOWN_SERVICE,
	    "it is gone");
	is(bootstrap_register(boot, name, other), BOOTSTRAP_SUCCESS,
	    "and free");
	must(mach_port_mod_refs(
	    mach_task_self(), other, MACH_PORT_RIGHT_RECEIVE, -1));
	for (int i = 0; i < 500; i++) {
		if (bootstrap_look_up(boot, name, &found) != BOOTSTRAP_SUCCESS)
			break;
		if (found == MACH_PORT_DEAD)
			break;
		mach_port_deallocate(mach_task_self(), found);
		sleep_ms(2);
	}
	ok(bootstrap_look_up(boot, name, &found) == BOOTSTRAP_UNKNOWN_SERVICE ||
		!MACH_PORT_VALID(found) ||
		(type_of(found) & MACH_PORT_TYPE_DEAD_NAME) != 0,
	    "a name does not outlive its port");
	mach_port_deallocate(mach_task_self(), other);
	port_end(port);
}

static void
test_check_in(void)
{
	mach_port_t port = 0;

	is(bootstrap_check_in(boot, "no.such.service", &port),
	    BOOTSTRAP_UNKNOWN_SERVICE, "only what the manifest names");
	ok(bootstrap_check_in(boot, "console", &port) != BOOTSTRAP_SUCCESS,
	    "and only by whom it names");
	is(bootstrap_look_up(boot, "console", &port), BOOTSTRAP_SUCCESS,
	    "the console is there");
	ok((type_of(port) & MACH_PORT_TYPE_SEND) != 0, "for all to send to");
	mach_port_deallocate(mach_task_self(), port);
}

static int
run(char *word, char *more)
{
	char *argv[] = {"services", word, more, NULL};
	task_t task;
	int status = -1;

	must(bootstrap_spawn(boot, "test/services", argv, &task));
	must(bootstrap_wait(boot, task, &status));
	mach_port_deallocate(mach_task_self(), task);
	return status;
}

static void
test_programs(void)
{
	char *argv[] = {"x", NULL};
	mach_port_t found;
	name_t name;
	task_t task;
	int status;

	is(run("exit", "0"), 0, "a program ends well");
	is(run("exit", "42"), 42, "or with a status");
	ok(run("crash", NULL) >= 128, "or is ended");
	is(bootstrap_spawn(boot, "no/such/program", argv, &task),
	    BOOTSTRAP_UNKNOWN_SERVICE, "a program that is not there");
	is(bootstrap_spawn(boot, "manifest", argv, &task),
	    KERN_INVALID_ARGUMENT, "a file that is no program");
	is(bootstrap_wait(boot, mach_task_self(), &status),
	    BOOTSTRAP_UNKNOWN_SERVICE, "waiting for what is no child");
	is(bootstrap_list(boot, 0, name), BOOTSTRAP_SUCCESS,
	    "programs are listed");
	is(bootstrap_list(boot, 100000, name), BOOTSTRAP_BAD_COUNT,
	    "up to the last");

	is(run("take", "test.services.two"), 0, "a child takes a name");
	is(bootstrap_look_up(boot, "test.services.two", &found),
	    BOOTSTRAP_UNKNOWN_SERVICE, "which ends with it");
}

/* ---- requests that no library would send ---- */

enum {
	CHECK_IN = 402,
	REGISTER,
	LOOK_UP,
	START = 440,
	AWAIT,
	LIST,
	DEVICE,
	EXIT,
	ARCHIVE
};

static const mach_msg_id_t ids[] = {
    CHECK_IN, REGISTER, LOOK_UP, START, AWAIT, LIST, DEVICE, EXIT};

static union {
	mach_msg_base_t base;
	__Request__bootstrap_look_up_t name; /* check_in and device as well */
	__Request__bootstrap_register_t reg;
	__Request__bootstrap_start_t start;
	__Request__bootstrap_await_t await;
	char bytes[1300];
} request;

static kern_return_t
ask(mach_msg_id_t id, size_t size)
{
	return ask_raw(boot, id, 0, &request, size);
}

static void
test_wrong_forms(void)
{
	static const mach_msg_id_t unknown[] = {
	    0, 401, 405, 439, 446, 502, 504, 541, 0x7fffffff};
	unsigned wrong = 0;

	memset(&request, 0, sizeof(request));
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		wrong += ask(ids[i], 24) != MIG_BAD_ARGUMENTS;
		wrong += ask(ids[i], 1240) != MIG_BAD_ARGUMENTS;
	}
	wrong += ask(ARCHIVE, 32) != MIG_BAD_ARGUMENTS;
	is(wrong, 0, "sizes that do not fit");
	for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		wrong += ask(unknown[i], 24) != MIG_BAD_ID;
	is(wrong, 0, "what it has no routine for");
}

static void
test_wrong_names(void)
{
	unsigned wrong = 0;

	memset(&request, 'x', sizeof(request));
	wrong += ask(CHECK_IN, sizeof(request.name)) != MIG_BAD_ARGUMENTS;
	wrong += ask(LOOK_UP, sizeof(request.name)) != MIG_BAD_ARGUMENTS;
	wrong += ask(DEVICE, sizeof(request.name)) != MIG_BAD_ARGUMENTS;
	is(wrong, 0, "names without an end");
	request.name.service[BOOTSTRAP_MAX_NAME_LEN - 1] = '\0';
	is(ask(LOOK_UP, sizeof(request.name)), BOOTSTRAP_UNKNOWN_SERVICE,
	    "the longest that there can be");
}

/* Asks to register @right, with @count descriptors said to be there. */
static kern_return_t
register_raw(
    mach_port_t right, mach_msg_type_name_t disposition, unsigned count)
{
	memset(&request, 0, sizeof(request));
	request.reg.msgh_body.msgh_descriptor_count = count;
	request.reg.port = (mach_msg_port_descriptor_t){
	    .name = right,
	    .disposition = disposition,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};
	strcpy(request.reg.service, "test.services.wrong");
	return ask_raw(boot, REGISTER, MACH_MSGH_BITS_COMPLEX, &request,
	    sizeof(request.reg));
}

/* What a request brought that was refused is given up. */
static void
test_wrong_rights(void)
{
	mach_port_t mine = port_new_send(), moved = port_new_send(), found;
	name_t name = "test.services.wrong";
	struct parcel parcel;

	is(register_raw(mine, MACH_MSG_TYPE_MAKE_SEND_ONCE, 1), MIG_TYPE_ERROR,
	    "a send-once right is no service");
	is(take(mine), MACH_NOTIFY_SEND_ONCE, "it is given up");
	is(register_raw(moved, MACH_MSG_TYPE_MOVE_RECEIVE, 1), MIG_TYPE_ERROR,
	    "nor is a receive right");
	ok(dies(moved), "it is given up");
	is(register_raw(mine, MACH_MSG_TYPE_COPY_SEND, 0), MIG_BAD_ARGUMENTS,
	    "no right where one should be");
	is(bootstrap_look_up(boot, name, &found), BOOTSTRAP_UNKNOWN_SERVICE,
	    "none of these has the name");

	must(bootstrap_register(boot, name, mine));
	is(senders(mine), 2, "a service's right is kept");
	is(register_raw(mine, MACH_MSG_TYPE_MAKE_SEND, 1),
	    BOOTSTRAP_NAME_IN_USE, "a name is taken once");
	is(senders(mine), 2, "a second right is given up");
	must(bootstrap_register(boot, name, MACH_PORT_NULL));
	is(senders(mine), 1, "and the first with the name");

	parcel_fill(&parcel, boot, mine, MACH_MSG_TYPE_COPY_SEND);
	is(ask_raw(boot, LIST, MACH_MSGH_BITS_COMPLEX, &parcel, PARCEL_SIZE),
	    MIG_BAD_ARGUMENTS, "a right in a request that has none");
	is(senders(mine), 1, "is given up");
	mach_port_deallocate(mach_task_self(), moved);
	port_end(mine);
}

/* Asks to start us with @count arguments in the @bytes at @packed. */
static kern_return_t
start_raw(uint32_t count, const char *packed, uint32_t bytes, uint32_t said)
{
	memset(&request, 0, sizeof(request));
	strcpy(request.start.program, "test/services");
	request.start.count = count;
	request.start.argumentsCnt = said;
	memcpy(request.start.arguments, packed, bytes);
	return ask(START, offsetof(__Request__bootstrap_start_t, arguments) +
			      ((bytes + 3) & ~3U));
}

static void
test_wrong_arguments(void)
{
	char many[64] = "";

	is(start_raw(0, "", 0, 0), MIG_BAD_ARGUMENTS, "no arguments");
	is(start_raw(1, "abc", 3, 3), MIG_BAD_ARGUMENTS, "one without an end");
	is(start_raw(2, "abc", 4, 4), MIG_BAD_ARGUMENTS, "fewer than it says");
	is(start_raw(1, "a\0b", 4, 4), MIG_BAD_ARGUMENTS, "more");
	is(start_raw(BOOTSTRAP_ARGC_MAX + 1, many, BOOTSTRAP_ARGC_MAX + 1,
	       BOOTSTRAP_ARGC_MAX + 1),
	    MIG_BAD_ARGUMENTS, "too many");
	is(start_raw(1, "a", 2, BOOTSTRAP_ARGS_MAX + 4), MIG_BAD_ARGUMENTS,
	    "longer than there may be");
}

/* A child that waits until its parent has asked about it. */
static int
nap(void)
{
	mach_port_t parent;

	while (bootstrap_look_up(boot, "test.services.go", &parent) !=
	       BOOTSTRAP_SUCCESS)
		sleep_ms(2);
	return 0;
}

static uint32_t
start_nap(task_t *task)
{
	char packed[] = "services\0nap";
	uint32_t id = 0;

	must(bootstrap_start(
	    boot, "test/services", 2, packed, sizeof(packed), task, &id));
	return id;
}

/* Asks to be told of the end of child @id; @kind: how to make the right. */
static void
await_raw(uint32_t id, mach_port_t reply, mach_msg_type_name_t kind)
{
	request.await = (__Request__bootstrap_await_t){
	    .Head =
		{
		    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, kind),
		    .msgh_size = sizeof(request.await),
		    .msgh_remote_port = boot,
		    .msgh_local_port = reply,
		    .msgh_id = AWAIT,
		},
	    .NDR = NDR_record,
	    .id = id,
	};
	must(send_message(&request, sizeof(request.await)));
}

/* The server keeps a right until the child ends, and answers or gives it up. */
static void
test_absent_parents(void)
{
	mach_port_t dead = port_new(), full = port_new_send();
	mach_port_t waiting = port_new();
	task_t task[4];
	uint32_t id[4];
	struct {
		__Reply__bootstrap_await_t await;
		mach_msg_max_trailer_t trailer;
	} reply;
	int status;

	for (unsigned i = 0; i < 4; i++)
		id[i] = start_nap(&task[i]);
	await_raw(id[0], MACH_PORT_NULL, 0);
	await_raw(id[1], dead, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	set_limit(full, 1);
	must(post(full, 1));
	await_raw(id[2], full, MACH_MSG_TYPE_COPY_SEND);
	await_raw(id[3], waiting, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	is(bootstrap_await(boot, id[3], &status), BOOTSTRAP_UNKNOWN_SERVICE,
	    "one may wait for a child");
	is(bootstrap_await(boot, id[3] + 1000, &status),
	    BOOTSTRAP_UNKNOWN_SERVICE, "and for no other's");
	/* One right is ours, one of the message in the queue. */
	is(senders(full), 3, "who waits is remembered");
	port_end(dead);

	must(bootstrap_register(boot, "test.services.go", full));
	is(await(&reply, sizeof(reply), waiting), MACH_MSG_SUCCESS,
	    "who waits is answered");
	ok(reply.await.Head.msgh_id == AWAIT + 100 &&
		reply.await.Head.msgh_size == sizeof(reply.await) &&
		reply.await.RetCode == KERN_SUCCESS && reply.await.status == 0,
	    "in the form of an answer");
	for (unsigned i = 0; i < 4; i++) {
		ok(dies(task[i]), "a child ends, whoever waits for it");
		mach_port_deallocate(mach_task_self(), task[i]);
	}
	is(bootstrap_await(boot, id[0], &status), KERN_SUCCESS,
	    "without a right nobody was waiting");
	must(bootstrap_register(boot, "test.services.go", MACH_PORT_NULL));
	for (int i = 0; i < 500 && senders(full) > 2; i++)
		sleep_ms(2);
	is(senders(full), 2, "who takes no answer gets none");
	is(take(full), 1, "what was there before is there");
	is(take(full), -1, "and nothing else");
	port_end(full);
	port_end(waiting);
}

static int
be_child(char *argv[])
{
	if (strcmp(argv[1], "exit") == 0)
		return atoi(argv[2]);
	if (strcmp(argv[1], "crash") == 0)
		*(volatile int *)0 = 1;
	if (strcmp(argv[1], "nap") == 0)
		return nap();
	if (strcmp(argv[1], "take") == 0)
		return bootstrap_register(boot, argv[2], port_new_send());
	return EXIT_FAILURE;
}

int
main(int argc, char *argv[])
{
	name_t name;

	boot = bootstrap_port;
	if (argc > 1)
		return be_child(argv);
	tap_hold();
	test_register();
	test_check_in();
	test_programs();
	test_wrong_forms();
	test_wrong_names();
	test_wrong_rights();
	test_wrong_arguments();
	test_absent_parents();
	is(bootstrap_list(boot, 0, name), BOOTSTRAP_SUCCESS,
	    "it serves as before");
	return done();
}
