/*
 * bootstrap/manifest.h: what the first task is to start, and who may have what.
 *
 * The file `manifest` of the boot archive, one fact a line; # starts a comment.
 *
 *	server SERVICE PROGRAM [restart [ARGUMENT...]]
 *		PROGRAM is started at boot and serves SERVICE; with `restart`
 *		it is started again whenever it ends.
 *	grant PROGRAM THING
 *		PROGRAM may have the device THING: a path in the device tree,
 *		"stdout", "sbi-console", the port "host_priv" or
 *		"device_master", or the "archive" itself.
 *	files PROGRAM
 *		PROGRAM, a server, has the memory objects of the archive's
 *		files: it may check in as "file/NAME" for each.  While it runs,
 *		programs are mapped from there instead of read.
 *	run PROGRAM [ARGUMENT...]
 *		PROGRAM is run to its end, once the servers have been started
 *		and before the session.
 *	session PROGRAM [ARGUMENT...]
 *		PROGRAM is what the system is there for, usually a shell; it
 *		is started again when it ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MANIFEST_LINES_MAX 64
#define MANIFEST_WORDS_MAX 8

enum manifest_verb {
	MANIFEST_SERVER,
	MANIFEST_GRANT,
	MANIFEST_FILES,
	MANIFEST_RUN,
	MANIFEST_SESSION,
};

struct manifest_line {
	enum manifest_verb verb;
	unsigned int count; /* of words, the verb not counted */
	char *words[MANIFEST_WORDS_MAX + 1]; /* and a NULL */
};

struct manifest {
	struct manifest_line lines[MANIFEST_LINES_MAX];
	unsigned int count;
};

/*
 * Reads @text, which is cut into words in place and must stay as long as
 * @manifest is used.  Returns 0, or the number of the first line that makes
 * no sense; the lines before it are in @manifest.
 */
unsigned int manifest_parse(struct manifest *manifest, char *text);

/* The line of the server that serves @service; NULL: none. */
const struct manifest_line *manifest_server(
    const struct manifest *manifest, const char *service);

bool manifest_grants(
    const struct manifest *manifest, const char *program, const char *thing);

/* The program that serves the archive's files; NULL: none. */
const char *manifest_files(const struct manifest *manifest);

/* Whether a server's line asks for it to be started again. */
bool manifest_restarts(const struct manifest_line *server);
