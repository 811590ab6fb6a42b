/*
 * tlb.c: which translations a hart may hold, and how they are dropped.
 *
 * ASIDs.  Each space gets one when it is first switched to, from a counter.
 * Retiring a space takes its ASID away: what TLBs hold under it is never used
 * again, so nothing need be fenced.  When the counter runs out, a new
 * generation begins: every space loses its ASID, and each hart drops all
 * translations once before it first uses an ASID of the new generation.
 * ASID 0 is the kernel's own space.
 *
 * Without ASIDs (SiFive U74), every switch is followed by a full fence, and
 * none is ever made by address: that core's errata say not to.
 *
 * Two races, both of the form "each side stores, fences, then loads", in which
 * at least one side must see the other's store:
 *
 *	pmap_switch(P) on hart H	pmap_retire(P) on hart R
 *	H->pmap = P			entries of P changed; P->satp = 0
 *	fence rw, rw			fence rw, rw
 *	load P->satp			load H->pmap
 *
 *  - R sees H->pmap == P: it has firmware fence H.  Whatever H held before is
 *    gone, under every ASID, and H walks the new entries from then on.  That
 *    H may still write the old ASID to satp does no harm: H's TLB has nothing
 *    stale under it, and no other hart will get it from P.
 *  - R does not: then H loads P->satp after R's store, so it finds 0 or a
 *    fresh ASID, under which it holds nothing.  H's walks come after its satp
 *    write, which comes after a load that saw a store made after the entries.
 *
 * A hart that leaves P has another pmap in H->pmap while satp still names P
 * for a few instructions.  It makes no access to the user half then, and what
 * it may fetch ahead stands under an ASID that P no longer has.  But P's root
 * must not be freed yet: so H->pmap_loaded follows the satp write, and
 * pmap_in_use() looks at both.
 *
 * Generations.  A new one zeroes the satp of every space, then tells each hart
 * that what its TLB holds is stale (cpu->asids_stale), and only then gives out
 * ASIDs anew.  A hart that loads P->satp and then finds that it has not been
 * told may use what it loaded: it is of the generation that the hart is in.
 * Any other case takes the lock.
 */
#include "arch/riscv64/tlb.h"

#include <arch/cpu.h>
#include <arch/csr.h>
#include <arch/layout.h>
#include <arch/pmap.h>
#include <arch/switch.h>

#include "arch/riscv64/fence_truth.h"
#include "kernel/cpu.h"

uint32_t pmap_asid_bits;

static struct spinlock asid_lock = SPINLOCK_INIT(LOCK_PMAP);
static struct list pmaps = {&pmaps, &pmaps}; /* [asid_lock] */
static uint64_t asid_next = 1;		     /* [asid_lock] */

/*
 * Harts with fewer ASIDs than the boot hart drop all translations at every
 * switch: what they hold is always stale.
 */
static bool asids_too_few[CONFIG_MAX_HARTS]; /* I */

/*
 * Fences by address hold, on all harts.  Without ASIDs none is made: the U74
 * has an erratum there.
 */
static bool page_fences; /* I */

static uint64_t
satp_of(const struct pmap *pmap)
{
	return SATP_SV39 | va_to_pa(pmap->root) >> PAGE_SHIFT;
}

/* ---- ASIDs; the lock is held ---- */

static void
asid_new_generation(void)
{
	struct list *link;

	list_for_each (link, &pmaps) {
		struct pmap *pmap = container_of(link, struct pmap, link);

		atomic_store_explicit(&pmap->satp, 0, memory_order_relaxed);
	}
	/* Before any of the new ASIDs, by the release in asid_assign(). */
	for (uint32_t i = 0; i < cpu_count; i++)
		atomic_store_explicit(
		    &cpus[i].asids_stale, true, memory_order_relaxed);
	asid_next = 1;
}

static uint64_t
asid_assign(struct pmap *pmap)
{
	uint64_t satp;

	if (asid_next >> pmap_asid_bits != 0)
		asid_new_generation();
	satp = satp_of(pmap) | asid_next++ << SATP_ASID_SHIFT;
	/*
	 * release: whoever loads it also sees that its TLB is stale, if so.
	 * acquire, and an exchange: if it replaces the 0 of a pmap_retire()
	 * that came meanwhile, this hart walks the entries changed before that;
	 * if not, that 0 follows.
	 */
	atomic_exchange_explicit(&pmap->satp, satp, memory_order_acq_rel);
	return satp;
}

void
tlb_add(struct pmap *pmap)
{
	atomic_init(&pmap->satp, 0);
	spin_lock(&asid_lock);
	list_add_tail(&pmaps, &pmap->link);
	spin_unlock(&asid_lock);
}

void
tlb_remove(struct pmap *pmap)
{
	spin_lock(&asid_lock);
	list_remove(&pmap->link);
	spin_unlock(&asid_lock);
}

/* ---- switching ---- */

static void
satp_load_no_asids(struct pmap *pmap)
{
	csr_write(satp, satp_of(pmap));
	/* The kernel's space has no user half: nothing can be stale in it. */
	if (pmap != &kernel_pmap)
		sfence_vma_all();
}

