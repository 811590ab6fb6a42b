/*
 * test/unit/test_vm_pagers.c: memory that a pager has: asked for, supplied,
 * copied, written, returned, kept, and the end of it.
 *
 * Long because the test is the pager, and the ports.
 *
 * What it does is done again and again
 * with the first, the second, the third... allocation failing, and those after
 * it until somebody says that memory is short; then what failed is done once
 * more.  In the end every byte is what it should be, and nothing is left.
 *
 * Sources: vm vm/pager.c vm/pager_ask.c vm/pager_clean.c vm/pager_server.c
 * Sources: vm/pager_cache.c vm/pager_pageout.c vm/object_unmap.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mach/routine_ids.h>
#include <serve/memory_object_control.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/fast_pager.h"
#include "ipc/kmsg.h"
#include "ipc/kserver.h"
#include "ipc/message.h"
#include "ipc/port.h"
#include "ipc/right.h"
#include "kernel/ledger.h"
#include "kernel/reaper.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/zone.h"
#include "vm/copy.h"
#include "vm/object.h"
#include "vm/pager.h"
#include "vm/transfer_slots.h"
#include "vm/view.h"
#include "vm_host.h"

#define PAGES 8
#define SIZE  (PAGES * PAGE_SIZE)

/* ---- memory that is short for a while ---- */

static bool relented; /* in this run */

static void
fail_from(unsigned count)
{
	zone_fail_after(count % 2 ? count / 2 + 1 : 0);
	page_fail_after(count % 2 ? 0 : count / 2 + 1);
	relented = false;
}

static void
relent(void)
{
	zone_fail_after(0);
	page_fail_after(0);
	relented = true;
}

/* ---- who pays ---- */

#define PLENTY 100000000UL

static struct ledger client_ledger, pager_ledger;
static struct task client = {.ledger = &client_ledger};
static struct task pager_task = {.ledger = &pager_ledger};

static void
begin_ledger(struct ledger *ledger)
{
	ledger->refs = 1;
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
		ledger->line[kind].part = ledger->line[kind].limit = PLENTY;
}

static void
limit_pages(struct ledger *ledger, uint64_t limit)
{
	ledger->line[BATON_LEDGER_RESIDENT].part =
	    ledger->line[BATON_LEDGER_RESIDENT].limit = limit;
}

static uint64_t
pages_of(const struct ledger *ledger)
{
	return ledger->line[BATON_LEDGER_RESIDENT].use;
}

/* Nothing is anybody's any more. */
static void
end_ledger(const struct ledger *ledger)
{
	assert_int_equal(ledger->refs, 1);
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
		assert_int_equal(ledger->line[kind].use, 0);
}

/* ---- ports ---- */

static struct zone ports;
static const struct kobject_class *port_class; /* of memory objects */

bool ipc_fast_enabled;

void
kobject_register(enum kobject_kind kind, const struct kobject_class *class)
{
	if (kind == KOBJECT_MEMORY_OBJECT)
		port_class = class;
}

static struct port *
make_port(void)
{
	struct port *port = zone_alloc_zeroed(&ports);

	if (port == NULL)
		return NULL;
	spin_init(&port->lock, LOCK_PORT);
	atomic_init(&port->refs, 1);
	list_init(&port->queue.messages);
	list_init(&port->reap.link);
	return port;
}

struct port *
port_create_kernel(enum kobject_kind kind, void *object)
{
	struct port *port = make_port();

	if (port == NULL)
		return NULL;
	port->state = PORT_IN_KERNEL;
	port->kind = (uint8_t)kind;
	port->object = object;
	return port;
}

void
port_put(struct port *port)
{
	if (atomic_fetch_sub(&port->refs, 1) == 1)
		zone_free(&ports, port);
}

void
port_destroy_kernel(struct port *port)
{
	port_put(port);
}

struct port *
right_copy_send(struct port *port)
{
	port->send_rights++;
	return port_get(port);
}

struct port *
right_make_send(struct port *to)
{
	return right_copy_send(to);
}

void
right_release_send(struct port *port)
{
	assert_true(port->send_rights > 0);
	port->send_rights--;
	port_put(port);
}

