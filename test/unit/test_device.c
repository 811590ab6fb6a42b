/*
 * test/unit/test_device.c: what a device port's holder can and cannot do.
 *
 * The test plays the message server, and what its handlers call in turn.  The
 * tree is bus.dts.
 *
 * Sources: kernel/device.c kernel/lock.c drivers/fdt.c drivers/fdt_find.c
 * Sources: drivers/fdt_bus.c drivers/machine.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arch/firmware.h>
#include <device/device.h>
#include <mach/vm_prot.h>
#include <serve/device.h>
#include <serve/device_node.h>

#include "dts/bus_tree.h"
#include "ipc/kserver.h"
#include "ipc/port.h"
#include "kernel/device.h"
#include "kernel/irq.h"
#include "kernel/klog.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/map.h"

/* ---- the message server ---- */

const struct subsystem device_subsystem, device_node_subsystem;
static unsigned subsystems;

void
kserver_register(const struct subsystem *subsystem)
{
	subsystems += subsystem == &device_subsystem;
	subsystems += subsystem == &device_node_subsystem;
}

/* ---- ports, memory, the rest of the kernel ---- */

static bool no_memory;
static struct task task;
static struct port notify_port;
static int devices_alive;

void
zone_init(struct zone *zone, const char *name, size_t size, size_t alignment)
{
	(void)alignment;
	zone->name = name;
	zone->size = (uint32_t)size;
}

void *
zone_alloc(struct zone *zone)
{
	if (no_memory)
		return NULL;
	devices_alive++;
	return malloc(zone->size);
}

void
zone_free(struct zone *zone, void *object)
{
	(void)zone;
	devices_alive--;
	free(object);
}

struct port *
port_create_kernel(enum kobject_kind kind, void *object)
{
	struct port *port = calloc(1, sizeof(*port));

	port->kind = (uint8_t)kind;
	port->object = object;
	return port;
}

void
port_destroy_kernel(struct port *port)
{
	free(port);
}

struct port *
right_make_send(struct port *port)
{
	return port;
}

static struct fdt_range mapped;

kern_return_t
map_window(struct map *map, uaddr_t *addressp, paddr_t pa, uint64_t size,
    unsigned prot)
{
	assert_null(map);
	assert_int_equal(*addressp, 0);
	assert_int_equal(prot, VM_PROT_READ | VM_PROT_WRITE);
	assert_int_equal((pa | size) & PAGE_MASK, 0);
	mapped = (struct fdt_range){pa, size};
	*addressp = 0x7000000000 - size;
	return KERN_SUCCESS;
}

static uint32_t line_registered, line_acknowledged;

kern_return_t
irq_register(uint32_t source, uint32_t index, struct port *notify)
{
	(void)index;
	assert_ptr_equal(notify, &notify_port);
	line_registered = source;
	return source == 0 ? D_INVALID_OPERATION : KERN_SUCCESS;
}

kern_return_t
irq_ack(uint32_t source)
{
	line_acknowledged = source;
	return KERN_SUCCESS;
}

static char console[64];

void
klog_write(const char *bytes, size_t count)
{
	assert_in_range(count, 0, sizeof(console) - 1);
	memcpy(console, bytes, count);
	console[count] = '\0';
}

int
firmware_console_read(void)
{
	static const char keys[] = "ls\r";
	static size_t next;

	return next < strlen(keys) ? keys[next++] : -1;
}

/* ---- calls ---- */

static struct port *opened;

static kern_return_t
open_device(const char *name)
{
	opened = NULL;
	return serve_device_open(D_READ | D_WRITE, name, &opened);
}

/* The port of the device called @name, which must open. */
static struct port *
device_port(const char *name)
{
	assert_int_equal(open_device(name), KERN_SUCCESS);
	assert_non_null(opened);
	assert_int_equal(opened->kind, KOBJECT_DEVICE);
	return opened;
}

static struct device *
device(const char *name)
{
	return device_port(name)->object;
}

/* ---- the tests ---- */

static struct machine machine;

