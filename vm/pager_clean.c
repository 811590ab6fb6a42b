/*
 * pager_clean.c: pages on their way back to the pager, or out of reach.
 *
 * A chunk of some pages at a time:
 *
 *	mark	 the slots become SLOT_LEAVING: nobody maps their pages, and who
 *		 wants to waits
 *	unmap	 those who do have it no more, or may not write it
 *	return	 pages are put into messages, or copies of those that stay
 *	settle	 slots are emptied, or become usual again; who waits goes on
 *
 * One chunk of an object at a time (pager->passing), whoever wants it.  Between
 * marking and settling the slots change in no other way.
 */
#include <mach/routine_ids.h>
#include <mach/vm_prot.h>

#include <arch/pmap.h>

#include "ipc/kmsg.h"
#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/config.h"
#include "kernel/kassert.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/zone.h"
#include "vm/memory_wait.h"
#include "vm/object_slots.h"
#include "vm/object_unmap.h"
#include "vm/pager.h"
#include "vm/snapshot.h"
#include "vm/transfer_slots.h"

/* Any address will do for pages that have none. */
#define NOWHERE 0x40000000UL
/* Milliseconds until what could not be done is tried again. */
#define PAUSE_MS 5
/* Slots that one step looks at. */
#define STEP_SLOTS 128
/* Messages of a queue that are looked at; turns given to others before it is
 * the timer's. */
#define LOOK_MESSAGES 1024
#define QUICK_LOOKS   4

/* ---- mark ---- */

/* Does anything of the chunk have to leave the tables? */
static bool
must_unmap(const struct pager_clean *clean)
{
	return clean->flush || clean->set_locks || clean->protect ||
	       clean->should_return != MEMORY_OBJECT_RETURN_NONE;
}

static bool
only_dirty(const struct pager_clean *clean)
{
	return clean->should_return == MEMORY_OBJECT_RETURN_DIRTY &&
	       !clean->flush && !clean->set_locks;
}

/* Is there something to do about what is in @slot? */
static bool
concerns(const struct pager_clean *clean, const uint64_t *slot)
{
	if (slot == NULL || !slot_has_page(*slot))
		return false;
	if (clean->protect)
		return (*slot & SLOT_WRITABLE) != 0;
	return !only_dirty(clean) || (*slot & SLOT_DIRTY);
}

/* Is there nothing like that in all of the object?  Locks: its. */
static bool
concerns_nothing(const struct pager_clean *clean, const struct pager *pager)
{
	return clean->protect ? pager->writable == 0
			      : only_dirty(clean) && pager->dirty == 0;
}

/* Mark the pages from clean->at on that stand in a row with it. */
static void
mark(struct object *object, struct pager_clean *clean)
{
	uint64_t end =
	    min_u64(clean->end, clean->at + CONFIG_PAGER_CHUNK * PAGE_SIZE);
	uint64_t at;

	for (at = clean->at; at < end; at += PAGE_SIZE) {
		uint64_t *slot = object_slot(object, at, false);

		if (!concerns(clean, slot))
			break;
		*slot |= SLOT_LEAVING;
	}
	clean->chunk_end = at;
	clean->closed = must_unmap(clean);
	clean->unmapped = !clean->closed;
	clean->pinned = false;
	/* To whom?  Until this chunk is settled he hears no last word. */
	if (object->pager->gone)
		clean->should_return = MEMORY_OBJECT_RETURN_NONE;
	object->pager->passing = true;
	object_unmap_begin(object);
}

/* Look from clean->at on for pages, and mark the first, for some slots. */
static void
mark_locked(struct object *object, struct pager_clean *clean)
{
	for (int i = 0; i < STEP_SLOTS; i++) {
		uint64_t at = clean->at, *slot;

		clean->at = object_slot_next(object, at, clean->end);
		/* The call passed many, or all. */
		if (clean->at != at)
			return;
		slot = object_slot(object, at, false);
		if (concerns(clean, slot)) {
			mark(object, clean);
			return;
		}
		clean->at += PAGE_SIZE;
		if (clean->at >= clean->end)
			return;
	}
}

