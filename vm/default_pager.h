/*
 * vm/default_pager.h: the task that keeps pages which leave memory, as the
 * kernel sees it: a port, and what is sent there.  mach/default_pager.h says
 * what about.
 *
 * There is at most one.  It is there until the last right to its control port
 * is gone, by which we hear that it died.  What it was at work on is then
 * settled, in steps, before there can be another.
 *
 * The steps are those of the thread in pageout.c; each is bounded, and true if
 * it did something.
 */
#pragma once
#include "kernel/types.h"

/* Boot, after ipc_init(). */
void default_pager_init(void);

/* Is there one, which does not say that it is full? */
bool default_pager_takes(void);

/* Have it write some of the pages that have been in slots for longest. */
bool must_check default_pager_write_step(void);
/* Settle what one that died was at work on. */
bool must_check default_pager_settle_step(void);
/* What it refused when it was full may be written now. */
bool must_check default_pager_again_step(void);
/* Let it forget what nobody will want. */
bool must_check default_pager_forget_step(void);
