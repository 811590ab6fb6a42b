/*
 * arch/csr.h: control and status registers, one instruction per wrapper.
 */
#pragma once
#include "kernel/types.h"

#define SSTATUS_SIE	   (1UL << 1)
#define SSTATUS_SPIE	   (1UL << 5)
#define SSTATUS_SPP	   (1UL << 8)
#define SSTATUS_VS	   (3UL << 9) /* the vector unit */
#define SSTATUS_FS	   (3UL << 13)
#define SSTATUS_FS_INITIAL (1UL << 13)
#define SSTATUS_FS_CLEAN   (2UL << 13)
#define SSTATUS_FS_DIRTY   (3UL << 13)
#define SSTATUS_SUM	   (1UL << 18)
#define SSTATUS_MXR	   (1UL << 19)

#define SIE_SSIE (1UL << 1) /* software: from another hart */
#define SIE_STIE (1UL << 5) /* timer */
#define SIE_SEIE (1UL << 9) /* external: from the interrupt controller */

#define SATP_SV39	(8UL << 60)
#define SATP_ASID_SHIFT 44
#define SATP_ASID_MASK	(0xffffUL << SATP_ASID_SHIFT)
#define SATP_PPN_MASK	((1UL << 44) - 1)

#define CAUSE_INTERRUPT (1UL << 63)
#define IRQ_SOFTWARE	1
#define IRQ_TIMER	5
#define IRQ_EXTERNAL	9

#define CAUSE_FETCH_MISALIGNED 0
#define CAUSE_FETCH_ACCESS     1
#define CAUSE_ILLEGAL	       2
#define CAUSE_BREAKPOINT       3
#define CAUSE_LOAD_MISALIGNED  4
#define CAUSE_LOAD_ACCESS      5
#define CAUSE_STORE_MISALIGNED 6
#define CAUSE_STORE_ACCESS     7
#define CAUSE_USER_ECALL       8
#define CAUSE_FETCH_PAGE       12
#define CAUSE_LOAD_PAGE	       13
#define CAUSE_STORE_PAGE       15

/* Function-like macros, since the register's name is part of the opcode. */
#define csr_read(csr)                                                          \
	({                                                                     \
		uint64_t value_;                                               \
		__asm__ volatile("csrr %0, " #csr : "=r"(value_)::"memory");   \
		value_;                                                        \
	})
#define csr_write(csr, value)                                                  \
	__asm__ volatile("csrw " #csr ", %0" ::"rK"((uint64_t)(value))         \
			 : "memory")
#define csr_set(csr, bits)                                                     \
	__asm__ volatile("csrs " #csr ", %0" ::"rK"((uint64_t)(bits))          \
			 : "memory")
#define csr_clear(csr, bits)                                                   \
	__asm__ volatile("csrc " #csr ", %0" ::"rK"((uint64_t)(bits))          \
			 : "memory")

/* Drop all translations of this hart; orders earlier stores to tables. */
static inline void
sfence_vma_all(void)
{
	__asm__ volatile("sfence.vma" ::: "memory");
}

/* Drop those of the page at @va, in every space. */
static inline void
sfence_vma_page(uint64_t va)
{
	__asm__ volatile("sfence.vma %0, zero" ::"r"(va) : "memory");
}
