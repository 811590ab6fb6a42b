/*
 * ipc/kserver.h: how the kernel serves messages to its own ports.
 *
 * A message to a port of the kernel's never enters a queue: the sender's
 * thread serves it at once, in kserver.c, and the reply goes to the reply
 * right like any other message.
 *
 * To add a routine, write a handler beside what it serves and a line in that
 * file's table:
 *
 *	static kern_return_t
 *	serve_mach_vm_allocate(struct kcall *call)
 *	{
 *		struct task *task = call->object;
 *		uaddr_t address = kcall_u64(call);
 *		uint64_t size = kcall_u64(call);
 *		uint32_t flags = kcall_u32(call);
 *		kern_return_t kr;
 *
 *		kr = map_allocate(task->map, &address, size, ...);
 *		kcall_put_u64(call, address);
 *		return kr;
 *	}
 *
 *	const struct kroutine vm_routines[] = {
 *		{MSGID_MACH_VM_ALLOCATE, "mach_vm_allocate", KOBJECT_TASK,
 *		    serve_mach_vm_allocate, .in = 20, .out = 8},
 *		...
 *	};
 *
 * and, for a new table, kserver_register() in the boot list.
 *
 * Wire layout (MIG's): request = header [body, descriptors] NDR arguments;
 * reply = header NDR RetCode results, or with descriptors = header body
 * descriptors NDR results.  An NDR between descriptors and no data is left
 * out.  Fields are packed to 4 bytes.  A call that fails
 * is answered with NDR and RetCode alone, and what was put is given up.
 */
#pragma once
#include <mach/mig_errors.h>
#include <mach/routine_ids.h>

#include "ipc/kmsg.h"
#include "ipc/port.h"
#include "kernel/types.h"

struct kcall;
struct transfer;

typedef kern_return_t (*kroutine_serve_t)(struct kcall *call);

struct kroutine {
	int32_t id;	  /* msgh_id of the request */
	const char *name; /* for people */
	uint16_t kind;	  /* enum kobject_kind of the port */
	kroutine_serve_t serve;
	/*
	 * The request must have at least this many bytes of arguments behind
	 * its NDR, and exactly these descriptors, in order: 's' a send right,
	 * 'r' a receive right, 'p' any one right, 'o' memory, 'a' an array of
	 * rights.  NULL: none.  Null rights pass; look for NULL.
	 */
	uint16_t in;
	const char *descriptors;
	/* Most bytes of results behind NDR and RetCode, and descriptors. */
	uint32_t out;
	uint16_t out_descriptors;
};

/*
 * One call.  Handlers read arguments and put results in the order of the
 * routine's definition; the descriptors of a reply before its data.
 */
struct kcall {
	const struct kroutine *routine;
	/*
	 * What the port stands for, alive until the handler returns: a
	 * struct task or thread, or as port.h says.
	 */
	void *object;
	struct task *caller; /* whose message it is; current_thread()->task */
	struct port *port;   /* that was called */
	/*
	 * A long operation does a part, saves how far it is here, and returns
	 * KCALL_AGAIN; it is called again, from its start, with the same
	 * request, after others had their turn.  All zero at first.
	 */
	uint64_t *progress; /* three words */

	/* ---- kserver.c's own ---- */
	struct kmsg *request;
	uint32_t cursor; /* offset in the request's body */
	uint32_t next_descriptor;
	struct kmsg *reply; /* NULL: nobody wants one */
	uint32_t data;	    /* where in its body the results begin */
	uint32_t put;	    /* bytes of results put */
	bool overflow;	    /* more was put than the table says */
};

#define KCALL_PROGRESS_WORDS 3
/* Not an error: call me again. */
#define KCALL_AGAIN (-1000)

/* Does nobody want the reply?  Then who would make a long one need not. */
static inline bool
kcall_is_one_way(const struct kcall *call)
{
	return call->reply == NULL;
}

void kserver_init(void);
void kserver_register(const struct kroutine *routines, unsigned count);

/* ---- arguments ---- */

/* Of the first `in` bytes every read succeeds; beyond, 0 is read. */
uint32_t kcall_u32(struct kcall *call);
uint64_t kcall_u64(struct kcall *call);
/* @size bytes of a fixed array, padded to 4; NULL: the request is shorter. */
const void *kcall_bytes(struct kcall *call, uint32_t size) must_check;
/* The same for a string of at most @size bytes, which has to end in them. */
const char *kcall_string(struct kcall *call, uint32_t size) must_check;
/* Bytes not read yet. */
uint32_t kcall_left(struct kcall *call);

