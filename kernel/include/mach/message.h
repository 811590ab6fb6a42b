/*
 * mach/message.h: the form of a message, and how it is sent and received.
 *
 * Longer because it is the whole of an interface that users include by name.
 *
 *	 0  mach_msg_header_t	bits, size, remote, local, voucher, id
 *	24  mach_msg_body_t	number of descriptors  } only when the bits say
 *	28  descriptors, 12 or 16 bytes each	       } MACH_MSGH_BITS_COMPLEX
 *	 .  inline data, as the two sides agreed
 *	 .  trailer, written by the kernel behind a received message
 *
 * Everything is packed to 4 bytes: a descriptor's 64-bit address is only
 * 4-aligned, and must not be loaded with one 8-byte load.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <mach/cdefs.h>
#include <mach/kern_return.h>
#include <mach/port.h>

MACH_BEGIN_DECLS

/* Milliseconds; counts only with MACH_SEND_TIMEOUT or MACH_RCV_TIMEOUT. */
typedef natural_t mach_msg_timeout_t;
#define MACH_MSG_TIMEOUT_NONE ((mach_msg_timeout_t)0)

/* ---- header bits ---- */

#define MACH_MSGH_BITS_ZERO	    0x00000000
#define MACH_MSGH_BITS_REMOTE_MASK  0x0000001f
#define MACH_MSGH_BITS_LOCAL_MASK   0x00001f00
#define MACH_MSGH_BITS_VOUCHER_MASK 0x001f0000
#define MACH_MSGH_BITS_PORTS_MASK                                              \
	(MACH_MSGH_BITS_REMOTE_MASK | MACH_MSGH_BITS_LOCAL_MASK |              \
	    MACH_MSGH_BITS_VOUCHER_MASK)
#define MACH_MSGH_BITS_COMPLEX	     0x80000000U /* descriptors follow */
#define MACH_MSGH_BITS_USER	     0x801f1f1fU /* what a sender may set */
#define MACH_MSGH_BITS_RAISEIMP	     0x20000000U
#define MACH_MSGH_BITS_DENAP	     MACH_MSGH_BITS_RAISEIMP
#define MACH_MSGH_BITS_IMPHOLDASRT   0x10000000U
#define MACH_MSGH_BITS_DENAPHOLDASRT MACH_MSGH_BITS_IMPHOLDASRT
#define MACH_MSGH_BITS_CIRCULAR	     0x10000000U
#define MACH_MSGH_BITS_USED	     0xb01f1f1fU

#define MACH_MSGH_BITS(remote, local) ((remote) | ((local) << 8))
#define MACH_MSGH_BITS_SET_PORTS(remote, local, voucher)                       \
	(((remote)&MACH_MSGH_BITS_REMOTE_MASK) |                               \
	    (((local) << 8) & MACH_MSGH_BITS_LOCAL_MASK) |                     \
	    (((voucher) << 16) & MACH_MSGH_BITS_VOUCHER_MASK))
#define MACH_MSGH_BITS_SET(remote, local, voucher, other)                      \
	(MACH_MSGH_BITS_SET_PORTS((remote), (local), (voucher)) |              \
	    ((other) & ~MACH_MSGH_BITS_PORTS_MASK))
#define MACH_MSGH_BITS_REMOTE(bits) ((bits)&MACH_MSGH_BITS_REMOTE_MASK)
#define MACH_MSGH_BITS_LOCAL(bits)  (((bits)&MACH_MSGH_BITS_LOCAL_MASK) >> 8)
#define MACH_MSGH_BITS_VOUCHER(bits)                                           \
	(((bits)&MACH_MSGH_BITS_VOUCHER_MASK) >> 16)
#define MACH_MSGH_BITS_PORTS(bits) ((bits)&MACH_MSGH_BITS_PORTS_MASK)
#define MACH_MSGH_BITS_OTHER(bits) ((bits) & ~MACH_MSGH_BITS_PORTS_MASK)
#define MACH_MSGH_BITS_HAS_REMOTE(bits)                                        \
	(MACH_MSGH_BITS_REMOTE(bits) != MACH_MSGH_BITS_ZERO)
#define MACH_MSGH_BITS_HAS_LOCAL(bits)                                         \
	(MACH_MSGH_BITS_LOCAL(bits) != MACH_MSGH_BITS_ZERO)
#define MACH_MSGH_BITS_HAS_VOUCHER(bits)                                       \
	(MACH_MSGH_BITS_VOUCHER(bits) != MACH_MSGH_BITS_ZERO)
#define MACH_MSGH_BITS_IS_COMPLEX(bits)                                        \
	(((bits)&MACH_MSGH_BITS_COMPLEX) != MACH_MSGH_BITS_ZERO)

