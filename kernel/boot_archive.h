/*
 * kernel/boot_archive.h: find a file in the boot archive.
 *
 * The archive is what firmware passes as the initial ramdisk: a cpio in the
 * "newc" form.  The kernel takes the first task out of it and no more; the
 * bootstrap server, which gets the whole archive, is built with this file too.
 *
 *	member = header: "070701" and 13 numbers of 8 hexadecimal digits
 *		 | name, with its NUL, up to a multiple of 4
 *		 | contents, up to a multiple of 4
 *
 * and the last member is called "TRAILER!!!".  Nothing in the archive is
 * trusted: every length is checked against what is left.
 */
#pragma once
#include "kernel/types.h"

struct boot_archive {
	const uint8_t *bytes;
	uint64_t size;
};

/* A file's contents, within the archive; aligned to 4 bytes at most. */
struct boot_file {
	const uint8_t *bytes;
	uint64_t size;
};

enum boot_archive_status {
	BOOT_ARCHIVE_OK,
	BOOT_ARCHIVE_NO_FILE, /* the archive is sound, but has no such file */
	BOOT_ARCHIVE_DAMAGED, /* before such a file was found */
};

/*
 * The first regular file at or behind *@offset, which is moved behind it; 0 is
 * the first of all.  *@name lies in the archive.
 */
enum boot_archive_status boot_archive_next(const struct boot_archive *archive,
    uint64_t *offset, const char **name, struct boot_file *file);

/* The regular file called @name, exactly; *@file is written on success only. */
enum boot_archive_status boot_archive_find(const struct boot_archive *archive,
    const char *name, struct boot_file *file);
