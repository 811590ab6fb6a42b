/*
 * vm/across.h: a message straight from the memory of one task into that of
 * another, in one copy: read where the sender has it, whose map is current,
 * and written through the direct map.
 *
 * Only memory that is there is read or written: pages that allow it.  Whatever
 * else there is (nothing yet, a page shared until it is written, one that is
 * elsewhere; places that overlap) it declines, and who asked copies by copyin()
 * and copyout() of <arch/usercopy.h>, whose faults make it so that the next
 * time it goes.
 *
 * While the receiver's map is locked nobody can take a page away from it.  It
 * is locked by trying, so its rank does not matter: a port's lock may be held.
 * What the sender's page was is read, or it faults: who takes that away waits
 * for all harts to know.  Memory that both share by different names is not
 * looked for: where source and target overlap so, the middle is what is found
 * there while it is copied, and nothing else is touched.
 */
#pragma once
#include "kernel/types.h"
#include "vm/map.h"

/* Any addresses; all but those of maps are multiples of 4. */
struct across {
	struct map *from; /* the current one */
	struct map *to;
	uaddr_t target; /* in @to, of all */
	uaddr_t source; /* in @from, of what comes in the middle */
	uint64_t size;	/* ... of so many bytes */
	uint64_t head[5];
	uint64_t head_size; /* 24 or 40: so much of it */
	const void *tail;   /* the kernel's; of 8 bytes: the shortest trailer */
	uint64_t tail_size;
};

/*
 * Write head, middle and tail.  False: not all of it is there, or @to is busy;
 * a part may have been written.
 */
bool must_check across_copy(const struct across *across);
/*
 * The same of a header, @w0 to @w2, @size bytes at @source of the current
 * map's, and the shortest trailer.
 */
bool must_check across_body(struct map *to, uaddr_t target, uaddr_t source,
    uint64_t size, uint64_t w0, uint64_t w1, uint64_t w2);
/* The same with two @words in place of what the first of the bytes are. */
bool must_check across_words(struct map *to, uaddr_t target, uaddr_t source,
    uint64_t size, uint64_t w0, uint64_t w1, uint64_t w2,
    const uint64_t *words);
