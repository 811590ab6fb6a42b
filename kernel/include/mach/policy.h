/* mach/policy.h: scheduling policies, and what the info calls say of them. */
#pragma once

#include <mach/boolean.h>
#include <mach/machine/vm_types.h>

typedef int policy_t;
typedef integer_t *policy_info_t;
typedef integer_t *policy_base_t;
typedef integer_t *policy_limit_t;

#define POLICY_NULL	 0
#define POLICY_TIMESHARE 1
#define POLICY_RR	 2
#define POLICY_FIFO	 4

#define POLICYCLASS_FIXEDPRI (POLICY_RR | POLICY_FIFO)

struct policy_timeshare_info {
	integer_t max_priority;
	integer_t base_priority;
	integer_t cur_priority;
	boolean_t depressed;
	integer_t depress_priority;
};
typedef struct policy_timeshare_info policy_timeshare_info_data_t;
typedef struct policy_timeshare_info *policy_timeshare_info_t;

struct policy_rr_info {
	integer_t max_priority;
	integer_t base_priority;
	integer_t quantum; /* milliseconds */
	boolean_t depressed;
	integer_t depress_priority;
};
typedef struct policy_rr_info policy_rr_info_data_t;
typedef struct policy_rr_info *policy_rr_info_t;

struct policy_fifo_info {
	integer_t max_priority;
	integer_t base_priority;
	boolean_t depressed;
	integer_t depress_priority;
};
typedef struct policy_fifo_info policy_fifo_info_data_t;
typedef struct policy_fifo_info *policy_fifo_info_t;
