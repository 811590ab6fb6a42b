/* mach/mach.h: everything a program for Mach usually includes. */
#pragma once

#include <mach/mach_types.h>

#include <mach/mach_error.h>
#include <mach/mach_host.h>
#include <mach/mach_init.h>
#include <mach/mach_interface.h>
#include <mach/mach_port.h>
#include <mach/mach_traps.h>
#include <mach/mach_time.h>
#include <mach/mach_voucher.h>
#include <mach/mig.h>
#include <mach/mig_errors.h>
#include <mach/std_types.h>
