/* mach/machine/boolean.h: boolean_t, under the name older programs use. */
#pragma once

#include <mach/boolean.h>
