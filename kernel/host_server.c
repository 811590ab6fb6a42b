/*
 * kernel/host_server.c: what the host port and the privileged host port answer:
 * the machine as a whole, and the kernel's own counts.
 */
#include <arch/layout.h>
#include <arch/firmware.h>
#include <mach/baton_host.h>
#include <mach/host_reboot.h>
#include <mach/mach_types.h>
#include <serve/baton_host.h>
#include <serve/host_priv.h>
#include <serve/mach_host.h>

#include "ipc/kserver.h"
#include "ipc/port.h"
#include "ipc/space.h"
#include "drivers/finisher.h"
#include "kernel/boot.h"
#include "kernel/cpu.h"
#include "kernel/device.h"
#include "kernel/host.h"
#include "kernel/kassert.h"
#include "kernel/servers.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/task_list.h"
#include "kernel/version.h"
#include "kernel/zone.h"
#include "vm/map.h"
#include "vm/page.h"
#include "vm/swap.h"
#include "vm/transfer.h"
#include "vm/user.h"

struct port *host_port, *host_priv_port;

void
host_init(void)
{
	host_port = port_create_kernel(KOBJECT_HOST, NULL);
	host_priv_port = port_create_kernel(KOBJECT_HOST_PRIV, NULL);
	if (host_port == NULL || host_priv_port == NULL)
		panic("no memory for the host's ports");
}

mach_port_name_t
host_self_trap(void)
{
	struct port *right = right_make_send(host_port);
	mach_port_name_t name;

	if (space_insert_send(current_thread()->task->space, right, &name) ==
	    KERN_SUCCESS)
		return name;
	right_release_send(right);
	return MACH_PORT_NULL;
}

static uint32_t
online_harts(void)
{
	return (uint32_t)__builtin_popcountl(
	    atomic_load_explicit(&cpu_online_mask, memory_order_relaxed));
}

/* ---- the machine ---- */

static struct host_basic_info
basic_info(void)
{
	uint64_t memory = page_total_count() << PAGE_SHIFT;
	integer_t harts = (integer_t)online_harts();

	return (struct host_basic_info){
	    .max_cpus = (integer_t)cpu_count,
	    .avail_cpus = harts,
	    .memory_size = (natural_t)min_u64(memory, 0x80000000),
	    .cpu_type = CPU_TYPE_RISCV64,
	    .cpu_subtype = CPU_SUBTYPE_RISCV_ALL,
	    .physical_cpu = harts,
	    .physical_cpu_max = (integer_t)cpu_count,
	    .logical_cpu = harts,
	    .logical_cpu_max = (integer_t)cpu_count,
	    .max_mem = memory,
	};
}

kern_return_t
serve_host_info(
    host_flavor_t flavor, integer_t *words, mach_msg_type_number_t *count)
{
	static const struct host_sched_info sched = {
	    .min_timeout = 1,
	    .min_quantum = CONFIG_SLICE_US / 1000,
	};
	struct host_basic_info basic;

	switch (flavor) {
	case HOST_BASIC_INFO:
		basic = basic_info();
		return call_put_info(words, count, &basic, sizeof(basic));
	case HOST_SCHED_INFO:
		return call_put_info(words, count, &sched, sizeof(sched));
	}
	return KERN_INVALID_ARGUMENT;
}

kern_return_t
serve_host_kernel_version(char *version)
{
	memcpy(version, baton_version,
	    min_u64(strlen(baton_version), KERNEL_VERSION_MAX - 1));
	return KERN_SUCCESS;
}

kern_return_t
serve_host_page_size(vm_size_t *size)
{
	*size = PAGE_SIZE;
	return KERN_SUCCESS;
}

kern_return_t
serve_host_processor_info(processor_flavor_t flavor, natural_t *processors,
    struct transfer **data, mach_msg_type_number_t *words)
{
	struct processor_basic_info infos[CONFIG_MAX_HARTS];

	if (flavor != PROCESSOR_BASIC_INFO)
		return KERN_INVALID_ARGUMENT;
	for (uint32_t i = 0; i < cpu_count; i++)
		infos[i] = (struct processor_basic_info){
		    .cpu_type = CPU_TYPE_RISCV64,
		    .cpu_subtype = CPU_SUBTYPE_RISCV_ALL,
		    .running = atomic_load(&cpus[i].online) == CPU_ONLINE,
		    .slot_num = (int)cpus[i].hart,
		    .is_master = i == 0,
		};
	*processors = cpu_count;
	*words = cpu_count * PROCESSOR_BASIC_INFO_COUNT;
	return transfer_from_kernel(
	    ledger_of_caller(), infos, cpu_count * sizeof(infos[0]), data);
}

/* ---- memory ---- */

