/*
 * port_server.c: the mach_port_*() calls as messages to a task's port.  Long
 * because there are many.
 */
#include "ipc/port_server.h"

#include <mach/mach_types.h>

#include "ipc/mach_port.h"
#include "ipc/notify.h"
#include "ipc/right.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/transfer.h"

/* Most names that one list has; longer tables are cut. */
#define LIST_MAX 16384

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
serve_kobject(struct kcall *call)
{
	uint32_t kind = 0;
	kern_return_t kr =
	    mach_port_kobject(space_called(call), kcall_u32(call), &kind);

	kcall_put_u32(call, kind);
	kcall_put_u64(call, 0); /* where it lies is nobody's business */
	return kr;
}

/* ---- lists ---- */

/* Words of kcall.progress while a list is being made. */
enum {
	LIST_MEMORY,
	LIST_ROOM,
	LIST_AT
};

static size_t
list_bytes(const struct port_list *list)
{
	return list->room * sizeof(struct port_list_entry);
}

/* Make or go on with a list of the space's names: KCALL_AGAIN while it is not
 * complete.  On success @list->entry is the caller's to free. */
static kern_return_t
list_names(struct kcall *call, struct port_list *list)
{
	struct space *space = space_called(call);
	uint64_t *progress = call->progress;
	bool more;

	if (progress[LIST_MEMORY] == 0) {
		uint32_t room = mach_port_name_count(space) + 1;

		*list = (struct port_list){.room = room};
		if (room > LIST_MAX)
			list->room = LIST_MAX;
		list->entry = kmem_alloc(list_bytes(list));
		if (list->entry == NULL)
			return KERN_RESOURCE_SHORTAGE;
		list->index = 1;
		progress[LIST_MEMORY] = (uint64_t)list->entry;
		progress[LIST_ROOM] = list->room;
	} else {
		*list = (struct port_list){
		    .entry = (struct port_list_entry *)progress[LIST_MEMORY],
		    .room = (uint32_t)progress[LIST_ROOM],
		    .index = (uint32_t)progress[LIST_AT],
		    .count = (uint32_t)(progress[LIST_AT] >> 32),
		};
	}
	more = mach_port_list_step(space, list);
	progress[LIST_AT] = list->index | (uint64_t)list->count << 32;
	return more ? KCALL_AGAIN : KERN_SUCCESS;
}

static void
list_free(struct port_list *list)
{
	kmem_free(list->entry, list_bytes(list));
}

/* Put @size bytes as out-of-line memory. */
static kern_return_t
put_memory(struct kcall *call, const void *bytes, uint64_t size)
{
	struct transfer *transfer = NULL;
	kern_return_t kr = KERN_SUCCESS;

	if (size > 0)
		kr = transfer_from_kernel(bytes, size, &transfer);
	if (kr == KERN_SUCCESS)
		kcall_put_ool(call, transfer, size);
	return kr;
}

static kern_return_t
put_names(struct kcall *call, const struct port_list *list, uint32_t *words)
{
	uint64_t size = list->count * sizeof(*words);
	kern_return_t kr;

	for (uint32_t i = 0; i < list->count; i++)
		words[i] = list->entry[i].name;
	kr = put_memory(call, words, size);
	if (kr != KERN_SUCCESS)
		return kr;
	for (uint32_t i = 0; i < list->count; i++)
		words[i] = list->entry[i].type;
	kr = put_memory(call, words, size);
	if (kr != KERN_SUCCESS)
		return kr;
	kcall_put_u32(call, list->count);
	kcall_put_u32(call, list->count);
	return KERN_SUCCESS;
}

static kern_return_t
serve_names(struct kcall *call)
{
	struct port_list list;
	kern_return_t kr = list_names(call, &list);
	uint32_t *words;

	if (kr != KERN_SUCCESS)
		return kr;
	words = kmem_alloc(list.room * sizeof(*words));
	if (words != NULL) {
		kr = put_names(call, &list, words);
		kmem_free(words, list.room * sizeof(*words));
	} else {
		kr = KERN_RESOURCE_SHORTAGE;
	}
	list_free(&list);
	return kr;
}

/* The table in the form of mach_port_space_info(); the tree is no more. */
static kern_return_t
put_space_info(
    struct kcall *call, const struct port_list *list, ipc_info_name_t *names)
{
	ipc_info_space_t info = {
	    .iis_genno_mask = NAME_GENERATION_MASK,
	    .iis_table_size = list->count,
	    .iis_table_next = list->count,
	};
	kern_return_t kr;

	for (uint32_t i = 0; i < list->count; i++)
		names[i] = (ipc_info_name_t){
		    .iin_name = list->entry[i].name,
		    .iin_type = list->entry[i].type,
		    .iin_urefs = list->entry[i].urefs,
		    .iin_object = list->entry[i].object,
		};
	kr = put_memory(call, names, list->count * sizeof(*names));
	if (kr != KERN_SUCCESS)
		return kr;
	kcall_put_ool(call, NULL, 0);
	kcall_put_bytes(call, &info, sizeof(info));
	kcall_put_u32(call, list->count);
	kcall_put_u32(call, 0);
	return KERN_SUCCESS;
}

static kern_return_t
serve_space_info(struct kcall *call)
{
	struct port_list list;
	kern_return_t kr = list_names(call, &list);
	ipc_info_name_t *names;

	if (kr != KERN_SUCCESS)
		return kr;
	names = kmem_alloc(list.room * sizeof(*names));
	if (names != NULL) {
		kr = put_space_info(call, &list, names);
		kmem_free(names, list.room * sizeof(*names));
	} else {
		kr = KERN_RESOURCE_SHORTAGE;
	}
	list_free(&list);
	return kr;
}

static kern_return_t
serve_get_set_status(struct kcall *call)
{
	mach_port_name_t name = kcall_u32(call);
	uint32_t room = LIST_MAX;
	mach_port_name_t *names = kmem_alloc(room * sizeof(*names));
	uint32_t count;
	kern_return_t kr;

	if (names == NULL)
		return KERN_RESOURCE_SHORTAGE;
	kr = mach_port_set_members(
	    space_called(call), name, names, room, &count);
	if (kr == KERN_SUCCESS)
		kr = put_memory(call, names, count * sizeof(*names));
	kmem_free(names, room * sizeof(*names));
	if (kr == KERN_SUCCESS)
		kcall_put_u32(call, count);
	return kr;
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
