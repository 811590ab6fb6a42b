/*
 * object_pay.c: who pays for what an object has; see object.h.
 */
#include "kernel/ledger.h"
#include "kernel/task.h"
#include "vm/object_slots.h"

/* Does who pays ask for it himself, having made it as large as it is? */
static bool
is_his_own(const struct object *object)
{
	return !object_is_paged(object) && object->ledger == ledger_of_caller();
}

static bool
charge(const struct object *object, struct ledger *ledger,
    enum baton_ledger_kind kind, uint64_t count)
{
	return is_his_own(object)
		   ? ledger_charge(ledger, kind, count)
		   : ledger_charge_for_others(ledger, kind, count);
}

bool
object_pay(struct object *object, uint64_t count)
{
	if (unlikely(object->pages_ledger == NULL && object->pager != NULL)) {
		object->pages_ledger = ledger_of_caller();
		if (object->pages_ledger != object->ledger)
			ledger_get(object->pages_ledger);
	}
	return charge(
	    object, object->pages_ledger, BATON_LEDGER_RESIDENT, count);
}

void
object_unpay(struct object *object, uint64_t count)
{
	if (count > 0)
		ledger_credit(
		    object->pages_ledger, BATON_LEDGER_RESIDENT, count);
}

static bool
charge_node(const struct object *object, struct ledger *ledger)
{
	return object->pager != NULL
		   ? ledger_charge(ledger, BATON_LEDGER_KERNEL, PAGE_SIZE)
		   : charge(object, ledger, BATON_LEDGER_KERNEL, PAGE_SIZE);
}

bool
object_is_poor(const struct object *object)
{
	if (!charge_node(object, object->ledger))
		return true;
	ledger_credit(object->ledger, BATON_LEDGER_KERNEL, PAGE_SIZE);
	return false;
}

struct page *
object_node_alloc(const struct object *object)
{
	struct ledger *ledger =
	    object->pager != NULL ? ledger_of_caller() : object->ledger;
	struct page *node;

	if (!charge_node(object, ledger))
		return NULL;
	node = page_alloc_zeroed();
	if (node != NULL)
		node->payer = ledger_get(ledger);
	else
		ledger_credit(ledger, BATON_LEDGER_KERNEL, PAGE_SIZE);
	return node;
}

void
object_node_free(struct page *node)
{
	ledger_release(node->payer, BATON_LEDGER_KERNEL, PAGE_SIZE);
	page_free(node);
}

void
object_unprepare(struct object *object, uint64_t pages)
{
	object_unpay(object, pages);
}
