/*
 * mach/baton_port.h: what Baton's task ports answer about rights beyond Mach:
 * for people who want to know where their rights are.
 * The calls are in baton/port.h, their messages in mach/baton_port.defs.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/message.h>
#include <mach/ndr.h>

#define BATON_PORT_MESSAGES_MAX	 8
#define BATON_PORT_HOLDERS_MAX	 16
#define BATON_PORT_WAITERS_MAX	 1024
#define BATON_PORT_TASK_NAME_MAX 32

#pragma pack(push, 4)

/* A message that waits in a queue */
struct baton_port_message {
	mach_msg_id_t id;
	uint32_t size;	 /* header and body */
	uint64_t sender; /* the id of its task; 0: the kernel */
};

/* One name, and the port behind it */
struct baton_port_report {
	uint32_t type;	 /* MACH_PORT_TYPE_ of the name */
	uint32_t urefs;	 /* user references of its send rights, or dead name */
	uint32_t kind;	 /* IKOT_: what the kernel keeps behind the port */
	uint64_t object; /* the id of the task, if that is what it is */

	/* For who has the receive right; for others 0. */
	uint32_t send_rights;	   /* one a task; in messages; the kernel's */
	uint32_t send_once_rights; /* likewise */
	uint32_t make_send_count;
	uint32_t sequence; /* of the next message received */
	uint32_t limit;	   /* of the queue */
	uint32_t flags;	   /* MACH_PORT_STATUS_FLAG_ */
	uint32_t sets;	   /* that it is in */
	/* Threads that wait for a message here or by a set, and for room;
	 * not counted beyond BATON_PORT_WAITERS_MAX. */
	uint32_t receivers, senders;
	uint32_t messages; /* in the queue; the first of them follow */
	struct baton_port_message message[BATON_PORT_MESSAGES_MAX];
};

/* One task's rights to a port */
struct baton_port_holder {
	uint64_t task;	    /* id, as in baton_task_summary */
	uint32_t type;	    /* MACH_PORT_TYPE_: what it has */
	uint32_t name;	    /* by which it has receive or send rights; or 0 */
	uint32_t urefs;	    /* of the send right */
	uint32_t send_once; /* rights, each by a name of its own */
	char task_name[BATON_PORT_TASK_NAME_MAX]; /* zero-terminated */
};

typedef struct baton_port_report baton_port_report_t;
typedef struct baton_port_holder baton_port_holder_t;
typedef struct baton_port_holder *baton_port_holder_array_t;

#pragma pack(pop)

MACH_ABI_ASSERT(sizeof(struct baton_port_report) == 188, "ABI");
MACH_ABI_ASSERT(sizeof(struct baton_port_holder) == 56, "ABI");
