/* mach/vm_task.h: mach/vm_map.h, under its older name. */
#pragma once

#include <mach/vm_map.h>