typedef unsigned int mach_msg_bits_t;
typedef natural_t mach_msg_size_t;
typedef integer_t mach_msg_id_t;
typedef natural_t mach_msg_type_size_t;
typedef natural_t mach_msg_type_number_t;
typedef unsigned int mach_msg_priority_t;

#define MACH_MSG_SIZE_NULL     (mach_msg_size_t *)0
#define MACH_MSG_SIZE_MAX      ((mach_msg_size_t)~0)
#define MACH_MSG_SIZE_RELIABLE ((mach_msg_size_t)256 * 1024)

/*
 * ---- priority of a message (MACH_SEND_OVERRIDE) ----
 *
 *	23..20	a class that it shall have at least
 *	19..16	its class
 *	15..8	how far below the best of its class, 0 to -15, less 1
 *
 * Messages stand in a queue by class, then by that number, then first come
 * first served; so do senders who wait for room.  A message that is sent
 * without the option, or with a class of 0 or one that does not exist, is of
 * MACH_MSG_QOS_DEFAULT: what one thread sends so to one port arrives in order.
 *
 * The thread that receives a message runs at what the message lends it, if that
 * is more than its own priority, until it next receives: a call (sent and
 * received for in one mach_msg()) lends the caller's own priority, another
 * message with the option what was asked for it, but no more than its sender
 * has.
 */

#define MACH_MSG_PRIORITY_UNSPECIFIED (mach_msg_priority_t)0

#define MACH_MSG_QOS_UNSPECIFIED      0
#define MACH_MSG_QOS_MAINTENANCE      1
#define MACH_MSG_QOS_BACKGROUND	      2
#define MACH_MSG_QOS_UTILITY	      3
#define MACH_MSG_QOS_DEFAULT	      4
#define MACH_MSG_QOS_USER_INITIATED   5
#define MACH_MSG_QOS_USER_INTERACTIVE 6
#define MACH_MSG_QOS_LAST	      6
typedef unsigned int mach_msg_qos_t;

#define MACH_MSG_PRIORITY_RELPRI_SHIFT	 8
#define MACH_MSG_PRIORITY_RELPRI_MASK	 (0xff << 8)
#define MACH_MSG_PRIORITY_QOS_SHIFT	 16
#define MACH_MSG_PRIORITY_QOS_MASK	 (0xf << MACH_MSG_PRIORITY_QOS_SHIFT)
#define MACH_MSG_PRIORITY_OVERRIDE_SHIFT 20
#define MACH_MSG_PRIORITY_OVERRIDE_MASK                                        \
	(0xf << MACH_MSG_PRIORITY_OVERRIDE_SHIFT)

/* ---- what happens to a right that is sent ---- */

typedef unsigned int mach_msg_type_name_t;

#define MACH_MSG_TYPE_MOVE_RECEIVE	16 /* the sender gives it up */
#define MACH_MSG_TYPE_MOVE_SEND		17
#define MACH_MSG_TYPE_MOVE_SEND_ONCE	18
#define MACH_MSG_TYPE_COPY_SEND		19 /* the sender keeps one too */
#define MACH_MSG_TYPE_MAKE_SEND		20 /* made from the receive right */
#define MACH_MSG_TYPE_MAKE_SEND_ONCE	21
#define MACH_MSG_TYPE_COPY_RECEIVE	22
#define MACH_MSG_TYPE_DISPOSE_RECEIVE	24
#define MACH_MSG_TYPE_DISPOSE_SEND	25
#define MACH_MSG_TYPE_DISPOSE_SEND_ONCE 26

/* What a receiver reads instead: the kind of right it got. */
#define MACH_MSG_TYPE_PORT_NONE	     0
#define MACH_MSG_TYPE_PORT_NAME	     15
#define MACH_MSG_TYPE_PORT_RECEIVE   MACH_MSG_TYPE_MOVE_RECEIVE
#define MACH_MSG_TYPE_PORT_SEND	     MACH_MSG_TYPE_MOVE_SEND
#define MACH_MSG_TYPE_PORT_SEND_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define MACH_MSG_TYPE_LAST	     22
#define MACH_MSG_TYPE_POLYMORPHIC    ((mach_msg_type_name_t)-1)

