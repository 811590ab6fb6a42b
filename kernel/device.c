/* device.c: see device.h; irq.c has the interrupts. */
#include "kernel/device.h"

#include <arch/firmware.h>
#include <device/device.h>
#include <mach/vm_prot.h>

#include "drivers/machine.h"
#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/irq.h"
#include "kernel/kassert.h"
#include "kernel/klog.h"
#include "kernel/lock.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/map.h"

/* Sv39 entries have 44 bits of page number. */
#define PHYSICAL_END (1UL << 56)

struct port *device_master_port;

static const struct machine *machine; /* I: since device_init() */
static struct zone device_zone;
static struct list device_list; /* [device_list_lock] */
static struct spinlock device_list_lock = SPINLOCK_INIT(LOCK_IRQ);

/* ---- opening ---- */

/* The node that @name stands for, FDT_NONE for the firmware's console. */
static kern_return_t
find_node(const char *name, fdt_node_t *nodep)
{
	*nodep = FDT_NONE;
	if (strcmp(name, "sbi-console") == 0)
		return KERN_SUCCESS;
	if (strcmp(name, "stdout") == 0)
		*nodep = fdt_stdout(machine->fdt, NULL);
	else if (name[0] == '/')
		*nodep = fdt_find_path(machine->fdt, name);
	if (*nodep == FDT_NONE)
		return D_NO_SUCH_DEVICE;
	/* It belongs to firmware, or has no clock: touching it may hang. */
	return fdt_is_okay(machine->fdt, *nodep) ? KERN_SUCCESS : D_DEVICE_DOWN;
}

static struct device *
find_device_locked(fdt_node_t node)
{
	struct list *link;

	KASSERT(spin_held(&device_list_lock));
	list_for_each (link, &device_list) {
		struct device *device = container_of(link, struct device, link);

		if (device->node == node)
			return device;
	}
	return NULL;
}

static struct device *
make_device(fdt_node_t node)
{
	struct device *device = zone_alloc(&device_zone);

	if (device == NULL)
		return NULL;
	device->node = node;
	device->port = port_create_kernel(KOBJECT_DEVICE, device);
	if (device->port == NULL) {
		zone_free(&device_zone, device);
		return NULL;
	}
	return device;
}

/* The one device of @node, made if nobody has opened it yet. */
static struct device *
find_or_make_device(fdt_node_t node)
{
	struct device *device, *new;

	spin_lock(&device_list_lock);
	device = find_device_locked(node);
	spin_unlock(&device_list_lock);
	if (device != NULL)
		return device;

	new = make_device(node);
	if (new == NULL)
		return NULL;
	spin_lock(&device_list_lock);
	device = find_device_locked(node);
	if (device == NULL)
		list_add_tail(&device_list, &new->link);
	spin_unlock(&device_list_lock);
	if (device == NULL)
		return new;
	/* Somebody else was faster. */
	port_destroy_kernel(new->port);
	zone_free(&device_zone, new);
	return device;
}

