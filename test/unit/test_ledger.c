/*
 * test/unit/test_ledger.c: the tree of ledgers: limits are kept, parts come
 * back, and harts do not trouble each other.
 *
 * Sources: kernel/ledger.c
 * Libraries: pthread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "kernel/ledger.h"
#include "kernel/zone.h"

#define PAGES 10000UL
#define KIND  BATON_LEDGER_PORTS
#define SIZE  320

static unsigned alive;
static bool no_memory;

void
zone_init(struct zone *zone, const char *name, size_t size, size_t alignment)
{
	(void)alignment;
	*zone = (struct zone){.name = name, .size = (uint32_t)size};
}

void *
zone_alloc_zeroed(struct zone *zone)
{
	if (no_memory)
		return NULL;
	alive++;
	return calloc(1, zone->size);
}

void
zone_free(struct zone *zone, void *object)
{
	(void)zone;
	alive--;
	free(object);
}

/* The root of each test; its ledger for dead ports stays. */
static struct ledger *
new_root(void)
{
	struct ledger *root;

	root = ledger_create_root(PAGES);
	assert_non_null(root);
	return root;
}

static uint64_t
use(const struct ledger *ledger, enum baton_ledger_kind kind)
{
	return ledger->line[kind].use;
}

/* Nothing is charged to it, and nobody has a part of it. */
static void
assert_unused(const struct ledger *ledger)
{
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++) {
		assert_int_equal(ledger->line[kind].use, 0);
		assert_int_equal(ledger->line[kind].children, 0);
	}
}

/* A task goes, and an object of its still has something: no more than that
 * stays charged, whatever was set aside. */
static void
test_leave(void **state)
{
	struct ledger *root = new_root();
	struct ledger *child = ledger_create(root, 7);

	(void)state;
	assert_int_equal(ledger_set(child, root, KIND, 100, 50), KERN_SUCCESS);
	assert_true(ledger_hold(child, KIND, 3));
	assert_true(ledger_charge(child, KIND, 20));
	ledger_credit(child, KIND, 20);
	assert_true(root->line[KIND].children >= 50);
	ledger_leave(child);
	assert_int_equal(root->line[KIND].children, 3);
	assert_int_equal(use(child, KIND), 3);
	ledger_release(child, KIND, 3);
	assert_unused(root);
	ledger_put(root);
}

static void
test_limit(void **state)
{
	struct ledger *root = new_root();
	struct ledger *child = ledger_create(root, 7);

	(void)state;
	assert_int_equal(ledger_set(child, root, KIND, 100, 0), KERN_SUCCESS);
	for (int i = 0; i < 100; i++)
		assert_true(ledger_charge(child, KIND, 1));
	for (int i = 0; i < 10; i++)
		assert_false(ledger_charge(child, KIND, 1));
	assert_int_equal(use(child, KIND), 100);
	assert_int_equal(use(child, BATON_LEDGER_KERNEL), 100 * SIZE);
	assert_int_equal(use(root, KIND), 100);
	ledger_credit(child, KIND, 60);
	assert_false(ledger_charge(child, KIND, 61));
	assert_true(ledger_charge(child, KIND, 60));
	ledger_credit(child, KIND, 100);
	ledger_put(child);
	assert_unused(root);
	ledger_put(root);
}

/* What the kernel's memory in all does not allow, no kind does. */
static void
test_kernel_memory(void **state)
{
	struct ledger *root = new_root();
	struct ledger *child = ledger_create(root, 7);

	(void)state;
	assert_int_equal(
	    ledger_set(child, root, BATON_LEDGER_KERNEL, 10 * SIZE, 0),
	    KERN_SUCCESS);
	assert_true(ledger_charge(child, KIND, 10));
	assert_false(ledger_charge(child, KIND, 1));
	assert_int_equal(use(child, KIND), 10);
	assert_int_equal(use(child, BATON_LEDGER_KERNEL), 10 * SIZE);
	ledger_credit(child, KIND, 10);
	ledger_put(child);
	assert_unused(root);
	ledger_put(root);
}

