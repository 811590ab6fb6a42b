/* bootstrap/service.c: see service.h. */
#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>

#include "child.h"

#define QUEUE_LIMIT MACH_PORT_QLIMIT_SMALL

struct service {
	struct service *next;
	name_t name;
	mach_port_t port;	   /* a send right; at home the receive right */
	const struct child *owner; /* of a registered one, else NULL */
	name_t program;		   /* of the manifest's: who may check in */
	bool home;
};

static struct service *services;

static struct service *
service_find(const char *name)
{
	struct service *service = services;

	while (service != NULL && strcmp(service->name, name) != 0)
		service = service->next;
	return service;
}

static struct service *
service_new(const char *name, mach_port_t port)
{
	struct service *service = calloc(1, sizeof(*service));

	if (service == NULL)
		return NULL;
	strlcpy(service->name, name, sizeof(service->name));
	service->port = port;
	service->next = services;
	services = service;
	return service;
}

static void
service_remove(struct service *service)
{
	struct service **link = &services;

	while (*link != service)
		link = &(*link)->next;
	*link = service->next;
	mach_port_deallocate(mach_task_self(), service->port);
	free(service);
}

static bool
is_dead(mach_port_t port)
{
	mach_port_type_t type;

	return mach_port_type(mach_task_self(), port, &type) != KERN_SUCCESS ||
	       (type & MACH_PORT_TYPE_DEAD_NAME);
}

static kern_return_t
make_port(mach_port_t *port)
{
	mach_port_options_t options = {
	    .flags = MPO_QLIMIT | MPO_INSERT_SEND_RIGHT,
	    .mpl = {.mpl_qlimit = QUEUE_LIMIT},
	};

	return mach_port_construct(mach_task_self(), &options, 0, port);
}

kern_return_t
service_define(const char *name, const char *program)
{
	mach_port_t port;
	kern_return_t kr = make_port(&port);
	struct service *service;

	if (kr != KERN_SUCCESS)
		return kr;
	service = service_new(name, port);
	if (service == NULL) {
		mach_port_destroy(mach_task_self(), port);
		return BOOTSTRAP_NO_MEMORY;
	}
	strlcpy(service->program, program, sizeof(service->program));
	service->home = true;
	return KERN_SUCCESS;
}

kern_return_t
service_register(const struct child *child, const char *name, mach_port_t port)
{
	struct service *service = service_find(name);

	/* A dead one is out of the way; its owner may take its own back. */
	if (service != NULL && service->owner != NULL &&
	    (is_dead(service->port) ||
		(service->owner == child && port == MACH_PORT_NULL))) {
		service_remove(service);
		service = NULL;
	}
	if (service != NULL)
		return BOOTSTRAP_NAME_IN_USE;
	if (port == MACH_PORT_NULL)
		return KERN_SUCCESS;
	service = service_new(name, port);
	if (service == NULL)
		return BOOTSTRAP_NO_MEMORY;
	service->owner = child;
	return KERN_SUCCESS;
}

kern_return_t
service_check_in(const struct child *child, const char *name, mach_port_t *port)
{
	struct service *service = service_find(name);
	mach_port_t previous;
	kern_return_t kr;

	if (service == NULL || service->owner != NULL)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (strcmp(service->program, child->program) != 0)
		return BOOTSTRAP_NOT_PRIVILEGED;
	if (!service->home)
		return BOOTSTRAP_SERVICE_ACTIVE;
	kr = mach_port_request_notification(mach_task_self(), service->port,
	    MACH_NOTIFY_PORT_DESTROYED, 0, child_notify(),
	    MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
	if (kr != KERN_SUCCESS)
		return kr;
	service->home = false;
	*port = service->port;
	return KERN_SUCCESS;
}

kern_return_t
service_look_up(const char *name, mach_port_t *port)
{
	struct service *service = service_find(name);

	if (service == NULL || is_dead(service->port))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	*port = service->port;
	return KERN_SUCCESS;
}

const char *
service_returned(mach_port_t port)
{
	struct service *service = services;

	while (service != NULL &&
	       (service->port != port || service->owner != NULL))
		service = service->next;
	if (service == NULL)
		return NULL;
	service->home = true;
	return service->name;
}

memory_object_t
service_of_file(const char *name)
{
	const struct service *service;
	name_t full;

	if (snprintf(full, sizeof(full), "%s%s", BOOTSTRAP_FILE_PREFIX, name) >=
	    (int)sizeof(full))
		return MEMORY_OBJECT_NULL;
	service = service_find(full);
	if (service == NULL || service->home)
		return MEMORY_OBJECT_NULL;
	return service->port;
}

/* Of the manifest's services, those of a program. */
static bool
serves(const char *program, const struct service *service)
{
	return service->owner == NULL && strcmp(service->program, program) == 0;
}

bool
service_home(const char *program)
{
	const struct service *service;
	bool any = false;

	for (service = services; service != NULL; service = service->next) {
		if (!serves(program, service))
			continue;
		if (!service->home)
			return false;
		any = true;
	}
	return any;
}

void
service_withdraw(const char *program)
{
	struct service *service, *next;

	for (service = services; service != NULL; service = next) {
		next = service->next;
		if (!serves(program, service) || !service->home)
			continue;
		mach_port_mod_refs(mach_task_self(), service->port,
		    MACH_PORT_RIGHT_RECEIVE, -1);
		service_remove(service);
	}
}

void
service_owner_died(const struct child *child)
{
	struct service *service, *next;

	for (service = services; service != NULL; service = next) {
		next = service->next;
		if (service->owner == child)
			service_remove(service);
	}
}
