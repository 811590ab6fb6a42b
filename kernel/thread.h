/*
 * kernel/thread.h: threads, how they wait and how they end.
 *
 *                     sched_wake()
 *        +----------- or handoff --------------+
 *        v                                     |
 *     RUNNABLE ---- chosen ----> RUNNING --- wait_begin() ---> WAITING
 *        ^                        |  |                            |
 *        +------ preempted -------+  +--- AST_SUSPEND --> STOPPED |
 *        +<------------------- thread_resume() --------------+    |
 *                                 |                               |
 *                             AST_TERMINATE -> DEAD   (a waiter is woken
 *                                                      first, aborted)
 *
 * A thread that does not run keeps no stack.  Its user registers are in @tf
 * and what is left to do in the kernel is @cont; NULL means: return to user.
 * In the kernel, register tp holds the current thread.
 *
 * How a wait ends.  A waiting thread has @wait_armed set.  Whoever wants to
 * end the wait (message, deadline, abort) must win thread_claim(); the winner
 * alone owns the thread until it has passed it to sched_wake() or
 * sched_handoff().  The queue that the thread stands on is left by whoever
 * holds that queue's lock: the one who popped it, or the thread itself in its
 * continuation.
 *
 * Between the moment a thread has published itself as waiting and the switch
 * away from it, another hart may already run it.  So wait_begin() makes this
 * hart's idle thread current first, and nothing after it touches the waiter.
 */
#pragma once
#include <arch/cpu.h>
#include <arch/superpage.h>
#include <arch/trapframe.h>
#include <mach/port.h>

#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/timer.h"
#include "kernel/types.h"

struct cpu;
struct entry;
struct exception_actions;
struct fpu_state;
struct kmsg;
struct memory_source;
struct port;
struct pset;
struct semaphore;
struct task;

enum thread_state {
	THREAD_RUNNABLE,
	THREAD_ACTIVE,	/* running, or WAITING: see thread_is_waiting() */
	THREAD_STOPPED, /* suspended or never started */
	THREAD_DEAD,
};

/* Reasons to enter thread_ast() before the next return to user mode. */
#define AST_RESCHED   0x1U /* somebody of equal or higher priority waits */
#define AST_SUSPEND   0x2U /* suspend_count or the task's is not zero */
#define AST_TERMINATE 0x4U
#define AST_ABORT     0x8U  /* the next interruptible wait fails */
#define AST_PRIORITY  0x10U /* the base priority was changed */
#define AST_MEMORY    0x20U /* the trap waits for a page, and is made again */

/* Priorities run from 0 (idle only) to 127; more is more urgent. */
#define PRIORITY_IDLE	 0
#define PRIORITY_DEPRESS 1
#define PRIORITY_USER	 31
#define PRIORITY_SERVER	 63
#define PRIORITY_KERNEL	 95
#define PRIORITY_LEVELS	 128

typedef void (*continuation_t)(void); /* never returns */

/* What mach_msg() needs when it goes on; ipc/message.c. */
struct receive_state {
	uaddr_t buffer;
	uint64_t option;
	uint32_t size;	       /* of the buffer */
	mach_port_name_t name; /* of the port or set */
	uint32_t timeout;      /* milliseconds */
	uint32_t actual;       /* too large: how large the message is */
	struct port *port;     /* a reference, or NULL */
	struct pset *pset;     /* a reference, or NULL */
	struct kmsg *kmsg;     /* handed over by the sender who claimed us */
	uint64_t deadline;     /* 0: no wait for it began yet */
};

/* What a send needs that waits for room in a queue, or for its turn. */
struct send_state {
	struct kmsg *kmsg; /* ours until it is queued */
	struct port *port; /* a reference: whose queue is full */
	uaddr_t buffer;
	uint32_t timeout;  /* milliseconds */
	uint32_t priority; /* mach_msg_priority_t, with MACH_SEND_OVERRIDE */
};

/* What a wait for a semaphore or an eventlink needs; kernel/wait_queue.h. */
struct sync_state {
	void *object;	    /* [o] a reference: what it waits for */
	struct list *queue; /* [q] where it stands, NULL: nowhere */
	struct list peers;  /* [q] others of its rank there */
	uint32_t rank;	    /* [q] */
	uint64_t count;	    /* [o] eventlink: it waits for more than these */
	uint64_t seen;	    /* [o] eventlink: what there were to begin with */
};

