/*
 * drivers/machine.c: from the device tree to struct machine.  See machine.h.
 *
 * Order matters in one place: all RAM is known before anything is reserved,
 * since each reservation is cut out of `usable` when it is found.
 */
#include "drivers/machine.h"
#include "kernel/types.h"
#include "kernel/string.h"

enum {
	FIRMWARE_SIZE = 2 << 20, /* booti's distance from RAM's start */
	PLIC_S_EXTERNAL = 9,	 /* scause of an S-mode external interrupt */
};

/* ---- lists of ranges ---- */

/* Tree ranges may end at 2^64 or beyond it; ours end just before. */
static struct machine_range
clamped(struct fdt_range range)
{
	uint64_t room = UINT64_MAX - range.start;

	return (struct machine_range){
	    .start = range.start,
	    .end = range.start + (range.size < room ? range.size : room),
	};
}

static void
insert_range(struct machine_range *list, uint32_t count, uint32_t at,
    struct machine_range range)
{
	memmove(list + at + 1, list + at, (count - at) * sizeof(*list));
	list[at] = range;
}

static void
remove_range(struct machine_range *list, uint32_t count, uint32_t at)
{
	memmove(list + at, list + at + 1, (count - at - 1) * sizeof(*list));
}

/* Add @range to the sorted list of RAM, joining what touches. */
static void
ram_add(struct machine *machine, struct machine_range range)
{
	struct machine_range *ram = machine->ram;
	uint32_t at = 0;

	while (at < machine->ram_count && ram[at].end < range.start)
		at++;
	while (at < machine->ram_count && ram[at].start <= range.end) {
		range.start = min_u64(range.start, ram[at].start);
		range.end = max_u64(range.end, ram[at].end);
		remove_range(ram, machine->ram_count--, at);
	}
	if (machine->ram_count == MACHINE_RAM_MAX) {
		machine->ram_dropped++;
		return;
	}
	insert_range(ram, machine->ram_count++, at, range);
}

/* Add @range of usable pages at index @at. */
static void
usable_insert(struct machine *machine, uint32_t at, struct machine_range range)
{
	if (machine->usable_count == MACHINE_USABLE_MAX) {
		machine->usable_dropped++;
		return;
	}
	insert_range(machine->usable, machine->usable_count++, at, range);
}

/* Take the whole pages that @gone touches out of what is usable. */
static void
usable_cut(struct machine *machine, struct machine_range gone)
{
	struct machine_range piece;
	uint32_t at = 0;

	gone.start = page_floor(gone.start);
	gone.end = gone.end > UINT64_MAX - PAGE_MASK ? UINT64_MAX
						     : page_ceil(gone.end);
	while (at < machine->usable_count) {
		piece = machine->usable[at];
		if (gone.end <= piece.start || gone.start >= piece.end) {
			at++;
			continue;
		}
		remove_range(machine->usable, machine->usable_count--, at);
		if (gone.start > piece.start)
			usable_insert(machine, at++,
			    (struct machine_range){piece.start, gone.start});
		if (gone.end < piece.end)
			usable_insert(machine, at++,
			    (struct machine_range){gone.end, piece.end});
	}
}

/* Keep @range out of use, and list it. */
static void
reserve(struct machine *machine, struct machine_range range,
    enum machine_reason reason)
{
	if (range.start >= range.end)
		return;
	usable_cut(machine, range);
	if (machine->reserved_count == MACHINE_RESERVED_MAX) {
		machine->reserved_dropped++;
		return;
	}
	machine->reserved[machine->reserved_count++] =
	    (struct machine_reserved){range, reason};
}

/* ---- memory ---- */

/* Every tuple of every memory node; the names of the nodes say nothing. */
static void
read_ram(struct machine *machine, const struct fdt *fdt)
{
	struct fdt_range range;
	fdt_node_t node = FDT_NONE;
	uint32_t i;

	while ((node = fdt_find_device_type(fdt, node, "memory")) != FDT_NONE) {
		if (!fdt_is_okay(fdt, node))
			continue;
		for (i = 0; fdt_reg(fdt, node, i, &range) == FDT_OK; i++)
			if (range.size > 0)
				ram_add(machine, clamped(range));
	}
}

