/*
 * kernel/config.h: what is chosen when the kernel is built.
 *
 * Every switch is a 0/1 constant used in a plain `if`, so both arms always
 * compile.  The build may set CONFIG_DEBUG and CONFIG_UNSAFE_NO_FENCE from its
 * command line; what the machine has is never a matter of this file (see
 * drivers/machine.h).
 */
#pragma once

/* Lock ranks, reference counts and object invariants are checked. */
#ifndef CONFIG_DEBUG
#define CONFIG_DEBUG 0
#endif

/*
 * Harts keep translations of memory that was sent away, protected or freed.
 * No such kernel is of any use, but for showing that a test notices.
 */
#ifndef CONFIG_UNSAFE_NO_FENCE
#define CONFIG_UNSAFE_NO_FENCE 0
#endif

/* The message fast path of ipc/fast.c is tried first. */
#ifndef CONFIG_FAST
#define CONFIG_FAST 1
#endif

/* Harts that the kernel can run on; more in the device tree are left alone. */
#define CONFIG_MAX_HARTS 8

/* Bytes of kernel stack per hart; a thread that waits keeps none. */
#define CONFIG_STACK_SHIFT 13
#define CONFIG_STACK_SIZE  (1 << CONFIG_STACK_SHIFT)

/* Round-robin slice, in microseconds. */
#define CONFIG_SLICE_US 10000

/* How long a secondary hart may take to arrive, in microseconds. */
#define CONFIG_HART_START_US 2000000

/* Trace events kept per hart; a power of two. */
#define CONFIG_TRACE_EVENTS 256

/* Bytes of boot and error log kept in memory. */
#define CONFIG_LOG_SIZE 16384

/* How long a thread waits for a page that a pager is to bring, in
 * milliseconds; then it gets an exception. */
#define CONFIG_PAGER_MS 6000

/* Pages that may be asked of one memory object at a time. */
#define CONFIG_PAGER_REQUESTS 64

/* Messages in a pager's queue that the kernel does not add to when it has pages
 * to return of its own accord. */
#define CONFIG_PAGER_RETURNS 32

/* Pages that are taken back, and returned, together. */
#define CONFIG_PAGER_CHUNK 16

/* Objects of pagers that are kept, though nobody has mapped them, at most. */
#define CONFIG_PAGER_CACHED 64
