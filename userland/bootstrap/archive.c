/* bootstrap/archive.c: see archive.h. */
#include "archive.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/elf.h"

static struct boot_archive archive;

void
archive_init(const void *bytes, size_t size)
{
	archive = (struct boot_archive){.bytes = bytes, .size = size};
}

bool
archive_find(const char *name, struct boot_file *file)
{
	return boot_archive_find(&archive, name, file) == BOOT_ARCHIVE_OK;
}

const char *
archive_next(uint64_t *offset)
{
	struct boot_file file;
	const char *name;

	if (boot_archive_next(&archive, offset, &name, &file) !=
	    BOOT_ARCHIVE_OK)
		return NULL;
	return name;
}

static bool
is_program(const struct boot_file *file)
{
	struct elf elf;

	return elf_open(&elf, file->bytes, file->size) == ELF_OK;
}

const char *
archive_program(unsigned int index)
{
	struct boot_file file;
	uint64_t offset = 0;
	const char *name;

	while (boot_archive_next(&archive, &offset, &name, &file) ==
	       BOOT_ARCHIVE_OK)
		if (is_program(&file) && index-- == 0)
			return name;
	return NULL;
}

char *
archive_text(const char *name)
{
	struct boot_file file;
	char *text;

	if (!archive_find(name, &file))
		return NULL;
	text = malloc(file.size + 1);
	if (text == NULL)
		return NULL;
	memcpy(text, file.bytes, file.size);
	text[file.size] = '\0';
	return text;
}
