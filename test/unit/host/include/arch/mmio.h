/*
 * test/unit/host/include/arch/mmio.h: device registers of unit tests.
 *
 * There is no device: the test that uses a driver defines these two functions
 * and plays it.  They see every access, in order.
 */
#pragma once
#include "kernel/types.h"

uint32_t host_mmio_read(const volatile void *window, uint64_t offset);
void host_mmio_write(volatile void *window, uint64_t offset, uint32_t value);

static inline uint32_t
mmio_read32(const volatile void *window, uint64_t offset)
{
	return host_mmio_read(window, offset);
}

static inline void
mmio_write32(volatile void *window, uint64_t offset, uint32_t value)
{
	host_mmio_write(window, offset, value);
}

static inline void
mmio_before_unlock(void)
{
}
