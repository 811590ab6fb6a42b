/* mach/task_info.h: what task_info() tells. */
#pragma once

#include <mach/cdefs.h>
#include <mach/message.h>
#include <mach/policy.h>
#include <mach/time_value.h>
#include <mach/vm_statistics.h>
#include <mach/vm_types.h>

typedef natural_t task_flavor_t;
typedef integer_t *task_info_t;

#define TASK_INFO_MAX (1024)
typedef integer_t task_info_data_t[TASK_INFO_MAX];

#define TASK_ABSOLUTETIME_INFO	  1
#define TASK_EVENTS_INFO	  2
#define TASK_THREAD_TIMES_INFO	  3
#define TASK_BASIC_INFO_32	  4
#define TASK_BASIC_INFO_64	  5
#define TASK_BASIC2_INFO_32	  6
#define TASK_SCHED_TIMESHARE_INFO 10
#define TASK_SCHED_RR_INFO	  11
#define TASK_SCHED_FIFO_INFO	  12
#define TASK_SECURITY_TOKEN	  13
#define TASK_SCHED_INFO		  14
#define TASK_AUDIT_TOKEN	  15
#define TASK_BASIC_INFO_64_2	  18
#define TASK_EXTMOD_INFO	  19
#define MACH_TASK_BASIC_INFO	  20
#define TASK_VM_INFO		  22
#define TASK_SUSPEND_STATS_INFO	  30
#define TASK_SUSPEND_SOURCES_INFO 31
#define TASK_BASIC_INFO		  TASK_BASIC_INFO_32
#define TASK_SUSPEND_SOURCES_MAX  4

#pragma pack(push, 4)

/* Times are those of threads that have ended. */
struct task_basic_info_32 {
	integer_t suspend_count;
	natural_t virtual_size;	 /* bytes, too narrow for some */
	natural_t resident_size; /* bytes */
	time_value_t user_time;
	time_value_t system_time;
	policy_t policy;
};
typedef struct task_basic_info_32 task_basic_info_32_data_t;
typedef struct task_basic_info_32 *task_basic_info_32_t;
#define TASK_BASIC_INFO_32_COUNT                                               \
	(sizeof(task_basic_info_32_data_t) / sizeof(natural_t))

struct task_basic_info_64 {
	integer_t suspend_count;
	mach_vm_size_t virtual_size;
	mach_vm_size_t resident_size;
	time_value_t user_time;
	time_value_t system_time;
	policy_t policy;
};
typedef struct task_basic_info_64 task_basic_info_64_data_t;
typedef struct task_basic_info_64 *task_basic_info_64_t;
#define TASK_BASIC_INFO_64_COUNT                                               \
	(sizeof(task_basic_info_64_data_t) / sizeof(natural_t))

struct task_basic_info_64_2 {
	integer_t suspend_count;
	mach_vm_size_t virtual_size;
	mach_vm_size_t resident_size;
	time_value_t user_time;
	time_value_t system_time;
	policy_t policy;
};
typedef struct task_basic_info_64_2 task_basic_info_64_2_data_t;
typedef struct task_basic_info_64_2 *task_basic_info_64_2_t;
#define TASK_BASIC_INFO_64_2_COUNT                                             \
	(sizeof(task_basic_info_64_2_data_t) / sizeof(natural_t))

typedef struct task_basic_info_32 task_basic_info_data_t;
typedef struct task_basic_info_32 *task_basic_info_t;
#define TASK_BASIC_INFO_COUNT                                                  \
	(sizeof(task_basic_info_data_t) / sizeof(natural_t))

/* The one to prefer */
struct mach_task_basic_info {
	mach_vm_size_t virtual_size;
	mach_vm_size_t resident_size;
	mach_vm_size_t resident_size_max;
	time_value_t user_time;
	time_value_t system_time;
	policy_t policy;
	integer_t suspend_count;
};
typedef struct mach_task_basic_info mach_task_basic_info_data_t;
typedef struct mach_task_basic_info *mach_task_basic_info_t;
#define MACH_TASK_BASIC_INFO_COUNT                                             \
	(sizeof(mach_task_basic_info_data_t) / sizeof(natural_t))

