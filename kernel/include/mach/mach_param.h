/* mach/mach_param.h: how much of some things there may be. */
#pragma once

/* mach_ports_register(): the ports of one task. */
#define TASK_PORT_REGISTER_MAX 3
