/*
 * test/unit/test_ipc_kept.c: a receive right that came and went is kept for the
 * next, and nobody can tell: by names, by limits, by what is charged.
 *
 * Sources: ipc test/unit/ipc_stage.c
 */
#include "ipc_stage.h"

#include <string.h>

#include "ipc/fast_port.h"
#include "ipc/fast_word.h"
#include "ipc/kept.h"
#include "kernel/ledger.h"

#define PLENTY (1UL << 40)

static struct ledger ledger;
static struct space *space;

static uint64_t
charged(enum baton_ledger_kind kind)
{
	struct baton_ledger_report report;

	ledger_report(&ledger, &report);
	return report.kind[kind].use;
}

static uint64_t
spare(void)
{
	return ledger.line[BATON_LEDGER_PORTS].use -
	       charged(BATON_LEDGER_PORTS);
}

/* Less than there was. */
static void
allow(enum baton_ledger_kind kind, uint64_t limit)
{
	assert_int_equal(
	    ledger_set(&ledger, NULL, kind, limit, 0), KERN_SUCCESS);
}

/* As much as one likes, again. */
static void
allow_all(enum baton_ledger_kind kind)
{
	ledger.line[kind].part = ledger.line[kind].limit = PLENTY;
}

static int
begin(void **state)
{
	int result = stage_begin(state);

	ledger = (struct ledger){.refs = 1};
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
		ledger.line[kind].part = ledger.line[kind].limit = PLENTY;
	ledger_weights[BATON_LEDGER_PORTS] = sizeof(struct port);
	space = space_of(client_task);
	space->ledger = ledger_get(&ledger);
	return result;
}

static int
end(void **state)
{
	int result = stage_end(state);

	assert_int_equal(ledger.refs, 1);
	assert_int_equal(ledger.kept, 0);
	for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
		assert_int_equal(ledger.line[kind].use, 0);
	assert_int_equal(this_cpu()->ports_kept, 0);
	return result;
}

static kern_return_t
give_up(mach_port_name_t name)
{
	return mach_port_mod_refs(space, name, MACH_PORT_RIGHT_RECEIVE, -1);
}

static mach_port_type_t
type_of(mach_port_name_t name)
{
	mach_port_type_t type;

	return mach_port_type(space, name, &type) == KERN_SUCCESS ? type : 0;
}

/* The port of a receive right. */
static struct port *
port_of(mach_port_name_t name)
{
	return space_entry(space, name_index(name))->port;
}

/* Make one, and let it be kept: its name. */
static mach_port_name_t
keep_one(void)
{
	mach_port_name_t name = port_in(client_task);

	assert_int_equal(give_up(name), KERN_SUCCESS);
	assert_int_equal(spare(), 1);
	return name;
}

static void
test_again(void **state)
{
	uint32_t names = mach_port_name_count(space);
	mach_port_name_t first = port_in(client_task), name = first;
	struct port *port = port_of(first);
	uint64_t bytes = charged(BATON_LEDGER_KERNEL);

	(void)state;
	/* All the generations that a name has, and once more. */
	for (unsigned i = 1; i <= 257; i++) {
		assert_int_equal(mach_port_name_count(space), names + 1);
		assert_int_equal(charged(BATON_LEDGER_PORTS), 1);
		assert_int_equal(charged(BATON_LEDGER_KERNEL), bytes);
		assert_int_equal(give_up(name), KERN_SUCCESS);
		assert_int_equal(this_cpu()->ports_kept, 1);
		assert_int_equal(mach_port_name_count(space), names);
		assert_int_equal(charged(BATON_LEDGER_PORTS), 0);
		assert_int_equal(
		    charged(BATON_LEDGER_KERNEL), bytes - sizeof(struct port));
		assert_int_equal(type_of(name), 0);
		assert_int_equal(give_up(name), KERN_INVALID_NAME);
		name = port_in(client_task);
		assert_int_equal(this_cpu()->ports_kept, 0);
		assert_int_equal(name, name_make(name_index(first), first + i));
		assert_ptr_equal(port_of(name), port);
	}
	assert_int_equal(give_up(name), KERN_SUCCESS);
}

/* Whatever was done to it before. */
static void
test_as_new(void **state)
{
	mach_port_name_t name = port_in(client_task);
	mach_port_status_t before, after;

	(void)state;
	before = status_of(client_task, name);
	set_limit(client_task, name, 17);
	assert_int_equal(mach_port_set_context(space, name, 99), KERN_SUCCESS);
	assert_int_equal(mach_port_set_mscount(space, name, 8), KERN_SUCCESS);
	assert_int_equal(mach_port_set_seqno(space, name, 7), KERN_SUCCESS);
	assert_int_equal(give_up(name), KERN_SUCCESS);
	name = port_in(client_task);
	after = status_of(client_task, name);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(port_of(name)->context, 0);
	assert_int_equal(give_up(name), KERN_SUCCESS);
}

