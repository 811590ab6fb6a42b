/*
 * test/model/observe.h: what the kernel's ipc/ is seen to do during one call.
 *
 * The linker puts these observers between ipc/'s files (-Wl,--wrap): each notes
 * that it was called and calls the real function.  The model takes from the
 * notes what its rules leave open, and nothing else.
 */
#pragma once
#include "model.h"

struct port;
struct thread;

enum seen_kind {
	SEEN_NOTICE, /* the kernel sends: @port, @id, @word or @carried */
	SEEN_POST,   /* a user's message arrives at its port, or in the buffer
		      * of one who waits there */
	SEEN_LOOK,   /* @thread looks for a message */
	SEEN_TAKE,   /* @thread takes one from @port */
	SEEN_WAKE,   /* @thread, which waits on a set, shall look again */
	SEEN_ABORT,  /* the wait of @thread, who receives, ends */
	SEEN_EVICT,  /* @port leaves its receiver: who waits on it is told */
	SEEN_END,    /* of what was seen */
};

struct seen {
	enum seen_kind kind;
	struct port *port;
	struct thread *thread;
	int32_t id;
	uint32_t word;
	struct port *carried;
};

/* Forget what was seen, before a call. */
void observe_begin(void);

/* Send pending notices in the order seen, up to the next post, or look of
 * @thread, or when @port's receive right left, or to the end.  True: there was
 * such a one. */
bool observe_until_post(void);
bool observe_until_look(const struct m_thread *thread);
bool observe_until_leave(const struct m_port *port);
void observe_rest(void);
/* Does the receive right to @port leave its space in this call? */
bool observe_leaves(const struct port *port);
/* The port at which @thread's look ended: NULL: at none. */
struct port *observe_chosen(const struct m_thread *thread);

/* How far a send that failed for want of memory had got. */
struct seen_failure {
	bool happened; /* a message was made, and destroyed */
	bool header;   /* the header's rights had been taken */
	uint32_t done; /* and those of so many descriptors */
};

extern struct seen_failure observed_failure;
/* Legs served by fast.c, for the statistics. */
extern uint64_t observed_fast;
/* Those of them that went from buffer to buffer. */
extern uint64_t observed_direct;
