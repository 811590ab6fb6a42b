/*
 * mach/notify.h: messages the kernel sends about ports.
 *
 * They are asked for with mach_port_request_notification(); a send-once right
 * that dies unused sends MACH_NOTIFY_SEND_ONCE unasked.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/message.h>
#include <mach/ndr.h>
#include <mach/port.h>

#define MACH_NOTIFY_FIRST	   0100
#define MACH_NOTIFY_PORT_DELETED   (MACH_NOTIFY_FIRST + 001)
#define MACH_NOTIFY_SEND_POSSIBLE  (MACH_NOTIFY_FIRST + 002)
#define MACH_NOTIFY_PORT_DESTROYED (MACH_NOTIFY_FIRST + 005)
#define MACH_NOTIFY_NO_SENDERS	   (MACH_NOTIFY_FIRST + 006)
#define MACH_NOTIFY_SEND_ONCE	   (MACH_NOTIFY_FIRST + 007)
#define MACH_NOTIFY_DEAD_NAME	   (MACH_NOTIFY_FIRST + 010)
#define MACH_NOTIFY_LAST	   (MACH_NOTIFY_FIRST + 015)

typedef mach_port_t notify_port_t;

#pragma pack(push, 4)

/* A name with a pending dead-name request was deleted; it means nothing now. */
typedef struct {
	mach_msg_header_t not_header;
	NDR_record_t NDR;
	mach_port_name_t not_port;
	mach_msg_format_0_trailer_t trailer;
} mach_port_deleted_notification_t;

/* The port's queue has room again. */
typedef struct {
	mach_msg_header_t not_header;
	NDR_record_t NDR;
	mach_port_name_t not_port;
	mach_msg_format_0_trailer_t trailer;
} mach_send_possible_notification_t;

/* The receive right would have died: here it is. */
typedef struct {
	mach_msg_header_t not_header;
	mach_msg_body_t not_body;
	mach_msg_port_descriptor_t not_port;
	mach_msg_format_0_trailer_t trailer;
} mach_port_destroyed_notification_t;

/* The last send right died; @not_count is the make-send count then. */
typedef struct {
	mach_msg_header_t not_header;
	NDR_record_t NDR;
	mach_msg_type_number_t not_count;
	mach_msg_format_0_trailer_t trailer;
} mach_no_senders_notification_t;

/* A send-once right to this port died unused. */
typedef struct {
	mach_msg_header_t not_header;
	mach_msg_format_0_trailer_t trailer;
} mach_send_once_notification_t;

/* A send right became a dead name, and gained one user reference for this. */
typedef struct {
	mach_msg_header_t not_header;
	NDR_record_t NDR;
	mach_port_name_t not_port;
	mach_msg_format_0_trailer_t trailer;
} mach_dead_name_notification_t;

#pragma pack(pop)

MACH_ABI_ASSERT(sizeof(mach_dead_name_notification_t) == 56, "ABI");
MACH_ABI_ASSERT(sizeof(mach_port_destroyed_notification_t) == 60, "ABI");
MACH_ABI_ASSERT(sizeof(mach_send_once_notification_t) == 44, "ABI");