/* Find the next pages; true: there are none any more. */
static bool
mark_next(struct object *object, struct pager_clean *clean)
{
	spin_lock(&object->lock);
	/* What another one has at hand may be what we would find. */
	if (!object->pager->passing) {
		if (concerns_nothing(clean, object->pager))
			clean->at = clean->end;
		else if (clean->at < clean->end)
			mark_locked(object, clean);
	}
	spin_unlock(&object->lock);
	return clean->at >= clean->end;
}

/* ---- return ---- */

static uint64_t
slot_at(struct object *object, uint64_t offset)
{
	uint64_t slot;

	spin_lock(&object->lock);
	slot = *object_slot(object, offset, false);
	spin_unlock(&object->lock);
	return slot;
}

/* Does the page in @slot get a second chance? */
static bool
is_spared(const struct pager_clean *clean, uint64_t slot)
{
	return clean->spare && !(slot & SLOT_CLOSED);
}

static bool
is_returned(const struct pager_clean *clean, uint64_t slot)
{
	if (is_spared(clean, slot))
		return false;
	switch (clean->should_return) {
	case MEMORY_OBJECT_RETURN_NONE:
		return false;
	case MEMORY_OBJECT_RETURN_DIRTY:
		return (slot & SLOT_DIRTY) != 0;
	case MEMORY_OBJECT_RETURN_ALL:
		return (slot & (SLOT_DIRTY | SLOT_PRECIOUS)) != 0;
	}
	return true;
}

/* The pages from @at on that go back alike: up to where. */
static uint64_t
run_end(struct object *object, const struct pager_clean *clean, uint64_t at)
{
	uint64_t dirty = slot_at(object, at) & SLOT_DIRTY;

	for (; at < clean->chunk_end; at += PAGE_SIZE) {
		uint64_t slot = slot_at(object, at);

		if (!is_returned(clean, slot) || (slot & SLOT_DIRTY) != dirty)
			break;
	}
	return at;
}

/* Do the pages of the chunk go? */
static bool
is_flushed(const struct pager_clean *clean)
{
	return clean->flush && !clean->pinned;
}

/* Let @leaf, of a message, name @page, or a copy of one that stays. */
static bool
put_page(const struct pager_clean *clean, pte_t *leaf, struct page *page)
{
	struct page *copy;

	if (is_flushed(clean)) {
		page_get(page); /* the slot's goes when all is settled */
	} else {
		copy = page_alloc(0);
		if (copy == NULL)
			return false;
		page_copy(page_va(copy), page_va(page));
		page = copy;
	}
	/* Faults add the right to write, where nobody else has it. */
	*leaf = pte_make(page_pa(page), pte_protection(VM_PROT_READ));
	return true;
}

static struct transfer *
collect(struct object *object, const struct pager_clean *clean, uint64_t at,
    uint64_t end)
{
	struct transfer *transfer = transfer_create(NOWHERE, end - at, 0);

	if (transfer == NULL)
		return NULL;
	transfer->phase = TRANSFER_WHOLE;
	for (uint64_t i = 0; at + i < end; i += PAGE_SIZE) {
		pte_t *leaf = transfer_leaf(transfer, NOWHERE + i, true);
		struct page *page = slot_page(slot_at(object, at + i));

		if (leaf == NULL || !put_page(clean, leaf, page)) {
			transfer_destroy(transfer);
			return NULL;
		}
		transfer_count(transfer, NOWHERE + i, 1);
	}
	return transfer;
}

/*
 * Does the page in @slot stay, though the chunk is flushed?  What was written
 * is lost here; but not to a snapshot of it.
 */
