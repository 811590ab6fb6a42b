/*
 * ipc/call.h: one call of a kernel routine, as its decoder sees it.
 *
 * Decoders are generated from the definitions of the kernel's interfaces
 * (userland/mig), and are the only ones to include this.  kserver.c has checked
 * the request's form by the routine's row before it calls one, and completes
 * the reply after it.
 */
#pragma once
#include <mach/mig_errors.h>

#include "ipc/kmsg.h"
#include "ipc/kserver.h"
#include "ipc/port.h"
#include "ipc/space.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"

struct call;

struct routine {
	int32_t id;	  /* msgh_id of the request */
	const char *name; /* for people */
	uint16_t kind;	  /* enum kobject_kind of the port */
	/*
	 * Some handler's argument lies in the request, so that the reply cannot
	 * be written over it.
	 */
	bool keeps_request;
	uint8_t reply_descriptors;
	uint32_t least, most; /* bytes of the request's body */
	uint32_t reply_size;  /* most bytes of the reply's body */
	/*
	 * What the request carries, a letter each: 's' a send right, 'o' a
	 * send-once right, 'r' a receive right, 'p' any one right, 'm' memory,
	 * 'a' an array of send rights.  Null rights pass.
	 */
	const char *descriptors;
	kern_return_t (*decode)(struct call *call);
};

struct call {
	const void *in;	      /* the request's body */
	void *out;	      /* the reply's, which may be the same memory */
	void *object;	      /* what the port called stands for */
	struct kmsg *request; /* carries what came, until it is taken */
	struct kmsg *reply;
	uint32_t reply_size; /* of its body: at first as long as it may be */
};

/* ---- arguments ---- */

/* The elements that a caller who has room for @asked can be given. */
static inline uint32_t
call_room(uint32_t asked, uint32_t most)
{
	return asked < most ? asked : most;
}

/* Is the request as long as an array of @count elements at @at makes it? */
bool call_array_fits(const struct call *call, uint32_t at, uint32_t count,
    uint32_t most, uint32_t element_size) must_check;

static inline bool
call_string_ends(const char *string, uint32_t size)
{
	return memchr(string, '\0', size) != NULL;
}

/* Memory that is to be as large as what it is copied to; false: it is not. */
bool call_copy_memory(
    const struct kdescriptor *descriptor, void *to, uint64_t size) must_check;

/* A right that a handler may take, which a receive right in a message that
 * others follow is not. */
struct port *call_right(struct kdescriptor *descriptor) must_check;

/* ---- results ---- */

/* The reply's @index-th descriptor; each consumes what it is given. */
void call_put_port(struct call *call, uint32_t index, struct port *port,
    mach_msg_type_name_t type);
void call_put_memory(struct call *call, uint32_t index,
    struct transfer *transfer, uint64_t size);
void call_put_ports(struct call *call, uint32_t index, struct port **ports,
    uint32_t count, mach_msg_type_name_t type);

/* Move @size bytes to @at in the reply, which ends behind them, in whole words;
 * where that is. */
uint32_t call_append(
    struct call *call, uint32_t at, const void *bytes, uint32_t size);

/* Of a string that ends in @room bytes, its NUL counted. */
uint32_t call_string_size(const char *string, uint32_t room);