#define MACH_MSG_TYPE_PORT_ANY(x)                                              \
	((x) >= MACH_MSG_TYPE_MOVE_RECEIVE &&                                  \
	    (x) <= MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define MACH_MSG_TYPE_PORT_ANY_SEND(x)                                         \
	((x) >= MACH_MSG_TYPE_MOVE_SEND && (x) <= MACH_MSG_TYPE_MAKE_SEND_ONCE)
#define MACH_MSG_TYPE_PORT_ANY_RIGHT(x)                                        \
	((x) >= MACH_MSG_TYPE_MOVE_RECEIVE &&                                  \
	    (x) <= MACH_MSG_TYPE_MOVE_SEND_ONCE)

/* ---- out-of-line memory ---- */

typedef unsigned int mach_msg_copy_options_t;

#define MACH_MSG_PHYSICAL_COPY 0 /* copied before the send returns */
#define MACH_MSG_VIRTUAL_COPY  1 /* shared until one side writes */
#define MACH_MSG_ALLOCATE      2
#define MACH_MSG_OVERWRITE     3 /* obsolete, refused */
#define MACH_MSG_KALLOC_COPY_T 4

/* ---- guarded receive rights ---- */

typedef unsigned int mach_msg_guard_flags_t;

#define MACH_MSG_GUARD_FLAGS_NONE	       0x0000
#define MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE 0x0001
#define MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND 0x0002
#define MACH_MSG_GUARD_FLAGS_MASK	       0x0003

/* ---- descriptors ---- */

typedef unsigned int mach_msg_descriptor_type_t;

#define MACH_MSG_PORT_DESCRIPTOR	 0
#define MACH_MSG_OOL_DESCRIPTOR		 1
#define MACH_MSG_OOL_PORTS_DESCRIPTOR	 2
#define MACH_MSG_OOL_VOLATILE_DESCRIPTOR 3
#define MACH_MSG_GUARDED_PORT_DESCRIPTOR 4
#define MACH_MSG_DESCRIPTOR_MAX		 MACH_MSG_GUARDED_PORT_DESCRIPTOR

#pragma pack(push, 4)

/* What all descriptors have in common: the type is byte 11. */
typedef struct {
	natural_t pad1;
	mach_msg_size_t pad2;
	unsigned int pad3 : 24;
	mach_msg_descriptor_type_t type : 8;
} mach_msg_type_descriptor_t;

/* One right */
typedef struct {
	mach_port_t name;
	mach_msg_size_t pad1;
	unsigned int pad2 : 16;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
} mach_msg_port_descriptor_t;

/* A region of memory */
typedef struct {
	void *address;
	boolean_t deallocate : 8; /* the region leaves the sender */
	mach_msg_copy_options_t copy : 8;
	unsigned int pad1 : 8;
	mach_msg_descriptor_type_t type : 8;
	mach_msg_size_t size; /* bytes */
} mach_msg_ool_descriptor_t;

/* The same with addresses of 32 and 64 bits, for those who care to say. */
typedef struct {
	uint32_t address;
	mach_msg_size_t size;
	boolean_t deallocate : 8;
	mach_msg_copy_options_t copy : 8;
	unsigned int pad1 : 8;
	mach_msg_descriptor_type_t type : 8;
} mach_msg_ool_descriptor32_t;

typedef struct {
	uint64_t address;
	boolean_t deallocate : 8;
	mach_msg_copy_options_t copy : 8;
	unsigned int pad1 : 8;
	mach_msg_descriptor_type_t type : 8;
	mach_msg_size_t size;
} mach_msg_ool_descriptor64_t;

/* An array of names in memory, each a right of one disposition */
typedef struct {
	void *address;
	boolean_t deallocate : 8;
	mach_msg_copy_options_t copy : 8;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
	mach_msg_size_t count; /* names, not bytes */
} mach_msg_ool_ports_descriptor_t;

typedef struct {
	uint64_t address;
	boolean_t deallocate : 8;
	mach_msg_copy_options_t copy : 8;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
	mach_msg_size_t count;
} mach_msg_ool_ports_descriptor64_t;

typedef struct {
	uint32_t address;
	mach_msg_size_t count;
	boolean_t deallocate : 8;
	mach_msg_copy_options_t copy : 8;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
} mach_msg_ool_ports_descriptor32_t;

/* A receive right and the guard it travels with */
typedef struct {
	mach_port_context_t context;
	mach_msg_guard_flags_t flags : 16;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
	mach_port_name_t name;
} mach_msg_guarded_port_descriptor_t;

typedef struct {
	uint64_t context;
	mach_msg_guard_flags_t flags : 16;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
	mach_port_name_t name;
} mach_msg_guarded_port_descriptor64_t;

typedef struct {
	mach_port_name_t name;
	uint32_t context;
	mach_msg_guard_flags_t flags : 16;
	mach_msg_type_name_t disposition : 8;
	mach_msg_descriptor_type_t type : 8;
} mach_msg_guarded_port_descriptor32_t;

/*
 * Descriptors stand one behind the other, each as long as its type says: a
 * union array would be wrong for a list of 12-byte port descriptors.
 */
typedef union {
	mach_msg_port_descriptor_t port;
	mach_msg_ool_descriptor_t out_of_line;
	mach_msg_ool_ports_descriptor_t ool_ports;
	mach_msg_type_descriptor_t type;
	mach_msg_guarded_port_descriptor_t guarded_port;
} mach_msg_descriptor_t;

typedef struct {
	mach_msg_size_t msgh_descriptor_count;
} mach_msg_body_t;

#define MACH_MSG_BODY_NULL	 ((mach_msg_body_t *)0)
#define MACH_MSG_DESCRIPTOR_NULL ((mach_msg_descriptor_t *)0)

/* ---- header ---- */

/*
 * On send, remote is the destination and local the port a reply goes to; on
 * receive, local is the port the message came to and remote the right to
 * reply with, if any.
 */
typedef struct {
	mach_msg_bits_t msgh_bits;
	mach_msg_size_t msgh_size; /* header and body, not the trailer */
	mach_port_t msgh_remote_port;
	mach_port_t msgh_local_port;
	mach_port_name_t msgh_voucher_port;
	mach_msg_id_t msgh_id;
} mach_msg_header_t;

#define MACH_MSG_NULL		    ((mach_msg_header_t *)0)
#define msgh_reserved		    msgh_voucher_port
#define msgh_seqno		    msgh_voucher_port
#define msgh_request_port	    msgh_remote_port
#define msgh_reply_port		    msgh_local_port
#define msgh_kind		    msgh_voucher_port
#define MACH_MSGH_KIND_NORMAL	    0x00000000
#define MACH_MSGH_KIND_NOTIFICATION 0x00000001
#define mach_msg_kind_t		    mach_port_seqno_t

typedef struct {
	mach_msg_header_t header;
	mach_msg_body_t body;
} mach_msg_base_t;

/* ---- trailers ---- */

typedef unsigned int mach_msg_trailer_type_t;
typedef unsigned int mach_msg_trailer_size_t;
typedef char *mach_msg_trailer_info_t;
typedef int mach_msg_filter_id;

#define MACH_MSG_TRAILER_FORMAT_0 0

typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
} mach_msg_trailer_t;

typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
	mach_port_seqno_t msgh_seqno;
} mach_msg_seqno_trailer_t;

/* Who sent it: a task's identity, which the kernel writes and nobody forges */
typedef struct {
	unsigned int val[2];
} security_token_t;

typedef struct {
	unsigned int val[8];
} audit_token_t;

typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
	mach_port_seqno_t msgh_seqno;
	security_token_t msgh_sender;
} mach_msg_security_trailer_t;

typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
	mach_port_seqno_t msgh_seqno;
	security_token_t msgh_sender;
	audit_token_t msgh_audit;
} mach_msg_audit_trailer_t;

typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
	mach_port_seqno_t msgh_seqno;
	security_token_t msgh_sender;
	audit_token_t msgh_audit;
	mach_port_context_t msgh_context; /* mach_port_set_context() */
} mach_msg_context_trailer_t;

typedef struct {
	mach_port_name_t sender;
} msg_labels_t;

typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size;
	mach_port_seqno_t msgh_seqno;
	security_token_t msgh_sender;
	audit_token_t msgh_audit;
	mach_port_context_t msgh_context;
	mach_msg_filter_id msgh_ad;
	msg_labels_t msgh_labels;
} mach_msg_mac_trailer_t;

typedef mach_msg_security_trailer_t mach_msg_format_0_trailer_t;
typedef mach_msg_mac_trailer_t mach_msg_max_trailer_t;

#define MACH_MSG_TRAILER_MINIMUM_SIZE sizeof(mach_msg_trailer_t)

#define MAX_TRAILER_SIZE ((mach_msg_size_t)sizeof(mach_msg_max_trailer_t))

#define MACH_MSG_TRAILER_FORMAT_0_SIZE sizeof(mach_msg_format_0_trailer_t)
/* clang-format off */
#define KERNEL_SECURITY_TOKEN_VALUE    { { 0, 1 } }
#define KERNEL_AUDIT_TOKEN_VALUE       { { 0, 0, 0, 0, 0, 0, 0, 0 } }
/* clang-format on */

