/*
 * default_pager/main.c: the default pager, mach/default_pager.h.
 *
 *	default_pager [MEGABYTES]
 *
 * Keeps pages that leave memory, squeezed, in memory: up to so many megabytes,
 * or half of what the machine has.
 *
 *	squeeze.c   a page in fewer bytes
 *	store.c	    where which page is
 *
 * It is asked for memory when there is none left, and so must not need any that
 * it has to wait for: all that it runs on is wired before it says that it is
 * there, and what it adds later is wired before it is used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/default_pager.h>
#include <mach/default_pager_server.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>

#include "store.h"

_Static_assert(STORE_PAGE == DEFAULT_PAGER_PAGE_SIZE, "pages");

static host_priv_t host_priv;
static mach_port_t port, control;

/* ---- memory ---- */

static kern_return_t
wire(mach_vm_address_t address, mach_vm_size_t size, vm_prot_t prot)
{
	return mach_vm_wire(host_priv, mach_task_self(), address, size, prot);
}

static void *
chunk_get(void)
{
	mach_vm_address_t address = 0;

	if (mach_vm_allocate(mach_task_self(), &address, STORE_CHUNK,
		VM_FLAGS_ANYWHERE) != KERN_SUCCESS)
		return NULL;
	if (wire(address, STORE_CHUNK, VM_PROT_DEFAULT) == KERN_SUCCESS)
		return (void *)address;
	mach_vm_deallocate(mach_task_self(), address, STORE_CHUNK);
	return NULL;
}

static void
chunk_put(void *chunk)
{
	mach_vm_deallocate(
	    mach_task_self(), (mach_vm_address_t)chunk, STORE_CHUNK);
}

static const struct store_memory chunk_memory = {
    .get = chunk_get,
    .put = chunk_put,
};

/* Wire all that we have now. */
static kern_return_t
wire_all(void)
{
	mach_vm_address_t address = 0;
	mach_vm_size_t size;

	for (;; address += size) {
		vm_region_basic_info_data_64_t info;
		mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
		mach_port_t object;
		kern_return_t kr;

		if (mach_vm_region(mach_task_self(), &address, &size,
			VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info,
			&count, &object) != KERN_SUCCESS)
			return KERN_SUCCESS;
		if (info.protection == VM_PROT_NONE)
			continue;
		kr = wire(address, size, info.protection);
		if (kr != KERN_SUCCESS)
			return kr;
	}
}

/* ---- what the kernel asks ---- */

kern_return_t
default_pager_start(
    mach_port_t pager, mach_port_t control_port, vm_size_t page_size)
{
	(void)pager;
	if (control != MACH_PORT_NULL || page_size != STORE_PAGE)
		return KERN_FAILURE;
	control = control_port;
	return KERN_SUCCESS;
}

/* Of @count pages from @data on, those that are kept come first in @slots when
 * it returns: how many. */
static unsigned
keep(const char *data, natural_t *slots, unsigned count, bool *fullp)
{
	natural_t refused[DEFAULT_PAGER_WRITES_MAX];
	unsigned kept = 0, others = 0;

	for (unsigned i = 0; i < count; i++) {
		enum store_result result =
		    store_put(slots[i], data + i * STORE_PAGE);

		*fullp |= result == STORE_FULL;
		if (result == STORE_DONE)
			slots[kept++] = slots[i];
		else
			refused[others++] = slots[i];
	}
	memcpy(&slots[kept], refused, others * sizeof(refused[0]));
	return kept;
}

kern_return_t
default_pager_write(mach_port_t pager, vm_offset_t data,
    mach_msg_type_number_t size, default_pager_writes_t slots,
    mach_msg_type_number_t count)
{
	bool full = false;
	unsigned kept;

	(void)pager;
	if (size != count * STORE_PAGE)
		return KERN_INVALID_ARGUMENT;
	kept = keep((const char *)data, slots, count, &full);
	/* Gone before the kernel gives them up as well: so they are free. */
	mach_vm_deallocate(mach_task_self(), data, size);
	(void)default_pager_written(control, kept, full, slots, count);

	return KERN_SUCCESS;
}

kern_return_t
default_pager_read(mach_port_t pager, natural_t slot)
{
	static uint32_t page[STORE_PAGE / sizeof(uint32_t)];

	(void)pager;
	if (store_get(slot, page) == STORE_DONE)
		(void)default_pager_supply(control, slot, (char *)page);
	else
		(void)default_pager_lost(control, slot);
	store_forget(slot);
	return KERN_SUCCESS;
}

kern_return_t
default_pager_forget(mach_port_t pager, default_pager_forgets_t slots,
    mach_msg_type_number_t count)
{
	(void)pager;
	for (unsigned i = 0; i < count; i++)
		store_forget(slots[i]);
	return KERN_SUCCESS;
}

/* ---- the start ---- */

static uint64_t
half_of_memory(void)
{
	host_basic_info_data_t info;
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;
	host_t host = mach_host_self();
	kern_return_t kr =
	    host_info(host, HOST_BASIC_INFO, (host_info_t)&info, &count);

	mach_port_deallocate(mach_task_self(), host);
	return kr == KERN_SUCCESS ? info.max_mem / 2 : 0;
}

static kern_return_t
start(uint64_t bytes)
{
	mach_port_t service, manager;
	kern_return_t kr;

	kr = bootstrap_check_in(bootstrap_port, "default_pager", &service);
	if (kr == KERN_SUCCESS)
		kr = bootstrap_device(bootstrap_port, "host_priv", &host_priv);
	if (kr == KERN_SUCCESS)
		kr = mach_port_allocate(
		    mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	store_init(&chunk_memory, bytes);
	kr = wire_all();
	if (kr != KERN_SUCCESS)
		return kr;
	manager = port;
	return host_default_memory_manager(host_priv, &manager, 0);
}

int
main(int argc, char **argv)
{
	uint64_t bytes =
	    argc > 1 ? strtoull(argv[1], NULL, 0) << 20 : half_of_memory();
	kern_return_t kr = start(bytes);

	if (kr != KERN_SUCCESS) {
		printf("default_pager: %s\n", mach_error_string(kr));
		return 1;
	}
	kr = mach_msg_server(default_pager_server,
	    sizeof(union __RequestUnion__default_pager_subsystem) +
		MAX_TRAILER_SIZE,
	    port, 0);
	printf("default_pager: %s\n", mach_error_string(kr));
	return 1;
}
