/* clock_service.c: see clock_service.h. */
#include "kernel/clock_service.h"

#include <mach/mach_types.h>
#include <serve/clock.h>
#include <serve/mach_host.h>

#include "ipc/kmsg.h"
#include "ipc/kserver.h"
#include "ipc/right.h"
#include "kernel/kassert.h"
#include "kernel/ledger.h"
#include "kernel/servers.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/zone.h"

/* I after clock_init() */
static struct clock {
	enum clock_kind kind;
	struct port *port;
} clocks[CLOCK_COUNT];

/* The body of the message when an alarm goes off. */
struct alarm_reply {
	NDR_record_t ndr;
	kern_return_t code;
	alarm_type_t type;
	mach_timespec_t time;
};

/* t: the task's lock   I: immutable */
struct alarm {
	struct timer timer;
	struct timer_work work;
	struct task *task;	   /* [I] a reference */
	struct list link;	   /* [t] in the task's list, or by itself */
	struct kmsg *message;	   /* [I] */
	struct port *port;	   /* [I] a right to tell */
	mach_msg_type_name_t type; /* [I] which right */
};

static struct zone alarm_zone;

void
clock_init(void)
{
	zone_init(&alarm_zone, "alarm", sizeof(struct alarm), 0);
	for (unsigned i = 0; i < CLOCK_COUNT; i++) {
		clocks[i].kind = (enum clock_kind)i;
		clocks[i].port = port_create_kernel(KOBJECT_CLOCK, &clocks[i]);
		if (clocks[i].port == NULL)
			panic("no memory for the clocks' ports");
	}
}

struct port *
clock_make_send(clock_id_t id)
{
	static_assert(CLOCK_SYSTEM == SYSTEM_CLOCK, "the user's numbers");
	static_assert(CLOCK_CALENDAR == CALENDAR_CLOCK, "the user's numbers");
	if (id < 0 || id >= CLOCK_COUNT)
		return NULL;
	return right_make_send(clocks[id].port);
}

kern_return_t
clock_from_name(mach_port_name_t name, enum clock_kind *kindp)
{
	void *object = &clocks[CLOCK_SYSTEM];
	kern_return_t kr = KERN_SUCCESS;

	if (name != MACH_PORT_NULL)
		kr = kobject_from_name(current_thread()->task->space, name,
		    KOBJECT_CLOCK, &object);
	if (kr == KERN_SUCCESS)
		*kindp = ((struct clock *)object)->kind;
	return kr;
}

/* ---- times ---- */

static mach_timespec_t
timespec_of(uint64_t ticks)
{
	uint64_t rest = ticks % timer_frequency;

	return (mach_timespec_t){
	    .tv_sec = (unsigned int)(ticks / timer_frequency),
	    .tv_nsec = (int)(rest * NSEC_PER_SEC / timer_frequency),
	};
}

mach_timespec_t
clock_now(void)
{
	return timespec_of(timer_now());
}

/* Rounded up, so that nothing is too early; saturating. */
static uint64_t
ticks_of(mach_timespec_t time)
{
	uint64_t nanoseconds = (uint64_t)(unsigned)time.tv_nsec;

	if (time.tv_sec >= TIMER_NEVER / timer_frequency - 1)
		return TIMER_NEVER;
	return time.tv_sec * timer_frequency +
	       (nanoseconds * timer_frequency + NSEC_PER_SEC - 1) /
		   NSEC_PER_SEC;
}

kern_return_t
clock_deadline(alarm_type_t type, mach_timespec_t *time, uint64_t *deadlinep)
{
	uint64_t now = timer_now();
	uint64_t ticks;

	if (type != TIME_ABSOLUTE && type != TIME_RELATIVE)
		return KERN_INVALID_VALUE;
	if (time->tv_nsec < 0 || time->tv_nsec >= (int)NSEC_PER_SEC)
		return KERN_INVALID_VALUE;
	ticks = ticks_of(*time);
	*deadlinep = ticks;
	if (type == TIME_RELATIVE) {
		*deadlinep =
		    ticks < TIMER_NEVER - now ? now + ticks : TIMER_NEVER;
		*time = timespec_of(*deadlinep);
	}
	return KERN_SUCCESS;
}

/* ---- alarms ---- */

/* Its memory; the message and the right are somebody else's by now. */
static void
alarm_free(struct alarm *alarm)
{
	ledger_credit(alarm->task->ledger, BATON_LEDGER_TIMERS, 1);
	task_put(alarm->task);
	zone_free(&alarm_zone, alarm);
}

/* Nobody will hear it. */
static void
alarm_drop(struct alarm *alarm)
{
	kmsg_free(alarm->message);
	right_release(alarm->port, alarm->type);
	alarm_free(alarm);
}

static void
alarm_ring(struct alarm *alarm)
{
	port_send_kernel(alarm->port, alarm->type, alarm->message);
	alarm_free(alarm);
}

