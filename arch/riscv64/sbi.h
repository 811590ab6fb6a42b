/*
 * sbi.h: calls into the firmware that only arch/ makes.  Which extensions it
 * has is asked once; calls fall back to the legacy form where one exists.
 */
#pragma once
#include "kernel/types.h"

struct sbi_result {
	int64_t error; /* 0: success */
	int64_t value;
};

#define SBI_SUCCESS 0

void sbi_set_timer(uint64_t deadline);
/* Masks are of SBI hart ids, relative to @base. */
void sbi_send_ipi(uint64_t mask, uint64_t base);
void sbi_remote_fence(uint64_t mask, uint64_t base);   /* sfence.vma, all */
void sbi_remote_fence_i(uint64_t mask, uint64_t base); /* fence.i */

struct sbi_result sbi_hart_start(uint64_t hart, paddr_t entry, uint64_t opaque);
