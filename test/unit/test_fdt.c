/*
 * test/unit/test_fdt.c: the device-tree reader.
 *
 * Trees of real boards, of QEMU's machines and of our own are compared with
 * what libfdt reads, node by node and property by property; bus.dts has the
 * answers that libfdt does not give.  Then the blobs are damaged.
 *
 * Sources: drivers/fdt.c drivers/fdt_find.c drivers/fdt_bus.c drivers/machine.c
 * Libraries: fdt
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libfdt.h>

#include "dts/blobs.h"
#include "dts/explore.h"

enum {
	SMALL_MUTATIONS = 100000, /* of bus.dts and memory.dts, together */
	BOARD_MUTATIONS = 100,	  /* of each board's tree */
};

/* ---- against libfdt ---- */

static void
compare_props(const struct fdt *fdt, const void *reference, int node)
{
	const char *name;
	struct fdt_prop prop;
	uint32_t count = 0;
	const void *data;
	int offset, size;

	fdt_for_each_property_offset(offset, reference, node)
	{
		data = fdt_getprop_by_offset(reference, offset, &name, &size);
		assert_true(fdt_get_index(fdt, node, count++, &prop));
		assert_string_equal(prop.name, name);
		assert_ptr_equal(prop.data, data);
		assert_int_equal(prop.size, size);
		assert_true(fdt_get(fdt, node, name, &prop));
		assert_ptr_equal(
		    prop.data, fdt_getprop(reference, node, name, &size));
		assert_int_equal(fdt_string_at(&prop, 0) != NULL,
		    fdt_stringlist_get(reference, node, name, 0, NULL) != NULL);
	}
	assert_false(fdt_get_index(fdt, node, count, &prop));
	assert_false(fdt_get(fdt, node, "no-such-property", &prop));
}

static void
compare_relatives(const struct fdt *fdt, const void *reference, int node)
{
	fdt_node_t path[FDT_DEPTH_MAX];
	int other;

	assert_int_equal(fdt_ancestors(fdt, node, path),
	    fdt_node_depth(reference, node) + 1);
	other = fdt_parent_offset(reference, node);
	assert_int_equal(fdt_parent(fdt, node), other < 0 ? FDT_NONE : other);
	other = fdt_first_subnode(reference, node);
	assert_int_equal(
	    fdt_first_child(fdt, node), other < 0 ? FDT_NONE : other);
	other = fdt_next_subnode(reference, node);
	assert_int_equal(
	    fdt_next_sibling(fdt, node), other < 0 ? FDT_NONE : other);
}

static void
compare_finding(const struct fdt *fdt, const void *reference, int node)
{
	char path[512], reference_path[512];
	uint32_t phandle = fdt_get_phandle(reference, node);
	const char *string;
	int i, count;

	assert_true(fdt_path(fdt, node, path, sizeof(path)));
	assert_int_equal(fdt_get_path(reference, node, reference_path,
			     sizeof(reference_path)),
	    0);
	assert_string_equal(path, reference_path);
	assert_int_equal(
	    fdt_find_path(fdt, path), fdt_path_offset(reference, path));
	if (phandle != 0)
		assert_int_equal(fdt_find_phandle(fdt, phandle), node);

	count = fdt_stringlist_count(reference, node, "compatible");
	for (i = 0; i < count; i++) {
		string =
		    fdt_stringlist_get(reference, node, "compatible", i, NULL);
		assert_true(fdt_is_compatible(fdt, node, string));
		assert_int_equal(fdt_find_compatible(fdt, FDT_NONE, string),
		    fdt_node_offset_by_compatible(reference, -1, string));
	}
	assert_false(fdt_is_compatible(fdt, node, "no-such-thing"));
}

