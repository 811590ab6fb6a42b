/*
 * syscall.c: the table of system calls, by the negative of the trap number.
 *
 * trap.S calls these with the user's argument registers as they are and puts
 * the result into the user's a0; so each is a C function of up to eight 64-bit
 * arguments.  A ninth argument is in the current thread's tf.t1.
 */
#include "kernel/syscall.h"

#include <mach/trap_numbers.h>

#include "ipc/fast_port.h"
#include "ipc/fast_sync.h"
#include "ipc/traps.h"
#include "kernel/clock.h"
#include "kernel/eventlink.h"
#include "kernel/host.h"
#include "kernel/mk_timer.h"
#include "kernel/semaphore.h"
#include "kernel/thread_traps.h"
#include "vm/user.h"

kern_return_t
syscall_unknown(void)
{
	return KERN_INVALID_ARGUMENT;
}

#define CALL(number, function) [-(number)] = (syscall_t)(function)
/* The same of one that copies from or to user memory. */
#define CALL_COPIES(number, function)                                          \
	[-(number)] = (syscall_t)(void *)((char *)(function) + SYSCALL_COPIES)

const syscall_t syscall_table[SYSCALL_COUNT] = {
    [0 ... SYSCALL_COUNT - 1] = (syscall_t)syscall_unknown,
    CALL_COPIES(TRAP_MACH_VM_ALLOCATE, vm_allocate_trap),
    CALL(TRAP_MACH_VM_DEALLOCATE, vm_deallocate_trap),
    CALL(TRAP_MACH_VM_PROTECT, vm_protect_trap),
    CALL_COPIES(TRAP_MACH_VM_MAP, vm_map_trap),

    CALL(TRAP_MACH_PORT_ALLOCATE, fast_port_allocate),
    CALL(TRAP_MACH_PORT_DEALLOCATE, port_deallocate_trap),
    CALL(TRAP_MACH_PORT_MOD_REFS, fast_port_mod_refs),
    CALL(TRAP_MACH_PORT_MOVE_MEMBER, port_move_member_trap),
    CALL(TRAP_MACH_PORT_INSERT_RIGHT, port_insert_right_trap),
    CALL(TRAP_MACH_PORT_INSERT_MEMBER, port_insert_member_trap),
    CALL(TRAP_MACH_PORT_EXTRACT_MEMBER, port_extract_member_trap),
    CALL_COPIES(TRAP_MACH_PORT_CONSTRUCT, port_construct_trap),
    CALL(TRAP_MACH_PORT_DESTRUCT, port_destruct_trap),
    CALL_COPIES(TRAP_MACH_PORT_GET_ATTRIBUTES, port_get_attributes_trap),
    CALL(TRAP_MACH_PORT_GUARD, port_guard_trap),
    CALL(TRAP_MACH_PORT_UNGUARD, port_unguard_trap),
    CALL_COPIES(TRAP_MACH_PORT_TYPE, port_type_trap),
    CALL_COPIES(
	TRAP_MACH_PORT_REQUEST_NOTIFICATION, port_request_notification_trap),

    CALL(TRAP_MACH_REPLY_PORT, fast_reply_port),
    CALL(TRAP_THREAD_SELF, thread_self_trap),
    CALL(TRAP_TASK_SELF, task_self_trap),
    CALL(TRAP_HOST_SELF, host_self_trap),
    CALL(TRAP_THREAD_GET_SPECIAL_REPLY_PORT, special_reply_port_trap),

    CALL_COPIES(TRAP_MACH_MSG, mach_msg_trap),
    CALL_COPIES(TRAP_MACH_MSG_OVERWRITE, mach_msg_overwrite_trap),
    /* TRAP_MACH_MSG2: trap.S goes by cpu->message_trap. */

    CALL(TRAP_SEMAPHORE_SIGNAL, semaphore_signal_trap),
    CALL(TRAP_SEMAPHORE_SIGNAL_ALL, semaphore_signal_all_trap),
    CALL(TRAP_SEMAPHORE_SIGNAL_THREAD, semaphore_signal_thread_trap),
    CALL(TRAP_SEMAPHORE_WAIT, semaphore_wait_trap),
    CALL(TRAP_SEMAPHORE_WAIT_SIGNAL, fast_wait_signal),
    CALL(TRAP_SEMAPHORE_TIMEDWAIT, semaphore_timedwait_trap),
    CALL(TRAP_SEMAPHORE_TIMEDWAIT_SIGNAL, semaphore_timedwait_signal_trap),

    CALL(TRAP_SWTCH_PRI, swtch_pri_trap),
    CALL(TRAP_SWTCH, swtch_trap),
    CALL(TRAP_THREAD_SWITCH, thread_switch_trap),
    CALL_COPIES(TRAP_CLOCK_SLEEP, clock_sleep_trap),
    CALL_COPIES(TRAP_MACH_TIMEBASE_INFO, mach_timebase_info_trap),
    CALL(TRAP_MACH_WAIT_UNTIL, mach_wait_until_trap),

    CALL(TRAP_MK_TIMER_CREATE, mk_timer_create_trap),
    CALL(TRAP_MK_TIMER_DESTROY, mk_timer_destroy_trap),
    CALL(TRAP_MK_TIMER_ARM, mk_timer_arm_trap),
    CALL_COPIES(TRAP_MK_TIMER_CANCEL, mk_timer_cancel_trap),
    CALL(TRAP_MK_TIMER_ARM_LEEWAY, mk_timer_arm_leeway_trap),

    CALL(TRAP_MACH_EVENTLINK_SIGNAL, eventlink_signal_trap),
    CALL(TRAP_MACH_EVENTLINK_WAIT_UNTIL, eventlink_wait_until_trap),
    CALL(TRAP_MACH_EVENTLINK_SIGNAL_WAIT_UNTIL, fast_signal_wait_until),

    CALL(TRAP_BATON_THREAD_START, thread_start_trap),
    CALL(TRAP_BATON_THREAD_PORT, thread_port_trap),
    CALL(TRAP_BATON_THREAD_END, thread_end_trap),
};
