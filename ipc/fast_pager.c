/*
 * fast_pager.c: see fast_pager.h.
 *
 * A request.  Its words are put into the struct thread of who waits for it,
 * with a continuation that writes them to his buffer in his own space.  So he
 * is like anybody who was given a message: he may be run in the place of the
 * thread that faults, or be queued, or end before that.
 *
 * A supply.  Only the sending half is short: what follows it is the general
 * receive, in which the thread that waited for the page takes the place of the
 * pager's if that waits.
 *
 * Locks: the port or space from which the other side is known, and from there
 * against the order, so tried.
 */
#include "ipc/fast_pager.h"

#include <arch/usercopy.h>
#include <mach/routine_ids.h>

#include "ipc/fast_leg.h"
#include "ipc/message.h"
#include "ipc/pset.h"
#include "kernel/thread.h"
#include "vm/memory_wait.h"
#include "vm/object_slots.h"
#include "vm/pager_fast.h"
#include "vm/pager_wire.h"

/* ---- requests ---- */

/* What the receiver's step.word holds until he has written the message. */
enum {
	WORD_NAMES, /* where it came to, and above the control port */
	WORD_OFFSET,
	WORD_ACCESS,
};

/* As he sees it. */
struct request_received {
	struct pager_request_message message;
	mach_msg_trailer_t trailer;
} PAGER_WIRE;

static void
write_request(const uint64_t *word, struct request_received *received)
{
	*received = (struct request_received){
	    .message.header.msgh_bits =
		MACH_MSGH_BITS_COMPLEX |
		MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND),
	    .message.header.msgh_size = sizeof(received->message),
	    .message.header.msgh_local_port =
		(mach_port_name_t)word[WORD_NAMES],
	    .message.header.msgh_id = MSGID_MEMORY_OBJECT_DATA_REQUEST,
	    .message.body.msgh_descriptor_count = 1,
	    .message.control.name = (mach_port_name_t)(word[WORD_NAMES] >> 32),
	    .message.control.disposition = MACH_MSG_TYPE_PORT_SEND,
	    .message.control.type = MACH_MSG_PORT_DESCRIPTOR,
	    .message.ndr = NDR_record,
	    .message.offset = word[WORD_OFFSET],
	    .message.size = PAGE_SIZE,
	    .message.access = (int32_t)word[WORD_ACCESS],
	    .trailer.msgh_trailer_type = MACH_MSG_TRAILER_FORMAT_0,
	    .trailer.msgh_trailer_size = sizeof(received->trailer),
	};
}

static void
request_continue(void)
{
	struct thread *self = current_thread();
	struct request_received received;
	kern_return_t kr;

	message_wait_over(self);
	write_request(self->step.word, &received);
	kr = copyout(self->receive.buffer, &received, sizeof(received));
	if (unlikely(kr == KERN_MEMORY_WAIT))
		message_write_later(message_keep(sizeof(received.message),
		    &received, sizeof(received.message), NULL));
	thread_return_value(
	    (uint64_t)(kr == KERN_SUCCESS ? MACH_MSG_SUCCESS
					  : MACH_RCV_INVALID_DATA));
}

/* Would @thread take it, and nothing but it, whatever he asked for? */
static bool
takes_request(const struct thread *thread, const struct port *port)
{
	const struct receive_state *receive = &thread->receive;

	return port->state == PORT_IN_SPACE &&
	       port->receiver == thread->fast.space &&
	       receive->size >= sizeof(struct request_received) &&
	       trailer_elements(receive->option) == MACH_RCV_TRAILER_NULL;
}

/* @receiver has it if it is still his to have.  Locks: those of the port, and
 * of the set if he waits on one. */
