/*
 * mach/mach_port.h: rights and names of a task.
 *
 * @task is the task whose names are meant, usually mach_task_self(): then the
 * call is one trap.  For another task it is a message to the kernel.
 *
 * Besides what is noted, each may return KERN_INVALID_TASK (@task is no live
 * task's port), KERN_INVALID_NAME (@name denotes nothing), KERN_INVALID_RIGHT
 * (it denotes another kind of right), KERN_RESOURCE_SHORTAGE, and for another
 * task the codes of mach_msg().
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/*
 * A new right: MACH_PORT_RIGHT_RECEIVE, _PORT_SET or _DEAD_NAME.  The task
 * owns it.  KERN_INVALID_VALUE: of another kind.  KERN_NO_SPACE.
 */
kern_return_t mach_port_allocate(
    ipc_space_t task, mach_port_right_t right, mach_port_name_t *name);

/* The same by a name of the caller's choice.  KERN_NAME_EXISTS. */
kern_return_t mach_port_allocate_name(
    ipc_space_t task, mach_port_right_t right, mach_port_name_t name);

/*
 * The same as @qos says: with @qos->name set, by the name *@name.
 * KERN_INVALID_VALUE also: @qos->prealloc is set, since messages have no
 * memory of their own here; or @subsystem is not MACH_PORT_NULL.
 */
kern_return_t mach_port_allocate_full(ipc_space_t task, mach_port_right_t right,
    mach_port_t subsystem, mach_port_qos_t *qos, mach_port_name_t *name);
/* The same by a name that the kernel chooses. */
kern_return_t mach_port_allocate_qos(ipc_space_t task, mach_port_right_t right,
    mach_port_qos_t *qos, mach_port_name_t *name);

/*
 * A new receive right with the queue limit, send right and guard (@context)
 * that @options (MPO_) ask for; @context is kept in any case.  Flags that ask
 * for what this kernel does not have are accepted.  KERN_INVALID_ARGUMENT:
 * flags that nobody defined.  KERN_INVALID_VALUE: the queue limit is beyond
 * MACH_PORT_QLIMIT_MAX.  KERN_NO_SPACE.
 */
kern_return_t mach_port_construct(ipc_space_t task,
    mach_port_options_ptr_t options, mach_port_context_t context,
    mach_port_name_t *name);

/*
 * Destroys a receive right and takes @send_delta (<= 0) from the references
 * of a send right by the same name: both or neither.  KERN_INVALID_ARGUMENT:
 * it is guarded, and not with @guard.  KERN_INVALID_RIGHT also: there is no
 * send right to take from.  KERN_INVALID_VALUE: it has fewer references.
 */
kern_return_t mach_port_destruct(ipc_space_t task, mach_port_name_t name,
    mach_port_delta_t send_delta, mach_port_context_t guard);

/* Gives up everything the name denotes, however many references it has. */
kern_return_t mach_port_destroy(ipc_space_t task, mach_port_name_t name);

/*
 * Takes one reference from a send, send-once or dead-name right; the last one
 * frees the name.  KERN_INVALID_RIGHT: it is a receive right or a set.
 */
kern_return_t mach_port_deallocate(ipc_space_t task, mach_port_name_t name);

/* How many references of this kind the name has; 0 if not of this kind. */
kern_return_t mach_port_get_refs(ipc_space_t task, mach_port_name_t name,
    mach_port_right_t right, mach_port_urefs_t *refs);

/*
 * Adds @delta to them.  KERN_INVALID_VALUE: fewer than none would be left.
 * KERN_UREFS_OVERFLOW.
 */
kern_return_t mach_port_mod_refs(ipc_space_t task, mach_port_name_t name,
    mach_port_right_t right, mach_port_delta_t delta);

/* What the name denotes: MACH_PORT_TYPE_ bits. */
kern_return_t mach_port_type(
    ipc_space_t task, mach_port_name_t name, mach_port_type_t *type);

/*
 * All names and their types, in two arrays of equal length that the caller
 * must give back with mach_vm_deallocate().
 */
kern_return_t mach_port_names(ipc_space_t task, mach_port_name_array_t *names,
    mach_msg_type_number_t *name_count, mach_port_type_array_t *types,
    mach_msg_type_number_t *type_count);

/*
 * Gives @task the right @poly of the caller, treated as @disposition says,
 * by the name @name.  KERN_NAME_EXISTS: the name denotes another port.
 * KERN_RIGHT_EXISTS: the task has that port by another name.
 * KERN_INVALID_CAPABILITY: @poly is no such right.
 */
kern_return_t mach_port_insert_right(ipc_space_t task, mach_port_name_t name,
    mach_port_t poly, mach_msg_type_name_t disposition);

