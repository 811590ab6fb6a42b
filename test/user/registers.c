/*
 * registers.c: messages in registers (mach/trap_numbers.h): what arrives, and
 * that nothing else does.
 */
#include "test/user/mach_test.h"

#include <baton/thread.h>
#include <stdatomic.h>
#include <string.h>

/* Everything that a trap could take or leave. */
struct registers {
	uint64_t a[8], t[7], s[12];
	uint64_t away; /* how far ra is from where it was afterwards */
};

void raw_call(struct registers *registers);
__asm__(".text\n"
	".globl raw_call\n"
	"raw_call:\n"
	"	addi sp, sp, -128\n"
	"	sd ra, 0(sp)\n"
	"	sd a0, 8(sp)\n"
	"	sd s0, 16(sp)\n"
	"	sd s1, 24(sp)\n"
	"	sd s2, 32(sp)\n"
	"	sd s3, 40(sp)\n"
	"	sd s4, 48(sp)\n"
	"	sd s5, 56(sp)\n"
	"	sd s6, 64(sp)\n"
	"	sd s7, 72(sp)\n"
	"	sd s8, 80(sp)\n"
	"	sd s9, 88(sp)\n"
	"	sd s10, 96(sp)\n"
	"	sd s11, 104(sp)\n"
	"	mv t0, a0\n"
	"	ld a0, 0(t0)\n"
	"	ld a1, 8(t0)\n"
	"	ld a2, 16(t0)\n"
	"	ld a3, 24(t0)\n"
	"	ld a4, 32(t0)\n"
	"	ld a5, 40(t0)\n"
	"	ld a6, 48(t0)\n"
	"	ld a7, 56(t0)\n"
	"	ld t1, 72(t0)\n"
	"	ld t2, 80(t0)\n"
	"	ld t3, 88(t0)\n"
	"	ld t4, 96(t0)\n"
	"	ld t5, 104(t0)\n"
	"	ld t6, 112(t0)\n"
	"	ld s0, 120(t0)\n"
	"	ld s1, 128(t0)\n"
	"	ld s2, 136(t0)\n"
	"	ld s3, 144(t0)\n"
	"	ld s4, 152(t0)\n"
	"	ld s5, 160(t0)\n"
	"	ld s6, 168(t0)\n"
	"	ld s7, 176(t0)\n"
	"	ld s8, 184(t0)\n"
	"	ld s9, 192(t0)\n"
	"	ld s10, 200(t0)\n"
	"	ld s11, 208(t0)\n"
	"	ld t0, 64(t0)\n"
	"	jal 1f\n"
	"3:	j 2f\n"
	"1:	ecall\n"
	"2:	sd t0, -8(sp)\n"
	"	sd ra, -16(sp)\n"
	"	ld t0, 8(sp)\n"
	"	sd a0, 0(t0)\n"
	"	sd a1, 8(t0)\n"
	"	sd a2, 16(t0)\n"
	"	sd a3, 24(t0)\n"
	"	sd a4, 32(t0)\n"
	"	sd a5, 40(t0)\n"
	"	sd a6, 48(t0)\n"
	"	sd a7, 56(t0)\n"
	"	sd t1, 72(t0)\n"
	"	sd t2, 80(t0)\n"
	"	sd t3, 88(t0)\n"
	"	sd t4, 96(t0)\n"
	"	sd t5, 104(t0)\n"
	"	sd t6, 112(t0)\n"
	"	sd s0, 120(t0)\n"
	"	sd s1, 128(t0)\n"
	"	sd s2, 136(t0)\n"
	"	sd s3, 144(t0)\n"
	"	sd s4, 152(t0)\n"
	"	sd s5, 160(t0)\n"
	"	sd s6, 168(t0)\n"
	"	sd s7, 176(t0)\n"
	"	sd s8, 184(t0)\n"
	"	sd s9, 192(t0)\n"
	"	sd s10, 200(t0)\n"
	"	sd s11, 208(t0)\n"
	"	ld t1, -8(sp)\n"
	"	sd t1, 64(t0)\n"
	"	ld t1, -16(sp)\n"
	"	lla t2, 3b\n"
	"	sub t1, t1, t2\n"
	"	sd t1, 216(t0)\n"
	"	ld ra, 0(sp)\n"
	"	ld s0, 16(sp)\n"
	"	ld s1, 24(sp)\n"
	"	ld s2, 32(sp)\n"
	"	ld s3, 40(sp)\n"
	"	ld s4, 48(sp)\n"
	"	ld s5, 56(sp)\n"
	"	ld s6, 64(sp)\n"
	"	ld s7, 72(sp)\n"
	"	ld s8, 80(sp)\n"
	"	ld s9, 88(sp)\n"
	"	ld s10, 96(sp)\n"
	"	ld s11, 104(sp)\n"
	"	addi sp, sp, 128\n"
	"	ret\n");

