/* libmach/bootstrap.c: the client side of servers/bootstrap.h. */
#include "call.h"

#include <stdlib.h>
#include <string.h>

#include <baton/mutex.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>

static kern_return_t
port_by_name(mach_port_t bootstrap, mach_msg_id_t id, const char *name,
    mach_port_t *port)
{
	struct call call;

	call_begin(&call, id);
	call_put_string(&call, name, BOOTSTRAP_MAX_NAME_LEN);
	call_perform(&call, bootstrap);
	call_get_port(&call, port);
	return call_end(&call);
}

kern_return_t
bootstrap_check_in(
    mach_port_t bootstrap, const char *service, mach_port_t *port)
{
	return port_by_name(bootstrap, MSGID_BOOTSTRAP_CHECK_IN, service, port);
}

kern_return_t
bootstrap_look_up(mach_port_t bootstrap, const char *service, mach_port_t *port)
{
	return port_by_name(bootstrap, MSGID_BOOTSTRAP_LOOK_UP, service, port);
}

kern_return_t
bootstrap_device(mach_port_t bootstrap, const char *device, mach_port_t *port)
{
	return port_by_name(bootstrap, MSGID_BOOTSTRAP_DEVICE, device, port);
}

kern_return_t
bootstrap_register(mach_port_t bootstrap, const char *service, mach_port_t port)
{
	struct call call;

	call_begin(&call, MSGID_BOOTSTRAP_REGISTER);
	call_put_port(&call, port, MACH_MSG_TYPE_COPY_SEND);
	call_put_string(&call, service, BOOTSTRAP_MAX_NAME_LEN);
	call_perform(&call, bootstrap);
	return call_end(&call);
}

/* Strings one behind the other; the bytes used, or 0 if they do not fit. */
static uint32_t
pack_arguments(char *const argv[], char *packed, uint32_t *count)
{
	uint32_t used = 0;

	for (*count = 0; argv[*count] != NULL; ++*count) {
		size_t length = strlen(argv[*count]) + 1;

		if (length > BOOTSTRAP_ARGS_MAX - used)
			return 0;
		memcpy(packed + used, argv[*count], length);
		used += (uint32_t)length;
	}
	return used;
}

/*
 * What the server calls the tasks we have spawned: by the time one is waited
 * for, its port may be dead, and no port to send any more.
 */
struct spawned {
	struct spawned *next;
	task_t task;
	uint32_t id;
};

static struct spawned *spawned;
static struct mutex spawned_lock;

static void
spawned_add(struct spawned *entry, task_t task, uint32_t id)
{
	entry->task = task;
	entry->id = id;
	mutex_lock(&spawned_lock);
	entry->next = spawned;
	spawned = entry;
	mutex_unlock(&spawned_lock);
}

/* The latest task by this name; 0 if there is none. */
static uint32_t
spawned_take(task_t task)
{
	struct spawned **link, *entry;
	uint32_t id = 0;

	mutex_lock(&spawned_lock);
	link = &spawned;
	while (*link != NULL && (*link)->task != task)
		link = &(*link)->next;
	entry = *link;
	if (entry != NULL) {
		id = entry->id;
		*link = entry->next;
	}
	mutex_unlock(&spawned_lock);
	free(entry);
	return id;
}

kern_return_t
bootstrap_spawn(mach_port_t bootstrap, const char *program, char *const argv[],
    task_t *task)
{
	char packed[BOOTSTRAP_ARGS_MAX];
	uint32_t count, bytes = pack_arguments(argv, packed, &count), id = 0;
	struct spawned *entry = malloc(sizeof(*entry));
	kern_return_t kr;
	struct call call;

	if (bytes == 0 || entry == NULL) {
		free(entry);
		return entry == NULL ? BOOTSTRAP_NO_MEMORY
				     : BOOTSTRAP_BAD_COUNT;
	}
	call_begin(&call, MSGID_BOOTSTRAP_SPAWN);
	call_put_string(&call, program, BOOTSTRAP_MAX_NAME_LEN);
	call_put_u32(&call, count);
	call_put_u32(&call, bytes);
	call_put_bytes(&call, packed, bytes);
	call_perform(&call, bootstrap);
	call_get_port(&call, task);
	call_skip_ndr(&call);
	call_get_u32(&call, &id);
	kr = call_end(&call);
	if (kr == KERN_SUCCESS)
		spawned_add(entry, *task, id);
	else
		free(entry);
	return kr;
}

kern_return_t
bootstrap_wait(mach_port_t bootstrap, task_t task, int *status)
{
	uint32_t word = 0;
	kern_return_t kr;
	struct call call;

	call_begin(&call, MSGID_BOOTSTRAP_WAIT);
	call_put_u32(&call, spawned_take(task));
	call_perform(&call, bootstrap);
	call_get_u32(&call, &word);
	kr = call_end(&call);
	if (kr == KERN_SUCCESS)
		*status = (int)word;
	return kr;
}

kern_return_t
bootstrap_list(mach_port_t bootstrap, unsigned int index, char *program)
{
	struct call call;

	call_begin(&call, MSGID_BOOTSTRAP_LIST);
	call_put_u32(&call, index);
	call_perform(&call, bootstrap);
	call_get_bytes(&call, program, BOOTSTRAP_MAX_NAME_LEN);
	return call_end(&call);
}

kern_return_t
bootstrap_exit(mach_port_t bootstrap, int status)
{
	struct call call;

	call_begin(&call, MSGID_BOOTSTRAP_EXIT);
	call_put_u32(&call, (uint32_t)status);
	call_perform(&call, bootstrap);
	return call_end(&call);
}

const char *
bootstrap_strerror(kern_return_t code)
{
	return mach_error_string(code);
}
