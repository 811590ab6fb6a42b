/* mach/sync_policy.h: in which order those who wait are woken. */
#pragma once

typedef int sync_policy_t;

#define SYNC_POLICY_FIFO	   0x0 /* who came first */
#define SYNC_POLICY_FIXED_PRIORITY 0x1 /* the highest priority */
#define SYNC_POLICY_REVERSED	   0x2 /* the other way round */
#define SYNC_POLICY_ORDER_MASK	   0x3
#define SYNC_POLICY_LIFO	   (SYNC_POLICY_FIFO | SYNC_POLICY_REVERSED)
#define SYNC_POLICY_PREPOST	   0x4 /* obsolete: no effect */
#define SYNC_POLICY_MAX		   0x7
