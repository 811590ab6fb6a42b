/*
 * test/unit/test_fdt_bus.c: addresses, interrupts, names and values in all the
 * shapes of bus.dts, whose answers are here.
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

#include "dts/bus_tree.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, open_bus_tree, close_bus_tree);
}
