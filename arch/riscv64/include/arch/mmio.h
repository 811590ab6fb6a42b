/*
 * arch/mmio.h: reading and writing device registers.
 *
 * RISC-V orders memory and device accesses of one hart only where a fence says
 * so, and its fences name the two kinds apart: r and w are memory, i and o
 * are device input and output.  Accesses to one device are in order among
 * themselves, since device windows are strongly ordered memory.
 */
#pragma once
#include "kernel/types.h"

/*
 * What was read decides what memory is looked at next (has the device filled
 * that buffer?), so later memory accesses must not run ahead of it.
 */
static inline uint32_t
mmio_read32(const volatile void *window, uint64_t offset)
{
	uint32_t value =
	    *(const volatile uint32_t *)((const volatile uint8_t *)window +
					 offset);

	__asm__ volatile("fence i, rw" ::: "memory");
	return value;
}

/*
 * What was stored before (a descriptor, a line's new owner) must be in memory
 * when the device sees this and acts.
 */
static inline void
mmio_write32(volatile void *window, uint64_t offset, uint32_t value)
{
	__asm__ volatile("fence rw, o" ::: "memory");
	*(volatile uint32_t *)((volatile uint8_t *)window + offset) = value;
}

/*
 * Before a lock is released that kept other harts from a device: their writes
 * must come after ours, and the lock's release orders memory only.
 */
static inline void
mmio_before_unlock(void)
{
	__asm__ volatile("fence o, w" ::: "memory");
}
