/*
 * device/device_calls.h: device ports, as a driver uses them.  What the calls
 * mean and return is in device/device.h.
 */
#pragma once

#include <device/device.h>
#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/* The caller owns the port. */
kern_return_t device_open(
    mach_port_t master, uint32_t mode, const char *name, mach_port_t *device);

kern_return_t device_write_inband(mach_port_t device, uint32_t mode,
    uint32_t recnum, const char *data, uint32_t count, uint32_t *written);
kern_return_t device_read_inband(mach_port_t device, uint32_t mode,
    uint32_t recnum, uint32_t wanted, char *data, uint32_t *count);

/* *@size is the room at @data, then the property's whole length. */
kern_return_t device_get_property(
    mach_port_t device, const char *name, void *data, uint32_t *size);

kern_return_t device_map_window(mach_port_t device, task_t task, uint32_t index,
    mach_vm_address_t *address, mach_vm_size_t *size);

/* @notify: a port of which the caller has the receive right. */
kern_return_t device_intr_register(
    mach_port_t device, uint32_t index, mach_port_t notify);
kern_return_t device_intr_ack(mach_port_t device, uint32_t index);

MACH_END_DECLS
