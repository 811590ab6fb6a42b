/*
 * mach/memory_object.h: what the kernel asks and tells a pager.
 *
 * A pager is a task that has the contents of memory.  It makes a port, the
 * memory object, and gives send rights to whom may map it (mach_vm_map(), with
 * the port as the object).  From the first mapping on the kernel sends these
 * messages to it; none expects an answer in itself, and what is to be answered
 * is answered by calls on the control port (mach/memory_object_control.h).
 * The server's side is in mach/memory_object_server.h; the calls here are for
 * who stands between the kernel and another pager.
 *
 *	kernel				pager
 *	init		------------>
 *			<------------	ready
 *	data_request	------------>		somebody touched a page
 *			<------------	data_supply (or _unavailable, _error)
 *	data_return	------------>		it was written, and must go
 *	terminate	------------>		nobody has it mapped any more
 *
 * Offsets and sizes are bytes of the object, and whole pages.
 *
 * memory_object_init(): from now on pages are asked for, as soon as the pager
 * has said memory_object_ready().  @memory_control is a send right to the
 * kernel's port for this object; @memory_object_name one to the port that
 * mach_vm_region() shows; both are the pager's to deallocate.
 *
 * memory_object_data_request(): a thread waits for what is at @offset, @length
 * bytes, for @desired_access at least.  Each page is asked for once, until it
 * has been supplied, refused, or the kernel has given up waiting, which the
 * pager is not told of: who waited has then got an exception, and the next
 * access asks again.  A page may be given before it was asked for.
 *
 * memory_object_data_unlock(): the page at @offset is there, but was locked
 * against @desired_access by a lock value; the answer is a
 * memory_object_lock_request() with another.
 *
 * memory_object_data_return(): @data, @dataCnt bytes out of line, is now at
 * @offset; the memory is the pager's.  @dirty: somebody may have changed it.
 * @kernel_copy: the kernel goes on using the pages; without, it will ask
 * again.
 *
 * memory_object_terminate(): the object is mapped no more.  All dirty pages
 * were returned before.  @memory_control and @memory_object_name are now the
 * pager's receive rights, of ports that nothing is sent to any more.  The next
 * mapping starts again with memory_object_init(), and another control port.
 *
 * memory_object_lock_completed(), memory_object_supply_completed() and
 * memory_object_change_completed() go to the port that the pager's call named
 * for them, when that has been done in full: @result of a supply is
 * KERN_SUCCESS, or KERN_MEMORY_PRESENT when some page, the first at
 * @error_offset, was there already, and was left as it was.
 *
 * memory_object_copy() belongs to the protocol; this kernel copies without the
 * pagers' help, and never sends it.
 */
#pragma once

#include <mach/mach_types.h>
#include <user/memory_object.h>
