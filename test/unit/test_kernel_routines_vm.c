/*
 * test/unit/test_kernel_routines_vm.c: the memory calls of vm/user.c: their
 * arguments, their steps, and what is left when an allocation fails.
 *
 * Long because every memory call has its cases here.
 *
 * Calls are made as the kernel's server makes them, on a request of plain
 * words, and again for as long as they ask for it.  The thread is told to give
 * way at every preemption point.
 *
 * Sources: vm/user.c
 * Sources: vm/page.c vm/map.c vm/map_check.c vm/map_tree.c vm/fault.c
 * Sources: vm/transfer.c vm/transfer_slots.c arch/riscv64/pmap.c
 * Sources: kernel/zone.c kernel/lock.c test/unit/vm_host.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arch/usercopy.h>
#include <mach/vm_region.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/right.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/zone.h"
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

/* ---- a call's request and reply ---- */

static struct {
	uint32_t words[32]; /* arguments */
	uint32_t word_count;
	struct transfer *memory;
	uint64_t memory_size;
	struct port *port;
} request;

static struct {
	uint32_t words[32];
	uint32_t word_count;
	struct transfer *memory;
	uint64_t memory_size;
	unsigned ports;
} reply;

uint32_t
kcall_u32(struct kcall *call)
{
	if (call->cursor >= request.word_count)
		return 0;
	return request.words[call->cursor++];
}

uint64_t
kcall_u64(struct kcall *call)
{
	uint64_t low = kcall_u32(call);

	return low | (uint64_t)kcall_u32(call) << 32;
}

struct port *
kcall_port(struct kcall *call)
{
	(void)call;
	return request.port;
}

struct transfer *
kcall_ool(struct kcall *call, uint64_t *sizep)
{
	(void)call;
	*sizep = request.memory_size;
	return request.memory;
}

void
kcall_put_u32(struct kcall *call, uint32_t value)
{
	(void)call;
	reply.words[reply.word_count++] = value;
}

void
kcall_put_u64(struct kcall *call, uint64_t value)
{
	kcall_put_u32(call, (uint32_t)value);
	kcall_put_u32(call, (uint32_t)(value >> 32));
}

void
kcall_put_array(
    struct kcall *call, const void *elements, uint32_t count, uint32_t size)
{
	kcall_put_u32(call, count);
	memcpy(&reply.words[reply.word_count], elements, count * size);
	reply.word_count += count;
}

void
kcall_put_send(struct kcall *call, struct port *port)
{
	(void)call;
	assert_null(port);
	reply.ports++;
}

void
kcall_put_ool(struct kcall *call, struct transfer *transfer, uint64_t size)
{
	(void)call;
	reply.memory = transfer;
	reply.memory_size = size;
}

static void
argument_32(uint32_t value)
{
	request.words[request.word_count++] = value;
}

static void
argument_64(uint64_t value)
{
	argument_32((uint32_t)value);
	argument_32((uint32_t)(value >> 32));
}

static unsigned rounds; /* of the call that was served last */

/* Serve request @id to @task until it is done. */
static kern_return_t
serve(int32_t id, struct task *task)
{
	uint64_t progress[KCALL_PROGRESS_WORDS] = {0};
	const struct kroutine *routine = vm_routines;
	kern_return_t kr;

	while (routine->id != id)
		routine++;
	/* The server has checked that there are that many. */
	assert_true(request.word_count * 4 >= routine->in);
	rounds = 0;
	do {
		struct kcall call = {.routine = routine,
		    .object = task,
		    .caller = &ours,
		    .progress = progress};

		memset(&reply, 0, sizeof(reply));
		kr = routine->serve(&call);
		rounds++;
		assert_true(reply.word_count * 4 <= routine->out);
		assert_true(rounds < 100000);
	} while (kr == KCALL_AGAIN);
	memset(&request, 0, sizeof(request));
	return kr;
}

static uint64_t
result_64(unsigned word)
{
	return reply.words[word] | (uint64_t)reply.words[word + 1] << 32;
}

/* ---- before and after each test ---- */

static uint64_t free_pages;

