/*
 * test/unit/test_fdt_damage.c: the device-tree reader on blobs that are wrong:
 * by design, cut short, and damaged in the same hundred thousand ways at every
 * run.
 *
 * Sources: drivers/fdt.c drivers/fdt_find.c drivers/fdt_bus.c drivers/machine.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dts/bus_tree.h"

enum {
	SMALL_MUTATIONS = 100000, /* of bus.dts and memory.dts, together */
	BOARD_MUTATIONS = 100,	  /* of each board's tree */
};

static void
store_cell(uint8_t *bytes, size_t offset, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(bytes + offset, &value, sizeof(value));
}

/* Open a copy of @tree's blob with one header word changed. */
static enum fdt_status
open_with(const struct bus_tree *tree, size_t offset, uint32_t value)
{
	struct blob copy = blob_copy(tree->blob.bytes, tree->blob.size);
	enum fdt_status status;
	struct fdt fdt;

	store_cell(copy.bytes, offset, value);
	status = fdt_open(&fdt, copy.bytes, copy.size);
	free(copy.bytes);
	return status;
}

static void
headers_are_checked(void **state)
{
	const struct bus_tree *tree = *state;
	uint32_t size;

	bus_tree(state);
	size = (uint32_t)tree->blob.size;
	assert_int_equal(open_with(tree, 0, 0xd00dfeee), FDT_BAD_MAGIC);
	assert_int_equal(open_with(tree, 4, size + 1), FDT_BAD_SIZE);
	assert_int_equal(open_with(tree, 4, 39), FDT_BAD_SIZE);
	assert_int_equal(open_with(tree, 4, UINT32_MAX), FDT_BAD_SIZE);
	assert_int_equal(open_with(tree, 8, size), FDT_BAD_SIZE);
	assert_int_equal(open_with(tree, 8, UINT32_MAX - 3), FDT_BAD_SIZE);
	assert_int_equal(open_with(tree, 8, 58), FDT_BAD_ALIGNMENT);
	assert_int_equal(open_with(tree, 12, size - 1), FDT_BAD_SIZE);
	assert_int_equal(open_with(tree, 16, (size & ~3U) - 4), FDT_BAD_SIZE);
	assert_int_equal(open_with(tree, 16, UINT32_MAX - 3), FDT_BAD_SIZE);
	assert_int_equal(open_with(tree, 16, 42), FDT_BAD_ALIGNMENT);
	assert_int_equal(open_with(tree, 20, 16), FDT_BAD_VERSION);
	assert_int_equal(open_with(tree, 24, 18), FDT_BAD_VERSION);
	assert_int_equal(open_with(tree, 32, size), FDT_BAD_SIZE);
	assert_int_equal(open_with(tree, 32, 0), FDT_BAD_STRUCTURE);
	assert_int_equal(open_with(tree, 36, UINT32_MAX), FDT_BAD_SIZE);
	assert_int_equal(open_with(tree, 36, 0), FDT_BAD_STRUCTURE);
}

static void
blobs_may_begin_anywhere(void **state)
{
	const struct bus_tree *tree = *state;
	uint8_t *bytes;
	size_t offset;

	bus_tree(state);
	bytes = malloc(tree->blob.size + 8);
	for (offset = 1; offset < 8; offset++) {
		memcpy(bytes + offset, tree->blob.bytes, tree->blob.size);
		assert_true(explore_blob(bytes + offset, tree->blob.size));
	}
	free(bytes);
}

/* A blob whose structure block is @count @cells, made for one test. */
static enum fdt_status
open_structure(const uint32_t *cells, uint32_t count)
{
	const uint32_t header[] = {
	    0xd00dfeed, 64 + 4 * count, 64, 56, 40, 17, 16, 0, 8, 4 * count};
	uint8_t *bytes = calloc(1, 64 + 4 * count);
	enum fdt_status status;
	struct fdt fdt;
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(header); i++)
		store_cell(bytes, 4 * i, header[i]);
	bytes[56] = 'p';
	for (i = 0; i < count; i++)
		store_cell(bytes, 64 + 4 * i, cells[i]);
	status = fdt_open(&fdt, bytes, 64 + 4 * count);
	if (status == FDT_OK)
		explore_tree(&fdt);
	free(bytes);
	return status;
}

