/*
 * mach/notify_server.h: who is told of rights (mach/notify.h).
 *
 *	mach_msg_server(notify_server, sizeof(union
 *	    __RequestUnion__do_notify_subsystem) + MAX_TRAILER_SIZE, port, 0);
 *
 * calls, for each notification that arrives at @port, one of
 *
 *	do_mach_notify_port_deleted()	 @name denotes nothing now
 *	do_mach_notify_send_possible()	 to @name may be sent again
 *	do_mach_notify_port_destroyed()	 @rights, a receive right, is here
 *	do_mach_notify_no_senders()	 @mscount: the make-send count then
 *	do_mach_notify_send_once()	 a right to @notify ended unused
 *	do_mach_notify_dead_name()	 @name is dead: one more reference
 *
 * which the program defines; one that it does not define refuses, and the
 * server's loop gives up the right that came.  @notify is the name of the port
 * that they arrived at.  Anybody with a right to that port can send them: names
 * are to be believed only where the kernel alone has one.
 */
#pragma once

#include <mach/mach_types.h>
#include <mach/notify.h>
#include <server/notify.h>
