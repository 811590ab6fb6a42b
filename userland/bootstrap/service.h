/*
 * bootstrap/service.h: services and their ports.
 *
 * A service of the manifest has its port from the start:
 *
 *	HOME --- check-in ---> AWAY --- the server dies ---> HOME
 *
 * At home we hold the receive right, and messages wait in the queue.  Away the
 * server has it; when that dies, the kernel sends the right back to us with
 * what is queued.  We keep a send right all the time, by the same name, to
 * give to who looks the service up.
 *
 * A service that a task registers has no home: it goes when its owner ends, or
 * when its port dies.
 */
#pragma once

#include <stdbool.h>

#include <mach/mach_types.h>

struct child;

/* Makes the service @name known, at home; @program may check in. */
kern_return_t service_define(const char *name, const char *program);

/*
 * The receive right for @child, to be moved into a reply; codes are those of
 * bootstrap_check_in().
 */
kern_return_t service_check_in(
    const struct child *child, const char *name, mach_port_t *port);

/* Keeps @port, a send right, on success. */
kern_return_t service_register(
    const struct child *child, const char *name, mach_port_t port);

/* A send right of ours, to be copied into a reply. */
kern_return_t service_look_up(const char *name, mach_port_t *port);

/* The memory object of the file @name, a right of ours, while somebody serves
 * it; else MEMORY_OBJECT_NULL. */
memory_object_t service_of_file(const char *name);

/* A receive right has come back; NULL: not a service's. */
const char *service_returned(mach_port_t port);

/* Whether all services of @program can be checked in. */
bool service_home(const char *program);

/* Those of its services that are at home go, and with them their ports: nobody
 * will serve them. */
void service_withdraw(const char *program);

/* What @child has registered goes. */
void service_owner_died(const struct child *child);
