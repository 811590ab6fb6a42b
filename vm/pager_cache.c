/*
 * pager_cache.c: objects that nobody has mapped any more, and whose pagers said
 * that they may be kept (memory_object_ready(), may_cache): with their pages,
 * for whoever maps them next.
 *
 * The cache has the reference that was the last.  What was written goes back to
 * the pager at once; the rest stays until memory is short, until there are too
 * many, or until the pager wants it otherwise.
 */
#include "vm/pager.h"

#include "kernel/config.h"
#include "kernel/kassert.h"
#include "vm/object.h"

/* A wait that is forgotten may end the last reference, also with the slots of
 * page replacement locked. */
static struct spinlock cache_lock = SPINLOCK_INIT(LOCK_SYNC);
static struct list cached = {&cached, &cached}; /* [cache_lock] oldest first */
static unsigned cached_count;			/* [cache_lock] */

/* Locks: the cache's. */
static void
take_out(struct pager *pager)
{
	list_remove(&pager->cache_link);
	pager->cached = false;
	cached_count--;
}

/* The one that has been there longest, if there are more than @most: the
 * reference is the caller's. */
static struct object *
take_oldest(unsigned most)
{
	struct object *object = NULL;
	struct pager *pager;

	spin_lock(&cache_lock);
	if (cached_count > most) {
		pager = list_first(&cached, struct pager, cache_link);
		object = pager->object; /* it cannot end while we have it */
		take_out(pager);
	}
	spin_unlock(&cache_lock);
	return object;
}

/* ---- what was written goes back ---- */

static struct pager_clean
to_tidy(struct object *object)
{
	return (struct pager_clean){
	    .object = object,
	    .end = object->size,
	    .should_return = MEMORY_OBJECT_RETURN_DIRTY,
	    .wait_for_room = true,
	};
}

static bool
tidy_step(struct reap_item *item)
{
	struct pager *pager = container_of(item, struct pager, tidy);
	struct object *object = pager->tidying.object;
	kern_return_t kr = pager_clean_step(object, &pager->tidying);
	bool again;

	if (kr == KERN_OPERATION_TIMED_OUT)
		return true;
	if (kr != KERN_SUCCESS) {
		reap_starved(item);
		return false;
	}
	spin_lock(&cache_lock);
	again = pager->tidy_again;
	pager->tidy_again = false;
	if (again)
		pager->tidying = to_tidy(object);
	else
		pager->tidying.object = NULL;
	spin_unlock(&cache_lock);
	if (!again)
		object_put_now(object);
	return again;
}

/* Locks: the cache's. */
static void
tidy(struct object *object)
{
	struct pager *pager = object->pager;

	if (pager->tidying.object != NULL) {
		pager->tidy_again = true;
		return;
	}
	pager->tidying = to_tidy(object_get(object));
	pager->tidy.step = tidy_step;
	reap_later(&pager->tidy);
}

/* ---- in and out ---- */

bool
pager_cache_keep(struct object *object)
{
	struct pager *pager = object->pager;
	bool keep;

	/* A hint; who clears it drops the object afterwards. */
	if (!__atomic_load_n(&pager->may_cache, __ATOMIC_RELAXED))
		return false;
	spin_lock(&cache_lock);
	keep = !pager->cached &&
	       __atomic_load_n(&pager->may_cache, __ATOMIC_RELAXED) &&
	       !__atomic_load_n(&pager->gone, __ATOMIC_RELAXED);
	if (keep) {
		list_add_tail(&cached, &pager->cache_link);
		pager->cached = true;
		cached_count++;
		tidy(object);
	}
	spin_unlock(&cache_lock);
	/* It may have gone again already. */
	object = keep ? take_oldest(CONFIG_PAGER_CACHED) : NULL;
	if (object != NULL)
		object_put_now(object);
	return keep;
}

void
pager_cache_drop(struct object *object)
{
	bool was_cached;

	spin_lock(&cache_lock);
	was_cached = object->pager->cached;
	if (was_cached)
		take_out(object->pager);
	spin_unlock(&cache_lock);
	if (was_cached)
		object_put_now(object);
}

bool
pager_cache_drop_oldest(void)
{
	struct object *object = take_oldest(0);

	if (object != NULL)
		object_put_now(object);
	return object != NULL;
}
