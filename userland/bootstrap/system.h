/*
 * bootstrap/system.h: what runs when: servers, then what the manifest runs,
 * then the session; or the one program of the command line, and the end.
 */
#pragma once

#include <mach/mach_types.h>

#include "manifest.h"
#include "options.h"

struct child;

/* From now on there is output, to the firmware's console. */
void system_init(const struct options *options);

/* Starts the servers and whatever comes first. */
void system_start(const struct manifest *manifest);

/* @child has ended, and is not looked at afterwards: goes on from there. */
void system_child_ended(struct child *child);

/* The port of the service @name has come home. */
void system_service_home(const char *name);

/* The service @name has been checked in. */
void system_service_away(const char *name, mach_port_t port);

/* bootstrap_device(): *@port is a send right for the caller to give away. */
kern_return_t system_device(
    const struct child *child, const char *thing, mach_port_t *port);

/* bootstrap_archive(): *@entry is a send right for the caller to give away. */
kern_return_t system_archive(const struct child *child, mach_port_t *entry,
    uint64_t *offset, uint64_t *size);