/* Trailers a receiver may ask for, to be or'ed into its options */
#define MACH_RCV_TRAILER_NULL	     0
#define MACH_RCV_TRAILER_SEQNO	     1
#define MACH_RCV_TRAILER_SENDER	     2
#define MACH_RCV_TRAILER_AUDIT	     3
#define MACH_RCV_TRAILER_CTX	     4
#define MACH_RCV_TRAILER_AV	     7
#define MACH_RCV_TRAILER_LABELS	     8
#define MACH_RCV_TRAILER_TYPE(x)     (((x)&0xf) << 28)
#define MACH_RCV_TRAILER_ELEMENTS(x) (((x)&0xf) << 24)
#define MACH_RCV_TRAILER_MASK	     ((0xf << 24))

#define GET_RCV_ELEMENTS(y) (((y) >> 24) & 0xf)
#define REQUESTED_TRAILER_SIZE_NATIVE(y)                                       \
	((mach_msg_trailer_size_t)(GET_RCV_ELEMENTS(y) ==                      \
					   MACH_RCV_TRAILER_NULL               \
				       ? sizeof(mach_msg_trailer_t)            \
				   : GET_RCV_ELEMENTS(y) ==                    \
					   MACH_RCV_TRAILER_SEQNO              \
				       ? sizeof(mach_msg_seqno_trailer_t)      \
				   : GET_RCV_ELEMENTS(y) ==                    \
					   MACH_RCV_TRAILER_SENDER             \
				       ? sizeof(mach_msg_security_trailer_t)   \
				   : GET_RCV_ELEMENTS(y) ==                    \
					   MACH_RCV_TRAILER_AUDIT              \
				       ? sizeof(mach_msg_audit_trailer_t)      \
				   : GET_RCV_ELEMENTS(y) ==                    \
					   MACH_RCV_TRAILER_CTX                \
				       ? sizeof(mach_msg_context_trailer_t)    \
				       : sizeof(mach_msg_mac_trailer_t)))
#define REQUESTED_TRAILER_SIZE(y) REQUESTED_TRAILER_SIZE_NATIVE(y)

/* ---- whole messages without data ---- */

typedef struct {
	mach_msg_header_t header;
} mach_msg_empty_send_t;

typedef struct {
	mach_msg_header_t header;
	mach_msg_trailer_t trailer;
} mach_msg_empty_rcv_t;

typedef union {
	mach_msg_empty_send_t send;
	mach_msg_empty_rcv_t rcv;
} mach_msg_empty_t;

#pragma pack(pop)

/* A size rounded to what a message may be long, and where its trailer is */
#define round_msg(x)                                                           \
	(((mach_msg_size_t)(x) + sizeof(natural_t) - 1) &                      \
	    ~(sizeof(natural_t) - 1))

/* ---- vectors (accepted by name only) ---- */

typedef enum {
	MACH_MSGV_IDX_MSG = 0,
	MACH_MSGV_IDX_AUX = 1,
} mach_msgv_index_t;

#define MACH_MSGV_MAX_COUNT	     (MACH_MSGV_IDX_AUX + 1)
#define LIBSYSCALL_MSGV_AUX_MAX_SIZE 128

/* ---- options ---- */

typedef integer_t mach_msg_option_t;
typedef integer_t mach_msg_options_t;
typedef uint64_t mach_msg_option64_t;

#define MACH_MSG_OPTION_NONE		 0x00000000
#define MACH_SEND_MSG			 0x00000001
#define MACH_RCV_MSG			 0x00000002
#define MACH_RCV_LARGE			 0x00000004 /* else dropped */
#define MACH_RCV_LARGE_IDENTITY		 0x00000008 /* and say on which port */
#define MACH_SEND_TIMEOUT		 0x00000010
#define MACH_SEND_OVERRIDE		 0x00000020 /* with priority */
#define MACH_SEND_INTERRUPT		 0x00000040 /* no restart */
#define MACH_SEND_NOTIFY		 0x00000080 /* when room */
#define MACH_SEND_ALWAYS		 0x00010000
#define MACH_SEND_FILTER_NONFATAL	 0x00010000
#define MACH_SEND_TRAILER		 0x00020000
#define MACH_SEND_NOIMPORTANCE		 0x00040000
#define MACH_SEND_NODENAP		 MACH_SEND_NOIMPORTANCE
#define MACH_SEND_IMPORTANCE		 0x00080000
#define MACH_SEND_SYNC_OVERRIDE		 0x00100000
#define MACH_SEND_PROPAGATE_QOS		 0x00200000
#define MACH_SEND_SYNC_USE_THRPRI	 MACH_SEND_PROPAGATE_QOS
#define MACH_SEND_KERNEL		 0x00400000
#define MACH_SEND_SYNC_BOOTSTRAP_CHECKIN 0x00800000

