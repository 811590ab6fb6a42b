/*
 * servers/files.h: the file pager, service "files".
 *
 * It serves the files of the boot archive as memory objects, which nobody can
 * write: mach_vm_map() of one shows what is in the file, and zeros behind its
 * end.  The bootstrap server maps programs from it.  The messages are defined
 * in servers/files.defs.
 */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>
#include <servers/bootstrap.h>

MACH_BEGIN_DECLS

#define FILES_SERVICE "files"

/*
 * A send right to the memory object of the file @name, and the file's size in
 * bytes.  The right stays good when the pager dies and is started again.
 * KERN_NOT_FOUND: there is no such file.
 */
kern_return_t files_open(mach_port_t files, bootstrap_name_t name,
    memory_object_t *object, uint64_t *size);

MACH_END_DECLS
