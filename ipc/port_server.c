/*
 * port_server.c: mach_port_*() calls to a task's port that are more than a
 * function of mach_port.h; the others are called as they are.
 */
#include <mach/mach_types.h>
#include <serve/mach_port.h>

#include "ipc/mach_port.h"
#include "ipc/notify.h"
#include "ipc/port_list.h"
#include "ipc/pset.h"
#include "ipc/right.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "vm/transfer.h"

/* ---- one name ---- */

kern_return_t
mach_port_allocate_qos(struct space *space, mach_port_right_t right,
    mach_port_qos_t *qos, mach_port_name_t *name)
{
	mach_port_qos_t wanted = *qos;

	wanted.name = 0; /* there is none to ask for */
	return port_allocate_as(space, right, &wanted, name);
}

kern_return_t
mach_port_allocate_full(struct space *space, mach_port_right_t right,
    struct port *subsystem, mach_port_qos_t *qos, mach_port_name_t *name)
{
	if (subsystem != NULL)
		return KERN_INVALID_VALUE;
	return port_allocate_as(space, right, qos, name);
}

kern_return_t
mach_port_request_notification(struct space *space, mach_port_name_t name,
    mach_msg_id_t id, mach_port_mscount_t sync, struct port *notify,
    mach_msg_type_name_t type, struct port **previous)
{
	if (notify != NULL && type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		return KERN_INVALID_CAPABILITY;
	return notify_request(space, name, id, sync, notify, previous);
}

kern_return_t
mach_port_peek(struct space *space, mach_port_name_t name,
    mach_msg_trailer_type_t trailer_type, mach_port_seqno_t *seqno,
    mach_msg_size_t *size, mach_msg_id_t *id, char *trailer,
    mach_msg_type_number_t *trailer_size)
{
	struct port_peek peek = {
	    .sequence = *seqno, .trailer_size = *trailer_size};
	kern_return_t kr = port_peek(space, name, trailer_type, &peek);

	if (kr != KERN_SUCCESS)
		return kr;
	*seqno = peek.sequence;
	*size = peek.size;
	*id = peek.id;
	memcpy(trailer, &peek.trailer, peek.trailer_size);
	*trailer_size = peek.trailer_size;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_guard(struct space *space, mach_port_name_t name,
    mach_port_context_t guard, boolean_t strict)
{
	return mach_port_guard_with_flags(
	    space, name, guard, strict ? MPG_STRICT : 0);
}

/* Where it lies is nobody's business. */
kern_return_t
mach_port_kobject(struct space *space, mach_port_name_t name, natural_t *kind,
    mach_vm_address_t *address)
{
	const char *what;

	*address = 0;
	return port_kobject(space, name, kind, &what);
}

kern_return_t
mach_port_kobject_description(struct space *space, mach_port_name_t name,
    natural_t *kind, mach_vm_address_t *address, char *description)
{
	const char *what;
	kern_return_t kr = port_kobject(space, name, kind, &what);

	if (kr != KERN_SUCCESS)
		return kr;
	*address = 0;
	memcpy(description, what, strlen(what) + 1);
	return KERN_SUCCESS;
}

/* ---- lists ---- */

/* Words of progress while a list is being made. */
enum {
	LIST_MEMORY,
	LIST_RESULT /* not KERN_SUCCESS: it is being destroyed */
};

static struct port_list *
list_made(void)
{
	return (struct port_list *)call_progress()[LIST_MEMORY];
}

/* Destroy what there is of it, then answer @kr. */
static kern_return_t
fail_list(kern_return_t kr)
{
	call_progress()[LIST_RESULT] = (uint32_t)kr;
	while (port_list_destroy_step(list_made())) {
		if (thread_should_yield())
			return KCALL_AGAIN;
	}
	return kr;
}

/* Go on with the list: KCALL_AGAIN while it is not complete.  On failure there
 * is none any more. */
static kern_return_t
fill_list(struct space *space)
{
	kern_return_t kr = (kern_return_t)call_progress()[LIST_RESULT];

	if (kr == KERN_SUCCESS)
		kr = port_list_fill(space, list_made());
	if (kr == KERN_SUCCESS || kr == KCALL_AGAIN)
		return kr;
	return fail_list(kr);
}

/* Make or go on with a list of all names. */
static kern_return_t
list_names(struct space *space, enum port_list_kind kind)
{
	struct port_list *list;
	kern_return_t kr;

	if (list_made() == NULL) {
		kr = port_list_create(space, kind, NULL, &list);
		if (kr != KERN_SUCCESS)
			return kr;
		call_progress()[LIST_MEMORY] = (uint64_t)list;
	}
	return fill_list(space);
}

static struct transfer *
take_table(unsigned index)
{
	uint64_t size;

	return port_list_take(list_made(), index, &size);
}

/* Its tables have been taken: what is left of it is small. */
static kern_return_t
end_list(void)
{
	while (port_list_destroy_step(list_made()))
		continue;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_names(struct space *space, struct transfer **names,
    mach_msg_type_number_t *name_count, struct transfer **types,
    mach_msg_type_number_t *type_count)
{
	kern_return_t kr = list_names(space, PORT_LIST_NAMES);

	if (kr != KERN_SUCCESS)
		return kr;
	*name_count = *type_count = port_list_count(list_made());
	*names = take_table(0);
	*types = take_table(1);
	return end_list();
}

/* The table in the form of old; the tree is no more. */
kern_return_t
mach_port_space_info(struct space *space, ipc_info_space_t *info,
    struct transfer **table, mach_msg_type_number_t *count,
    struct transfer **tree, mach_msg_type_number_t *tree_count)
{
	kern_return_t kr = list_names(space, PORT_LIST_SPACE);

	if (kr != KERN_SUCCESS)
		return kr;
	*count = port_list_count(list_made());
	*info = (ipc_info_space_t){
	    .iis_genno_mask = NAME_GENERATION_MASK,
	    .iis_table_size = *count,
	    .iis_table_next = *count,
	};
	*table = take_table(0);
	*tree = NULL;
	*tree_count = 0;
	return end_list();
}

kern_return_t
mach_port_get_set_status(struct space *space, mach_port_name_t name,
    struct transfer **members, mach_msg_type_number_t *count)
{
	struct port_list *list;
	struct pset *pset;
	kern_return_t kr;

	if (list_made() == NULL) {
		kr = pset_from_name(space, name, &pset);
		if (kr != KERN_SUCCESS)
			return kr;
		kr = port_list_create(space, PORT_LIST_MEMBERS, pset, &list);
		if (kr != KERN_SUCCESS) {
			pset_put(pset);
			return kr;
		}
		call_progress()[LIST_MEMORY] = (uint64_t)list;
	}
	kr = fill_list(space);
	if (kr != KERN_SUCCESS)
		return kr;
	*count = port_list_count(list_made());
	*members = take_table(0);
	return end_list();
}
