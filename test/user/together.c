/*
 * together.c: calls on all harts at once, while everything is done to those
 * who make them that others may do; and whatever comes of a call is one of the
 * things that may.
 *
 * Clients of two tasks call services, each a task, in all forms that mach_msg()
 * has; servers answer, or give the right to do so up.  Meanwhile, here, their
 * threads are aborted, suspended, ended and given other priorities, rights to
 * send and to receive are taken away and given back, reply ports end, and
 * rights to reply are given up in mid-call.
 *
 * Each notes on a board what it is about to do, and has done: so each can say
 * of what it sees whether it may be.  What was sent is received once, in order,
 * whole; each answer is to the last question; a code says what was so at some
 * time during the call, and what was so all of the time is what it says.  In
 * the end every count is what an account says, one event after the other.
 *
 *	run=test/together,SEED,SECONDS
 */
#include "test/user/together.h"

#include <stdlib.h>

#define PAGE	    4096UL
#define STACK_SIZE  (4 * PAGE)
#define AT_CLIENT   ((mach_port_t)0x00012301) /* and so on */
#define LIMIT	    64			      /* of a queue */
#define PATIENCE_MS 20000
/* Things that are done in the time, or longer. */
#define STIRRED_LEAST 200

static mach_port_t self;
static task_t clients[TASKS], servers[SERVICES]; /* of each service */
static thread_t client_thread[CLIENTS], server_thread[SERVERS];
static char *stacks; /* each task has its own */
static uint32_t state;
static unsigned ended; /* threads */

/* Less urgent than we are, by so much. */
static void
set_less(thread_t thread, int less)
{
	thread_precedence_policy_data_t policy = {-less};

	must(thread_policy_set(thread, THREAD_PRECEDENCE_POLICY,
	    (thread_policy_t)&policy, THREAD_PRECEDENCE_POLICY_COUNT));
}

/* ---- begin ---- */

static thread_t
start(task_t task, void (*main)(uint64_t), unsigned which)
{
	riscv64_thread_state_t registers = {
	    .pc = (uint64_t)main,
	    .sp = (uint64_t)stacks + (which + 1) * STACK_SIZE,
	    .a0 = which,
	};
	thread_t thread;

	__asm__("mv %0, gp" : "=r"(registers.gp));
	must(thread_create(task, &thread));
	must(thread_set_state(thread, RISCV64_THREAD_STATE,
	    (thread_state_t)&registers, RISCV64_THREAD_STATE_COUNT));
	/* We stir, so we come first. */
	set_less(thread, 1);
	must(thread_resume(thread));
	return thread;
}

static void
make_service(unsigned which)
{
	struct service *service = &board->service[which];
	mach_port_limits_t limits = {.mpl_qlimit = LIMIT};
	mach_msg_type_name_t type;

	must(mach_port_allocate(
	    servers[which], MACH_PORT_RIGHT_RECEIVE, &service->at_server));
	must(mach_port_set_attributes(servers[which], service->at_server,
	    MACH_PORT_LIMITS_INFO, (mach_port_info_t)&limits,
	    MACH_PORT_LIMITS_INFO_COUNT));
	must(mach_port_extract_right(servers[which], service->at_server,
	    MACH_MSG_TYPE_MAKE_SEND, &service->at_home, &type));
	/* So that it has the name while the right to receive is away. */
	must(mach_port_insert_right(servers[which], service->at_server,
	    service->at_home, MACH_MSG_TYPE_COPY_SEND));
	service->at_client = AT_CLIENT + (which << 8);
	for (int i = 0; i < TASKS; i++)
		must(mach_port_insert_right(clients[i], service->at_client,
		    service->at_home, MACH_MSG_TYPE_COPY_SEND));
}

/* Its next reply port, and the last one's end. */
static void
renew_reply_port(unsigned which)
{
	struct client *client = &board->client[which];
	task_t task = clients[which % TASKS];
	mach_port_t last = (mach_port_t)client->reply, next;

	must(mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &next));
	if (last != MACH_PORT_NULL) {
		client->deaths++;
		must(mach_port_mod_refs(
		    task, last, MACH_PORT_RIGHT_RECEIVE, -1));
		client->dead++;
	}
	client->reply = (uint64_t)client->dead << 32 | next;
}

