/* lib/greed.c: see greed.h. */
#include "test/user/greed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach_eventlink.h>
#include <mach/mk_timer.h>
#include <mach/notify.h>
#include <mach/routine_ids.h>
#include <mach/semaphore.h>
#include <servers/bootstrap.h>

#include "test/user/paged.h"

/* Where a greedy task finds the right that sets it off. */
#define GO_NAME ((mach_port_t)0x00077701)
#define TRIES	200000

/* ---- what to take ---- */

static kern_return_t
take_port(void)
{
	mach_port_t port;

	return mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
}

static kern_return_t
take_name(void)
{
	mach_port_t name;

	return mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_DEAD_NAME, &name);
}

static kern_return_t
take_set(void)
{
	mach_port_t set;

	return mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set);
}

/* One more port of ours becomes a member of one more set. */
static kern_return_t
take_membership(void)
{
	static mach_port_t set, port;
	static unsigned members;
	mach_port_t self = mach_task_self();
	kern_return_t kr = KERN_SUCCESS;

	if (members++ % 16 == 0)
		kr = mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set);
	if (kr == KERN_SUCCESS)
		kr = mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &port);
	if (kr == KERN_SUCCESS)
		kr = mach_port_insert_member(self, port, set);
	return kr;
}

static kern_return_t
take_request(void)
{
	mach_port_t self = mach_task_self(), port, previous;
	kern_return_t kr;

	kr = mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &port);
	if (kr == KERN_SUCCESS)
		kr = mach_port_insert_right(
		    self, port, port, MACH_MSG_TYPE_MAKE_SEND);
	if (kr == KERN_SUCCESS)
		kr = mach_port_request_notification(self, port,
		    MACH_NOTIFY_DEAD_NAME, 0, port,
		    MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
	if (kr != KERN_SUCCESS)
		(void)mach_port_destroy(self, port);
	return kr;
}

static kern_return_t
take_thread(void)
{
	thread_t thread;
	kern_return_t kr = thread_create(mach_task_self(), &thread);

	if (kr == KERN_SUCCESS)
		mach_port_deallocate(mach_task_self(), thread);
	return kr;
}

/* No two of them side by side, or they were one. */
static kern_return_t
take_entry(void)
{
	static mach_vm_address_t at = 64UL << 30;

	at += 2 * PAGE;
	return mach_vm_allocate(mach_task_self(), &at, PAGE, VM_FLAGS_FIXED);
}

static kern_return_t
take_memory_entry(void)
{
	memory_object_size_t size = PAGE;
	mach_port_t entry;

	return mach_make_memory_entry_64(mach_task_self(), &size, 0,
	    MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT, &entry, MACH_PORT_NULL);
}

static kern_return_t
take_semaphore(void)
{
	semaphore_t semaphore;

	return semaphore_create(
	    mach_task_self(), &semaphore, SYNC_POLICY_FIFO, 0);
}

static kern_return_t
take_eventlink(void)
{
	eventlink_port_pair_t pair;

	return mach_eventlink_create(
	    mach_task_self(), MELC_OPTION_NO_COPYIN, pair);
}

static kern_return_t
take_timer(void)
{
	return mk_timer_create() != MACH_PORT_NULL ? KERN_SUCCESS
						   : KERN_RESOURCE_SHORTAGE;
}

static kern_return_t
take_task(void)
{
	task_t task;

	return task_create(mach_task_self(), NULL, 0, FALSE, &task);
}

/* A row of tasks, each made of the one before. */
static kern_return_t
take_grandchild(void)
{
	static task_t last;
	task_t task;
	kern_return_t kr;

	kr = task_create(
	    last != 0 ? last : mach_task_self(), NULL, 0, FALSE, &task);
	if (kr == KERN_SUCCESS)
		last = task;
	return kr;
}

/* Where messages wait for ever: a port whose queue takes them all. */
static mach_port_t sink;

static mach_port_t
get_sink(void)
{
	mach_port_options_t options = {
	    .flags = MPO_QLIMIT | MPO_INSERT_SEND_RIGHT,
	    .mpl.mpl_qlimit = MACH_PORT_QLIMIT_MAX,
	};

	/* A trap: messages may not be to be had. */
	if (sink == MACH_PORT_NULL)
		(void)mach_port_construct(mach_task_self(), &options, 0, &sink);
	return sink;
}

