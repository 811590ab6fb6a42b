/* large.c: messages as large as they may be, and at any address. */
#include "test/user/mach_test.h"

#include <string.h>

#define HEADER sizeof(mach_msg_header_t)
#define BASE   sizeof(mach_msg_base_t)
/* The longest message, and the most that one carries. */
#define SIZE_MAX_MESSAGE (256 * 1024 + 4096)
#define DESCRIPTORS_MAX	 16383
#define ARRAY_MAX	 16384
#define ROOM		 (SIZE_MAX_MESSAGE + 4096)

static mach_port_t self, port;
static uint8_t *out, *in;

static void
fill_header(void *message, mach_msg_bits_t more_bits)
{
	*(mach_msg_header_t *)message = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | more_bits,
	    .msgh_remote_port = port,
	    .msgh_id = 77,
	};
}

/* ---- inline ---- */

static void
test_inline(void)
{
	static const uint32_t sizes[] = {64 * 1024, 256 * 1024 - 4, 256 * 1024,
	    256 * 1024 + HEADER, SIZE_MAX_MESSAGE};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t size = sizes[i];

		fill_header(out, 0);
		pattern_fill(out + HEADER, size - HEADER, i);
		is(send_message(out, size), KERN_SUCCESS, "%u bytes inline",
		    size);
		memset(in, 0, ROOM);
		is(poll_for(in, ROOM, port), KERN_SUCCESS, "arrive");
		is(((mach_msg_header_t *)in)->msgh_size, size, "all of them");
		ok(pattern_holds(in + HEADER, size - HEADER, i),
		    "as they were");
	}
	fill_header(out, 0);
	is(send_message(out, SIZE_MAX_MESSAGE + 4), MACH_SEND_TOO_LARGE,
	    "a word more is too much");
	is(send_message(out, 64 << 20), MACH_SEND_TOO_LARGE,
	    "and so are 64 MiB");
	is(poll_for(in, ROOM, port), MACH_RCV_TIMED_OUT, "of which none came");
}

static void
test_too_large_for_the_receiver(void)
{
	mach_msg_header_t *got = (mach_msg_header_t *)in;
	mach_msg_trailer_t *trailer = (mach_msg_trailer_t *)(got + 1);
	kern_return_t kr;

	fill_header(out, 0);
	must(send_message(out, 256 * 1024));
	memset(in, 0x55, 100);
	kr = mach_msg(got,
	    MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY, 0, 0, port,
	    0, 0);
	is(kr, MACH_RCV_TOO_LARGE, "no room at all");
	is(got->msgh_size, 256 * 1024, "one is told how much it takes");
	is(got->msgh_local_port, port, "and where");
	is(got->msgh_id, 0x55555555, "nothing else is written");
	kr = mach_msg(
	    got, MACH_RCV_MSG, 0, HEADER + sizeof(*trailer), port, 0, 0);
	is(kr, MACH_RCV_TOO_LARGE, "who does not ask loses it");
	is(got->msgh_size, HEADER, "and gets a header");
	is(got->msgh_local_port, port, "that says where");
	is(got->msgh_id, 77, "which it was");
	is(trailer->msgh_trailer_size, sizeof(*trailer), "with a trailer");
	is(status_of(port).mps_msgcount, 0, "the message is gone");
}

/* ---- descriptors ---- */

