/*
 * test/unit/test_fence_truth.c: the questions about fences, put to harts that
 * tell the truth and to such that do not.
 *
 * The hart here has one page and one superpage, and a TLB that forgets nothing
 * unless it is told to, as far as its faults let it hear.
 *
 * Sources: arch/riscv64/fence_truth.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "arch/riscv64/fence_truth.h"

/* What is wrong with the hart. */
static struct {
	bool full;	/* sfence.vma drops nothing */
	bool page;	/* by address, a page stays */
	bool far;	/* by another address in it, a superpage stays */
	bool asid;	/* translations do not say whose they are */
	bool forgetful; /* nothing is ever kept: all is well */
	bool keeps_absent, keeps_rights, walks_late;
} fault;

struct view {
	enum fence_view seen;
	bool write;
};

struct held {
	bool valid;
	unsigned asid;
	struct view view;
};

enum {
	PAGE,
	SUPERPAGE,
	ENTRIES
};

static struct view tables[ENTRIES];
static struct view late[ENTRIES]; /* as a walk sees them */
static struct held tlb[ENTRIES][3];
static unsigned asid;

static void
enter(unsigned number)
{
	asid = number;
}

static unsigned
entry_of(enum fence_place place)
{
	return place == FENCE_PAGE ? PAGE : SUPERPAGE;
}

static void
settle_stores(void)
{
	memcpy(late, tables, sizeof(late));
}

static void
set(enum fence_place place, enum fence_view view, bool write)
{
	settle_stores();
	tables[entry_of(place)] = (struct view){view, write};
	if (!fault.walks_late)
		settle_stores();
}

static void
fence_all(void)
{
	settle_stores();
	if (!fault.full)
		memset(tlb, 0, sizeof(tlb));
}

static void
fence_at(enum fence_place place)
{
	settle_stores();
	if (place == FENCE_PAGE && fault.page)
		return;
	if (place == FENCE_SUPERPAGE_FAR && fault.far)
		return;
	memset(tlb[entry_of(place)], 0, sizeof(tlb[0]));
}

static struct view
translate(enum fence_place place)
{
	unsigned entry = entry_of(place);
	struct held *held = &tlb[entry][fault.asid ? 0 : asid];

	if (held->valid)
		return held->view;
	held->view = late[entry];
	settle_stores();
	held->valid = !fault.forgetful &&
		      (held->view.seen != FENCE_NOTHING || fault.keeps_absent);
	return held->view;
}

static enum fence_view
look(enum fence_place place)
{
	return translate(place).seen;
}

static bool
write_page(void)
{
	struct view view = translate(FENCE_PAGE);

	if (view.seen != FENCE_NOTHING && view.write)
		return true;
	if (!fault.keeps_rights)
		tlb[PAGE][fault.asid ? 0 : asid].valid = false;
	return translate(FENCE_PAGE).write;
}

static const struct fence_machine hart = {
    .has_asids = true,
    .has_superpage = true,
    .enter = enter,
    .set = set,
    .fence_all = fence_all,
    .fence_at = fence_at,
    .look = look,
    .write = write_page,
};

static struct fence_truth
ask(const struct fence_machine *machine)
{
	struct fence_truth truth;

	memset(tables, 0, sizeof(tables));
	memset(late, 0, sizeof(late));
	memset(tlb, 0, sizeof(tlb));
	fence_truth_find(machine, &truth);
	memset(&fault, 0, sizeof(fault));
	return truth;
}

static void
test_true(void **state)
{
	struct fence_truth truth = ask(&hart);

	(void)state;
	assert_true(truth.full && truth.page && truth.superpage);
	assert_true(truth.retire);
	assert_false(truth.keeps_absent || truth.keeps_rights);
	assert_false(truth.walks_late);

	fault.forgetful = true;
	truth = ask(&hart);
	assert_true(truth.full && truth.page && truth.superpage);
	assert_true(truth.retire);
}

static void
test_liars(void **state)
{
	struct fence_truth truth;

	(void)state;
	fault.full = true;
	assert_false(ask(&hart).full);

	fault.page = true;
	truth = ask(&hart);
	assert_false(truth.page);
	assert_true(truth.full && truth.superpage && truth.retire);

	fault.far = true;
	truth = ask(&hart);
	assert_false(truth.superpage);
	assert_true(truth.full && truth.page && truth.retire);

	fault.asid = true;
	truth = ask(&hart);
	assert_false(truth.retire);
	assert_true(truth.full && truth.page && truth.superpage);
}

static void
test_habits(void **state)
{
	struct fence_truth truth;

	(void)state;
	fault.keeps_absent = true;
	truth = ask(&hart);
	assert_true(truth.keeps_absent && truth.full && truth.page);

	fault.keeps_rights = true;
	truth = ask(&hart);
	assert_true(truth.keeps_rights && !truth.keeps_absent);

	fault.walks_late = true;
	truth = ask(&hart);
	assert_true(truth.walks_late && !truth.keeps_absent && truth.full);
}

static void
test_less(void **state)
{
	struct fence_machine less = hart;
	struct fence_truth truth;

	(void)state;
	less.has_asids = false;
	less.has_superpage = false;
	truth = ask(&less);
	assert_true(truth.full && truth.page);
	assert_false(truth.retire || truth.superpage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_true),
	    cmocka_unit_test(test_liars),
	    cmocka_unit_test(test_habits),
	    cmocka_unit_test(test_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
