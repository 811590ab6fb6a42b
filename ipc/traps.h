/*
 * ipc/traps.h: the traps that ipc/ serves; the table is in kernel/syscall.c.
 *
 * Arguments come as the user's registers hold them: 64 bits each, whatever the
 * caller put into the upper halves; handlers cut them to size themselves.
 */
#pragma once
#include <mach/message.h>
#include <mach/port.h>

#include "kernel/types.h"

/* ---- messages: ipc/message.c ---- */

/* -31: msg, option, send_size, rcv_size, rcv_name, timeout, priority */
kern_return_t mach_msg_trap(uaddr_t buffer, uint64_t option, uint64_t send_size,
    uint64_t rcv_size, uint64_t rcv_name, uint64_t timeout, uint64_t priority);
/* -32: the same, rcv_msg (0: the same buffer); the ninth argument, the
 * receive buffer's limit, is obsolete and not read */
kern_return_t mach_msg_overwrite_trap(uaddr_t buffer, uint64_t option,
    uint64_t send_size, uint64_t rcv_size, uint64_t rcv_name, uint64_t timeout,
    uint64_t priority, uaddr_t rcv_buffer);
/* -47: served by trap.S and ipc_message_trap(): message.h */

/* ---- names: ipc/port_traps.c ---- */

mach_port_name_t mach_reply_port(void);		/* -26 */
mach_port_name_t thread_self_trap(void);	/* -27 */
mach_port_name_t task_self_trap(void);		/* -28 */
mach_port_name_t special_reply_port_trap(void); /* -50 */
/* -29, host_self_trap, is in kernel/host_server.c: space_insert_send(). */

kern_return_t port_allocate_trap(
    uint64_t target, uint64_t right, uaddr_t name);		    /* -16 */
kern_return_t port_deallocate_trap(uint64_t target, uint64_t name); /* -18 */
kern_return_t port_mod_refs_trap(
    uint64_t target, uint64_t name, uint64_t right, uint64_t delta); /* -19 */
kern_return_t port_move_member_trap(
    uint64_t target, uint64_t member, uint64_t after); /* -20 */
kern_return_t port_insert_right_trap(uint64_t target, uint64_t name,
    uint64_t poly, uint64_t disposition); /* -21 */
kern_return_t port_insert_member_trap(
    uint64_t target, uint64_t name, uint64_t pset); /* -22 */
kern_return_t port_extract_member_trap(
    uint64_t target, uint64_t name, uint64_t pset); /* -23 */
kern_return_t port_construct_trap(
    uint64_t target, uaddr_t options, uint64_t context, uaddr_t name); /* -24 */
kern_return_t port_destruct_trap(uint64_t target, uint64_t name,
    uint64_t send_delta, uint64_t guard); /* -25 */
kern_return_t port_get_attributes_trap(uint64_t target, uint64_t name,
    uint64_t flavor, uaddr_t info, uaddr_t count); /* -40 */
kern_return_t port_guard_trap(
    uint64_t target, uint64_t name, uint64_t guard, uint64_t strict); /* -41 */
kern_return_t port_unguard_trap(
    uint64_t target, uint64_t name, uint64_t guard); /* -42 */
kern_return_t port_type_trap(
    uint64_t target, uint64_t name, uaddr_t type); /* -76 */
kern_return_t port_request_notification_trap(uint64_t target, uint64_t name,
    uint64_t id, uint64_t sync, uint64_t notify, uint64_t disposition,
    uaddr_t previous); /* -77 */
