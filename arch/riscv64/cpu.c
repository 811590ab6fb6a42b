/*
 * cpu.c: switching threads, time, and talking to other harts.
 */
#include <arch/cpu.h>
#include <arch/csr.h>
#include <arch/fpu.h>
#include <arch/pmap.h>

#include "arch/riscv64/boot.h"
#include "arch/riscv64/sbi.h"
#include "arch/riscv64/trap.h"
#include "drivers/machine.h"
#include "ipc/call_twin.h"
#include "kernel/cpu.h"
#include "kernel/kassert.h"
#include "kernel/klog.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "vm/map.h"

/* The core has Sstc: deadlines need no call into firmware. */
static bool has_stimecmp;

noreturn void
arch_thread_resume(struct thread *next)
{
	struct cpu *cpu = this_cpu();
	int32_t best;

	next->cpu = cpu;
	next->cpu_tag = cpu_tag(cpu);
	/*
	 * Whoever sets an AST flag then looks where the thread runs; we say
	 * where, then look at the flags: one of us sees the other.  Pairs
	 * with the sequentially consistent or in thread_notice().  And whoever
	 * queues a thread then looks at what priority runs here; that was said
	 * as well, and we look at the queue: pairs with the fence in
	 * sched_wake().  Where a slice runs, its end is soon enough.
	 */
	fence_full();
	best = *(const volatile int32_t *)&cpu->runq.best;
	if (unlikely(best >= (int32_t)next->priority && cpu->slice.cpu == NULL))
		atomic_fetch_or_explicit(
		    &next->ast, AST_RESCHED, memory_order_relaxed);
	fpu_switch(cpu, next);
	pmap_switch(next->task != NULL ? &next->task->map->pmap : &kernel_pmap);
	arch_continue(next, next->cont != NULL ? next->cont : thread_return,
	    cpu->stack_top);
}

void
arch_thread_start(struct thread *thread, uaddr_t pc, uaddr_t sp)
{
	thread->tf = (struct trapframe){.epc = pc, .sp = sp};
}

/* ---- time ---- */

void
arch_set_timer(uint64_t deadline)
{
	if (has_stimecmp)
		csr_write(0x14d, deadline);
	else
		sbi_set_timer(deadline);
}

/* ---- waiting ---- */

void
arch_wait_for_interrupt(void)
{
	/* sie says what may wake us; sstatus.SIE stays clear, so no trap. */
	__asm__ volatile("wfi" ::: "memory");
}

void
arch_nap(uint64_t deadline)
{
	uint64_t programmed = this_cpu()->timers.programmed;

	if (deadline < programmed)
		arch_set_timer(deadline);
	arch_wait_for_interrupt();
	if (deadline < programmed)
		arch_set_timer(programmed);
}

void
arch_poll_interrupts(void)
{
	uint64_t pending = csr_read(sip) & csr_read(sie);

	if (pending & SIE_SSIE)
		trap_interrupt(IRQ_SOFTWARE);
	if (pending & SIE_STIE)
		trap_interrupt(IRQ_TIMER);
	if (pending & SIE_SEIE)
		trap_interrupt(IRQ_EXTERNAL);
}

/* ---- other harts ---- */

/* Call @send with masks of SBI hart ids that cover the cpus of @mask. */
static void
for_harts(uint64_t mask, void (*send)(uint64_t mask, uint64_t base))
{
	while (mask != 0) {
		uint64_t base = UINT64_MAX;
		uint64_t harts = 0;

		for (uint32_t i = 0; i < cpu_count; i++) {
			if (mask >> i & 1)
				base = min_u64(base, cpus[i].hart);
		}
		for (uint32_t i = 0; i < cpu_count; i++) {
			if ((mask >> i & 1) && cpus[i].hart - base < 64) {
				harts |= 1UL << (cpus[i].hart - base);
				mask &= ~(1UL << i);
			}
		}
		send(harts, base);
	}
}

void
arch_send_ipi(uint32_t cpu_index)
{
	/*
	 * What the other hart shall find is in memory before the interrupt
	 * is: the call is an environment call, whose device write could pass
	 * our stores.
	 */
	__asm__ volatile("fence rw, orw" ::: "memory");
	for_harts(1UL << cpu_index, sbi_send_ipi);
}

void
arch_remote_fence(uint64_t mask)
{
	mask &= atomic_load(&cpu_online_mask);
	for_harts(mask, sbi_remote_fence);
}

