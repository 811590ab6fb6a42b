/*
 * test/unit/dts/explore.h: use every accessor on every node of a tree, and ask
 * machine.c for the machine.  For trees that are wrong in unknown ways: the
 * sanitisers judge the reading, this file what must hold of any result.
 */
#pragma once
#include "drivers/fdt.h"
#include "drivers/machine.h"
#include "kernel/types.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not assert(): this must also hold where assertions are compiled out. */
#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, \
			    __LINE__, #condition);                             \
			abort();                                               \
		}                                                              \
	} while (0)

/* Every byte of @bytes may be read. */
static inline void
touch(const void *bytes, size_t size)
{
	static volatile uint8_t sink;
	const uint8_t *p = bytes;

	while (size-- > 0)
		sink = sink ^ *p++;
}

static inline void
explore_prop(const struct fdt *fdt, fdt_node_t node, struct fdt_prop *prop)
{
	struct fdt_prop same;
	uint64_t number = 0;
	const char *string;
	uint32_t i;

	touch(prop->name, strlen(prop->name) + 1);
	touch(prop->data, prop->size);
	MUST(fdt_get(fdt, node, prop->name, &same));
	MUST(fdt_cells(prop, 0, 1, &number) == (prop->size >= 4));
	MUST(!fdt_cells(prop, UINT32_MAX, 1, &number));
	MUST(!fdt_cells(prop, 0, UINT32_MAX, &number));
	fdt_get_number(fdt, node, prop->name, &number);
	for (i = 0; i < 3; i++) {
		string = fdt_string_at(prop, i);
		if (string == NULL)
			break;
		touch(string, strlen(string) + 1);
		MUST(fdt_string_list_has(prop, string));
	}
	MUST(fdt_string_at(prop, UINT32_MAX) == NULL);
}

static inline void
explore_bus(const struct fdt *fdt, fdt_node_t node)
{
	struct fdt_interrupt interrupt;
	struct fdt_range range;

	fdt_reg(fdt, node, 0, &range);
	if (fdt_interrupt(fdt, node, 0, &interrupt) == FDT_OK)
		MUST(interrupt.cell_count <= FDT_INTERRUPT_CELLS_MAX);
	fdt_interrupt(fdt, node, UINT32_MAX, &interrupt);
}

/* @node may be any number; what it is taken for does not matter. */
static inline void
explore_node(const struct fdt *fdt, fdt_node_t node)
{
	struct fdt_prop prop;
	char buffer[64];
	uint32_t i;

	touch(fdt_name(fdt, node), strlen(fdt_name(fdt, node)) + 1);
	if (fdt_path(fdt, node, buffer, sizeof(buffer)))
		MUST(buffer[0] == '/');
	fdt_next(fdt, node);
	fdt_first_child(fdt, node);
	fdt_next_sibling(fdt, node);
	fdt_is_okay(fdt, node);
	fdt_is_compatible(fdt, node, "sifive,plic-1.0.0");
	for (i = 0; fdt_get_index(fdt, node, i, &prop); i++)
		explore_prop(fdt, node, &prop);
	explore_bus(fdt, node);
}

static inline void
explore_tree(const struct fdt *fdt)
{
	struct fdt_range range;
	const char *options;
	uint32_t count = 0;
	fdt_node_t node;
	uint32_t i;

	for (node = FDT_ROOT; node != FDT_NONE; node = fdt_next(fdt, node)) {
		explore_node(fdt, node);
		MUST(node == FDT_ROOT || fdt_parent(fdt, node) < node);
		count++;
	}
	MUST(count == fdt->node_count);
	for (i = 0; i < fdt->reservation_count; i++)
		MUST(fdt_reservation(fdt, i, &range));
	MUST(!fdt_reservation(fdt, i, &range));
	fdt_stdout(fdt, &options);
	touch(options, strlen(options) + 1);
	fdt_find_phandle(fdt, 1);
	fdt_find_path(fdt, "/soc/serial@10010000");
	fdt_find_path(fdt, "serial0");
	fdt_find_path(fdt, "");
}

/* Is @inner one of @list, or a part of one? */
static inline bool
lies_in(struct machine_range inner, const struct machine_range *list,
    uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (list[i].start <= inner.start && inner.end <= list[i].end)
			return true;
	return false;
}

static inline void
check_ranges(const struct machine_range *list, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		MUST(list[i].start < list[i].end);
		MUST(i == 0 || list[i - 1].end < list[i].start);
	}
}

/* What holds of any machine, whatever the tree said. */
static inline void
check_machine(const struct machine *machine)
{
	struct machine_range usable, reserved;
	uint32_t i, j;

	MUST(machine->ram_count <= MACHINE_RAM_MAX);
	MUST(machine->usable_count <= MACHINE_USABLE_MAX);
	MUST(machine->reserved_count <= MACHINE_RESERVED_MAX);
	MUST(machine->hart_count >= 1);
	MUST(machine->hart_count <= MACHINE_HARTS_MAX);
	check_ranges(machine->ram, machine->ram_count);
	check_ranges(machine->usable, machine->usable_count);
	for (i = 0; i < machine->usable_count; i++) {
		usable = machine->usable[i];
		MUST(((usable.start | usable.end) & PAGE_MASK) == 0);
		MUST(lies_in(usable, machine->ram, machine->ram_count));
		for (j = 0; j < machine->reserved_count; j++) {
			reserved = machine->reserved[j].range;
			MUST(reserved.end <= usable.start ||
			     reserved.start >= usable.end);
		}
	}
	touch(machine->command_line, strlen(machine->command_line) + 1);
	touch(machine->model, strlen(machine->model) + 1);
	touch(machine->isa, strlen(machine->isa) + 1);
}

/* Open, explore, understand.  True if the bytes were a tree. */
static inline bool
explore_blob(const void *bytes, size_t size)
{
	static const struct machine_boot boot = {
	    .hart = 1,
	    .image = {0x80200000, 0x80300000},
	    .tree = {0x82200000, 0x82204000},
	};
	static struct machine machine;
	struct fdt fdt;

	if (size >= FDT_HEADER_SIZE)
		fdt_blob_size(bytes);
	if (fdt_open(&fdt, bytes, size) != FDT_OK)
		return false;
	explore_tree(&fdt);
	machine_read(&machine, &fdt, &boot);
	check_machine(&machine);
	return true;
}