static bool
must_stay(struct object *object, uint64_t offset, uint64_t slot, bool returned)
{
	return (slot & SLOT_DIRTY) && !returned && !object->pager->gone &&
	       snapshot_before_loss(object, offset, slot) != KERN_SUCCESS;
}

/* Slots of [@at, @end), whose pages were returned or need not be, become what
 * they are to be. */
static void
settle(struct object *object, struct pager_clean *clean, uint64_t at,
    uint64_t end, bool returned)
{
	struct page *gone[CONFIG_PAGER_CHUNK];
	unsigned count = 0;

	spin_lock(&object->lock);
	for (uint64_t i = at; i < end; i += PAGE_SIZE) {
		uint64_t *slot = object_slot(object, i, false);

		*slot &= ~SLOT_LEAVING;
		if (clean->closed && (*slot & SLOT_WRITABLE)) {
			*slot &= ~SLOT_WRITABLE;
			object->pager->writable--;
		}
		if (is_spared(clean, *slot)) {
			*slot |= SLOT_CLOSED;
			continue;
		}
		if (is_flushed(clean) || clean->set_locks)
			pager_answered(object->pager, slot);
		if (is_flushed(clean) &&
		    !must_stay(object, i, *slot, returned)) {
			object->pager->dirty -= (*slot & SLOT_DIRTY) != 0;
			gone[count++] = slot_page(*slot);
			*slot = 0;
			object->pages--;
			continue;
		}
		if (returned && (*slot & SLOT_DIRTY)) {
			*slot &= ~SLOT_DIRTY;
			object->pager->dirty--;
		}
		if (clean->set_locks) {
			*slot &= ~SLOT_LOCKS;
			*slot |= slot_locks(clean->locks);
		}
	}
	spin_unlock(&object->lock);
	memory_wake(object, at, end, KERN_SUCCESS);
	clean->freed += count;
	/* What was returned is paid for as before, by the message. */
	if (!returned)
		object_unpay(object, count);
	while (count > 0)
		page_put(gone[--count]);
}

/* Send what is returned of the chunk, and is paid for; false: no memory, with a
 * part settled. */
static bool
return_run(struct object *object, struct pager_clean *clean, uint64_t end)
{
	struct pager *pager = object->pager;
	uint64_t size = end - clean->at;
	bool dirty = (slot_at(object, clean->at) & SLOT_DIRTY) != 0;
	struct transfer *transfer = collect(object, clean, clean->at, end);
	struct thread *next = NULL;
	struct kmsg *kmsg = NULL;

	if (transfer != NULL)
		kmsg = pager_message_return(NULL, pager, clean->at, size, dirty,
		    !is_flushed(clean), transfer);
	if (kmsg == NULL) {
		transfer_destroy(transfer);
		return false;
	}
	transfer_paid(transfer, object->pages_ledger, size >> PAGE_SHIFT);
	/* Known by that until it leaves the queue. */
	kmsg->sequence = atomic_fetch_add(&pager->returns, 1) + 1;
	/* Sent first: a request for the same page is to come after it. */
	pager_message_address(pager, kmsg);
	pager_message_send(kmsg, &next);
	if (next != NULL)
		sched_wake(next);
	settle(object, clean, clean->at, end, true);
	clean->at = end;
	clean->deadline = 0;
	return true;
}

void
pager_clean_stop(struct pager_clean *clean)
{
	clean->pinned = true;
	clean->should_return = MEMORY_OBJECT_RETURN_NONE;
	clean->end = max_u64(clean->at, clean->chunk_end);
}

/* Has the pager some time yet to receive what was returned? */
static bool
has_time(struct pager_clean *clean)
{
	if (clean->deadline == 0)
		clean->deadline = timer_after_ms(CONFIG_PAGER_MS);
	if (timer_now() < clean->deadline)
		return true;
	/* It had its time. */
	clean->kept_back = true;
	if (clean->may_lose)
		clean->should_return = MEMORY_OBJECT_RETURN_NONE;
	else
		pager_clean_stop(clean);
	return false;
}