static int
start(void **state)
{
	static const struct machine_boot boot = {.image = {0x80200000, 0}};
	struct bus_tree *tree;

	if (open_bus_tree(state) != 0)
		return -1;
	tree = *state;
	if (tree->blob.bytes == NULL)
		return 0;
	machine_read(&machine, &tree->fdt, &boot);
	/* bus.dts has no memory: let some lie where its PCIe is. */
	machine.ram[0] = (struct machine_range){0x30000800, 0x30001000};
	machine.ram_count = 1;
	/* nor is its controller whole enough for machine.c */
	machine.plic.node =
	    fdt_find_compatible(&tree->fdt, FDT_NONE, "sifive,plic-1.0.0");
	machine.plic.window = (struct machine_range){0xc000000, 0x10000000};
	device_init(&machine);
	assert_int_equal(subsystems, 2);
	return 0;
}

static void
devices_open_by_name(void **state)
{
	struct device *serial;

	bus_tree(state);
	serial = device("/soc/serial@10010000");
	assert_ptr_equal(device("/soc/serial"), serial);
	assert_ptr_not_equal(device("/soc/pcie"), serial);
	assert_ptr_equal(
	    device("stdout"), device("/soc/bridge@4000000/serial@100"));
	assert_ptr_equal(device("sbi-console"), device("sbi-console"));
	assert_int_equal(devices_alive, 4);
}

static void
what_is_not_there_does_not_open(void **state)
{
	bus_tree(state);
	assert_int_equal(open_device("/soc/none"), D_NO_SUCH_DEVICE);
	assert_int_equal(open_device(""), D_NO_SUCH_DEVICE);
	assert_int_equal(open_device("serial0"), D_NO_SUCH_DEVICE);
	/* firmware has it, or it has no clock */
	assert_int_equal(open_device("/soc/bridge/far"), D_DEVICE_DOWN);
	no_memory = true;
	assert_int_equal(open_device("/soc/i2c"), KERN_RESOURCE_SHORTAGE);
	no_memory = false;
}

static uint32_t property_size;
static uint8_t property[DEVICE_PROPERTY_MAX];

/* As much of it as fits into @room bytes; how much is in *@room then. */
static kern_return_t
get_property(const char *name, const char *called, uint32_t *room)
{
	return serve_device_property(
	    device(name), called, &property_size, (char *)property, room);
}

static void
properties_are_read(void **state)
{
	static const uint8_t expected[] = {0, 0, 0, 42, 0, 0, 0, 43};
	uint32_t size = sizeof(property);

	bus_tree(state);
	assert_int_equal(
	    get_property("/soc/serial", "interrupts", &size), KERN_SUCCESS);
	assert_int_equal(size, sizeof(expected));
	assert_int_equal(property_size, sizeof(expected));
	assert_memory_equal(property, expected, sizeof(expected));
	size = 3;
	property[3] = 99;
	assert_int_equal(
	    get_property("/soc/serial", "interrupts", &size), KERN_SUCCESS);
	assert_int_equal(size, 3);
	assert_int_equal(property_size, sizeof(expected));
	assert_int_equal(property[3], 99);
	assert_int_equal(
	    get_property("/soc/serial", "reg-shift", &size), KERN_NOT_FOUND);
	assert_int_equal(
	    get_property("sbi-console", "reg", &size), KERN_NOT_FOUND);
}

static void
expect_window(const char *name, uint32_t index, uint64_t start, uint64_t size)
{
	uint64_t at, length;

	assert_int_equal(
	    serve_device_map_window(device(name), &task, index, &at, &length),
	    KERN_SUCCESS);
	assert_int_equal(mapped.start, page_floor(start));
	assert_int_equal(mapped.size, page_ceil(start + size) - mapped.start);
	assert_int_equal(at, 0x7000000000 - mapped.size + (start & PAGE_MASK));
	assert_int_equal(length, size);
}

static void
expect_no_window(const char *name, uint32_t index)
{
	uint64_t at, length;

	assert_int_equal(
	    serve_device_map_window(device(name), &task, index, &at, &length),
	    D_INVALID_OPERATION);
}