void
right_release_send_once(struct port *port)
{
	assert_null(port);
}

/* ---- messages ---- */

struct sent {
	uint64_t offset, size;
	unsigned access;
	bool dirty, kernel_copy;
	struct transfer *data;
	struct pager *ended; /* its last: with its ports */
	struct kmsg kmsg;
};

static struct zone messages;
static struct list queue = {&queue, &queue};

static struct sent *
sent_of(struct kmsg *kmsg)
{
	return container_of(kmsg, struct sent, kmsg);
}

static struct kmsg *
message(int32_t id)
{
	struct sent *sent = zone_alloc_zeroed(&messages);

	if (sent == NULL)
		return NULL;
	sent->kmsg.id = id;
	return &sent->kmsg;
}

void
kmsg_free(struct kmsg *kmsg)
{
	if (kmsg->remote != NULL)
		right_release_send(kmsg->remote);
	zone_free(&messages, sent_of(kmsg));
}

void
kmsg_destroy(struct kmsg *kmsg)
{
	transfer_destroy(sent_of(kmsg)->data);
	kmsg_free(kmsg);
}

struct kmsg *
pager_message_init(struct pager *pager)
{
	(void)pager;
	return message(MSGID_MEMORY_OBJECT_INIT);
}

struct kmsg *
pager_message_request(struct pager *pager)
{
	(void)pager;
	return message(0);
}

void
pager_message_ask(struct kmsg *kmsg, bool unlock, uint64_t offset,
    uint64_t size, unsigned access)
{
	kmsg->id = unlock ? MSGID_MEMORY_OBJECT_DATA_UNLOCK
			  : MSGID_MEMORY_OBJECT_DATA_REQUEST;
	sent_of(kmsg)->offset = offset;
	sent_of(kmsg)->size = size;
	sent_of(kmsg)->access = access;
}

struct kmsg *
pager_message_return(struct ledger *ledger, struct pager *pager,
    uint64_t offset, uint64_t size, bool dirty, bool kernel_copy,
    struct transfer *data)
{
	struct kmsg *kmsg = message(MSGID_MEMORY_OBJECT_DATA_RETURN);

	(void)pager, (void)ledger;
	if (kmsg == NULL)
		return NULL;
	sent_of(kmsg)->offset = offset;
	sent_of(kmsg)->size = size;
	sent_of(kmsg)->dirty = dirty;
	sent_of(kmsg)->kernel_copy = kernel_copy;
	sent_of(kmsg)->data = data;
	return kmsg;
}

struct kmsg *
pager_message_terminate(void)
{
	return message(MSGID_MEMORY_OBJECT_TERMINATE);
}

void
pager_message_address(struct pager *pager, struct kmsg *kmsg)
{
	kmsg->remote = right_copy_send(pager->port);
}

void
pager_message_send(struct kmsg *kmsg, struct thread **nextp)
{
	*nextp = NULL;
	if (port_is_dead(kmsg->remote))
		kmsg_destroy(kmsg);
	else
		list_add_tail(&kmsg->remote->queue.messages, &kmsg->link);
}

/* It takes both ports' receive rights with it, and the kernel's send right. */
void
pager_message_end(struct pager *pager)
{
	struct kmsg *kmsg = pager->terminate;
	struct thread *next;

	pager->terminate = NULL;
	port_put(pager->control);
	port_put(pager->name);
	kmsg->remote = pager->port;
	pager_message_send(kmsg, &next);
}

void
pager_answer_lock(
    struct pager *pager, struct port *to, uint64_t offset, uint64_t size)
{
	(void)pager, (void)to, (void)offset, (void)size;
}

void
pager_answer_supply(struct pager *pager, struct port *to, uint64_t offset,
    uint64_t size, kern_return_t result, uint64_t error_offset)
{
	(void)pager, (void)to, (void)offset, (void)size;
	(void)result, (void)error_offset;
}

void
pager_answer_change(struct port *to, bool may_cache, int copy_strategy)
{
	(void)to, (void)may_cache, (void)copy_strategy;
}

struct thread *
fast_pager_request(const struct fast_request *request)
{
	(void)request;
	return NULL;
}

/* ---- what else the pagers' code stands on ---- */

