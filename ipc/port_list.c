/*
 * port_list.c: lists of names; see port_list.h.
 *
 *	FILL	the table of names is walked, and its entries written to the
 *		list piece by piece
 *	REFIT	there were fewer names than the list has pages for: what is
 *		written is copied to memory of the right size
 *	DONE
 */
#include "ipc/port_list.h"

#include <mach/mach_types.h>

#include "ipc/entry.h"
#include "ipc/kserver.h"
#include "ipc/pset.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/transfer.h"

/* Entries of the table that one step looks at, with the space locked. */
#define STEP_ENTRIES 128
/* The same where each costs a look at its port's sets. */
#define STEP_MEMBERS 16
/* Bytes that one step of refitting copies. */
#define STEP_REFIT 2048

#define TABLES_MAX 2

enum list_phase {
	FILL,
	REFIT,
	DONE
};

struct port_list {
	enum port_list_kind kind;
	enum list_phase phase;
	struct pset *pset; /* MEMBERS: a reference */
	uint32_t room;	   /* names that the tables have room for */
	uint32_t count;	   /* names written */
	uint32_t index;	   /* FILL: of the space's table, how far it is */
	unsigned table;	   /* REFIT: the one that is copied, */
	uint64_t offset;   /* ... so far */
	struct transfer *to;
	struct transfer *tables[TABLES_MAX];
	union {
		ipc_info_name_t info[STEP_ENTRIES];
		uint8_t bytes[STEP_REFIT];
	} piece;
	uint32_t word[TABLES_MAX][STEP_ENTRIES];
};
static_assert(sizeof(struct port_list) <= 2 * PAGE_SIZE, "short to allocate");

static unsigned
table_count(const struct port_list *list)
{
	return list->kind == PORT_LIST_NAMES ? 2 : 1;
}

static uint64_t
table_bytes(const struct port_list *list, uint32_t count)
{
	uint64_t size = list->kind == PORT_LIST_SPACE ? sizeof(ipc_info_name_t)
						      : sizeof(uint32_t);

	return count * size;
}

/* How many names there are to list, at this moment. */
static uint32_t
names_in_use(struct space *space, struct pset *pset)
{
	uint32_t count;

	if (pset != NULL) {
		spin_lock(&pset->lock);
		count = pset->member_count;
		spin_unlock(&pset->lock);
		return count;
	}
	spin_lock(&space->lock);
	count = space_names(space);
	spin_unlock(&space->lock);
	return count;
}

kern_return_t
port_list_create(struct space *space, enum port_list_kind kind,
    struct pset *pset, struct port_list **listp)
{
	struct port_list *list = kmem_alloc(sizeof(*list));
	kern_return_t kr = KERN_SUCCESS;

	if (list == NULL)
		return KERN_RESOURCE_SHORTAGE;
	list->kind = kind;
	list->phase = FILL;
	list->room = names_in_use(space, pset);
	list->count = 0;
	list->index = 1;
	list->table = 0;
	list->offset = 0;
	list->to = NULL;
	for (unsigned i = 0; i < TABLES_MAX; i++)
		list->tables[i] = NULL;
	for (unsigned i = 0; i < table_count(list) && kr == KERN_SUCCESS; i++)
		kr = transfer_blank(ledger_of_caller(),
		    table_bytes(list, list->room), &list->tables[i]);
	if (kr != KERN_SUCCESS) {
		/* Nothing was written: a blank one is small. */
		if (list->tables[0] != NULL)
			transfer_destroy(list->tables[0]);
		kmem_free(list, sizeof(*list));
		return kr;
	}
	list->pset = pset;
	*listp = list;
	return KERN_SUCCESS;
}

/* ---- filling ---- */

/* What the name denotes; a right to a port that has died is a dead name, though
 * nobody has looked at it yet. */
static mach_port_type_t
type_of(struct space *space, mach_port_name_t name, struct entry *entry)
{
	if ((entry->key & MACH_PORT_TYPE_SEND_RIGHTS) == 0 ||
	    (entry->key & MACH_PORT_TYPE_RECEIVE) != 0 ||
	    !port_is_dead(entry->port))
		return entry_type(space, name, entry);
	return MACH_PORT_TYPE_DEAD_NAME;
}

static bool
is_listed(const struct port_list *list, const struct entry *entry)
{
	bool member;

	if ((entry->key & MACH_PORT_TYPE_ALL_RIGHTS) == 0)
		return false;
	/* acquire: pairs with the release in fast_leg.h's show_spare(), which
	 * has not the space's lock: the port is looked at after the key */
	atomic_thread_fence(memory_order_acquire);
	if (list->kind != PORT_LIST_MEMBERS)
		return true;
	if ((entry->key & MACH_PORT_TYPE_RECEIVE) == 0)
		return false;
	port_lock(entry->port);
	member = pset_find(list->pset, entry->port) != NULL;
	spin_unlock(&entry->port->lock);
	return member;
}

/* Note the entry at @list->index as number @i of the piece. */
static void
note_entry(struct space *space, struct port_list *list, unsigned i,
    struct entry *entry)
{
	mach_port_name_t name = name_make(list->index, entry->key);
	mach_port_type_t type = type_of(space, name, entry);

