/* mach/thread_status.h: a thread's registers, as the state calls pass them. */
#pragma once

#include <mach/machine/thread_status.h>
#include <mach/machine/vm_types.h>

typedef natural_t *thread_state_t;
typedef int thread_state_flavor_t;
typedef thread_state_flavor_t *thread_state_flavor_array_t;

/* No state of this many words or more exists. */
#define THREAD_STATE_MAX (614)
typedef natural_t thread_state_data_t[THREAD_STATE_MAX];

#define THREAD_STATE_FLAVOR_LIST       0
#define THREAD_STATE_FLAVOR_LIST_NEW   128
#define THREAD_STATE_FLAVOR_LIST_10_9  129
#define THREAD_STATE_FLAVOR_LIST_10_13 130
#define THREAD_STATE_FLAVOR_LIST_10_15 131

#define THREAD_CONVERT_THREAD_STATE_TO_SELF   1
#define THREAD_CONVERT_THREAD_STATE_FROM_SELF 2
