/*
 * mach/vm_statistics.h: flags of the allocating calls, and the counts that
 * host_statistics() reports about memory.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/vm_types.h>

/* Where mach_vm_allocate() and mach_vm_map() put a region, and how. */
#define VM_FLAGS_FIXED		     0x00000000 /* right there */
#define VM_FLAGS_ANYWHERE	     0x00000001 /* the kernel chooses */
#define VM_FLAGS_4GB_CHUNK	     0x00000004
#define VM_FLAGS_RANDOM_ADDR	     0x00000008
#define VM_FLAGS_NO_CACHE	     0x00000010
#define VM_FLAGS_RESILIENT_CODESIGN  0x00000020
#define VM_FLAGS_RESILIENT_MEDIA     0x00000040
#define VM_FLAGS_PERMANENT	     0x00000080
#define VM_FLAGS_TPRO		     0x00001000
#define VM_FLAGS_OVERWRITE	     0x00004000 /* replace there */
#define VM_FLAGS_SUPERPAGE_SHIFT     16
#define VM_FLAGS_SUPERPAGE_MASK	     0x00070000
#define VM_FLAGS_SUPERPAGE_NONE	     0x00000000
#define VM_FLAGS_SUPERPAGE_SIZE_ANY  0x00010000
#define VM_FLAGS_SUPERPAGE_SIZE_2MB  0x00020000
#define VM_FLAGS_RETURN_DATA_ADDR    0x00100000
#define VM_FLAGS_RETURN_4K_DATA_ADDR 0x00800000
#define VM_FLAGS_ALIAS_MASK	     0xFF000000 /* a tag, kept and reported */
#define VM_FLAGS_HW		     (VM_FLAGS_TPRO)

#define GUARD_TYPE_VIRT_MEMORY 0x5 /* of EXC_GUARD */

#define VM_GET_FLAGS_ALIAS(flags, alias)                                       \
	((alias) = (int)(((unsigned int)(flags) >> 24) & 0xff))
#define VM_SET_FLAGS_ALIAS(flags, alias)                                       \
	((flags) = (int)(((flags) & ~VM_FLAGS_ALIAS_MASK) |                    \
			 (((unsigned int)(alias)&0xff) << 24)))
#define VM_MAKE_TAG(tag) ((int)((unsigned int)(tag) << 24))

/* host_statistics(HOST_VM_INFO); counts of pages unless said otherwise */
struct vm_statistics {
	natural_t free_count;
	natural_t active_count;
	natural_t inactive_count;
	natural_t wire_count;
	natural_t zero_fill_count; /* events */
	natural_t reactivations;   /* events */
	natural_t pageins;	   /* events */
	natural_t pageouts;	   /* events */
	natural_t faults;	   /* events */
	natural_t cow_faults;	   /* events */
	natural_t lookups;	   /* events */
	natural_t hits;		   /* events */
	natural_t purgeable_count;
	natural_t purges; /* events */
	natural_t speculative_count;
};

typedef struct vm_statistics vm_statistics_data_t;
typedef struct vm_statistics *vm_statistics_t;

/* host_statistics64(HOST_VM_INFO64) */
struct vm_statistics64 {
	natural_t free_count;
	natural_t active_count;
	natural_t inactive_count;
	natural_t wire_count;
	uint64_t zero_fill_count;
	uint64_t reactivations;
	uint64_t pageins;
	uint64_t pageouts;
	uint64_t faults;
	uint64_t cow_faults;
	uint64_t lookups;
	uint64_t hits;
	uint64_t purges;
	natural_t purgeable_count;
	natural_t speculative_count;
	uint64_t decompressions;
	uint64_t compressions;
	uint64_t swapins;
	uint64_t swapouts;
	natural_t compressor_page_count;
	natural_t throttled_count;
	natural_t external_page_count;
	natural_t internal_page_count;
	uint64_t total_uncompressed_pages_in_compressor;
};

typedef struct vm_statistics64 vm_statistics64_data_t;
typedef struct vm_statistics64 *vm_statistics64_t;

/* How often tasks were changed by others: a task's, or all together */
#pragma pack(push, 4)
struct vm_extmod_statistics {
	int64_t task_for_pid_count;
	int64_t task_for_pid_caller_count;
	int64_t thread_creation_count;
	int64_t thread_creation_caller_count;
	int64_t thread_set_state_count;
	int64_t thread_set_state_caller_count;
};
#pragma pack(pop)

typedef struct vm_extmod_statistics vm_extmod_statistics_data_t;
typedef struct vm_extmod_statistics *vm_extmod_statistics_t;

/* host_statistics(HOST_VM_COMPRESSOR_Q_LENS), in systems that compress */
struct vm_compressor_q_lens {
	natural_t qcc_count;
	natural_t qmc_count;
	natural_t qsc_count;
};

typedef struct vm_compressor_q_lens vm_compressor_q_lens_data_t;
typedef struct vm_compressor_q_lens *vm_compressor_q_lens_t;

MACH_ABI_ASSERT(sizeof(struct vm_statistics) == 60, "15 words");
MACH_ABI_ASSERT(sizeof(struct vm_statistics64) == 152, "38 words");
