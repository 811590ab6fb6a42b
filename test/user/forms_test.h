/*
 * test/user/forms_test.h: what tests of stubs have in common: a server of
 * forms.defs in another task, and what both tasks hold.
 */
#pragma once

#include <mach/mach_init.h>

#include "test/user/forms.h"
#include "test/user/formsServer.h"
#include "test/user/mach_test.h"

/*
 * Serve with @demux, known as @name, until form_quit(); what the program that
 * start_server() starts does with the name it is given.  Its exit status.
 */
int be_server(const char *name, mach_msg_demux_t demux);

/* Start @program as a server known as @name; a send right to it. */
mach_port_t start_server(char *program, char *name);

/* Note what this task and the server hold: names, and memory. */
void remember(void);
/* Both hold just as much again: four cases, for @what. */
void nothing_left(const char *what);

/* The number of the last form_note(), in the server. */
int last_noted(void);
