/* libmach/error.c: words for error codes. */
#include <stdio.h>

#include <mach/mach.h>

struct words {
	mach_error_t code;
	const char *words;
};

static const char *const kernel_words[] = {
    [KERN_SUCCESS] = "successful",
    [KERN_INVALID_ADDRESS] = "invalid address",
    [KERN_PROTECTION_FAILURE] = "protection failure",
    [KERN_NO_SPACE] = "no space available",
    [KERN_INVALID_ARGUMENT] = "invalid argument",
    [KERN_FAILURE] = "failure",
    [KERN_RESOURCE_SHORTAGE] = "resource shortage",
    [KERN_NOT_RECEIVER] = "not receiver",
    [KERN_NO_ACCESS] = "no access",
    [KERN_MEMORY_FAILURE] = "memory failure",
    [KERN_MEMORY_ERROR] = "memory error",
    [KERN_ALREADY_IN_SET] = "already in set",
    [KERN_NOT_IN_SET] = "not in set",
    [KERN_NAME_EXISTS] = "name exists",
    [KERN_ABORTED] = "aborted",
    [KERN_INVALID_NAME] = "invalid name",
    [KERN_INVALID_TASK] = "invalid task",
    [KERN_INVALID_RIGHT] = "invalid right",
    [KERN_INVALID_VALUE] = "invalid value",
    [KERN_UREFS_OVERFLOW] = "too many user references",
    [KERN_INVALID_CAPABILITY] = "invalid capability",
    [KERN_RIGHT_EXISTS] = "right exists",
    [KERN_INVALID_HOST] = "invalid host",
    [KERN_MEMORY_PRESENT] = "memory present",
    [KERN_INVALID_POLICY] = "invalid policy",
    [KERN_INVALID_OBJECT] = "invalid object",
    [KERN_NOT_DEPRESSED] = "thread not depressed",
    [KERN_TERMINATED] = "object terminated",
    [KERN_NOT_SUPPORTED] = "not supported",
    [KERN_NOT_WAITING] = "not waiting",
    [KERN_OPERATION_TIMED_OUT] = "operation timed out",
    [KERN_INSUFFICIENT_BUFFER_SIZE] = "insufficient buffer size",
    [KERN_DENIED] = "denied",
    [KERN_NOT_FOUND] = "not found",
};

static const struct words message_words[] = {
    {MACH_SEND_INVALID_DATA, "(ipc/send) invalid data"},
    {MACH_SEND_INVALID_DEST, "(ipc/send) invalid destination port"},
    {MACH_SEND_TIMED_OUT, "(ipc/send) timed out"},
    {MACH_SEND_INVALID_VOUCHER, "(ipc/send) invalid voucher"},
    {MACH_SEND_INTERRUPTED, "(ipc/send) interrupted"},
    {MACH_SEND_MSG_TOO_SMALL, "(ipc/send) msg too small"},
    {MACH_SEND_INVALID_REPLY, "(ipc/send) invalid reply port"},
    {MACH_SEND_INVALID_RIGHT, "(ipc/send) invalid port right"},
    {MACH_SEND_INVALID_NOTIFY, "(ipc/send) invalid notify port"},
    {MACH_SEND_INVALID_MEMORY, "(ipc/send) invalid memory"},
    {MACH_SEND_NO_BUFFER, "(ipc/send) no msg buffer"},
    {MACH_SEND_TOO_LARGE, "(ipc/send) msg too large"},
    {MACH_SEND_INVALID_TYPE, "(ipc/send) invalid descriptor type"},
    {MACH_SEND_INVALID_HEADER, "(ipc/send) invalid msg-header"},
    {MACH_SEND_INVALID_TRAILER, "(ipc/send) invalid msg-trailer"},
    {MACH_SEND_INVALID_OPTIONS, "(ipc/send) invalid options"},
    {MACH_RCV_INVALID_NAME, "(ipc/rcv) invalid name"},
    {MACH_RCV_TIMED_OUT, "(ipc/rcv) timed out"},
    {MACH_RCV_TOO_LARGE, "(ipc/rcv) msg too large"},
    {MACH_RCV_INTERRUPTED, "(ipc/rcv) interrupted"},
    {MACH_RCV_PORT_CHANGED, "(ipc/rcv) port changed"},
    {MACH_RCV_INVALID_NOTIFY, "(ipc/rcv) invalid notify port"},
    {MACH_RCV_INVALID_DATA, "(ipc/rcv) invalid data"},
    {MACH_RCV_PORT_DIED, "(ipc/rcv) port died"},
    {MACH_RCV_IN_SET, "(ipc/rcv) port is in a set"},
    {MACH_RCV_HEADER_ERROR, "(ipc/rcv) error in header"},
    {MACH_RCV_BODY_ERROR, "(ipc/rcv) error in body"},
    {MACH_RCV_INVALID_TYPE, "(ipc/rcv) invalid descriptor type"},
    {MACH_RCV_INVALID_TRAILER, "(ipc/rcv) invalid trailer"},
    {MACH_RCV_INVALID_ARGUMENTS, "(ipc/rcv) invalid arguments"},
    {MIG_TYPE_ERROR, "(ipc/mig) the reply has another form"},
    {MIG_REPLY_MISMATCH, "(ipc/mig) the reply has another id"},
    {MIG_REMOTE_ERROR, "(ipc/mig) the server detected an error"},
    {MIG_BAD_ID, "(ipc/mig) no such routine"},
    {MIG_BAD_ARGUMENTS, "(ipc/mig) the request has another form"},
    {MIG_NO_REPLY, "(ipc/mig) no reply should be sent"},
    {MIG_EXCEPTION, "(ipc/mig) the server raised an exception"},
    {MIG_ARRAY_TOO_LARGE, "(ipc/mig) array too large"},
    {MIG_SERVER_DIED, "(ipc/mig) the server died"},
    {MIG_TRAILER_ERROR, "(ipc/mig) the trailer has another form"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

char *
mach_error_type(mach_error_t error)
{
	if (error < 0)
		return "(ipc/mig)";
	if (err_get_system(error) != 4)
		return "(os/kern)";
	return err_get_sub(error) == 0 ? "(ipc/send)" : "(ipc/rcv)";
}

/* The bits that say what kind of resource was short are no part of the code. */
static mach_error_t
plain(mach_error_t error)
{
	if (error > 0 && err_get_system(error) == 4)
		return error & ~MACH_MSG_MASK;
	return error;
}

char *
mach_error_string(mach_error_t error)
{
	static _Thread_local char text[48];
	size_t code = (size_t)error;

	if (code < COUNT(kernel_words) && kernel_words[code] != NULL) {
		snprintf(
		    text, sizeof(text), "(os/kern) %s", kernel_words[code]);
		return text;
	}
	for (size_t i = 0; i < COUNT(message_words); i++)
		if (message_words[i].code == plain(error))
			return (char *)message_words[i].words;
	snprintf(text, sizeof(text), "%s code 0x%x", mach_error_type(error),
	    (unsigned int)error);
	return text;
}

void
mach_error(const char *message, mach_error_t error)
{
	fprintf(stderr, "%s %s (0x%x)\n", message, mach_error_string(error),
	    (unsigned int)error);
}
