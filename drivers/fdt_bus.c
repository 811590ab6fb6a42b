/*
 * drivers/fdt_bus.c: addresses and interrupts, which have a meaning only on the
 * bus or controller above a node.  See fdt.h.
 */
#include "drivers/fdt.h"

enum {
	CELL = sizeof(uint32_t)
};

/* ---- addresses ---- */

uint32_t
fdt_bus_address_cells(const struct fdt *fdt, fdt_node_t bus)
{
	uint32_t cells;

	return fdt_get_u32(fdt, bus, "#address-cells", &cells) ? cells : 2;
}

uint32_t
fdt_bus_size_cells(const struct fdt *fdt, fdt_node_t bus)
{
	uint32_t cells;

	return fdt_get_u32(fdt, bus, "#size-cells", &cells) ? cells : 1;
}

/* The @index-th `reg` tuple of @node, a child of @bus. */
static enum fdt_status
reg_tuple(const struct fdt *fdt, fdt_node_t bus, fdt_node_t node,
    uint32_t index, struct fdt_range *range)
{
	uint32_t address_cells = fdt_bus_address_cells(fdt, bus);
	uint32_t size_cells = fdt_bus_size_cells(fdt, bus);
	uint32_t cells, first;
	struct fdt_prop prop;

	if (!fdt_get(fdt, node, "reg", &prop))
		return FDT_NOT_FOUND;
	if (address_cells < 1 || address_cells > 2 || size_cells > 2)
		return FDT_BAD_VALUE;
	cells = address_cells + size_cells;
	if (prop.size % (cells * CELL) != 0)
		return FDT_BAD_VALUE;
	if (index >= prop.size / (cells * CELL))
		return FDT_NOT_FOUND;

	first = index * cells;
	fdt_cells(&prop, first, address_cells, &range->start);
	fdt_cells(&prop, first + address_cells, size_cells, &range->size);
	return FDT_OK;
}

/* Move *@range by the entry of `ranges` with these three numbers; false if it
 * does not lie in it whole. */
static bool
range_maps(
    struct fdt_range *range, uint64_t child, uint64_t parent, uint64_t size)
{
	uint64_t offset = range->start - child;

	if (range->start < child || offset >= size ||
	    range->size > size - offset || parent > UINT64_MAX - offset)
		return false;
	range->start = parent + offset;
	return true;
}

/* Take *@range, an address on @bus, to an address on @above. */
static enum fdt_status
translate(const struct fdt *fdt, fdt_node_t above, fdt_node_t bus,
    struct fdt_range *range)
{
	uint32_t child_cells = fdt_bus_address_cells(fdt, bus);
	uint32_t parent_cells = fdt_bus_address_cells(fdt, above);
	uint32_t size_cells = fdt_bus_size_cells(fdt, bus);
	uint64_t child, parent, size;
	struct fdt_prop prop;
	uint32_t cell = 0;

	if (!fdt_get(fdt, bus, "ranges", &prop))
		return FDT_NOT_TRANSLATABLE;
	if (prop.size == 0)
		return FDT_OK;
	while (fdt_cells(&prop, cell, child_cells, &child) &&
	       fdt_cells(&prop, cell + child_cells, parent_cells, &parent) &&
	       fdt_cells(&prop, cell + child_cells + parent_cells, size_cells,
		   &size)) {
		if (range_maps(range, child, parent, size))
			return FDT_OK;
		if (child_cells + parent_cells + size_cells == 0)
			break;
		cell += child_cells + parent_cells + size_cells;
	}
	return FDT_NOT_TRANSLATABLE;
}

enum fdt_status
fdt_reg_untranslated(const struct fdt *fdt, fdt_node_t node, uint32_t index,
    struct fdt_range *range)
{
	fdt_node_t bus = fdt_parent(fdt, node);

	if (bus == FDT_NONE)
		return FDT_NOT_FOUND;
	return reg_tuple(fdt, bus, node, index, range);
}

enum fdt_status
fdt_reg(const struct fdt *fdt, fdt_node_t node, uint32_t index,
    struct fdt_range *range)
{
	fdt_node_t path[FDT_DEPTH_MAX];
	uint32_t count = fdt_ancestors(fdt, node, path);
	struct fdt_range found;
	enum fdt_status status;
	uint32_t i;

