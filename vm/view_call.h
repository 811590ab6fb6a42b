/*
 * vm/view_call.h: calls that take memory from one map or enter it into another:
 * what they keep from step to step.
 */
#pragma once
#include "vm/view.h"

struct task;

/* Belongs to the call; the first word of its progress points here. */
struct view_call {
	struct view_take take;
	struct view_place place;
	struct task *source; /* whose memory is taken: a reference, or NULL */
};

void view_call_init(void);

/* The one of the call that is being served, or NULL: it is at its beginning. */
struct view_call *view_call_current(void);
/* A new one for it, all zero; NULL: no memory. */
struct view_call *must_check view_call_begin(void);
/* It has been answered: forget it, and what is left in it. */
void view_call_end(struct view_call *call);

/* Steps until others want a turn, which is KCALL_AGAIN. */
kern_return_t must_check view_call_take(struct view_call *call);
kern_return_t must_check view_call_place(struct view_call *call);
