/*
 * vm/memory_wait.h: how a thread waits for a page that somebody has to bring.
 *
 * A page that is not there is known by what it belongs to, @object, and a
 * number in it, @where: an object and an offset, or whatever else the one who
 * brings it goes by.  Each kind of bringer is a struct memory_source.
 *
 *	who wants it				who brings it
 *	finds it absent, under the
 *	 lock that protects it;
 *	memory_wait_note()
 *	returns KERN_MEMORY_WAIT, up to
 *	 where no lock is held
 *	memory_wait_block(cont)
 *	  source->ask()	  ------------------->	 ...
 *	  sleeps				puts it there, under that lock
 *						memory_wake()
 *	cont: memory_wait_end();
 *	tries again from the start
 *
 * Nothing is lost in between: a wake-up after the note keeps its thread from
 * sleeping.  Nothing is remembered about the page either: who is woken looks
 * for himself, and may have to wait again.  A wait that failed (the deadline
 * passed, or the bringer said so) is remembered until the thread comes to wait
 * for the same page: that note gets the reason instead of KERN_MEMORY_WAIT, and
 * so it becomes the result of whatever tried again.  If the page came after
 * all, it has to be forgotten, lest a later wait fail for it: by
 * memory_wait_over(), or where it is not known when that is, by and by.
 *
 * Who waits, and how he goes on:
 *  - a user's access: arch's page_fault() blocks, and it is made again;
 *  - a copy from or to user memory in a trap: it fails with KERN_MEMORY_WAIT,
 *    and the trap returns that or any other failure, having undone what it did.
 *    AST_MEMORY has thread_return() drop the result, wait, and make the trap
 *    again from its first instruction;
 *  - what cannot be undone, a message half sent or received, a transfer, a
 *    kernel routine: it calls memory_wait_block() as at any preemption point,
 *    and goes on with the step that failed.
 *
 * A wait ends early when the thread is to end; an abort has it look once more.
 */
#pragma once
#include "kernel/thread.h"
#include "kernel/types.h"

/* Not an error: the page comes later.  No user ever sees it. */
#define KERN_MEMORY_WAIT (-1001)

void memory_wait_init(void);

struct memory_source {
	/*
	 * A thread is about to sleep until there is news of @where: have it
	 * asked for, unless it was; no lock is held.  *@nextp: a thread that
	 * was claimed, to run in the place of the one that sleeps; else NULL.
	 * Any failure becomes that of the wait.
	 */
	kern_return_t (*ask)(
	    void *object, uint64_t where, struct thread **nextp);
	/* The deadline has passed; NULL: that is nothing to the source. */
	void (*expired)(void *object, uint64_t where);
	/* The wait's reference to @object ends. */
	void (*put)(void *object);
};

/*
 * The current thread wants @where of @object, until @deadline.  Consumes a
 * reference to @object.  Locks: the one under which the page would come.
 *
 * Returns: KERN_MEMORY_WAIT, or why the thread's last wait for it failed.
 */
kern_return_t must_check memory_wait_note(const struct memory_source *source,
    void *object, uint64_t where, uint64_t deadline);

/* What was noted is not waited for after all. */
void memory_wait_forget(void);

/*
 * Wait for what was noted; then @cont, which calls memory_wait_end() first.
 * Nothing noted: @cont at once, after others had their turn.
 */
noreturn void memory_wait_block(continuation_t cont);
/* Nothing was waited for: no effect.  KERN_SUCCESS: try again; KERN_ABORTED:
 * the thread ends, and trying again fails. */
kern_return_t memory_wait_end(void);

/* What was tried again has ended, well or not. */
void memory_wait_over(void);

/*
 * There is news of [@start, @end) of @object: those who wait for any of it go
 * on, with @result if that is a failure.  When very many wait, some hear of a
 * success where it was a failure, or nothing to do with them: they look.
 * Locks: any up to LOCK_PSET.
 */
void memory_wake(
    const void *object, uint64_t start, uint64_t end, kern_return_t result);
/* The same of a success, but that the first of them, if any, is left to the
 * caller: claimed, to be run or woken; else NULL. */
struct thread *must_check memory_wake_rest(
    const void *object, uint64_t start, uint64_t end);

/* ---- for arch's traps ---- */

/* A user copy of the current trap met a wait that was noted. */
void memory_wait_in_trap(void);
/* AST_MEMORY: wait, and make the trap again. */
noreturn void memory_wait_trap_again(void);
