/*
 * test/unit/test_machine.c: what the kernel learns about machines.
 *
 * The facts of real boards' trees and of QEMU's, by their makers' manuals; and
 * memory.dts, where every rule of machine.c meets its exception.
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

#define MiB (1UL << 20)
#define GiB (1UL << 30)

/* A machine and the blob that its strings are in. */
static struct machine machine;
static struct fdt fdt;
static struct blob blob;

/* Where the boot code would have found things. */
struct load {
	uint64_t hart;
	uint64_t image; /* 1 MiB long */
	uint64_t tree;	/* 64 KiB long */
};

/* Read @tree as the machine that @load describes; skip if it is not there. */
static enum machine_status
read_machine(struct blob tree, struct load load)
{
	const struct machine_boot boot = {
	    .hart = load.hart,
	    .image = {load.image, load.image + MiB},
	    .tree = {load.tree, load.tree + 0x10000},
	};
	enum machine_status status;

	free(blob.bytes);
	blob = tree;
	if (blob.bytes == NULL)
		skip();
	assert_int_equal(fdt_open(&fdt, blob.bytes, blob.size), FDT_OK);
	status = machine_read(&machine, &fdt, &boot);
	check_machine(&machine);
	assert_int_equal(machine.harts[0].id, load.hart);
	return status;
}

static int
free_blob(void **state)
{
	(void)state;
	free(blob.bytes);
	blob.bytes = NULL;
	return 0;
}

static void
expect_range(struct machine_range range, uint64_t start, uint64_t end)
{
	assert_int_equal(range.start, start);
	assert_int_equal(range.end, end);
}

/* Exactly one piece of RAM. */
static void
expect_ram(uint64_t start, uint64_t size)
{
	assert_int_equal(machine.ram_count, 1);
	expect_range(machine.ram[0], start, start + size);
}

static bool
is_usable(uint64_t address)
{
	return lies_in((struct machine_range){address, address + 1},
	    machine.usable, machine.usable_count);
}

static bool
is_reserved(uint64_t start, uint64_t end, enum machine_reason reason)
{
	uint32_t i;

	for (i = 0; i < machine.reserved_count; i++)
		if (machine.reserved[i].range.start == start &&
		    machine.reserved[i].range.end == end &&
		    machine.reserved[i].reason == reason)
			return true;
	return false;
}

static const struct machine_hart *
hart_by_id(uint64_t id)
{
	uint32_t i;

	for (i = 0; i < machine.hart_count; i++)
		if (machine.harts[i].id == id)
			return &machine.harts[i];
	return NULL;
}

/*
 * Harts @first to @first + @count - 1, and no others; the S-mode context of
 * hart h is @stride * h + @offset.
 */
static void
expect_harts(uint64_t first, uint32_t count, int stride, int offset)
{
	const struct machine_hart *hart;
	uint64_t id;

	assert_int_equal(machine.hart_count, count);
	for (id = first; id < first + count; id++) {
		hart = hart_by_id(id);
		assert_non_null(hart);
		assert_int_equal(hart->context, stride * (int)id + offset);
	}
}

static void
expect_plic(uint64_t start, uint64_t size, uint32_t sources, uint32_t contexts)
{
	assert_int_not_equal(machine.plic.node, FDT_NONE);
	expect_range(machine.plic.window, start, start + size);
	assert_int_equal(machine.plic.source_count, sources);
	assert_int_equal(machine.plic.context_count, contexts);
	assert_int_equal(machine.plic.interrupt_cells, 1);
}

/* ---- boards ---- */

/* Image and tree where the JH7110's U-Boot puts them. */
static const struct load jh7110_load = {3, 0x40200000, 0x46000000};

static void
expect_jh7110(uint64_t ram_size)
{
	expect_ram(0x40000000, ram_size);
	expect_harts(1, 4, 2, 0);
	assert_int_equal(machine.harts_unfit, 1);
	assert_int_equal(machine.timebase, 4000000);
	expect_plic(0xc000000, 64 * MiB, 136, 9);
	assert_false(machine.harts[0].has_sstc);
	/* firmware, image, tree */
	assert_false(is_usable(0x40000000));
	assert_false(is_usable(0x40200000));
	assert_true(is_usable(0x40300000));
	assert_false(is_usable(0x46000000));
	assert_true(is_usable(0x46010000));
}