	if (list->kind == PORT_LIST_SPACE) {
		list->piece.info[i] = (ipc_info_name_t){
		    .iin_name = name,
		    .iin_type = type,
		    .iin_urefs = entry->urefs,
		    .iin_object = space_object_tag(entry->port),
		};
		return;
	}
	list->word[0][i] = name;
	list->word[1][i] = type;
}

/* Note some names; how many.  *@morep: the table has more. */
static uint32_t
note_piece(struct space *space, struct port_list *list, bool *morep)
{
	uint32_t step =
	    list->kind == PORT_LIST_MEMBERS ? STEP_MEMBERS : STEP_ENTRIES;
	uint32_t count = 0;

	spin_lock(&space->lock);
	for (; step > 0 && list->index < space->top; step--, list->index++) {
		struct entry *entry = space_entry(space, list->index);

		if (entry == NULL) {
			/* A whole absent chunk costs one look. */
			list->index |= CHUNK_COUNT - 1;
			continue;
		}
		if (!is_listed(list, entry))
			continue;
		if (list->count + count == list->room)
			break;
		note_entry(space, list, count++, entry);
	}
	*morep = step == 0;
	spin_unlock(&space->lock);
	return count;
}

static kern_return_t
write_piece(struct port_list *list, uint32_t count)
{
	uint64_t offset = table_bytes(list, list->count);
	uint64_t size = table_bytes(list, count);
	kern_return_t kr;

	if (count == 0)
		return KERN_SUCCESS;
	if (list->kind == PORT_LIST_SPACE)
		return transfer_write(
		    list->tables[0], offset, list->piece.info, size);
	kr = transfer_write(list->tables[0], offset, list->word[0], size);
	if (kr == KERN_SUCCESS && list->kind == PORT_LIST_NAMES)
		kr = transfer_write(
		    list->tables[1], offset, list->word[1], size);
	return kr;
}

static kern_return_t
fill_step(struct space *space, struct port_list *list)
{
	bool more;
	uint32_t count = note_piece(space, list, &more);
	kern_return_t kr = write_piece(list, count);

	if (kr != KERN_SUCCESS)
		return kr;
	list->count += count;
	if (!more)
		list->phase = REFIT;
	return KERN_SUCCESS;
}

/* ---- refitting ---- */

/* The next table of those that may be too large; true: it fits. */
static bool
next_fits(struct port_list *list)
{
	uint64_t size = table_bytes(list, list->count);

	return transfer_size(list->tables[list->table]) == size ||
	       transfer_trim(list->tables[list->table], size);
}

/* @to is complete: the table that it was copied from goes. */
static void
refit_end(struct port_list *list)
{
	if (transfer_destroy_step(list->tables[list->table]))
		return;
	list->tables[list->table] = list->to;
	list->to = NULL;
	list->offset = 0;
	list->table++;
}

static kern_return_t
refit_copy(struct port_list *list, uint64_t left)
{
	uint64_t size = left < STEP_REFIT ? left : STEP_REFIT;
	kern_return_t kr;

	kr = transfer_to_kernel(
	    list->tables[list->table], list->offset, list->piece.bytes, size);
	if (kr == KERN_SUCCESS)
		kr = transfer_write(
		    list->to, list->offset, list->piece.bytes, size);
	list->offset += size;
	return kr;
}

static kern_return_t
refit_step(struct port_list *list)
{
	uint64_t size = table_bytes(list, list->count);

	if (list->table == table_count(list)) {
		list->phase = DONE;
		return KERN_SUCCESS;
	}
	if (list->offset == 0 && list->to == NULL) {
		if (next_fits(list)) {
			list->table++;
			return KERN_SUCCESS;
		}
		if (size > 0)
			return transfer_blank(
			    ledger_of_caller(), size, &list->to);
	}
	if (list->offset < size)
		return refit_copy(list, size - list->offset);
	refit_end(list);
	return KERN_SUCCESS;
}

kern_return_t
port_list_fill(struct space *space, struct port_list *list)
{
	kern_return_t kr = KERN_SUCCESS;

	while (kr == KERN_SUCCESS && list->phase != DONE) {
		kr = list->phase == FILL ? fill_step(space, list)
					 : refit_step(list);
		if (kr == KERN_SUCCESS && thread_should_yield())
			return KCALL_AGAIN;
	}
	return kr;
}

/* ---- using it ---- */

uint32_t
port_list_count(const struct port_list *list)
{
	return list->count;
}

struct transfer *
port_list_take(struct port_list *list, unsigned index, uint64_t *sizep)
{
	struct transfer *transfer = list->tables[index];

	*sizep = transfer_size(transfer);
	list->tables[index] = NULL;
	return transfer;
}

bool
port_list_destroy_step(struct port_list *list)
{
	for (unsigned i = 0; i < TABLES_MAX; i++) {
		if (list->tables[i] == NULL)
			continue;
		if (!transfer_destroy_step(list->tables[i]))
			list->tables[i] = NULL;
		return true;
	}
	if (list->to != NULL) {
		if (!transfer_destroy_step(list->to))
			list->to = NULL;
		return true;
	}
	if (list->pset != NULL)
		pset_put(list->pset);
	kmem_free(list, sizeof(*list));
	return false;
}
