/*
 * ledger.c: see ledger.h.
 *
 * Why no lock is needed.  Who charges adds to @use first and looks at @part
 * second; who makes @part smaller does that first and looks at @use second.  At
 * least one sees the other's store: either the charge finds that the part does
 * not suffice, and enlarges it; or the other finds that it did need what he was
 * about to give back, and leaves it there.  In between @use may be too high by
 * charges that will fail, so that another one beside them may fail as well, but
 * never succeed where it should not.
 */
#include "kernel/ledger.h"

#include "kernel/kassert.h"
#include "kernel/zone.h"

/* The root's share of RAM: one part of so many for the kernel's objects, dead
 * ports, which stand at the cost of none, messages, page tables.  Pages may be
 * with the default pager: there can be more than RAM has; and one of an object
 * that is mapped counts twice. */
#define KERNEL_SHARE   7
#define DEAD_SHARE     128
#define MESSAGES_SHARE 10
#define TABLES_SHARE   32
#define RESIDENT(all)  ((all)*4)
#define WIRED(all)     ((all) / 2)
/* Most of the kernel's memory that may be things of one kind. */
#define ONE_KIND(all) ((all) / 4 * 3)
/* Nobody has more, and sums of some of it are no matter. */
#define RESERVE_MAX (1UL << 48)

static struct zone ledger_zone;
uint32_t ledger_weights[LEDGER_KINDS];
uint32_t ledger_grains[LEDGER_KINDS];
static struct ledger *dead_ports; /* I after ledger_create_root() */

void
ledger_init(void)
{
	zone_init(&ledger_zone, "ledger", sizeof(struct ledger), CACHE_LINE);
	ledger_weigh(BATON_LEDGER_TASKS, sizeof(struct ledger));
}

void
ledger_weigh(enum baton_ledger_kind kind, size_t bytes)
{
	ledger_weights[kind] += (uint32_t)bytes;
}

static bool
is_bytes(enum baton_ledger_kind kind)
{
	return kind == BATON_LEDGER_KERNEL || kind == BATON_LEDGER_MESSAGES;
}

/* Of what is large, fewer. */
static void
set_grains(void)
{
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++) {
		if (is_bytes(kind))
			ledger_grains[kind] = 16384;
		else if (kind == BATON_LEDGER_RESIDENT)
			ledger_grains[kind] = 64;
		else if (ledger_weights[kind] <= 512)
			ledger_grains[kind] = 8;
		else
			ledger_grains[kind] = 1 + 4096 / ledger_weights[kind];
	}
}

/* ---- life ---- */

static struct ledger *
ledger_alloc(struct ledger *parent, uint64_t task_id)
{
	struct ledger *ledger = zone_alloc_zeroed(&ledger_zone);

	if (ledger == NULL)
		return NULL;
	atomic_init(&ledger->refs, 1);
	ledger->parent = ledger_get(parent);
	ledger->depth = parent != NULL ? parent->depth + 1 : 0;
	ledger->task_id = task_id;
	return ledger;
}

/* One that has all that it may have from the start. */
static void
endow(struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	ledger->line[kind].limit = count;
	ledger->line[kind].part = count;
	ledger->line[kind].reserve = count;
}

struct ledger *
ledger_create_root(uint64_t pages)
{
	uint64_t all = pages << PAGE_SHIFT;
	uint64_t dead = all / DEAD_SHARE;
	uint64_t kernel = all / KERNEL_SHARE;
	struct ledger *root = ledger_alloc(NULL, 0);

	set_grains();
	if (dead_ports == NULL)
		dead_ports = ledger_alloc(NULL, 0);
	if (root == NULL || dead_ports == NULL)
		return NULL;
	endow(dead_ports, BATON_LEDGER_KERNEL, dead);
	endow(dead_ports, BATON_LEDGER_PORTS, dead);
	endow(root, BATON_LEDGER_KERNEL, kernel);
	endow(root, BATON_LEDGER_MESSAGES, all / MESSAGES_SHARE);
	endow(root, BATON_LEDGER_PAGE_TABLES, pages / TABLES_SHARE);
	endow(root, BATON_LEDGER_RESIDENT, RESIDENT(pages));
	endow(root, BATON_LEDGER_WIRED, WIRED(pages));
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
		if (ledger_weights[kind] != 0)
			endow(root, kind,
			    ONE_KIND(kernel) / ledger_weights[kind]);
	return root;
}