static kern_return_t
send_to_sink(void *message, size_t size)
{
	mach_msg_header_t *header = message;

	header->msgh_remote_port = get_sink();
	header->msgh_size = (mach_msg_size_t)size;
	return mach_msg(header, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
	    (mach_msg_size_t)size, 0, MACH_PORT_NULL, 0, 0);
}

static kern_return_t
take_message(void)
{
	struct note note = {
	    .header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)};

	return send_to_sink(&note, NOTE_SIZE);
}

static kern_return_t
take_large_message(void)
{
	static struct {
		mach_msg_header_t header;
		uint8_t body[60000];
	} message;

	message.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
	return send_to_sink(&message, sizeof(message));
}

static kern_return_t
take_array(void)
{
	static mach_port_t names[2000];
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_ool_ports_descriptor_t ports;
	} message = {
	    .header.msgh_bits = MACH_MSGH_BITS_COMPLEX |
				MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .body.msgh_descriptor_count = 1,
	    .ports.address = names,
	    .ports.count = sizeof(names) / sizeof(names[0]),
	    .ports.disposition = MACH_MSG_TYPE_COPY_SEND,
	    .ports.type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	};

	return send_to_sink(&message, sizeof(message));
}

/* Answers that nobody takes: the kernel sends them, we asked. */
static kern_return_t
take_answer(void)
{
	mach_msg_header_t request = {
	    .msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_COPY_SEND),
	    .msgh_size = sizeof(request),
	    .msgh_remote_port = mach_task_self(),
	    .msgh_id = MSGID_MACH_PORTS_LOOKUP,
	};

	request.msgh_local_port = get_sink();
	return mach_msg(&request, MACH_SEND_MSG, sizeof(request), 0,
	    MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, 0);
}

/* Notices that nobody takes, of send-once rights given up. */
static kern_return_t
take_notice(void)
{
	struct note note = {
	    .header.msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)};
	kern_return_t kr;

	note.header.msgh_remote_port = mach_host_self();
	note.header.msgh_local_port = get_sink();
	kr = mach_msg(&note.header, MACH_SEND_MSG, NOTE_SIZE, 0, MACH_PORT_NULL,
	    MACH_MSG_TIMEOUT_NONE, 0);
	mach_port_deallocate(mach_task_self(), note.header.msgh_remote_port);
	return kr;
}

/* A byte into memory that was never touched, a page after the other, or each in
 * a table of its own. */
static kern_return_t
take_memory(mach_vm_size_t stride)
{
	static mach_vm_address_t next, end;
	const mach_vm_size_t size = 0x4000 * stride;
	kern_return_t kr = KERN_SUCCESS;

	if (next == end) {
		kr = mach_vm_allocate(
		    mach_task_self(), &next, size, VM_FLAGS_ANYWHERE);
		end = kr == KERN_SUCCESS ? next + size : next;
	}
	if (kr == KERN_SUCCESS)
		kr =
		    mach_vm_write(mach_task_self(), next, (vm_offset_t) "x", 1);
	if (kr == KERN_SUCCESS)
		next += stride;
	return kr;
}

static kern_return_t
take_page(void)
{
	return take_memory(vm_page_size);
}

static kern_return_t
take_table(void)
{
	return take_memory(2UL << 20);
}

/* Some pages that only a memory entry has, when its mapping has gone. */
static kern_return_t
take_unmapped(void)
{
	const mach_vm_size_t size = 16 * PAGE;
	memory_object_size_t given = size;
	mach_vm_address_t at = 0;
	mach_port_t entry;
	kern_return_t kr;

	kr = mach_make_memory_entry_64(mach_task_self(), &given, 0,
	    MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT, &entry, MACH_PORT_NULL);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = mach_vm_map(mach_task_self(), &at, size, 0, VM_FLAGS_ANYWHERE,
	    entry, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_NONE);
	for (mach_vm_size_t i = 0; kr == KERN_SUCCESS && i < size; i += PAGE)
		kr = mach_vm_write(
		    mach_task_self(), at + i, (vm_offset_t) "x", 1);
	if (at != 0)
		(void)mach_vm_deallocate(mach_task_self(), at, size);
	if (kr != KERN_SUCCESS)
		mach_port_deallocate(mach_task_self(), entry);
	return kr;
}

