/*
 * sbi.c: calls into the firmware.
 *
 * Extensions are looked for once.  Firmware without them is older than SBI 0.2
 * and is spoken to in the legacy form, whose hart masks are passed in memory.
 */
#include "arch/riscv64/sbi.h"

#include <arch/firmware.h>

#include "kernel/klog.h"
#include "kernel/lock.h"

#define EID_BASE   0x10
#define EID_TIME   0x54494d45
#define EID_IPI	   0x735049
#define EID_RFENCE 0x52464e43
#define EID_HSM	   0x48534d
#define EID_SRST   0x53525354
#define EID_DBCN   0x4442434e

#define LEGACY_SET_TIMER 0
#define LEGACY_PUTCHAR	 1
#define LEGACY_GETCHAR	 2
#define LEGACY_SEND_IPI	 4
#define LEGACY_FENCE_I	 5
#define LEGACY_SFENCE	 6
#define LEGACY_SHUTDOWN	 8

#define SBI_NOT_SUPPORTED (-2)

static struct {
	uint64_t version;
	uint64_t implementation;
	bool time, ipi, rfence, hsm, srst, dbcn;
} sbi;

static struct sbi_result
sbi_call(uint64_t eid, uint64_t fid, uint64_t arg0, uint64_t arg1,
    uint64_t arg2, uint64_t arg3)
{
	register uint64_t a0 __asm__("a0") = arg0;
	register uint64_t a1 __asm__("a1") = arg1;
	register uint64_t a2 __asm__("a2") = arg2;
	register uint64_t a3 __asm__("a3") = arg3;
	register uint64_t a6 __asm__("a6") = fid;
	register uint64_t a7 __asm__("a7") = eid;

	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1)
			 : "r"(a2), "r"(a3), "r"(a6), "r"(a7)
			 : "memory");
	return (struct sbi_result){(int64_t)a0, (int64_t)a1};
}

static bool
sbi_probe(uint64_t eid)
{
	struct sbi_result result = sbi_call(EID_BASE, 3, eid, 0, 0, 0);

	return result.error == SBI_SUCCESS && result.value != 0;
}

void
firmware_init(void)
{
	struct sbi_result result = sbi_call(EID_BASE, 0, 0, 0, 0, 0);

	/* Legacy firmware answers the base extension with an error. */
	if (result.error != SBI_SUCCESS)
		return;
	sbi.version = (uint64_t)result.value;
	sbi.implementation = (uint64_t)sbi_call(EID_BASE, 1, 0, 0, 0, 0).value;
	sbi.time = sbi_probe(EID_TIME);
	sbi.ipi = sbi_probe(EID_IPI);
	sbi.rfence = sbi_probe(EID_RFENCE);
	sbi.hsm = sbi_probe(EID_HSM);
	sbi.srst = sbi_probe(EID_SRST);
	sbi.dbcn = sbi_probe(EID_DBCN);
}

void
firmware_describe(char *buffer, size_t size)
{
	format_string(buffer, size,
	    "SBI %lu.%lu, implementation %lu:%s%s%s%s%s%s",
	    sbi.version >> 24 & 0x7f, sbi.version & 0xffffff,
	    sbi.implementation, sbi.time ? " TIME" : "", sbi.ipi ? " IPI" : "",
	    sbi.rfence ? " RFENCE" : "", sbi.hsm ? " HSM" : "",
	    sbi.srst ? " SRST" : "", sbi.dbcn ? " DBCN" : "");
}

/*
 * One byte at a time in both forms: DBCN could take a whole string, but at a
 * physical address and in one piece, which a kernel stack need not be.
 */
void
firmware_console_write(const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t byte = (unsigned char)bytes[i];

		if (sbi.dbcn)
			sbi_call(EID_DBCN, 2, byte, 0, 0, 0);
		else
			sbi_call(LEGACY_PUTCHAR, 0, byte, 0, 0, 0);
	}
}

int
firmware_console_read(void)
{
	/* DBCN reads into physical memory; the old call is always there. */
	int64_t byte = sbi_call(LEGACY_GETCHAR, 0, 0, 0, 0, 0).error;

	return byte >= 0 && byte <= 255 ? (int)byte : -1;
}

void
sbi_set_timer(uint64_t deadline)
{
	if (sbi.time)
		sbi_call(EID_TIME, 0, deadline, 0, 0, 0);
	else
		sbi_call(LEGACY_SET_TIMER, 0, deadline, 0, 0, 0);
}

/* Legacy calls read the mask, shifted to hart 0, through our own tables. */
static void
legacy_masked(uint64_t eid, uint64_t mask, uint64_t base)
{
	uint64_t words[2] = {0, 0};

	words[base / 64 & 1] = mask << base % 64;
	if (base % 64 != 0)
		words[1] |= mask >> (64 - base % 64);
	sbi_call(eid, 0, (uintptr_t)words, 0, 0, 0);
}

void
sbi_send_ipi(uint64_t mask, uint64_t base)
{
	if (sbi.ipi)
		sbi_call(EID_IPI, 0, mask, base, 0, 0);
	else
		legacy_masked(LEGACY_SEND_IPI, mask, base);
}

void
sbi_remote_fence(uint64_t mask, uint64_t base)
{
	/* Size ~0 from 0: everything, of every address space. */
	if (sbi.rfence)
		sbi_call(EID_RFENCE, 1, mask, base, 0, UINT64_MAX);
	else
		legacy_masked(LEGACY_SFENCE, mask, base);
}

void
sbi_remote_fence_i(uint64_t mask, uint64_t base)
{
	if (sbi.rfence)
		sbi_call(EID_RFENCE, 0, mask, base, 0, 0);
	else
		legacy_masked(LEGACY_FENCE_I, mask, base);
}

struct sbi_result
sbi_hart_start(uint64_t hart, paddr_t entry, uint64_t opaque)
{
	if (!sbi.hsm)
		return (struct sbi_result){SBI_NOT_SUPPORTED, 0};
	return sbi_call(EID_HSM, 0, hart, entry, opaque, 0);
}

noreturn void
firmware_reset(enum firmware_reset how)
{
	if (sbi.srst) {
		uint64_t type = how == RESET_REBOOT ? 1 : 0;
		uint64_t reason = how == RESET_FAILURE ? 1 : 0;

		sbi_call(EID_SRST, 0, type, reason, 0, 0);
	}
	if (how != RESET_REBOOT)
		sbi_call(LEGACY_SHUTDOWN, 0, 0, 0, 0, 0);
	klog("halt: firmware cannot do this; switch the power off\n");
	for (;;)
		__asm__ volatile("wfi");
}
