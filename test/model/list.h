/* test/model/list.h: a list of pointers, as plain as can be. */
#pragma once
#include <stdbool.h>
#include <stdlib.h>

struct items {
	void **item;
	unsigned count, room;
};

static inline void
items_add(struct items *items, void *item)
{
	if (items->count == items->room) {
		items->room = items->room * 2 + 8;
		items->item =
		    realloc(items->item, items->room * sizeof(void *));
	}
	items->item[items->count++] = item;
}

/* Put it before the item at @at. */
static inline void
items_insert(struct items *items, unsigned at, void *item)
{
	items_add(items, item);
	for (unsigned i = items->count - 1; i > at; i--)
		items->item[i] = items->item[i - 1];
	items->item[at] = item;
}

/* Take the item at @at out; those behind it move up. */
static inline void *
items_take(struct items *items, unsigned at)
{
	void *item = items->item[at];

	items->count--;
	for (; at < items->count; at++)
		items->item[at] = items->item[at + 1];
	return item;
}

static inline bool
items_has(const struct items *items, const void *item)
{
	for (unsigned i = 0; i < items->count; i++) {
		if (items->item[i] == item)
			return true;
	}
	return false;
}

static inline void
items_remove(struct items *items, const void *item)
{
	for (unsigned i = 0; i < items->count; i++) {
		if (items->item[i] == item) {
			items_take(items, i);
			return;
		}
	}
}

static inline void
items_free(struct items *items)
{
	free(items->item);
	*items = (struct items){0};
}
