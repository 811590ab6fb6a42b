/* tlb.h: what pmap.c and pmap_boot.c ask of tlb.c. */
#pragma once
#include "kernel/types.h"

struct fence_truth;
struct pmap;

/* A space comes to be, without an ASID; and goes, when no hart is in it. */
void tlb_add(struct pmap *pmap);
void tlb_remove(struct pmap *pmap);

/* The first hart: take the kernel's tables; count the ASIDs. */
void tlb_boot(uint32_t asid_bits_max);
/* Back to the kernel's tables, with nothing left of any other. */
void tlb_leave_scratch(void);
/* Use no more than what this hart's fences hold. */
void tlb_obey(const struct fence_truth *truth);
/* Every other hart, on the kernel's tables. */
void tlb_boot_hart(void);
