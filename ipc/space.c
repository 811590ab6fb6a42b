/*
 * space.c: the table of names.
 */
#include "ipc/space.h"

#include "ipc/entry.h"
#include "ipc/kept.h"
#include "kernel/ledger.h"
#include "kernel/string.h"
#include "kernel/zone.h"

/* Names in use that somebody chose and that one search for a free one skips. */
#define SKIP_MAX 1024
/* Names that one step of a space's end gives up. */
#define STEP_NAMES 4
/* Absent chunks that it passes over. */
#define STEP_CHUNKS 64

static struct zone space_zone;

void
space_init(void)
{
	zone_init(&space_zone, "space", sizeof(struct space), 0);
	ledger_weigh(BATON_LEDGER_NAMES, sizeof(struct chunk) / CHUNK_COUNT);
	space_tree_init();
}

kern_return_t
space_create(uint64_t task_id, struct space **spacep)
{
	struct space *space = zone_alloc_zeroed(&space_zone);

	if (space == NULL)
		return KERN_RESOURCE_SHORTAGE;
	spin_init(&space->lock, LOCK_SPACE);
	atomic_init(&space->refs, 1);
	space->bound = 1; /* so that no name is MACH_PORT_NULL */
	space->top = 1;
	space->limit = NAME_INDEX_MAX;
	space->task_id = task_id;
	space_forget_self(space);
	*spacep = space;
	return KERN_SUCCESS;
}

static void *
alloc_cleared(size_t size)
{
	void *memory = kmem_alloc(size);

	if (memory != NULL)
		memset(memory, 0, size);
	return memory;
}

/* What leads to chunks; NULL: no memory, or more than its task may have. */
static void *
table_alloc(struct space *space, size_t size)
{
	void *table;

	if (!ledger_charge(space->ledger, BATON_LEDGER_KERNEL, size))
		return NULL;
	table = alloc_cleared(size);
	if (table == NULL)
		ledger_credit(space->ledger, BATON_LEDGER_KERNEL, size);
	return table;
}

static void
table_free(struct space *space, void *table, size_t size)
{
	kmem_free(table, size);
	ledger_credit(space->ledger, BATON_LEDGER_KERNEL, size);
}

