/* tasks.c: tasks and the host, as their ports answer. */
#include "test/user/mach_test.h"

#include <string.h>

#include <mach/routine_ids.h>

static task_t self;

static void
test_create(void)
{
	task_t child;
	mach_port_t special;

	is(task_create(self, NULL, 0, FALSE, &child), KERN_SUCCESS,
	    "a task is made");
	is(type_of(child), MACH_PORT_TYPE_SEND, "and known by a send right");
	is(task_get_special_port(child, TASK_BOOTSTRAP_PORT, &special),
	    KERN_SUCCESS, "it has a bootstrap port");
	is(special, bootstrap_port, "which is its parent's");
	must(mach_port_deallocate(self, special));
	is(task_get_special_port(child, TASK_KERNEL_PORT, &special),
	    KERN_SUCCESS, "its own port");
	is(special, child, "is the one we know");
	must(mach_port_deallocate(self, special));
	is(task_terminate(child), KERN_SUCCESS, "it is ended");
	ok(dies(child), "and gone");
	is(task_terminate(child), MACH_SEND_INVALID_DEST, "nobody hears us");
	must(mach_port_deallocate(self, child));
}

static void
test_special_ports(void)
{
	mach_port_t port = port_new_send(), special = 1;
	task_t child;

	must(task_create(self, NULL, 0, FALSE, &child));
	is(task_set_special_port(child, TASK_BOOTSTRAP_PORT, port),
	    KERN_SUCCESS, "a special port is set");
	must(task_get_special_port(child, TASK_BOOTSTRAP_PORT, &special));
	is(special, port, "and read");
	is(send_refs(port), 2, "which brings a reference");
	must(mach_port_deallocate(self, special));
	is(task_set_special_port(child, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL),
	    KERN_SUCCESS, "it is taken away");
	must(task_get_special_port(child, TASK_BOOTSTRAP_PORT, &special));
	is(special, MACH_PORT_NULL, "there is none");
	is(task_get_special_port(child, 0, &special), KERN_INVALID_ARGUMENT,
	    "no port 0");
	is(task_get_special_port(child, 1000, &special), KERN_INVALID_ARGUMENT,
	    "nor 1000");
	is(task_get_special_port(child, -1, &special), KERN_INVALID_ARGUMENT,
	    "nor -1");
	is(task_set_special_port(child, TASK_KERNEL_PORT, port),
	    KERN_INVALID_ARGUMENT, "a task is who it is");
	is(send_refs(port), 1, "no reference is lost");

	must(task_set_special_port(child, TASK_ACCESS_PORT, port));
	must(mach_port_deallocate(self, port));
	ok(status_of(port).mps_srights, "the kernel holds a right");
	must(task_terminate(child));
	for (int i = 0; i < 1000 && status_of(port).mps_srights; i++)
		sleep_ms(1);
	ok(!status_of(port).mps_srights, "and gives it up with the task");
	must(mach_port_deallocate(self, child));
	port_end(port);
}

static void
test_info(void)
{
	mach_task_basic_info_data_t info;
	mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
	task_basic_info_64_data_t older;
	const size_t size = 1UL << 20;
	char *pages;
	uint64_t virtual, resident;

	is(task_info(self, MACH_TASK_BASIC_INFO, (task_info_t)&info, &count),
	    KERN_SUCCESS, "what a task is");
	is(count, MACH_TASK_BASIC_INFO_COUNT, "whole");
	is(info.suspend_count, 0, "not stopped");
	virtual = info.virtual_size;
	resident = info.resident_size;
	ok(resident > 0 && resident < virtual, "part of it in memory");
	pages = pages_new(size);
	memset(pages, 1, size / 2);
	must(task_info(self, MACH_TASK_BASIC_INFO, (task_info_t)&info, &count));
	is(info.virtual_size, virtual + size, "a megabyte more");
	ok(info.resident_size >= resident + size / 2 &&
		info.resident_size < resident + size,
	    "half of it in memory");
	pages_end(pages, size);
	count = TASK_BASIC_INFO_64_COUNT;
	is(task_info(self, TASK_BASIC_INFO_64, (task_info_t)&older, &count),
	    KERN_SUCCESS, "in an older form");
	is(older.virtual_size, virtual, "the same");
	count = 3;
	is(task_info(self, MACH_TASK_BASIC_INFO, (task_info_t)&info, &count),
	    KERN_INVALID_ARGUMENT, "no room for it");
	count = MACH_TASK_BASIC_INFO_COUNT;
	is(task_info(self, 4242, (task_info_t)&info, &count),
	    KERN_INVALID_ARGUMENT, "no such flavor");
}

