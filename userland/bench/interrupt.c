/*
 * interrupt.c: how long a driver waits for its interrupt.
 *
 * The device is an alarm clock that raises its line as soon as an alarm is set
 * in the past.  The driver's thread comes before ours, so what is counted ends
 * with the first thing it does.
 */
#include <device/device_calls.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>

#include <baton/thread.h>

#include "bench.h"

#define ROUNDS	1000
#define WARM_UP 20

/* google,goldfish-rtc: registers, in words */
enum {
	ALARM_LOW = 2, /* sets the alarm */
	ALARM_HIGH = 3,
	INTERRUPT_ENABLE = 4,
	CLEAR_INTERRUPT = 7,
};

static struct {
	mach_port_t device, notify;
	volatile uint32_t *registers;
	volatile uint64_t raised;
	volatile unsigned served;
} alarm;

union interrupt {
	struct device_interrupt message;
	uint8_t room[sizeof(struct device_interrupt) + MAX_TRAILER_SIZE];
};

static void
drive(void *arg)
{
	union interrupt interrupt;

	(void)arg;
	for (unsigned i = 0; i < WARM_UP + ROUNDS; i++) {
		kern_return_t kr = mach_msg(&interrupt.message.header,
		    MACH_RCV_MSG, 0, sizeof(interrupt), alarm.notify,
		    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		uint64_t cost = bench_now() - alarm.raised;

		bench_check(kr, "hear an interrupt");
		if (i >= WARM_UP)
			bench_sample(cost);
		alarm.registers[CLEAR_INTERRUPT] = 1;
		bench_check(
		    device_intr_ack(alarm.device, 0), "open the line again");
		alarm.served = i + 1;
	}
}

static bool
open_alarm(void)
{
	mach_vm_address_t address;
	mach_vm_size_t size;

	if (bootstrap_device(bootstrap_port, "/soc/rtc@101000",
		&alarm.device) != BOOTSTRAP_SUCCESS ||
	    device_map_window(alarm.device, mach_task_self(), 0, &address,
		&size) != KERN_SUCCESS)
		return false;
	alarm.registers = (volatile uint32_t *)address;
	bench_check(mach_port_allocate(mach_task_self(),
			MACH_PORT_RIGHT_RECEIVE, &alarm.notify),
	    "make a port");
	bench_check(mach_port_insert_right(mach_task_self(), alarm.notify,
			alarm.notify, MACH_MSG_TYPE_MAKE_SEND),
	    "make a send right");
	bench_check(device_intr_register(alarm.device, 0, alarm.notify),
	    "register for interrupts");
	alarm.registers[CLEAR_INTERRUPT] = 1;
	alarm.registers[INTERRUPT_ENABLE] = 1;
	return true;
}

void
bench_interrupts(void)
{
	struct mach_thread *driver;

	/* Boards have none that does at once what it is told. */
	if (!open_alarm())
		return;
	bench_begin("irq.message", "interrupt to the driver's thread");
	bench_check(
	    mach_thread_start(drive, NULL, 65536, &driver), "start a driver");
	bench_importance(-1);
	for (unsigned i = 0; i < WARM_UP + ROUNDS; i++) {
		alarm.registers[ALARM_HIGH] = 0;
		alarm.raised = bench_now();
		alarm.registers[ALARM_LOW] = 1;
		while (alarm.served == i)
			thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
	}
	bench_importance(0);
	mach_thread_join(driver);
	alarm.registers[INTERRUPT_ENABLE] = 0;
	bench_end();
}
