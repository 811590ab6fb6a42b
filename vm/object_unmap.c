/* object_unmap.c: see object_unmap.h. */
#include "vm/object_unmap.h"

#include "kernel/kassert.h"
#include "vm/map.h"
#include "vm/object.h"

/* Entries visited in one step. */
#define STEP_ENTRIES 8

void
object_unmap_begin(struct object *object)
{
	KASSERT(spin_held(&object->lock));
	object->pass++;
}

/* The map is locked; false: no memory. */
static bool
unmap_from(const struct map_entry *entry, uint64_t start, uint64_t end,
    bool only_writing, bool *pinnedp)
{
	struct pmap *pmap = &entry->map->pmap;
	uint64_t first = max_u64(start, entry->window);
	uint64_t last =
	    min_u64(end, entry->window + (entry->end - entry->start));
	struct pmap_hole hole;

	if (first >= last)
		return true;
	first += entry->start - entry->window;
	last += entry->start - entry->window;
	if (!pmap_own_ends(pmap, first, last))
		return false;
	hole = (struct pmap_hole){first, first};
	if (entry->wired > 0)
		*pinnedp = true;
	if (only_writing || entry->wired > 0)
		pmap_restrict(
		    pmap, first, last, VM_PROT_READ | VM_PROT_EXECUTE);
	else
		pmap_remove(pmap, first, last, &hole);
	return true;
}

/* The next entry to be visited; NULL: there is none any more. */
static struct map_entry *
next_entry(struct object *object)
{
	struct map_entry *entry;

	if (list_empty(&object->mappings))
		return NULL;
	entry = list_first(&object->mappings, struct map_entry, object_link);
	return entry->object_pass != object->pass ? entry : NULL;
}

/*
 * An entry on the list belongs to a map that is there: it leaves under our
 * lock.  A map comes before its objects, though, so its lock is had now or
 * tried for again.
 */
static bool
visit_next(struct object *object, uint64_t start, uint64_t end,
    bool only_writing, bool *pinnedp)
{
	struct map_entry *entry = next_entry(object);
	bool done;

	if (entry == NULL || !spin_trylock(&entry->map->lock))
		return false;
	done = unmap_from(entry, start, end, only_writing, pinnedp);
	if (done) {
		entry->object_pass = object->pass;
		list_remove(&entry->object_link);
		list_add_tail(&object->mappings, &entry->object_link);
	}
	spin_unlock(&entry->map->lock);
	return done;
}

bool
object_unmap_step(struct object *object, uint64_t start, uint64_t end,
    bool only_writing, bool *pinnedp)
{
	bool more;

	spin_lock(&object->lock);
	for (int i = 0; i < STEP_ENTRIES; i++) {
		if (!visit_next(object, start, end, only_writing, pinnedp))
			break;
	}
	more = next_entry(object) != NULL;
	spin_unlock(&object->lock);
	return more;
}
