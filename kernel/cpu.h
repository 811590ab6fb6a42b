/*
 * kernel/cpu.h: everything that one hart owns.
 */
#pragma once
#include <mach/baton_decline.h>

#include "kernel/config.h"
#include "kernel/ktrace.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "kernel/types.h"

struct page;
struct pmap;

#define ZONE_MAX      40 /* zones, see zone.h */
#define MAGAZINE_SIZE 15

/* Objects of one zone that this hart keeps at hand. */
struct zone_magazine {
	uint64_t count;
	void *object[MAGAZINE_SIZE];
};

/* Pages that this hart keeps at hand. */
struct page_cache {
	struct page *free[64];
	uint32_t count;
};

enum cpu_state {
	CPU_ABSENT,
	CPU_ONLINE,
	CPU_GIVEN_UP
};

/* The run queue of one hart. */
struct run_queue {
	struct spinlock lock; /* rank LOCK_RUNQ */
	uint64_t bitmap[2];   /* bit set: that level has threads */
	int32_t best;	      /* the highest such level, or -1 */
	uint32_t count;
	struct list level[PRIORITY_LEVELS];
};

/* Events counted per hart and summed when somebody asks. */
struct cpu_counters {
	uint64_t handed_off; /* sends that switched straight to the receiver */
	uint64_t queued;     /* sends that found nobody waiting */
	uint64_t woken;	     /* sends that made a waiter runnable */
	uint64_t switches;
	uint64_t traps;
	uint64_t faults;
	uint64_t interrupts;
	uint64_t ipis;
	uint64_t steals;
	uint64_t fpu_loads;
};

#define LOCKS_HELD_MAX 8

/* l: only this hart   a: atomic, any hart */
struct cpu {
	uintptr_t stack_top;	    /* I: trap.S loads it, first */
	void (*message_trap)(void); /* I: mach_msg2_trap, by trap.S alone */
	/* I: for call.S: a request's bits; bits and size of a bare request and
	 * reply as they are received; and what that adds to what was sent */
	uint64_t request_bits, request_received, reply_received;
	uint64_t request_change, reply_change;
	struct pmap *pmap; /* l: whose tables satp names, or is about to */
	struct pmap *pmap_loaded;     /* l: or still does, see arch's tlb.c */
	atomic_uint running_priority; /* a: hint for wake-ups */
	bool fpu_on;		      /* l: what sstatus.FS says */
	atomic_bool asids_stale;      /* a: the TLB may hold older ASIDs */
	struct cpu_counters counters; /* l */
	struct thread *fpu_owner;     /* l: whose registers the FPU holds */
	struct thread *idle;	      /* I */
	volatile bool probing; /* l: a trap skips the instruction, see trap.c */
	uint32_t index;	       /* I: 0 .. harts - 1 */
	uint64_t hart;	       /* I: what SBI calls it */
	atomic_uint online;    /* a: enum cpu_state */
	uint32_t ports_kept;   /* l: here less those no more, ipc/kept.h */
	uint64_t
	    declined[BATON_DECLINES_MAX]; /* l: by the fast path, and why */
	struct run_queue runq;
	struct timer_queue timers;
	struct timer slice;	/* l: armed while an equal waits */
	bool slice_over;	/* l: it fired */
	uint64_t charged;	/* l: when thread_charge() was last called */
	atomic_uint fpu_wanted; /* a: somebody wants the owner's registers */
	struct zone_magazine magazine[ZONE_MAX]; /* l */
	struct page_cache pages;		 /* l */
	struct page_cache tables; /* l: page-table pages, all zero */
	uint32_t table_colour;	  /* l: what the next is to have */
	int64_t
	    table_balance; /* l: page tables taken here less those given up */
	/* Debug: locks held, outermost first, and where each was taken. */
	struct {
		struct spinlock *lock;
		uintptr_t site;
	} held[LOCKS_HELD_MAX]; /* l */
	uint32_t held_count;
	struct ktrace_ring trace; /* l, read by a panic */
} cache_aligned;

extern struct cpu cpus[CONFIG_MAX_HARTS];
extern uint32_t cpu_count;	     /* entries of cpus[] that are described */
extern atomic_ulong cpu_online_mask; /* bit per index */

static inline struct cpu *
this_cpu(void)
{
	return current_thread()->cpu;
}

/* Tells @cpu from others: what differs of the addresses of all. */
static inline uint32_t
cpu_tag(const struct cpu *cpu)
{
	return (uint32_t)(uintptr_t)cpu;
}
