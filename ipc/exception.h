/*
 * ipc/exception.h: the way of a question about an exception, and of its answer.
 *
 * A thread that raised an exception asks a port about it (kernel/exception.c
 * says which) and waits.  What it sends is a message like any other; the reply
 * right is a send-once right to a port of the kernel's that stands for the
 * thread, made when it first asks.
 *
 *	exception_send()   the question is on its way
 *	   |
 *	exception_wait()   until one of:
 *	   +-- exception_reply()   a message came by the reply right
 *	   +-- exception_lost()    the right was given up unused
 *	   +-- thread_abort(), thread_terminate()
 *	   |
 *	exception_answer() what came
 *
 * At most one reply right exists at a time.  One that is left when the thread
 * no longer waits dies with the port, which is made anew for the next question:
 * so an answer never meets a later question.
 */
#pragma once
#include "kernel/thread.h"

struct kmsg;
struct port;

/*
 * A reply right for the question that @self is about to ask; NULL: no memory.
 * The right and its reference are the caller's to put into a message.
 */
struct port *exception_reply_right(struct thread *self) must_check;

/*
 * Send @kmsg, whose local right is that reply right, to @port.  Whoever waits
 * there is claimed and comes back in *@receiverp, for exception_wait().  Like
 * all that the kernel sends it ignores the queue limit: there is at most one
 * for each thread.
 * Refs: consumes @kmsg and a send right to @port, in any case.
 * Returns false if nobody can receive from @port: it is dead or the kernel's.
 */
bool exception_send(
    struct port *port, struct kmsg *kmsg, struct thread **receiverp) must_check;

/*
 * Wait for the answer, in favour of @receiver if that is not NULL, and go on
 * with @cont, which begins with exception_answer().
 */
noreturn void exception_wait(struct thread *receiver, continuation_t cont);

/*
 * The wait is over.  True: there is an answer, in *@kmsgp, which has no
 * destination any more and is the caller's; NULL: it will never come.
 * False: the thread was aborted, or is to end.
 */
bool exception_answer(struct thread *self, struct kmsg **kmsgp) must_check;

/* @self ends: no answer reaches it any more. */
void exception_forget(struct thread *self);

/* ---- for ipc/ alone ---- */

/* @kmsg came to a port of kind KOBJECT_EXCEPTION, by a send-once right.  Gives
 * the thread that it answers, claimed, or NULL.  Consumes @kmsg. */
struct thread *exception_reply(struct kmsg *kmsg) must_check;

/* @thread, which waits in the word of such a port, locked (fast_word.h), waits
 * for its answer like any other from now on. */
void exception_absorb(struct thread *thread);

/* A send-once right to such a port was given up.  Consumes it. */
void exception_lost(struct port *port);
