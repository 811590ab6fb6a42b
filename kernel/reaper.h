/*
 * kernel/reaper.h: destroying things in bounded steps.
 *
 * What dies may hold any amount of other things, which die with it: a port its
 * messages, a message its rights, a right its port.  So whatever may take long
 * to destroy is a reap_item with a step function, and destruction never
 * recurses: a step that ends the life of another such thing passes that to
 * reap_later().
 *
 * reap_now() does a few steps on the spot, which is all that most need, with a
 * preemption point after each, and leaves the rest to a kernel thread: no lock
 * is held.
 */
#pragma once
#include "kernel/list.h"
#include "kernel/types.h"

struct reap_item {
	struct list link; /* [the reaper's lock] */
	/* One bounded step, no lock held; true while there is more to do.
	 * The item may be gone when it returns false. */
	bool (*step)(struct reap_item *item);
};

/* Start the kernel thread; until then things wait for it. */
void reaper_start(void);

void reap_now(struct reap_item *item);
void reap_later(struct reap_item *item);
/* It lacked memory and returned false: try its step again in a while. */
void reap_starved(struct reap_item *item);

/* Do all that waits to be done, and what that brings: tests. */
void reaper_drain(void);