#define MACH_RCV_TIMEOUT      0x00000100
#define MACH_RCV_NOTIFY	      0x00000000
#define MACH_RCV_INTERRUPT    0x00000400 /* no restart */
#define MACH_RCV_VOUCHER      0x00000800
#define MACH_RCV_OVERWRITE    0x00000000
#define MACH_RCV_GUARDED_DESC 0x00001000
#define MACH_RCV_SYNC_WAIT    0x00004000
#define MACH_RCV_SYNC_PEEK    0x00008000
#define MACH_MSG_STRICT_REPLY 0x00000200

/* What a user may ask for; the library keeps _LIB to itself. */
#define MACH_SEND_USER                                                         \
	(MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY |                \
	    MACH_SEND_OVERRIDE | MACH_SEND_TRAILER | MACH_SEND_NOIMPORTANCE |  \
	    MACH_SEND_SYNC_OVERRIDE | MACH_SEND_PROPAGATE_QOS |                \
	    MACH_SEND_FILTER_NONFATAL | MACH_SEND_SYNC_BOOTSTRAP_CHECKIN |     \
	    MACH_MSG_STRICT_REPLY | MACH_RCV_GUARDED_DESC)
#define MACH_RCV_USER                                                          \
	(MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_RCV_LARGE |                    \
	    MACH_RCV_LARGE_IDENTITY | MACH_RCV_VOUCHER |                       \
	    MACH_RCV_TRAILER_MASK | MACH_RCV_GUARDED_DESC |                    \
	    MACH_RCV_SYNC_PEEK | MACH_RCV_SYNC_WAIT)
#define MACH_MSG_OPTION_USER (MACH_SEND_USER | MACH_RCV_USER)
#define MACH_MSG_OPTION_LIB  (MACH_SEND_INTERRUPT | MACH_RCV_INTERRUPT)

/* The options of mach_msg2(): the same, and some beyond 32 bits */
#define MACH64_MSG_OPTION_NONE		   0x0ull
#define MACH64_SEND_MSG			   MACH_SEND_MSG
#define MACH64_RCV_MSG			   MACH_RCV_MSG
#define MACH64_RCV_LARGE		   MACH_RCV_LARGE
#define MACH64_RCV_LARGE_IDENTITY	   MACH_RCV_LARGE_IDENTITY
#define MACH64_SEND_TIMEOUT		   MACH_SEND_TIMEOUT
#define MACH64_SEND_OVERRIDE		   MACH_SEND_OVERRIDE
#define MACH64_SEND_INTERRUPT		   MACH_SEND_INTERRUPT
#define MACH64_SEND_NOTIFY		   MACH_SEND_NOTIFY
#define MACH64_SEND_ALWAYS		   MACH_SEND_ALWAYS
#define MACH64_SEND_KERNEL		   MACH_SEND_KERNEL
#define MACH64_SEND_FILTER_NONFATAL	   MACH_SEND_FILTER_NONFATAL
#define MACH64_SEND_TRAILER		   MACH_SEND_TRAILER
#define MACH64_SEND_NOIMPORTANCE	   MACH_SEND_NOIMPORTANCE
#define MACH64_SEND_NODENAP		   MACH_SEND_NODENAP
#define MACH64_SEND_IMPORTANCE		   MACH_SEND_IMPORTANCE
#define MACH64_SEND_SYNC_OVERRIDE	   MACH_SEND_SYNC_OVERRIDE
#define MACH64_SEND_PROPAGATE_QOS	   MACH_SEND_PROPAGATE_QOS
#define MACH64_SEND_SYNC_BOOTSTRAP_CHECKIN MACH_SEND_SYNC_BOOTSTRAP_CHECKIN
#define MACH64_RCV_TIMEOUT		   MACH_RCV_TIMEOUT
#define MACH64_RCV_INTERRUPT		   MACH_RCV_INTERRUPT
#define MACH64_RCV_VOUCHER		   MACH_RCV_VOUCHER
#define MACH64_RCV_GUARDED_DESC		   MACH_RCV_GUARDED_DESC
#define MACH64_RCV_SYNC_WAIT		   MACH_RCV_SYNC_WAIT
#define MACH64_RCV_SYNC_PEEK		   MACH_RCV_SYNC_PEEK
#define MACH64_MSG_STRICT_REPLY		   MACH_MSG_STRICT_REPLY
#define MACH64_MSG_VECTOR		   0x0000000100000000ull
#define MACH64_SEND_KOBJECT_CALL	   0x0000000200000000ull
#define MACH64_SEND_MQ_CALL		   0x0000000400000000ull
#define MACH64_SEND_ANY			   0x0000000800000000ull
#define MACH64_SEND_USER_CALL		   MACH64_SEND_MQ_CALL
#define MACH64_SEND_DK_CALL		   0x0000001000000000ull
#define MACH64_RCV_LINEAR_VECTOR	   0x1000000000000000ull
#define MACH64_RCV_STACK		   0x2000000000000000ull
#define MACH64_PEEK_MSG			   0x4000000000000000ull
#define MACH64_MSG_OPTION_CFI_MASK                                             \
	(MACH64_SEND_KOBJECT_CALL | MACH64_SEND_MQ_CALL | MACH64_SEND_ANY |    \
	    MACH64_SEND_DK_CALL)
