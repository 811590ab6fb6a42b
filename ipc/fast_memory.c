/*
 * fast_memory.c: a message with one region of memory, to who waits for it.
 *
 * The region goes straight from map to map (vm/passage.h) while the message
 * goes as any small one does, in the legs of fast_message.h.  Both are looked
 * at before either changes; whatever is unusual is declined, and message.c
 * makes a transfer of it.
 */
#include "ipc/fast_direct.h"
#include "ipc/fast_message.h"

#include <mach/routine_ids.h>

#include "ipc/fast_pager.h"
#include "kernel/task.h"
#include "vm/map.h"

/* A body with one descriptor, in the order of user memory. */
struct memory_words {
	uint32_t count;
	uint32_t address[2]; /* lower half first: it is not 8-aligned */
	uint32_t how;
	uint32_t size;
};
static_assert(sizeof(struct memory_words) ==
		  sizeof(mach_msg_body_t) + sizeof(mach_msg_ool_descriptor_t),
    "a descriptor behind its count");
static_assert(HEADER_SIZE + sizeof(struct memory_words) == DESCRIPTOR_SIZE,
    "as long as is copied at once");

/* The bytes of @how, lowest first: deallocate, copy, nothing, type. */
#define HOW_COPY(how) ((how) >> 8 & 0xff)
#define HOW_TYPE(how) ((how) >> 24)
#define HOW_RECEIVED(how)                                                      \
	(true | HOW_COPY(how) << 8 | (uint32_t)HOW_TYPE(how) << 24)

always_inline struct memory_words *
memory_words(struct small_message *message)
{
	return (struct memory_words *)(void *)&message->word[3];
}

/* Is it one of memory, to be moved or shared? */
static bool
read_descriptor(struct passage *passage, const struct memory_words *words)
{
	uint32_t type = HOW_TYPE(words->how), copy = HOW_COPY(words->how);

	if (words->count != 1 || (type != MACH_MSG_OOL_DESCRIPTOR &&
				     type != MACH_MSG_OOL_VOLATILE_DESCRIPTOR))
		return false;
	passage->from = current_thread()->task->map;
	passage->address = words->address[0] | (uint64_t)words->address[1]
						   << 32;
	passage->size = words->size;
	passage->give = (words->how & 0xff) != 0;
	if ((copy == MACH_MSG_VIRTUAL_COPY || copy == MACH_MSG_ALLOCATE ||
		(copy == MACH_MSG_PHYSICAL_COPY && passage->give)) &&
	    words->size > 0 && user_range_ok(passage->address, passage->size))
		return true;
	decline(current_thread()->cpu, BATON_DECLINE_MEMORY_KIND);
	return false;
}

void
fast_tell_memory(struct small_message *message, struct passage *passage)
{
	uint32_t how = memory_words(message)->how;
	uaddr_t arrived = passage_commit(passage);

	/* As they are in memory: struct memory_words. */
	message->word[3] = 1 | arrived << 32;
	message->word[4] = arrived >> 32 | (uint64_t)HOW_RECEIVED(how) << 32;
}

static bool
copyin_body(struct small_message *message, uaddr_t buffer, uint64_t size)
{
	/* What runs over the end of the user's half faults. */
	if (likely(((size ^ DESCRIPTOR_SIZE) | (buffer & 7) |
		       buffer / USER_END) == 0)) {
		kern_return_t kr =
		    copyin_descriptor(&message->word[3], buffer + HEADER_SIZE);

		/* The general path will find out again. */
		if (unlikely(kr == KERN_MEMORY_WAIT))
			memory_wait_forget();
		return kr == KERN_SUCCESS;
	}
	return size >= DESCRIPTOR_SIZE && fast_copyin(message, buffer, size);
}

/* The legs; comes back only to decline. */
static never_inline void
try_memory(uaddr_t buffer, uint64_t bits_send_size, uint64_t remote_local,
    uint64_t voucher_id, mach_port_name_t receive_name,
    uint64_t rcv_size_priority)
{
	struct thread *self = current_thread();
	uint64_t size = bits_send_size >> 32;
	uint32_t bits = (uint32_t)bits_send_size;
	uint32_t remote = (uint32_t)remote_local;
	uint32_t local = (uint32_t)((int64_t)remote_local >> 32);
	struct small_message message;
	struct passage passage;

	self->receive.buffer = buffer;
	self->receive.size = (uint32_t)rcv_size_priority;
	self->receive.name = receive_name;
	self->fast.room = fast_room(rcv_size_priority);
	if (!copyin_body(&message, buffer, size) ||
	    !read_descriptor(&passage, memory_words(&message)))
		return;
	if (bits == (REQUEST_BITS | MACH_MSGH_BITS_COMPLEX) &&
	    local == receive_name)
		request(self, &message, &passage, bits_send_size, voucher_id,
		    remote, local);
	else if (bits == (REPLY_BITS | MACH_MSGH_BITS_COMPLEX) &&
		 local == MACH_PORT_NULL)
		reply(self, &message, &passage, bits_send_size, voucher_id,
		    remote, receive_name);
}

kern_return_t
fast_memory(uaddr_t buffer, uint64_t option, uint64_t bits_send_size,
    uint64_t remote_local, uint64_t voucher_id, uint64_t descriptors_rcv_name,
    uint64_t rcv_size_priority, uint64_t timeout)
{
	if ((uint32_t)descriptors_rcv_name == 1 && (uint32_t)voucher_id == 0 &&
	    option == (MACH_SEND_MSG | MACH_RCV_MSG))
		try_memory(buffer, bits_send_size, remote_local, voucher_id,
		    (uint32_t)((int64_t)descriptors_rcv_name >> 32),
		    rcv_size_priority);
	if ((int32_t)(voucher_id >> 32) == MSGID_MEMORY_OBJECT_DATA_SUPPLY)
		return fast_pager_supply(buffer, option, bits_send_size,
		    remote_local, voucher_id, descriptors_rcv_name,
		    rcv_size_priority, timeout);
	return fast_direct(buffer, option, bits_send_size, remote_local,
	    voucher_id, descriptors_rcv_name, rcv_size_priority, timeout);
}
