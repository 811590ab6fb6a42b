/* files.c: what it costs to touch a page of a mapped file. */
#include <stdbool.h>
#include <string.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <servers/files.h>

#include "bench.h"

#define PAGES_WANTED 300

/* Programs that nobody runs meanwhile: no page of theirs is in memory. */
static bool
is_cold(const char *name)
{
	return strncmp(name, "test/", strlen("test/")) == 0;
}

/* Touch each page of a file once; returns how many there are. */
static unsigned
touch_pages(mach_port_t files, const char *name)
{
	mach_vm_address_t address = 0;
	mach_port_t object;
	uint64_t size;
	unsigned pages;

	bench_check(files_open(files, name, &object, &size), "open a file");
	pages = (unsigned)(round_page(size) / vm_page_size);
	bench_check(mach_vm_map(mach_task_self(), &address,
			pages * vm_page_size, 0, VM_FLAGS_ANYWHERE, object, 0,
			FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE),
	    "map it");
	for (unsigned i = 0; i < pages; i++) {
		volatile const char *page =
		    (volatile const char *)(address + i * vm_page_size);
		uint64_t before = bench_now();

		(void)*page;
		bench_sample(bench_now() - before);
	}
	bench_check(
	    mach_vm_deallocate(mach_task_self(), address, pages * vm_page_size),
	    "unmap it");
	mach_port_deallocate(mach_task_self(), object);
	return pages;
}

void
bench_files(void)
{
	mach_port_t files;
	unsigned pages = 0;
	name_t name;

	bench_check(bootstrap_look_up(bootstrap_port, FILES_SERVICE, &files),
	    "find the file pager");
	bench_begin("fault.file",
	    "first touch of a file's page, which its pager copies");
	for (unsigned i = 0;
	     pages < PAGES_WANTED &&
	     bootstrap_list(bootstrap_port, i, name) == BOOTSTRAP_SUCCESS;
	     i++)
		if (is_cold(name))
			pages += touch_pages(files, name);
	bench_end();
	mach_port_deallocate(mach_task_self(), files);
}
