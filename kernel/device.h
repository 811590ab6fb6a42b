/*
 * kernel/device.h: device ports, by which driver tasks reach their devices.
 *
 * A device is a node of the device tree, or the firmware's console.  Its port
 * lets the holder read the node's properties, map its register windows into a
 * task, and hear its interrupts; <device/device.h> has the messages.  The
 * kernel knows no more of devices than that.
 */
#pragma once
#include "drivers/fdt.h"
#include "kernel/list.h"
#include "kernel/types.h"

struct machine;
struct port;

/* One for each node that was opened, for ever. */
struct device {
	struct list link;  /* [device_list_lock] */
	fdt_node_t node;   /* I: FDT_NONE: the firmware's console */
	struct port *port; /* I: the kernel holds its receive right */
};

/* Whoever has a send right to it may open any device. */
extern struct port *device_master_port;

void device_init(const struct machine *machine);
