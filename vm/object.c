/* object.c: see object.h. */
#include "vm/object.h"

#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/zone.h"
#include "vm/map.h"
#include "vm/object_slots.h"
#include "vm/page.h"
#include "vm/pager.h"
#include "vm/snapshot.h"

#define NODE_BITS  OBJECT_NODE_BITS
#define NODE_SLOTS (1U << NODE_BITS)
/* Pages and nodes that one step of taking one apart frees. */
#define END_STEP 96
/* What looking through a node counts for. */
#define END_SCAN 10
/* Slots and nodes found missing in one step. */
#define ABSENT_STEP 256

static struct zone object_zone;
static atomic_uint last_id;

void
object_zone_init(void)
{
	zone_init(&object_zone, "memory object", sizeof(struct object), 0);
	ledger_weigh(BATON_LEDGER_OBJECTS, sizeof(struct object));
}

/* ---- slots ---- */

static uint64_t *
node_of(uint64_t slot)
{
	return (uint64_t *)slot;
}

/* Nodes that an object of @pages has above its slots. */
static uint32_t
levels_for(uint64_t pages)
{
	uint32_t levels = 0;

	for (; pages > 1; pages = (pages + NODE_SLOTS - 1) >> NODE_BITS)
		levels++;
	return levels;
}

/* What its slots are under. */
static struct spinlock *
lock_of(struct object *object)
{
	return object->source != NULL ? &object->source->lock : &object->lock;
}

uint64_t *
object_slot_far(struct object *object, uint64_t offset, bool make)
{
	uint64_t index = offset >> PAGE_SHIFT;
	uint64_t *slot = &object->top;

	KASSERT(spin_held(lock_of(object)));
	KASSERT(offset < object->size);
	for (unsigned level = object->levels; level > 0; level--) {
		if (*slot == 0) {
			struct page *node =
			    make ? object_node_alloc(object) : NULL;

			if (node == NULL)
				return NULL;
			*slot = (uint64_t)page_va(node);
		}
		if (level == 1) {
			object->near = node_of(*slot);
			object->near_index = index >> NODE_BITS;
		}
		slot = &node_of(*slot)[index >> (NODE_BITS * (level - 1)) &
				       (NODE_SLOTS - 1)];
	}
	return slot;
}

/* ---- life ---- */

/* What a step of taking an object apart may do yet, and has done. */
struct end_step {
	unsigned budget;
	unsigned pages;
};

/* Free what hangs at @slot, of @level nodes; false: the budget ended first.  No
 * deeper than there are levels. */
static bool
slot_free(uint64_t *slot, unsigned level, struct end_step *step)
{
	if (*slot == 0)
		return true;
	if (step->budget == 0)
		return false;
	if (level == 0) {
		step->budget--;
		if (slot_has_page(*slot)) {
			page_put(slot_page(*slot));
			step->pages++;
		}
		*slot = 0;
		return true;
	}
	step->budget -= min_u64(step->budget, END_SCAN);
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		if (node_of(*slot)[i] != 0 &&
		    !slot_free(&node_of(*slot)[i], level - 1, step))
			return false;
	}
	object_node_free(page_of(va_to_pa(node_of(*slot))));
	*slot = 0;
	return true;
}

/* Nobody refers to it, and it is empty. */
static void
object_free(struct object *object)
{
	KASSERT(object->pages == 0);
	if (object->source != NULL)
		object_put(object->source);
	if (object->pages_ledger != object->ledger)
		ledger_put(object->pages_ledger);
	ledger_release(object->ledger, BATON_LEDGER_OBJECTS, 1);
	zone_free(&object_zone, object);
}

static bool
end_step(struct reap_item *item)
{
	struct object *object = container_of(item, struct object, reap);
	struct end_step step = {.budget = END_STEP};
	bool ended;

	if (object->source != NULL)
		snapshot_end(object);
	if (object->pager != NULL) {
		kern_return_t kr = pager_end_step(object);

		if (kr == KERN_OPERATION_TIMED_OUT)
			return true;
		if (kr != KERN_SUCCESS) {
			reap_starved(item);
			return false;
		}
	}
	object->near = NULL;
	ended = slot_free(&object->top, object->levels, &step);
	object->pages -= step.pages;
	object_unpay(object, step.pages);
	if (ended)
		object_free(object);
	return !ended;
}

struct object *
object_create(struct ledger *ledger, uint64_t size)
{
	struct object *object;

	KASSERT(size > 0 && size <= OBJECT_SIZE_MAX);
	if (!ledger_hold(ledger, BATON_LEDGER_OBJECTS, 1))
		return NULL;
	object = zone_alloc(&object_zone);
	if (object == NULL) {
		ledger_release(ledger, BATON_LEDGER_OBJECTS, 1);
		return NULL;
	}
	*object = (struct object){
	    .refs = 1,
	    .levels = levels_for(size >> PAGE_SHIFT),
	    .size = size,
	    .reap.step = end_step,
	    .ledger = ledger,
	    .pages_ledger = ledger,
	};
	do
		object->id = atomic_fetch_add_explicit(
				 &last_id, 1, memory_order_relaxed) +
			     1;
	while (object->id == 0);
	spin_init(&object->lock, LOCK_OBJECT);
	list_init(&object->mappings);
	list_init(&object->snapshots);
	list_init(&object->snapshot_link);
	return object;
}

