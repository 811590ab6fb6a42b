/* snapshot.c: see snapshot.h. */
#include "vm/snapshot.h"

#include <arch/pmap.h>
#include <mach/vm_prot.h>

#include "kernel/config.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "vm/map.h"
#include "vm/memory_wait.h"
#include "vm/object_slots.h"
#include "vm/page_count.h"

/* ---- those that there are ---- */

static struct object *
snapshot_of(struct list *link)
{
	return container_of(link, struct object, snapshot_link);
}

/* Does it have to have what is at @offset, and has it not? */
static bool
wants(struct object *snapshot, uint64_t offset)
{
	uint64_t *slot;

	if (offset < snapshot->snapshot_start ||
	    offset >= snapshot->snapshot_end || snapshot->snapshot_lost)
		return false;
	slot = object_slot(snapshot, offset, false);
	return slot == NULL || *slot == 0;
}

/* Its source knows it no more.  Locks: the source's. */
static void
forget(struct object *snapshot)
{
	if (list_empty(&snapshot->snapshot_link))
		return;
	list_remove(&snapshot->snapshot_link);
	list_init(&snapshot->snapshot_link);
	snapshot->source->snapshot_count--;
}

/*
 * Who pays for it may not have what it is to be given: it is lost, but for the
 * pages that it has.  He who writes goes on; and who limits himself to make
 * others' snapshots fail has them fail that he made.
 */
static void
lose(struct object *snapshot)
{
	snapshot->snapshot_lost = true;
	snapshot->snapshot_old = true;
	forget(snapshot);
}

/* Let @snapshot have @page too, with a reference of its own; it is paid for. */
static void
give(struct object *snapshot, uint64_t *slot, struct page *page)
{
	page_get(page);
	*slot = slot_of(page, SLOT_SHARED);
	snapshot->pages++;
}

/* Does any want it?  All of them have room for it then, or it is
 * KERN_RESOURCE_SHORTAGE. */
static kern_return_t
prepare(struct object *object, uint64_t offset, bool *wantedp)
{
	struct list *link, *next;

	*wantedp = false;
	list_for_each_safe (link, next, &object->snapshots) {
		struct object *snapshot = snapshot_of(link);

		if (!wants(snapshot, offset))
			continue;
		if (object_slot(snapshot, offset, true) != NULL)
			*wantedp = true;
		else if (object_is_poor(snapshot))
			lose(snapshot);
		else
			return KERN_RESOURCE_SHORTAGE;
	}
	return KERN_SUCCESS;
}

static void
give_all(struct object *object, uint64_t offset, struct page *page)
{
	struct list *link, *next;

	list_for_each_safe (link, next, &object->snapshots) {
		struct object *snapshot = snapshot_of(link);

		if (!wants(snapshot, offset))
			continue;
		if (object_pay(snapshot, 1))
			give(snapshot, object_slot(snapshot, offset, false),
			    page);
		else
			lose(snapshot);
	}
}

kern_return_t
snapshot_before_loss(struct object *object, uint64_t offset, uint64_t slot)
{
	bool wanted;
	kern_return_t kr = prepare(object, offset, &wanted);

	if (kr == KERN_SUCCESS && wanted)
		give_all(object, offset, slot_page(slot));
	return kr;
}

kern_return_t
snapshot_before_write(struct object *object, uint64_t offset, uint64_t slot)
{
	bool wanted;
	kern_return_t kr = prepare(object, offset, &wanted);
	struct page *page = slot_page(slot), *copy = NULL;
	struct list *link;

	if (kr == KERN_SUCCESS && wanted && !(slot & SLOT_SHARED)) {
		copy = page_alloc(0);
		if (copy == NULL)
			return KERN_RESOURCE_SHORTAGE;
		page_copy(page_va(copy), page_va(page));
		page = copy;
	}
	if (kr != KERN_SUCCESS)
		return kr;

	/* ---- committed: nothing below can fail ---- */
	if (wanted)
		give_all(object, offset, page);
	if (copy != NULL)
		page_put(copy);
	list_for_each (link, &object->snapshots)
		snapshot_of(link)->snapshot_old = true;
	return KERN_SUCCESS;
}

