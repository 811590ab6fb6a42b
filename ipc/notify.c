/*
 * notify.c: notices: made when asked for, sent when due.
 */
#include "ipc/notify.h"

#include <mach/notify.h>

#include "ipc/kmsg.h"
#include "kernel/ledger.h"
#include "kernel/string.h"
#include "kernel/zone.h"

const NDR_record_t NDR_record = {
    .int_rep = NDR_INT_LITTLE_ENDIAN,
    .char_rep = NDR_CHAR_ASCII,
    .float_rep = NDR_FLOAT_IEEE,
};

static struct zone request_zone;

/* Bodies of the notices; the trailer in the user's structs is not sent. */
struct word_notice {
	NDR_record_t ndr;
	uint32_t word; /* a name or a count */
};

struct right_notice {
	mach_msg_body_t body;
	mach_msg_port_descriptor_t port;
};

#define NOTICE_BODY_MAX sizeof(struct right_notice)

void
notify_init(void)
{
	zone_init(
	    &request_zone, "name request", sizeof(struct name_request), 0);
	ledger_weigh(BATON_LEDGER_REQUESTS, sizeof(struct name_request));
}

struct kmsg *
notice_create(struct ledger *ledger, struct port *to)
{
	struct kmsg *notice = kmsg_alloc(ledger, NOTICE_BODY_MAX, 1);

	if (notice == NULL)
		return NULL;
	notice->remote = to;
	notice->remote_type = MACH_MSG_TYPE_PORT_SEND_ONCE;
	return notice;
}

struct port *
notice_cancel(struct kmsg *notice)
{
	struct port *to = notice->remote;

	kmsg_free(notice);
	return to;
}

/* Send a notice of one word. */
static void
notify_word(struct kmsg *notice, int32_t id, uint32_t word)
{
	struct word_notice *body = (void *)notice->body;

	body->ndr = NDR_record;
	body->word = word;
	kmsg_drop_descriptors(notice);
	notice->size = HEADER_SIZE + sizeof(*body);
	notice->id = id;
	port_send_kernel(notice->remote, MACH_MSG_TYPE_PORT_SEND_ONCE, notice);
}

void
notify_dead_name(struct kmsg *notice, mach_port_name_t name)
{
	notify_word(notice, MACH_NOTIFY_DEAD_NAME, name);
}

void
notify_port_deleted(struct kmsg *notice, mach_port_name_t name)
{
	notify_word(notice, MACH_NOTIFY_PORT_DELETED, name);
}

void
notify_send_possible(struct kmsg *notice, mach_port_name_t name)
{
	notify_word(notice, MACH_NOTIFY_SEND_POSSIBLE, name);
}

void
notify_no_senders(struct kmsg *notice, uint32_t make_send_count)
{
	notify_word(notice, MACH_NOTIFY_NO_SENDERS, make_send_count);
}

void
notify_port_destroyed(struct kmsg *notice, struct port *port)
{
	struct right_notice *body = (void *)notice->body;

	*body = (struct right_notice){
	    .body.msgh_descriptor_count = 1,
	    .port.type = MACH_MSG_PORT_DESCRIPTOR,
	    .port.disposition = MACH_MSG_TYPE_PORT_RECEIVE,
	};
	notice->descriptor[0] = (struct kdescriptor){
	    .port = port,
	    .type = MACH_MSG_PORT_DESCRIPTOR,
	    .disposition = MACH_MSG_TYPE_PORT_RECEIVE,
	};
	notice->done = 1;
	notice->has_receive = true;
	notice->id = MACH_NOTIFY_PORT_DESTROYED;
	port_set_carrier(port, notice);
	/* Where it would go to itself it dies after all. */
	port_send_kernel(notice->remote, MACH_MSG_TYPE_PORT_SEND_ONCE, notice);
}

/* Make and send a send-once notice with a right that is held.  Who made the
 * port pays: what is made with its receive right is his doing. */
static bool
send_once_notice(struct port *port)
{
	struct ledger *ledger;
	struct kmsg *notice;

	port_lock(port);
	ledger = ledger_get(port->ledger);
	spin_unlock(&port->lock);
	notice = kmsg_alloc(ledger, 0, 0);
	ledger_put(ledger);
	if (notice == NULL)
		return false;
	notice->id = MACH_NOTIFY_SEND_ONCE;
	port_send_kernel(port, MACH_MSG_TYPE_PORT_SEND_ONCE, notice);
	return true;
}

void
notify_send_once(struct port *port)
{
	if (!send_once_notice(port))
		port_owe_notice(port);
}

bool
notify_owed(struct port *port)
{
	if (!send_once_notice(port))
		return false;
	port_lock(port);
	port->notices_owed--;
	spin_unlock(&port->lock);
	return true;
}

/* ---- what was asked about a name ---- */

struct name_request *
name_request_create(struct ledger *ledger, struct kmsg *notice,
    mach_port_name_t name, bool possible)
{
	struct name_request *request;

	if (!ledger_hold(ledger, BATON_LEDGER_REQUESTS, 1))
		return NULL;
	request = zone_alloc(&request_zone);
	if (request == NULL) {
		ledger_release(ledger, BATON_LEDGER_REQUESTS, 1);
		return NULL;
	}
	*request = (struct name_request){.name = name,
	    .notice = notice,
	    .possible = possible,
	    .ledger = ledger};
	list_init(&request->port_link);
	return request;
}

void
name_request_enter(struct name_request *request, struct port *port)
{
	KASSERT(spin_held(&port->lock));
	if (request->armed)
		list_add_head(&port->requests, &request->port_link);
	else
		list_add_tail(&port->requests, &request->port_link);
}

void
name_request_arm(struct name_request *request, struct port *port)
{
	/* One that has been told, or is being, is on no list. */
	if (!request->possible || request->notice == NULL)
		return;
	list_remove(&request->port_link);
	request->armed = true;
	name_request_enter(request, port);
}

mach_port_type_t
name_request_type(const struct name_request *request)
{
	if (request->told)
		return 0;
	if (!request->possible)
		return MACH_PORT_TYPE_DNREQUEST;
	if (request->armed)
		return MACH_PORT_TYPE_DNREQUEST | MACH_PORT_TYPE_SPREQUEST;
	return MACH_PORT_TYPE_DNREQUEST | MACH_PORT_TYPE_SPREQUEST |
	       MACH_PORT_TYPE_SPREQUEST_DELAYED;
}

bool
notify_room_due(const struct port *port)
{
	if (likely(list_empty(&port->requests)))
		return false;
	return list_first(&port->requests, struct name_request, port_link)
		   ->armed &&
	       mqueue_has_room(&port->queue);
}

void
notify_room_step(struct port *port)
{
	struct name_request *request =
	    list_first(&port->requests, struct name_request, port_link);
	struct kmsg *notice = request->notice;
	mach_port_name_t name = request->name;

	/* The request itself belongs to the name, which may go any moment. */
	list_remove(&request->port_link);
	request->notice = NULL;
	request->told = true;
	spin_unlock(&port->lock);
	notify_send_possible(notice, name);
}

void
name_request_free(struct name_request *request)
{
	ledger_release(request->ledger, BATON_LEDGER_REQUESTS, 1);
	zone_free(&request_zone, request);
}
