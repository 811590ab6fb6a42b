/*
 * pager_server.c: what pagers answer and ask, <mach/memory_object_control.h>.
 */
#include <mach/vm_prot.h>
#include <serve/memory_object_control.h>

#include "ipc/kmsg.h"
#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/memory_wait.h"
#include "vm/object_slots.h"
#include "vm/pager.h"
#include "vm/transfer_slots.h"

/* Pages that one step supplies, and slots that it looks at. */
#define STEP_PAGES 32
#define STEP_SLOTS 256

/* Whole pages of @object's; a size beyond its end is cut. */
static bool
check_range(const struct object *object, uint64_t offset, uint64_t *sizep)
{
	if ((offset & PAGE_MASK) != 0 || (*sizep & PAGE_MASK) != 0 ||
	    offset >= object->size)
		return false;
	*sizep = min_u64(*sizep, object->size - offset);
	return true;
}

/* ---- data that was asked for ---- */

struct supply {
	struct object *object;
	struct transfer *data;
	uint64_t offset;
	uint64_t flags; /* SLOT_* of each page */
};

/* Let @page, the caller's, for which is paid, be at @offset.
 * KERN_MEMORY_PRESENT: there is one, and this one is not paid for any more;
 * KERN_RESOURCE_SHORTAGE.  The page is the caller's then. */
static kern_return_t
insert(
    struct object *object, uint64_t offset, struct page *page, uint64_t flags)
{
	kern_return_t kr = KERN_SUCCESS;
	uint64_t *slot;

	spin_lock(&object->lock);
	slot = object_slot(object, offset, true);
	if (slot == NULL) {
		kr = KERN_RESOURCE_SHORTAGE;
	} else if (object->pager->gone) {
		kr = KERN_TERMINATED;
	} else if (slot_has_page(*slot)) {
		object_unpay(object, 1);
		kr = KERN_MEMORY_PRESENT;
	} else {
		pager_answered(object->pager, slot);
		if (!page_is_sole(page))
			flags |= SLOT_SHARED;
		*slot = slot_of(page, flags);
		object->pages++;
	}
	spin_unlock(&object->lock);
	return kr;
}

/* The page that is @done bytes into what was sent. */
static kern_return_t
supply_page(const struct supply *supply, uint64_t done)
{
	struct page *page;
	kern_return_t kr;

	kr = transfer_take_page(
	    supply->data, supply->data->address + done, &page);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = insert(supply->object, supply->offset + done, page, supply->flags);
	if (kr != KERN_SUCCESS)
		page_put(page);
	return kr;
}

/* Pages from *@donep on; the first that was there is at *@presentp - 1. */
static kern_return_t
supply_step(const struct supply *supply, uint64_t size, uint64_t *donep,
    uint64_t *presentp)
{
	uint64_t start = *donep;
	uint64_t end = min_u64(size, start + STEP_PAGES * PAGE_SIZE);
	kern_return_t kr = KERN_SUCCESS;

	for (; *donep < end; *donep += PAGE_SIZE) {
		kr = supply_page(supply, *donep);
		if (kr == KERN_MEMORY_PRESENT && *presentp == 0)
			*presentp = supply->offset + *donep + 1;
		if (kr != KERN_SUCCESS && kr != KERN_MEMORY_PRESENT)
			break;
		kr = KERN_SUCCESS;
	}
	memory_wake(supply->object, supply->offset + start,
	    supply->offset + *donep, KERN_SUCCESS);
	return kr;
}

/* A page of zeros for @object, which is paid for; NULL: there is none. */
static struct page *
paid_zeros(struct object *object)
{
	struct page *page;

	if (!object_pay(object, 1))
		return NULL;
	page = page_alloc_zeroed();
	if (page == NULL)
		object_unpay(object, 1);
	return page;
}

/* What is asked for at @slot is refused, or zeros: but not what is there. */
static kern_return_t
refuse_locked(struct object *object, uint64_t *slot, bool zeros)
{
	struct page *page = NULL;

	if (zeros) {
		if (!(*slot & SLOT_BUSY))
			return KERN_SUCCESS;
		page = paid_zeros(object);
		if (page == NULL)
			return KERN_RESOURCE_SHORTAGE;
	}
	pager_answered(object->pager, slot);
	if (page == NULL)
		return KERN_SUCCESS;
	*slot = slot_of(page, 0);
	object->pages++;
	return KERN_SUCCESS;
}