/* Take @alarm off its task's list; false: it was not there. */
static bool
unlist(struct alarm *alarm)
{
	struct task *task = alarm->task;
	bool listed;

	spin_lock(&task->lock);
	listed = !list_empty(&alarm->link);
	list_remove(&alarm->link);
	spin_unlock(&task->lock);
	return listed;
}

static void
alarm_work(struct timer_work *work)
{
	struct alarm *alarm = container_of(work, struct alarm, work);

	if (unlist(alarm))
		alarm_ring(alarm);
	else
		alarm_drop(alarm);
}

static void
alarm_fire(struct timer *timer)
{
	timer_defer(&container_of(timer, struct alarm, timer)->work);
}

bool
alarm_end_step(struct task *task)
{
	struct alarm *alarm = NULL;
	bool cancelled = false;

	spin_lock(&task->lock);
	if (!list_empty(&task->alarms)) {
		alarm = list_first(&task->alarms, struct alarm, link);
		list_remove(&alarm->link);
		/* If it has fired, alarm_work() waits for this lock. */
		cancelled = timer_cancel(&alarm->timer);
	}
	spin_unlock(&task->lock);
	if (cancelled)
		alarm_drop(alarm);
	return alarm != NULL;
}

/* Armed under the lock that its list has: it cannot ring before it is there.
 * False: the task is ending. */
static bool
alarm_start(struct alarm *alarm, uint64_t deadline)
{
	struct task *task = alarm->task;
	bool alive;

	spin_lock(&task->lock);
	alive = !task->dying;
	if (alive) {
		list_add_tail(&task->alarms, &alarm->link);
		timer_arm(&alarm->timer, deadline);
	}
	spin_unlock(&task->lock);
	return alive;
}

/* An alarm of @task with all but its right; NULL: no memory. */
static struct alarm *
alarm_create(struct task *task, const struct alarm_reply *reply)
{
	struct alarm *alarm;

	if (!ledger_charge(task->ledger, BATON_LEDGER_TIMERS, 1))
		return NULL;
	alarm = zone_alloc(&alarm_zone);
	if (alarm == NULL)
		goto out_charge;
	*alarm = (struct alarm){
	    .timer.function = alarm_fire,
	    .work.run = alarm_work,
	    .message = kmsg_alloc(task->ledger, sizeof(*reply), 0),
	};
	if (alarm->message == NULL)
		goto out_alarm;
	alarm->message->id = MSGID_CLOCK_ALARM_REPLY;
	memcpy(alarm->message->body, reply, sizeof(*reply));
	alarm->task = task_get(task);
	list_init(&alarm->link);
	return alarm;

out_alarm:
	zone_free(&alarm_zone, alarm);
out_charge:
	ledger_credit(task->ledger, BATON_LEDGER_TIMERS, 1);
	return NULL;
}

/* ---- messages ---- */

kern_return_t
serve_clock_get_time(struct clock *clock, mach_timespec_t *time)
{
	(void)clock; /* they all show the same */
	*time = clock_now();
	return KERN_SUCCESS;
}

kern_return_t
serve_clock_get_attributes(struct clock *clock, clock_flavor_t flavor,
    int *attributes, mach_msg_type_number_t *count)
{
	uint64_t tick = NSEC_PER_SEC / timer_frequency;
	int nanoseconds = tick > 0 ? (int)tick : 1;

	if (*count < 1)
		return KERN_FAILURE;
	switch (flavor) {
	case CLOCK_GET_TIME_RES:
		break;
	case CLOCK_ALARM_CURRES:
	case CLOCK_ALARM_MINRES:
	case CLOCK_ALARM_MAXRES:
		if (clock->kind != CLOCK_SYSTEM)
			nanoseconds = 0; /* it has no alarms */
		break;
	default:
		return KERN_INVALID_VALUE;
	}
	attributes[0] = nanoseconds;
	*count = 1;
	return KERN_SUCCESS;
}

kern_return_t
serve_clock_alarm(struct clock *clock, alarm_type_t type, mach_timespec_t time,
    struct port *port, mach_msg_type_name_t right)
{
	struct alarm_reply reply = {
	    .ndr = NDR_record, .type = type, .time = time};
	struct alarm *alarm;
	uint64_t deadline = 0;

	if (clock->kind != CLOCK_SYSTEM)
		return KERN_FAILURE;
	if (port == NULL || right == MACH_MSG_TYPE_PORT_RECEIVE)
		return KERN_INVALID_CAPABILITY;
	/* A wrong time is told to the one who waits for the alarm. */
	reply.code = clock_deadline(type, &reply.time, &deadline);
	alarm = alarm_create(current_thread()->task, &reply);
	if (alarm == NULL)
		return KERN_RESOURCE_SHORTAGE;
	alarm->port = port;
	alarm->type = right;
	if (deadline <= timer_now())
		alarm_ring(alarm);
	else if (!alarm_start(alarm, deadline))
		alarm_drop(alarm);
	return KERN_SUCCESS;
}

kern_return_t
serve_host_get_clock_service(clock_id_t id, struct port **clock)
{
	*clock = clock_make_send(id);
	return *clock != NULL ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}
