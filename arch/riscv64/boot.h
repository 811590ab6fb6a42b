/* boot.h: what the files of arch/ share while the machine comes up. */
#pragma once
#include <arch/pte.h>

#include "kernel/types.h"

struct cpu;

/* The tables paging was turned on with; pmap_boot() makes better ones. */
extern pte_t boot_root[];
paddr_t boot_tables(paddr_t image, paddr_t tree);

/* What a secondary hart finds at its a1; start.S knows the offsets. */
struct hart_start {
	paddr_t root;
	struct cpu *cpu;
	struct thread *idle;
	uintptr_t stack_top;
};
extern char secondary_entry[];

noreturn void hart_main(struct cpu *cpu);
