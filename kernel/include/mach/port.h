/*
 * mach/port.h: names of port rights, their kinds, and what can be asked about
 * a port.
 *
 * A name is a number that means something in one task only.  Its upper 24
 * bits choose a slot of the task's table, its lower 8 bits are the slot's
 * generation: a name that was given up is not mistaken for the slot's next
 * tenant.
 */
#pragma once

#include <stdint.h>

#include <mach/boolean.h>
#include <mach/cdefs.h>
#include <mach/machine/vm_types.h>

typedef natural_t mach_port_name_t;
typedef mach_port_name_t *mach_port_name_array_t;
typedef mach_port_name_t mach_port_t;
typedef mach_port_t *mach_port_array_t;
typedef mach_port_t ipc_space_t; /* a task's name space: its task port */
typedef mach_port_t ipc_space_read_t;
typedef mach_port_t ipc_space_inspect_t;
typedef mach_port_t port_t;
typedef mach_port_name_t port_name_t;
typedef mach_port_name_t *port_name_array_t;

/* No port, and a port that has died.  Both may be named inside messages. */
#define MACH_PORT_NULL		  0
#define MACH_PORT_DEAD		  ((mach_port_name_t)~0)
#define MACH_PORT_SPECIAL_DEFAULT ((mach_port_name_t)1)
#define PORT_NULL		  ((port_t)0)
#define PORT_DEAD		  ((port_t)~0)
#define MACH_PORT_VALID(name)                                                  \
	((name) != MACH_PORT_NULL && (name) != MACH_PORT_DEAD)

/* The two halves of a name */
#define MACH_PORT_INDEX(name)	   ((name) >> 8)
#define MACH_PORT_GEN(name)	   (((name)&0xff) << 24)
#define MACH_PORT_MAKE(index, gen) (((index) << 8) | ((gen) >> 24))

/* Kinds of right */
typedef natural_t mach_port_right_t;

#define MACH_PORT_RIGHT_SEND	  ((mach_port_right_t)0)
#define MACH_PORT_RIGHT_RECEIVE	  ((mach_port_right_t)1)
#define MACH_PORT_RIGHT_SEND_ONCE ((mach_port_right_t)2)
#define MACH_PORT_RIGHT_PORT_SET  ((mach_port_right_t)3)
#define MACH_PORT_RIGHT_DEAD_NAME ((mach_port_right_t)4)
#define MACH_PORT_RIGHT_LABELH	  ((mach_port_right_t)5)
#define MACH_PORT_RIGHT_NUMBER	  ((mach_port_right_t)6)

/* What a name denotes: a bit for each kind, and for pending requests */
typedef natural_t mach_port_type_t;
typedef mach_port_type_t *mach_port_type_array_t;

#define MACH_PORT_TYPE(right)                                                  \
	((mach_port_type_t)((mach_port_type_t)1 << ((right) + 16)))
#define MACH_PORT_TYPE_NONE	 ((mach_port_type_t)0L)
#define MACH_PORT_TYPE_SEND	 MACH_PORT_TYPE(MACH_PORT_RIGHT_SEND)
#define MACH_PORT_TYPE_RECEIVE	 MACH_PORT_TYPE(MACH_PORT_RIGHT_RECEIVE)
#define MACH_PORT_TYPE_SEND_ONCE MACH_PORT_TYPE(MACH_PORT_RIGHT_SEND_ONCE)
#define MACH_PORT_TYPE_PORT_SET	 MACH_PORT_TYPE(MACH_PORT_RIGHT_PORT_SET)
#define MACH_PORT_TYPE_DEAD_NAME MACH_PORT_TYPE(MACH_PORT_RIGHT_DEAD_NAME)
#define MACH_PORT_TYPE_LABELH	 MACH_PORT_TYPE(MACH_PORT_RIGHT_LABELH)
#define MACH_PORT_TYPE_SEND_RECEIVE                                            \
	(MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE)
#define MACH_PORT_TYPE_SEND_RIGHTS                                             \
	(MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)
#define MACH_PORT_TYPE_PORT_RIGHTS                                             \
	(MACH_PORT_TYPE_SEND_RIGHTS | MACH_PORT_TYPE_RECEIVE)
#define MACH_PORT_TYPE_PORT_OR_DEAD                                            \
	(MACH_PORT_TYPE_PORT_RIGHTS | MACH_PORT_TYPE_DEAD_NAME)
#define MACH_PORT_TYPE_ALL_RIGHTS                                              \
	(MACH_PORT_TYPE_PORT_OR_DEAD | MACH_PORT_TYPE_PORT_SET)
