/*
 * libmach/catch.c: the handlers that a program need not define, of exceptions
 * and notifications that it does not ask for.  Its own come before these, which
 * refuse; the server's loop then gives up the rights that came.  Names in a
 * notification are left alone: anybody may have sent it.
 */
#include <mach/exc_server.h>
#include <mach/mach.h>
#include <mach/mach_exc_server.h>
#include <mach/notify_server.h>

#define WEAK __attribute__((weak))

/* Who refuses looks at nothing. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* ---- exceptions: the next handler may know what to do ---- */

WEAK kern_return_t
catch_exception_raise(mach_port_t port, mach_port_t thread, mach_port_t task,
    exception_type_t exception, exception_data_t code,
    mach_msg_type_number_t codeCnt)
{
	return KERN_FAILURE;
}

WEAK kern_return_t
catch_exception_raise_state(mach_port_t port, exception_type_t exception,
    exception_data_t code, mach_msg_type_number_t codeCnt, int *flavor,
    thread_state_t old_state, mach_msg_type_number_t old_stateCnt,
    thread_state_t new_state, mach_msg_type_number_t *new_stateCnt)
{
	return KERN_FAILURE;
}

WEAK kern_return_t
catch_exception_raise_state_identity(mach_port_t port, mach_port_t thread,
    mach_port_t task, exception_type_t exception, exception_data_t code,
    mach_msg_type_number_t codeCnt, int *flavor, thread_state_t old_state,
    mach_msg_type_number_t old_stateCnt, thread_state_t new_state,
    mach_msg_type_number_t *new_stateCnt)
{
	return KERN_FAILURE;
}

WEAK kern_return_t
catch_mach_exception_raise(mach_port_t port, mach_port_t thread,
    mach_port_t task, exception_type_t exception, mach_exception_data_t code,
    mach_msg_type_number_t codeCnt)
{
	return KERN_FAILURE;
}

WEAK kern_return_t
catch_mach_exception_raise_state(mach_port_t port, exception_type_t exception,
    mach_exception_data_t code, mach_msg_type_number_t codeCnt, int *flavor,
    thread_state_t old_state, mach_msg_type_number_t old_stateCnt,
    thread_state_t new_state, mach_msg_type_number_t *new_stateCnt)
{
	return KERN_FAILURE;
}

WEAK kern_return_t
catch_mach_exception_raise_state_identity(mach_port_t port, mach_port_t thread,
    mach_port_t task, exception_type_t exception, mach_exception_data_t code,
    mach_msg_type_number_t codeCnt, int *flavor, thread_state_t old_state,
    mach_msg_type_number_t old_stateCnt, thread_state_t new_state,
    mach_msg_type_number_t *new_stateCnt)
{
	return KERN_FAILURE;
}

/* ---- notifications ---- */

WEAK kern_return_t
do_mach_notify_port_deleted(notify_port_t notify, mach_port_name_t name)
{
	return KERN_FAILURE;
}

WEAK kern_return_t
do_mach_notify_send_possible(notify_port_t notify, mach_port_name_t name)
{
	return KERN_FAILURE;
}

WEAK kern_return_t
do_mach_notify_port_destroyed(notify_port_t notify, mach_port_t rights)
{
	return KERN_FAILURE;
}

WEAK kern_return_t
do_mach_notify_no_senders(notify_port_t notify, mach_port_mscount_t mscount)
{
	return KERN_FAILURE;
}

WEAK kern_return_t
do_mach_notify_send_once(notify_port_t notify)
{
	return KERN_FAILURE;
}

WEAK kern_return_t
do_mach_notify_dead_name(notify_port_t notify, mach_port_name_t name)
{
	return KERN_FAILURE;
}
