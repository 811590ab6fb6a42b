/*
 * libmach/error.c: words for error codes.
 *
 * The codes of each system count up from some number, so each has a table in
 * their order; test/host/test_errors finds the code that has no words.
 */
#include <stdio.h>

#include <device/device.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>

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
    [KERN_MEMORY_DATA_MOVED] = "memory data moved",
    [KERN_MEMORY_RESTART_COPY] = "memory copy to be started again",
    [KERN_INVALID_PROCESSOR_SET] = "invalid processor set",
    [KERN_POLICY_LIMIT] = "beyond the limit of the policy",
    [KERN_INVALID_POLICY] = "invalid policy",
    [KERN_INVALID_OBJECT] = "invalid object",
    [KERN_ALREADY_WAITING] = "already waiting",
    [KERN_DEFAULT_SET] = "the default set cannot be destroyed",
    [KERN_EXCEPTION_PROTECTED] = "exception port is protected",
    [KERN_INVALID_LEDGER] = "invalid ledger",
    [KERN_INVALID_MEMORY_CONTROL] = "invalid memory control",
    [KERN_INVALID_SECURITY] = "invalid security",
    [KERN_NOT_DEPRESSED] = "thread not depressed",
    [KERN_TERMINATED] = "object terminated",
    [KERN_LOCK_SET_DESTROYED] = "lock set destroyed",
    [KERN_LOCK_UNSTABLE] = "lock unstable",
    [KERN_LOCK_OWNED] = "lock owned by another",
    [KERN_LOCK_OWNED_SELF] = "lock owned by the caller",
    [KERN_SEMAPHORE_DESTROYED] = "semaphore destroyed",
    [KERN_RPC_SERVER_TERMINATED] = "the server was ended",
    [KERN_RPC_TERMINATE_ORPHAN] = "end the orphaned call",
    [KERN_RPC_CONTINUE_ORPHAN] = "continue the orphaned call",
    [KERN_NOT_SUPPORTED] = "not supported",
    [KERN_NODE_DOWN] = "node down",
    [KERN_NOT_WAITING] = "not waiting",
    [KERN_OPERATION_TIMED_OUT] = "operation timed out",
    [KERN_CODESIGN_ERROR] = "code signing error",
    [KERN_POLICY_STATIC] = "policy cannot be changed",
    [KERN_INSUFFICIENT_BUFFER_SIZE] = "insufficient buffer size",
    [KERN_DENIED] = "denied",
    [KERN_MISSING_KC] = "missing kernel collection",
    [KERN_INVALID_KC] = "invalid kernel collection",
    [KERN_NOT_FOUND] = "not found",
};

#define SEND(code) [(code)-MACH_SEND_IN_PROGRESS]

static const char *const send_words[] = {
    SEND(MACH_SEND_IN_PROGRESS) = "in progress",
    SEND(MACH_SEND_INVALID_DATA) = "invalid data",
    SEND(MACH_SEND_INVALID_DEST) = "invalid destination port",
    SEND(MACH_SEND_TIMED_OUT) = "timed out",
    SEND(MACH_SEND_INVALID_VOUCHER) = "invalid voucher",
    SEND(MACH_SEND_INTERRUPTED) = "interrupted",
    SEND(MACH_SEND_MSG_TOO_SMALL) = "msg too small",
    SEND(MACH_SEND_INVALID_REPLY) = "invalid reply port",
    SEND(MACH_SEND_INVALID_RIGHT) = "invalid port right",
    SEND(MACH_SEND_INVALID_NOTIFY) = "invalid notify port",
    SEND(MACH_SEND_INVALID_MEMORY) = "invalid memory",
    SEND(MACH_SEND_NO_BUFFER) = "no msg buffer",
    SEND(MACH_SEND_TOO_LARGE) = "msg too large",
    SEND(MACH_SEND_INVALID_TYPE) = "invalid descriptor type",
    SEND(MACH_SEND_INVALID_HEADER) = "invalid msg-header",
    SEND(MACH_SEND_INVALID_TRAILER) = "invalid msg-trailer",
    SEND(MACH_SEND_INVALID_CONTEXT) = "invalid context",
    SEND(MACH_SEND_INVALID_OPTIONS) = "invalid options",
    SEND(MACH_SEND_INVALID_RT_OOL_SIZE) = "invalid size out of line",
    SEND(MACH_SEND_NO_GRANT_DEST) = "destination takes no such right",
    SEND(MACH_SEND_MSG_FILTERED) = "msg filtered",
    SEND(MACH_SEND_AUX_TOO_SMALL) = "auxiliary data too small",
    SEND(MACH_SEND_AUX_TOO_LARGE) = "auxiliary data too large",
};

