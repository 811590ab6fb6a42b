/*
 * vm/pager_fast.h: a fault's page straight from its pager's tables into the
 * object, in one call and one call back.
 *
 *	client			kernel			pager, who waits
 *	fault ----------------> data_request -------->	fills a page
 *				pager_supply_fast() <--	data_supply
 *				 page: table -> slot	 and waits
 *	goes on <--------------- pager_supplied()
 *
 * What is asked is written for who waits for it (pager.c, ipc/fast_pager.h),
 * with no message of the kernel's in between; the page that is supplied leaves
 * the pager's table for the object's slot, with no transfer; and who waits for
 * it runs in the pager's place.  Both may decline, before anything has changed:
 * then pager_message.c and pager_server.c do it, which say what is meant.
 */
#pragma once
#include "kernel/types.h"

struct pager;
struct thread;

/* A page that is given to an object. */
struct pager_supply {
	/* The caller's: */
	uaddr_t address; /* of the current task's */
	uint64_t offset; /* in the object */
	uint64_t flags;	 /* SLOT_*, of the page */
	/* Whose it is, known by its address: it may end any time. */
	const void *object;
};

/*
 * The page leaves the current task and is what the object has at @offset, if
 * that waits for it, and the page is the first or last of its region, or all.
 * pager_supplied() has to follow, before user memory is looked at again.
 *
 * Locks: a space's and a port's may be held: those of maps and objects, which
 * come before them, are only tried.
 */
bool must_check pager_supply_fast(
    struct pager *pager, struct pager_supply *supply);
/* Who waits for it goes on: the first, if there is one, is the caller's to run
 * or wake, claimed.  Locks: none. */
struct thread *must_check pager_supplied(const struct pager_supply *supply);
