/*
 * ipc/space.h: a task's names for rights.
 *
 * A name is index << 8 | generation.  The index finds an entry, and the
 * generation in the entry's key must agree: so a name that was given up is
 * refused until its entry has been used 256 times more.
 *
 *	space.first[]   chunk chunk chunk ...	the first 4096 names
 *	space.root -> middle -> chunk		the rest, to 24 bits of index
 *
 * A chunk is one page: 128 entries, and beside each what is seldom needed.
 * Chunks never move and live as long as the space.
 *
 * A task has one name per port for its receive and send rights together, and
 * finds it by the port: as the port's own @name if it has the receive right,
 * else in a treap through the entries' side records (@by_port), whose
 * priorities are a hash of the index, so that it needs no memory of its own.
 * Send-once rights have a name each and are not in it.
 */
#pragma once
#include <mach/port.h>

#include "ipc/port.h"
#include "kernel/lock.h"
#include "kernel/types.h"

struct ledger;
struct name_request;
struct pset;

#define NAME_GENERATION_MASK 0xffU
#define NAME_INDEX_SHIFT     8
#define NAME_INDEX_MAX	     0xfffffeU /* MACH_PORT_DEAD is no name */

static inline uint32_t
name_index(mach_port_name_t name)
{
	return name >> NAME_INDEX_SHIFT;
}

static inline mach_port_name_t
name_make(uint32_t index, uint32_t generation)
{
	return index << NAME_INDEX_SHIFT | (generation & NAME_GENERATION_MASK);
}

/* No type bits, and yet not free: a thread keeps it for a reply right, or the
 * space for a receive right, kept.h. */
#define ENTRY_KEPT (1U << 28)

/*
 * Free: no type bits, not kept; the generation is the last one used.
 * A dead name has no port.
 */
struct entry {
	uint32_t key;	/* MACH_PORT_TYPE_* bits | ENTRY_KEPT | generation */
	uint32_t urefs; /* user references; of send rights or dead names */
	union {
		struct port *port; /* a reference */
		struct pset *pset; /* a reference */
	};
};
static_assert(sizeof(struct entry) == 16, "four to a cache line");

struct entry_side {
	struct name_request *request; /* with MACH_PORT_TYPE_DNREQUEST */
	uint32_t left;	/* treap by port; free entries: the next free one */
	uint32_t right; /* treap by port; free entries: the one before */
};

#define CHUNK_SHIFT 7
#define CHUNK_COUNT (1U << CHUNK_SHIFT)

struct chunk {
	struct entry entry[CHUNK_COUNT];
	struct entry_side side[CHUNK_COUNT];
};
static_assert(sizeof(struct chunk) == PAGE_SIZE, "a page");

#define FIRST_CHUNKS  32
#define MIDDLE_SHIFT  8
#define MIDDLE_CHUNKS (1U << MIDDLE_SHIFT)
#define ROOT_MIDDLES  (1U << (24 - CHUNK_SHIFT - MIDDLE_SHIFT))

struct middle {
	struct chunk *_Atomic chunk[MIDDLE_CHUNKS];
};

/* s: the space's lock   S: changed under it, read by anybody
 * I: immutable   a: atomic */
struct space {
	struct spinlock lock;	    /* rank LOCK_SPACE */
	struct entry *self_entry;   /* [s] the task's own port's; never NULL */
	uint32_t self_key;	    /* [s] what its key is, while it is that */
	mach_port_name_t self_name; /* [s] its name, if self_entry has one */
	struct entry *kept; /* [S] a receive right's; NULL: none: kept.h */
	mach_port_name_t kept_name; /* [s] with it: what its name was */
	bool dead;		    /* [s] no more names are made */
	atomic_uint refs;	    /* [a] the task's, and of calls under way */
	uint32_t bound;	       /* [s] from here on only chosen names are used */
	uint32_t free;	       /* [s] first free index below bound; 0: none */
	uint32_t count;	       /* [s] names in use, and kept */
	uint32_t limit;	       /* [s] most names it may have */
	uint32_t by_port;      /* [s] root of the treap; 0: empty */
	uint32_t found;	       /* [s] what was last found in it; a hint */
	uint32_t top;	       /* [s] no index from here on was ever used */
	uint32_t cursor;       /* the destroyer's: how far it is */
	uint64_t task_id;      /* I: whose it is, for people and trailers */
	struct ledger *ledger; /* I: who pays; a reference; NULL: the kernel */
	struct chunk *_Atomic first[FIRST_CHUNKS]; /* [S] */
	struct middle *_Atomic *_Atomic root;	   /* [S] or NULL */
};