void
space_put(struct space *space)
{
	struct middle *_Atomic *root;

	/* acq_rel: all uses by others happen before the last one's free */
	if (atomic_fetch_sub_explicit(&space->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	KASSERT(space->count == 0);
	root = space->root;
	for (uint32_t i = 0; root != NULL && i < ROOT_MIDDLES; i++) {
		if (root[i] != NULL)
			table_free(space, root[i], sizeof(struct middle));
	}
	if (root != NULL)
		table_free(space, (void *)root, ROOT_MIDDLES * sizeof(*root));
	ledger_put(space->ledger);
	zone_free(&space_zone, space);
}

/* ---- chunks ---- */

/* Where the pointer to chunk @number is, with what leads to it; NULL: no
 * memory. */
static struct chunk *_Atomic *
chunk_place(struct space *space, uint32_t number)
{
	struct middle *_Atomic *root = space->root;
	struct middle *middle;

	if (number < FIRST_CHUNKS)
		return &space->first[number];
	if (root == NULL) {
		root = table_alloc(space, ROOT_MIDDLES * sizeof(*root));
		if (root == NULL)
			return NULL;
		/* release: pairs with the acquires in space_chunk() */
		atomic_store_explicit(&space->root, root, memory_order_release);
	}
	middle = root[number >> MIDDLE_SHIFT];
	if (middle == NULL) {
		middle = table_alloc(space, sizeof(*middle));
		if (middle == NULL)
			return NULL;
		atomic_store_explicit(&root[number >> MIDDLE_SHIFT], middle,
		    memory_order_release);
	}
	return &middle->chunk[number & (MIDDLE_CHUNKS - 1)];
}

/* NULL: no memory, or more than its task may have. */
static struct chunk *
chunk_alloc(struct space *space)
{
	struct chunk *chunk;

	if (!ledger_charge(space->ledger, BATON_LEDGER_NAMES, CHUNK_COUNT))
		return NULL;
	chunk = alloc_cleared(sizeof(*chunk));
	if (chunk == NULL)
		ledger_credit(space->ledger, BATON_LEDGER_NAMES, CHUNK_COUNT);
	return chunk;
}

static void
chunk_free(struct space *space, struct chunk *chunk)
{
	kmem_free(chunk, sizeof(*chunk));
	ledger_credit(space->ledger, BATON_LEDGER_NAMES, CHUNK_COUNT);
}

/* The entry at @index, whose chunk is made if it must be; NULL: no memory. */
static struct entry *
entry_at(struct space *space, uint32_t index)
{
	struct chunk *_Atomic *place;
	struct entry *entry = space_entry(space, index);
	struct chunk *chunk;

	if (likely(entry != NULL))
		return entry;
	chunk = chunk_alloc(space);
	if (chunk == NULL)
		return NULL;
	place = chunk_place(space, index >> CHUNK_SHIFT);
	if (place == NULL) {
		chunk_free(space, chunk);
		return NULL;
	}
	/* release: pairs with the acquires in space_chunk() */
	atomic_store_explicit(place, chunk, memory_order_release);
	return &chunk->entry[index & (CHUNK_COUNT - 1)];
}

static bool
entry_in_use(const struct entry *entry)
{
	return (entry->key & MACH_PORT_TYPE_ALL_RIGHTS) != 0;
}

static bool
entry_is_free(const struct entry *entry)
{
	return (entry->key & (MACH_PORT_TYPE_ALL_RIGHTS | ENTRY_KEPT)) == 0;
}

/* ---- free entries ---- */

/* An index that may never have been in use is. */
static void
entry_taken(struct space *space, uint32_t index)
{
	struct entry_side *side = space_side_locked(space, index);

	side->left = 0;
	side->right = 0;
	space->count++;
	if (index >= space->top)
		space->top = index + 1;
}

/* An index that was never used, or not since it was above @bound. */
static kern_return_t
extend(struct space *space, uint32_t *indexp, struct entry **entryp)
{
	for (int i = 0; i < SKIP_MAX; i++) {
		struct entry *entry;

		if (space->bound > NAME_INDEX_MAX)
			return KERN_NO_SPACE;
		entry = entry_at(space, space->bound);
		if (entry == NULL)
			return KERN_RESOURCE_SHORTAGE;
		*indexp = space->bound++;
		*entryp = entry;
		if (likely(entry_is_free(entry)))
			return KERN_SUCCESS;
	}
	return KERN_RESOURCE_SHORTAGE; /* bounded time; we got further */
}

/* Any free entry, as below. */
static never_inline kern_return_t
alloc_slowly(
    struct space *space, mach_port_name_t *namep, struct entry **entryp)
{
	uint32_t index;
	kern_return_t kr;

	if (unlikely(space->dead))
		return KERN_TERMINATED;
	/* What is kept for later is as good as free. */
	if (space->free == 0 || space->count >= space->limit)
		kept_release(space);
	if (unlikely(space->count >= space->limit))
		return KERN_NO_SPACE;
	index = space->free;
	if (index != 0) {
		*entryp = space_entry_locked(space, index);
		free_list_pop(space, index);
	} else {
		kr = extend(space, &index, entryp);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	entry_taken(space, index);
	*namep = name_make(index, (*entryp)->key + 1);
	return KERN_SUCCESS;
}

/* Is @index one of the first, whose chunk is found in one step? */
static inline bool
is_near(uint32_t index)
{
	return index < FIRST_CHUNKS * CHUNK_COUNT;
}

/* The chunk of one that is, and has been in use. */
static inline struct chunk *
near_chunk(struct space *space, uint32_t index)
{
	return atomic_load_explicit(
	    &space->first[index >> CHUNK_SHIFT], memory_order_relaxed);
}

kern_return_t
entry_alloc(struct space *space, mach_port_name_t *namep, struct entry **entryp)
{
	uint32_t index = space->free, i = index & (CHUNK_COUNT - 1), next;
	struct chunk *chunk;

	KASSERT(spin_held(&space->lock));
	if (unlikely(index == 0 || !is_near(index) || space->dead ||
		     space->count >= space->limit))
		return alloc_slowly(space, namep, entryp);
	chunk = near_chunk(space, index);
	next = chunk->side[i].left;
	if (unlikely(!is_near(next)))
		return alloc_slowly(space, namep, entryp);
	/* free_list_pop() */
	space->free = next;
	chunk->side[i].left = 0;
	space->count++;
	*namep = name_make(index, chunk->entry[i].key + 1);
	*entryp = &chunk->entry[i];
	if (likely(next != 0))
		near_chunk(space, next)->side[next & (CHUNK_COUNT - 1)].right =
		    0;
	return KERN_SUCCESS;
}

kern_return_t
entry_alloc_name(
    struct space *space, mach_port_name_t name, struct entry **entryp)
{
	uint32_t index = name_index(name);
	struct entry *entry;

	KASSERT(spin_held(&space->lock));
	if (index == 0 || index > NAME_INDEX_MAX)
		return KERN_INVALID_VALUE;
	if (unlikely(space->dead))
		return KERN_TERMINATED;
	kept_release(space); /* its name may be what is asked for */
	if (unlikely(space->count >= space->limit))
		return KERN_NO_SPACE;
	entry = entry_at(space, index);
	if (entry == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (!entry_is_free(entry))
		return KERN_NAME_EXISTS;
	if (index < space->bound)
		free_list_remove(space, index);
	entry_taken(space, index);
	*entryp = entry;
	return KERN_SUCCESS;
}

/* What is seldom needed of entry_free(). */
static never_inline void
freed_slowly(struct space *space, struct entry *entry, uint32_t index)
{
	KASSERT(space_side_locked(space, index)->request == NULL);
	if (entry == space->self_entry)
		space_forget_self(space);
	if (index < space->bound && !space->dead)
		free_list_add(space, index);
}

void
entry_free(struct space *space, mach_port_name_t name, struct entry *entry)
{
	uint32_t index = name_index(name), first = space->free;
	struct entry_side *side;

	KASSERT(spin_held(&space->lock));
	entry->key = (uint8_t)name; /* no right, and what was last used */
	entry->urefs = 0;
	entry->port = NULL;
	space->count--;
	if (unlikely(entry == space->self_entry || space->dead ||
		     index >= space->bound || !is_near(index) ||
		     !is_near(first))) {
		freed_slowly(space, entry, index);
		return;
	}
	side = &near_chunk(space, index)->side[index & (CHUNK_COUNT - 1)];
	KASSERT(side->request == NULL);
	/* free_list_add() */
	side->left = first;
	side->right = 0;
	space->free = index;
	if (first != 0)
		near_chunk(space, first)
		    ->side[first & (CHUNK_COUNT - 1)]
		    .right = index;
}

/* ---- the end ---- */

/* Give up what one entry holds, if anything. */
static void
drop_entry(struct space *space, uint32_t index)
{
	struct loose loose = {0};
	struct entry *entry;

	spin_lock(&space->lock);
	entry = space_entry(space, index);
	if (entry_in_use(entry)) {
		mach_port_name_t name = name_make(index, entry->key);

		entry = entry_check(space, name, &loose);
		if (entry->key & MACH_PORT_TYPE_DEAD_NAME)
			entry_free(space, name, entry);
		else
			entry_drop_all(space, name, entry, &loose);
	}
	spin_unlock(&space->lock);
	loose_release(&loose);
}

/* All its names are gone. */
static void
drop_chunk(struct space *space, uint32_t number)
{
	struct chunk *chunk;

	spin_lock(&space->lock);
	chunk = space_chunk(space, number);
	*chunk_place(space, number) = NULL;
	spin_unlock(&space->lock);
	chunk_free(space, chunk);
}

/* The next index to look at from @index on: whole absent chunks are skipped. */
static uint32_t
next_present(struct space *space, uint32_t index)
{
	for (int i = 0; i < STEP_CHUNKS && index < space->top; i++) {
		if (space_chunk(space, index >> CHUNK_SHIFT) != NULL)
			break;
		index = (index | (CHUNK_COUNT - 1)) + 1;
	}
	return index;
}

bool
space_destroy_step(struct space *space)
{
	uint32_t index;

	spin_lock(&space->lock);
	space->dead = true;
	kept_release(space);
	index = next_present(space, space->cursor);
	spin_unlock(&space->lock);

	for (int i = 0; i < STEP_NAMES && index < space->top; i++) {
		uint32_t number = index >> CHUNK_SHIFT;

		if (space_chunk(space, number) == NULL)
			break;
		drop_entry(space, index++);
		if ((index & (CHUNK_COUNT - 1)) == 0 || index == space->top)
			drop_chunk(space, number);
	}
	space->cursor = index;
	return index < space->top;
}

/* ---- for debuggers and tests ---- */

void
space_check(struct space *space)
{
	uint32_t used = 0, sends = 0, unused = 0;

	KASSERT(spin_held(&space->lock));
	for (uint32_t index = 1; index < space->top; index++) {
		struct entry *entry = space_entry(space, index);
		uint32_t type =
		    entry == NULL ? 0 : entry->key & MACH_PORT_TYPE_ALL_RIGHTS;

		if (type == 0)
			continue;
		used++;
		if ((type & MACH_PORT_TYPE_SEND_RECEIVE) == MACH_PORT_TYPE_SEND)
			sends++;
		if (type & MACH_PORT_TYPE_RECEIVE) {
			KASSERT(entry->port->receiver == space);
			KASSERT(
			    entry->port->name == name_make(index, entry->key));
		}
	}
	KASSERT(used <= space->count); /* some are kept */
	if (space->kept != NULL) {
		KASSERT(space->kept->key ==
			(ENTRY_KEPT | (uint8_t)space->kept_name));
		KASSERT(space->kept->port->receiver == space);
	}
	KASSERT(space_check_tree(space, space->by_port) == sends);
	for (uint32_t i = space->free; i != 0; i = space_side(space, i)->left) {
		KASSERT(i < space->bound);
		KASSERT(entry_is_free(space_entry(space, i)));
		unused++;
	}
	KASSERT(unused <= space->bound);
}
