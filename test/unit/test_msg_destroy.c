/*
 * test_msg_destroy.c: mach_msg_destroy() gives up what a message brought,
 * wherever the message lies: at each word, where no 64-bit field of it is
 * aligned.  The sanitizer stops at an access that is not.
 *
 * Sources: userland/libmach/msg_destroy.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mach/mach.h>

mach_port_t mach_task_self_ = 0x103;

/* What was given up: numbers that name it, added. */
static uint64_t rights, receive_rights, made, memory;
static mach_port_context_t guards;

kern_return_t
mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
	assert_int_equal(task, mach_task_self_);
	rights += name;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_mod_refs(ipc_space_t task, mach_port_name_t name,
    mach_port_right_t right, mach_port_delta_t delta)
{
	assert_int_equal(task, mach_task_self_);
	assert_int_equal(right, MACH_PORT_RIGHT_RECEIVE);
	assert_int_equal(delta, -1);
	receive_rights += name;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_insert_right(ipc_space_t task, mach_port_name_t name,
    mach_port_t poly, mach_msg_type_name_t disposition)
{
	assert_int_equal(task, mach_task_self_);
	assert_int_equal(name, poly);
	assert_int_equal(disposition, MACH_MSG_TYPE_MAKE_SEND);
	made += name;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_extract_right(ipc_space_t task, mach_port_name_t name,
    mach_msg_type_name_t disposition, mach_port_t *poly,
    mach_msg_type_name_t *type)
{
	assert_int_equal(task, mach_task_self_);
	made += name;
	*poly = name;
	*type = disposition;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_unguard(
    ipc_space_t task, mach_port_name_t name, mach_port_context_t guard)
{
	assert_int_equal(task, mach_task_self_);
	assert_int_not_equal(name, MACH_PORT_NULL);
	guards += guard;
	return KERN_SUCCESS;
}

kern_return_t
mach_vm_deallocate(
    vm_map_t task, mach_vm_address_t address, mach_vm_size_t size)
{
	assert_int_equal(task, mach_task_self_);
	memory += address + size;
	return KERN_SUCCESS;
}

/* Sizes of 12 and 16 bytes by turns, so that the rest stands at both. */
#pragma pack(push, 4)
struct message {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_ool_descriptor_t memory;
	mach_msg_port_descriptor_t send;
	mach_msg_ool_ports_descriptor_t ports;
	mach_msg_port_descriptor_t receive;
	mach_msg_guarded_port_descriptor_t guarded;
	mach_msg_port_descriptor_t dead;
	mach_msg_ool_descriptor_t more;
};
#pragma pack(pop)

#define GUARD 0x0102030405060708UL

static void
test_each_word(void **state)
{
	static mach_port_t names[] = {0x107, MACH_PORT_NULL, 0x203};
	static _Alignas(8) uint8_t room[sizeof(struct message) + 64];
	struct message message = {
	    .header = {.msgh_bits = MACH_MSGH_BITS_COMPLEX |
				    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE,
					MACH_MSG_TYPE_MOVE_SEND),
		.msgh_remote_port = 1,
		.msgh_local_port = 2},
	    .body = {7},
	    .memory = {.address = (void *)0x1000,
		.size = 3,
		.type = MACH_MSG_OOL_DESCRIPTOR},
	    .send = {.name = 0x10, .disposition = MACH_MSG_TYPE_MOVE_SEND},
	    .ports = {.address = names,
		.count = 3,
		.disposition = MACH_MSG_TYPE_MOVE_SEND,
		.type = MACH_MSG_OOL_PORTS_DESCRIPTOR},
	    .receive = {.name = 0x20,
		.disposition = MACH_MSG_TYPE_MOVE_RECEIVE},
	    .guarded = {.context = GUARD,
		.disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
		.type = MACH_MSG_GUARDED_PORT_DESCRIPTOR,
		.name = 0x40},
	    .dead = {.name = MACH_PORT_DEAD,
		.disposition = MACH_MSG_TYPE_MOVE_SEND},
	    .more = {.address = (void *)0x70000000,
		.size = 5,
		.type = MACH_MSG_OOL_VOLATILE_DESCRIPTOR},
	};

	(void)state;
	for (unsigned offset = 0; offset < 64; offset += 4) {
		memcpy(room + offset, &message, sizeof(message));
		rights = receive_rights = made = memory = guards = 0;
		mach_msg_destroy((mach_msg_header_t *)(room + offset));
		/* The local port is the receiver's own. */
		assert_int_equal(rights, 1 + 0x10 + 0x107 + 0x203);
		assert_int_equal(receive_rights, 0x20 + 0x40);
		assert_int_equal(made, 0);
		assert_int_equal(guards, GUARD);
		assert_int_equal(memory, 0x1000 + 3 + 0x70000000 + 5 +
					     (uintptr_t)names + sizeof(names));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_word)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
