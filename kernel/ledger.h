/*
 * kernel/ledger.h: how much of the kernel's memory, and of physical pages, each
 * task has, and how much it may have.
 *
 * Ledgers are a tree, that of who made which task.  For each kind of thing
 * (mach/baton_ledger.h) a ledger has
 *
 *	use <= part <= limit
 *
 * where use is what was charged, part what it has taken for itself out of its
 * parent's, for whom that is use, and limit the most that part may become:
 *
 *	root	use 700    part = limit 1000: all that the machine has
 *		  |  \
 *		  |   parts of children: 600, the rest is its own
 *	child	use 580    part 600    limit 875
 *
 * So what the tasks below one have, all together, is at most what it may have
 * itself, and who has reached his limit has not taken what others may have.  A
 * part grows as it is needed, by more than is needed at the moment, and shrinks
 * when much of it is unused: most charges are one addition to the task's own
 * ledger.
 *
 * Things of most kinds are kernel memory, and charged once more by their bytes
 * (BATON_LEDGER_KERNEL): limits of kinds overlap, the sum of what they take is
 * bounded.
 *
 * There is no lock.  A ledger lives as long as something is charged to it, be
 * its task gone or not, and then gives its part back.
 */
#pragma once
#include <mach/baton_ledger.h>

#include "kernel/types.h"

#define LEDGER_KINDS BATON_LEDGER_KINDS
/* Who is so far below the root has its children made its parent's. */
#define LEDGER_DEPTH_MAX 12

/* a: atomic */
struct ledger_line {
	_Atomic uint64_t use;	   /* [a] and charges under way */
	_Atomic uint64_t part;	   /* [a] */
	_Atomic uint64_t limit;	   /* [a] */
	_Atomic uint64_t reserve;  /* [a] @part does not shrink below it */
	_Atomic uint64_t children; /* [a] of @use: their parts */
};

/* I: immutable */
struct ledger {
	atomic_uint refs;      /* [a] its task, children, and what is charged */
	atomic_uint kept;      /* [a] 1: a port is charged that there is not */
	uint32_t depth;	       /* I: 0: the root */
	struct ledger *parent; /* I: a reference; NULL: the root */
	uint64_t task_id;      /* I: whose it is or was, for people */
	struct ledger_line line[LEDGER_KINDS];
};

/* Where NULL stands for a ledger, the kernel itself pays: it has no limit. */

void ledger_init(void);
/* One thing of @kind is so many bytes of kernel memory.  At boot only. */
void ledger_weigh(enum baton_ledger_kind kind, size_t bytes);

/*
 * The root, which may have all of @pages of RAM.  To be called when everything
 * has its weight.
 */
struct ledger *must_check ledger_create_root(uint64_t pages);
/*
 * One below @parent, whose limits are a share of the parent's: 15/16 of pages,
 * 7/8 of all else.  It has no part yet.  NULL: no memory.
 */
struct ledger *must_check ledger_create(
    struct ledger *parent, uint64_t task_id);

static inline struct ledger *
ledger_get(struct ledger *ledger)
{
	if (ledger != NULL)
		atomic_fetch_add_explicit(
		    &ledger->refs, 1, memory_order_relaxed);
	return ledger;
}

/* Nobody refers to it any more: its part goes back to the parent. */
void ledger_free(struct ledger *ledger);

static inline void
ledger_put(struct ledger *ledger)
{
	/* acq_rel: who frees sees what every earlier holder wrote */
	if (ledger != NULL && atomic_fetch_sub_explicit(
				  &ledger->refs, 1, memory_order_acq_rel) == 1)
		ledger_free(ledger);
}

/*
 * The task of @ledger has gone.  What others still have of its charges stays;
 * what was set aside beyond goes back to the parent at once, since they may
 * have it for long.  Refs: consumes the task's.
 */
void ledger_leave(struct ledger *ledger);

/* ---- charging ---- */

/* I: after boot: bytes of each kind of kernel memory; 0: it is none. */
extern uint32_t ledger_weights[LEDGER_KINDS];
/* I: the same: a part of each kind grows and shrinks by so many at most. */
extern uint32_t ledger_grains[LEDGER_KINDS];

/* The part does not suffice: let it grow.  False: it may not, and the charge
 * has been taken back. */
bool must_check ledger_grow(
    struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count);
/* Much of the part is unused: give some back. */
void ledger_shrink(struct ledger *ledger, enum baton_ledger_kind kind);

static inline bool must_check
ledger_charge_line(
    struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	struct ledger_line *line = &ledger->line[kind];
	/* acquire, by which what follows comes after the addition, a single
	 * access: pairs with the fence in trim() */
	uint64_t use =
	    atomic_fetch_add_explicit(&line->use, count, memory_order_acquire) +
	    count;

	return likely(use <= atomic_load_explicit(
				 &line->part, memory_order_relaxed)) ||
	       ledger_grow(ledger, kind, count);
}

