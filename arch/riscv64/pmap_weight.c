/* pmap_weight.c: how many pages and tables there are; see vm/page_count.h. */
#include "arch/riscv64/pmap_table.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "vm/page_count.h"

/* So much is charged beyond what is needed, if it may be. */
#define AHEAD_PAGES  32
#define AHEAD_TABLES 4

void
pmap_weigh(const pte_t *slots, unsigned level, unsigned count,
    struct pmap_weight *weight)
{
	for (const pte_t *end = slots + count; slots < end; slots++) {
		const struct page *table;

		if (*slots == 0)
			continue;
		if (level == 0) {
			weight->pages++;
			continue;
		}
		if (pte_is_page(*slots)) {
			weight->pages += PTE_COUNT;
			continue;
		}
		table = page_of(pte_pa(*slots));
		weight->pages += table->pages;
		weight->tables += level > 1 ? table->tables + 1 : 1;
	}
}

/* ---- paying ---- */

static bool
have(struct ledger *ledger, enum baton_ledger_kind kind, uint64_t *spare,
    uint64_t needed, uint64_t ahead)
{
	uint64_t missing;

	if (*spare >= needed)
		return true;
	missing = needed - *spare;
	if (ledger_charge(ledger, kind, missing + ahead)) {
		*spare = needed + ahead;
		return true;
	}
	if (!ledger_charge(ledger, kind, missing))
		return false;
	*spare = needed;
	return true;
}

static void
give_back(struct ledger *ledger, enum baton_ledger_kind kind, uint64_t *spare,
    uint64_t ahead)
{
	if (*spare <= ahead)
		return;
	ledger_credit(ledger, kind, *spare - ahead);
	*spare = ahead;
}

bool
pmap_pay_more(struct pmap *pmap, uint64_t pages, uint64_t tables)
{
	if (have(pmap->ledger, BATON_LEDGER_RESIDENT, &pmap->spare.pages, pages,
		AHEAD_PAGES) &&
	    have(pmap->ledger, BATON_LEDGER_PAGE_TABLES, &pmap->spare.tables,
		tables, AHEAD_TABLES))
		return true;
	pmap_settle(pmap);
	return false;
}

void
pmap_give_back(struct pmap *pmap)
{
	give_back(pmap->ledger, BATON_LEDGER_RESIDENT, &pmap->spare.pages,
	    pmap->keep - PMAP_SPARE_PAGES + AHEAD_PAGES);
	give_back(pmap->ledger, BATON_LEDGER_PAGE_TABLES, &pmap->spare.tables,
	    AHEAD_TABLES);
}

void
pmap_give_back_all(struct pmap *pmap)
{
	give_back(pmap->ledger, BATON_LEDGER_RESIDENT, &pmap->spare.pages, 0);
	give_back(
	    pmap->ledger, BATON_LEDGER_PAGE_TABLES, &pmap->spare.tables, 0);
}

/* ---- checks ---- */

/* What @leaf says is how many there are. */
static void
check_leaf_table(const pte_t *leaf)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < PTE_COUNT; i++)
		pages += leaf[i] != 0 && !(leaf[i] & PTE_FOREIGN);
	KASSERT(pages == page_of_entry(leaf)->pages);
}

/* What @middle says is the sum of what its entries weigh; adds it. */
static void
check_middle(const pte_t *middle, struct pmap_weight *has)
{
	struct pmap_weight weight = {0};

	pmap_weigh(middle, 1, PTE_COUNT, &weight);
	KASSERT(weight.pages == page_of_entry(middle)->pages);
	KASSERT(weight.tables == page_of_entry(middle)->tables);
	for (unsigned i = 0; i < PTE_COUNT; i++)
		if (middle[i] != 0 && !pte_is_page(middle[i]))
			check_leaf_table(pte_table(middle[i]));
	has->pages += weight.pages;
	has->tables += weight.tables + 1;
}

void
pmap_check_weight(const struct pmap *pmap, struct pmap_weight *has)
{
	for (unsigned i = 0; i < PTE_COUNT / 2; i++)
		if (pmap->root[i] != 0)
			check_middle(pte_table(pmap->root[i]), has);
}
