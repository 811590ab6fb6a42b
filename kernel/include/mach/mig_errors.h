/* mach/mig_errors.h: codes of stubs and servers, and the shortest reply. */
#pragma once

#include <mach/cdefs.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/ndr.h>

#define MIG_TYPE_ERROR	    -300 /* client: the reply has another form */
#define MIG_REPLY_MISMATCH  -301 /* client: the reply has another id */
#define MIG_REMOTE_ERROR    -302
#define MIG_BAD_ID	    -303 /* server: no such routine */
#define MIG_BAD_ARGUMENTS   -304 /* server: the request has another form */
#define MIG_NO_REPLY	    -305 /* server: send none, now */
#define MIG_EXCEPTION	    -306
#define MIG_ARRAY_TOO_LARGE -307
#define MIG_SERVER_DIED	    -308 /* the reply right died unused */
#define MIG_TRAILER_ERROR   -309

/* The name and id of a routine, as subsystem maps list them */
typedef struct mig_symtab {
	char *ms_routine_name;
	int ms_routine_number;
	void (*ms_routine)(void);
} mig_symtab_t;

#pragma pack(push, 4)

/* A reply that says only how it went; every reply begins like this. */
typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	kern_return_t RetCode;
} mig_reply_error_t;

/* How a complex reply begins */
typedef struct {
	mach_msg_header_t Head;
	mach_msg_body_t msgh_body;
} mig_reply_complex_t;

#pragma pack(pop)

MACH_ABI_ASSERT(sizeof(mig_reply_error_t) == 36, "ABI");
