/*
 * bootstrap/main.c: the first task.
 *
 * It starts what the manifest of the boot archive names, tells tasks where
 * services are, starts programs for them, hands out devices, and starts
 * servers again that die.
 *
 *	options.c   what the kernel and its command line say
 *	archive.c   files of the boot archive
 *	manifest.c  one of them: what is to run, who may have what
 *	loader.c    from a file to a task
 *	child.c     the tasks we started
 *	service.c   names and ports of services
 *	system.c    what runs when
 *	serve.c     the requests: start reading there
 */
#include <stdio.h>
#include <stdlib.h>

#include <mach/mach.h>

#include "archive.h"
#include "child.h"
#include "manifest.h"
#include "options.h"
#include "serve.h"
#include "system.h"

static struct options options;
static struct manifest manifest;

static void
read_manifest(void)
{
	char *text = archive_text("manifest");
	unsigned int line;

	if (text == NULL) {
		printf("bootstrap: no manifest in the boot archive\n");
		return;
	}
	line = manifest_parse(&manifest, text);
	if (line != 0)
		printf("bootstrap: manifest, line %u: not understood, "
		       "nor is the rest\n",
		    line);
}

int
main(int argc, char *argv[])
{
	(void)argc;
	if (!options_parse(&options, argv + 1))
		return EXIT_FAILURE;
	system_init(&options);
	archive_init((const void *)options.archive, options.archive_size);
	child_init();
	read_manifest();
	system_start(&manifest);
	serve();
	return EXIT_FAILURE;
}
