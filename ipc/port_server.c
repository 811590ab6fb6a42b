/*
 * port_server.c: the mach_port_*() calls as messages to a task's port.  Long
 * because there are many.
 */
#include "ipc/port_server.h"

#include <mach/mach_types.h>

#include "ipc/mach_port.h"
#include "ipc/notify.h"
#include "ipc/port_list.h"
#include "ipc/pset.h"
#include "ipc/right.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "vm/transfer.h"

static struct space *
space_called(const struct kcall *call)
{
	return ((struct task *)call->object)->space;
}

/* ---- making and counting ---- */

static kern_return_t
serve_allocate(struct kcall *call)
{
	mach_port_right_t right = kcall_u32(call);
	mach_port_name_t name = MACH_PORT_NULL;
	kern_return_t kr = mach_port_allocate(space_called(call), right, &name);

	kcall_put_u32(call, name);
	return kr;
}

static kern_return_t
serve_allocate_name(struct kcall *call)
{
	mach_port_right_t right = kcall_u32(call);
	mach_port_name_t name = kcall_u32(call);

	return mach_port_allocate_name(space_called(call), right, name);
}

static kern_return_t
serve_allocate_qos(struct kcall *call)
{
	mach_port_right_t right = kcall_u32(call);
	mach_port_name_t name = MACH_PORT_NULL;
	uint64_t words = kcall_u64(call);
	mach_port_qos_t qos;
	kern_return_t kr;

	memcpy(&qos, &words, sizeof(qos));
	qos.name = 0; /* there is none to ask for */
	kr = mach_port_allocate_full(space_called(call), right, &qos, &name);
	kcall_put_u64(call, words);
	kcall_put_u32(call, name);
	return kr;
}

static kern_return_t
serve_allocate_full(struct kcall *call)
{
	struct port *subsystem = kcall_port(call);
	mach_port_right_t right = kcall_u32(call);
	uint64_t words = kcall_u64(call);
	mach_port_name_t name = kcall_u32(call);
	mach_port_qos_t qos;
	kern_return_t kr;

	if (subsystem != NULL)
		return KERN_INVALID_VALUE;
	memcpy(&qos, &words, sizeof(qos));
	kr = mach_port_allocate_full(space_called(call), right, &qos, &name);
	kcall_put_u64(call, words);
	kcall_put_u32(call, name);
	return kr;
}

static kern_return_t
serve_destroy(struct kcall *call)
{
	return mach_port_destroy(space_called(call), kcall_u32(call));
}

static kern_return_t
serve_deallocate(struct kcall *call)
{
	return mach_port_deallocate(space_called(call), kcall_u32(call));
}

static kern_return_t
serve_destruct(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	int32_t delta = (int32_t)kcall_u32(call);
	uint64_t guard = kcall_u64(call);

	return mach_port_destruct(space_called(call), name, delta, guard);
}

static kern_return_t
serve_get_refs(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	mach_port_right_t right = kcall_u32(call);
	mach_port_urefs_t urefs = 0;
	kern_return_t kr =
	    mach_port_get_refs(space_called(call), name, right, &urefs);

	kcall_put_u32(call, urefs);
	return kr;
}

static kern_return_t
serve_mod_refs(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	mach_port_right_t right = kcall_u32(call);
	int32_t delta = (int32_t)kcall_u32(call);

	return mach_port_mod_refs(space_called(call), name, right, delta);
}

/* ---- rights in and out ---- */

static kern_return_t
serve_insert_right(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	mach_msg_type_name_t type;
	struct port *port = kcall_port_take(call, &type);
	kern_return_t kr =
	    mach_port_insert_right(space_called(call), name, port, type);

	if (kr != KERN_SUCCESS)
		right_release(port, type);
	return kr;
}

static kern_return_t
serve_extract_right(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	mach_msg_type_name_t disposition = kcall_u32(call);
	mach_msg_type_name_t type = 0;
	struct port *port = NULL;
	kern_return_t kr = mach_port_extract_right(
	    space_called(call), name, disposition, &port, &type);

	if (kr == KERN_SUCCESS)
		kcall_put_port(call, port, type);
	return kr;
}

