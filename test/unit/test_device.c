/*
 * test/unit/test_device.c: what a device port's holder can and cannot do.
 *
 * The test plays the message server, so that handlers are called as it calls
 * them, and what they call in turn.  The tree is bus.dts.
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

static const struct kroutine *routines;
static unsigned routine_count;

/* One call: what the handler reads and what it puts. */
static struct {
	uint8_t in[512];
	uint32_t in_size, in_used;
	struct port *port;
	uint8_t out[512];
	uint32_t out_size;
	struct port *out_port;
} wire;

void
kserver_register(const struct kroutine *table, unsigned count)
{
	routines = table;
	routine_count = count;
}

static void *
read_wire(uint32_t size)
{
	void *at = wire.in + wire.in_used;

	if (size > wire.in_size - wire.in_used)
		return NULL;
	wire.in_used += size;
	return at;
}

uint32_t
kcall_u32(struct kcall *call)
{
	const uint32_t *at = read_wire(4);

	(void)call;
	return at != NULL ? *at : 0;
}

const void *
kcall_bytes(struct kcall *call, uint32_t size)
{
	(void)call;
	return read_wire((size + 3) & ~3U);
}

const char *
kcall_string(struct kcall *call, uint32_t size)
{
	const char *string = kcall_bytes(call, size);

	if (string == NULL || memchr(string, '\0', size) == NULL)
		return NULL;
	return string;
}

struct port *
kcall_port(struct kcall *call)
{
	(void)call;
	return wire.port;
}

struct port *
kcall_port_take(struct kcall *call, mach_msg_type_name_t *typep)
{
	struct port *port = wire.port;

	(void)call;
	*typep = MACH_MSG_TYPE_PORT_SEND;
	wire.port = NULL;
	return port;
}

void
kcall_put_bytes(struct kcall *call, const void *bytes, uint32_t size)
{
	(void)call;
	assert_in_range(wire.out_size + size, 0, sizeof(wire.out));
	memcpy(wire.out + wire.out_size, bytes, size);
	wire.out_size += size;
}

void
kcall_put_u32(struct kcall *call, uint32_t value)
{
	kcall_put_bytes(call, &value, sizeof(value));
}

void
kcall_put_u64(struct kcall *call, uint64_t value)
{
	kcall_put_bytes(call, &value, sizeof(value));
}

void
kcall_put_array(struct kcall *call, const void *elements, uint32_t count,
    uint32_t element_size)
{
	kcall_put_u32(call, count);
	kcall_put_bytes(call, elements, count * element_size);
}

void
kcall_put_send(struct kcall *call, struct port *port)
{
	(void)call;
	wire.out_port = port;
}

/* ---- ports, memory, the rest of the kernel ---- */

static bool no_memory;
static struct task task;
static struct port task_port = {.object = &task};
static int devices_alive, rights_released, task_references;

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

void *
port_object_get(struct port *port, enum kobject_kind kind)
{
	assert_int_equal(kind, KOBJECT_TASK);
	if (port == NULL)
		return NULL;
	task_references++;
	return port->object;
}

void
task_put(struct task *put)
{
	assert_ptr_equal(put, &task);
	task_references--;
}

struct port *
right_make_send(struct port *port)
{
	return port;
}

