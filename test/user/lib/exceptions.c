/* lib/exceptions.c: questions and answers about exceptions, byte by byte. */
#include "test/user/exceptions.h"

#include <string.h>

struct raw {
	mach_msg_header_t header;
	uint32_t word[WORDS_MAX + 40];
};

/* So that it goes in registers where it fits. */
static _Thread_local struct raw raw __attribute__((aligned(8)));
static _Thread_local unsigned next;
static _Thread_local bool sound;

static uint32_t
word(void)
{
	if (sizeof(raw.header) + (next + 1) * 4 > raw.header.msgh_size) {
		sound = false;
		return 0;
	}
	return raw.word[next++];
}

/* A port descriptor of a send right. */
static mach_port_t
right(void)
{
	mach_msg_port_descriptor_t descriptor;

	memcpy(&descriptor, &raw.word[next], sizeof(descriptor));
	next += sizeof(descriptor) / 4;
	if (descriptor.type != MACH_MSG_PORT_DESCRIPTOR ||
	    descriptor.disposition != MACH_MSG_TYPE_PORT_SEND)
		sound = false;
	return descriptor.name;
}

static bool
is_wide(mach_msg_id_t id)
{
	return id >= MSGID_MACH_EXCEPTION_RAISE;
}

static int
kind(mach_msg_id_t id)
{
	return is_wide(id) ? id - MSGID_MACH_EXCEPTION_RAISE + EXCEPTION_DEFAULT
			   : id - MSGID_EXCEPTION_RAISE + EXCEPTION_DEFAULT;
}

mach_msg_id_t
question_id(unsigned behavior)
{
	mach_msg_id_t first = behavior & MACH_EXCEPTION_CODES
				  ? MSGID_MACH_EXCEPTION_RAISE
				  : MSGID_EXCEPTION_RAISE;

	return first + (mach_msg_id_t)(behavior & 7) - EXCEPTION_DEFAULT;
}

static int64_t
code(bool wide)
{
	uint64_t low = word();

	if (!wide)
		return (int32_t)low;
	return (int64_t)(low | (uint64_t)word() << 32);
}

static void
take_apart(struct question *question)
{
	NDR_record_t ndr;

	next = 0;
	sound = true;
	*question = (struct question){
	    .id = raw.header.msgh_id,
	    .port = raw.header.msgh_local_port,
	    .reply = raw.header.msgh_remote_port,
	};
	if (raw.header.msgh_bits & MACH_MSGH_BITS_COMPLEX) {
		sound &= word() == 2;
		question->identity = right();
		question->task = right();
	}
	ndr = NDR_record;
	sound &= memcmp(&raw.word[next], &ndr, sizeof(ndr)) == 0;
	next += 2;
	question->exception = (int)word();
	sound &= word() == 2;
	question->code[0] = code(is_wide(question->id));
	question->code[1] = code(is_wide(question->id));
	if (kind(question->id) != EXCEPTION_DEFAULT) {
		question->flavor = (int)word();
		question->words = word();
		for (unsigned i = 0; i < question->words && i < WORDS_MAX; i++)
			question->state[i] = word();
	}
	sound &= sizeof(raw.header) + next * 4 == raw.header.msgh_size;
	sound &= MACH_MSGH_BITS_REMOTE(raw.header.msgh_bits) ==
		 MACH_MSG_TYPE_PORT_SEND_ONCE;
	sound &= MACH_MSGH_BITS_LOCAL(raw.header.msgh_bits) ==
		 MACH_MSG_TYPE_PORT_SEND;
	question->sound = sound;
}

bool
ask_for(struct question *question, mach_port_t port)
{
	if (await(&raw, sizeof(raw), port) != MACH_MSG_SUCCESS)
		return false;
	take_apart(question);
	return true;
}

bool
ask_now(struct question *question, mach_port_t port)
{
	if (poll_for(&raw, sizeof(raw), port) != MACH_MSG_SUCCESS)
		return false;
	take_apart(question);
	return true;
}