/* May @count be charged, as far as is known without asking those above? */
static inline bool
ledger_has(
    const struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	const struct ledger_line *line = &ledger->line[kind];

	return atomic_load_explicit(&line->use, memory_order_relaxed) + count <=
	       atomic_load_explicit(&line->part, memory_order_relaxed);
}

static inline void
ledger_credit_line(
    struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	struct ledger_line *line = &ledger->line[kind];
	uint64_t use =
	    atomic_fetch_sub_explicit(&line->use, count, memory_order_relaxed) -
	    count;

	if (unlikely(atomic_load_explicit(&line->part, memory_order_relaxed) >
		     use + 4UL * ledger_grains[kind]))
		ledger_shrink(ledger, kind);
}

/*
 * @count more of @kind are @ledger's.  False: that would be more than it may
 * have, and nothing has changed.
 */
static inline bool must_check
ledger_charge(
    struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	uint32_t weight = ledger_weights[kind];

	if (ledger == NULL)
		return true;
	if (unlikely(!ledger_charge_line(ledger, kind, count)))
		return false;
	if (weight == 0 || likely(ledger_charge_line(
			       ledger, BATON_LEDGER_KERNEL, count * weight)))
		return true;
	ledger_credit_line(ledger, kind, count);
	return false;
}

/*
 * What others make it pay for, by what they touch or write, is never more than
 * three quarters of what it may have: the last one is its own to use.
 */
static inline bool must_check
ledger_has_quarter(
    const struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	const struct ledger_line *line;
	uint64_t limit;

	if (ledger == NULL)
		return true;
	line = &ledger->line[kind];
	limit = atomic_load_explicit(&line->limit, memory_order_relaxed);
	return atomic_load_explicit(&line->use, memory_order_relaxed) + count <=
	       limit - limit / 4;
}

static inline bool must_check
ledger_charge_for_others(
    struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	return ledger_has_quarter(ledger, kind, count) &&
	       ledger_charge(ledger, kind, count);
}

/* Of what was charged, @count are not its any more. */
static inline void
ledger_credit(
    struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	uint32_t weight = ledger_weights[kind];

	if (ledger == NULL)
		return;
	ledger_credit_line(ledger, kind, count);
	if (weight != 0)
		ledger_credit_line(ledger, BATON_LEDGER_KERNEL, count * weight);
}

/* The same with a reference, for what may outlive the task. */
static inline bool must_check
ledger_hold(struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	if (!ledger_charge(ledger, kind, count))
		return false;
	ledger_get(ledger);
	return true;
}

static inline void
ledger_release(
    struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	ledger_credit(ledger, kind, count);
	ledger_put(ledger);
}

/* The same of a kind that is bytes, and so no kernel memory besides. */
static inline bool must_check
ledger_hold_bytes(
    struct ledger *ledger, enum baton_ledger_kind kind, uint64_t size)
{
	if (ledger == NULL)
		return true;
	if (unlikely(!ledger_charge_line(ledger, kind, size)))
		return false;
	ledger_get(ledger);
	return true;
}

static inline void
ledger_release_bytes(
    struct ledger *ledger, enum baton_ledger_kind kind, uint64_t size)
{
	if (ledger == NULL)
		return;
	ledger_credit_line(ledger, kind, size);
	ledger_put(ledger);
}

/*
 * A port that was charged is no more, but the next is likely to come soon, and
 * shall have its charge, which nobody sees meanwhile: ledger_report() leaves it
 * out, and it is given up where something else would find no room.  One at most
 * is kept; its caller has a reference to @ledger.
 */
static inline void
ledger_keep_port(struct ledger *ledger)
{
	atomic_store_explicit(&ledger->kept, 1, memory_order_relaxed);
}

/* Is it still there?  Then it is the caller's. */
static inline bool must_check
ledger_take_kept(struct ledger *ledger)
{
	/* relaxed: of all that comes by it, only this word is changed here */
	return atomic_exchange_explicit(
		   &ledger->kept, 0, memory_order_relaxed) != 0;
}

/*
 * A port that died stands as long as somebody has a name for it: the task that
 * made it has not to answer for that.  Its charge moves to the kernel, as far
 * as that has set something aside for it.  Who pays from now on.
 */
struct ledger *ledger_bury_port(struct ledger *ledger);

/* See task_ledger_set(); @caller is the calling task's. */
kern_return_t must_check ledger_set(struct ledger *ledger,
    const struct ledger *caller, enum baton_ledger_kind kind, uint64_t limit,
    uint64_t reserve);

void ledger_info(const struct ledger *ledger, struct baton_ledger_info *info);
void ledger_report(
    const struct ledger *ledger, struct baton_ledger_report *report);