static void
visionfive2(void **state)
{
	(void)state;
	assert_int_equal(
	    read_machine(blob_from_board("jh7110-starfive-visionfive-2-v1.3b"),
		jh7110_load),
	    MACHINE_OK);
	expect_jh7110(4 * GiB);
	assert_string_equal(machine.model, "StarFive VisionFive 2 v1.3B");
}

/* Its hart 0 is "okay", and must not be started. */
static void
visionfive2_by_debian_uboot(void **state)
{
	(void)state;
	assert_int_equal(
	    read_machine(blob_from_board("debian-uboot-visionfive2-control"),
		jh7110_load),
	    MACHINE_OK);
	expect_jh7110(8 * GiB);
	/* this tree has no model */
	assert_string_equal(machine.model, "starfive,visionfive-2-v1.3b");
}

static void
hifive_unmatched(void **state)
{
	(void)state;
	assert_int_equal(read_machine(blob_from_board("hifive-unmatched-a00"),
			     (struct load){2, 0x80200000, 0x88000000}),
	    MACHINE_OK);
	expect_ram(0x80000000, 16 * GiB);
	expect_harts(1, 4, 2, 0);
	assert_int_equal(machine.timebase, 1000000);
	expect_plic(0xc000000, 64 * MiB, 69, 9);
}

static void
icicle_kit(void **state)
{
	(void)state;
	assert_int_equal(read_machine(blob_from_board("mpfs-icicle-kit"),
			     (struct load){1, 0x80200000, 0x88000000}),
	    MACHINE_OK);
	assert_int_equal(machine.ram_count, 2);
	expect_range(machine.ram[0], 0x80000000, 0xc0000000);
	expect_range(machine.ram[1], 0x1040000000, 0x1080000000);
	assert_true(
	    is_reserved(0xbfc00000, 0xc0000000, MACHINE_RESERVED_MEMORY));
	assert_true(is_usable(0xbfbff000));
	assert_false(is_usable(0xbfc00000));
	assert_true(is_usable(0x107ffff000));
	expect_harts(1, 4, 2, 0);
	assert_int_equal(machine.timebase, 1000000);
	expect_plic(0xc000000, 64 * MiB, 186, 9);
}

/* The kernel's tree for it has no memory node; firmware adds one. */
static void
allwinner_d1(void **state)
{
	(void)state;
	assert_int_equal(read_machine(blob_from_board("sun20i-d1-nezha"),
			     (struct load){0, 0x40200000, 0x44000000}),
	    MACHINE_NO_RAM);
	assert_int_equal(machine.ram_count, 0);
	assert_int_equal(machine.usable_count, 0);
	expect_harts(0, 1, 2, 1);
	expect_range(machine.plic.window, 0x10000000, 0x14000000);
	assert_int_equal(machine.plic.source_count, 175);
	assert_int_equal(machine.plic.interrupt_cells, 2);
}

static void
unleashed_after_uboot(void **state)
{
	(void)state;
	assert_int_equal(
	    read_machine(blob_from_board("passed-sifive_u72-spl-uboot"),
		(struct load){4, 0x80200000, 0xff74a020}),
	    MACHINE_OK);
	expect_ram(0x80000000, 8 * GiB);
	assert_true(
	    is_reserved(0x80000000, 0x80040000, MACHINE_RESERVED_MEMORY));
	assert_true(
	    is_reserved(0x80040000, 0x80060000, MACHINE_RESERVED_MEMORY));
	/* the tree ends within a page, as it began */
	assert_false(is_usable(0xff74a000));
	assert_false(is_usable(0xff75a000));
	assert_true(is_usable(0xff75b000));
	expect_harts(1, 4, 2, 0);
	expect_plic(0xc000000, 64 * MiB, 53, 9);
	assert_int_equal(machine.timebase, 1000000);
}

