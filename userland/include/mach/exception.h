/* mach/exception.h: exceptions, under the name most programs use. */
#pragma once

#include <mach/exception_types.h>
#include <mach/mach_types.h>
