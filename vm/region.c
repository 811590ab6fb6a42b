/*
 * region.c: what is said about a region, and mach_vm_msync(), which only asks
 * whether there is one: without pagers nothing has to be written anywhere.
 */
#include <mach/vm_behavior.h>
#include <mach/vm_region.h>
#include <serve/mach_vm.h>

#include "ipc/kserver.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "vm/map_tree.h"
#include "vm/pager.h"
#include "vm/user.h"

/* ---- what there is to know ---- */

struct facts {
	struct map_region region;
	uint64_t resident; /* pages */
	unsigned references;
	unsigned char share_mode;
};

static unsigned char
share_mode(const struct facts *facts)
{
	switch (facts->region.kind) {
	case MAP_WINDOW:
		return SM_SHARED;
	case MAP_OBJECT:
		return facts->region.mappings > 1 ? SM_SHARED : SM_PRIVATE;
	}
	if (facts->region.backed)
		return SM_COW;
	return facts->resident == 0 ? SM_EMPTY : SM_PRIVATE;
}

/* KCALL_AGAIN: its pages are still being counted.  The call's progress: how far
 * that is, and how many there are. */
static kern_return_t
find_facts(struct map *map, uaddr_t address, struct facts *facts)
{
	struct map_region *region = &facts->region;
	uint64_t *progress = call_progress();
	kern_return_t kr = map_region(map, address, region);

	if (kr != KERN_SUCCESS)
		return kr;
	progress[0] = max_u64(progress[0], region->start);
	while (progress[0] < region->start + region->size &&
	       vm_count_range_step(map, &progress[0],
		   region->start + region->size, &progress[1])) {
		if (thread_should_yield())
			return KCALL_AGAIN;
	}
	facts->resident = progress[1];
	facts->references = region->mappings > 0 ? region->mappings : 1;
	facts->share_mode = share_mode(facts);
	return KERN_SUCCESS;
}

/* ---- regions ---- */

static kern_return_t
put_basic(
    const struct map_region *region, int *words, mach_msg_type_number_t *count)
{
	struct vm_region_basic_info_64 info = {
	    .protection = (vm_prot_t)region->prot,
	    .max_protection = (vm_prot_t)region->max_prot,
	    .inheritance = region->inherit,
	    .shared = region->kind == MAP_OBJECT,
	    .offset = region->offset,
	    .behavior = (vm_behavior_t)region->behavior,
	    .user_wired_count = (unsigned short)region->wired,
	};

	return call_put_info(words, count, &info, sizeof(info));
}

static kern_return_t
put_extended(
    const struct facts *facts, int *words, mach_msg_type_number_t *count)
{
	struct vm_region_extended_info info = {
	    .protection = (vm_prot_t)facts->region.prot,
	    .pages_resident = (unsigned)facts->resident,
	    .ref_count = facts->references,
	    .external_pager = facts->region.has_pager,
	    .share_mode = facts->share_mode,
	};

	return call_put_info(words, count, &info, sizeof(info));
}

static kern_return_t
put_top(const struct facts *facts, int *words, mach_msg_type_number_t *count)
{
	bool shared = facts->share_mode == SM_SHARED;
	unsigned resident = (unsigned)facts->resident;
	struct vm_region_top_info info = {
	    .obj_id = facts->region.object_id,
	    .ref_count = facts->references,
	    .private_pages_resident = shared ? 0 : resident,
	    .shared_pages_resident = shared ? resident : 0,
	    .share_mode = facts->share_mode,
	};

	return call_put_info(words, count, &info, sizeof(info));
}

/* A send right to the name port of the memory object that the region at @start
 * is of; NULL: of none. */
static struct port *
name_of(struct map *map, uaddr_t start)
{
	struct port *name = NULL;
	struct map_entry *entry;

	spin_lock(&map->lock);
	entry = map_find(map, start);
	/* The entry's reference keeps the object, and that its pager. */
	if (entry != NULL && entry->start <= start && entry->object != NULL)
		name = pager_name(entry->object);
	spin_unlock(&map->lock);
	return name;
}

