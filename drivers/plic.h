/*
 * drivers/plic.h: the platform-level interrupt controller.
 *
 *	source (device line)  1 .. source_count
 *	    |   priority: 0 is never
 *	    v
 *	 enabled for --> context (one privilege mode of one hart)
 *	                     |   threshold
 *	                     v
 *	                 external interrupt: claim ... complete
 *
 * A source that was claimed raises nothing until it is completed: its gateway
 * is shut.  That is how lines are masked while a driver task works on them:
 * no register is written, and no stale request is left behind, since the
 * gateway looks at the line anew when it opens.
 *
 * The window is in words:
 *	0x000000 + 4 * source			priority
 *	0x002000 + 0x80 * context		enables, a bit per source
 *	0x200000 + 0x1000 * context		threshold
 *	0x200004 + 0x1000 * context		claim (read), complete (write)
 */
#pragma once
#include "drivers/machine.h"
#include "kernel/types.h"

/* I: immutable   c: what it maps is serialised by the caller (irq_lock) */
struct plic {
	volatile void *window; /* [I] enables and priorities: [c] */
	uint32_t source_count; /* [I] */
};

enum {
	PLIC_SOURCE_MAX = 1023
};

/* Bytes of the window that contexts 0 to @context use. */
uint64_t plic_window_size(uint32_t context);

/* Use the controller that is mapped at @window; no source has a priority. */
void plic_init(struct plic *plic, volatile void *window,
    const struct machine_plic *description);

/* @context takes whatever is enabled for it, and nothing is. */
void plic_init_context(struct plic *plic, uint32_t context);

/* Whether @source may interrupt @context.  Serialised by the caller. */
void plic_enable(struct plic *plic, uint32_t context, uint32_t source);
void plic_disable(struct plic *plic, uint32_t context, uint32_t source);

/*
 * Take the most urgent pending source of @context; 0: there is none, which is
 * no error.  Callable on any hart.
 */
uint32_t plic_claim(struct plic *plic, uint32_t context);

/*
 * @source, claimed before, may interrupt again.  It must be enabled for
 * @context, or the controller takes no notice.  Callable on any hart.
 */
void plic_complete(struct plic *plic, uint32_t context, uint32_t source);
