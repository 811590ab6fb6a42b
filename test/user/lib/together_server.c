/* lib/together_server.c: a server's thread of together.c. */
#include <mach/mach_traps.h>
#include <mach/thread_switch.h>

#include "test/user/together.h"

#define CALL  (MACH_SEND_MSG | MACH_RCV_MSG)
#define REPLY MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)
#define REQUESTED                                                              \
	MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND)
#define NOTED MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND)

struct serving {
	struct server *me;
	unsigned of;
	uint32_t random;
	mach_port_t self;
	struct service *service;
	struct before before; /* this call of mach_msg() */
	uint32_t id;	      /* what is to be answered; 0: nothing */
	uint32_t kept;	      /* the same, later */
	mach_port_t kept_name;
	struct box box;
};

/* ---- what came ---- */

/* A number that a trailer says is no other message's. */
static void
look_at_number(struct serving *serving)
{
	const struct box *box = &serving->box;
	const uint32_t *trailer =
	    (const void *)((const char *)box + box->header.msgh_size);
	uint32_t number = trailer[2];
	atomic_uint *word = &serving->service->numbered[number / 32 % 4096];

	if (trailer[1] != sizeof(mach_msg_seqno_trailer_t) ||
	    serving->of != 0 || number >= 32 * 4096)
		return;
	if (atomic_fetch_or(word, 1U << number % 32) & 1U << number % 32)
		fault(FAULT_NUMBER, (uint32_t)box->header.msgh_id, (int)number);
}

/* It was sent, and never received before. */
static void
look_at_call(struct serving *serving, uint32_t id)
{
	unsigned which = client_of(id);
	uint32_t number = number_of(id), asked;
	struct client *client;

	if (which >= CLIENTS) {
		fault(FAULT_UNKNOWN, id, 0);
		return;
	}
	client = &board->client[which];
	asked = number_of(client->asked);
	if (number > asked)
		fault(FAULT_UNKNOWN, id, (int)asked);
	if (client->id[number % CALLS] == id &&
	    atomic_fetch_add(&client->served[number % CALLS], 1) != 0)
		fault(FAULT_TWICE, id, 0);
	/* The two threads of one service do not tell who was first. */
	if (serving->of != 0 && serving->me->last[which] >= number)
		fault(FAULT_TWICE, id, (int)serving->me->last[which]);
	serving->me->last[which] = number;
}

static void
received(struct serving *serving)
{
	const mach_msg_header_t *header = &serving->box.header;
	uint32_t id = (uint32_t)header->msgh_id;
	bool note = (id & ID_NOTE) != 0;

	serving->me->came++;
	if (id == ID_NUDGE) {
		serving->me->nudges++;
		return;
	}
	look_at_call(serving, id);
	if (!came_whole(&serving->box, note ? NOTED : REQUESTED,
		serving->service->at_server,
		was_away(&serving->service->receive, serving->before)))
		return;
	look_at_number(serving);
	if (note || header->msgh_remote_port == MACH_PORT_DEAD)
		return;
	if ((id & ID_KEEP) != 0 && serving->kept == 0) {
		serving->kept = id;
		serving->kept_name = header->msgh_remote_port;
		board->client[client_of(id)].kept = id;
		return;
	}
	serving->id = id;
	serving->me->name = header->msgh_remote_port;
}

/* The part of mach_msg() that receives has ended. */
static void
look_at_receive(struct serving *serving, mach_msg_return_t mr)
{
	serving->id = 0;
	switch (mr) {
	case MACH_MSG_SUCCESS:
		received(serving);
		break;
	case MACH_RCV_INTERRUPTED:
		interrupted(&serving->me->person, 0);
		break;
	case MACH_RCV_INVALID_NAME:
	case MACH_RCV_PORT_CHANGED:
		if (!was_away(&serving->service->receive, serving->before))
			fault(FAULT_RECEIVE, 0, mr);
		swtch();
		break;
	default:
		fault(FAULT_CODE, 0, mr);
	}
}

/* Some form to receive in, and its trailer. */
static enum form
some_form(struct serving *serving, mach_msg_option_t *options)
{
	enum form form = (enum form)chance(&serving->random, FORMS);

	if (form >= FORM_HEADER && chance(&serving->random, 2) == 0)
		*options |= MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SEQNO);
	return form;
}

static void
receive(struct serving *serving)
{
	mach_msg_option_t options = MACH_RCV_MSG;
	enum form form = some_form(serving, &options);

	serving->before = look(&serving->service->receive);
	look_at_receive(serving,
	    pass(form, &serving->box, options, serving->service->at_server));
}

/* ---- what is said to it ---- */

/* The client's reply port, whose call @id was: how many ended before it; none:
 * that is no longer known. */
