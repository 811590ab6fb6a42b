/*
 * ipc_stage.h: where tests of messages play: two tasks, three threads, and
 * what they do in one line each.
 *
 * After each step all rights and references are counted; after each test
 * nothing may be left.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipc/kmsg.h"
#include "ipc/mach_port.h"
#include "ipc/message.h"
#include "ipc/right.h"
#include "ipc/traps.h"
#include "ipc_host.h"
#include "kernel/cpu.h"

extern struct sim_task *client_task, *server_task;
/* Of the client's task, the server's, and the client's again. */
extern struct sim_thread *client, *server, *third;
/* Headers in registers, as libmach does it; else in memory. */
extern bool use_trap2;

/* For cmocka: the stage is set, and cleared. */
int stage_begin(void **state);
int stage_end(void **state);

struct space *space_of(struct sim_task *task);

/* Bytes of a buffer; every thread has its own. */
#define BUFFER_SIZE 0x8000

/* Each thread has one. */
uaddr_t buffer_of(struct sim_thread *thread);
void *buffer_at(struct sim_thread *thread);
mach_msg_header_t *header_of(struct sim_thread *thread);

#define CALL_BITS                                                              \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define ONE_WAY_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)
#define BOTH	     (MACH_SEND_MSG | MACH_RCV_MSG)

/* ---- calls ---- */

struct arguments {
	uaddr_t buffer;
	uint32_t option, send_size, rcv_size;
	mach_port_name_t rcv_name;
	uint32_t timeout;
};

/* mach_msg() with struct arguments, for host_call(). */
int64_t trap_message(void *argument);

void write_header(struct sim_thread *thread, uint32_t bits,
    mach_port_name_t remote, mach_port_name_t local, int32_t id);
/* mach_msg() with the thread's buffer; false: it waits. */
bool call_message(struct sim_thread *thread, uint32_t option,
    uint32_t send_size, mach_port_name_t rcv_name, uint32_t rcv_size,
    uint32_t timeout);
/* Send what is in the buffer; it must not wait. */
kern_return_t send_from(struct sim_thread *thread, uint32_t size);
/* Receive what is there. */
kern_return_t poll_by(struct sim_thread *thread, mach_port_name_t name);

/* ---- rights ---- */

mach_port_name_t port_in(struct sim_task *task);
/* A send right to @task's port, in @to. */
mach_port_name_t right_to(
    struct sim_task *task, mach_port_name_t name, struct sim_task *to);
void set_limit(struct sim_task *task, mach_port_name_t name, uint32_t limit);
mach_port_status_t status_of(struct sim_task *task, mach_port_name_t name);

/* ---- everything ---- */

/* A message with a right of each kind, and memory of each kind. */
struct everything {
	mach_msg_base_t base;
	mach_msg_port_descriptor_t port[3];
	mach_msg_ool_descriptor_t memory;
	mach_msg_ool_ports_descriptor_t ports;
	uint32_t words[2];
};

#define TEXT_AT	 (USER_START + 3 * BUFFER_SIZE)
#define NAMES_AT (TEXT_AT + 64)

/* Fill the client's buffer; the receive right of @extra goes with it. */
void write_everything(
    mach_port_name_t service, mach_port_name_t reply, mach_port_name_t extra);
/* It arrived; @port is what the receiver calls what was @service. */
void check_everything(
    struct sim_task *task, struct sim_thread *thread, mach_port_name_t port);
