/*
 * words.pml: two harts at the words of two ports (ipc/fast_word.h), every
 * interleaving of them, for spin.
 *
 * One client calls one server by the legs of arch/riscv64/call.S, who answers
 * by them, or not at all.  Meanwhile another hart does up to three of the things
 * that it may: look at a port, abort the client, take his right to send, give
 * up the right to reply by its name, or have the server serve somebody else.
 *
 * Each step is one instruction of a leg that others can see, or what one holds
 * a lock for.  Memory is sequential here: what the barriers have to see to is
 * argued where they are.
 *
 * -DFAULT=N leaves something out, to see that it is missed:
 *	1  a leg does not look at its AST
 *	2  a request does not look at its right again
 *	3  a reply does not look at the key
 *	4  the reply right has its name before its client is in the word
 *	5  who shuts a port does not count the right of who waits there
 *	6  who sets an AST does not shut the port
 */
#ifndef FAULT
#define FAULT 0
#endif

/* ---- words, of the port that serves, and of the one for replies ---- */

#define GENERAL 0
#define QUIET	1
#define SERVER	2
#define CLIENT	3

#define SERVICE 0
#define REPLY	1

byte word[2];
byte version[2]; /* of the word: a reservation holds as long as it */
bool locked[2], space_locked; /* the ports; the server's space */

/* ---- what rights there are ---- */

bool send_right = true; /* the client's, by the name that he remembers */
bool lost;		/* ... it is gone, and who took it away is done */
bool name_filled;	/* the server's spare entry is the reply right */
byte counted;		/* send-once rights to the reply port, as it says */
bool used;		/* the reply right */

/* ---- threads ---- */

bool armed[4];	  /* by SERVER and CLIENT: he stands in his port's list */
bool ast;	  /* the client is told to stop */
bool told;	  /* ... and it was while he called */
bool in_call, ready, over; /* his call: begun, prepared, ended */
bool interrupted;
byte messages;	  /* in the reply port's queue */
byte answers;	  /* to the client, and notices in place of one */
bool server_runs; /* with the request */
bool server_done;

#define store(port, value) word[port] = value; version[port]++

inline lock(port)
{
	/* And port_close(), with which it comes. */
	atomic {
		!locked[port];
		locked[port] = true;
		if
		:: word[port] == SERVER -> armed[SERVER] = true
		:: word[port] == CLIENT ->
			armed[CLIENT] = true;
			if
			:: FAULT != 5 -> counted++
			:: else
			fi
		:: else
		fi;
		if
		:: word[port] != GENERAL -> store(port, GENERAL)
		:: else
		fi
	}
}

inline unlock(port)
{
	locked[port] = false
}

/* Somebody has won who stood armed: thread_claim(). */
inline claim(who, won)
{
	atomic { won = armed[who]; armed[who] = false }
}

/* A message for the client comes to the reply port, by the general path. */
inline post_reply(won)
{
	lock(REPLY);
	assert(counted > 0);
	counted--;
	claim(CLIENT, won);
	if
	:: won -> answers++; over = true; in_call = false
	:: else -> messages++
	fi;
	unlock(REPLY)
}

/* The client waits as anybody does: receive_port() and wait_begin(). */
inline receive_generally(won)
{
	lock(REPLY);
	if
	:: messages > 0 -> messages--; answers++; over = true; in_call = false
	:: else ->
		armed[CLIENT] = true;
		if
		:: ast ->
			claim(CLIENT, won);
			if
			:: won -> interrupted = true; over = true;
				in_call = false
			:: else
			fi
		:: else
		fi
	fi;
	unlock(REPLY)
}

/* The name of the reply right means something from now on. */
inline fill_name()
{
	name_filled = true
}

/* ---- the legs ---- */

byte seen, at;	  /* what lr found, and the version that it reserves */
bool won, served, tried;

