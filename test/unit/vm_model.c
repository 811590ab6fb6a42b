/* vm_model.c: see vm_model.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm_model.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/list.h"
#include "vm/page.h"

struct model models[TASKS];

/* ---- pages ---- */

static struct cell *
cell_of(struct model_page *page)
{
	if (page->cell == NULL) {
		page->cell = calloc(1, sizeof(*page->cell));
		page->cell->refs = 1;
	}
	return page->cell;
}

void
page_clear(struct model_page *page)
{
	if (page->cell != NULL && --page->cell->refs == 0)
		free(page->cell);
	*page = (struct model_page){0};
}

void
page_share(struct model_page *to, struct model_page *from)
{
	struct cell *cell = cell_of(from);

	cell->refs++;
	page_clear(to);
	*to = *from;
	to->wired = 0;
}

void
page_like(struct model_page *to, const struct model_page *from)
{
	struct model_page copy = *from;

	copy.cell = NULL;
	copy.wired = 0;
	if (from->cell != NULL) {
		memcpy(cell_of(&copy)->tag, from->cell->tag,
		    sizeof(from->cell->tag));
	}
	page_clear(to);
	*to = copy;
}

uint32_t
tag_of(const struct model_page *page, uint64_t sector)
{
	return page->cell != NULL ? page->cell->tag[sector] : 0;
}

void
tag_set(struct model_page *page, uint64_t sector, uint32_t tag)
{
	if (tag != tag_of(page, sector))
		cell_of(page)->tag[sector] = tag;
}

bool
page_allows(const struct model_page *page, unsigned access)
{
	unsigned prot = page->prot;

	if (prot & VM_PROT_WRITE)
		prot |= VM_PROT_READ;
	return page->mapped && (prot & access) != 0;
}

uint64_t
mapped_until(const struct model *model, uint64_t first, uint64_t last)
{
	while (first < last && model->page[first].mapped)
		first++;
	return first;
}

void
model_clear(struct model *model, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		page_clear(&model->page[i]);
}

/* ---- bytes ---- */

void
sector_write(void *bytes, uint32_t tag)
{
	uint64_t *words = bytes;

	words[0] = words[SECTOR_SIZE / 8 - 1] = tag;
}

void
sector_check(const void *bytes, uint32_t tag)
{
	const uint64_t *words = bytes;

	assert_int_equal(words[0], tag);
	assert_int_equal(words[SECTOR_SIZE / 8 - 1], tag);
	assert_int_equal(words[1 + random_below(SECTOR_SIZE / 8 - 2)], 0);
}

/* ---- comparison with the tables ---- */

#define RIGHTS (PTE_R | PTE_W | PTE_X)

/* All that a leaf of such a page may allow. */
static pte_t
rights_of(const struct model_page *page)
{
	return pte_protection(page->prot) & RIGHTS;
}

/* Bytes that are in no page are zeros. */
static void
compare_absent(const struct model_page *page)
{
	const struct cell *cell = page->cell;

	if (cell == NULL)
		return;
	for (unsigned i = 0; i < SECTORS; i++) {
		if (cell->tag[i] != 0)
			fail_msg("a page's bytes are lost");
	}
}

static void
compare_bytes(const struct model_page *page, const char *bytes)
{
	for (uint64_t i = 0; i < SECTORS; i++) {
		const uint64_t *words =
		    (const uint64_t *)(bytes + i * SECTOR_SIZE);
		uint32_t tag = tag_of(page, i);

		if (words[0] != tag || words[SECTOR_SIZE / 8 - 1] != tag)
			fail_msg("a page has other bytes");
	}
}

/* @way: V of all tables above it. */
static void
compare_page(const struct model_page *page, pte_t pte, pte_t way, bool object)
{
	if (pte == 0) {
		if (!object)
			compare_absent(page);
		return;
	}
	if (!page->mapped)
		fail_msg("a page is where nothing is");
	if (pte & PTE_SWAP)
		return;
	if (way & pte & PTE_V) {
		if (pte & RIGHTS & ~rights_of(page))
			fail_msg("a page allows too much");
		if ((pte & PTE_W) && (pte & PTE_X))
			fail_msg("a page may be written and executed");
	}
	compare_bytes(page, pa_to_va(pte_pa(pte)));
}

