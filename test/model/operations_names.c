/*
 * operations_names.c: calls on one space: names made, counted and destroyed.
 */
#include "chance.h"
#include "ipc/mach_port.h"
#include "ipc/traps.h"
#include "operations.h"

/* Arguments of these calls; each uses some. */
struct on_name {
	struct space *space;
	mach_port_name_t name;
	mach_port_right_t right;
	int32_t delta;
	uint32_t word;
	mach_port_options_t options;
};

/* ---- making ---- */

static int64_t
call_allocate(void *argument)
{
	struct on_name *a = argument;

	return mach_port_allocate(a->space, a->right, &a->name);
}

static int64_t
call_allocate_name(void *argument)
{
	struct on_name *a = argument;

	return mach_port_allocate_name(a->space, a->right, a->name);
}

static mach_port_right_t
right_to_make(void)
{
	static const mach_port_right_t rights[] = {MACH_PORT_RIGHT_RECEIVE,
	    MACH_PORT_RIGHT_RECEIVE, MACH_PORT_RIGHT_RECEIVE,
	    MACH_PORT_RIGHT_RECEIVE, MACH_PORT_RIGHT_PORT_SET,
	    MACH_PORT_RIGHT_DEAD_NAME, MACH_PORT_RIGHT_SEND,
	    MACH_PORT_RIGHT_SEND_ONCE, 5, 77};

	return rights[chance(ARRAY_SIZE(rights))];
}

static bool
may_be_made(mach_port_right_t right)
{
	return right == MACH_PORT_RIGHT_RECEIVE ||
	       right == MACH_PORT_RIGHT_PORT_SET ||
	       right == MACH_PORT_RIGHT_DEAD_NAME;
}

/* The kernel made what @name denotes; so does the model. */
static void
made(struct m_task *task, mach_port_name_t name, mach_port_right_t right,
    bool chosen)
{
	struct m_name *entry = m_name_new(task, name, chosen);
	struct entry *kernel = kernel_entry(task, name);

	entry->type = MACH_PORT_TYPE(right);
	if (right == MACH_PORT_RIGHT_RECEIVE) {
		entry->port = m_port_new(kernel->port);
		entry->port->receiver = task;
	} else if (right == MACH_PORT_RIGHT_PORT_SET) {
		entry->set = m_set_new(task, kernel->pset);
	} else {
		entry->urefs = 1;
	}
}

static void
allocate(struct m_thread *thread, struct m_task *task)
{
	struct on_name a = {space_of(task), .right = right_to_make()};
	kern_return_t kr = (kern_return_t)run(thread, call_allocate, &a);

	say("t%u: mach_port_allocate(task %u, %u) = %d, 0x%x", thread->number,
	    task->number, a.right, kr, a.name);
	if (nothing_happened(kr))
		return;
	if (!may_be_made(a.right)) {
		EXPECT(kr == KERN_INVALID_VALUE);
		return;
	}
	if (no_space(task, kr))
		return;
	EXPECT(kr == KERN_SUCCESS);
	made(task, a.name, a.right, false);
}

/* What must come of allocating @name. */
static kern_return_t
expected_name(struct m_task *task, mach_port_name_t name, uint32_t right)
{
	if (!MACH_PORT_VALID(name) || !may_be_made(right) ||
	    name_index(name) == 0 || name_index(name) > NAME_INDEX_MAX)
		return KERN_INVALID_VALUE;
	return m_index_in_use(task, name) || kernel_keeps(task, name)
		   ? KERN_NAME_EXISTS
		   : KERN_SUCCESS;
}

static void
allocate_name(struct m_thread *thread, struct m_task *task)
{
	struct on_name a = {space_of(task), .right = right_to_make(),
	    .name = chosen_name(task)};
	kern_return_t expected = expected_name(task, a.name, a.right);
	kern_return_t kr = (kern_return_t)run(thread, call_allocate_name, &a);

	say("t%u: mach_port_allocate_name(task %u, %u, 0x%x) = %d",
	    thread->number, task->number, a.right, a.name, kr);
	if (nothing_happened(kr))
		return;
	if (expected != KERN_INVALID_VALUE && no_space(task, kr))
		return;
	EXPECT(kr == expected);
	if (kr == KERN_SUCCESS)
		made(task, a.name, a.right, true);
}

static int64_t
call_construct(void *argument)
{
	struct on_name *a = argument;

	return mach_port_construct(a->space, &a->options, a->word, &a->name);
}

