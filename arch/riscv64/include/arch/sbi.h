/*
 * arch/sbi.h: the firmware below us.  Which extensions it has is asked once,
 * at boot; every call falls back to the legacy form where one exists.
 */
#pragma once
#include "kernel/types.h"

struct sbi_result {
	int64_t error; /* 0: success */
	int64_t value;
};

#define SBI_SUCCESS 0

void sbi_init(void);
/* One line for the boot log: version and what answers. */
void sbi_describe(char *buffer, size_t size);

void sbi_console_write(const char *bytes, size_t count);
/* The next byte from the firmware's console, or -1. */
int sbi_console_read(void);

void sbi_set_timer(uint64_t deadline);
/* Masks are of SBI hart ids, relative to @base. */
void sbi_send_ipi(uint64_t mask, uint64_t base);
void sbi_remote_fence(uint64_t mask, uint64_t base);   /* sfence.vma, all */
void sbi_remote_fence_i(uint64_t mask, uint64_t base); /* fence.i */

struct sbi_result sbi_hart_start(uint64_t hart, paddr_t entry, uint64_t opaque);
struct sbi_result sbi_hart_status(uint64_t hart);

enum sbi_reset { SBI_RESET_OFF, SBI_RESET_REBOOT, SBI_RESET_FAILURE };
/* Ends the machine; where firmware cannot, this hart waits for ever. */
noreturn void sbi_reset(enum sbi_reset how);