#define RCV(code) [(code)-MACH_RCV_IN_PROGRESS]

static const char *const receive_words[] = {
    RCV(MACH_RCV_IN_PROGRESS) = "in progress",
    RCV(MACH_RCV_INVALID_NAME) = "invalid name",
    RCV(MACH_RCV_TIMED_OUT) = "timed out",
    RCV(MACH_RCV_TOO_LARGE) = "msg too large",
    RCV(MACH_RCV_INTERRUPTED) = "interrupted",
    RCV(MACH_RCV_PORT_CHANGED) = "port changed",
    RCV(MACH_RCV_INVALID_NOTIFY) = "invalid notify port",
    RCV(MACH_RCV_INVALID_DATA) = "invalid data",
    RCV(MACH_RCV_PORT_DIED) = "port died",
    RCV(MACH_RCV_IN_SET) = "port is in a set",
    RCV(MACH_RCV_HEADER_ERROR) = "error in header",
    RCV(MACH_RCV_BODY_ERROR) = "error in body",
    RCV(MACH_RCV_INVALID_TYPE) = "invalid descriptor type",
    RCV(MACH_RCV_SCATTER_SMALL) = "scatter list too small",
    RCV(MACH_RCV_INVALID_TRAILER) = "invalid trailer",
    RCV(MACH_RCV_IN_PROGRESS_TIMED) = "in progress, with a limit",
    RCV(MACH_RCV_INVALID_REPLY) = "invalid reply port",
    RCV(MACH_RCV_INVALID_ARGUMENTS) = "invalid arguments",
};

#define PEEK(code) [(code)-MACH_PEEK_IN_PROGRESS]

static const char *const peek_words[] = {
    PEEK(MACH_PEEK_IN_PROGRESS) = "in progress",
    PEEK(MACH_PEEK_READY) = "a msg is ready",
};

#define MIG(code) [MIG_TYPE_ERROR - (code)]

static const char *const stub_words[] = {
    MIG(MIG_TYPE_ERROR) = "the reply has another form",
    MIG(MIG_REPLY_MISMATCH) = "the reply has another id",
    MIG(MIG_REMOTE_ERROR) = "the server detected an error",
    MIG(MIG_BAD_ID) = "no such routine",
    MIG(MIG_BAD_ARGUMENTS) = "the request has another form",
    MIG(MIG_NO_REPLY) = "no reply should be sent",
    MIG(MIG_EXCEPTION) = "the server raised an exception",
    MIG(MIG_ARRAY_TOO_LARGE) = "array too large",
    MIG(MIG_SERVER_DIED) = "the server died",
    MIG(MIG_TRAILER_ERROR) = "the trailer has another form",
};

#define BOOTSTRAP(code) [(code)-BOOTSTRAP_NOT_PRIVILEGED]

static const char *const bootstrap_words[] = {
    BOOTSTRAP(BOOTSTRAP_NOT_PRIVILEGED) = "not allowed by the manifest",
    BOOTSTRAP(BOOTSTRAP_NAME_IN_USE) = "name in use",
    BOOTSTRAP(BOOTSTRAP_UNKNOWN_SERVICE) = "no such service or program",
    BOOTSTRAP(BOOTSTRAP_SERVICE_ACTIVE) = "service checked in already",
    BOOTSTRAP(BOOTSTRAP_BAD_COUNT) = "wrong count",
    BOOTSTRAP(BOOTSTRAP_NO_MEMORY) = "out of memory",
};