static void
test_family(void **state)
{
	struct ledger *root = new_root();
	struct ledger *parent = ledger_create(root, 7);
	struct ledger *child = ledger_create(parent, 8);

	(void)state;
	assert_int_equal(ledger_set(parent, root, KIND, 50, 0), KERN_SUCCESS);
	assert_int_equal(
	    ledger_set(child, child, KIND, 60000, 0), KERN_NO_ACCESS);
	assert_int_equal(
	    ledger_set(child, parent, KIND, 60000, 0), KERN_SUCCESS);
	assert_true(ledger_charge(parent, KIND, 20));
	assert_true(ledger_hold(child, KIND, 30));
	assert_false(ledger_charge(child, KIND, 1));
	assert_false(ledger_charge(parent, KIND, 1));
	ledger_put(child); /* its task is gone, what it had is not */
	assert_false(ledger_charge(parent, KIND, 1));
	ledger_release(child, KIND, 30);
	assert_int_equal(use(parent, KIND), 20);
	assert_true(ledger_charge(parent, KIND, 30));
	ledger_credit(parent, KIND, 50);
	ledger_put(parent);
	assert_unused(root);
	ledger_put(root);
}

static void
test_reserve(void **state)
{
	struct ledger *root = new_root();
	struct ledger *greedy = ledger_create(root, 7);
	struct ledger *child = ledger_create(root, 8);
	uint64_t all = root->line[KIND].limit, taken = 0;

	(void)state;
	assert_int_equal(
	    ledger_set(child, root, KIND, all, all / 2), KERN_SUCCESS);
	assert_int_equal(ledger_set(child, root, KIND, all + 1, all + 1),
	    KERN_RESOURCE_SHORTAGE);
	assert_int_equal(ledger_set(child, root, KIND, UINT64_MAX, UINT64_MAX),
	    KERN_RESOURCE_SHORTAGE);
	assert_int_equal(
	    ledger_set(child, root, KIND, 5, 6), KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    ledger_set(child, root, LEDGER_KINDS, 5, 5), KERN_INVALID_ARGUMENT);
	while (ledger_charge_line(greedy, KIND, 1))
		taken++;
	assert_true(taken <= all - all / 2 && taken > all / 2 - 2);
	assert_true(ledger_charge_line(child, KIND, all / 2));
	ledger_credit_line(child, KIND, all / 2);
	ledger_credit_line(greedy, KIND, taken);
	ledger_put(child);
	ledger_put(greedy);
	assert_unused(root);
	ledger_put(root);
}

/* A row of tasks, each made of the one before, as long as one likes. */
static void
test_depth(void **state)
{
	struct ledger *root = new_root(), *last = ledger_get(root), *next;
	unsigned before = alive;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		next = ledger_create(last, i);
		assert_true(next->depth <= LEDGER_DEPTH_MAX + 1);
		assert_true(ledger_charge(next, KIND, 1));
		ledger_credit(next, KIND, 1);
		ledger_put(last);
		last = next;
	}
	assert_true(last->line[KIND].limit > 10);
	ledger_put(last);
	assert_int_equal(alive, before);
	no_memory = true;
	assert_null(ledger_create(root, 1));
	no_memory = false;
	assert_unused(root);
	ledger_put(root);
}

/* ---- several harts ---- */

#define THREADS 4
#define STEPS	200000

static struct ledger *shared[3]; /* a parent, and two children */

static void *
run(void *argument)
{
	uint64_t state = (uintptr_t)argument, held[3] = {0};

	for (int i = 0; i < STEPS; i++) {
		unsigned at, count;

		state = state * 6364136223846793005UL + 1442695040888963407UL;
		at = (unsigned)(state >> 33) % 3;
		count = 1 + (unsigned)(state >> 40) % 20;
		if (state >> 63) {
			if (ledger_charge(shared[at], KIND, count))
				held[at] += count;
		} else if (held[at] >= count) {
			ledger_credit(shared[at], KIND, count);
			held[at] -= count;
		}
	}
	for (int at = 0; at < 3; at++)
		if (held[at] > 0)
			ledger_credit(shared[at], KIND, held[at]);
	return NULL;
}

static void
test_harts(void **state)
{
	struct ledger *root = new_root();
	pthread_t threads[THREADS];

	(void)state;
	shared[0] = ledger_create(root, 1);
	shared[1] = ledger_create(shared[0], 2);
	shared[2] = ledger_create(shared[0], 3);
	assert_int_equal(
	    ledger_set(shared[0], root, KIND, 500, 0), KERN_SUCCESS);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, run, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 2; i >= 0; i--) {
		assert_int_equal(use(shared[i], KIND), 0);
		assert_true(
		    shared[i]->line[KIND].part <= shared[i]->line[KIND].limit);
		ledger_put(shared[i]);
	}
	assert_unused(root);
	ledger_put(root);
}

static int
start(void **state)
{
	(void)state;
	ledger_init();
	ledger_weigh(KIND, SIZE);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_kernel_memory),
	    cmocka_unit_test(test_family),
	    cmocka_unit_test(test_reserve),
	    cmocka_unit_test(test_leave),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_harts),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
