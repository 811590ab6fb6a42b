/*
 * test/model/model.h: the rules of ports, stated plainly.
 *
 * The model knows tasks with lists of names, ports with lists of messages, and
 * messages with lists of rights.  It keeps no count of rights: who wants to
 * know counts them, in names, messages and requests.  Nothing in it is shared,
 * locked, delayed or remembered; what a call brings about is done on the spot.
 *
 * Two things the rules leave open, and the model takes from the kernel, having
 * checked that they are allowed: which name a right gets that arrives, and in
 * which order the notices are sent that one call brings about.  For the latter
 * they are first `pending`; observe.h says in which order they really went.
 */
#pragma once
#include <mach/message.h>
#include <mach/port.h>

#include "kernel/types.h"
#include "list.h"

#define TASKS		 3
#define THREADS_PER_TASK 2
#define THREADS		 (TASKS * THREADS_PER_TASK)
#define NAMES		 128
#define DESCRIPTORS	 4
#define ARRAY		 6

struct port;
struct pset;
struct sim_task;
struct sim_thread;

/* A right in a message or request.  No port: MACH_PORT_NULL or _DEAD. */
struct m_right {
	struct m_port *port;
	uint32_t type; /* MACH_MSG_TYPE_PORT_SEND, _SEND_ONCE, _RECEIVE */
	bool dead;
};

/* What a name denotes; a slot with name 0 is free. */
struct m_name {
	mach_port_name_t name;
	uint32_t type; /* MACH_PORT_TYPE_*: rights alone */
	uint32_t urefs;
	struct m_port *port;
	struct m_set *set;
	/* Where it is told that the port died, or has room for a message;
	 * of the latter, only once it is armed. */
	struct m_right request;
	bool possible, armed;
};

struct m_task {
	struct m_name names[NAMES];
	uint32_t limit; /* most names */
	uint64_t id;
	struct sim_task *sim;
	mach_port_name_t task_name[TASKS]; /* of the tasks' own ports */
	unsigned number;
	mach_port_name_t last[512]; /* by index: the last name seen there */
};

struct m_counts {
	uint32_t send, send_once, receive;
};

struct m_port {
	struct port *kernel;
	unsigned number; /* for people */
	bool alive;
	uint64_t died;		 /* in which step */
	struct m_task *receiver; /* NULL: in transit */
	uint32_t make_sends, sequence, limit;
	uint32_t guard; /* MACH_PORT_STATUS_FLAG_* of guards */
	uint64_t context;
	struct items messages; /* struct m_message */
	struct items senders;  /* struct m_thread, waiting for room */
	struct items waiters;  /* struct m_thread */
	struct items sets;     /* struct m_set */
	struct m_right no_senders, destroyed;
	uint32_t sync;
	struct m_counts counted; /* by compare.c, in one go for all */
};

struct m_set {
	struct pset *kernel;
	struct m_task *task;
	struct items members; /* struct m_port */
	struct items waiters; /* struct m_thread */
};

struct m_descriptor {
	uint32_t kind; /* MACH_MSG_*_DESCRIPTOR */
	uint32_t copy, disposition;
	uint32_t guard_flags; /* MACH_MSG_GUARD_FLAGS_* */
	uint32_t count;	      /* rights; or bytes */
	struct m_right right[ARRAY];
};

struct m_message {
	int32_t id;
	uint32_t size;
	struct m_right dest, reply;
	uint32_t reply_type;
	uint64_t sender;	      /* 0: the kernel */
	mach_port_name_t remote_name; /* as its sender wrote it */
	uint32_t order;		      /* in queues: a class of priority */
	bool notice;
	uint32_t word;	   /* of a notice */
	uint32_t sequence; /* from the port, when it leaves it */
	uint64_t context;  /* the same */
	/* A notice: the other id that it may have, where one call did two
	 * things of which either may have been first. */
	int32_t other_id;
	struct m_port *about;
	bool complex; /* sent with a count of descriptors, maybe 0 */
	unsigned count;
	struct m_descriptor descriptor[DESCRIPTORS];
};