void
snapshot_end(struct object *snapshot)
{
	struct object *source = snapshot->source;

	spin_lock(&source->lock);
	forget(snapshot);
	spin_unlock(&source->lock);
}

/* ---- pages ---- */

/* Let the snapshot keep @copy for the next who wants it, if that may be. */
static void
keep(struct object *snapshot, uint64_t offset, struct page *copy)
{
	uint64_t *own = object_slot(snapshot, offset, true);

	if (own != NULL && object_pay(snapshot, 1))
		give(snapshot, own, copy);
}

/*
 * What is in @slot of the source: the page itself, where nobody maps it from
 * there; else a copy.
 */
static kern_return_t
lend(struct object *snapshot, uint64_t offset, uint64_t *slot,
    struct page **pagep)
{
	struct page *page = slot_page(*slot), *copy;

	if ((*slot & SLOT_SHARED) || page_is_sole(page)) {
		*slot |= SLOT_SHARED;
		page_get(page);
		*pagep = page;
		return KERN_SUCCESS;
	}
	copy = page_alloc(0);
	if (copy == NULL)
		return KERN_RESOURCE_SHORTAGE;
	page_copy(page_va(copy), page_va(page));
	keep(snapshot, offset, copy);
	*pagep = copy;
	return KERN_SUCCESS;
}

kern_return_t
snapshot_page(struct object *snapshot, uint64_t offset, struct page **pagep)
{
	struct object *source = snapshot->source;
	kern_return_t kr = KERN_SUCCESS;
	uint64_t *slot;

	spin_lock(&source->lock);
	slot = object_slot(snapshot, offset, false);
	if (slot != NULL && *slot != 0) {
		*pagep = slot_page(*slot);
		page_get(*pagep);
	} else if (snapshot->snapshot_lost) {
		kr = KERN_MEMORY_ERROR;
	} else {
		kr = pager_allow(source, offset, VM_PROT_READ);
		if (kr == KERN_SUCCESS)
			kr = lend(snapshot, offset,
			    object_slot(source, offset, false), pagep);
	}
	spin_unlock(&source->lock);
	return kr;
}

static kern_return_t
bring_page(struct map *map, const struct map_entry *entry, uaddr_t va)
{
	pte_t bits = entry->prot & VM_PROT_READ ? pte_protection(VM_PROT_READ)
						: PTE_U | PTE_A;
	pte_t *leaf = pmap_make(&map->pmap, va, 0, 0);
	struct page *page;
	kern_return_t kr;

	if (leaf == NULL || !pmap_can_pay(&map->pmap, 1, 0))
		return KERN_RESOURCE_SHORTAGE;
	kr = snapshot_page(
	    entry->object, entry->window + (va - entry->start), &page);
	if (kr != KERN_SUCCESS)
		return kr;
	/* The page must be in memory before a walk finds it. */
	atomic_thread_fence(memory_order_release);
	*leaf = pte_make(page_pa(page), bits);
	pages_come(&map->pmap, va, leaf, 1);
	return KERN_SUCCESS;
}

kern_return_t
snapshot_bring(struct map *map, const struct map_entry *entry, uaddr_t va,
    uint64_t *stopp, unsigned *budget)
{
	uaddr_t at;

	for (at = va; at<*stopp && * budget> 0; at += PAGE_SIZE) {
		kern_return_t kr;

		if (pmap_look(&map->pmap, at) != 0) {
			(*budget)--;
			continue;
		}
		kr = bring_page(map, entry, at);
		if (kr != KERN_SUCCESS && at == va)
			return kr;
		if (kr != KERN_SUCCESS) {
			/* The next step's. */
			memory_wait_forget();
			break;
		}
		*budget -= min_u64(*budget, SNAPSHOT_BRING);
	}
	*stopp = at;
	return KERN_SUCCESS;
}

