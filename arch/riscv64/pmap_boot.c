/*
 * pmap_boot.c: the kernel's half of every address space.
 *
 * start.S turned paging on with tables that map the image, and a gigabyte or
 * two of the direct map, all of it writable.  Here the final tables are made,
 * in a root of their own, and taken.  Nothing is writable and executable: the
 * image keeps the leaves that start.S gave it, and its text and constants are
 * left out of the direct map.
 *
 * The entries of this root's upper half are all in place when the first other
 * root copies them, and never change; device windows that are mapped later go
 * into tables that hang there already.
 */
#include <arch/csr.h>
#include <arch/layout.h>
#include <arch/pmap.h>

#include "arch/riscv64/boot.h"
#include "arch/riscv64/fence_truth.h"
#include "arch/riscv64/tlb.h"
#include "drivers/machine.h"
#include "kernel/config.h"
#include "kernel/kassert.h"
#include "kernel/klog.h"
#include "kernel/string.h"
#include "vm/page.h"

/* All that the kernel maps for itself: data, by default. */
#define KERNEL_DATA (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D | PTE_G)

alignas(PAGE_SIZE) static pte_t kernel_root[PTE_COUNT];

/*
 * Tables needed before the first RAM is mapped.  A range of RAM with ragged
 * ends, and the hole for the image in it, has four boundaries, each of which
 * takes a middle and a leaf table at most.
 */
#define EARLY_TABLES 8
alignas(PAGE_SIZE) static pte_t early_tables[EARLY_TABLES][PTE_COUNT];
static unsigned early_used;

/* Where the next device window goes. */
static vaddr_t device_next = DEVICE_BASE;

/* ---- the mapper ---- */

static pte_t *
kernel_table(void)
{
	paddr_t pa;

	if (early_used < EARLY_TABLES)
		return early_tables[early_used++];
	if (page_total_count() != 0)
		return pmap_table_alloc();
	pa = page_boot_alloc(PAGE_SIZE, PAGE_SIZE);
	if (pa == 0)
		return NULL;
	page_zero(pa_to_va(pa));
	return pa_to_va(pa);
}

/*
 * A table of the kernel's by the address that also start.S's tables know: the
 * first ones are in the image.
 */
static pte_t *
kernel_table_of(pte_t pte)
{
	uint64_t offset = pte_pa(pte) - kernel_image_pa;

	if (offset < (uint64_t)(__kernel_end - __kernel_start))
		return (pte_t *)(IMAGE_BASE + offset);
	return pte_table(pte);
}

/* The entry for @va at @level of the kernel's tables; NULL: no memory. */
static pte_t *
kernel_entry(vaddr_t va, unsigned level)
{
	pte_t *table = kernel_root;

	for (unsigned at = PT_LEVELS - 1; at > level; at--) {
		pte_t *entry = &table[pt_index(va, at)];

		if (*entry == 0) {
			pte_t *made = kernel_table();

			if (made == NULL)
				return NULL;
			*entry = pte_of_table(made);
		}
		table = kernel_table_of(*entry);
	}
	return &table[pt_index(va, level)];
}

/* The highest level whose leaf fits @va, @pa and @size. */
static unsigned
largest_level(vaddr_t va, paddr_t pa, uint64_t size)
{
	unsigned level = PT_LEVELS - 1;

	while (level > 0 && (((va | pa) & (pt_span(level) - 1)) != 0 ||
				size < pt_span(level)))
		level--;
	return level;
}

/* Map whole pages from @pa on at @va, in the largest leaves that fit. */
static bool must_check
kernel_map(vaddr_t va, paddr_t pa, uint64_t size)
{
	while (size > 0) {
		unsigned level = largest_level(va, pa, size);
		pte_t *entry = kernel_entry(va, level);

		if (entry == NULL)
			return false;
		*entry = pte_make(pa, KERNEL_DATA);
		va += pt_span(level);
		pa += pt_span(level);
		size -= pt_span(level);
	}
	return true;
}

static void
must_map(vaddr_t va, paddr_t pa, uint64_t size)
{
	if (!kernel_map(va, pa, size))
		panic("no memory for the tables of %lx", va);
}

/* ---- direct map ---- */

static void
map_direct(paddr_t start, paddr_t end)
{
	if (start < end)
		must_map((vaddr_t)pa_to_va(start), start, end - start);
}

/* The image's text and constants, which only the image's own leaves map. */
static struct machine_range
constant_range(void)
{
	return (struct machine_range){
	    .start = kernel_image_pa,
	    .end = kernel_image_pa + (uint64_t)(__data_start - __kernel_start),
	};
}

/* Whole pages of it that the direct map has room for. */
static struct machine_range
ram_within_reach(struct machine_range ram)
{
	ram.start = page_ceil(ram.start);
	ram.end = page_floor(ram.end);
	if (ram.end > DIRECT_SIZE) {
		klog("vm: %lu MiB of RAM at %lx are out of reach, unused\n",
		    (ram.end - max_u64(ram.start, DIRECT_SIZE)) >> 20,
		    max_u64(ram.start, DIRECT_SIZE));
		ram.end = max_u64(ram.start, DIRECT_SIZE);
	}
	return ram;
}