static void
begin(void)
{
	vm_size_t size = (sizeof(*board) + PAGE - 1) & ~(PAGE - 1);

	board = pages_new(size);
	must(mach_vm_inherit(
	    self, (mach_vm_address_t)board, size, VM_INHERIT_SHARE));
	stacks = pages_new((CLIENTS + SERVERS) * STACK_SIZE);
	for (int i = 0; i < TASKS; i++)
		must(task_create(self, NULL, 0, TRUE, &clients[i]));
	for (int i = 0; i < SERVICES; i++)
		must(task_create(self, NULL, 0, TRUE, &servers[i]));
	for (unsigned i = 0; i < CLIENTS; i++) {
		board->client[i].asked = id_of(i, 0);
		renew_reply_port(i);
	}
	for (unsigned i = 0; i < SERVICES; i++)
		make_service(i);
	for (unsigned i = 0; i < SERVERS; i++)
		server_thread[i] =
		    start(servers[service_of(i)], server_main, i);
	for (unsigned i = 0; i < CLIENTS; i++)
		client_thread[i] = start(clients[i % TASKS], client_main, i);
}

/* ---- stir ---- */

/* Wait until @is_so, for as long as there is hope. */
static bool
in_the_end(bool (*is_so)(unsigned), unsigned which)
{
	for (unsigned ms = 0; !is_so(which); ms++) {
		if (ms == PATIENCE_MS)
			return false;
		sleep_ms(1);
	}
	return true;
}

static uint32_t kept; /* a call that is to be interrupted */

static bool
was_interrupted(unsigned which)
{
	const struct client *client = &board->client[which];

	return client->over == kept || client->asked != kept;
}

/* One of the threads, and what is on the board about it. */
static thread_t
somebody(struct person **person)
{
	uint32_t which = chance(&state, CLIENTS + SERVERS);

	if (which < CLIENTS) {
		*person = &board->client[which].person;
		return client_thread[which];
	}
	*person = &board->server[which - CLIENTS].person;
	return server_thread[which - CLIENTS];
}

/* Others do as they like, for a moment or for a while. */
static void
let_others(void)
{
	if (chance(&state, 4) == 0)
		sleep_ms(1);
	for (uint32_t i = chance(&state, 2000); i > 0; i--)
		__asm__ volatile("" ::: "memory");
}

static void
stir_abort(void)
{
	struct person *person;
	thread_t thread = somebody(&person);

	person->aborts++;
	must(thread_abort(thread));
}

/* Who waits for what will not come, unless he is told not to. */
static void
stir_waiter(void)
{
	uint32_t which = chance(&state, CLIENTS);
	struct client *client = &board->client[which];

	kept = client->kept;
	if (kept == 0 || was_interrupted(which))
		return;
	/* That others are busy is no reason. */
	set_less(client_thread[which], 0);
	client->person.aborts++;
	must(thread_abort(client_thread[which]));
	if (!in_the_end(was_interrupted, which))
		fault(FAULT_ABORT, kept, 0);
	set_less(client_thread[which], 1);
}

static void
stir_suspend(void)
{
	struct person *person;
	thread_t thread = somebody(&person);

	must(thread_suspend(thread));
	let_others();
	must(thread_resume(thread));
}

static void
stir_priority(void)
{
	struct person *person;
	thread_t thread = somebody(&person);

	set_less(thread, 1 + (int)chance(&state, 5));
}

static void
stir_send_right(void)
{
	struct service *service = &board->service[chance(&state, SERVICES)];
	uint32_t which = chance(&state, TASKS);
	struct absence *send = &service->send[which];

	send->leaving++;
	must(mach_port_mod_refs(
	    clients[which], service->at_client, MACH_PORT_RIGHT_SEND, -1));
	send->gone++;
	let_others();
	send->coming++;
	must(mach_port_insert_right(clients[which], service->at_client,
	    service->at_home, MACH_MSG_TYPE_COPY_SEND));
	send->back++;
}

/* The first service's numbers are to be without a break. */
static void
stir_receive_right(void)
{
	uint32_t which = 1 + chance(&state, SERVICES - 1);
	struct service *service = &board->service[which];
	mach_msg_type_name_t type;
	mach_port_t name;

	service->receive.leaving++;
	must(mach_port_extract_right(servers[which], service->at_server,
	    MACH_MSG_TYPE_MOVE_RECEIVE, &name, &type));
	service->receive.gone++;
	must(name != service->at_home);
	let_others();
	service->receive.coming++;
	must(mach_port_insert_right(servers[which], service->at_server, name,
	    MACH_MSG_TYPE_MOVE_RECEIVE));
	service->receive.back++;
}