static void
compare_reg(const struct fdt *fdt, const void *reference, int node)
{
	int bus = fdt_parent_offset(reference, node);
	const struct fdt_property *reg;
	struct fdt_range range;
	int address_cells, cells, size;

	reg = fdt_get_property(reference, node, "reg", &size);
	if (bus < 0 || reg == NULL)
		return;
	address_cells = fdt_address_cells(reference, bus);
	assert_int_equal(address_cells, fdt_bus_address_cells(fdt, bus));
	assert_int_equal(
	    fdt_size_cells(reference, bus), fdt_bus_size_cells(fdt, bus));
	cells = address_cells + fdt_size_cells(reference, bus);
	if (address_cells != 1 && address_cells != 2)
		return;
	if (size % (cells * 4) != 0)
		return;
	assert_int_equal(fdt_reg_untranslated(fdt, node, 0, &range), FDT_OK);
	assert_int_equal(range.start,
	    address_cells == 1 ? fdt32_ld((const fdt32_t *)reg->data)
			       : fdt64_ld((const fdt64_t *)reg->data));
}

/* Device types of the nodes in order, by search and by hand. */
static void
compare_types(const struct fdt *fdt, const void *reference, const char *type)
{
	fdt_node_t node = FDT_NONE;
	int other = -1;

	do {
		node = fdt_find_device_type(fdt, node, type);
		other = fdt_node_offset_by_prop_value(reference, other,
		    "device_type", type, (int)strlen(type) + 1);
		assert_int_equal(node, other < 0 ? FDT_NONE : other);
	} while (node != FDT_NONE);
}

static void
compare_reservations(const struct fdt *fdt, const void *reference)
{
	struct fdt_range range;
	uint64_t start, size;
	uint32_t i;

	assert_int_equal(fdt->reservation_count, fdt_num_mem_rsv(reference));
	for (i = 0; fdt_reservation(fdt, i, &range); i++) {
		fdt_get_mem_rsv(reference, (int)i, &start, &size);
		assert_int_equal(range.start, start);
		assert_int_equal(range.size, size);
	}
	assert_int_equal(i, fdt->reservation_count);
}

static void
compare(const struct blob *blob)
{
	const void *reference = blob->bytes;
	uint32_t count = 0;
	struct fdt fdt;
	fdt_node_t node;
	int other = 0;

	assert_int_equal(fdt_check_full(reference, blob->size), 0);
	assert_int_equal(fdt_open(&fdt, blob->bytes, blob->size), FDT_OK);
	assert_int_equal(fdt_blob_size(blob->bytes), fdt_totalsize(reference));
	for (node = FDT_ROOT; node != FDT_NONE; node = fdt_next(&fdt, node)) {
		assert_int_equal(node, other);
		assert_string_equal(
		    fdt_name(&fdt, node), fdt_get_name(reference, node, NULL));
		compare_props(&fdt, reference, node);
		compare_relatives(&fdt, reference, node);
		compare_finding(&fdt, reference, node);
		compare_reg(&fdt, reference, node);
		other = fdt_next_node(reference, node, NULL);
		count++;
	}
	assert_true(other < 0);
	assert_int_equal(count, fdt.node_count);
	compare_types(&fdt, reference, "cpu");
	compare_types(&fdt, reference, "memory");
	compare_reservations(&fdt, reference);
	explore_tree(&fdt);
}

/* Compare, and free; a tree that could not be had is left out. */
static void
compare_and_free(struct blob blob)
{
	if (blob.bytes != NULL)
		compare(&blob);
	free(blob.bytes);
}

static void
boards_read_as_libfdt_reads_them(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(board_names); i++)
		compare_and_free(blob_from_board(board_names[i]));
}

static void
qemu_reads_as_libfdt_reads_it(void **state)
{
	(void)state;
	compare_and_free(blob_from_qemu("virt", "-smp 1"));
	compare_and_free(blob_from_qemu("virt", "-smp 4"));
	compare_and_free(blob_from_qemu("virt", "-smp 8 -m 8G"));
	compare_and_free(blob_from_qemu("sifive_u", "-smp 5"));
	compare_and_free(blob_from_qemu("spike", "-smp 2"));
}

static void
sources_read_as_libfdt_reads_them(void **state)
{
	(void)state;
	compare_and_free(blob_from_source("bus"));
	compare_and_free(blob_from_source("memory"));
}

/* ---- bus.dts ---- */

struct bus_tree {
	struct blob blob;
	struct fdt fdt;
};

static int
open_bus_tree(void **state)
{
	struct bus_tree *tree = calloc(1, sizeof(*tree));

	if (tree == NULL)
		return -1;
	*state = tree;
	tree->blob = blob_from_source("bus");
	if (tree->blob.bytes == NULL)
		return 0;
	return fdt_open(&tree->fdt, tree->blob.bytes, tree->blob.size);
}

