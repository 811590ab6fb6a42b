/*
 * pager_pageout.c: when memory is short, pages of pagers' objects go: one hand
 * goes round all objects, and in each on from where it was the last time.  A
 * page that it comes by is taken from those who map it, and stays; if it comes
 * by again and nobody has used the page meanwhile, that goes.  Pages that were
 * written go back to their pagers; who uses one that went asks for it again.
 */
#include "vm/pager.h"

#include <mach/memory_object_types.h>

#include "kernel/kassert.h"
#include "vm/object.h"

/* Pages that go before the next object has its turn. */
#define TURN_PAGES 64

static struct spinlock pagers_lock = SPINLOCK_INIT(LOCK_PMAP);
static struct list pagers = {&pagers, &pagers}; /* [pagers_lock] */
static unsigned pager_count;			/* [pagers_lock] */

/* The hand: page replacement's thread's. */
static struct object *object; /* with a reference; NULL: the next one */
static struct pager_clean clean;
static unsigned barren; /* objects in a row of which no page went */
/* Times around, without a page, after which there are none. */
#define ROUNDS 2

void
pager_list_add(struct pager *pager)
{
	spin_lock(&pagers_lock);
	list_add_tail(&pagers, &pager->link);
	pager_count++;
	spin_unlock(&pagers_lock);
}

void
pager_list_remove(struct pager *pager)
{
	spin_lock(&pagers_lock);
	list_remove(&pager->link);
	pager_count--;
	spin_unlock(&pagers_lock);
}

/* The object whose turn it is, with a reference; NULL: it is ending, or there
 * is none. */
static struct object *
next_object(void)
{
	struct object *next = NULL;
	struct pager *pager;

	spin_lock(&pagers_lock);
	if (!list_empty(&pagers)) {
		pager = list_first(&pagers, struct pager, link);
		list_remove(&pager->link);
		list_add_tail(&pagers, &pager->link);
		next = pager_object(pager);
	}
	spin_unlock(&pagers_lock);
	return next;
}

static bool
is_over(void)
{
	bool over;

	spin_lock(&pagers_lock);
	over = barren >= ROUNDS * pager_count;
	spin_unlock(&pagers_lock);
	return over;
}

/* The object has had its turn. */
static void
end_turn(void)
{
	object->pager->hand = clean.at < object->size ? clean.at : 0;
	barren = clean.freed > 0 ? 0 : barren + 1;
	object_put(object);
	object = NULL;
}

static void
begin_turn(void)
{
	object = next_object();
	if (object == NULL) {
		barren++;
		return;
	}
	clean = (struct pager_clean){
	    .at = object->pager->hand,
	    .end = object->size,
	    .should_return = MEMORY_OBJECT_RETURN_ALL,
	    .flush = true,
	    .spare = true,
	    .wait_for_room = true,
	};
}

/* What cannot go on at once is not waited for. */
static kern_return_t
clean_step(void)
{
	kern_return_t kr = pager_clean_step(object, &clean);

	if (kr != KERN_NOT_WAITING || clean.chunk_end == 0)
		return kr;
	pager_clean_stop(&clean);
	return KERN_OPERATION_TIMED_OUT;
}

bool
pager_pageout_step(void)
{
	kern_return_t kr;

	if (object == NULL) {
		/* What nobody has mapped goes first, whole. */
		if (pager_cache_drop_oldest())
			return true;
		if (is_over()) {
			barren = 0;
			return false;
		}
		begin_turn();
		return true;
	}
	kr = clean_step();
	/* Between two chunks it may be another's turn. */
	if (kr != KERN_OPERATION_TIMED_OUT ||
	    (clean.chunk_end == 0 && clean.freed >= TURN_PAGES))
		end_turn();
	return true;
}

bool
pager_pageout_rest_step(void)
{
	if (object == NULL)
		return false;
	if (clean.chunk_end == 0 || clean_step() == KERN_SUCCESS) {
		end_turn();
		return false;
	}
	return true;
}
