/*
 * kmsg.c: memory of messages, and their end.
 */
#include "ipc/kmsg.h"

#include "ipc/fast.h"
#include "ipc/kmsg_small.h"
#include "ipc/mqueue.h"
#include "ipc/port.h"
#include "kernel/cpu.h"
#include "kernel/ledger.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include "kernel/zone.h"
#include "vm/transfer.h"

/* Rights of an out-of-line array that one step gives up. */
#define STEP_RIGHTS 16

/* Messages up to these sizes, all told, come from zones of their own. */
static const uint32_t class_size[] = {KMSG_SMALL, 1024, 4608};
#define CLASSES	    ARRAY_SIZE(class_size)
#define CLASS_LARGE 0xff /* from kmem_alloc() */
#define OVERHEAD    KMSG_OVERHEAD

static_assert(CALL_BODY <= KMSG_SMALL_CAPACITY, "the least has room for it");

struct zone kmsg_zones[CLASSES];

void
kmsg_init(void)
{
	static const char *const name[CLASSES] = {
	    "message 320", "message 1K", "message 4K"};

	for (unsigned i = 0; i < CLASSES; i++)
		zone_init(&kmsg_zones[i], name[i], class_size[i], CACHE_LINE);
}

static bool kmsg_reap_step(struct reap_item *item);

/* Memory for @bytes behind the struct, from the best place for it. */
static struct kmsg *
kmsg_memory(struct ledger *ledger, uint64_t bytes)
{
	uint64_t charged;
	struct kmsg *kmsg;
	unsigned class = 0;

	while (class < CLASSES && class_size[class] < OVERHEAD + bytes)
		class ++;
	charged = likely(class < CLASSES) ? class_size[class]
					  : kmem_footprint(OVERHEAD + bytes);
	if (unlikely(!ledger_hold(ledger, BATON_LEDGER_MESSAGES, charged)))
		return NULL;
	kmsg = class < CLASSES ? zone_alloc(&kmsg_zones[class])
			       : kmem_alloc(OVERHEAD + bytes);
	if (unlikely(kmsg == NULL)) {
		ledger_release(ledger, BATON_LEDGER_MESSAGES, charged);
		return NULL;
	}
	kmsg->class = (uint8_t)(class < CLASSES ? class : CLASS_LARGE);
	kmsg->capacity =
	    class < CLASSES ? class_size[class] - OVERHEAD : (uint32_t)bytes;
	kmsg->ledger = ledger;
	kmsg->charged = charged;
	return kmsg;
}

bool
kmsg_charge(struct kmsg *kmsg, size_t size)
{
	size = kmem_footprint(size);
	if (!ledger_charge(kmsg->ledger, BATON_LEDGER_MESSAGES, size))
		return false;
	kmsg->charged += size;
	return true;
}

void
kmsg_reuse(struct kmsg *kmsg, uint32_t body_size)
{
	kmsg_fresh(kmsg, body_size);
}

static never_inline struct kmsg *
alloc_small(struct ledger *ledger, uint32_t body_size)
{
	return kmsg_alloc_small(ledger, body_size);
}

static never_inline struct kmsg *
alloc_any(struct ledger *ledger, uint32_t body_size, uint32_t descriptors)
{
	struct kmsg *kmsg = kmsg_memory(ledger, body_size);

	if (unlikely(kmsg == NULL))
		return NULL;
	kmsg_reuse(kmsg, body_size);
	if (descriptors > 0 && !kmsg_add_descriptors(kmsg, descriptors)) {
		kmsg_free(kmsg);
		return NULL;
	}
	return kmsg;
}

struct kmsg *
kmsg_alloc(struct ledger *ledger, uint32_t body_size, uint32_t descriptors)
{
	return likely(body_size <= KMSG_SMALL_CAPACITY && descriptors == 0)
		   ? alloc_small(ledger, body_size)
		   : alloc_any(ledger, body_size, descriptors);
}

/* Offset in the body of descriptors that fit behind it, 8-aligned. */
static uint32_t
descriptors_offset(const struct kmsg *kmsg)
{
	return (kmsg->size - HEADER_SIZE + MAX_TRAILER_SIZE + 7) & ~7U;
}

static bool
descriptors_inside(const struct kmsg *kmsg)
{
	uintptr_t offset = (uintptr_t)kmsg->descriptor - (uintptr_t)kmsg;

	return offset < OVERHEAD + kmsg->capacity;
}

bool
kmsg_add_descriptors(struct kmsg *kmsg, uint32_t count)
{
	uint32_t offset = descriptors_offset(kmsg);
	uint32_t bytes = count * (uint32_t)sizeof(struct kdescriptor);

	KASSERT(count <= DESCRIPTORS_MAX);
	KASSERT(kmsg->descriptor == NULL);
	/* Behind the body and its trailer, where that leaves room. */
	if (offset + bytes <= kmsg->capacity + MAX_TRAILER_SIZE)
		kmsg->descriptor = (void *)(kmsg->body + offset);
	else if (kmsg_charge(kmsg, bytes))
		kmsg->descriptor = kmem_alloc(bytes);
	if (kmsg->descriptor == NULL)
		return false;
	kmsg->descriptor_count = count;
	kmsg->complex = true;
	return true;
}

void
kmsg_drop_descriptors(struct kmsg *kmsg)
{
	KASSERT(kmsg->done == 0);
	if (kmsg->descriptor != NULL && !descriptors_inside(kmsg))
		kmem_free(kmsg->descriptor,
		    kmsg->descriptor_count * sizeof(struct kdescriptor));
	kmsg->descriptor = NULL;
	kmsg->descriptor_count = 0;
	kmsg->complex = false;
}

