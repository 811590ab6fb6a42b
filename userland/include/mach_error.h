/* mach_error.h: mach/mach_error.h, where older programs look for it. */
#pragma once

#include <mach/mach_error.h>