/* Nobody takes longer than he may. */
uint64_t
timer_now(void)
{
	return 1;
}

static uint64_t progress[CALL_PROGRESS_WORDS];

uint64_t *
call_progress(void)
{
	return progress;
}

bool
thread_should_yield(void)
{
	return true;
}

void
sched_wake(struct thread *thread)
{
	(void)thread;
	abort();
}

/* ---- the pager ---- */

static struct port *port; /* the memory object */
static char store[PAGES]; /* each page is of one letter */
static bool refuses;
static struct map *ours, *pagers;
static unsigned requests, inits, terminations, returns;

static struct pager *
the_pager(void)
{
	assert_int_equal(port->kind, KOBJECT_MEMORY_OBJECT);
	return port->object;
}

/* One page of letters, in a message. */
static struct transfer *
letters(char letter)
{
	static char page[PAGE_SIZE];
	struct transfer *transfer = NULL;
	uaddr_t at = 0;
	kern_return_t kr;

	memset(page, letter, sizeof(page));
	if (map_allocate(pagers, &at, PAGE_SIZE, 0, VM_FLAGS_ANYWHERE,
		VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE) != KERN_SUCCESS)
		return NULL;
	kr = map_copy_to(pagers, at, page, PAGE_SIZE);
	if (kr == KERN_SUCCESS)
		kr = transfer_take(
		    pagers, at, PAGE_SIZE, TRANSFER_GIVE, &transfer);
	if (kr != KERN_SUCCESS) {
		uint64_t done = 0;

		assert_int_equal(kr, KERN_RESOURCE_SHORTAGE);
		relent();
		assert_int_equal(
		    map_deallocate(pagers, at, PAGE_SIZE, &done), KERN_SUCCESS);
		return NULL;
	}
	return transfer;
}

/* The kernel has kept memory that was an argument. */
static bool kept;

void
call_keep_memory(const struct transfer *memory)
{
	assert_non_null(memory);
	kept = true;
}

static uint64_t
queued_pages(void)
{
	uint64_t pages = 0;
	struct list *link;

	list_for_each (link, &port->queue.messages) {
		struct transfer *data =
		    sent_of(container_of(link, struct kmsg, link))->data;

		if (data != NULL && data->ledger == &pager_ledger)
			pages += data->charged.pages;
	}
	return pages;
}

static uint64_t lost; /* pages of a snapshot that its source has forgotten */

/* Each pays for what is there, and for nothing else: the pager for the object's
 * pages and what is on its way back, the client for his snapshots'. */
static void
check_charges(void)
{
	const struct object *object;
	uint64_t pages = lost;
	struct list *link;

	vm_host_reap();
	if (port->kind != KOBJECT_MEMORY_OBJECT)
		return;
	object = the_pager()->object;
	assert_int_equal(pages_of(&pager_ledger),
	    (object != NULL ? object->pages : 0) + queued_pages());
	if (object == NULL)
		return;
	list_for_each (link, &object->snapshots)
		pages +=
		    container_of(link, struct object, snapshot_link)->pages;
	assert_int_equal(pages_of(&client_ledger), pages);
}

static void
supply(uint64_t offset)
{
	kern_return_t kr;

	do {
		struct transfer *data;

		while ((data = letters(store[offset / PAGE_SIZE])) == NULL)
			relent();
		memset(progress, 0, sizeof(progress));
		kept = false;
		kr = serve_memory_object_data_supply(the_pager(), offset, data,
		    PAGE_SIZE, VM_PROT_NONE, FALSE, NULL);
		/* Over its limit: it has its page again. */
		if (kept)
			return;
		transfer_destroy(data);
		if (kr == KERN_RESOURCE_SHORTAGE)
			relent();
	} while (kr == KERN_RESOURCE_SHORTAGE);
	assert_int_equal(kr, KERN_SUCCESS);
}

static void
take_back(struct sent *sent)
{
	returns++;
	for (uint64_t i = 0; i < sent->size; i += PAGE_SIZE) {
		const char *page;

		assert_int_equal(
		    transfer_bytes(sent->data, sent->data->address + i, &page),
		    KERN_SUCCESS);
		if (sent->dirty)
			store[(sent->offset + i) / PAGE_SIZE] = page[0];
		assert_memory_equal(page, page + 1, PAGE_SIZE - 1);
	}
}

