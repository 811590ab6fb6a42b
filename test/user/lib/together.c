/* lib/together.c: what clients and servers of together.c share. */
#include "test/user/together.h"

#include <mach/mach_traps.h>

struct board *board;

const char *const fault_words[FAULTS] = {
    [FAULT_NONE] = "none",
    [FAULT_SEND] = "no right, though there was one",
    [FAULT_SENT] = "sent, though there was no right",
    [FAULT_REPLY] = "no reply port, though there was one",
    [FAULT_REPLIED] = "answered, though there was no port",
    [FAULT_INTERRUPTED] = "interrupted by nobody",
    [FAULT_CODE] = "a code that nothing here has",
    [FAULT_ANSWER] = "an answer to another question",
    [FAULT_NOTICE] = "notice of a right that nobody gave up",
    [FAULT_HEADER] = "another header than was sent",
    [FAULT_BODY] = "another body",
    [FAULT_TRAILER] = "no such trailer",
    [FAULT_UNKNOWN] = "a message that nobody has sent",
    [FAULT_TWICE] = "received again, or before an earlier one",
    [FAULT_AGAIN] = "a right to reply, used twice",
    [FAULT_UNSERVED] = "an answer from nobody",
    [FAULT_NUMBER] = "the number of another message",
    [FAULT_END] = "a thread that should have ended",
    [FAULT_ABORT] = "a wait that should have ended",
    [FAULT_RECEIVE] = "no right to receive, though there was one",
};

#define CALL	  (MACH_SEND_MSG | MACH_RCV_MSG)
#define CALL_SIZE (sizeof(mach_msg_header_t) + 4 * WORDS_CALL)

void
fault(enum fault what, uint32_t id, int code)
{
	if (atomic_fetch_add(&board->faults, 1) != 0)
		return;
	board->fault_id = id;
	board->fault_code = code;
	board->fault = what;
}

/* ---- messages ---- */

void
fill(struct box *box, mach_msg_bits_t bits, mach_port_t remote,
    mach_port_t local, uint32_t id)
{
	unsigned words = words_of(id);

	box->header = (mach_msg_header_t){
	    .msgh_bits = bits,
	    .msgh_size = (mach_msg_size_t)(sizeof(box->header) + 4 * words),
	    .msgh_remote_port = remote,
	    .msgh_local_port = local,
	    .msgh_id = (mach_msg_id_t)id,
	};
	for (unsigned i = 0; i < words; i++)
		box->word[i] = mix(id, i);
}

static uint64_t
pair(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

mach_msg_return_t
pass(enum form form, struct box *box, mach_msg_option_t options,
    mach_port_t from)
{
	const mach_msg_header_t *header = &box->header;
	mach_msg_size_t size = options & MACH_SEND_MSG ? header->msgh_size : 0;
	mach_msg_size_t room = options & MACH_RCV_MSG ? sizeof(*box) : 0;

	if (form == FORM_REGISTERS && options == CALL)
		return together_call(box, from,
		    sizeof(*box) | (uint64_t)(size > CALL_SIZE) << 63);
	if (form == FORM_GENERAL)
		return mach_msg_trap(
		    &box->header, options, size, room, from, 0, 0);
	return mach_msg2_trap(box, (uint32_t)options,
	    pair(header->msgh_bits, size),
	    pair(header->msgh_remote_port, header->msgh_local_port),
	    pair(0, (uint32_t)header->msgh_id), pair(0, from), room, 0);
}

bool
came_whole(const struct box *box, mach_msg_bits_t bits, mach_port_t local,
    bool was_left)
{
	uint32_t id = (uint32_t)box->header.msgh_id;
	unsigned words = words_of(id);
	const uint32_t *trailer = &box->word[words];
	unsigned wrong = 0;

	if (box->header.msgh_bits != bits ||
	    box->header.msgh_size != sizeof(box->header) + 4 * words ||
	    (box->header.msgh_local_port != local &&
		!(was_left && !MACH_PORT_VALID(box->header.msgh_local_port))) ||
	    box->header.msgh_voucher_port != 0) {
		fault(FAULT_HEADER, id, (int)box->header.msgh_bits);
		return false;
	}
	for (unsigned i = 0; i < words; i++)
		wrong += box->word[i] != mix(id, i);
	if (wrong != 0) {
		fault(FAULT_BODY, id, (int)wrong);
		return false;
	}
	if (trailer[0] == MACH_MSG_TRAILER_FORMAT_0 &&
	    (trailer[1] == sizeof(mach_msg_trailer_t) ||
		trailer[1] == sizeof(mach_msg_seqno_trailer_t)))
		return true;
	fault(FAULT_TRAILER, id, (int)trailer[1]);
	return false;
}

void
nudge(mach_port_t service)
{
	mach_msg_header_t header = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = sizeof(header),
	    .msgh_remote_port = service,
	    .msgh_id = (mach_msg_id_t)ID_NUDGE,
	};

	/* Where the right is away: it will be back. */
	while (mach_msg_trap(&header, MACH_SEND_MSG, sizeof(header), 0, 0, 0,
		   0) == MACH_SEND_INVALID_DEST)
		swtch();
}

/* ---- what was done meanwhile ---- */

struct before
look(const struct absence *absence)
{
	return (struct before){
	    .gone = absence->gone,
	    .back = absence->back,
	};
}

bool
was_away(const struct absence *absence, struct before before)
{
	return absence->leaving > before.back;
}

bool
stayed_away(const struct absence *absence, struct before before)
{
	return before.gone > absence->coming;
}

void
interrupted(struct person *person, uint32_t id)
{
	/* One abort may end a wait that begins, and then the next. */
	if (++person->interruptions > 2 * person->aborts)
		fault(FAULT_INTERRUPTED, id, 0);
}
