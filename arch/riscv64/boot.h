/*
 * boot.h: what the files of arch/ share while the machine comes up.
 * Readable by assembly.
 */
#pragma once

/* Fields of struct hart_start. */
#define HART_START_ROOT	 0
#define HART_START_HART	 8
#define HART_START_CPU	 16
#define HART_START_IDLE	 24
#define HART_START_STACK 32
#define HART_START_SIZE	 40

#ifndef __ASSEMBLER__
#include <arch/pte.h>

#include "kernel/types.h"

struct cpu;
struct thread;

/* The tables paging was turned on with; pmap_boot() makes better ones. */
extern pte_t boot_root[];
paddr_t boot_tables(paddr_t image, paddr_t tree);

/* What a secondary hart finds at its a1, or by its id. */
struct hart_start {
	paddr_t root; /* of the kernel's tables; written last, 0 before */
	uint64_t hart;
	struct cpu *cpu;
	struct thread *idle;
	uintptr_t stack_top;
};
static_assert(offsetof(struct hart_start, root) == HART_START_ROOT, "root");
static_assert(offsetof(struct hart_start, hart) == HART_START_HART, "hart");
static_assert(offsetof(struct hart_start, cpu) == HART_START_CPU, "cpu");
static_assert(offsetof(struct hart_start, idle) == HART_START_IDLE, "idle");
static_assert(
    offsetof(struct hart_start, stack_top) == HART_START_STACK, "stack");
static_assert(sizeof(struct hart_start) == HART_START_SIZE, "size");

extern struct hart_start hart_starts[]; /* start.S; by cpu index */
extern char secondary_entry[];

noreturn void hart_main(struct cpu *cpu);
#endif
