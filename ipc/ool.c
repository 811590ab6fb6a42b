/*
 * ool.c: descriptors: what a message carries besides its body.
 *
 * The user's forms are packed to 4 bytes, so that the compiler reads their
 * addresses in halves; nothing here points to a 64-bit field of one.
 */
#include "ipc/copy.h"

#include <arch/usercopy.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <mach/vm_statistics.h>

#include "ipc/right.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/zone.h"
#include "vm/map.h"
#include "vm/memory_wait.h"
#include "vm/transfer.h"

/* Rights of an array that one step copies, */
#define STEP_RIGHTS 8
/* ... or for which it makes room. */
#define STEP_ROOM 2048

/* ---- checking ---- */

static bool
copy_option_ok(uint32_t copy)
{
	return copy == MACH_MSG_PHYSICAL_COPY ||
	       copy == MACH_MSG_VIRTUAL_COPY || copy == MACH_MSG_ALLOCATE;
}

static kern_return_t
check_port(
    const mach_msg_port_descriptor_t *user, struct kdescriptor *descriptor)
{
	if (!MACH_MSG_TYPE_PORT_ANY(user->disposition))
		return MACH_SEND_INVALID_TYPE;
	descriptor->disposition =
	    (uint8_t)right_received_type(user->disposition);
	return MACH_MSG_SUCCESS;
}

static kern_return_t
check_guarded_port(const mach_msg_guarded_port_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	if (user->disposition != MACH_MSG_TYPE_MOVE_RECEIVE ||
	    (user->flags & ~MACH_MSG_GUARD_FLAGS_MASK) != 0)
		return MACH_SEND_INVALID_TYPE;
	descriptor->disposition = MACH_MSG_TYPE_PORT_RECEIVE;
	descriptor->guard_flags = (uint8_t)user->flags;
	return MACH_MSG_SUCCESS;
}

static kern_return_t
check_memory(
    const mach_msg_ool_descriptor_t *user, struct kdescriptor *descriptor)
{
	if (!copy_option_ok(user->copy))
		return MACH_SEND_INVALID_TYPE;
	descriptor->copy = user->copy;
	descriptor->size = user->size;
	return MACH_MSG_SUCCESS;
}

static kern_return_t
check_ports(
    const mach_msg_ool_ports_descriptor_t *user, struct kdescriptor *descriptor)
{
	if (!copy_option_ok(user->copy) ||
	    !MACH_MSG_TYPE_PORT_ANY(user->disposition))
		return MACH_SEND_INVALID_TYPE;
	if (user->count > OOL_PORTS_MAX)
		return MACH_SEND_TOO_LARGE;
	descriptor->copy = user->copy;
	descriptor->disposition =
	    (uint8_t)right_received_type(user->disposition);
	descriptor->size = user->count;
	return MACH_MSG_SUCCESS;
}

kern_return_t
descriptor_check(
    const mach_msg_descriptor_t *user, struct kdescriptor *descriptor)
{
	*descriptor = (struct kdescriptor){.type = user->type.type};
	switch (user->type.type) {
	case MACH_MSG_PORT_DESCRIPTOR:
		return check_port(&user->port, descriptor);
	case MACH_MSG_GUARDED_PORT_DESCRIPTOR:
		return check_guarded_port(&user->guarded_port, descriptor);
	case MACH_MSG_OOL_DESCRIPTOR:
	case MACH_MSG_OOL_VOLATILE_DESCRIPTOR:
		return check_memory(&user->out_of_line, descriptor);
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		return check_ports(&user->ool_ports, descriptor);
	default:
		return MACH_SEND_INVALID_TYPE;
	}
}

/* ---- copying in ---- */

/* A receive right, just taken, is on its way in @kmsg. */
static void
carry(struct kmsg *kmsg, struct port *port)
{
	kmsg->has_receive = true;
	port_set_carrier(port, kmsg);
}

