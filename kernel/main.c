/* main.c: booting, as a list of calls in order. */
#include <arch/cpu.h>
#include <arch/offsets.h>
#include <arch/firmware.h>
#include <arch/fpu.h>
#include <arch/layout.h>
#include <arch/pmap.h>

#include "drivers/fdt.h"
#include "drivers/finisher.h"
#include "drivers/machine.h"
#include "ipc/call_twin.h"
#include "ipc/message.h"
#include "kernel/eventlink.h"
#include "kernel/reaper.h"
#include "kernel/boot.h"
#include "kernel/clock_service.h"
#include "kernel/cpu.h"
#include "kernel/cputime.h"
#include "kernel/device.h"
#include "kernel/host.h"
#include "kernel/irq.h"
#include "kernel/kassert.h"
#include "kernel/klog.h"
#include "kernel/ledger.h"
#include "kernel/mk_timer.h"
#include "kernel/sched.h"
#include "kernel/semaphore.h"
#include "kernel/servers.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/version.h"
#include "kernel/zone.h"
#include "vm/map.h"
#include "vm/page.h"
#include "vm/pageout.h"
#include "vm/memory_entry.h"
#include "vm/pager.h"
#include "vm/transfer.h"
#include "vm/view_call.h"

/*
 * The device tree, copied out of the way before anything else is written:
 * firmware puts it anywhere and does not reserve it.
 */
#define TREE_MAX 0x100000
static uint8_t tree_copy[TREE_MAX]
    __attribute__((section(".noinit"), aligned(16)));
static struct fdt tree;
static struct machine machine;

static void
say_hello(uint64_t hart)
{
	char firmware[96];

	firmware_describe(firmware, sizeof(firmware));
	klog("\n%s\n", baton_version);
	klog("boot: hart %lu, kernel at %lx, %s\n", hart, kernel_image_pa,
	    firmware);
}

/* Copy the tree at @pa and find out from it what the machine is. */
static void
read_machine(uint64_t hart, paddr_t pa)
{
	const void *blob = pa_to_va(pa);
	uint32_t size = fdt_blob_size(blob);
	struct machine_boot boot = {
	    .hart = hart,
	    .image = {kernel_image_pa,
		kernel_image_pa + (uint64_t)(__kernel_end - __kernel_start)},
	    .tree = {pa, pa + size},
	};
	enum fdt_status status;
	enum machine_status found;

	if (size > TREE_MAX)
		panic("the device tree is %u bytes, more than %u", size,
		    TREE_MAX);
	memcpy(tree_copy, blob, size);
	status = fdt_open(&tree, tree_copy, size);
	if (status != FDT_OK)
		panic("no device tree at %lx: %s", pa, fdt_status_name(status));
	found = machine_read(&machine, &tree, &boot);
	klog("tree: %s, %u nodes, %u bytes at %lx\n", machine.model,
	    tree.node_count, size, pa);
	if (found == MACHINE_NO_RAM)
		panic("the device tree names no memory");
	if (found == MACHINE_NO_TIMEBASE)
		panic("the device tree has no timebase-frequency");
}

/* What call.S would make of constants, in more instructions. */
static void
describe_calls(struct cpu *cpu)
{
	uint64_t size = (uint64_t)FAST_HEADER << 32;

	cpu->request_bits = FAST_REQUEST_BITS;
	cpu->request_received =
	    size | (FAST_REQUEST_BITS ^ FAST_REQUEST_RECEIVED);
	cpu->reply_received = size | (FAST_REPLY_BITS ^ FAST_REPLY_RECEIVED);
	cpu->request_change = cpu->request_received - FAST_REQUEST_BITS;
	cpu->reply_change = cpu->reply_received - FAST_REPLY_BITS;
}

static void
describe_cpus(void)
{
	void (*message_trap)(void) = ipc_message_trap();

	cpu_count = machine.hart_count;
	if (cpu_count > CONFIG_MAX_HARTS) {
		klog("smp: %u harts, built for %u\n", cpu_count,
		    CONFIG_MAX_HARTS);
		cpu_count = CONFIG_MAX_HARTS;
	}
	for (uint32_t i = 0; i < cpu_count; i++) {
		cpus[i].index = i;
		cpus[i].hart = machine.harts[i].id;
		cpus[i].message_trap = message_trap;
		describe_calls(&cpus[i]);
		if (i > 0)
			sched_init_cpu(&cpus[i]);
	}
	cpus[0].online = CPU_ONLINE;
	atomic_store(&cpu_online_mask, 1);
}

static void
read_options(void)
{
	const char *line = machine.command_line;
	const char *value;

	if (string_option(line, "trace=on") != NULL) {
		ktrace_on = true;
		/* It has no time to record anything. */
		ipc_fast_enabled = false;
	}
	value = string_option(line, "fastpath=");
	if (value != NULL && strncmp(value, "off", 3) == 0)
		ipc_fast_enabled = false;
	if (value != NULL && strncmp(value, "c", 1) == 0)
		ipc_call_twin = true;
}

static void
start_memory(void)
{
	pmap_boot(&machine);
	for (uint32_t i = 0; i < cpu_count; i++)
		cpus[i].stack_top = pmap_stack_top(i);
	page_init();
	klog("vm: %lu MiB free of %lu, kernel %lu KiB, ASIDs %u bits\n",
	    page_free_count() >> (20 - PAGE_SHIFT),
	    page_total_count() >> (20 - PAGE_SHIFT),
	    (uint64_t)(__kernel_end - __kernel_start) >> 10, pmap_asid_bits);
}

static void
start_kernel_objects(void)
{
	kmem_init();
	ledger_init();
	fpu_init();
	map_zone_init();
	transfer_zone_init();
	view_zone_init();
	view_call_init();
	thread_zone_init();
	ipc_init();
	task_init();
	semaphore_init();
	memory_entry_init();
	pager_init();
	eventlink_init();
	mk_timer_init();
	clock_init();
	host_init();
	servers_register();
}

/* What is left runs on the boot hart's own, guarded stack. */
static noreturn void
boot_rest(void)
{
	pmap_try_fences();
	start_kernel_objects();
	finisher_init(&machine);
	irq_init(&machine);
	device_init(&machine);
	cputime_measured();
	arch_start_harts(&machine);
	reaper_start();
	pageout_start();
	boot_first_task(&machine);
	sched_idle();
}

/* The boot hart, from start.S: paging is on, interrupts are off. */
noreturn void
boot_main(uint64_t hart, paddr_t tree_pa, uint64_t entered)
{
	boot_entered = entered;
	cpus[0].hart = hart;
	cpus[0].stack_top = (uintptr_t)boot_stack_top;
	sched_init_cpu(&cpus[0]);
	cputime_init(entered != 0);
	firmware_init();
	say_hello(hart);
	read_machine(hart, tree_pa);
	read_options();
	describe_cpus();
	timer_init(machine.timebase);
	arch_boot_init();
	klog("timer: %lu Hz, by %s\n", timer_frequency, arch_timer_name());
	start_memory();
	arch_boot_continue(boot_rest);
}