/*
 * What the fast paths know from last time, to be verified before it is used:
 * where this thread waited and where it sent to, with a reference each, and a
 * name kept free for the next reply right that somebody hands it.  In the
 * order in which arch's call.S wants it; ipc/fast_state.c has what it means.
 */
struct fast_state {
	atomic_ulong *place;	/* the word of @from, or of @set */
	uint64_t quiet;		/* what is in it when nobody waits there */
	struct port *to;	/* last request */
	uint64_t to_word;	/* names of both, from's in the upper half */
	struct entry *to_entry; /* its entry in the task's space */
	uint32_t to_key;	/* what that entry's key was */
	uint32_t spare_key;	/* the spare one's, as it is or will be next */
	struct entry *spare;	/* an entry for a reply right's name ... */
	mach_port_name_t spare_name; /* that it has, or will have next */
	mach_port_name_t from_name;  /* as quiet has it; or MACH_PORT_DEAD */
	struct pmap *pmap;	     /* I: the task's */
	struct space *space;	     /* I: the task's */
	uint64_t receive; /* from's name as calls give it; or FAST_NO_NAME */
	mach_port_name_t to_name;
	int32_t room; /* waiting: bytes of message it takes, or less */
	/* Where it received last; its owner changes it, and @place, with [t] */
	struct port *from; /* the port; that of no space if it is @set */
	struct pset *set;  /* NULL: a port */
};

/*
 * The exception that a thread raised, and what became of it: ipc/exception.h
 * is where it waits for that, kernel/exception.c what it means.
 */
struct exception_state {
	struct port *port;  /* [o], [t] the reply rights are to it, or NULL */
	struct kmsg *reply; /* [port's lock] the answer; NULL: none came */
	bool answered;	    /* [port's lock] it came, or never will */
	bool crashing;	    /* nobody took it: EXC_CRASH is asked about */
	uint8_t scope;	    /* whose port is asked */
	uint8_t number;	    /* EXC_* */
	uint32_t behavior;  /* of the action that was asked */
	uint64_t code, subcode;
	/* What the last handler called the thread and its task: guesses; his
	 * entries for both, if @known_by is his space's task_id. */
	mach_port_name_t thread_name, task_name;
	uint64_t known_by;
	struct entry *known[2];
};

/* What a long operation needs to go on after a preemption point. */
struct step_state {
	void *object;
	uint64_t word[4];
	/* ipc/kserver.c: */
	void *called;	      /* what the call is about, with a reference */
	uint32_t called_kind; /* ... of which kind; KOBJECT_NONE: not known */
	struct kmsg *reply;   /* its reply, nothing in it yet; or NULL */
};

/* The page that a thread waits for, and the one it did: vm/memory_wait.h. */
struct memory_state {
	const struct memory_source *source; /* NULL: it waits for none */
	void *object;			    /* with a reference */
	uint64_t where, deadline;
	uint32_t turn;	    /* how much news there was before */
	unsigned access;    /* a user's, VM_PROT_*, ... */
	uaddr_t address;    /* ... and where */
	uint64_t argument;  /* a0 of the trap to be made again */
	const void *failed; /* the last wait was for it and ended ... */
	uint64_t failed_where, failed_until;
	kern_return_t failure; /* ... so */
};

/* o: owner only (the running thread, or whoever claimed it)
 * I: immutable   t: this thread's lock   T: the task's lock   a: atomic
 * q: the lock of the queue it stands on */
struct thread {
	struct trapframe tf;	/* [o] first: tp finds it at offset 0 */
	struct cpu *cpu;	/* [o] where it runs or last ran */
	atomic_uint ast;	/* [a] AST_* */
	atomic_uint wait_armed; /* [a] 1: whoever swaps in 0 ends the wait */
	/* These three are compared as one word by call.S. */
	uint16_t priority;	/* [o] effective: base or inherited */
	uint16_t base_priority; /* [t] */
	uint32_t cpu_tag;	/* [o] cpu_tag() of @cpu */
	struct fast_state fast; /* [o] up to here it is two cache lines */
	continuation_t cont;	/* [o] NULL: return to user mode */
	struct task *task;	/* [I] a reference; NULL: idle threads */

	kern_return_t wait_result;	  /* [o] why the wait ended */
	enum thread_state state;	  /* [o], or the run queue's lock */
	struct list wait_link;		  /* [q] port's, set's or other queue */
	struct timer timer;		  /* deadline of the current wait */
	struct receive_state receive;	  /* [o] */
	struct send_state send;		  /* [o] */
	struct sync_state sync;		  /* as it says */
	struct step_state step;		  /* [o] */
	struct exception_state exception; /* [o], or as it says */
	struct exception_actions *actions; /* [T] NULL: none of its own */