static kern_return_t
serve_request_notification(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	int32_t id = (int32_t)kcall_u32(call);
	uint32_t sync = kcall_u32(call);
	struct port *previous = NULL;
	mach_msg_type_name_t type;
	struct port *notify = kcall_port_take(call, &type);
	kern_return_t kr = KERN_INVALID_CAPABILITY;

	if (notify == NULL || type == MACH_MSG_TYPE_PORT_SEND_ONCE)
		kr = notify_request(
		    space_called(call), name, id, sync, notify, &previous);
	if (kr != KERN_SUCCESS)
		right_release(notify, type);
	else
		kcall_put_port(call, previous, MACH_MSG_TYPE_PORT_SEND_ONCE);
	return kr;
}

/* ---- sets ---- */

static kern_return_t
serve_insert_member(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	mach_port_name_t pset = kcall_u32(call);

	return mach_port_insert_member(space_called(call), name, pset);
}

static kern_return_t
serve_extract_member(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	mach_port_name_t pset = kcall_u32(call);

	return mach_port_extract_member(space_called(call), name, pset);
}

static kern_return_t
serve_move_member(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	mach_port_name_t after = kcall_u32(call);

	return mach_port_move_member(space_called(call), name, after);
}

/* ---- attributes ---- */

static kern_return_t
serve_type(struct kcall *call)
{
	mach_port_type_t type = 0;
	kern_return_t kr =
	    mach_port_type(space_called(call), kcall_u32(call), &type);

	kcall_put_u32(call, type);
	return kr;
}

static kern_return_t
serve_set_mscount(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);

	return mach_port_set_mscount(space_called(call), name, kcall_u32(call));
}

static kern_return_t
serve_set_seqno(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);

	return mach_port_set_seqno(space_called(call), name, kcall_u32(call));
}

static kern_return_t
serve_get_context(struct kcall *call)
{
	uint64_t context = 0;
	kern_return_t kr = mach_port_get_context(
	    space_called(call), kcall_u32(call), &context);

	kcall_put_u64(call, context);
	return kr;
}

static kern_return_t
serve_set_context(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);

	return mach_port_set_context(space_called(call), name, kcall_u64(call));
}

static kern_return_t
serve_get_attributes(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	mach_port_flavor_t flavor = (mach_port_flavor_t)kcall_u32(call);
	uint32_t count = kcall_u32(call);
	uint32_t info[PORT_INFO_MAX];
	kern_return_t kr = mach_port_get_attributes(
	    space_called(call), name, flavor, info, &count);

	if (kr == KERN_SUCCESS)
		kcall_put_array(call, info, count, sizeof(info[0]));
	return kr;
}

static kern_return_t
serve_peek(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	uint32_t trailer_type = kcall_u32(call);
	struct port_peek peek = {.sequence = kcall_u32(call)};
	kern_return_t kr;

	peek.trailer_size = kcall_u32(call);
	kr = mach_port_peek(space_called(call), name, trailer_type, &peek);
	if (kr != KERN_SUCCESS)
		return kr;
	kcall_put_u32(call, peek.sequence);
	kcall_put_u32(call, peek.size);
	kcall_put_u32(call, (uint32_t)peek.id);
	kcall_put_array(call, &peek.trailer, peek.trailer_size, 1);
	return KERN_SUCCESS;
}

static kern_return_t
serve_set_attributes(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	mach_port_flavor_t flavor = (mach_port_flavor_t)kcall_u32(call);
	uint32_t count = kcall_u32(call);
	const uint32_t *info;

	if (count > PORT_INFO_MAX)
		return MIG_ARRAY_TOO_LARGE;
	info = kcall_bytes(call, count * (uint32_t)sizeof(*info));
	if (info == NULL)
		return MIG_BAD_ARGUMENTS;
	return mach_port_set_attributes(
	    space_called(call), name, flavor, info, count);
}

static kern_return_t
serve_assert_attributes(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	mach_port_flavor_t flavor = (mach_port_flavor_t)kcall_u32(call);
	uint32_t count = kcall_u32(call);
	const uint32_t *info;

	if (count > PORT_INFO_MAX)
		return MIG_ARRAY_TOO_LARGE;
	info = kcall_bytes(call, count * (uint32_t)sizeof(*info));
	if (info == NULL)
		return MIG_BAD_ARGUMENTS;
	return mach_port_assert_attributes(
	    space_called(call), name, flavor, info, count);
}

/* ---- guards ---- */

static kern_return_t
serve_guard(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	uint64_t guard = kcall_u64(call);
	uint64_t flags = kcall_u32(call) != 0 ? MPG_STRICT : 0;

	return mach_port_guard(space_called(call), name, guard, flags);
}

