/*
 * device/device.h: devices.  The calls are in device/device_calls.h, their
 * messages in device/device.defs and device/device_node.defs.
 *
 * A device port stands for one node of the device tree.  Whoever holds the
 * master device port may open any; the bootstrap server does, and hands the
 * ports out as its manifest says.  Holding a device port is permission to map
 * the node's registers and to hear its interrupts.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/message.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>

#define MSGID_DEVICE_INTERRUPT 2854 /* from the kernel, no reply */

#define DEVICE_NAME_MAX		 128
#define DEVICE_INBAND_MAX	 128
#define DEVICE_PROPERTY_NAME_MAX 64
#define DEVICE_PROPERTY_MAX	 256

typedef mach_port_t device_t;
typedef mach_port_t device_master_t; /* who holds this one may open any */
typedef const char *device_name_t;
typedef const char *device_property_name_t;
typedef char *device_property_t;
typedef char *io_buf_ptr_inband_t;
typedef const char *io_buf_const_ptr_inband_t;

/* device_open(): mode, accepted and not looked at */
#define D_READ	0x1
#define D_WRITE 0x2

/* Codes of the device subsystem, returned besides KERN_ ones */
#define D_SUCCESS	    0
#define D_IO_ERROR	    2500
#define D_WOULD_BLOCK	    2501
#define D_NO_SUCH_DEVICE    2502
#define D_ALREADY_OPEN	    2503
#define D_DEVICE_DOWN	    2504
#define D_INVALID_OPERATION 2505 /* the device has no such thing */
#define D_INVALID_RECNUM    2506
#define D_INVALID_SIZE	    2507
#define D_NO_MEMORY	    2508
#define D_READ_ONLY	    2509

#pragma pack(push, 4)

/*
 * What arrives at the port of device_intr_register(), as in
 * device/device_notify.defs; @count interrupts since registration
 */
struct device_interrupt {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t index;
	uint32_t count;
};

#pragma pack(pop)

MACH_ABI_ASSERT(sizeof(struct device_interrupt) == 40, "ABI");