/* @pmap has no ASID, or this hart holds translations of an older generation. */
static void
satp_load_slow(struct cpu *cpu, struct pmap *pmap)
{
	uint64_t satp;
	bool stale;

	if (pmap_asid_bits == 0) {
		satp_load_no_asids(pmap);
		return;
	}
	spin_lock(&asid_lock);
	satp = atomic_load_explicit(&pmap->satp, memory_order_relaxed);
	if (satp == 0)
		satp = asid_assign(pmap);
	/* It is told again, once the lock is free, if another one begins. */
	stale = atomic_load_explicit(&cpu->asids_stale, memory_order_relaxed);
	if (!asids_too_few[cpu->index])
		atomic_store_explicit(
		    &cpu->asids_stale, false, memory_order_relaxed);
	spin_unlock(&asid_lock);

	csr_write(satp, satp);
	if (!stale)
		return;
	/*
	 * After the satp write: until then this hart might fetch ahead under
	 * the old space's ASID, which may be the new space's number.
	 */
	sfence_vma_all();
}

void
pmap_switch_slow(struct cpu *cpu, struct pmap *pmap)
{
	satp_load_slow(cpu, pmap);
	store_release(&cpu->pmap_loaded, pmap);
}

void
pmap_switch(struct pmap *pmap)
{
	pmap_switch_on(this_cpu(), pmap);
}

bool
pmap_is_current(const struct pmap *pmap)
{
	return this_cpu()->pmap == pmap;
}

/* Harts other than this one that are in @pmap. */
static inline uint64_t
harts_in(const struct pmap *pmap)
{
	const struct cpu *self = this_cpu();
	const struct cpu *end = &cpus[cpu_count];
	uint64_t mask = 0;

	for (const struct cpu *cpu = cpus; cpu < end; cpu++) {
		if (cpu != self &&
		    __atomic_load_n(&cpu->pmap, __ATOMIC_RELAXED) == pmap)
			mask |= 1UL << cpu->index;
	}
	return mask;
}

bool
pmap_runs_elsewhere(const struct pmap *pmap)
{
	return harts_in(pmap) != 0;
}

bool
pmap_in_use(const struct pmap *pmap)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		/* acquire: that hart's satp write came before */
		if (__atomic_load_n(&cpus[i].pmap, __ATOMIC_ACQUIRE) == pmap ||
		    __atomic_load_n(&cpus[i].pmap_loaded, __ATOMIC_ACQUIRE) ==
			pmap)
			return true;
	}
	return false;
}

/* ---- invalidation ---- */

void
pmap_retire_leaving(struct pmap *pmap)
{
	uint64_t others;

	if (CONFIG_UNSAFE_NO_FENCE)
		return;
	/* Without ASIDs it is 0 already.  release: see asid_assign() */
	store_release(&pmap->satp, 0);
	fence_full(); /* pairs with the one in pmap_switch() */
	others = harts_in(pmap);
	if (unlikely(others != 0))
		arch_remote_fence(others);
}

void
pmap_stay(struct pmap *pmap)
{
	struct cpu *cpu = this_cpu();

	if (cpu->pmap == pmap && !CONFIG_UNSAFE_NO_FENCE)
		satp_load_slow(cpu, pmap);
}

void
pmap_retire(struct pmap *pmap)
{
	pmap_retire_leaving(pmap);
	pmap_stay(pmap);
}

void
pmap_fence_page(uaddr_t va)
{
	if (likely(page_fences))
		sfence_vma_page(va);
	else
		sfence_vma_all();
}

/* ---- boot ---- */

/* How many bits satp.ASID has: those that keep the ones written to them. */
static uint32_t
asid_probe(void)
{
	uint64_t satp = csr_read(satp);
	uint64_t ones;

	csr_write(satp, satp | SATP_ASID_MASK);
	ones = (csr_read(satp) & SATP_ASID_MASK) >> SATP_ASID_SHIFT;
	csr_write(satp, satp);
	sfence_vma_all();
	return (uint32_t)__builtin_popcountl(ones);
}

void
tlb_boot(uint32_t asid_bits_max)
{
	struct cpu *cpu = this_cpu();

	atomic_init(&kernel_pmap.satp, satp_of(&kernel_pmap));
	csr_write(satp, satp_of(&kernel_pmap));
	sfence_vma_all();
	cpu->pmap = &kernel_pmap;
	cpu->pmap_loaded = &kernel_pmap;
	pmap_asid_bits = (uint32_t)min_u64(asid_probe(), asid_bits_max);
}

void
tlb_boot_hart(void)
{
	struct cpu *cpu = this_cpu();

	cpu->pmap = &kernel_pmap;
	cpu->pmap_loaded = &kernel_pmap;
	asids_too_few[cpu->index] = asid_probe() < pmap_asid_bits;
	/* It fences before it first uses an ASID. */
	atomic_init(&cpu->asids_stale, true);
}

void
tlb_leave_scratch(void)
{
	csr_write(satp, satp_of(&kernel_pmap));
	sfence_vma_all();
}

/* The boot hart before any space has an ASID, others before they run one. */
void
tlb_obey(const struct fence_truth *truth)
{
	struct cpu *cpu = this_cpu();

	if (cpu->index == 0) {
		if (!truth->retire)
			pmap_asid_bits = 0;
		page_fences = pmap_asid_bits != 0;
	} else if (!truth->retire) {
		asids_too_few[cpu->index] = true;
	}
	if (!truth->page || !truth->superpage)
		page_fences = false;
}
