/*
 * pager_ask.c: asking a pager for pages, and again when he who was asked has
 * gone; see pager.h.
 */
#include <mach/vm_prot.h>

#include "ipc/fast_pager.h"
#include "ipc/kmsg.h"
#include "ipc/message.h"
#include "ipc/port.h"
#include "kernel/config.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "vm/memory_wait.h"
#include "vm/object_slots.h"
#include "vm/pager.h"
#include "vm/snapshot.h"

/* What has been asked is to be asked again.  So many turns later a question
 * that nobody came back to looks like a new one, and is waited for in vain:
 * that begins a turn.  Locks: the object's. */
static void
begin_turn(struct pager *pager)
{
	pager->turn = pager->turn == SLOT_ASKED ? SLOT_FIRST_TURN
						: pager->turn + SLOT_FIRST_TURN;
}

/* What has to be sent to the pager for @offset to be accessed so. */
enum question {
	ASK_NOTHING,
	ASK_DATA,
	ASK_UNLOCK,
};

/* Whoever holds the port does not receive: what is there must do. */
static bool
is_behind(const struct pager *pager)
{
	return __atomic_load_n(&pager->port->queue.count, __ATOMIC_RELAXED) >=
	       2 * CONFIG_PAGER_REQUESTS;
}

/* Was its question asked, so that it may still be answered? */
static bool
is_open(const struct pager *pager, uint64_t slot)
{
	if ((slot & SLOT_ASKED) != pager->turn)
		return false;
	return !(slot & SLOT_BUSY) || slot_deadline(slot) > timer_now();
}

/* Until when to wait for what is in @slot, if something is. */
static uint64_t
deadline_of(uint64_t slot)
{
	if ((slot & SLOT_BUSY) && slot_deadline(slot) > timer_now())
		return slot_deadline(slot);
	return timer_after_ms(CONFIG_PAGER_MS);
}

/* Mark the slot accordingly.  Locks: the object's. */
static enum question
choose(struct pager *pager, uint64_t *slot, unsigned access)
{
	bool has_page = slot_has_page(*slot);

	if (has_page ? !(*slot & slot_locks(access)) : !pager->ready)
		return ASK_NOTHING;
	if (is_open(pager, *slot))
		return ASK_NOTHING;
	if (*slot & SLOT_ASKED) {
		if (is_behind(pager))
			return ASK_NOTHING;
	} else {
		if (pager->asked >= CONFIG_PAGER_REQUESTS)
			return ASK_NOTHING;
		pager->asked++;
	}
	if (!has_page)
		*slot = slot_busy(deadline_of(*slot));
	*slot = (*slot & ~SLOT_ASKED) | pager->turn;
	return has_page ? ASK_UNLOCK : ASK_DATA;
}

/* The message to be sent, or NULL: none.  Locks: the object's. */
static kern_return_t
ask_locked(struct object *object, uint64_t offset, unsigned access,
    struct kmsg **kmsgp)
{
	struct pager *pager = object->pager;
	enum question question;
	uint64_t *slot;

	if (pager->gone)
		return KERN_MEMORY_ERROR;
	/* Nobody is to have it before there is something to ask. */
	slot = object_slot(object, offset, pager->ready);
	if (slot == NULL)
		return pager->ready ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
	*kmsgp = pager_message_request(pager);
	if (*kmsgp == NULL)
		return KERN_RESOURCE_SHORTAGE;
	question = choose(pager, slot, access);
	if (question == ASK_NOTHING)
		return KERN_SUCCESS;
	pager_message_ask(
	    *kmsgp, question == ASK_UNLOCK, offset, PAGE_SIZE, access);
	pager_message_address(pager, *kmsgp);
	return KERN_SUCCESS;
}

/* The same by the shortest way: to a pager that waits for it.  *@nextp: its
 * thread.  False: declined.  Locks: the object's. */
static bool
ask_fast(struct object *object, uint64_t offset, unsigned access,
    struct thread **nextp)
{
	struct pager *pager = object->pager;
	uint64_t *slot;

	if (!CONFIG_FAST || !ipc_fast_enabled || pager->gone || !pager->ready ||
	    pager->asked >= CONFIG_PAGER_REQUESTS)
		return false;
	slot = object_slot(object, offset, true);
	if (slot == NULL || *slot != 0)
		return false;
	*nextp = fast_pager_request(&(struct fast_request){
	    .to = pager->port,
	    .control = pager->control,
	    .guess = &pager->control_name,
	    .offset = offset,
	    .access = access,
	});
	if (*nextp == NULL)
		return false;
	*slot = slot_busy(timer_after_ms(CONFIG_PAGER_MS)) | pager->turn;
	pager->asked++;
	return true;
}