/* A mix of all kinds, @count in all: their bytes. */
static uint32_t
put_mix(uint8_t *at, unsigned count, mach_port_t right)
{
	static const char text[] = "text";
	uint8_t *begin = at;

	for (unsigned i = 0; i < count; i++) {
		mach_msg_descriptor_t one;
		size_t size = sizeof(one);

		memset(&one, 0, sizeof(one));
		switch (i % 4) {
		case 0:
		case 1:
			one.port = (mach_msg_port_descriptor_t){
			    .name = i % 8 ? right : MACH_PORT_NULL,
			    .disposition = i % 4 ? MACH_MSG_TYPE_COPY_SEND
						 : MACH_MSG_TYPE_MAKE_SEND,
			};
			size = sizeof(one.port);
			break;
		case 2:
			one.out_of_line = (mach_msg_ool_descriptor_t){
			    .address = (void *)text,
			    .size = i % 16 == 2 ? 4 : 0,
			    .copy = MACH_MSG_PHYSICAL_COPY,
			    .type = MACH_MSG_OOL_DESCRIPTOR,
			};
			break;
		default:
			one.ool_ports = (mach_msg_ool_ports_descriptor_t){
			    .address = &port,
			    .count = i % 16 == 3,
			    .disposition = MACH_MSG_TYPE_COPY_SEND,
			    .copy = MACH_MSG_PHYSICAL_COPY,
			    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
			};
			break;
		}
		memcpy(at, &one, size);
		at += size;
	}
	return (uint32_t)(at - begin);
}

static bool
mix_holds(const uint8_t *at, unsigned count, mach_port_t right)
{
	for (unsigned i = 0; i < count; i++) {
		mach_msg_descriptor_t one;
		size_t size = sizeof(one);
		bool good;

		memcpy(&one, at, sizeof(one));
		switch (i % 4) {
		case 0:
		case 1:
			good =
			    one.port.type == MACH_MSG_PORT_DESCRIPTOR &&
			    one.port.name == (i % 8 ? right : MACH_PORT_NULL) &&
			    one.port.disposition == MACH_MSG_TYPE_PORT_SEND;
			size = sizeof(one.port);
			break;
		case 2:
			good = one.out_of_line.type == MACH_MSG_OOL_DESCRIPTOR;
			if (i % 16 == 2)
				good = good && one.out_of_line.size == 4 &&
				       memcmp(one.out_of_line.address, "text",
					   4) == 0;
			break;
		default:
			good = one.ool_ports.type ==
				   MACH_MSG_OOL_PORTS_DESCRIPTOR &&
			       one.ool_ports.count == (i % 16 == 3);
			if (i % 16 == 3)
				good = good &&
				       *(mach_port_t *)one.ool_ports.address ==
					   port;
			break;
		}
		if (!good)
			return false;
		at += size;
	}
	return true;
}

static uint32_t
begin_complex(uint8_t *message, unsigned count)
{
	fill_header(message, MACH_MSGH_BITS_COMPLEX);
	((mach_msg_base_t *)message)->body.msgh_descriptor_count = count;
	return BASE;
}

static void
test_mix(void)
{
	mach_port_t right = port_new_send();
	uint32_t size;

	for (unsigned count = 1; count <= DESCRIPTORS_MAX;
	     count = count * 4 + 3) {
		if (count > DESCRIPTORS_MAX / 4)
			count = DESCRIPTORS_MAX;
		size = begin_complex(out, count);
		size += put_mix(out + size, count, right);
		memcpy(out + size, "last", 4);
		is(send_message(out, size + 4), KERN_SUCCESS,
		    "%u descriptors of each kind", count);
		is(poll_for(in, ROOM, port), KERN_SUCCESS, "arrive");
		ok(mix_holds(in + BASE, count, right), "as they were");
		ok(memcmp(in + size, "last", 4) == 0, "with what is behind");
		mach_msg_destroy((mach_msg_header_t *)in);
	}
	is(send_refs(right), 1, "no right is left over");
	is(send_refs(port), 1, "of either port");
	size = begin_complex(out, DESCRIPTORS_MAX + 1);
	is(send_message(out, ROOM - 4096), MACH_SEND_TOO_LARGE,
	    "one more is too many");
	is(send_refs(port), 1, "and takes nothing");
	(void)size;
	port_end(right);
}

/* ---- an array of rights ---- */

