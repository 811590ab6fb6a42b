/*
 * vm/pager_wire.h: the messages between kernel and pagers that have a short way
 * (ipc/fast_pager.h), as userland's stubs have them: fields packed to 4 bytes.
 */
#pragma once
#include <mach/message.h>
#include <mach/ndr.h>

#include "kernel/types.h"

#define PAGER_WIRE __attribute__((packed, aligned(4)))

/* data_request, data_unlock; and without @access, lock_completed */
struct pager_request_message {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t control;
	NDR_record_t ndr;
	uint64_t offset;
	uint64_t size;
	int32_t access;
} PAGER_WIRE;

/* data_supply, all but the header */
struct pager_supply_body {
	mach_msg_body_t body;
	mach_msg_ool_descriptor_t data;
	mach_msg_port_descriptor_t reply_to;
	NDR_record_t ndr;
	uint64_t offset;
	uint32_t count;
	uint32_t lock_value;
	uint32_t precious;
} PAGER_WIRE;
