/*
 * libmach/bootstrap.c: what servers/bootstrap.h has beyond its messages:
 * arguments packed, tasks by their ids.
 */
#include <stdlib.h>
#include <string.h>

#include <baton/mutex.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <user/bootstrap_programs.h>

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

	if (bytes == 0 || entry == NULL) {
		free(entry);
		return entry == NULL ? BOOTSTRAP_NO_MEMORY
				     : BOOTSTRAP_BAD_COUNT;
	}
	kr = bootstrap_start(
	    bootstrap, program, count, packed, bytes, task, &id);
	if (kr == KERN_SUCCESS)
		spawned_add(entry, *task, id);
	else
		free(entry);
	return kr;
}

kern_return_t
bootstrap_wait(mach_port_t bootstrap, task_t task, int *status)
{
	return bootstrap_await(bootstrap, spawned_take(task), status);
}

const char *
bootstrap_strerror(kern_return_t code)
{
	return mach_error_string(code);
}
