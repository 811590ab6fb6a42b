/*
 * fence_truth.c: the questions; see fence_truth.h.
 *
 * Each has the old translation used, so that the hart may hold it, then changes
 * the entry, and looks whether what was done is enough.  A yes may be luck:
 * what a TLB happened to drop looks like what it was told to drop; so each is
 * asked several times.  A no is a no.
 */
#include "arch/riscv64/fence_truth.h"

/* Times that a question is asked. */
#define ROUNDS 4

/* Have the first view, and only that, in the TLB. */
static void
settle(const struct fence_machine *machine, enum fence_place place)
{
	machine->enter(1);
	machine->set(place, FENCE_FIRST, true);
	machine->fence_all();
	(void)machine->look(place);
}

static bool
full_holds(const struct fence_machine *machine)
{
	settle(machine, FENCE_PAGE);
	machine->set(FENCE_PAGE, FENCE_SECOND, true);
	machine->fence_all();
	return machine->look(FENCE_PAGE) == FENCE_SECOND;
}

/* Is what was at @place gone after a fence that names @named? */
static bool
address_holds(const struct fence_machine *machine, enum fence_place place,
    enum fence_place named)
{
	settle(machine, place);
	machine->set(place, FENCE_SECOND, true);
	machine->fence_at(named);
	return machine->look(place) == FENCE_SECOND;
}

static bool
retire_holds(const struct fence_machine *machine, enum fence_place place)
{
	enum fence_view view;

	settle(machine, place);
	machine->set(place, FENCE_SECOND, true);
	machine->enter(2);
	view = machine->look(place);
	machine->enter(1);
	return view == FENCE_SECOND;
}

static bool
absence_is_kept(const struct fence_machine *machine)
{
	machine->enter(1);
	machine->set(FENCE_PAGE, FENCE_NOTHING, false);
	machine->fence_all();
	(void)machine->look(FENCE_PAGE);
	machine->set(FENCE_PAGE, FENCE_FIRST, true);
	/* Long enough for the store to be seen by any walk. */
	for (int i = 0; i < ROUNDS; i++) {
		if (machine->look(FENCE_PAGE) == FENCE_FIRST)
			return i > 1;
	}
	return true;
}

static bool
rights_are_kept(const struct fence_machine *machine)
{
	machine->enter(1);
	machine->set(FENCE_PAGE, FENCE_FIRST, false);
	machine->fence_all();
	(void)machine->look(FENCE_PAGE);
	machine->set(FENCE_PAGE, FENCE_FIRST, true);
	return !machine->write();
}

static bool
walk_is_late(const struct fence_machine *machine)
{
	machine->enter(1);
	machine->set(FENCE_PAGE, FENCE_NOTHING, false);
	machine->fence_all();
	machine->set(FENCE_PAGE, FENCE_SECOND, true);
	return machine->look(FENCE_PAGE) != FENCE_SECOND;
}

void
fence_truth_find(const struct fence_machine *machine, struct fence_truth *truth)
{
	*truth = (struct fence_truth){
	    .full = true,
	    .page = true,
	    .superpage = machine->has_superpage,
	    .retire = machine->has_asids,
	};
	for (int i = 0; i < ROUNDS; i++) {
		truth->full &= full_holds(machine);
		truth->page &= address_holds(machine, FENCE_PAGE, FENCE_PAGE);
		truth->keeps_absent |= absence_is_kept(machine);
		truth->keeps_rights |= rights_are_kept(machine);
		truth->walks_late |= walk_is_late(machine);
		if (machine->has_asids)
			truth->retire &= retire_holds(machine, FENCE_PAGE);
		if (!machine->has_superpage)
			continue;
		truth->superpage &=
		    address_holds(machine, FENCE_SUPERPAGE, FENCE_SUPERPAGE) &&
		    address_holds(
			machine, FENCE_SUPERPAGE, FENCE_SUPERPAGE_FAR);
		if (machine->has_asids)
			truth->retire &= retire_holds(machine, FENCE_SUPERPAGE);
	}
	machine->fence_all();
}