/* Has the pager fallen behind with what it was returned? */
static bool
must_wait(const struct object *object, struct pager_clean *clean)
{
	const struct port *port = object->pager->port;

	/* A hint, read without the port's lock. */
	if (!clean->wait_for_room || port_is_dead(port) ||
	    __atomic_load_n(&port->queue.count, __ATOMIC_RELAXED) <
		CONFIG_PAGER_RETURNS)
		return false;
	return has_time(clean);
}

/* Copies on their way are pages more, which the pager may not have. */
static bool
pay_copies(struct object *object, const struct pager_clean *clean, uint64_t end)
{
	return is_flushed(clean) ||
	       object_pay(object, (end - clean->at) >> PAGE_SHIFT);
}

static void
unpay_copies(
    struct object *object, const struct pager_clean *clean, uint64_t end)
{
	if (!is_flushed(clean))
		object_unpay(object, (end - clean->at) >> PAGE_SHIFT);
}

/* Some of the chunk, whose pages are mapped nowhere. */
static kern_return_t
return_step(struct object *object, struct pager_clean *clean)
{
	uint64_t slot = slot_at(object, clean->at);
	uint64_t end = clean->at + PAGE_SIZE;

	if (!is_returned(clean, slot)) {
		settle(object, clean, clean->at, end, false);
		clean->at = end;
		return KERN_OPERATION_TIMED_OUT;
	}
	if (must_wait(object, clean))
		return KERN_NOT_WAITING;
	if (!is_returned(clean, slot))
		return KERN_OPERATION_TIMED_OUT;
	end = run_end(object, clean, clean->at);
	if (!pay_copies(object, clean, end))
		return has_time(clean) ? KERN_NOT_WAITING
				       : KERN_OPERATION_TIMED_OUT;
	if (return_run(object, clean, end))
		return KERN_OPERATION_TIMED_OUT;
	unpay_copies(object, clean, end);
	return KERN_NOT_WAITING;
}

/* ---- steps ---- */

static void
chunk_done(struct object *object, struct pager_clean *clean)
{
	clean->chunk_end = 0;
	spin_lock(&object->lock);
	object->pager->passing = false;
	spin_unlock(&object->lock);
}

kern_return_t
pager_clean_step(struct object *object, struct pager_clean *clean)
{
	kern_return_t kr = KERN_OPERATION_TIMED_OUT;

	/* Nobody is to wait for pages for which there is no room. */
	if (clean->chunk_end == 0 && object->pages > 0 &&
	    must_wait(object, clean))
		return KERN_NOT_WAITING;
	if (clean->chunk_end == 0)
		return mark_next(object, clean) ? KERN_SUCCESS : kr;
	if (!clean->unmapped) {
		clean->unmapped =
		    !object_unmap_step(object, clean->at, clean->chunk_end,
			!clean->flush && clean->locks == 0, &clean->pinned);
		return kr;
	}
	kr = return_step(object, clean);
	if (clean->at == clean->chunk_end)
		chunk_done(object, clean);
	return kr;
}

/* ---- for routines ---- */

static kern_return_t
pause_ask(void *object, uint64_t where, struct thread **nextp)
{
	(void)object;
	(void)where;
	(void)nextp;
	return KERN_SUCCESS;
}

static void
pause_put(void *object)
{
	object_put(object);
}

static const struct memory_source pause_source = {
    .ask = pause_ask,
    .put = pause_put,
};

/* That the wait fails is as it should be. */
kern_return_t
pager_pause(struct object *object)
{
	kern_return_t kr = memory_wait_note(&pause_source, object_get(object),
	    object->size, timer_after_ms(PAUSE_MS));

	return kr == KERN_MEMORY_WAIT ? kr : KERN_OPERATION_TIMED_OUT;
}

