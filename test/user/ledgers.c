/*
 * ledgers.c: tasks that take without end reach their own limits, are told so,
 * and take nothing from others; what they had comes back.  Calls to the kernel
 * are refused to who may have no message, in whatever form they are made.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach_traps.h>
#include <mach/ndr.h>
#include <servers/bootstrap.h>

#include "test/user/greed.h"

#define ROOT 1 /* the id of the first task */

static task_t self;

static struct baton_ledger_report
report_of(uint64_t task)
{
	struct baton_ledger_report report;

	must(host_ledger_report(mach_host_self(), task, &report));
	return report;
}

/* All tasks' parts come from the first one's. */
static uint64_t
machine_use(enum baton_ledger_kind kind)
{
	return report_of(ROOT).kind[kind].use;
}

/* What is freed by others' threads may take a moment. */
static bool
falls_to(enum baton_ledger_kind kind, uint64_t most)
{
	for (unsigned i = 0; i < 200; i++) {
		if (machine_use(kind) <= most)
			return true;
		sleep_ms(10);
	}
	return false;
}

/* Two readings of what goes on changing in between: soon they agree. */
static bool
is_the_machines(const struct greedy *greedy)
{
	uint64_t start = mach_absolute_time();
	bool agree;

	do
		agree = machine_use(greedy->way->kind) >=
			ledger_use(greedy->task, greedy->way->kind);
	while (!agree && ms_since(start) < 3000);
	return agree;
}

static void
test_greedy(unsigned number)
{
	const struct greed_way *way = &greed_ways[number];
	struct greed_report report;
	struct greedy greedy;
	uint64_t before = machine_use(way->kind), use, limit;
	uint64_t start = mach_absolute_time();

	greed_start(&greedy, "test/ledgers", number);
	greed_hear(&greedy, &report);
	is((kern_return_t)report.result, way->refused,
	    "%s: the limit is reached after %u", way->name, report.got);
	is(report.others, 0, "and stays reached");
	limit = ledger_limit(greedy.task, way->kind);
	/* It goes on, and may have let go of something in order to tell. */
	do
		use = ledger_use(greedy.task, way->kind);
	while (use + way->more / 2 <= limit && ms_since(start) < 3000);
	ok(use <= limit, "not more than it may have: %llu of %llu",
	    (unsigned long long)use, (unsigned long long)limit);
	ok(use + way->more / 2 > limit, "and not much less");
	ok(is_the_machines(&greedy), "its part is the machine's");
	if (way->kind != BATON_LEDGER_TASKS)
		is(way->one(), KERN_SUCCESS, "others may have another one");
	greed_end(&greedy);
	/* Ours is among what there is now. */
	ok(falls_to(way->kind, before + way->more / 2 + 64),
	    "when it ends, it all comes back: %llu, %llu before",
	    (unsigned long long)machine_use(way->kind),
	    (unsigned long long)before);
}

/* ---- limits ---- */

static void
test_info(void)
{
	struct baton_ledger_info info;
	mach_msg_type_number_t count = BATON_TASK_LEDGER_INFO_COUNT + 9;
	mach_port_t ports[10];
	uint64_t before;

	is(task_info(self, BATON_TASK_LEDGER_INFO, (task_info_t)&info, &count),
	    KERN_SUCCESS, "a task may know what it has");
	is(count, BATON_TASK_LEDGER_INFO_COUNT, "of all kinds");
	for (unsigned kind = 0; kind < BATON_LEDGER_KINDS; kind++)
		ok(info.kind[kind].use <= info.kind[kind].limit &&
			info.kind[kind].limit > 0,
		    "%llu of %llu of kind %u",
		    (unsigned long long)info.kind[kind].use,
		    (unsigned long long)info.kind[kind].limit, kind);
	count = 4;
	is(task_info(self, BATON_TASK_LEDGER_INFO, (task_info_t)&info, &count),
	    KERN_SUCCESS, "or of some");
	is(count, 4, "as many as there is room for");
	before = ledger_use(self, BATON_LEDGER_PORTS);
	for (int i = 0; i < 10; i++)
		ports[i] = port_new();
	is(ledger_use(self, BATON_LEDGER_PORTS), before + 10,
	    "ten ports are ten more");
	for (int i = 0; i < 10; i++)
		port_end(ports[i]);
	is(ledger_use(self, BATON_LEDGER_PORTS), before, "and none when gone");
	is(host_ledger_report(mach_host_self(), 0xffffffffffUL,
	       &(struct baton_ledger_report){0}),
	    KERN_FAILURE, "there is no such task");
	is(report_of(ROOT).parent, 0, "the first task has no parent");
}

static kern_return_t
set(task_t task, natural_t kind, uint64_t limit, uint64_t reserve)
{
	return task_ledger_set(task, kind, limit, reserve);
}

/* Ports that can be made in @task, up to @most; they go again. */
static unsigned
ports_for(task_t task, unsigned most)
{
	mach_port_t ports[64];
	unsigned count = 0;

	while (count < most && mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE,
				   &ports[count]) == KERN_SUCCESS)
		count++;
	for (unsigned i = 0; i < count; i++)
		must(mach_port_destroy(task, ports[i]));
	return count;
}

