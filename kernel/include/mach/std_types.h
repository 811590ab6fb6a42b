/* mach/std_types.h: the small words every other header builds on. */
#pragma once

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/machine/vm_types.h>
#include <mach/port.h>

typedef mach_port_t io_master_t;
