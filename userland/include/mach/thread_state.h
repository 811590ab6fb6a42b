/* mach/thread_state.h: thread_get_state() and thread_set_state(). */
#pragma once

#include <mach/thread_act.h>
#include <mach/thread_status.h>
