/*
 * trap.c: what a trap means: page fault, interrupt, floating point, or bug.
 */
#include "arch/riscv64/trap.h"

#include <arch/cpu.h>
#include <arch/csr.h>
#include <arch/fpu.h>
#include <arch/offsets.h>
#include <arch/pmap.h>
#include <arch/trapframe.h>
#include <arch/usercopy.h>
#include <mach/exception_types.h>
#include <mach/mig_errors.h>
#include <mach/machine/exception.h>

#include "ipc/fast.h"
#include "ipc/fast_word.h"
#include "ipc/port.h"
#include "ipc/pset.h"
#include "ipc/space.h"
#include "kernel/cpu.h"
#include "kernel/exception.h"
#include "kernel/irq.h"
#include "kernel/kassert.h"
#include "kernel/klog.h"
#include "kernel/panic.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "vm/map.h"
#include "vm/memory_wait.h"

static_assert(offsetof(struct thread, tf) == 0, "tp finds the trapframe");
static_assert(offsetof(struct thread, cpu) == THREAD_CPU, "offsets.h");
static_assert(offsetof(struct thread, ast) == THREAD_AST, "offsets.h");
static_assert(
    offsetof(struct thread, priority) == THREAD_PRIORITY, "offsets.h");
static_assert(offsetof(struct thread, base_priority) == THREAD_BASE_PRIORITY,
    "offsets.h");
static_assert(THREAD_STANDING == THREAD_PRIORITY && THREAD_STANDING % 8 == 0 &&
		  offsetof(struct thread, cpu_tag) ==
		      THREAD_STANDING + THREAD_CPU_TAG_SHIFT / 8,
    "read together by call.S");
static_assert(offsetof(struct thread, fast.place) == FAST_PLACE, "offsets.h");
static_assert(offsetof(struct thread, fast.quiet) == FAST_QUIET, "offsets.h");
static_assert(offsetof(struct thread, fast.to) == FAST_TO, "offsets.h");
static_assert(
    offsetof(struct thread, fast.to_word) == FAST_TO_WORD, "offsets.h");
static_assert(
    offsetof(struct thread, fast.to_entry) == FAST_TO_ENTRY, "offsets.h");
static_assert(offsetof(struct thread, fast.to_key) == FAST_TO_KEY, "offsets.h");
static_assert(
    offsetof(struct thread, fast.spare_key) == FAST_SPARE_KEY, "offsets.h");
static_assert(offsetof(struct thread, fast.spare) == FAST_SPARE, "offsets.h");
static_assert(
    offsetof(struct thread, fast.spare_name) == FAST_SPARE_NAME, "offsets.h");
static_assert(offsetof(struct thread, fast.from_name) == FAST_FROM_NAME &&
		  FAST_FROM_NAME == FAST_SPARE_NAME + 4 &&
		  FAST_SPARE_NAME % 8 == 0,
    "read together by call.S");
static_assert(
    offsetof(struct thread, fast.receive) == FAST_RECEIVE, "offsets.h");
static_assert(offsetof(struct thread, fast.pmap) == FAST_PMAP, "offsets.h");
static_assert(offsetof(struct port, word) == PORT_WORD, "offsets.h");
static_assert(offsetof(struct port, sequence) == PORT_SEQUENCE, "offsets.h");
static_assert(offsetof(struct port, name) == PORT_NAME, "offsets.h");
static_assert(offsetof(struct pset, word) == PSET_WORD, "offsets.h");
static_assert(offsetof(struct pmap, satp) == PMAP_SATP, "offsets.h");
static_assert(offsetof(struct entry, port) == ENTRY_PORT, "offsets.h");
static_assert(offsetof(struct cpu, request_bits) == CPU_REQUEST, "offsets.h");
static_assert(offsetof(struct cpu, request_received) == CPU_REQUEST_RECEIVED,
    "offsets.h");
static_assert(
    offsetof(struct cpu, reply_received) == CPU_REPLY_RECEIVED, "offsets.h");
static_assert(
    offsetof(struct cpu, request_change) == CPU_REQUEST_CHANGE, "offsets.h");
static_assert(
    offsetof(struct cpu, reply_change) == CPU_REPLY_CHANGE, "offsets.h");
static_assert(offsetof(struct cpu, pmap) == CPU_PMAP, "offsets.h");
static_assert(
    offsetof(struct cpu, pmap_loaded) == CPU_PMAP_LOADED, "offsets.h");
static_assert(offsetof(struct cpu, running_priority) == CPU_RUNNING_PRIORITY,
    "offsets.h");
static_assert(offsetof(struct cpu, fpu_on) == CPU_FPU_ON, "offsets.h");
static_assert(
    offsetof(struct cpu, asids_stale) == CPU_ASIDS_STALE, "offsets.h");
