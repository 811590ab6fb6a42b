/*
 * mach/mach_eventlink.h: two threads that signal each other and wait, with the
 * processor going straight from one to the other.
 *
 *	side 0 ----- signal ---> counted at side 1, where a thread waits
 *	side 1 ----- signal ---> counted at side 0
 *
 * Each side is a port.  Who has a send right to it may signal the other side;
 * the thread that is associated with it may wait for signals from there.  A
 * signal only adds to a count, which never goes back: one waits until it is
 * more than one has seen, so no signal is lost and none is seen twice.
 *
 * Besides what is noted, each may return
 *	KERN_INVALID_NAME	 no such name
 *	KERN_INVALID_RIGHT	 it is no send right, or its port is dead
 *	KERN_INVALID_CAPABILITY	 it is a right to something else
 *	KERN_TERMINATED		 the link was destroyed, or a side has no
 *				 send right left
 * and calls that are messages MACH_SEND_INVALID_DEST instead of the first two.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_eventlink_types.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/*
 * A new link; @pair is a send right to each side, the caller's to give away.
 *	KERN_INVALID_ARGUMENT	@task is not the caller's own, or @option is
 *				not MELC_OPTION_NO_COPYIN
 *	KERN_RESOURCE_SHORTAGE
 */
kern_return_t mach_eventlink_create(task_t task,
    mach_eventlink_create_option_t option, eventlink_port_pair_t pair);

/*
 * Ends the link, for both sides; who waits gets KERN_TERMINATED.  Uses up one
 * of the caller's references to @eventlink, whatever it returns.
 */
kern_return_t mach_eventlink_destroy(mach_port_t eventlink);

/*
 * From now on @thread may wait on this side; with MELA_OPTION_ASSOCIATE_ON_WAIT
 * and MACH_PORT_NULL for @thread, whoever does, one at a time.
 *	KERN_INVALID_ARGUMENT	@thread does not go with @option, or an address
 *				or mask is not 0
 *	KERN_NAME_EXISTS	somebody is associated already
 */
kern_return_t mach_eventlink_associate(mach_port_t eventlink, thread_t thread,
    mach_vm_address_t copyin_addr_wait, uint64_t copyin_mask_wait,
    mach_vm_address_t copyin_addr_signal, uint64_t copyin_mask_signal,
    mach_eventlink_associate_option_t option);

/*
 * Nobody may wait on this side any more; who does gets KERN_TERMINATED.
 *	KERN_INVALID_ARGUMENT	nobody was associated, or unknown @option
 */
kern_return_t mach_eventlink_disassociate(
    mach_port_t eventlink, mach_eventlink_disassociate_option_t option);

/* One signal to the other side.  @signal_count is reserved: 0. */
kern_return_t mach_eventlink_signal(
    mach_port_t eventlink, uint64_t signal_count);

/*
 * Waits until this side has had more than *@count signals, or until @deadline
 * in ticks of mach_absolute_time(); 0 is for ever.  *@count is then how many it
 * has had: start with 0, and hand it in again each time.
 *	KERN_OPERATION_TIMED_OUT  *@count is what it was
 *	KERN_ABORTED		  thread_abort()
 *	KERN_INVALID_ARGUMENT	  the caller is not associated with this side,
 *				  another waits on it, unknown @option, or
 *				  @clock_id not KERN_CLOCK_MACH_ABSOLUTE_TIME
 */
kern_return_t mach_eventlink_wait_until(mach_port_t eventlink, uint64_t *count,
    mach_eventlink_signal_wait_option_t option, kern_clock_id_t clock_id,
    uint64_t deadline);

/*
 * The same after a signal to the other side, in one step: if a thread waits
 * there it runs at once, in the caller's place.  Where the caller may not wait
 * nothing is signalled.
 */
kern_return_t mach_eventlink_signal_wait_until(mach_port_t eventlink,
    uint64_t *count, uint64_t signal_count,
    mach_eventlink_signal_wait_option_t option, kern_clock_id_t clock_id,
    uint64_t deadline);

MACH_END_DECLS
