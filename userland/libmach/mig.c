/* libmach/mig.c: what stubs need besides mach_msg(). */
#include <string.h>

#include <mach/mach.h>
#include <mach/mig.h>

#include "msg.h"

_Thread_local mach_port_t mig_reply_port;
static _Thread_local mach_port_t special_reply_port;

mach_port_t
mig_make_reply_port(void)
{
	mig_reply_port = mach_reply_port();
	return mig_reply_port;
}

void
mig_dealloc_reply_port(mach_port_t port)
{
	mach_port_t old = mig_reply_port;

	if (old == MACH_PORT_NULL)
		return;
	/* Forgotten first: the calls below may want a reply port of their own.
	 */
	mig_reply_port = MACH_PORT_NULL;
	mach_port_mod_refs(mach_task_self(), old, MACH_PORT_RIGHT_RECEIVE, -1);
	if (MACH_PORT_VALID(port) && port != old)
		mach_port_deallocate(mach_task_self(), port);
}

void
mig_reply_port_spoilt(mach_port_t port)
{
	if (port == mig_reply_port)
		mig_dealloc_reply_port(port);
	else if (port == special_reply_port)
		mig_dealloc_special_reply_port(port);
}

mach_port_t
mig_get_special_reply_port(void)
{
	if (special_reply_port == MACH_PORT_NULL)
		special_reply_port = thread_get_special_reply_port();
	return special_reply_port;
}

void
mig_dealloc_special_reply_port(mach_port_t port)
{
	mach_port_t old = special_reply_port;

	if (old == MACH_PORT_NULL || (port != MACH_PORT_NULL && port != old))
		return;
	special_reply_port = MACH_PORT_NULL;
	/* It was made with a send right. */
	mach_port_destruct(mach_task_self(), old, -1, 0);
}

int
mig_strncpy(char *to, const char *from, int size)
{
	size_t length;

	if (size <= 0 || to == NULL || from == NULL)
		return 0;
	length = strnlen(from, (size_t)size - 1);
	memcpy(to, from, length);
	to[length] = '\0';
	return (int)length + 1;
}

int
mig_strncpy_zerofill(char *to, const char *from, int size)
{
	int length = mig_strncpy(to, from, size);

	if (length > 0 && length < size)
		memset(to + length, 0, (size_t)(size - length));
	return length;
}

void
mig_allocate(vm_address_t *address, vm_size_t size)
{
	if (vm_allocate(mach_task_self(), address, size, VM_FLAGS_ANYWHERE) !=
	    KERN_SUCCESS)
		*address = 0;
}

void
mig_deallocate(vm_address_t address, vm_size_t size)
{
	vm_deallocate(mach_task_self(), address, size);
}
