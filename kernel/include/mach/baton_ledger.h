/*
 * mach/baton_ledger.h: what a task has of the machine, and how much it may.
 *
 * The calls are in baton/ledger.h, their messages in mach/baton_ledger.defs;
 * docs/ledgers.md tells who pays for what, and when.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/message.h>
#include <mach/ndr.h>

/* Kinds of what is counted; one each unless said otherwise */
enum baton_ledger_kind {
	/* Bytes of kernel memory: all kinds below, but for messages and page
	 * tables. */
	BATON_LEDGER_KERNEL,
	BATON_LEDGER_TASKS, /* itself, and those that it made */
	BATON_LEDGER_THREADS,
	BATON_LEDGER_PORTS,	/* that it made and that live */
	BATON_LEDGER_NAMES,	/* room in its table, 128 at a time */
	BATON_LEDGER_PORT_SETS, /* sets, and memberships */
	BATON_LEDGER_REQUESTS,	/* for notices about names */
	BATON_LEDGER_MESSAGES,	/* bytes that it sent, not received yet */
	BATON_LEDGER_MAP_ENTRIES,
	BATON_LEDGER_OBJECTS, /* memory objects, memory entries */
	BATON_LEDGER_SEMAPHORES,
	BATON_LEDGER_EVENTLINKS,
	BATON_LEDGER_TIMERS,	  /* of mk_timer_create(), clock_alarm() */
	BATON_LEDGER_PAGE_TABLES, /* pages; roots are the tasks' */
	/* What follows is no memory of the kernel's. */
	/* Pages that it has, wherever they are, or sent and not received yet;
	 * of an object, where it maps them. */
	BATON_LEDGER_RESIDENT,
	BATON_LEDGER_WIRED, /* pages that stay in memory */
	BATON_LEDGER_KINDS
};

/* task_info() of this flavor: struct baton_ledger_info, as far as the room
 * goes: *count is that of the words that came. */
#define BATON_TASK_LEDGER_INFO 1000

#pragma pack(push, 4)

struct baton_ledger_info {
	struct {
		uint64_t use; /* by it, and set aside for tasks it made */
		uint64_t limit;
	} kind[BATON_LEDGER_KINDS];
};
#define BATON_TASK_LEDGER_INFO_COUNT                                           \
	((mach_msg_type_number_t)(sizeof(struct baton_ledger_info) /           \
				  sizeof(natural_t)))

/* The same for people, with where it comes from and goes to */
struct baton_ledger_line {
	uint64_t use;	   /* by it, and its children's parts */
	uint64_t limit;	   /* most that @use may become */
	uint64_t children; /* of @use: parts of tasks that it made */
};
struct baton_ledger_report {
	uint64_t task;	 /* id */
	uint64_t parent; /* id of whose part it has a part of; 0: the root */
	struct baton_ledger_line kind[BATON_LEDGER_KINDS];
};
typedef struct baton_ledger_report baton_ledger_report_t;

#pragma pack(pop)

MACH_ABI_ASSERT(sizeof(struct baton_ledger_info) == 256, "ABI");
MACH_ABI_ASSERT(sizeof(struct baton_ledger_report) == 400, "ABI");
