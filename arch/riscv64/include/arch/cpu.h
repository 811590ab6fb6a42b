/*
 * arch/cpu.h: what generic code may ask of the hart it runs on.
 */
#pragma once
#include "kernel/types.h"

struct cpu;
struct machine;
struct thread;

/* The running thread: register tp, which changes only at a switch. */
static inline struct thread *
arch_current(void)
{
	struct thread *self;

	__asm__("mv %0, tp" : "=r"(self));
	return self;
}

/* ---- switching ---- */

/*
 * Make @next current on this hart: its address space, its FPU rights, tp, the
 * top of this hart's stack; then its continuation, or user mode.
 */
noreturn void arch_thread_resume(struct thread *next);

/* Load all user registers of the current thread and leave the kernel. */
noreturn void arch_user_return(void);
/* The same with 0 as the trap's result, unless there is an AST. */
noreturn void arch_user_return_success(void);

/* Make @thread current without leaving the caller's stack: wait_begin(). */
static inline void
arch_set_current(struct thread *thread)
{
	__asm__ volatile("mv tp, %0" ::"r"(thread) : "memory");
}

/* A new user thread's registers: all zero but these. */
void arch_thread_start(struct thread *thread, uaddr_t pc, uaddr_t sp);

/* ---- waiting and waking ---- */

/* ---- booting ---- */

/* The boot hart: find out what it can do; interrupts stay off. */
void arch_boot_init(void);
/* By what means deadlines are set, for the boot log. */
const char *arch_timer_name(void);
/* Leave the stack of boot: @cont on this hart's own, as its idle thread. */
noreturn void arch_boot_continue(void (*cont)(void));
/*
 * kernel/main.c: called by start.S on the hart that firmware started.
 * @entered: what arch_read_cycles() was when it did, 0: not known.
 */
noreturn void boot_main(uint64_t hart, paddr_t tree, uint64_t entered);

/* Start the other harts of @machine; those that do not come are left out. */
void arch_start_harts(const struct machine *machine);

/* Sleep until an interrupt is pending; interrupts stay disabled. */
void arch_wait_for_interrupt(void);
/*
 * The same, but no longer than until @deadline (ticks), for one who waits for
 * another hart.  The deadline that was asked for stays in force.
 */
void arch_nap(uint64_t deadline);
/* Serve what is pending, as if it had come in user mode; no lock is held. */
void arch_poll_interrupts(void);
/* A hint while spinning for another hart. */
static inline void
arch_relax(void)
{
	/* pause, by its encoding: a fence on cores without Zihintpause. */
	__asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010" ::: "memory");
}

/* Ask the hardware for an interrupt at @deadline (ticks); UINT64_MAX: none. */
void arch_set_timer(uint64_t deadline);

static inline uint64_t
arch_read_time(void)
{
	uint64_t ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return ticks;
}

static inline uint64_t
arch_read_cycles(void)
{
	uint64_t cycles;

	__asm__ volatile("rdcycle %0" : "=r"(cycles));
	return cycles;
}

/* Interrupt another hart. */
void arch_send_ipi(uint32_t cpu_index);
/* Harts of @mask (bits are cpu indices) drop all translations. */
void arch_remote_fence(uint64_t mask);

/*
 * Instructions were written to memory that any hart may run: make every
 * hart's fetches see them, at the latest before it next returns to user mode.
 */
void arch_sync_code(void);

/* Orders this hart's earlier accesses before its later ones. */
#define fence_full() __asm__ volatile("fence rw, rw" ::: "memory")
