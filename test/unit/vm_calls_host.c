/* vm_calls_host.c: see vm_calls_host.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm_calls_host.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/kserver.h"
#include "ipc/right.h"
#include "kernel/list.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/memory_entry.h"
#include "vm/view_call.h"

/* ---- ports of the kernel's ---- */

static const struct kobject_class *entry_class;
static struct zone ports;
unsigned calls_rights_used;

void
kobject_register(enum kobject_kind kind, const struct kobject_class *class)
{
	assert_int_equal(kind, KOBJECT_MEMORY_ENTRY);
	entry_class = class;
}

struct port *
port_create_kernel(enum kobject_kind kind, void *object)
{
	struct port *port = zone_alloc_zeroed(&ports);

	if (port != NULL) {
		port->kind = (uint8_t)kind;
		port->object = object;
		list_init(&port->reap.link);
	}
	return port;
}

void
port_destroy_kernel(struct port *port)
{
	zone_free(&ports, port);
}

struct port *
right_make_send(struct port *port)
{
	return port;
}

void
right_release_send(struct port *port)
{
	calls_rights_used += port != NULL;
}

void *
port_object_get(struct port *port, enum kobject_kind kind)
{
	if (port == NULL || port->kind != kind)
		return NULL;
	if (kind == KOBJECT_TASK)
		return task_get(port->object);
	entry_class->get(port->object);
	return port->object;
}

void
calls_drop_entry(struct port *port)
{
	entry_class->no_senders(port->object);
}

/* ---- tasks and threads ---- */

struct task *
task_from_name(struct space *space, mach_port_name_t name)
{
	(void)space;
	(void)name;
	return NULL;
}

void
task_put(struct task *task)
{
	atomic_fetch_sub(&task->refs, 1);
}

bool
thread_should_yield(void)
{
	return true;
}

/* Only traps come here, of which there are none. */
__attribute__((visibility("hidden"))) noreturn void
sched_yield(continuation_t cont)
{
	(void)cont;
	abort();
}

noreturn void
thread_return_value(uint64_t result)
{
	(void)result;
	abort();
}

/* ---- calls ---- */

uint64_t calls_progress[CALL_PROGRESS_WORDS];
unsigned calls_rounds;

uint64_t *
call_progress(void)
{
	return calls_progress;
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

void
calls_start(uint64_t ram)
{
	vm_host_start(ram);
	zone_init(&ports, "port of a test", sizeof(struct port), 0);
	view_zone_init();
	view_call_init();
	memory_entry_init();
}