	struct list run_link;  /* [the run queue's lock] */
	struct cpu *queued_on; /* [that hart's run queue lock] or NULL */

	struct memory_state memory; /* [o] */
	struct superpage superpage; /* [o] that a fault of its is zeroing */
	struct cpu *fpu_cpu;   /* [o] hart that holds its live FP registers */
	struct fpu_state *fpu; /* [t] to make or drop it; NULL: none yet */

	struct spinlock lock;	/* rank LOCK_THREAD */
	uint32_t suspend_count; /* [t] by thread_suspend(); 1 when new */
	uint32_t held;		/* [t] by the task's suspension: 0 or 1 */
	uint32_t pauses;	/* [t] calls for which it stands still */
	atomic_uint refs;	/* [a] the task's list holds one while alive */
	uint64_t id;		/* [I] never used again */
	uint64_t cputime;	/* [o] see thread_charge() */
	bool depressed;		/* [t] queued with PRIORITY_DEPRESS */
	bool nameless;		/* [t] it is to have no @self_port any more */
	bool ended;		/* [T] it takes no more exception actions */
	bool told;		/* [T] its task ends, and it with it */
	bool prepared;	       /* [o] what a call lacked was looked up for it */
	struct list task_link; /* [T] */
	uint64_t number;       /* [I] rises along the task's list, from 1 */
	struct port *self_port; /* [t] the kernel port that names us, if any */
	struct semaphore
	    *ended_signal;	 /* [o] told of its end, with a reference */
	struct port *reply_port; /* [o] the special one; a reference, or NULL */
};
static_assert(sizeof(struct thread) <= 1024, "a thread costs 1 KiB");

/* The running thread.  tp changes only where control never returns. */
static inline struct thread *
current_thread(void)
{
	return arch_current();
}

/*
 * A new thread of @task, stopped, its user registers zero.
 * Refs: one for the caller and one for the task's list.
 * Returns KERN_RESOURCE_SHORTAGE, or KERN_TERMINATED for a dying task.
 */
kern_return_t must_check thread_create(
    struct task *task, struct thread **threadp);

/* Where a thread begins in user mode; its other registers are zero. */
struct thread_start {
	uaddr_t pc;
	uint64_t sp, tp, a0;
};

/*
 * A new thread of @task that runs, unless the task is suspended, and whose end
 * is a signal to @ended, a semaphore of @task's: given when nothing of it runs
 * any more, and it is accounted for no more.  Nobody has asked for its port.
 * Refs: consumes one of @ended, on success only.
 * Returns: KERN_SUCCESS
 *	    KERN_INVALID_ARGUMENT   no such place, or not @task's semaphore
 *	    KERN_FAILURE	    another thread's end is a signal to it
 *	    KERN_RESOURCE_SHORTAGE
 *	    KERN_TERMINATED	    the task or the semaphore is ending
 */
kern_return_t must_check thread_start(struct task *task,
    const struct thread_start *start, struct semaphore *ended);

/* A kernel thread: runs @cont, has no user state. NULL: no memory. */
struct thread *thread_create_kernel(continuation_t cont, uint32_t priority);

/*
 * A thread of thread_start() has a port from when somebody asks for it.
 *
 * Locks:   takes the thread's.
 * Returns: KERN_SUCCESS		@thread has one
 *	    KERN_RESOURCE_SHORTAGE
 *	    KERN_TERMINATED	it is ending
 */
kern_return_t must_check thread_need_port(struct thread *thread);

static inline struct thread *
thread_get(struct thread *thread)
{
	atomic_fetch_add_explicit(&thread->refs, 1, memory_order_relaxed);
	return thread;
}

void thread_put(struct thread *thread);

/* Mach's suspend and resume; resume of a running one: KERN_FAILURE. */
kern_return_t thread_suspend(struct thread *thread);
kern_return_t thread_resume(struct thread *thread);
/* The task's part in it: stop while held. */
void thread_hold(struct thread *thread, bool hold);
/*
 * Stand still for a call that uses its registers, and go on; @thread is not
 * the caller.
 */
