/*
 * ipc/message.h: mach_msg(), the general path, which is the specification.
 *
 *	mach_msg_trap, mach_msg2_trap
 *	  copy the body in	   message_copyin.c  (preemptible, in steps)
 *	  names -> rights	   right.c
 *	  descriptors -> objects   ool.c             (preemptible, in steps)
 *	  deliver, queue or wait   message.c, mqueue.c
 *	  receive, or wait         message.c
 *	  rights -> names, copyout message_copyout.c
 *
 * The caller's arguments live in struct thread (send, receive, below), since
 * every arrow may be crossed by a continuation.
 */
#pragma once
#include <mach/message.h>

#include "ipc/kmsg.h"
#include "kernel/types.h"

struct space;
struct thread;

/* All options that a user may give; others are ignored, as Mach does. */
#define MESSAGE_TRAILER_ELEMENTS(option) (((option) >> 24) & 0xf)

/* Bytes of the trailer that a receiver's @option asks for. */
uint32_t trailer_size(uint64_t option);

/* ipc/fast.c takes what it can; switched off by `fastpath=off`. */
extern bool ipc_fast_enabled;

/* All of ipc/: zones, locks.  Before the first port, space or message. */
void ipc_init(void);
