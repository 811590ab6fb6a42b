/* pager.c: what it costs to have a page brought by a pager, in another task. */
#include <stddef.h>

#include <mach/mach.h>
#include <mach/memory_object.h>
#include <mach/memory_object_control.h>
#include <mach/routine_ids.h>

#include "bench.h"
#include "protocol.h"

#define PAGES 300

/* ---- the pager's side: the partner ---- */

/* Pages to be given away, each in its place. */
static vm_address_t
stock(void)
{
	static vm_address_t pages;

	if (pages != 0)
		return pages;
	bench_check(vm_allocate(mach_task_self(), &pages, PAGES * vm_page_size,
			VM_FLAGS_ANYWHERE),
	    "have pages");
	for (vm_size_t i = 0; i < PAGES; i++)
		*(volatile char *)(pages + i * vm_page_size) = 1;
	return pages;
}

/* The page that is asked for goes with the right that came. */
static void
supply(union bench_page *page)
{
	const __Request__memory_object_data_request_t *asked = &page->asked;
	__Request__memory_object_data_supply_t *supplied = &page->supplied;
	mach_port_t control = asked->memory_control.name;
	mach_msg_header_t *header = &page->header;
	vm_offset_t offset = asked->offset;

	*header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS_COMPLEX |
			 MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, 0),
	    .msgh_size = sizeof(*supplied),
	    .msgh_remote_port = control,
	    .msgh_id = MSGID_MEMORY_OBJECT_DATA_SUPPLY,
	};
	supplied->msgh_body.msgh_descriptor_count = 2;
	supplied->data = (mach_msg_ool_descriptor_t){
	    .address = (void *)(stock() + offset),
	    .size = (mach_msg_size_t)vm_page_size,
	    .deallocate = TRUE,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .type = MACH_MSG_OOL_DESCRIPTOR,
	};
	supplied->reply_to = (mach_msg_port_descriptor_t){
	    .disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};
	supplied->NDR = NDR_record;
	supplied->offset = offset;
	supplied->dataCnt = (mach_msg_type_number_t)vm_page_size;
	supplied->lock_value = VM_PROT_NONE;
	supplied->precious = FALSE;
}

int
bench_page(union bench_page *page)
{
	const __Request__memory_object_init_t *init = &page->init;

	switch (page->header.msgh_id) {
	case MSGID_MEMORY_OBJECT_DATA_REQUEST:
		supply(page);
		return BENCH_PAGE_SENDS;
	case MSGID_MEMORY_OBJECT_INIT:
		(void)stock();
		memory_object_ready(
		    init->memory_control.name, FALSE, MEMORY_OBJECT_COPY_DELAY);
		/* Its right to the control port is kept, as pagers do. */
		mach_port_deallocate(
		    mach_task_self(), init->memory_object_name.name);
		return BENCH_PAGE_DONE;
	case MSGID_MEMORY_OBJECT_TERMINATE:
		mach_msg_destroy(&page->header);
		return BENCH_PAGE_DONE;
	}
	return BENCH_PAGE_OTHER;
}

/* ---- the client's ---- */

void
bench_pager(void)
{
	vm_size_t size = PAGES * vm_page_size;
	mach_vm_address_t address = 0;

	bench_check(mach_vm_map(mach_task_self(), &address, size, 0,
			VM_FLAGS_ANYWHERE, bench_partner(), 0, FALSE,
			VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE),
	    "map a pager's memory");
	bench_begin("fault.pager",
	    "first touch of a page that a pager has: there and back");
	for (vm_size_t i = 0; i < PAGES; i++) {
		volatile const char *byte =
		    (volatile const char *)(address + i * vm_page_size);
		uint64_t before = bench_now();

		(void)*byte;
		bench_sample(bench_now() - before);
	}
	bench_end();
	bench_check(
	    mach_vm_deallocate(mach_task_self(), address, size), "unmap it");
}
