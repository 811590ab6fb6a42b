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
 * RISCV64_THREAD_STATE, RISCV64_FLOAT_STATE: the registers of a thread that
 * is suspended.  *@count is the room in words, then how many were filled.
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

/* Ends a wait of the thread in the kernel; mach_msg() is interrupted. */
kern_return_t thread_abort(thread_act_t thread);
kern_return_t thread_abort_safely(thread_act_t thread);

/* THREAD_BASIC_INFO and others of mach/thread_info.h. */
kern_return_t thread_info(thread_act_t thread, thread_flavor_t flavor,
    thread_info_t info, mach_msg_type_number_t *count);

/* mach/thread_policy.h */
kern_return_t thread_policy_set(thread_act_t thread,
    thread_policy_flavor_t flavor, thread_policy_t policy,
    mach_msg_type_number_t count);

MACH_END_DECLS