kern_return_t
pager_wait_ready(struct object *object)
{
	return memory_wait_note(&pause_source, object_get(object),
	    object->size + 1, timer_after_ms(CONFIG_PAGER_MS));
}

/* ---- who waits for the pager ---- */

/* Is a message about pages, up to number @last, in the pager's queue still? */
static bool
is_queued(struct port *port, uint32_t last)
{
	struct list *at;
	unsigned looked = 0;
	bool found = false;

	port_lock(port);
	if (port->state == PORT_IS_DEAD) {
		spin_unlock(&port->lock);
		return false;
	}
	list_for_each (at, &port->queue.messages) {
		const struct kmsg *kmsg = container_of(at, struct kmsg, link);

		/* Behind so many, it may be. */
		found = looked++ == LOOK_MESSAGES ||
			(kmsg->id == MSGID_MEMORY_OBJECT_DATA_RETURN &&
			    (int32_t)(kmsg->sequence - last) <= 0);
		if (found)
			break;
	}
	spin_unlock(&port->lock);
	return found;
}

/*
 * Has the pager received all that it was returned?  By whomever: what is clean
 * may be so because somebody else has just returned it.  KERN_NOT_WAITING: not
 * yet; KERN_MEMORY_ERROR: it will not, or has not in time.
 */
static kern_return_t
look_taken(struct pager_clean *clean)
{
	struct pager *pager = clean->object->pager;

	if (!clean->returned) {
		clean->returned = true;
		clean->last = atomic_load(&pager->returns);
		clean->deadline = timer_after_ms(CONFIG_PAGER_MS);
	}
	if (clean->kept_back || __atomic_load_n(&pager->gone, __ATOMIC_RELAXED))
		return KERN_MEMORY_ERROR;
	if (is_queued(pager->port, clean->last))
		return timer_now() < clean->deadline ? KERN_NOT_WAITING
						     : KERN_MEMORY_ERROR;
	return port_is_dead(pager->port) ? KERN_MEMORY_ERROR : KERN_SUCCESS;
}

/* A pager that is quick has it when others have had a turn. */
static kern_return_t
wait_taken(struct pager_clean *clean)
{
	kern_return_t kr = look_taken(clean);

	if (kr != KERN_NOT_WAITING)
		return kr;
	return clean->looked++ < QUICK_LOOKS ? KERN_OPERATION_TIMED_OUT
					     : pager_pause(clean->object);
}

static kern_return_t
clean_steps(struct pager_clean *clean)
{
	kern_return_t kr = KERN_SUCCESS;

	while (!clean->returned) {
		kr = pager_clean_step(clean->object, clean);
		if (kr != KERN_OPERATION_TIMED_OUT || thread_should_yield())
			break;
	}
	if (kr == KERN_NOT_WAITING)
		return pager_pause(clean->object);
	return kr == KERN_SUCCESS && clean->wait_taken ? wait_taken(clean) : kr;
}

kern_return_t
pager_clean_call(struct object *object, const struct pager_clean *template,
    uint64_t *progress)
{
	struct pager_clean *clean = (struct pager_clean *)*progress;
	kern_return_t kr;

	if (clean == NULL) {
		clean = kmem_alloc(sizeof(*clean));
		if (clean == NULL)
			return KERN_RESOURCE_SHORTAGE;
		*clean = *template;
		clean->object = object_get(object);
		*progress = (uint64_t)clean;
	}
	kr = clean_steps(clean);
	if (kr == KERN_OPERATION_TIMED_OUT)
		return KCALL_AGAIN;
	if (kr == KERN_MEMORY_WAIT)
		return kr;
	if (kr == KERN_SUCCESS && clean->kept_back && !clean->wait_for_room)
		kr = KERN_RESOURCE_SHORTAGE;
	object_put(clean->object);
	kmem_free(clean, sizeof(*clean));
	*progress = 0;
	return kr;
}