#define KEPT_PAGES 32
/* Snapshots of one object: fewer than there may be. */
#define KEPT_EACH 7

/* One more object of a pager of ours, mapped. */
static mach_port_t
take_paged(char **memoryp)
{
	static struct paged paged[16];
	static unsigned made;
	mach_port_t right;

	must(made == sizeof(paged) / sizeof(paged[0]));
	if (made == 0)
		paged_start();
	right = paged_make(&paged[made++], KEPT_PAGES * PAGE, true);
	*memoryp = paged_map(right, 0, KEPT_PAGES * PAGE, FALSE);
	return right;
}

/* What a private mapping of it keeps when all of it is written: it is lost when
 * we may not have it. */
static kern_return_t
take_snapshot(void)
{
	static mach_port_t right;
	static unsigned kept;
	static char *shared;
	const mach_vm_size_t size = KEPT_PAGES * PAGE;
	mach_vm_address_t at = 0;
	mach_vm_size_t read = 1;
	kern_return_t kr;
	char byte;

	if (shared == NULL || kept == KEPT_EACH) {
		right = take_paged(&shared);
		kept = 0;
	}
	kr = mach_vm_map(mach_task_self(), &at, size, 0, VM_FLAGS_ANYWHERE,
	    right, 0, TRUE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_NONE);
	for (mach_vm_size_t i = 0; kr == KERN_SUCCESS && i < size; i += PAGE)
		kr = mach_vm_write(mach_task_self(),
		    (mach_vm_address_t)shared + i, (vm_offset_t) "y", 1);
	if (kr == KERN_SUCCESS)
		kr = mach_vm_read_overwrite(mach_task_self(), at + size - PAGE,
		    1, (mach_vm_address_t)&byte, &read);
	if (kr == KERN_SUCCESS)
		kept++;
	else if (at != 0)
		(void)mach_vm_deallocate(mach_task_self(), at, size);
	return kr;
}

const struct greed_way greed_ways[] = {
    {"ports", BATON_LEDGER_PORTS, 100, take_port, KERN_RESOURCE_SHORTAGE},
    {"names", BATON_LEDGER_NAMES, 256, take_name, KERN_RESOURCE_SHORTAGE},
    {"sets", BATON_LEDGER_PORT_SETS, 100, take_set, KERN_RESOURCE_SHORTAGE},
    {"members of sets", BATON_LEDGER_PORT_SETS, 100, take_membership,
	KERN_RESOURCE_SHORTAGE},
    {"requests", BATON_LEDGER_REQUESTS, 100, take_request,
	KERN_RESOURCE_SHORTAGE},
    {"threads", BATON_LEDGER_THREADS, 50, take_thread, KERN_RESOURCE_SHORTAGE},
    {"map entries", BATON_LEDGER_MAP_ENTRIES, 100, take_entry,
	KERN_RESOURCE_SHORTAGE},
    {"memory objects", BATON_LEDGER_OBJECTS, 100, take_memory_entry,
	KERN_RESOURCE_SHORTAGE},
    {"semaphores", BATON_LEDGER_SEMAPHORES, 100, take_semaphore,
	KERN_RESOURCE_SHORTAGE},
    {"eventlinks", BATON_LEDGER_EVENTLINKS, 50, take_eventlink,
	KERN_RESOURCE_SHORTAGE},
    {"timers", BATON_LEDGER_TIMERS, 50, take_timer, KERN_RESOURCE_SHORTAGE},
    {"messages", BATON_LEDGER_MESSAGES, 50000, take_message,
	MACH_SEND_NO_BUFFER},
    {"large messages", BATON_LEDGER_MESSAGES, 500000, take_large_message,
	MACH_SEND_NO_BUFFER},
    {"arrays of rights", BATON_LEDGER_MESSAGES, 200000, take_array,
	MACH_SEND_NO_BUFFER},
    {"answers", BATON_LEDGER_MESSAGES, 50000, take_answer, MACH_SEND_NO_BUFFER},
    {"refusals", BATON_LEDGER_MESSAGES, 50000, take_notice,
	MACH_SEND_NO_BUFFER},
    {"tasks", BATON_LEDGER_TASKS, 30, take_task, KERN_RESOURCE_SHORTAGE},
    {"tasks of tasks", BATON_LEDGER_TASKS, 30, take_grandchild,
	KERN_RESOURCE_SHORTAGE},
    {"pages", BATON_LEDGER_RESIDENT, 4000, take_page, KERN_RESOURCE_SHORTAGE},
    {"pages that are not mapped", BATON_LEDGER_RESIDENT, 1000, take_unmapped,
	KERN_RESOURCE_SHORTAGE},
    {"pages that snapshots keep", BATON_LEDGER_RESIDENT, 1000, take_snapshot,
	KERN_MEMORY_ERROR},
    {"page tables", BATON_LEDGER_PAGE_TABLES, 100, take_table,
	KERN_RESOURCE_SHORTAGE},
    {"anything: ports", BATON_LEDGER_KERNEL, 100000, take_port,
	KERN_RESOURCE_SHORTAGE},
    {"anything: threads", BATON_LEDGER_KERNEL, 100000, take_thread,
	KERN_RESOURCE_SHORTAGE},
};
const unsigned greed_count = sizeof(greed_ways) / sizeof(greed_ways[0]);

