/* trap.h: what trap.S calls, and what the files of arch/ share about traps. */
#pragma once
#include <arch/trapframe.h>

#include "kernel/types.h"

struct thread;

/* Where traps go with `fastpath=c`: calls to ipc/call_twin.c, and all others to
 * trap_entry.  In call.S, of the call that it is the twin of. */
void trap_entry_twin(void);

void trap_user(uint64_t cause);
void trap_kernel(struct trapframe *frame, uint64_t cause);
/* One pending interrupt, by its number in scause. */
void trap_interrupt(uint64_t number);

/* Can this hart write stimecmp (Sstc)?  A trap says no. */
bool trap_probe_stimecmp(void);
/* Where the core has senvcfg: users manage no cache blocks. */
void trap_clear_senvcfg(void);

/* Access kernel memory; false: it trapped. */
bool trap_probe_load(const volatile uint64_t *at, uint64_t *valuep);
bool trap_probe_store(volatile uint64_t *at, uint64_t value);

/* Labels of usercopy.S: a fault between the first two, or those two, goes to
 * the third. */
extern char usercopy_start[], usercopy_end[];
extern char usercopy_present_start[], usercopy_present_end[];
extern char usercopy_fault[], usercopy_wait[], usercopy_words_wait[];
extern char usercopy_name[], usercopy_name_fault[];

noreturn void arch_continue(
    struct thread *next, void (*cont)(void), uintptr_t stack_top);
