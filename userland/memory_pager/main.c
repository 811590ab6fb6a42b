/*
 * memory_pager/main.c: the memory pager, servers/memory_pager.h.
 *
 *	store.c	    pages that were written	pack.c	in fewer words
 *	resident.c  pages that the kernel has now
 */
#include <stdio.h>
#include <stdlib.h>

#include <baton/pager.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <servers/memory_pager.h>

#include "userland/include/servers/memory_pagerServer.h"

#include "resident.h"
#include "store.h"

#define OBJECTS_MAX 1024

struct memory {
	struct pager_object object;
	struct store store;
	uint64_t seed;
};

static mach_port_t set;
static unsigned int objects;

/* ---- contents ---- */

static void
generate(uint64_t seed, uint64_t offset, void *page)
{
	uint64_t *words = page;

	for (unsigned int i = 0; i < vm_page_size / sizeof(*words); i++)
		words[i] = memory_pager_word(seed, offset + i * sizeof(*words));
}

static kern_return_t
memory_read(struct pager_object *object, uint64_t offset, void *page)
{
	struct memory *memory = (struct memory *)object;
	uint64_t index = offset / vm_page_size;

	if (index >= memory->store.pages)
		return KERN_INVALID_ADDRESS;
	if (!store_expect(&memory->store, index))
		return KERN_RESOURCE_SHORTAGE;
	resident_add(object, offset);
	switch (store_get(&memory->store, index, page)) {
	case STORE_FOUND:
		return KERN_SUCCESS;
	case STORE_LOST:
		return KERN_MEMORY_FAILURE;
	case STORE_ABSENT:
		break;
	}
	if (memory->seed == 0)
		return PAGER_ZEROS;
	generate(memory->seed, offset, page);
	return KERN_SUCCESS;
}

/* What may come was expected, but who sends is not always to be believed. */
static void
memory_write(struct pager_object *object, uint64_t offset, const void *page)
{
	struct memory *memory = (struct memory *)object;
	uint64_t index = offset / vm_page_size;

	if (index < memory->store.pages && store_expect(&memory->store, index))
		store_put(&memory->store, index, page);
}

static void
memory_end(struct pager_object *object)
{
	struct memory *memory = (struct memory *)object;

	resident_forget(object);
	pager_object_end(object);
	store_end(&memory->store);
	free(memory);
	objects--;
}

static const struct pager_calls memory_calls = {
    .read = memory_read,
    .write = memory_write,
    .end = memory_end,
};

/* ---- requests of clients ---- */

kern_return_t
serve_memory_pager_create(
    mach_port_t server, uint64_t size, uint64_t seed, mach_port_t *object)
{
	struct memory *memory;
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;

	(void)server;
	if (size == 0 || size > MEMORY_PAGER_SIZE_MAX)
		return KERN_INVALID_ARGUMENT;
	memory = calloc(1, sizeof(*memory));
	if (memory == NULL || objects == OBJECTS_MAX ||
	    !store_init(&memory->store, round_page(size) / vm_page_size))
		goto out_memory;
	kr = pager_object_init(&memory->object, &memory_calls, set);
	if (kr != KERN_SUCCESS)
		goto out_store;
	memory->seed = seed;
	objects++;
	*object = memory->object.port;
	return KERN_SUCCESS;

out_store:
	store_end(&memory->store);
out_memory:
	free(memory);
	return kr;
}

kern_return_t
serve_memory_pager_usage(mach_port_t server, uint64_t *object_count,
    uint64_t *pages, uint64_t *bytes)
{
	(void)server;
	*object_count = objects;
	store_usage(pages, bytes);
	return KERN_SUCCESS;
}

/* ---- the loop ---- */

union request {
	union __RequestUnion__serve_memory_pager_subsystem client;
	char kernel[PAGER_MESSAGE_MAX];
};

static boolean_t
demux(mach_msg_header_t *in, mach_msg_header_t *out)
{
	return pager_server(in, out) || memory_pager_server(in, out);
}

int
main(void)
{
	mach_port_t self = mach_task_self(), service;
	kern_return_t kr;

	kr = mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set);
	if (kr == KERN_SUCCESS)
		kr = bootstrap_check_in(
		    bootstrap_port, MEMORY_PAGER_SERVICE, &service);
	if (kr == KERN_SUCCESS)
		kr = mach_port_insert_member(self, service, set);
	if (kr == KERN_SUCCESS)
		kr = mach_msg_server(
		    demux, sizeof(union request) + MAX_TRAILER_SIZE, set, 0);
	fprintf(stderr, "memory_pager: %s\n", bootstrap_strerror(kr));
	return EXIT_FAILURE;
}
