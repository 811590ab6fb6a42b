/* registered.c: rights that tasks, threads and the host keep for others. */
#include "test/user/mach_test.h"

#include <mach/host_special_ports.h>
#include <mach/mach_param.h>
#include <mach/task_special_ports.h>
#include <mach/thread_special_ports.h>
#include <servers/bootstrap.h>

static mach_port_t self;

/* What is registered with @task, in @ports. */
static void
look_up(task_t task, mach_port_t ports[TASK_PORT_REGISTER_MAX])
{
	mach_port_array_t array;
	mach_msg_type_number_t count = 0;

	must(mach_ports_lookup(task, &array, &count));
	is(count, TASK_PORT_REGISTER_MAX, "three are looked up");
	for (unsigned i = 0; i < count; i++)
		ports[i] = array[i];
	pages_end(array, count * sizeof(*array));
}

static void
test_register(void)
{
	mach_port_t ports[4], found[TASK_PORT_REGISTER_MAX];
	task_t child;

	for (unsigned i = 0; i < 4; i++)
		ports[i] = port_new_send();
	is(mach_ports_register(self, ports, 4), KERN_INVALID_ARGUMENT,
	    "not four ports");
	is(send_refs(ports[0]), 1, "which stay with us");
	is(mach_ports_register(self, ports, 2), KERN_SUCCESS, "but two");
	look_up(self, found);
	ok(found[0] == ports[0] && found[1] == ports[1], "are found");
	is(found[2], MACH_PORT_NULL, "the third is null");
	is(send_refs(ports[0]), 2, "a reference more for looking");
	must(task_create(self, NULL, 0, false, &child));
	is(mach_ports_register(self, ports + 2, 1), KERN_SUCCESS,
	    "others in their place");
	look_up(child, found);
	ok(found[0] == ports[0] && found[1] == ports[1],
	    "a child has what was registered when it was made");
	look_up(self, found);
	is(found[0], ports[2], "we have the new one");
	ok(found[1] == MACH_PORT_NULL && found[2] == MACH_PORT_NULL,
	    "and no more");
	is(mach_ports_register(self, NULL, 0), KERN_SUCCESS, "none at all");
	look_up(self, found);
	is(found[0], MACH_PORT_NULL, "are none");
	must(mach_port_mod_refs(self, ports[0], MACH_PORT_RIGHT_RECEIVE, -1));
	look_up(child, found);
	is(found[0], MACH_PORT_DEAD, "one that has died is dead");
	must(task_terminate(child));
	must(mach_port_deallocate(self, child));
	must(mach_port_destroy(self, ports[0]));
	for (unsigned i = 1; i < 4; i++)
		port_end(ports[i]);
}

static void
test_register_wrong(void)
{
	struct {
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_ool_ports_descriptor_t ports;
		NDR_record_t ndr;
		uint32_t count;
		mach_msg_max_trailer_t trailer;
	} request;
	mig_reply_error_t *reply = (mig_reply_error_t *)&request;
	mach_port_t port = port_new_send(), names[1] = {port};
	mach_port_t answers = port_new();

	request.header = (mach_msg_header_t){
	    .msgh_bits =
		MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
					     MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_size = offsetof(__typeof__(request), trailer),
	    .msgh_remote_port = self,
	    .msgh_local_port = answers,
	    .msgh_id = 3403,
	};
	request.body.msgh_descriptor_count = 1;
	request.ports = (mach_msg_ool_ports_descriptor_t){
	    .address = names,
	    .copy = MACH_MSG_PHYSICAL_COPY,
	    .disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	    .count = 1,
	};
	request.ndr = NDR_record;
	request.count = 1;
	must(mach_msg(&request.header, MACH_SEND_MSG | MACH_RCV_MSG,
	    request.header.msgh_size, sizeof(request), answers, 0, 0));
	ok(reply->RetCode != KERN_SUCCESS, "send-once rights are refused");
	is(take_later(port), MACH_NOTIFY_SEND_ONCE, "and given up");
	port_end(port);
	port_end(answers);
}

/* ---- special ports ---- */

