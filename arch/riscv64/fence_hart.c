/*
 * fence_hart.c: this hart as the machine of fence_truth.h.
 *
 * The scratch tree has the kernel's upper half, and in the lower one a page and
 * a superpage for the kernel itself.  The two things to see in each differ in
 * what is written there.  Only boot uses it, one hart after the other.
 */
#include "arch/riscv64/fence_truth.h"

#include <arch/cpu.h>
#include <arch/csr.h>
#include <arch/layout.h>
#include <arch/pmap.h>

#include "arch/riscv64/tlb.h"
#include "arch/riscv64/trap.h"
#include "kernel/boot.h"
#include "kernel/cpu.h"
#include "kernel/klog.h"
#include "vm/page.h"

#define PAGE_VA	     0x40000000UL /* the first of PAGES */
#define SUPERPAGE_VA 0x40200000UL
#define FAR	     0x100000UL
/* The working set of a timed switch. */
#define PAGES 16

/* A hart that comes late does not wait for its turn otherwise. */
static struct spinlock scratch_lock = SPINLOCK_INIT(LOCK_PMAP);

static struct {
	pte_t *root, *middle, *leaf;
	struct page *pages[2];	/* the first and the second view */
	struct page *blocks[2]; /* the same; NULL: no memory */
} scratch;

static const pte_t kernel_page = PTE_V | PTE_R | PTE_A | PTE_D;

static uint64_t *
address_of(enum fence_place place)
{
	switch (place) {
	case FENCE_SUPERPAGE:
		return (uint64_t *)SUPERPAGE_VA;
	case FENCE_SUPERPAGE_FAR:
		return (uint64_t *)(SUPERPAGE_VA + FAR);
	case FENCE_PAGE:
		break;
	}
	return (uint64_t *)PAGE_VA;
}

/* ---- the operations ---- */

static void
enter(unsigned asid)
{
	uint64_t satp = SATP_SV39 | va_to_pa(scratch.root) >> PAGE_SHIFT;

	if (pmap_asid_bits != 0)
		satp |= (uint64_t)asid << SATP_ASID_SHIFT;
	csr_write(satp, satp);
	if (pmap_asid_bits == 0)
		sfence_vma_all();
}

static void
set(enum fence_place place, enum fence_view view, bool write)
{
	bool page = place == FENCE_PAGE;
	struct page *const *shown = page ? scratch.pages : scratch.blocks;
	volatile pte_t *entry =
	    page ? &scratch.leaf[pt_index(PAGE_VA, 0)]
		 : &scratch.middle[pt_index(SUPERPAGE_VA, 1)];
	pte_t pte = 0;

	if (view != FENCE_NOTHING)
		pte = pte_make(page_pa(shown[view == FENCE_SECOND]),
		    kernel_page | (write ? PTE_W : 0));
	*entry = pte;
}

static void
fence_at(enum fence_place place)
{
	sfence_vma_page((uintptr_t)address_of(place));
}

static enum fence_view
look(enum fence_place place)
{
	uint64_t value;

	if (!trap_probe_load(address_of(place), &value))
		return FENCE_NOTHING;
	return value == FENCE_SECOND ? FENCE_SECOND : FENCE_FIRST;
}

static bool
write(void)
{
	return trap_probe_store(address_of(FENCE_PAGE) + 1, 0);
}

/* ---- what it works on ---- */

static void
show(struct page *page, uint64_t offset, enum fence_view view)
{
	*(uint64_t *)((char *)page_va(page) + offset) = view;
}