	if (count < 2)
		return FDT_NOT_FOUND;
	status = reg_tuple(fdt, path[count - 2], node, index, &found);
	/* The root is the CPU's own bus: it has nothing to translate. */
	for (i = count - 2; status == FDT_OK && i > 0; i--)
		status = translate(fdt, path[i - 1], path[i], &found);
	if (status == FDT_OK)
		*range = found;
	return status;
}

/* ---- interrupts ---- */

/*
 * The node that takes the interrupts of @node: what the nearest
 * `interrupt-parent` names, or the nearest ancestor that takes interrupts.
 */
static fdt_node_t
find_interrupt_parent(const struct fdt *fdt, fdt_node_t node)
{
	fdt_node_t path[FDT_DEPTH_MAX];
	uint32_t count = fdt_ancestors(fdt, node, path);
	struct fdt_prop prop;
	uint32_t phandle;

	while (count > 0) {
		count--;
		if (fdt_get_u32(fdt, path[count], "interrupt-parent", &phandle))
			return fdt_find_phandle(fdt, phandle);
		if (count > 0 &&
		    fdt_get(fdt, path[count - 1], "#interrupt-cells", &prop))
			return path[count - 1];
	}
	return FDT_NONE;
}

/* How many cells @controller wants; false if it is no controller for us. */
static bool
interrupt_cells(const struct fdt *fdt, fdt_node_t controller, uint32_t *cells)
{
	return fdt_get_u32(fdt, controller, "#interrupt-cells", cells) &&
	       *cells >= 1 && *cells <= FDT_INTERRUPT_CELLS_MAX;
}

/* Read the interrupt->cell_count cells of @prop from cell @first. */
static bool
read_interrupt(const struct fdt_prop *prop, uint32_t first,
    struct fdt_interrupt *interrupt)
{
	uint64_t cell;
	uint32_t i;

	for (i = 0; i < interrupt->cell_count; i++) {
		if (!fdt_cells(prop, first + i, 1, &cell))
			return false;
		interrupt->cells[i] = (uint32_t)cell;
	}
	return true;
}

static enum fdt_status
inherited_interrupt(const struct fdt *fdt, fdt_node_t node, uint32_t index,
    const struct fdt_prop *prop, struct fdt_interrupt *interrupt)
{
	interrupt->controller = find_interrupt_parent(fdt, node);
	if (!interrupt_cells(
		fdt, interrupt->controller, &interrupt->cell_count))
		return FDT_BAD_VALUE;
	if (index >= prop->size / (interrupt->cell_count * CELL))
		return FDT_NOT_FOUND;
	read_interrupt(prop, index * interrupt->cell_count, interrupt);
	return FDT_OK;
}

/*
 * The entry of `interrupts-extended` at cell *@cell: a phandle, then as many
 * cells as its target wants.  Moves *@cell to the next entry.
 */
static enum fdt_status
extended_entry(const struct fdt *fdt, const struct fdt_prop *prop,
    uint32_t *cell, struct fdt_interrupt *interrupt)
{
	uint64_t phandle;

	if (!fdt_cells(prop, *cell, 1, &phandle))
		return FDT_NOT_FOUND;
	interrupt->controller = FDT_NONE;
	interrupt->cell_count = 0;
	if (phandle != 0 && phandle != UINT32_MAX) {
		interrupt->controller =
		    fdt_find_phandle(fdt, (uint32_t)phandle);
		if (!interrupt_cells(
			fdt, interrupt->controller, &interrupt->cell_count))
			return FDT_BAD_VALUE;
	}
	if (!read_interrupt(prop, *cell + 1, interrupt))
		return FDT_BAD_VALUE;
	*cell += 1 + interrupt->cell_count;
	return FDT_OK;
}

enum fdt_status
fdt_interrupt(const struct fdt *fdt, fdt_node_t node, uint32_t index,
    struct fdt_interrupt *interrupt)
{
	struct fdt_interrupt found;
	enum fdt_status status;
	struct fdt_prop prop;
	uint32_t cell = 0;

	if (fdt_get(fdt, node, "interrupts-extended", &prop)) {
		do
			status = extended_entry(fdt, &prop, &cell, &found);
		while (status == FDT_OK && index-- > 0);
	} else if (fdt_get(fdt, node, "interrupts", &prop)) {
		status = inherited_interrupt(fdt, node, index, &prop, &found);
	} else {
		status = FDT_NOT_FOUND;
	}
	if (status == FDT_OK)
		*interrupt = found;
	return status;
}
