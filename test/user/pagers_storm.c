/*
 * pagers_storm.c: threads write to a pager's memory, in two mappings, while
 * others take it away from them, page by page and all at once: nothing that was
 * written is lost, and nobody waits for ever.
 */
#include <baton/thread.h>
#include <mach/memory_object_control.h>
#include <mach/memory_object_server.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "test/user/mach_test.h"

#define PAGE	4096UL
#define PAGES	48
#define SIZE	(PAGES * PAGE)
#define WRITERS 3
#define ROUNDS	400 /* lock requests */

static task_t self;
static mach_port_t object, set, answers;
static memory_object_control_t control;
static char *store, *window[2];
static atomic_uint requests, returns, completed, running, terminated;
static unsigned wrong;

/* ---- the pager ---- */

kern_return_t
memory_object_init(mach_port_t port, memory_object_control_t made,
    memory_object_name_t name, vm_size_t page_size)
{
	(void)port;
	(void)name;
	(void)page_size;
	control = made;
	return memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_DELAY);
}

kern_return_t
memory_object_data_request(mach_port_t port, memory_object_control_t from,
    vm_offset_t offset, vm_size_t length, vm_prot_t desired_access)
{
	char *data = pages_new(length);

	(void)port;
	(void)desired_access;
	mach_port_deallocate(self, from);
	requests++;
	memcpy(data, store + offset, length);
	return memory_object_data_supply(control, offset, (vm_offset_t)data,
	    (mach_msg_type_number_t)length, TRUE, VM_PROT_NONE, FALSE,
	    MACH_PORT_NULL);
}

kern_return_t
memory_object_data_unlock(mach_port_t port, memory_object_control_t from,
    vm_offset_t offset, vm_size_t length, vm_prot_t desired_access)
{
	(void)port;
	(void)desired_access;
	mach_port_deallocate(self, from);
	return memory_object_lock_request(control, offset, length,
	    MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE, MACH_PORT_NULL);
}

kern_return_t
memory_object_data_return(mach_port_t port, memory_object_control_t from,
    vm_offset_t offset, pointer_t data, mach_msg_type_number_t count,
    boolean_t dirty, boolean_t kernel_copy)
{
	(void)port;
	(void)dirty;
	(void)kernel_copy;
	mach_port_deallocate(self, from);
	memcpy(store + offset, (char *)data, count);
	returns++;
	return vm_deallocate(self, data, count);
}

kern_return_t
memory_object_lock_completed(mach_port_t port, memory_object_control_t from,
    vm_offset_t offset, vm_size_t length)
{
	(void)port;
	(void)offset;
	(void)length;
	mach_port_deallocate(self, from);
	completed++;
	return KERN_SUCCESS;
}

kern_return_t
memory_object_supply_completed(mach_port_t port, memory_object_control_t from,
    vm_offset_t offset, vm_size_t length, kern_return_t result,
    vm_offset_t error_offset)
{
	(void)port;
	(void)from;
	(void)offset;
	(void)length;
	(void)result;
	(void)error_offset;
	return KERN_FAILURE;
}

kern_return_t
memory_object_change_completed(mach_port_t port, boolean_t may_cache,
    memory_object_copy_strategy_t copy_strategy)
{
	(void)port;
	(void)may_cache;
	(void)copy_strategy;
	return KERN_FAILURE;
}

kern_return_t
memory_object_copy(mach_port_t port, memory_object_control_t from,
    vm_offset_t offset, vm_size_t length, mach_port_t copy)
{
	(void)port;
	(void)from;
	(void)offset;
	(void)length;
	(void)copy;
	return KERN_FAILURE;
}

kern_return_t
memory_object_terminate(
    mach_port_t port, memory_object_control_t from, memory_object_name_t name)
{
	mach_port_deallocate(self, port);
	mach_port_destroy(self, from);
	mach_port_destroy(self, name);
	terminated++;
	return KERN_SUCCESS;
}