#define OPEN(...)                                                              \
	open_structure((const uint32_t[]){__VA_ARGS__},                        \
	    sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void
structures_are_checked(void **state)
{
	enum {
		BEGIN = 1,
		END = 2,
		PROP = 3,
		NOP = 4,
		FINISH = 9
	};

	(void)state;
	assert_int_equal(OPEN(BEGIN, 0, END, FINISH), FDT_OK);
	assert_int_equal(OPEN(BEGIN, 0, PROP, 0, 0, END, FINISH), FDT_OK);
	assert_int_equal(
	    OPEN(BEGIN, 0, NOP, PROP, 3, 0, 0, NOP, END, NOP, FINISH, 77),
	    FDT_OK);
	assert_int_equal(
	    OPEN(BEGIN, 0, BEGIN, 0x61000000, END, END, FINISH), FDT_OK);

	assert_int_equal(OPEN(FINISH), FDT_BAD_STRUCTURE);
	assert_int_equal(OPEN(NOP, BEGIN, 0, END, FINISH), FDT_BAD_STRUCTURE);
	assert_int_equal(OPEN(END, FINISH), FDT_BAD_STRUCTURE);
	assert_int_equal(OPEN(BEGIN, 0, FINISH), FDT_BAD_STRUCTURE);
	assert_int_equal(OPEN(BEGIN, 0, END), FDT_BAD_STRUCTURE);
	assert_int_equal(OPEN(BEGIN, 0, END, END, FINISH), FDT_BAD_STRUCTURE);
	assert_int_equal(
	    OPEN(BEGIN, 0, END, PROP, 0, 0, FINISH), FDT_BAD_STRUCTURE);
	/* two roots */
	assert_int_equal(
	    OPEN(BEGIN, 0, END, BEGIN, 0, END, FINISH), FDT_BAD_STRUCTURE);
	/* a property after a subnode */
	assert_int_equal(OPEN(BEGIN, 0, BEGIN, 0, END, PROP, 0, 0, END, FINISH),
	    FDT_BAD_STRUCTURE);
	/* names and data that do not end in the block */
	assert_int_equal(OPEN(BEGIN, 0x61616161), FDT_BAD_STRUCTURE);
	assert_int_equal(
	    OPEN(BEGIN, 0, PROP, 0, 8, END, FINISH), FDT_BAD_STRUCTURE);
	assert_int_equal(
	    OPEN(BEGIN, 0, PROP, 9, 0, END, FINISH), FDT_BAD_STRUCTURE);
	assert_int_equal(OPEN(BEGIN, 0, PROP, UINT32_MAX, 0, END, FINISH),
	    FDT_BAD_STRUCTURE);
	assert_int_equal(OPEN(BEGIN, 0, PROP, 0), FDT_BAD_STRUCTURE);
	assert_int_equal(OPEN(BEGIN, 0, 5, END, FINISH), FDT_BAD_STRUCTURE);
}

static void
depth_is_limited(void **state)
{
	uint32_t cells[3 * (FDT_DEPTH_MAX + 1) + 1];
	uint32_t depth, i, count;

	(void)state;
	for (depth = FDT_DEPTH_MAX; depth <= FDT_DEPTH_MAX + 1; depth++) {
		count = 0;
		for (i = 0; i < depth; i++) {
			cells[count++] = 1;
			cells[count++] = 0;
		}
		for (i = 0; i < depth; i++)
			cells[count++] = 2;
		cells[count++] = 9;
		assert_int_equal(open_structure(cells, count),
		    depth <= FDT_DEPTH_MAX ? FDT_OK : FDT_TOO_DEEP);
	}
}

static void
any_number_may_be_given_as_a_node(void **state)
{
	const struct fdt *fdt = bus_tree(state);
	uint32_t i;

	for (i = 0; i < fdt->structs_size + 8; i++)
		explore_node(fdt, (fdt_node_t)i);
	explore_node(fdt, FDT_NONE);
	explore_node(fdt, INT32_MAX);
	explore_node(fdt, INT32_MAX - 3);
	explore_node(fdt, INT32_MIN);
	assert_false(fdt_is_compatible(fdt, FDT_NONE, "x"));
}

static void
truncated_blobs_are_refused(void **state)
{
	const struct bus_tree *tree = *state;
	struct blob part;
	size_t size;

	bus_tree(state);
	for (size = 0; size < tree->blob.size; size++) {
		part = blob_copy(tree->blob.bytes, size);
		assert_false(explore_blob(part.bytes, size));
		/* the same with a header that claims no more than there is */
		if (size >= FDT_HEADER_SIZE) {
			store_cell(part.bytes, 4, (uint32_t)size);
			assert_false(explore_blob(part.bytes, size));
		}
		free(part.bytes);
	}
}

/* ---- mutations: the same ones at every run ---- */

static uint32_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(*seed >> 33);
}

/* A cell that reader code might stumble over. */
static uint32_t
tempting_cell(uint64_t *seed, size_t size)
{
	static const uint32_t cells[] = {0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 40,
	    0xff, 0x1000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffc,
	    0xffffffff, 0xd00dfeed};
	uint32_t choice = next_random(seed) % (ARRAY_SIZE(cells) + 2);

	if (choice < ARRAY_SIZE(cells))
		return cells[choice];
	return (uint32_t)size - (next_random(seed) & 0x3f);
}

