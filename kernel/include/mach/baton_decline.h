/*
 * mach/baton_decline.h: why a message did not go the shortest way.
 *
 * Each way that was tried counts once, and says why it passed the message on;
 * docs/ipc.md, "The fast path", has the ways and what they serve.  The first
 * part of a reason is the way:
 *
 *	CALL	    the legs in assembly, for messages in registers
 *	LEG	    small messages, and those with one region of memory
 *	MEMORY	    what the latter want besides
 *	DIRECT	    any body, from buffer to buffer
 *	OTHER	    none of these is for such a message
 *	EXCEPTION   a question to a handler of exceptions
 *	ANSWER	    what it answers
 *	PAGER	    requests to pagers, and what they supply
 *	SYNC	    a signal and a wait in one, of semaphores and eventlinks
 *	IRQ	    an interrupt, to the driver's thread, from user mode
 *
 * Readable by the kernel and by programs; host_declines() of baton/host.h has
 * the counts.
 */
#pragma once

/* clang-format off */
/* reason(NAME, what it is for people): in the order of their numbers. */
#define BATON_DECLINE_REASONS(reason)                                          \
	reason(CALL_SIZE, "registers: no body of 0 to 48 bytes, in fours")     \
	reason(CALL_KIND, "registers: neither a request nor a reply")          \
	reason(CALL_VOUCHER, "registers: it has a voucher")                    \
	reason(CALL_RECEIVE, "registers: the last wait was another")           \
	reason(CALL_NAME, "registers: the last request went elsewhere")        \
	reason(CALL_REPLY, "registers: not the last request's reply right")    \
	reason(CALL_RIGHT, "registers: the right is gone, or another")         \
	reason(CALL_NOBODY, "registers: nobody waits in registers")            \
	reason(CALL_HART, "registers: the receiver is of another hart")        \
	reason(CALL_PRIORITY, "registers: somebody else is to run first")      \
	reason(CALL_BUSY, "registers: somebody else is at port or space")      \
	reason(CALL_QUEUE, "registers: a message waits for the sender")        \
	reason(CALL_ROOM, "registers: the receiver has no room")               \
	reason(CALL_PAGES, "registers: pages of a buffer are not there")       \
	reason(CALL_CARRIED, "registers: the right in it, or others at it")    \
	reason(CALL_WAIT, "registers: sent, but the wait is another")          \
	reason(LEG_NAME, "small: no send right")                               \
	reason(LEG_CHANGED, "small: the name means something else now")        \
	reason(LEG_REPLY, "small: no reply right, or one with a request")      \
	reason(LEG_SELF, "small: to where the sender receives")                \
	reason(LEG_RECEIVE, "small: the sender received elsewhere before")     \
	reason(LEG_NOBODY, "small: nobody waits on the port")                  \
	reason(LEG_MESSAGES, "small: a message waits for the sender")          \
	reason(LEG_WAITER, "small: receiver has a time-out, wants a trailer")  \
	reason(LEG_ROOM, "small: the receiver has no room")                    \
	reason(LEG_FLOATING, "small: the receiver's FP is on another hart")    \
	reason(LEG_SPARE, "small: no name for the reply right")                \
	reason(LEG_BUSY, "small: the receiver's wait just ended")              \
	reason(MEMORY_KIND, "memory: neither moved nor shared, or none")       \
	reason(MEMORY_MAP, "memory: not whole, or no place for it")            \
	reason(DIRECT_RIGHT, "direct: no such right, or one with a request")   \
	reason(DIRECT_KERNEL, "direct: to the kernel")                         \
	reason(DIRECT_RECEIVE, "direct: no receive right for the reply")       \
	reason(DIRECT_SELF, "direct: to where the sender receives")            \
	reason(DIRECT_NOBODY, "direct: nobody waits on port or set")           \
	reason(DIRECT_ROOM, "direct: the receiver has no room")                \
	reason(DIRECT_SPARE, "direct: no name for the reply right")            \
	reason(DIRECT_CARRIED, "direct: the right in it, or others at it")     \
	reason(DIRECT_PAGES, "direct: pages of a buffer are not there")        \
	reason(DIRECT_BUSY, "direct: the receiver's wait just ended")          \
	reason(OTHER_OPTIONS, "other: options")                                \
	reason(OTHER_VOUCHER, "other: it has a voucher")                       \
	reason(OTHER_SIZE, "other: too short, over 64 KiB, not in fours")      \
	reason(OTHER_KIND, "other: what becomes of the header's rights")       \
	reason(OTHER_DESCRIPTORS, "other: descriptors")                        \
	reason(EXCEPTION_FIRST, "exception: the thread's first")               \
	reason(EXCEPTION_HANDLER, "exception: no handler in the first place")  \
	reason(EXCEPTION_FLAVOR, "exception: registers of another flavor")     \
	reason(EXCEPTION_NOBODY, "exception: nobody waits on the port")        \
	reason(EXCEPTION_WAITER, "exception: time-out, or wants a trailer")    \
	reason(EXCEPTION_ROOM, "exception: the handler has no room")           \
	reason(EXCEPTION_FLOATING, "exception: handler's FP on another hart")  \
	reason(EXCEPTION_SPARE, "exception: no name for the reply right")      \
	reason(EXCEPTION_RIGHTS, "exception: handler lacks task or thread")    \
	reason(EXCEPTION_BUSY, "exception: the handler's wait just ended")     \
	reason(ANSWER_KIND, "answer: not one that lets the thread go on")      \
	reason(ANSWER_MESSAGES, "answer: a message waits for the handler")     \
	reason(ANSWER_FLOATING, "answer: the thread's FP is on another hart")  \
	reason(ANSWER_BUSY, "answer: the thread's wait just ended")            \
	reason(PAGER_REQUEST, "pager: request to one who is not ready")        \
	reason(PAGER_SUPPLY, "pager: supply not of one page, or not so")       \
	reason(SYNC_OPTIONS, "signal: a deadline, or other options")           \
	reason(SYNC_RIGHT, "signal: no right, or to what has ended")           \
	reason(SYNC_ORDER, "signal: not first come, or not his to wait")       \
	reason(SYNC_READY, "signal: nothing to wait for")                      \
	reason(SYNC_NOBODY, "signal: nobody waits for it")                     \
	reason(SYNC_WAITER, "signal: who waits has a deadline, or a call")     \
	reason(SYNC_FLOATING, "signal: his FP is on another hart")             \
	reason(SYNC_BUSY, "signal: his wait just ended")                       \
	reason(IRQ_NOBODY, "interrupt: nobody waits for it")                   \
	reason(IRQ_WAITER, "interrupt: no room, a time-out, wants a trailer")  \
	reason(IRQ_PRIORITY, "interrupt: its driver is not more urgent")       \
	reason(IRQ_HART, "interrupt: its driver is another hart's")            \
	reason(IRQ_BUSY, "interrupt: somebody else is at the port")
/* clang-format on */

#define BATON_DECLINE_NUMBER(name, what) BATON_DECLINE_##name,

enum baton_decline {
	BATON_DECLINE_REASONS(BATON_DECLINE_NUMBER)
	BATON_DECLINES /* how many there are */
};

#define BATON_DECLINES_MAX 96 /* room for more */
