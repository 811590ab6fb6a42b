/*
 * space_tree.c: the names of send rights by their ports; see space.h.
 */
#include <arch/cpu.h>

#include "ipc/space.h"
#include "kernel/timer.h"

/* Different at each boot, and nothing that one gives away tells another.
 * I after space_tree_init() */
static uint32_t tree_secret;
static uint32_t object_secret[2];

/* One to one, and with any bit of @word goes half of the result. */
static uint32_t
mix(uint32_t word)
{
	word = (word ^ word >> 16) * 0x85ebca6bU;
	word = (word ^ word >> 13) * 0xc2b2ae35U;
	return word ^ word >> 16;
}

/* The node that is nearer to the root has the higher priority.  By a secret: a
 * user who chooses names shall not choose the tree's shape. */
static uint32_t
priority(uint32_t index)
{
	return mix(index ^ tree_secret);
}

uint32_t
space_object_tag(const void *object)
{
	/* Addresses of objects differ in these bits. */
	uint32_t line = (uint32_t)((uintptr_t)object / CACHE_LINE);

	return mix(mix(line ^ object_secret[0]) ^ object_secret[1]);
}

/* The next of a row of numbers of which one does not tell the others. */
static uint32_t
draw(uint64_t *state)
{
	uint64_t word = *state += 0x9e3779b97f4a7c15UL;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9UL;
	word = (word ^ word >> 27) * 0x94d049bb133111ebUL;
	return (uint32_t)(word >> 32);
}

void
space_tree_init(void)
{
	uint64_t state = timer_now() ^ arch_read_cycles() << 20;

	tree_secret = draw(&state);
	object_secret[0] = draw(&state);
	object_secret[1] = draw(&state);
}

static inline const struct port *
port_at(struct space *space, uint32_t index)
{
	return space_entry(space, index)->port;
}

/* Split the tree at @node into what is below @port and what is above. */
static void
split(struct space *space, uint32_t node, const struct port *port,
    uint32_t *below, uint32_t *above)
{
	while (node != 0) {
		struct entry_side *side = space_side(space, node);

		if (port_at(space, node) < port) {
			*below = node;
			below = &side->right;
			node = side->right;
		} else {
			*above = node;
			above = &side->left;
			node = side->left;
		}
	}
	*below = 0;
	*above = 0;
}

void
space_index_port(struct space *space, mach_port_name_t name)
{
	uint32_t index = name_index(name);
	const struct port *port = port_at(space, index);
	struct entry_side *side = space_side(space, index);
	uint32_t *at = &space->by_port;

	KASSERT(spin_held(&space->lock));
	while (*at != 0 && priority(*at) >= priority(index)) {
		struct entry_side *other = space_side(space, *at);

		at = port < port_at(space, *at) ? &other->left : &other->right;
	}
	split(space, *at, port, &side->left, &side->right);
	*at = index;
}

void
space_unindex_port(struct space *space, mach_port_name_t name)
{
	uint32_t index = name_index(name);
	const struct port *port = port_at(space, index);
	struct entry_side *side = space_side(space, index);
	uint32_t left = side->left;
	uint32_t right = side->right;
	uint32_t *at = &space->by_port;

	KASSERT(spin_held(&space->lock));
	while (*at != index) {
		struct entry_side *other = space_side(space, *at);

		KASSERT(*at != 0);
		at = port < port_at(space, *at) ? &other->left : &other->right;
	}
	while (left != 0 && right != 0) {
		if (priority(left) >= priority(right)) {
			*at = left;
			at = &space_side(space, left)->right;
			left = *at;
		} else {
			*at = right;
			at = &space_side(space, right)->left;
			right = *at;
		}
	}
	*at = left != 0 ? left : right;
	side->left = 0;
	side->right = 0;
}

mach_port_name_t
space_find_port(struct space *space, struct port *port)
{
	KASSERT(spin_held(&port->lock));
	if (port->receiver == space)
		return port->name;
	return space_find_sent(space, port);
}

mach_port_name_t
space_find_sent(struct space *space, const struct port *port)
{
	struct entry *entry = space_entry_locked(space, space->found);
	uint32_t node = space->by_port;

	KASSERT(spin_held(&space->lock));
	/* The one that was asked for last, if it still is in the treap. */
	if (likely(
		entry != NULL && entry->port == port &&
		(entry->key & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE)) ==
		    MACH_PORT_TYPE_SEND))
		return name_make(space->found, entry->key);
	while (node != 0) {
		struct entry_side *side = space_side_locked(space, node);

		entry = space_entry_locked(space, node);
		if (entry->port == port) {
			space->found = node;
			return name_make(node, entry->key);
		}
		node = port < entry->port ? side->left : side->right;
	}
	return MACH_PORT_NULL;
}

uint32_t
space_check_tree(struct space *space, uint32_t node)
{
	struct entry_side *side;
	struct entry *entry;

	if (node == 0)
		return 0;
	entry = space_entry(space, node);
	side = space_side(space, node);
	KASSERT(
	    (entry->key & MACH_PORT_TYPE_SEND_RECEIVE) == MACH_PORT_TYPE_SEND);
	if (side->left != 0) {
		KASSERT(port_at(space, side->left) < entry->port);
		KASSERT(priority(side->left) <= priority(node));
	}
	if (side->right != 0) {
		KASSERT(port_at(space, side->right) > entry->port);
		KASSERT(priority(side->right) <= priority(node));
	}
	return 1 + space_check_tree(space, side->left) +
	       space_check_tree(space, side->right);
}
