/*
 * transfer_slots.c: transfers apart from any map: made, filled with copies,
 * read, destroyed.
 */
#include "vm/transfer_slots.h"

#include <arch/usercopy.h>

#include "kernel/kassert.h"
#include "kernel/string.h"
#include "kernel/zone.h"
#include "vm/map.h"
#include "vm/page_count.h"
#include "vm/swap.h"

#include <mach/vm_prot.h>

static struct zone transfer_zone;

void
transfer_zone_init(void)
{
	zone_init(&transfer_zone, "transfer", sizeof(struct transfer), 0);
}

uint64_t
transfer_size(const struct transfer *transfer)
{
	return transfer != NULL ? transfer->size : 0;
}

/* ---- layout ---- */

static uint64_t
span_floor(uint64_t va, unsigned level)
{
	return va & ~(pt_span(level) - 1);
}

static uint64_t
span_ceil(uint64_t va, unsigned level)
{
	return span_floor(va + pt_span(level) - 1, level);
}

static void
add_run(struct transfer *transfer, uint64_t va, uint64_t end, unsigned level)
{
	struct transfer_run *last = &transfer->run[transfer->run_count];
	uint32_t count = (uint32_t)((end - va) >> (PAGE_SHIFT + 9 * level));

	if (va >= end)
		return;
	if (transfer->run_count > 0 && last[-1].level == level) {
		last[-1].count += count;
	} else {
		*last = (struct transfer_run){.va = va,
		    .first = transfer->slot_count,
		    .count = count,
		    .level = level};
		transfer->run_count++;
	}
	transfer->slot_count += count;
	if (level > transfer->level)
		transfer->level = level;
}

/* Divide the transfer into the largest units that lie wholly inside. */
static void
lay_out(struct transfer *transfer)
{
	uint64_t start = transfer->inner_start, end = transfer->inner_end;
	uint64_t tables = span_ceil(start, 1), tables_end = span_floor(end, 1);
	uint64_t middles, middles_end;

	if (tables >= tables_end)
		tables = tables_end = end;
	middles = span_ceil(tables, 2);
	middles_end = span_floor(tables_end, 2);
	if (middles >= middles_end)
		middles = middles_end = tables_end;

	add_run(transfer, transfer->start, tables, 0);
	add_run(transfer, tables, middles, 1);
	add_run(transfer, middles, middles_end, 2);
	add_run(transfer, middles_end, tables_end, 1);
	add_run(transfer, tables_end, transfer->end, 0);
}

/* Which pages travel as they are; all others are copied. */
static void
choose_inner(struct transfer *transfer, uint64_t copy_max)
{
	transfer->inner_start = page_ceil(transfer->address);
	transfer->inner_end = page_floor(transfer->address + transfer->size);
	if (transfer->inner_start >= transfer->inner_end ||
	    transfer->size <= copy_max)
		transfer->inner_start = transfer->inner_end = transfer->end;
}

struct transfer *
transfer_create(uaddr_t address, uint64_t size, uint64_t copy_max)
{
	struct transfer *transfer = zone_alloc(&transfer_zone);
	size_t bytes;

	if (transfer == NULL)
		return NULL;
	transfer->address = address;
	transfer->size = size;
	transfer->start = page_floor(address);
	transfer->end = page_ceil(address + size);
	transfer->run_count = 0;
	transfer->slot_count = 0;
	transfer->level = 0;
	transfer->tables_shared = false;
	transfer->how = TRANSFER_KEEP;
	transfer->source = NULL;
	transfer->ledger = NULL;
	transfer->has = transfer->charged = (struct pmap_weight){0};
	transfer->phase = TRANSFER_TAKING;
	choose_inner(transfer, copy_max);
	lay_out(transfer);
	transfer->next = transfer->inner_start;

	transfer->slots = transfer->few;
	transfer->slots_made = transfer->slot_count;
	bytes = transfer->slot_count * sizeof(pte_t);
	if (transfer->slot_count > TRANSFER_FEW) {
		transfer->slots = kmem_alloc(bytes);
		if (transfer->slots == NULL) {
			zone_free(&transfer_zone, transfer);
			return NULL;
		}
	}
	memset(transfer->slots, 0, bytes);
	return transfer;
}

