/*
 * servers/bootstrap.h: the bootstrap server, first of all tasks.
 *
 * Every task is born with a send right to it, `bootstrap_port`.  It knows
 * services by name, starts programs from the boot archive, and hands out
 * devices as its manifest says.
 *
 * A service of the manifest exists from the start: who looks it up gets a
 * send right, and messages wait until the server has checked in.  When a
 * server dies its port comes back to the bootstrap server and goes to the
 * next one that checks in, so clients need not notice.
 *
 * The messages are defined in servers/bootstrap.defs, which has what every Mach
 * has, and servers/bootstrap_programs.defs.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

#define BOOTSTRAP_MAX_NAME_LEN 128
#define BOOTSTRAP_ARGS_MAX     1024 /* bytes of all arguments together */
#define BOOTSTRAP_ARGC_MAX     40

/* Before a file's name in the boot archive: the service that is its memory
 * object's port, where the manifest says who serves files. */
#define BOOTSTRAP_FILE_PREFIX "file/"

typedef char name_t[BOOTSTRAP_MAX_NAME_LEN];
typedef const char *bootstrap_name_t;
typedef const char *bootstrap_arguments_t;

#define BOOTSTRAP_SUCCESS	  0
#define BOOTSTRAP_NOT_PRIVILEGED  1100
#define BOOTSTRAP_NAME_IN_USE	  1101
#define BOOTSTRAP_UNKNOWN_SERVICE 1102
#define BOOTSTRAP_SERVICE_ACTIVE  1103
#define BOOTSTRAP_BAD_COUNT	  1104
#define BOOTSTRAP_NO_MEMORY	  1105

/*
 * The receive right of a service of the manifest that is the caller's to
 * serve.  BOOTSTRAP_UNKNOWN_SERVICE, BOOTSTRAP_NOT_PRIVILEGED (another
 * program's), BOOTSTRAP_SERVICE_ACTIVE (checked in already).
 */
kern_return_t bootstrap_check_in(
    mach_port_t bootstrap, const char *service, mach_port_t *port);

/*
 * Makes @port, a send right, known as @service, until the caller ends;
 * MACH_PORT_NULL takes it back.  BOOTSTRAP_NAME_IN_USE.
 */
kern_return_t bootstrap_register(
    mach_port_t bootstrap, const char *service, mach_port_t port);

/* A send right to a service.  BOOTSTRAP_UNKNOWN_SERVICE. */
kern_return_t bootstrap_look_up(
    mach_port_t bootstrap, const char *service, mach_port_t *port);

/*
 * Starts @program of the boot archive.  @argv: null-terminated, the first is
 * the program's name for itself; at most BOOTSTRAP_ARGS_MAX bytes in all.
 * The caller owns a send right to the new task.  BOOTSTRAP_UNKNOWN_SERVICE:
 * no such program; _NO_MEMORY; KERN_INVALID_ARGUMENT: the file is no program.
 */
kern_return_t bootstrap_spawn(mach_port_t bootstrap, const char *program,
    char *const argv[], task_t *task);

/*
 * Waits for a program the caller has spawned to end; each can be waited for
 * once.  The status is what it gave to exit(), or 128 and more if it was
 * ended otherwise.  BOOTSTRAP_UNKNOWN_SERVICE: not the caller's child.
 */
kern_return_t bootstrap_wait(mach_port_t bootstrap, task_t task, int *status);

/*
 * The name of the @index-th program of the archive, in room for
 * BOOTSTRAP_MAX_NAME_LEN.  BOOTSTRAP_BAD_COUNT: there are fewer.
 */
kern_return_t bootstrap_list(
    mach_port_t bootstrap, unsigned int index, name_t program);

/*
 * The device port the manifest grants to the caller's program by this name;
 * besides devices there are "host_priv" and "device_master".
 * BOOTSTRAP_NOT_PRIVILEGED, or the code of device_open().
 */
kern_return_t bootstrap_device(
    mach_port_t bootstrap, const char *device, mach_port_t *port);

/*
 * The boot archive: a memory entry to be mapped read-only, and where in that
 * the archive begins and how many bytes it has.  For who is granted "archive":
 * BOOTSTRAP_NOT_PRIVILEGED.
 */
kern_return_t bootstrap_archive(mach_port_t bootstrap, mach_port_t *entry,
    uint64_t *offset, uint64_t *size);

/* Tells how the caller ends; exit() does this. */
kern_return_t bootstrap_exit(mach_port_t bootstrap, int status);

/* Words for a code of these calls or of the kernel. */
const char *bootstrap_strerror(kern_return_t code);

MACH_END_DECLS
