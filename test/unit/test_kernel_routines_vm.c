/*
 * test/unit/test_kernel_routines_vm.c: the memory calls of vm/user.c: their
 * arguments, their steps, and what is left when an allocation fails.
 *
 * Long because every memory call has its cases here.
 *
 * Calls are made as the kernel's server makes them, again and again for as long
 * as they ask for it.  The thread is told to give
 * way at every preemption point.
 *
 * Sources: vm vm/user.c vm/region.c vm/msync.c vm/contents.c vm/behavior.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arch/usercopy.h>
#include <mach/vm_region.h>
#include <serve/mach_vm.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/right.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/memory_entry.h"
#include "vm/transfer.h"
#include "vm/user.h"
#include "vm_host.h"

#define MiB (1UL << 20)

static struct task ours, other;

/* ---- stand-ins for the rest of the kernel ---- */

static jmp_buf yielded;
static continuation_t go_on;
static unsigned yields;
static bool yielding = true;
static uint64_t returned;

enum {
	OUR_NAME = 0x101,
	OTHER_NAME = 0x201
};

struct task *
task_from_name(struct space *space, mach_port_name_t name)
{
	(void)space;
	if (name != OUR_NAME && name != OTHER_NAME)
		return NULL;
	return task_get(name == OUR_NAME ? &ours : &other);
}

void
task_put(struct task *task)
{
	atomic_fetch_sub(&task->refs, 1);
}

bool
thread_should_yield(void)
{
	return yielding;
}

/* Hidden, since the sanitisers know another function of that name. */
__attribute__((visibility("hidden"))) noreturn void
sched_yield(continuation_t cont)
{
	yields++;
	go_on = cont;
	longjmp(yielded, 1);
}

noreturn void
thread_return_value(uint64_t result)
{
	returned = result;
	go_on = NULL;
	longjmp(yielded, 1);
}

kern_return_t
call_put_info(void *words, uint32_t *countp, const void *info, uint32_t size)
{
	if (*countp < size / sizeof(natural_t))
		return KERN_INVALID_ARGUMENT;
	memcpy(words, info, size);
	*countp = size / (uint32_t)sizeof(natural_t);
	return KERN_SUCCESS;
}

/* There are none. */
kern_return_t
memory_entry_map(struct map *map, uaddr_t *addressp, struct port *port,
    const struct memory_entry_request *request)
{
	(void)map;
	(void)addressp;
	(void)port;
	(void)request;
	return KERN_INVALID_OBJECT;
}

