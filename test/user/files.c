/*
 * files.c: the names and sizes of the boot archive's files, as the file pager
 * tells them.  What is in their memory is pagers.c's.
 */
#include "test/user/mach_test.h"

#include <servers/bootstrap.h>
#include <servers/files.h>
#include <string.h>

static mach_port_t files;

static void
test_open(void)
{
	mach_port_t object, again, service;
	uint64_t size = 0, same = 0;

	is(files_open(files, "manifest", &object, &size), KERN_SUCCESS,
	    "a file is found");
	ok(size > 0, "which is not empty");
	ok(type_of(object) & MACH_PORT_TYPE_SEND, "by a send right");
	is(files_open(files, "manifest", &again, &same), KERN_SUCCESS,
	    "and again");
	is(again, object, "it is the same object");
	is(same, size, "of the same size");
	is(send_refs(object), 2, "each time with a reference");
	is(bootstrap_look_up(
	       bootstrap_port, BOOTSTRAP_FILE_PREFIX "manifest", &service),
	    BOOTSTRAP_SUCCESS, "the bootstrap server knows it too");
	is(service, object, "as the same port");
	must(mach_port_mod_refs(
	    mach_task_self(), object, MACH_PORT_RIGHT_SEND, -3));
	is(files_open(files, "test/files", &object, &size), KERN_SUCCESS,
	    "so is a program");
	mach_port_deallocate(mach_task_self(), object);
}

static void
test_no_file(void)
{
	static const char *const names[] = {
	    "", "no/such/file", "test", "test/", "/manifest", "manifest/"};
	char longest[BOOTSTRAP_MAX_NAME_LEN];
	mach_port_t object;
	uint64_t size;
	unsigned wrong = 0;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		wrong += files_open(files, names[i], &object, &size) !=
			 KERN_NOT_FOUND;
	is(wrong, 0, "what is no file's name is not found");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	is(files_open(files, longest, &object, &size), KERN_NOT_FOUND,
	    "nor is the longest name");
}

/* The archive, and the files' ports, are the file pager's alone. */
static void
test_privilege(void)
{
	mach_port_t port;
	uint64_t offset, size;

	is(bootstrap_archive(bootstrap_port, &port, &offset, &size),
	    BOOTSTRAP_NOT_PRIVILEGED, "the archive is not everybody's");
	is(bootstrap_check_in(
	       bootstrap_port, BOOTSTRAP_FILE_PREFIX "manifest", &port),
	    BOOTSTRAP_NOT_PRIVILEGED, "nor are its files' ports");
	is(bootstrap_check_in(bootstrap_port, FILES_SERVICE, &port),
	    BOOTSTRAP_NOT_PRIVILEGED, "nor its service");
}

int
main(void)
{
	must(bootstrap_look_up(bootstrap_port, FILES_SERVICE, &files));
	test_open();
	test_no_file();
	test_privilege();
	mach_port_deallocate(mach_task_self(), files);
	return done();
}