/* ---- ledgers ---- */

static struct baton_ledger_info
info_of(task_t task)
{
	mach_msg_type_number_t count = BATON_TASK_LEDGER_INFO_COUNT;
	struct baton_ledger_info info;

	must(task_info(
	    task, BATON_TASK_LEDGER_INFO, (task_info_t)&info, &count));
	return info;
}

uint64_t
ledger_use(task_t task, enum baton_ledger_kind kind)
{
	struct baton_ledger_info info = info_of(task);

	return info.kind[kind].use;
}

uint64_t
ledger_limit(task_t task, enum baton_ledger_kind kind)
{
	struct baton_ledger_info info = info_of(task);

	return info.kind[kind].limit;
}

/* ---- the test's side ---- */

void
greed_start(struct greedy *greedy, const char *program, unsigned number)
{
	const struct greed_way *way = &greed_ways[number];
	char argument[16];
	char *argv[] = {(char *)program, "greedy", argument, NULL};

	snprintf(argument, sizeof(argument), "%u", number);
	greedy->way = way;
	greedy->port = port_new();
	must(bootstrap_spawn(bootstrap_port, program, argv, &greedy->task));
	/* It may still be starting: what that takes is not to fail. */
	while (mach_port_insert_right(greedy->task, GO_NAME, greedy->port,
		   MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS)
		sleep_ms(1);
}

void
greed_hear(struct greedy *greedy, struct greed_report *report)
{
	must(await(report, sizeof(*report), greedy->port));
}

void
greed_end(struct greedy *greedy)
{
	(void)task_terminate(greedy->task);
	(void)dies(greedy->task);
	mach_port_deallocate(mach_task_self(), greedy->task);
	port_end(greedy->port);
}

/* ---- the greedy task ---- */

static bool
has(mach_port_t name)
{
	mach_port_type_t type;

	return mach_port_type(mach_task_self(), name, &type) == KERN_SUCCESS;
}

static void
tell(struct greed_report *report)
{
	report->header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_remote_port = GO_NAME,
	};
	/* That takes memory of messages, too.  Here is a trap, no message. */
	if (sink != MACH_PORT_NULL)
		mach_port_mod_refs(
		    mach_task_self(), sink, MACH_PORT_RIGHT_RECEIVE, -1);
	sink = MACH_PORT_NULL;
	while (send_message(report, offsetof(struct greed_report, trailer)) !=
	       MACH_MSG_SUCCESS)
		sleep_ms(1);
}

void
greed_main(int argc, char *argv[])
{
	struct greed_report report = {0};
	const struct greed_way *way;
	task_t self = mach_task_self();
	kern_return_t kr;

	if (argc < 3 || strcmp(argv[1], "greedy") != 0)
		return;
	way = &greed_ways[atoi(argv[2])];
	(void)mig_get_reply_port();
	while (!has(GO_NAME))
		sleep_ms(1);
	must(task_ledger_set(
	    self, way->kind, ledger_use(self, way->kind) + way->more, 0));
	while ((kr = way->one()) == KERN_SUCCESS && report.got < TRIES)
		report.got++;
	report.result = (uint32_t)kr;
	for (unsigned i = 0; i < GREED_AGAIN; i++)
		report.others += way->one() != kr;
	tell(&report);
	for (;;)
		(void)way->one();
}