struct task_events_info {
	integer_t faults;
	integer_t pageins;
	integer_t cow_faults;
	integer_t messages_sent;
	integer_t messages_received;
	integer_t syscalls_mach;
	integer_t syscalls_unix;
	integer_t csw;
};
typedef struct task_events_info task_events_info_data_t;
typedef struct task_events_info *task_events_info_t;
#define TASK_EVENTS_INFO_COUNT                                                 \
	((mach_msg_type_number_t)(sizeof(task_events_info_data_t) /            \
				  sizeof(natural_t)))

/* Times of threads that live */
struct task_thread_times_info {
	time_value_t user_time;
	time_value_t system_time;
};
typedef struct task_thread_times_info task_thread_times_info_data_t;
typedef struct task_thread_times_info *task_thread_times_info_t;
#define TASK_THREAD_TIMES_INFO_COUNT                                           \
	((mach_msg_type_number_t)(sizeof(task_thread_times_info_data_t) /      \
				  sizeof(natural_t)))

struct task_absolutetime_info {
	uint64_t total_user;
	uint64_t total_system;
	uint64_t threads_user;
	uint64_t threads_system;
};
typedef struct task_absolutetime_info task_absolutetime_info_data_t;
typedef struct task_absolutetime_info *task_absolutetime_info_t;
#define TASK_ABSOLUTETIME_INFO_COUNT                                           \
	((mach_msg_type_number_t)(sizeof(task_absolutetime_info_data_t) /      \
				  sizeof(natural_t)))

struct task_extmod_info {
	unsigned char task_uuid[16];
	vm_extmod_statistics_data_t extmod_statistics;
};
typedef struct task_extmod_info task_extmod_info_data_t;
typedef struct task_extmod_info *task_extmod_info_t;
#define TASK_EXTMOD_INFO_COUNT                                                 \
	(sizeof(task_extmod_info_data_t) / sizeof(natural_t))

#define TASK_SECURITY_TOKEN_COUNT                                              \
	((mach_msg_type_number_t)(sizeof(security_token_t) / sizeof(natural_t)))
#define TASK_AUDIT_TOKEN_COUNT (sizeof(audit_token_t) / sizeof(natural_t))

/* Grew at its end over time; a caller's count says how much it knows. */
struct task_vm_info {
	mach_vm_size_t virtual_size;
	integer_t region_count;
	integer_t page_size;
	mach_vm_size_t resident_size;
	mach_vm_size_t resident_size_peak;
	mach_vm_size_t device;
	mach_vm_size_t device_peak;
	mach_vm_size_t internal;
	mach_vm_size_t internal_peak;
	mach_vm_size_t external;
	mach_vm_size_t external_peak;
	mach_vm_size_t reusable;
	mach_vm_size_t reusable_peak;
	mach_vm_size_t purgeable_volatile_pmap;
	mach_vm_size_t purgeable_volatile_resident;
	mach_vm_size_t purgeable_volatile_virtual;
	mach_vm_size_t compressed;
	mach_vm_size_t compressed_peak;
	mach_vm_size_t compressed_lifetime;

	/* revision 1 */
	mach_vm_size_t phys_footprint;

	/* revision 2 */
	mach_vm_address_t min_address;
	mach_vm_address_t max_address;

	/* revision 3 */
	int64_t ledger_phys_footprint_peak;
	int64_t ledger_purgeable_nonvolatile;
	int64_t ledger_purgeable_novolatile_compressed;
	int64_t ledger_purgeable_volatile;
	int64_t ledger_purgeable_volatile_compressed;
	int64_t ledger_tag_network_nonvolatile;
	int64_t ledger_tag_network_nonvolatile_compressed;
	int64_t ledger_tag_network_volatile;
	int64_t ledger_tag_network_volatile_compressed;
	int64_t ledger_tag_media_footprint;
	int64_t ledger_tag_media_footprint_compressed;
	int64_t ledger_tag_media_nofootprint;
	int64_t ledger_tag_media_nofootprint_compressed;
	int64_t ledger_tag_graphics_footprint;
	int64_t ledger_tag_graphics_footprint_compressed;
	int64_t ledger_tag_graphics_nofootprint;
	int64_t ledger_tag_graphics_nofootprint_compressed;
	int64_t ledger_tag_neural_footprint;
	int64_t ledger_tag_neural_footprint_compressed;
	int64_t ledger_tag_neural_nofootprint;
	int64_t ledger_tag_neural_nofootprint_compressed;

