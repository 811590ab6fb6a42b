/*
 * bootstrap/options.h: the words the first task is started with.
 *
 *	bootstrap host_priv=HEX device_master=HEX archive=HEX,HEX WORD...
 *
 * The kernel gives the first four; the rest is its own command line, of which
 * `run=PROGRAM[,ARGUMENT...]` is ours: that program is run instead of what the
 * manifest runs, and the machine is switched off with its status.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <servers/bootstrap.h>

#define OPTIONS_RUN_MAX BOOTSTRAP_ARGC_MAX

struct options {
	uint32_t host_priv;
	uint32_t device_master;
	uintptr_t archive;
	size_t archive_size;
	char *run[OPTIONS_RUN_MAX + 1]; /* run[0] is NULL without run= */
	bool run_too_long; /* there are more words; run[0] is NULL */
};

/*
 * Cuts the words of @argv in place.  False when the kernel's are missing.
 */
bool options_parse(struct options *options, char *argv[]);