/* A trap with up to six arguments, to its end. */
typedef kern_return_t (*trap_t)(
    uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

static kern_return_t
trap(trap_t function, const uint64_t a[6])
{
	yields = 0;
	go_on = NULL;
	if (setjmp(yielded) == 0)
		return function(a[0], a[1], a[2], a[3], a[4], a[5]);
	if (go_on == NULL)
		return (kern_return_t)returned;
	go_on();
	abort();
}

#define TRAP(function, ...)                                                    \
	trap((trap_t)(void (*)(void))(function), (uint64_t[6]){__VA_ARGS__})

/* ---- a call ---- */

static uint64_t progress[CALL_PROGRESS_WORDS];
static unsigned rounds; /* of the call that was served last */

uint64_t *
call_progress(void)
{
	return progress;
}

/* Another round of a call that answered @kr? */
static bool
again(kern_return_t kr)
{
	assert_true(++rounds < 100000);
	return kr == KCALL_AGAIN;
}

static void
begin(void)
{
	rounds = 0;
	memset(progress, 0, sizeof(progress));
}

/* Serve a call until it is done. */
static kern_return_t answer;
#define SERVE(call)                                                            \
	({                                                                     \
		begin();                                                       \
		while (again(answer = (call)))                                 \
			continue;                                              \
		answer;                                                        \
	})

/* What a read gave. */
static struct transfer *memory;
static uint32_t memory_size;

/* ---- before and after each test ---- */

static uint64_t free_pages;

static int
start(void **state)
{
	(void)state;
	vm_host_start(64 * MiB);
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	free_pages = vm_host_pages_at_rest();
	pmap_asid_bits = 16;
	vm_host_elsewhere = false;
	yielding = true;
	ours = (struct task){.refs = 1, .map = vm_host_create()};
	other = (struct task){.refs = 1, .map = vm_host_create()};
	vm_host_set_current(ours.map);
	current_thread()->task = &ours;
	return ours.map == NULL || other.map == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	zone_fail_after(0);
	assert_int_equal(atomic_load(&ours.refs), 1);
	assert_int_equal(atomic_load(&other.refs), 1);
	map_check(ours.map);
	map_check(other.map);
	vm_host_destroy(ours.map);
	vm_host_destroy(other.map);
	assert_int_equal(vm_host_pages_at_rest(), free_pages);
	return 0;
}

/* ---- small words ---- */

static uaddr_t
allocate(struct task *task, uint64_t size)
{
	uaddr_t address = 0;

	assert_int_equal(SERVE(serve_mach_vm_allocate(
			     task->map, &address, size, VM_FLAGS_ANYWHERE)),
	    KERN_SUCCESS);
	return address;
}

/* Bytes that say where they are; written as the task would. */
static void
fill(struct task *task, uaddr_t address, uint64_t size)
{
	for (uint64_t done = 0; done < size; done += 512) {
		char bytes[512];

		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)((done + i) * 7 + (done >> 9));
		assert_int_equal(map_copy_to(task->map, address + done, bytes,
				     min_u64(sizeof(bytes), size - done)),
		    KERN_SUCCESS);
	}
}

static void
assert_filled(struct map *map, uaddr_t address, uint64_t size)
{
	for (uint64_t done = 0; done < size; done += 512) {
		uint64_t piece = min_u64(512, size - done);
		char bytes[512];

		assert_int_equal(
		    map_copy_from(map, bytes, address + done, piece),
		    KERN_SUCCESS);
		for (unsigned i = 0; i < piece; i++)
			assert_int_equal(
			    bytes[i], (char)((done + i) * 7 + (done >> 9)));
	}
}

static kern_return_t
deallocate(uaddr_t address, uint64_t size)
{
	return SERVE(serve_mach_vm_deallocate(other.map, address, size));
}

static kern_return_t
protect(uaddr_t address, uint64_t size, int prot)
{
	return SERVE(
	    serve_mach_vm_protect(other.map, address, size, false, prot));
}

static kern_return_t
inherit(uaddr_t address, uint64_t size, uint32_t how)
{
	return SERVE(serve_mach_vm_inherit(other.map, address, size, how));
}

/* ---- regions ---- */

static void
test_allocate(void **state)
{
	uaddr_t address = allocate(&other, 10000);
	uint64_t pages = 0;
	uaddr_t at = 0;

	(void)state;
	assert_int_equal(address % PAGE_SIZE, 0);
	fill(&other, address, 10000);
	while (vm_count_step(other.map, &at, &pages))
		continue;
	assert_int_equal(pages, 3);
	assert_int_equal(allocate(&other, 0), 0);
}

static void
test_long_deallocation(void **state)
{
	const uint64_t size = 16 * MiB;
	uaddr_t address = allocate(&other, size);

	(void)state;
	fill(&other, address, size);
	assert_int_equal(deallocate(address + 5, size - 10), KERN_SUCCESS);
	assert_true(rounds > 4);
	assert_int_equal(other.map->size, 0);
	assert_int_equal(deallocate(address, size), KERN_SUCCESS);
}

static void
test_long_protection(void **state)
{
	const uint64_t size = 16 * MiB;
	uaddr_t address = allocate(&other, size);
	struct map_region region;

	(void)state;
	fill(&other, address, size);
	assert_int_equal(protect(address, size, VM_PROT_READ), KERN_SUCCESS);
	assert_true(rounds > 4);
	assert_int_equal(map_region(other.map, address, &region), KERN_SUCCESS);
	assert_int_equal(region.prot, VM_PROT_READ);
	assert_int_equal(region.size, size);
	assert_int_equal(inherit(address, size, VM_INHERIT_NONE), KERN_SUCCESS);
	assert_int_equal(map_region(other.map, address, &region), KERN_SUCCESS);
	assert_int_equal(region.inherit, VM_INHERIT_NONE);
}

