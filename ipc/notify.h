/*
 * ipc/notify.h: messages by which the kernel tells that something happened to
 * a right.
 *
 * The message is set aside, with the send-once right it will go to, when the
 * notification is asked for; so it never fails later.  Only the notice of an
 * unused send-once right, which nobody asks for, is made when it is due; where
 * memory is short then, the port remembers that it is owed one.
 */
#pragma once
#include "ipc/port.h"

/*
 * A dead-name request of one name.  Belongs to the name's entry
 * (space.h: entry_side.request) and stands in its port's list until the port
 * dies or the request is withdrawn.
 * p: the port's lock   s: the space's lock
 */
struct name_request {
	struct list port_link; /* [p] port->requests */
	mach_port_name_t name; /* I */
	struct kmsg *notice;   /* [p] NULL once sent */
	uint32_t type;	       /* I: MACH_PORT_TYPE_DNREQUEST or SPREQUEST */
};

void notify_init(void);

/* A notice to be sent with @to, a send-once right, which it consumes on
 * success only.  NULL: no memory. */
struct kmsg *notice_create(struct port *to) must_check;
/* The request is withdrawn: free the notice; the caller gets its right. */
struct port *notice_cancel(struct kmsg *notice);

/* Send a notice that was set aside; consumes it.  No locks held. */
void notify_dead_name(struct kmsg *notice, mach_port_name_t name);
void notify_port_deleted(struct kmsg *notice, mach_port_name_t name);
void notify_send_possible(struct kmsg *notice, mach_port_name_t name);
void notify_no_senders(struct kmsg *notice, uint32_t make_send_count);
/* @port: a receive right, which moves into the message. */
void notify_port_destroyed(struct kmsg *notice, struct port *port);

/* The port gets a notice that a send-once right to it, which the caller holds
 * and which is consumed, was given up unused. */
void notify_send_once(struct port *port);
/* Try again to send what memory was lacking for; true: still owed some. */
bool notify_owed(struct port *port);

struct name_request *name_request_create(
    struct kmsg *notice, mach_port_name_t name, uint32_t type) must_check;
void name_request_free(struct name_request *request);

/*
 * mach_port_request_notification(): @notify is a send-once right or NULL,
 * consumed on success; the one that was there before comes back in
 * *@previousp.
 */
struct space;
kern_return_t must_check notify_request(struct space *space,
    mach_port_name_t name, int32_t id, uint32_t sync, struct port *notify,
    struct port **previousp);