#define MACH64_SEND_USER                                                       \
	(MACH_SEND_USER | MACH64_MSG_VECTOR | MACH64_MSG_OPTION_CFI_MASK)
#define MACH64_RCV_USER	       (MACH_RCV_USER | MACH64_MSG_VECTOR)
#define MACH64_MSG_OPTION_USER (MACH64_SEND_USER | MACH64_RCV_USER)

/* ---- results ---- */

typedef kern_return_t mach_msg_return_t;

#define MACH_MSG_SUCCESS 0x00000000
/* mach_msg_call_trap() alone: success, and the message is in registers */
#define MACH_MSG_IN_REGISTERS 1
/* ... and what its trap leaves in a7 when it is not: no body's size */
#define MACH_MSG_IN_BUFFER 1

/*
 * Or'ed into a MACH_SEND_ or MACH_RCV_ code when rights or memory of the
 * message could not be placed: for want of room in the receiver's name space
 * or map, or of kernel memory.
 */
#define MACH_MSG_MASK	    0x00003e00
#define MACH_MSG_IPC_SPACE  0x00002000
#define MACH_MSG_VM_SPACE   0x00001000
#define MACH_MSG_IPC_KERNEL 0x00000800
#define MACH_MSG_VM_KERNEL  0x00000400

#define MACH_SEND_IN_PROGRESS	      0x10000001
#define MACH_SEND_INVALID_DATA	      0x10000002 /* buffer unreadable */
#define MACH_SEND_INVALID_DEST	      0x10000003 /* no such port, or it died */
#define MACH_SEND_TIMED_OUT	      0x10000004
#define MACH_SEND_INVALID_VOUCHER     0x10000005
#define MACH_SEND_INTERRUPTED	      0x10000007
#define MACH_SEND_MSG_TOO_SMALL	      0x10000008
#define MACH_SEND_INVALID_REPLY	      0x10000009
#define MACH_SEND_INVALID_RIGHT	      0x1000000a /* of a descriptor */
#define MACH_SEND_INVALID_NOTIFY      0x1000000b
#define MACH_SEND_INVALID_MEMORY      0x1000000c /* of a descriptor */
#define MACH_SEND_NO_BUFFER	      0x1000000d /* kernel memory is short */
#define MACH_SEND_TOO_LARGE	      0x1000000e
#define MACH_SEND_INVALID_TYPE	      0x1000000f
#define MACH_SEND_INVALID_HEADER      0x10000010
#define MACH_SEND_INVALID_TRAILER     0x10000011
#define MACH_SEND_INVALID_CONTEXT     0x10000012
#define MACH_SEND_INVALID_OPTIONS     0x10000013
#define MACH_SEND_INVALID_RT_OOL_SIZE 0x10000015
#define MACH_SEND_NO_GRANT_DEST	      0x10000016
#define MACH_SEND_MSG_FILTERED	      0x10000017
#define MACH_SEND_AUX_TOO_SMALL	      0x10000018
#define MACH_SEND_AUX_TOO_LARGE	      0x10000019

#define MACH_RCV_IN_PROGRESS	   0x10004001
#define MACH_RCV_INVALID_NAME	   0x10004002 /* no receive right or set */
#define MACH_RCV_TIMED_OUT	   0x10004003
#define MACH_RCV_TOO_LARGE	   0x10004004
#define MACH_RCV_INTERRUPTED	   0x10004005
#define MACH_RCV_PORT_CHANGED	   0x10004006 /* moved away while waiting */
#define MACH_RCV_INVALID_NOTIFY	   0x10004007
#define MACH_RCV_INVALID_DATA	   0x10004008 /* buffer unwritable */
#define MACH_RCV_PORT_DIED	   0x10004009 /* while waiting */
#define MACH_RCV_IN_SET		   0x1000400a
#define MACH_RCV_HEADER_ERROR	   0x1000400b
#define MACH_RCV_BODY_ERROR	   0x1000400c
#define MACH_RCV_INVALID_TYPE	   0x1000400d
#define MACH_RCV_SCATTER_SMALL	   0x1000400e
#define MACH_RCV_INVALID_TRAILER   0x1000400f
#define MACH_RCV_IN_PROGRESS_TIMED 0x10004011
#define MACH_RCV_INVALID_REPLY	   0x10004012
#define MACH_RCV_INVALID_ARGUMENTS 0x10004013

