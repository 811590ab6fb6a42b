/*
 * test/unit/test_fdt.c: the device-tree reader against another one.
 *
 * Trees of real boards, of QEMU's machines and of our own are compared with
 * what libfdt reads, node by node and property by property.
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sources_read_as_libfdt_reads_them),
	    cmocka_unit_test(boards_read_as_libfdt_reads_them),
	    cmocka_unit_test(qemu_reads_as_libfdt_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