void
transfer_free(struct transfer *transfer)
{
	transfer_credit(transfer);
	if (transfer->slots != transfer->few)
		kmem_free(
		    transfer->slots, transfer->slots_made * sizeof(pte_t));
	zone_free(&transfer_zone, transfer);
}

/* ---- slots ---- */

/* The table that @entry, of a table at @level, points to; made if @make. */
static pte_t *
slot_table(struct transfer *transfer, pte_t *entry, pte_t *middle, bool make)
{
	pte_t *table;

	if (*entry != 0)
		return pte_table(*entry);
	table = make ? pmap_table_alloc() : NULL;
	if (table == NULL)
		return NULL;
	*entry = pte_of_table(table);
	if (middle != NULL)
		page_of_entry(middle)->tables++;
	transfer->has.tables++;
	return table;
}

static const struct transfer_run *
run_of(const struct transfer *transfer, uaddr_t va)
{
	const struct transfer_run *run = transfer->run;

	while (va - run->va >= run->count * pt_span(run->level))
		run++;
	return run;
}

pte_t *
transfer_slot(const struct transfer *transfer, uaddr_t va, unsigned *levelp)
{
	const struct transfer_run *run = run_of(transfer, va);

	*levelp = run->level;
	return &transfer->slots[run->first +
				((va - run->va) >> transfer_run_shift(run))];
}

pte_t *
transfer_leaf(struct transfer *transfer, uaddr_t va, bool make)
{
	pte_t *middle = NULL;
	unsigned level;
	pte_t *entry = transfer_slot(transfer, va, &level);

	for (; level > 0; level--) {
		pte_t *table = slot_table(transfer, entry, middle, make);

		if (table == NULL)
			return NULL;
		middle = table;
		entry = &table[pt_index(va, level - 1)];
	}
	return entry;
}

void
transfer_count(struct transfer *transfer, uaddr_t va, uint64_t pages)
{
	unsigned level;
	const pte_t *entry = transfer_slot(transfer, va, &level);

	transfer->has.pages += pages;
	for (; level > 0; level--) {
		page_of(pte_pa(*entry))->pages += pages;
		entry = &pte_table(*entry)[pt_index(va, level - 1)];
	}
}

void
transfer_put_page(struct transfer *transfer, uaddr_t va, pte_t *leaf,
    struct page *page, unsigned prot)
{
	*leaf = pte_make(page_pa(page), pte_protection(prot));
	transfer_count(transfer, va, 1);
}

/* The entry that speaks of the page at @va, and of which level it is. */
static pte_t
look(const struct transfer *transfer, uaddr_t va, unsigned *levelp)
{
	pte_t pte = *transfer_slot(transfer, va, levelp);

	while (pte != 0 && !pte_is_page(pte))
		pte = pte_table(pte)[pt_index(va, --*levelp)];
	return pte;
}

bool
transfer_has_page(const struct transfer *transfer, uaddr_t va)
{
	unsigned level;

	return look(transfer, va, &level) != 0;
}

/* Bring the page at @va in. */
static kern_return_t
bring_in(const struct transfer *transfer, uaddr_t va)
{
	unsigned level;
	pte_t *slot = transfer_slot(transfer, va, &level);

	slot = pmap_slot_make(slot, level, va, 0);
	return slot != NULL ? swap_in(slot) : KERN_RESOURCE_SHORTAGE;
}

kern_return_t
transfer_bytes(const struct transfer *transfer, uaddr_t va, const char **bytesp)
{
	unsigned level;
	pte_t pte = look(transfer, va, &level);
	kern_return_t kr;

	if (pte & PTE_SWAP) {
		kr = bring_in(transfer, va);
		if (kr != KERN_SUCCESS)
			return kr;
		pte = look(transfer, va, &level);
	}
	*bytesp = NULL;
	if (pte != 0)
		*bytesp = (const char *)pa_to_va(pte_pa(pte)) +
			  (va & (pt_span(level) - 1) & ~PAGE_MASK);
	return KERN_SUCCESS;
}

