/*
 * ipc/mach_port.h: the mach_port_*() calls on a space.
 *
 * Each is served as a trap (port_traps.c) and as a message to the task's port
 * (port_server.c).  Names of functions and results are Mach's.
 */
#pragma once
#include <mach/mach_types.h>
#include <mach/port.h>

#include "ipc/space.h"
#include "kernel/types.h"

struct port;

kern_return_t must_check mach_port_allocate(
    struct space *space, mach_port_right_t right, mach_port_name_t *namep);
kern_return_t must_check mach_port_allocate_name(
    struct space *space, mach_port_right_t right, mach_port_name_t name);
/*
 * The same with a quality of service: with @qos->name, the name is *@namep.
 * KERN_INVALID_VALUE also: @qos->prealloc, since a port's messages have no
 * memory of their own.
 */
kern_return_t must_check port_allocate_as(struct space *space,
    mach_port_right_t right, const mach_port_qos_t *qos,
    mach_port_name_t *namep);
kern_return_t must_check mach_port_construct(struct space *space,
    const mach_port_options_t *options, uint64_t context,
    mach_port_name_t *namep);
kern_return_t mach_port_destruct(struct space *space, mach_port_name_t name,
    int32_t send_delta, uint64_t guard);
/* A port that @space got for one use: where it still has its receive right,
 * that ends, with one reference of a send right by the same name. */
void mach_port_end(struct space *space, struct port *port);
kern_return_t must_check mach_port_deallocate(
    struct space *space, mach_port_name_t name);
kern_return_t mach_port_destroy(struct space *space, mach_port_name_t name);
kern_return_t must_check mach_port_mod_refs(struct space *space,
    mach_port_name_t name, mach_port_right_t right, int32_t delta);
kern_return_t must_check mach_port_get_refs(struct space *space,
    mach_port_name_t name, mach_port_right_t right, mach_port_urefs_t *urefsp);
kern_return_t must_check mach_port_type(
    struct space *space, mach_port_name_t name, mach_port_type_t *typep);

/* @port: a right of @type that the caller holds, consumed on success. */
kern_return_t must_check mach_port_insert_right(struct space *space,
    mach_port_name_t name, struct port *port, mach_msg_type_name_t type);
/* The right made from @name comes back in *@portp. */
kern_return_t must_check mach_port_extract_right(struct space *space,
    mach_port_name_t name, mach_msg_type_name_t disposition,
    struct port **portp, mach_msg_type_name_t *typep);

kern_return_t must_check mach_port_insert_member(
    struct space *space, mach_port_name_t name, mach_port_name_t pset);
kern_return_t must_check mach_port_extract_member(
    struct space *space, mach_port_name_t name, mach_port_name_t pset);
/* Out of all sets, and into @after if that is not MACH_PORT_NULL. */
kern_return_t must_check mach_port_move_member(
    struct space *space, mach_port_name_t name, mach_port_name_t after);

/* *@countp: how many words @info has room for, then how many were written. */
kern_return_t must_check mach_port_get_attributes(struct space *space,
    mach_port_name_t name, mach_port_flavor_t flavor, uint32_t *info,
    uint32_t *countp);
kern_return_t must_check mach_port_set_attributes(struct space *space,
    mach_port_name_t name, mach_port_flavor_t flavor, const uint32_t *info,
    uint32_t count);
kern_return_t must_check mach_port_set_mscount(
    struct space *space, mach_port_name_t name, uint32_t count);
kern_return_t must_check mach_port_set_seqno(
    struct space *space, mach_port_name_t name, uint32_t sequence);
kern_return_t must_check mach_port_get_context(
    struct space *space, mach_port_name_t name, uint64_t *contextp);
kern_return_t must_check mach_port_set_context(
    struct space *space, mach_port_name_t name, uint64_t context);
kern_return_t must_check mach_port_get_srights(
    struct space *space, mach_port_name_t name, uint32_t *countp);

/* ---- guards: mach_port_guard.c ---- */

/* @flags: MPG_STRICT, MPG_IMMOVABLE_RECEIVE. */
kern_return_t must_check mach_port_guard_with_flags(
    struct space *space, mach_port_name_t name, uint64_t guard, uint64_t flags);
kern_return_t must_check mach_port_unguard(
    struct space *space, mach_port_name_t name, uint64_t guard);
kern_return_t must_check mach_port_swap_guard(struct space *space,
    mach_port_name_t name, uint64_t old_guard, uint64_t new_guard);
/* MACH_PORT_GUARD_INFO: is it strictly guarded with this guard? */
kern_return_t must_check mach_port_assert_attributes(struct space *space,
    mach_port_name_t name, mach_port_flavor_t flavor, const uint32_t *info,
    uint32_t count);

/* How many dead-name requests stand with the port; counted up to 1024. */
kern_return_t must_check mach_port_dnrequest_info(struct space *space,
    mach_port_name_t name, unsigned *totalp, unsigned *usedp);
/* *@kindp: IKOT_*; IKOT_NONE, and *@whatp "", for a port that stands for no
 * kernel object.  *@whatp is a constant, at most 31 characters. */
kern_return_t must_check port_kobject(struct space *space,
    mach_port_name_t name, uint32_t *kindp, const char **whatp);

/* The most words that get_attributes writes. */
#define PORT_INFO_MAX 17

/*
 * What a message in a queue is like.  peek.c
 */
struct port_peek {
	uint32_t sequence; /* in: which message; 0: the first.  out: which */
	uint32_t size;	   /* header and body */
	int32_t id;
	uint32_t trailer_size; /* in: room for it; out: its bytes */
	mach_msg_max_trailer_t trailer;
};

/*
 * Look at a message without receiving it.  @trailer_type: MACH_RCV_TRAILER_*
 * up to AUDIT, as an option of mach_msg().
 * Returns: KERN_SUCCESS
 *	    KERN_INVALID_ARGUMENT  no such trailer, or no room for it
 *	    KERN_INVALID_NAME	   no such name
 *	    KERN_INVALID_RIGHT	   no receive right
 *	    KERN_FAILURE	   no such message
 */
kern_return_t must_check port_peek(struct space *space, mach_port_name_t name,
    uint32_t trailer_type, struct port_peek *peek);

/* ---- the space as a whole; lists of names are in port_list.h ---- */

/* Names in use, at this moment. */
uint32_t mach_port_name_count(struct space *space);
kern_return_t mach_port_space_basic_info(
    struct space *space, ipc_info_space_basic_t *info);
