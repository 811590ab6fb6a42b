/* memory.c: what page faults, copies of tasks and calls on memory cost. */
#include <stddef.h>

#include <mach/mach.h>

#include "bench.h"

/* Fewer pages than a superpage has: each is one fault. */
#define PAGES	   500
#define SUPERPAGE  (2UL << 20)
#define SUPERPAGES 16

static vm_address_t
allocate(vm_size_t size)
{
	vm_address_t address = 0;

	bench_check(
	    vm_allocate(mach_task_self(), &address, size, VM_FLAGS_ANYWHERE),
	    "allocate");
	return address;
}

static void
deallocate(vm_address_t address, vm_size_t size)
{
	bench_check(
	    vm_deallocate(mach_task_self(), address, size), "deallocate");
}

/* Write to @count places, @step bytes apart. */
static void
touch(vm_address_t address, unsigned count, vm_size_t step)
{
	for (unsigned i = 0; i < count; i++)
		*(volatile char *)(address + i * step) = 1;
}

static void
time_touches(vm_address_t address, unsigned count, vm_size_t step)
{
	for (unsigned i = 0; i < count; i++) {
		volatile char *byte = (volatile char *)(address + i * step);
		uint64_t before = bench_now();

		*byte = 1;
		bench_sample(bench_now() - before);
	}
}

static void
first_touches(
    const char *name, const char *what, unsigned count, vm_size_t step)
{
	vm_address_t address = allocate(count * step);

	bench_begin(name, what);
	time_touches(address, count, step);
	bench_end();
	deallocate(address, count * step);
}

/* ---- copies of the task ---- */

static task_t
make_child(void)
{
	task_t child;

	bench_check(
	    task_create(mach_task_self(), NULL, 0, TRUE, &child), "fork");
	return child;
}

static void
end_child(task_t child)
{
	bench_check(task_terminate(child), "end a task");
	bench_check(mach_port_deallocate(mach_task_self(), child), "forget it");
}

static void
copy_on_write(void)
{
	vm_size_t size = PAGES * vm_page_size;
	vm_address_t address = allocate(size);
	task_t child;

	touch(address, PAGES, vm_page_size);
	child = make_child();
	bench_begin("fault.cow", "first write to a page that a child has too");
	time_touches(address, PAGES, vm_page_size);
	bench_end();
	end_child(child);
	deallocate(address, size);
}

void
bench_forks(void)
{
	vm_size_t size = 8 * SUPERPAGE;
	vm_address_t address = allocate(size);

	bench_begin("task.fork", "task_create() that inherits 16 MiB resident");
	for (int i = 0; i < 10; i++) {
		uint64_t before;
		task_t child;

		touch(address, (unsigned)(size / vm_page_size), vm_page_size);
		before = bench_now();
		child = make_child();
		bench_sample(bench_now() - before);
		end_child(child);
	}
	bench_end();
	deallocate(address, size);
}

void
bench_memory(void)
{
	first_touches("fault.zero", "first touch of a page, zeroing included",
	    PAGES, vm_page_size);
	first_touches(
	    "fault.superpage", "the same of 2 MiB", SUPERPAGES, SUPERPAGE);
	copy_on_write();
}

/* ---- calls ---- */

static void
allocate_and_deallocate(void)
{
	bench_begin("map.allocate_deallocate", "16 KiB, untouched");
	for (int i = 0; i < 500; i++) {
		uint64_t before = bench_now();

		deallocate(allocate(4 * vm_page_size), 4 * vm_page_size);
		bench_sample(bench_now() - before);
	}
	bench_end();
}

static void
protect(void)
{
	vm_address_t address = allocate(3 * vm_page_size);
	vm_address_t page = address + vm_page_size;

	bench_begin("map.protect", "a page that was written, read-only");
	for (int i = 0; i < 200; i++) {
		uint64_t before;

		touch(address, 3, vm_page_size);
		before = bench_now();
		bench_check(vm_protect(mach_task_self(), page, vm_page_size,
				FALSE, VM_PROT_READ),
		    "protect");
		bench_sample(bench_now() - before);
		bench_check(vm_protect(mach_task_self(), page, vm_page_size,
				FALSE, VM_PROT_READ | VM_PROT_WRITE),
		    "allow");
	}
	bench_end();
	deallocate(address, 3 * vm_page_size);
}

void
bench_maps(void)
{
	allocate_and_deallocate();
	protect();
}

/* ---- maps of many regions ---- */

/* Allocate, touch and give back a page beside @entries other regions. */
static void
among(unsigned entries, const char *name, const char *what)
{
	vm_size_t stride = 2 * vm_page_size;
	vm_address_t regions = allocate(entries * stride);

	for (unsigned i = 0; i < entries; i++)
		deallocate(regions + i * stride, vm_page_size);
	bench_begin(name, what);
	for (int i = 0; i < 200; i++) {
		uint64_t before = bench_now();
		vm_address_t page = allocate(stride);

		touch(page, 1, 1);
		deallocate(page, stride);
		bench_sample(bench_now() - before);
	}
	bench_end();
	deallocate(regions, entries * stride);
}

void
bench_entries(void)
{
	among(10, "scale.map_entries.10",
	    "a page allocated, touched, deallocated beside 10 regions");
	among(1000, "scale.map_entries.1000", "1 000 regions");
	among(100000, "scale.map_entries.100000", "100 000 regions");
}