/* ---- the host ---- */

static void
test_host(void)
{
	host_t host = mach_host_self();
	host_basic_info_data_t info;
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
	kernel_version_t version;
	vm_statistics64_data_t memory;
	vm_size_t size = 0;

	is(host_info(host, HOST_BASIC_INFO, (host_info_t)&info, &count),
	    KERN_SUCCESS, "what the machine is");
	is(info.avail_cpus, counters().harts, "%d harts", info.avail_cpus);
	ok(info.max_mem >= 32UL << 20, "with memory");
	is(host_page_size(host, &size), KERN_SUCCESS, "its pages");
	is(size, vm_page_size, "have this size");
	is(host_kernel_version(host, version), KERN_SUCCESS, "its kernel");
	ok(strstr(version, "Baton") != NULL, "is %.40s", version);
	count = HOST_VM_INFO64_COUNT;
	is(host_statistics64(
	       host, HOST_VM_INFO64, (host_info64_t)&memory, &count),
	    KERN_SUCCESS, "its memory");
	ok(memory.free_count > 0, "is not all used");
	is(host_info(host, 999, (host_info_t)&info, &count),
	    KERN_INVALID_ARGUMENT, "no such flavor");
	is(host_reboot(host, HOST_REBOOT_HALT), MIG_BAD_ID,
	    "anybody's host port does not end it");
}

static void
test_summary(void)
{
	struct baton_task_summary tasks[BATON_TASK_SUMMARY_MAX];
	uint64_t after = 0, last = 0;
	uint32_t count;
	unsigned seen = 0, wrong = 0, total = 0;
	task_t children[20];

	for (int i = 0; i < 20; i++) {
		must(task_create(self, NULL, 0, FALSE, &children[i]));
		must(task_set_name(children[i], "nameless"));
	}
	for (;;) {
		count = BATON_TASK_SUMMARY_MAX;
		must(host_task_summary(mach_host_self(), after, tasks, &count));
		if (count == 0)
			break;
		for (uint32_t i = 0; i < count; i++) {
			wrong += tasks[i].id <= last;
			last = tasks[i].id;
			seen += strcmp(tasks[i].name, "nameless") == 0;
			total++;
		}
		after = last;
	}
	is(wrong, 0, "%u tasks are listed in order", total);
	is(seen, 20, "ours among them, by their names");
	for (int i = 0; i < 20; i++) {
		must(task_terminate(children[i]));
		must(mach_port_deallocate(self, children[i]));
	}
}

/* ---- messages that are none ---- */

struct answer {
	mach_msg_header_t header;
	NDR_record_t ndr;
	kern_return_t result;
	uint32_t room[32];
	mach_msg_max_trailer_t trailer;
};

/* Send @size bytes of zeros as request @id: the code in the answer. */
static kern_return_t
ask(mach_port_t port, mach_msg_id_t id, mach_msg_size_t size)
{
	struct answer message;
	kern_return_t kr;

	memset(&message, 0, sizeof(message));
	message.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = port,
	    .msgh_local_port = mig_get_reply_port(),
	    .msgh_id = id,
	};
	kr = mach_msg(&message.header,
	    MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, size,
	    sizeof(message), mig_get_reply_port(), 5000, MACH_PORT_NULL);
	if (kr != KERN_SUCCESS)
		return kr;
	if (message.header.msgh_id != id + 100)
		return MIG_REPLY_MISMATCH;
	return message.result;
}

