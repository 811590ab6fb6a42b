/* mach/clock_types.h: times of clocks, and which clocks there are. */
#pragma once

typedef int clock_id_t;
typedef int clock_flavor_t;
typedef int *clock_attr_t; /* what clock_get_attributes() fills in */
typedef int clock_res_t;   /* nanoseconds */
typedef int alarm_type_t;
typedef int sleep_type_t;

struct mach_timespec {
	unsigned int tv_sec;
	int tv_nsec;
};
typedef struct mach_timespec mach_timespec_t;

#define SYSTEM_CLOCK   0 /* since boot */
#define CALENDAR_CLOCK 1
#define REALTIME_CLOCK 0

#define CLOCK_GET_TIME_RES 1
#define CLOCK_ALARM_CURRES 3
#define CLOCK_ALARM_MINRES 4
#define CLOCK_ALARM_MAXRES 5

#define NSEC_PER_USEC 1000ull
#define USEC_PER_SEC  1000000ull
#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull

#define ALRMTYPE      0xff
#define TIME_ABSOLUTE 0x00
#define TIME_RELATIVE 0x01