static natural_t
narrow(uint64_t count)
{
	return (natural_t)min_u64(count, UINT32_MAX);
}

static struct cpu_counters
sum_counters(void)
{
	struct cpu_counters sum = {.handed_off = 0};

	for (uint32_t i = 0; i < cpu_count; i++) {
		const struct cpu_counters *one = &cpus[i].counters;

		sum.handed_off += one->handed_off;
		sum.queued += one->queued;
		sum.switches += one->switches;
		sum.faults += one->faults;
		sum.interrupts += one->interrupts;
	}
	return sum;
}

/* Pages in use are active, but those that page replacement has chosen. */
kern_return_t
serve_host_statistics(
    host_flavor_t flavor, integer_t *words, mach_msg_type_number_t *count)
{
	uint64_t free = page_free_count();
	struct swap_counts swap = swap_counts();
	uint64_t inactive = swap.held + swap.leaving + swap.kept;
	struct vm_statistics info = {
	    .free_count = narrow(free),
	    .active_count = narrow(page_total_count() - free - inactive),
	    .inactive_count = narrow(inactive),
	    .reactivations = (natural_t)swap.reactivations,
	    .pageins = (natural_t)swap.pageins,
	    .pageouts = (natural_t)swap.pageouts,
	    .faults = (natural_t)sum_counters().faults,
	};

	if (flavor != HOST_VM_INFO)
		return KERN_INVALID_ARGUMENT;
	return call_put_info(words, count, &info, sizeof(info));
}

kern_return_t
serve_host_statistics64(
    host_flavor_t flavor, integer_t *words, mach_msg_type_number_t *count)
{
	uint64_t free = page_free_count();
	struct swap_counts swap = swap_counts();
	uint64_t inactive = swap.held + swap.leaving + swap.kept;
	struct vm_statistics64 info = {
	    .free_count = narrow(free),
	    .active_count = narrow(page_total_count() - free - inactive),
	    .inactive_count = narrow(inactive),
	    .reactivations = swap.reactivations,
	    .pageins = swap.pageins,
	    .pageouts = swap.pageouts,
	    .faults = sum_counters().faults,
	};

	if (flavor != HOST_VM_INFO64)
		return KERN_INVALID_ARGUMENT;
	return call_put_info(words, count, &info, sizeof(info));
}

/* ---- Baton's own counts ---- */

/* Which kind of object a zone holds; zones of no kind are not counted. */
static const struct zone_kind {
	const char *zone;
	enum baton_object kind;
} zone_kinds[] = {
    {"task", BATON_OBJECT_TASK},
    {"thread", BATON_OBJECT_THREAD},
    {"space", BATON_OBJECT_SPACE},
    {"port", BATON_OBJECT_PORT},
    {"port set", BATON_OBJECT_PORT_SET},
    {"kmsg", BATON_OBJECT_MESSAGE},
    {"map", BATON_OBJECT_MAP},
    {"map entry", BATON_OBJECT_MAP_ENTRY},
    {"semaphore", BATON_OBJECT_SEMAPHORE},
    {"eventlink", BATON_OBJECT_EVENTLINK},
    {"mk timer", BATON_OBJECT_TIMER},
    {"alarm", BATON_OBJECT_ALARM},
};

/* A zone's kind is that of the name it has before a dot: "kmsg.256". */
static bool
zone_is(const struct zone *zone, const char *name)
{
	size_t length = strlen(name);

	return strncmp(zone->name, name, length) == 0 &&
	       (zone->name[length] == '\0' || zone->name[length] == '.');
}

static void
count_objects(struct baton_kernel_counters *counters)
{
	struct zone *zone = NULL;
	uint32_t ports_kept = 0;

	while ((zone = zone_next(zone)) != NULL)
		for (unsigned i = 0; i < ARRAY_SIZE(zone_kinds); i++)
			if (zone_is(zone, zone_kinds[i].zone))
				counters->objects[zone_kinds[i].kind] +=
				    zone_in_use(zone);
	for (uint32_t i = 0; i < cpu_count; i++) {
		counters->objects[BATON_OBJECT_TABLE] +=
		    (uint64_t)cpus[i].table_balance;
		ports_kept += cpus[i].ports_kept;
	}
	counters->objects[BATON_OBJECT_PORT] -= ports_kept;
	/* Each map has one pmap in it. */
	counters->objects[BATON_OBJECT_PMAP] =
	    counters->objects[BATON_OBJECT_MAP];
}

