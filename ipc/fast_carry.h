/*
 * ipc/fast_carry.h: one send right that goes with a message, for fast_direct.c
 * alone: from a name of the sender's to one of the receiver's.
 *
 *	read	    the descriptor, from the sender's buffer; no lock held
 *	prepare	    everything is found and locked, and there is a name
 *	commit	    it is the receiver's; unlocked
 *	abandon	    nothing has changed; unlocked
 */
#pragma once
#include <mach/message.h>

#include "kernel/types.h"

struct entry;
struct port;
struct space;
struct thread;

/* A body that begins with one right, as in user memory. */
struct carried_words {
	uint32_t count;
	mach_msg_port_descriptor_t descriptor;
};
static_assert(sizeof(struct carried_words) == 16, "two words");

struct carried {
	struct carried_words words; /* as sent, then as received */
	struct space *to;	    /* the receiver's; locked */
	struct port *port;	    /* locked */
	struct entry *entry;	    /* its name's in @to */
	bool fresh;		    /* it was none before */
	bool own_space, own_port;   /* locked for the message already */
	bool made;		    /* from a receive right */
};

/* False: there is another descriptor, or more, or it cannot be read now. */
bool must_check carried_read(
    struct carried *carried, uaddr_t body, uint64_t size);

/*
 * The sender's space @from is locked, and so are the ports @a and @b (or NULL).
 * False: it is not there, or to be had, or somebody else is at it; nothing is
 * locked.
 */
bool must_check carried_prepare(struct carried *carried, struct space *from,
    const struct thread *receiver, const struct port *a, const struct port *b);
void carried_commit(struct carried *carried);
void carried_abandon(struct carried *carried);
