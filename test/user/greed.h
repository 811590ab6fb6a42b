/*
 * test/user/greed.h: tasks that want more and more of one kind of thing, for
 * tests of ledgers.
 *
 * A greedy task is the test's own program, started anew with one argument: see
 * greed_main().  It does nothing until it has been given a right, so that its
 * limits can be set before.
 */
#pragma once

#include <baton/ledger.h>

#include "test/user/mach_test.h"

/* Ways to be greedy; what each takes is of one kind above all. */
struct greed_way {
	const char *name;
	enum baton_ledger_kind kind;
	uint64_t more; /* that it may have of it beyond what it has */
	kern_return_t (*one)(void); /* takes one more */
	kern_return_t refused;	    /* what that says in the end */
};
extern const struct greed_way greed_ways[];
extern const unsigned greed_count;

/* What a greedy task tells when it has got all that it could. */
struct greed_report {
	mach_msg_header_t header;
	uint32_t got;	 /* so many times */
	uint32_t result; /* why it was not once more */
	uint32_t others; /* of GREED_AGAIN tries more, with other results */
	mach_msg_max_trailer_t trailer;
};
#define GREED_AGAIN 200

struct greedy {
	const struct greed_way *way;
	task_t task;
	mach_port_t port; /* where it tells */
};

/* What the task may have, and has, of @kind. */
uint64_t ledger_use(task_t task, enum baton_ledger_kind kind);
uint64_t ledger_limit(task_t task, enum baton_ledger_kind kind);

/* Start one, with its limit in place; @program is the test's own name. */
void greed_start(struct greedy *greedy, const char *program, unsigned way);
/* Wait for its report. */
void greed_hear(struct greedy *greedy, struct greed_report *report);
/* End it, and wait until it has ended. */
void greed_end(struct greedy *greedy);

/* The greedy task's main(), if @argv says that we are one; else returns.  After
 * the report it goes on trying for ever. */
void greed_main(int argc, char *argv[]);
