/*
 * default_pager.c: messages to and from the default pager; see default_pager.h.
 */
#include "vm/default_pager.h"

#include <mach/default_pager_types.h>
#include <mach/ndr.h>
#include <serve/default_pager_control.h>
#include <serve/host_priv.h>

#include "ipc/kmsg.h"
#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/map.h"
#include "vm/pageout.h"
#include "vm/swap.h"
#include "vm/transfer.h"

static struct spinlock pager_lock = SPINLOCK_INIT(LOCK_PMAP);

/* [pager_lock] */
static struct {
	struct port *port;    /* a send right; NULL: there is none */
	struct port *control; /* our port's receive right */
	bool ending;	      /* it is gone, and swap.c is being told */
	bool closing;	      /* ... has been: what it had is being settled */
	bool full;	      /* it said so */
	bool again;	      /* pages that it refused may be written again */
} pager;

/* ---- messages to the pager ---- */

/* A right to the pager's port; NULL: there is none. */
static struct port *
pager_right(void)
{
	struct port *port = NULL;

	spin_lock(&pager_lock);
	if (pager.port != NULL && !pager.closing)
		port = right_copy_send(pager.port);
	spin_unlock(&pager_lock);
	return port;
}

static void
send(struct port *port, struct kmsg *kmsg, int32_t id)
{
	kmsg->id = id;
	/* All wait for what it does, whoever they are. */
	kmsg->lend = PRIORITY_SERVER;
	port_send_kernel(port, MACH_MSG_TYPE_PORT_SEND, kmsg);
}

/* Ids of default_pager.defs. */
enum {
	MSG_START = 2290,
	MSG_WRITE,
	MSG_READ,
	MSG_FORGET,
};

struct start_body {
	mach_msg_body_t body;
	mach_msg_port_descriptor_t control;
	NDR_record_t ndr;
	uint32_t page_size[2]; /* a vm_size_t, at a multiple of 4 */
};

/* A start, whose right is yet to come.  NULL: no memory. */
static struct kmsg *
make_start(void)
{
	struct kmsg *kmsg = kmsg_alloc(NULL, sizeof(struct start_body), 1);
	struct start_body *body;

	if (kmsg == NULL)
		return NULL;
	body = (void *)kmsg->body;
	*body = (struct start_body){
	    .body.msgh_descriptor_count = 1,
	    .ndr = NDR_record,
	    .page_size = {PAGE_SIZE, 0},
	};
	kmsg->complex = true;
	kmsg->descriptor[0] = (struct kdescriptor){
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	    .disposition = MACH_MSG_TYPE_PORT_SEND,
	};
	return kmsg;
}

struct read_body {
	NDR_record_t ndr;
	natural_t slot;
};

kern_return_t
swap_store_ask(uint32_t slot)
{
	struct kmsg *kmsg = kmsg_alloc(NULL, sizeof(struct read_body), 0);
	struct port *port;

	if (kmsg == NULL)
		return KERN_RESOURCE_SHORTAGE;
	port = pager_right();
	if (port == NULL) {
		kmsg_free(kmsg);
		return KERN_MEMORY_ERROR;
	}
	*(struct read_body *)(void *)kmsg->body =
	    (struct read_body){.ndr = NDR_record, .slot = slot};
	send(port, kmsg, MSG_READ);
	return KERN_SUCCESS;
}

struct forget_body {
	NDR_record_t ndr;
	mach_msg_type_number_t count;
	natural_t slots[DEFAULT_PAGER_FORGETS_MAX];
};

/* Consumes @port.  False: no memory to say it. */
static bool
send_forget(struct port *port)
{
	struct kmsg *kmsg = kmsg_alloc(NULL, sizeof(struct forget_body), 0);
	struct forget_body *body;

	if (kmsg == NULL) {
		right_release_send(port);
		return false;
	}
	body = (void *)kmsg->body;
	body->ndr = NDR_record;
	body->count = swap_forget(body->slots, DEFAULT_PAGER_FORGETS_MAX);
	kmsg->size -= (DEFAULT_PAGER_FORGETS_MAX - body->count) *
		      (uint32_t)sizeof(body->slots[0]);
	send(port, kmsg, MSG_FORGET);
	return true;
}

