/*
 * pager_deaths.c: a pager that is ended in the middle: its clients get errors,
 * not memory, and go on; it is started again, and serves new ones.
 *
 * The manifest lets this program end the pagers.
 */
#include "test/user/exceptions.h"

#include <servers/bootstrap.h>
#include <servers/files.h>
#include <servers/memory_pager.h>
#include <string.h>

#define PAGE	  4096UL
#define SIZE	  (64 * PAGE)
#define AT_MEMORY 0x40000000UL
#define SEED	  12345
#define THREADS	  48

static task_t self;
static mach_port_t host_priv;

static void
end_server(const char *name)
{
	task_t task = task_named(host_priv, name);

	ok(task != MACH_PORT_NULL, "%s is found", name);
	is(task_terminate(task), KERN_SUCCESS, "and ended");
	ok(dies(task), "and is gone");
	mach_port_deallocate(self, task);
}

/* ---- the memory pager, with which its objects end ---- */

static mach_port_t
new_object(void)
{
	mach_port_t server, object;
	kern_return_t kr;

	must(bootstrap_look_up(bootstrap_port, MEMORY_PAGER_SERVICE, &server));
	/* One that was just ended may take the request with it. */
	do
		kr = memory_pager_create(server, SIZE, SEED, &object);
	while (kr == MIG_SERVER_DIED);
	is(kr, KERN_SUCCESS, "an object is made");
	mach_port_deallocate(self, server);
	return object;
}

static kern_return_t
map_at(task_t task, mach_vm_address_t address, mach_port_t object)
{
	return mach_vm_map(task, &address, SIZE, 0, VM_FLAGS_FIXED, object, 0,
	    FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_NONE);
}

/* A small task's threads wait for pages when the pager dies; whether a fault's
 * question is as it should be. */
static bool
is_memory_error(const struct question *question)
{
	return question->exception == EXC_BAD_ACCESS &&
	       question->code[0] == KERN_MEMORY_ERROR &&
	       question->code[1] >= (int64_t)AT_MEMORY &&
	       question->code[1] < (int64_t)(AT_MEMORY + SIZE);
}

static void
test_memory_pager(void)
{
	mach_port_t object = new_object(), port = port_new_send();
	mach_vm_address_t address = AT_MEMORY;
	struct question question;
	struct small small;

	small_make(&small, MACH_PORT_NULL, 0);
	listen(
	    small.task, EXC_MASK_BAD_ACCESS, port, EXCEPTION_DEFAULT | CODES);
	is(map_at(small.task, AT_MEMORY, object), KERN_SUCCESS,
	    "a client maps it");
	small_run(&small, small_count, AT_MEMORY, 0);
	ok(goes_on(&small), "and uses it");

	end_server("memory_pager");
	ok(ask_for(&question, port), "the client gets an exception");
	ok(is_memory_error(&question), "which says why");

	must(mach_vm_deallocate(small.task, AT_MEMORY, SIZE));
	must(mach_vm_allocate(small.task, &address, SIZE, VM_FLAGS_FIXED));
	is(answer(&question, KERN_SUCCESS), MACH_MSG_SUCCESS,
	    "with other memory in its place");
	ok(goes_on(&small), "it goes on where it was");
	question_drop(&question);
	mach_port_deallocate(self, object);

	object = new_object();
	must(mach_vm_deallocate(small.task, AT_MEMORY + SIZE, SIZE));
	is(map_at(small.task, AT_MEMORY + SIZE, object), KERN_SUCCESS,
	    "the next pager's can be mapped");
	small_run(&small, small_count, AT_MEMORY + SIZE + PAGE, 0);
	ok(goes_on(&small), "and used");
	small_kill(&small);
	mach_port_deallocate(self, object);
	port_end(port);
}

/* How many of a small task's threads spin. */
static unsigned
spinning(task_t task)
{
	thread_act_array_t threads;
	mach_msg_type_number_t count, words;
	riscv64_thread_state_t state;
	unsigned found = 0;

	must(task_threads(task, &threads, &count));
	for (unsigned i = 0; i < count; i++) {
		words = RISCV64_THREAD_STATE_COUNT;
		must(thread_get_state(threads[i], RISCV64_THREAD_STATE,
		    (thread_state_t)&state, &words));
		found += state.pc - AT(small_spin) < 8;
		mach_port_deallocate(self, threads[i]);
	}
	vm_deallocate(self, (vm_address_t)threads, count * sizeof(*threads));
	return found;
}

/* Lets threads that got a memory error go on elsewhere: how many there were. */
static unsigned
answer_errors(mach_port_t port, unsigned *wrong)
{
	struct question question;
	unsigned count = 0;

	while (ask_now(&question, port)) {
		*wrong += !is_memory_error(&question);
		set_pc(question.identity, AT(small_spin));
		must(answer(&question, KERN_SUCCESS));
		question_drop(&question);
		count++;
	}
	return count;
}

/* Each of many threads wants a page when the pager dies. */
static void
test_nobody_hangs(void)
{
	mach_port_t object = new_object(), port = port_new_send();
	unsigned errors = 0, wrong = 0;
	struct small small;

	small_make(&small, MACH_PORT_NULL, 0);
	listen(
	    small.task, EXC_MASK_BAD_ACCESS, port, EXCEPTION_DEFAULT | CODES);
	must(map_at(small.task, AT_MEMORY, object));
	for (unsigned i = 0; i < THREADS; i++) {
		small_run(&small, small_load, AT_MEMORY + i * PAGE, 0);
		small_yield(&small);
	}
	end_server("memory_pager");
	for (int i = 0; i < 1000 && spinning(small.task) < THREADS; i++) {
		errors += answer_errors(port, &wrong);
		sleep_ms(10);
	}
	is(spinning(small.task), THREADS, "every thread goes on");
	is(wrong, 0, "with a page or a memory error");
	note("%u errors", errors);
	small_kill(&small);
	mach_port_deallocate(self, object);
	port_end(port);
}

/* ---- the file pager, whose objects are the bootstrap server's ---- */

static void
test_file_pager(void)
{
	mach_port_t server, object, again;
	mach_vm_address_t address = 0;
	uint64_t size;
	kern_return_t kr;
	volatile const char *file;
	unsigned sum = 0;

	must(bootstrap_look_up(bootstrap_port, FILES_SERVICE, &server));
	must(files_open(server, "bootstrap", &object, &size));
	must(mach_vm_map(self, &address, size, 0, VM_FLAGS_ANYWHERE, object, 0,
	    FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE));
	file = (volatile const char *)address;
	is(file[1], 'E', "a file is mapped");

	end_server("file_pager");
	for (uint64_t i = 0; i < size; i += PAGE)
		sum += (unsigned char)file[i];
	ok(sum > 0, "all of it can be read, from the next pager");
	do
		kr = files_open(server, "bootstrap", &again, &size);
	while (kr == MIG_SERVER_DIED);
	is(kr, KERN_SUCCESS, "which answers at the same port");
	is(again, object, "and has the same object");
	must(mach_vm_deallocate(self, address, round_page(size)));
	mach_port_mod_refs(self, object, MACH_PORT_RIGHT_SEND, -2);
	mach_port_deallocate(self, server);
}

int
main(void)
{
	self = mach_task_self();
	must(bootstrap_device(bootstrap_port, "host_priv", &host_priv));
	test_memory_pager();
	test_nobody_hangs();
	test_file_pager();
	return done();
}
