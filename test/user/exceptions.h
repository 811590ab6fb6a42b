/*
 * test/user/exceptions.h: the handler's side of an exception, by hand: the
 * questions taken apart and the answers put together, well or badly.
 */
#pragma once

#include "test/user/mach_test.h"

#include <mach/exception_types.h>
#include <mach/routine_ids.h>

#define WORDS_MAX 80
#define CODES	  MACH_EXCEPTION_CODES

/* Where a routine of small.S is in a small task. */
#define CODE_AT	    0x100000UL
#define AT(routine) (CODE_AT + (uint64_t)((routine)-small_begin))

/* A question, taken apart. */
struct question {
	mach_msg_id_t id;
	mach_port_t port;     /* that it came to */
	mach_port_t reply;    /* a send-once right */
	mach_port_t identity; /* the thread's port, or MACH_PORT_NULL */
	mach_port_t task;
	int exception;
	int64_t code[2];
	int flavor; /* 0: no state */
	unsigned words;
	uint32_t state[WORDS_MAX];
	bool
	    sound; /* lengths, NDR, counts, kinds of rights are as they ought */
};

/* Wait at most 5 seconds; false: none came. */
bool ask_for(struct question *question, mach_port_t port);
/* The same without waiting. */
bool ask_now(struct question *question, mach_port_t port);

/* The program counter of its state, and of another to put there. */
uint64_t question_pc(const struct question *question);
void question_set_pc(struct question *question, uint64_t pc);

/* The answer that fits: with the state, if it came with one. */
kern_return_t answer(struct question *question, kern_return_t result);
/* Answer, and wait for the next question to the same port, in one call; and
 * wait for a first.  Without a limit, as handlers do. */
kern_return_t answer_and_ask(struct question *question, kern_return_t result);
kern_return_t ask_long(struct question *question, mach_port_t port);
/* Any message: @bytes behind the header, @size of them. */
kern_return_t answer_raw(struct question *question, mach_msg_id_t id,
    const void *bytes, unsigned size);
/* Give up the rights to thread and task that came with it. */
void question_drop(struct question *question);
/* The id that a message of @behavior has. */
mach_msg_id_t question_id(unsigned behavior);

/* Let @port be asked about what @task's threads raise, with their registers
 * where @behavior says so. */
void listen(task_t task, unsigned mask, mach_port_t port, unsigned behavior);
/* Does the small task's thread spin? */
bool goes_on(struct small *small);
/* Another program counter for a thread. */
void set_pc(thread_t thread, uint64_t pc);