kern_return_t
serve_mach_vm_region(struct map *map, mach_vm_address_t *address,
    mach_vm_size_t *size, vm_region_flavor_t flavor, int *words,
    mach_msg_type_number_t *count, struct port **object)
{
	struct facts facts;
	kern_return_t kr;

	switch (flavor) {
	/* In LP64 the short form's name means the long form, as elsewhere. */
	case VM_REGION_BASIC_INFO:
	case VM_REGION_BASIC_INFO_64:
		kr = map_region(map, *address, &facts.region);
		if (kr == KERN_SUCCESS)
			kr = put_basic(&facts.region, words, count);
		break;
	case VM_REGION_EXTENDED_INFO:
		kr = find_facts(map, *address, &facts);
		if (kr == KERN_SUCCESS)
			kr = put_extended(&facts, words, count);
		break;
	case VM_REGION_TOP_INFO:
		kr = find_facts(map, *address, &facts);
		if (kr == KERN_SUCCESS)
			kr = put_top(&facts, words, count);
		break;
	default:
		return KERN_INVALID_ARGUMENT;
	}
	if (kr != KERN_SUCCESS)
		return kr;
	*address = facts.region.start;
	*size = facts.region.size;
	*object = name_of(map, facts.region.start);
	return KERN_SUCCESS;
}

/* ---- regions with what is below them ---- */

static void
put_short(const struct facts *facts, int *words)
{
	struct vm_region_submap_short_info_64 info = {
	    .protection = (vm_prot_t)facts->region.prot,
	    .max_protection = (vm_prot_t)facts->region.max_prot,
	    .inheritance = facts->region.inherit,
	    .offset = facts->region.offset,
	    .ref_count = facts->references,
	    .external_pager = facts->region.has_pager,
	    .share_mode = facts->share_mode,
	    .behavior = (vm_behavior_t)facts->region.behavior,
	    .user_wired_count = (unsigned short)facts->region.wired,
	    .object_id = facts->region.object_id,
	};

	memcpy(words, &info, sizeof(info));
}

/* As many of its words as the caller knows. */
static void
put_long(const struct facts *facts, int *words, mach_msg_type_number_t count)
{
	struct vm_region_submap_info_64 info = {
	    .protection = (vm_prot_t)facts->region.prot,
	    .max_protection = (vm_prot_t)facts->region.max_prot,
	    .inheritance = facts->region.inherit,
	    .offset = facts->region.offset,
	    .pages_resident = (unsigned)facts->resident,
	    .ref_count = facts->references,
	    .external_pager = facts->region.has_pager,
	    .share_mode = facts->share_mode,
	    .behavior = (vm_behavior_t)facts->region.behavior,
	    .user_wired_count = (unsigned short)facts->region.wired,
	    .object_id = facts->region.object_id,
	    .object_id_full = facts->region.object_id,
	};

	memcpy(words, &info, count * sizeof(*words));
}

/* The version of the long form that @count words have room for; 0: none. */
static mach_msg_type_number_t
version_words(mach_msg_type_number_t count)
{
	if (count >= VM_REGION_SUBMAP_INFO_V2_COUNT_64)
		return VM_REGION_SUBMAP_INFO_V2_COUNT_64;
	if (count >= VM_REGION_SUBMAP_INFO_V1_COUNT_64)
		return VM_REGION_SUBMAP_INFO_V1_COUNT_64;
	if (count >= VM_REGION_SUBMAP_INFO_V0_COUNT_64)
		return VM_REGION_SUBMAP_INFO_V0_COUNT_64;
	return 0;
}

kern_return_t
serve_mach_vm_region_recurse(struct map *map, mach_vm_address_t *address,
    mach_vm_size_t *size, natural_t *depth, int *words,
    mach_msg_type_number_t *count)
{
	mach_msg_type_number_t version = version_words(*count);
	struct facts facts;
	kern_return_t kr;

	if (*count < VM_REGION_SUBMAP_SHORT_INFO_COUNT_64)
		return KERN_INVALID_ARGUMENT;
	kr = find_facts(map, *address, &facts);
	if (kr != KERN_SUCCESS)
		return kr;
	if (version > 0)
		put_long(&facts, words, version);
	else
		put_short(&facts, words);
	*count = version > 0 ? version : VM_REGION_SUBMAP_SHORT_INFO_COUNT_64;
	*address = facts.region.start;
	*size = facts.region.size;
	*depth = 0; /* no map has others in it */
	return KERN_SUCCESS;
}
