/* mach_init.h: mach/mach_init.h, where older programs look for it. */
#pragma once

#include <mach/mach_init.h>