static never_inline void
free_any(struct kmsg *kmsg)
{
	if (kmsg->descriptor != NULL)
		kmsg_drop_descriptors(kmsg);
	ledger_release(kmsg->ledger, BATON_LEDGER_MESSAGES, kmsg->charged);
	if (kmsg->class != CLASS_LARGE)
		zone_free(&kmsg_zones[kmsg->class], kmsg);
	else
		kmem_free(kmsg, OVERHEAD + kmsg->capacity);
}

void
kmsg_free(struct kmsg *kmsg)
{
	if (unlikely(kmsg->descriptor != NULL || kmsg->class != 0)) {
		free_any(kmsg);
		return;
	}
	kmsg_free_small(kmsg);
}

/* ---- the end of what it carries ---- */

/* Give up some rights of an array; false: it is empty, and freed. */
static bool
release_ports_step(struct kmsg *kmsg, struct kdescriptor *descriptor)
{
	for (int i = 0; i < STEP_RIGHTS; i++) {
		struct port *port;

		if (kmsg->progress >= descriptor->size) {
			kmem_free(descriptor->ports,
			    descriptor->size * sizeof(struct port *));
			descriptor->ports = NULL;
			kmsg->progress = 0;
			return false;
		}
		port = descriptor->ports[kmsg->progress++];
		if (port != RIGHT_DEAD)
			right_release_later(port, descriptor->disposition);
	}
	return true;
}

/* A part of one descriptor; false: it carries nothing any more. */
static bool
release_descriptor_step(struct kmsg *kmsg, struct kdescriptor *descriptor)
{
	switch (descriptor->type) {
	case MACH_MSG_OOL_DESCRIPTOR:
	case MACH_MSG_OOL_VOLATILE_DESCRIPTOR:
		return descriptor->transfer != NULL &&
		       transfer_destroy_step(descriptor->transfer);
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		return descriptor->ports != NULL &&
		       release_ports_step(kmsg, descriptor);
	default:
		right_release_later(descriptor->port, descriptor->disposition);
		return false;
	}
}

void
kmsg_clear_remote(struct kmsg *kmsg)
{
	/* Others follow carriers from port to port under this lock. */
	if (kmsg->has_receive) {
		spin_lock(&transit_lock);
		kmsg->remote = NULL;
		spin_unlock(&transit_lock);
	}
	kmsg->remote = NULL;
}

static void
release_header(struct kmsg *kmsg)
{
	struct port *remote = kmsg->remote;
	struct port *local = kmsg->local;

	kmsg_clear_remote(kmsg);
	kmsg->local = NULL;
	right_release_later(remote, kmsg->remote_type);
	right_release_later(local, kmsg->local_type);
}

bool
kmsg_release_step(struct kmsg *kmsg)
{
	if (kmsg->done > 0) {
		if (!release_descriptor_step(
			kmsg, &kmsg->descriptor[kmsg->done - 1]))
			kmsg->done--;
		return true;
	}
	release_header(kmsg);
	return false;
}

static bool
kmsg_reap_step(struct reap_item *item)
{
	struct kmsg *kmsg = container_of(item, struct kmsg, reap);

	if (kmsg_release_step(kmsg))
		return true;
	kmsg_free(kmsg);
	return false;
}

/* What it carries is on its way nowhere any more. */
static void
begin_end(struct kmsg *kmsg)
{
	kmsg->progress = 0;
	kmsg->reap.step = kmsg_reap_step;
	if (likely(!kmsg->has_receive))
		return;
	spin_lock(&transit_lock);
	kmsg->ending = true;
	spin_unlock(&transit_lock);
}

void
kmsg_destroy(struct kmsg *kmsg)
{
	begin_end(kmsg);
	reap_now(&kmsg->reap);
}

void
kmsg_destroy_later(struct kmsg *kmsg)
{
	begin_end(kmsg);
	reap_later(&kmsg->reap);
}

bool
kmsg_is_circular(struct kmsg *kmsg)
{
	struct port *port = kmsg->remote;
	struct kmsg *carrier;
	bool circular = false;

	if (likely(!kmsg->has_receive))
		return false;
	spin_lock(&transit_lock);
	for (int depth = 0; port != NULL; depth++) {
		carrier = port->carrier;
		if (carrier == NULL || carrier->ending)
			break;
		if (carrier == kmsg || depth == CARRIER_DEPTH_MAX) {
			circular = true;
			break;
		}
		port = carrier->remote;
	}
	spin_unlock(&transit_lock);
	return circular;
}

/* ---- the kernel sends ---- */

void
port_send_kernel(
    struct port *port, mach_msg_type_name_t type, struct kmsg *kmsg)
{
	struct thread *receiver = NULL;
	enum post_result result;

	kmsg->remote = port;
	kmsg->remote_type = (uint8_t)type;
	ktrace(KT_SEND, (uint64_t)port, (uint64_t)kmsg->id);
	if (unlikely(kmsg_is_circular(kmsg))) {
		kmsg_destroy_later(kmsg);
		return;
	}
	port_lock(port);
	/* A message to a port that the kernel serves is for a user to send. */
	if (port->state == PORT_IS_DEAD || port->state == PORT_IN_KERNEL) {
		spin_unlock(&port->lock);
		kmsg_destroy_later(kmsg);
		return;
	}
	result = mqueue_post(port, kmsg, true, &receiver);
	spin_unlock(&port->lock);
	if (result == POST_DELIVERED) {
		this_cpu()->counters.woken++;
		sched_wake(receiver);
	}
}