#define SECRET_CLIENT 0x5ec3e70000000000ULL
#define SECRET_SERVER 0x0ddba11000000000ULL
#define BODY_MAX      48
#define ROUNDS	      (3 * (BODY_MAX / 4 + 1))

static mach_port_t service, reply_port;

/* A name as C passes it. */
static uint64_t
in_register(mach_port_t name)
{
	return (uint64_t)(int64_t)(int32_t)name;
}

static void
fill(struct registers *registers, uint64_t secret)
{
	uint64_t *word = (uint64_t *)registers;

	for (size_t i = 0; i < sizeof(*registers) / sizeof(*word); i++)
		word[i] = secret | i;
}

/* Whether any register but those of the message has something of @secret. */
static bool
leaks(const struct registers *got, uint64_t secret, size_t body)
{
	const uint64_t *word = (const uint64_t *)got;
	size_t first = offsetof(struct registers, t) / sizeof(*word) + 1;

	for (size_t i = 0; i < sizeof(*got) / sizeof(*word); i++) {
		uint64_t value = word[i];

		if (i >= first && i < first + body / 8)
			continue;
		/* The upper half of the last may be behind the body. */
		if (i == first + body / 8 && body % 8 != 0)
			value &= ~(uint64_t)UINT32_MAX;
		if (value >> 40 == secret >> 40)
			return true;
	}
	return false;
}

static bool
keeps(const struct registers *got, uint64_t secret)
{
	size_t first = offsetof(struct registers, s) / sizeof(uint64_t);

	for (size_t i = 0; i < 12; i++) {
		if (got->s[i] != (secret | (first + i)))
			return false;
	}
	/* And where a next call in the same place returns to. */
	return got->a[7] == MACH_MSG_IN_BUFFER || got->away == 0;
}

/* The body that was sent: what fill() put there. */
static bool
has_body(const struct registers *got, uint64_t secret, size_t body)
{
	size_t first = offsetof(struct registers, t) / sizeof(uint64_t) + 1;

	for (size_t i = 0; i < BODY_MAX / 8; i++) {
		uint64_t wanted = secret | (first + i);

		if (body < 8 * i + 8)
			wanted &= body == 8 * i + 4 ? UINT32_MAX : 0;
		if (got->t[1 + i] != wanted)
			return false;
	}
	return true;
}

static struct {
	unsigned in_registers, wrong, leaked, lost, moved;
} server;

