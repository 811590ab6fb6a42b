/* ipc/port_server.h: what a task's port answers about the task's names. */
#pragma once
#include "ipc/kserver.h"

extern const struct kroutine port_routines[];
extern const unsigned port_routine_count;
