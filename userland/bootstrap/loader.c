/* bootstrap/loader.c: see loader.h. */
#include "loader.h"

#include <string.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>

#include "kernel/arguments.h"
#include "kernel/elf.h"

#define STACK_TOP  (VM_MAX_ADDRESS - 0x100000UL)
#define STACK_SIZE (256 * 1024UL)

/* Pages of our own, filled here and then written into the new task. */
struct staging {
	vm_address_t pages;
	vm_size_t size;
};

static kern_return_t
staging_allocate(struct staging *staging, vm_size_t size)
{
	staging->size = size;
	return vm_allocate(
	    mach_task_self(), &staging->pages, size, VM_FLAGS_ANYWHERE);
}

static kern_return_t
staging_write(struct staging *staging, task_t task, mach_vm_address_t address)
{
	kern_return_t kr = mach_vm_write(task, address, staging->pages,
	    (mach_msg_type_number_t)staging->size);

	vm_deallocate(mach_task_self(), staging->pages, staging->size);
	return kr;
}

/* Where the file's part of a segment ends; the rest is zero. */
static uint64_t
stored_end(const struct elf_segment *segment)
{
	return segment->start + segment->stored;
}

/*
 * Maps the pages at the beginning of a segment that are pages of the file,
 * shared with all who run it.  What the file has behind the segment may be
 * seen, unless zeros belong there.  What can be written is not mapped: most of
 * it is written at once, and each page would be asked for and then copied.
 * Returns where they end; the segment's start if nothing could be mapped.
 */
static mach_vm_address_t
map_pages(
    memory_object_t object, const struct elf_segment *segment, task_t task)
{
	vm_prot_t prot = (vm_prot_t)segment->prot;
	mach_vm_address_t start = segment->start;
	mach_vm_address_t end = page_floor(stored_end(segment));

	if (object == MEMORY_OBJECT_NULL || (prot & VM_PROT_WRITE) ||
	    ((start | segment->offset) & PAGE_MASK) != 0)
		return start;
	if (segment->stored == segment->size)
		end = page_ceil(stored_end(segment));
	if (start == end || mach_vm_map(task, &start, end - start, 0,
				VM_FLAGS_FIXED, object, segment->offset, FALSE,
				prot, prot, VM_INHERIT_SHARE) != KERN_SUCCESS)
		return segment->start;
	return end;
}

/* The part of a segment behind @from that the file has, as a copy. */
static kern_return_t
fill_segment(const struct elf *elf, const struct elf_segment *segment,
    task_t task, uint64_t from)
{
	uint64_t page = page_floor(from), end = stored_end(segment);
	struct staging staging;
	kern_return_t kr;

	if (from >= end)
		return KERN_SUCCESS;
	kr = staging_allocate(&staging, page_ceil(end) - page);
	if (kr != KERN_SUCCESS)
		return kr;
	memcpy((char *)staging.pages + (from - page),
	    elf->bytes + segment->offset + (from - segment->start), end - from);
	return staging_write(&staging, task, page);
}

static kern_return_t
load_segment(const struct elf *elf, memory_object_t object,
    const struct elf_segment *segment, task_t task)
{
	uint64_t from = map_pages(object, segment, task);
	mach_vm_address_t page = page_floor(from);
	mach_vm_size_t size = page_ceil(segment->start + segment->size) - page;
	kern_return_t kr;

	if (size == 0)
		return KERN_SUCCESS;
	kr = mach_vm_allocate(task, &page, size, VM_FLAGS_FIXED);
	if (kr == KERN_SUCCESS)
		kr = fill_segment(elf, segment, task, from);
	if (kr == KERN_SUCCESS)
		kr = mach_vm_protect(
		    task, page, size, FALSE, (vm_prot_t)segment->prot);
	return kr;
}

static kern_return_t
load_segments(const struct elf *elf, memory_object_t object, task_t task)
{
	struct elf_segment segment;
	kern_return_t kr = KERN_SUCCESS;
	uint32_t index = 0;

	while (kr == KERN_SUCCESS && elf_next_segment(elf, &index, &segment))
		kr = load_segment(elf, object, &segment, task);
	return kr;
}

static bool
build_arguments(struct arguments *arguments, const struct staging *staging,
    char *const argv[])
{
	arguments_init(
	    arguments, (void *)staging->pages, STACK_TOP - PAGE_SIZE);
	for (; *argv != NULL; argv++)
		if (!arguments_add(arguments, *argv, strlen(*argv)))
			return false;
	return true;
}

/* The stack; *@sp is where the argument block begins, its lowest used byte. */
static kern_return_t
make_stack(task_t task, char *const argv[], uint64_t *sp)
{
	mach_vm_address_t stack = STACK_TOP - STACK_SIZE;
	struct staging staging;
	struct arguments arguments;
	kern_return_t kr;

	kr = mach_vm_allocate(task, &stack, STACK_SIZE, VM_FLAGS_FIXED);
	if (kr == KERN_SUCCESS)
		kr = staging_allocate(&staging, PAGE_SIZE);
	if (kr != KERN_SUCCESS)
		return kr;
	if (!build_arguments(&arguments, &staging, argv)) {
		vm_deallocate(mach_task_self(), staging.pages, staging.size);
		return BOOTSTRAP_BAD_COUNT;
	}
	*sp = arguments.base;
	return staging_write(&staging, task, arguments.base);
}

kern_return_t
loader_load(const struct program *program, char *const argv[],
    mach_port_t bootstrap, task_t *task, riscv64_thread_state_t *start)
{
	struct elf elf;
	kern_return_t kr;

	if (elf_open(&elf, program->file.bytes, program->file.size) != ELF_OK)
		return KERN_INVALID_ARGUMENT;
	kr = task_create(mach_task_self(), NULL, 0, FALSE, task);
	if (kr != KERN_SUCCESS)
		return kr;
	*start = (riscv64_thread_state_t){.pc = elf.entry};
	kr = load_segments(&elf, program->object, *task);
	if (kr == KERN_SUCCESS)
		kr = make_stack(*task, argv, &start->sp);
	if (kr == KERN_SUCCESS)
		kr = task_set_special_port(
		    *task, TASK_BOOTSTRAP_PORT, bootstrap);
	if (kr != KERN_SUCCESS) {
		task_terminate(*task);
		mach_port_deallocate(mach_task_self(), *task);
	}
	return kr;
}

kern_return_t
loader_run(task_t task, riscv64_thread_state_t *start)
{
	thread_act_t thread;
	kern_return_t kr;

	kr = thread_create_running(task, RISCV64_THREAD_STATE,
	    (thread_state_t)start, RISCV64_THREAD_STATE_COUNT, &thread);
	if (kr == KERN_SUCCESS)
		mach_port_deallocate(mach_task_self(), thread);
	return kr;
}