static int
close_bus_tree(void **state)
{
	struct bus_tree *tree = *state;

	free(tree->blob.bytes);
	free(tree);
	return 0;
}

static const struct fdt *
bus_tree(void **state)
{
	struct bus_tree *tree = *state;

	if (tree->blob.bytes == NULL)
		skip();
	return &tree->fdt;
}

/* What an answer was before the call, to see whether it was written. */
#define UNTOUCHED 0x5a5a5a5aUL

static void
expect_reg(const struct fdt *fdt, const char *path, uint32_t index,
    enum fdt_status status, uint64_t start, uint64_t size)
{
	struct fdt_range range = {UNTOUCHED, UNTOUCHED};
	fdt_node_t node = fdt_find_path(fdt, path);

	assert_int_not_equal(node, FDT_NONE);
	assert_int_equal(fdt_reg(fdt, node, index, &range), status);
	assert_int_equal(range.start, status == FDT_OK ? start : UNTOUCHED);
	assert_int_equal(range.size, status == FDT_OK ? size : UNTOUCHED);
}

static void
reg_is_translated(void **state)
{
	const struct fdt *fdt = bus_tree(state);

	expect_reg(fdt, "/defaults/child", 0, FDT_OK, 0x1234567890, 0x1000);
	expect_reg(fdt, "/soc/serial", 0, FDT_OK, 0x10010000, 0x1000);
	expect_reg(fdt, "/soc/serial", 1, FDT_OK, 0x7040000000, 0x100000000);
	expect_reg(fdt, "/soc/serial", 2, FDT_NOT_FOUND, 0, 0);
	expect_reg(fdt, "/soc/bridge/serial", 0, FDT_OK, 0x4000100, 0x100);
	expect_reg(fdt, "/soc/bridge/far", 0, FDT_OK, 0x940000800, 0x800);
	expect_reg(
	    fdt, "/soc/bridge/inner/leaf", 0, FDT_NOT_TRANSLATABLE, 0, 0);
	expect_reg(fdt, "/soc/bridge/outside", 0, FDT_NOT_TRANSLATABLE, 0, 0);
	expect_reg(fdt, "/soc/bridge/astride", 0, FDT_NOT_TRANSLATABLE, 0, 0);
	expect_reg(fdt, "/soc/pcie", 0, FDT_OK, 0x30000000, 0x10000000);
	expect_reg(fdt, "/soc/pcie/device", 0, FDT_BAD_VALUE, 0, 0);
	expect_reg(fdt, "/soc/i2c/eeprom", 0, FDT_NOT_TRANSLATABLE, 0, 0);
	expect_reg(fdt, "/soc/ragged", 0, FDT_BAD_VALUE, 0, 0);
	expect_reg(fdt, "/soc", 0, FDT_NOT_FOUND, 0, 0);
	expect_reg(fdt, "/", 0, FDT_NOT_FOUND, 0, 0);
}

static void
reg_is_read_as_written(void **state)
{
	const struct fdt *fdt = bus_tree(state);
	struct fdt_range range;

	assert_int_equal(fdt_reg_untranslated(fdt,
			     fdt_find_path(fdt, "/soc/i2c/eeprom"), 0, &range),
	    FDT_OK);
	assert_int_equal(range.start, 0x50);
	assert_int_equal(range.size, 0);
	assert_int_equal(
	    fdt_reg_untranslated(
		fdt, fdt_find_path(fdt, "/soc/bridge/outside"), 0, &range),
	    FDT_OK);
	assert_int_equal(range.start, 0x2000);
}

/* @cells is what the controller is told, its end marked by 0. */
static void
expect_interrupt(const struct fdt *fdt, const char *path, uint32_t index,
    const char *controller, const uint32_t *cells)
{
	fdt_node_t node = fdt_find_path(fdt, path);
	struct fdt_interrupt interrupt;
	uint32_t i;

	assert_int_equal(fdt_interrupt(fdt, node, index, &interrupt), FDT_OK);
	assert_int_equal(interrupt.controller,
	    controller != NULL ? fdt_find_path(fdt, controller) : FDT_NONE);
	for (i = 0; cells[i] != 0; i++)
		assert_int_equal(interrupt.cells[i], cells[i]);
	assert_int_equal(interrupt.cell_count, i);
}