static void
send_array(mach_port_t *names, unsigned count, unsigned disposition,
    kern_return_t expected)
{
	mach_msg_ool_ports_descriptor_t ports = {
	    .address = names,
	    .count = count,
	    .disposition = disposition,
	    .copy = MACH_MSG_VIRTUAL_COPY,
	    .type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
	};
	uint32_t size = begin_complex(out, 1);

	memcpy(out + size, &ports, sizeof(ports));
	is(send_message(out, size + sizeof(ports)), expected,
	    "an array of %u rights, disposition %u", count, disposition);
}

static mach_port_t *
receive_array(unsigned count)
{
	mach_msg_ool_ports_descriptor_t ports;

	is(poll_for(in, ROOM, port), KERN_SUCCESS, "arrives");
	memcpy(&ports, in + BASE, sizeof(ports));
	is(ports.count, count, "with all of them");
	return ports.address;
}

static void
test_array(void)
{
	mach_port_t *names = pages_new((ARRAY_MAX + 1) * sizeof(*names));
	unsigned before = name_count(), wrong = 0;
	mach_port_t right = port_new(), *got;

	for (unsigned i = 0; i <= ARRAY_MAX; i++)
		names[i] = i % 3 == 0	? right
			   : i % 3 == 1 ? MACH_PORT_NULL
					: MACH_PORT_DEAD;
	send_array(names, ARRAY_MAX, MACH_MSG_TYPE_MAKE_SEND, KERN_SUCCESS);
	got = receive_array(ARRAY_MAX);
	for (unsigned i = 0; i < ARRAY_MAX; i++)
		wrong += got[i] != names[i];
	is(wrong, 0, "and as they were");
	is(send_refs(right), (ARRAY_MAX + 2) / 3, "each is counted");
	mach_msg_destroy((mach_msg_header_t *)in);
	is(send_refs(right), 0, "and given up");

	send_array(
	    names, ARRAY_MAX, MACH_MSG_TYPE_MAKE_SEND_ONCE, KERN_SUCCESS);
	is(status_of(right).mps_sorights, (ARRAY_MAX + 2) / 3,
	    "as many rights of one use");
	(void)receive_array(ARRAY_MAX);
	is(name_count(), before + 1 + (ARRAY_MAX + 2) / 3, "have names");
	port_end(right);
	mach_msg_destroy((mach_msg_header_t *)in);
	is(name_count(), before, "until they are given up");

	for (unsigned i = 0; i < 2000; i++)
		names[i] = port_new();
	send_array(names, 2000, MACH_MSG_TYPE_MOVE_RECEIVE, KERN_SUCCESS);
	is(name_count(), before, "receive rights are gone");
	got = receive_array(2000);
	for (unsigned i = 0; i < 2000; i++)
		wrong += type_of(got[i]) != MACH_PORT_TYPE_RECEIVE;
	is(wrong, 0, "until they arrive");
	mach_msg_destroy((mach_msg_header_t *)in);
	is(name_count(), before, "and are given up");

	for (unsigned i = 0; i <= ARRAY_MAX; i++)
		names[i] = port;
	send_array(
	    names, ARRAY_MAX + 1, MACH_MSG_TYPE_COPY_SEND, MACH_SEND_TOO_LARGE);
	is(send_refs(port), 1, "which takes nothing");
	pages_end(names, (ARRAY_MAX + 1) * sizeof(*names));
}

/* ---- any address ---- */

static mach_msg_return_t
by_trap(mach_msg_header_t *message, mach_msg_option_t option,
    mach_msg_size_t send_size, mach_msg_size_t rcv_size)
{
	return mach_msg_trap(message, option | MACH_RCV_TIMEOUT, send_size,
	    rcv_size, option & MACH_RCV_MSG ? port : MACH_PORT_NULL, 0, 0);
}

