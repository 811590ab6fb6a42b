/* libmach/init.c: what a program has before main() begins. */
#include "init.h"

#include <mach/mach.h>

mach_port_t mach_task_self_;
mach_port_t bootstrap_port;
vm_size_t vm_page_size = PAGE_SIZE;
vm_size_t vm_page_mask = PAGE_MASK;
int vm_page_shift = PAGE_SHIFT;

const NDR_record_t NDR_record = {
    .mig_vers = NDR_PROTOCOL_2_0,
    .if_vers = NDR_PROTOCOL_2_0,
    .mig_encoding = NDR_PROTOCOL_2_0,
    .int_rep = NDR_INT_LITTLE_ENDIAN,
    .char_rep = NDR_CHAR_ASCII,
    .float_rep = NDR_FLOAT_IEEE,
};

void
mach_init(void)
{
	mach_task_self_ = task_self_trap();
	task_get_special_port(
	    mach_task_self_, TASK_BOOTSTRAP_PORT, &bootstrap_port);
}
