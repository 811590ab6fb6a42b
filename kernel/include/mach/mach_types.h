/* mach/mach_types.h: the ports that stand for kernel objects. */
#pragma once

#include <mach/boolean.h>
#include <mach/clock_types.h>
#include <mach/exception_types.h>
#include <mach/host_info.h>
#include <mach/host_special_ports.h>
#include <mach/kern_return.h>
#include <mach/machine.h>
#include <mach/mach_eventlink_types.h>
#include <mach/mach_time.h>
#include <mach/memory_object_types.h>
#include <mach/message.h>
#include <mach/ndr.h>
#include <mach/notify.h>
#include <mach/policy.h>
#include <mach/port.h>
#include <mach/processor_info.h>
#include <mach/std_types.h>
#include <mach/task_info.h>
#include <mach/task_special_ports.h>
#include <mach/thread_info.h>
#include <mach/thread_policy.h>
#include <mach/thread_special_ports.h>
#include <mach/thread_status.h>
#include <mach/thread_switch.h>
#include <mach/time_value.h>
#include <mach/vm_attributes.h>
#include <mach/vm_behavior.h>
#include <mach/vm_inherit.h>
#include <mach/vm_param.h>
#include <mach/vm_prot.h>
#include <mach/vm_region.h>
#include <mach/vm_statistics.h>
#include <mach/vm_sync.h>
#include <mach/vm_types.h>

typedef mach_port_t task_t;
typedef mach_port_t task_name_t;
typedef mach_port_t task_inspect_t;
typedef mach_port_t task_read_t;
typedef mach_port_t thread_t;
typedef mach_port_t thread_act_t;
typedef mach_port_t thread_inspect_t;
typedef mach_port_t thread_read_t;
typedef mach_port_t host_t;
typedef mach_port_t host_priv_t;
typedef mach_port_t host_security_t;
typedef mach_port_t processor_t;
typedef mach_port_t processor_set_t;
typedef mach_port_t processor_set_control_t;
typedef mach_port_t processor_set_name_t;
typedef mach_port_t semaphore_t;
typedef mach_port_t lock_set_t;
typedef mach_port_t ledger_t;
typedef mach_port_t alarm_t;
typedef mach_port_t clock_serv_t;
typedef mach_port_t clock_ctrl_t;
typedef mach_port_t clock_reply_t;
typedef mach_port_t task_suspension_token_t;
typedef mach_port_t mach_eventlink_t;
typedef mach_port_t UNDServerRef;

/* There are no vouchers; the words for them exist. */
typedef mach_port_t mach_voucher_t;
typedef mach_port_t ipc_voucher_t;
typedef mach_port_name_t mach_voucher_name_t;
typedef mach_port_t exception_handler_port_t;

typedef task_t *task_array_t;
typedef thread_t *thread_array_t;
typedef thread_act_t *thread_act_array_t;
typedef processor_t *processor_array_t;
typedef processor_set_t *processor_set_array_t;
typedef ledger_t *ledger_array_t;
typedef task_t *task_port_array_t;
typedef thread_t *thread_port_array_t;
typedef thread_act_t *thread_act_port_array_t;
typedef processor_t *processor_port_array_t;
typedef processor_set_t *processor_set_name_array_t;
typedef processor_set_t *processor_set_name_port_array_t;

#define TASK_NULL	    ((task_t)0)
#define TASK_NAME_NULL	    ((task_name_t)0)
#define TASK_INSPECT_NULL   ((task_inspect_t)0)
#define TASK_READ_NULL	    ((task_read_t)0)
#define THR_ACT_NULL	    ((thread_act_t)0)
#define THREAD_INSPECT_NULL ((thread_inspect_t)0)
#define THREAD_READ_NULL    ((thread_read_t)0)
#define THREAD_NULL	    ((thread_t)0)
#define HOST_NULL	    ((host_t)0)
#define HOST_PRIV_NULL	    ((host_priv_t)0)
#define PROCESSOR_NULL	    ((processor_t)0)
#define PROCESSOR_SET_NULL  ((processor_set_t)0)
#define SEMAPHORE_NULL	    ((semaphore_t)0)
#define LOCK_SET_NULL	    ((lock_set_t)0)
#define LEDGER_NULL	    ((ledger_t)0)
#define ALARM_NULL	    ((alarm_t)0)
#define CLOCK_NULL	    ((clock_serv_t)0)
#define UND_SERVER_NULL	    ((UNDServerRef)0)

#define MACH_VOUCHER_NULL      ((mach_voucher_t)0)
#define MACH_VOUCHER_NAME_NULL ((mach_voucher_name_t)0)
#define IPC_VOUCHER_NULL       ((ipc_voucher_t)0)

/* mach_port_space_info(): a name, as the table has it */
typedef struct ipc_info_space {
	natural_t iis_genno_mask;
	natural_t iis_table_size;
	natural_t iis_table_next;
	natural_t iis_tree_size;
	natural_t iis_tree_small;
	natural_t iis_tree_hash;
} ipc_info_space_t;

/* mach_port_space_basic_info(): the table as a whole */
typedef struct ipc_info_space_basic {
	natural_t iisb_genno_mask;  /* the bits of a name that are generation */
	natural_t iisb_table_size;  /* slots that were ever used */
	natural_t iisb_table_next;  /* the next one that will be */
	natural_t iisb_table_inuse; /* names */
	natural_t iisb_reserved[2];
} ipc_info_space_basic_t;

typedef struct ipc_info_name {
	mach_port_name_t iin_name;
	integer_t iin_collision;
	mach_port_type_t iin_type;
	mach_port_urefs_t iin_urefs;
	natural_t iin_object;
	natural_t iin_next;
	natural_t iin_hash;
} ipc_info_name_t;

typedef ipc_info_name_t *ipc_info_name_array_t;

typedef struct ipc_info_tree_name {
	ipc_info_name_t iitn_name;
	mach_port_name_t iitn_lchild;
	mach_port_name_t iitn_rchild;
} ipc_info_tree_name_t;

typedef ipc_info_tree_name_t *ipc_info_tree_name_array_t;

/* mach_port_kobject_description(): zero-terminated */
#define KOBJECT_DESCRIPTION_LENGTH 512
typedef char kobject_description_t[KOBJECT_DESCRIPTION_LENGTH];

/* mach_port_kobject(): what the kernel keeps behind a port */
#define IKOT_NONE	     0
#define IKOT_THREAD	     1
#define IKOT_TASK	     2
#define IKOT_HOST	     3
#define IKOT_HOST_PRIV	     4
#define IKOT_DEVICE	     13
#define IKOT_TIMER	     8
#define IKOT_PAGING_REQUEST  9
#define IKOT_SEMAPHORE	     23
#define IKOT_CLOCK	     25
#define IKOT_NAMED_ENTRY     28
#define IKOT_MEM_OBJ_CONTROL 32
#define IKOT_EVENTLINK	     45
