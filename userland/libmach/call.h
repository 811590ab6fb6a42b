/*
 * libmach/call.h: a request to a server and its reply, built field by field.
 *
 * Every stub of the library has this shape:
 *
 *	struct call call;
 *
 *	call_begin(&call, MSGID_MACH_PORT_GET_REFS);
 *	call_put_u32(&call, name);
 *	call_put_u32(&call, right);
 *	call_perform(&call, task);
 *	call_get_u32(&call, refs);
 *	return call_end(&call);
 *
 * Rights and memory are put before numbers, and taken from the reply before
 * numbers, as they stand in messages.  After the first thing that goes wrong
 * the rest has no effect, results stay unwritten, and call_end() tells what it
 * was.
 */
#pragma once

#include <stdbool.h>

#include <mach/mach_types.h>
#include <mach/mig_errors.h>

#define CALL_MAX 1280 /* the longest request or reply, trailer included */

struct call {
	kern_return_t result;
	mach_msg_id_t id;
	uint32_t size; /* of the request as put so far */
	uint32_t next; /* offset of what is taken from the reply next */
	uint32_t end;  /* of the reply */
	bool replied;  /* the buffer holds a reply whose rights are ours */
	bool has_ndr;  /* the request's NDR has been put */
	_Alignas(8) unsigned char buffer[CALL_MAX];
};

void call_begin(struct call *call, mach_msg_id_t id);

/* ---- the request: descriptors first ---- */

void call_put_port(
    struct call *call, mach_port_t port, mach_msg_type_name_t disposition);
void call_put_ports(struct call *call, const mach_port_t *ports, uint32_t count,
    mach_msg_type_name_t disposition);
void call_put_memory(struct call *call, const void *data, uint32_t size);

void call_put_u32(struct call *call, uint32_t value);
void call_put_u64(struct call *call, uint64_t value);
/* Rounded up to whole words. */
void call_put_bytes(struct call *call, const void *bytes, uint32_t size);
/* A zero-terminated string in a field of @size bytes; cut if too long. */
void call_put_string(struct call *call, const char *string, uint32_t size);

/* ---- there and back ---- */

/* Sends the request and waits for the reply. */
void call_perform(struct call *call, mach_port_t to);

/* Sends the request; there will be no reply. */
void call_send(struct call *call, mach_port_t to);

/* ---- the reply: descriptors first ---- */

void call_get_port(struct call *call, mach_port_t *port);
void call_get_port_type(
    struct call *call, mach_port_t *port, mach_msg_type_name_t *type);
void call_get_ports(struct call *call, mach_port_t **ports, uint32_t *count);
void call_get_memory(struct call *call, void **data, uint32_t *size);

/* Behind the descriptors of a complex reply stands an NDR record. */
void call_skip_ndr(struct call *call);

void call_get_u32(struct call *call, uint32_t *value);
void call_get_u64(struct call *call, uint64_t *value);
void call_get_bytes(struct call *call, void *bytes, uint32_t size);
/*
 * A count and so many words, into room for *@count; KERN_INVALID_ARGUMENT
 * if there are more.
 */
void call_get_words(struct call *call, void *words, uint32_t *count);

/* The result; what a failed call got is given back. */
kern_return_t call_end(struct call *call);
