/* mach.h: mach/mach.h, where older programs look for it. */
#pragma once

#include <mach/mach.h>
