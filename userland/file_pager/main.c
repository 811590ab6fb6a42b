/*
 * file_pager/main.c: the file pager, servers/files.h.
 *
 * Each file of the boot archive is a memory object.  Its port is a service of
 * the bootstrap server's, "file/NAME", that is checked in here: when this task
 * dies the ports go back there with what waits in them, and to the next file
 * pager.  So who has a file mapped, and that is every program, notices nothing.
 *
 * The archive is a window of physical memory, at no page's boundary, so a page
 * is copied out of it into one that is then given away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baton/pager.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <servers/files.h>

#include "kernel/boot_archive.h"
#include "userland/include/servers/filesServer.h"

struct file {
	struct pager_object object;
	struct file *next;
	const char *name; /* in the archive */
	struct boot_file contents;
};

static struct file *files;
static mach_port_t set;

/* ---- contents ---- */

/* memcpy() goes byte by byte where both are not aligned to 8: what is in an
 * archive is to 4. */
static void
copy_words(void *to, const void *from, uint64_t size)
{
	uint32_t *out = to;
	const uint32_t *in = from;
	uint64_t words = size / sizeof(*in);

#pragma GCC unroll 16
	for (uint64_t i = 0; i < words; i++)
		out[i] = in[i];
	memcpy(out + words, in + words, size % sizeof(*in));
}

static kern_return_t
file_read(struct pager_object *object, uint64_t offset, void *page)
{
	const struct boot_file *contents = &((struct file *)object)->contents;
	uint64_t size = vm_page_size;

	if (offset >= contents->size)
		return PAGER_ZEROS;
	if (size > contents->size - offset)
		size = contents->size - offset;
	copy_words(page, contents->bytes + offset, size);
	return KERN_SUCCESS;
}

static const struct pager_calls file_calls = {.read = file_read};

kern_return_t
serve_files_open(mach_port_t server, bootstrap_name_t name, mach_port_t *object,
    uint64_t *size)
{
	const struct file *file = files;

	(void)server;
	while (file != NULL && strcmp(file->name, name) != 0)
		file = file->next;
	if (file == NULL)
		return KERN_NOT_FOUND;
	*object = file->object.port;
	*size = file->contents.size;
	return KERN_SUCCESS;
}

/* ---- the start ---- */

static kern_return_t
map_archive(struct boot_archive *archive)
{
	mach_port_t entry;
	mach_vm_address_t address = 0;
	uint64_t offset;
	kern_return_t kr;

	kr = bootstrap_archive(bootstrap_port, &entry, &offset, &archive->size);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = mach_vm_map(mach_task_self(), &address,
	    round_page(offset + archive->size), 0, VM_FLAGS_ANYWHERE, entry, 0,
	    FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE);
	mach_port_deallocate(mach_task_self(), entry);
	archive->bytes = (const uint8_t *)(address + offset);
	return kr;
}

/* The port by which the bootstrap server knows the file. */
static kern_return_t
check_in(const char *name, mach_port_t *port)
{
	name_t service;
	int length;

	length = snprintf(
	    service, sizeof(service), "%s%s", BOOTSTRAP_FILE_PREFIX, name);
	if (length >= (int)sizeof(service))
		return BOOTSTRAP_UNKNOWN_SERVICE;
	return bootstrap_check_in(bootstrap_port, service, port);
}

static kern_return_t
serve_file(const char *name, const struct boot_file *contents)
{
	struct file *file = malloc(sizeof(*file));
	mach_port_t port;
	kern_return_t kr;

	if (file == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*file = (struct file){.name = name, .contents = *contents};
	kr = check_in(name, &port);
	if (kr == KERN_SUCCESS)
		kr = pager_object_adopt(&file->object, &file_calls, set, port);
	if (kr != KERN_SUCCESS) {
		free(file);
		return kr;
	}
	file->next = files;
	files = file;
	return KERN_SUCCESS;
}

static kern_return_t
serve_files(const struct boot_archive *archive)
{
	struct boot_file contents;
	kern_return_t kr = KERN_SUCCESS;
	uint64_t offset = 0;
	const char *name;

	while (kr == KERN_SUCCESS && boot_archive_next(archive, &offset, &name,
					 &contents) == BOOT_ARCHIVE_OK)
		kr = serve_file(name, &contents);
	return kr;
}

static kern_return_t
start(void)
{
	struct boot_archive archive;
	mach_port_t service;
	kern_return_t kr;

	kr = mach_port_allocate(
	    mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set);
	if (kr == KERN_SUCCESS)
		kr = map_archive(&archive);
	if (kr == KERN_SUCCESS)
		kr = serve_files(&archive);
	if (kr == KERN_SUCCESS)
		kr =
		    bootstrap_check_in(bootstrap_port, FILES_SERVICE, &service);
	if (kr == KERN_SUCCESS)
		kr = mach_port_insert_member(mach_task_self(), service, set);
	return kr;
}

union request {
	union __RequestUnion__serve_files_subsystem files;
	char kernel[PAGER_MESSAGE_MAX];
};

static boolean_t
demux(mach_msg_header_t *in, mach_msg_header_t *out)
{
	return pager_server(in, out) || files_server(in, out);
}

int
main(void)
{
	kern_return_t kr = start();

	if (kr == KERN_SUCCESS)
		kr = mach_msg_server(
		    demux, sizeof(union request) + MAX_TRAILER_SIZE, set, 0);
	fprintf(stderr, "file_pager: %s\n", bootstrap_strerror(kr));
	return EXIT_FAILURE;
}
