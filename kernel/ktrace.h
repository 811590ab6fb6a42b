/*
 * kernel/ktrace.h: what happened last, on each hart, with its time.
 *
 * ktrace() costs a few stores when tracing is on and one never-taken branch
 * when it is off.  A panic prints the last events; `make trace` makes a
 * timeline of them.
 */
#pragma once
#include "kernel/config.h"
#include "kernel/types.h"

enum ktrace_event {
	KT_NONE,
	KT_SEND,      /* port, message id */
	KT_HANDOFF,   /* from thread, to thread */
	KT_QUEUE,     /* port, messages queued */
	KT_WAKE,      /* thread, hart */
	KT_RECEIVE,   /* port, message id */
	KT_SWITCH,    /* from thread, to thread */
	KT_FAULT,     /* address, cause */
	KT_TRANSFER,  /* bytes, entries moved */
	KT_INTERRUPT, /* source, thread */
	KT_TIMER,     /* deadline, 0 */
	KT_TERMINATE, /* thread or task, 0 */
	KT_EVENT_COUNT
};

struct ktrace_entry {
	uint64_t time;
	uint64_t event; /* enum ktrace_event */
	uint64_t a;
	uint64_t b;
};

struct ktrace_ring {
	uint64_t next; /* index of the next entry, never wrapped */
	struct ktrace_entry entry[CONFIG_TRACE_EVENTS];
};

extern bool ktrace_on;
void ktrace_record(enum ktrace_event event, uint64_t a, uint64_t b);
const char *ktrace_name(enum ktrace_event event);
/* Print this hart's last @count events. */
void ktrace_print(uint32_t count);

static inline void
ktrace(enum ktrace_event event, uint64_t a, uint64_t b)
{
	if (unlikely(ktrace_on))
		ktrace_record(event, a, b);
}