/* Takes a right out of @task; the caller gets it, of kind *@type. */
kern_return_t mach_port_extract_right(ipc_space_t task, mach_port_name_t name,
    mach_msg_type_name_t disposition, mach_port_t *poly,
    mach_msg_type_name_t *type);

/* The make-send count and the sequence number of a receive right. */
kern_return_t mach_port_set_mscount(
    ipc_space_t task, mach_port_name_t name, mach_port_mscount_t count);
kern_return_t mach_port_set_seqno(
    ipc_space_t task, mach_port_name_t name, mach_port_seqno_t seqno);

/* The context delivered in trailers of kind MACH_RCV_TRAILER_CTX. */
kern_return_t mach_port_get_context(
    ipc_space_t task, mach_port_name_t name, mach_port_context_t *context);
kern_return_t mach_port_set_context(
    ipc_space_t task, mach_port_name_t name, mach_port_context_t context);

/*
 * What @flavor asks of a receive right; *@count is the room in words, then how
 * many were filled.
 *
 *	LIMITS_INFO	 mach_port_limits_t
 *	RECEIVE_STATUS	 mach_port_status_t
 *	DNREQUESTS_SIZE	 one word: see mach_port_dnrequest_info()
 *	INFO_EXT	 mach_port_info_ext_t, whose boosts are 0
 *	GUARD_INFO	 mach_port_guard_info_t; 0: unguarded, or strictly so
 *
 * KERN_INVALID_ARGUMENT: another flavor.  KERN_FAILURE: too little room.
 * KERN_INVALID_CAPABILITY: SERVICE_THROTTLED, for no port is a service's.
 */
kern_return_t mach_port_get_attributes(ipc_space_t task, mach_port_name_t name,
    mach_port_flavor_t flavor, mach_port_info_t info,
    mach_msg_type_number_t *count);

/*
 * LIMITS_INFO: KERN_INVALID_VALUE beyond MACH_PORT_QLIMIT_MAX.  TEMPOWNER and
 * IMPORTANCE_RECEIVER are remembered, and told by mps_flags; DENAP_RECEIVER
 * and DNREQUESTS_SIZE have no effect.  The codes are those above.
 */
kern_return_t mach_port_set_attributes(ipc_space_t task, mach_port_name_t name,
    mach_port_flavor_t flavor, mach_port_info_t info,
    mach_msg_type_number_t count);

/*
 * Looks at a message in the queue of a receive right without receiving it: the
 * first, or the one with the sequence number *@seqno if that is not 0; which
 * it was is returned there.  Its size and id, and its trailer: of the kind that
 * @trailer_type says (MACH_RCV_TRAILER_, as in mach_msg(), up to AUDIT), in
 * @trailer with room for *@trailer_size bytes, which becomes how many were
 * written.  KERN_INVALID_ARGUMENT: no such trailer, or no room for it.
 * KERN_FAILURE: no such message, or more than 1024 stand before it.
 */
kern_return_t mach_port_peek(ipc_space_t task, mach_port_name_t name,
    mach_msg_trailer_type_t trailer_type, mach_port_seqno_t *seqno,
    mach_msg_size_t *size, mach_msg_id_t *id, mach_msg_trailer_info_t trailer,
    mach_msg_type_number_t *trailer_size);

/*
 * Puts @member, a receive right, into the set @after and no other; with
 * MACH_PORT_NULL takes it out of all.  KERN_NOT_IN_SET.
 */
kern_return_t mach_port_move_member(
    ipc_space_t task, mach_port_name_t member, mach_port_name_t after);

/* Into, or out of, one set among others.  KERN_ALREADY_IN_SET, _NOT_IN_SET. */
kern_return_t mach_port_insert_member(
    ipc_space_t task, mach_port_name_t name, mach_port_name_t set);
kern_return_t mach_port_extract_member(
    ipc_space_t task, mach_port_name_t name, mach_port_name_t set);

/* The members of a set, in an array for the caller to give back. */
kern_return_t mach_port_get_set_status(ipc_space_t task, mach_port_name_t name,
    mach_port_name_array_t *members, mach_msg_type_number_t *count);

/*
 * Asks for the message @id (mach/notify.h) about @name to be sent to @notify,
 * a send-once right made from it as @disposition says; MACH_PORT_NULL takes a
 * request back.  The one asked for before is returned in *@previous and
 * belongs to the caller.  @sync: for NO_SENDERS the make-send count to wait
 * for, for DEAD_NAME non-zero to be told at once of a name that is dead
 * already (else KERN_INVALID_ARGUMENT), for PORT_DESTROYED 0.
 *
 * SEND_POSSIBLE: one message when the queue has room, or when the port dies
 * (then MACH_NOTIFY_DEAD_NAME); with @sync it counts from now on, and comes at
 * once where there is room; without, from the next send by @name on that has
 * MACH_SEND_NOTIFY and times out.
 *
 * KERN_INVALID_VALUE: no such @id.  KERN_INVALID_CAPABILITY: @notify cannot
 * be made a send-once right.
 */
