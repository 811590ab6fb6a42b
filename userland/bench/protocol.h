/* protocol.h: what the benchmark asks its partner. */
#pragma once
#include <mach/mach.h>
#include <mach/memory_object.h>
#include <mach/memory_object_control.h>

#define BENCH_SERVICE "bench.partner"

#define BODY_MAX   4096
#define INLINE_MAX 65536 /* a BENCH_INLINE's body */

/* Requests, by msgh_id; the reply's is 100 higher. */
#define BENCH_EMPTY	7000 /* answered by an empty message */
#define BENCH_ECHO	7001 /* answered by a body as long as the request's */
#define BENCH_TRANSFER	7002 /* answered by when the memory was here */
#define BENCH_PORT	7003 /* answered by an empty message */
#define BENCH_INLINE	7004 /* answered by when the body was here */
#define BENCH_REGISTERS 7005 /* answered, and all that follow, in registers */
#define BENCH_FLOATS	7006 /* the same, by who has values in its unit */

/* Both directions, with room for the trailer. */
struct bench_message {
	mach_msg_header_t header;
	char body[BODY_MAX];
	mach_msg_max_trailer_t trailer;
};

struct bench_inline {
	mach_msg_header_t header;
	char body[INLINE_MAX];
	mach_msg_max_trailer_t trailer;
};

struct bench_port {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t port;
};

struct bench_transfer {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_ool_descriptor_t memory;
};

/* What the kernel asks the partner as a pager, and how that is answered. */
union bench_page {
	mach_msg_header_t header;
	__Request__memory_object_init_t init;
	__Request__memory_object_data_request_t asked;
	__Request__memory_object_data_supply_t supplied;
};

enum {
	BENCH_PAGE_OTHER, /* it is something else */
	BENCH_PAGE_DONE,
	BENCH_PAGE_SENDS, /* what is in its place is to be sent */
};

int bench_page(union bench_page *page);

/* Answer the BENCH_REGISTERS in @buffer, of @room bytes, and others like it;
 * how the first message that is in memory came. */
mach_msg_return_t bench_serve_registers(
    mach_msg_header_t *buffer, uint64_t room, int64_t port);

struct bench_transfer_reply {
	mach_msg_header_t header;
	uint64_t arrived; /* on the sender's counter */
	mach_msg_max_trailer_t trailer;
};