/* All whole pages of RAM; a last page that ends at 2^64 is left out. */
static void
usable_init(struct machine *machine)
{
	struct machine_range range;
	uint32_t i;

	for (i = 0; i < machine->ram_count; i++) {
		range = machine->ram[i];
		if (range.start > UINT64_MAX - PAGE_MASK)
			continue;
		range.start = page_ceil(range.start);
		range.end = page_floor(range.end);
		if (range.start < range.end)
			usable_insert(machine, machine->usable_count, range);
	}
}

/*
 * Children without `reg` ask the kernel for memory of its choice: nothing to
 * keep out of.  Addresses are taken as written, since not every tree gives
 * /reserved-memory the empty `ranges` that it should have.
 */
static void
read_reserved_memory(struct machine *machine, const struct fdt *fdt)
{
	fdt_node_t node = fdt_find_path(fdt, "/reserved-memory");
	struct fdt_range range;
	uint32_t i;

	for (node = fdt_first_child(fdt, node); node != FDT_NONE;
	     node = fdt_next_sibling(fdt, node)) {
		if (!fdt_is_okay(fdt, node))
			continue;
		for (i = 0;
		     fdt_reg_untranslated(fdt, node, i, &range) == FDT_OK; i++)
			reserve(
			    machine, clamped(range), MACHINE_RESERVED_MEMORY);
	}
}

static void
read_reservations(struct machine *machine, const struct fdt *fdt)
{
	struct fdt_range range;
	uint32_t i;

	for (i = 0; fdt_reservation(fdt, i, &range); i++)
		reserve(machine, clamped(range), MACHINE_RESERVATION);
}

static void
read_ramdisk(struct machine *machine, const struct fdt *fdt, fdt_node_t chosen)
{
	struct machine_range range;

	if (!fdt_get_number(fdt, chosen, "linux,initrd-start", &range.start) ||
	    !fdt_get_number(fdt, chosen, "linux,initrd-end", &range.end) ||
	    range.start >= range.end)
		return;
	machine->ramdisk = range;
	reserve(machine, range, MACHINE_RAMDISK);
}

/*
 * Firmware sits below the image.  Trees name it only when the firmware is new
 * enough to add itself.
 */
static void
reserve_boot(struct machine *machine, const struct machine_boot *boot)
{
	uint64_t start = boot->image.start;

	reserve(machine, boot->image, MACHINE_IMAGE);
	reserve(machine,
	    (struct machine_range){
		start > FIRMWARE_SIZE ? start - FIRMWARE_SIZE : 0, start},
	    MACHINE_FIRMWARE);
	reserve(machine, boot->tree, MACHINE_TREE);
}

/* ---- harts ---- */

/* s, x and z begin extensions of several letters; those come last. */
static bool
begins_long_name(char letter)
{
	return letter == '_' || letter == 's' || letter == 'x' || letter == 'z';
}

/* Is @letter one of the single letters of an ISA like "rv64imafdc_zba"? */
static bool
isa_has_letter(const char *isa, char letter)
{
	if (strncmp(isa, "rv64", 4) != 0)
		return false;
	for (isa += 4; *isa != '\0' && !begins_long_name(*isa); isa++)
		if (*isa == letter)
			return true;
	return false;
}

/* Is @name one of the words behind a '_' in an ISA string? */
static bool
isa_has_name(const char *isa, const char *name)
{
	size_t length = strlen(name);

	for (; *isa != '\0'; isa++)
		if (*isa == '_' && strncmp(isa + 1, name, length) == 0 &&
		    (isa[1 + length] == '_' || isa[1 + length] == '\0'))
			return true;
	return false;
}

/* A float register file of 64 bits, by whichever way the tree tells. */
static bool
hart_has_float(const struct fdt *fdt, fdt_node_t cpu)
{
	const char *isa = fdt_first_string(fdt, cpu, "riscv,isa");
	struct fdt_prop list;

	if (fdt_get(fdt, cpu, "riscv,isa-extensions", &list))
		return fdt_string_list_has(&list, "f") &&
		       fdt_string_list_has(&list, "d");
	if (isa == NULL)
		return false;
	return isa_has_letter(isa, 'g') ||
	       (isa_has_letter(isa, 'f') && isa_has_letter(isa, 'd'));
}