static kern_return_t
serve_guard_with_flags(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	uint64_t guard = kcall_u64(call);

	return mach_port_guard(
	    space_called(call), name, guard, kcall_u64(call));
}

static kern_return_t
serve_unguard(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);

	return mach_port_unguard(space_called(call), name, kcall_u64(call));
}

static kern_return_t
serve_swap_guard(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	uint64_t old_guard = kcall_u64(call);

	return mach_port_swap_guard(
	    space_called(call), name, old_guard, kcall_u64(call));
}

static kern_return_t
serve_get_srights(struct kcall *call)
{
	uint32_t count = 0;
	kern_return_t kr =
	    mach_port_get_srights(space_called(call), kcall_u32(call), &count);

	kcall_put_u32(call, count);
	return kr;
}

static kern_return_t
serve_dnrequest_info(struct kcall *call)
{
	uint32_t count = 0;
	kern_return_t kr = mach_port_dnrequest_info(
	    space_called(call), kcall_u32(call), &count);

	kcall_put_u32(call, count); /* there is room for as many as there are */
	kcall_put_u32(call, count);
	return kr;
}

/* Most characters of a description, the zero included. */
#define DESCRIPTION_MAX 32

static kern_return_t
serve_kobject(struct kcall *call)
{
	const char *what;
	uint32_t kind = 0;
	kern_return_t kr = mach_port_kobject(
	    space_called(call), kcall_u32(call), &kind, &what);

	kcall_put_u32(call, kind);
	kcall_put_u64(call, 0); /* where it lies is nobody's business */
	return kr;
}

static kern_return_t
serve_kobject_description(struct kcall *call)
{
	const char *what;
	uint32_t kind = 0, size;
	kern_return_t kr = mach_port_kobject(
	    space_called(call), kcall_u32(call), &kind, &what);

	if (kr != KERN_SUCCESS)
		return kr;
	size = (uint32_t)strlen(what) + 1;
	kcall_put_u32(call, kind);
	kcall_put_u64(call, 0);
	kcall_put_u32(call, 0);
	kcall_put_u32(call, size);
	kcall_put_bytes(call, what, size);
	return KERN_SUCCESS;
}

static kern_return_t
serve_space_basic_info(struct kcall *call)
{
	ipc_info_space_basic_t info;

	mach_port_space_basic_info(space_called(call), &info);
	kcall_put_bytes(call, &info, sizeof(info));
	return KERN_SUCCESS;
}

/* ---- lists ---- */

/* Words of kcall.progress while a list is being made. */
enum {
	LIST_MEMORY,
	LIST_RESULT /* not KERN_SUCCESS: it is being destroyed */
};

static struct port_list *
list_of(const struct kcall *call)
{
	return (struct port_list *)call->progress[LIST_MEMORY];
}

/* Destroy the list, then answer @kr. */
static kern_return_t
end_list(struct kcall *call, kern_return_t kr)
{
	call->progress[LIST_RESULT] = (uint32_t)kr;
	while (port_list_destroy_step(list_of(call))) {
		if (thread_should_yield())
			return KCALL_AGAIN;
	}
	return kr;
}

/* Go on with the list: KCALL_AGAIN while it is not complete.  On failure there
 * is none any more. */
static kern_return_t
fill_list(struct kcall *call)
{
	kern_return_t kr = (kern_return_t)call->progress[LIST_RESULT];

	if (kr == KERN_SUCCESS)
		kr = port_list_fill(space_called(call), list_of(call));
	if (kr == KERN_SUCCESS || kr == KCALL_AGAIN)
		return kr;
	return end_list(call, kr);
}

/* Make or go on with a list of all names. */
static kern_return_t
list_names(struct kcall *call, enum port_list_kind kind)
{
	struct port_list *list;
	kern_return_t kr;

	if (call->progress[LIST_MEMORY] == 0) {
		kr = port_list_create(space_called(call), kind, NULL, &list);
		if (kr != KERN_SUCCESS)
			return kr;
		call->progress[LIST_MEMORY] = (uint64_t)list;
	}
	return fill_list(call);
}

/* The list's tables go into the reply; what is left of it is small. */
static void
put_list(struct kcall *call, unsigned tables)
{
	uint64_t size;

	for (unsigned i = 0; i < tables; i++) {
		struct transfer *transfer =
		    port_list_take(list_of(call), i, &size);

		kcall_put_ool(call, transfer, size);
	}
}

