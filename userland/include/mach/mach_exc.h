/*
 * mach/mach_exc.h: mach/exc.h with codes of 64 bits, for handlers whose
 * behavior has MACH_EXCEPTION_CODES: mach_exception_raise(),
 * mach_exception_raise_state(), mach_exception_raise_state_identity().
 */
#pragma once

#include <mach/exception_types.h>
#include <mach/mach_types.h>
#include <user/mach_exc.h>