static void
windows_are_mapped(void **state)
{
	bus_tree(state);
	expect_window("/soc/serial", 0, 0x10010000, 0x1000);
	expect_window("/soc/serial", 1, 0x7040000000, 0x100000000);
	/* its registers begin inside a page */
	expect_window("stdout", 0, 0x4000100, 0x100);
}

static void
what_is_no_window_is_not_mapped(void **state)
{
	bus_tree(state);
	expect_no_window("/soc/serial", 2);
	expect_no_window("/soc", 0);
	expect_no_window("sbi-console", 0);
	expect_no_window("/soc/i2c/eeprom", 0);
	/* RAM lies in its window, on a part of a page */
	expect_no_window("/soc/pcie", 0);
	/* the kernel's own */
	expect_no_window("/soc/interrupt-controller@c000000", 0);

	assert_int_equal(serve_device_map_window(device("/soc/serial"), NULL, 0,
			     &mapped.start, &mapped.size),
	    KERN_INVALID_ARGUMENT);
}

static kern_return_t
register_interrupt(const char *name, uint32_t index)
{
	return serve_device_intr_register(device(name), index, &notify_port);
}

static void
interrupts_are_lines_of_the_controller(void **state)
{
	bus_tree(state);
	assert_int_equal(register_interrupt("/soc/serial", 1), KERN_SUCCESS);
	assert_int_equal(line_registered, 43);
	assert_int_equal(
	    serve_device_intr_ack(device("/soc/serial"), 1), KERN_SUCCESS);
	assert_int_equal(line_acknowledged, 43);

	/* no such interrupt; and one of another controller's */
	assert_int_equal(
	    register_interrupt("/soc/serial", 2), D_INVALID_OPERATION);
	assert_int_equal(register_interrupt("stdout", 0), D_INVALID_OPERATION);
	assert_int_equal(
	    serve_device_intr_register(device("/soc/serial"), 1, NULL),
	    KERN_INVALID_ARGUMENT);
}

static char keys[DEVICE_INBAND_MAX];

/* How many come of @wanted, into room for @room. */
static uint32_t
read_console(struct device *sbi, uint32_t wanted, uint32_t room)
{
	assert_int_equal(
	    serve_device_read_inband(sbi, 0, 0, wanted, keys, &room),
	    KERN_SUCCESS);
	return room;
}

static void
the_console_is_written_and_read(void **state)
{
	struct device *sbi, *serial;
	uint32_t count = sizeof(keys);

	bus_tree(state);
	sbi = device("sbi-console");
	serial = device("/soc/serial");
	assert_int_equal(
	    serve_device_write_inband(sbi, 0, 0, "hello", 5, &count),
	    KERN_SUCCESS);
	assert_string_equal(console, "hello");
	assert_int_equal(count, 5);
	assert_int_equal(
	    serve_device_write_inband(serial, 0, 0, "hello", 5, &count),
	    D_INVALID_OPERATION);

	assert_int_equal(read_console(sbi, UINT32_MAX, 1), 1);
	assert_int_equal(read_console(sbi, 1, sizeof(keys)), 1);
	assert_int_equal(keys[0], 's');
	assert_int_equal(read_console(sbi, UINT32_MAX, sizeof(keys)), 1);
	assert_int_equal(keys[0], '\r');
	assert_int_equal(read_console(sbi, 10, sizeof(keys)), 0);
	assert_int_equal(
	    serve_device_read_inband(serial, 0, 0, 10, keys, &count),
	    D_INVALID_OPERATION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(devices_open_by_name),
	    cmocka_unit_test(what_is_not_there_does_not_open),
	    cmocka_unit_test(properties_are_read),
	    cmocka_unit_test(windows_are_mapped),
	    cmocka_unit_test(what_is_no_window_is_not_mapped),
	    cmocka_unit_test(interrupts_are_lines_of_the_controller),
	    cmocka_unit_test(the_console_is_written_and_read),
	};

	return cmocka_run_group_tests(tests, start, close_bus_tree);
}
