/*
 * bootstrap/child.h: the tasks that the bootstrap server has started.
 *
 *	     child_start()
 *	---> RUNNING --- exit request, then death ---> ENDED ---> freed
 *			 or death alone
 *
 * Each has a bootstrap port of its own, so a request says by the port it came
 * to who made it.  Death is heard of by a dead-name notification about the
 * task's port.  A child that has ended is kept while its parent may still wait
 * for it.
 */
#pragma once

#include <stdbool.h>

#include <mach/mach_types.h>
#include <servers/bootstrap.h>

/* What is done when a child ends. */
enum child_role {
	CHILD_SPAWNED, /* its parent may wait for it */
	CHILD_SERVER,  /* started again, if the manifest says so */
	CHILD_RUN,     /* what comes next is started */
	CHILD_SESSION, /* started again */
	CHILD_FINAL,   /* the machine is switched off with its status */
};

#define STATUS_KILLED 139 /* as shells show a segmentation violation */

struct child {
	struct child *next;
	struct child *parent; /* NULL: ours, or the parent has ended */
	enum child_role role;
	uint32_t id; /* what its parent waits by */
	name_t program;
	task_t task;	  /* a send right, until it has ended */
	mach_port_t port; /* its bootstrap port: receive and send right */
	bool trusted;	  /* may have any device */
	bool ended;
	int status; /* STATUS_KILLED unless it says otherwise */

	/* Where to answer while the parent waits: a right of ours, of the kind
	 * that it came as. */
	mach_port_t waiter;
	mach_msg_type_name_t waiter_right;
};

/* Before everything else. */
void child_init(void);

/* Where all the children's ports, and the notifications, are received. */
mach_port_t child_set(void);

/* Where the notifications come from: deaths, and what others ask for. */
mach_port_t child_notify(void);

/*
 * Starts @program with @argv; the codes are those of bootstrap_spawn().
 * @started may be null.
 */
kern_return_t child_start(const char *program, char *const argv[],
    enum child_role role, struct child *parent, struct child **started);

/* Whose bootstrap port this is; NULL: no child's. */
struct child *child_of_port(mach_port_t port);

/* The child that @parent has spawned as @id, running or ended. */
struct child *child_of_id(const struct child *parent, uint32_t id);

bool child_running(const char *program);

/*
 * The task of this name has died, says a notification: gives up the name and
 * the child's port, and returns the child, ended and disowning its children;
 * NULL if the task is no child's.  What happens to it is the caller's to say.
 */
struct child *child_died(mach_port_t task_name);

/* Only a child that has ended. */
void child_free(struct child *child);