/* Slots of [*@atp, @end) that are asked for. */
static kern_return_t
refuse_step(struct object *object, uint64_t *atp, uint64_t end, bool zeros)
{
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&object->lock);
	for (int i = 0; i < STEP_SLOTS && *atp < end; i++) {
		uint64_t *slot;

		/* There is nothing behind the last of them. */
		if (object->pager->asked == 0) {
			*atp = end;
			break;
		}
		*atp = object_slot_next(object, *atp, end);
		slot = *atp < end ? object_slot(object, *atp, false) : NULL;
		if (slot == NULL)
			break;
		kr = refuse_locked(object, slot, zeros);
		if (kr != KERN_SUCCESS)
			break;
		*atp += PAGE_SIZE;
	}
	spin_unlock(&object->lock);
	return kr;
}

enum {
	REFUSE_DONE,
	REFUSE_SHORT, /* there is no memory for zeros */
};

static kern_return_t
refuse(struct pager *pager, uint64_t offset, uint64_t size, bool zeros)
{
	uint64_t *progress = call_progress();
	uint64_t *donep = &progress[REFUSE_DONE];
	struct object *object = pager_object(pager);
	kern_return_t kr = KERN_INVALID_ARGUMENT;
	uint64_t at;

	if (object == NULL)
		return KERN_TERMINATED;
	if (!check_range(object, offset, &size))
		goto out;
	zeros &= !progress[REFUSE_SHORT];
	at = offset + *donep;
	kr = refuse_step(object, &at, offset + size, zeros);
	memory_wake(object, offset + *donep, at,
	    zeros ? KERN_SUCCESS : KERN_MEMORY_ERROR);
	*donep = at - offset;
	/* Who waits for the rest is not to wait any longer. */
	progress[REFUSE_SHORT] |= kr != KERN_SUCCESS;
	if (*donep < size)
		kr = KCALL_AGAIN;
	else if (progress[REFUSE_SHORT])
		kr = KERN_RESOURCE_SHORTAGE;
out:
	object_put(object);
	return kr;
}

kern_return_t
serve_memory_object_data_unavailable(
    struct pager *pager, vm_offset_t offset, vm_size_t size)
{
	return refuse(pager, offset, size, true);
}

kern_return_t
serve_memory_object_data_error(struct pager *pager, vm_offset_t offset,
    vm_size_t size, kern_return_t error_value)
{
	(void)error_value; /* clients get KERN_MEMORY_ERROR */
	return refuse(pager, offset, size, false);
}

enum {
	SUPPLY_DONE,
	SUPPLY_PRESENT, /* 1 + where a page was already; 0: nowhere */
	SUPPLY_STATE,	/* 0 at first; PAID; or that and why it failed */
};
#define PAID 1

/* Pay for all of it beforehand: it fails before anything is taken, or not for
 * that. */
static bool
pay(struct object *object, uint64_t size)
{
	bool paid;

	spin_lock(&object->lock);
	paid = object_pay(object, size >> PAGE_SHIFT);
	spin_unlock(&object->lock);
	return paid;
}

static void
unpay(struct object *object, uint64_t size)
{
	spin_lock(&object->lock);
	object_unpay(object, size >> PAGE_SHIFT);
	spin_unlock(&object->lock);
}

/* The pager has given away what it may not have there: it gets it back, as what
 * was written. */
static void
send_back(struct pager *pager, const struct supply *supply, uint64_t size)
{
	struct kmsg *kmsg;
	struct thread *next = NULL;

	if (supply->data->how != TRANSFER_GIVE)
		return;
	kmsg = pager_message_return(ledger_of_caller(), pager, supply->offset,
	    size, true, false, supply->data);
	if (kmsg == NULL)
		return;
	call_keep_memory(supply->data);
	kmsg->sequence = atomic_load(&pager->returns);
	spin_lock(&supply->object->lock);
	if (!pager->gone)
		pager_message_address(pager, kmsg);
	spin_unlock(&supply->object->lock);
	if (kmsg->remote == NULL) {
		kmsg_destroy(kmsg);
		return;
	}
	pager_message_send(kmsg, &next);
	if (next != NULL)
		sched_wake(next);
}

