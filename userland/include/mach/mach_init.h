/*
 * mach/mach_init.h: what every program has from the start, and the library's
 * helpers around mach_msg().
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/* The task's own port; not to be deallocated. */
extern mach_port_t mach_task_self_;
#define mach_task_self() mach_task_self_
#define current_task()	 mach_task_self()

/* Where services are looked up (servers/bootstrap.h). */
extern mach_port_t bootstrap_port;

extern vm_size_t vm_page_size;
extern vm_size_t vm_page_mask;
extern int vm_page_shift;
#define vm_kernel_page_size vm_page_size

/* A new send right to the caller's thread, the host; the caller owns it. */
mach_port_t mach_thread_self(void);
mach_port_t mach_host_self(void);

/* A new port with a receive right, for replies; MACH_PORT_NULL if none. */
mach_port_t mach_reply_port(void);

/* ---- the reply port of the calling thread, made once and kept ---- */

extern __thread mach_port_t mig_reply_port; /* MACH_PORT_NULL: not made yet */
mach_port_t mig_make_reply_port(void);

static inline mach_port_t
mig_get_reply_port(void)
{
	return mig_reply_port != MACH_PORT_NULL ? mig_reply_port
						: mig_make_reply_port();
}

/*
 * The port may have died or been moved: give it up, and make another later.
 * The thread's goes, whatever @port is; where @port is another's, and the
 * thread had one, a user reference to that goes, too.  A thread of
 * baton/thread.h does this at its end.
 */
void mig_dealloc_reply_port(mach_port_t port);

/* The call is done; nothing to do as long as the port is kept. */
static inline void
mig_put_reply_port(mach_port_t port)
{
	(void)port;
}

/*
 * Copies at most @size - 1 characters and a NUL, and returns the length with
 * the NUL; the second form clears the rest of @to as well.  0, and nothing
 * done, if there is no room at all or a pointer is null.
 */
int mig_strncpy(char *to, const char *from, int size);
int mig_strncpy_zerofill(char *to, const char *from, int size);

/* Memory for arguments that travel out of line; *@address is 0 if none. */
void mig_allocate(vm_address_t *address, vm_size_t size);
void mig_deallocate(vm_address_t address, vm_size_t size);

/* ---- messages ---- */

/* mach_msg() without a second half, a limit or a port set. */
mach_msg_return_t mach_msg_send(mach_msg_header_t *msg);
mach_msg_return_t mach_msg_receive(mach_msg_header_t *msg);

/*
 * Gives up every right and every piece of memory that a message one has
 * received, or failed to send, brought into the task.  What a message that was
 * never sent would have made is made and given up, so that whoever waits for
 * notice of it gets that.
 */
void mach_msg_destroy(mach_msg_header_t *msg);

/* Answers the request in the first message by filling the second. */
typedef boolean_t (*mach_msg_demux_t)(
    mach_msg_header_t *request, mach_msg_header_t *reply);

/*
 * Serves the port or port set @port for ever: receives a request of at most
 * @max_size bytes, lets @demux answer it into a buffer of the same size, and
 * sends the answer in the call that waits for the next request.  @options are
 * added to the receive; room for the trailer that they ask for is made.  With
 * MACH_RCV_LARGE the buffers grow for a request that is longer, else it is
 * dropped.  Returns when receiving fails, and KERN_RESOURCE_SHORTAGE.
 *
 * A reply whose RetCode is MIG_NO_REPLY is not sent; one with another error
 * has the request's rights and memory given back first.
 */
mach_msg_return_t mach_msg_server(mach_msg_demux_t demux,
    mach_msg_size_t max_size, mach_port_t port, mach_msg_options_t options);

/* The same, for one request. */
mach_msg_return_t mach_msg_server_once(mach_msg_demux_t demux,
    mach_msg_size_t max_size, mach_port_t port, mach_msg_options_t options);

/* mach_msg_server(): a message's importance is its priority here. */
mach_msg_return_t mach_msg_server_importance(mach_msg_demux_t demux,
    mach_msg_size_t max_size, mach_port_t port, mach_msg_options_t options);

MACH_END_DECLS