static void
virt_after_uboot(void **state)
{
	(void)state;
	assert_int_equal(read_machine(blob_from_board("passed-virt72-uboot"),
			     (struct load){0, 0x80200000, 0xbf7354f0}),
	    MACHINE_OK);
	expect_ram(0x80000000, GiB);
	expect_harts(0, 4, 2, 1);
	expect_plic(0xc000000, 6 * MiB, 96, 8);
	assert_int_equal(machine.timebase, 10000000);
	assert_string_equal(machine.command_line, "console=ttyS0 mk.test=1");
	assert_true(machine.harts[0].has_sstc);
}

/* ---- QEMU's machines ---- */

static void
expect_virt(const char *options, uint32_t harts, uint64_t ram)
{
	assert_int_equal(read_machine(blob_from_qemu("virt", options),
			     (struct load){harts - 1, 0x80200000, 0x82200000}),
	    MACHINE_OK);
	expect_ram(0x80000000, ram);
	expect_harts(0, harts, 2, 1);
	expect_plic(0xc000000, 6 * MiB, 96, 2 * harts);
	assert_int_equal(machine.timebase, 10000000);
	assert_string_equal(machine.command_line, "");
	assert_int_equal(machine.ramdisk.end, 0);
}

static void
qemu_virt(void **state)
{
	(void)state;
	expect_virt("-smp 1 -m 64M", 1, 64 * MiB);
	expect_virt("-smp 4 -m 1G", 4, GiB);
	expect_virt("-smp 8 -m 8G", 8, 8 * GiB);
}

static void
qemu_sifive_u(void **state)
{
	(void)state;
	assert_int_equal(
	    read_machine(blob_from_qemu("sifive_u", "-smp 5 -m 2G"),
		(struct load){2, 0x80200000, 0x82200000}),
	    MACHINE_OK);
	expect_ram(0x80000000, 2 * GiB);
	expect_harts(1, 4, 2, 0);
	assert_int_equal(machine.harts_unfit, 1);
	expect_plic(0xc000000, 64 * MiB, 53, 9);
	assert_int_equal(machine.timebase, 1000000);
}

static void
qemu_spike(void **state)
{
	(void)state;
	assert_int_equal(read_machine(blob_from_qemu("spike", "-smp 2 -m 1G"),
			     (struct load){1, 0x80200000, 0x82200000}),
	    MACHINE_OK);
	expect_ram(0x80000000, GiB);
	assert_int_equal(machine.plic.node, FDT_NONE);
	assert_int_equal(machine.hart_count, 2);
	assert_int_equal(machine.harts[0].context, MACHINE_NO_CONTEXT);
	assert_int_equal(machine.harts[1].context, MACHINE_NO_CONTEXT);
	assert_int_equal(machine.timebase, 10000000);
}

/* ---- memory.dts ---- */

static const struct load memory_load = {0x100000007, 0x80200000, 0x8fff8100};

static void
ram_is_sorted_and_merged(void **state)
{
	(void)state;
	assert_int_equal(
	    read_machine(blob_from_source("memory"), memory_load), MACHINE_OK);
	assert_int_equal(machine.ram_count, 3);
	expect_range(machine.ram[0], 0, 0x100800);
	expect_range(machine.ram[1], 0x80000000, 0xa0000000);
	expect_range(machine.ram[2], 0x100000000, 0x500000000);
	assert_int_equal(machine.ram_dropped, 0);
}

static void
reserved_memory_is_not_usable(void **state)
{
	static const struct machine_range usable[] = {
	    {0x0, 0x100000}, /* ends inside a page */
	    {0x80300000, 0x84000000},
	    {0x84002000, 0x85000000}, /* 0x1001 bytes are two pages */
	    {0x85001000, 0x86000000}, /* one byte is one page */
	    {0x86001000, 0x8c300000},
	    {0x8c303000, 0x8fff8000}, /* the tree lies across pages */
	    {0x90009000, 0x9ffff000}, /* and across two memory nodes */
	    {0x100000000, 0x100001000},
	    {0x100004000, 0x500000000},
	};
	uint32_t i;

	(void)state;
	read_machine(blob_from_source("memory"), memory_load);
	assert_int_equal(machine.usable_count, ARRAY_SIZE(usable));
	for (i = 0; i < ARRAY_SIZE(usable); i++)
		expect_range(machine.usable[i], usable[i].start, usable[i].end);
	assert_int_equal(machine.usable_dropped, 0);
}