static void
answer(struct sent *sent)
{
	kern_return_t kr;

	switch (sent->kmsg.id) {
	case MSGID_MEMORY_OBJECT_INIT:
		kr = serve_memory_object_ready(
		    the_pager(), FALSE, MEMORY_OBJECT_COPY_DELAY);
		/* Who wanted to map it had no memory for that. */
		assert_true(kr == KERN_SUCCESS || kr == KERN_TERMINATED);
		break;
	case MSGID_MEMORY_OBJECT_DATA_REQUEST:
		requests++;
		if (refuses)
			assert_int_equal(
			    serve_memory_object_data_error(the_pager(),
				sent->offset, sent->size, KERN_FAILURE),
			    KERN_SUCCESS);
		else
			supply(sent->offset);
		break;
	case MSGID_MEMORY_OBJECT_DATA_RETURN:
		take_back(sent);
		break;
	case MSGID_MEMORY_OBJECT_TERMINATE:
		terminations++;
		break;
	}
}

/* The pager does what it was asked. */
static void
serve(void)
{
	while (!list_empty(&port->queue.messages)) {
		struct kmsg *kmsg =
		    list_first(&port->queue.messages, struct kmsg, link);

		list_remove(&kmsg->link);
		current_thread()->task = &pager_task;
		/* An object may have ended before its pager heard of it. */
		inits += kmsg->id == MSGID_MEMORY_OBJECT_INIT;
		if (port->kind == KOBJECT_MEMORY_OBJECT ||
		    kmsg->id == MSGID_MEMORY_OBJECT_DATA_RETURN ||
		    kmsg->id == MSGID_MEMORY_OBJECT_TERMINATE) {
			memset(progress, 0, sizeof(progress));
			answer(sent_of(kmsg));
		}
		kmsg_destroy(kmsg);
		current_thread()->task = &client;
	}
}

/* ---- doing what may have to be done again ---- */

static uint64_t kept_progress[CALL_PROGRESS_WORDS];

static unsigned rounds; /* of the call at hand */
#define MANY_ROUNDS 500

/* Is a call that gave @kr to be made again? */
static bool
again(kern_return_t kr)
{
	struct thread *next = NULL;
	bool waits = kr == KERN_MEMORY_WAIT;

	if (kr == KERN_RESOURCE_SHORTAGE) {
		assert_false(relented);
		relent();
		memset(progress, 0, sizeof(progress));
		return true;
	}
	/* It waits for others to give memory back. */
	if (++rounds % MANY_ROUNDS == 0)
		relent();
	if (waits) {
		kr = vm_host_wait.source->ask(
		    vm_host_wait.object, vm_host_wait.where, &next);
		if (kr == KERN_RESOURCE_SHORTAGE)
			relent();
		assert_null(next);
		memory_wait_forget();
	}
	if (!waits && kr != KCALL_AGAIN && kr != KERN_OPERATION_TIMED_OUT)
		return false;
	vm_host_reap();
	memcpy(kept_progress, progress, sizeof(progress));
	serve();
	memcpy(progress, kept_progress, sizeof(progress));
	return true;
}

#define TRY(call)                                                              \
	({                                                                     \
		kern_return_t kr_;                                             \
		rounds = 0;                                                    \
		memset(progress, 0, sizeof(progress));                         \
		do                                                             \
			kr_ = (call);                                          \
		while (again(kr_));                                            \
		kr_;                                                           \
	})

static kern_return_t
place_once(struct map *map, bool private, uaddr_t *atp)
{
	struct view_place place = {
	    .map = map,
	    .size = SIZE,
	    .anywhere = true,
	    .private = private,
	    .prot = VM_PROT_DEFAULT,
	    .max_prot = VM_PROT_ALL,
	    .inherit = VM_INHERIT_COPY,
	};
	kern_return_t kr = TRY(pager_view(port, &place.view));

	assert_int_equal(kr, KERN_SUCCESS);
	while ((kr = view_place_step(&place)) == KERN_OPERATION_TIMED_OUT ||
	       kr == KERN_MEMORY_WAIT)
		assert_true(again(kr));
	view_place_end(&place);
	view_put(place.view);
	*atp = place.address;
	return kr;
}

