/*
 * interrupts.c: a device's interrupt as a message to its driver.
 *
 * The device is an alarm clock that raises its line as soon as an alarm is set
 * in the past, and keeps it raised until it is told.  Not all machines have
 * one.
 */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>
#include <device/device_calls.h>
#include <servers/bootstrap.h>

#define CLOCK "/soc/rtc@101000"
#define INDEX 0
#define OFTEN 50

/* google,goldfish-rtc: registers, in words */
enum {
	ALARM_LOW = 2, /* sets the alarm */
	ALARM_HIGH = 3,
	INTERRUPT_ENABLE = 4,
	CLEAR_INTERRUPT = 7,
};

static mach_port_t device, notify;
static volatile uint32_t *registers;
static mach_port_t waits_on; /* that, or a set that has it */
static uint32_t heard;	     /* interrupts since the registration */

struct heard {
	struct device_interrupt message;
	mach_msg_trailer_t trailer;
};

static bool
open_clock(void)
{
	mach_vm_address_t address;
	mach_vm_size_t size;

	if (bootstrap_device(bootstrap_port, CLOCK, &device) !=
		BOOTSTRAP_SUCCESS ||
	    device_map_window(device, mach_task_self(), 0, &address, &size) !=
		KERN_SUCCESS)
		return false;
	registers = (volatile uint32_t *)address;
	registers[CLEAR_INTERRUPT] = 1;
	registers[INTERRUPT_ENABLE] = 1;
	return true;
}

static void
raise_line(void)
{
	registers[ALARM_HIGH] = 0;
	registers[ALARM_LOW] = 1;
}

static void
quench(void)
{
	registers[CLEAR_INTERRUPT] = 1;
}

/* Is it the next one's message, and nothing else? */
static bool
is_next(const struct heard *it)
{
	const mach_msg_header_t *header = &it->message.header;

	return header->msgh_bits ==
		   MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND) &&
	       header->msgh_size == sizeof(it->message) &&
	       header->msgh_local_port == notify &&
	       header->msgh_remote_port == MACH_PORT_NULL &&
	       header->msgh_id == MSGID_DEVICE_INTERRUPT &&
	       it->message.index == INDEX && it->message.count == ++heard &&
	       it->trailer.msgh_trailer_size == sizeof(it->trailer);
}

static kern_return_t
hear(struct heard *it, mach_port_t from, mach_msg_option_t option)
{
	return mach_msg(&it->message.header, MACH_RCV_MSG | option, 0,
	    sizeof(*it), from, 0, MACH_PORT_NULL);
}

/* Nobody waits: it is queued, and no second one comes before it is served. */
static void
test_queued(void)
{
	struct heard it;

	raise_line();
	must(await(&it, sizeof(it), notify));
	ok(is_next(&it), "an interrupt is a message");
	quench();
	raise_line();
	is(hear(&it, notify, MACH_RCV_TIMEOUT), MACH_RCV_TIMED_OUT,
	    "the line is shut until the driver is done");
	must(device_intr_ack(device, INDEX));
	must(await(&it, sizeof(it), notify));
	ok(is_next(&it), "then what was raised meanwhile comes");
	quench();
	must(device_intr_ack(device, INDEX));
}

/* ---- a driver that waits ---- */

static atomic_uint served, wrong;
static unsigned misaligned;

static void
drive(void *arg)
{
	static uint8_t room[sizeof(struct heard) + 8]
	    __attribute__((aligned(8)));
	struct heard *it = (struct heard *)(void *)(room + misaligned);

	(void)arg;
	for (unsigned i = 0; i < OFTEN; i++) {
		must(hear(it, waits_on, 0));
		wrong += !is_next(it);
		quench();
		must(device_intr_ack(device, INDEX));
		served++;
	}
}

/* Less urgent than the driver, so that it runs at once where we run. */
static void
raise_often(const char *what)
{
	struct mach_thread *driver;

	served = wrong = 0;
	yield_precedence(1);
	must(mach_thread_start(drive, NULL, 65536, &driver));
	for (unsigned i = 0; i < OFTEN; i++) {
		raise_line();
		while (served == i)
			thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
	}
	mach_thread_join(driver);
	yield_precedence(0);
	is(wrong, 0, "%s", what);
}

static void
test_waiting(void)
{
	mach_port_t set;

	raise_often("a driver that waits hears each, whole and in order");
	misaligned = 4;
	raise_often("the same in a buffer that is oddly placed");
	misaligned = 0;
	must(mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	must(mach_port_insert_member(mach_task_self(), notify, set));
	waits_on = set;
	raise_often("the same of a driver that waits on a set");
	must(mach_port_extract_member(mach_task_self(), notify, set));
	port_end(set);
	waits_on = notify;
	raise_often("and on the port again");
}

/* ---- ends ---- */

static void
test_again(void)
{
	mach_port_t other = port_new_send();
	struct heard it;

	is(device_intr_register(device, INDEX, other), D_ALREADY_OPEN,
	    "a line has one driver");
	/* He ends with an interrupt that he was not done with. */
	raise_line();
	must(await(&it, sizeof(it), notify));
	port_end(notify);
	quench();
	notify = other;
	heard = 0;
	is(device_intr_register(device, INDEX, notify), KERN_SUCCESS,
	    "and then another");
	raise_line();
	must(await(&it, sizeof(it), notify));
	ok(is_next(&it), "who hears the next");
	quench();
	must(device_intr_ack(device, INDEX));
}

int
main(void)
{
	unsigned names;

	(void)mig_get_reply_port();
	if (!open_clock()) {
		skip("interrupts", "there is no such clock, or it is not ours");
		return done();
	}
	notify = port_new_send();
	waits_on = notify;
	must(device_intr_register(device, INDEX, notify));
	test_queued();
	raise_often("a driver's first thread hears each");
	names = name_count();
	test_waiting();
	test_again();
	is(name_count(), names, "no name is left");
	registers[INTERRUPT_ENABLE] = 0;
	port_end(notify);
	return done();
}