static void
serve(void *argument)
{
	static _Alignas(8) char buffer[256];
	mach_msg_header_t *header = (mach_msg_header_t *)(void *)buffer;
	mach_msg_return_t mr;
	struct registers registers;
	mach_port_t name;
	size_t size;

	(void)argument;
	mr = mach_msg(header, MACH_RCV_MSG, 0, sizeof(buffer), service, 0, 0);
	must(mr);
	name = header->msgh_remote_port;
	size = header->msgh_size;
	for (int i = 0; i < ROUNDS; i++) {
		fill(&registers, SECRET_SERVER);
		registers.a[1] = (uintptr_t)buffer;
		registers.t[0] =
		    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0) |
		    (uint64_t)(size - sizeof(*header)) << 32;
		registers.a[3] = sizeof(buffer);
		registers.a[4] = in_register(service);
		registers.a[5] = name;
		registers.a[6] = 77ULL << 32;
		raw_call(&registers);
		server.moved += registers.a[1] != (uintptr_t)buffer;
		server.lost += !keeps(&registers, SECRET_SERVER);
		if (registers.a[0] != MACH_MSG_SUCCESS) {
			server.wrong++;
			return;
		}
		if (registers.a[7] == MACH_MSG_IN_BUFFER) {
			name = header->msgh_remote_port;
			size = header->msgh_size;
			continue;
		}
		server.in_registers++;
		name = (mach_port_t)registers.a[5];
		size = registers.a[2] >> 32;
		server.wrong += (uint32_t)registers.a[2] !=
				    MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE,
					MACH_MSG_TYPE_PORT_SEND) ||
				registers.a[5] >> 32 != service ||
				registers.a[6] != 66ULL << 32 ||
				registers.a[7] != size - sizeof(*header);
		server.wrong += !has_body(
		    &registers, SECRET_CLIENT, size - sizeof(*header));
		server.leaked +=
		    leaks(&registers, SECRET_CLIENT, size - sizeof(*header));
	}
}

static void
test_secrets(void)
{
	static _Alignas(8) char buffer[256];
	const mach_msg_header_t *header = (const void *)buffer;
	unsigned in_registers = 0, wrong = 0, leaked = 0, lost = 0;
	struct mach_thread *thread;

	must(mach_thread_start(serve, NULL, 16384, &thread));
	for (int i = 0; i < ROUNDS; i++) {
		size_t body = (size_t)i / 3 * 4;
		struct registers registers;

		fill(&registers, SECRET_CLIENT);
		registers.a[1] = (uintptr_t)buffer;
		registers.t[0] = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
				     MACH_MSG_TYPE_MAKE_SEND_ONCE) |
				 (uint64_t)body << 32;
		registers.a[3] = sizeof(buffer);
		registers.a[4] = in_register(reply_port);
		registers.a[5] = service | (uint64_t)reply_port << 32;
		registers.a[6] = 66ULL << 32;
		raw_call(&registers);
		lost += !keeps(&registers, SECRET_CLIENT);
		if (registers.a[7] == MACH_MSG_IN_BUFFER) {
			wrong += registers.a[0] != MACH_MSG_SUCCESS;
			wrong += header->msgh_id != 77 ||
				 header->msgh_local_port != reply_port ||
				 header->msgh_size != sizeof(*header) + body;
			continue;
		}
		in_registers++;
		wrong += registers.a[0] != MACH_MSG_SUCCESS ||
			 registers.a[5] != (uint64_t)reply_port << 32 ||
			 registers.a[6] != 77ULL << 32 ||
			 registers.a[7] != body ||
			 registers.a[2] >> 32 != sizeof(*header) + body;
		wrong += !has_body(&registers, SECRET_SERVER, body);
		leaked += leaks(&registers, SECRET_SERVER, body);
	}
	note("%u requests and %u replies in registers", server.in_registers,
	    in_registers);
	is(wrong + server.wrong, 0, "what was sent is what came");
	is(leaked + server.leaked, 0, "and nothing else of the sender's");
	is(lost + server.lost, 0, "what a caller may keep it keeps");
	is(server.moved, 0, "the buffer's address as well");
	is(mach_port_get_refs(mach_task_self(), reply_port,
	       MACH_PORT_RIGHT_SEND_ONCE, &(mach_port_urefs_t){0}),
	    KERN_SUCCESS, "the reply port is as it was");
	is(status_of(reply_port).mps_sorights, 0, "with no right left to it");
	is(status_of(reply_port).mps_seqno, ROUNDS, "and all replies counted");
}

