/* lib/paged.c: see test/user/paged.h. */
#include "test/user/paged.h"

#include <baton/mutex.h>
#include <baton/thread.h>
#include <stdlib.h>
#include <string.h>

static mach_port_t set;
/* Only one thread may be in the library. */
static struct mutex lock;

static kern_return_t
read_page(struct pager_object *object, uint64_t offset, void *page)
{
	struct paged *paged = (struct paged *)object;
	kern_return_t error = atomic_load(&paged->error);

	atomic_fetch_add(&paged->reads, 1);
	if (error != KERN_SUCCESS)
		return error;
	if (offset >= paged->size)
		return KERN_INVALID_ADDRESS;
	memcpy(page, paged->store + offset, PAGE);
	return KERN_SUCCESS;
}

static void
write_page(struct pager_object *object, uint64_t offset, const void *page)
{
	struct paged *paged = (struct paged *)object;

	if (offset < paged->size)
		memcpy(paged->store + offset, page, PAGE);
	atomic_fetch_add(&paged->writes, 1);
}

static void
flushed(struct pager_object *object, uint64_t offset, uint64_t size)
{
	(void)offset, (void)size;
	atomic_fetch_add(&((struct paged *)object)->flushed, 1);
}

static void
ended(struct pager_object *object)
{
	atomic_fetch_add(&((struct paged *)object)->ended, 1);
}

static const struct pager_calls writable_calls = {
    .read = read_page,
    .write = write_page,
    .flushed = flushed,
    .end = ended,
};

static const struct pager_calls read_only_calls = {
    .read = read_page,
    .flushed = flushed,
    .end = ended,
};

static boolean_t
demux(mach_msg_header_t *in, mach_msg_header_t *out)
{
	boolean_t known;

	mutex_lock(&lock);
	known = pager_server(in, out);
	mutex_unlock(&lock);
	return known;
}

static void
serve(void *argument)
{
	(void)argument;
	must(mach_msg_server(demux, PAGER_MESSAGE_MAX, set, 0));
}

void
paged_start(void)
{
	static struct mach_thread *thread;

	must(mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	must(mach_thread_start(serve, NULL, 0, &thread));
}

mach_port_t
paged_make(struct paged *paged, size_t size, bool writable)
{
	mach_port_t port;

	*paged = (struct paged){.size = size, .store = malloc(size)};
	must(paged->store == NULL);
	pattern_fill(paged->store, size, 1);
	mutex_lock(&lock);
	must(pager_object_init(&paged->object,
	    writable ? &writable_calls : &read_only_calls, set));
	mutex_unlock(&lock);
	port = paged->object.port;
	must(mach_port_insert_right(
	    mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND));
	return port;
}

void
paged_end(struct paged *paged, mach_port_t right)
{
	mutex_lock(&lock);
	pager_object_end(&paged->object);
	mutex_unlock(&lock);
	(void)right; /* went with the receive right of that name */
	free(paged->store);
}

void
paged_flush(struct paged *paged)
{
	unsigned before = atomic_load(&paged->flushed);
	kern_return_t kr;

	mutex_lock(&lock);
	kr = pager_flush(&paged->object, 0, paged->size);
	mutex_unlock(&lock);
	must(kr);
	ok(paged_counts(&paged->flushed, before + 1),
	    "the kernel gives all pages up");
}

char *
paged_map(mach_port_t right, size_t offset, size_t size, boolean_t copy)
{
	mach_vm_address_t address = 0;

	must(mach_vm_map(mach_task_self(), &address, size, 0, VM_FLAGS_ANYWHERE,
	    right, offset, copy, VM_PROT_DEFAULT, VM_PROT_ALL,
	    VM_INHERIT_DEFAULT));
	return (char *)address;
}

void
paged_map_small(struct small *small, mach_port_t right, size_t size)
{
	mach_vm_address_t address = PAGED_AT;

	must(mach_vm_map(small->task, &address, size, 0, VM_FLAGS_FIXED, right,
	    0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_DEFAULT));
}

bool
paged_counts(atomic_uint *count, unsigned wanted)
{
	for (int i = 0; i < 2500 && atomic_load(count) != wanted; i++)
		sleep_ms(2);
	return atomic_load(count) == wanted;
}
