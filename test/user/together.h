/*
 * together.h: what the programs of together.c's tasks have in common: a board
 * that all of them see, and the messages that go between them.
 */
#pragma once

#include <stdatomic.h>

#include "test/user/mach_test.h"

#define SERVICES 3
#define SERVERS	 4 /* threads: the first service has two */
#define CLIENTS	 6
#define TASKS	 2   /* of clients, each with every second */
#define CALLS	 64  /* of each client, that are remembered */
#define GUESSES	 256 /* of the servers' names, the same */

/* In words, with which a message is not in registers any more; the most. */
#define WORDS_CALL 12
#define WORDS_MAX  300

struct box {
	mach_msg_header_t header;
	uint32_t word[WORDS_MAX];
	mach_msg_max_trailer_t trailer;
} __attribute__((aligned(8)));

/*
 * Something is taken away for a while, and then given back.  Each number is
 * raised as it says; who does something reads the board before and after.
 */
struct absence {
	atomic_uint leaving; /* before it is taken away */
	atomic_uint gone;    /* when it is */
	atomic_uint coming;  /* before it is given back */
	atomic_uint back;    /* when it is */
};

/* What was on the board before. */
struct before {
	unsigned gone, back;
};

/* Of one thread: what was done to it, and what it noticed. */
struct person {
	atomic_uint aborts;	   /* before each is made */
	atomic_uint interruptions; /* it has noticed */
	atomic_uint turns;	   /* calls that it has made */
};

struct client {
	struct person person;
	atomic_uint asked;   /* id of its last call */
	atomic_ulong reply;  /* its reply port; above, how many it had before */
	atomic_uint deaths;  /* how many it had, before the last one ended */
	atomic_uint dead;    /* the same after that */
	atomic_uint notices; /* of rights to reply that were given up */
	atomic_uint dropped; /* such rights, before each was */
	atomic_uint came;    /* messages at the reply port that it has */
	atomic_uint kept;    /* a call that is not answered, till ... */
	atomic_uint over;    /* ... this is its id: it was interrupted */
	atomic_uint done;
	/* Each call by the lower bits of its number: as it was sent, and how
	 * often it came. */
	atomic_uint id[CALLS], of_deaths[CALLS], served[CALLS];
};

struct server {
	struct person person;
	atomic_uint name;   /* of the reply right that it has, or had */
	atomic_uint came;   /* messages, and of them ... */
	atomic_uint nudges; /* ... those that say nothing */
	atomic_uint last[CLIENTS];
};

struct service {
	struct absence receive;	    /* the right to receive */
	struct absence send[TASKS]; /* the clients' rights to send */
	mach_port_t at_server, at_client, at_home; /* what it is called */
	atomic_uint sent;			   /* to it, as clients know */
	/* By number, a bit each: those that a trailer said. */
	atomic_uint numbered[4096];
};

/* What can go wrong, as its witness puts it. */
enum fault {
	FAULT_NONE,
	FAULT_SEND,	   /* refused, and there is a right */
	FAULT_SENT,	   /* sent, and there was none */
	FAULT_REPLY,	   /* no reply port, and there is one */
	FAULT_REPLIED,	   /* answered where there was none */
	FAULT_INTERRUPTED, /* by nobody */
	FAULT_CODE,	   /* a code that nothing here has */
	FAULT_ANSWER,	   /* to another call, or another one */
	FAULT_NOTICE,	   /* of a right that nobody gave up */
	FAULT_HEADER,	   /* not as it is received */
	FAULT_BODY,	   /* not as it was sent */
	FAULT_TRAILER,
	FAULT_UNKNOWN,	/* a message that nobody has sent */
	FAULT_TWICE,	/* received twice, or out of order */
	FAULT_AGAIN,	/* a right to reply, used twice */
	FAULT_UNSERVED, /* answered, and nobody had it */
	FAULT_NUMBER,	/* a number that was there before */
	FAULT_RECEIVE,	/* the right to receive was said to be elsewhere */
	FAULT_END,	/* a thread that was to end, and has not */
	FAULT_ABORT,	/* a wait that was to end, and has not */
	FAULTS
};