static void
test_setting(void)
{
	const natural_t kind = BATON_LEDGER_PORTS;
	uint64_t limit = ledger_limit(self, kind), theirs, use;
	task_t child;

	must(task_create(self, NULL, 0, FALSE, &child));
	theirs = ledger_limit(child, kind);
	is(theirs, limit - limit / 8, "a child may have 7/8 of what we may");
	is(set(child, BATON_LEDGER_KINDS, 1, 0), KERN_INVALID_ARGUMENT,
	    "there is no such kind");
	is(set(child, 0xffffffffU, 1, 0), KERN_INVALID_ARGUMENT,
	    "nor such a one");
	is(set(child, kind, 5, 6), KERN_INVALID_ARGUMENT,
	    "more than the limit cannot be reserved");
	is(set(child, kind, 20, 0), KERN_SUCCESS, "it shall have less");
	is(ports_for(child, 64), 20, "and gets no more");
	is(ports_for(child, 64), 20, "as often as it is tried");
	is(set(child, kind, 40, 0), KERN_SUCCESS, "then more");
	is(ports_for(child, 64), 40, "and gets it");
	is(set(self, kind, limit + 1, 0), KERN_NO_ACCESS,
	    "nobody gives himself more");
	is(set(self, kind, limit, 1), KERN_NO_ACCESS, "or sets aside for it");
	is(set(self, kind, limit, 0), KERN_SUCCESS, "but as much, and less");

	use = ledger_use(self, kind);
	is(set(child, kind, 1000, 500), KERN_SUCCESS,
	    "what a child is sure of");
	ok(ledger_use(self, kind) >= use + 450, "is taken from us");
	is(set(child, kind, 1UL << 60, 1UL << 60), KERN_RESOURCE_SHORTAGE,
	    "but not more than there is");
	is(set(child, kind, UINT64_MAX, UINT64_MAX), KERN_RESOURCE_SHORTAGE,
	    "far from it");
	is(ledger_limit(child, kind), 1000, "and nothing has changed then");
	is(set(child, kind, UINT64_MAX, 0), KERN_SUCCESS,
	    "a limit that is none");
	is(ports_for(child, 64), 64, "is no hindrance");
	ok(ledger_use(self, kind) <= use + 100,
	    "and what was set aside is ours");
	must(task_terminate(child));
	is(dies(child), true, "it ends");
	mach_port_deallocate(self, child);
}

/* A child's children have their parts from the child's. */
static void
test_family(void)
{
	const natural_t kind = BATON_LEDGER_PORTS;
	task_t child, grandchild;
	mach_port_t ports[12];

	must(task_create(self, NULL, 0, FALSE, &child));
	must(task_create(child, NULL, 0, FALSE, &grandchild));
	must(set(child, kind, 30, 0));
	is(ports_for(grandchild, 64), 30,
	    "a grandchild gets no more than the child may have");
	/* Of what it had it keeps a bit, unless told to have nothing. */
	must(set(grandchild, kind, 0, 0));
	must(set(grandchild, kind, 1000, 0));
	for (int i = 0; i < 12; i++)
		must(mach_port_allocate(
		    child, MACH_PORT_RIGHT_RECEIVE, &ports[i]));
	is(ports_for(grandchild, 64), 18, "and what the child has not itself");
	must(task_terminate(child));
	ok(dies(child), "the child ends");
	ok(ports_for(grandchild, 64) >= 18,
	    "the grandchild has its part still");
	must(task_terminate(grandchild));
	ok(dies(grandchild), "until it ends");
	mach_port_deallocate(self, child);
	mach_port_deallocate(self, grandchild);
}

static void
test_wired(void)
{
	const natural_t kind = BATON_LEDGER_WIRED;
	uint64_t before = ledger_use(self, kind);
	vm_size_t size = 8 * vm_page_size;
	mach_port_t host_priv = MACH_PORT_NULL;
	char *pages = pages_new(size);

	if (bootstrap_device(bootstrap_port, "host_priv", &host_priv) !=
	    KERN_SUCCESS) {
		skip("wired pages are counted", "nobody lets us wire any");
		return;
	}
	must(mach_vm_wire(host_priv, self, (mach_vm_address_t)pages, size,
	    VM_PROT_READ | VM_PROT_WRITE));
	is(ledger_use(self, kind), before + 8, "wired pages are counted");
	must(mach_vm_wire(
	    host_priv, self, (mach_vm_address_t)pages, size, VM_PROT_READ));
	is(ledger_use(self, kind), before + 8, "once, however often");
	pages_end(pages, size / 2);
	is(ledger_use(self, kind), before + 4, "and not when they are gone");
	must(mach_vm_wire(host_priv, self, (mach_vm_address_t)pages + size / 2,
	    size / 2, VM_PROT_NONE));
	must(mach_vm_wire(host_priv, self, (mach_vm_address_t)pages + size / 2,
	    size / 2, VM_PROT_NONE));
	is(ledger_use(self, kind), before, "or wired no more");
	pages_end(pages + size / 2, size / 2);
	mach_port_deallocate(self, host_priv);
}

