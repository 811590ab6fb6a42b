/*
 * mach/baton_host.h: what Baton's host and task ports answer beyond Mach.
 *
 * The calls are in baton/host.h, their messages in mach/baton_host.defs.
 */
#pragma once

#include <mach/baton_decline.h>
#include <mach/cdefs.h>
#include <mach/message.h>
#include <mach/ndr.h>

/* Kinds of kernel object that are counted */
enum baton_object {
	BATON_OBJECT_TASK,
	BATON_OBJECT_THREAD,
	BATON_OBJECT_SPACE,
	BATON_OBJECT_PORT,
	BATON_OBJECT_PORT_SET,
	BATON_OBJECT_MESSAGE, /* in a kernel buffer */
	BATON_OBJECT_MAP,
	BATON_OBJECT_MAP_ENTRY,
	BATON_OBJECT_MEMORY, /* memory objects */
	BATON_OBJECT_PMAP,
	BATON_OBJECT_TABLE, /* pages that hold page tables */
	BATON_OBJECT_SEMAPHORE,
	BATON_OBJECT_EVENTLINK,
	BATON_OBJECT_TIMER,	 /* of mk_timer_create() */
	BATON_OBJECT_ALARM,	 /* of clock_alarm() */
	BATON_OBJECT_KINDS = 16, /* room for more */
};

#define BATON_TASK_NAME_MAX    32
#define BATON_TASK_SUMMARY_MAX 16

/* A number of hart that stands for all of them */
#define BATON_ALL_HARTS UINT32_MAX

#pragma pack(push, 4)

/* Since boot, unless said otherwise */
struct baton_kernel_counters {
	uint64_t handoffs; /* sends that switched to their receiver */
	uint64_t queued;   /* sends that left a message in a queue */
	uint64_t switches; /* threads chosen from a run queue */
	uint64_t faults;   /* page faults of user mode */
	uint64_t interrupts;
	uint64_t pages_total; /* now: pages of RAM the kernel manages */
	uint64_t pages_free;  /* now */
	uint64_t harts;	      /* now: harts that run */
	uint64_t boot_cycles; /* boot hart: from entry to user mode */
	uint64_t objects[BATON_OBJECT_KINDS]; /* now */
};

typedef struct baton_kernel_counters baton_kernel_counters_t;

/* What was declined for one reason since boot */
struct baton_decline_count {
	uint64_t times;
};
typedef struct baton_decline_count baton_decline_count_t;
typedef struct baton_decline_count *baton_decline_counts_t;

/* One task, as anybody may see it */
struct baton_task_summary {
	uint64_t id; /* never used again */
	uint64_t resident_pages;
	uint32_t threads;
	uint32_t names; /* in use in its space */
	uint32_t suspend_count;
	char name[BATON_TASK_NAME_MAX]; /* zero-terminated */
};
typedef struct baton_task_summary baton_task_summary_t;
typedef struct baton_task_summary *baton_task_summary_array_t;
typedef const char *baton_task_name_t;

#pragma pack(pop)

MACH_ABI_ASSERT(sizeof(struct baton_kernel_counters) == 200, "ABI");
MACH_ABI_ASSERT(sizeof(struct baton_task_summary) == 60, "ABI");
MACH_ABI_ASSERT(sizeof(struct baton_decline_count) == 8, "ABI");
MACH_ABI_ASSERT(BATON_DECLINES <= BATON_DECLINES_MAX, "there is room");