/* One right; from then on the message owns it. */
static kern_return_t
take_right(struct kmsg *kmsg, mach_port_name_t name,
    mach_msg_type_name_t disposition, struct port **portp, bool *deadp)
{
	struct space *space = current_thread()->task->space;
	kern_return_t kr;

	kr = right_copyin(space, name, disposition, true, portp, deadp);
	if (kr != KERN_SUCCESS)
		return MACH_SEND_INVALID_RIGHT;
	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE && *portp != NULL)
		carry(kmsg, *portp);
	return MACH_MSG_SUCCESS;
}

static kern_return_t
take_port(struct kmsg *kmsg, const mach_msg_port_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	kern_return_t kr;

	kr = take_right(kmsg, user->name, user->disposition, &descriptor->port,
	    &descriptor->dead);
	if (kr == MACH_MSG_SUCCESS)
		kmsg->done = kmsg->index + 1;
	return kr;
}

static kern_return_t
take_guarded_port(struct kmsg *kmsg,
    const mach_msg_guarded_port_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	struct space *space = current_thread()->task->space;
	bool unguarded_ok =
	    (descriptor->guard_flags & MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND);

	if (right_copyin_guarded(space, user->name, user->context, unguarded_ok,
		&descriptor->port, &descriptor->dead) != KERN_SUCCESS)
		return MACH_SEND_INVALID_RIGHT;
	if (descriptor->port != NULL)
		carry(kmsg, descriptor->port);
	kmsg->done = kmsg->index + 1;
	return MACH_MSG_SUCCESS;
}

/* A region that leaves is moved, whatever is said of copying it. */
static enum transfer_how
how_to_take(const mach_msg_ool_descriptor_t *user)
{
	if (user->deallocate)
		return TRANSFER_GIVE;
	return user->copy == MACH_MSG_PHYSICAL_COPY ? TRANSFER_COPY
						    : TRANSFER_KEEP;
}

static kern_return_t
take_memory(struct kmsg *kmsg, const mach_msg_ool_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	kern_return_t kr;

	kr = transfer_take(current_thread()->task->map, (uaddr_t)user->address,
	    user->size, how_to_take(user), &descriptor->transfer);
	if (descriptor->transfer != NULL)
		kmsg->done = kmsg->index + 1;
	switch (kr) {
	case KERN_SUCCESS:
		kmsg->done = kmsg->index + 1;
		return MACH_MSG_SUCCESS;
	case KERN_OPERATION_TIMED_OUT:
		return DESCRIPTOR_MORE;
	case KERN_MEMORY_WAIT:
		return kr;
	case KERN_RESOURCE_SHORTAGE:
		return MACH_SEND_NO_BUFFER;
	default:
		return MACH_SEND_INVALID_MEMORY;
	}
}

/* Make room for the rights of an array, all NULL; from then on the message
 * owns it. */
static kern_return_t
begin_ports(struct kmsg *kmsg, struct kdescriptor *descriptor)
{
	uint32_t left = descriptor->size - kmsg->progress;
	uint32_t count = left < STEP_ROOM ? left : STEP_ROOM;
	const size_t size = sizeof(struct port *);

	if (descriptor->ports == NULL &&
	    kmsg_charge(kmsg, descriptor->size * size))
		descriptor->ports = kmem_alloc(descriptor->size * size);
	if (descriptor->ports == NULL)
		return MACH_SEND_NO_BUFFER;
	memset(&descriptor->ports[kmsg->progress], 0, count * size);
	kmsg->progress += count;
	if (left > count)
		return DESCRIPTOR_MORE;
	kmsg->done = kmsg->index + 1;
	kmsg->progress = 0;
	return MACH_MSG_SUCCESS;
}

/* Rights of @disposition that one step takes.  A receive right may be in many
 * sets, and waited for. */
static uint32_t
step_rights(mach_msg_type_name_t disposition)
{
	return disposition == MACH_MSG_TYPE_MOVE_RECEIVE ? 1 : STEP_RIGHTS;
}

