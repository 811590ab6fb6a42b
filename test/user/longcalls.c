/*
 * longcalls.c: a call that takes the kernel long holds nobody up who is more
 * urgent: what the hart is asked meanwhile, by its own timer too, it hears.
 */
#include "test/user/mach_test.h"

#include <stdatomic.h>

#include <baton/thread.h>

/* Names of a message, all the same right: a million or so. */
#define ARRAYS 32
#define NAMES  16384

static atomic_uint wakes;
static atomic_bool over;

/* Asleep nearly all the time. */
static void
run_sleeper(void *argument)
{
	(void)argument;
	while (!atomic_load(&over)) {
		sleep_ms(1);
		atomic_fetch_add(&wakes, 1);
	}
}

struct load {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_ool_ports_descriptor_t names[ARRAYS];
	mach_msg_max_trailer_t trailer;
};

static void
load_fill(struct load *load, mach_port_t to, mach_port_t *names)
{
	for (int i = 0; i < NAMES; i++)
		names[i] = to;
	*load = (struct load){
	    .header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) |
				MACH_MSGH_BITS_COMPLEX,
	    .header.msgh_remote_port = to,
	    .body.msgh_descriptor_count = ARRAYS,
	};
	for (int i = 0; i < ARRAYS; i++) {
		load->names[i] = (mach_msg_ool_ports_descriptor_t){
		    .address = names,
		    .copy = MACH_MSG_VIRTUAL_COPY,
		    .disposition = MACH_MSG_TYPE_COPY_SEND,
		    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
		    .count = NAMES,
		};
	}
}

int
main(void)
{
	static struct load load;
	mach_port_t port = port_new_send();
	mach_port_t *names = pages_new(NAMES * sizeof(*names));
	struct mach_thread *sleeper;
	unsigned before;

	must(mach_thread_start(run_sleeper, NULL, 0, &sleeper));
	/* Whoever is as urgent as usual is more urgent than we are. */
	yield_precedence(1);
	while (atomic_load(&wakes) == 0)
		sleep_ms(1);

	load_fill(&load, port, names);
	before = atomic_load(&wakes);
	must(send_message(&load, offsetof(struct load, trailer)));
	ok(atomic_load(&wakes) - before > 3,
	    "who is more urgent sleeps and wakes while a message is sent");
	port_end(port);
	atomic_store(&over, true);
	mach_thread_join(sleeper);
	pages_end(names, NAMES * sizeof(*names));
	return done();
}
