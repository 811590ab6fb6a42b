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

static inline volatile uint32_t *
mmio_register(const volatile void *window, uint64_t offset)
{
	return (volatile uint32_t *)((uintptr_t)window + offset);
}

/*
 * The first fence: the lock that makes the register ours to read was really
 * taken before.  The second: what was read decides what memory is looked at
 * next (has the device filled that buffer?), so that must not run ahead of it.
 */
static inline uint32_t
mmio_read32(const volatile void *window, uint64_t offset)
{
	uint32_t value;

	__asm__ volatile("fence rw, i" ::: "memory");
	value = *mmio_register(window, offset);
	__asm__ volatile("fence i, rw" ::: "memory");
	return value;
}

/*
 * What was stored before (a descriptor, a line's new owner) must be in memory
 * when the device sees this and acts; and locks as above.
 */
static inline void
mmio_write32(volatile void *window, uint64_t offset, uint32_t value)
{
	__asm__ volatile("fence rw, o" ::: "memory");
	*mmio_register(window, offset) = value;
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