/* The array's memory leaves the sender with its rights. */
static void
drop_array(uaddr_t address, uint64_t size)
{
	struct map *map = current_thread()->task->map;
	uint64_t done = 0;

	/* It was read just now.  If another thread unmapped it since, fine. */
	while (done < size &&
	       map_deallocate(map, address, size, &done) == KERN_SUCCESS)
		continue;
}

static kern_return_t
take_ports(struct kmsg *kmsg, const mach_msg_ool_ports_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	mach_port_name_t names[STEP_RIGHTS];
	uaddr_t address = (uaddr_t)user->address;
	uint32_t count = step_rights(user->disposition);
	kern_return_t kr;
	uint32_t left;

	if (descriptor->size == 0) {
		kmsg->done = kmsg->index + 1;
		return MACH_MSG_SUCCESS;
	}
	if (kmsg->done == kmsg->index) {
		kr = begin_ports(kmsg, descriptor);
		if (kr != MACH_MSG_SUCCESS)
			return kr;
	}
	left = descriptor->size - kmsg->progress;
	if (left < count)
		count = left;
	kr = copyin(names, address + kmsg->progress * sizeof(names[0]),
	    count * sizeof(names[0]));
	if (kr != KERN_SUCCESS)
		return kr == KERN_MEMORY_WAIT ? kr : MACH_SEND_INVALID_MEMORY;
	for (uint32_t i = 0; i < count; i++) {
		struct port **port = &descriptor->ports[kmsg->progress];
		bool dead;

		kr = take_right(kmsg, names[i], user->disposition, port, &dead);
		if (kr != MACH_MSG_SUCCESS)
			return kr;
		if (dead && kmsg->remote->state != PORT_IN_KERNEL)
			*port = RIGHT_DEAD;
		kmsg->progress++;
	}
	if (left > count)
		return DESCRIPTOR_MORE;
	kmsg->progress = 0;
	if (user->deallocate)
		drop_array(address, descriptor->size * sizeof(names[0]));
	return MACH_MSG_SUCCESS;
}

kern_return_t
descriptor_copyin(struct kmsg *kmsg, const mach_msg_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	switch (descriptor->type) {
	case MACH_MSG_PORT_DESCRIPTOR:
		return take_port(kmsg, &user->port, descriptor);
	case MACH_MSG_GUARDED_PORT_DESCRIPTOR:
		return take_guarded_port(kmsg, &user->guarded_port, descriptor);
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		return take_ports(kmsg, &user->ool_ports, descriptor);
	default:
		return take_memory(kmsg, &user->out_of_line, descriptor);
	}
}

/* ---- copying out ---- */

uint32_t
right_error(kern_return_t kr)
{
	return kr == KERN_NO_SPACE ? MACH_MSG_IPC_SPACE : MACH_MSG_IPC_KERNEL;
}

uint32_t
memory_error(kern_return_t kr)
{
	return kr == KERN_NO_SPACE ? MACH_MSG_VM_SPACE : MACH_MSG_VM_KERNEL;
}

/* One right, which the message no longer owns then. */
static mach_port_name_t
give_right(struct kmsg *kmsg, struct port *port, mach_msg_type_name_t type)
{
	struct space *space = current_thread()->task->space;
	mach_port_name_t name = MACH_PORT_NULL;
	kern_return_t kr = right_copyout(space, port, type, &name);

	if (kr != KERN_SUCCESS) {
		right_release_later(port, type);
		kmsg->errors |= right_error(kr);
	}
	return name;
}

static void
give_port(struct kmsg *kmsg, mach_msg_port_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	mach_port_name_t name = MACH_PORT_DEAD;

	if (!descriptor->dead)
		name =
		    give_right(kmsg, descriptor->port, descriptor->disposition);
	descriptor->port = NULL;
	*user = (mach_msg_port_descriptor_t){
	    .name = name,
	    .disposition = descriptor->disposition,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	};
}

/*
 * One that is to be immovable is guarded from now on, with the address of the
 * buffer that the message is written to; in the hands of its sender, who gets
 * it back, it may move.
 */
