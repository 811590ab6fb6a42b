/*
 * ipc/fast_word.h: a port's word, by which the legs of the fast path in arch's
 * call.S pass the baton without a lock.
 *
 *	PORT_GENERAL	the lock's holder, and nobody else, works on the port
 *	quiet		nobody waits on the port itself, nothing is queued
 *	a thread	it waits here, with a name ready for a reply right
 *	less a thread	it waits here, having sent a request with a send-once
 *			right that nobody has counted yet, nor its reference
 *	a set		as quiet; the port is in that set and in no other, and
 *			who waits there has the set's word
 *
 * and that of the port by which a thread hears what becomes of its exceptions:
 *
 *	askable		the thread runs, and nobody has a right to the port
 *	an asker	it waits here for the answer; the right is as above
 *
 * But for these, while the word is not PORT_GENERAL the port is alive and in a
 * space, has no message, no receiver in its list, no sender who waits, and
 * room.  A leg takes who waits out of the word, or puts the current thread into
 * it, by one compare-and-swap each.
 *
 * Everybody else locks the port, and with the lock comes port_close(): the word
 * becomes PORT_GENERAL, who waited in it stands in the list and is armed like
 * any other, and what was not counted is.  So whoever holds the lock sees an
 * ordinary port.  It stays so until its receiver asks again: fast_prepare() of
 * the next call, or the wait of a server, open it.
 *
 * Quiet is another word for each name: made of the entry that names the
 * receive right, or the set, and its generation.  Who finds it where he is
 * about to wait knows that the port is still his own, by the name that he
 * remembers.
 *
 * A set's word is PORT_GENERAL, quiet, or a server's thread, and goes by the
 * set's lock as a port's does by the port's.  While it is not PORT_GENERAL the
 * set is alive, no member has a message, and no thread stands in its list.  A
 * leg that sends to a member takes the server out of the set's word, if it
 * finds the port's still the same between that word's load and store.  So who
 * closes a port whose word is a set closes the set after it: port_absorb().
 * Members are opened by who had to look for the waiter: fast_direct.c.
 *
 * The name of a reply right means it only when its client is in the word, or it
 * is counted: others of the receiver's task may give it up, by a name that they
 * guess.  test/model/words.pml goes through what two harts can do.
 *
 * A leg counts its message in the port's sequence when it has taken the
 * receiver, without the lock.  So a message that is written meanwhile, with the
 * port locked, may say the same number in its trailer.  Nobody sees one twice:
 * what goes by a leg has no trailer with a number, and what has one is counted
 * before the port is unlocked.
 *
 * The name for a reply right is that of the thread's spare entry.  spare_name
 * and spare_key are what it has while it is a right, and what it will have
 * next while it is not, which ENTRY_KEPT in spare_key says of who does not wait
 * in a word.  Who does has it ready, always, without that bit: so a request
 * that takes him need not say that it is so no longer, and who takes him off
 * otherwise, port_absorb(), says that it still is.  The reply by that right
 * leaves the entry ready, as its sender waits in a word again; or fast_wait()
 * says so.
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

/* What no word that is remembered is; and no name as a register holds it. */
#define FAST_NO_WORD UINT64_MAX
#define FAST_NO_NAME (1UL << 62)

/* A name as C passes it: 32 bits, with their sign. */
static inline uint64_t
name_in_register(mach_port_name_t name)
{
	return (uint64_t)(int64_t)(int32_t)name;
}

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

/* The port of a thread that raises exceptions, who waits for no answer. */
#define WORD_ASKABLE (1UL << 60)
#define WORD_ASKER   (1UL << 61)

/* It waits for one. */
static inline uint64_t
word_asker(const struct thread *thread)
{
	return -(uintptr_t)thread | WORD_ASKER;
}

static inline bool
word_is_asker(uint64_t word)
{
	return word / WORD_ASKER == 1;
}

static inline struct thread *
word_who_asked(uint64_t word)
{
	return (struct thread *)-(word ^ WORD_ASKER);
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

/* The set's address but for its sign. */
static inline uint64_t
word_of_set(const struct pset *pset)
{
	return (uintptr_t)pset & ~(1UL << 63);
}

static inline bool
word_is_set(uint64_t word)
{
	return word >> WORD_POINTER_BITS ==
	       (1UL << (63 - WORD_POINTER_BITS)) - 1;
}

static inline struct pset *
word_set(uint64_t word)
{
	return (struct pset *)(word | 1UL << 63);
}
