/*
 * transfer_payer.c: who pays for what is on its way: the sender, until it has
 * arrived or is destroyed.
 */
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "vm/transfer_slots.h"

void
transfer_paid(struct transfer *transfer, struct ledger *ledger, uint64_t pages)
{
	transfer->ledger = ledger_get(ledger);
	transfer->charged.pages = pages;
}

bool
transfer_charge(
    struct transfer *transfer, struct ledger *ledger, uint64_t pages)
{
	if (pages > 0 && !ledger_charge(ledger, BATON_LEDGER_RESIDENT, pages))
		return false;
	transfer_paid(transfer, ledger, pages);
	return true;
}

void
transfer_check_weight(const struct transfer *transfer)
{
	struct pmap_weight weight = {0};

	for (uint32_t i = 0; i < transfer->run_count; i++) {
		const struct transfer_run *run = &transfer->run[i];

		pmap_weigh(&transfer->slots[run->first], run->level, run->count,
		    &weight);
	}
	KASSERT(weight.pages == transfer->has.pages);
	KASSERT(weight.tables == transfer->has.tables);
}

/* Let @count be charged instead of *@chargedp; more only if that may be. */
static bool
charge_change(struct ledger *ledger, enum baton_ledger_kind kind,
    uint64_t *chargedp, uint64_t count)
{
	if (count > *chargedp &&
	    !ledger_charge(ledger, kind, count - *chargedp))
		return false;
	if (count < *chargedp)
		ledger_credit(ledger, kind, *chargedp - count);
	*chargedp = count;
	return true;
}

bool
transfer_settle(struct transfer *transfer)
{
	struct pmap_weight *charged = &transfer->charged;

	return charge_change(transfer->ledger, BATON_LEDGER_RESIDENT,
		   &charged->pages, transfer->has.pages) &&
	       charge_change(transfer->ledger, BATON_LEDGER_PAGE_TABLES,
		   &charged->tables, transfer->has.tables);
}

static void
forget_payer(struct transfer *transfer)
{
	struct ledger *ledger = transfer->ledger;

	transfer->charged = (struct pmap_weight){0};
	transfer->ledger = NULL;
	ledger_put(ledger);
}

void
transfer_credit(struct transfer *transfer)
{
	struct ledger *ledger = transfer->ledger;

	if (ledger == NULL)
		return;
	if (transfer->charged.pages > 0)
		ledger_credit(
		    ledger, BATON_LEDGER_RESIDENT, transfer->charged.pages);
	if (transfer->charged.tables > 0)
		ledger_credit(
		    ledger, BATON_LEDGER_PAGE_TABLES, transfer->charged.tables);
	forget_payer(transfer);
}

void
transfer_credit_to(struct transfer *transfer, struct pmap *pmap)
{
	pmap->spare.pages += transfer->charged.pages;
	pmap->spare.tables += transfer->charged.tables;
	forget_payer(transfer);
}