void thread_pause(struct thread *thread);
void thread_unpause(struct thread *thread);
/*
 * Does @thread, suspended or paused, keep still?  It may wait or stand in a
 * run queue, for it meets AST_SUSPEND before it returns to user mode.
 * KERN_SUCCESS, KERN_TERMINATED; KERN_NOT_WAITING: it runs until it notices,
 * or its floating-point registers are about to be saved.
 */
kern_return_t must_check thread_at_rest(struct thread *thread);
/* Make it end at its next step towards user mode; returns at once. */
void thread_terminate(struct thread *thread);
/* The current thread ends here.  It holds nothing by now. */
noreturn void thread_end(void);
/* End its interruptible wait, or fail its next one. */
void thread_abort(struct thread *thread);
/*
 * The same for a paused thread at rest, if the call that it waits in can be
 * made again as if nothing had happened: KERN_SUCCESS, also when it is in no
 * call; else KERN_FAILURE.
 */
kern_return_t thread_abort_safely(struct thread *thread);
/* Base priority, 0..127; takes effect at the next scheduling decision. */
void thread_set_priority(struct thread *thread, uint32_t priority);

/*
 * Processor time.  What has passed since the last change of threads on this
 * hart is charged to @self, which leaves it.  A handoff of a fast path is no
 * such change: a chain of them is charged, whole, to the thread that ends
 * it.  User and system time are not told apart.
 */
void thread_charge(struct thread *self);
/*
 * Ticks of the timer that @thread has used, with those of its present stay on
 * a hart if its clock can be read from here: see cputime.h.
 */
uint64_t thread_cputime(struct thread *thread);

/* ---- waiting ---- */

/*
 * Start to wait.  Call with the lock of the queue that @self was just put on;
 * unlocks it.  From the unlock on, another hart may run @self: so the
 * continuation is set first and this hart's idle thread is made current.
 * Follow with sched_switch() or sched_handoff() and nothing else.
 *
 * @deadline in ticks, or TIMER_NEVER.
 */
void wait_begin(struct thread *self, continuation_t cont, uint64_t deadline,
    struct spinlock *queue_lock);

/* In the continuation: disarm the deadline; why the wait ended. */
static inline kern_return_t
wait_finish(struct thread *self)
{
	timer_cancel(&self->timer);
	if (unlikely(self->wait_result == KERN_ABORTED))
		atomic_fetch_and(&self->ast, ~AST_ABORT);
	return self->wait_result;
}

/* Wait for @deadline alone. */
noreturn void thread_sleep(uint64_t deadline, continuation_t cont);

/* Does it wait?  A hint, unless the asker keeps it from being woken. */
static inline bool
thread_is_waiting(const struct thread *thread)
{
	return atomic_load_explicit(
		   &thread->wait_armed, memory_order_relaxed) != 0;
}

/* End @thread's wait, if nobody did before: true for the one who may. */
static inline bool must_check
thread_claim(struct thread *thread, kern_return_t result)
{
	/* acquire: pairs with the release in wait_begin(): we see its state */
	if (atomic_swap_acquire(&thread->wait_armed, 0) == 0)
		return false;
	thread->wait_result = result;
	return true;
}

/*
 * Leave the kernel: act on AST_*, then return to user mode.  Every
 * continuation ends here, with the trap's result already in tf.a0.
 */
noreturn void thread_return(void);
/* The same with @result in a0. */
noreturn void thread_return_value(uint64_t result);

/*
 * Run again when nobody better wants to, at @deadline, or when the depression
 * is aborted; KERN_SUCCESS.  Meanwhile @next, from sched_take(), or anybody.
 */
noreturn void thread_depress(struct thread *next, uint64_t deadline);
/* KERN_NOT_DEPRESSED */
kern_return_t must_check thread_depress_abort(struct thread *thread);

/*
 * A preemption point of a long operation: interrupts that are pending are
 * served; true when this thread should then give way, or was told to end.  The
 * caller, who holds no lock, saves its progress in self->step and calls
 * sched_yield(cont).
 */
bool thread_should_yield(void);

void thread_zone_init(void);

/*
 * A thread that waits by a leg of the fast path (ipc/fast_word.h) stands in no
 * queue and is not armed.  This makes it wait like any other.
 */
void fast_unpark(struct thread *thread);
/* Does it?  A hint. */
bool fast_is_parked(struct thread *thread);

/* The IPC code's part of making a thread, which knows its task. */
void fast_init(struct thread *thread);
/* Give up the rights the thread holds; the IPC code's, called at its end. */
void thread_drop_ports(struct thread *self);
