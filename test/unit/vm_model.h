/*
 * test/unit/vm_model.h: what tasks' memory should be, in arrays: for each page
 * what may be done to it and which bytes are in it; and the comparison with the
 * page tables.
 *
 * A page's bytes are those of a cell: who shares memory has the same cells, and
 * a copy has cells of its own.  A page is some sectors, each zeros or marked at
 * both ends by a tag.
 */
#pragma once
#include "kernel/task.h"
#include "chance.h"
#include "vm_host.h"

enum {
	TASKS = 3,
	SPAN = 4096, /* pages of a task that the model knows: 16 MiB */
	SECTORS = 4, /* per page: what is written and sent */
};
#define BASE	    MAP_ANYWHERE_BASE
#define SECTOR_SIZE (PAGE_SIZE / SECTORS)
#define LAST_SECTOR (SPAN * SECTORS)

struct cell {
	uint32_t tag[SECTORS]; /* 0: zeros */
	uint32_t refs;
};

struct model_page {
	struct cell *cell; /* NULL: zeros, that nobody shares */
	uint8_t mapped, prot, max_prot, inherit, wired;
};

/* A task, and what its memory should be. */
struct model {
	struct task task;
	struct model_page page[SPAN];
};
extern struct model models[TASKS];

/* ---- pages ---- */

static inline uaddr_t
address_of(uint64_t page)
{
	return BASE + page * PAGE_SIZE;
}

static inline uint64_t
page_at(uaddr_t va)
{
	return (va - BASE) >> PAGE_SHIFT;
}

void page_clear(struct model_page *page);
/* Let @to be like @from: the same cell, or a copy of its own. */
void page_share(struct model_page *to, struct model_page *from);
void page_like(struct model_page *to, const struct model_page *from);

uint32_t tag_of(const struct model_page *page, uint64_t sector);
void tag_set(struct model_page *page, uint64_t sector, uint32_t tag);

/* May a user access it so? */
bool page_allows(const struct model_page *page, unsigned access);

/* The first of the pages that is not mapped, or @last. */
uint64_t mapped_until(const struct model *model, uint64_t first, uint64_t last);
void model_clear(struct model *model, uint64_t first, uint64_t count);

/* ---- bytes ---- */

void sector_write(void *bytes, uint32_t tag);
/* Assert that it holds @tag. */
void sector_check(const void *bytes, uint32_t tag);

/* ---- comparison ---- */

/*
 * Assert of pages [@first, @last) that each entry of the tables is of a page
 * that is mapped, allows what the model does and not more, names the right
 * bytes, and is not writable while others have the page; and that no bytes are
 * missing.
 */
void model_compare(const struct model *model, uint64_t first, uint64_t last);
/*
 * Assert that no table is where nothing is mapped, and that the map's regions
 * say what the model does.
 */
void model_compare_map(const struct model *model);
