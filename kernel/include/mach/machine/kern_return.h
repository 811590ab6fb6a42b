/* mach/machine/kern_return.h: kern_return_t, under its older name. */
#pragma once

#include <mach/kern_return.h>