struct ledger *
ledger_create(struct ledger *parent, uint64_t task_id)
{
	struct ledger *above = parent;
	struct ledger *ledger;

	if (parent->depth >= LEDGER_DEPTH_MAX)
		above = parent->parent;
	ledger = ledger_alloc(above, task_id);
	if (ledger == NULL)
		return NULL;
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++) {
		uint64_t limit = parent->line[kind].limit;
		unsigned share = kind == BATON_LEDGER_RESIDENT ? 16 : 8;

		/* A brother's limit, so far down, is as good as a parent's. */
		if (above == parent)
			limit -= limit / share;
		ledger->line[kind].limit = limit;
	}
	return ledger;
}

/* @count of @line's part go back to the parent. */
static void
give_back(struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	atomic_fetch_sub_explicit(
	    &ledger->parent->line[kind].children, count, memory_order_relaxed);
	ledger_credit_line(ledger->parent, kind, count);
}

void
ledger_free(struct ledger *ledger)
{
	struct ledger *parent = ledger->parent;

	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++) {
		struct ledger_line *line = &ledger->line[kind];

		KASSERT(line->use == 0);
		KASSERT(line->children == 0);
		if (parent != NULL && line->part > 0)
			give_back(ledger, kind, line->part);
	}
	zone_free(&ledger_zone, ledger);
	ledger_put(parent); /* no deeper than LEDGER_DEPTH_MAX */
}

/* ---- parts ---- */

/* Let @count of the parent's part become @ledger's. */
static bool
take_from_parent(
    struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	/* No deeper than LEDGER_DEPTH_MAX. */
	if (!ledger_charge_line(ledger->parent, kind, count))
		return false;
	atomic_fetch_add_explicit(
	    &ledger->parent->line[kind].children, count, memory_order_relaxed);
	return true;
}

/* @part becomes larger by @count, unless it is not @part any more. */
static bool
enlarge(struct ledger *ledger, enum baton_ledger_kind kind, uint64_t part,
    uint64_t count)
{
	if (!take_from_parent(ledger, kind, count))
		return false;
	if (!atomic_compare_exchange_strong(
		&ledger->line[kind].part, &part, part + count))
		give_back(ledger, kind, count);
	return true;
}

/* Give up the charge that is kept for a port; false: there is none. */
static bool
give_up_kept(struct ledger *ledger)
{
	if (!ledger_take_kept(ledger))
		return false;
	ledger_credit(ledger, BATON_LEDGER_PORTS, 1);
	return true;
}

/* What is left of @kind does not suffice for what is needed: is there more
 * without the one that is kept? */
static bool
find_room(struct ledger *ledger, enum baton_ledger_kind kind)
{
	return (kind == BATON_LEDGER_PORTS || kind == BATON_LEDGER_KERNEL) &&
	       give_up_kept(ledger);
}

bool
ledger_grow(struct ledger *ledger, enum baton_ledger_kind kind, uint64_t count)
{
	struct ledger_line *line = &ledger->line[kind];

	for (;;) {
		uint64_t use = atomic_load(&line->use);
		uint64_t part = atomic_load(&line->part);
		uint64_t limit = atomic_load(&line->limit);
		uint64_t most = ledger_grains[kind];
		uint64_t more = max_u64(part / 2, most / 4);

		if (use <= part)
			return true;
		if (use <= limit && ledger->parent != NULL) {
			more = min_u64(
			    use - part + min_u64(more, most), limit - part);
			if (enlarge(ledger, kind, part, more) ||
			    enlarge(ledger, kind, part, use - part))
				continue;
		}
		if (!find_room(ledger, kind))
			break;
	}
	atomic_fetch_sub_explicit(&line->use, count, memory_order_relaxed);
	return false;
}

/* It turned out that up to @count of what was given up are needed: have back
 * what the limit allows.  What was not taken. */
static uint64_t
take_back(struct ledger_line *line, uint64_t count)
{
	uint64_t part = atomic_load(&line->part);
	uint64_t limit, more;

	do {
		limit = atomic_load(&line->limit);
		more = min_u64(count, limit > part ? limit - part : 0);
	} while (
	    !atomic_compare_exchange_weak(&line->part, &part, part + more));
	return count - more;
}

/* Let the part be no more than @keep, which is no less than what is used. */
static void
trim(struct ledger *ledger, enum baton_ledger_kind kind, uint64_t keep)
{
	struct ledger_line *line = &ledger->line[kind];
	uint64_t part = atomic_load(&line->part);
	uint64_t less;

	if (ledger->parent == NULL || keep >= part ||
	    !atomic_compare_exchange_strong(&line->part, &part, keep))
		return;
	less = part - keep;
	/* pairs with the addition in ledger_charge_line() */
	atomic_thread_fence(memory_order_seq_cst);
	if (unlikely(atomic_load(&line->use) > keep))
		less = take_back(line, less);
	if (less > 0)
		give_back(ledger, kind, less);
}