/*
 * Firmware makes the other harts run fence.i at once, whatever they are doing.
 * It is dear, and rare: programs are loaded, not patched.  Cores such as the
 * U74 keep stale instructions for ever otherwise.
 */
void
arch_sync_code(void)
{
	uint64_t others =
	    atomic_load(&cpu_online_mask) & ~(1UL << this_cpu()->index);

	/* The stores that wrote the code come before every hart's fence.i. */
	__asm__ volatile("fence rw, rw\n\tfence.i" ::: "memory");
	if (others != 0)
		for_harts(others, sbi_remote_fence_i);
}

/* ---- starting ---- */

/*
 * What each hart sets up for itself.  Counters: users may read cycle, time and
 * instret; firmware before and after OpenSBI 1.8 differs in what it leaves.
 * It leaves the vector unit on, whose registers nobody saves: what one user had
 * in them another would find.
 */
static void
hart_init(void)
{
	csr_clear(sstatus, SSTATUS_SIE | SSTATUS_SPIE | SSTATUS_SPP |
			       SSTATUS_VS | SSTATUS_FS | SSTATUS_SUM |
			       SSTATUS_MXR);
	csr_write(scounteren, 7);
	csr_write(sscratch, 0);
	if (ipc_call_twin)
		csr_write(stvec, (uintptr_t)trap_entry_twin);
	trap_clear_senvcfg();
	arch_set_timer(UINT64_MAX);
	csr_write(sie, SIE_SSIE | SIE_STIE | SIE_SEIE);
	/* Code may have been written to this hart's memory before it came. */
	__asm__ volatile("fence.i" ::: "memory");
}

void
arch_boot_init(void)
{
	has_stimecmp = trap_probe_stimecmp();
	hart_init();
}

noreturn void
arch_boot_continue(void (*cont)(void))
{
	struct cpu *cpu = this_cpu();

	arch_continue(cpu->idle, cont, cpu->stack_top);
}

const char *
arch_timer_name(void)
{
	return has_stimecmp ? "stimecmp" : "SBI";
}

/* A hart that SBI started: ours from start.S on. */
noreturn void
hart_main(struct cpu *cpu)
{
	uint32_t expected = CPU_ABSENT;

	hart_init();
	pmap_boot_hart();
	/* Somebody may have given up on us: then we must never run a thread,
	 * for nobody would send us a fence. */
	if (!atomic_compare_exchange_strong(
		&cpu->online, &expected, CPU_ONLINE)) {
		for (;;)
			arch_wait_for_interrupt();
	}
	atomic_fetch_or(&cpu_online_mask, 1UL << cpu->index);
	sched_idle();
}

/* Start one hart and wait for it; false when it does not come in time. */
static bool
hart_start(struct cpu *cpu)
{
	struct hart_start *start = &hart_starts[cpu->index];
	struct sbi_result result;
	uint64_t deadline;

	start->hart = cpu->hart;
	start->cpu = cpu;
	start->idle = cpu->idle;
	start->stack_top = cpu->stack_top;
	/* It reads the struct before paging: root last, and all before the
	 * call.  Pairs with the fence in late_hart_entry. */
	fence_full();
	start->root = va_to_pa(kernel_pmap.root);
	fence_full();
	result = sbi_hart_start(
	    cpu->hart, va_to_pa(secondary_entry), va_to_pa(start));
	if (result.error != SBI_SUCCESS)
		return false;
	deadline = timer_after_us(CONFIG_HART_START_US);
	while (atomic_load(&cpu->online) == CPU_ABSENT) {
		uint32_t expected = CPU_ABSENT;

		if (timer_now() > deadline)
			return !atomic_compare_exchange_strong(
			    &cpu->online, &expected, CPU_GIVEN_UP);
		arch_nap(timer_after_us(100));
	}
	return true;
}

/*
 * Only harts that arrived get a bit in cpu_online_mask: firmware answers
 * success for harts that never run, and a fence sent to one hangs for ever.
 */
void
arch_start_harts(const struct machine *machine)
{
	uint32_t online = 1;

	for (uint32_t i = 1; i < cpu_count; i++) {
		if (hart_start(&cpus[i])) {
			online++;
			klog("smp: hart %lu is up\n", cpus[i].hart);
		} else {
			klog("smp: hart %lu does not come, left alone\n",
			    cpus[i].hart);
		}
	}
	klog("smp: %u of %u harts, %u unfit\n", online, machine->hart_count,
	    machine->harts_unfit);
}