static void
add_ram(const struct machine *machine, struct machine_range ram)
{
	struct machine_range constants = constant_range();

	ram = ram_within_reach(ram);
	map_direct(ram.start, min_u64(ram.end, constants.start));
	map_direct(max_u64(ram.start, constants.end), ram.end);
	page_boot_add(machine, ram.start, ram.end);
}

static bool
holds_image(struct machine_range ram)
{
	return kernel_image_pa >= ram.start && kernel_image_pa < ram.end;
}

static void
take_kernel_root(void)
{
	csr_write(satp, SATP_SV39 | va_to_pa(kernel_root) >> PAGE_SHIFT);
	sfence_vma_all();
}

/*
 * The range around the image first, with the early tables.  From then on its
 * memory can be written through the direct map, so the rest may take from it.
 */
static void
add_all_ram(const struct machine *machine)
{
	for (uint32_t i = 0; i < machine->ram_count; i++) {
		if (holds_image(machine->ram[i]))
			add_ram(machine, machine->ram[i]);
	}
	take_kernel_root();
	for (uint32_t i = 0; i < machine->ram_count; i++) {
		if (!holds_image(machine->ram[i]))
			add_ram(machine, machine->ram[i]);
	}
}

/* ---- struct page array, stacks ---- */

static bool
is_mapped(vaddr_t va)
{
	const pte_t *table = kernel_root;

	for (unsigned at = PT_LEVELS - 1;; at--) {
		pte_t pte = table[pt_index(va, at)];

		if (pte == 0 || pte_is_leaf(pte) || at == 0)
			return pte != 0;
		table = kernel_table_of(pte);
	}
}

/* Fresh memory at [@va, @end), where there is none yet; not zeroed. */
static void
back(vaddr_t va, vaddr_t end)
{
	while (va < end) {
		uint64_t size = PAGE_SIZE;
		paddr_t pa = 0;

		if (is_mapped(va)) {
			va += PAGE_SIZE;
			continue;
		}
		if ((va & (SUPERPAGE_SIZE - 1)) == 0 &&
		    end - va >= SUPERPAGE_SIZE) {
			size = SUPERPAGE_SIZE;
			pa = page_boot_alloc(size, size);
		}
		if (pa == 0) {
			size = PAGE_SIZE;
			pa = page_boot_alloc(size, size);
		}
		if (pa == 0)
			panic("no memory to back %lx", va);
		must_map(va, pa, size);
		va += size;
	}
}

/*
 * Descriptors of whole 2 MiB blocks, RAM or not: page_init() writes to all of
 * a block that RAM ends in.
 */
static void
back_pages(struct machine_range ram)
{
	const uint64_t block = SUPERPAGE_SIZE - 1;

	ram.end = min_u64(ram.end, DIRECT_SIZE);
	if (ram.start < ram.end)
		back((vaddr_t)page_of(ram.start & ~block),
		    (vaddr_t)page_of((ram.end + block) & ~block));
}

static void
back_stacks(uint32_t harts)
{
	for (uint32_t i = 0; i < harts && i < CONFIG_MAX_HARTS; i++) {
		vaddr_t top = pmap_stack_top(i);

		back(top - CONFIG_STACK_SIZE, top);
	}
}

/* ---- all of it ---- */

/* The number that follows "asid_bits=" on the kernel's command line. */
static uint32_t
asid_bits_option(const char *command_line)
{
	const char *word = string_option(command_line, "asid_bits=");
	uint32_t bits = 0;

	if (word == NULL)
		return UINT32_MAX;
	for (; *word >= '0' && *word <= '9' && bits < 100; word++)
		bits = bits * 10 + (uint32_t)(*word - '0');
	return bits;
}

void
pmap_boot(const struct machine *machine)
{
	kernel_pmap.root = kernel_root;
	kernel_root[pt_index(IMAGE_BASE, 2)] =
	    boot_root[pt_index(IMAGE_BASE, 2)];
	add_all_ram(machine);
	for (uint32_t i = 0; i < machine->ram_count; i++)
		back_pages(machine->ram[i]);
	back_stacks(machine->hart_count);
	/* The windows' middle table: roots copy the entry that points to it. */
	if (kernel_entry(DEVICE_BASE, 1) == NULL)
		panic("no memory for the table of device windows");
	pmap_kernel_made();
	tlb_boot(asid_bits_option(machine->command_line));
}

void
pmap_try_fences(void)
{
	fence_truth_test();
}

void
pmap_boot_hart(void)
{
	tlb_boot_hart();
	pmap_try_fences();
}

void *
pmap_map_device(paddr_t pa, uint64_t size)
{
	const uint64_t offset = pa & PAGE_MASK;
	vaddr_t va;

	size = page_ceil(offset + size);
	pa -= offset;
	/* Agree modulo 2 MiB, so that large windows take large leaves. */
	va = device_next + ((pa - device_next) & (SUPERPAGE_SIZE - 1));
	if (va > DEVICE_END || size > DEVICE_END - va ||
	    !kernel_map(va, pa, size))
		return NULL;
	device_next = va + size;
	sfence_vma_all();
	return (void *)(va + offset);
}
