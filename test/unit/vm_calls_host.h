/*
 * test/unit/vm_calls_host.h: memory calls without the rest of the kernel: made
 * as its server makes them, with the thread told to give way at every
 * preemption point.
 */
#pragma once
#include <string.h>

#include "ipc/kserver.h"
#include "ipc/port.h"
#include "vm_host.h"

void calls_start(uint64_t ram);

/* The call's own words, which stay until the next. */
extern uint64_t calls_progress[CALL_PROGRESS_WORDS];

/* How often it was asked to go on. */
extern unsigned calls_rounds;

/* Serve a call until it is done. */
#define SERVE(call)                                                            \
	({                                                                     \
		kern_return_t answer_;                                         \
		memset(calls_progress, 0, sizeof(calls_progress));             \
		for (calls_rounds = 0; (answer_ = (call)) == KCALL_AGAIN;      \
		     calls_rounds++)                                           \
			assert_true(calls_rounds < 100000);                    \
		answer_;                                                       \
	})

/* Rights of ports that calls were given, and have consumed. */
extern unsigned calls_rights_used;

/* Nobody has a send right to a memory entry's port any more. */
void calls_drop_entry(struct port *port);
