/*
 * libmach/pager.c: baton/pager.h over libmach/pager.defs.
 *
 * The kernel is believed by its control port.  Anybody with a right to an
 * object may send to it, but not with such a port; and a request that is
 * answered to one only gives data to whoever may map the object anyway.
 */
#include <baton/pager.h>
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include <mach/mach.h>
#include <mach/mig.h>
#include <mach/notify.h>
#include <mach/routine_ids.h>
#include <server/pager.h>

static_assert(sizeof(union __RequestUnion__pager_memory_object_subsystem) +
		      MAX_TRAILER_SIZE <=
		  PAGER_MESSAGE_MAX,
    "every message of the kernel's fits");

/* The most that is answered of one request; the kernel asks for less. */
#define REQUEST_MAX (1024 * 1024UL)

/* References to a control port that are worth a call. */
#define REFS_MAX 256

/* ---- objects by their ports ---- */

#define BUCKETS 256

static struct pager_object *buckets[BUCKETS];

/* The lowest byte of a name says how often it was used. */
static struct pager_object **
bucket_of(mach_port_t port)
{
	return &buckets[port / 256 % BUCKETS];
}

static struct pager_object *
object_of(mach_port_t port)
{
	struct pager_object *object = *bucket_of(port);

	while (object != NULL && object->port != port)
		object = object->next;
	return object;
}

static void
object_remove(struct pager_object *object)
{
	struct pager_object **link = bucket_of(object->port);

	while (*link != object)
		link = &(*link)->next;
	*link = object->next;
}

/* ---- their life ---- */

/* A no-senders notification when there are none and some were made. */
static kern_return_t
ask_for_end(mach_port_t port, mach_port_mscount_t made)
{
	mach_port_t previous;

	return mach_port_request_notification(mach_task_self(), port,
	    MACH_NOTIFY_NO_SENDERS, made, port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &previous);
}

kern_return_t
pager_object_adopt(struct pager_object *object, const struct pager_calls *calls,
    mach_port_t set, mach_port_t port)
{
	kern_return_t kr = KERN_SUCCESS;

	if (calls->end != NULL)
		kr = ask_for_end(port, 1);
	if (kr == KERN_SUCCESS)
		kr = mach_port_insert_member(mach_task_self(), port, set);
	if (kr != KERN_SUCCESS)
		return kr;
	*object = (struct pager_object){
	    .calls = calls,
	    .port = port,
	    .next = *bucket_of(port),
	};
	*bucket_of(port) = object;
	return KERN_SUCCESS;
}

kern_return_t
pager_object_init(struct pager_object *object, const struct pager_calls *calls,
    mach_port_t set)
{
	mach_port_t port, self = mach_task_self();
	kern_return_t kr;

	kr = mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = pager_object_adopt(object, calls, set, port);
	if (kr != KERN_SUCCESS)
		mach_port_destroy(self, port);
	return kr;
}

static void
forget_control(struct pager_object *object)
{
	if (object->control != MACH_PORT_NULL)
		mach_port_mod_refs(mach_task_self(), object->control,
		    MACH_PORT_RIGHT_SEND,
		    -(mach_port_delta_t)object->control_refs);
	object->control = MACH_PORT_NULL;
}

void
pager_object_end(struct pager_object *object)
{
	object_remove(object);
	forget_control(object);
	mach_port_destroy(mach_task_self(), object->port);
}

/* Anybody can say that there are no senders: who knows is the kernel. */
static void
no_senders(struct pager_object *object)
{
	mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
	mach_port_status_t status;

	if (object->calls->end == NULL ||
	    mach_port_get_attributes(mach_task_self(), object->port,
		MACH_PORT_RECEIVE_STATUS, (mach_port_info_t)&status,
		&count) != KERN_SUCCESS)
		return;
	if (status.mps_srights)
		ask_for_end(object->port, status.mps_mscount);
	else
		object->calls->end(object);
}

/* ---- the kernel ---- */