/* What others know of, or have a say in, is not kept. */
static void
test_known(void **state)
{
	mach_port_name_t name = port_in(client_task);
	struct port *port = port_get(port_of(name));

	(void)state;
	assert_int_equal(give_up(name), KERN_SUCCESS);
	assert_null(space->kept);
	assert_true(port_is_dead(port));
	port_put(port);

	/* One that has a guard does not end so. */
	name = port_in(client_task);
	assert_int_equal(
	    mach_port_guard_with_flags(space, name, 5, 0), KERN_SUCCESS);
	assert_int_equal(give_up(name), KERN_INVALID_RIGHT);
	assert_int_equal(
	    mach_port_destruct(space, name, 0, 6), KERN_INVALID_ARGUMENT);
	assert_int_equal(mach_port_destruct(space, name, 0, 5), KERN_SUCCESS);
	assert_null(space->kept);

	/* Nor one that another hart has locked, or works on without. */
	name = port_in(client_task);
	port = port_of(name);
	spin_lock(&space->lock);
	spin_lock(&port->lock);
	assert_false(
	    kept_keep(space, name, space_entry(space, name_index(name))));
	spin_unlock(&port->lock);
	port->word = word_quiet(space_entry(space, name_index(name)), name);
	assert_false(
	    kept_keep(space, name, space_entry(space, name_index(name))));
	spin_unlock(&space->lock);
	assert_int_equal(give_up(name), KERN_SUCCESS);

	/* Nor one that another task pays for; the second goes as all do. */
	name = port_in(client_task);
	port_of(name)->ledger = NULL;
	ledger_release(&ledger, BATON_LEDGER_PORTS, 1);
	assert_int_equal(give_up(name), KERN_SUCCESS);
	assert_null(space->kept);
}

/* The limit of ports is what it was; of names, too. */
static void
test_limits(void **state)
{
	mach_port_name_t one, two, names[3];

	(void)state;
	keep_one();
	allow(BATON_LEDGER_PORTS, 2);
	one = port_in(client_task);
	assert_int_equal(give_up(one), KERN_SUCCESS);
	assert_int_equal(spare(), 1);
	one = port_in(client_task);
	two = port_in(client_task);
	assert_int_equal(
	    mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, names),
	    KERN_RESOURCE_SHORTAGE);
	assert_int_equal(give_up(one), KERN_SUCCESS);
	assert_int_equal(give_up(two), KERN_SUCCESS);
	assert_int_equal(charged(BATON_LEDGER_PORTS), 0);
	allow(BATON_LEDGER_PORTS, 0);
	assert_int_equal(ledger.line[BATON_LEDGER_PORTS].use, 0);
	assert_int_equal(
	    mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, names),
	    KERN_RESOURCE_SHORTAGE);
	allow_all(BATON_LEDGER_PORTS);

	keep_one();
	space->limit = mach_port_name_count(space) + 2;
	for (int i = 0; i < 2; i++)
		assert_int_equal(mach_port_allocate(space,
				     MACH_PORT_RIGHT_DEAD_NAME, &names[i]),
		    KERN_SUCCESS);
	assert_int_equal(
	    mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &names[2]),
	    KERN_NO_SPACE);
	assert_int_equal(mach_port_destroy(space, names[0]), KERN_SUCCESS);
	names[0] = keep_one();
	/* The name that is chosen may be that of what is kept. */
	assert_int_equal(
	    mach_port_allocate_name(space, MACH_PORT_RIGHT_RECEIVE, names[0]),
	    KERN_SUCCESS);
	assert_int_equal(type_of(names[0]), MACH_PORT_TYPE_RECEIVE);
	assert_int_equal(give_up(names[0]), KERN_SUCCESS);
	assert_int_equal(mach_port_destroy(space, names[1]), KERN_SUCCESS);
	space->limit = NAME_INDEX_MAX;
}