static mach_port_name_t
give_guarded_right(
    struct kmsg *kmsg, struct kdescriptor *descriptor, uint64_t *guardp)
{
	struct thread *self = current_thread();
	struct guard guard = {.flags = PORT_GUARDED};
	mach_port_name_t name = MACH_PORT_NULL;
	kern_return_t kr;

	if (kmsg->pseudo) {
		guard.value = self->send.buffer;
	} else {
		guard.value = self->receive.buffer;
		guard.flags |= PORT_IMMOVABLE;
	}
	kr = right_copyout_guarded(
	    self->task->space, descriptor->port, &guard, &name);
	if (kr != KERN_SUCCESS) {
		right_release_later(
		    descriptor->port, MACH_MSG_TYPE_PORT_RECEIVE);
		kmsg->errors |= right_error(kr);
		return MACH_PORT_NULL;
	}
	*guardp = guard.value;
	return name;
}

static void
give_guarded_port(struct kmsg *kmsg, mach_msg_guarded_port_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	uint32_t flags = descriptor->guard_flags;
	mach_port_name_t name = MACH_PORT_DEAD;
	uint64_t guard = 0;

	if (descriptor->port != NULL &&
	    (flags & MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE)) {
		flags &= ~MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND;
		name = give_guarded_right(kmsg, descriptor, &guard);
	} else if (!descriptor->dead) {
		name =
		    give_right(kmsg, descriptor->port, descriptor->disposition);
	}
	descriptor->port = NULL;
	*user = (mach_msg_guarded_port_descriptor_t){
	    .context = guard,
	    .flags = flags,
	    .disposition = descriptor->disposition,
	    .type = MACH_MSG_GUARDED_PORT_DESCRIPTOR,
	    .name = name,
	};
}

/* Who did not ask for guarded descriptors gets a plain one, which is shorter,
 * and the right without a guard. */
static void
give_unguarded(struct kmsg *kmsg, mach_msg_port_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	descriptor->type = MACH_MSG_PORT_DESCRIPTOR;
	kmsg->gap += (uint32_t)(sizeof(mach_msg_guarded_port_descriptor_t) -
				sizeof(mach_msg_port_descriptor_t));
	give_port(kmsg, user, descriptor);
}

static kern_return_t
give_memory(struct kmsg *kmsg, mach_msg_ool_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	struct map *map = current_thread()->task->map;
	uaddr_t address = 0;
	kern_return_t kr = KERN_SUCCESS;

	if (descriptor->transfer != NULL && kmsg->progress == 0)
		kr = transfer_map(descriptor->transfer, map, &address);
	if (kr != KERN_SUCCESS) {
		kmsg->errors |= memory_error(kr);
		kmsg->progress = 1; /* it is lost, and destroyed in steps */
	}
	if (kmsg->progress != 0) {
		if (transfer_destroy_step(descriptor->transfer))
			return DESCRIPTOR_MORE;
		descriptor->size = 0;
		kmsg->progress = 0;
	}
	descriptor->transfer = NULL;
	*user = (mach_msg_ool_descriptor_t){
	    .address = (void *)(uintptr_t)address,
	    .deallocate = true,
	    .copy = descriptor->copy,
	    .type = descriptor->type,
	    .size = descriptor->size,
	};
	return MACH_MSG_SUCCESS;
}

/* Memory for the names of an array, in the receiver's map; 0: none. */
static uaddr_t
names_memory(struct kmsg *kmsg, uint32_t count)
{
	uaddr_t address = 0;
	kern_return_t kr;

	kr = map_allocate(current_thread()->task->map, &address,
	    count * sizeof(mach_port_name_t), 0, VM_FLAGS_ANYWHERE,
	    VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY);
	if (kr == KERN_SUCCESS)
		return address;
	kmsg->errors |= memory_error(kr);
	return 0;
}