/* Whether @control is a port of the kernel's for some object. */
static bool
is_kernel(const struct pager_object *object, memory_object_control_t control)
{
	mach_vm_address_t address;
	natural_t kind;

	if (object == NULL)
		return false;
	if (control == object->control && control != MACH_PORT_NULL)
		return true;
	return mach_port_kobject(mach_task_self(), control, &kind, &address) ==
		   KERN_SUCCESS &&
	       kind == IKOT_MEM_OBJ_CONTROL;
}

/* The first one that speaks for an object is kept.  Each message brings another
 * reference to it; those are given up many at a time. */
static void
keep_control(struct pager_object *object, memory_object_control_t control)
{
	if (object->control == MACH_PORT_NULL) {
		object->control = control;
		object->control_refs = 1;
	} else if (control != object->control) {
		mach_port_deallocate(mach_task_self(), control);
	} else if (++object->control_refs == REFS_MAX) {
		mach_port_mod_refs(mach_task_self(), control,
		    MACH_PORT_RIGHT_SEND, 1 - REFS_MAX);
		object->control_refs = 1;
	}
}

kern_return_t
pager_memory_object_init(memory_object_t memory_object,
    memory_object_control_t memory_control,
    memory_object_name_t memory_object_name, vm_size_t memory_object_page_size)
{
	struct pager_object *object = object_of(memory_object);

	(void)memory_object_page_size; /* one for all: vm_page_size */
	if (!is_kernel(object, memory_control))
		return KERN_INVALID_ARGUMENT;
	mach_port_deallocate(mach_task_self(), memory_object_name);
	memory_object_ready(memory_control, object->calls->end == NULL,
	    MEMORY_OBJECT_COPY_DELAY);
	keep_control(object, memory_control);
	return KERN_SUCCESS;
}

kern_return_t
pager_memory_object_terminate(memory_object_t memory_object,
    memory_object_control_t memory_control,
    memory_object_name_t memory_object_name)
{
	struct pager_object *object = object_of(memory_object);

	/* These are ports that the sender had; whoever it was, they go. */
	mach_port_destroy(mach_task_self(), memory_object_name);
	if (object != NULL && object->control == memory_control)
		object->control = MACH_PORT_NULL;
	mach_port_destroy(mach_task_self(), memory_control);
	return KERN_SUCCESS;
}

/* ---- pages out ---- */

static kern_return_t
read_pages(struct pager_object *object, uint64_t offset, vm_address_t pages,
    vm_size_t size, vm_size_t *filled)
{
	kern_return_t kr = KERN_SUCCESS;

	for (*filled = 0; *filled < size; *filled += vm_page_size) {
		kr = object->calls->read(
		    object, offset + *filled, (void *)(pages + *filled));
		if (kr != KERN_SUCCESS)
			break;
	}
	return kr;
}

/* Pages to be given away: @size bytes of them. */
struct supply {
	memory_object_control_t control;
	uint64_t offset;
	vm_address_t pages;
	vm_size_t size;
	vm_prot_t lock;
};

/*
 * The last supply of a request waits here until pager_server() is done with it:
 * then it is what the loop sends, in the call that receives the next request.
 * Who waits for the page goes on while we wait, and no call is made for it
 * alone.
 */
static _Thread_local struct {
	bool answering; /* pager_server() looks here */
	struct supply last;
} reply;

static void
send_supply(const struct supply *supply)
{
	if (memory_object_data_supply(supply->control, supply->offset,
		supply->pages, (mach_msg_type_number_t)supply->size, TRUE,
		supply->lock, FALSE, MACH_PORT_NULL) != KERN_SUCCESS)
		vm_deallocate(mach_task_self(), supply->pages, supply->size);
}

