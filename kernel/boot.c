/*
 * kernel/boot.c: load the first task.
 *
 * It is the file "bootstrap" of the boot archive.  It finds in its space send
 * rights to the privileged host port and to the device master port, in its
 * memory the whole archive, read-only, and learns of all three from its
 * arguments; what the rest of the system is made of is its own business.
 *
 * A machine on which this fails cannot go on, so every failure is a panic that
 * names what was missing.
 */
#include "kernel/boot.h"

#include <arch/cpu.h>
#include <arch/layout.h>
#include <mach/vm_statistics.h>

#include "drivers/machine.h"
#include "ipc/port.h"
#include "ipc/space.h"
#include "kernel/arguments.h"
#include "kernel/boot_archive.h"
#include "kernel/device.h"
#include "kernel/elf.h"
#include "kernel/host.h"
#include "kernel/kassert.h"
#include "kernel/klog.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/zone.h"
#include "vm/map.h"

static const char first_name[] = "bootstrap";

/* The stack ends a page below the end of the user's half. */
#define STACK_TOP  (USER_END - PAGE_SIZE)
#define STACK_SIZE (64 * PAGE_SIZE)

#define COPY_MAX 0x10000UL /* as map_copy_to() asks */

uint64_t boot_entered;
uint64_t boot_cycles;

static void
must(kern_return_t kr, const char *what)
{
	if (kr != KERN_SUCCESS)
		panic("the first task: %s: error %d", what, kr);
}

/* ---- its memory ---- */

static kern_return_t
copy_to_map(struct map *map, uaddr_t to, const uint8_t *from, uint64_t size)
{
	while (size > 0) {
		uint64_t piece = min_u64(size, COPY_MAX);
		kern_return_t kr = map_copy_to(map, to, from, piece);

		if (kr != KERN_SUCCESS)
			return kr;
		to += piece;
		from += piece;
		size -= piece;
	}
	return KERN_SUCCESS;
}

/* map_protect() works in steps, and boot has nobody to give way to. */
static kern_return_t
protect_map(struct map *map, uaddr_t start, uint64_t size, unsigned prot)
{
	uint64_t done = 0;
	kern_return_t kr;

	do
		kr = map_protect(map, start, size, false, prot, &done);
	while (kr == KERN_SUCCESS && map_range_more(start, size, done));
	return kr;
}

static void
load_segment(
    struct map *map, const struct elf *elf, const struct elf_segment *segment)
{
	uaddr_t start = page_floor(segment->start);
	uint64_t size = page_ceil(segment->start + segment->size) - start;

	must(map_allocate(map, &start, size, 0, VM_FLAGS_FIXED, VM_PROT_DEFAULT,
		 VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    "memory for a segment");
	must(copy_to_map(map, segment->start, elf->bytes + segment->offset,
		 segment->stored),
	    "a segment's contents");
	must(protect_map(map, start, size, segment->prot),
	    "a segment's protection");
}

static void
load_program(struct map *map, const struct elf *elf)
{
	struct elf_segment segment;
	uint32_t index = 0;

	while (elf_next_segment(elf, &index, &segment))
		load_segment(map, elf, &segment);
	arch_sync_code();
}

/* Where the archive's first byte is in @map; its pages are mapped whole. */
static uaddr_t
map_archive(struct map *map, struct machine_range archive)
{
	uint64_t offset = archive.start & PAGE_MASK;
	uaddr_t address = 0;

	must(map_window(map, &address, archive.start - offset,
		 page_ceil(archive.end) - page_floor(archive.start),
		 VM_PROT_READ),
	    "a view of the boot archive");
	return address + offset;
}

/* ---- its rights ---- */

static mach_port_name_t
give_right(struct space *space, struct port *port)
{
	mach_port_name_t name;

	must(space_insert_send(space, right_make_send(port), &name),
	    "a port right");
	return name;
}

/* ---- its arguments ---- */

static void __attribute__((format(printf, 2, 3)))
add_formatted(struct arguments *arguments, const char *format, ...)
{
	char word[64];
	va_list values;
	int length;

	va_start(values, format);
	length = format_string_v(word, sizeof(word), format, values);
	va_end(values);
	KASSERT(length < (int)sizeof(word));
	KASSERT(arguments_add(arguments, word, (size_t)length));
}

/* Make its stack, with the argument block on top; returns its sp. */
static uaddr_t
make_stack(struct task *task, const struct machine *machine)
{
	uaddr_t stack = STACK_TOP - STACK_SIZE;
	void *page = kmem_alloc(PAGE_SIZE);
	struct arguments arguments;

	must(page == NULL ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS, "arguments");
	arguments_init(&arguments, page, STACK_TOP - PAGE_SIZE);
	add_formatted(&arguments, "%s", first_name);
	add_formatted(&arguments, "host_priv=%x",
	    give_right(task->space, host_priv_port));
	add_formatted(&arguments, "device_master=%x",
	    give_right(task->space, device_master_port));
	add_formatted(&arguments, "archive=%lx,%lx",
	    map_archive(task->map, machine->ramdisk),
	    machine_range_size(machine->ramdisk));
	if (!arguments_add_line(&arguments, machine->command_line))
		klog("boot: the command line is too long, its end is lost\n");

	must(map_allocate(task->map, &stack, STACK_SIZE, 0, VM_FLAGS_FIXED,
		 VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_DEFAULT),
	    "a stack");
	must(map_copy_to(task->map, arguments.base, page, PAGE_SIZE),
	    "its arguments");
	kmem_free(page, PAGE_SIZE);
	return arguments.base;
}

/* ---- all of it ---- */

static void
open_program(const struct machine *machine, struct elf *elf)
{
	struct boot_archive archive = {
	    .bytes = pa_to_va(machine->ramdisk.start),
	    .size = machine_range_size(machine->ramdisk),
	};
	struct boot_file file;
	enum elf_status status;

	if (archive.size == 0)
		panic("no boot archive: firmware passed no initial ramdisk");
	switch (boot_archive_find(&archive, first_name, &file)) {
	case BOOT_ARCHIVE_OK:
		break;
	case BOOT_ARCHIVE_NO_FILE:
		panic("no file %s in the boot archive", first_name);
	case BOOT_ARCHIVE_DAMAGED:
		panic("the boot archive is damaged, or no cpio (newc)");
	}
	status = elf_open(elf, file.bytes, file.size);
	if (status != ELF_OK)
		panic("%s in the boot archive: %s", first_name,
		    elf_status_name(status));
}

/* The first return to user mode: booting is over. */
static void
first_return(void)
{
	if (boot_entered != 0)
		boot_cycles = arch_read_cycles() - boot_entered;
	thread_return();
}

void
boot_first_task(const struct machine *machine)
{
	struct elf elf;
	struct task *task;
	struct thread *thread;
	uaddr_t sp;

	open_program(machine, &elf);
	must(task_create(NULL, &task), "a task");
	memcpy(task->name, first_name, sizeof(first_name));
	load_program(task->map, &elf);
	sp = make_stack(task, machine);

	must(thread_create(task, &thread), "a thread");
	arch_thread_start(thread, elf.entry, sp);
	thread->cont = first_return;
	klog("boot: first task %s, %lu KiB, from an archive of %lu KiB\n",
	    first_name, elf.size / 1024,
	    machine_range_size(machine->ramdisk) / 1024);
	must(thread_resume(thread), "a start");
	thread_put(thread);
	task_put(task);
}
