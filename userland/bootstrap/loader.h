/*
 * bootstrap/loader.h: turn a file of the archive into a task.
 *
 * The new task has the program's segments as it was linked, and a stack near
 * the top of its address space with the argument block at its end.
 */
#pragma once

#include <mach/mach_types.h>

#include "kernel/boot_archive.h"

struct program {
	struct boot_file file;
	memory_object_t object; /* the same file, or MEMORY_OBJECT_NULL */
};

/*
 * Makes a task that holds @program, mapped where that can be and read where it
 * cannot, and finds @argv (null-terminated) and its
 * bootstrap port @bootstrap when it starts; it has no thread yet.  The caller
 * owns the task and passes @start to loader_run().  KERN_INVALID_ARGUMENT:
 * the file is no program; BOOTSTRAP_BAD_COUNT: too many arguments.
 */
kern_return_t loader_load(const struct program *program, char *const argv[],
    mach_port_t bootstrap, task_t *task, riscv64_thread_state_t *start);

kern_return_t loader_run(task_t task, riscv64_thread_state_t *start);