enum m_state {
	M_IDLE,
	M_RECEIVING, /* waits */
	M_SENDING,   /* waits for room */
	M_RESUMED,   /* was woken, and is about to look for a message */
};

struct m_thread {
	struct m_task *task;
	struct sim_thread *sim;
	unsigned number;
	enum m_state state;
	struct m_port *port; /* RECEIVING or SENDING */
	struct m_set *set;   /* RECEIVING */
	struct m_message *message;
	uint32_t option, receive_size;
	mach_port_name_t receive_name;
	bool poll;	 /* it would not wait to receive */
	bool can_expire; /* it waits with a time-out */
	bool nowhere;	 /* once it had sent, it had no such receive_name */
	uaddr_t send_buffer, receive_buffer;
	struct m_port *reply_port; /* thread_get_special_reply_port() */
	kern_return_t why;	   /* its message comes back */
	bool returned;		   /* in this step */
	int64_t value;		   /* with this */
};

struct world {
	struct m_task task[TASKS];
	struct m_thread thread[THREADS];
	struct items ports, sets, messages, pending;
	struct items returning; /* threads whose message comes back */
	uint64_t step;
	bool ending; /* a task ends in this step */
	unsigned port_numbers;
	int32_t ids;
};

extern struct world world;

/* The kernel does not do what the model says: print, end the process. */
__attribute__((format(printf, 1, 2))) noreturn void disagree(
    const char *format, ...);
/* In a replay: what is being done, for people. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition))                                              \
			disagree(                                              \
			    "%s:%d: not %s", __FILE__, __LINE__, #condition);  \
	} while (0)

/* ---- rights.c, copies.c: names and rights ---- */

struct m_name *m_lookup(struct m_task *task, mach_port_name_t name);
/* The one name of the receive and send rights to @port; NULL. */
struct m_name *m_name_of(struct m_task *task, const struct m_port *port);
unsigned m_name_count(const struct m_task *task);
/* Is the place that @name would have taken? */
bool m_index_in_use(const struct m_task *task, mach_port_name_t name);
/* Rights of @type to @port, wherever they are. */
uint32_t m_count(const struct m_port *port, uint32_t type);

struct m_port *m_port_new(struct port *kernel);
struct m_set *m_set_new(struct m_task *task, struct pset *kernel);
void m_set_end(struct m_set *set);
/* Drop dead ports that nothing refers to any more: all are counted. */
void m_collect(void);

/* A slot for @name, which must be one that @task may be given now; @chosen: by
 * the user, so that it need not be new. */
struct m_name *m_name_new(
    struct m_task *task, mach_port_name_t name, bool chosen);
void m_name_free(struct m_task *task, struct m_name *entry);

/* Give up a right that was in a message or a request. */
void m_release(struct m_right right);
/* Give up what a name denotes: all, its send right, its receive right. */
void m_drop_all(struct m_task *task, struct m_name *entry);
void m_drop_send(struct m_task *task, struct m_name *entry);
void m_drop_receive(struct m_task *task, struct m_name *entry);
/* The receive right leaves its name, and comes with the caller. */
struct m_right m_move_receive(
    struct m_task *task, struct m_name *entry, kern_return_t code);

/* Could a right of @disposition be made from @entry? */
kern_return_t m_may_take(
    const struct m_name *entry, uint32_t disposition, bool dead_ok);
struct m_right m_take(
    struct m_task *task, struct m_name *entry, uint32_t disposition);
/* Both, from a name. */
kern_return_t m_copyin(struct m_task *task, mach_port_name_t name,
    uint32_t disposition, bool dead_ok, struct m_right *right);
uint32_t m_received_type(uint32_t disposition);
/* A receive right, by who knows its guard. */
kern_return_t m_copyin_guarded(struct m_task *task, mach_port_name_t name,
    uint64_t guard, bool unguarded_ok, struct m_right *right);

