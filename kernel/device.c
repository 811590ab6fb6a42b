/* device.c: see device.h; irq.c has the interrupts. */
#include "kernel/device.h"

#include <arch/firmware.h>
#include <device/device.h>
#include <mach/vm_prot.h>
#include <serve/device.h>
#include <serve/device_node.h>

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

kern_return_t
serve_device_open(uint32_t mode, const char *name, struct port **port)
{
	struct device *device;
	fdt_node_t node;
	kern_return_t kr = find_node(name, &node);

	(void)mode; /* nothing depends on it */
	if (kr != KERN_SUCCESS)
		return kr;
	device = find_or_make_device(node);
	if (device == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*port = right_make_send(device->port);
	return KERN_SUCCESS;
}

/* ---- the firmware's console ---- */

kern_return_t
serve_device_write_inband(struct device *device, uint32_t mode, uint32_t recnum,
    const char *data, mach_msg_type_number_t count, uint32_t *written)
{
	(void)mode;
	(void)recnum;
	if (device->node != FDT_NONE)
		return D_INVALID_OPERATION;
	klog_write(data, count);
	*written = count;
	return KERN_SUCCESS;
}

kern_return_t
serve_device_read_inband(struct device *device, uint32_t mode, uint32_t recnum,
    uint32_t wanted, char *data, mach_msg_type_number_t *count)
{
	uint32_t room = *count < wanted ? *count : wanted;
	int byte;

	(void)mode;
	(void)recnum;
	if (device->node != FDT_NONE)
		return D_INVALID_OPERATION;
	for (*count = 0; *count < room; ++*count) {
		byte = firmware_console_read();
		if (byte < 0)
			break;
		data[*count] = (char)byte;
	}
	return KERN_SUCCESS;
}

/* ---- the node ---- */

kern_return_t
serve_device_property(struct device *device, const char *name, uint32_t *whole,
    char *data, mach_msg_type_number_t *count)
{
	struct fdt_prop prop;

	if (!fdt_get(machine->fdt, device->node, name, &prop))
		return KERN_NOT_FOUND;
	*whole = prop.size;
	if (*count > prop.size)
		*count = prop.size;
	memcpy(data, prop.data, *count);
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

kern_return_t
serve_device_map_window(struct device *device, struct task *target,
    uint32_t index, mach_vm_address_t *address, mach_vm_size_t *size)
{
	struct fdt_range window;
	uaddr_t start = 0;
	uint64_t offset;
	kern_return_t kr;

	if (target == NULL)
		return KERN_INVALID_ARGUMENT;
	if (fdt_reg(machine->fdt, device->node, index, &window) != FDT_OK ||
	    !may_be_mapped(window))
		return D_INVALID_OPERATION;
	offset = window.start & PAGE_MASK;
	kr = map_window(target->map, &start, window.start - offset,
	    page_ceil(offset + window.size), VM_PROT_READ | VM_PROT_WRITE);
	if (kr != KERN_SUCCESS)
		return kr;
	*address = start + offset;
	*size = window.size;
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

kern_return_t
serve_device_intr_register(
    struct device *device, uint32_t index, struct port *notify)
{
	if (notify == NULL)
		return KERN_INVALID_ARGUMENT;
	return irq_register(interrupt_line(device, index), index, notify);
}

kern_return_t
serve_device_intr_ack(struct device *device, uint32_t index)
{
	return irq_ack(interrupt_line(device, index));
}

/* ---- all of it ---- */

void
device_init(const struct machine *described)
{
	machine = described;
	list_init(&device_list);
	zone_init(&device_zone, "device", sizeof(struct device), 0);
	kserver_register(&device_subsystem);
	kserver_register(&device_node_subsystem);
	device_master_port = port_create_kernel(KOBJECT_DEVICE_MASTER, NULL);
	if (device_master_port == NULL)
		panic("no memory for the device master port");
}
