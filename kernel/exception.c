/*
 * kernel/exception.c: who hears of an exception, in what words, and what
 * becomes of the thread.
 *
 *	raise -> the thread's port -> the task's -> the host's
 *	            |                   |             |
 *	            +-- a handler says KERN_SUCCESS: the thread goes on
 *	                                              |
 *	         nobody did: the same three are asked about EXC_CRASH;
 *	         if nobody takes that, it is reported on the console;
 *	         and the task ends.
 *
 * The next in order is asked when a port is dead, when there is no memory for
 * the question, when the handler refuses, dies with the question or answers
 * nonsense.  A thread that is aborted while it waits goes back to its
 * instruction, with the registers that it has by then.
 */
#include "kernel/exception.h"

#include <mach/exception_types.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>

#include "ipc/exception.h"
#include "ipc/fast_exception.h"
#include "ipc/kmsg.h"
#include "ipc/message.h"
#include "ipc/port.h"
#include "kernel/exception_ports.h"
#include "kernel/kassert.h"
#include "kernel/panic.h"
#include "kernel/sched.h"
#include "kernel/servers.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/thread_state.h"

/* ---- the question ---- */

/* Exception, number of codes, codes; then flavor, number of words, words. */
struct writer {
	uint8_t *at;
};

static void
write_bytes(struct writer *to, const void *bytes, uint32_t size)
{
	memcpy(to->at, bytes, size);
	to->at += size;
}

static void
write_u32(struct writer *to, uint32_t value)
{
	write_bytes(to, &value, sizeof(value));
}

static uint32_t
code_size(uint32_t behavior)
{
	return behavior & MACH_EXCEPTION_CODES ? sizeof(uint64_t)
					       : sizeof(uint32_t);
}

static uint32_t
body_size(const struct exception_action *action)
{
	uint32_t size = sizeof(NDR_record_t) + 2 * sizeof(uint32_t) +
			2 * code_size(action->behavior);

	if (behavior_has_identity(action->behavior))
		size += sizeof(mach_msg_body_t) +
			2 * sizeof(mach_msg_port_descriptor_t);
	if (behavior_has_state(action->behavior))
		size +=
		    (2 + thread_state_count(action->flavor)) * sizeof(uint32_t);
	return size;
}

/* What crashed, squeezed into the first code. */
static uint64_t
first_code(const struct exception_state *exception)
{
	if (!exception->crashing)
		return exception->code;
	return (uint64_t)exception->number << EXCEPTION_CRASH_SHIFT |
	       (exception->code & EXCEPTION_CRASH_CODE);
}

static unsigned
asked_number(const struct exception_state *exception)
{
	return exception->crashing ? EXC_CRASH : exception->number;
}

static void
write_question(struct thread *self, const struct exception_action *action,
    struct writer *to)
{
	const struct exception_state *exception = &self->exception;
	const uint64_t code[2] = {first_code(exception), exception->subcode};

	write_bytes(to, &NDR_record, sizeof(NDR_record));
	write_u32(to, asked_number(exception));
	write_u32(to, ARRAY_SIZE(code));
	/* The narrow form has the lower half of each: the machine is little. */
	for (unsigned i = 0; i < ARRAY_SIZE(code); i++)
		write_bytes(to, &code[i], code_size(action->behavior));
	if (behavior_has_state(action->behavior)) {
		write_u32(to, action->flavor);
		write_u32(to, thread_state_count(action->flavor));
		thread_state_get(self, action->flavor, to->at);
	}
}

/* The rights of thread and task, of which either may be ending. */
static void
add_identity(struct thread *self, struct kmsg *kmsg, struct writer *to)
{
	struct port *right[2] = {
	    thread_make_send(self), task_make_send(self->task)};
	mach_msg_body_t body = {.msgh_descriptor_count = ARRAY_SIZE(right)};

	for (unsigned i = 0; i < ARRAY_SIZE(right); i++)
		kmsg->descriptor[kmsg->done++] = (struct kdescriptor){
		    .port = right[i],
		    .type = MACH_MSG_PORT_DESCRIPTOR,
		    .disposition = MACH_MSG_TYPE_PORT_SEND,
		};
	write_bytes(to, &body, sizeof(body));
	to->at += ARRAY_SIZE(right) * sizeof(mach_msg_port_descriptor_t);
}

/* NULL: no memory. */
static struct kmsg *
make_question(struct thread *self, const struct exception_action *action)
{
	bool identity = behavior_has_identity(action->behavior);
	struct kmsg *kmsg;
	struct writer to;

	if (identity && thread_need_port(self) != KERN_SUCCESS)
		return NULL;
	kmsg =
	    kmsg_alloc(ledger_of_caller(), body_size(action), identity ? 2 : 0);
	if (kmsg == NULL)
		return NULL;
	kmsg->local = exception_reply_right(self);
	kmsg->local_type = MACH_MSG_TYPE_PORT_SEND_ONCE;
	if (kmsg->local == NULL) {
		kmsg_free(kmsg);
		return NULL;
	}
	kmsg->id = behavior_message(action->behavior);
	to.at = kmsg->body;
	if (identity)
		add_identity(self, kmsg, &to);
	write_question(self, action, &to);
	return kmsg;
}

/* Ask @action's port, whose right is consumed.  Returns if that cannot be. */
static void
ask(struct thread *self, const struct exception_action *action)
{
	struct kmsg *kmsg = make_question(self, action);
	struct thread *receiver;

	if (kmsg == NULL) {
		right_release_send(action->port);
		return;
	}
	self->exception.behavior = action->behavior;
	if (exception_send(action->port, kmsg, &receiver))
		exception_wait(receiver, exception_answered);
}