static void
reservations_are_listed_with_reasons(void **state)
{
	(void)state;
	read_machine(blob_from_source("memory"), memory_load);
	assert_true(is_reserved(0x80200000, 0x80300000, MACHINE_IMAGE));
	assert_true(is_reserved(0x80000000, 0x80200000, MACHINE_FIRMWARE));
	assert_true(is_reserved(0x8fff8100, 0x90008100, MACHINE_TREE));
	assert_true(is_reserved(0x100001000, 0x100003800, MACHINE_RAMDISK));
	assert_true(is_reserved(0x8c300000, 0x8c302710, MACHINE_RESERVATION));
	assert_true(
	    is_reserved(0x80000000, 0x80080000, MACHINE_RESERVED_MEMORY));
	assert_true(
	    is_reserved(0x84000000, 0x84001001, MACHINE_RESERVED_MEMORY));
	assert_int_equal(machine.reserved_count, 10);
	assert_int_equal(machine.reserved_dropped, 0);
	expect_range(machine.ramdisk, 0x100001000, 0x100003800);
	assert_string_equal(machine.command_line, "run=test,a log=quiet");
	assert_string_equal(machine.model, "baton,memory");
}

static void
only_fit_harts_are_kept(void **state)
{
	(void)state;
	read_machine(blob_from_source("memory"), memory_load);
	assert_int_equal(machine.hart_count, 3);
	assert_int_equal(machine.harts_unfit, 5);
	assert_int_equal(machine.harts[1].id, 3);
	assert_int_equal(machine.harts[2].id, 5);
	assert_true(machine.harts[0].has_sstc);
	assert_false(machine.harts[1].has_sstc);
	assert_true(machine.harts[2].has_sstc);
	/* the boot hart's own frequency, since /cpus gives none */
	assert_int_equal(machine.timebase, 0x100000000);
}

/* A hart that runs is there, whatever the tree says of it. */
static void
the_boot_hart_is_always_kept(void **state)
{
	(void)state;
	read_machine(
	    blob_from_source("memory"), (struct load){4, 0x80200000, 0});
	assert_int_equal(machine.hart_count, 4);
	assert_int_not_equal(machine.harts[0].node, FDT_NONE);
	assert_int_equal(read_machine(blob_from_source("memory"),
			     (struct load){77, 0x80200000, 0}),
	    MACHINE_NO_TIMEBASE);
	assert_int_equal(machine.hart_count, 4);
	assert_int_equal(machine.harts[0].node, FDT_NONE);
}

/* ---- more than fits ---- */

/* A tree that libfdt writes: the root, with cells of two. */
static struct blob
new_tree(void)
{
	struct blob tree = {malloc(256 << 10), 256 << 10};

	assert_int_equal(fdt_create_empty_tree(tree.bytes, 256 << 10), 0);
	fdt_setprop_u32(tree.bytes, 0, "#address-cells", 2);
	fdt_setprop_u32(tree.bytes, 0, "#size-cells", 2);
	return tree;
}

static int
add_node(struct blob tree, int parent, const char *name, const char *type)
{
	int node = fdt_add_subnode(tree.bytes, parent, name);

	assert_true(node > 0);
	if (type != NULL)
		fdt_setprop_string(tree.bytes, node, "device_type", type);
	return node;
}

static void
add_reg(struct blob tree, int node, uint64_t start, uint64_t size)
{
	fdt_appendprop_u64(tree.bytes, node, "reg", start);
	fdt_appendprop_u64(tree.bytes, node, "reg", size);
}