#define MACH_PEEK_IN_PROGRESS 0x10008001
#define MACH_PEEK_READY	      0x10008002

#define MSGR_PSEUDO_RECEIVE (0xfffffffe)

MACH_ABI_ASSERT(sizeof(mach_msg_header_t) == 24, "ABI");
MACH_ABI_ASSERT(offsetof(mach_msg_header_t, msgh_size) == 4, "ABI");
MACH_ABI_ASSERT(offsetof(mach_msg_header_t, msgh_remote_port) == 8, "ABI");
MACH_ABI_ASSERT(offsetof(mach_msg_header_t, msgh_local_port) == 12, "ABI");
MACH_ABI_ASSERT(offsetof(mach_msg_header_t, msgh_voucher_port) == 16, "ABI");
MACH_ABI_ASSERT(offsetof(mach_msg_header_t, msgh_id) == 20, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_base_t) == 28, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_type_descriptor_t) == 12, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_port_descriptor_t) == 12, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_ool_descriptor_t) == 16, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_ool_descriptor64_t) == 16, "ABI");
MACH_ABI_ASSERT(offsetof(mach_msg_ool_descriptor_t, size) == 12, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_ool_ports_descriptor_t) == 16, "ABI");
MACH_ABI_ASSERT(offsetof(mach_msg_ool_ports_descriptor_t, count) == 12, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_guarded_port_descriptor_t) == 16, "ABI");
MACH_ABI_ASSERT(
    offsetof(mach_msg_guarded_port_descriptor_t, name) == 12, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_descriptor_t) == 16, "ABI");
MACH_ABI_ASSERT(__alignof__(mach_msg_descriptor_t) == 4, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_trailer_t) == 8, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_seqno_trailer_t) == 12, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_security_trailer_t) == 20, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_audit_trailer_t) == 52, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_context_trailer_t) == 60, "ABI");
MACH_ABI_ASSERT(sizeof(mach_msg_mac_trailer_t) == 68, "ABI");

/* ---- calls; the library (userland/libmach) provides them ---- */

/*
 * Send and/or receive, as @option says.
 *
 * @msg		the message to send, then the buffer for the one received
 * @option	MACH_SEND_ and MACH_RCV_ bits
 * @send_size	bytes to send; msgh_size of @msg is not looked at
 * @rcv_size	bytes of buffer, room for the trailer included
 * @rcv_name	receive right or port set to receive from
 * @timeout	milliseconds, used with the _TIMEOUT options; 0 polls
 * @notify	with MACH_SEND_OVERRIDE the message's priority
 *		(mach_msg_priority_t, see there)
 *
 * With MACH_SEND_NOTIFY a send that times out arms the request for
 * MACH_NOTIFY_SEND_POSSIBLE that was made of the destination's name, if any.
 *
 * A send that succeeds consumes the rights and memory the message says; one
 * that fails with MACH_SEND_INVALID_ leaves them alone; one that times out or
 * is interrupted hands the message back as if it had been received.  After an
 * interruption the call starts again by itself unless MACH_SEND_INTERRUPT or
 * MACH_RCV_INTERRUPT is set.
 */
mach_msg_return_t mach_msg(mach_msg_header_t *msg, mach_msg_option_t option,
    mach_msg_size_t send_size, mach_msg_size_t rcv_size,
    mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
    mach_port_name_t notify);

/* mach_msg() that receives into @rcv_msg, if that is not null. */
mach_msg_return_t mach_msg_overwrite(mach_msg_header_t *msg,
    mach_msg_option_t option, mach_msg_size_t send_size,
    mach_msg_size_t rcv_size, mach_port_name_t rcv_name,
    mach_msg_timeout_t timeout, mach_port_name_t notify,
    mach_msg_header_t *rcv_msg, mach_msg_size_t rcv_limit);

/*
 * mach_msg() with the header passed in registers: the 24 bytes at @data are
 * not read on send, the body behind them is.  On receive the whole message is
 * written at @data.
 */
mach_msg_return_t mach_msg2(void *data, mach_msg_option64_t option,
    mach_msg_header_t header, mach_msg_size_t send_size,
    mach_msg_size_t rcv_size, mach_port_name_t rcv_name, uint64_t timeout,
    mach_msg_priority_t priority);

MACH_END_DECLS