static bool
hart_has_sstc(const struct fdt *fdt, fdt_node_t cpu)
{
	const char *isa = fdt_first_string(fdt, cpu, "riscv,isa");
	struct fdt_prop list;

	if (fdt_get(fdt, cpu, "riscv,isa-extensions", &list))
		return fdt_string_list_has(&list, "sstc");
	return isa != NULL && isa_has_name(isa, "sstc");
}

/*
 * May the kernel start this hart?  Each test alone is wrong for some board:
 * the monitor hart of a JH7110 is "okay" in the tree that its U-Boot passes,
 * and starting it hangs the firmware at the next remote fence.
 */
static bool
hart_is_fit(const struct fdt *fdt, fdt_node_t cpu)
{
	const char *mmu = fdt_first_string(fdt, cpu, "mmu-type");

	return fdt_is_okay(fdt, cpu) && mmu != NULL &&
	       strcmp(mmu, "riscv,none") != 0 && hart_has_float(fdt, cpu);
}

/* Phandle of the `riscv,cpu-intc` below @cpu, 0 if it has none. */
static uint32_t
hart_intc(const struct fdt *fdt, fdt_node_t cpu)
{
	uint32_t phandle;
	fdt_node_t child;

	for (child = fdt_first_child(fdt, cpu); child != FDT_NONE;
	     child = fdt_next_sibling(fdt, child))
		if (fdt_is_compatible(fdt, child, "riscv,cpu-intc") &&
		    fdt_get_u32(fdt, child, "phandle", &phandle))
			return phandle;
	return 0;
}

static struct machine_hart
describe_hart(const struct fdt *fdt, fdt_node_t cpu, uint64_t id)
{
	return (struct machine_hart){
	    .id = id,
	    .node = cpu,
	    .intc = hart_intc(fdt, cpu),
	    .context = MACHINE_NO_CONTEXT,
	    .has_sstc = hart_has_sstc(fdt, cpu),
	};
}

static void
add_hart(
    struct machine *machine, const struct fdt *fdt, fdt_node_t cpu, uint64_t id)
{
	/* The hart that runs this needs no permission. */
	if (id == machine->harts[0].id) {
		machine->harts[0] = describe_hart(fdt, cpu, id);
		return;
	}
	if (!hart_is_fit(fdt, cpu)) {
		machine->harts_unfit++;
		return;
	}
	if (machine->hart_count == MACHINE_HARTS_MAX) {
		machine->harts_dropped++;
		return;
	}
	machine->harts[machine->hart_count++] = describe_hart(fdt, cpu, id);
}

/* Children of /cpus that are not processors ("cpu-map") have no device_type. */
static bool
is_cpu(const struct fdt *fdt, fdt_node_t node)
{
	const char *type = fdt_first_string(fdt, node, "device_type");

	return type != NULL && strcmp(type, "cpu") == 0;
}

static void
read_harts(struct machine *machine, const struct fdt *fdt, fdt_node_t cpus,
    uint64_t boot_hart)
{
	uint32_t cells = fdt_bus_address_cells(fdt, cpus);
	struct fdt_prop reg;
	fdt_node_t node;
	uint64_t id;

	machine->harts[0] = (struct machine_hart){
	    .id = boot_hart, .node = FDT_NONE, .context = MACHINE_NO_CONTEXT};
	machine->hart_count = 1;
	for (node = fdt_first_child(fdt, cpus); node != FDT_NONE;
	     node = fdt_next_sibling(fdt, node))
		if (is_cpu(fdt, node) && fdt_get(fdt, node, "reg", &reg) &&
		    cells > 0 && fdt_cells(&reg, 0, cells, &id))
			add_hart(machine, fdt, node, id);
}

/* ---- clock ---- */

static bool
read_timebase(struct machine *machine, const struct fdt *fdt, fdt_node_t cpus)
{
	const char *name = "timebase-frequency";

	return (fdt_get_number(fdt, cpus, name, &machine->timebase) ||
		   fdt_get_number(fdt, machine->harts[0].node, name,
		       &machine->timebase)) &&
	       machine->timebase > 0;
}

/* ---- interrupt controller ---- */