static void
test_wrong_requests(void)
{
	static const mach_msg_id_t ids[] = {0, 1, 199, 299, 3399, 3499, 3599,
	    4799, 4899, 12345, -1, INT32_MAX, INT32_MIN};
	unsigned wrong = 0;

	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		wrong += ask(self, ids[i], 24) != MIG_BAD_ID;
	is(wrong, 0, "an unknown request is MIG_BAD_ID");
	is(ask(self, MSGID_THREAD_SUSPEND, 24), MIG_BAD_ID,
	    "so is a thread's, of a task");
	wrong = 0;
	for (mach_msg_size_t size = 24; size < 24 + 8 + 20; size += 4)
		wrong += ask(self, MSGID_MACH_VM_ALLOCATE, size) !=
			 MIG_BAD_ARGUMENTS;
	is(wrong, 0, "a request cut short is MIG_BAD_ARGUMENTS");
	is(ask(self, MSGID_TASK_SET_SPECIAL_PORT, 24 + 8 + 4),
	    MIG_BAD_ARGUMENTS, "so is one that lacks its descriptor");
	is(ask(self, MSGID_THREAD_CREATE_RUNNING, 24 + 8 + 8),
	    KERN_INVALID_ARGUMENT, "no flavor 0");

	/* Every request there is, as zeros of every length. */
	for (mach_msg_id_t id = 200; id < 5000; id++) {
		if (id == MSGID_TASK_TERMINATE || id == MSGID_TASK_SUSPEND)
			continue;
		if (id % 100 > 60 && id % 100 < 99)
			continue;
		(void)ask(self, id, 24 + (mach_msg_size_t)(id % 30) * 4);
	}
	ok(counters().harts > 0, "requests of zeros do no harm");
}

/* A request without a way to answer is served all the same. */
static void
test_no_answer(void)
{
	mach_msg_header_t header = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = sizeof(header),
	    .msgh_id = MSGID_TASK_TERMINATE,
	};
	task_t child;

	must(task_create(self, NULL, 0, FALSE, &child));
	header.msgh_remote_port = child;
	is(send_message(&header, sizeof(header)), KERN_SUCCESS,
	    "a request that wants no answer");
	ok(dies(child), "is served");
	must(mach_port_deallocate(self, child));
}

/* Nobody waits for the end of a task with many names; it comes all the same. */
static void
test_end_unawaited(void)
{
	mach_msg_header_t header = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = sizeof(header),
	    .msgh_id = MSGID_TASK_TERMINATE,
	};
	mach_msg_type_name_t type;
	mach_port_t last, right;
	task_t child;

	must(task_create(self, NULL, 0, FALSE, &child));
	for (int i = 0; i < 3000; i++)
		must(mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &last));
	must(mach_port_extract_right(
	    child, last, MACH_MSG_TYPE_MAKE_SEND, &right, &type));
	header.msgh_remote_port = child;
	is(send_message(&header, sizeof(header)), KERN_SUCCESS,
	    "a task with many names is ended, without an answer");
	ok(type_of(child) == MACH_PORT_TYPE_DEAD_NAME, "its port is dead");
	is(send_message(&header, sizeof(header)), MACH_SEND_INVALID_DEST,
	    "and is not to be ended twice");
	ok(dies(right), "its names go, in their time");
	must(mach_port_deallocate(self, right));
	must(mach_port_deallocate(self, child));
}

int
main(void)
{
	self = mach_task_self();
	test_create();
	test_special_ports();
	test_info();
	test_host();
	test_summary();
	test_wrong_requests();
	test_no_answer();
	test_end_unawaited();
	return done();
}