static uint64_t
pages_at_rest(void)
{
	uint64_t pages = page_free_count();

	for (struct zone *zone = NULL; (zone = zone_next(zone)) != NULL;) {
		uint64_t per_slab =
		    ((PAGE_SIZE << zone->order) - CACHE_LINE) / zone->size;

		pages += zone->total / per_slab << zone->order;
	}
	return pages;
}

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
	free_pages = pages_at_rest();
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
	assert_int_equal(pages_at_rest(), free_pages);
	return 0;
}

/* ---- small words ---- */

static uaddr_t
allocate(struct task *task, uint64_t size)
{
	argument_64(0);
	argument_64(size);
	argument_32(VM_FLAGS_ANYWHERE);
	assert_int_equal(serve(MSGID_MACH_VM_ALLOCATE, task), KERN_SUCCESS);
	return result_64(0);
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
range(int32_t id, struct task *task, uint64_t address, uint64_t size,
    uint32_t first, uint32_t second)
{
	argument_64(address);
	argument_64(size);
	argument_32(first);
	argument_32(second);
	return serve(id, task);
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
	assert_int_equal(range(MSGID_MACH_VM_DEALLOCATE, &other, address + 5,
			     size - 10, 0, 0),
	    KERN_SUCCESS);
	assert_true(rounds > 4);
	assert_int_equal(other.map->size, 0);
	assert_int_equal(
	    range(MSGID_MACH_VM_DEALLOCATE, &other, address, size, 0, 0),
	    KERN_SUCCESS);
}

static void
test_long_protection(void **state)
{
	const uint64_t size = 16 * MiB;
	uaddr_t address = allocate(&other, size);
	struct map_region region;

	(void)state;
	fill(&other, address, size);
	assert_int_equal(range(MSGID_MACH_VM_PROTECT, &other, address, size,
			     false, VM_PROT_READ),
	    KERN_SUCCESS);
	assert_true(rounds > 4);
	assert_int_equal(map_region(other.map, address, &region), KERN_SUCCESS);
	assert_int_equal(region.prot, VM_PROT_READ);
	assert_int_equal(region.size, size);
	assert_int_equal(range(MSGID_MACH_VM_INHERIT, &other, address, size,
			     VM_INHERIT_NONE, 0),
	    KERN_SUCCESS);
	assert_int_equal(map_region(other.map, address, &region), KERN_SUCCESS);
	assert_int_equal(region.inherit, VM_INHERIT_NONE);
}

static void
test_wrong_ranges(void **state)
{
	static const int32_t ids[] = {MSGID_MACH_VM_DEALLOCATE,
	    MSGID_MACH_VM_PROTECT, MSGID_MACH_VM_INHERIT};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(range(ids[i], &other, UINT64_MAX, 1, 0, 0),
		    KERN_INVALID_ARGUMENT);
		assert_int_equal(
		    range(ids[i], &other, 0x5000, UINT64_MAX, 0, 0),
		    KERN_INVALID_ARGUMENT);
		assert_int_equal(
		    range(ids[i], &other, UINT64_MAX - 4096, 4096, 0, 0),
		    KERN_INVALID_ARGUMENT);
		assert_int_equal(
		    range(ids[i], &other, 0x5000, 0, 0, 0), KERN_SUCCESS);
	}
}

static void
test_region(void **state)
{
	uaddr_t address = allocate(&other, 3 * PAGE_SIZE);
	struct vm_region_basic_info_64 info;

	(void)state;
	argument_64(0);
	argument_32(VM_REGION_BASIC_INFO_64);
	argument_32(VM_REGION_BASIC_INFO_COUNT_64);
	assert_int_equal(serve(MSGID_MACH_VM_REGION, &other), KERN_SUCCESS);
	assert_int_equal(reply.ports, 1);
	assert_int_equal(result_64(0), address);
	assert_int_equal(result_64(2), 3 * PAGE_SIZE);
	assert_int_equal(reply.words[4], VM_REGION_BASIC_INFO_COUNT_64);
	memcpy(&info, &reply.words[5], sizeof(info));
	assert_int_equal(info.protection, VM_PROT_DEFAULT);
	assert_int_equal(info.max_protection, VM_PROT_ALL);
	assert_int_equal(info.inheritance, VM_INHERIT_DEFAULT);

	argument_64(address + 3 * PAGE_SIZE);
	argument_32(VM_REGION_BASIC_INFO_64);
	argument_32(VM_REGION_BASIC_INFO_COUNT_64);
	assert_int_equal(
	    serve(MSGID_MACH_VM_REGION, &other), KERN_INVALID_ADDRESS);
	argument_64(0);
	argument_32(VM_REGION_BASIC_INFO_64);
	argument_32(VM_REGION_BASIC_INFO_COUNT_64 - 1);
	assert_int_equal(
	    serve(MSGID_MACH_VM_REGION, &other), KERN_INVALID_ARGUMENT);
}