static fdt_node_t
find_plic(const struct fdt *fdt)
{
	static const char *const compatible[] = {
	    "sifive,plic-1.0.0", "riscv,plic0", "thead,c900-plic"};
	fdt_node_t node;
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(compatible); i++) {
		node = fdt_find_compatible(fdt, FDT_NONE, compatible[i]);
		if (node != FDT_NONE)
			return node;
	}
	return FDT_NONE;
}

static struct machine_hart *
hart_by_intc(struct machine *machine, uint32_t phandle)
{
	uint32_t i;

	for (i = 0; i < machine->hart_count; i++)
		if (machine->harts[i].intc == phandle)
			return &machine->harts[i];
	return NULL;
}

/*
 * The position of an entry in `interrupts-extended` is the number of a context,
 * and the entry says which interrupt of which hart it raises.  The controllers
 * of harts take one cell (riscv,cpu-intc): 9 is S-mode; 11, or -1 once firmware
 * has taken it away, is M-mode.
 */
static void
read_contexts(struct machine *machine, const struct fdt *fdt)
{
	struct machine_plic *plic = &machine->plic;
	struct machine_hart *hart;
	uint64_t phandle, cause;
	struct fdt_prop prop;

	if (!fdt_get(fdt, plic->node, "interrupts-extended", &prop))
		return;
	while (fdt_cells(&prop, 2 * plic->context_count, 1, &phandle) &&
	       fdt_cells(&prop, 2 * plic->context_count + 1, 1, &cause)) {
		hart = hart_by_intc(machine, (uint32_t)phandle);
		if (hart != NULL && phandle != 0 && cause == PLIC_S_EXTERNAL)
			hart->context = (int32_t)plic->context_count;
		plic->context_count++;
	}
}

static void
read_plic(struct machine *machine, const struct fdt *fdt)
{
	struct machine_plic *plic = &machine->plic;
	fdt_node_t node = find_plic(fdt);
	struct fdt_range window;

	plic->node = FDT_NONE;
	if (node == FDT_NONE || fdt_reg(fdt, node, 0, &window) != FDT_OK ||
	    !fdt_get_u32(fdt, node, "riscv,ndev", &plic->source_count) ||
	    !fdt_get_u32(fdt, node, "#interrupt-cells", &plic->interrupt_cells))
		return;
	plic->node = node;
	plic->window = clamped(window);
	read_contexts(machine, fdt);
}

/* ---- the whole ---- */

static const char *
string_or(const char *string, const char *otherwise)
{
	return string != NULL ? string : otherwise;
}

enum machine_status
machine_read(struct machine *machine, const struct fdt *fdt,
    const struct machine_boot *boot)
{
	fdt_node_t chosen = fdt_find_path(fdt, "/chosen");
	fdt_node_t cpus = fdt_find_path(fdt, "/cpus");

	memset(machine, 0, sizeof(*machine));
	machine->fdt = fdt;
	machine->model = string_or(fdt_first_string(fdt, FDT_ROOT, "model"),
	    string_or(
		fdt_first_string(fdt, FDT_ROOT, "compatible"), "unknown"));
	machine->command_line =
	    string_or(fdt_first_string(fdt, chosen, "bootargs"), "");

	read_harts(machine, fdt, cpus, boot->hart);
	machine->isa = string_or(
	    fdt_first_string(fdt, machine->harts[0].node, "riscv,isa"), "");
	read_plic(machine, fdt);

	read_ram(machine, fdt);
	usable_init(machine);
	reserve_boot(machine, boot);
	read_ramdisk(machine, fdt, chosen);
	read_reserved_memory(machine, fdt);
	read_reservations(machine, fdt);

	if (machine->ram_count == 0)
		return MACHINE_NO_RAM;
	if (!read_timebase(machine, fdt, cpus))
		return MACHINE_NO_TIMEBASE;
	return MACHINE_OK;
}

const char *
machine_reason_name(enum machine_reason reason)
{
	static const char *const names[] = {
	    [MACHINE_RESERVED_MEMORY] = "reserved-memory",
	    [MACHINE_RESERVATION] = "reservation",
	    [MACHINE_FIRMWARE] = "firmware",
	    [MACHINE_IMAGE] = "kernel",
	    [MACHINE_TREE] = "device tree",
	    [MACHINE_RAMDISK] = "ramdisk",
	};

	return names[reason];
}