#define MACH_PORT_TYPE_DNREQUEST	 0x80000000
#define MACH_PORT_TYPE_SPREQUEST	 0x40000000
#define MACH_PORT_TYPE_SPREQUEST_DELAYED 0x20000000

/* User references: how often the task was given this right by this name */
typedef natural_t mach_port_urefs_t;
typedef integer_t mach_port_delta_t;

#define MACH_PORT_UREFS_MAX 65535

/* Counters of a port, and its queue limit */
typedef natural_t mach_port_seqno_t;
typedef natural_t mach_port_mscount_t;
typedef natural_t mach_port_msgcount_t;
typedef natural_t mach_port_rights_t;
typedef unsigned int mach_port_srights_t;

#define MACH_PORT_SRIGHTS_NONE	  0
#define MACH_PORT_SRIGHTS_PRESENT 1

#define MACH_PORT_QLIMIT_ZERO	 (0)
#define MACH_PORT_QLIMIT_BASIC	 (5)
#define MACH_PORT_QLIMIT_SMALL	 (16)
#define MACH_PORT_QLIMIT_LARGE	 (1024)
#define MACH_PORT_QLIMIT_KERNEL	 (65534)
#define MACH_PORT_QLIMIT_MIN	 MACH_PORT_QLIMIT_ZERO
#define MACH_PORT_QLIMIT_DEFAULT MACH_PORT_QLIMIT_BASIC
#define MACH_PORT_QLIMIT_MAX	 MACH_PORT_QLIMIT_LARGE

typedef struct mach_port_status {
	mach_port_rights_t mps_pset;	 /* how many sets hold it */
	mach_port_seqno_t mps_seqno;	 /* of the next message */
	mach_port_mscount_t mps_mscount; /* rights made since last set */
	mach_port_msgcount_t mps_qlimit;
	mach_port_msgcount_t mps_msgcount; /* messages waiting */
	mach_port_rights_t mps_sorights;   /* send-once rights in being */
	boolean_t mps_srights;		   /* is there any send right? */
	boolean_t mps_pdrequest;	   /* port-destroyed asked for? */
	boolean_t mps_nsrequest;	   /* no-senders asked for? */
	natural_t mps_flags;		   /* MACH_PORT_STATUS_FLAG_ */
} mach_port_status_t;

#define MACH_PORT_STATUS_FLAG_TEMPOWNER		      0x01
#define MACH_PORT_STATUS_FLAG_GUARDED		      0x02
#define MACH_PORT_STATUS_FLAG_STRICT_GUARD	      0x04
#define MACH_PORT_STATUS_FLAG_IMP_DONATION	      0x08
#define MACH_PORT_STATUS_FLAG_REVIVE		      0x10
#define MACH_PORT_STATUS_FLAG_TASKPTR		      0x20
#define MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE 0x40
#define MACH_PORT_STATUS_FLAG_NO_GRANT		      0x80

typedef struct mach_port_limits {
	mach_port_msgcount_t mpl_qlimit;
} mach_port_limits_t;

typedef struct mach_port_info_ext {
	mach_port_status_t mpie_status;
	mach_port_msgcount_t mpie_boost_cnt;
	uint32_t reserved[6];
} mach_port_info_ext_t;

typedef struct mach_port_guard_info {
	uint64_t mpgi_guard;
} mach_port_guard_info_t;

/* mach_port_get_attributes() and mach_port_set_attributes() */
typedef int mach_port_flavor_t;
typedef integer_t *mach_port_info_t;

#define MACH_PORT_LIMITS_INFO	      1 /* mach_port_limits_t */
#define MACH_PORT_RECEIVE_STATUS      2 /* mach_port_status_t */
#define MACH_PORT_DNREQUESTS_SIZE     3
#define MACH_PORT_TEMPOWNER	      4
#define MACH_PORT_IMPORTANCE_RECEIVER 5
#define MACH_PORT_DENAP_RECEIVER      6
#define MACH_PORT_INFO_EXT	      7 /* mach_port_info_ext_t */
#define MACH_PORT_GUARD_INFO	      8 /* mach_port_guard_info_t */
#define MACH_PORT_SERVICE_THROTTLED   9

#define MACH_PORT_LIMITS_INFO_COUNT                                            \
	((natural_t)(sizeof(mach_port_limits_t) / sizeof(natural_t)))
#define MACH_PORT_RECEIVE_STATUS_COUNT                                         \
	((natural_t)(sizeof(mach_port_status_t) / sizeof(natural_t)))
