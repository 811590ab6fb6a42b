/*
 * kernel/exception_ports.h: who is asked about which exception, and how.
 *
 * A thread, its task and the host each have an action for each kind of
 * exception; kernel/exception.c asks them in this order.  A task has those of
 * its parent at first, a thread none.
 */
#pragma once
#include <mach/exception_types.h>
#include <mach/routine_ids.h>

#include "kernel/types.h"

struct port;
struct task;
struct thread;

struct exception_action {
	struct port *port; /* a send right; NULL: nobody */
	uint32_t behavior; /* EXCEPTION_*, with bits of MACH_EXCEPTION_MASK */
	uint32_t flavor;   /* of the state that goes with it */
};

/* Under the lock of the task (a thread's too), or the host's own. */
struct exception_actions {
	struct exception_action of[EXC_TYPES_COUNT];
};

/* EXCEPTION_* alone. */
static inline uint32_t
behavior_kind(uint32_t behavior)
{
	return behavior & ~(uint32_t)MACH_EXCEPTION_MASK;
}

/* Does the message carry the rights of thread and task? */
static inline bool
behavior_has_identity(uint32_t behavior)
{
	return behavior_kind(behavior) != EXCEPTION_STATE;
}

/* Does it carry registers, and does the answer? */
static inline bool
behavior_has_state(uint32_t behavior)
{
	return behavior_kind(behavior) != EXCEPTION_DEFAULT;
}

/* msgh_id of the question; exception_raise() and its kin stand in the order of
 * behaviors. */
static inline int32_t
behavior_message(uint32_t behavior)
{
	int32_t first = behavior & MACH_EXCEPTION_CODES
			    ? MSGID_MACH_EXCEPTION_RAISE
			    : MSGID_EXCEPTION_RAISE;

	static_assert(MSGID_EXCEPTION_RAISE_STATE_IDENTITY ==
			  MSGID_EXCEPTION_RAISE + EXCEPTION_STATE_IDENTITY -
			      EXCEPTION_DEFAULT,
	    "ABI");
	static_assert(MSGID_MACH_EXCEPTION_RAISE_STATE_IDENTITY ==
			  MSGID_MACH_EXCEPTION_RAISE +
			      EXCEPTION_STATE_IDENTITY - EXCEPTION_DEFAULT,
	    "ABI");
	return first + (int32_t)behavior_kind(behavior) - EXCEPTION_DEFAULT;
}

/* What the get and swap calls tell: one line for each different action. */
struct exception_list {
	uint32_t count;
	exception_mask_t mask[EXC_TYPES_COUNT];
	struct port *port[EXC_TYPES_COUNT]; /* send rights, or NULL */
	uint32_t behavior[EXC_TYPES_COUNT];
	uint32_t flavor[EXC_TYPES_COUNT];
};

/* Whose actions: exactly one of these, or neither for the host's. */
struct exception_scope {
	struct task *task;
	struct thread *thread;
};

/*
 * Let @port be asked about the exceptions of @mask.
 *
 * Refs: consumes the send right @port (NULL, or dead: nobody is asked), on
 *	 success only.
 * Returns: KERN_SUCCESS
 *          KERN_INVALID_ARGUMENT   bits that stand for no exception, an unknown
 *				    behavior or flavor
 *          KERN_TERMINATED         the thread or task is ending
 *          KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check exception_ports_set(const struct exception_scope *of,
    exception_mask_t mask, struct port *port, uint32_t behavior,
    uint32_t flavor);

/*
 * The actions for the exceptions of @mask, in @list, with new send rights;
 * equal ones are told once.  KERN_INVALID_ARGUMENT as above.
 */
kern_return_t must_check exception_ports_get(const struct exception_scope *of,
    exception_mask_t mask, struct exception_list *list);

/* Both in one step; nothing is in @list unless it succeeds. */
kern_return_t must_check exception_ports_swap(const struct exception_scope *of,
    exception_mask_t mask, struct port *port, uint32_t behavior,
    uint32_t flavor, struct exception_list *list);

/*
 * The action of @of for @exception, with a send right of its own; false:
 * nobody is to be asked.
 */
bool exception_action_get(const struct exception_scope *of, unsigned exception,
    struct exception_action *action) must_check;

/* A new task has those of its parent. */
void exception_ports_inherit(struct task *parent, struct task *child);
/* The end of a task or a thread: its rights are given up. */
void exception_ports_end(const struct exception_scope *of);

void exception_ports_init(void);
