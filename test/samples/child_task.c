/*
 * Another task: make one, write into its memory, look at it, give it a right,
 * and hear when it is gone.
 */
#include <stdio.h>
#include <string.h>

#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <mach/notify.h>

int
main(void)
{
	mach_vm_address_t address = 0x400000;
	mach_task_basic_info_data_t info;
	mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
	mach_port_t self = mach_task_self(), port, notify, previous;
	mach_dead_name_notification_t note;
	mach_port_type_t type;
	vm_offset_t copy;
	task_t child;

	if (task_create(self, NULL, 0, FALSE, &child) != KERN_SUCCESS)
		return 1;
	if (mach_vm_allocate(child, &address, vm_page_size, VM_FLAGS_FIXED) ||
	    mach_vm_write(child, address, (vm_offset_t) "inside", 7) ||
	    mach_vm_read(child, address, vm_page_size, &copy, &count) ||
	    strcmp((char *)copy, "inside") != 0)
		return 2;
	vm_deallocate(self, copy, count);

	count = MACH_TASK_BASIC_INFO_COUNT;
	if (task_info(child, MACH_TASK_BASIC_INFO, (task_info_t)&info,
		&count) != KERN_SUCCESS ||
	    info.virtual_size < vm_page_size)
		return 3;
	printf("%llu bytes\n", (unsigned long long)info.virtual_size);

	if (mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &port) ||
	    mach_port_insert_right(
		child, 0x1234500, port, MACH_MSG_TYPE_MAKE_SEND) ||
	    mach_port_type(child, 0x1234500, &type) ||
	    type != MACH_PORT_TYPE_SEND)
		return 4;

	if (mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &notify) ||
	    mach_port_request_notification(self, child, MACH_NOTIFY_DEAD_NAME,
		0, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous))
		return 5;
	if (task_terminate(child) != KERN_SUCCESS)
		return 6;
	if (mach_msg(&note.not_header, MACH_RCV_MSG, 0, sizeof(note), notify,
		MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL) != MACH_MSG_SUCCESS ||
	    note.not_port != child)
		return 7;
	return 0;
}
