/*
 * The kernel tells: a port of which we had a send right died, and a port of
 * ours has no senders left.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <mach/mach.h>
#include <mach/notify.h>

static mach_port_t
make_port(void)
{
	mach_port_t port = MACH_PORT_NULL;
	kern_return_t kr;

	kr = mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	assert(kr == KERN_SUCCESS);
	return port;
}

static void
watch(mach_port_t name, mach_msg_id_t what, mach_port_mscount_t sync,
    mach_port_t notify)
{
	mach_port_t previous = MACH_PORT_NULL;
	kern_return_t kr;

	kr = mach_port_request_notification(mach_task_self(), name, what, sync,
	    notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
	assert(kr == KERN_SUCCESS);
	assert(previous == MACH_PORT_NULL);
}

int
main(void)
{
	union {
		mach_msg_header_t header;
		mach_dead_name_notification_t dead;
		mach_no_senders_notification_t none;
		char room[sizeof(mach_dead_name_notification_t) +
			  MAX_TRAILER_SIZE];
	} message;
	mach_port_t task = mach_task_self();
	mach_port_t notify = make_port(), mortal = make_port();
	mach_msg_return_t mr;
	kern_return_t kr;

	kr = mach_port_insert_right(
	    task, mortal, mortal, MACH_MSG_TYPE_MAKE_SEND);
	assert(kr == KERN_SUCCESS);
	watch(mortal, MACH_NOTIFY_NO_SENDERS, 1, notify);
	kr = mach_port_deallocate(task, mortal);
	assert(kr == KERN_SUCCESS);

	memset(&message, 0, sizeof(message));
	mr = mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
	    sizeof(message), notify, 1000, MACH_PORT_NULL);
	assert(mr == MACH_MSG_SUCCESS);
	assert(message.header.msgh_id == MACH_NOTIFY_NO_SENDERS);
	printf("no senders; %u were made\n", message.none.not_count);

	kr = mach_port_insert_right(
	    task, mortal, mortal, MACH_MSG_TYPE_MAKE_SEND);
	assert(kr == KERN_SUCCESS);
	watch(mortal, MACH_NOTIFY_DEAD_NAME, 0, notify);
	kr = mach_port_mod_refs(task, mortal, MACH_PORT_RIGHT_RECEIVE, -1);
	assert(kr == KERN_SUCCESS);
	mr = mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
	    sizeof(message), notify, 1000, MACH_PORT_NULL);
	assert(mr == MACH_MSG_SUCCESS);
	assert(message.header.msgh_id == MACH_NOTIFY_DEAD_NAME);
	assert(message.dead.not_port == mortal);
	printf("port 0x%x is dead\n", message.dead.not_port);

	/* One reference was ours, one came with the message. */
	kr = mach_port_mod_refs(task, mortal, MACH_PORT_RIGHT_DEAD_NAME, -2);
	assert(kr == KERN_SUCCESS);
	mach_port_destroy(task, notify);
	(void)kr;
	(void)mr;
	return 0;
}
