/*
 * mach/mach_traps.h: the traps themselves, one function each.
 *
 * Most programs want the calls of mach/mach_port.h, mach/mach_vm.h and
 * mach/message.h, which use these where they can.  Traps that name a task
 * work on the caller's own only.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/clock_types.h>
#include <mach/mach_types.h>
#include <mach/trap_numbers.h>

MACH_BEGIN_DECLS

mach_port_name_t mach_reply_port(void);
mach_port_name_t task_self_trap(void);
mach_port_name_t thread_self_trap(void);
mach_port_name_t host_self_trap(void);
mach_port_name_t thread_get_special_reply_port(void);

mach_msg_return_t mach_msg_trap(mach_msg_header_t *msg,
    mach_msg_option_t option, mach_msg_size_t send_size,
    mach_msg_size_t rcv_size, mach_port_name_t rcv_name,
    mach_msg_timeout_t timeout, mach_port_name_t notify);
mach_msg_return_t mach_msg_overwrite_trap(mach_msg_header_t *msg,
    mach_msg_option_t option, mach_msg_size_t send_size,
    mach_msg_size_t rcv_size, mach_port_name_t rcv_name,
    mach_msg_timeout_t timeout, mach_port_name_t notify,
    mach_msg_header_t *rcv_msg, mach_msg_size_t rcv_limit);
mach_msg_return_t mach_msg2_trap(void *data, uint64_t options,
    uint64_t bits_and_send_size, uint64_t remote_and_local_port,
    uint64_t voucher_and_id, uint64_t desc_count_and_rcv_name,
    uint64_t rcv_size_and_priority, uint64_t timeout);

/* As in mach/semaphore.h, a time being seconds and nanoseconds. */
kern_return_t semaphore_signal_trap(mach_port_name_t semaphore);
kern_return_t semaphore_signal_all_trap(mach_port_name_t semaphore);
kern_return_t semaphore_signal_thread_trap(
    mach_port_name_t semaphore, mach_port_name_t thread);
kern_return_t semaphore_wait_trap(mach_port_name_t semaphore);
kern_return_t semaphore_wait_signal_trap(
    mach_port_name_t wait_semaphore, mach_port_name_t signal_semaphore);
kern_return_t semaphore_timedwait_trap(
    mach_port_name_t semaphore, unsigned int seconds, int nanoseconds);
kern_return_t semaphore_timedwait_signal_trap(mach_port_name_t wait_semaphore,
    mach_port_name_t signal_semaphore, unsigned int seconds, int nanoseconds);

/* As in mach/mach_eventlink.h; mach_eventlink_types.h says what is returned. */
uint64_t mach_eventlink_signal_trap(
    mach_port_name_t eventlink, uint64_t signal_count);
uint64_t mach_eventlink_wait_until_trap(mach_port_name_t eventlink,
    uint64_t count, uint32_t option, uint32_t clock_id, uint64_t deadline);
uint64_t mach_eventlink_signal_wait_until_trap(mach_port_name_t eventlink,
    uint64_t count, uint64_t signal_count, uint32_t option, uint32_t clock_id,
    uint64_t deadline);

/*
 * Give the processor away: to anybody, to anybody of at least @priority.
 * Non-zero when there was somebody to give it to.
 */
boolean_t swtch(void);
boolean_t swtch_pri(int priority);

/*
 * Gives the processor to @thread (MACH_PORT_NULL: to anybody); @option is a
 * SWITCH_OPTION_ and @milliseconds how long it holds.
 */
kern_return_t thread_switch(
    mach_port_name_t thread, int option, mach_msg_timeout_t milliseconds);

/* As in mach/clock.h. */
kern_return_t clock_sleep_trap(mach_port_name_t clock, int type,
    unsigned int seconds, int nanoseconds, mach_timespec_t *wakeup_time);

/* The same, under the trap's own name. */
kern_return_t syscall_thread_switch(
    mach_port_name_t thread, int option, mach_msg_timeout_t milliseconds);

kern_return_t mach_timebase_info_trap(mach_timebase_info_t info);

kern_return_t _kernelrpc_mach_vm_allocate_trap(mach_port_name_t task,
    mach_vm_address_t *address, mach_vm_size_t size, int flags);
kern_return_t _kernelrpc_mach_vm_deallocate_trap(
    mach_port_name_t task, mach_vm_address_t address, mach_vm_size_t size);
kern_return_t _kernelrpc_mach_vm_protect_trap(mach_port_name_t task,
    mach_vm_address_t address, mach_vm_size_t size, boolean_t set_maximum,
    vm_prot_t protection);
kern_return_t _kernelrpc_mach_vm_map_trap(mach_port_name_t task,
    mach_vm_address_t *address, mach_vm_size_t size, mach_vm_offset_t mask,
    int flags, vm_prot_t protection);

kern_return_t _kernelrpc_mach_port_allocate_trap(
    mach_port_name_t task, mach_port_right_t right, mach_port_name_t *name);
kern_return_t _kernelrpc_mach_port_deallocate_trap(
    mach_port_name_t task, mach_port_name_t name);
kern_return_t _kernelrpc_mach_port_mod_refs_trap(mach_port_name_t task,
    mach_port_name_t name, mach_port_right_t right, mach_port_delta_t delta);
kern_return_t _kernelrpc_mach_port_move_member_trap(
    mach_port_name_t task, mach_port_name_t member, mach_port_name_t after);
