/* arch/atomic.h for the host: C's own. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
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

static inline bool
atomic_add_unless_acquire(_Atomic uint32_t *word, uint32_t mask, uint32_t n)
{
	uint32_t seen = atomic_load_explicit(word, memory_order_relaxed);

	return (seen & mask) == 0 &&
	       atomic_compare_exchange_strong_explicit(word, &seen, seen + n,
		   memory_order_acquire, memory_order_relaxed);
}

/* Nobody else is there. */
static inline uint64_t
load_reserved_acquire(_Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static inline bool
store_conditional(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
	return true;
}

static inline bool
store_conditional_release(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
	return true;
}
