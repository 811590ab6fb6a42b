/* mach/thread_switch.h: giving up the processor, perhaps to somebody. */
#pragma once

#include <mach/kern_return.h>
#include <mach/message.h>

#define SWITCH_OPTION_NONE		  0
#define SWITCH_OPTION_DEPRESS		  1 /* at the lowest priority a while */
#define SWITCH_OPTION_WAIT		  2 /* not at all for a while */
#define SWITCH_OPTION_DISPATCH_CONTENTION 3
#define SWITCH_OPTION_OSLOCK_DEPRESS	  4
#define SWITCH_OPTION_OSLOCK_WAIT	  5

#define valid_switch_option(option) ((unsigned int)(option) <= 5)