uint64_t
question_pc(const struct question *question)
{
	uint64_t pc;

	memcpy(&pc, question->state, sizeof(pc));
	return pc;
}

void
question_set_pc(struct question *question, uint64_t pc)
{
	memcpy(question->state, &pc, sizeof(pc));
}

static void
put_together(struct question *question, mach_msg_id_t id, const void *bytes,
    unsigned size)
{
	raw.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0),
	    .msgh_size = sizeof(raw.header) + size,
	    .msgh_remote_port = question->reply,
	    .msgh_id = id,
	};
	memcpy(raw.word, bytes, size);
}

kern_return_t
answer_raw(struct question *question, mach_msg_id_t id, const void *bytes,
    unsigned size)
{
	put_together(question, id, bytes, size);
	return mach_msg(&raw.header, MACH_SEND_MSG, raw.header.msgh_size, 0,
	    MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

/* The body of the answer that fits; its size. */
static unsigned
answer_body(const struct question *question, kern_return_t result,
    uint32_t body[5 + WORDS_MAX])
{
	memcpy(body, &NDR_record, sizeof(NDR_record));
	body[2] = (uint32_t)result;
	if (question->words == 0 || result != KERN_SUCCESS)
		return 3 * 4;
	body[3] = (uint32_t)question->flavor;
	body[4] = question->words;
	memcpy(&body[5], question->state, question->words * 4);
	return (5 + question->words) * 4;
}

kern_return_t
answer(struct question *question, kern_return_t result)
{
	uint32_t body[5 + WORDS_MAX];
	unsigned size = answer_body(question, result, body);

	return answer_raw(question, question->id + MSGID_REPLY, body, size);
}

kern_return_t
answer_and_ask(struct question *question, kern_return_t result)
{
	uint32_t body[5 + WORDS_MAX];
	unsigned size = answer_body(question, result, body);
	kern_return_t kr;

	put_together(question, question->id + MSGID_REPLY, body, size);
	kr = mach_msg(&raw.header, MACH_SEND_MSG | MACH_RCV_MSG,
	    raw.header.msgh_size, sizeof(raw), question->port,
	    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
	if (kr == MACH_MSG_SUCCESS)
		take_apart(question);
	return kr;
}

kern_return_t
ask_long(struct question *question, mach_port_t port)
{
	kern_return_t kr = mach_msg(&raw.header, MACH_RCV_MSG, 0, sizeof(raw),
	    port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);

	if (kr == MACH_MSG_SUCCESS)
		take_apart(question);
	return kr;
}

void
question_drop(struct question *question)
{
	if (question->identity != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), question->identity);
	if (question->task != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), question->task);
}

void
listen(task_t task, unsigned mask, mach_port_t port, unsigned behavior)
{
	must(task_set_exception_ports(task, mask, port,
	    (exception_behavior_t)behavior, RISCV64_THREAD_STATE));
}

bool
goes_on(struct small *small)
{
	riscv64_thread_state_t state;
	mach_msg_type_number_t count;
	uint64_t first = 0;

	for (int i = 0; i < 500; i++) {
		count = RISCV64_THREAD_STATE_COUNT;
		must(thread_suspend(small->thread));
		must(thread_get_state(small->thread, RISCV64_THREAD_STATE,
		    (thread_state_t)&state, &count));
		must(thread_resume(small->thread));
		if (first != 0 && state.s0 > first)
			return true;
		first = state.s0;
		sleep_ms(5);
	}
	return false;
}

void
set_pc(thread_t thread, uint64_t pc)
{
	riscv64_thread_state_t state;
	mach_msg_type_number_t count = RISCV64_THREAD_STATE_COUNT;

	must(thread_suspend(thread));
	must(thread_get_state(
	    thread, RISCV64_THREAD_STATE, (thread_state_t)&state, &count));
	state.pc = pc;
	must(thread_set_state(
	    thread, RISCV64_THREAD_STATE, (thread_state_t)&state, count));
	must(thread_resume(thread));
}