static void
stir_reply_port(void)
{
	renew_reply_port(chance(&state, CLIENTS));
}

/* Give up what server @which calls so, by chance @times. */
static void
give_up(unsigned which, mach_port_t name, uint32_t times)
{
	board->guessed[board->guesses++ % GUESSES] = name;
	while (mach_port_deallocate(servers[service_of(which)], name) !=
		   KERN_SUCCESS &&
	       times > 0)
		times--;
}

/* The right to reply that a server has, or had. */
static void
stir_reply_right(void)
{
	uint32_t which = chance(&state, SERVERS);
	mach_port_t name = board->server[which].name;

	if (name != MACH_PORT_NULL)
		give_up(which, name, 0);
}

/* The name that the next such right is likely to have. */
static void
stir_next_name(void)
{
	uint32_t which = chance(&state, SERVERS);
	mach_port_t name = board->server[which].name;

	if (name != MACH_PORT_NULL)
		give_up(which, (name & ~0xffU) | ((name + 1) & 0xff),
		    chance(&state, 100));
}

/* A client's thread ends, and another goes on in its place. */
static void
stir_thread(void)
{
	uint32_t which = chance(&state, CLIENTS);
	struct client *client = &board->client[which];

	must(thread_terminate(client_thread[which]));
	if (!dies(client_thread[which]))
		fault(FAULT_END, client->asked, 0);
	must(mach_port_deallocate(self, client_thread[which]));
	ended++;
	renew_reply_port(which);
	client_thread[which] =
	    start(clients[which % TASKS], client_main, which);
}

static void
stir(void)
{
	static void (*const ways[])(void) = {
	    stir_abort,
	    stir_suspend,
	    stir_suspend,
	    stir_priority,
	    stir_send_right,
	    stir_send_right,
	    stir_receive_right,
	    stir_reply_port,
	    stir_reply_right,
	    stir_reply_right,
	    stir_next_name,
	    stir_waiter,
	    stir_thread,
	};

	ways[chance(&state, sizeof(ways) / sizeof(ways[0]))]();
	let_others();
}

/* ---- end ---- */

static unsigned
turns(void)
{
	unsigned sum = 0;

	for (int i = 0; i < CLIENTS; i++)
		sum += board->client[i].person.turns;
	return sum;
}

static bool
client_is_done(unsigned which)
{
	/* Servers are to see that it is over. */
	for (int i = 0; i < SERVICES; i++)
		nudge(board->service[i].at_home);
	return board->client[which].done != 0;
}

static mach_port_status_t
status_in(task_t task, mach_port_t name)
{
	mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
	mach_port_status_t status;

	must(mach_port_get_attributes(task, name, MACH_PORT_RECEIVE_STATUS,
	    (mach_port_info_t)&status, &count));
	return status;
}

/* What the servers of service @which have received, and what of it means
 * something. */
static unsigned
came_to(unsigned which)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < SERVERS; i++)
		if (service_of(i) == which)
			sum += board->server[i].came;
	return sum;
}

static unsigned
told_to(unsigned which)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < SERVERS; i++)
		if (service_of(i) == which)
			sum += board->server[i].came - board->server[i].nudges;
	return sum;
}

/* A thread that was ended may have sent, and not said so. */
static bool
all_came(unsigned which)
{
	const struct service *service = &board->service[which];
	mach_port_status_t status =
	    status_in(servers[which], service->at_server);

	return status.mps_msgcount == 0 &&
	       (which != 0 || status.mps_seqno == came_to(which)) &&
	       told_to(which) - service->sent <= ended;
}

/* A right to reply that a server has still to use. */
static bool
all_answered(unsigned which)
{
	mach_port_t reply = (mach_port_t)board->client[which].reply;

	return status_in(clients[which % TASKS], reply).mps_sorights == 0;
}

/* Names of @task that are for a right of @type. */
static unsigned
names_of(task_t task, mach_port_type_t type)
{
	mach_msg_type_number_t count, type_count;
	mach_port_name_array_t names;
	mach_port_type_array_t types;
	unsigned found = 0;

	must(mach_port_names(task, &names, &count, &types, &type_count));
	for (unsigned i = 0; i < type_count; i++)
		found += (types[i] & type) != 0;
	vm_deallocate(self, (vm_address_t)names, count * sizeof(*names));
	vm_deallocate(self, (vm_address_t)types, type_count * sizeof(*types));
	return found;
}