static kern_return_t
serve_names(struct kcall *call)
{
	kern_return_t kr;
	uint32_t count;

	if (kcall_is_one_way(call))
		return KERN_SUCCESS;
	kr = list_names(call, PORT_LIST_NAMES);
	if (kr != KERN_SUCCESS)
		return kr;
	count = port_list_count(list_of(call));
	put_list(call, 2);
	kcall_put_u32(call, count);
	kcall_put_u32(call, count);
	return end_list(call, KERN_SUCCESS);
}

/* The table in the form of mach_port_space_info(); the tree is no more. */
static kern_return_t
serve_space_info(struct kcall *call)
{
	ipc_info_space_t info = {.iis_genno_mask = NAME_GENERATION_MASK};
	kern_return_t kr;

	if (kcall_is_one_way(call))
		return KERN_SUCCESS;
	kr = list_names(call, PORT_LIST_SPACE);
	if (kr != KERN_SUCCESS)
		return kr;
	info.iis_table_size = port_list_count(list_of(call));
	info.iis_table_next = info.iis_table_size;
	put_list(call, 1);
	kcall_put_ool(call, NULL, 0);
	kcall_put_bytes(call, &info, sizeof(info));
	kcall_put_u32(call, info.iis_table_size);
	kcall_put_u32(call, 0);
	return end_list(call, KERN_SUCCESS);
}

static kern_return_t
serve_get_set_status(struct kcall *call)
{
	struct port_list *list;
	struct pset *pset;
	kern_return_t kr;

	if (kcall_is_one_way(call))
		return KERN_SUCCESS;
	if (call->progress[LIST_MEMORY] == 0) {
		kr = pset_from_name(space_called(call), kcall_u32(call), &pset);
		if (kr != KERN_SUCCESS)
			return kr;
		kr = port_list_create(
		    space_called(call), PORT_LIST_MEMBERS, pset, &list);
		if (kr != KERN_SUCCESS) {
			pset_put(pset);
			return kr;
		}
		call->progress[LIST_MEMORY] = (uint64_t)list;
	}
	kr = fill_list(call);
	if (kr != KERN_SUCCESS)
		return kr;
	put_list(call, 1);
	kcall_put_u32(call, port_list_count(list_of(call)));
	return end_list(call, KERN_SUCCESS);
}

#define ROUTINE(id_, name_, serve_, ...)                                       \
	{                                                                      \
		.id = (id_), .name = (name_), .kind = KOBJECT_TASK,            \
		.serve = (serve_), __VA_ARGS__                                 \
	}

