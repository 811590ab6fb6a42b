/*
 * kernel/list.h: a circular doubly linked list whose links live inside the
 * listed structs.  A head is a link that belongs to no struct.
 */
#pragma once
#include "kernel/types.h"

struct list {
	struct list *next;
	struct list *prev;
};

static inline void
list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool
list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void
list_add_tail(struct list *head, struct list *link)
{
	link->next = head;
	link->prev = head->prev;
	head->prev->next = link;
	head->prev = link;
}

static inline void
list_add_head(struct list *head, struct list *link)
{
	list_add_tail(head->next, link);
}

/* A removed link points to itself, so it may be removed again. */
static inline void
list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Move all of @from to the end of @to. */
static inline void
list_splice_tail(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_first(head, type, member) container_of((head)->next, type, member)

/* @link is a struct list * that visits each link; the body may not remove. */
#define list_for_each(link, head)                                              \
	for ((link) = (head)->next; (link) != (head); (link) = (link)->next)

/* The same, where the body may remove @link. */
#define list_for_each_safe(link, following, head)                              \
	for ((link) = (head)->next, (following) = (link)->next;                \
	     (link) != (head);                                                 \
	     (link) = (following), (following) = (link)->next)
