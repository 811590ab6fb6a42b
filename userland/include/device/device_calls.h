/*
 * device/device_calls.h: device ports, as a driver uses them.
 *
 * Besides what is noted, each may return the codes of mach_msg().
 */
#pragma once

#include <device/device.h>
#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/*
 * Opens a device: @name is a path in the device tree, "stdout" for the node
 * chosen there, or "sbi-console" for the firmware's console.  The caller owns
 * the port.  D_NO_SUCH_DEVICE; D_DEVICE_DOWN: firmware has it, or it is off.
 */
kern_return_t device_open(
    mach_port_t master, uint32_t mode, const char *name, mach_port_t *device);

/*
 * Characters to and from "sbi-console", at most DEVICE_INBAND_MAX; @mode and
 * @recnum mean nothing.  A read never waits: it gives at most @wanted, *@count
 * being the room at @data and then how many there were, maybe none.
 * D_INVALID_OPERATION: another device.
 */
kern_return_t device_write_inband(mach_port_t device, uint32_t mode,
    uint32_t recnum, const char *data, uint32_t count, uint32_t *written);
kern_return_t device_read_inband(mach_port_t device, uint32_t mode,
    uint32_t recnum, uint32_t wanted, char *data, uint32_t *count);

/*
 * A property of the device's node, raw, numbers big endian: at most
 * DEVICE_PROPERTY_MAX bytes of it.  *@count is the room at @data, then how many
 * bytes were put there; @whole is how many the property has.
 * KERN_NOT_FOUND: no such property.
 */
kern_return_t device_property(mach_port_t device, const char *name,
    uint32_t *whole, char *data, uint32_t *count);

/*
 * Maps the @index-th entry of the node's `reg` into @task, read-write.  The
 * address is that of the register window itself, not of the page it begins in.
 * D_INVALID_OPERATION: no such window, or one that is not for drivers.
 */
kern_return_t device_map_window(mach_port_t device, task_t task, uint32_t index,
    mach_vm_address_t *address, mach_vm_size_t *size);

/*
 * From now on each interrupt of line @index of the node is a message to @notify
 * (struct device_interrupt), a port of which the caller has the receive right,
 * and the line stays masked until it is acknowledged.  D_INVALID_OPERATION: no
 * such line; D_ALREADY_OPEN: somebody else has it.  The registration ends when
 * @notify dies.
 */
kern_return_t device_intr_register(
    mach_port_t device, uint32_t index, mach_port_t notify);
kern_return_t device_intr_ack(mach_port_t device, uint32_t index);

MACH_END_DECLS
