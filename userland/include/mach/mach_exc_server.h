/*
 * mach/mach_exc_server.h: mach/exc_server.h with codes of 64 bits, for
 * behaviors with MACH_EXCEPTION_CODES: mach_exc_server() calls
 * catch_mach_exception_raise(), catch_mach_exception_raise_state() and
 * catch_mach_exception_raise_state_identity(); the longest request is a
 * union __RequestUnion__catch_mach_exc_subsystem.
 */
#pragma once

#include <mach/exception_types.h>
#include <mach/mach_types.h>
#include <server/mach_exc.h>