static kern_return_t
serve_open(struct kcall *call)
{
	struct device *device;
	const char *name;
	fdt_node_t node;
	kern_return_t kr;

	(void)kcall_u32(call); /* mode: nothing depends on it */
	name = kcall_string(call, DEVICE_NAME_MAX);
	if (name == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = find_node(name, &node);
	if (kr != KERN_SUCCESS)
		return kr;
	device = find_or_make_device(node);
	if (device == NULL)
		return KERN_RESOURCE_SHORTAGE;
	kcall_put_send(call, right_make_send(device->port));
	return KERN_SUCCESS;
}

/* ---- the firmware's console ---- */

static kern_return_t
serve_write_inband(struct kcall *call)
{
	const struct device *device = call->object;
	const char *data;
	uint32_t count;

	(void)kcall_u32(call); /* mode */
	(void)kcall_u32(call); /* record number */
	count = kcall_u32(call);
	if (device->node != FDT_NONE)
		return D_INVALID_OPERATION;
	if (count > DEVICE_INBAND_MAX)
		return D_INVALID_SIZE;
	data = kcall_bytes(call, count);
	if (data == NULL)
		return D_INVALID_SIZE;
	klog_write(data, count);
	kcall_put_u32(call, count);
	return KERN_SUCCESS;
}

static kern_return_t
serve_read_inband(struct kcall *call)
{
	const struct device *device = call->object;
	char data[DEVICE_INBAND_MAX];
	uint32_t wanted, count;
	int byte;

	(void)kcall_u32(call); /* mode */
	(void)kcall_u32(call); /* record number */
	wanted = kcall_u32(call);
	if (device->node != FDT_NONE)
		return D_INVALID_OPERATION;
	if (wanted > sizeof(data))
		wanted = sizeof(data);
	for (count = 0; count < wanted; count++) {
		byte = firmware_console_read();
		if (byte < 0)
			break;
		data[count] = (char)byte;
	}
	kcall_put_array(call, data, count, 1);
	return KERN_SUCCESS;
}

/* ---- the node ---- */

static kern_return_t
serve_get_property(struct kcall *call)
{
	const struct device *device = call->object;
	const char *name = kcall_string(call, DEVICE_PROPERTY_NAME_MAX);
	struct fdt_prop prop;

	if (name == NULL)
		return KERN_INVALID_ARGUMENT;
	if (!fdt_get(machine->fdt, device->node, name, &prop))
		return KERN_NOT_FOUND;
	kcall_put_u32(call, prop.size);
	kcall_put_bytes(call, prop.data,
	    prop.size < DEVICE_PROPERTY_MAX ? prop.size : DEVICE_PROPERTY_MAX);
	return KERN_SUCCESS;
}

static bool
overlap(struct machine_range a, struct machine_range b)
{
	return a.start < b.end && b.start < a.end;
}

/*
 * Not every `reg` is a window of a device: memory has one too, and what the
 * kernel itself drives is not for others.  Compared by pages, since pages are
 * what is mapped.
 */
static bool
may_be_mapped(struct fdt_range window)
{
	struct machine_range pages;
	uint32_t i;

	if (window.size == 0 || window.start >= PHYSICAL_END ||
	    window.size > PHYSICAL_END - window.start)
		return false;
	pages.start = page_floor(window.start);
	pages.end = page_ceil(window.start + window.size);
	for (i = 0; i < machine->ram_count; i++)
		if (overlap(pages, machine->ram[i]))
			return false;
	return machine->plic.node == FDT_NONE ||
	       !overlap(pages, machine->plic.window);
}

static kern_return_t
serve_map_window(struct kcall *call)
{
	const struct device *device = call->object;
	struct task *target = port_task_get(kcall_port(call));
	uint32_t index = kcall_u32(call);
	struct fdt_range window;
	uaddr_t address = 0;
	uint64_t offset;
	kern_return_t kr;

	if (target == NULL)
		return KERN_INVALID_ARGUMENT;
	if (fdt_reg(machine->fdt, device->node, index, &window) != FDT_OK ||
	    !may_be_mapped(window)) {
		task_put(target);
		return D_INVALID_OPERATION;
	}
	offset = window.start & PAGE_MASK;
	kr = map_window(target->map, &address, window.start - offset,
	    page_ceil(offset + window.size), VM_PROT_READ | VM_PROT_WRITE);
	task_put(target);
	if (kr != KERN_SUCCESS)
		return kr;
	kcall_put_u64(call, address + offset);
	kcall_put_u64(call, window.size);
	return KERN_SUCCESS;
}

/* ---- its interrupts ---- */

/* The line of the controller that the @index-th interrupt drives; 0: none. */
static uint32_t
interrupt_line(const struct device *device, uint32_t index)
{
	struct fdt_interrupt interrupt;

	if (machine->plic.node == FDT_NONE ||
	    fdt_interrupt(machine->fdt, device->node, index, &interrupt) !=
		FDT_OK ||
	    interrupt.controller != machine->plic.node)
		return 0;
	return interrupt.cells[0];
}

static kern_return_t
serve_intr_register(struct kcall *call)
{
	const struct device *device = call->object;
	uint32_t index = kcall_u32(call);
	mach_msg_type_name_t type;
	struct port *notify = kcall_port_take(call, &type);
	kern_return_t kr;

	if (notify == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = irq_register(interrupt_line(device, index), index, notify);
	if (kr != KERN_SUCCESS)
		right_release_send(notify);
	return kr;
}

static kern_return_t
serve_intr_ack(struct kcall *call)
{
	return irq_ack(interrupt_line(call->object, kcall_u32(call)));
}

/* ---- all of it ---- */

static const struct kroutine device_routines[] = {
    {MSGID_DEVICE_OPEN, "device_open", KOBJECT_DEVICE_MASTER, serve_open,
	.in = 4 + DEVICE_NAME_MAX, .out_descriptors = 1},
    {MSGID_DEVICE_WRITE_INBAND, "device_write_inband", KOBJECT_DEVICE,
	serve_write_inband, .in = 12, .out = 4},
    {MSGID_DEVICE_READ_INBAND, "device_read_inband", KOBJECT_DEVICE,
	serve_read_inband, .in = 12, .out = 4 + DEVICE_INBAND_MAX},
    {MSGID_DEVICE_GET_PROPERTY, "device_get_property", KOBJECT_DEVICE,
	serve_get_property, .in = DEVICE_PROPERTY_NAME_MAX,
	.out = 4 + DEVICE_PROPERTY_MAX},
    {MSGID_DEVICE_MAP_WINDOW, "device_map_window", KOBJECT_DEVICE,
	serve_map_window, .in = 4, .descriptors = "s", .out = 16},
    {MSGID_DEVICE_INTR_REGISTER, "device_intr_register", KOBJECT_DEVICE,
	serve_intr_register, .in = 4, .descriptors = "s"},
    {MSGID_DEVICE_INTR_ACK, "device_intr_ack", KOBJECT_DEVICE, serve_intr_ack,
	.in = 4},
};

void
device_init(const struct machine *described)
{
	machine = described;
	list_init(&device_list);
	zone_init(&device_zone, "device", sizeof(struct device), 0);
	kserver_register(device_routines, ARRAY_SIZE(device_routines));
	device_master_port = port_create_kernel(KOBJECT_DEVICE_MASTER, NULL);
	if (device_master_port == NULL)
		panic("no memory for the device master port");
}