static bool
make_scratch(void)
{
	for (unsigned i = 0; i < 2; i++) {
		scratch.pages[i] = page_alloc(0);
		if (scratch.pages[i] == NULL)
			return false;
		show(scratch.pages[i], 0, FENCE_FIRST + i);
		scratch.blocks[i] = page_alloc(PAGE_ORDER_MAX);
		if (scratch.blocks[i] == NULL)
			continue;
		show(scratch.blocks[i], 0, FENCE_FIRST + i);
		show(scratch.blocks[i], FAR, FENCE_FIRST + i);
	}
	scratch.root = pmap_table_alloc();
	scratch.middle = pmap_table_alloc();
	scratch.leaf = pmap_table_alloc();
	if (scratch.root == NULL || scratch.middle == NULL ||
	    scratch.leaf == NULL)
		return false;
	pmap_show_kernel(scratch.root);
	scratch.root[pt_index(PAGE_VA, 2)] = pte_of_table(scratch.middle);
	scratch.middle[pt_index(PAGE_VA, 1)] = pte_of_table(scratch.leaf);
	return true;
}

static void
free_table(pte_t *table)
{
	if (table == NULL)
		return;
	for (unsigned i = 0; i < PTE_COUNT; i++)
		table[i] = 0;
	pmap_table_free(table);
}

static void
free_scratch(void)
{
	for (unsigned i = 0; i < 2; i++) {
		if (scratch.pages[i] != NULL)
			page_free(scratch.pages[i]);
		if (scratch.blocks[i] != NULL)
			page_free(scratch.blocks[i]);
		scratch.pages[i] = NULL;
		scratch.blocks[i] = NULL;
	}
	free_table(scratch.root);
	free_table(scratch.middle);
	free_table(scratch.leaf);
	scratch.root = scratch.middle = scratch.leaf = NULL;
}

/* ---- timing ---- */

static void
touch_pages(void)
{
	for (uint64_t i = 0; i < PAGES; i++)
		(void)*(volatile uint64_t *)(PAGE_VA + i * PAGE_SIZE);
}

/* Cycles to come into the space and touch its pages: the least of some. */
static uint64_t
time_switch(bool fence)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < PAGES; i++)
		scratch.leaf[pt_index(PAGE_VA, 0) + i] =
		    pte_make(page_pa(scratch.pages[0]), kernel_page);
	sfence_vma_all();
	for (unsigned i = 0; i < 6; i++) {
		uint64_t before, cost;

		touch_pages();
		before = arch_read_cycles();
		enter(1 + i % 2);
		if (fence)
			sfence_vma_all();
		touch_pages();
		cost = arch_read_cycles() - before;
		if (cost < least)
			least = cost;
	}
	return least;
}

/* ---- the test ---- */

static const char *
when(bool true_of_it, const char *word)
{
	return true_of_it ? word : "";
}

static void
say(const struct cpu *cpu, const struct fence_truth *truth)
{
	if (!truth->full)
		klog("tlb: hart %lu: sfence.vma leaves old translations: "
		     "do not trust this core\n",
		    cpu->hart);
	if (cpu->index != 0)
		return;
	klog("tlb: fences hold%s%s%s%s%s%s", when(truth->page, " by page"),
	    when(truth->superpage, " by superpage"),
	    when(truth->retire, " by ASID"),
	    when(truth->keeps_absent, "; absence is kept"),
	    when(truth->keeps_rights, "; rights are kept"),
	    when(truth->walks_late, "; walks are late"));
	if (boot_entered != 0)
		klog(", a switch %lu cycles, fenced %lu", time_switch(false),
		    time_switch(true));
	klog("\n");
}

void
fence_truth_test(void)
{
	struct fence_machine machine = {
	    .enter = enter,
	    .set = set,
	    .fence_all = sfence_vma_all,
	    .fence_at = fence_at,
	    .look = look,
	    .write = write,
	};
	struct fence_truth truth = {.full = true};

	spin_lock(&scratch_lock);
	if (make_scratch()) {
		machine.has_asids = pmap_asid_bits > 1;
		machine.has_superpage =
		    scratch.blocks[0] != NULL && scratch.blocks[1] != NULL;
		fence_truth_find(&machine, &truth);
		say(this_cpu(), &truth);
	}
	tlb_leave_scratch();
	tlb_obey(&truth);
	free_scratch();
	spin_unlock(&scratch_lock);
}
