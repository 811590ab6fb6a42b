/*
 * mach/thread_act.h: threads.
 *
 * Besides what is noted, each may return KERN_INVALID_ARGUMENT,
 * MACH_SEND_INVALID_DEST (the thread is gone) and KERN_RESOURCE_SHORTAGE.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/* Ends a thread; one's own does not return. */
kern_return_t thread_terminate(thread_act_t thread);

/*
 * RISCV64_THREAD_STATE, RISCV64_FLOAT_STATE: the registers of a thread, which
 * stands still meanwhile, suspended or not.  Of one that is in a call, and was
 * not aborted, they may change when that call ends.  *@count is the room in
 * words, then how many were filled.
 *	KERN_INVALID_ARGUMENT	one's own; another flavor or count; a program
 *				counter that cannot be a user's
 *	KERN_TERMINATED		it is ending
 */
kern_return_t thread_get_state(thread_act_t thread,
    thread_state_flavor_t flavor, thread_state_t state,
    mach_msg_type_number_t *count);
kern_return_t thread_set_state(thread_act_t thread,
    thread_state_flavor_t flavor, thread_state_t state,
    mach_msg_type_number_t count);

/* Counted, and apart from the count of the task. */
kern_return_t thread_suspend(thread_act_t thread);
kern_return_t thread_resume(thread_act_t thread); /* KERN_FAILURE: it was not */

/*
 * Ends a wait of the thread in the kernel: mach_msg() is interrupted, the wait
 * of an exception's handler is over and the instruction is tried again.  A
 * thread that is suspended finds that when it is resumed.  The second form
 * leaves alone who could not make the call again as if nothing had happened:
 *	KERN_FAILURE		such a call is under way
 */
kern_return_t thread_abort(thread_act_t thread);
kern_return_t thread_abort_safely(thread_act_t thread);

/*
 * Ends a depression by SWITCH_OPTION_DEPRESS or swtch_pri(): the thread has its
 * own priority again.  KERN_NOT_DEPRESSED: it had it already.
 */
kern_return_t thread_depress_abort(thread_act_t thread);

/* THREAD_BASIC_INFO and others of mach/thread_info.h. */
kern_return_t thread_info(thread_act_t thread, thread_flavor_t flavor,
    thread_info_t info, mach_msg_type_number_t *count);

/* mach/thread_policy.h */
kern_return_t thread_policy_set(thread_act_t thread,
    thread_policy_flavor_t flavor, thread_policy_t policy,
    mach_msg_type_number_t count);

/*
 * Who is asked when the thread raises one of the exceptions of @mask
 * (EXC_MASK_*): @port, MACH_PORT_NULL for nobody.  The order is thread, task,
 * host; the next is asked when one refuses or does not answer.  @behavior is
 * what the message carries: EXCEPTION_DEFAULT, _STATE or _STATE_IDENTITY, with
 * MACH_EXCEPTION_CODES for codes of 64 bits; @flavor the kind of state.
 *
 * get tells the actions for @mask, swap also replaces them: arrays of
 * EXC_TYPES_COUNT, of which *@count lines are filled, one for each different
 * action with the exceptions it is for.  The rights in @ports belong to the
 * caller.
 */
kern_return_t thread_set_exception_ports(thread_act_t thread,
    exception_mask_t mask, mach_port_t port, exception_behavior_t behavior,
    thread_state_flavor_t flavor);
kern_return_t thread_get_exception_ports(thread_act_t thread,
    exception_mask_t mask, exception_mask_array_t masks,
    mach_msg_type_number_t *count, exception_handler_array_t ports,
    exception_behavior_array_t behaviors, thread_state_flavor_array_t flavors);
kern_return_t thread_swap_exception_ports(thread_act_t thread,
    exception_mask_t mask, mach_port_t port, exception_behavior_t behavior,
    thread_state_flavor_t flavor, exception_mask_array_t masks,
    mach_msg_type_number_t *count, exception_handler_array_t ports,
    exception_behavior_array_t behaviors, thread_state_flavor_array_t flavors);

/* THREAD_KERNEL_PORT: a send right to the thread itself.  There are no others
 * (KERN_INVALID_ARGUMENT), and none can be set. */
kern_return_t thread_get_special_port(
    thread_act_t thread, int which, mach_port_t *special);
kern_return_t thread_set_special_port(
    thread_act_t thread, int which, mach_port_t special);

MACH_END_DECLS
