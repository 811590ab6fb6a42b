/* mach/host_special_ports.h: host_get_special_port(), _set_. */
#pragma once

#define HOST_SECURITY_PORT	     0
#define HOST_PORT		     1 /* anybody's: information */
#define HOST_PRIV_PORT		     2 /* the privileged host port */
#define HOST_IO_MAIN_PORT	     3 /* devices */
#define HOST_MAX_SPECIAL_KERNEL_PORT 7
/* From there on they are whatever privileged programs leave there. */
#define HOST_MAX_SPECIAL_PORT (HOST_MAX_SPECIAL_KERNEL_PORT + 32)

#define HOST_LOCAL_NODE (-1)