bool
object_get_alive(struct object *object)
{
	unsigned refs =
	    atomic_load_explicit(&object->refs, memory_order_relaxed);

	while (refs != 0 &&
	       !atomic_compare_exchange_weak_explicit(&object->refs, &refs,
		   refs + 1, memory_order_relaxed, memory_order_relaxed))
		continue;
	return refs != 0;
}

void
object_put(struct object *object)
{
	unsigned refs =
	    atomic_load_explicit(&object->refs, memory_order_relaxed);

	if (object->pager == NULL) {
		object_put_now(object);
		return;
	}
	/* While there are others, they may be the last. */
	while (refs > 1) {
		/* release: for who takes it apart, as below */
		if (atomic_compare_exchange_weak_explicit(&object->refs, &refs,
			refs - 1, memory_order_release, memory_order_relaxed))
			return;
	}
	if (!pager_cache_keep(object))
		object_put_now(object);
}

void
object_put_now(struct object *object)
{
	/* acq_rel: who takes it apart sees what every earlier holder wrote */
	if (atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	KASSERT(list_empty(&object->mappings));
	reap_later(&object->reap);
}

/* ---- pages ---- */

kern_return_t
object_make_own(uint64_t *slot)
{
	struct page *shared = slot_page(*slot);
	uint64_t flags = *slot & SLOT_FLAGS & ~SLOT_SHARED;
	struct page *own;

	if (page_is_sole(shared)) {
		*slot = slot_of(shared, flags);
		return KERN_SUCCESS;
	}
	own = page_alloc(0);
	if (own == NULL)
		return KERN_RESOURCE_SHORTAGE;
	page_copy(page_va(own), page_va(shared));
	*slot = slot_of(own, flags);
	page_put(shared);
	return KERN_SUCCESS;
}

static kern_return_t
page_locked(struct object *object, uint64_t offset, struct page **pagep)
{
	uint64_t *slot = object_slot(object, offset, true);
	struct page *page;

	if (slot == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (*slot == 0) {
		if (!object_pay(object, 1))
			return KERN_RESOURCE_SHORTAGE;
		page = page_alloc_zeroed();
		if (page == NULL) {
			object_unpay(object, 1);
			return KERN_RESOURCE_SHORTAGE;
		}
		*slot = slot_of(page, 0);
		object->pages++;
	} else if ((*slot & SLOT_SHARED) &&
		   object_make_own(slot) != KERN_SUCCESS) {
		return KERN_RESOURCE_SHORTAGE;
	}
	*pagep = slot_page(*slot);
	page_get(*pagep);
	return KERN_SUCCESS;
}

kern_return_t
object_page(struct object *object, uint64_t offset, unsigned access,
    struct page **pagep)
{
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&object->lock);
	if (object->pager != NULL)
		kr = pager_allow(object, offset, access);
	if (kr == KERN_SUCCESS)
		kr = page_locked(object, offset, pagep);
	spin_unlock(&object->lock);
	return kr;
}

kern_return_t
object_allow(struct object *object, uint64_t offset, unsigned access)
{
	kern_return_t kr;

	spin_lock(&object->lock);
	kr = pager_allow(object, offset, access);
	spin_unlock(&object->lock);
	return kr;
}

static kern_return_t
copy_locked(struct object *object, uint64_t offset, struct page **pagep)
{
	uint64_t *slot = object_slot(object, offset, false);
	struct page *page, *copy;

	*pagep = NULL;
	if (slot == NULL || *slot == 0)
		return KERN_SUCCESS;
	page = slot_page(*slot);
	if ((*slot & SLOT_SHARED) || page_is_sole(page)) {
		*slot |= SLOT_SHARED;
		page_get(page);
		*pagep = page;
		return KERN_SUCCESS;
	}
	/* Somebody has it mapped and may be writing to it. */
	copy = page_alloc(0);
	if (copy == NULL)
		return KERN_RESOURCE_SHORTAGE;
	page_copy(page_va(copy), page_va(page));
	*pagep = copy;
	return KERN_SUCCESS;
}

kern_return_t
object_copy_page(struct object *object, uint64_t offset, struct page **pagep)
{
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&object->lock);
	if (object->pager != NULL)
		kr = pager_allow(object, offset, VM_PROT_READ);
	if (kr == KERN_SUCCESS)
		kr = copy_locked(object, offset, pagep);
	spin_unlock(&object->lock);
	return kr;
}

kern_return_t
object_prepare(
    struct object *object, uint64_t offset, uint64_t end, uint64_t pages)
{
	const uint64_t span = PAGE_SIZE << NODE_BITS;
	kern_return_t kr = KERN_SUCCESS;

