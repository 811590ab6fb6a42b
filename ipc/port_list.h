/*
 * ipc/port_list.h: lists of names, of any length, made in bounded steps and
 * given as out-of-line memory.
 *
 * What a list tells of each name was so at some moment while it was made.
 * Names that come meanwhile may be in it or not.
 */
#pragma once
#include <mach/port.h>

#include "ipc/space.h"
#include "kernel/types.h"

struct port_list;
struct pset;
struct transfer;

enum port_list_kind {
	PORT_LIST_NAMES,   /* two tables: names, and their types */
	PORT_LIST_SPACE,   /* ipc_info_name_t */
	PORT_LIST_MEMBERS, /* names of a set's members */
};

/*
 * A list of @space's names, nothing in it yet.  @pset: for MEMBERS, whose
 * reference it takes over on success; else NULL.  KERN_RESOURCE_SHORTAGE.
 */
kern_return_t must_check port_list_create(struct space *space,
    enum port_list_kind kind, struct pset *pset, struct port_list **listp);

/*
 * Go on with it.  On failure it still is to be destroyed.
 * Returns: KERN_SUCCESS	it is complete
 *	    KCALL_AGAIN		call again, after others had their turn
 *	    KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check port_list_fill(
    struct space *space, struct port_list *list);

uint32_t port_list_count(const struct port_list *list);
/* Table @index of a complete list, the caller's from now on; NULL: empty. */
struct transfer *port_list_take(
    struct port_list *list, unsigned index, uint64_t *sizep) must_check;

/* One step of its end: true while there is more to do. */
bool must_check port_list_destroy_step(struct port_list *list);