#define DEVICE(code) [(code)-D_IO_ERROR]

static const char *const device_words[] = {
    DEVICE(D_IO_ERROR) = "hardware error",
    DEVICE(D_WOULD_BLOCK) = "would block",
    DEVICE(D_NO_SUCH_DEVICE) = "no such device",
    DEVICE(D_ALREADY_OPEN) = "device already open",
    DEVICE(D_DEVICE_DOWN) = "device down",
    DEVICE(D_INVALID_OPERATION) = "the device has no such operation",
    DEVICE(D_INVALID_RECNUM) = "invalid record number",
    DEVICE(D_INVALID_SIZE) = "invalid size",
    DEVICE(D_NO_MEMORY) = "no memory for the device",
    DEVICE(D_READ_ONLY) = "read only",
};

struct system {
	const char *type;
	mach_error_t first; /* its code is the table's first line */
	int step;	    /* from there on, 1 up or -1 down */
	const char *const *words;
	unsigned count;
};

#define TABLE(words) words, sizeof(words) / sizeof((words)[0])

static const struct system systems[] = {
    {"(os/kern)", KERN_SUCCESS, 1, TABLE(kernel_words)},
    {"(ipc/send)", MACH_SEND_IN_PROGRESS, 1, TABLE(send_words)},
    {"(ipc/rcv)", MACH_RCV_IN_PROGRESS, 1, TABLE(receive_words)},
    {"(ipc/peek)", MACH_PEEK_IN_PROGRESS, 1, TABLE(peek_words)},
    {"(ipc/mig)", MIG_TYPE_ERROR, -1, TABLE(stub_words)},
    {"(bootstrap)", BOOTSTRAP_NOT_PRIVILEGED, 1, TABLE(bootstrap_words)},
    {"(device)", D_IO_ERROR, 1, TABLE(device_words)},
};

/* Bits in the code of a message that say what there was too little of */
static const struct {
	int bit;
	const char *words;
} shortages[] = {
    {MACH_MSG_IPC_SPACE, ": no room for names"},
    {MACH_MSG_VM_SPACE, ": no room in the address space"},
    {MACH_MSG_IPC_KERNEL, ": no kernel memory for rights"},
    {MACH_MSG_VM_KERNEL, ": no kernel memory for regions"},
};

static int
is_of_message(mach_error_t error)
{
	return error > 0 && err_get_system(error) == 4;
}

static mach_error_t
without_shortage(mach_error_t error)
{
	return is_of_message(error) ? error & ~MACH_MSG_MASK : error;
}

static const char *
shortage(mach_error_t error)
{
	if (is_of_message(error))
		for (unsigned i = 0; i < 4; i++)
			if (error & shortages[i].bit)
				return shortages[i].words;
	return "";
}

/* The system that @error is of, and its words, if it has any. */
static const struct system *
find(mach_error_t error, const char **words)
{
	for (unsigned i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
		const struct system *system = &systems[i];
		long line = (long)system->step * ((long)error - system->first);

		if (line >= 0 && line < (long)system->count &&
		    system->words[line] != NULL) {
			*words = system->words[line];
			return system;
		}
	}
	*words = NULL;
	return NULL;
}

char *
mach_error_type(mach_error_t error)
{
	const char *words;
	const struct system *system = find(without_shortage(error), &words);

	return system != NULL ? (char *)system->type : "(unknown system)";
}

char *
mach_error_string(mach_error_t error)
{
	static _Thread_local char text[80];
	const char *words;
	const struct system *system = find(without_shortage(error), &words);

	if (system != NULL)
		snprintf(text, sizeof(text), "%s %s%s", system->type, words,
		    shortage(error));
	else
		snprintf(text, sizeof(text), "unknown error code 0x%x",
		    (unsigned int)error);
	return text;
}

void
mach_error(const char *message, mach_error_t error)
{
	fprintf(stderr, "%s %s (0x%x)\n", message, mach_error_string(error),
	    (unsigned int)error);
}