static_assert(CPU_ASIDS_STALE == CPU_FPU_ON + 1, "read together by call.S");
static_assert(
    offsetof(struct cpu, counters.handed_off) == CPU_HANDED_OFF, "offsets.h");
static_assert(offsetof(struct cpu, declined) == CPU_DECLINED, "offsets.h");
static_assert(offsetof(struct cpu, runq.best) == CPU_BEST_QUEUED, "offsets.h");
static_assert(ENTRY_KEPT == KEY_KEPT_UPPER << 16, "offsets.h");
static_assert(ENTRY_KEY_UPPER == ENTRY_KEY + 2, "offsets.h");
static_assert(WORD_POINTER_BITS == WORD_SHIFT, "offsets.h");
static_assert(REQUEST_BITS == FAST_REQUEST_BITS, "offsets.h");
static_assert(REPLY_BITS == FAST_REPLY_BITS, "offsets.h");
static_assert(
    (REQUEST_BITS ^ REQUEST_BITS_RECEIVED) == FAST_REQUEST_RECEIVED, "offsets");
static_assert(
    (REPLY_BITS ^ REPLY_BITS_RECEIVED) == FAST_REPLY_RECEIVED, "offsets.h");
static_assert(HEADER_SIZE == FAST_HEADER, "offsets.h");
static_assert(CALL_BODY == FAST_BODY, "offsets.h");
static_assert(sizeof(mig_reply_error_t) == FAST_ANSWER, "offsets.h");
static_assert(TRAILER_SIZE == FAST_TRAILER, "offsets.h");
static_assert((MACH_MSG_TYPE_PORT_SEND << 16 | MACH_MSG_PORT_DESCRIPTOR
						   << 24) == DESCRIPTOR_SEND,
    "offsets.h");
static_assert(WORD_ASKER == 1UL << WORD_ASKER_SHIFT, "offsets.h");
static_assert(MACH_MSG_IN_BUFFER == CALL_IN_BUFFER, "offsets.h");
static_assert(offsetof(struct thread, fast.space) == THREAD_SPACE, "offsets.h");
static_assert(offsetof(struct space, lock.word) == SPACE_LOCK, "offsets.h");
static_assert(
    offsetof(struct space, self_entry) == SPACE_SELF_ENTRY, "offsets.h");
static_assert(offsetof(struct space, self_key) == SPACE_SELF_KEY, "offsets.h");
static_assert(
    offsetof(struct space, self_name) == SPACE_SELF_NAME, "offsets.h");
static_assert(offsetof(struct entry, key) == ENTRY_KEY, "offsets.h");
static_assert(offsetof(struct entry, urefs) == ENTRY_UREFS, "offsets.h");
static_assert(SPIN_COUNT(~0U) == LOCK_COUNT_MASK, "offsets.h");
static_assert(SPIN_PASS == LOCK_PASS, "offsets.h");
static_assert(MACH_PORT_UREFS_MAX == (1 << UREFS_BITS) - 1, "offsets.h");
static_assert(offsetof(struct cpu, stack_top) == CPU_STACK_TOP, "offsets.h");
static_assert(KERN_MEMORY_WAIT == USERCOPY_WAIT, "offsets.h");
static_assert(USER_END == 1UL << WORD_SHIFT, "usercopy.S");
static_assert(
    offsetof(struct cpu, message_trap) == CPU_MESSAGE_TRAP, "offsets.h");
static_assert(BATON_DECLINE_CALL_SIZE == DECLINE_SIZE, "offsets.h");
static_assert(BATON_DECLINE_CALL_KIND == DECLINE_KIND, "offsets.h");
static_assert(BATON_DECLINE_CALL_VOUCHER == DECLINE_VOUCHER, "offsets.h");
static_assert(BATON_DECLINE_CALL_RECEIVE == DECLINE_RECEIVE, "offsets.h");
static_assert(BATON_DECLINE_CALL_NAME == DECLINE_NAME, "offsets.h");
static_assert(BATON_DECLINE_CALL_REPLY == DECLINE_REPLY, "offsets.h");
static_assert(BATON_DECLINE_CALL_RIGHT == DECLINE_RIGHT, "offsets.h");
static_assert(BATON_DECLINE_CALL_NOBODY == DECLINE_NOBODY, "offsets.h");
static_assert(BATON_DECLINE_CALL_HART == DECLINE_HART, "offsets.h");
static_assert(BATON_DECLINE_CALL_PRIORITY == DECLINE_PRIORITY, "offsets.h");
static_assert(BATON_DECLINE_CALL_BUSY == DECLINE_BUSY, "offsets.h");