/* Something else finds room where it is; then it is paid for anew. */
static void
test_room(void **state)
{
	mach_port_name_t name;

	(void)state;
	keep_one();
	allow(BATON_LEDGER_KERNEL,
	    charged(BATON_LEDGER_KERNEL) + sizeof(struct port));
	/* A new limit alone takes it. */
	assert_int_equal(spare(), 0);
	keep_one();
	assert_true(ledger_charge(&ledger, BATON_LEDGER_KERNEL, 1));
	assert_int_equal(spare(), 0);
	assert_non_null(space->kept);
	assert_int_equal(
	    mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &name),
	    KERN_RESOURCE_SHORTAGE);
	assert_null(space->kept);
	ledger_credit(&ledger, BATON_LEDGER_KERNEL, 1);
	name = keep_one();
	assert_true(
	    ledger_charge(&ledger, BATON_LEDGER_KERNEL, sizeof(struct port)));
	assert_false(ledger_charge(&ledger, BATON_LEDGER_KERNEL, 1));
	ledger_credit(&ledger, BATON_LEDGER_KERNEL, sizeof(struct port));
	assert_int_equal(charged(BATON_LEDGER_PORTS), 0);
	/* Not paid for, it is not to be had. */
	assert_non_null(space->kept);
	name = port_in(client_task);
	assert_int_equal(charged(BATON_LEDGER_PORTS), 1);
	assert_int_equal(give_up(name), KERN_SUCCESS);
}

/* ---- the traps ---- */

struct trap {
	uint64_t target, name, right, delta;
	uaddr_t namep;
};

static int64_t
trap_allocate(void *argument)
{
	const struct trap *trap = argument;

	return fast_port_allocate(trap->target, trap->right, trap->namep);
}

static int64_t
trap_mod_refs(void *argument)
{
	const struct trap *trap = argument;

	return fast_port_mod_refs(
	    trap->target, trap->name, trap->right, trap->delta);
}

static int64_t
trap_reply_port(void *argument)
{
	(void)argument;
	return fast_reply_port();
}

static kern_return_t
allocate(struct trap *trap)
{
	assert_true(host_call(client, trap_allocate, trap));
	if (client->value == KERN_SUCCESS)
		trap->name = *(mach_port_name_t *)buffer_at(client);
	return (kern_return_t)client->value;
}

static kern_return_t
mod_refs(struct trap *trap)
{
	assert_true(host_call(client, trap_mod_refs, trap));
	return (kern_return_t)client->value;
}

static void
test_traps(void **state)
{
	struct trap trap = {.right = MACH_PORT_RIGHT_RECEIVE,
	    .delta = (uint64_t)-1L,
	    .namep = buffer_of(client)};
	struct port *self =
	    port_create_kernel(KOBJECT_TASK, &client_task->task);
	mach_port_name_t name;
	uint32_t names;

	(void)state;
	client_task->task.self_port = self;
	assert_int_equal(space_insert_send(space, right_make_send(self), &name),
	    KERN_SUCCESS);
	trap.target = name;
	for (int remembered = 0; remembered < 2; remembered++) {
		for (int i = 0; i < 3; i++) {
			assert_int_equal(allocate(&trap), KERN_SUCCESS);
			assert_int_equal(mod_refs(&trap), KERN_SUCCESS);
			assert_int_equal(mod_refs(&trap), KERN_INVALID_NAME);
		}
		space_remember_self(space, name, self);
	}
	names = mach_port_name_count(space);
	assert_non_null(space->kept);
	trap.target = name + 1;
	assert_int_equal(allocate(&trap), KERN_INVALID_TASK);
	assert_int_equal(mod_refs(&trap), KERN_INVALID_TASK);
	trap.target = name;
	trap.name = name;
	assert_int_equal(mod_refs(&trap), KERN_INVALID_RIGHT);
	trap.name = 0xfffff701;
	assert_int_equal(mod_refs(&trap), KERN_INVALID_NAME);
	trap.namep = 3;
	assert_int_equal(allocate(&trap), KERN_INVALID_ADDRESS);
	assert_int_equal(mach_port_name_count(space), names);
	assert_int_equal(charged(BATON_LEDGER_PORTS), 0);

	assert_true(host_call(client, trap_reply_port, NULL));
	trap.name = (mach_port_name_t)client->value;
	assert_int_equal(
	    type_of((mach_port_name_t)trap.name), MACH_PORT_TYPE_RECEIVE);
	assert_int_equal(mod_refs(&trap), KERN_SUCCESS);
	port_destroy_kernel(self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_again, begin, end),
	    cmocka_unit_test_setup_teardown(test_as_new, begin, end),
	    cmocka_unit_test_setup_teardown(test_known, begin, end),
	    cmocka_unit_test_setup_teardown(test_limits, begin, end),
	    cmocka_unit_test_setup_teardown(test_room, begin, end),
	    cmocka_unit_test_setup_teardown(test_traps, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