kern_return_t
transfer_take_page(struct transfer *transfer, uaddr_t va, struct page **pagep)
{
	unsigned level;
	pte_t *slot = transfer_slot(transfer, va, &level);
	kern_return_t kr = KERN_SUCCESS;

	slot = pmap_slot_make(slot, level, va, 0);
	if (slot == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (*slot & PTE_SWAP)
		kr = swap_in(slot);
	if (kr != KERN_SUCCESS)
		return kr;
	if (*slot == 0) {
		*pagep = page_alloc_zeroed();
		return *pagep != NULL ? kr : KERN_RESOURCE_SHORTAGE;
	}
	*pagep = page_of(pte_pa(*slot));
	*slot = 0;
	return KERN_SUCCESS;
}

/* ---- copying ---- */

kern_return_t
transfer_copy_page(struct transfer *transfer, uaddr_t va, const char *kernel)
{
	uint64_t from = max_u64(va, transfer->address);
	uint64_t end =
	    min_u64(va + PAGE_SIZE, transfer->address + transfer->size);
	pte_t *leaf = transfer_leaf(transfer, va, true);
	struct page *page = leaf != NULL ? page_alloc(0) : NULL;
	kern_return_t kr = KERN_SUCCESS;
	char *bytes;

	if (page == NULL)
		return KERN_RESOURCE_SHORTAGE;
	bytes = page_va(page);
	memset(bytes, 0, from - va);
	memset(bytes + (end - va), 0, va + PAGE_SIZE - end);
	if (kernel != NULL)
		memcpy(bytes + (from - va), kernel + (from - transfer->address),
		    end - from);
	else if (transfer->source != NULL)
		kr = map_copy_from(
		    transfer->source, bytes + (from - va), from, end - from);
	else
		kr = copyin(bytes + (from - va), from, end - from);
	if (kr != KERN_SUCCESS) {
		page_free(page);
		return kr;
	}
	transfer_put_page(transfer, va, leaf, page, VM_PROT_DEFAULT);
	return KERN_SUCCESS;
}

kern_return_t
transfer_copy_outer(struct transfer *transfer, const char *kernel)
{
	uaddr_t va = transfer->start;
	kern_return_t kr = KERN_SUCCESS;

	while (kr == KERN_SUCCESS && va < transfer->end) {
		if (va == transfer->inner_start && va < transfer->inner_end) {
			va = transfer->inner_end;
			continue;
		}
		kr = transfer_copy_page(transfer, va, kernel);
		va += PAGE_SIZE;
	}
	return kr;
}

/* ---- kernel buffers ---- */

static uint64_t
all_pages(const struct transfer *transfer)
{
	return (transfer->end - transfer->start) >> PAGE_SHIFT;
}

kern_return_t
transfer_from_kernel(struct ledger *ledger, const void *bytes, uint64_t size,
    struct transfer **transferp)
{
	struct transfer *transfer;
	kern_return_t kr;

	*transferp = NULL;
	if (size == 0)
		return KERN_SUCCESS;
	/* Any page-aligned address will do for one that is all copied. */
	transfer = transfer_create(PAGE_SIZE, size, UINT64_MAX);
	if (transfer == NULL)
		return KERN_RESOURCE_SHORTAGE;
	transfer->phase = TRANSFER_WHOLE;
	kr = KERN_RESOURCE_SHORTAGE;
	if (transfer_charge(transfer, ledger, all_pages(transfer)))
		kr = transfer_copy_outer(transfer, bytes);
	if (kr != KERN_SUCCESS) {
		transfer_destroy(transfer);
		return kr;
	}
	*transferp = transfer;
	return KERN_SUCCESS;
}

kern_return_t
transfer_blank(
    struct ledger *ledger, uint64_t size, struct transfer **transferp)
{
	struct transfer *transfer;

	*transferp = NULL;
	if (size == 0)
		return KERN_SUCCESS;
	/* From here on the largest units lie wholly inside. */
	transfer = transfer_create(pt_span(2), size, 0);
	if (transfer == NULL)
		return KERN_RESOURCE_SHORTAGE;
	transfer->phase = TRANSFER_WHOLE;
	if (!transfer_charge(transfer, ledger, all_pages(transfer))) {
		transfer_destroy(transfer);
		return KERN_RESOURCE_SHORTAGE;
	}
	*transferp = transfer;
	return KERN_SUCCESS;
}

struct transfer *
transfer_for_pages(unsigned most)
{
	struct transfer *transfer;

	KASSERT(most <= TRANSFER_FEW);
	transfer = transfer_create(PAGE_SIZE, most * PAGE_SIZE, UINT64_MAX);
	if (transfer != NULL)
		transfer->phase = TRANSFER_WHOLE;
	return transfer;
}

void
transfer_put_pages(
    struct transfer *transfer, struct page *const *pages, unsigned count)
{
	KASSERT(count > 0);
	KASSERT(count <= transfer->slot_count);
	transfer->size = count * PAGE_SIZE;
	transfer->end = transfer->start + transfer->size;
	transfer->inner_start = transfer->inner_end = transfer->end;
	transfer->run[0].count = count;
	transfer->slot_count = count;
	transfer->has.pages = count;
	for (unsigned i = 0; i < count; i++)
		transfer->slots[i] =
		    pte_make(page_pa(pages[i]), pte_protection(VM_PROT_READ));
}

/* The page of @va, made if there is none; NULL: no memory. */
static char *
written_page(struct transfer *transfer, uaddr_t va)
{
	pte_t *leaf = transfer_leaf(transfer, va, true);
	struct page *page;

	if (leaf == NULL)
		return NULL;
	if (*leaf != 0)
		return pa_to_va(pte_pa(*leaf));
	page = page_alloc(0);
	if (page == NULL)
		return NULL;
	memset(page_va(page), 0, PAGE_SIZE);
	transfer_put_page(transfer, va, leaf, page, VM_PROT_DEFAULT);
	return page_va(page);
}

kern_return_t
transfer_write(struct transfer *transfer, uint64_t offset, const void *bytes,
    uint64_t size)
{
	const char *from = bytes;
	uaddr_t at;

	if (offset > transfer_size(transfer) ||
	    size > transfer_size(transfer) - offset)
		return KERN_INVALID_ARGUMENT;
	if (size == 0)
		return KERN_SUCCESS;
	at = transfer->address + offset;
	while (size > 0) {
		uint64_t in_page = at & PAGE_MASK;
		uint64_t piece = min_u64(size, PAGE_SIZE - in_page);
		char *page = written_page(transfer, at - in_page);

		if (page == NULL)
			return KERN_RESOURCE_SHORTAGE;
		memcpy(page + in_page, from, piece);
		at += piece;
		from += piece;
		size -= piece;
	}
	return KERN_SUCCESS;
}

bool
transfer_trim(struct transfer *transfer, uint64_t size)
{
	if (page_ceil(size) != page_ceil(transfer_size(transfer)))
		return false;
	if (transfer != NULL)
		transfer->size = size;
	return true;
}

kern_return_t
transfer_to_kernel(const struct transfer *transfer, uint64_t offset,
    void *bytes, uint64_t size)
{
	char *to = bytes;
	uaddr_t at;

	if (offset > transfer_size(transfer) ||
	    size > transfer_size(transfer) - offset)
		return KERN_INVALID_ARGUMENT;
	if (size == 0)
		return KERN_SUCCESS;
	at = transfer->address + offset;
	while (size > 0) {
		uint64_t in_page = at & PAGE_MASK;
		uint64_t piece = min_u64(size, PAGE_SIZE - in_page);
		const char *page;
		kern_return_t kr = transfer_bytes(transfer, at, &page);

		if (kr != KERN_SUCCESS)
			return kr;
		if (page == NULL)
			memset(to, 0, piece);
		else
			memcpy(to, page + in_page, piece);
		at += piece;
		to += piece;
		size -= piece;
	}
	return KERN_SUCCESS;
}

/* ---- destroying ---- */

bool
transfer_destroy_step(struct transfer *transfer)
{
	unsigned budget = TRANSFER_STEP;

	if (transfer == NULL)
		return false;
	while (transfer->slot_count > 0) {
		const struct transfer_run *run =
		    &transfer->run[transfer->run_count - 1];
		uint32_t last = transfer->slot_count - 1;

		if (!pmap_slot_free(
			&transfer->slots[last], run->level, &budget))
			return true;
		transfer->slot_count = last;
		if (last == run->first)
			transfer->run_count--;
	}
	transfer_free(transfer);
	return false;
}

void
transfer_destroy(struct transfer *transfer)
{
	while (transfer_destroy_step(transfer))
		continue;
}
