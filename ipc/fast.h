/*
 * ipc/fast.h: what fast.c falls back to.
 */
#pragma once
struct entry;
struct port;
struct pset;
struct spinlock;
struct thread;

#include "ipc/message.h"
#include "kernel/types.h"

/* mach_msg2_trap(), the general path: message.c. */
kern_return_t message_general(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);
/* The trailer that a receiver gets who asks for none. */
#define TRAILER_SIZE sizeof(mach_msg_trailer_t)

/* Bytes of message that a waiter with a buffer of @size takes from fast.c; less
 * than any for a buffer that is too small, or of 2 GiB. */
static inline int32_t
fast_room(uint64_t size)
{
	return (int32_t)(size - TRAILER_SIZE);
}

/* What a waiter must not have asked for, or it takes nothing. */
#define FAST_DECLINES (MACH_RCV_TIMEOUT | MACH_RCV_TRAILER_MASK)

/* mach_msg2_trap(), the fast path: entered with s1 to s11 free for it to use,
 * so called by trap.S and by tests alone. */
kern_return_t mach_msg2_fast(uaddr_t buffer, uint64_t option,
    uint64_t bits_send_size, uint64_t remote_local, uint64_t voucher_id,
    uint64_t descriptors_rcv_name, uint64_t rcv_size_priority,
    uint64_t timeout);

/* The two halves of a call, as they are sent ... */
#define REQUEST_BITS                                                           \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define REPLY_BITS MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
/* What the receivers of these see. */
#define REQUEST_BITS_RECEIVED                                                  \
	MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND)
#define REPLY_BITS_RECEIVED MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE)

/* Most bytes of a body in registers. */
#define CALL_BODY 48

/* In receive_state.option: the wait is in the trap that has its message in
 * registers, see mach/trap_numbers.h. */
#define RECEIVE_CALL (1UL << 63)

/* Bits and size of the message of such a trap: t0 has its body's size. */
static inline uint64_t
call_bits_size(uint64_t t0)
{
	return t0 + ((uint64_t)HEADER_SIZE << 32);
}

/* May @self wait in the word of @port, which is locked? */
bool fast_may_park(const struct thread *self, const struct port *port);
/* The same of @set, in which nobody waits with it. */
bool fast_may_park_in_set(const struct thread *self, const struct pset *set);
/* Who waits on @set is to be found by the word of @port, a member, if that can
 * be.  Locks: the port's. */
void fast_open_member(struct port *port, const struct pset *set);

/*
 * For call.S.  A leg of the current thread, whose registers are in its
 * trapframe, has declined: true if what it lacked was looked up, so that it
 * can be tried again.
 */
bool fast_prepare(void);
/* The two names of a call, and where it receives: true if they are remembered
 * from now on. */
bool fast_learn_call(struct thread *self, uint64_t names, uint64_t receive);
/* Is @port, locked, one on which @self may wait in its word? */
bool fast_is_quiet(const struct thread *self, const struct port *port);
/* The same call, the other way; its result. */
uint64_t fast_call(void);
/* The same; @lock was asked for, and has yet to be waited for, from when it was
 * @word. */
uint64_t fast_call_behind(struct spinlock *lock, int64_t word);
/* A leg has sent, but could not wait: @receiver, who is off the word with his
 * message in his trapframe, goes on in our place if we wait.  @client: the
 * reply right was not counted, and its name means nothing yet. */
uint64_t fast_wait(struct thread *receiver, bool client);

/* The name of the reply right that @receiver has been given means it. */
void fast_show_spare(struct thread *receiver);

/* What find() gives where there is nothing. */
extern struct entry fast_no_entry;

/*
 * A thread that waits on the port it remembers as fast.from has one reference
 * for both.  @self waited on another, @port, and is not to wait any more:
 * that is what it remembers now, with the reference for waiting.  Locks: the
 * port's.
 */
void fast_adopt(struct thread *self, struct port *port);
/* @port ended: do not keep it alive for what @self remembers. */
void fast_forget(struct thread *self, struct port *port);
void fast_forget_set(struct thread *self, struct pset *set);
/* @thread, who waited in a word, is to be told so by receive_continue() or what
 * else reads thread->receive. */
void fast_say_receive(struct thread *thread);
/* @self ends: nothing is remembered. */
void fast_drop(struct thread *self);
/* How a wait ends that fast.c began: like any other. */
void receive_continue(void);