static void
too_much_ram_is_counted(void **state)
{
	struct blob tree = new_tree();
	int node = add_node(tree, 0, "memory", "memory");
	uint64_t i;

	(void)state;
	for (i = 0; i < MACHINE_RAM_MAX + 3; i++)
		add_reg(tree, node, i * GiB, MiB);
	/* ends at 2^64, and beyond it */
	add_reg(tree, node, -MiB, 4 * MiB);
	read_machine(tree, (struct load){0, 0x200000, 0x400000});
	assert_int_equal(machine.ram_count, MACHINE_RAM_MAX);
	assert_int_equal(machine.ram_dropped, 4);
	/* the first piece is all below the image */
	assert_int_equal(machine.usable_count, MACHINE_RAM_MAX - 1);
}

/* What there is no room to list is still kept out of use. */
static void
too_many_reservations_are_counted(void **state)
{
	struct blob tree = new_tree();
	int node, reserved;
	uint64_t i;

	(void)state;
	node = add_node(tree, 0, "memory", "memory");
	add_reg(tree, node, 0, GiB);
	reserved = add_node(tree, 0, "reserved-memory", NULL);
	fdt_setprop_u32(tree.bytes, reserved, "#address-cells", 2);
	fdt_setprop_u32(tree.bytes, reserved, "#size-cells", 2);
	node = add_node(tree, reserved, "many", NULL);
	for (i = 1; i <= 100; i++)
		add_reg(tree, node, i * 4 * MiB, MiB);
	read_machine(tree, (struct load){0, 0x200000, 0x300000});
	assert_int_equal(machine.reserved_count, MACHINE_RESERVED_MAX);
	assert_int_equal(
	    machine.reserved_dropped, 100 + 3 - MACHINE_RESERVED_MAX);
	assert_int_equal(machine.usable_count, MACHINE_USABLE_MAX);
	assert_true(machine.usable_dropped > 0);
	for (i = 1; i <= 100; i++)
		assert_false(is_usable(i * 4 * MiB));
}

static void
too_many_harts_are_counted(void **state)
{
	struct blob tree = new_tree();
	int cpus = add_node(tree, 0, "cpus", NULL);
	char name[20];
	uint32_t i;
	int cpu;

	(void)state;
	fdt_setprop_u32(tree.bytes, cpus, "#address-cells", 1);
	fdt_setprop_u32(tree.bytes, cpus, "#size-cells", 0);
	fdt_setprop_u32(tree.bytes, cpus, "timebase-frequency", 1);
	for (i = 0; i < MACHINE_HARTS_MAX + 5; i++) {
		snprintf(name, sizeof(name), "cpu@%x", i * 3);
		cpu = add_node(tree, cpus, name, "cpu");
		fdt_setprop_u32(tree.bytes, cpu, "reg", i * 3);
		fdt_setprop_string(tree.bytes, cpu, "mmu-type", "riscv,sv39");
		fdt_setprop_string(tree.bytes, cpu, "riscv,isa", "rv64gc");
	}
	/* the last of them, which comes when the array is full */
	read_machine(tree,
	    (struct load){3 * (MACHINE_HARTS_MAX + 4), 0x200000, 0x300000});
	assert_int_equal(machine.hart_count, MACHINE_HARTS_MAX);
	assert_int_equal(machine.harts_dropped, 5);
	assert_int_not_equal(machine.harts[0].node, FDT_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(visionfive2),
	    cmocka_unit_test(visionfive2_by_debian_uboot),
	    cmocka_unit_test(hifive_unmatched),
	    cmocka_unit_test(icicle_kit),
	    cmocka_unit_test(allwinner_d1),
	    cmocka_unit_test(unleashed_after_uboot),
	    cmocka_unit_test(virt_after_uboot),
	    cmocka_unit_test(qemu_virt),
	    cmocka_unit_test(qemu_sifive_u),
	    cmocka_unit_test(qemu_spike),
	    cmocka_unit_test(ram_is_sorted_and_merged),
	    cmocka_unit_test(reserved_memory_is_not_usable),
	    cmocka_unit_test(reservations_are_listed_with_reasons),
	    cmocka_unit_test(only_fit_harts_are_kept),
	    cmocka_unit_test(the_boot_hart_is_always_kept),
	    cmocka_unit_test(too_much_ram_is_counted),
	    cmocka_unit_test(too_many_reservations_are_counted),
	    cmocka_unit_test(too_many_harts_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, free_blob);
}