	spin_lock(&object->lock);
	while (kr == KERN_SUCCESS && offset < end) {
		if (object_slot(object, offset, true) == NULL)
			kr = KERN_RESOURCE_SHORTAGE;
		offset = (offset | (span - 1)) + 1;
	}
	if (kr == KERN_SUCCESS && !object_pay(object, pages))
		kr = KERN_RESOURCE_SHORTAGE;
	spin_unlock(&object->lock);
	return kr;
}

void
object_insert(
    struct object *object, uint64_t offset, struct page *page, bool shared)
{
	uint64_t *slot;

	spin_lock(&object->lock);
	slot = object_slot(object, offset, false);
	KASSERT(slot != NULL);
	KASSERT(*slot == 0);
	*slot = slot_of(page, shared ? SLOT_SHARED : 0);
	object->pages++;
	spin_unlock(&object->lock);
}

/* Where the first slot that there is not, if it is the one at @offset, ends. */
static uint64_t
absent_until(struct object *object, uint64_t offset, uint64_t end)
{
	uint64_t index = offset >> PAGE_SHIFT;
	unsigned level = object->levels;
	uint64_t slot = object->top, span;

	for (; level > 0 && slot != 0; level--)
		slot = node_of(slot)[index >> (NODE_BITS * (level - 1)) &
				     (NODE_SLOTS - 1)];
	if (slot != 0)
		return offset;
	span = PAGE_SIZE << (NODE_BITS * level);
	return min_u64((offset | (span - 1)) + 1, end);
}

uint64_t
object_absent_until(struct object *object, uint64_t offset, uint64_t end)
{
	uint64_t absent;

	/* What a pager has, nobody knows. */
	if (object->pager != NULL)
		return offset;
	spin_lock(&object->lock);
	absent = absent_until(object, offset, end);
	spin_unlock(&object->lock);
	return absent;
}

uint64_t
object_slot_next(struct object *object, uint64_t offset, uint64_t end)
{
	KASSERT(spin_held(&object->lock));
	for (unsigned i = 0; i < ABSENT_STEP && offset < end; i++) {
		uint64_t absent = absent_until(object, offset, end);

		if (absent == offset)
			break;
		offset = absent;
	}
	return offset;
}

/* ---- who maps it ---- */

void
object_add_mapping(struct object *object, struct map_entry *entry)
{
	spin_lock(&object->lock);
	/* What has not been visited stands first: vm/object_unmap.h. */
	if (entry->object_pass == object->pass)
		list_add_tail(&object->mappings, &entry->object_link);
	else
		list_add_head(&object->mappings, &entry->object_link);
	object->mapping_count++;
	spin_unlock(&object->lock);
}

void
object_remove_mapping(struct object *object, struct map_entry *entry)
{
	spin_lock(&object->lock);
	list_remove(&entry->object_link);
	object->mapping_count--;
	spin_unlock(&object->lock);
}

uint32_t
object_mappings(struct object *object)
{
	uint32_t count;

	spin_lock(&object->lock);
	count = object->mapping_count;
	spin_unlock(&object->lock);
	return count;
}

/* ---- checks ---- */

struct check {
	void (*visit)(void *context, struct page *page);
	void *context;
	uint64_t pages;
};

static void
check_slot(uint64_t slot, unsigned level, struct check *check)
{
	if (slot == 0)
		return;
	if (level > 0) {
		if (check->visit != NULL)
			check->visit(
			    check->context, page_of(va_to_pa(node_of(slot))));
		for (unsigned i = 0; i < NODE_SLOTS; i++)
			check_slot(node_of(slot)[i], level - 1, check);
		return;
	}
	if (!slot_has_page(slot))
		return;
	check->pages++;
	KASSERT(slot_page(slot)->refs > 0);
	if (check->visit != NULL)
		check->visit(check->context, slot_page(slot));
}

bool
object_owns(struct object *object, uint64_t offset, const struct page *page)
{
	uint64_t *slot;
	bool owns;

	spin_lock(&object->lock);
	slot = object_slot(object, offset, false);
	owns = slot != NULL && slot_has_page(*slot) &&
	       slot_page(*slot) == page && !(*slot & SLOT_SHARED);
	spin_unlock(&object->lock);
	return owns;
}

void
object_check(struct object *object,
    void (*visit)(void *context, struct page *page), void *context)
{
	struct check check = {.visit = visit, .context = context};
	uint32_t mappings = 0;
	struct list *link;

	spin_lock(lock_of(object));
	check_slot(object->top, object->levels, &check);
	list_for_each (link, &object->mappings) {
		struct map_entry *entry =
		    container_of(link, struct map_entry, object_link);

		KASSERT(entry->object == object);
		KASSERT(entry->window + (entry->end - entry->start) <=
			object->size);
		mappings++;
	}
	KASSERT(check.pages == object->pages);
	KASSERT(mappings == object->mapping_count);
	KASSERT(object->refs >= mappings);
	spin_unlock(lock_of(object));
}
