/*
 * kernel/clock_service.h: clocks as ports, and what they answer.
 *
 * Both clocks count from boot: no machine we know tells the kernel the date.
 *
 * An alarm belongs to the task that set it, and dies with it.  It is on the
 * task's list until it fires or the task ends; who takes it off sees to its
 * message.  Its memory goes with timer_work where it has fired, and with who
 * took it off its hart where it has not.
 */
#pragma once
#include <mach/clock_types.h>
#include <mach/port.h>

#include "kernel/types.h"

struct port;
struct task;

enum clock_kind {
	CLOCK_SYSTEM,
	CLOCK_CALENDAR,
	CLOCK_COUNT
};

/* Boot, after ipc_init(). */
void clock_init(void);

/* A send right to the port of clock @id; NULL: there is no such clock. */
struct port *clock_make_send(clock_id_t id) must_check;

/* Ends one alarm of a dying task; false: it has none. */
bool alarm_end_step(struct task *task) must_check;

/* What a clock shows now. */
mach_timespec_t clock_now(void);

/*
 * When it is @time on a clock, or after so long if @type is TIME_RELATIVE: in
 * ticks in *@deadlinep, and as the clock will show it in *@time.
 * KERN_INVALID_VALUE: no such type, or not a time.
 */
kern_return_t clock_deadline(
    alarm_type_t type, mach_timespec_t *time, uint64_t *deadlinep) must_check;

/* Which clock @name is a right to; MACH_PORT_NULL is the system's.
 * KERN_INVALID_NAME, KERN_INVALID_RIGHT, KERN_INVALID_ARGUMENT */
kern_return_t clock_from_name(
    mach_port_name_t name, enum clock_kind *kindp) must_check;