const struct kroutine port_routines[] = {
    ROUTINE(MSGID_MACH_PORT_NAMES, "mach_port_names", serve_names, .out = 8,
	.out_descriptors = 2),
    ROUTINE(
	MSGID_MACH_PORT_TYPE, "mach_port_type", serve_type, .in = 4, .out = 4),
    ROUTINE(MSGID_MACH_PORT_ALLOCATE_NAME, "mach_port_allocate_name",
	serve_allocate_name, .in = 8),
    ROUTINE(MSGID_MACH_PORT_ALLOCATE, "mach_port_allocate", serve_allocate,
	.in = 4, .out = 4),
    ROUTINE(MSGID_MACH_PORT_ALLOCATE_QOS, "mach_port_allocate_qos",
	serve_allocate_qos, .in = 12, .out = 12),
    ROUTINE(MSGID_MACH_PORT_ALLOCATE_FULL, "mach_port_allocate_full",
	serve_allocate_full, .in = 16, .descriptors = "p", .out = 12),
    ROUTINE(MSGID_MACH_PORT_DNREQUEST_INFO, "mach_port_dnrequest_info",
	serve_dnrequest_info, .in = 4, .out = 8),
    ROUTINE(MSGID_MACH_PORT_KOBJECT_DESCRIPTION,
	"mach_port_kobject_description", serve_kobject_description, .in = 4,
	.out = 20 + DESCRIPTION_MAX),
    ROUTINE(MSGID_MACH_PORT_SPACE_BASIC_INFO, "mach_port_space_basic_info",
	serve_space_basic_info, .out = sizeof(ipc_info_space_basic_t)),
    ROUTINE(
	MSGID_MACH_PORT_DESTROY, "mach_port_destroy", serve_destroy, .in = 4),
    ROUTINE(MSGID_MACH_PORT_DEALLOCATE, "mach_port_deallocate",
	serve_deallocate, .in = 4),
    ROUTINE(MSGID_MACH_PORT_GET_REFS, "mach_port_get_refs", serve_get_refs,
	.in = 8, .out = 4),
    ROUTINE(MSGID_MACH_PORT_MOD_REFS, "mach_port_mod_refs", serve_mod_refs,
	.in = 12),
    ROUTINE(MSGID_MACH_PORT_PEEK, "mach_port_peek", serve_peek, .in = 16,
	.out = 16 + MAX_TRAILER_SIZE),
    ROUTINE(MSGID_MACH_PORT_SET_MSCOUNT, "mach_port_set_mscount",
	serve_set_mscount, .in = 8),
    ROUTINE(MSGID_MACH_PORT_GET_SET_STATUS, "mach_port_get_set_status",
	serve_get_set_status, .in = 4, .out = 4, .out_descriptors = 1),
    ROUTINE(MSGID_MACH_PORT_MOVE_MEMBER, "mach_port_move_member",
	serve_move_member, .in = 8),
    ROUTINE(MSGID_MACH_PORT_REQUEST_NOTIFICATION,
	"mach_port_request_notification", serve_request_notification, .in = 12,
	.descriptors = "p", .out_descriptors = 1),
    ROUTINE(MSGID_MACH_PORT_INSERT_RIGHT, "mach_port_insert_right",
	serve_insert_right, .in = 4, .descriptors = "p"),
    ROUTINE(MSGID_MACH_PORT_EXTRACT_RIGHT, "mach_port_extract_right",
	serve_extract_right, .in = 8, .out_descriptors = 1),
    ROUTINE(MSGID_MACH_PORT_SET_SEQNO, "mach_port_set_seqno", serve_set_seqno,
	.in = 8),
    ROUTINE(MSGID_MACH_PORT_GET_ATTRIBUTES, "mach_port_get_attributes",
	serve_get_attributes, .in = 12,
	.out = 4 + PORT_INFO_MAX * sizeof(uint32_t)),
    ROUTINE(MSGID_MACH_PORT_SET_ATTRIBUTES, "mach_port_set_attributes",
	serve_set_attributes, .in = 12),
    ROUTINE(MSGID_MACH_PORT_ASSERT_ATTRIBUTES, "mach_port_assert_attributes",
	serve_assert_attributes, .in = 12),
    ROUTINE(MSGID_MACH_PORT_GUARD, "mach_port_guard", serve_guard, .in = 16),
    ROUTINE(MSGID_MACH_PORT_GUARD_WITH_FLAGS, "mach_port_guard_with_flags",
	serve_guard_with_flags, .in = 20),
    ROUTINE(
	MSGID_MACH_PORT_UNGUARD, "mach_port_unguard", serve_unguard, .in = 12),
    ROUTINE(MSGID_MACH_PORT_SWAP_GUARD, "mach_port_swap_guard",
	serve_swap_guard, .in = 20),
    ROUTINE(MSGID_MACH_PORT_GET_SRIGHTS, "mach_port_get_srights",
	serve_get_srights, .in = 4, .out = 4),
    ROUTINE(MSGID_MACH_PORT_SPACE_INFO, "mach_port_space_info",
	serve_space_info, .out = sizeof(ipc_info_space_t) + 8,
	.out_descriptors = 2),
    ROUTINE(MSGID_MACH_PORT_INSERT_MEMBER, "mach_port_insert_member",
	serve_insert_member, .in = 8),
    ROUTINE(MSGID_MACH_PORT_EXTRACT_MEMBER, "mach_port_extract_member",
	serve_extract_member, .in = 8),
    ROUTINE(MSGID_MACH_PORT_GET_CONTEXT, "mach_port_get_context",
	serve_get_context, .in = 4, .out = 8),
    ROUTINE(MSGID_MACH_PORT_SET_CONTEXT, "mach_port_set_context",
	serve_set_context, .in = 12),
    ROUTINE(MSGID_MACH_PORT_KOBJECT, "mach_port_kobject", serve_kobject,
	.in = 4, .out = 12),
    ROUTINE(MSGID_MACH_PORT_DESTRUCT, "mach_port_destruct", serve_destruct,
	.in = 16),
};

const unsigned port_routine_count = ARRAY_SIZE(port_routines);
