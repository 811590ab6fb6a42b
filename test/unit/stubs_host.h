/*
 * stubs_host.h: a kernel that carries messages between the stubs of forms.defs
 * and changes them if the test says so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <mach/mach.h>
#include <mach/mig.h>

#define SERVER	0x103
#define REPLY	0x207
#define LARGEST 4096

/* A message on its way. */
struct message {
	_Alignas(8) unsigned char bytes[LARGEST];
	uint32_t size;
};

extern struct stubs_kernel {
	struct message request, reply; /* as last sent */
	uint64_t options;
	bool random; /* change some words of the replies */
	unsigned int destroyed;
	mach_msg_return_t result;
} kernel;

/* A number below @below, the same ones in every run. */
uint32_t some(uint32_t below);

/*
 * Turn @message into what its receiver sees; where what stands behind its
 * descriptors begins.
 */
uint32_t receive_descriptors(struct message *message);

/* Change up to three words behind @from, or the size, as a sender could. */
void change(struct message *message, uint32_t from);

/*
 * Let the server answer @request into kernel.reply.  Both buffers are as long
 * as has been promised and no longer, and only 4-aligned.
 */
void serve(const struct message *request);