/* @right arrives in @task, where the kernel calls it @name; if it could not be
 * given, the reason is added to *@errors. */
void m_give(struct m_task *task, struct m_right right, mach_port_name_t name,
    uint32_t *errors);
/* It goes into @entry, which is new or has another right to the port. */
void m_settle(struct m_task *task, struct m_name *entry, struct m_right right);
/* References of a send right or dead name change. */
kern_return_t m_mod_urefs(uint32_t *urefs, int64_t delta);

/* ---- messages.c, sending.c: queues, waiting, notices ---- */

/* A request is used up: its notice is pending. */
struct m_message *m_notice(struct m_right to, int32_t id, uint32_t word);
struct m_message *m_message_new(void);
void m_message_destroy(struct m_message *message);
/* The wait of @thread is over. */
void m_return(struct m_thread *thread, int64_t value);
/* One who waits on a set is woken, to look again. */
void m_look_again(struct m_thread *thread);
/* The wait of @thread, who receives, is ended. */
void m_interrupt(struct m_thread *thread);
/* The waiters of @waiters are told @code. */
void m_evict(struct items *waiters, kern_return_t code);
/* @thread gets its unsent message back. */
void m_send_back(struct m_thread *thread, kern_return_t code);
/* Can @message never be received? */
bool m_circular(const struct m_message *message);
/* Senders who wait for room that there is now. */
void m_admit(struct m_port *port);
/* @thread waits for room, before those with messages of a lower order. */
void m_wait_for_room(struct m_port *port, struct m_thread *thread);
/* Would a message get in? */
bool m_has_room(const struct m_port *port);
/* Who asked to hear of room on @port by the name @name, told at @to: the
 * request is used up, and its notice pending; NULL: nobody did. */
struct m_message *m_tell_room(mach_port_name_t name, const struct port *to);
/* All who should have heard of room have. */
void m_expect_told(void);
bool m_has_message(const struct m_port *port);
/* Which is next; NULL: none. */
struct m_message *m_first_message(const struct m_port *port);
/* It arrives, and is given to a waiter or queued.  False: no room. */
bool m_post(struct m_message *message, bool force);
/* @thread looks for a message by its receive_name, and waits if it must. */
void m_receive(struct m_thread *thread);
/* The same, but the kernel's was not seen to look. */
void m_receive_unseen(struct m_thread *thread);
/* Does @thread's receive_name denote something to receive from? */
bool m_may_receive(const struct m_thread *thread);
/* Those in world.returning get their messages. */
void m_come_back_all(void);
/* Bytes of the trailer that @option asks for. */
uint32_t m_trailer_size(uint32_t option);
/* The message has been given away, or destroyed: forget it. */
void m_message_free(struct m_message *message);

/* What a user passes to mach_msg(). */
struct m_sent {
	uint32_t kind, disposition, copy, count;
	uint32_t guard_flags;
	uint64_t guard;
	mach_port_name_t name[ARRAY];
	bool bad_address;
};

struct m_call {
	struct m_thread *thread;
	uint32_t option, bits, send_size, timeout, priority;
	mach_port_name_t remote, local, voucher;
	int32_t id;
	bool complex;
	unsigned count;
	struct m_sent sent[DESCRIPTORS];
	mach_port_name_t receive_name;
	uint32_t receive_size;
};

void m_mach_msg(const struct m_call *call);

/* ---- arrive.c: a received message is what was sent ---- */

/* @message reached @thread, whose buffer tells how the kernel gave it. */
void m_arrive(struct m_thread *thread, struct m_message *message);
/* The same for one that came back because of thread->why. */
void m_come_back(struct m_thread *thread, struct m_message *message);
/* MACH_RCV_LARGE: @thread is told how large @port's message is. */
void m_told_too_large(struct m_thread *thread, const struct m_port *port,
    const struct m_message *message);
/* What stands at @offset of a user's message. */
uint32_t m_pattern(int32_t id, uint32_t offset);
