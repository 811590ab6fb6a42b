/*
 * A server with a name and a client that looks it up: the request carries two
 * numbers, the reply their sum, in the form that stubs give it.
 */
#include <stdio.h>
#include <string.h>

#include <mach/mach.h>
#include <mach/mig.h>
#include <mach/mig_errors.h>
#include <servers/bootstrap.h>

#define ADD 500

#pragma pack(push, 4)
typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	int a, b;
} request_t;

typedef struct {
	mach_msg_header_t Head;
	NDR_record_t NDR;
	kern_return_t RetCode;
	int sum;
} reply_t;
#pragma pack(pop)

union message {
	request_t request;
	reply_t reply;
};

static boolean_t
add_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
	request_t *request = (request_t *)in;
	reply_t *reply = (reply_t *)out;

	reply->Head.msgh_bits =
	    MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(in->msgh_bits), 0);
	reply->Head.msgh_remote_port = in->msgh_remote_port;
	reply->Head.msgh_local_port = MACH_PORT_NULL;
	reply->Head.msgh_size = sizeof(mig_reply_error_t);
	reply->Head.msgh_id = in->msgh_id + 100;
	reply->NDR = NDR_record;
	if (in->msgh_id != ADD) {
		reply->RetCode = MIG_BAD_ID;
		return FALSE;
	}
	reply->Head.msgh_size = sizeof(*reply);
	reply->RetCode = KERN_SUCCESS;
	reply->sum = request->a + request->b;
	return TRUE;
}

static void
serve(mach_port_t port)
{
	if (mach_msg_server_once(add_server, sizeof(union message), port,
		MACH_MSG_OPTION_NONE) != MACH_MSG_SUCCESS)
		printf("the server failed\n");
}

/* The request waits in the queue while we play the server. */
static int
ask(mach_port_t server, mach_port_t port, mach_msg_id_t id)
{
	struct {
		reply_t reply;
		mach_msg_trailer_t trailer;
	} answer;
	request_t request;
	mach_port_t reply_port = mig_get_reply_port();

	memset(&request, 0, sizeof(request));
	request.Head.msgh_bits = MACH_MSGH_BITS(
	    MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	request.Head.msgh_size = sizeof(request);
	request.Head.msgh_remote_port = server;
	request.Head.msgh_local_port = reply_port;
	request.Head.msgh_id = id;
	request.NDR = NDR_record;
	request.a = 40;
	request.b = 2;
	if (mach_msg(&request.Head, MACH_SEND_MSG, sizeof(request), 0,
		MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
		MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		return -1;
	serve(port);
	if (mach_msg(&answer.reply.Head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
		sizeof(answer), reply_port, 1000,
		MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		return -1;
	mig_put_reply_port(reply_port);
	return answer.reply.RetCode == KERN_SUCCESS ? answer.reply.sum
						    : answer.reply.RetCode;
}

int
main(void)
{
	mach_port_t port, server;
	int sum, wrong;

	if (mach_port_allocate(
		mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) ||
	    mach_port_insert_right(
		mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND) ||
	    bootstrap_register(bootstrap_port, "org.example.add", port))
		return 1;
	if (bootstrap_look_up(bootstrap_port, "org.example.add", &server) !=
	    BOOTSTRAP_SUCCESS)
		return 1;
	sum = ask(server, port, ADD);
	wrong = ask(server, port, ADD + 1);
	printf("40 + 2 = %d; a wrong id: %s\n", sum, mach_error_string(wrong));
	return sum == 42 && wrong == MIG_BAD_ID ? 0 : 1;
}