struct board {
	atomic_uint over;
	/* The servers' names that were given up, before they were: how many,
	 * and the last of them. */
	atomic_uint guesses, guessed[GUESSES];
	atomic_uint faults, fault, fault_id;
	atomic_int fault_code;
	struct client client[CLIENTS];
	struct server server[SERVERS];
	struct service service[SERVICES];
};

extern struct board *board;
extern const char *const fault_words[FAULTS];

/* Which service a server is of. */
static inline unsigned
service_of(unsigned server)
{
	return server < 2 ? 0 : server - 1;
}

/* ---- calls, by their ids ---- */

/* From 1; with more bits: an answer, a note, a call that is not answered until
 * it is interrupted, and a note from nobody. */
#define NUMBER_BITS 20
#define ID_ANSWER   (1U << 30)
#define ID_NOTE	    (1U << 29)
#define ID_KEEP	    (1U << 28)
#define ID_NUDGE    (ID_NOTE | 1U << 27)

static inline uint32_t
id_of(unsigned client, uint32_t number)
{
	return client << NUMBER_BITS | number;
}

static inline unsigned
client_of(uint32_t id)
{
	return (id & (ID_KEEP - 1)) >> NUMBER_BITS;
}

static inline uint32_t
number_of(uint32_t id)
{
	return id & ((1U << NUMBER_BITS) - 1);
}

/* Some number that depends on both. */
static inline uint32_t
mix(uint32_t a, uint32_t b)
{
	uint32_t x = (a + 0x9e3779b9U) * 0x85ebca6bU ^ (b * 0xc2b2ae35U);

	x ^= x >> 15;
	x *= 0x2c1b3ce5U;
	return x ^ x >> 12;
}

/* Of the body of each message: mostly so few that it goes in registers. */
static inline unsigned
words_of(uint32_t id)
{
	uint32_t chance = mix(id, 1000);

	if (chance % 3 == 0)
		return 0;
	return chance % 8 == 1 ? chance / 8 % (WORDS_MAX + 1)
			       : chance / 8 % (WORDS_CALL + 1);
}

static inline uint32_t
chance(uint32_t *state, uint32_t most)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % most;
}

/* ---- for both sides ---- */

enum form {
	FORM_REGISTERS, /* all of it in registers, if that is short enough */
	FORM_HEADER,	/* the header alone in registers */
	FORM_GENERAL,	/* the trap that nothing fast serves */
	FORMS
};

void fault(enum fault what, uint32_t id, int code);

/* The header's bits, both ports and id, and the body of that id. */
void fill(struct box *box, mach_msg_bits_t bits, mach_port_t remote,
    mach_port_t local, uint32_t id);
/* The trap for messages in registers: what is in @box is sent, or its first
 * words are, and received into it.  @room: of the buffer, and bit 63 if what is
 * sent does not fit into registers. */
mach_msg_return_t together_call(
    struct box *box, mach_port_t from, uint64_t room);

/* Send what is in @box, receive into it from @from, or both. */
mach_msg_return_t pass(enum form form, struct box *box,
    mach_msg_option_t options, mach_port_t from);
/*
 * Whether @box is as one receives what fill() has filled; told if not.  A port
 * that was left meanwhile, @local as @was_left says, may have no name.
 */
bool came_whole(const struct box *box, mach_msg_bits_t bits, mach_port_t local,
    bool was_left);

/* A message to @service that says nothing. */
void nudge(mach_port_t service);

struct before look(const struct absence *absence);
/* Was it away at any time since, or all of the time? */
bool was_away(const struct absence *absence, struct before before);
bool stayed_away(const struct absence *absence, struct before before);

/* Interrupted: by somebody? */
void interrupted(struct person *person, uint32_t id);

/* The threads of the two tasks. */
void client_main(uint64_t which);
void server_main(uint64_t which);