void space_init(void);

/* A new, empty space; its task sets @ledger.  KERN_RESOURCE_SHORTAGE. */
kern_return_t must_check space_create(uint64_t task_id, struct space **spacep);

static inline struct space *
space_get(struct space *space)
{
	atomic_fetch_add_explicit(&space->refs, 1, memory_order_relaxed);
	return space;
}

void space_put(struct space *space);

/*
 * The name by which a task knows its own port, with one user reference more.
 * MACH_PORT_NULL: it has none that is remembered, or another kind of right by
 * it.  trap.S does the same for who asks with a trap of his own.
 */
mach_port_name_t space_self_again(struct space *space);
void space_forget_self(struct space *space);
/* Is it @name?  A hint for who has not the space's lock, and does not need to
 * know more: false where it is not remembered. */
static inline bool
space_is_self(const struct space *space, mach_port_name_t name)
{
	const struct entry *entry =
	    *(struct entry *const volatile *)&space->self_entry;

	return name == *(const volatile mach_port_name_t *)&space->self_name &&
	       *(const volatile uint32_t *)&entry->key ==
		   (MACH_PORT_TYPE_SEND | (uint8_t)name);
}
/* @name, which space_insert_send() gave for @port, is that. */
void space_remember_self(
    struct space *space, mach_port_name_t name, const struct port *port);

/*
 * One bounded step of giving up all rights in a dying task's space: true when
 * there is more to do.  After the last the caller drops its reference.
 */
bool must_check space_destroy_step(struct space *space);

/*
 * Enter a send right that the kernel holds; its count and reference move into
 * the space, on success only.
 * Returns: KERN_SUCCESS, KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE,
 *	    KERN_TERMINATED (dying), KERN_UREFS_OVERFLOW
 */
kern_return_t must_check space_insert_send(
    struct space *space, struct port *port, mach_port_name_t *namep);

/* ---- for ipc/ alone: the table ---- */

static inline struct chunk *
space_chunk(struct space *space, uint32_t number)
{
	struct middle *_Atomic *root;
	struct middle *middle;

	/* acquire: pairs with the release in chunk_add() */
	if (likely(number < FIRST_CHUNKS))
		return atomic_load_explicit(
		    &space->first[number], memory_order_acquire);
	root = atomic_load_explicit(&space->root, memory_order_acquire);
	if (root == NULL)
		return NULL;
	middle = atomic_load_explicit(
	    &root[number >> MIDDLE_SHIFT], memory_order_acquire);
	if (middle == NULL)
		return NULL;
	return atomic_load_explicit(
	    &middle->chunk[number & (MIDDLE_CHUNKS - 1)], memory_order_acquire);
}

/* The entry at @index, in use or not; NULL: beyond the table. */
static inline struct entry *
space_entry(struct space *space, uint32_t index)
{
	struct chunk *chunk = space_chunk(space, index >> CHUNK_SHIFT);

	if (unlikely(chunk == NULL))
		return NULL;
	return &chunk->entry[index & (CHUNK_COUNT - 1)];
}

static inline struct entry_side *
space_side(struct space *space, uint32_t index)
{
	return &space_chunk(space, index >> CHUNK_SHIFT)
		    ->side[index & (CHUNK_COUNT - 1)];
}

/* The same for who holds the space's lock, and needs no barrier. */
static inline struct chunk *
space_chunk_locked(struct space *space, uint32_t number)
{
	if (unlikely(number >= FIRST_CHUNKS))
		return space_chunk(space, number);
	return atomic_load_explicit(
	    &space->first[number], memory_order_relaxed);
}

static inline struct entry *
space_entry_locked(struct space *space, uint32_t index)
{
	struct chunk *chunk = space_chunk_locked(space, index >> CHUNK_SHIFT);

	if (unlikely(chunk == NULL))
		return NULL;
	return &chunk->entry[index & (CHUNK_COUNT - 1)];
}