struct write_body {
	mach_msg_body_t body;
	mach_msg_ool_descriptor_t data;
	NDR_record_t ndr;
	mach_msg_type_number_t data_count;
	mach_msg_type_number_t count;
	natural_t slots[DEFAULT_PAGER_WRITES_MAX];
} __attribute__((packed, aligned(4)));

/* A write with room for as many pages as there can be. */
static struct kmsg *
make_write(struct transfer **transferp)
{
	struct kmsg *kmsg = kmsg_alloc(NULL, sizeof(struct write_body), 1);

	if (kmsg == NULL)
		return NULL;
	*transferp = transfer_for_pages(DEFAULT_PAGER_WRITES_MAX);
	if (*transferp == NULL) {
		kmsg_free(kmsg);
		return NULL;
	}
	return kmsg;
}

/* Have some pages written.  Consumes @port.  False: nothing can be, or there is
 * no memory to say it. */
static bool
send_write(struct port *port)
{
	struct page *pages[DEFAULT_PAGER_WRITES_MAX];
	struct transfer *transfer;
	struct kmsg *kmsg = make_write(&transfer);
	struct write_body *body;
	unsigned count;

	if (kmsg == NULL) {
		right_release_send(port);
		return false;
	}
	body = (void *)kmsg->body;
	count = swap_write_begin(body->slots, pages, DEFAULT_PAGER_WRITES_MAX);
	if (count == 0) {
		right_release_send(port);
		transfer_destroy(transfer);
		kmsg_drop_descriptors(kmsg);
		kmsg_free(kmsg);
		return false;
	}
	transfer_put_pages(transfer, pages, count);
	body->body.msgh_descriptor_count = 1;
	body->ndr = NDR_record;
	body->data_count = count * (uint32_t)PAGE_SIZE;
	body->count = count;
	kmsg->size -= (DEFAULT_PAGER_WRITES_MAX - count) *
		      (uint32_t)sizeof(body->slots[0]);
	kmsg->complex = true;
	kmsg->descriptor[kmsg->done++] = (struct kdescriptor){
	    .transfer = transfer,
	    .size = body->data_count,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	};
	send(port, kmsg, MSG_WRITE);
	return true;
}

/* ---- what it answers ---- */

kern_return_t
serve_default_pager_written(natural_t stored, boolean_t full,
    const natural_t *slots, mach_msg_type_number_t count)
{
	kern_return_t kr = KERN_SUCCESS;
	bool some = false;

	if (stored > count)
		return KERN_INVALID_ARGUMENT;
	for (uint32_t i = 0; kr == KERN_SUCCESS && i < count; i++) {
		kr = swap_write_end(slots[i], i < stored);
		some |= kr == KERN_SUCCESS;
	}
	if (full) {
		spin_lock(&pager_lock);
		pager.full = true;
		spin_unlock(&pager_lock);
	}
	if (some)
		pageout_news();
	return kr;
}

/* It has room again. */
static void
not_full(void)
{
	spin_lock(&pager_lock);
	if (pager.full)
		pager.again = true;
	pager.full = false;
	spin_unlock(&pager_lock);
}

kern_return_t
serve_default_pager_supply(natural_t slot, const char *data)
{
	struct page *page;
	kern_return_t kr = swap_supply_begin(slot, &page);

	if (kr != KERN_SUCCESS)
		return kr;
	memcpy(page_va(page), data, PAGE_SIZE);
	swap_supply_end(slot, page, true);
	not_full();
	return KERN_SUCCESS;
}

kern_return_t
serve_default_pager_lost(natural_t slot)
{
	struct page *page;
	kern_return_t kr = swap_supply_begin(slot, &page);

	if (kr == KERN_SUCCESS)
		swap_supply_end(slot, page, false);
	return kr;
}

/* ---- its life ---- */