static void
test_task_ports(void)
{
	static const int settable[] = {TASK_HOST_PORT, TASK_BOOTSTRAP_PORT,
	    TASK_ACCESS_PORT, TASK_DEBUG_CONTROL_PORT,
	    TASK_RESOURCE_NOTIFY_PORT};
	static const int fixed[] = {TASK_KERNEL_PORT, TASK_NAME_PORT,
	    TASK_INSPECT_PORT, TASK_READ_PORT};
	mach_port_t port = port_new_send(), special;
	task_t task, child;

	must(task_create(self, NULL, 0, false, &task));
	for (unsigned i = 0; i < sizeof(settable) / sizeof(*settable); i++) {
		is(task_set_special_port(task, settable[i], port), KERN_SUCCESS,
		    "special port %d is set", settable[i]);
		must(task_get_special_port(task, settable[i], &special));
		is(special, port, "and got");
	}
	for (unsigned i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		is(task_set_special_port(task, fixed[i], port),
		    KERN_INVALID_ARGUMENT, "%d is not set", fixed[i]);
		is(task_get_special_port(task, fixed[i], &special),
		    KERN_SUCCESS, "but got");
		if (special != MACH_PORT_NULL)
			must(mach_port_deallocate(self, special));
	}
	for (int i = 7; i <= 12; i = i == 8 ? 12 : i + 1)
		is(task_get_special_port(task, i, &special),
		    KERN_INVALID_ARGUMENT, "there is no %d", i);
	must(task_create(task, NULL, 0, false, &child));
	must(task_get_special_port(child, TASK_ACCESS_PORT, &special));
	is(special, port, "a child has its parent's access port");
	must(task_get_special_port(child, TASK_HOST_PORT, &special));
	is(special, port, "and host port");
	must(task_get_special_port(child, TASK_DEBUG_CONTROL_PORT, &special));
	is(special, MACH_PORT_NULL, "but not the debugger's");
	must(task_terminate(child));
	must(task_terminate(task));
	must(mach_port_deallocate(self, child));
	must(mach_port_deallocate(self, task));
	port_end(port);
}

static void
test_thread_ports(void)
{
	mach_port_t thread = mach_thread_self(), special;

	is(thread_get_special_port(thread, THREAD_KERNEL_PORT, &special),
	    KERN_SUCCESS, "a thread's own port");
	is(special, thread, "is the thread");
	must(mach_port_deallocate(self, special));
	is(thread_get_special_port(thread, THREAD_READ_PORT, &special),
	    KERN_INVALID_ARGUMENT, "there is no other");
	is(thread_set_special_port(thread, THREAD_KERNEL_PORT, thread),
	    KERN_INVALID_ARGUMENT, "and none to set");
	must(mach_port_deallocate(self, thread));
}

static void
test_host_ports(void)
{
	const int mine = HOST_MAX_SPECIAL_PORT;
	mach_port_t host = mach_host_self(), priv, special, port;

	is(host_set_special_port(host, mine, host), MIG_BAD_ID,
	    "it takes privilege to set the host's ports");
	must(mach_port_deallocate(self, host));
	if (bootstrap_device(bootstrap_port, "host_priv", &priv) !=
	    KERN_SUCCESS) {
		skip("the host's other ports", "no host_priv");
		return;
	}
	port = port_new_send();
	is(host_get_special_port(
	       priv, HOST_LOCAL_NODE, HOST_PRIV_PORT, &special),
	    KERN_SUCCESS, "the privileged host port");
	is(special, priv, "is itself");
	must(mach_port_deallocate(self, special));
	is(host_set_special_port(priv, HOST_PRIV_PORT, port),
	    KERN_INVALID_ARGUMENT, "and not to be set");
	is(host_set_special_port(priv, mine, port), KERN_SUCCESS,
	    "the last of them is");
	must(host_get_special_port(priv, HOST_LOCAL_NODE, mine, &special));
	is(special, port, "and got");
	is(host_set_special_port(priv, mine, MACH_PORT_NULL), KERN_SUCCESS,
	    "and taken away");
	must(host_get_special_port(priv, HOST_LOCAL_NODE, mine, &special));
	is(special, MACH_PORT_NULL, "for good");
	is(host_set_special_port(priv, mine + 1, port), KERN_INVALID_ARGUMENT,
	    "there is no other");
	is(host_get_special_port(
	       priv, HOST_LOCAL_NODE, HOST_SECURITY_PORT, &special),
	    KERN_INVALID_ARGUMENT, "nor a security port");
	must(mach_port_deallocate(self, priv));
	port_end(port);
}

int
main(void)
{
	self = mach_task_self();
	test_register();
	test_register_wrong();
	test_task_ports();
	test_thread_ports();
	test_host_ports();
	return done();
}