	/* revision 4 */
	uint64_t limit_bytes_remaining;

	/* revision 5 */
	integer_t decompressions;

	/* revision 6 */
	int64_t ledger_swapins;

	/* revision 7 */
	int64_t ledger_tag_neural_nofootprint_total;
	int64_t ledger_tag_neural_nofootprint_peak;
};
typedef struct task_vm_info task_vm_info_data_t;
typedef struct task_vm_info *task_vm_info_t;
#define TASK_VM_INFO_COUNT                                                     \
	((mach_msg_type_number_t)(sizeof(task_vm_info_data_t) /                \
				  sizeof(natural_t)))
#define TASK_VM_INFO_REV7_COUNT TASK_VM_INFO_COUNT
#define TASK_VM_INFO_REV6_COUNT                                                \
	((mach_msg_type_number_t)(TASK_VM_INFO_REV7_COUNT - 4))
#define TASK_VM_INFO_REV5_COUNT                                                \
	((mach_msg_type_number_t)(TASK_VM_INFO_REV6_COUNT - 2))
#define TASK_VM_INFO_REV4_COUNT                                                \
	((mach_msg_type_number_t)(TASK_VM_INFO_REV5_COUNT - 1))
#define TASK_VM_INFO_REV3_COUNT                                                \
	((mach_msg_type_number_t)(TASK_VM_INFO_REV4_COUNT - 2))
#define TASK_VM_INFO_REV2_COUNT                                                \
	((mach_msg_type_number_t)(TASK_VM_INFO_REV3_COUNT - 42))
#define TASK_VM_INFO_REV1_COUNT                                                \
	((mach_msg_type_number_t)(TASK_VM_INFO_REV2_COUNT - 4))
#define TASK_VM_INFO_REV0_COUNT                                                \
	((mach_msg_type_number_t)(TASK_VM_INFO_REV1_COUNT - 2))

#pragma pack(pop)

#define TF_LP64	    0x00000001
#define TF_64B_DATA 0x00000002

/* Guard exceptions: defined for programs that name them, never raised */
#define TASK_EXC_GUARD_NONE			 0x00
#define TASK_EXC_GUARD_VM_DELIVER		 0x01
#define TASK_EXC_GUARD_VM_ONCE			 0x02
#define TASK_EXC_GUARD_VM_CORPSE		 0x04
#define TASK_EXC_GUARD_VM_FATAL			 0x08
#define TASK_EXC_GUARD_VM_ALL			 0x0f
#define TASK_EXC_GUARD_MP_DELIVER		 0x10
#define TASK_EXC_GUARD_MP_ONCE			 0x20
#define TASK_EXC_GUARD_MP_CORPSE		 0x40
#define TASK_EXC_GUARD_MP_FATAL			 0x80
#define TASK_EXC_GUARD_MP_ALL			 0xf0
#define TASK_EXC_GUARD_ALL			 0xff
#define TASK_EXC_GUARD_THIRD_PARTY_DEFAULT_SHIFT 0x8
#define TASK_EXC_GUARD_HONOR_NAMED_DEFAULTS	 0x10000
#define TASK_CORPSE_FORKING_DISABLED_MEM_DIAG	 0x01

/* Task ports that cannot leave their task: of other systems, none here */
#define TASK_CONTROL_PORT_IMMOVABLE_SOFT 0x01
#define TASK_CONTROL_PORT_IMMOVABLE_HARD 0x02
#define TASK_CONTROL_PORT_PINNED_SOFT	 0x04
#define TASK_CONTROL_PORT_PINNED_HARD	 0x08
#define TASK_CONTROL_PORT_IMMOVABLE                                            \
	(TASK_CONTROL_PORT_IMMOVABLE_SOFT | TASK_CONTROL_PORT_IMMOVABLE_HARD)
#define TASK_CONTROL_PORT_PINNED                                               \
	(TASK_CONTROL_PORT_PINNED_SOFT | TASK_CONTROL_PORT_PINNED_HARD)

MACH_ABI_ASSERT(TASK_BASIC_INFO_64_COUNT == 10, "ABI");
MACH_ABI_ASSERT(MACH_TASK_BASIC_INFO_COUNT == 12, "ABI");
MACH_ABI_ASSERT(TASK_VM_INFO_REV0_COUNT == 36, "ABI");
