/* trap.h: what trap.S calls, and what the files of arch/ share about traps. */
#pragma once
#include <arch/trapframe.h>

#include "kernel/types.h"

void trap_user(uint64_t cause);
void trap_kernel(struct trapframe *frame, uint64_t cause);
/* One pending interrupt, by its number in scause. */
void trap_interrupt(uint64_t number);

/* The first hart, and what every hart sets up for itself. */
void arch_boot_init(void);
void arch_hart_init(void);
const char *arch_timer_name(void);

/* Labels of usercopy.S: a fault between the first two goes to the third. */
extern char usercopy_start[], usercopy_end[], usercopy_fault[];

noreturn void arch_continue(
    struct thread *next, void (*cont)(void), uintptr_t stack_top);