/* The same as a message that is still to be sent. */
static void
write_supply(const struct supply *supply, mach_msg_header_t *header)
{
	__Request__memory_object_data_supply_t *message =
	    (__Request__memory_object_data_supply_t *)header;

	*header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS_COMPLEX |
			 MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = sizeof(*message),
	    .msgh_remote_port = supply->control,
	    .msgh_id = MSGID_MEMORY_OBJECT_DATA_SUPPLY,
	};
	message->msgh_body.msgh_descriptor_count = 2;
	message->data = (mach_msg_ool_descriptor_t){
	    .address = (void *)supply->pages,
	    .size = (mach_msg_size_t)supply->size,
	    .deallocate = TRUE,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	};
	message->reply_to = (mach_msg_port_descriptor_t){
	    .disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};
	message->NDR = NDR_record;
	message->offset = supply->offset;
	message->dataCnt = (mach_msg_type_number_t)supply->size;
	message->lock_value = supply->lock;
	message->precious = FALSE;
}

/* Gives @size bytes at @pages away. */
static void
supply(const struct pager_object *object, memory_object_control_t control,
    uint64_t offset, vm_address_t pages, vm_size_t size)
{
	struct supply supply = {
	    .control = control,
	    .offset = offset,
	    .pages = pages,
	    .size = size,
	    .lock = object->calls->write == NULL ? VM_PROT_WRITE : VM_PROT_NONE,
	};

	if (!reply.answering) {
		send_supply(&supply);
		return;
	}
	if (reply.last.size > 0)
		send_supply(&reply.last);
	reply.last = supply;
}

/*
 * Answers the first page at @offset, and as many of those behind it, up to
 * @size bytes, as there is something to read in.  Returns the bytes answered.
 */
static vm_size_t
answer(struct pager_object *object, memory_object_control_t control,
    uint64_t offset, vm_size_t size)
{
	mach_port_t self = mach_task_self();
	vm_address_t pages;
	vm_size_t filled = 0;
	kern_return_t kr;

	kr = vm_allocate(self, &pages, size, VM_FLAGS_ANYWHERE);
	if (kr == KERN_SUCCESS) {
		kr = read_pages(object, offset, pages, size, &filled);
		if (filled < size)
			vm_deallocate(self, pages + filled, size - filled);
	}
	if (filled > 0) {
		supply(object, control, offset, pages, filled);
		return filled;
	}
	if (kr == PAGER_ZEROS)
		memory_object_data_unavailable(control, offset, vm_page_size);
	else
		memory_object_data_error(control, offset, vm_page_size, kr);
	return vm_page_size;
}

static bool
whole_pages(uint64_t offset, uint64_t size)
{
	return (offset | size) % vm_page_size == 0 && offset + size >= offset;
}

kern_return_t
pager_memory_object_data_request(memory_object_t memory_object,
    memory_object_control_t memory_control, vm_offset_t offset,
    vm_size_t length, vm_prot_t desired_access)
{
	struct pager_object *object = object_of(memory_object);
	vm_size_t ahead, done;

	(void)desired_access; /* what is locked will be asked for again */
	if (!is_kernel(object, memory_control) ||
	    !whole_pages(offset, length) || length > REQUEST_MAX)
		return KERN_INVALID_ARGUMENT;
	ahead = object->calls->ahead * vm_page_size;
	if (offset + length + ahead < offset)
		ahead = 0;
	for (done = 0; done < length;)
		done += answer(object, memory_control, offset + done,
		    length - done + ahead);
	keep_control(object, memory_control);
	return KERN_SUCCESS;
}

kern_return_t
pager_memory_object_data_unlock(memory_object_t memory_object,
    memory_object_control_t memory_control, vm_offset_t offset,
    vm_size_t length, vm_prot_t desired_access)
{
	struct pager_object *object = object_of(memory_object);

	(void)desired_access;
	if (!is_kernel(object, memory_control))
		return KERN_INVALID_ARGUMENT;
	/* Nothing is locked in an object that may be written. */
	if (object->calls->write == NULL)
		memory_object_data_error(
		    memory_control, offset, length, KERN_PROTECTION_FAILURE);
	else
		memory_object_lock_request(memory_control, offset, length,
		    MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE,
		    MACH_PORT_NULL);
	keep_control(object, memory_control);
	return KERN_SUCCESS;
}