static kern_return_t
page_ask(void *of, uint64_t where, struct thread **nextp)
{
	uint64_t offset = page_floor(where);
	unsigned access = (unsigned)(where & PAGE_MASK);
	struct object *object = of;
	struct kmsg *kmsg = NULL;
	kern_return_t kr;

	if (port_is_dead(object->pager->port))
		return KERN_MEMORY_ERROR;
	spin_lock(&object->lock);
	if (ask_fast(object, offset, access, nextp)) {
		spin_unlock(&object->lock);
		return KERN_SUCCESS;
	}
	kr = ask_locked(object, offset, access, &kmsg);
	spin_unlock(&object->lock);
	if (kmsg == NULL)
		return kr;
	if (kmsg->remote != NULL)
		pager_message_send(kmsg, nextp);
	else
		kmsg_destroy(kmsg);
	return kr;
}

/* No answer came.  When data is asked for again its slot tells; for the other
 * question there is nothing but a new turn. */
static void
page_expired(void *of, uint64_t where)
{
	struct object *object = of;
	const uint64_t *slot;

	spin_lock(&object->lock);
	slot = object_slot(object, page_floor(where), false);
	if (slot != NULL && slot_has_page(*slot) &&
	    is_open(object->pager, *slot))
		begin_turn(object->pager);
	spin_unlock(&object->lock);
}

static void
page_put_object(void *object)
{
	object_put(object);
}

static const struct memory_source page_source = {
    .ask = page_ask,
    .expired = page_expired,
    .put = page_put_object,
};

/* The page in @slot may be written by those who map it. */
static kern_return_t
allow_writing(struct object *object, uint64_t offset, uint64_t *slot)
{
	if (!(*slot & SLOT_WRITABLE)) {
		kern_return_t kr = snapshot_before_write(object, offset, *slot);

		if (kr != KERN_SUCCESS)
			return kr;
		object->pager->writable++;
	}
	object->pager->dirty += !(*slot & SLOT_DIRTY);
	*slot |= SLOT_DIRTY | SLOT_WRITABLE;
	return KERN_SUCCESS;
}

kern_return_t
pager_allow(struct object *object, uint64_t offset, unsigned access)
{
	uint64_t *slot = object_slot(object, offset, false);

	if (object->pager->gone)
		return KERN_MEMORY_ERROR;
	if (slot != NULL && slot_has_page(*slot) && !(*slot & SLOT_LEAVING) &&
	    !(*slot & slot_locks(access))) {
		*slot &= ~SLOT_CLOSED;
		return access == VM_PROT_WRITE
			   ? allow_writing(object, offset, slot)
			   : KERN_SUCCESS;
	}
	return memory_wait_note(&page_source, object_get(object),
	    offset | access, deadline_of(slot != NULL ? *slot : 0));
}

void
pager_answered(struct pager *pager, uint64_t *slot)
{
	pager->dropped = false;
	if (!(*slot & SLOT_ASKED))
		return;
	/* Who came when nothing more could be asked looks again. */
	if (pager->asked-- == CONFIG_PAGER_REQUESTS)
		memory_wake(pager->object, 0, UINT64_MAX, KERN_SUCCESS);
	*slot = *slot & SLOT_BUSY ? 0 : *slot & ~SLOT_ASKED;
}

/* ---- who would answer has gone ---- */

/* Its first message went with who took it: the next is to have one. */
static void
introduce(struct pager *pager)
{
	struct kmsg *init;
	struct thread *next;

	if (is_behind(pager))
		return; /* it is in the queue */
	init = pager_message_init(pager);
	if (init == NULL) {
		pager_give_up(pager);
		return;
	}
	pager_message_address(pager, init);
	pager_message_send(init, &next);
	if (next != NULL)
		sched_wake(next);
}

void
pager_unanswered(void *of)
{
	struct pager *pager = of;
	struct object *object = pager_object(pager);
	kern_return_t result = KERN_SUCCESS;
	bool ready;

	if (object == NULL)
		return;
	spin_lock(&object->lock);
	ready = pager->ready;
	if (ready && pager->dropped)
		result = KERN_MEMORY_ERROR;
	if (ready && !pager->dropped)
		begin_turn(pager);
	pager->dropped = ready;
	spin_unlock(&object->lock);
	if (ready)
		memory_wake(object, 0, UINT64_MAX, result);
	object_put(object);
}

void
pager_returned(void *of)
{
	struct pager *pager = of;
	struct object *object = pager_object(pager);
	bool ready;

	if (object == NULL)
		return;
	spin_lock(&object->lock);
	begin_turn(pager);
	ready = pager->ready || pager->gone;
	spin_unlock(&object->lock);
	if (!ready)
		introduce(pager);
	memory_wake(object, 0, UINT64_MAX, KERN_SUCCESS);
	object_put(object);
}