static uint32_t
guard_by(uint32_t options)
{
	uint32_t guard = 0;

	if (options & MPO_CONTEXT_AS_GUARD)
		guard |= MACH_PORT_STATUS_FLAG_GUARDED;
	if ((options & MPO_CONTEXT_AS_GUARD) && (options & MPO_STRICT))
		guard |= MACH_PORT_STATUS_FLAG_STRICT_GUARD;
	if (options & MPO_IMMOVABLE_RECEIVE)
		guard |= MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE;
	return guard;
}

static void
construct(struct m_thread *thread, struct m_task *task)
{
	struct on_name a = {space_of(task), .word = chance(4)};
	struct m_name *entry;
	kern_return_t kr;

	a.options.flags = chance(2) ? MPO_QLIMIT : 0;
	a.options.flags |= chance(2) ? MPO_INSERT_SEND_RIGHT : 0;
	a.options.flags |= chance(8) == 0 ? MPO_CONTEXT_AS_GUARD : 0;
	a.options.flags |= chance(8) == 0 ? MPO_STRICT : 0;
	a.options.flags |= chance(16) == 0 ? MPO_IMMOVABLE_RECEIVE : 0;
	a.options.mpl.mpl_qlimit = chance(8) ? chance(6) : 1025;
	kr = (kern_return_t)run(thread, call_construct, &a);
	say("t%u: mach_port_construct(task %u, flags 0x%x) = %d, 0x%x",
	    thread->number, task->number, a.options.flags, kr, a.name);
	if (nothing_happened(kr))
		return;
	if ((a.options.flags & MPO_QLIMIT) &&
	    a.options.mpl.mpl_qlimit > MACH_PORT_QLIMIT_MAX) {
		EXPECT(kr == KERN_INVALID_VALUE);
		return;
	}
	if (no_space(task, kr))
		return;
	EXPECT(kr == KERN_SUCCESS);
	made(task, a.name, MACH_PORT_RIGHT_RECEIVE, false);
	entry = m_lookup(task, a.name);
	entry->port->context = a.word;
	entry->port->guard = guard_by(a.options.flags);
	if (a.options.flags & MPO_QLIMIT)
		entry->port->limit = a.options.mpl.mpl_qlimit;
	if (a.options.flags & MPO_INSERT_SEND_RIGHT) {
		entry->type |= MACH_PORT_TYPE_SEND;
		entry->urefs = 1;
		entry->port->make_sends = 1;
	}
}

/* ---- giving up ---- */

static int64_t
call_deallocate(void *argument)
{
	struct on_name *a = argument;

	return mach_port_deallocate(a->space, a->name);
}

/* References of a name change by @delta; with the last it goes. */
static kern_return_t
mod_urefs(struct m_task *task, struct m_name *entry, int32_t delta)
{
	uint32_t urefs = entry->urefs;
	kern_return_t kr = m_mod_urefs(&urefs, delta);

	if (kr != KERN_SUCCESS)
		return kr;
	if (urefs > 0)
		entry->urefs = urefs;
	else if (entry->type == MACH_PORT_TYPE_DEAD_NAME)
		m_name_free(task, entry);
	else
		m_drop_send(task, entry);
	return KERN_SUCCESS;
}

static kern_return_t
model_deallocate(struct m_task *task, mach_port_name_t name)
{
	struct m_name *entry = m_lookup(task, name);

	if (!MACH_PORT_VALID(name))
		return KERN_SUCCESS;
	if (entry == NULL)
		return KERN_INVALID_NAME;
	if (entry->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME))
		return mod_urefs(task, entry, -1);
	if (entry->type != MACH_PORT_TYPE_SEND_ONCE)
		return KERN_INVALID_RIGHT;
	m_drop_all(task, entry);
	return KERN_SUCCESS;
}

static void
deallocate(struct m_thread *thread, struct m_task *task)
{
	struct on_name a = {.space = space_of(task),
	    .name = some_name(
		task, MACH_PORT_TYPE_SEND_RIGHTS | MACH_PORT_TYPE_DEAD_NAME)};
	kern_return_t kr = (kern_return_t)run(thread, call_deallocate, &a);

	say("t%u: mach_port_deallocate(task %u, 0x%x) = %d", thread->number,
	    task->number, a.name, kr);
	EXPECT(kr == model_deallocate(task, a.name));
}

/* Only who knows the guard may end the receive right. */
static bool
is_guarded(const struct m_name *entry)
{
	return (entry->type & MACH_PORT_TYPE_RECEIVE) &&
	       (entry->port->guard & MACH_PORT_STATUS_FLAG_GUARDED);
}

static int64_t
call_destroy(void *argument)
{
	struct on_name *a = argument;

	return mach_port_destroy(a->space, a->name);
}