kern_return_t _kernelrpc_mach_port_insert_right_trap(mach_port_name_t task,
    mach_port_name_t name, mach_port_name_t poly,
    mach_msg_type_name_t disposition);
kern_return_t _kernelrpc_mach_port_insert_member_trap(
    mach_port_name_t task, mach_port_name_t name, mach_port_name_t set);
kern_return_t _kernelrpc_mach_port_extract_member_trap(
    mach_port_name_t task, mach_port_name_t name, mach_port_name_t set);
kern_return_t _kernelrpc_mach_port_construct_trap(mach_port_name_t task,
    mach_port_options_t *options, uint64_t context, mach_port_name_t *name);
kern_return_t _kernelrpc_mach_port_destruct_trap(mach_port_name_t task,
    mach_port_name_t name, mach_port_delta_t send_delta, uint64_t guard);
kern_return_t _kernelrpc_mach_port_get_attributes_trap(mach_port_name_t task,
    mach_port_name_t name, mach_port_flavor_t flavor, mach_port_info_t info,
    mach_msg_type_number_t *count);
kern_return_t _kernelrpc_mach_port_guard_trap(mach_port_name_t task,
    mach_port_name_t name, uint64_t guard, boolean_t strict);
kern_return_t _kernelrpc_mach_port_unguard_trap(
    mach_port_name_t task, mach_port_name_t name, uint64_t guard);
kern_return_t _kernelrpc_mach_port_type_trap(
    mach_port_name_t task, mach_port_name_t name, mach_port_type_t *type);
kern_return_t _kernelrpc_mach_port_request_notification_trap(
    mach_port_name_t task, mach_port_name_t name, mach_msg_id_t id,
    mach_port_mscount_t sync, mach_port_name_t notify,
    mach_msg_type_name_t disposition, mach_port_name_t *previous);

/*
 * What a call in registers takes and gives, a message without descriptors: laid
 * out as in memory, and may be looked at there as such.
 */
#define MACH_MSG_REGISTERS_BODY 48 /* bytes */
typedef struct __attribute__((__may_alias__)) {
	uint64_t bits_and_size;
	uint64_t remote_and_local_port;
	uint64_t voucher_and_id;
	uint64_t body[MACH_MSG_REGISTERS_BODY / 8];
} mach_msg_registers_t;

/*
 * Sends @message and receives from @rcv_name, all in registers.
 *
 * MACH_MSG_IN_REGISTERS: what came is in @message; whatever of its body is not
 * part of it is 0.  Any other result is mach_msg()'s: MACH_MSG_SUCCESS says
 * that what came is in @buffer, of @rcv_size bytes.
 */
#ifdef __riscv
static inline mach_msg_return_t
mach_msg_call_trap(void *buffer, mach_msg_registers_t *message,
    mach_msg_size_t rcv_size, mach_port_name_t rcv_name)
{
	register uint64_t a0 __asm__("a0");
	register void *a1 __asm__("a1") = buffer;
	register uint64_t a2 __asm__("a2");
	register uint64_t a3 __asm__("a3") = rcv_size;
	register int64_t a4 __asm__("a4") = (int32_t)rcv_name;
	register uint64_t a5 __asm__("a5") = message->remote_and_local_port;
	register uint64_t a6 __asm__("a6") = message->voucher_and_id;
	register uint64_t a7 __asm__("a7");
	register uint64_t t0 __asm__("t0") =
	    message->bits_and_size -
	    ((uint64_t)sizeof(mach_msg_header_t) << 32);
	register uint64_t t1 __asm__("t1") = message->body[0];
	register uint64_t t2 __asm__("t2") = message->body[1];
	register uint64_t t3 __asm__("t3") = message->body[2];
	register uint64_t t4 __asm__("t4") = message->body[3];
	register uint64_t t5 __asm__("t5") = message->body[4];
	register uint64_t t6 __asm__("t6") = message->body[5];

	__asm__ volatile("	lla	ra, 1f\n"
			 "	ecall\n"
			 "1:"
			 : "=r"(a0), "+r"(a1), "=r"(a2), "+r"(a3), "+r"(a4),
			 "+r"(a5), "+r"(a6), "=r"(a7), "+r"(t0), "+r"(t1),
			 "+r"(t2), "+r"(t3), "+r"(t4), "+r"(t5), "+r"(t6)
			 :
			 : "ra", "memory");
	message->bits_and_size = a2;
	message->remote_and_local_port = a5;
	message->voucher_and_id = a6;
	message->body[0] = t1;
	message->body[1] = t2;
	message->body[2] = t3;
	message->body[3] = t4;
	message->body[4] = t5;
	message->body[5] = t6;
	return a7 != MACH_MSG_IN_BUFFER ? MACH_MSG_IN_REGISTERS
					: (mach_msg_return_t)a0;
}
#else
/* Stubs that are tested elsewhere: the test has it. */
mach_msg_return_t mach_msg_call_trap(void *buffer,
    mach_msg_registers_t *message, mach_msg_size_t rcv_size,
    mach_port_name_t rcv_name);
#endif

/* A word of a message that need not say anything. */
static inline uint64_t
mach_msg_any_word(void)
{
	uint64_t word;

	__asm__("" : "=r"(word));
	return word;
}

MACH_END_DECLS