static bool
give_request(struct thread *receiver, const struct fast_request *request)
{
	struct space *space = receiver->fast.space;
	struct port *port = request->to;
	struct entry *entry;
	uint64_t name;

	if (!takes_request(receiver, port) || !spin_trylock(&space->lock))
		return false;
	entry = fast_find_send(space, request->control, request->guess);
	if (entry == NULL || !thread_claim(receiver, KERN_SUCCESS)) {
		spin_unlock(&space->lock);
		return false;
	}

	/* ---- committed: nothing below can fail ---- */
	list_remove(&receiver->wait_link);
	fast_give_again(entry);
	spin_unlock(&space->lock);
	name = *request->guess;
	receiver->step.word[WORD_NAMES] = port->name | name << 32;
	receiver->step.word[WORD_OFFSET] = request->offset;
	receiver->step.word[WORD_ACCESS] = request->access;
	receiver->cont = request_continue;
	if (receiver->priority < current_thread()->priority)
		receiver->priority = current_thread()->priority;
	atomic_fetch_add_explicit(&port->sequence, 1, memory_order_relaxed);
	return true;
}

/* The first of @waiters, if he takes it. */
static struct thread *
offer(struct list *waiters, const struct fast_request *request)
{
	struct thread *receiver;

	if (list_empty(waiters))
		return NULL;
	receiver = list_first(waiters, struct thread, wait_link);
	return give_request(receiver, request) ? receiver : NULL;
}

/* The same of a set that has the port. */
static struct thread *
offer_to_set(const struct fast_request *request)
{
	struct port *port = request->to;
	struct thread *receiver;
	struct pset *pset;

	/* Who waits on a set while there are messages is about to look. */
	if (list_empty(&port->sets) || mqueue_waiting(&port->queue))
		return NULL;
	pset = list_first(&port->sets, struct pset_link, port_link)->pset;
	pset_lock(pset);
	receiver = offer(&pset->receivers, request);
	spin_unlock(&pset->lock);
	return receiver;
}

struct thread *
fast_pager_request(const struct fast_request *request)
{
	struct port *port = request->to;
	struct thread *receiver;

	port_lock(port);
	receiver = list_empty(&port->queue.receivers)
		       ? offer_to_set(request)
		       : offer(&port->queue.receivers, request);
	spin_unlock(&port->lock);
	if (unlikely(receiver == NULL))
		decline(this_cpu(), BATON_DECLINE_PAGER_REQUEST);
	return receiver;
}

/* ---- supplies ---- */

#define SUPPLY_SIZE	    (HEADER_SIZE + sizeof(struct pager_supply_body))
#define SUPPLY_BITS(remote) (MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(remote, 0))

/* Is it one page, to be moved, of which nobody is to be told? */
static bool
read_supply(const struct pager_supply_body *body, struct pager_supply *supply)
{
	if (body->body.msgh_descriptor_count != 2 ||
	    body->data.type != MACH_MSG_OOL_DESCRIPTOR ||
	    body->data.copy != MACH_MSG_VIRTUAL_COPY ||
	    !body->data.deallocate || body->data.size != PAGE_SIZE ||
	    body->count != PAGE_SIZE)
		return false;
	if (body->reply_to.type != MACH_MSG_PORT_DESCRIPTOR ||
	    !MACH_MSG_TYPE_PORT_ANY(body->reply_to.disposition) ||
	    body->reply_to.name != MACH_PORT_NULL ||
	    (body->lock_value & ~(uint32_t)VM_PROT_ALL) != 0)
		return false;
	*supply = (struct pager_supply){
	    .address = (uaddr_t)body->data.address,
	    .offset = body->offset,
	    .flags = slot_locks(body->lock_value) |
		     (body->precious ? SLOT_PRECIOUS : 0),
	};
	return true;
}

/* To the object whose control port @name is a right to. */
static bool
supply_to(struct space *space, mach_port_name_t name, bool move,
    struct pager_supply *supply)
{
	struct entry *entry = space_lookup(space, name);
	struct port *port;
	bool done = false;

	/* A last right that goes takes its name with it. */
	if (entry == NULL || !(entry->key & MACH_PORT_TYPE_SEND) ||
	    (move && entry->urefs == 1))
		return false;
	port = entry->port;
	port_lock(port);
	if (port->state == PORT_IN_KERNEL && port->kind == KOBJECT_PAGER)
		done = pager_supply_fast(port->object, supply);
	spin_unlock(&port->lock);
	if (done && move && entry->urefs < MACH_PORT_UREFS_MAX)
		entry->urefs--;
	return done;
}

