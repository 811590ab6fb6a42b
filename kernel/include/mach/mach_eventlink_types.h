/* mach/mach_eventlink_types.h: options of mach/mach_eventlink.h. */
#pragma once

#include <mach/port.h>

typedef mach_port_t eventlink_t;
typedef mach_port_t eventlink_port_pair_t[2];

typedef unsigned int kern_clock_id_t;
#define KERN_CLOCK_MACH_ABSOLUTE_TIME 1

typedef unsigned int mach_eventlink_create_option_t;
#define MELC_OPTION_NONE	0
#define MELC_OPTION_NO_COPYIN	0x1 /* the one that there is */
#define MELC_OPTION_WITH_COPYIN 0x2

typedef unsigned int mach_eventlink_associate_option_t;
#define MELA_OPTION_NONE	      0
#define MELA_OPTION_ASSOCIATE_ON_WAIT 0x1 /* whoever waits is the one */

typedef unsigned int mach_eventlink_disassociate_option_t;
#define MELD_OPTION_NONE 0

typedef unsigned int mach_eventlink_signal_wait_option_t;
#define MELSW_OPTION_NONE    0
#define MELSW_OPTION_NO_WAIT 0x1 /* only look */

/* What the traps return: a count of 56 bits, and a kern_return_t above. */
#define EVENTLINK_SIGNAL_COUNT_MASK  0xffffffffffffff
#define EVENTLINK_SIGNAL_ERROR_MASK  0xff
#define EVENTLINK_SIGNAL_ERROR_SHIFT 56

#define encode_eventlink_count_and_error(count, error)                         \
	(((count)&EVENTLINK_SIGNAL_COUNT_MASK) |                               \
	    (((uint64_t)(error)&EVENTLINK_SIGNAL_ERROR_MASK)                   \
		<< EVENTLINK_SIGNAL_ERROR_SHIFT))
#define decode_eventlink_count_from_retval(retval)                             \
	((retval)&EVENTLINK_SIGNAL_COUNT_MASK)
#define decode_eventlink_error_from_retval(retval)                             \
	((kern_return_t)(((retval) >> EVENTLINK_SIGNAL_ERROR_SHIFT) &          \
			 EVENTLINK_SIGNAL_ERROR_MASK))
