/*
 * pagers_kernel.c: what the kernel makes of a memory object, whatever its pager
 * does: a thread of the test is the pager, with the bare protocol.
 */
#include <baton/thread.h>
#include <mach/memory_object_control.h>
#include <mach/memory_object_server.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "test/user/mach_test.h"

#define PAGE 4096UL
#define SIZE (16 * PAGE)

/* What the pager does when it is asked for a page. */
enum manner {
	SUPPLY,
	ZEROS,
	ERROR,
	SLOW,
	SILENT,	   /* says that it is ready, and nothing more */
	MUTE,	   /* not even that */
	TOO_MUCH,  /* gives the four pages from there on */
	ELSEWHERE, /* gives the page behind, and then an error */
	CROOKED,   /* gives memory that is no whole page, then the page */
	LOCKED,	   /* gives it locked against writing */
	LENT,	   /* gives it and keeps it */
	DIES,	   /* lets the object's port die */
	GIVES_UP,  /* memory_object_destroy() */
	DROPS,	   /* gives up its right to the control port */
};

static struct object {
	mach_port_t port;
	memory_object_control_t control;
	enum manner manner;
	atomic_uint inits, requests, unlocks, returns, dirty, kept, completed,
	    terminated;
	uint64_t last; /* offset asked for */
	char byte;     /* the first of what was returned last */
} it;

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
	it.returns += count / PAGE;
	if (dirty)
		it.dirty += count / PAGE;
	if (kernel_copy)
		it.kept += count / PAGE;
	vm_deallocate(self, data, count);
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
	mach_port_deallocate(self, object);
	if (control == it.control)
		it.terminated++;
	mach_port_destroy(self, control);
	mach_port_destroy(self, name);
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

static bool
becomes(atomic_uint *count, unsigned wanted)
{
	for (int i = 0; i < 500 && *count != wanted; i++)
		sleep_ms(10);
	return *count == wanted;
}

