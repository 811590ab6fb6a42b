/* drivers/plic.c: see plic.h. */
#include "drivers/plic.h"
#include "kernel/kassert.h"
#include <arch/mmio.h>

enum {
	PRIORITIES = 0x0,
	ENABLES = 0x2000,
	ENABLES_STRIDE = 0x80,
	CONTEXTS = 0x200000,
	CONTEXT_STRIDE = 0x1000,
	THRESHOLD = 0x0,
	CLAIM = 0x4,
	SOURCES_PER_WORD = 32,
};

static uint64_t
context_offset(uint32_t context, uint64_t reg)
{
	return CONTEXTS + (uint64_t)CONTEXT_STRIDE * context + reg;
}

/* The word of @context's enables that has the bit of @source. */
static uint64_t
enable_offset(uint32_t context, uint32_t source)
{
	return ENABLES + (uint64_t)ENABLES_STRIDE * context +
	       4 * (source / SOURCES_PER_WORD);
}

uint64_t
plic_window_size(uint32_t context)
{
	return context_offset(context + 1, 0);
}

void
plic_init(struct plic *plic, volatile void *window,
    const struct machine_plic *description)
{
	uint32_t source;

	plic->window = window;
	plic->source_count = description->source_count;
	if (plic->source_count > PLIC_SOURCE_MAX)
		plic->source_count = PLIC_SOURCE_MAX;
	for (source = 1; source <= plic->source_count; source++)
		mmio_write32(window, PRIORITIES + 4 * source, 0);
}

void
plic_init_context(struct plic *plic, uint32_t context)
{
	uint32_t source;

	/* Firmware may have left anything. */
	for (source = 0; source <= plic->source_count;
	     source += SOURCES_PER_WORD)
		mmio_write32(plic->window, enable_offset(context, source), 0);
	mmio_write32(plic->window, context_offset(context, THRESHOLD), 0);
}

static void
write_enable(struct plic *plic, uint32_t context, uint32_t source, bool enabled)
{
	uint64_t offset = enable_offset(context, source);
	uint32_t bit = 1U << source % SOURCES_PER_WORD;
	uint32_t word = mmio_read32(plic->window, offset);

	KASSERT(source >= 1);
	KASSERT(source <= plic->source_count);
	word = enabled ? word | bit : word & ~bit;
	mmio_write32(plic->window, offset, word);
}

void
plic_enable(struct plic *plic, uint32_t context, uint32_t source)
{
	/* All sources are equal: the lowest priority that interrupts. */
	mmio_write32(plic->window, PRIORITIES + 4 * source, 1);
	write_enable(plic, context, source, true);
	mmio_before_unlock();
}

void
plic_disable(struct plic *plic, uint32_t context, uint32_t source)
{
	write_enable(plic, context, source, false);
	mmio_before_unlock();
}

uint32_t
plic_claim(struct plic *plic, uint32_t context)
{
	return mmio_read32(plic->window, context_offset(context, CLAIM));
}

void
plic_complete(struct plic *plic, uint32_t context, uint32_t source)
{
	mmio_write32(plic->window, context_offset(context, CLAIM), source);
}
