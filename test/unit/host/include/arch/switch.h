/* arch/switch.h for the host: there is one address space. */
#pragma once
#include <arch/pmap.h>

struct cpu;

static inline void
pmap_switch_on(struct cpu *cpu, struct pmap *pmap)
{
	(void)cpu;
	pmap_switch(pmap);
}