kern_return_t mach_port_request_notification(ipc_space_t task,
    mach_port_name_t name, mach_msg_id_t id, mach_port_mscount_t sync,
    mach_port_t notify, mach_msg_type_name_t disposition,
    mach_port_t *previous);

/*
 * ---- guards ----
 *
 * A guarded receive right is given up only by mach_port_destruct() with its
 * guard: mach_port_destroy() and mach_port_mod_refs() answer
 * KERN_INVALID_RIGHT.  The guard takes the context's place, so
 * mach_port_set_context() changes it, unless it is strict: then that answers
 * KERN_INVALID_ARGUMENT, and mach_port_get_context() gives 0.  A guarded right
 * may be sent, and arrives without guard; one that is also immovable stays:
 * KERN_INVALID_CAPABILITY, MACH_SEND_INVALID_RIGHT in a message.  A task that
 * ends takes its guarded rights with it.  Nobody is ended for going against a
 * guard.
 *
 * Each may return KERN_INVALID_ARGUMENT, besides where noted.
 */

/* Guards a receive right that has neither guard nor context (else
 * KERN_INVALID_ARGUMENT), strictly if @strict. */
kern_return_t mach_port_guard(ipc_space_t task, mach_port_name_t name,
    mach_port_context_t guard, boolean_t strict);
/* The same with @flags of MPG_STRICT and MPG_IMMOVABLE_RECEIVE; no other. */
kern_return_t mach_port_guard_with_flags(ipc_space_t task,
    mach_port_name_t name, mach_port_context_t guard, uint64_t flags);
/*
 * Takes the guard away; the context is 0 then.  What is immovable stays so.
 * KERN_INVALID_ARGUMENT: there is none, or it is not @guard.
 */
kern_return_t mach_port_unguard(
    ipc_space_t task, mach_port_name_t name, mach_port_context_t guard);
/* Puts @new_guard in the place of @old_guard.  KERN_INVALID_ARGUMENT: that is
 * not the guard, or it is strict. */
kern_return_t mach_port_swap_guard(ipc_space_t task, mach_port_name_t name,
    mach_port_context_t old_guard, mach_port_context_t new_guard);
/*
 * MACH_PORT_GUARD_INFO: is the right guarded, strictly, with the guard in
 * @info?  KERN_INVALID_ARGUMENT: no, or another flavor.  KERN_FAILURE: @count
 * is less than the flavor's.
 */
kern_return_t mach_port_assert_attributes(ipc_space_t task,
    mach_port_name_t name, mach_port_flavor_t flavor, mach_port_info_t info,
    mach_msg_type_number_t count);

/* ---- looking ---- */

/* How many send rights to @name, a receive right, there are: one for each task
 * that has any, and one for each on its way in a message. */
kern_return_t mach_port_get_srights(
    ipc_space_t task, mach_port_name_t name, mach_port_rights_t *count);
/* How many dead-name requests stand with @name, a receive right: room and use
 * are the same here.  Not counted beyond 1024. */
kern_return_t mach_port_dnrequest_info(ipc_space_t task, mach_port_name_t name,
    unsigned int *total, unsigned int *used);
/*
 * What a port that @name has a send or receive right to stands for in the
 * kernel: IKOT_, IKOT_NONE for most.  The address is always 0.
 */
kern_return_t mach_port_kobject(ipc_space_read_t task, mach_port_name_t name,
    natural_t *kind, mach_vm_address_t *address);
/* The same, and what it is called; "" for IKOT_NONE. */
kern_return_t mach_port_kobject_description(ipc_space_read_t task,
    mach_port_name_t name, natural_t *kind, mach_vm_address_t *address,
    kobject_description_t what);
/*
 * All names: what they denote, with how many user references, and a number
 * (iin_object) that two names of one port or set have in common.  The caller
 * gives both arrays back with mach_vm_deallocate(); the tree is always empty.
 */
kern_return_t mach_port_space_info(ipc_space_read_t task,
    ipc_info_space_t *info, ipc_info_name_array_t *names,
    mach_msg_type_number_t *count, ipc_info_tree_name_array_t *tree,
    mach_msg_type_number_t *tree_count);
/* How large the task's table of names is. */
kern_return_t mach_port_space_basic_info(
    ipc_space_inspect_t task, ipc_info_space_basic_t *info);

MACH_END_DECLS