/* ---- pages in ---- */

static void
write_pages(struct pager_object *object, uint64_t offset, vm_address_t data,
    vm_size_t size)
{
	for (vm_size_t done = 0; done < size; done += vm_page_size)
		object->calls->write(
		    object, offset + done, (const void *)(data + done));
}

kern_return_t
pager_memory_object_data_return(memory_object_t memory_object,
    memory_object_control_t memory_control, vm_offset_t offset,
    vm_offset_t data, mach_msg_type_number_t dataCnt, boolean_t dirty,
    boolean_t kernel_copy)
{
	struct pager_object *object = object_of(memory_object);

	(void)kernel_copy;
	if (!is_kernel(object, memory_control) || !whole_pages(offset, dataCnt))
		return KERN_INVALID_ARGUMENT;
	if (dirty && object->calls->write != NULL)
		write_pages(object, offset, data, dataCnt);
	vm_deallocate(mach_task_self(), data, dataCnt);
	keep_control(object, memory_control);
	return KERN_SUCCESS;
}

kern_return_t
pager_flush(struct pager_object *object, uint64_t offset, uint64_t size)
{
	if (!whole_pages(offset, size))
		return KERN_INVALID_ARGUMENT;
	if (object->control == MACH_PORT_NULL)
		return KERN_NOT_FOUND;
	return memory_object_lock_request(object->control, offset, size,
	    MEMORY_OBJECT_RETURN_DIRTY, TRUE, VM_PROT_NO_CHANGE,
	    object->calls->flushed != NULL ? object->port : MACH_PORT_NULL);
}

kern_return_t
pager_memory_object_lock_completed(memory_object_t memory_object,
    memory_object_control_t memory_control, vm_offset_t offset,
    vm_size_t length)
{
	struct pager_object *object = object_of(memory_object);

	if (!is_kernel(object, memory_control))
		return KERN_INVALID_ARGUMENT;
	keep_control(object, memory_control);
	if (object->calls->flushed != NULL)
		object->calls->flushed(object, offset, length);
	return KERN_SUCCESS;
}

/* ---- what the library does not ask for ---- */

kern_return_t
pager_memory_object_copy(memory_object_t old_memory_object,
    memory_object_control_t old_memory_control, vm_offset_t offset,
    vm_size_t length, memory_object_t new_memory_object)
{
	(void)old_memory_object, (void)old_memory_control, (void)offset;
	(void)length, (void)new_memory_object;
	return KERN_FAILURE;
}

kern_return_t
pager_memory_object_supply_completed(memory_object_t memory_object,
    memory_object_control_t memory_control, vm_offset_t offset,
    vm_size_t length, kern_return_t result, vm_offset_t error_offset)
{
	(void)memory_object, (void)memory_control, (void)offset;
	(void)length, (void)result, (void)error_offset;
	return KERN_FAILURE;
}

kern_return_t
pager_memory_object_change_completed(memory_object_t memory_object,
    boolean_t may_cache, memory_object_copy_strategy_t copy_strategy)
{
	(void)memory_object, (void)may_cache, (void)copy_strategy;
	return KERN_FAILURE;
}

/* ---- the loop's part ---- */

static boolean_t
answer_kernel(mach_msg_header_t *in, mach_msg_header_t *out)
{
	boolean_t known;

	reply.answering = true;
	known = pager_object_server(in, out);
	reply.answering = false;
	if (reply.last.size > 0)
		write_supply(&reply.last, out);
	reply.last.size = 0;
	return known;
}

boolean_t
pager_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
	struct pager_object *object;

	if (in->msgh_id != MACH_NOTIFY_NO_SENDERS)
		return answer_kernel(in, out);
	object = object_of(in->msgh_local_port);
	if (object == NULL)
		return FALSE;
	mig_reply_setup(in, out);
	mig_reply_error(out, MIG_NO_REPLY);
	no_senders(object);
	return TRUE;
}