/* ---- making one ---- */

/* What an object's pager does about copies is known when it is ready. */
static kern_return_t
check_locked(struct object *object)
{
	const struct pager *pager = object->pager;

	if (pager->gone)
		return KERN_SUCCESS; /* who touches a page hears of it */
	if (!pager->ready)
		return pager_wait_ready(object);
	if (pager->copy_strategy == MEMORY_OBJECT_COPY_NONE ||
	    pager->copy_strategy == MEMORY_OBJECT_COPY_CALL)
		return KERN_NOT_SUPPORTED;
	return KERN_SUCCESS;
}

/* One that is what a new one would be, with a reference; NULL: there is none.
 */
static struct object *
find_locked(const struct snapshot_take *take)
{
	struct list *link;

	list_for_each (link, &take->object->snapshots) {
		struct object *snapshot = snapshot_of(link);

		if (snapshot->snapshot_old || !snapshot->snapshot_whole ||
		    !object_get_alive(snapshot))
			continue;
		/* Nothing has been written, wherever it is. */
		snapshot->snapshot_start =
		    min_u64(snapshot->snapshot_start, take->start);
		snapshot->snapshot_end =
		    max_u64(snapshot->snapshot_end, take->end);
		return snapshot;
	}
	return NULL;
}

/* From now on it gets what is written.  All of the source is protected, so that
 * others can have the same snapshot of other parts. */
static void
add_locked(struct snapshot_take *take, struct object *snapshot)
{
	struct object *source = take->object;

	snapshot->source = object_get(source);
	snapshot->snapshot_start = take->start;
	snapshot->snapshot_end = take->end;
	list_add_tail(&source->snapshots, &snapshot->snapshot_link);
	source->snapshot_count++;
	take->snapshot = snapshot;
	take->protecting = true;
	take->clean = (struct pager_clean){
	    .end = source->size,
	    .protect = true,
	};
}

/* Find one, or use *@freshp, if there is that; else take->snapshot stays NULL.
 */
static kern_return_t
choose(struct snapshot_take *take, struct object **freshp)
{
	struct object *source = take->object;
	kern_return_t kr;

	spin_lock(&source->lock);
	kr = check_locked(source);
	if (kr == KERN_SUCCESS)
		take->snapshot = find_locked(take);
	if (kr != KERN_SUCCESS || take->snapshot != NULL)
		goto out;
	if (source->snapshot_count == SNAPSHOTS_MAX) {
		kr = KERN_NOT_SUPPORTED;
	} else if (*freshp != NULL) {
		add_locked(take, *freshp);
		*freshp = NULL;
	}
out:
	spin_unlock(&source->lock);
	return kr;
}

static kern_return_t
begin(struct snapshot_take *take)
{
	struct object *fresh = NULL;
	kern_return_t kr = choose(take, &fresh);

	if (kr != KERN_SUCCESS || take->snapshot != NULL)
		return kr;
	fresh = object_create(ledger_of_caller(), take->object->size);
	if (fresh == NULL)
		return KERN_RESOURCE_SHORTAGE;
	kr = choose(take, &fresh);
	if (fresh != NULL)
		object_put(fresh);
	return kr == KERN_SUCCESS && take->protecting ? KERN_OPERATION_TIMED_OUT
						      : kr;
}

kern_return_t
snapshot_take_step(struct snapshot_take *take)
{
	struct object *source = take->object;
	kern_return_t kr;

	if (take->snapshot == NULL)
		return begin(take);
	if (!take->protecting)
		return KERN_SUCCESS;
	kr = pager_clean_step(source, &take->clean);
	if (kr == KERN_NOT_WAITING)
		return pager_pause(source);
	if (kr != KERN_SUCCESS)
		return kr;
	spin_lock(&source->lock);
	take->snapshot->snapshot_whole = true;
	spin_unlock(&source->lock);
	take->protecting = false;
	return KERN_SUCCESS;
}
