/*
 * mach/default_pager.h: what the kernel and the default pager tell each other.
 *
 * The default pager is the task that keeps pages of zero-filled memory which
 * nobody has used for a while, when memory is short.  It registers a port with
 * host_default_memory_manager() (mach/mach_host.h); to that the kernel sends
 * default_pager_start(), and then the other messages below.  None expects an
 * answer in itself.  What the pager has to say goes to the control port.
 *
 *	kernel				pager
 *	start		------------>
 *	write		------------>		these pages leave memory
 *			<------------	written
 *	read		------------>		somebody wants one again
 *			<------------	supply (or lost)
 *	forget		------------>		nobody will want these
 *
 * A page is known by its slot, a number from 1 on.  The kernel never asks for
 * less than pages, and never twice for the same thing:
 *
 * default_pager_start(): @control is a send right to the kernel's port, the
 * only one.  When it is gone, with the task or before, so is all that the pager
 * has: whoever wants a page of it gets EXC_BAD_ACCESS with KERN_MEMORY_ERROR.
 *
 * default_pager_write(): @data, whole pages out of line, which the pager gives
 * back with vm_deallocate(), are those of @slots, in that order.  Until the
 * pager says written, the kernel has them too.
 *
 * default_pager_read(): the page of @slot is wanted.  Whatever the answer, it
 * is not the pager's any more.
 *
 * default_pager_forget(): nor are these.
 *
 * The kernel waits CONFIG_PAGER_MS for a page, and never for the pager to
 * receive anything; it has few writes under way at a time.
 *
 * The pager's own memory is never taken from it.  What it touches it should
 * have wired (mach_vm_wire()), since a page that it lacks may not be there to
 * be had: memory is short when it is asked to do something.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/default_pager_types.h>
#include <mach/kern_return.h>
#include <mach/message.h>

MACH_BEGIN_DECLS

/*
 * The pager has the pages of the first @stored of @slots, and will not have the
 * others, which stay in memory.  @full: nor any more, until it was asked for a
 * page or to forget one; then those others may come again.
 *
 * A slot that was not written, is none, or was answered for already makes the
 * kernel disregard what follows it.
 */
kern_return_t default_pager_written(default_pager_control_t control,
    natural_t stored, boolean_t full, default_pager_writes_t slots,
    mach_msg_type_number_t count);

/* The page of @slot, which was asked for; else no effect. */
kern_return_t default_pager_supply(
    default_pager_control_t control, natural_t slot, default_pager_page_t data);

/* The same, but its contents are gone. */
kern_return_t default_pager_lost(
    default_pager_control_t control, natural_t slot);

MACH_END_DECLS
