/* lib/together_client.c: a client of together.c. */
#include <mach/mach_traps.h>
#include <mach/notify.h>

#include "test/user/together.h"

#define CALL (MACH_SEND_MSG | MACH_RCV_MSG)
#define REQUEST                                                                \
	MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define ONE_WAY	 MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)
#define ANSWERED MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE)

/* A client, and the call that it is about. */
struct asking {
	struct client *me;
	unsigned which;
	uint32_t random;
	uint32_t id;
	mach_port_t reply;
	unsigned deaths; /* of reply ports before this one */
	struct service *service;
	struct absence *right; /* to send to it */
	struct box box;
};

/* The reply port as it is now: another, if the last has ended. */
static void
find_reply_port(struct asking *asking)
{
	uint64_t reply = asking->me->reply;

	if (asking->reply == (mach_port_t)reply)
		return;
	asking->reply = (mach_port_t)reply;
	asking->deaths = (unsigned)(reply >> 32);
	asking->me->came = 0;
}

/* The next message, to some service. */
static void
begin(struct asking *asking, uint32_t flag)
{
	struct client *me = asking->me;
	uint32_t number = number_of(me->asked) + 1;

	asking->id = id_of(asking->which, number) | flag;
	me->id[number % CALLS] = asking->id;
	me->of_deaths[number % CALLS] = asking->deaths;
	me->served[number % CALLS] = 0;
	me->asked = asking->id;
	me->person.turns++;
}

/* It has no right to send, or no reply port, or no longer: or so it heard. */
static void
was_refused(struct asking *asking, bool true_enough, enum fault what, int code)
{
	if (!true_enough)
		fault(what, asking->id, code);
}

/* A message has come to the reply port. */
static void
heard(struct asking *asking)
{
	const mach_msg_header_t *header = &asking->box.header;
	struct client *me = asking->me;
	uint32_t id = asking->id | ID_ANSWER;

	me->came++;
	if (header->msgh_id == MACH_NOTIFY_SEND_ONCE) {
		if (++me->notices > me->dropped + board->guesses)
			fault(FAULT_NOTICE, asking->id, 0);
	} else if ((uint32_t)header->msgh_id != id) {
		fault(FAULT_ANSWER, asking->id, header->msgh_id);
	} else if (came_whole(&asking->box, ANSWERED, asking->reply,
		       me->deaths > asking->deaths) &&
		   me->served[number_of(id) % CALLS] != 1) {
		fault(FAULT_UNSERVED, asking->id, 0);
	}
}

/* It has been sent.  False: nobody has said anything yet. */
static bool
is_over(struct asking *asking, mach_msg_return_t mr)
{
	switch (mr) {
	case MACH_MSG_SUCCESS:
		heard(asking);
		return true;
	case MACH_RCV_INTERRUPTED:
		interrupted(&asking->me->person, asking->id);
		asking->me->over = asking->id;
		/* Who keeps it is to see that. */
		if (asking->id & ID_KEEP)
			nudge(asking->service->at_client);
		return false;
	case MACH_RCV_INVALID_NAME:
	case MACH_RCV_PORT_DIED:
		was_refused(asking, asking->me->deaths > asking->deaths,
		    FAULT_REPLY, mr);
		return true;
	default:
		fault(FAULT_CODE, asking->id, mr);
		return true;
	}
}

static void
ask(struct asking *asking, uint32_t flag)
{
	struct service *service = asking->service;
	struct before before;
	mach_msg_return_t mr;
	bool dead;

	find_reply_port(asking);
	begin(asking, flag);
	fill(&asking->box, REQUEST, service->at_client, asking->reply,
	    asking->id);
	before = look(asking->right);
	dead = asking->me->dead > asking->deaths;
	mr = pass((enum form)chance(&asking->random, FORMS), &asking->box, CALL,
	    asking->reply);
	if (mr == MACH_SEND_INVALID_DEST) {
		was_refused(
		    asking, was_away(asking->right, before), FAULT_SEND, mr);
		return;
	}
	if (mr == MACH_SEND_INVALID_REPLY) {
		was_refused(asking, asking->me->deaths > asking->deaths,
		    FAULT_REPLY, mr);
		return;
	}
	service->sent++;
	if (stayed_away(asking->right, before))
		fault(FAULT_SENT, asking->id, mr);
	if (dead)
		fault(FAULT_REPLIED, asking->id, mr);
	while (!is_over(asking, mr))
		mr = pass((enum form)chance(&asking->random, FORMS),
		    &asking->box, MACH_RCV_MSG, asking->reply);
}

/* A message that nobody answers. */
static void
tell(struct asking *asking)
{
	struct service *service = asking->service;
	struct before before;
	mach_msg_return_t mr;

	begin(asking, ID_NOTE);
	fill(&asking->box, ONE_WAY, service->at_client, MACH_PORT_NULL,
	    asking->id);
	before = look(asking->right);
	mr = pass((enum form)chance(&asking->random, FORMS), &asking->box,
	    MACH_SEND_MSG, MACH_PORT_NULL);
	if (mr == MACH_MSG_SUCCESS)
		service->sent++;
	if (mr == MACH_MSG_SUCCESS && stayed_away(asking->right, before))
		fault(FAULT_SENT, asking->id, mr);
	if (mr == MACH_SEND_INVALID_DEST)
		was_refused(
		    asking, was_away(asking->right, before), FAULT_SEND, mr);
	else if (mr != MACH_MSG_SUCCESS)
		fault(FAULT_CODE, asking->id, mr);
}

void
client_main(uint64_t which)
{
	struct asking asking = {
	    .me = &board->client[which],
	    .which = (unsigned)which,
	    .reply = MACH_PORT_NULL,
	    .random = mix((uint32_t)which, board->client[which].asked),
	};

	while (!board->over) {
		asking.service =
		    &board->service[chance(&asking.random, SERVICES)];
		asking.right = &asking.service->send[which % TASKS];
		/* The same one again is what goes fastest. */
		for (unsigned n = 1 + chance(&asking.random, 8); n > 0; n--) {
			if (chance(&asking.random, 8) == 0)
				tell(&asking);
			ask(&asking,
			    chance(&asking.random, 64) == 0 ? ID_KEEP : 0);
		}
	}
	/* It may have another reply port by now. */
	find_reply_port(&asking);
	asking.me->done = 1;
	for (;;)
		(void)pass(
		    FORM_GENERAL, &asking.box, MACH_RCV_MSG, asking.reply);
}
