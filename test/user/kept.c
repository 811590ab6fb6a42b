/*
 * kept.c: receive rights that come and go, as reply ports do: each is a new
 * one, whatever was done to the one before, nothing of it stays, and many
 * threads do it at once.
 */
#include <string.h>

#include <baton/ledger.h>
#include <baton/thread.h>

#include "test/user/greed.h"

#define THREADS 4
#define ROUNDS	3000

static task_t self;

static kern_return_t
end(mach_port_t port)
{
	return mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1);
}

/* ---- one ---- */

static void
test_new(void)
{
	mach_port_status_t before, after;
	mach_port_t port = port_new(), again;
	mach_port_context_t context = 1;
	unsigned names = name_count();

	before = status_of(port);
	must(mach_port_set_context(self, port, 99));
	must(mach_port_set_mscount(self, port, 4));
	must(mach_port_set_seqno(self, port, 5));
	set_limit(port, 9);
	must(mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND));
	is(post(port, 7), KERN_SUCCESS, "a port is used");
	is(take(port), 7, "and has nothing in it");
	must(mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, -1));
	is(end(port), KERN_SUCCESS, "when it ends");
	is(type_of(port), 0, "its name denotes nothing");
	is(name_count(), names - 1, "and is none");
	is(end(port), KERN_INVALID_NAME, "it does not end twice");
	again = port_new();
	ok(again != port, "the next has another name");
	is(name_count(), names, "which counts");
	is(type_of(port), 0, "the first one's is no name for it");
	after = status_of(again);
	ok(memcmp(&before, &after, sizeof(before)) == 0, "it is as a new one");
	must(mach_port_get_context(self, again, &context));
	is(context, 0, "without a context");
	is(end(again), KERN_SUCCESS, "and ends");
}

/* How many of these names were used twice? */
static unsigned
repeated(const mach_port_t *names, unsigned count)
{
	unsigned found = 0;

	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < i; k++)
			found += names[i] == names[k];
	return found;
}

static void
test_names(void)
{
	static mach_port_t names[256];
	unsigned refused = 0;

	for (int i = 0; i < 256; i++) {
		names[i] = i % 2 == 0 ? port_new() : mach_reply_port();
		must(end(names[i]));
	}
	is(repeated(names, 256), 0, "256 ports, 256 names");
	for (int i = 0; i < 256; i++)
		refused += end(names[i]) == KERN_INVALID_NAME;
	is(refused, 256, "all of them refused");
	must(
	    mach_port_allocate_name(self, MACH_PORT_RIGHT_RECEIVE, names[255]));
	is(type_of(names[255]), MACH_PORT_TYPE_RECEIVE,
	    "but who chooses the last one gets it");
	is(mach_port_allocate_name(self, MACH_PORT_RIGHT_RECEIVE, names[255]),
	    KERN_NAME_EXISTS, "once");
	must(end(names[255]));
}

/* To addresses where nothing is, or nothing yet. */
static void
test_addresses(void)
{
	struct baton_kernel_counters before, after;
	unsigned names = name_count();
	char *pages = pages_new(2 * vm_page_size);
	mach_port_t *far = (mach_port_t *)(void *)(pages + vm_page_size - 4);
	char *odd = pages + vm_page_size - 2;
	mach_port_t port;

	before = quiet_counters();
	is(mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, far), KERN_SUCCESS,
	    "a name goes to a page that nobody has touched");
	is(end(*far), KERN_SUCCESS, "and is a name");
	is(mach_port_allocate(
	       self, MACH_PORT_RIGHT_RECEIVE, (mach_port_t *)(void *)odd),
	    KERN_SUCCESS, "or into two pages");
	memcpy(&port, odd, sizeof(port));
	is(end(port), KERN_SUCCESS, "and is one, too");
	must(mach_vm_protect(
	    self, (mach_vm_address_t)pages, vm_page_size, FALSE, VM_PROT_READ));
	is(mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, far),
	    KERN_INVALID_ADDRESS, "not to where nothing may be written");
	is(mach_port_allocate(
	       self, MACH_PORT_RIGHT_RECEIVE, (mach_port_t *)(void *)odd),
	    KERN_INVALID_ADDRESS, "nor halfway there");
	is(mach_port_allocate(
	       self, MACH_PORT_RIGHT_RECEIVE, (mach_port_t *)0x3ffffffffcUL),
	    KERN_INVALID_ADDRESS, "nor to the user's last word");
	is(mach_port_allocate(
	       self, MACH_PORT_RIGHT_RECEIVE, (mach_port_t *)-4L),
	    KERN_INVALID_ADDRESS, "nor to the kernel's");
	pages_end(pages, 2 * vm_page_size);
	is(name_count(), names, "no name is left");
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "nor a port");
}

/* ---- what it may have ---- */