static uaddr_t
place(struct map *map, bool private)
{
	uaddr_t at;

	assert_int_equal(TRY(place_once(map, private, &at)), KERN_SUCCESS);
	map_check(map);
	return at;
}

static char
look(struct map *map, uaddr_t at, unsigned page)
{
	char byte = 0;

	assert_int_equal(
	    TRY(map_copy_from(map, &byte, at + page * PAGE_SIZE + page, 1)),
	    KERN_SUCCESS);
	check_charges();
	return byte;
}

/* All of a page, or the pager would find that it is not. */
static void
put(struct map *map, uaddr_t at, unsigned page, char letter)
{
	static char bytes[PAGE_SIZE];

	memset(bytes, letter, sizeof(bytes));
	assert_int_equal(
	    TRY(map_copy_to(map, at + page * PAGE_SIZE, bytes, PAGE_SIZE)),
	    KERN_SUCCESS);
	check_charges();
}

static void
drop(struct map *map, uaddr_t at)
{
	uint64_t done = 0;

	assert_int_equal(
	    TRY(map_deallocate(map, at, SIZE, &done)), KERN_SUCCESS);
	assert_int_equal(done, SIZE);
}

/* The reaper does its work, and the pager its own. */
static void
settle(void)
{
	do {
		vm_host_reap();
		serve();
	} while (!list_empty(&port->queue.messages));
	vm_host_reap();
}

/* ---- one life of an object ---- */

static void
copies(uaddr_t shared)
{
	uaddr_t first, second;

	put(ours, shared, 1, 'x');
	first = place(ours, true);
	put(ours, shared, 1, 'y');
	put(ours, shared, 2, 'y');
	second = place(ours, true);
	put(ours, first, 3, 'z');
	put(ours, shared, 3, 'w');
	assert_int_equal(look(ours, first, 1), 'x');
	assert_int_equal(look(ours, first, 2), 'c');
	assert_int_equal(look(ours, first, 3), 'z');
	assert_int_equal(look(ours, second, 1), 'y');
	assert_int_equal(look(ours, second, 2), 'y');
	assert_int_equal(look(ours, second, 3), 'd');
	assert_int_equal(look(ours, shared, 3), 'w');
	assert_int_equal(look(ours, second, 4), 'e');
	map_check(ours);
	drop(ours, first);
	put(ours, shared, 4, 'v');
	assert_int_equal(look(ours, second, 4), 'e');
	drop(ours, second);
	map_check(ours);
}

static kern_return_t
fork_once(struct map *child)
{
	struct map_fork *fork = map_fork_begin(ours, child);
	kern_return_t kr;

	if (fork == NULL)
		return KERN_RESOURCE_SHORTAGE;
	while ((kr = map_fork_step(fork)) == KERN_OPERATION_TIMED_OUT ||
	       kr == KERN_MEMORY_WAIT)
		assert_true(again(kr));
	while (map_fork_end_step(fork))
		continue;
	return kr;
}

static void
forks(uaddr_t shared)
{
	unsigned before = requests;
	struct map *child;
	kern_return_t kr;

	do {
		while ((child = vm_host_create()) == NULL)
			relent();
		kr = fork_once(child);
		if (kr == KERN_RESOURCE_SHORTAGE) {
			vm_host_destroy(child);
			relent();
		}
	} while (kr == KERN_RESOURCE_SHORTAGE);
	assert_int_equal(kr, KERN_SUCCESS);
	assert_int_equal(requests, before);
	put(ours, shared, 1, 'q');
	assert_int_equal(look(child, shared, 1), 'y');
	assert_int_equal(look(child, shared, 5), 'f');
	put(child, shared, 5, 'p');
	assert_int_equal(look(ours, shared, 5), 'f');
	map_check(child);
	vm_host_destroy(child);
}

