/* memory_entry.c: see memory_entry.h. */
#include "vm/memory_entry.h"

#include <arch/layout.h>
#include <mach/memory_object_types.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <serve/mach_vm.h>

#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/ledger.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/object.h"
#include "vm/pager.h"
#include "vm/user.h"
#include "vm/view_call.h"

/* I, but a: atomic */
struct memory_entry {
	atomic_uint refs; /* [a] its port's, and calls under way */
	struct port *port;
	struct view *view;
	uint64_t offset, size; /* of the view */
	unsigned prot;	       /* the most that it may be mapped with */
	struct ledger *ledger; /* who pays */
};

static struct zone entry_zone;

/* ---- life ---- */

static void
entry_get(void *object)
{
	struct memory_entry *entry = object;

	atomic_fetch_add_explicit(&entry->refs, 1, memory_order_relaxed);
}

static void
entry_put(void *object)
{
	struct memory_entry *entry = object;

	/* acq_rel: who frees sees what every earlier holder wrote */
	if (atomic_fetch_sub_explicit(&entry->refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	view_put(entry->view);
	ledger_release(entry->ledger, BATON_LEDGER_OBJECTS, 1);
	zone_free(&entry_zone, entry);
}

static void
entry_no_senders(void *object)
{
	struct memory_entry *entry = object;

	port_destroy_kernel(entry->port);
	entry_put(entry); /* the port's */
}

static const struct kobject_class entry_class = {
    .get = entry_get,
    .put = entry_put,
    .no_senders = entry_no_senders,
};

void
memory_entry_init(void)
{
	zone_init(&entry_zone, "memory entry", sizeof(struct memory_entry), 0);
	ledger_weigh(BATON_LEDGER_OBJECTS,
	    sizeof(struct memory_entry) + sizeof(struct port));
	kobject_register(KOBJECT_MEMORY_ENTRY, &entry_class);
}

/* An entry like @template, whose view gets another reference: a send right to
 * its port; NULL: no memory. */
static struct port *
create(const struct memory_entry *template)
{
	struct ledger *ledger = ledger_of_caller();
	struct memory_entry *entry;

	if (!ledger_hold(ledger, BATON_LEDGER_OBJECTS, 1))
		return NULL;
	entry = zone_alloc(&entry_zone);
	if (entry == NULL)
		goto out_charge;
	*entry = *template;
	entry->ledger = ledger;
	atomic_init(&entry->refs, 1);
	entry->port = port_create_kernel(KOBJECT_MEMORY_ENTRY, entry);
	if (entry->port == NULL)
		goto out_entry;
	view_get(entry->view);
	return right_make_send(entry->port);

out_entry:
	zone_free(&entry_zone, entry);
out_charge:
	ledger_release(ledger, BATON_LEDGER_OBJECTS, 1);
	return NULL;
}

static struct memory_entry *
entry_of(struct port *port)
{
	return port_object_get(port, KOBJECT_MEMORY_ENTRY);
}

/* ---- making one ---- */

/* What its maker may ask for besides rights. */
#define PERMISSION_FLAGS                                                       \
	(MAP_MEM_LEDGER_TAGGED | MAP_MEM_GRAB_SECLUDED | MAP_MEM_ONLY |        \
	    MAP_MEM_NAMED_CREATE | MAP_MEM_NAMED_REUSE | MAP_MEM_VM_COPY |     \
	    MAP_MEM_VM_SHARE)

struct wish {
	uint64_t offset, size;
	unsigned permission;
	struct port *parent;
};

static unsigned
wanted_rights(const struct wish *wish)
{
	return wish->permission & VM_PROT_ALL;
}

/* Of rights that are @there, those that are wanted. */
static kern_return_t
grant(const struct wish *wish, unsigned there, unsigned *protp)
{
	unsigned wanted = wanted_rights(wish);

	if ((wanted & ~there) != 0 && !(wish->permission & VM_PROT_IS_MASK))
		return KERN_PROTECTION_FAILURE;
	*protp = wanted & there;
	return KERN_SUCCESS;
}

static kern_return_t
check_wish(const struct wish *wish)
{
	unsigned rights = VM_PROT_ALL | VM_PROT_IS_MASK;

	if ((wish->permission & MAP_MEM_FLAGS_MASK & ~PERMISSION_FLAGS) != 0)
		return KERN_INVALID_VALUE;
	if ((wish->permission & MAP_MEM_PROT_MASK & ~rights) != 0)
		return KERN_INVALID_ARGUMENT;
	/* Memory is cached as it is. */
	switch (GET_MAP_MEM(wish->permission)) {
	case MAP_MEM_NOOP:
	case MAP_MEM_COPYBACK:
	case MAP_MEM_INNERWBACK:
		return KERN_SUCCESS;
	}
	return KERN_NOT_SUPPORTED;
}

/* New memory that is in no map. */
static kern_return_t
make_new(const struct wish *wish, struct memory_entry *entry)
{
	if (wish->size == 0 || wish->size > OBJECT_SIZE_MAX)
		return KERN_INVALID_ARGUMENT;
	entry->size = page_ceil(wish->size);
	entry->prot = wanted_rights(wish);
	entry->view = view_create_zero(ledger_of_caller(), entry->size);
	return entry->view != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

/* A part of what another one stands for. */
static kern_return_t
make_part(const struct wish *wish, struct memory_entry *entry)
{
	struct memory_entry *parent = entry_of(wish->parent);
	uint64_t start = wish->offset, size = wish->size;
	kern_return_t kr = KERN_INVALID_ARGUMENT;

	if (parent == NULL)
		return kr;
	if (size > 0 && vm_whole_pages(&start, &size) == KERN_SUCCESS &&
	    start < parent->size && size <= parent->size - start)
		kr = grant(wish, parent->prot, &entry->prot);
	if (kr == KERN_SUCCESS) {
		entry->offset = parent->offset + start;
		entry->size = size;
		entry->view = view_get(parent->view);
	}
	entry_put(parent);
	return kr;
}

static kern_return_t
begin_take(struct map *map, const struct wish *wish)
{
	uint64_t start = wish->offset, size = wish->size;
	struct view_call *call;

	if (size == 0 || vm_whole_pages(&start, &size) != KERN_SUCCESS)
		return KERN_INVALID_ARGUMENT;
	if (start >= USER_END || size > USER_END - start)
		return KERN_INVALID_ADDRESS;
	call = view_call_begin();
	if (call == NULL)
		return KERN_RESOURCE_SHORTAGE;
	call->take.share.from = map;
	call->take.share.next = start;
	call->take.share.end = start + size;
	call->take.kind =
	    (wish->permission & MAP_MEM_VM_COPY) ? VIEW_COPY : VIEW_SHARE;
	return KERN_SUCCESS;
}

/* What was taken becomes an entry's. */
static kern_return_t
use_taken(
    const struct wish *wish, struct view_call *call, struct memory_entry *entry)
{
	struct view *view = call->take.view;
	unsigned prot, max_prot;
	kern_return_t kr;

	view_rights(view, 0, view_size(view), &prot, &max_prot);
	/* A copy is its holders' to write: it only has to be readable. */
	if (call->take.kind == VIEW_COPY && (prot & VM_PROT_READ))
		prot = VM_PROT_ALL;
	kr = grant(wish, prot, &entry->prot);
	if (kr != KERN_SUCCESS)
		return kr;
	entry->size = view_size(view);
	entry->view = view;
	call->take.view = NULL;
	return KERN_SUCCESS;
}

/* Memory of @map's. */
static kern_return_t
make_of_map(
    struct map *map, const struct wish *wish, struct memory_entry *entry)
{
	struct view_call *call;
	kern_return_t kr = KERN_SUCCESS;

	if (view_call_current() == NULL)
		kr = begin_take(map, wish);
	if (kr != KERN_SUCCESS)
		return kr;
	call = view_call_current();
	kr = view_call_take(call);
	if (call_goes_on(kr))
		return kr;
	if (kr == KERN_SUCCESS)
		kr = use_taken(wish, call, entry);
	view_call_end(call);
	return kr;
}

static kern_return_t
make(struct map *map, const struct wish *wish, struct memory_entry *entry)
{
	kern_return_t kr = check_wish(wish);

	if (kr != KERN_SUCCESS)
		return kr;
	if (wish->permission & MAP_MEM_NAMED_CREATE)
		return make_new(wish, entry);
	if (wish->parent != NULL &&
	    !(wish->permission & (MAP_MEM_VM_COPY | MAP_MEM_VM_SHARE)))
		return make_part(wish, entry);
	return make_of_map(map, wish, entry);
}

/* Only a change of how memory is cached, of which there is none. */
static kern_return_t
only_caching(struct port *parent, struct port **portp)
{
	struct memory_entry *entry = entry_of(parent);

	if (entry == NULL)
		return KERN_INVALID_ARGUMENT;
	entry_put(entry);
	*portp = NULL;
	return KERN_SUCCESS;
}

kern_return_t
serve_mach_vm_make_memory_entry(struct map *map, memory_object_size_t *size,
    memory_object_offset_t offset, vm_prot_t permission, struct port **port,
    struct port *parent)
{
	struct wish wish = {
	    .offset = offset,
	    .size = *size,
	    .permission = (uint32_t)permission,
	    .parent = parent,
	};
	struct memory_entry entry = {0};
	kern_return_t kr;

	if ((wish.permission & MAP_MEM_ONLY) && check_wish(&wish) == 0) {
		kr = only_caching(parent, port);
	} else {
		kr = make(map, &wish, &entry);
		if (kr == KERN_SUCCESS) {
			*port = create(&entry);
			view_put(entry.view);
			*size = entry.size;
			if (*port == NULL)
				kr = KERN_RESOURCE_SHORTAGE;
		}
	}
	if (kr == KERN_SUCCESS)
		right_release_send(parent);
	return kr;
}

/* ---- mapping one ---- */

#define FLAGS_KNOWN                                                            \
	(VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE | VM_FLAGS_RETURN_DATA_ADDR |  \
	    VM_FLAGS_RETURN_4K_DATA_ADDR | VM_FLAGS_IGNORED)

/* @prot, or of what @entry gives what it asks for. */
static unsigned
masked(const struct memory_entry *entry, unsigned prot)
{
	return prot & VM_PROT_IS_MASK ? prot & entry->prot : prot;
}

static kern_return_t
check_request(const struct memory_entry *entry,
    const struct memory_entry_request *request)
{
	const unsigned known = VM_PROT_ALL | VM_PROT_IS_MASK;
	unsigned prot = masked(entry, request->prot);
	unsigned max_prot = masked(entry, request->max_prot);

	if ((request->flags & ~(unsigned)FLAGS_KNOWN) != 0 ||
	    ((request->prot | request->max_prot) & ~known) != 0 ||
	    (prot & ~max_prot) != 0 ||
	    request->inherit > VM_INHERIT_LAST_VALID ||
	    (request->offset & PAGE_MASK) != 0)
		return KERN_INVALID_ARGUMENT;
	if (request->size == 0 || request->offset >= entry->size ||
	    request->size > entry->size - request->offset)
		return KERN_INVALID_ARGUMENT;
	if ((max_prot & ~entry->prot) != 0)
		return KERN_INVALID_RIGHT;
	if (request->copy && view_has_windows(entry->view))
		return KERN_PROTECTION_FAILURE;
	return KERN_SUCCESS;
}

static kern_return_t
begin_map(struct map *map, uaddr_t address, const struct memory_entry *entry,
    const struct memory_entry_request *request)
{
	struct view_call *call;
	kern_return_t kr = check_request(entry, request);

	if (kr != KERN_SUCCESS)
		return kr;
	call = view_call_begin();
	if (call == NULL)
		return KERN_RESOURCE_SHORTAGE;
	call->place = (struct view_place){
	    .view = view_get(entry->view),
	    .map = map,
	    .offset = entry->offset + request->offset,
	    .size = page_ceil(request->size),
	    .mask = request->mask,
	    .address = page_floor(address),
	    .anywhere = (request->flags & VM_FLAGS_ANYWHERE) != 0,
	    .overwrite = (request->flags & VM_FLAGS_OVERWRITE) != 0,
	    .private = request->copy,
	    .prot = masked(entry, request->prot),
	    .max_prot = masked(entry, request->max_prot),
	    .inherit = request->inherit,
	};
	return KERN_SUCCESS;
}

/* Of a pager's object nothing is known but that it is as long as can be. */
static kern_return_t
begin_map_pager(struct map *map, uaddr_t address, struct port *port,
    const struct memory_entry_request *request)
{
	struct memory_entry entry = {
	    .size = OBJECT_SIZE_MAX,
	    .prot = VM_PROT_ALL,
	};
	kern_return_t kr = pager_view(port, &entry.view);

	if (kr != KERN_SUCCESS)
		return kr;
	kr = begin_map(map, address, &entry, request);
	view_put(entry.view);
	return kr;
}

static kern_return_t
begin_map_port(struct map *map, uaddr_t address, struct port *port,
    const struct memory_entry_request *request)
{
	struct memory_entry *entry = entry_of(port);
	kern_return_t kr;

	if (entry == NULL)
		return begin_map_pager(map, address, port, request);
	kr = begin_map(map, address, entry, request);
	entry_put(entry);
	return kr;
}

kern_return_t
memory_entry_map(struct map *map, uaddr_t *addressp, struct port *port,
    const struct memory_entry_request *request)
{
	kern_return_t kr = KERN_SUCCESS;
	struct view_call *call;

	if (view_call_current() == NULL)
		kr = begin_map_port(map, *addressp, port, request);
	if (kr != KERN_SUCCESS)
		return kr;
	call = view_call_current();
	kr = view_call_place(call);
	if (call_goes_on(kr))
		return kr;
	if (kr == KERN_SUCCESS) {
		*addressp = call->place.address;
		right_release_send(port);
	}
	view_call_end(call);
	return kr;
}
