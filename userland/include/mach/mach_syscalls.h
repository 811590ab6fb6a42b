/* mach/mach_syscalls.h: the traps, under their older name. */
#pragma once

#include <mach/mach_traps.h>
#include <mach/thread_switch.h>