/* What is asked about pages that are there. */
static void
cleans(uaddr_t shared)
{
	struct pager_clean clean = {
	    .end = SIZE,
	    .should_return = MEMORY_OBJECT_RETURN_DIRTY,
	    .wait_for_room = true,
	    .wait_taken = true,
	};
	struct object *object;

	put(ours, shared, 6, 's');
	object = pager_object(the_pager());
	assert_non_null(object);
	assert_int_equal(
	    TRY(pager_clean_call(object, &clean, progress)), KERN_SUCCESS);
	object_put(object);
	assert_int_equal(store[6], 's');
	assert_int_equal(store[1], 'q');
	put(ours, shared, 6, 't');
	assert_int_equal(
	    TRY(serve_memory_object_lock_request(the_pager(), 0, SIZE,
		MEMORY_OBJECT_RETURN_DIRTY, TRUE, VM_PROT_NO_CHANGE, NULL)),
	    KERN_SUCCESS);
	serve();
	assert_int_equal(store[6], 't');
	assert_int_equal(look(ours, shared, 6), 't');
	map_check(ours);
}

static void
refused(uaddr_t shared)
{
	char byte;

	refuses = true;
	vm_host_wait.failed = NULL;
	/* The host's waits do not hear of the pager's error: once is enough. */
	assert_int_equal(map_copy_from(ours, &byte, shared + 7 * PAGE_SIZE, 1),
	    KERN_MEMORY_WAIT);
	assert_true(again(KERN_MEMORY_WAIT));
	refuses = false;
	assert_int_equal(look(ours, shared, 7), 'h');
}

/* Nobody has it mapped: it is kept, and mapped again. */
static uaddr_t
keeps(uaddr_t shared)
{
	unsigned before;

	put(ours, shared, 2, 'k');
	assert_int_equal(serve_memory_object_change_attributes(
			     the_pager(), TRUE, MEMORY_OBJECT_COPY_DELAY, NULL),
	    KERN_SUCCESS);
	drop(ours, shared);
	settle();
	assert_int_equal(store[2], 'k');
	assert_int_equal(terminations, inits - 1);
	before = requests;
	shared = place(ours, false);
	assert_int_equal(look(ours, shared, 2), 'k');
	assert_int_equal(requests, before);
	assert_int_equal(serve_memory_object_change_attributes(the_pager(),
			     FALSE, MEMORY_OBJECT_COPY_DELAY, NULL),
	    KERN_SUCCESS);
	return shared;
}

static void
begin(void)
{
	while ((port = make_port()) == NULL)
		relent();
	port->state = PORT_IN_SPACE;
	for (unsigned i = 0; i < PAGES; i++)
		store[i] = (char)('a' + i);
	requests = inits = terminations = returns = 0;
	refuses = false;
}

static void
life(void)
{
	uaddr_t shared;

	begin();
	shared = place(ours, false);
	assert_int_equal(look(ours, shared, 0), 'a');
	copies(shared);
	forks(shared);
	cleans(shared);
	refused(shared);
	shared = keeps(shared);
	put(ours, shared, 0, 'l');
	drop(ours, shared);
	settle();
	assert_int_equal(terminations, inits);
	assert_int_equal(store[0], 'l');
}

/* The port dies in the middle of it. */
static void
death(void)
{
	uaddr_t shared, copy;
	char byte;

	begin();
	shared = place(ours, false);
	put(ours, shared, 1, 'x');
	copy = place(ours, true);
	put(ours, shared, 1, 'y');
	put(ours, shared, 2, 'y');
	put(ours, copy, 3, 'z');
	serve();
	port->state = PORT_IS_DEAD;
	port_class->ended(the_pager());
	vm_host_reap();
	assert_int_equal(map_copy_from(ours, &byte, shared + PAGE_SIZE, 1),
	    KERN_MEMORY_ERROR);
	assert_int_equal(look(ours, copy, 1), 'x');
	assert_int_equal(look(ours, copy, 3), 'z');
	assert_int_equal(map_copy_from(ours, &byte, copy + 5 * PAGE_SIZE, 1),
	    KERN_MEMORY_ERROR);
	map_check(ours);
	drop(ours, shared);
	drop(ours, copy);
	vm_host_reap();
}