/*
 * The next descriptor.  The call keeps the right or the memory and gives it
 * up at its end; the _take forms pass it to the handler (and give NULL from
 * then on).  A right comes as sent: a send right, unless the table says else.
 * Rights to dead ports come as the dead port.
 */
struct port *kcall_port(struct kcall *call) must_check;
struct port *kcall_port_take(
    struct kcall *call, mach_msg_type_name_t *typep) must_check;
struct transfer *kcall_ool(struct kcall *call, uint64_t *sizep) must_check;
struct transfer *kcall_ool_take(struct kcall *call, uint64_t *sizep) must_check;
/* Rights of an out-of-line array, still the call's; entries may be NULL. */
struct port **kcall_ool_ports(struct kcall *call, uint32_t *countp,
    mach_msg_type_name_t *typep) must_check;

/* ---- results ---- */

/* Consumes a right of @type (MACH_MSG_TYPE_PORT_*), whatever happens. */
void kcall_put_port(
    struct kcall *call, struct port *port, mach_msg_type_name_t type);
/* The usual one: a send right; NULL gives MACH_PORT_NULL. */
void kcall_put_send(struct kcall *call, struct port *port);
/* Consumes @transfer, whatever happens. */
void kcall_put_ool(
    struct kcall *call, struct transfer *transfer, uint64_t size);
/* An array of send rights, copied into the message; consumes the rights,
 * not the array.  KERN_RESOURCE_SHORTAGE (the rights are consumed). */
kern_return_t must_check kcall_put_ool_ports(struct kcall *call,
    struct port *const *ports, uint32_t count, mach_msg_type_name_t type);

void kcall_put_u32(struct kcall *call, uint32_t value);
void kcall_put_u64(struct kcall *call, uint64_t value);
/* Padded with zeros to 4. */
void kcall_put_bytes(struct kcall *call, const void *bytes, uint32_t size);
/* MIG's variable inline array: a count of elements, then the elements. */
void kcall_put_array(struct kcall *call, const void *elements, uint32_t count,
    uint32_t element_size);

/* ---- waiting in a handler ---- */

/*
 * A handler that has to wait saves its progress and blocks with this as its
 * continuation, after kcall_suspend(); it is then called again like after
 * KCALL_AGAIN, with the wait's result in current_thread()->wait_result.
 */
void kcall_suspend(struct kcall *call);
void kcall_continue(void);

/*
 * The same for a handler whose wait settles the call: after kcall_suspend() it
 * blocks with a continuation of its own, which ends with this.  The object's
 * reference is the handler's to drop.  The reply has no results.
 */
noreturn void kcall_finish(kern_return_t kr);

/* ---- generated subsystems ---- */

struct call;
struct routine;

/* The routines of a definition, which userland/mig has made. */
struct subsystem {
	const struct routine *routines;
	unsigned count;
};

/* Boot: answer these. */
void call_register(const struct subsystem *subsystem);

/*
 * A long operation does a part, saves how far it is here, and returns
 * KCALL_AGAIN; it is called again, from its start, with the same arguments,
 * after others had their turn.  All zero at first.
 */
#define CALL_PROGRESS_WORDS 3
uint64_t *call_progress(void);

/*
 * An array for a reply to carry: a copy of @ports, whose send rights it takes
 * over.  KERN_RESOURCE_SHORTAGE: they are gone all the same.
 */
kern_return_t must_check call_port_array(
    struct port *const *ports, uint32_t count, struct port ***arrayp);

/*
 * A handler that has to wait blocks with a continuation of its own, which ends
 * with this: the call answers @kr, and has no results.  Meanwhile the thread's
 * step state is the call's, and so is the reference to what was called.
 */
noreturn void call_finish(kern_return_t kr);

/*
 * Fill an array of words that has room for *@countp with @size bytes of @info.
 * KERN_INVALID_ARGUMENT: there is less room.
 */
kern_return_t must_check call_put_info(
    void *words, uint32_t *countp, const void *info, uint32_t size);

void call_serve(struct kmsg *kmsg);
bool call_is_known(int32_t id, unsigned kind);

/* ---- for message.c ---- */

/*
 * Serve @kmsg, sent to a port of the kernel's; consumes it.  When it returns,
 * the reply has been sent.  Where the handler has to wait it does not return,
 * and message_served() goes on later.
 */
void kserver_serve(struct kmsg *kmsg);