/* One that is refused has sent nothing. */
static mach_msg_return_t
refused(uint64_t bits_body, uint64_t names, uint64_t voucher, uint64_t receive)
{
	static _Alignas(8) char buffer[256];
	struct registers registers;

	memset(&registers, 0, sizeof(registers));
	registers.a[1] = (uintptr_t)buffer;
	registers.t[0] = bits_body;
	registers.a[3] = sizeof(buffer);
	registers.a[4] = receive;
	registers.a[5] = names;
	registers.a[6] = voucher;
	raw_call(&registers);
	return (mach_msg_return_t)registers.a[0];
}

static void
test_refused(void)
{
	uint64_t bits = MACH_MSGH_BITS(
	    MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	uint64_t names = service | (uint64_t)reply_port << 32;
	uint64_t receive = in_register(reply_port);
	mach_port_t empty = port_new_send();

	is(refused(bits | 52ULL << 32, names, 0, receive), MACH_SEND_TOO_LARGE,
	    "more than registers hold");
	is(refused(bits | (uint64_t)INT32_MAX << 32, names, 0, receive),
	    MACH_SEND_TOO_LARGE, "more than anything holds");
	is(refused(bits | 2ULL << 32, names, 0, receive),
	    MACH_SEND_MSG_TOO_SMALL, "half a word");
	is(refused(bits | MACH_MSGH_BITS_COMPLEX, names, 0, receive),
	    MACH_SEND_INVALID_TYPE, "descriptors");
	is(refused(bits, NO_NAME | (uint64_t)reply_port << 32, 0, receive),
	    MACH_SEND_INVALID_DEST, "no such destination");
	is(refused(bits, UINT64_MAX, 0, receive), MACH_SEND_INVALID_DEST,
	    "one that is dead, and such a reply port");
	is(refused(bits, service | (uint64_t)NO_NAME << 32, 0, receive),
	    MACH_SEND_INVALID_REPLY, "no such reply port");
	is(refused(bits, empty | (uint64_t)reply_port << 32, 0,
	       in_register(NO_NAME)),
	    MACH_RCV_INVALID_NAME, "sent, and then no such port to receive");
	is(status_of(empty).mps_msgcount, 1, "is in the queue");
	is(refused(INT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX),
	    MACH_SEND_INVALID_TYPE, "nothing but ones");
	is(refused(0, 0, 0, 0), MACH_SEND_INVALID_HEADER, "nothing but zeros");
	is(refused(MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0), UINT32_MAX,
	       0, UINT64_MAX),
	    MACH_SEND_INVALID_DEST, "a reply to nobody, from nowhere");
	port_end(empty);
}

/*
 * A reply right is used once.  Its name stays at hand for the next request, and
 * with it what it meant: a port where, when it is tried again, the same client
 * waits for another server's answer.
 */
#define ID_ASK	  66
#define ID_ANSWER 77
#define ID_AGAIN  88
#define ID_LAST	  99
#define CALLS	  8

struct answerer {
	mach_port_t port;
	mach_port_t right; /* to be answered, or the last that was */
	uint32_t id;	   /* of what came; 0: the end */
	_Alignas(8) char buffer[256];
};

static struct answerer first, second;
static mach_msg_return_t again;
static atomic_bool was_tried, is_answered;

static void
raw_message(struct registers *registers, void *buffer, mach_msg_bits_t bits,
    uint64_t names, uint64_t id, mach_port_t from)
{
	memset(registers, 0, sizeof(*registers));
	registers->a[1] = (uintptr_t)buffer;
	registers->t[0] = bits;
	registers->a[3] = sizeof(first.buffer);
	registers->a[4] = in_register(from);
	registers->a[5] = names;
	registers->a[6] = id << 32;
	raw_call(registers);
}

