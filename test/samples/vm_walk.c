/*
 * Memory: allocate, protect, write and read it by its task's port, and list
 * all regions of the task.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <mach/vm_map.h>
#include <mach/vm_region.h>

static unsigned int
list_regions(vm_map_t task)
{
	mach_vm_address_t address = 0;
	mach_vm_size_t size;
	unsigned int regions = 0;

	for (;;) {
		vm_region_basic_info_data_64_t info;
		mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
		mach_port_t object;

		if (mach_vm_region(task, &address, &size,
			VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info,
			&count, &object) != KERN_SUCCESS)
			return regions;
		printf("%012" PRIx64 "-%012" PRIx64 " %c%c%c\n", address,
		    address + size, info.protection & VM_PROT_READ ? 'r' : '-',
		    info.protection & VM_PROT_WRITE ? 'w' : '-',
		    info.protection & VM_PROT_EXECUTE ? 'x' : '-');
		address += size;
		regions++;
	}
}

int
main(void)
{
	task_t task = mach_task_self();
	mach_vm_address_t address = 0;
	mach_vm_size_t size = 4 * vm_page_size;
	mach_msg_type_number_t length;
	vm_offset_t data;
	kern_return_t kr;

	kr = mach_vm_allocate(task, &address, size, VM_FLAGS_ANYWHERE);
	if (kr != KERN_SUCCESS) {
		fprintf(stderr, "allocate: %s\n", mach_error_string(kr));
		return 1;
	}
	kr = mach_vm_write(
	    task, address, (vm_offset_t) "written", sizeof("written"));
	if (kr != KERN_SUCCESS)
		return 2;
	kr = mach_vm_protect(task, address, vm_page_size, FALSE, VM_PROT_READ);
	if (kr != KERN_SUCCESS)
		return 3;
	kr = mach_vm_write(task, address, (vm_offset_t) "again", 6);
	if (kr != KERN_PROTECTION_FAILURE)
		return 4;
	kr = mach_vm_read(task, address, size, &data, &length);
	if (kr != KERN_SUCCESS || length != size ||
	    strcmp((char *)data, "written") != 0)
		return 5;
	if (list_regions(task) < 3)
		return 6;
	vm_deallocate(task, data, length);
	mach_vm_deallocate(task, address, size);
	return 0;
}
