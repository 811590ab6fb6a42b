/* arch/atomic.h for the host: C's own. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

static inline int64_t
atomic_add_acquire(_Atomic uint32_t *word, uint32_t n)
{
	return atomic_fetch_add_explicit(word, n, memory_order_acquire);
}

static inline void
atomic_add_release(_Atomic uint32_t *word, uint32_t n)
{
	atomic_fetch_add_explicit(word, n, memory_order_release);
}

static inline int64_t
atomic_swap_acquire(_Atomic uint32_t *word, uint32_t value)
{
	return atomic_exchange_explicit(word, value, memory_order_acquire);
}