static mach_msg_return_t
by_library(mach_msg_header_t *message, mach_msg_option_t option,
    mach_msg_size_t send_size, mach_msg_size_t rcv_size)
{
	return mach_msg(message, option | MACH_RCV_TIMEOUT, send_size, rcv_size,
	    option & MACH_RCV_MSG ? port : MACH_PORT_NULL, 0, 0);
}

typedef mach_msg_return_t (*way_t)(mach_msg_header_t *message,
    mach_msg_option_t option, mach_msg_size_t send_size,
    mach_msg_size_t rcv_size);

/* Send from and receive at each word of a page and the next one. */
static void
test_any_word(const char *name, way_t way)
{
	mach_port_t right = port_new_send();
	unsigned wrong = 0;

	for (unsigned offset = 0; offset < 4096 + 64; offset += 4) {
		uint8_t *message = out + offset;
		uint8_t *got = in + (offset * 5 & 0xfff);
		uint32_t size;

		if (offset == 128)
			offset = 4096 - 128;
		size = begin_complex(message, 12);
		size += put_mix(message + size, 12, right);
		wrong += way((mach_msg_header_t *)message, MACH_SEND_MSG, size,
			     0) != KERN_SUCCESS;
		wrong += way((mach_msg_header_t *)got, MACH_RCV_MSG, 0,
			     size + 8) != KERN_SUCCESS;
		wrong += !mix_holds(got + BASE, 12, right);
		mach_msg_destroy((mach_msg_header_t *)got);
		/* And a bare header, and one with a word. */
		for (size = HEADER; size < HEADER + 8; size += 4) {
			fill_header(message, 0);
			wrong += way((mach_msg_header_t *)message,
				     MACH_SEND_MSG, size, 0) != KERN_SUCCESS;
			wrong += way((mach_msg_header_t *)got, MACH_RCV_MSG, 0,
				     size + 8) != KERN_SUCCESS;
			wrong += ((mach_msg_header_t *)got)->msgh_id != 77;
		}
	}
	is(wrong, 0, "messages at any word, by the %s", name);
	is(send_refs(right), 1, "nothing is left over");
	port_end(right);
}

static void
test_overwrite(void)
{
	mach_msg_header_t *message = (mach_msg_header_t *)out;
	mach_msg_header_t *got = (mach_msg_header_t *)in;

	fill_header(out, 0);
	memset(in, 0, 100);
	is(mach_msg_overwrite(message, MACH_SEND_MSG | MACH_RCV_MSG, HEADER,
	       HEADER + 8, port, 0, 0, got, 0),
	    KERN_SUCCESS, "a buffer to receive into");
	is(got->msgh_id, 77, "it is there");
	is(got->msgh_local_port, port, "as received");
	is(message->msgh_remote_port, port, "the other is as it was");
	is(message->msgh_local_port, MACH_PORT_NULL, "quite");
	is(mach_msg_overwrite(
	       message, MACH_SEND_MSG, HEADER, 0, 0, 0, 0, MACH_MSG_NULL, 0),
	    KERN_SUCCESS, "none at all is needed for sending");
	is(mach_msg_overwrite(message, MACH_RCV_MSG | MACH_RCV_LARGE, 0,
	       HEADER + 4, port, 0, 0, got, 0),
	    MACH_RCV_TOO_LARGE, "its size counts");
	is(mach_msg_overwrite(message, MACH_RCV_MSG, 0, HEADER + 8, port, 0, 0,
	       MACH_MSG_NULL, 0),
	    KERN_SUCCESS, "without one");
	is(message->msgh_local_port, port, "the first is both");
}

int
main(void)
{
	self = mach_task_self();
	port = port_new_send();
	out = pages_new(ROOM);
	in = pages_new(ROOM);
	test_inline();
	test_too_large_for_the_receiver();
	test_mix();
	test_array();
	test_any_word("trap", by_trap);
	test_any_word("library", by_library);
	test_overwrite();
	port_end(port);
	pages_end(out, ROOM);
	pages_end(in, ROOM);
	return done();
}