/* A new object, mapped for reading and writing. */
static char *
map_new(enum manner manner, boolean_t copy)
{
	mach_vm_address_t address = 0;

	memset(&it, 0, sizeof(it));
	it.manner = manner;
	it.port = port_new_send();
	must(mach_port_move_member(self, it.port, set));
	must(mach_vm_map(self, &address, SIZE, 0, VM_FLAGS_ANYWHERE, it.port, 0,
	    copy, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	return (char *)address;
}

static void
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

/* Reads a byte, as a call that reports errors. */
static kern_return_t
read_byte(const char *at, char *byte)
{
	mach_vm_size_t size = 0;

	*byte = 0;
	return mach_vm_read_overwrite(
	    self, (mach_vm_address_t)at, 1, (mach_vm_address_t)byte, &size);
}

/* ---- what a good pager has ---- */

static void
test_supply(void)
{
	char *at = map_new(SUPPLY, FALSE);

	is(at[0], 'a', "the first page is there");
	is(at[3 * PAGE + 5], 'd', "and another");
	is(it.inits, 1, "the pager was told of the object");
	is(it.requests, 2, "and asked for each of them");
	is(at[1], 'a', "a page that is there");
	is(it.requests, 2, "is not asked for again");
	at[PAGE] = 'x';
	is(at[PAGE + 1], 'b', "a page may be written first");
	is(at[PAGE], 'x', "and has what was written");
	at[0] = 'y';
	unmap(at);
	is(it.dirty, 2, "pages that were written came back");
	is(it.returns, 2, "and no others");
}

static void
test_same_object(void)
{
	char *at = map_new(SUPPLY, FALSE), *other;
	mach_vm_address_t address = 0;

	must(mach_vm_map(self, &address, PAGE, 0, VM_FLAGS_ANYWHERE, it.port,
	    2 * PAGE, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
	other = (char *)address;
	at[2 * PAGE] = 'z';
	is(other[0], 'z', "a second mapping sees what the first writes");
	is(it.inits, 1, "it is the same object");
	pages_end(other, PAGE);
	unmap(at);
}

static void
test_copy(void)
{
	char *at = map_new(SUPPLY, TRUE);

	is(at[2 * PAGE], 'c', "a private mapping has the pages");
	at[2 * PAGE] = 'z';
	is(at[2 * PAGE + 1], 'c', "and its own of those it writes");
	unmap(at);
	is(it.dirty, 0, "which the pager never sees");
}

static void
test_zeros(void)
{
	char *at = map_new(ZEROS, FALSE);

	ok(all_zero(at + PAGE, PAGE), "what is unavailable is zeros");
	unmap(at);
}

static void
test_lent(void)
{
	char *at = map_new(LENT, FALSE);

	is(at[4 * PAGE], 'e', "pages that the pager keeps are there too");
	unmap(at);
}

static void
test_slow(void)
{
	char *at = map_new(SLOW, FALSE);

	is(at[4 * PAGE], 'e', "a slow pager's page comes");
	unmap(at);
}

static void
test_locked(void)
{
	char *at = map_new(LOCKED, FALSE);

	is(at[4 * PAGE], 'e', "a page that is locked can be read");
	is(it.unlocks, 0, "which the pager does not hear of");
	at[4 * PAGE] = 'x';
	is(it.unlocks, 1, "before it is written, the pager is asked");
	unmap(at);
	is(it.dirty, 1, "it came back");
}

/* ---- lock requests ---- */

/* Ask, and wait until it is done. */
static void
request(uint64_t offset, uint64_t size, memory_object_return_t should_return,
    boolean_t flush, vm_prot_t locks)
{
	unsigned before = it.completed;

	must(memory_object_lock_request(
	    it.control, offset, size, should_return, flush, locks, answers));
	ok(becomes(&it.completed, before + 1), "a lock request is completed");
}

static void
test_requests(void)
{
	char *at = map_new(SUPPLY, FALSE);

	at[0] = 'x';
	is(at[PAGE], 'b', "a page is clean");
	request(0, SIZE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
	is(it.returns, 1, "cleaning returns what was written");
	is(it.byte, 'x', "as it is");
	is(it.kept, 1, "and the kernel keeps it");
	request(0, SIZE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
	is(it.returns, 1, "once");
	at[1] = 'y';
	request(0, SIZE, MEMORY_OBJECT_RETURN_DIRTY, TRUE, VM_PROT_NO_CHANGE);
	is(it.returns, 2, "until it is written again");
	is(it.kept, 1, "flushed, it is the pager's");
	is(it.requests, 2, "two pages were asked for");
	is(at[0], 'a', "what was flushed is asked for again");
	is(it.requests, 3, "once more");
	request(
	    0, SIZE, MEMORY_OBJECT_RETURN_ANYTHING, TRUE, VM_PROT_NO_CHANGE);
	is(it.returns, 3, "clean pages come if they are wanted");
	is(it.dirty, 2, "as such");
	at[0] = 'z';
	request(0, SIZE, MEMORY_OBJECT_RETURN_NONE, TRUE, VM_PROT_NO_CHANGE);
	is(it.returns, 3, "flushed without being returned");
	is(at[0], 'a', "what was written is lost");
	request(0, SIZE, MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_WRITE);
	at[0] = 'z';
	is(it.unlocks, 1, "a lock that is put on has to be taken off");
	unmap(at);
}

static void
sync(char *at, vm_sync_t flags)
{
	is(mach_vm_msync(self, (mach_vm_address_t)at, SIZE, flags),
	    KERN_SUCCESS, "msync");
}

static void
test_msync(void)
{
	char *at = map_new(SUPPLY, FALSE);

	at[0] = 'x';
	at[2 * PAGE] = 'y';
	sync(at, VM_SYNC_CONTIGUOUS);
	is(it.returns, 0, "asked nothing, it does nothing");
	sync(at, VM_SYNC_SYNCHRONOUS);
	ok(becomes(&it.dirty, 2), "what was written reaches the pager");
	is(it.kept, 2, "and is still there");
	is(it.last, 2 * PAGE, "each in its place");
	sync(at, VM_SYNC_SYNCHRONOUS);
	at[0] = 'z';
	sync(at, VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE);
	ok(becomes(&it.dirty, 3), "later, what was written since");
	is(at[0], 'a', "invalidated, it is asked for again");
	at[0] = 'z';
	sync(at, VM_SYNC_KILLPAGES);
	is(at[0], 'a', "killed, too");
	is(it.dirty, 3, "without reaching the pager");
	unmap(at);
}

/* ---- errors ---- */

static void
test_error(void)
{
	char *at = map_new(ERROR, FALSE), byte;

	is(read_byte(at, &byte), KERN_MEMORY_ERROR, "an error arrives");
	it.manner = SUPPLY;
	is(read_byte(at, &byte), KERN_SUCCESS, "and is forgotten");
	is(byte, 'a', "the page is there");
	unmap(at);
}

static void
test_wrong(void)
{
	char *at = map_new(ELSEWHERE, FALSE), byte;

	is(read_byte(at, &byte), KERN_MEMORY_ERROR,
	    "a page for elsewhere is none for here");
	is(read_byte(at + PAGE, &byte), KERN_SUCCESS, "but there it is");
	unmap(at);
	at = map_new(TOO_MUCH, FALSE);
	is(read_byte(at, &byte), KERN_SUCCESS, "more than was asked for");
	is(read_byte(at + 3 * PAGE, &byte), KERN_SUCCESS, "is there");
	is(byte, 'd', "as it should be");
	is(it.requests, 1, "without having been asked for");
	is(read_byte(at + 4 * PAGE, &byte), KERN_SUCCESS, "the next page");
	is(it.requests, 2, "is");
	unmap(at);
	at = map_new(CROOKED, FALSE);
	is(read_byte(at, &byte), KERN_SUCCESS, "what is no page is ignored");
	is(byte, 'a', "the page that follows is taken");
	unmap(at);
}

static void
test_ends(void)
{
	char *at = map_new(GIVES_UP, FALSE), byte;

	is(read_byte(at, &byte), KERN_MEMORY_ERROR, "who waits hears of it");
	ok(becomes(&it.terminated, 1), "a pager that gives up is told so");
	is(read_byte(at + PAGE, &byte), KERN_MEMORY_ERROR,
	    "nothing is there any more");
	pages_end(at, SIZE);
	port_end(it.port);
	at = map_new(SUPPLY, FALSE);
	at[0] = 'x';
	it.manner = DIES;
	is(read_byte(at + PAGE, &byte), KERN_MEMORY_ERROR,
	    "a port that dies is heard of");
	is(read_byte(at + 2 * PAGE, &byte), KERN_MEMORY_ERROR, "for good");
	unmap(at);
	at = map_new(DROPS, FALSE);
	is(read_byte(at, &byte), KERN_MEMORY_ERROR,
	    "who gives up his right to answer is not waited for");
	unmap(at);
}

static void
test_silent(void)
{
	char *at = map_new(SILENT, FALSE), byte;

	is(read_byte(at, &byte), KERN_MEMORY_ERROR,
	    "a pager that never answers is waited for, but not for ever");
	unmap(at);
	at = map_new(MUTE, FALSE);
	is(read_byte(at, &byte), KERN_MEMORY_ERROR,
	    "the same of one that never was ready");
	is(it.requests, 0, "which is not asked");
	unmap(at);
}

int
main(void)
{
	struct mach_thread *thread;

	self = mach_task_self();
	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	answers = port_new_send();
	must(mach_port_move_member(self, answers, set));
	must(mach_thread_start(serve, NULL, 0, &thread));
	test_supply();
	test_same_object();
	test_copy();
	test_zeros();
	test_lent();
	test_slow();
	test_locked();
	test_requests();
	test_msync();
	test_error();
	test_wrong();
	test_ends();
	test_silent();
	return done();
}
