/* kernel/types.h: scalar types and small words that every file uses. */
#pragma once
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include <mach/boolean.h>
#include <mach/kern_return.h>

typedef uintptr_t vaddr_t; /* an address in the kernel's half */
typedef uint64_t paddr_t;  /* a physical address */
/*
 * A user address.  It is an integer on purpose: dereferencing one does not
 * compile, so every access goes through <arch/usercopy.h>.
 */
typedef uint64_t uaddr_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (PAGE_SIZE - 1)
#define CACHE_LINE 64

/* <assert.h> is not part of a freestanding C library. */
#define static_assert _Static_assert

#define must_check    __attribute__((warn_unused_result))
#define cache_aligned __attribute__((aligned(CACHE_LINE)))
#define never_inline  __attribute__((noinline))
#define always_inline static inline __attribute__((always_inline))
#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds @member, given a pointer to the member. */
#define container_of(pointer, type, member)                                    \
	((type *)((char *)(pointer)-offsetof(type, member)))

/*
 * A store that another hart may see at once, ordered by nothing; and one that
 * comes after all earlier accesses.  The compiler's own atomic stores are
 * swaps, which cost several times as much.
 */
#define store_relaxed(place, value)                                            \
	(*(volatile __typeof__((void)0, *(place)) *)(place) = (value))
#define store_release(place, value)                                            \
	do {                                                                   \
		atomic_thread_fence(memory_order_release);                     \
		store_relaxed(place, value);                                   \
	} while (0)

static inline uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t
max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t
page_floor(uint64_t address)
{
	return address & ~PAGE_MASK;
}

/* Wraps to 0 for an address in the last page: callers check first. */
static inline uint64_t
page_ceil(uint64_t address)
{
	return (address + PAGE_MASK) & ~PAGE_MASK;
}
