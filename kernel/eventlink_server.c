/* eventlink_server.c: eventlinks' messages, to a task and to their ports. */
#include <mach/mach_types.h>
#include <serve/mach_eventlink.h>

#include "ipc/port.h"
#include "kernel/eventlink.h"
#include "kernel/task.h"
#include "kernel/thread.h"

kern_return_t
serve_mach_eventlink_create(struct task *task,
    mach_eventlink_create_option_t option, struct port **pair)
{
	if (task != current_thread()->task || option != MELC_OPTION_NO_COPYIN)
		return KERN_INVALID_ARGUMENT;
	return eventlink_create(task->ledger, pair);
}

kern_return_t
serve_mach_eventlink_destroy(struct eventlink_side *side)
{
	eventlink_destroy(side);
	return KERN_SUCCESS;
}

/* Nothing is copied in for anybody, so all of what says what is to be 0. */
kern_return_t
serve_mach_eventlink_associate(struct eventlink_side *side,
    struct thread *thread, mach_vm_address_t wait_address, uint64_t wait_mask,
    mach_vm_address_t signal_address, uint64_t signal_mask,
    mach_eventlink_associate_option_t option)
{
	if ((wait_address | wait_mask | signal_address | signal_mask) != 0 ||
	    option > MELA_OPTION_ASSOCIATE_ON_WAIT)
		return KERN_INVALID_ARGUMENT;
	if ((thread == NULL) != (option == MELA_OPTION_ASSOCIATE_ON_WAIT))
		return KERN_INVALID_ARGUMENT;
	return eventlink_associate(side, thread);
}

kern_return_t
serve_mach_eventlink_disassociate(
    struct eventlink_side *side, mach_eventlink_disassociate_option_t option)
{
	if (option != MELD_OPTION_NONE)
		return KERN_INVALID_ARGUMENT;
	return eventlink_disassociate(side);
}
