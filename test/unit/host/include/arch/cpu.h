/*
 * test/unit/host/include/arch/cpu.h: the hart of unit tests.
 *
 * The declarations are the machine's; only what it does in one instruction is
 * done otherwise here.  test/unit/host/hart.c has one hart to stand on.
 */
#pragma once

#define arch_current	 machine_current
#define arch_set_current machine_set_current
#define arch_relax	 machine_relax
#define arch_read_cycles machine_read_cycles
#define arch_read_time	 machine_read_time
#include "arch/riscv64/include/arch/cpu.h"
#undef arch_current
#undef arch_set_current
#undef arch_relax
#undef arch_read_cycles
#undef arch_read_time
#undef fence_full

extern struct thread *host_current;

static inline struct thread *
arch_current(void)
{
	return host_current;
}

static inline void
arch_set_current(struct thread *thread)
{
	host_current = thread;
}

static inline void
arch_relax(void)
{
}

/* Each run is like the one before. */
static inline uint64_t
arch_read_cycles(void)
{
	return 0;
}
/* The clock is a test's own, who needs one. */
uint64_t arch_read_time(void);

#define fence_full() atomic_thread_fence(memory_order_seq_cst)

/* The host's library has a function of that name, which sanitisers call. */
#define sched_yield kernel_sched_yield
