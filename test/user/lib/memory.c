/* lib/memory.c: memory, time and the kernel's counts, see mach_test.h. */
#include "test/user/mach_test.h"

#include <string.h>

void *
pages_new(size_t size)
{
	mach_vm_address_t address = 0;

	must(mach_vm_allocate(
	    mach_task_self(), &address, size, VM_FLAGS_ANYWHERE));
	return (void *)address;
}

void
pages_end(void *pages, size_t size)
{
	must(mach_vm_deallocate(
	    mach_task_self(), (mach_vm_address_t)pages, size));
}

vm_prot_t
access_to(const void *address)
{
	mach_vm_address_t start = (mach_vm_address_t)address;
	mach_vm_size_t size;
	vm_region_basic_info_data_64_t info;
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;
	mach_port_t object;

	if (mach_vm_region(mach_task_self(), &start, &size,
		VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info, &count,
		&object) != KERN_SUCCESS ||
	    start > (mach_vm_address_t)address)
		return VM_PROT_NONE;
	return info.protection;
}

static unsigned char
pattern_byte(size_t place, unsigned seed)
{
	return (unsigned char)((place ^ place >> 8 ^ place >> 16) * 31 + seed);
}

void
pattern_fill(void *bytes, size_t size, unsigned seed)
{
	unsigned char *byte = bytes;

	for (size_t i = 0; i < size; i++)
		byte[i] = pattern_byte(i, seed);
}

bool
pattern_holds(const void *bytes, size_t size, unsigned seed)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < size; i++)
		if (byte[i] != pattern_byte(i, seed))
			return false;
	return true;
}

bool
all_zero(const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < size; i++)
		if (byte[i] != 0)
			return false;
	return true;
}

uint64_t
ticks_of_ms(unsigned milliseconds)
{
	static mach_timebase_info_data_t timebase;

	if (timebase.numer == 0)
		must(mach_timebase_info(&timebase));
	return milliseconds * 1000000UL * timebase.denom / timebase.numer;
}

void
sleep_ms(unsigned milliseconds)
{
	mach_wait_until(mach_absolute_time() + ticks_of_ms(milliseconds));
}

unsigned
ms_since(uint64_t start)
{
	return (unsigned)((mach_absolute_time() - start) / ticks_of_ms(1));
}

struct baton_kernel_counters
counters(void)
{
	static mach_port_t host;
	struct baton_kernel_counters now;

	if (host == MACH_PORT_NULL)
		host = mach_host_self();
	must(host_kernel_counters(host, &now));
	return now;
}

/* Do two readings agree in all that tells of something being freed? */
static bool
same(const struct baton_kernel_counters *a,
    const struct baton_kernel_counters *b)
{
	return a->pages_free == b->pages_free &&
	       memcmp(a->objects, b->objects, sizeof(a->objects)) == 0;
}

struct baton_kernel_counters
quiet_counters(void)
{
	struct baton_kernel_counters before, now = counters();
	int agreed = 0;

	for (int i = 0; i < 300 && agreed < 8; i++) {
		before = now;
		sleep_ms(10);
		now = counters();
		agreed = same(&before, &now) ? agreed + 1 : 0;
	}
	return now;
}