/* Each change of a range answers @kr. */
static void
assert_ranges(uaddr_t address, uint64_t size, kern_return_t kr)
{
	assert_int_equal(deallocate(address, size), kr);
	assert_int_equal(protect(address, size, 0), kr);
	assert_int_equal(inherit(address, size, 0), kr);
}

static void
test_wrong_ranges(void **state)
{
	(void)state;
	assert_ranges(UINT64_MAX, 1, KERN_INVALID_ARGUMENT);
	assert_ranges(0x5000, UINT64_MAX, KERN_INVALID_ARGUMENT);
	assert_ranges(UINT64_MAX - 4096, 4096, KERN_INVALID_ARGUMENT);
	assert_ranges(0x5000, 0, KERN_SUCCESS);
}

static kern_return_t
region_at(uaddr_t *address, uint64_t *size,
    struct vm_region_basic_info_64 *info, uint32_t count)
{
	struct port *object;

	return SERVE(serve_mach_vm_region(other.map, address, size,
	    VM_REGION_BASIC_INFO_64, (int *)info, &count, &object));
}

static void
test_region(void **state)
{
	uaddr_t address = allocate(&other, 3 * PAGE_SIZE);
	struct vm_region_basic_info_64 info;
	uaddr_t at = 0;
	uint64_t size = 0;

	(void)state;
	assert_int_equal(
	    region_at(&at, &size, &info, VM_REGION_BASIC_INFO_COUNT_64),
	    KERN_SUCCESS);
	assert_int_equal(at, address);
	assert_int_equal(size, 3 * PAGE_SIZE);
	assert_int_equal(info.protection, VM_PROT_DEFAULT);
	assert_int_equal(info.max_protection, VM_PROT_ALL);
	assert_int_equal(info.inheritance, VM_INHERIT_DEFAULT);

	at = address + 3 * PAGE_SIZE;
	assert_int_equal(
	    region_at(&at, &size, &info, VM_REGION_BASIC_INFO_COUNT_64),
	    KERN_INVALID_ADDRESS);
	at = 0;
	assert_int_equal(
	    region_at(&at, &size, &info, VM_REGION_BASIC_INFO_COUNT_64 - 1),
	    KERN_INVALID_ARGUMENT);
}

static kern_return_t
map_object(struct port *object, uint64_t size, int prot, int most,
    uint32_t inheritance)
{
	uaddr_t address = 0;
	kern_return_t kr = SERVE(serve_mach_vm_map(other.map, &address, size,
	    0xffff, VM_FLAGS_ANYWHERE | VM_FLAGS_RANDOM_ADDR | 0x55000000,
	    object, 0, false, prot, most, inheritance));

	assert_int_equal(address & 0xffff, 0);
	return kr;
}