static kern_return_t
supply_pages(struct pager *pager, const struct supply *supply, uint64_t size,
    uint64_t *progress)
{
	kern_return_t kr = KERN_SUCCESS;

	if (progress[SUPPLY_STATE] == 0 && !pay(supply->object, size)) {
		send_back(pager, supply, size);
		return KERN_RESOURCE_SHORTAGE;
	}
	progress[SUPPLY_STATE] = PAID;
	while (kr == KERN_SUCCESS && progress[SUPPLY_DONE] < size) {
		kr = supply_step(supply, size, &progress[SUPPLY_DONE],
		    &progress[SUPPLY_PRESENT]);
		if (kr == KERN_SUCCESS && progress[SUPPLY_DONE] < size &&
		    thread_should_yield())
			kr = KCALL_AGAIN;
	}
	if (kr != KERN_SUCCESS && !call_goes_on(kr))
		unpay(supply->object, size - progress[SUPPLY_DONE]);
	return kr;
}

/* Who waits for what could not be supplied is not to wait any longer. */
static kern_return_t
refuse_rest(const struct supply *supply, uint64_t size, uint64_t *donep)
{
	uint64_t start = supply->offset + *donep, at = start;
	kern_return_t kr;

	kr = refuse_step(supply->object, &at, supply->offset + size, false);
	memory_wake(supply->object, start, at, KERN_MEMORY_ERROR);
	*donep = at - supply->offset;
	return kr == KERN_SUCCESS && *donep < size ? KCALL_AGAIN : kr;
}

/* The answer's result and offset. */
static kern_return_t
result_of(
    const struct supply *supply, const uint64_t *progress, uint64_t *offsetp)
{
	uint64_t present = progress[SUPPLY_PRESENT];

	*offsetp = present != 0 ? present - 1 : 0;
	if (progress[SUPPLY_STATE] == PAID)
		return present != 0 ? KERN_MEMORY_PRESENT : KERN_SUCCESS;
	*offsetp = supply->offset;
	return (kern_return_t)(progress[SUPPLY_STATE] - PAID);
}

static kern_return_t
supply_all(struct pager *pager, const struct supply *supply, uint64_t size,
    uint64_t *progress)
{
	kern_return_t kr = KERN_SUCCESS;

	if (progress[SUPPLY_STATE] <= PAID)
		kr = supply_pages(pager, supply, size, progress);
	if (call_goes_on(kr))
		return kr;
	if (kr != KERN_SUCCESS)
		progress[SUPPLY_STATE] = PAID + (uint64_t)kr;
	if (progress[SUPPLY_STATE] != PAID)
		return refuse_rest(supply, size, &progress[SUPPLY_DONE]);
	return KERN_SUCCESS;
}

kern_return_t
serve_memory_object_data_supply(struct pager *pager, vm_offset_t offset,
    struct transfer *data, mach_msg_type_number_t count, vm_prot_t lock_value,
    boolean_t precious, struct port *reply_to)
{
	uint64_t *progress = call_progress();
	struct supply supply = {
	    .object = pager_object(pager),
	    .data = data,
	    .offset = offset,
	    .flags = slot_locks((unsigned)lock_value) |
		     (precious ? SLOT_PRECIOUS : 0),
	};
	kern_return_t kr = KERN_INVALID_ARGUMENT, result;
	uint64_t size = count, where;

	if (supply.object == NULL)
		return KERN_TERMINATED;
	if (size == 0 || !check_range(supply.object, offset, &size) ||
	    (lock_value & ~VM_PROT_ALL) != 0 ||
	    (data != NULL && (data->address & PAGE_MASK) != 0))
		goto out;
	kr = supply_all(pager, &supply, size, progress);
	if (kr != KERN_SUCCESS)
		goto out;
	result = result_of(&supply, progress, &where);
	/* Where nobody waits for it, the call itself says so. */
	if (reply_to == NULL && progress[SUPPLY_STATE] != PAID)
		kr = result;
	pager_answer_supply(pager, reply_to, offset, count, result, where);
out:
	object_put(supply.object);
	return kr;
}

/* ---- pages that the kernel has ---- */

