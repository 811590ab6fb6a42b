/*
 * arch/atomic.h: the read-modify-write operations that locks and claims are
 * made of, one instruction each.  What the compiler makes of C's atomics has
 * a fence beside it, and an extension of what is extended already.
 */
#pragma once
#include <stdint.h>

/* What @word was; nothing that follows is done before.  The result is kept
 * out of @n's register, which the next lock wants as it is. */
static inline int64_t
atomic_add_acquire(_Atomic uint32_t *word, uint32_t n)
{
	int64_t old;

	__asm__ volatile("amoadd.w.aq %0, %2, %1"
			 : "=&r"(old), "+A"(*word)
			 : "r"(n)
			 : "memory");
	return old;
}

/* All that came before is done. */
static inline void
atomic_add_release(_Atomic uint32_t *word, uint32_t n)
{
	__asm__ volatile("amoadd.w.rl zero, %1, %0"
			 : "+A"(*word)
			 : "r"(n)
			 : "memory");
}

/* Store @value, and say what was there; as atomic_add_acquire(). */
static inline int64_t
atomic_swap_acquire(_Atomic uint32_t *word, uint32_t value)
{
	int64_t old;

	__asm__ volatile("amoswap.w.aq %0, %z2, %1"
			 : "=r"(old), "+A"(*word)
			 : "rJ"(value)
			 : "memory");
	return old;
}
