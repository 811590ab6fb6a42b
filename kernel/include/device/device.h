/*
 * device/device.h: messages of the device subsystem.
 *
 * A device port stands for one node of the device tree.  Whoever holds the
 * master device port may open any; the bootstrap server does, and hands the
 * ports out as its manifest says.  Holding a device port is permission to map
 * the node's registers and to hear its interrupts.
 *
 * A reply's id is its request's plus 100.  A reply that fails is a
 * mig_reply_error_t whatever the success form looks like.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/message.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>

#define MSGID_DEVICE_OPEN	   2800
#define MSGID_DEVICE_WRITE_INBAND  2803
#define MSGID_DEVICE_READ_INBAND   2805
#define MSGID_DEVICE_GET_PROPERTY  2850
#define MSGID_DEVICE_MAP_WINDOW	   2851
#define MSGID_DEVICE_INTR_REGISTER 2852
#define MSGID_DEVICE_INTR_ACK	   2853
#define MSGID_DEVICE_INTERRUPT	   2854 /* from the kernel, no reply */

#define DEVICE_NAME_MAX		 128
#define DEVICE_INBAND_MAX	 128
#define DEVICE_PROPERTY_NAME_MAX 64
#define DEVICE_PROPERTY_MAX	 256

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
 * device_open(master, mode, name): @name is a path in the device tree,
 * "stdout" for the node chosen there, or "sbi-console" for the firmware's
 * console.  D_NO_SUCH_DEVICE.
 */
struct device_open_request {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t mode;
	char name[DEVICE_NAME_MAX]; /* zero-terminated */
};

struct device_open_reply {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t device; /* a send right */
};

/* device_write_inband(): "sbi-console" only */
struct device_write_inband_request {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t mode;
	uint32_t recnum;
	uint32_t count;
	char data[DEVICE_INBAND_MAX]; /* sent only as far as @count says */
};

struct device_write_inband_reply {
	mach_msg_header_t header;
	NDR_record_t ndr;
	kern_return_t result;
	uint32_t bytes_written;
};

/* device_read_inband(): "sbi-console" only; never waits, count may be 0 */
struct device_read_inband_request {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t mode;
	uint32_t recnum;
	uint32_t bytes_wanted;
};

struct device_read_inband_reply {
	mach_msg_header_t header;
	NDR_record_t ndr;
	kern_return_t result;
	uint32_t count;
	char data[DEVICE_INBAND_MAX];
};

/*
 * device_get_property(): a property of the device's node, raw, numbers big
 * endian.  @count is its whole length, even where only the first
 * DEVICE_PROPERTY_MAX bytes fit.  KERN_NOT_FOUND: no such property.
 */
struct device_get_property_request {
	mach_msg_header_t header;
	NDR_record_t ndr;
	char name[DEVICE_PROPERTY_NAME_MAX]; /* zero-terminated */
};

struct device_get_property_reply {
	mach_msg_header_t header;
	NDR_record_t ndr;
	kern_return_t result;
	uint32_t count;
	unsigned char data[DEVICE_PROPERTY_MAX];
};

/*
 * device_map_window(): maps the @index-th entry of the node's `reg` into
 * @target, read-write.  The address is that of the register window itself,
 * not of the page it begins in.  D_INVALID_OPERATION: no such window.
 */
struct device_map_window_request {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t target; /* a task */
	NDR_record_t ndr;
	uint32_t index;
};

struct device_map_window_reply {
	mach_msg_header_t header;
	NDR_record_t ndr;
	kern_return_t result;
	uint64_t address;
	uint64_t size;
};

/*
 * device_intr_register(): from now on each interrupt of line @index of the
 * node is a message to @notify, and the line stays masked until it is
 * acknowledged.  D_INVALID_OPERATION: no such line; D_ALREADY_OPEN: somebody
 * else has it.  The registration ends when @notify dies.
 */
struct device_intr_register_request {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t notify; /* a send right */
	NDR_record_t ndr;
	uint32_t index;
};

struct device_intr_ack_request {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t index;
};

/* What arrives at @notify; @count interrupts since registration */
struct device_interrupt {
	mach_msg_header_t header;
	NDR_record_t ndr;
	uint32_t index;
	uint32_t count;
};

#pragma pack(pop)

MACH_ABI_ASSERT(sizeof(struct device_open_request) == 164, "ABI");
MACH_ABI_ASSERT(sizeof(struct device_open_reply) == 40, "ABI");
MACH_ABI_ASSERT(sizeof(struct device_map_window_request) == 52, "ABI");
MACH_ABI_ASSERT(sizeof(struct device_map_window_reply) == 52, "ABI");
MACH_ABI_ASSERT(sizeof(struct device_interrupt) == 40, "ABI");