static kern_return_t
check_lock_request(const struct object *object, uint64_t offset,
    uint64_t *sizep, memory_object_return_t should_return, vm_prot_t locks)
{
	if (!check_range(object, offset, sizep))
		return KERN_INVALID_ARGUMENT;
	if (should_return < MEMORY_OBJECT_RETURN_NONE ||
	    should_return > MEMORY_OBJECT_RETURN_ANYTHING)
		return KERN_INVALID_ARGUMENT;
	return (locks & ~VM_PROT_ALL) == 0 ? KERN_SUCCESS
					   : KERN_INVALID_ARGUMENT;
}

kern_return_t
serve_memory_object_lock_request(struct pager *pager, vm_offset_t offset,
    vm_size_t size, memory_object_return_t should_return,
    boolean_t should_flush, vm_prot_t lock_value, struct port *reply_to)
{
	struct object *object = pager_object(pager);
	bool change = lock_value != VM_PROT_NO_CHANGE &&
		      lock_value != VM_PROT_NO_CHANGE_LEGACY;
	struct pager_clean clean = {
	    .at = offset,
	    .should_return = should_return,
	    .flush = should_flush != FALSE,
	    .set_locks = change,
	    .locks = change ? (unsigned)lock_value : 0,
	};
	kern_return_t kr;

	if (object == NULL)
		return KERN_TERMINATED;
	kr = check_lock_request(
	    object, offset, &size, should_return, change ? lock_value : 0);
	clean.end = offset + size;
	if (kr == KERN_SUCCESS)
		kr = pager_clean_call(object, &clean, call_progress());
	if (kr == KERN_SUCCESS)
		pager_answer_lock(pager, reply_to, offset, size);
	object_put(object);
	return kr;
}

/* ---- attributes ---- */

static bool
is_strategy(memory_object_copy_strategy_t strategy)
{
	return strategy >= MEMORY_OBJECT_COPY_NONE &&
	       strategy <= MEMORY_OBJECT_COPY_TEMPORARY;
}

static kern_return_t
set_attributes(
    struct pager *pager, bool ready, boolean_t may_cache, int copy_strategy)
{
	struct object *object;

	if (!is_strategy(copy_strategy))
		return KERN_INVALID_ARGUMENT;
	object = pager_object(pager);
	if (object == NULL)
		return KERN_TERMINATED;
	spin_lock(&object->lock);
	pager->may_cache = may_cache != FALSE;
	pager->copy_strategy = copy_strategy;
	pager->ready |= ready;
	spin_unlock(&object->lock);
	if (!may_cache)
		pager_cache_drop(object);
	if (ready)
		memory_wake(object, 0, UINT64_MAX, KERN_SUCCESS);
	object_put(object);
	return KERN_SUCCESS;
}

kern_return_t
serve_memory_object_ready(struct pager *pager, boolean_t may_cache,
    memory_object_copy_strategy_t copy_strategy)
{
	return set_attributes(pager, true, may_cache, copy_strategy);
}

kern_return_t
serve_memory_object_set_attributes(struct pager *pager, boolean_t object_ready,
    boolean_t may_cache, memory_object_copy_strategy_t copy_strategy)
{
	return set_attributes(
	    pager, object_ready != FALSE, may_cache, copy_strategy);
}

kern_return_t
serve_memory_object_change_attributes(struct pager *pager, boolean_t may_cache,
    memory_object_copy_strategy_t copy_strategy, struct port *reply_to)
{
	kern_return_t kr =
	    set_attributes(pager, false, may_cache, copy_strategy);

	if (kr == KERN_SUCCESS)
		pager_answer_change(
		    reply_to, may_cache != FALSE, copy_strategy);
	return kr;
}

kern_return_t
serve_memory_object_get_attributes(struct pager *pager, boolean_t *object_ready,
    boolean_t *may_cache, memory_object_copy_strategy_t *copy_strategy)
{
	struct object *object = pager_object(pager);

	if (object == NULL)
		return KERN_TERMINATED;
	spin_lock(&object->lock);
	*object_ready = pager->ready;
	*may_cache = pager->may_cache;
	*copy_strategy = pager->copy_strategy;
	spin_unlock(&object->lock);
	object_put(object);
	return KERN_SUCCESS;
}

kern_return_t
serve_memory_object_destroy(struct pager *pager, kern_return_t reason)
{
	(void)reason;
	pager_give_up(pager);
	return KERN_SUCCESS;
}
