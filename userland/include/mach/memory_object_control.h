/*
 * mach/memory_object_control.h: what a pager answers, and asks for.
 *
 * All are messages to the control port that memory_object_init() brought.  But
 * for memory_object_get_attributes() nothing is answered: a call whose
 * arguments are wrong has no effect at all, and what is said about pages that
 * the kernel did not ask for, or has, is ignored page by page.  Offsets and
 * sizes are multiples of the page size.
 *
 * memory_object_ready(): the pager serves.  @may_cache: the kernel may keep
 * the object, with its pages, when nobody maps it any more: what was written
 * comes back then, and memory_object_terminate() comes when memory is short,
 * when too many others are kept, or when the attribute is cleared.  Without,
 * it comes at once.  @copy_strategy: how the pager deals with copies.  With
 * MEMORY_OBJECT_COPY_DELAY and _TEMPORARY the contents change only by what is
 * written in memory, and the kernel asks for the pages of a copy when they are
 * touched; with _NONE and _CALL it asks for all when the copy is made.
 * memory_object_set_attributes(): the same, if @object_ready; without, only
 * the attributes change.  memory_object_change_attributes(): the attributes
 * only, and a memory_object_change_completed() to @reply_to if that is not
 * null.
 *
 * memory_object_data_supply(): @data, @dataCnt bytes, is what the object has
 * at @offset.  With @dealloc the memory itself becomes the object's and
 * nothing is copied; it is gone from the pager.  @lock_value: accesses that
 * are not allowed until a memory_object_lock_request() says otherwise.
 * @precious: the pages are to come back with a lock_request that returns all,
 * though nobody wrote them. With a @reply_to a
 * memory_object_supply_completed() goes there.  The task that supplies an
 * object's first page pays for all of its pages, with three quarters of what it
 * may have at most (BATON_LEDGER_RESIDENT).  A supply beyond that is refused:
 * who waits for it gets KERN_MEMORY_ERROR, the answer says
 * KERN_RESOURCE_SHORTAGE, and what was sent with @dealloc comes back, dirty, by
 * memory_object_data_return().
 *
 * memory_object_data_unavailable(): what is at @offset, @size bytes, is zeros.
 * Where there is no memory for them, or for the pager, it is an error as below.
 *
 * memory_object_data_error(): it cannot be had.  Who waits for it gets
 * EXC_BAD_ACCESS with KERN_MEMORY_ERROR; who comes later asks anew.
 *
 * memory_object_lock_request(): of the pages from @offset on, @size bytes:
 * those dirty (MEMORY_OBJECT_RETURN_DIRTY), or dirty and precious (_ALL), or
 * every one (_ANYTHING), or none are sent back by memory_object_data_return();
 * with @should_flush the kernel forgets all, dirty or not; those it keeps
 * allow no access of @lock_value any more (VM_PROT_NO_CHANGE: as they were).
 * When all has been sent, memory_object_lock_completed() goes to @reply_to, if
 * that is not null, behind the data.  Copies of pages that the kernel keeps are
 * paid for as a supply is: if there is no room for them in some seconds, it
 * ends there and nothing is completed.
 *
 * memory_object_destroy(): the pager gives up.  Pages that the kernel has go
 * without being returned; every access fails with KERN_MEMORY_ERROR.  The
 * answer is a memory_object_terminate().  It is also how to refuse an object
 * at its init.  The same happens when the memory object's port dies.
 */
#pragma once

#include <mach/mach_types.h>
#include <user/memory_object_control.h>