/* The pages of one leaf table, or superpage, or of none. */
static void
compare_span(const struct model *model, uint64_t first, uint64_t last)
{
	uaddr_t va = address_of(first);
	const struct pmap *pmap = &model->task.map->pmap;
	pte_t entry = pmap->root[pt_index(va, 2)], way = entry;
	const pte_t *table = NULL;
	struct map_region region = {0};

	if (entry != 0) {
		entry = pte_table(entry)[pt_index(va, 1)];
		way &= entry;
	}
	if (entry != 0 && !pte_is_page(entry))
		table = pte_table(entry);
	for (uint64_t i = first; i < last; i++) {
		const struct model_page *page = &model->page[i];
		pte_t pte = entry;

		va = address_of(i);
		if (table != NULL)
			pte = table[pt_index(va, 0)];
		else if (entry != 0)
			pte += pte_make(va & (SUPERPAGE_SIZE - 1), 0);
		/* What is not here may be in an object. */
		if (pte == 0 && page->cell != NULL &&
		    va >= region.start + region.size &&
		    map_region(model->task.map, va, &region) != KERN_SUCCESS)
			fail_msg("a region is missing");
		compare_page(page, pte, way, region.kind == MAP_OBJECT);
	}
}

void
model_compare(const struct model *model, uint64_t first, uint64_t last)
{
	uint64_t stop;

	for (; first < last; first = stop) {
		stop = min_u64((first / 512 + 1) * 512, last);
		compare_span(model, first, stop);
	}
}

/* Is a room kept in the span of the leaf table from @page on? */
static bool
has_room(const struct map *map, uint64_t page)
{
	for (unsigned i = 0; i < MAP_ROOMS; i++) {
		const struct map_entry *room = map->room[i];

		if (room != NULL && page_at(room->start) < page + PTE_COUNT &&
		    page_at(room->end) > page)
			return true;
	}
	return false;
}

/* Each of the tables has something to be there for. */
static void
compare_tables(const struct model *model)
{
	const pte_t *root = model->task.map->pmap.root;
	const pte_t *middle;

	for (unsigned i = 0; i < PTE_COUNT / 2; i++)
		assert_true(root[i] == 0 || i == pt_index(BASE, 2));
	if (root[pt_index(BASE, 2)] == 0)
		return;
	assert_int_equal(pt_index(BASE, 1), 0);
	middle = pte_table(root[pt_index(BASE, 2)]);
	for (unsigned i = 0; i < PTE_COUNT; i++) {
		uint64_t page = i * PTE_COUNT;

		if (middle[i] == 0 || has_room(model->task.map, page))
			continue;
		assert_true(page < SPAN);
		while (!model->page[page].mapped)
			assert_true(++page < (i + 1) * PTE_COUNT);
	}
}

/* The pages of a region, from @page on; where it ends. */
static uint64_t
compare_region(const struct model *model, uint64_t page)
{
	struct map_region region;
	uint64_t end;

	assert_int_equal(map_region(model->task.map, address_of(page), &region),
	    KERN_SUCCESS);
	end = page_at(region.start + region.size);
	assert_true(region.start <= address_of(page) && end <= SPAN);
	for (; page < end; page++) {
		const struct model_page *at = &model->page[page];

		if (!at->mapped || at->prot != region.prot ||
		    at->max_prot != region.max_prot ||
		    at->inherit != region.inherit || at->wired != region.wired)
			fail_msg("a region is other than it should");
	}
	return end;
}

void
model_compare_map(const struct model *model)
{
	uint64_t pages = 0, end;

	compare_tables(model);
	for (uint64_t page = 0; page < SPAN; page = end) {
		end = page + 1;
		if (!model->page[page].mapped)
			continue;
		end = compare_region(model, page);
		pages += end - page;
	}
	assert_int_equal(model->task.map->size, pages * PAGE_SIZE);
}