static bool
try_supply(struct thread *self, uaddr_t buffer, uint32_t bits,
    mach_port_name_t remote, struct pager_supply *supply)
{
	struct space *space = self->fast.space;
	struct pager_supply_body body;
	bool done;

	if (copyin(&body, buffer + HEADER_SIZE, sizeof(body)) != KERN_SUCCESS) {
		/* The general path will find out again. */
		memory_wait_forget();
		return false;
	}
	if (!read_supply(&body, supply))
		return false;
	spin_lock(&space->lock);
	done = supply_to(space, remote,
	    bits == SUPPLY_BITS(MACH_MSG_TYPE_MOVE_SEND), supply);
	spin_unlock(&space->lock);
	return done;
}

/*
 * What is left of the call is the general receive.  If nothing has come yet,
 * @client, who is claimed, goes on in our place: each of these returns only to
 * decline.
 */

/* Nothing is known of where to receive: is it a set?  Else it will be known
 * the next time. */
static void
wait_on_set(struct thread *self, struct thread *client)
{
	struct space *space = self->fast.space;
	struct entry *entry;
	struct pset *pset;

	spin_lock(&space->lock);
	entry = fast_find(space, self->receive.name, MACH_PORT_TYPE_PORT_SET);
	if (entry == &fast_no_entry) {
		spin_unlock(&space->lock);
		fast_learn_from(self, self->receive.name);
		return;
	}
	pset = pset_get(entry->pset);
	pset_lock(pset);
	spin_unlock(&space->lock);
	if (pset->dead || !list_empty(&pset->ready)) {
		spin_unlock(&pset->lock);
		pset_put(pset);
		return;
	}
	self->receive.port = NULL;
	self->receive.pset = pset; /* with our reference */
	wait_in_turn(self, client, self->cpu, &pset->receivers, &pset->lock);
	client->cont();
}

static void
wait_for_more(struct thread *self, struct thread *client)
{
	struct port *from = self->fast.from;

	if (!may_run_here(client, self->cpu))
		return;
	self->fast.room = fast_room(self->receive.size);
	port_lock(from);
	if (from->name != self->receive.name ||
	    from->receiver != self->fast.space) {
		spin_unlock(&from->lock);
		wait_on_set(self, client);
		return;
	}
	if (!mqueue_idle(&from->queue)) {
		spin_unlock(&from->lock);
		return;
	}
	change_places(self, client, self->cpu, from);
	client->cont();
}

kern_return_t
fast_pager_supply(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	struct thread *self = current_thread();
	uint32_t bits = (uint32_t)bits_send_size;
	struct pager_supply supply;
	struct thread *client;

	/* No time passes until the kernel has what it is sent. */
	if ((option & ~(uint64_t)(MACH_RCV_MSG | MACH_SEND_TIMEOUT)) !=
		MACH_SEND_MSG ||
	    bits_send_size >> 32 != SUPPLY_SIZE || (uint32_t)voucher_id != 0 ||
	    remote_local >> 32 != MACH_PORT_NULL ||
	    (bits != SUPPLY_BITS(MACH_MSG_TYPE_MOVE_SEND) &&
		bits != SUPPLY_BITS(MACH_MSG_TYPE_COPY_SEND)) ||
	    !try_supply(
		self, buffer, bits, (mach_port_name_t)remote_local, &supply)) {
		decline(self->cpu, BATON_DECLINE_PAGER_SUPPLY);
		return message_general(buffer, option, bits_send_size,
		    remote_local, voucher_id, descriptors_rcv_name,
		    rcv_size_priority, timeout);
	}
	self->receive.option = option;
	self->receive.buffer = buffer;
	self->receive.size = (uint32_t)rcv_size_priority;
	self->receive.name = (mach_port_name_t)(descriptors_rcv_name >> 32);
	self->receive.timeout = (uint32_t)timeout;
	self->receive.deadline = 0;
	client = pager_supplied(&supply);
	if ((option & MACH_RCV_MSG) && client != NULL)
		wait_for_more(self, client);
	return message_sent(self, client);
}