/* ---- rights that go elsewhere ---- */

static void
test_moved_port(void)
{
	const natural_t kind = BATON_LEDGER_PORTS;
	uint64_t ours = ledger_use(self, kind), theirs;
	mach_port_t port = port_new_send();
	task_t child;

	must(task_create(self, NULL, 0, FALSE, &child));
	theirs = ledger_use(child, kind);
	must(mach_port_insert_right(
	    child, 0x5501, port, MACH_MSG_TYPE_MOVE_RECEIVE));
	is(ledger_use(child, kind), theirs,
	    "who is given a port does not pay for it");
	must(mach_port_mod_refs(child, 0x5501, MACH_PORT_RIGHT_RECEIVE, -1));
	ok(ledger_use(self, kind) <= ours + 8,
	    "and who has made it does not when it is dead");
	is(type_of(port), MACH_PORT_TYPE_DEAD_NAME, "though names of it stand");
	mach_port_deallocate(self, port);
	must(task_terminate(child));
	mach_port_deallocate(self, child);
}

/* ---- calls to the kernel ---- */

/* What a child sees of its calls, each in both forms; turn by turn. */
struct calls {
	atomic_uint asked, answered;
	kern_return_t in_registers, from_buffer;
};

static struct calls *calls;

struct call {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t name, right, room[16];
} __attribute__((aligned(8)));

#define ID_GET_REFS 3207
#define CALL_OPTION (MACH_SEND_MSG | MACH_RCV_MSG)
#define CALL_SIZE   offsetof(struct call, room)

static void
make_call(struct call *call, mach_port_t to, mach_port_t reply)
{
	*call = (struct call){
	    .header.msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .header.msgh_size = CALL_SIZE,
	    .header.msgh_remote_port = to,
	    .header.msgh_local_port = reply,
	    .header.msgh_id = ID_GET_REFS,
	    .ndr = NDR_record,
	    .name = reply,
	    .right = MACH_PORT_RIGHT_RECEIVE,
	};
}

static void
caller(void)
{
	mach_port_t to = task_self_trap(), reply = mach_reply_port();
	struct call call;

	for (unsigned turn = 0;; turn++) {
		while (calls->asked == turn)
			swtch();
		make_call(&call, to, reply);
		calls->in_registers = mach_msg(&call.header, CALL_OPTION,
		    CALL_SIZE, sizeof(call), reply, 0, 0);
		make_call(&call, to, reply);
		calls->from_buffer = mach_msg_trap(&call.header, CALL_OPTION,
		    CALL_SIZE, sizeof(call), reply, 0, 0);
		calls->answered = turn + 1;
	}
}

static void
let_call(void)
{
	unsigned turn = ++calls->asked;

	while (calls->answered != turn)
		sleep_ms(1);
}

static void
test_kernel_calls(void)
{
	const natural_t kind = BATON_LEDGER_MESSAGES;
	char *stack = pages_new(4 * vm_page_size);
	riscv64_thread_state_t state = {
	    .pc = (uint64_t)caller,
	    .sp = (uint64_t)stack + 4 * vm_page_size,
	};
	uint64_t limit;
	thread_t thread;
	task_t child;

	calls = pages_new(vm_page_size);
	must(mach_vm_inherit(
	    self, (mach_vm_address_t)calls, vm_page_size, VM_INHERIT_SHARE));
	must(task_create(self, NULL, 0, TRUE, &child));
	limit = ledger_limit(child, kind);
	__asm__("mv %0, gp" : "=r"(state.gp));
	must(thread_create_running(child, RISCV64_THREAD_STATE,
	    (thread_state_t)&state, RISCV64_THREAD_STATE_COUNT, &thread));
	for (int i = 0; i < 3; i++)
		let_call();
	is(calls->in_registers, MACH_MSG_SUCCESS, "a call to the kernel");
	is(calls->from_buffer, MACH_MSG_SUCCESS, "and by the long way");
	must(task_ledger_set(child, kind, 0, 0));
	let_call();
	is(calls->in_registers, MACH_SEND_NO_BUFFER,
	    "who may have no message makes none");
	is(calls->from_buffer, MACH_SEND_NO_BUFFER, "in either way");
	must(task_ledger_set(child, kind, limit, 0));
	let_call();
	is(calls->in_registers, MACH_MSG_SUCCESS, "and then again");
	is(calls->from_buffer, MACH_MSG_SUCCESS, "in both");
	must(task_terminate(child));
	mach_port_deallocate(self, thread);
	mach_port_deallocate(self, child);
	pages_end(calls, vm_page_size);
	pages_end(stack, 4 * vm_page_size);
}

int
main(int argc, char *argv[])
{
	greed_main(argc, argv);
	self = mach_task_self();
	test_info();
	test_setting();
	test_family();
	test_moved_port();
	test_kernel_calls();
	test_wired();
	for (unsigned i = 0; i < greed_count; i++)
		test_greedy(i);
	return done();
}
