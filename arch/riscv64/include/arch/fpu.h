/*
 * arch/fpu.h: floating-point state, switched lazily.
 *
 * A thread that never touched the unit has no save area.  The unit's registers
 * belong to cpu->fpu_owner and sstatus.FS is on only while that thread runs;
 * anybody else's first instruction traps and takes the unit over.  A thread
 * whose registers are live on a hart runs only there: it is saved when it is
 * preempted, so that it may move.
 */
#pragma once
#include "kernel/types.h"

struct cpu;
struct thread;

/* f0 to f31, then fcsr; fpu.S knows the offsets. */
struct fpu_state {
	uint64_t f[32];
	uint32_t fcsr;
	uint32_t unused;
};

void fpu_init(void);

/* Let @next, about to run on @cpu, use the unit only if it owns it. */
void fpu_switch(struct cpu *cpu, struct thread *next);
/* Let nobody use it: its owner's next use of it opens it, fpu_resume(). */
void fpu_shut(struct cpu *cpu);
/* The current thread owns the unit, but a leg of the message fast path shut it
 * off on the way: it is on again.  False: neither. */
bool fpu_resume(void);
/* Give the unit to the current thread; KERN_RESOURCE_SHORTAGE. */
kern_return_t must_check fpu_take(void);
/* Write the owner's registers to its save area; nobody owns the unit then. */
void fpu_release(struct cpu *cpu);
/* @thread, which does not run, has ended: drop its registers and its area. */
void fpu_discard(struct thread *thread);

/*
 * For get and set state of @thread, which is stopped or the caller, or is told
 * to end meanwhile.  Reading a thread that never used the unit gives zeros.
 * KERN_RESOURCE_SHORTAGE, KERN_TERMINATED
 */
void fpu_get(struct thread *thread, struct fpu_state *state);
kern_return_t must_check fpu_set(
    struct thread *thread, const struct fpu_state *state);