/*
 * The faulting address.  Cores with erratum CIP-453 do not extend its sign
 * for instruction faults, so we do.
 */
static uint64_t
fault_address(void)
{
	return (uint64_t)((int64_t)(csr_read(stval) << 25) >> 25);
}

static unsigned
fault_access(uint64_t cause)
{
	switch (cause) {
	case CAUSE_FETCH_PAGE:
		return VM_PROT_EXECUTE;
	case CAUSE_STORE_PAGE:
		return VM_PROT_WRITE;
	default:
		return VM_PROT_READ;
	}
}

static bool
is_page_fault(uint64_t cause)
{
	return cause == CAUSE_FETCH_PAGE || cause == CAUSE_LOAD_PAGE ||
	       cause == CAUSE_STORE_PAGE;
}

void
trap_interrupt(uint64_t number)
{
	struct cpu *cpu = this_cpu();

	cpu->counters.interrupts++;
	switch (number) {
	case IRQ_SOFTWARE:
		cpu->counters.ipis++;
		csr_clear(sip, SIE_SSIE);
		if (atomic_exchange(&cpu->fpu_wanted, 0) != 0)
			fpu_release(cpu);
		/* What is asked stands in our run queue or in the current
		 * thread's AST. */
		sched_poked();
		break;
	case IRQ_TIMER:
		timer_interrupt();
		break;
	case IRQ_EXTERNAL:
		irq_interrupt();
		break;
	default:
		/* Seen on real cores: a bit that vanished meanwhile. */
		break;
	}
}

static noreturn void fault_continue(void);

/* The fault was not served, or not yet; returns when it was. */
static never_inline void
fault_failed(
    struct thread *self, uaddr_t address, unsigned access, kern_return_t kr)
{
	while (kr == KERN_OPERATION_TIMED_OUT && !thread_should_yield())
		kr = map_fault(
		    self->task->map, address, access, &self->superpage);
	/* It faults again, and goes on where it was. */
	if (kr == KERN_OPERATION_TIMED_OUT)
		sched_yield(NULL);
	if (kr == KERN_SUCCESS)
		return;
	if (kr != KERN_MEMORY_WAIT)
		exception_raise(EXC_BAD_ACCESS, kr, address);
	self->memory.address = address;
	self->memory.access = access;
	memory_wait_block(fault_continue);
}

/* Serve a fault at @address; returns when the access can be tried again. */
static void
serve_fault(struct thread *self, uaddr_t address, unsigned access)
{
	kern_return_t kr =
	    map_fault(self->task->map, address, access, &self->superpage);

	if (unlikely(kr != KERN_SUCCESS))
		fault_failed(self, address, access, kr);
}

/* The page is there, or does not come; who was aborted finds out himself. */
static noreturn void
fault_continue(void)
{
	struct thread *self = current_thread();

	if (memory_wait_end() == KERN_SUCCESS)
		serve_fault(self, self->memory.address, self->memory.access);
	memory_wait_over();
	thread_return();
}

static void
page_fault(struct thread *self, uint64_t cause)
{
	uint64_t address = fault_address();

	this_cpu()->counters.faults++;
	ktrace(KT_FAULT, address, cause);
	serve_fault(self, address, fault_access(cause));
}

/*
 * A floating-point instruction of a thread that does not own the unit looks
 * like any illegal one: so the thread gets the unit, and tries again.
 */
static void
illegal_instruction(struct thread *self)
{
	if (fpu_resume())
		return;
	if (this_cpu()->fpu_owner == self)
		exception_raise(
		    EXC_BAD_INSTRUCTION, EXC_RISCV_ILLEGAL, self->tf.epc);
	if (fpu_take() != KERN_SUCCESS)
		exception_raise(
		    EXC_BAD_ACCESS, KERN_RESOURCE_SHORTAGE, self->tf.epc);
}

/* The user's instruction cannot go on. */
static noreturn void
instruction_failed(struct thread *self, uint64_t cause)
{
	uint64_t address = fault_address();

	switch (cause) {
	case CAUSE_BREAKPOINT:
		exception_raise(
		    EXC_BREAKPOINT, EXC_RISCV_BREAKPOINT, self->tf.epc);
	case CAUSE_LOAD_MISALIGNED:
		exception_raise(
		    EXC_BAD_ACCESS, EXC_RISCV_LOAD_MISALIGNED, address);
	case CAUSE_STORE_MISALIGNED:
		exception_raise(
		    EXC_BAD_ACCESS, EXC_RISCV_STORE_MISALIGNED, address);
	case CAUSE_FETCH_ACCESS:
	case CAUSE_LOAD_ACCESS:
	case CAUSE_STORE_ACCESS:
		exception_raise(EXC_BAD_ACCESS, KERN_MEMORY_ERROR, address);
	default:
		exception_raise(EXC_BAD_INSTRUCTION, cause, address);
	}
}