static kern_return_t
map_object(struct port *object, uint64_t size, uint32_t prot, uint32_t most,
    uint32_t inherit)
{
	request.port = object;
	argument_64(0);
	argument_64(size);
	argument_64(0xffff);
	argument_32(VM_FLAGS_ANYWHERE | VM_FLAGS_RANDOM_ADDR | 0x55000000);
	argument_64(0);
	argument_32(false);
	argument_32(prot);
	argument_32(most);
	argument_32(inherit);
	return serve(MSGID_MACH_VM_MAP, &other);
}

static void
test_map(void **state)
{
	static struct port object;

	(void)state;
	assert_int_equal(map_object(NULL, PAGE_SIZE, VM_PROT_READ,
			     VM_PROT_DEFAULT, VM_INHERIT_SHARE),
	    KERN_SUCCESS);
	assert_int_equal(result_64(0) & 0xffff, 0);
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
	argument_64(address);
	argument_64(size);
	return serve(MSGID_MACH_VM_READ, &other);
}

static void
test_read(void **state)
{
	const uint64_t size = 5 * MiB + 1234;
	uaddr_t address = allocate(&other, size), copy;

	(void)state;
	fill(&other, address, size);
	assert_int_equal(read_memory(address, size), KERN_SUCCESS);
	assert_true(rounds > 1000); /* one for each page and more */
	assert_int_equal(reply.words[0], size);
	assert_int_equal(reply.memory_size, size);
	assert_int_equal(ours.map->size, 0);
	assert_int_equal(
	    transfer_map(reply.memory, ours.map, &copy), KERN_SUCCESS);
	assert_filled(ours.map, copy, size);
	fill(&other, address, size);

	assert_int_equal(read_memory(address, 0), KERN_SUCCESS);
	assert_null(reply.memory);
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
	assert_int_equal(range(MSGID_MACH_VM_DEALLOCATE, &other,
			     address + 3 * MiB, PAGE_SIZE, 0, 0),
	    KERN_SUCCESS);
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
	assert_true(count > 3);
	transfer_destroy(reply.memory);
	assert_int_equal(ours.map->size, 0);
}

static void
test_write(void **state)
{
	const uint64_t size = 2 * MiB + 77;
	uaddr_t from = allocate(&ours, size), to = allocate(&other, size + 9);
	struct transfer *memory = NULL;
	kern_return_t kr;

	(void)state;
	fill(&ours, from, size);
	do
		kr = transfer_take(ours.map, from, size, true, &memory);
	while (kr == KERN_OPERATION_TIMED_OUT);
	assert_int_equal(kr, KERN_SUCCESS);

	request.memory = memory;
	request.memory_size = size;
	argument_64(to + 9);
	argument_32((uint32_t)size);
	assert_int_equal(serve(MSGID_MACH_VM_WRITE, &other), KERN_SUCCESS);
	assert_true(rounds > 500);
	assert_filled(other.map, to + 9, size);

	request.memory = memory;
	request.memory_size = size;
	argument_64(0x1000);
	argument_32((uint32_t)size);
	assert_int_equal(
	    serve(MSGID_MACH_VM_WRITE, &other), KERN_INVALID_ADDRESS);
	transfer_destroy(memory);
}

static void
test_read_overwrite(void **state)
{
	const uint64_t size = 40000;
	uaddr_t from = allocate(&other, size), to = allocate(&ours, size);

	(void)state;
	fill(&other, from, size);
	argument_64(from);
	argument_64(size);
	argument_64(to);
	assert_int_equal(
	    serve(MSGID_MACH_VM_READ_OVERWRITE, &other), KERN_SUCCESS);
	assert_int_equal(result_64(0), size);
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
