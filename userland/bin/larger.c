/*
 * larger.c: memory larger than the machine's.
 *
 *	larger [MIB]
 *
 * Maps an object of the memory pager's, of MIB mebibytes or else of twice as
 * many as the machine has, writes every page of it, and reads all of them back.
 * The pages are compressible: some words at the front of each.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <servers/memory_pager.h>

#define MIB	    (1UL << 20)
#define FRONT_WORDS 8

static mach_port_t server;

static void
check(kern_return_t kr, const char *what)
{
	if (kr == KERN_SUCCESS)
		return;
	printf("larger: %s: %s\n", what, bootstrap_strerror(kr));
	exit(EXIT_FAILURE);
}

static uint64_t
ram(void)
{
	host_basic_info_data_t info;
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;

	check(host_info(mach_host_self(), HOST_BASIC_INFO, (host_info_t)&info,
		  &count),
	    "ask how large the machine is");
	return info.max_mem;
}

static void
report(const char *what, uint64_t size)
{
	uint64_t objects, pages, bytes;

	check(memory_pager_usage(server, &objects, &pages, &bytes),
	    "ask the pager");
	printf("%s %llu MiB: the pager keeps %llu pages in %llu KiB\n", what,
	    (unsigned long long)(size / MIB), (unsigned long long)pages,
	    (unsigned long long)(bytes / 1024));
}

static void
write_all(uint64_t *words, uint64_t size)
{
	uint64_t step = vm_page_size / sizeof(*words);

	for (uint64_t i = 0; i < size / sizeof(*words); i += step)
		for (uint64_t j = 0; j < FRONT_WORDS; j++)
			words[i + j] = ~(i + j);
}

static uint64_t
count_wrong(const uint64_t *words, uint64_t size)
{
	uint64_t step = vm_page_size / sizeof(*words), wrong = 0;

	for (uint64_t i = 0; i < size / sizeof(*words); i += step)
		for (uint64_t j = 0; j < FRONT_WORDS; j++)
			wrong += words[i + j] != ~(i + j);
	return wrong;
}

int
main(int argc, char *argv[])
{
	uint64_t size = argc > 1 ? strtoul(argv[1], NULL, 0) * MIB : 2 * ram();
	mach_vm_address_t address = 0;
	mach_port_t object;
	uint64_t wrong;

	check(bootstrap_look_up(bootstrap_port, MEMORY_PAGER_SERVICE, &server),
	    "look up the memory pager");
	check(
	    memory_pager_create(server, size, 0, &object), "create an object");
	check(mach_vm_map(mach_task_self(), &address, size, 0,
		  VM_FLAGS_ANYWHERE, object, 0, FALSE, VM_PROT_DEFAULT,
		  VM_PROT_DEFAULT, VM_INHERIT_NONE),
	    "map it");
	mach_port_deallocate(mach_task_self(), object);
	printf("%llu MiB of memory on a machine of %llu MiB\n",
	    (unsigned long long)(size / MIB),
	    (unsigned long long)(ram() / MIB));

	write_all((uint64_t *)address, size);
	report("written", size);
	wrong = count_wrong((const uint64_t *)address, size);
	report("read", size);
	printf("%llu words are wrong\n", (unsigned long long)wrong);
	return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
