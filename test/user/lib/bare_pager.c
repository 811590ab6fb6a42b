/* bare_pager.c: see bare_pager.h. */
#include "test/user/bare_pager.h"

#include <baton/thread.h>
#include <mach/memory_object_server.h>
#include <string.h>

struct object it;

static task_t self;
static mach_port_t set, answers;

/* ---- the pager ---- */

static void
fill(char *page, uint64_t offset)
{
	memset(page, 'a' + (int)(offset / PAGE % 26), PAGE);
}

static void
supply_more(uint64_t offset, size_t size, boolean_t give, vm_prot_t locks)
{
	char *data = pages_new(size);

	for (size_t at = 0; at < size; at += PAGE)
		fill(data + at, offset + at);
	must(memory_object_data_supply(it.control, offset, (vm_offset_t)data,
	    (mach_msg_type_number_t)size, give, locks, FALSE, MACH_PORT_NULL));
}

static void
supply_crooked(uint64_t offset)
{
	char *data = pages_new(2 * PAGE);

	memory_object_data_supply(it.control, offset, (vm_offset_t)data + 8,
	    PAGE, FALSE, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
	memory_object_data_supply(it.control, offset + 8, (vm_offset_t)data,
	    PAGE, FALSE, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
	memory_object_data_supply(it.control, offset, (vm_offset_t)data,
	    PAGE / 2, FALSE, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
	memory_object_data_supply(it.control, offset, (vm_offset_t)data, PAGE,
	    FALSE, 0x40, FALSE, MACH_PORT_NULL);
	pages_end(data, 2 * PAGE);
	supply_more(offset, PAGE, TRUE, VM_PROT_NONE);
}

kern_return_t
memory_object_init(mach_port_t object, memory_object_control_t control,
    memory_object_name_t name, vm_size_t page_size)
{
	(void)object;
	it.control = control;
	mach_port_deallocate(self, name);
	if (page_size == PAGE)
		it.inits++;
	if (it.manner != MUTE)
		memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_DELAY);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_request(mach_port_t object, memory_object_control_t control,
    vm_offset_t offset, vm_size_t length, vm_prot_t desired_access)
{
	(void)object;
	(void)desired_access;
	mach_port_deallocate(self, control); /* we have it from init */
	it.last = offset;
	it.watched_requests += offset == it.watched;
	it.requests++;
	switch (it.manner) {
	case SLOW:
		sleep_ms(100);
		/* fall through */
	case SUPPLY:
		supply_more(offset, length, TRUE, VM_PROT_NONE);
		break;
	case LENT:
		supply_more(offset, length, FALSE, VM_PROT_NONE);
		break;
	case LOCKED:
	case LOCKS:
		supply_more(offset, length, TRUE, VM_PROT_WRITE);
		break;
	case TOO_MUCH:
		supply_more(offset, 4 * PAGE, TRUE, VM_PROT_NONE);
		break;
	case CROOKED:
		supply_crooked(offset);
		break;
	case ELSEWHERE:
		supply_more(offset + PAGE, PAGE, TRUE, VM_PROT_NONE);
		/* fall through */
	case ERROR:
		memory_object_data_error(
		    it.control, offset, length, KERN_FAILURE);
		break;
	case ZEROS:
		memory_object_data_unavailable(it.control, offset, length);
		break;
	case GIVES_UP:
		memory_object_destroy(it.control, KERN_FAILURE);
		break;
	case DIES:
		mach_port_mod_refs(self, it.port, MACH_PORT_RIGHT_RECEIVE, -1);
		break;
	case DROPS:
		mach_port_deallocate(self, it.control);
		break;
	case REFUSED:
	case SILENT:
	case MUTE:
		break;
	}
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_unlock(mach_port_t object, memory_object_control_t control,
    vm_offset_t offset, vm_size_t length, vm_prot_t desired_access)
{
	(void)object;
	mach_port_deallocate(self, control);
	if (desired_access == VM_PROT_WRITE)
		it.unlocks++;
	if (it.manner == REFUSED)
		return memory_object_data_error(
		    it.control, offset, length, KERN_FAILURE);
	if (it.manner == LOCKS)
		return KERN_SUCCESS;
	memory_object_lock_request(it.control, offset, length,
	    MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE, MACH_PORT_NULL);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_return(mach_port_t object, memory_object_control_t control,
    vm_offset_t offset, pointer_t data, mach_msg_type_number_t count,
    boolean_t dirty, boolean_t kernel_copy)
{
	(void)object;
	it.last = offset;
	it.byte = *(char *)data;
	mach_port_deallocate(self, control);
	vm_deallocate(self, data, count);
	if (kernel_copy)
		it.kept += count / PAGE;
	if (dirty)
		it.dirty += count / PAGE;
	it.returns += count / PAGE;
	return KERN_SUCCESS;
}

kern_return_t
memory_object_lock_completed(mach_port_t object,
    memory_object_control_t control, vm_offset_t offset, vm_size_t length)
{
	(void)object;
	(void)offset;
	(void)length;
	mach_port_deallocate(self, control);
	it.completed++;
	return KERN_SUCCESS;
}

kern_return_t
memory_object_supply_completed(mach_port_t object,
    memory_object_control_t control, vm_offset_t offset, vm_size_t length,
    kern_return_t result, vm_offset_t error_offset)
{
	(void)object;
	(void)offset;
	(void)length;
	(void)result;
	(void)error_offset;
	mach_port_deallocate(self, control);
	it.completed++;
	return KERN_SUCCESS;
}

kern_return_t
memory_object_change_completed(mach_port_t object, boolean_t may_cache,
    memory_object_copy_strategy_t copy_strategy)
{
	(void)object;
	(void)may_cache;
	(void)copy_strategy;
	it.completed++;
	return KERN_SUCCESS;
}

kern_return_t
memory_object_copy(mach_port_t object, memory_object_control_t control,
    vm_offset_t offset, vm_size_t length, mach_port_t copy)
{
	(void)object;
	(void)control;
	(void)offset;
	(void)length;
	(void)copy;
	return KERN_FAILURE;
}

kern_return_t
memory_object_terminate(mach_port_t object, memory_object_control_t control,
    memory_object_name_t name)
{
	bool ours = control == it.control;

	mach_port_deallocate(self, object);
	mach_port_destroy(self, control);
	mach_port_destroy(self, name);
	if (ours)
		it.terminated++;
	return KERN_SUCCESS;
}

static void
serve(void *unused)
{
	(void)unused;
	mach_msg_server(memory_object_server,
	    sizeof(union __RequestUnion__memory_object_subsystem) +
		MAX_TRAILER_SIZE,
	    set, 0);
}

/* ---- the client ---- */

void
pager_hold(void)
{
	must(mach_port_extract_member(mach_task_self(), it.port, set));
}

void
pager_release(void)
{
	must(mach_port_insert_member(mach_task_self(), it.port, set));
}

bool
becomes(atomic_uint *count, unsigned wanted)
{
	for (int i = 0; i < 500 && *count != wanted; i++)
		sleep_ms(10);
	return *count == wanted;
}

char *
map_new(enum manner manner, boolean_t copy)
{
	mach_vm_address_t address = 0;

	memset(&it, 0, sizeof(it));
	it.manner = manner;
	it.answers = answers;
	it.port = port_new_send();
	must(mach_port_move_member(self, it.port, set));
	must(mach_vm_map(self, &address, SIZE, 0, VM_FLAGS_ANYWHERE, it.port, 0,
	    copy, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	return (char *)address;
}

void
unmap(char *at)
{
	pages_end(at, SIZE);
	if (it.manner == DIES || it.manner == DROPS) {
		mach_port_destroy(self, it.port);
		return;
	}
	ok(becomes(&it.terminated, 1), "unmapped, it is terminated");
	port_end(it.port);
}

kern_return_t
read_byte(const char *at, char *byte)
{
	mach_vm_size_t size = 0;

	*byte = 0;
	return mach_vm_read_overwrite(
	    self, (mach_vm_address_t)at, 1, (mach_vm_address_t)byte, &size);
}

void
request(uint64_t offset, uint64_t size, memory_object_return_t should_return,
    boolean_t flush, vm_prot_t locks)
{
	unsigned before = it.completed;

	must(memory_object_lock_request(
	    it.control, offset, size, should_return, flush, locks, answers));
	ok(becomes(&it.completed, before + 1), "a lock request is completed");
}

void
pager_start(void)
{
	struct mach_thread *thread;

	self = mach_task_self();
	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	answers = port_new_send();
	must(mach_port_move_member(self, answers, set));
	must(mach_thread_start(serve, NULL, 0, &thread));
}