#define CELLS(...) ((const uint32_t[]){__VA_ARGS__, 0})
#define NO_CELLS   ((const uint32_t[]){0})

static void
interrupts_find_their_controller(void **state)
{
	const struct fdt *fdt = bus_tree(state);
	const char *plic = "/soc/interrupt-controller@c000000";
	const char *two = "/soc/interrupt-controller@d000000";
	struct fdt_interrupt interrupt = {.cell_count = 99};

	expect_interrupt(fdt, "/soc/serial", 0, plic, CELLS(42));
	expect_interrupt(fdt, "/soc/serial", 1, plic, CELLS(43));
	assert_int_equal(fdt_interrupt(fdt, fdt_find_path(fdt, "/soc/serial"),
			     2, &interrupt),
	    FDT_NOT_FOUND);
	expect_interrupt(fdt, "/soc/bridge/serial", 0, two, CELLS(1, 2));
	/* The parent takes interrupts, so it takes these. */
	expect_interrupt(fdt, "/soc/interrupt-controller@d000000/below", 1, two,
	    CELLS(7, 8));
	assert_int_equal(
	    fdt_interrupt(fdt, fdt_find_path(fdt, "/soc/i2c"), 0, &interrupt),
	    FDT_NOT_FOUND);
	assert_int_equal(interrupt.cell_count, 99);
}

static void
extended_interrupts_are_read(void **state)
{
	const struct fdt *fdt = bus_tree(state);
	const char *plic = "/soc/interrupt-controller@c000000";
	const char *intc0 = "/cpus/cpu@0/interrupt-controller";
	const char *intc1 = "/cpus/cpu@1/interrupt-controller";
	const char *two = "/soc/interrupt-controller@d000000";
	struct fdt_interrupt interrupt;

	expect_interrupt(fdt, plic, 0, intc0, CELLS(0xffffffff));
	expect_interrupt(fdt, plic, 1, intc1, CELLS(0xffffffff));
	expect_interrupt(fdt, plic, 2, intc1, CELLS(9));
	expect_interrupt(fdt, plic, 3, NULL, NO_CELLS);
	expect_interrupt(fdt, plic, 4, NULL, NO_CELLS);
	expect_interrupt(fdt, plic, 5, two, CELLS(7, 4));
	assert_int_equal(
	    fdt_interrupt(fdt, fdt_find_path(fdt, plic), 6, &interrupt),
	    FDT_NOT_FOUND);
	assert_int_equal(fdt_interrupt(fdt, fdt_find_path(fdt, "/soc/ragged"),
			     0, &interrupt),
	    FDT_BAD_VALUE);
	assert_int_equal(fdt_interrupt(fdt, fdt_find_path(fdt, "/soc/orphan"),
			     0, &interrupt),
	    FDT_BAD_VALUE);
}

static void
paths_and_aliases_are_found(void **state)
{
	const struct fdt *fdt = bus_tree(state);
	fdt_node_t serial = fdt_find_path(fdt, "/soc/serial@10010000");

	assert_int_not_equal(serial, FDT_NONE);
	assert_int_equal(fdt_find_path(fdt, "/"), FDT_ROOT);
	assert_int_equal(fdt_find_path(fdt, "/soc/serial"), serial);
	assert_int_equal(fdt_find_path(fdt, "//soc//serial@10010000/"), serial);
	assert_int_equal(fdt_find_path(fdt, "serial0"), serial);
	assert_int_equal(fdt_parent(fdt, fdt_find_path(fdt, "serial1")),
	    fdt_find_path(fdt, "/soc/bridge"));
	assert_int_equal(fdt_find_path(fdt, ""), FDT_NONE);
	assert_int_equal(fdt_find_path(fdt, "loop"), FDT_NONE);
	assert_int_equal(fdt_find_path(fdt, "nowhere"), FDT_NONE);
	assert_int_equal(fdt_find_path(fdt, "/soc/serial@1001000"), FDT_NONE);
	assert_int_equal(fdt_find_path(fdt, "/soc/seria"), FDT_NONE);
	assert_int_equal(
	    fdt_find_path(fdt, "/soc/serial@10010000/x"), FDT_NONE);
}

