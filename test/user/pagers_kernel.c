/*
 * pagers_kernel.c: what the kernel makes of a memory object, whatever its pager
 * does.
 */
#include <baton/thread.h>

#include "test/user/bare_pager.h"

#include <baton/thread.h>

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

	must(mach_vm_map(mach_task_self(), &address, PAGE, 0, VM_FLAGS_ANYWHERE,
	    it.port, 2 * PAGE, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
	    VM_INHERIT_COPY));
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

/* As many as the kernel asks of a pager at a time, and one. */
#define ASKED	64
#define WRITERS (ASKED + 1)

static char *crowd_at;
static atomic_uint crowd_wrote, crowd_failed;

static void
crowd_write(void *page)
{
	char byte = 'x';
	uint64_t at = (uint64_t)crowd_at + (uint64_t)page * PAGE;

	if (mach_vm_write(mach_task_self(), at, (vm_offset_t)&byte, 1) ==
	    KERN_SUCCESS)
		crowd_wrote++;
	else
		crowd_failed++;
}

/* Who comes when all that the pager may be asked was asked waits for that to be
 * answered, though nobody waits for the answers any more. */
static void
test_crowd(void)
{
	struct mach_thread *thread[WRITERS];
	char *at = map_new(LOCKS, FALSE);
	mach_vm_address_t address = 0;
	unsigned wrong = 0;

	must(mach_vm_map(mach_task_self(), &address, WRITERS * PAGE, 0,
	    VM_FLAGS_ANYWHERE, it.port, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
	    VM_INHERIT_NONE));
	crowd_at = (char *)address;
	for (uint64_t i = 0; i < WRITERS; i++)
		wrong += crowd_at[i * PAGE] != 'a' + (int)(i % 26);
	is(wrong, 0, "all pages can be read");
	for (uint64_t i = 0; i < ASKED; i++)
		must(mach_thread_start(
		    crowd_write, (void *)i, 16384, &thread[i]));
	ok(becomes(&it.unlocks, ASKED), "it is asked to unlock so many");
	for (unsigned i = 1; i < ASKED; i++)
		must(thread_terminate(mach_thread_port(thread[i])));
	must(mach_thread_start(
	    crowd_write, (void *)ASKED, 16384, &thread[ASKED]));
	sleep_ms(50);
	is(it.unlocks, ASKED, "and no more");
	it.manner = LOCKED;
	for (uint64_t i = 0; i < ASKED; i++)
		must(memory_object_lock_request(it.control, i * PAGE, PAGE,
		    MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE,
		    MACH_PORT_NULL));
	mach_thread_join(thread[0]);
	mach_thread_join(thread[ASKED]);
	is(crowd_failed, 0, "until that is answered");
	is(crowd_wrote, 2, "who is still there has written");
	pages_end(crowd_at, WRITERS * PAGE);
	unmap(at);
}

/* ---- lock requests ---- */

static void
test_refused(void)
{
	char *at = map_new(LOCKED, FALSE), byte = 'x';
	mach_vm_size_t size = 1;

	is(at[0], 'a', "a page that may be read");
	it.manner = REFUSED;
	is(mach_vm_write(mach_task_self(), (mach_vm_address_t)at,
	       (vm_offset_t)&byte, (mach_msg_type_number_t)size),
	    KERN_MEMORY_ERROR, "but not written, though the pager be asked");
	is(it.unlocks, 1, "it was");
	is(mach_vm_write(mach_task_self(), (mach_vm_address_t)at,
	       (vm_offset_t)&byte, (mach_msg_type_number_t)size),
	    KERN_MEMORY_ERROR, "nor later");
	is(it.unlocks, 2, "when it is asked again");
	is(at[0], 'a', "it is as it was");
	unmap(at);
	is(it.dirty, 0, "and nothing comes back");
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
	is(mach_vm_msync(mach_task_self(), (mach_vm_address_t)at, SIZE, flags),
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

/* A call of another thread's, which may take as long as the pager does. */
static char *synced;
static vm_sync_t sync_flags;
static atomic_int sync_result;
#define PENDING 1

static void
sync_it(void *unused)
{
	(void)unused;
	atomic_store(
	    &sync_result, mach_vm_msync(mach_task_self(),
			      (mach_vm_address_t)synced, SIZE, sync_flags));
}

static void
begin_sync(char *at, vm_sync_t flags)
{
	static struct mach_thread *thread;

	synced = at;
	sync_flags = flags;
	atomic_store(&sync_result, PENDING);
	must(mach_thread_start(sync_it, NULL, 0, &thread));
}

static kern_return_t
end_sync(void)
{
	for (int i = 0; i < 4000 && sync_result == PENDING; i++)
		sleep_ms(2);
	return sync_result;
}

static void
test_msync_waits(void)
{
	char *at = map_new(SUPPLY, FALSE);

	at[0] = 'x';
	pager_hold();
	begin_sync(at, VM_SYNC_ASYNCHRONOUS);
	is(end_sync(), KERN_SUCCESS, "who does not wait for the pager");
	begin_sync(at, VM_SYNC_SYNCHRONOUS);
	sleep_ms(50);
	is(sync_result, PENDING, "who does waits, though nothing is dirty");
	pager_release();
	is(end_sync(), KERN_SUCCESS, "until the pager has all of it");
	at[PAGE] = 'y';
	pager_hold();
	begin_sync(at, VM_SYNC_SYNCHRONOUS | VM_SYNC_INVALIDATE);
	sleep_ms(50);
	is(sync_result, PENDING, "the same with what is dirty");
	pager_release();
	is(end_sync(), KERN_SUCCESS, "later");
	at[PAGE] = 'z';
	pager_hold();
	begin_sync(at, VM_SYNC_SYNCHRONOUS);
	sleep_ms(20);
	must(mach_port_destroy(mach_task_self(), it.port));
	is(end_sync(), KERN_MEMORY_ERROR, "a pager that dies ends it");
	begin_sync(at, VM_SYNC_SYNCHRONOUS);
	is(end_sync(), KERN_MEMORY_ERROR, "and is not waited for again");
	begin_sync(at, VM_SYNC_ASYNCHRONOUS);
	is(end_sync(), KERN_SUCCESS, "nor by who does not wait");
	pages_end(at, SIZE);
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
	pager_start();
	test_supply();
	test_same_object();
	test_copy();
	test_zeros();
	test_lent();
	test_slow();
	test_locked();
	test_crowd();
	test_refused();
	test_requests();
	test_msync();
	test_msync_waits();
	test_error();
	test_wrong();
	test_ends();
	test_silent();
	return done();
}