static void
serve(void *unused)
{
	(void)unused;
	mach_msg_server(memory_object_server,
	    sizeof(union __RequestUnion__memory_object_subsystem) +
		MAX_TRAILER_SIZE,
	    set, 0);
}

/* ---- those who write ---- */

/* Each has a word of its own in every page, which it alone counts up. */
static void
write_words(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg, seed = id + 1;
	static unsigned last[WRITERS][PAGES];

	for (unsigned i = 0; completed < ROUNDS && wrong == 0; i++) {
		unsigned page;
		volatile unsigned *word;

		seed = seed * 1103515245 + 12345;
		page = seed >> 16 & 63;
		if (page >= PAGES)
			continue;
		word =
		    (volatile unsigned *)(void *)(window[i & 1] + page * PAGE) +
		    id * 16;
		if (*word != last[id][page])
			wrong++;
		*word = ++last[id][page];
	}
	/* What there is to be in the end stands behind. */
	memcpy(store + SIZE + id * sizeof(last[0]), last[id], sizeof(last[0]));
	running--;
}

/* Those who take it away. */
static void
take_away(void *unused)
{
	unsigned seed = 99;

	(void)unused;
	while (running > 0) {
		uint64_t offset;
		uint64_t size;
		unsigned before = completed;
		uint64_t start;

		seed = seed * 1103515245 + 12345;
		offset = (seed >> 16) % PAGES * PAGE;
		size = (seed >> 8 & 3) == 0 ? SIZE - offset : PAGE;
		memory_object_lock_request(control, offset, size,
		    MEMORY_OBJECT_RETURN_DIRTY, seed >> 12 & 1,
		    seed >> 13 & 1 ? VM_PROT_WRITE : VM_PROT_NO_CHANGE,
		    answers);
		start = mach_absolute_time();
		while (completed == before && ms_since(start) < 10000)
			thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
		if (completed == before)
			wrong++;
	}
}

static char *
map(void)
{
	mach_vm_address_t address = 0;

	must(mach_vm_map(self, &address, SIZE, 0, VM_FLAGS_ANYWHERE, object, 0,
	    FALSE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
	return (char *)address;
}

/* Is each writer's last word in the pager's store? */
static unsigned
lost(void)
{
	unsigned count = 0;

	for (unsigned id = 0; id < WRITERS; id++) {
		const unsigned *last =
		    (const unsigned *)(void *)(store + SIZE) + id * PAGES;

		for (unsigned page = 0; page < PAGES; page++) {
			const unsigned *word =
			    (const unsigned *)(void *)(store + page * PAGE) +
			    id * 16;

			if (*word != last[page])
				count++;
		}
	}
	return count;
}

int
main(void)
{
	struct mach_thread *server, *writer[WRITERS], *taker;

	self = mach_task_self();
	store = pages_new(2 * SIZE);
	must(mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set));
	object = port_new_send();
	answers = port_new_send();
	must(mach_port_move_member(self, object, set));
	must(mach_port_move_member(self, answers, set));
	must(mach_thread_start(serve, NULL, 0, &server));
	window[0] = map();
	window[1] = map();
	is(window[0][0], 0, "the memory is there");
	running = WRITERS;
	for (uintptr_t i = 0; i < WRITERS; i++)
		must(mach_thread_start(write_words, (void *)i, 0, &writer[i]));
	must(mach_thread_start(take_away, NULL, 0, &taker));
	for (int i = 0; i < WRITERS; i++)
		mach_thread_join(writer[i]);
	mach_thread_join(taker);
	is(wrong, 0, "each finds what it wrote");
	note("%u requests, %u returns, %u lock requests", requests, returns,
	    completed);
	pages_end(window[0], SIZE);
	pages_end(window[1], SIZE);
	for (int i = 0; i < 500 && terminated == 0; i++)
		sleep_ms(10);
	is(terminated, 1, "nobody maps it any more");
	is(lost(), 0, "the pager has all that was written");
	return done();
}
