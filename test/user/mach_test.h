/*
 * test/user/mach_test.h: what tests of the kernel have in common: ports and
 * messages made in one line, and tasks small enough to make a thousand of.
 */
#pragma once

#include <mach/mach.h>
#include <mach/mach_time.h>

#include "test/user/tap.h"

/* ---- ports ---- */

/* A receive right; and one with a send right by the same name. */
mach_port_t port_new(void);
mach_port_t port_new_send(void);
/* Give up the receive right, and the send right with it if there is one. */
void port_end(mach_port_t port);

/* User references of a right, 0 if the name denotes no such right. */
unsigned refs(mach_port_t name, mach_port_right_t right);
#define send_refs(name) refs((name), MACH_PORT_RIGHT_SEND)
#define dead_refs(name) refs((name), MACH_PORT_RIGHT_DEAD_NAME)

/* MACH_PORT_TYPE_* bits of a name; 0: it denotes nothing. */
mach_port_type_t type_of(mach_port_t name);

void set_limit(mach_port_t port, unsigned limit);
mach_port_status_t status_of(mach_port_t port);
/* How many send rights there are to a port of ours, our own among them. */
unsigned senders(mach_port_t port);

/* How many names the task has. */
unsigned name_count(void);
/* The library keeps some threads' stacks, and with each the name of a
 * semaphore: from now on always as many, for tests that count. */
void threads_keep(void);

/* A name that denotes nothing, and one that is no name at all. */
#define NO_NAME	 ((mach_port_t)0x00fff700)
#define ODD_NAME ((mach_port_t)0xfffffe01)

/* ---- messages ---- */

/* Header and some words, with room for the trailer. */
struct note {
	mach_msg_header_t header;
	uint32_t word[8];
	mach_msg_max_trailer_t trailer;
};
#define NOTE_SIZE (sizeof(mach_msg_header_t) + 8 * sizeof(uint32_t))

/* One port descriptor, then a word. */
struct parcel {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t port;
	uint32_t word;
	mach_msg_max_trailer_t trailer;
};
#define PARCEL_SIZE offsetof(struct parcel, trailer)

/* One out-of-line region. */
struct crate {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_ool_descriptor_t memory;
	mach_msg_max_trailer_t trailer;
};
#define CRATE_SIZE offsetof(struct crate, trailer)

/* Send a header and eight words; @id is in the first word too.  @timeout is
 * MACH_MSG_TIMEOUT_NONE to wait for ever, else milliseconds plus 1. */
kern_return_t send_note(mach_port_t to, mach_msg_type_name_t disposition,
    mach_msg_id_t id, unsigned timeout_plus_1);
/* The same as a poll: MACH_SEND_TIMED_OUT rather than waiting. */
kern_return_t post(mach_port_t to, mach_msg_id_t id);

/* Receive into @message without waiting, then waiting at most 5 seconds. */
kern_return_t poll_for(void *message, size_t size, mach_port_t from);
kern_return_t await(void *message, size_t size, mach_port_t from);
/* Receive a note without waiting and forget it: its id, or -1. */
int take(mach_port_t from);
/* The same, waiting: for what the kernel may do a little later. */
int take_later(mach_port_t from);
/* Wait until @name is a dead name; false: it is not after a while. */
bool dies(mach_port_t name);

void parcel_fill(struct parcel *parcel, mach_port_t to, mach_port_t right,
    mach_msg_type_name_t disposition);
void crate_fill(struct crate *crate, mach_port_t to, void *address,
    uint32_t size, bool deallocate, mach_msg_copy_options_t copy);
kern_return_t send_message(void *message, size_t size);
/* The trap of calls itself (mach/trap_numbers.h), with names in upper halves
 * and all of a message's size; the body's registers are whatever they are.  The
 * result: MACH_MSG_IN_REGISTERS, or mach_msg()'s. */
mach_msg_return_t registers_call(void *buffer, uint64_t bits_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t receive_name,
    uint64_t room);

/*
 * What a server says to any message: of @size bytes with the header to be
 * filled in, @bits those besides the dispositions.  The result in its answer;
 * KERN_SUCCESS for one that has rights instead, which are given up; 1 for one
 * of another id.
 */
kern_return_t ask_raw(mach_port_t server, mach_msg_id_t id,
    mach_msg_bits_t bits, void *message, size_t size);

/* ---- memory ---- */

/* Zeroed memory of our own. */
void *pages_new(size_t size);
void pages_end(void *pages, size_t size);
/* VM_PROT_* of the page at @address; 0 also when there is none. */
vm_prot_t access_to(const void *address);

static inline bool
is_mapped(const void *address)
{
	return (access_to(address) & VM_PROT_READ) != 0;
}

/* Some byte for each place, so that a misplaced piece shows. */
void pattern_fill(void *bytes, size_t size, unsigned seed);
bool pattern_holds(const void *bytes, size_t size, unsigned seed);
bool all_zero(const void *bytes, size_t size);

/* ---- time ---- */

uint64_t ticks_of_ms(unsigned milliseconds);
void sleep_ms(unsigned milliseconds);
unsigned ms_since(uint64_t start);

/* Let the calling thread be less urgent than others of its task, by so much. */
void yield_precedence(int less);

/* ---- small tasks ---- */

/*
 * A task of two pages, code and stack, whose threads each run one of the
 * routines of small.S.
 */
struct small {
	task_t task;
	thread_t thread;  /* started last */
	unsigned started; /* threads, each with its part of the stack */
};

#define SMALL_THREADS_MAX 128

/* Where a small task finds the right that it is given. */
#define SMALL_PORT ((mach_port_t)0x00012301)

/* Routines, by their offset in the page. */
extern const char small_begin[], small_end[];
extern const char small_receive[], small_call[], small_spin[], small_load[],
    small_store[], small_illegal[], small_vector[], small_echo[], small_wait[],
    small_break[], small_count[], small_jump[], small_exit[], small_ask[],
    small_trap[];

/* A task without threads, its code in place, @port given to it as
 * @disposition says unless that is 0. */
void small_make(
    struct small *small, mach_port_t port, mach_msg_type_name_t disposition);
/* Start a thread of it at @routine with @argument in a0 and @more in a1. */
void small_run(
    struct small *small, const char *routine, uint64_t argument, uint64_t more);
/* Make that thread less urgent than we are, who want to see what it does. */
void small_yield(struct small *small);
/* End it. */
void small_kill(struct small *small);
/* Give up our rights to it. */
void small_forget(struct small *small);

/* ---- tasks of the system ---- */

/* A send right to the first task of that name, or MACH_PORT_NULL. */
task_t task_named(mach_port_t host_priv, const char *name);

/* ---- the kernel's counts ---- */

#include <baton/host.h>

struct baton_kernel_counters counters(void);
/* Wait until nothing changes any more: what was ended has been freed. */
struct baton_kernel_counters quiet_counters(void);