/* ---- the answer ---- */

/* Of a reply with a state: behind NDR, RetCode, flavor and count. */
#define STATE_OFFSET                                                           \
	(sizeof(NDR_record_t) + sizeof(kern_return_t) + 2 * sizeof(uint32_t))

static kern_return_t
take_state(struct thread *self, const struct kmsg *reply)
{
	const uint8_t *at =
	    reply->body + sizeof(mig_reply_error_t) - sizeof(mach_msg_header_t);
	uint32_t flavor, count;

	if (reply->size < HEADER_SIZE + STATE_OFFSET)
		return MIG_TYPE_ERROR;
	memcpy(&flavor, at, sizeof(flavor));
	memcpy(&count, at + sizeof(flavor), sizeof(count));
	/* Bodies are multiples of 4. */
	if (count !=
	    (reply->size - HEADER_SIZE - STATE_OFFSET) / sizeof(uint32_t))
		return MIG_TYPE_ERROR;
	return thread_state_set(
	    self, flavor, reply->body + STATE_OFFSET, count);
}

/* KERN_SUCCESS: the thread goes on, as the handler wants it to. */
static kern_return_t
take_answer(struct thread *self, const struct kmsg *reply)
{
	uint32_t behavior = self->exception.behavior;
	kern_return_t kr;

	if (reply->id != behavior_message(behavior) + MSGID_REPLY)
		return MIG_REPLY_MISMATCH;
	if (reply->complex || reply->size < sizeof(mig_reply_error_t))
		return MIG_TYPE_ERROR;
	memcpy(&kr, reply->body + sizeof(NDR_record_t), sizeof(kr));
	if (kr == KERN_SUCCESS && self->exception.crashing)
		return kr; /* whatever else it says, the task ends */
	if (kr == KERN_SUCCESS && behavior_has_state(behavior))
		return take_state(self, reply);
	if (reply->size != sizeof(mig_reply_error_t))
		return MIG_TYPE_ERROR;
	return kr;
}

/* ---- the order ---- */

/* What a bad access was, for people. */
static const char *
access_name(uint64_t code)
{
	switch (code) {
	case KERN_INVALID_ADDRESS:
		return "access to unmapped memory";
	case KERN_PROTECTION_FAILURE:
		return "access that the memory's protection forbids";
	case KERN_RESOURCE_SHORTAGE:
		return "no memory left for the page";
	case KERN_MEMORY_ERROR:
		return "access that the bus refused";
	}
	return "misaligned access";
}

static const char *
exception_name(unsigned exception, uint64_t code)
{
	switch (exception) {
	case EXC_BAD_ACCESS:
		return access_name(code);
	case EXC_BAD_INSTRUCTION:
		return "illegal instruction";
	case EXC_BREAKPOINT:
		return "breakpoint";
	}
	return "unexpected trap";
}

static noreturn void
end_task(struct thread *self)
{
	(void)task_terminate(self->task); /* it may be dying already */
	thread_terminate(self); /* now, not when the reaper comes by */
	thread_return();
}

static struct exception_scope
scope_of(struct thread *self, unsigned scope)
{
	struct exception_scope of = {0};

	if (scope == EXCEPTION_SCOPE_THREAD)
		of.thread = self;
	if (scope == EXCEPTION_SCOPE_TASK)
		of.task = self->task;
	return of;
}

/* Ask whose turn it is, and those behind him; returns when nobody is left. */
static void
ask_in_order(struct thread *self)
{
	struct exception_state *exception = &self->exception;

	for (; exception->scope < EXCEPTION_SCOPE_COUNT; exception->scope++) {
		struct exception_scope of = scope_of(self, exception->scope);
		struct exception_action action;

		if (exception_action_get(&of, asked_number(exception), &action))
			ask(self, &action);
	}
}

noreturn void
exception_ask(void)
{
	struct thread *self = current_thread();
	struct exception_state *exception = &self->exception;

	ask_in_order(self);
	if (!exception->crashing) {
		exception->crashing = true;
		exception->scope = EXCEPTION_SCOPE_THREAD;
		ask_in_order(self);
	}
	report_fault(self, exception_name(exception->number, exception->code),
	    exception->subcode);
	end_task(self);
}

void
exception_answered(void)
{
	struct thread *self = current_thread();
	struct exception_state *exception = &self->exception;
	kern_return_t kr = MIG_SERVER_DIED;
	struct kmsg *reply;

	if (!exception_answer(self, &reply)) {
		if (exception->crashing)
			end_task(self);
		thread_return();
	}
	if (reply != NULL) {
		kr = take_answer(self, reply);
		kmsg_destroy(reply);
	}
	if (kr == KERN_SUCCESS && exception->crashing)
		end_task(self);
	if (kr == KERN_SUCCESS)
		thread_return();
	exception->scope++;
	exception_ask();
}

noreturn void
exception_raise(unsigned number, uint64_t code, uint64_t subcode)
{
	struct exception_state *exception = &current_thread()->exception;

	exception->number = (uint8_t)number;
	exception->code = code;
	exception->subcode = subcode;
	exception->crashing = false;
	exception->scope = EXCEPTION_SCOPE_THREAD;
	if (CONFIG_FAST && ipc_fast_enabled)
		fast_exception_ask();
	exception_ask();
}