#define MACH_PORT_DNREQUESTS_SIZE_COUNT 1
#define MACH_PORT_INFO_EXT_COUNT                                               \
	((natural_t)(sizeof(mach_port_info_ext_t) / sizeof(natural_t)))
#define MACH_PORT_GUARD_INFO_COUNT                                             \
	((natural_t)(sizeof(mach_port_guard_info_t) / sizeof(natural_t)))
#define MACH_PORT_SERVICE_THROTTLED_COUNT 1

/* Service ports, as a name server describes them */
#define MACH_SERVICE_PORT_INFO_STRING_NAME_MAX_BUF_LEN 255

typedef struct mach_service_port_info {
	char mspi_string_name[MACH_SERVICE_PORT_INFO_STRING_NAME_MAX_BUF_LEN];
	uint8_t mspi_domain_type;
} mach_service_port_info_data_t;
typedef struct mach_service_port_info *mach_service_port_info_t;

#define MACH_SERVICE_PORT_INFO_COUNT                                           \
	((char)(sizeof(mach_service_port_info_data_t) / sizeof(char)))

/* mach_port_allocate_full() */
typedef struct mach_port_qos {
	unsigned int name : 1;	   /* the caller chose the name */
	unsigned int prealloc : 1; /* set memory for one message aside */
	boolean_t pad1 : 30;
	natural_t len;
} mach_port_qos_t;

/* mach_port_construct() */
typedef struct mach_port_options {
	uint32_t flags; /* MPO_ */
	mach_port_limits_t mpl;
	__extension__ union {
		uint64_t reserved[2];
		mach_port_name_t work_interval_port;
		mach_service_port_info_t service_port_info;
		mach_port_name_t service_port_name;
	};
} mach_port_options_t;
typedef mach_port_options_t *mach_port_options_ptr_t;

#define MPO_CONTEXT_AS_GUARD		 0x01 /* guard it with the context */
#define MPO_QLIMIT			 0x02 /* mpl holds the queue limit */
#define MPO_TEMPOWNER			 0x04
#define MPO_IMPORTANCE_RECEIVER		 0x08
#define MPO_INSERT_SEND_RIGHT		 0x10 /* and a send right */
#define MPO_STRICT			 0x20 /* for receiving too */
#define MPO_DENAP_RECEIVER		 0x40
#define MPO_IMMOVABLE_RECEIVE		 0x80
#define MPO_FILTER_MSG			 0x100
#define MPO_TG_BLOCK_TRACKING		 0x200
#define MPO_SERVICE_PORT		 0x400
#define MPO_CONNECTION_PORT		 0x800
#define MPO_REPLY_PORT			 0x1000
#define MPO_ENFORCE_REPLY_PORT_SEMANTICS 0x2000
#define MPO_PROVISIONAL_REPLY_PORT	 0x4000
#define MPO_EXCEPTION_PORT		 0x8000

/* Guards */
#define GUARD_TYPE_MACH_PORT  0x1
#define MPG_STRICT	      0x01
#define MPG_IMMOVABLE_RECEIVE 0x02

#define MPG_FLAGS_NONE				  (0x00ull)
#define MPG_FLAGS_STRICT_REPLY_INVALID_REPLY_DISP (0x01ull << 56)
#define MPG_FLAGS_STRICT_REPLY_INVALID_REPLY_PORT (0x02ull << 56)
#define MPG_FLAGS_STRICT_REPLY_INVALID_VOUCHER	  (0x04ull << 56)
#define MPG_FLAGS_STRICT_REPLY_NO_BANK_ATTR	  (0x08ull << 56)
#define MPG_FLAGS_STRICT_REPLY_MISMATCHED_PERSONA (0x10ull << 56)
#define MPG_FLAGS_STRICT_REPLY_MASK		  (0xffull << 56)
#define MPG_FLAGS_MOD_REFS_PINNED_DEALLOC	  (0x01ull << 56)
#define MPG_FLAGS_MOD_REFS_PINNED_DESTROY	  (0x02ull << 56)
#define MPG_FLAGS_MOD_REFS_PINNED_COPYIN	  (0x04ull << 56)
#define MPG_FLAGS_IMMOVABLE_PINNED		  (0x01ull << 56)

MACH_ABI_ASSERT(sizeof(mach_port_status_t) == 40, "ABI: 10 words");
MACH_ABI_ASSERT(sizeof(mach_port_options_t) == 24, "ABI");
MACH_ABI_ASSERT(sizeof(mach_port_qos_t) == 8, "ABI");
MACH_ABI_ASSERT(sizeof(mach_port_info_ext_t) == 68, "ABI: 17 words");
