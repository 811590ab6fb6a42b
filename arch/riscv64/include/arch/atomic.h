/*
 * arch/atomic.h: the read-modify-write operations that locks and claims are
 * made of, one instruction each.  What the compiler makes of C's atomics has
 * a fence beside it, and an extension of what is extended already.
 */
#pragma once
#include <stdbool.h>
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

/* Add @n unless a bit of @mask is set: false, and then or for no reason at all
 * nothing has changed.  The same order. */
static inline bool
atomic_add_unless_acquire(_Atomic uint32_t *word, uint32_t mask, uint32_t n)
{
	uint64_t seen, failed;

	__asm__ volatile("lr.w.aq %0, %2\n\t"
			 "and %1, %0, %3\n\t"
			 "bnez %1, 1f\n\t"
			 "add %0, %0, %4\n\t"
			 "sc.w %1, %0, %2\n"
			 "1:"
			 : "=&r"(seen), "=&r"(failed), "+A"(*word)
			 : "rI"((uint64_t)mask), "rI"((uint64_t)n)
			 : "memory");
	return failed == 0;
}

/*
 * A word that is looked at and then changed, unless somebody else has stored to
 * it meanwhile, the same value or another: which may fail for no reason at all.
 * The load is an acquire.
 */
static inline uint64_t
load_reserved_acquire(_Atomic uint64_t *word)
{
	uint64_t value;

	__asm__ volatile("lr.d.aq %0, %1" : "=r"(value), "+A"(*word)::"memory");
	return value;
}

/* True: it was stored. */
static inline bool
store_conditional(_Atomic uint64_t *word, uint64_t value)
{
	uint64_t failed;

	__asm__ volatile("sc.d %0, %2, %1"
			 : "=&r"(failed), "+A"(*word)
			 : "r"(value)
			 : "memory");
	return failed == 0;
}

/* The same, as a release. */
static inline bool
store_conditional_release(_Atomic uint64_t *word, uint64_t value)
{
	uint64_t failed;

	__asm__ volatile("sc.d.rl %0, %2, %1"
			 : "=&r"(failed), "+A"(*word)
			 : "r"(value)
			 : "memory");
	return failed == 0;
}
