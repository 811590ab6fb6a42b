/* bootstrap/archive.h: the boot archive that the kernel mapped for us. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel/boot_archive.h"

void archive_init(const void *bytes, size_t size);

bool archive_find(const char *name, struct boot_file *file);

/* The name of the file at or behind *@offset, which is moved behind it; NULL:
 * there is none. */
const char *archive_next(uint64_t *offset);

/* The name of the @index-th program; NULL: there are fewer. */
const char *archive_program(unsigned int index);

/* A file as a string, in memory the caller owns; NULL: no file, no memory. */
char *archive_text(const char *name);