/* Any trap from user mode that is not a system call. */
void
trap_user(uint64_t cause)
{
	struct thread *self = current_thread();

	if ((int64_t)cause < 0) {
		if (likely(cause == (CAUSE_INTERRUPT | IRQ_EXTERNAL))) {
			this_cpu()->counters.interrupts++;
			irq_interrupt_user();
		} else {
			trap_interrupt(cause & ~CAUSE_INTERRUPT);
		}
		return;
	}
	this_cpu()->counters.traps++;
	if (is_page_fault(cause))
		page_fault(self, cause);
	else if (cause == CAUSE_ILLEGAL)
		illegal_instruction(self);
	else
		instruction_failed(self, cause);
}

/* A user copy met a fault: serve it and retry, or make the copy fail. */
static void
usercopy_trap(struct trapframe *frame, uint64_t cause)
{
	kern_return_t kr = KERN_INVALID_ADDRESS;

	/* Users' memory is open to the copy alone, not to who serves it. */
	csr_clear(sstatus, SSTATUS_SUM);
	this_cpu()->counters.faults++;
	if (is_page_fault(cause))
		kr = map_fault(current_thread()->task->map, fault_address(),
		    fault_access(cause), NULL);
	if (kr == KERN_MEMORY_WAIT) {
		memory_wait_in_trap();
		frame->epc =
		    (uintptr_t)(frame->epc >= (uintptr_t)copyout_words_return
				    ? usercopy_words_wait
				    : usercopy_wait);
	} else if (kr != KERN_SUCCESS) {
		frame->epc = (uintptr_t)usercopy_fault;
	}
	csr_set(sstatus, SSTATUS_SUM);
}

/* Any trap from the kernel.  @frame lacks s2 to s11: C keeps those. */
void
trap_kernel(struct trapframe *frame, uint64_t cause)
{
	struct cpu *cpu = this_cpu();

	if (frame->epc >= (uintptr_t)usercopy_start &&
	    frame->epc < (uintptr_t)usercopy_end) {
		usercopy_trap(frame, cause);
		return;
	}
	if (frame->epc >= (uintptr_t)usercopy_present_start &&
	    frame->epc < (uintptr_t)usercopy_present_end) {
		frame->epc = (uintptr_t)usercopy_fault;
		return;
	}
	if (frame->epc == (uintptr_t)usercopy_name) {
		frame->epc = (uintptr_t)usercopy_name_fault;
		return;
	}
	if (cpu->probing) {
		cpu->probing = false;
		frame->epc += 4;
		return;
	}
	if (frame->sp - cpu->stack_top + CONFIG_STACK_SIZE > CONFIG_STACK_SIZE)
		klog("trap: kernel stack overflow\n");
	panic("trap in the kernel: cause %lx pc %p address %lx ra %p", cause,
	    (void *)frame->epc, csr_read(stval), (void *)frame->ra);
}

/* Registers by their numbers: the assembler may not know them. */

bool
trap_probe_stimecmp(void)
{
	struct cpu *cpu = this_cpu();

	cpu->probing = true;
	__asm__ volatile(".option push\n.option norvc\n"
			 "csrw 0x14d, %0\n.option pop" ::"r"(UINT64_MAX)
			 : "memory");
	if (!cpu->probing)
		return false;
	cpu->probing = false;
	return true;
}

void
trap_clear_senvcfg(void)
{
	struct cpu *cpu = this_cpu();

	cpu->probing = true;
	__asm__ volatile(".option push\n.option norvc\n"
			 "csrw 0x10a, zero\n.option pop" ::
			     : "memory");
	cpu->probing = false;
}

bool
trap_probe_load(const volatile uint64_t *at, uint64_t *valuep)
{
	struct cpu *cpu = this_cpu();
	uint64_t value = 0;

	cpu->probing = true;
	__asm__ volatile(".option push\n.option norvc\n"
			 "ld %0, 0(%1)\n.option pop"
			 : "+r"(value)
			 : "r"(at)
			 : "memory");
	if (!cpu->probing)
		return false;
	cpu->probing = false;
	*valuep = value;
	return true;
}

bool
trap_probe_store(volatile uint64_t *at, uint64_t value)
{
	struct cpu *cpu = this_cpu();

	cpu->probing = true;
	__asm__ volatile(".option push\n.option norvc\n"
			 "sd %0, 0(%1)\n.option pop" ::"r"(value),
			 "r"(at)
			 : "memory");
	if (!cpu->probing)
		return false;
	cpu->probing = false;
	return true;
}
