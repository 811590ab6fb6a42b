/* libmach/device.c: device/device_calls.h. */
#include "call.h"

#include <device/device_calls.h>
#include <mach/mach.h>

kern_return_t
device_open(
    mach_port_t master, uint32_t mode, const char *name, mach_port_t *device)
{
	struct call call;

	call_begin(&call, MSGID_DEVICE_OPEN);
	call_put_u32(&call, mode);
	call_put_string(&call, name, DEVICE_NAME_MAX);
	call_perform(&call, master);
	call_get_port(&call, device);
	return call_end(&call);
}

kern_return_t
device_write_inband(mach_port_t device, uint32_t mode, uint32_t recnum,
    const char *data, uint32_t count, uint32_t *written)
{
	struct call call;

	if (count > DEVICE_INBAND_MAX)
		count = DEVICE_INBAND_MAX;
	call_begin(&call, MSGID_DEVICE_WRITE_INBAND);
	call_put_u32(&call, mode);
	call_put_u32(&call, recnum);
	call_put_u32(&call, count);
	call_put_bytes(&call, data, count);
	call_perform(&call, device);
	call_get_u32(&call, written);
	return call_end(&call);
}

kern_return_t
device_read_inband(mach_port_t device, uint32_t mode, uint32_t recnum,
    uint32_t wanted, char *data, uint32_t *count)
{
	uint32_t sent = 0;
	struct call call;

	call_begin(&call, MSGID_DEVICE_READ_INBAND);
	call_put_u32(&call, mode);
	call_put_u32(&call, recnum);
	call_put_u32(&call, wanted);
	call_put_u32(&call, *count);
	call_perform(&call, device);
	call_get_u32(&call, &sent);
	if (sent > *count)
		sent = *count;
	call_get_bytes(&call, data, sent);
	*count = sent;
	return call_end(&call);
}

kern_return_t
device_property(mach_port_t device, const char *name, uint32_t *whole,
    char *data, uint32_t *count)
{
	uint32_t sent = 0;
	struct call call;

	call_begin(&call, MSGID_DEVICE_GET_PROPERTY);
	call_put_string(&call, name, DEVICE_PROPERTY_NAME_MAX);
	call_put_u32(&call, *count);
	call_perform(&call, device);
	call_get_u32(&call, whole);
	call_get_u32(&call, &sent);
	if (sent > *count)
		sent = *count;
	call_get_bytes(&call, data, sent);
	*count = sent;
	return call_end(&call);
}

kern_return_t
device_map_window(mach_port_t device, task_t task, uint32_t index,
    mach_vm_address_t *address, mach_vm_size_t *size)
{
	struct call call;

	call_begin(&call, MSGID_DEVICE_MAP_WINDOW);
	call_put_port(&call, task, MACH_MSG_TYPE_COPY_SEND);
	call_put_u32(&call, index);
	call_perform(&call, device);
	call_get_u64(&call, address);
	call_get_u64(&call, size);
	return call_end(&call);
}

kern_return_t
device_intr_register(mach_port_t device, uint32_t index, mach_port_t notify)
{
	struct call call;

	call_begin(&call, MSGID_DEVICE_INTR_REGISTER);
	call_put_port(&call, notify, MACH_MSG_TYPE_MAKE_SEND);
	call_put_u32(&call, index);
	call_perform(&call, device);
	return call_end(&call);
}

kern_return_t
device_intr_ack(mach_port_t device, uint32_t index)
{
	struct call call;

	call_begin(&call, MSGID_DEVICE_INTR_ACK);
	call_put_u32(&call, index);
	call_perform(&call, device);
	return call_end(&call);
}
