/*
 * ipc/kept.h: the receive right that a space keeps ready; for ipc/ alone.
 *
 * Reply ports come and go.  So when a receive right ends that came with no
 * other, to a port that nobody else knows of and with nothing in it, the space
 * keeps one of them: the port as a new one is, in the entry that it was in, by
 * which it is found.  The next receive right that is made in the space is that,
 * by the entry's next name.
 *
 * It is nowhere to be seen.  There is no right by its name, and neither the
 * name nor the port count as in use: space_names(), cpu->ports_kept.  The port
 * stays charged, until something else wants the room: ledger_keep_port().
 * When names run short, or it is chosen by name, the entry becomes a free one.
 */
#pragma once
#include "ipc/port.h"
#include "ipc/space.h"
#include "kernel/cpu.h"
#include "kernel/ledger.h"

/*
 * Keep what @name denotes, a receive right alone, in @entry.  False: it is not
 * like that, or there is one already, and nothing has changed.
 * Locks: the space's.
 */
static inline bool must_check
kept_keep(struct space *space, mach_port_name_t name, struct entry *entry)
{
	struct port *port = entry->port;

	if (unlikely(space->kept != NULL || space->dead ||
		     name_index(name) >= space->bound || !port_is_sole(port)))
		return false;
	/* Nobody comes to know it now.  But who had it from the space before
	 * us, or gave up his reference last, may still have it locked. */
	if (unlikely(spin_held(&port->lock) ||
		     atomic_load_explicit(&port->word, memory_order_relaxed) !=
			 PORT_GENERAL))
		return false;
	/* acquire: pairs with the release by which it was unlocked last */
	atomic_thread_fence(memory_order_acquire);
	if (unlikely(!port_is_bare(port) || port->ledger == NULL ||
		     port->ledger != space->ledger))
		return false;
	port_renew(port);
	entry->key = ENTRY_KEPT | (uint8_t)name;
	space->kept = entry;
	space->kept_name = name;
	this_cpu()->ports_kept++;
	ledger_keep_port(port->ledger);
	return true;
}

/*
 * Make a receive right of what is kept, and say by what name; MACH_PORT_NULL:
 * there is none, or it is paid for no more.  Locks: the space's.
 */
static inline mach_port_name_t must_check
kept_take(struct space *space)
{
	struct entry *entry = space->kept;
	mach_port_name_t name = space->kept_name;

	if (unlikely(entry == NULL || !ledger_take_kept(space->ledger)))
		return MACH_PORT_NULL;
	name = (name & ~NAME_GENERATION_MASK) | (uint8_t)(name + 1);
	space->kept = NULL;
	this_cpu()->ports_kept--;
	entry->port->name = name;
	/* release: who reads the key without the lock then sees the port */
	__atomic_store_n(&entry->key, MACH_PORT_TYPE_RECEIVE | (uint8_t)name,
	    __ATOMIC_RELEASE);
	return name;
}

/* The same with no lock held; what is kept and not paid for goes.  False: there
 * is none. */
bool must_check kept_take_unlocked(
    struct space *space, mach_port_name_t *namep);

/* Nothing shall be kept.  Locks: the space's. */
void kept_release(struct space *space);