/* The request.  @tried: it has declined once, and prepared what was amiss. */
inline request()
{
	in_call = true;
again:
	served = false;
	/* The names may be others than last time. */
	if
	:: !tried -> goto declined
	:: true
	fi;
	atomic { seen = word[SERVICE]; at = version[SERVICE] } /* lr */
	if
	:: seen != SERVER -> goto declined
	:: else
	fi;
	if
	:: FAULT != 2 && !send_right -> goto declined
	:: else
	fi;
	atomic { /* sc */
		if
		:: version[SERVICE] == at -> store(SERVICE, QUIET);
			assert(!lost);
			served = true
		:: else
		fi
	}
	if
	:: !served -> goto declined
	:: else
	fi;
	/* ---- sent ---- */
	if
	:: FAULT == 4 -> fill_name()
	:: else
	fi;
	atomic { seen = word[REPLY]; at = version[REPLY] } /* lr */
	if
	:: seen != QUIET -> goto wait
	:: else
	fi;
	if
	:: FAULT != 1 && ast -> goto wait
	:: else
	fi;
	atomic { /* sc */
		if
		:: version[REPLY] == at -> store(REPLY, CLIENT)
		:: else -> goto wait
		fi
	}
	if
	:: FAULT != 4 -> fill_name()
	:: else
	fi;
	goto sent;
wait: /* fast_wait() */
	lock(REPLY);
	counted++;
	unlock(REPLY);
	if
	:: FAULT != 4 -> fill_name()
	:: else
	fi;
	receive_generally(won);
	goto sent;
declined:
	/* fast_prepare(): open the port that is received from, once. */
	if
	:: !tried ->
		tried = true;
		lock(REPLY);
		if
		:: messages == 0 && !armed[CLIENT] -> store(REPLY, QUIET)
		:: else
		fi;
		unlock(REPLY);
		goto again
	:: else
	fi;
	/* The general path, under the space's lock: the name is looked up. */
	if
	:: !send_right -> in_call = false; over = true; goto refused
	:: else
	fi;
	lock(SERVICE);
	claim(SERVER, served);
	unlock(SERVICE);
	if
	:: !served -> in_call = false; over = true; goto refused
	:: else
	fi;
	lock(REPLY);
	counted++;
	unlock(REPLY);
	fill_name();
	receive_generally(won);
sent:
	server_runs = true;
refused:
	skip
}

/* The reply. */
inline reply()
{
	served = false;
	atomic { !space_locked; space_locked = true }
	if
	:: FAULT != 3 && !name_filled -> goto unlock_space
	:: else
	fi;
	atomic { seen = word[REPLY]; at = version[REPLY] } /* lr */
	if
	:: seen != CLIENT -> goto unlock_space
	:: else
	fi;
	atomic { /* sc */
		if
		:: version[REPLY] == at -> store(REPLY, QUIET);
			served = true
		:: else -> goto unlock_space
		fi
	}
	assert(!used);
	name_filled = false;
	used = true;
	space_locked = false;
	answers++;
	over = true;
	in_call = false;
	goto replied;
unlock_space:
	/* The general path looks the name up, under the same lock. */
	if
	:: name_filled -> name_filled = false; used = true; served = true
	:: else
	fi;
	space_locked = false;
	if
	:: served -> post_reply(won)
	:: else
	fi;
replied:
	skip
}

/* The hart on which both are, as the legs want it. */
proctype first_hart()
{
	/* Somebody may have looked at the reply port before. */
	if
	:: true -> word[REPLY] = QUIET
	:: true -> word[REPLY] = GENERAL
	fi;
	word[SERVICE] = SERVER;
	ready = true;
	request();
	if
	:: server_runs ->
		if
		:: true -> reply()
		:: true /* it does not answer */
		fi
	:: else
	fi;
	server_done = true
}

/* ---- what others do ---- */

inline look_at(port)
{
	lock(port);
	if
	:: port == REPLY ->
		assert(counted <= 1);
		/* A right by name is counted, wherever its client waits: once
		 * who is at the names, with the space locked, is done. */
		assert(!name_filled || space_locked || counted == 1)
	:: else
	fi;
	unlock(port)
}

inline abort_client()
{
	atomic { ast = true; told = in_call }
	if
	:: FAULT != 6 -> lock(REPLY); unlock(REPLY)
	:: else
	fi;
	claim(CLIENT, mine);
	if
	:: mine -> interrupted = true; over = true; in_call = false
	:: else
	fi
}

inline take_right()
{
	send_right = false;
	lock(SERVICE);
	unlock(SERVICE);
	lost = true
}

inline give_up_name()
{
	atomic { !space_locked; space_locked = true }
	if
	:: name_filled -> name_filled = false; used = true; mine = true
	:: else -> mine = false
	fi;
	space_locked = false;
	if
	:: mine -> post_reply(mine)
	:: else
	fi
}

/* The server gets another call, answers it and waits in the word again. */
inline serve_another()
{
	lock(SERVICE);
	if
	:: armed[SERVER] -> armed[SERVER] = false; store(SERVICE, SERVER)
	:: else
	fi;
	unlock(SERVICE)
}

proctype second_hart()
{
	byte times = 0;
	bool mine = false;

	ready;
	do
	:: times < 3 ->
		times++;
		if
		:: look_at(REPLY)
		:: look_at(SERVICE)
		:: serve_another()
		:: abort_client()
		:: take_right()
		:: give_up_name()
		fi
	:: break
	od;
	server_done;
	/* Who was told to stop, in his call, does not wait for ever. */
	assert(!told || over);
	/* An answer, or a notice that there is none, comes once: to him, or to
	 * his port, if he has not waited for it. */
	assert(answers + messages <= 1);
	assert(answers + messages == (used -> 1 : 0));
	/* The right is counted for as long as there is one. */
	lock(REPLY);
	assert(counted == (name_filled -> 1 : 0));
	/* A wait ends with an answer. */
	assert(!(armed[CLIENT] && messages > 0))
}

init {
	atomic { run first_hart(); run second_hart() }
}