static void
destroy(struct m_thread *thread, struct m_task *task)
{
	struct on_name a = {.space = space_of(task),
	    .name = some_name(task, MACH_PORT_TYPE_ALL_RIGHTS)};
	struct m_name *entry = m_lookup(task, a.name);
	kern_return_t kr = (kern_return_t)run(thread, call_destroy, &a);

	say("t%u: mach_port_destroy(task %u, 0x%x) = %d", thread->number,
	    task->number, a.name, kr);
	if (entry == NULL) {
		EXPECT(kr == KERN_INVALID_NAME);
	} else if (is_guarded(entry)) {
		EXPECT(kr == KERN_INVALID_RIGHT);
	} else {
		EXPECT(kr == KERN_SUCCESS);
		m_drop_all(task, entry);
	}
}

static int64_t
call_mod_refs(void *argument)
{
	struct on_name *a = argument;

	return mach_port_mod_refs(a->space, a->name, a->right, a->delta);
}

static int32_t
some_delta(void)
{
	static const int32_t deltas[] = {0, 1, 2, 65534, 65535, 70000,
	    INT32_MAX, INT32_MIN, -65535, -65534, -2, -3};

	return chance(2) ? -1 : deltas[chance(ARRAY_SIZE(deltas))];
}

static kern_return_t
model_mod_refs(struct m_task *task, const struct on_name *a)
{
	struct m_name *entry = m_lookup(task, a->name);

	if (a->right > MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	if (!MACH_PORT_VALID(a->name) &&
	    (a->right == MACH_PORT_RIGHT_SEND ||
		a->right == MACH_PORT_RIGHT_SEND_ONCE))
		return KERN_SUCCESS;
	if (entry == NULL)
		return KERN_INVALID_NAME;
	if (!(entry->type & MACH_PORT_TYPE(a->right)))
		return KERN_INVALID_RIGHT;
	if (a->right == MACH_PORT_RIGHT_SEND ||
	    a->right == MACH_PORT_RIGHT_DEAD_NAME)
		return mod_urefs(task, entry, a->delta);
	if (a->delta == 0)
		return KERN_SUCCESS;
	if (a->delta != -1)
		return KERN_INVALID_VALUE;
	if (is_guarded(entry))
		return KERN_INVALID_RIGHT;
	if (a->right == MACH_PORT_RIGHT_RECEIVE)
		m_drop_receive(task, entry);
	else
		m_drop_all(task, entry);
	return KERN_SUCCESS;
}

static void
mod_refs(struct m_thread *thread, struct m_task *task)
{
	struct on_name a = {space_of(task), .right = chance(6)};
	kern_return_t kr;

	a.name = some_name(task, MACH_PORT_TYPE(a.right));
	a.delta = some_delta();
	kr = (kern_return_t)run(thread, call_mod_refs, &a);
	say("t%u: mach_port_mod_refs(task %u, 0x%x, %u, %d) = %d",
	    thread->number, task->number, a.name, a.right, a.delta, kr);
	EXPECT(kr == model_mod_refs(task, &a));
}

static int64_t
call_destruct(void *argument)
{
	struct on_name *a = argument;

	return mach_port_destruct(a->space, a->name, a->delta, a->word);
}

static kern_return_t
model_destruct(struct m_task *task, const struct on_name *a)
{
	struct m_name *entry = m_lookup(task, a->name);

	kern_return_t kr = KERN_SUCCESS;

	if (entry == NULL)
		return KERN_INVALID_NAME;
	if (!(entry->type & MACH_PORT_TYPE_RECEIVE) ||
	    (a->delta != 0 && !(entry->type & MACH_PORT_TYPE_SEND)))
		return KERN_INVALID_RIGHT;
	if (a->delta > 0)
		return KERN_INVALID_VALUE;
	if (is_guarded(entry) && entry->port->context != a->word)
		return KERN_INVALID_ARGUMENT;
	if (a->delta != 0)
		kr = mod_urefs(task, entry, a->delta);
	if (kr != KERN_SUCCESS)
		return kr;
	m_drop_receive(task, entry);
	return KERN_SUCCESS;
}

static void
destruct(struct m_thread *thread, struct m_task *task)
{
	struct on_name a = {.space = space_of(task),
	    .name = some_name(task, MACH_PORT_TYPE_RECEIVE)};
	kern_return_t kr;

	a.delta = chance(2) ? 0 : some_delta();
	a.word = chance(4);
	kr = (kern_return_t)run(thread, call_destruct, &a);
	say("t%u: mach_port_destruct(task %u, 0x%x, %d) = %d", thread->number,
	    task->number, a.name, a.delta, kr);
	EXPECT(kr == model_destruct(task, &a));
}

/* ---- looking ---- */

static int64_t
call_get_refs(void *argument)
{
	struct on_name *a = argument;

	return mach_port_get_refs(a->space, a->name, a->right, &a->word);
}

static void
get_refs(struct m_thread *thread, struct m_task *task)
{
	struct on_name a = {space_of(task), .right = chance(6)};
	struct m_name *entry;
	kern_return_t kr;

	a.name = some_name(task, MACH_PORT_TYPE(a.right));
	entry = m_lookup(task, a.name);
	kr = (kern_return_t)run(thread, call_get_refs, &a);
	say("t%u: mach_port_get_refs(task %u, 0x%x, %u) = %d, %u",
	    thread->number, task->number, a.name, a.right, kr, a.word);
	if (a.right > MACH_PORT_RIGHT_DEAD_NAME)
		EXPECT(kr == KERN_INVALID_VALUE);
	else if (entry == NULL)
		EXPECT(kr == KERN_INVALID_NAME);
	else if (!(entry->type & MACH_PORT_TYPE(a.right)))
		EXPECT(kr == KERN_SUCCESS && a.word == 0);
	else if (a.right == MACH_PORT_RIGHT_SEND ||
		 a.right == MACH_PORT_RIGHT_DEAD_NAME)
		EXPECT(kr == KERN_SUCCESS && a.word == entry->urefs);
	else
		EXPECT(kr == KERN_SUCCESS && a.word == 1);
}

/* What mach_port_type() says of requests. */
static uint32_t
requests_of(const struct m_name *entry)
{
	if (entry->request.port == NULL)
		return 0;
	if (!entry->possible)
		return MACH_PORT_TYPE_DNREQUEST;
	return MACH_PORT_TYPE_DNREQUEST | MACH_PORT_TYPE_SPREQUEST |
	       (entry->armed ? 0 : MACH_PORT_TYPE_SPREQUEST_DELAYED);
}

static int64_t
call_type(void *argument)
{
	struct on_name *a = argument;

	return mach_port_type(a->space, a->name, &a->word);
}

static void
get_type(struct m_thread *thread, struct m_task *task)
{
	struct on_name a = {.space = space_of(task),
	    .name = some_name(task, MACH_PORT_TYPE_ALL_RIGHTS)};
	struct m_name *entry = m_lookup(task, a.name);
	kern_return_t kr = (kern_return_t)run(thread, call_type, &a);

	say("t%u: mach_port_type(task %u, 0x%x) = %d, 0x%x", thread->number,
	    task->number, a.name, kr, a.word);
	EXPECT(kr == (entry != NULL ? KERN_SUCCESS : KERN_INVALID_NAME));
	if (entry == NULL)
		return;
	EXPECT((a.word & MACH_PORT_TYPE_ALL_RIGHTS) == entry->type);
	EXPECT((a.word & ~MACH_PORT_TYPE_ALL_RIGHTS) == requests_of(entry));
}

static int64_t
call_reply_port(void *argument)
{
	struct on_name *a = argument;

	a->name = special_reply_port_trap();
	return 0;
}

/* A port for replies; the one before is like any other from now on. */
static void
reply_port(struct m_thread *thread, struct m_task *task)
{
	struct on_name a = {.space = space_of(task)};
	struct m_name *entry;

	task = thread->task;
	(void)run(thread, call_reply_port, &a);
	say("t%u: thread_get_special_reply_port() = 0x%x", thread->number,
	    a.name);
	if (a.name == MACH_PORT_NULL) {
		EXPECT(host_failed() || no_space(task, KERN_NO_SPACE));
		return;
	}
	made(task, a.name, MACH_PORT_RIGHT_RECEIVE, false);
	entry = m_lookup(task, a.name);
	entry->type |= MACH_PORT_TYPE_SEND;
	entry->urefs = 1;
	entry->port->make_sends = 1;
	thread->reply_port = entry->port;
}

typedef void (*on_name_t)(struct m_thread *thread, struct m_task *task);

void
operation_on_names(void)
{
	static const on_name_t makes[] = {
	    allocate, allocate, allocate, allocate_name, construct, reply_port};
	static const on_name_t others[] = {deallocate, deallocate, destroy,
	    mod_refs, mod_refs, mod_refs, destruct, get_refs, get_type};
	struct m_thread *thread = idle_thread();
	struct m_task *task;

	if (thread == NULL)
		return;
	task = chance(8) ? thread->task : &world.task[chance(TASKS)];
	/* Many, but not ever more. */
	if (chance(20) > m_name_count(task))
		makes[chance(ARRAY_SIZE(makes))](thread, task);
	else
		others[chance(ARRAY_SIZE(others))](thread, task);
}