static void
a_path_is_cut_not_overrun(void **state)
{
	const struct fdt *fdt = bus_tree(state);
	fdt_node_t serial = fdt_find_path(fdt, "serial0");
	size_t whole = strlen("/soc/serial@10010000") + 1;
	char *buffer;
	size_t size;

	for (size = 0; size <= whole + 1; size++) {
		buffer = malloc(size);
		assert_int_equal(
		    fdt_path(fdt, serial, buffer, size), size >= whole);
		if (size > 0)
			assert_true(strlen(buffer) < size);
		free(buffer);
	}
}

static void
compatible_goes_on_after_a_node(void **state)
{
	const struct fdt *fdt = bus_tree(state);
	const char *name = "riscv,cpu-intc";
	fdt_node_t node = fdt_find_compatible(fdt, FDT_NONE, name);

	assert_int_equal(
	    node, fdt_find_path(fdt, "/cpus/cpu@0/interrupt-controller"));
	node = fdt_find_compatible(fdt, node, name);
	assert_int_equal(
	    node, fdt_find_path(fdt, "/cpus/cpu@1/interrupt-controller"));
	assert_int_equal(fdt_find_compatible(fdt, node, name), FDT_NONE);
	assert_int_equal(fdt_find_compatible(fdt, FDT_NONE, "ns16550a"),
	    fdt_find_path(fdt, "serial0"));
}

static void
status_decides(void **state)
{
	const struct fdt *fdt = bus_tree(state);

	assert_true(fdt_is_okay(fdt, fdt_find_path(fdt, "/soc")));
	assert_true(fdt_is_okay(fdt, fdt_find_path(fdt, "/soc/serial")));
	assert_false(fdt_is_okay(fdt, fdt_find_path(fdt, "/soc/bridge/far")));
	assert_false(fdt_is_okay(fdt, fdt_find_path(fdt, "/soc/ragged")));
	/* "okay", but without its end */
	assert_false(fdt_is_okay(fdt, fdt_find_path(fdt, "/values")));
}

static void
values_have_their_shape(void **state)
{
	const struct fdt *fdt = bus_tree(state);
	fdt_node_t node = fdt_find_path(fdt, "/values");
	uint64_t number = UNTOUCHED;
	uint32_t cell = UNTOUCHED;
	struct fdt_prop prop;

	assert_true(fdt_get(fdt, node, "empty", &prop));
	assert_int_equal(prop.size, 0);
	assert_false(fdt_get_u32(fdt, node, "empty", &cell));
	assert_false(fdt_get_u32(fdt, node, "two", &cell));
	assert_false(fdt_get_u32(fdt, node, "bytes", &cell));
	assert_false(fdt_get_number(fdt, node, "three", &number));
	assert_int_equal(cell, UNTOUCHED);
	assert_int_equal(number, UNTOUCHED);
	assert_true(fdt_get_u32(fdt, node, "one", &cell));
	assert_int_equal(cell, 0x11223344);
	assert_true(fdt_get_number(fdt, node, "one", &number));
	assert_int_equal(number, 0x11223344);
	assert_true(fdt_get_number(fdt, node, "two", &number));
	assert_int_equal(number, 0x1122334455667788);

	assert_true(fdt_get(fdt, node, "three", &prop));
	assert_true(fdt_cells(&prop, 1, 2, &number));
	assert_int_equal(number, 0x200000003);
	assert_true(fdt_cells(&prop, 3, 0, &number));
	assert_int_equal(number, 0);
	assert_false(fdt_cells(&prop, 2, 2, &number));
	assert_false(fdt_cells(&prop, 0, 3, &number));

	assert_null(fdt_first_string(fdt, node, "unended"));
	assert_null(fdt_first_string(fdt, node, "empty"));
	assert_true(fdt_get(fdt, node, "list", &prop));
	assert_string_equal(fdt_string_at(&prop, 0), "a");
	assert_string_equal(fdt_string_at(&prop, 1), "");
	assert_string_equal(fdt_string_at(&prop, 2), "bc");
	assert_null(fdt_string_at(&prop, 3));
	assert_true(fdt_string_list_has(&prop, "bc"));
	assert_true(fdt_string_list_has(&prop, ""));
	assert_false(fdt_string_list_has(&prop, "b"));
	assert_true(fdt_get(fdt, node, "half-list", &prop));
	assert_string_equal(fdt_string_at(&prop, 0), "a");
	assert_null(fdt_string_at(&prop, 1));
	assert_false(fdt_string_list_has(&prop, "b"));
}