static bool
deaths_before(uint32_t id, unsigned *deaths)
{
	const struct client *client = &board->client[client_of(id)];
	uint32_t at = number_of(id) % CALLS;

	*deaths = client->of_deaths[at];
	return client->id[at] == id;
}

/* The port that the right goes to has ended; so sure. */
static bool
has_ended(uint32_t id, const atomic_uint *dead)
{
	unsigned deaths;

	return deaths_before(id, &deaths) && *dead > deaths;
}

static bool
was_guessed(mach_port_t name)
{
	bool found = false;

	for (int i = 0; i < GUESSES; i++)
		found |= board->guessed[i] == name;
	return found;
}

/* There was nobody to be answered: or so it heard. */
static void
nobody(struct serving *serving, int code)
{
	const struct client *client = &board->client[client_of(serving->id)];
	unsigned deaths;

	if (!was_guessed(serving->me->name) &&
	    deaths_before(serving->id, &deaths) && client->deaths <= deaths)
		fault(FAULT_SEND, serving->id, code);
	/* What is left of a right to a port that ended. */
	(void)_kernelrpc_mach_port_deallocate_trap(
	    serving->self, serving->me->name);
}

static void
give_up(struct serving *serving)
{
	board->client[client_of(serving->id)].dropped++;
	(void)_kernelrpc_mach_port_deallocate_trap(
	    serving->self, serving->me->name);
}

/* Alone; and it is used up. */
static void
answer(struct serving *serving)
{
	mach_port_t name = serving->me->name;
	const struct client *client = &board->client[client_of(serving->id)];
	bool ended = has_ended(serving->id, &client->dead);
	enum form form = (enum form)chance(&serving->random, FORMS);
	mach_msg_return_t mr;

	fill(&serving->box, REPLY, name, MACH_PORT_NULL,
	    serving->id | ID_ANSWER);
	mr = pass(form, &serving->box, MACH_SEND_MSG, MACH_PORT_NULL);
	if (mr == MACH_SEND_INVALID_DEST) {
		nobody(serving, mr);
		return;
	}
	if (mr != MACH_MSG_SUCCESS)
		fault(FAULT_CODE, serving->id, mr);
	if (ended)
		fault(FAULT_REPLIED, serving->id, mr);
	/* Another thread of the task might have got the name meanwhile, if it
	 * comes often enough. */
	if (serving->of == 0)
		return;
	mr = pass(form, &serving->box, MACH_SEND_MSG, MACH_PORT_NULL);
	if (mr != MACH_SEND_INVALID_DEST)
		fault(FAULT_AGAIN, serving->id, mr);
}

/* And wait for the next. */
static void
answer_and_receive(struct serving *serving)
{
	const struct client *client = &board->client[client_of(serving->id)];
	bool ended = has_ended(serving->id, &client->dead);
	mach_msg_option_t options = CALL;
	enum form form = some_form(serving, &options);
	mach_msg_return_t mr;

	fill(&serving->box, REPLY, serving->me->name, MACH_PORT_NULL,
	    serving->id | ID_ANSWER);
	serving->before = look(&serving->service->receive);
	mr = pass(form, &serving->box, options, serving->service->at_server);
	if (mr == MACH_SEND_INVALID_DEST) {
		nobody(serving, mr);
		serving->id = 0;
		return;
	}
	if (ended)
		fault(FAULT_REPLIED, serving->id, mr);
	look_at_receive(serving, mr);
}

/* What is kept is to be answered at last. */
static bool
is_kept_enough(const struct serving *serving)
{
	const struct client *client = &board->client[client_of(serving->kept)];

	return serving->kept != 0 &&
	       (board->over || client->over == serving->kept ||
		   has_ended(serving->kept, &client->dead));
}

static void
answer_kept(struct serving *serving)
{
	serving->id = serving->kept;
	serving->me->name = serving->kept_name;
	serving->kept = 0;
	answer(serving);
	serving->id = 0;
}

void
server_main(uint64_t which)
{
	struct serving serving = {
	    .me = &board->server[which],
	    .of = service_of((unsigned)which),
	    .service = &board->service[service_of((unsigned)which)],
	    .random = mix((uint32_t)which, 99),
	    .self = task_self_trap(),
	};

	for (;;) {
		serving.me->person.turns++;
		if (serving.id == 0 && is_kept_enough(&serving))
			answer_kept(&serving);
		if (serving.id == 0) {
			receive(&serving);
			continue;
		}
		/* Others have their turn meanwhile, or rob us. */
		if (chance(&serving.random, 8) == 0)
			swtch();
		if (chance(&serving.random, 64) == 0)
			(void)thread_switch(
			    MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1);
		switch (chance(&serving.random, 16)) {
		case 0:
			give_up(&serving);
			serving.id = 0;
			break;
		case 1:
		case 2:
			answer(&serving);
			serving.id = 0;
			break;
		default:
			answer_and_receive(&serving);
		}
	}
}