kern_return_t
serve_host_kernel_counters(struct baton_kernel_counters *counters)
{
	struct cpu_counters sum = sum_counters();

	*counters = (struct baton_kernel_counters){
	    .handoffs = sum.handed_off,
	    .queued = sum.queued,
	    .switches = sum.switches,
	    .faults = sum.faults,
	    .interrupts = sum.interrupts,
	    .pages_total = page_total_count(),
	    .pages_free = page_free_count(),
	    .harts = online_harts(),
	    .boot_cycles = boot_cycles,
	};
	count_objects(counters);
	return KERN_SUCCESS;
}

/* On one hart, or all. */
static uint64_t
count_declines(uint32_t hart, unsigned reason)
{
	uint64_t sum = 0;

	if (hart != BATON_ALL_HARTS)
		return cpus[hart].declined[reason];
	for (uint32_t i = 0; i < cpu_count; i++)
		sum += cpus[i].declined[reason];
	return sum;
}

kern_return_t
serve_host_declines(uint32_t hart, struct baton_decline_count *counts,
    mach_msg_type_number_t *count)
{
	if (hart >= cpu_count && hart != BATON_ALL_HARTS)
		return KERN_INVALID_ARGUMENT;
	if (*count > BATON_DECLINES)
		*count = BATON_DECLINES;
	for (uint32_t i = 0; i < *count; i++)
		counts[i].times = count_declines(hart, i);
	return KERN_SUCCESS;
}

/* An answer of host_task_summary() in the making. */
struct summary {
	struct task_list_walk walk;
	struct task *task[BATON_TASK_SUMMARY_MAX]; /* references */
	uint32_t found;
	uaddr_t address; /* the first task's pages: counted up to here */
	uint64_t pages;	 /* so many */
};

static kern_return_t
summary_begin(uint64_t after, struct summary **summaryp)
{
	struct summary *summary = kmem_alloc(sizeof(*summary));

	if (summary == NULL)
		return KERN_RESOURCE_SHORTAGE;
	memset(summary, 0, sizeof(*summary));
	summary->walk.after = after;
	*summaryp = summary;
	return KERN_SUCCESS;
}

static void
summary_end(struct summary *summary)
{
	task_list_leave(&summary->walk);
	while (summary->found > 0)
		task_put(summary->task[--summary->found]);
	kmem_free(summary, sizeof(*summary));
}

/* Find up to @room tasks; KCALL_AGAIN: there may be more. */
static kern_return_t
find_tasks(struct summary *summary, uint32_t room)
{
	while (!summary->walk.done && summary->found < room) {
		struct task *task = task_list_step(&summary->walk);

		if (task != NULL)
			summary->task[summary->found++] = task_get(task);
		if (thread_should_yield())
			return KCALL_AGAIN;
	}
	return KERN_SUCCESS;
}

static struct baton_task_summary
summarize(struct task *task, uint64_t pages)
{
	struct baton_task_summary summary = {
	    .id = task->id,
	    .resident_pages = pages,
	    .names = space_names(task->space),
	};

	spin_lock(&task->lock);
	summary.threads = task->thread_count;
	summary.suspend_count = task->suspend_count;
	memcpy(summary.name, task->name, sizeof(summary.name));
	spin_unlock(&task->lock);
	return summary;
}

/* A task of which this many entries were looked at is a large one. */
#define SMALL_STEPS 8

/*
 * How many pages @task has in memory; false: it is too large to find out now.
 */
static bool
count_pages(struct task *task, uint64_t *pages)
{
	uaddr_t address = 0;

	*pages = 0;
	for (unsigned steps = 0; steps < SMALL_STEPS; steps++)
		if (!vm_count_step(task->map, &address, pages))
			return true;
	return false;
}

/* Count the pages of the first task to the end. */
static kern_return_t
count_first(struct summary *summary)
{
	struct map *map = summary->task[0]->map;

	while (summary->address < USER_END)
		if (vm_count_step(map, &summary->address, &summary->pages) &&
		    thread_should_yield())
			return KCALL_AGAIN;
	return KERN_SUCCESS;
}

/*
 * The pages of the first task of an answer are counted to the end, in as many
 * steps as that takes; of the others, those follow that are small, up to the
 * first that is not, which then begins the next answer.
 */
static void
summarize_all(const struct summary *summary,
    struct baton_task_summary *summaries, uint32_t *count)
{
	uint64_t pages[BATON_TASK_SUMMARY_MAX] = {summary->pages};
	uint32_t known = 1;

	while (known < summary->found &&
	       count_pages(summary->task[known], &pages[known]))
		known++;
	for (uint32_t i = 0; i < known; i++)
		summaries[i] = summarize(summary->task[i], pages[i]);
	*count = known;
}