void
right_release_send(struct port *port)
{
	rights_released += port != NULL;
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
	assert_ptr_equal(notify, &task_port);
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

static void
begin_call(void)
{
	memset(&wire, 0, sizeof(wire));
}

static void
add_u32(uint32_t value)
{
	memcpy(wire.in + wire.in_size, &value, sizeof(value));
	wire.in_size += 4;
}

static void
add_string(const char *string, uint32_t size)
{
	strncpy((char *)wire.in + wire.in_size, string, size);
	wire.in_size += size;
}

static kern_return_t
end_call(int32_t id, const struct port *port)
{
	struct kcall call = {.object = port->object};
	unsigned i;

	for (i = 0; i < routine_count; i++)
		if (routines[i].id == id)
			break;
	assert_in_range(i, 0, routine_count - 1);
	assert_int_equal(routines[i].kind, port->kind);
	assert_in_range(routines[i].in, 0, wire.in_size);
	call.routine = &routines[i];
	return routines[i].serve(&call);
}

/* How many bytes of results the table allows for. */
static void
expect_results_fit(int32_t id)
{
	unsigned i;

	for (i = 0; i < routine_count; i++)
		if (routines[i].id == id)
			assert_in_range(wire.out_size, 0, routines[i].out);
}

static kern_return_t
open_device(const char *name)
{
	begin_call();
	add_u32(D_READ | D_WRITE);
	add_string(name, DEVICE_NAME_MAX);
	return end_call(MSGID_DEVICE_OPEN, device_master_port);
}

/* The port of the device called @name, which must open. */
static struct port *
device(const char *name)
{
	assert_int_equal(open_device(name), KERN_SUCCESS);
	assert_non_null(wire.out_port);
	return wire.out_port;
}

static kern_return_t
call_with_index(int32_t id, const char *name, uint32_t index)
{
	struct port *port = device(name);

	begin_call();
	add_u32(index);
	wire.port = &task_port;
	return end_call(id, port);
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
	return 0;
}

static void
devices_open_by_name(void **state)
{
	struct port *serial;

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
	char unended[DEVICE_NAME_MAX];

	bus_tree(state);
	assert_int_equal(open_device("/soc/none"), D_NO_SUCH_DEVICE);
	assert_int_equal(open_device(""), D_NO_SUCH_DEVICE);
	assert_int_equal(open_device("serial0"), D_NO_SUCH_DEVICE);
	/* firmware has it, or it has no clock */
	assert_int_equal(open_device("/soc/bridge/far"), D_DEVICE_DOWN);
	memset(unended, '/', sizeof(unended));
	begin_call();
	add_u32(0);
	memcpy(wire.in + 4, unended, sizeof(unended));
	wire.in_size += sizeof(unended);
	assert_int_equal(end_call(MSGID_DEVICE_OPEN, device_master_port),
	    KERN_INVALID_ARGUMENT);
	no_memory = true;
	assert_int_equal(open_device("/soc/i2c"), KERN_RESOURCE_SHORTAGE);
	no_memory = false;
}

static kern_return_t
get_property(const char *name, const char *property)
{
	struct port *port = device(name);

	begin_call();
	add_string(property, DEVICE_PROPERTY_NAME_MAX);
	return end_call(MSGID_DEVICE_GET_PROPERTY, port);
}

static void
properties_are_read(void **state)
{
	static const uint8_t expected[] = {0, 0, 0, 42, 0, 0, 0, 43};

	bus_tree(state);
	assert_int_equal(
	    get_property("/soc/serial", "interrupts"), KERN_SUCCESS);
	assert_int_equal(wire.out_size, 4 + sizeof(expected));
	assert_int_equal(wire.out[0], sizeof(expected));
	assert_memory_equal(wire.out + 4, expected, sizeof(expected));
	expect_results_fit(MSGID_DEVICE_GET_PROPERTY);
	assert_int_equal(
	    get_property("/soc/serial", "reg-shift"), KERN_NOT_FOUND);
	assert_int_equal(get_property("sbi-console", "reg"), KERN_NOT_FOUND);
}

static void
expect_window(const char *name, uint32_t index, uint64_t start, uint64_t size)
{
	uint64_t results[2];

	assert_int_equal(call_with_index(MSGID_DEVICE_MAP_WINDOW, name, index),
	    KERN_SUCCESS);
	assert_int_equal(wire.out_size, sizeof(results));
	memcpy(results, wire.out, sizeof(results));
	assert_int_equal(mapped.start, page_floor(start));
	assert_int_equal(mapped.size, page_ceil(start + size) - mapped.start);
	assert_int_equal(
	    results[0], 0x7000000000 - mapped.size + (start & PAGE_MASK));
	assert_int_equal(results[1], size);
	assert_int_equal(task_references, 0);
}

static void
expect_no_window(const char *name, uint32_t index)
{
	assert_int_equal(call_with_index(MSGID_DEVICE_MAP_WINDOW, name, index),
	    D_INVALID_OPERATION);
	assert_int_equal(task_references, 0);
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

	begin_call();
	add_u32(0);
	assert_int_equal(
	    end_call(MSGID_DEVICE_MAP_WINDOW, device("/soc/serial")),
	    KERN_INVALID_ARGUMENT);
}

static void
interrupts_are_lines_of_the_controller(void **state)
{
	bus_tree(state);
	rights_released = 0;
	assert_int_equal(
	    call_with_index(MSGID_DEVICE_INTR_REGISTER, "/soc/serial", 1),
	    KERN_SUCCESS);
	assert_int_equal(line_registered, 43);
	assert_int_equal(rights_released, 0);
	assert_int_equal(
	    call_with_index(MSGID_DEVICE_INTR_ACK, "/soc/serial", 1),
	    KERN_SUCCESS);
	assert_int_equal(line_acknowledged, 43);

	/* no such interrupt; and one of another controller's */
	assert_int_equal(
	    call_with_index(MSGID_DEVICE_INTR_REGISTER, "/soc/serial", 2),
	    D_INVALID_OPERATION);
	assert_int_equal(
	    call_with_index(MSGID_DEVICE_INTR_REGISTER, "stdout", 0),
	    D_INVALID_OPERATION);
	assert_int_equal(rights_released, 2);
}

static kern_return_t
write_console(struct port *port, const char *text, uint32_t count)
{
	begin_call();
	add_u32(0);
	add_u32(0);
	add_u32(count);
	add_string(text, (uint32_t)(strlen(text) + 3) & ~3U);
	return end_call(MSGID_DEVICE_WRITE_INBAND, port);
}

static kern_return_t
read_console(struct port *port, uint32_t wanted)
{
	begin_call();
	add_u32(0);
	add_u32(0);
	add_u32(wanted);
	return end_call(MSGID_DEVICE_READ_INBAND, port);
}

static void
the_console_is_written_and_read(void **state)
{
	struct port *port, *serial;

	bus_tree(state);
	port = device("sbi-console");
	serial = device("/soc/serial");
	assert_int_equal(write_console(port, "hello", 5), KERN_SUCCESS);
	assert_string_equal(console, "hello");
	assert_int_equal(wire.out[0], 5);
	assert_int_equal(write_console(port, "hello", 99), D_INVALID_SIZE);
	assert_int_equal(write_console(port, "hello", DEVICE_INBAND_MAX + 1),
	    D_INVALID_SIZE);
	assert_int_equal(
	    write_console(serial, "hello", 5), D_INVALID_OPERATION);

	assert_int_equal(read_console(port, 2), KERN_SUCCESS);
	assert_memory_equal(wire.out, "\2\0\0\0ls", 6);
	assert_int_equal(read_console(port, UINT32_MAX), KERN_SUCCESS);
	assert_memory_equal(wire.out, "\1\0\0\0\r", 5);
	assert_int_equal(read_console(port, 10), KERN_SUCCESS);
	assert_memory_equal(wire.out, "\0\0\0\0", 4);
	expect_results_fit(MSGID_DEVICE_READ_INBAND);
	assert_int_equal(read_console(serial, 10), D_INVALID_OPERATION);
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