/* Answer with @id, and wait. */
static mach_msg_return_t
answer(struct answerer *self, uint64_t id)
{
	const mach_msg_header_t *header = (const void *)self->buffer;
	struct registers registers;

	raw_message(&registers, self->buffer,
	    MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0), self->right, id,
	    self->port);
	if (registers.a[7] != MACH_MSG_IN_BUFFER) {
		self->right = (mach_port_t)registers.a[5];
		self->id = (uint32_t)(registers.a[6] >> 32);
		return MACH_MSG_SUCCESS;
	}
	if (registers.a[0] == MACH_MSG_SUCCESS) {
		self->id = (uint32_t)header->msgh_id;
		if (header->msgh_remote_port != MACH_PORT_NULL)
			self->right = header->msgh_remote_port;
	}
	return (mach_msg_return_t)registers.a[0];
}

static void
tell(mach_port_t port, mach_msg_id_t id)
{
	mach_msg_header_t header = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = sizeof(header),
	    .msgh_remote_port = port,
	    .msgh_id = id,
	};

	must(mach_msg_send(&header));
}

static void
answer_all(void *argument)
{
	struct answerer *self = argument;
	mach_msg_header_t *header = (mach_msg_header_t *)(void *)self->buffer;

	must(mach_msg(
	    header, MACH_RCV_MSG, 0, sizeof(self->buffer), self->port, 0, 0));
	self->id = (uint32_t)header->msgh_id;
	self->right = header->msgh_remote_port;
	while (self->id != 0) {
		if (self->id == ID_AGAIN) {
			again = answer(self, ID_AGAIN);
			atomic_store(&was_tried, true);
			must(mach_msg(header, MACH_RCV_MSG, 0,
			    sizeof(self->buffer), self->port, 0, 0));
			self->id = (uint32_t)header->msgh_id;
			continue;
		}
		if (self->id == ID_LAST) {
			tell(first.port, ID_AGAIN);
			while (!atomic_load(&was_tried) &&
			       !atomic_load(&is_answered))
				sleep_ms(1);
		}
		if (answer(self, ID_ANSWER) != MACH_MSG_SUCCESS)
			return;
	}
}

static uint32_t
ask(mach_port_t port, uint64_t id)
{
	static _Alignas(8) char buffer[sizeof(first.buffer)];
	const mach_msg_header_t *header = (const void *)buffer;
	struct registers registers;

	raw_message(&registers, buffer,
	    MACH_MSGH_BITS(
		MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    port | (uint64_t)reply_port << 32, id, reply_port);
	return registers.a[7] != MACH_MSG_IN_BUFFER
		   ? (uint32_t)(registers.a[6] >> 32)
		   : (uint32_t)header->msgh_id;
}

static void
test_once(void)
{
	struct mach_thread *threads[2];

	port_end(reply_port); /* what was refused may have left something */
	reply_port = port_new();
	first.port = port_new_send();
	second.port = port_new_send();
	must(mach_thread_start(answer_all, &first, 16384, &threads[0]));
	must(mach_thread_start(answer_all, &second, 16384, &threads[1]));
	for (int i = 0; i < CALLS; i++) {
		(void)ask(second.port, ID_ASK);
		(void)ask(first.port, ID_ASK);
	}
	is(ask(second.port, ID_LAST), ID_ANSWER, "who is asked answers");
	atomic_store(&is_answered, true);
	tell(first.port, 0);
	tell(second.port, 0);
	mach_thread_join(threads[0]);
	mach_thread_join(threads[1]);
	is(again, MACH_SEND_INVALID_DEST, "a reply right is used but once");
	port_end(first.port);
	port_end(second.port);
}

int
main(void)
{
	service = port_new_send();
	reply_port = port_new();
	test_secrets();
	test_refused();
	test_once();
	return done();
}
