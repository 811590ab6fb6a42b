/*
 * ipc/fast_word.h: a port's word, by which the legs of the fast path in arch's
 * call.S pass the baton without a lock.
 *
 *	PORT_GENERAL	the lock's holder, and nobody else, works on the port
 *	quiet		nobody waits on the port itself, nothing is queued
 *	a thread	it waits here, with a name ready for a reply right
 *	less a thread	it waits here, having sent a request with a send-once
 *			right that nobody has counted yet, nor its reference
 *
 * While the word is not PORT_GENERAL the port is alive and in a space, has no
 * message, no receiver in its list, no sender who waits, and room.  A leg takes
 * who waits out of the word, or puts the current thread into it, by one
 * compare-and-swap each.
 *
 * Everybody else locks the port, and with the lock comes port_close(): the word
 * becomes PORT_GENERAL, who waited in it stands in the list and is armed like
 * any other, and what was not counted is.  So whoever holds the lock sees an
 * ordinary port.  It stays so until its receiver asks again: fast_prepare() of
 * the next call, or the wait of a server, open it.
 *
 * Quiet is another word for each name: made of the entry that names the
 * receive right and its generation.  Who finds it where he is about to wait
 * knows that the port is still his own, by the name that he remembers.
 *
 * Order (RVWMO).  Who comes to wait has stored all of himself before the word:
 * release.  Who takes him loads the word with acquire.  port_close() is both.
 * A thread looks at its AST between the load and the store of the word, and who
 * sets one then closes the port, thread_notice(): either the store fails, or he
 * finds the thread there.
 */
#pragma once
#include <arch/offsets.h>

#include "ipc/space.h"
#include "kernel/thread.h"

/* What no word that is remembered is. */
#define FAST_NO_WORD UINT64_MAX

/*
 * fast_state.spare_key while the spare entry denotes nothing.  No entry's key,
 * so that a leg finds no right in it by the name that it had last.
 */
#define SPARE_READY (ENTRY_KEPT | 0x6ffU)

#define WORD_POINTER_BITS 38 /* that tell one kernel address from another */

static inline uint64_t
word_quiet(const struct entry *entry, mach_port_name_t name)
{
	return ((uintptr_t)entry & ((1UL << WORD_POINTER_BITS) - 1)) |
	       (uint64_t)(name & NAME_GENERATION_MASK) << 40 | 1UL << 62;
}

static inline uint64_t
word_server(const struct thread *thread)
{
	return (uintptr_t)thread;
}

static inline uint64_t
word_client(const struct thread *thread)
{
	return -(uintptr_t)thread;
}

static inline bool
word_is_client(uint64_t word)
{
	return (word - 1) >> WORD_POINTER_BITS == 0;
}

static inline bool
word_is_server(uint64_t word)
{
	return (int64_t)word < 0;
}
