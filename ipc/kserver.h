/*
 * ipc/kserver.h: how the kernel serves messages to its own ports.
 *
 * A message to a port of the kernel's never enters a queue: the sender's
 * thread serves it at once, in kserver.c, and the reply goes to the reply
 * right like any other message.
 *
 * What can be asked is said in definitions (kernel/include/mach/NAME.defs and
 * others), from which userland/mig makes <serve/NAME.h>, the handlers'
 * declarations, and decoders that call them.  To add a routine, define it and
 * write its handler beside what it serves:
 *
 *	routine mach_vm_allocate(
 *			task	: vm_map_t;
 *		inout	address	: mach_vm_address_t;
 *			size	: mach_vm_size_t;
 *			flags	: int);
 *
 *	kern_return_t
 *	serve_mach_vm_allocate(struct map *map, mach_vm_address_t *address,
 *	    mach_vm_size_t size, int flags)
 *	{
 *		return allocate_plain(map, address, size, (uint32_t)flags);
 *	}
 *
 * The first parameter is what the port stands for, alive until the handler
 * returns; the rest are the arguments, as stubgen/kernel.py lists them.
 *
 * - A request of the wrong form never reaches a handler: MIG_BAD_ARGUMENTS for
 *   its size, its number of descriptors, a count beyond the maximum, a string
 *   without an end; MIG_TYPE_ERROR for the kind of a right, or memory of
 *   another size than its count says; KERN_INVALID_ARGUMENT for a port that
 *   stands for something else.  Null rights pass: look for NULL.
 * - Pointers to arrays are multiples of 4, not of 8.
 * - A handler that returns KERN_SUCCESS has written all results (they are 0 at
 *   first; *count is the room) and has taken over the rights it was given.
 *   Otherwise it has done neither.  Memory, arrays of rights and what a port
 *   was translated to stay the call's in any case.
 * - Rights that it gives are the reply's: send rights, or of the type it says.
 */
#pragma once
#include <mach/mig_errors.h>
#include <mach/routine_ids.h>

#include "kernel/types.h"
#include "vm/memory_wait.h"

struct kmsg;
struct port;
struct routine;

/* Not an error: call me again. */
#define KCALL_AGAIN (-1000)

/* Does @kr say that the call is not over: KCALL_AGAIN, or KERN_MEMORY_WAIT? */
static inline bool
call_goes_on(kern_return_t kr)
{
	return kr == KCALL_AGAIN || kr == KERN_MEMORY_WAIT;
}

/*
 * A long operation does a part, saves how far it is here, and returns
 * KCALL_AGAIN; it is called again, from its start, with the same arguments,
 * after others had their turn.  All zero at first.  KERN_MEMORY_WAIT does the
 * same when a page that was absent has come, or does not.
 */
#define CALL_PROGRESS_WORDS 3
uint64_t *call_progress(void);

/*
 * A handler that has to wait blocks with a continuation of its own, which ends
 * with this: the call answers @kr, and has no results.  Meanwhile the thread's
 * step state is the call's, and so is the reference to what was called.
 */
noreturn void call_finish(kern_return_t kr);

/* Memory that is an argument becomes the handler's; called again, it finds NULL
 * in its place. */
struct transfer;
void call_keep_memory(const struct transfer *memory);

/* Does the request say where to answer?  Without, nobody waits for it. */
bool call_wants_reply(void);

/*
 * Fill an array of words that has room for *@countp with @size bytes of @info.
 * KERN_INVALID_ARGUMENT: there is less room.
 */
kern_return_t must_check call_put_info(
    void *words, uint32_t *countp, const void *info, uint32_t size);

/*
 * An array for a reply to carry: a copy of @ports, whose send rights it takes
 * over.  KERN_RESOURCE_SHORTAGE: they are gone all the same.
 */
kern_return_t must_check call_port_array(
    struct port *const *ports, uint32_t count, struct port ***arrayp);

/* ---- boot ---- */

/* The routines of a definition. */
struct subsystem {
	const struct routine *routines;
	unsigned count;
};

/* From now on they are answered. */
void kserver_register(const struct subsystem *subsystem);

/* ---- for message.c ---- */

/*
 * Serve @kmsg, sent to a port of the kernel's; consumes it.  The reply, which
 * is to be sent to its @remote; NULL: there is none.  Where the handler has to
 * wait it does not return, and message_served() goes on later.
 */
struct kmsg *must_check kserver_serve(struct kmsg *kmsg);
/*
 * The same where the thread's step state is the call's already, and says what
 * is called, with a reference, and of which kind it is; for a request with both
 * rights of a call.  If the reply is words alone, and there was room for them,
 * *sizep is its size: they are in @kmsg's body, which is returned with its
 * rights as they came.  Else *sizep is 0.
 */
struct kmsg *must_check kserver_serve_called(
    struct kmsg *kmsg, uint32_t *sizep);
/* From such words of @size, the reply as kserver_serve() would have it. */
struct kmsg *must_check kserver_reply(struct kmsg *kmsg, uint32_t size);