/* Give some rights of an array, as names at @address; false: lost there. */
static bool
give_rights(struct kmsg *kmsg, struct kdescriptor *descriptor, uaddr_t address,
    uint32_t count)
{
	mach_port_name_t names[STEP_RIGHTS];

	for (uint32_t i = 0; i < count; i++) {
		struct port **port = &descriptor->ports[kmsg->progress + i];

		names[i] = MACH_PORT_DEAD;
		if (*port != RIGHT_DEAD)
			names[i] =
			    give_right(kmsg, *port, descriptor->disposition);
		*port = NULL;
	}
	return copyout(address + kmsg->progress * sizeof(names[0]), names,
		   count * sizeof(names[0])) == KERN_SUCCESS;
}

/* Will @count names written to @address find their pages?  False: when
 * they have been brought. */
static bool
is_there(uaddr_t address, uint32_t count)
{
	mach_port_name_t names[STEP_RIGHTS] = {0};

	return copyout(address, names, count * sizeof(names[0])) !=
	       KERN_MEMORY_WAIT;
}

/* The array cannot be given: its rights are given up. */
static void
lose_rights(struct kmsg *kmsg, struct kdescriptor *descriptor, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct port **port = &descriptor->ports[kmsg->progress + i];

		if (*port != RIGHT_DEAD)
			right_release_later(*port, descriptor->disposition);
		*port = NULL;
	}
}

static void
end_ports(struct kmsg *kmsg, mach_msg_ool_ports_descriptor_t *user,
    struct kdescriptor *descriptor, uaddr_t address)
{
	if (descriptor->ports != NULL)
		kmem_free(descriptor->ports,
		    descriptor->size * sizeof(struct port *));
	descriptor->ports = NULL;
	kmsg->progress = 0;
	*user = (mach_msg_ool_ports_descriptor_t){
	    .address = (void *)(uintptr_t)address,
	    .deallocate = true,
	    .copy = descriptor->copy,
	    .disposition = descriptor->disposition,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	    .count = address != 0 ? descriptor->size : 0,
	};
}

static kern_return_t
give_ports(struct kmsg *kmsg, mach_msg_ool_ports_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	uint32_t left = descriptor->size - kmsg->progress;
	uint32_t count = left < STEP_RIGHTS ? left : STEP_RIGHTS;
	uaddr_t address = 0;

	/* The user's form remembers the address from step to step. */
	if (descriptor->size > 0 && kmsg->progress == 0)
		address = names_memory(kmsg, descriptor->size);
	else if (descriptor->size > 0)
		address = (uaddr_t)user->address;
	user->address = (void *)(uintptr_t)address;
	/* A right that has got a name has to be told of. */
	if (address != 0 &&
	    !is_there(
		address + kmsg->progress * sizeof(mach_port_name_t), count)) {
		/* From the start again. */
		if (kmsg->progress == 0)
			drop_array(address,
			    descriptor->size * sizeof(mach_port_name_t));
		return KERN_MEMORY_WAIT;
	}

	if (address == 0)
		lose_rights(kmsg, descriptor, count);
	else if (!give_rights(kmsg, descriptor, address, count))
		kmsg->errors |= MACH_MSG_VM_KERNEL;
	kmsg->progress += count;
	if (left > count)
		return DESCRIPTOR_MORE;
	end_ports(kmsg, user, descriptor, address);
	return MACH_MSG_SUCCESS;
}

kern_return_t
descriptor_copyout(struct kmsg *kmsg, mach_msg_descriptor_t *user,
    struct kdescriptor *descriptor)
{
	switch (descriptor->type) {
	case MACH_MSG_PORT_DESCRIPTOR:
		give_port(kmsg, &user->port, descriptor);
		return MACH_MSG_SUCCESS;
	case MACH_MSG_GUARDED_PORT_DESCRIPTOR:
		if (kmsg->pseudo ||
		    (current_thread()->receive.option & MACH_RCV_GUARDED_DESC))
			give_guarded_port(
			    kmsg, &user->guarded_port, descriptor);
		else
			give_unguarded(kmsg, &user->port, descriptor);
		return MACH_MSG_SUCCESS;
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		return give_ports(kmsg, &user->ool_ports, descriptor);
	default:
		return give_memory(kmsg, &user->out_of_line, descriptor);
	}
}
