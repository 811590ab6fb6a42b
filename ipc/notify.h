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

struct space;

/*
 * What was asked about one name: that its port died, or also that a message
 * may be sent to it.  Belongs to the name's entry (space.h: entry_side.request)
 * and stands in its port's list, armed ones before the others, until its notice
 * is sent or the request is withdrawn.
 *
 *	dead name	told when the port dies
 *	send possible	the same; and once it is armed, when there is room
 *
 * It is armed when it is made, or by a send that timed out (MACH_SEND_NOTIFY).
 * p: the port's lock   I: immutable
 */
struct name_request {
	struct list port_link; /* [p] port->requests */
	mach_port_name_t name; /* I */
	struct kmsg *notice;   /* [p] NULL once sent */
	bool possible;	       /* I: asks for room */
	bool armed;	       /* [p] and shall hear of it */
	bool told;	       /* [p] has heard: asks for nothing any more */
	struct ledger *ledger; /* I: who pays; NULL: the kernel */
};

void notify_init(void);

/* A notice to be sent with @to, a send-once right, which it consumes on
 * success only.  NULL: no memory. */
struct kmsg *notice_create(struct ledger *ledger, struct port *to) must_check;
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

/* @ledger pays for it.  NULL: no memory, or more than @ledger may have. */
struct name_request *name_request_create(struct ledger *ledger,
    struct kmsg *notice, mach_port_name_t name, bool possible) must_check;
void name_request_free(struct name_request *request);
/* It asks @port from now on.  Locks: the port's. */
void name_request_enter(struct name_request *request, struct port *port);
void name_request_arm(struct name_request *request, struct port *port);
/* MACH_PORT_TYPE_*REQUEST*: what it still asks for.  Locks: the port's. */
mach_port_type_t name_request_type(const struct name_request *request);
/* Is there room on @port, and somebody to tell?  Locks: the port's. */
bool notify_room_due(const struct port *port);
/* Tell one of them; @port is locked, and unlocked. */
void notify_room_step(struct port *port);
/* A message to @port by @name timed out, and the sender wants to hear of room:
 * arms the request that he made of that name, if any.  No locks held. */
void notify_when_possible(
    struct space *space, mach_port_name_t name, struct port *port);

/*
 * mach_port_request_notification(): @notify is a send-once right or NULL,
 * consumed on success; the one that was there before comes back in
 * *@previousp.
 *
 * @sync: NO_SENDERS	  the make-send count to wait for
 *	  DEAD_NAME	  not 0: a name that is dead already is told of at once
 *	  SEND_POSSIBLE	  not 0: armed now, and told at once if there is room;
 *			  0: armed by a send with MACH_SEND_NOTIFY
 *	  PORT_DESTROYED  must be 0
 *
 * Returns: KERN_SUCCESS
 *	    KERN_INVALID_VALUE	    no such @id, or @sync
 *	    KERN_INVALID_NAME	    no such name
 *	    KERN_INVALID_RIGHT	    it is of another kind
 *	    KERN_INVALID_ARGUMENT   @name is null or dead, and @sync is 0
 *	    KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check notify_request(struct space *space,
    mach_port_name_t name, int32_t id, uint32_t sync, struct port *notify,
    struct port **previousp);