kern_return_t
serve_host_task_summary(uint64_t after, struct baton_task_summary *summaries,
    mach_msg_type_number_t *count)
{
	uint64_t *progress = call_progress();
	struct summary *summary = (struct summary *)progress[0];
	kern_return_t kr;

	if (summary == NULL) {
		kr = summary_begin(after, &summary);
		if (kr != KERN_SUCCESS)
			return kr;
		progress[0] = (uint64_t)summary;
	}
	kr = find_tasks(summary, *count);
	if (kr == KERN_SUCCESS && summary->found == 0)
		*count = 0;
	else if (kr == KERN_SUCCESS)
		kr = count_first(summary);
	if (kr == KCALL_AGAIN)
		return kr;
	if (summary->found > 0)
		summarize_all(summary, summaries, count);
	summary_end(summary);
	return KERN_SUCCESS;
}

/* ---- privileged ---- */

/* An answer of host_tasks() in the making. */
struct gathering {
	struct task_list_walk walk;
	struct port **ports; /* [room] */
	uint32_t count, room;
};

/* Who is made meanwhile is not in the answer. */
static kern_return_t
gathering_begin(struct gathering **gatheringp)
{
	struct gathering *gathering = kmem_alloc(sizeof(*gathering));
	uint32_t room = task_list_count(); /* our caller is one */

	if (gathering == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*gathering = (struct gathering){
	    .ports = kmem_alloc(room * sizeof(struct port *)), .room = room};
	if (gathering->ports == NULL) {
		kmem_free(gathering, sizeof(*gathering));
		return KERN_RESOURCE_SHORTAGE;
	}
	*gatheringp = gathering;
	return KERN_SUCCESS;
}

/* Find a task's port, or MACH_PORT_NULL where one has ended meanwhile; false:
 * there are as many as there is room for. */
static bool
gather_step(struct gathering *gathering)
{
	struct task *task = NULL;

	if (gathering->count == gathering->room)
		return false;
	if (!gathering->walk.done)
		task = task_list_step(&gathering->walk);
	if (task != NULL)
		gathering->ports[gathering->count++] = task_make_send(task);
	else if (gathering->walk.done)
		gathering->ports[gathering->count++] = NULL;
	return true;
}

kern_return_t
serve_host_tasks(struct port ***array, mach_msg_type_number_t *count)
{
	uint64_t *progress = call_progress();
	struct gathering *gathering = (struct gathering *)progress[0];
	kern_return_t kr;

	if (gathering == NULL) {
		kr = gathering_begin(&gathering);
		if (kr != KERN_SUCCESS)
			return kr;
		progress[0] = (uint64_t)gathering;
	}
	while (gather_step(gathering))
		if (thread_should_yield())
			return KCALL_AGAIN;
	*array = gathering->ports;
	*count = gathering->room;
	task_list_leave(&gathering->walk);
	kmem_free(gathering, sizeof(*gathering));
	return KERN_SUCCESS;
}

/* Send rights that privileged programs leave here for others to find. */
static struct spinlock special_lock = SPINLOCK_INIT(LOCK_TASK);
static struct port *special[HOST_MAX_SPECIAL_PORT + 1]; /* special_lock */

static bool
is_settable(int which)
{
	return which > HOST_MAX_SPECIAL_KERNEL_PORT &&
	       which <= HOST_MAX_SPECIAL_PORT;
}

kern_return_t
serve_host_get_special_port(int node, int which, struct port **port)
{
	(void)node; /* there is one */
	switch (which) {
	case HOST_PORT:
		*port = right_make_send(host_port);
		return KERN_SUCCESS;
	case HOST_PRIV_PORT:
		*port = right_make_send(host_priv_port);
		return KERN_SUCCESS;
	case HOST_IO_MAIN_PORT:
		*port = right_make_send(device_master_port);
		return KERN_SUCCESS;
	}
	if (!is_settable(which))
		return KERN_INVALID_ARGUMENT;
	spin_lock(&special_lock);
	*port = right_copy_send(special[which]);
	spin_unlock(&special_lock);
	return KERN_SUCCESS;
}

/* Refs: consumes @port on success. */
kern_return_t
serve_host_set_special_port(int which, struct port *port)
{
	struct port *previous;

	if (!is_settable(which))
		return KERN_INVALID_ARGUMENT;
	spin_lock(&special_lock);
	previous = special[which];
	special[which] = port;
	spin_unlock(&special_lock);
	right_release_send(previous);
	return KERN_SUCCESS;
}

kern_return_t
serve_host_reboot(int options)
{
	if (options & HOST_REBOOT_DEBUGGER)
		panic("asked for by host_reboot()");
	if (!(options & HOST_REBOOT_HALT))
		firmware_reset(RESET_REBOOT);
	if (options & HOST_REBOOT_FAILURE)
		finisher_fail();
	firmware_reset(
	    options & HOST_REBOOT_FAILURE ? RESET_FAILURE : RESET_OFF);
}