void
ledger_shrink(struct ledger *ledger, enum baton_ledger_kind kind)
{
	struct ledger_line *line = &ledger->line[kind];
	uint64_t use = atomic_load(&line->use);

	trim(ledger, kind,
	    max_u64(use + ledger_grains[kind], atomic_load(&line->reserve)));
}

void
ledger_leave(struct ledger *ledger)
{
	/* Who is last takes all of it away. */
	if (atomic_load(&ledger->refs) > 1) {
		for (unsigned kind = 0; kind < LEDGER_KINDS; kind++) {
			struct ledger_line *line = &ledger->line[kind];

			atomic_store(&line->reserve, 0);
			trim(ledger, kind, atomic_load(&line->use));
		}
	}
	ledger_put(ledger);
}

/* ---- ports that died ---- */

struct ledger *
ledger_bury_port(struct ledger *ledger)
{
	if (ledger == NULL || ledger == dead_ports ||
	    !ledger_hold(dead_ports, BATON_LEDGER_PORTS, 1))
		return ledger;
	ledger_release(ledger, BATON_LEDGER_PORTS, 1);
	return dead_ports;
}

/* ---- what people may say, and see ---- */

static bool
is_above(const struct ledger *caller, const struct ledger *ledger)
{
	do
		ledger = ledger->parent;
	while (ledger != NULL && ledger != caller);
	return ledger != NULL;
}

/* Let the part be @reserve at least.  False: the parent has not so much. */
static bool
set_aside(struct ledger *ledger, enum baton_ledger_kind kind, uint64_t reserve)
{
	struct ledger_line *line = &ledger->line[kind];
	uint64_t part;

	while ((part = atomic_load(&line->part)) < reserve)
		if (!enlarge(ledger, kind, part, reserve - part))
			return false;
	return true;
}

kern_return_t
ledger_set(struct ledger *ledger, const struct ledger *caller,
    enum baton_ledger_kind kind, uint64_t limit, uint64_t reserve)
{
	struct ledger_line *line;
	uint64_t before;

	if ((unsigned)kind >= LEDGER_KINDS || reserve > limit)
		return KERN_INVALID_ARGUMENT;
	line = &ledger->line[kind];
	if (reserve > RESERVE_MAX)
		return KERN_RESOURCE_SHORTAGE;
	before = atomic_load(&line->reserve);
	if ((limit > atomic_load(&line->limit) || reserve > before) &&
	    !is_above(caller, ledger))
		return KERN_NO_ACCESS;
	(void)give_up_kept(ledger);
	/* First of all, so that what is set aside stays there. */
	atomic_store(&line->reserve, reserve);
	if (ledger->parent != NULL && !set_aside(ledger, kind, reserve)) {
		atomic_store(&line->reserve, before);
		return KERN_RESOURCE_SHORTAGE;
	}
	atomic_store(&line->limit, limit);
	if (ledger->parent == NULL)
		atomic_store(&line->part, limit);
	else if (atomic_load(&line->part) > limit)
		trim(ledger, kind, max_u64(atomic_load(&line->use), reserve));
	return KERN_SUCCESS;
}

/* Without charges under way that fail, and one that is kept for a port. */
static uint64_t
use_of(const struct ledger *ledger, enum baton_ledger_kind kind)
{
	const struct ledger_line *line = &ledger->line[kind];
	uint64_t use =
	    min_u64(atomic_load(&line->use), atomic_load(&line->part));
	uint64_t kept = atomic_load(&ledger->kept);

	if (kind == BATON_LEDGER_KERNEL)
		kept *= ledger_weights[BATON_LEDGER_PORTS];
	else if (kind != BATON_LEDGER_PORTS)
		kept = 0;
	return use - min_u64(use, kept);
}

void
ledger_info(const struct ledger *ledger, struct baton_ledger_info *info)
{
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++) {
		info->kind[kind].use = use_of(ledger, kind);
		info->kind[kind].limit = ledger->line[kind].limit;
	}
}

void
ledger_report(const struct ledger *ledger, struct baton_ledger_report *report)
{
	report->task = ledger->task_id;
	report->parent = ledger->parent != NULL ? ledger->parent->task_id : 0;
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++) {
		const struct ledger_line *line = &ledger->line[kind];

		report->kind[kind] = (struct baton_ledger_line){
		    .use = use_of(ledger, kind),
		    .limit = line->limit,
		    .children = line->children,
		};
	}
}
