/*
 * kernel/host.h: the ports that stand for the machine.
 */
#pragma once
#include <mach/port.h>

struct port;

/* What anybody may ask, and what changes the machine.  I after host_init(). */
extern struct port *host_port, *host_priv_port;

/* Boot, after ipc_init(). */
void host_init(void);

/* -29: a send right to the host port, MACH_PORT_NULL when there is no room. */
mach_port_name_t host_self_trap(void);