/* What is at @page cannot be had now. */
static void
cannot_look(uaddr_t at, unsigned page)
{
	char byte;

	vm_host_wait.failed = NULL;
	assert_int_equal(map_copy_from(ours, &byte, at + page * PAGE_SIZE, 1),
	    KERN_MEMORY_WAIT);
	assert_true(again(KERN_MEMORY_WAIT));
	serve();
	check_charges();
}

static unsigned sent_back;

/* Neither may have all that it is about to be given. */
static void
limits(void)
{
	uaddr_t shared, copy;
	char byte;

	begin();
	shared = place(ours, false);
	/* Others make the pager pay for 6 of 8. */
	limit_pages(&pager_ledger, 8);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(look(ours, shared, i), (char)('a' + i));
	returns = 0;
	cannot_look(shared, 6);
	assert_int_equal(pages_of(&pager_ledger), 6);
	/* If there was memory for the message. */
	assert_true(returns <= 1);
	sent_back += returns;
	limit_pages(&pager_ledger, 20);
	assert_int_equal(look(ours, shared, 6), 'g');

	/* The client's snapshot keeps what it has when it may keep no more:
	 * what was written, and perhaps what was lent. */
	copy = place(ours, true);
	assert_int_equal(look(ours, copy, 5), 'f');
	for (unsigned i = 0; i < 3; i++)
		put(ours, shared, i, 'n');
	assert_int_equal(look(ours, copy, 2), 'c');
	lost = pages_of(&client_ledger);
	limit_pages(&client_ledger, lost);
	for (unsigned i = 3; i < PAGES; i++)
		put(ours, shared, i, 'n');
	vm_host_reap();
	assert_true(pages_of(&client_ledger) >= 3);
	assert_int_equal(map_copy_from(ours, &byte, copy, 1), KERN_SUCCESS);
	assert_int_equal(byte, 'a');
	assert_int_equal(
	    map_copy_from(ours, &byte, copy + 5 * PAGE_SIZE, 1), KERN_SUCCESS);
	assert_int_equal(byte, 'f');
	assert_int_equal(map_copy_from(ours, &byte, copy + 4 * PAGE_SIZE, 1),
	    KERN_MEMORY_ERROR);
	/* The next one is another. */
	limit_pages(&client_ledger, PLENTY);
	drop(ours, copy);
	lost = 0;
	copy = place(ours, true);
	put(ours, shared, 4, 'o');
	assert_int_equal(look(ours, copy, 4), 'n');
	drop(ours, copy);
	drop(ours, shared);
	settle();
	assert_int_equal(terminations, inits);
	assert_int_equal(store[7], 'n');
}

static void
try_all(void (*story)(void))
{
	unsigned count, quiet = 0;

	/* Zones and pages in turn: both are over when neither fails. */
	for (count = 1; quiet < 2; count++) {
		uint64_t objects = vm_host_objects(), pages;

		vm_host_reap();
		pages = vm_host_pages_at_rest();
		assert_non_null(ours = vm_host_create());
		assert_non_null(pagers = vm_host_create());
		begin_ledger(&client_ledger);
		begin_ledger(&pager_ledger);
		current_thread()->task = &client;
		fail_from(count);
		story();
		quiet = relented ? 0 : quiet + 1;
		relent();
		port_put(port);
		map_check(ours);
		assert_int_equal(ours->size, 0);
		vm_host_destroy(ours);
		vm_host_destroy(pagers);
		assert_int_equal(vm_host_objects(), objects);
		assert_int_equal(vm_host_pages_at_rest(), pages);
		end_ledger(&client_ledger);
		end_ledger(&pager_ledger);
	}
	print_message("%u allocations\n", count);
	assert_true(count > 40);
}

static void
test_life(void **state)
{
	(void)state;
	try_all(life);
}

static void
test_death(void **state)
{
	(void)state;
	try_all(death);
}

static void
test_limits(void **state)
{
	(void)state;
	try_all(limits);
	assert_true(sent_back > 40);
}

static int
start(void **state)
{
	(void)state;
	vm_host_start(64UL << 20);
	zone_init(&ports, "port of a test", sizeof(struct port), 0);
	zone_init(&messages, "message of a test", sizeof(struct sent), 0);
	view_zone_init();
	pager_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_life),
	    cmocka_unit_test(test_death),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