/*
 * Offsets of the cells that may hold anything without the tree ceasing to be
 * one: names and data of properties.
 */
struct soft_cells {
	uint32_t offsets[16384];
	uint32_t count;
};

static void
find_soft_cells(const struct blob *blob, struct soft_cells *soft)
{
	struct fdt_prop prop;
	fdt_node_t node;
	struct fdt fdt;
	uint32_t i, at, end;

	soft->count = 0;
	assert_int_equal(fdt_open(&fdt, blob->bytes, blob->size), FDT_OK);
	for (node = FDT_ROOT; node != FDT_NONE; node = fdt_next(&fdt, node))
		for (i = 0; fdt_get_index(&fdt, node, i, &prop); i++) {
			at = (uint32_t)(prop.data - blob->bytes);
			end = at + prop.size;
			for (at -= 4; at + 4 <= end; at += 4)
				soft->offsets[soft->count++] = at;
			assert_true(soft->count < 12000);
		}
}

static void
mutate_soft(
    uint8_t *bytes, size_t size, const struct soft_cells *soft, uint64_t *seed)
{
	uint32_t at = soft->offsets[next_random(seed) % soft->count];
	uint32_t from = soft->offsets[next_random(seed) % soft->count];

	if (next_random(seed) % 2 == 0)
		store_cell(bytes, at, tempting_cell(seed, size));
	else
		memcpy(bytes + at, bytes + from, 4);
}

static void
mutate_anywhere(uint8_t *bytes, size_t size, uint64_t *seed)
{
	size_t from = next_random(seed) % (size / 4) * 4;
	size_t at = next_random(seed) % (size / 4) * 4;

	switch (next_random(seed) % 5) {
	case 0:
		bytes[next_random(seed) % size] = (uint8_t)next_random(seed);
		break;
	case 1:
		bytes[at] ^= (uint8_t)(1 << next_random(seed) % 8);
		break;
	case 2:
		store_cell(bytes, at, tempting_cell(seed, size));
		break;
	case 3: /* the header, which random places rarely hit */
		store_cell(bytes, next_random(seed) % 10 * 4,
		    tempting_cell(seed, size));
		break;
	case 4: /* tokens in the wrong place */
		memmove(bytes + at, bytes + from,
		    min_u64(min_u64(size - at, size - from),
			next_random(seed) % 64 * 4));
		break;
	}
}

/* Explore @count blobs that differ from @blob in one to four things. */
static uint32_t
explore_mutations(struct blob blob, uint32_t count, uint64_t seed)
{
	static struct soft_cells soft;
	uint8_t *bytes = malloc(blob.size);
	uint32_t readable = 0;
	uint32_t changes;

	find_soft_cells(&blob, &soft);
	while (count-- > 0) {
		memcpy(bytes, blob.bytes, blob.size);
		for (changes = 1 + next_random(&seed) % 4; changes > 0;
		     changes--)
			if (next_random(&seed) % 4 > 0)
				mutate_soft(bytes, blob.size, &soft, &seed);
			else
				mutate_anywhere(bytes, blob.size, &seed);
		readable += explore_blob(bytes, blob.size);
	}
	free(bytes);
	return readable;
}

static void
damaged_blobs_do_no_harm(void **state)
{
	static const char *const sources[] = {"bus", "memory"};
	struct blob blob;
	uint32_t readable;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		blob = blob_from_source(sources[i]);
		if (blob.bytes == NULL)
			continue;
		readable = explore_mutations(
		    blob, SMALL_MUTATIONS / ARRAY_SIZE(sources), i);
		free(blob.bytes);
		/* Damage that is always noticed at once would test little. */
		assert_true(readable > SMALL_MUTATIONS / 8);
	}
	for (i = 0; i < ARRAY_SIZE(board_names); i++) {
		blob = blob_from_board(board_names[i]);
		if (blob.bytes != NULL)
			explore_mutations(blob, BOARD_MUTATIONS, i);
		free(blob.bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers_are_checked),
	    cmocka_unit_test(blobs_may_begin_anywhere),
	    cmocka_unit_test(structures_are_checked),
	    cmocka_unit_test(depth_is_limited),
	    cmocka_unit_test(any_number_may_be_given_as_a_node),
	    cmocka_unit_test(truncated_blobs_are_refused),
	    cmocka_unit_test(damaged_blobs_do_no_harm),
	};

	return cmocka_run_group_tests(tests, open_bus_tree, close_bus_tree);
}