static inline struct entry_side *
space_side_locked(struct space *space, uint32_t index)
{
	return &space_chunk_locked(space, index >> CHUNK_SHIFT)
		    ->side[index & (CHUNK_COUNT - 1)];
}

/* Free entries below @bound form a list, through their side records. */
static inline void
free_list_add(struct space *space, uint32_t index)
{
	struct entry_side *side = space_side_locked(space, index);

	side->left = space->free;
	side->right = 0;
	if (space->free != 0)
		space_side_locked(space, space->free)->right = index;
	space->free = index;
}

/* Take the first of them, which is @index. */
static inline void
free_list_pop(struct space *space, uint32_t index)
{
	struct entry_side *side = space_side_locked(space, index);
	uint32_t next = side->left;

	space->free = next;
	side->left = 0;
	if (next != 0)
		space_side_locked(space, next)->right = 0;
}

static inline void
free_list_remove(struct space *space, uint32_t index)
{
	struct entry_side *side = space_side_locked(space, index);

	if (side->right != 0)
		space_side_locked(space, side->right)->left = side->left;
	else
		space->free = side->left;
	if (side->left != 0)
		space_side_locked(space, side->left)->right = side->right;
}

/* The entry that @name denotes now; NULL: none.  Locks: the space's. */
static inline struct entry *
space_lookup(struct space *space, mach_port_name_t name)
{
	struct entry *entry = space_entry_locked(space, name_index(name));

	if (unlikely(entry == NULL))
		return NULL;
	if (unlikely((uint8_t)entry->key != (uint8_t)name))
		return NULL;
	if (unlikely((entry->key & MACH_PORT_TYPE_ALL_RIGHTS) == 0))
		return NULL;
	/* acquire: pairs with the release in fast_leg.h's show_spare(),
	 * which has not this lock: the port is looked at after the key */
	atomic_thread_fence(memory_order_acquire);
	return entry;
}

/* The port that @name has a right of @type to, MACH_PORT_TYPE_* bits of which
 * one suffices; NULL: none.  Locks: the space's. */
static inline struct port *
space_lookup_port(struct space *space, mach_port_name_t name, uint32_t type)
{
	struct entry *entry = space_entry_locked(space, name_index(name));
	uint32_t key;

	if (unlikely(entry == NULL))
		return NULL;
	key = entry->key;
	if (unlikely((key & type) == 0 || (uint8_t)key != (uint8_t)name))
		return NULL;
	/* acquire: as in space_lookup() */
	atomic_thread_fence(memory_order_acquire);
	return entry->port;
}

/*
 * Take a free entry and give it a new generation; the caller fills it in, the
 * key last.  Locks: the space's.
 * Returns: KERN_SUCCESS, KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE,
 *	    KERN_TERMINATED
 */
kern_return_t must_check entry_alloc(
    struct space *space, mach_port_name_t *namep, struct entry **entryp);
/* The same for a name that the caller chose: also KERN_NAME_EXISTS,
 * KERN_INVALID_VALUE. */
kern_return_t must_check entry_alloc_name(
    struct space *space, mach_port_name_t name, struct entry **entryp);
/* Give it back; its port or set is no longer in it. */
void entry_free(
    struct space *space, mach_port_name_t name, struct entry *entry);

/* How many names there are; without the lock: were, a moment ago. */
static inline uint32_t
space_names(const struct space *space)
{
	return space->count -
	       (*(struct entry *const volatile *)&space->kept != NULL);
}

/* The treap by port: entries with send, without receive.  Locks: space's. */
void space_tree_init(void);
void space_index_port(struct space *space, mach_port_name_t name);
void space_unindex_port(struct space *space, mach_port_name_t name);
/* The name of its receive or send right to @port: 0: it has none.
 * Locks: the space's and the port's. */
mach_port_name_t space_find_port(struct space *space, struct port *port);
/* The same for a port whose receive right it has not.  Locks: the space's. */
mach_port_name_t space_find_sent(struct space *space, const struct port *port);

/* Tells objects of the kernel's apart without saying where they lie, or how far
 * from each other. */
uint32_t space_object_tag(const void *object);

/* Debug and tests: the table agrees with itself. */
void space_check(struct space *space);
/* So does the tree at and below @node; the count of its nodes. */
uint32_t space_check_tree(struct space *space, uint32_t node);