/* The last right to the control port is gone, and the pager with it. */
static void
pager_gone(void *object)
{
	struct port *port, *control;

	(void)object;
	spin_lock(&pager_lock);
	port = pager.port;
	control = pager.control;
	pager.port = NULL;
	pager.control = NULL;
	pager.ending = true;
	pager.full = false;
	spin_unlock(&pager_lock);
	swap_store_close();
	/* The thread that settles may begin: no sooner. */
	spin_lock(&pager_lock);
	pager.ending = false;
	pager.closing = true;
	spin_unlock(&pager_lock);
	port_destroy_kernel(control);
	right_release_send(port);
	pageout_news();
}

static const struct kobject_class pager_class = {
    .no_senders = pager_gone,
};

void
default_pager_init(void)
{
	kobject_register(KOBJECT_DEFAULT_PAGER, &pager_class);
}

/* There is to be one.  KERN_FAILURE: there is already. */
static kern_return_t
reserve(struct port *control)
{
	kern_return_t kr = KERN_FAILURE;

	spin_lock(&pager_lock);
	if (pager.control == NULL && !pager.ending && !pager.closing) {
		pager.control = control;
		pager.full = false;
		kr = KERN_SUCCESS;
	}
	spin_unlock(&pager_lock);
	return kr;
}

/* It has been told.  Consumes @manager; it may be gone already. */
static void
install(struct port *manager, struct port *control)
{
	spin_lock(&pager_lock);
	if (pager.control == control) {
		pager.port = manager;
		manager = NULL;
	}
	spin_unlock(&pager_lock);
	right_release_send(manager);
}

/* From now on no page of @map is taken. */
static void
keep_resident(struct map *map)
{
	spin_lock(&map->lock);
	map->resident = true;
	spin_unlock(&map->lock);
}

/* On success, consumes @manager, a send right. */
static kern_return_t
register_pager(struct port *manager)
{
	struct port *control =
	    port_create_kernel(KOBJECT_DEFAULT_PAGER, &pager);
	struct kmsg *start = control != NULL ? make_start() : NULL;
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;

	if (start != NULL)
		kr = reserve(control);
	if (kr != KERN_SUCCESS) {
		if (start != NULL)
			kmsg_free(start);
		if (control != NULL)
			port_destroy_kernel(control);
		return kr;
	}

	/* ---- committed: nothing below can fail ---- */
	swap_store_open();
	keep_resident(current_thread()->task->map);
	/* Before all else that it is sent. */
	start->descriptor[start->done++].port = right_make_send(control);
	send(right_copy_send(manager), start, MSG_START);
	install(manager, control);
	pageout_news();
	return KERN_SUCCESS;
}

kern_return_t
serve_host_default_memory_manager(
    struct port *manager, struct port **previous, vm_size_t cluster)
{
	(void)cluster; /* we write as many pages as we like */
	if (manager != NULL)
		return register_pager(manager);
	*previous = pager_right();
	return KERN_SUCCESS;
}

/* ---- steps of the thread that makes room ---- */

bool
default_pager_takes(void)
{
	bool takes;

	spin_lock(&pager_lock);
	takes = pager.port != NULL && !pager.full;
	spin_unlock(&pager_lock);
	return takes;
}

bool
default_pager_write_step(void)
{
	struct port *port = default_pager_takes() ? pager_right() : NULL;

	return port != NULL && send_write(port);
}

bool
default_pager_settle_step(void)
{
	bool closing;

	spin_lock(&pager_lock);
	closing = pager.closing;
	spin_unlock(&pager_lock);
	if (!closing)
		return false;
	if (swap_store_settle_step() || swap_write_again())
		return true;
	spin_lock(&pager_lock);
	pager.closing = false;
	spin_unlock(&pager_lock);
	return true;
}

bool
default_pager_again_step(void)
{
	bool again;

	spin_lock(&pager_lock);
	again = pager.again;
	spin_unlock(&pager_lock);
	if (again && !swap_write_again()) {
		spin_lock(&pager_lock);
		pager.again = false;
		spin_unlock(&pager_lock);
	}
	return again;
}

bool
default_pager_forget_step(void)
{
	natural_t slots[DEFAULT_PAGER_FORGETS_MAX];
	struct port *port = pager_right();

	/* Without one nobody needs to be told. */
	if (port == NULL)
		return swap_forget(slots, DEFAULT_PAGER_FORGETS_MAX) > 0;
	if (!send_forget(port))
		return false;
	not_full();
	return true;
}