/* ---- stdout-path ---- */

/* A copy of @fdt's blob in which /chosen/stdout-path is @path. */
static void
expect_stdout(const struct bus_tree *tree, const char *path,
    const char *expected, const char *expected_options)
{
	size_t room = tree->blob.size + 256;
	uint8_t *bytes = malloc(room);
	const char *options = NULL;
	struct fdt fdt;

	assert_int_equal(fdt_open_into(tree->blob.bytes, bytes, (int)room), 0);
	assert_int_equal(
	    fdt_setprop_string(
		bytes, fdt_path_offset(bytes, "/chosen"), "stdout-path", path),
	    0);
	assert_int_equal(fdt_open(&fdt, bytes, room), FDT_OK);
	assert_int_equal(fdt_stdout(&fdt, &options),
	    expected != NULL ? fdt_path_offset(bytes, expected) : FDT_NONE);
	assert_string_equal(options, expected_options);
	free(bytes);
}

static void
stdout_is_found(void **state)
{
	const struct bus_tree *tree = *state;
	const char *serial = "/soc/serial@10010000";
	const char *far = "/soc/bridge@4000000/serial@100";
	const struct fdt *fdt = bus_tree(state);

	assert_int_equal(fdt_stdout(fdt, NULL), fdt_find_path(fdt, far));
	expect_stdout(tree, "serial0", serial, "");
	expect_stdout(tree, "serial0:115200n8", serial, "115200n8");
	expect_stdout(tree, "serial1:115200n8", far, "115200n8");
	expect_stdout(tree, serial, serial, "");
	expect_stdout(tree, "/soc/serial@10010000:115200", serial, "115200");
	expect_stdout(tree, "/soc/serial@10010000:", serial, "");
	expect_stdout(tree, "serial9", NULL, "");
	expect_stdout(tree, "loop:9600", NULL, "9600");
	expect_stdout(tree, ":9600", NULL, "9600");
	expect_stdout(tree, "", NULL, "");
}

/* ---- blobs that are wrong ---- */

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
	const struct CMUnitTest with_libfdt[] = {
	    cmocka_unit_test(sources_read_as_libfdt_reads_them),
	    cmocka_unit_test(boards_read_as_libfdt_reads_them),
	    cmocka_unit_test(qemu_reads_as_libfdt_reads_it),
	};
	const struct CMUnitTest on_bus_tree[] = {
	    cmocka_unit_test(reg_is_translated),
	    cmocka_unit_test(reg_is_read_as_written),
	    cmocka_unit_test(interrupts_find_their_controller),
	    cmocka_unit_test(extended_interrupts_are_read),
	    cmocka_unit_test(paths_and_aliases_are_found),
	    cmocka_unit_test(a_path_is_cut_not_overrun),
	    cmocka_unit_test(compatible_goes_on_after_a_node),
	    cmocka_unit_test(status_decides),
	    cmocka_unit_test(values_have_their_shape),
	    cmocka_unit_test(stdout_is_found),
	    cmocka_unit_test(headers_are_checked),
	    cmocka_unit_test(blobs_may_begin_anywhere),
	    cmocka_unit_test(any_number_may_be_given_as_a_node),
	    cmocka_unit_test(truncated_blobs_are_refused),
	};
	const struct CMUnitTest damage[] = {
	    cmocka_unit_test(structures_are_checked),
	    cmocka_unit_test(depth_is_limited),
	    cmocka_unit_test(damaged_blobs_do_no_harm),
	};
	int failed;

	failed = cmocka_run_group_tests(with_libfdt, NULL, NULL);
	failed +=
	    cmocka_run_group_tests(on_bus_tree, open_bus_tree, close_bus_tree);
	failed += cmocka_run_group_tests(damage, NULL, NULL);
	return failed;
}