static void
test_limit(void)
{
	const enum baton_ledger_kind kind = BATON_LEDGER_PORTS;
	uint64_t use = ledger_use(self, kind), limit = ledger_limit(self, kind);
	uint64_t bytes = ledger_use(self, BATON_LEDGER_KERNEL);
	mach_port_t port = port_new(), next;
	task_t child;

	is(ledger_use(self, kind), use + 1, "a port is paid for");
	must(end(port));
	is(ledger_use(self, kind), use, "until it ends");
	is(ledger_use(self, BATON_LEDGER_KERNEL), bytes, "with its memory");
	must(task_create(self, NULL, 0, FALSE, &child));
	must(mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &port));
	must(mach_port_mod_refs(child, port, MACH_PORT_RIGHT_RECEIVE, -1));
	must(task_ledger_set(child, kind, 1, 0));
	for (int i = 0; i < 2; i++) {
		is(mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &port),
		    KERN_SUCCESS, "who may have one has one");
		is(mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &next),
		    KERN_RESOURCE_SHORTAGE, "and no more");
		must(mach_port_mod_refs(
		    child, port, MACH_PORT_RIGHT_RECEIVE, -1));
	}
	must(task_ledger_set(child, kind, 0, 0));
	is(mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &port),
	    KERN_RESOURCE_SHORTAGE, "who may have none has none");
	must(task_ledger_set(child, kind, limit / 2, 0));
	is(mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &port),
	    KERN_SUCCESS, "until he may");
	must(task_terminate(child));
	ok(dies(child), "and all of it ends with him");
	mach_port_deallocate(self, child);
}

/* ---- many at once ---- */

static _Atomic unsigned wrong, alike;
static _Atomic mach_port_t shown;
static _Atomic bool over;

/* Make them and end them, and now and then show one to the others. */
static void
come_and_go(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument * 7919;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mach_port_t port =
		    (i + seed) % 5 == 0 ? mach_reply_port() : port_new();
		unsigned what = (i * 31 + seed) % 11;

		if (what == 0)
			shown = port;
		if (what == 1)
			wrong += mach_port_insert_right(self, port, port,
				     MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS;
		if (what == 1)
			wrong +=
			    mach_port_deallocate(self, port) != KERN_SUCCESS;
		if (what == 2)
			wrong += post(port, 3) != MACH_SEND_INVALID_DEST;
		/* It may have been shown, and be gone. */
		if (what == 0)
			alike += end(port) == KERN_SUCCESS;
		else
			wrong += end(port) != KERN_SUCCESS;
	}
}

/* Meanwhile, end what is shown, and have the ledger say and do things. */
static void
meddle(void *argument)
{
	uint64_t limit = ledger_limit(self, BATON_LEDGER_PORTS);

	(void)argument;
	while (!over) {
		mach_port_t port = shown;

		if (port != MACH_PORT_NULL) {
			shown = MACH_PORT_NULL;
			alike += end(port) == KERN_SUCCESS;
		}
		wrong += ledger_use(self, BATON_LEDGER_PORTS) > limit;
		wrong += task_ledger_set(self, BATON_LEDGER_PORTS, limit, 0) !=
			 KERN_SUCCESS;
	}
}

static void
wait_for_all(void *argument)
{
	(void)argument;
	while (!over)
		swtch();
}

/* The library keeps semaphores of threads for the next: so many. */
static void
warm_up(void)
{
	struct mach_thread *threads[THREADS + 1];

	over = false;
	for (int i = 0; i <= THREADS; i++)
		must(mach_thread_start(wait_for_all, NULL, 0, &threads[i]));
	over = true;
	for (int i = 0; i <= THREADS; i++)
		mach_thread_join(threads[i]);
	over = false;
}

static void
test_many(void)
{
	struct baton_kernel_counters before = quiet_counters(), after;
	uint64_t use = ledger_use(self, BATON_LEDGER_PORTS);
	uint64_t bytes = ledger_use(self, BATON_LEDGER_KERNEL);
	unsigned names = name_count(), shows = 0;
	struct mach_thread *threads[THREADS], *other;

	for (unsigned t = 0; t < THREADS; t++)
		for (unsigned i = 0; i < ROUNDS; i++)
			shows += (i * 31 + t * 7919) % 11 == 0;
	must(mach_thread_start(meddle, NULL, 0, &other));
	for (uintptr_t t = 0; t < THREADS; t++)
		must(mach_thread_start(come_and_go, (void *)t, 0, &threads[t]));
	for (int t = 0; t < THREADS; t++)
		mach_thread_join(threads[t]);
	over = true;
	mach_thread_join(other);
	is(wrong, 0, "%d threads make and end ports", THREADS);
	is(alike, shows, "who ends one that another ends, too: one of them");
	after = quiet_counters();
	is(name_count(), names, "no name is left");
	is(ledger_use(self, BATON_LEDGER_PORTS), use, "nothing is charged");
	ok(ledger_use(self, BATON_LEDGER_KERNEL) <= bytes + 8192,
	    "nor much for their names");
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "no port is left");
}

int
main(void)
{
	self = mach_task_self();
	/* The library has names of its own, from when they are first needed. */
	(void)quiet_counters();
	note("%u names at first", name_count());
	test_new();
	test_names();
	test_addresses();
	test_limit();
	warm_up();
	test_many();
	return done();
}
