/* ktrace.c: the ring of recent events of each hart. */
#include "kernel/ktrace.h"
#include "kernel/cpu.h"
#include "kernel/klog.h"

bool ktrace_on;

static const char *const names[KT_EVENT_COUNT] = {
    [KT_NONE] = "none",
    [KT_SEND] = "send",
    [KT_HANDOFF] = "handoff",
    [KT_QUEUE] = "queue",
    [KT_WAKE] = "wake",
    [KT_RECEIVE] = "receive",
    [KT_SWITCH] = "switch",
    [KT_FAULT] = "fault",
    [KT_TRANSFER] = "transfer",
    [KT_INTERRUPT] = "interrupt",
    [KT_TIMER] = "timer",
    [KT_TERMINATE] = "terminate",
};

const char *
ktrace_name(enum ktrace_event event)
{
	return event < KT_EVENT_COUNT ? names[event] : "?";
}

void
ktrace_record(enum ktrace_event event, uint64_t a, uint64_t b)
{
	struct ktrace_ring *ring = &this_cpu()->trace;
	struct ktrace_entry *entry =
	    &ring->entry[ring->next++ % CONFIG_TRACE_EVENTS];

	*entry = (struct ktrace_entry){timer_now(), event, a, b};
}

void
ktrace_print(uint32_t count)
{
	const struct ktrace_ring *ring = &this_cpu()->trace;
	uint64_t kept = min_u64(ring->next, CONFIG_TRACE_EVENTS);

	for (uint64_t i = min_u64(count, kept); i > 0; i--) {
		const struct ktrace_entry *entry =
		    &ring->entry[(ring->next - i) % CONFIG_TRACE_EVENTS];

		klog("  %12lu %9s %lx %lx\n", entry->time,
		    ktrace_name((enum ktrace_event)entry->event), entry->a,
		    entry->b);
	}
}