static void
test_map(void **state)
{
	static struct port object;

	(void)state;
	assert_int_equal(map_object(NULL, PAGE_SIZE, VM_PROT_READ,
			     VM_PROT_DEFAULT, VM_INHERIT_SHARE),
	    KERN_SUCCESS);
	assert_int_equal(
	    map_object(NULL, PAGE_SIZE, VM_PROT_ALL, VM_PROT_READ, 0),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    map_object(NULL, PAGE_SIZE, VM_PROT_READ, VM_PROT_ALL, 9),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(map_object(NULL, 0, VM_PROT_READ, VM_PROT_ALL, 0),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    map_object(&object, PAGE_SIZE, VM_PROT_READ, VM_PROT_ALL, 0),
	    KERN_INVALID_OBJECT);
}

/* ---- contents ---- */

static kern_return_t
read_memory(uaddr_t address, uint64_t size)
{
	memory = NULL;
	return SERVE(serve_mach_vm_read(
	    other.map, address, size, &memory, &memory_size));
}

static void
test_read(void **state)
{
	const uint64_t size = 5 * MiB + 1234;
	uaddr_t address = allocate(&other, size), copy;

	(void)state;
	fill(&other, address, size);
	assert_int_equal(read_memory(address, size), KERN_SUCCESS);
	assert_true(rounds >= 3); /* tables at once, pages in steps */
	assert_int_equal(memory_size, size);
	assert_int_equal(ours.map->size, 0);
	assert_int_equal(transfer_map(memory, ours.map, &copy), KERN_SUCCESS);
	assert_filled(ours.map, copy, size);
	fill(&other, address, size);

	assert_int_equal(read_memory(address, 0), KERN_SUCCESS);
	assert_null(memory);
	assert_int_equal(
	    read_memory(address, 1UL << 32), KERN_INVALID_ARGUMENT);
}

/* A read that fails half-way leaves nothing in the reader's memory. */
static void
test_read_of_a_hole(void **state)
{
	const uint64_t size = 4 * MiB;
	uaddr_t address = allocate(&other, size);

	(void)state;
	fill(&other, address, size);
	assert_int_equal(
	    deallocate(address + 3 * MiB, PAGE_SIZE), KERN_SUCCESS);
	assert_int_equal(read_memory(address, size), KERN_INVALID_ADDRESS);
	assert_int_equal(ours.map->size, 0);
}

/* Memory fails at each site in turn: an error, and nothing lost. */
static void
test_read_without_memory(void **state)
{
	const uint64_t size = 3 * PAGE_SIZE + 5;
	uaddr_t address = allocate(&other, size);
	kern_return_t kr;
	uint64_t count = 0;

	(void)state;
	fill(&other, address, size);
	do {
		zone_fail_after(++count);
		kr = read_memory(address, size);
		zone_fail_after(0);
		if (kr != KERN_SUCCESS)
			assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
		assert_true(count < 1000);
	} while (kr != KERN_SUCCESS);
	assert_true(count > 1);
	transfer_destroy(memory);
	assert_int_equal(ours.map->size, 0);
}

static void
test_write(void **state)
{
	const uint64_t size = 2 * MiB + 77;
	uaddr_t from = allocate(&ours, size), to = allocate(&other, size + 9);
	struct transfer *sent = NULL;
	kern_return_t kr;

	(void)state;
	fill(&ours, from, size);
	do
		kr = transfer_take(ours.map, from, size, TRANSFER_GIVE, &sent);
	while (kr == KERN_OPERATION_TIMED_OUT);
	assert_int_equal(kr, KERN_SUCCESS);

	assert_int_equal(
	    SERVE(serve_mach_vm_write(other.map, to + 9, sent, size)),
	    KERN_SUCCESS);
	assert_true(rounds > 50); /* bytes, for nothing is aligned */
	assert_filled(other.map, to + 9, size);
	assert_int_equal(
	    SERVE(serve_mach_vm_write(other.map, 0x1000, sent, size)),
	    KERN_INVALID_ADDRESS);
	transfer_destroy(sent);
}

static void
test_read_overwrite(void **state)
{
	const uint64_t size = 40000;
	uaddr_t from = allocate(&other, size), to = allocate(&ours, size);
	uint64_t copied = 0;

	(void)state;
	fill(&other, from, size);
	assert_int_equal(SERVE(serve_mach_vm_read_overwrite(
			     other.map, from, size, to, &copied)),
	    KERN_SUCCESS);
	assert_int_equal(copied, size);
	assert_filled(ours.map, to, size);
}

/* ---- traps ---- */

static void
test_traps(void **state)
{
	uaddr_t box = allocate(&ours, PAGE_SIZE), address = 0;
	const uint64_t size = 8 * MiB;

	(void)state;
	assert_int_equal(
	    TRAP(vm_allocate_trap, OUR_NAME, box, size, VM_FLAGS_ANYWHERE),
	    KERN_SUCCESS);
	assert_int_equal(copyin(&address, box, sizeof(address)), KERN_SUCCESS);
	fill(&ours, address, size);
	assert_int_equal(
	    TRAP(vm_protect_trap, OUR_NAME, address, size, 0, VM_PROT_READ),
	    KERN_SUCCESS);
	assert_true(yields > 0);
	assert_int_equal(
	    TRAP(vm_protect_trap, OUR_NAME, address, size, 1, VM_PROT_READ),
	    KERN_SUCCESS);
	assert_int_equal(
	    TRAP(vm_protect_trap, OUR_NAME, address, size, 0, VM_PROT_DEFAULT),
	    KERN_PROTECTION_FAILURE);
	assert_int_equal(
	    TRAP(vm_deallocate_trap, OUR_NAME, address, size), KERN_SUCCESS);
	assert_true(yields > 4);
	assert_int_equal(ours.map->size, PAGE_SIZE);

	assert_int_equal(TRAP(vm_map_trap, OTHER_NAME, box, PAGE_SIZE, 0xfffff,
			     VM_FLAGS_ANYWHERE, VM_PROT_READ),
	    KERN_SUCCESS);
	assert_int_equal(copyin(&address, box, sizeof(address)), KERN_SUCCESS);
	assert_int_equal(address & 0xfffff, 0);
	assert_int_equal(other.map->size, PAGE_SIZE);
}

/* Whatever the upper halves of registers that hold 32-bit things say. */
static void
test_wide_registers(void **state)
{
	uaddr_t box = allocate(&ours, PAGE_SIZE);

	(void)state;
	assert_int_equal(
	    TRAP(vm_allocate_trap, 0xffffffff00000000 | OUR_NAME, box,
		PAGE_SIZE, 0xabcdef0000000000 | VM_FLAGS_ANYWHERE),
	    KERN_SUCCESS);
	assert_int_equal(ours.map->size, 2 * PAGE_SIZE);
}

static void
test_wrong_traps(void **state)
{
	uaddr_t box = allocate(&ours, 2 * PAGE_SIZE);
	uint64_t done = 0;

	(void)state;
	assert_int_equal(
	    TRAP(vm_allocate_trap, 0x999, box, PAGE_SIZE, VM_FLAGS_ANYWHERE),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(TRAP(vm_deallocate_trap, 0x999, box, PAGE_SIZE),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    TRAP(vm_protect_trap, 0x999, box, PAGE_SIZE, 0, VM_PROT_READ),
	    KERN_INVALID_ARGUMENT);
	assert_int_equal(
	    TRAP(vm_allocate_trap, OUR_NAME, 8, PAGE_SIZE, VM_FLAGS_ANYWHERE),
	    KERN_INVALID_ADDRESS);
	assert_int_equal(TRAP(vm_deallocate_trap, OUR_NAME, UINT64_MAX - 9, 20),
	    KERN_INVALID_ARGUMENT);

	/* A result that cannot be written is taken back. */
	assert_int_equal(
	    map_protect(ours.map, box, PAGE_SIZE, false, VM_PROT_READ, &done),
	    KERN_SUCCESS);
	assert_int_equal(
	    TRAP(vm_allocate_trap, OUR_NAME, box, PAGE_SIZE, VM_FLAGS_ANYWHERE),
	    KERN_INVALID_ADDRESS);
	assert_int_equal(ours.map->size, 2 * PAGE_SIZE);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_allocate),
	    TEST(test_long_deallocation),
	    TEST(test_long_protection),
	    TEST(test_wrong_ranges),
	    TEST(test_region),
	    TEST(test_map),
	    TEST(test_read),
	    TEST(test_read_of_a_hole),
	    TEST(test_read_without_memory),
	    TEST(test_write),
	    TEST(test_read_overwrite),
	    TEST(test_traps),
	    TEST(test_wide_registers),
	    TEST(test_wrong_traps),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
