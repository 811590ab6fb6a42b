/*
 * baton/pager.h: serve memory objects.
 *
 * A memory object is a port behind which a program, its pager, has the contents
 * of memory: who has a send right to it maps it with mach_vm_map(), and the
 * kernel asks the pager for each page that is touched, by the messages of
 * mach/memory_object.h.  This library answers them; the pager says in a table
 * of calls what is in a page, and where pages go that were written.
 *
 *	static kern_return_t
 *	read(struct pager_object *object, uint64_t offset, void *page)
 *	{
 *		memset(page, 'a' + offset / vm_page_size % 26, vm_page_size);
 *		return KERN_SUCCESS;
 *	}
 *	static const struct pager_calls calls = {.read = read};
 *	static struct pager_object object;
 *
 *	pager_object_init(&object, &calls, set);
 *	mach_msg_server(pager_server, PAGER_MESSAGE_MAX, set, 0);
 *
 * Any number of objects, and the pager's own ports, may be on one port set.
 * One thread at a time may be in these calls.
 *
 * A pager must not touch memory that it serves itself, and while it answers
 * should wait for nobody who could: the threads that touch it wait for the
 * pager.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/memory_object_control.h>

MACH_BEGIN_DECLS

/* Room for every message that the kernel sends to an object. */
#define PAGER_MESSAGE_MAX 256

/* What a read says of a page of zeros, and leaves the page alone. */
#define PAGER_ZEROS ((kern_return_t)-1) /* no KERN_ code */

struct pager_object;

/* I */
struct pager_calls {
	/*
	 * The page at @offset, a multiple of vm_page_size, is wanted: to be
	 * written to @page, which is all zeros.  PAGER_ZEROS; any code but
	 * KERN_SUCCESS is an error, and who has touched the page gets
	 * EXC_BAD_ACCESS with KERN_MEMORY_ERROR.  Offsets beyond what the pager
	 * has are asked for too: the kernel knows no size.
	 */
	kern_return_t (*read)(
	    struct pager_object *object, uint64_t offset, void *page);

	/*
	 * The page at @offset was written, and is like @page, which is the
	 * library's.  It will be asked for again.  NULL: the object cannot be
	 * written, and who tries gets an exception, as above.
	 */
	void (*write)(
	    struct pager_object *object, uint64_t offset, const void *page);

	/* What pager_flush() has asked for has been done.  May be NULL. */
	void (*flushed)(
	    struct pager_object *object, uint64_t offset, uint64_t size);

	/*
	 * Nobody can map the object any more, neither has the kernel anything
	 * of it; pager_object_end() is for this to call.  NULL: the object
	 * stays, and the kernel may keep pages of it that nobody has mapped.
	 */
	void (*end)(struct pager_object *object);

	/* Pages that are supplied together with one that is asked for, those
	 * that follow it, while read has something there. */
	unsigned int ahead;
};

/* Usually the first member of the pager's own struct.  All is the library's;
 * @port may be looked at. */
struct pager_object {
	const struct pager_calls *calls;
	mach_port_t port;		 /* the object: our receive right */
	memory_object_control_t control; /* the kernel's, a send right, or 0 */
	mach_port_urefs_t control_refs;	 /* that we have to it */
	struct pager_object *next;	 /* with the same hash */
};

/*
 * Makes @object a memory object, with a port of its own in @set.  Who shall map
 * it is sent a send right made from object->port (MACH_MSG_TYPE_MAKE_SEND).
 */
kern_return_t pager_object_init(struct pager_object *object,
    const struct pager_calls *calls, mach_port_t set);

/*
 * The same with @port, a receive right that the caller has: an object that
 * another task has served until now.  Requests that wait in its queue are
 * answered.  On an error the right is still the caller's.
 */
kern_return_t pager_object_adopt(struct pager_object *object,
    const struct pager_calls *calls, mach_port_t set, mach_port_t port);

/*
 * The end of an object: its port dies.  Who has it mapped gets exceptions for
 * all pages.
 */
void pager_object_end(struct pager_object *object);

/*
 * Answers one message if it is the kernel's about an object: for
 * mach_msg_server(), or a demultiplexer of the pager's own.  FALSE: it is not.
 *
 * What is in @out then, with room for PAGER_MESSAGE_MAX, is to be sent if its
 * msgh_remote_port is not null, best in the call that receives the next one; it
 * is a page on its way, so mach_msg_destroy() what cannot be sent.
 */
boolean_t pager_server(mach_msg_header_t *in, mach_msg_header_t *out);

/*
 * Has the kernel give up all pages of a range.  Those that were written come
 * to calls->write, and then calls->flushed is called.  KERN_INVALID_ARGUMENT:
 * @offset or @size is not of whole pages.  KERN_NOT_FOUND: the kernel has
 * nothing of the object, and calls->flushed is not called.
 */
kern_return_t pager_flush(
    struct pager_object *object, uint64_t offset, uint64_t size);

MACH_END_DECLS
