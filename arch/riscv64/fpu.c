/* fpu.c: who owns the floating-point unit; see arch/fpu.h. */
#include <arch/csr.h>
#include <arch/fpu.h>

#include "kernel/cpu.h"
#include "kernel/kassert.h"
#include "kernel/string.h"
#include "kernel/zone.h"

void fpu_store(struct fpu_state *state);
void fpu_load(const struct fpu_state *state);

static_assert(offsetof(struct fpu_state, fcsr) == 256, "fpu.S");

static struct zone fpu_zone;

void
fpu_init(void)
{
	zone_init(&fpu_zone, "fpu", sizeof(struct fpu_state), 0);
}

void
fpu_switch(struct cpu *cpu, struct thread *next)
{
	bool on = cpu->fpu_owner == next;

	if (likely(on == cpu->fpu_on))
		return;
	cpu->fpu_on = on;
	if (on)
		csr_set(sstatus, SSTATUS_FS_DIRTY);
	else
		csr_clear(sstatus, SSTATUS_FS);
}

void
fpu_shut(struct cpu *cpu)
{
	csr_clear(sstatus, SSTATUS_FS);
	cpu->fpu_on = false;
}

void
fpu_release(struct cpu *cpu)
{
	struct thread *owner = cpu->fpu_owner;

	if (owner == NULL)
		return;
	csr_set(sstatus, SSTATUS_FS_DIRTY);
	fpu_store(owner->fpu);
	csr_clear(sstatus, SSTATUS_FS);
	cpu->fpu_on = false;
	cpu->fpu_owner = NULL;
	/* release: the next hart that runs the owner reads its area */
	__atomic_store_n(&owner->fpu_cpu, NULL, __ATOMIC_RELEASE);
}

/* An area of its own, zeroed, if there is none and there is memory.  Locks: the
 * thread's. */
static void
make_area(struct thread *thread)
{
	if (thread->fpu == NULL)
		thread->fpu = zone_alloc_zeroed(&fpu_zone);
}

bool
fpu_resume(void)
{
	struct cpu *cpu = this_cpu();

	if (cpu->fpu_owner != current_thread() || cpu->fpu_on)
		return false;
	cpu->fpu_on = true;
	csr_set(sstatus, SSTATUS_FS_DIRTY);
	return true;
}

kern_return_t
fpu_take(void)
{
	struct thread *self = current_thread();
	struct cpu *cpu = self->cpu;

	KASSERT(cpu->fpu_owner != self);
	if (self->fpu == NULL) {
		spin_lock(&self->lock);
		make_area(self);
		spin_unlock(&self->lock);
	}
	if (self->fpu == NULL)
		return KERN_RESOURCE_SHORTAGE;
	fpu_release(cpu);
	csr_set(sstatus, SSTATUS_FS_DIRTY);
	fpu_load(self->fpu);
	cpu->fpu_on = true;
	cpu->fpu_owner = self;
	self->fpu_cpu = cpu;
	cpu->counters.fpu_loads++;
	return KERN_SUCCESS;
}

void
fpu_discard(struct thread *thread)
{
	struct fpu_state *area;

	/* A thread ends on the hart that holds its registers, if any does. */
	if (thread->fpu_cpu != NULL)
		fpu_release(thread->fpu_cpu);
	spin_lock(&thread->lock);
	area = thread->fpu;
	thread->fpu = NULL;
	spin_unlock(&thread->lock);
	if (area != NULL)
		zone_free(&fpu_zone, area);
}

void
fpu_get(struct thread *thread, struct fpu_state *state)
{
	if (thread->fpu_cpu == this_cpu())
		fpu_release(thread->fpu_cpu);
	spin_lock(&thread->lock);
	if (thread->fpu != NULL)
		memcpy(state, thread->fpu, sizeof(*state));
	else
		memset(state, 0, sizeof(*state));
	spin_unlock(&thread->lock);
}

kern_return_t
fpu_set(struct thread *thread, const struct fpu_state *state)
{
	kern_return_t kr = KERN_SUCCESS;

	if (thread->fpu_cpu == this_cpu())
		fpu_release(thread->fpu_cpu);
	spin_lock(&thread->lock);
	/* What is told to end drops its area once, and gets no other. */
	if ((atomic_load(&thread->ast) & AST_TERMINATE) != 0)
		kr = KERN_TERMINATED;
	else
		make_area(thread);
	if (kr == KERN_SUCCESS && thread->fpu == NULL)
		kr = KERN_RESOURCE_SHORTAGE;
	if (kr == KERN_SUCCESS)
		memcpy(thread->fpu, state, sizeof(*state));
	spin_unlock(&thread->lock);
	return kr;
}
