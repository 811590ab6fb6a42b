/* ram.c: RAM of unit tests; see include/arch/layout.h. */
#include <arch/layout.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "drivers/machine.h"
#include "vm/page.h"

uintptr_t host_direct_base, host_pages_base;

static void *ram;
static struct page *descriptors;
static uint64_t ram_size;

void
host_ram_init(uint64_t size)
{
	ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	descriptors = malloc((size >> PAGE_SHIFT) * sizeof(struct page));
	if (ram == MAP_FAILED || descriptors == NULL)
		abort();
	/* What real memory holds after reset: anything. */
	memset(ram, 0xa5, size);
	memset(descriptors, 0x01, (size >> PAGE_SHIFT) * sizeof(struct page));
	ram_size = size;
	host_direct_base = (uintptr_t)ram - HOST_RAM_BASE;
	host_pages_base = (uintptr_t)descriptors -
			  (HOST_RAM_BASE >> PAGE_SHIFT) * sizeof(struct page);
}

void
host_pages_init(uint64_t size)
{
	struct machine machine = {
	    .usable = {{HOST_RAM_BASE, HOST_RAM_BASE + size}},
	    .usable_count = 1,
	};

	host_ram_init(size);
	page_boot_add(&machine, HOST_RAM_BASE, HOST_RAM_BASE + size);
	page_init();
}

void
host_ram_free(void)
{
	munmap(ram, ram_size);
	free(descriptors);
}
