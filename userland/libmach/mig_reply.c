/* libmach/mig_reply.c: what a reply says that is not a plain success. */
#include <mach/mig.h>

kern_return_t
mig_judge_reply(const mach_msg_header_t *reply, mach_msg_id_t id,
    mach_msg_size_t min, mach_msg_size_t max, mach_msg_size_t descriptors)
{
	const mig_reply_error_t *error = (const mig_reply_error_t *)reply;

	if (reply->msgh_id == MACH_NOTIFY_SEND_ONCE)
		return MIG_SERVER_DIED;
	if (reply->msgh_id != id)
		return MIG_REPLY_MISMATCH;
	if (reply->msgh_remote_port != MACH_PORT_NULL)
		return MIG_TYPE_ERROR; /* nobody asked for that right */
	if (!(reply->msgh_bits & MACH_MSGH_BITS_COMPLEX) &&
	    reply->msgh_size == sizeof(*error) &&
	    error->RetCode != KERN_SUCCESS)
		return error->RetCode;
	if (!mig_check_form(reply, min, max, descriptors))
		return MIG_TYPE_ERROR;
	return descriptors == 0 ? error->RetCode : KERN_SUCCESS;
}