static void
check_services(void)
{
	for (unsigned i = 0; i < SERVICES; i++) {
		const struct service *service = &board->service[i];
		mach_port_status_t status;
		mach_port_rights_t rights;

		ok(in_the_end(all_came, i),
		    "service %u: all that was sent came", i);
		status = status_in(servers[i], service->at_server);
		must(mach_port_get_srights(
		    servers[i], service->at_server, &rights));
		is(rights, TASKS + 2, "servers, clients and we may send to it");
		is(status.mps_sorights, 0, "and nobody once");
		if (i == 0)
			is(status.mps_seqno, came_to(i), "each was counted");
	}
}

static void
check_clients(void)
{
	unsigned waiting = 0, counted = 0, queued = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		const struct client *client = &board->client[i];
		mach_port_status_t status;

		waiting += !in_the_end(all_answered, i);
		status =
		    status_in(clients[i % TASKS], (mach_port_t)client->reply);
		counted += status.mps_seqno != client->came;
		queued += status.mps_msgcount;
	}
	is(waiting, 0, "no right to reply is left");
	is(queued, 0, "and no answer");
	is(counted, 0, "each answer was counted");
}

static void
check_names(void)
{
	for (int i = 0; i < SERVICES; i++) {
		is(names_of(servers[i],
		       MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DEAD_NAME),
		    0, "a server has no such right, nor a dead one");
		is(names_of(servers[i], MACH_PORT_TYPE_RECEIVE), 1,
		    "but its port");
	}
	for (int i = 0; i < TASKS; i++) {
		is(names_of(clients[i], MACH_PORT_TYPE_SEND), SERVICES,
		    "clients have rights to the services");
		is(names_of(clients[i], MACH_PORT_TYPE_RECEIVE),
		    CLIENTS / TASKS, "and to their reply ports");
		is(names_of(clients[i],
		       MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DEAD_NAME),
		    0, "and no others");
	}
}

static void
end(void)
{
	bool all = true;

	board->over = 1;
	for (unsigned i = 0; i < CLIENTS; i++)
		all &= in_the_end(client_is_done, i);
	ok(all, "every call ends");
	if (all) {
		check_services();
		check_clients();
		check_names();
	}
	for (int i = 0; i < TASKS; i++) {
		must(task_terminate(clients[i]));
		must(mach_port_deallocate(self, clients[i]));
	}
	for (unsigned i = 0; i < SERVICES; i++) {
		must(task_terminate(servers[i]));
		must(mach_port_deallocate(self, servers[i]));
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		must(mach_port_deallocate(self, client_thread[i]));
	for (unsigned i = 0; i < SERVERS; i++)
		must(mach_port_deallocate(self, server_thread[i]));
	for (unsigned i = 0; i < SERVICES; i++)
		must(mach_port_deallocate(self, board->service[i].at_home));
}

/* On a busy machine, for longer. */
static bool
goes_on(unsigned stirred, unsigned ms, unsigned seconds)
{
	unsigned most = 1000 * seconds;

	if (stirred < STIRRED_LEAST)
		most *= 5;
	return ms < most && board->faults == 0;
}

int
main(int argc, char **argv)
{
	unsigned seconds = argc > 2 ? (unsigned)atoi(argv[2]) : 3, stirred = 0;
	struct baton_kernel_counters before = quiet_counters(), after;
	uint64_t start_time = mach_absolute_time();

	self = mach_task_self();
	state = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
	begin();
	do {
		stir();
		stirred++;
	} while (goes_on(stirred, ms_since(start_time), seconds));
	note("%u calls, %u times something was done to them", turns(), stirred);
	is(board->faults, 0, "nothing is seen that may not be");
	if (board->faults != 0)
		note("call %#x, code %#x: %s", board->fault_id,
		    (unsigned)board->fault_code, fault_words[board->fault]);
	end();
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_THREAD],
	    before.objects[BATON_OBJECT_THREAD], "all threads have ended");
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "and all ports");
	is(after.objects[BATON_OBJECT_MESSAGE],
	    before.objects[BATON_OBJECT_MESSAGE], "and all messages");
	return done();
}
