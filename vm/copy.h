/*
 * vm/copy.h: copies of memory, within a map and between maps.
 *
 * Every copy is a transfer (vm/transfer.h): what is to be copied is taken as a
 * message would take it that leaves the sender his memory, so whole tables and
 * superpages go by reference; and once it is taken, nothing changes it, so the
 * two ranges may overlap.  Then it is
 *
 *	entered where nothing is	transfer_map(), transfer_map_at()
 *	put over what is there		transfer_overwrite()
 *
 * A copy of all of a map is a fork.  No chain comes of copies of copies: the
 * tables of each have the pages themselves.
 */
#pragma once
#include "kernel/types.h"

struct map;
struct map_fork;
struct transfer;

/*
 * Put the bytes that @transfer carries over @map's memory from @to on, in
 * bounded steps: *@donep is 0 at first.  Where whole pages or tables fall on
 * each other they change places: what was there is the transfer's afterwards,
 * which is good for nothing then but to be destroyed.
 *
 * Returns: KERN_SUCCESS
 *          KERN_OPERATION_TIMED_OUT  give way to others, then call again
 *          KERN_INVALID_ADDRESS      a hole, or outside the user's half
 *          KERN_PROTECTION_FAILURE   not writable, or a window
 *          KERN_RESOURCE_SHORTAGE    a first part has been written
 * Nothing has changed on the others, save where a range of very many regions
 * has one that does not allow it far behind.
 */
kern_return_t must_check transfer_overwrite(
    struct transfer *transfer, struct map *map, uaddr_t to, uint64_t *donep);

/*
 * A copy of @from into @to, which is empty: what may be inherited, as its
 * inheritance says.  NULL: memory is short.
 */
struct map_fork *must_check map_fork_begin(struct map *from, struct map *to);
/*
 * Returns: KERN_SUCCESS              all is copied, or
 *          KERN_OPERATION_TIMED_OUT  give way to others, then call again
 *          KERN_NO_SPACE             somebody has put something into @to
 *          KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check map_fork_step(struct map_fork *fork);
/* Forget what a step had at hand; true: give way, and call again. */
bool must_check map_fork_end_step(struct map_fork *fork);
