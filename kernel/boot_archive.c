/*
 * kernel/boot_archive.c: walk a cpio archive of the "newc" form.
 */
#include "kernel/boot_archive.h"

#include "kernel/string.h"

enum {
	MAGIC_SIZE = 6,
	NUMBER_SIZE = 8,
	HEADER_SIZE = MAGIC_SIZE + 13 * NUMBER_SIZE,
	/* which of the 13 numbers */
	NUMBER_MODE = 1,
	NUMBER_FILE_SIZE = 6,
	NUMBER_NAME_SIZE = 11,
};

#define MODE_TYPE    0170000U
#define MODE_REGULAR 0100000U

/* One member, checked to lie within the archive. */
struct member {
	uint32_t mode;
	const char *name; /* terminated */
	struct boot_file file;
	uint64_t next; /* offset of the next one */
};

static uint64_t
round_up_4(uint64_t value)
{
	return (value + 3) & ~3UL;
}

static bool
digit_value(uint8_t digit, uint32_t *value)
{
	if (digit >= '0' && digit <= '9')
		*value = digit - '0';
	else if (digit >= 'a' && digit <= 'f')
		*value = digit - 'a' + 10;
	else if (digit >= 'A' && digit <= 'F')
		*value = digit - 'A' + 10;
	else
		return false;
	return true;
}

/* The header's number @which. */
static bool
header_number(const uint8_t *header, unsigned which, uint32_t *number)
{
	const uint8_t *digits = header + MAGIC_SIZE + which * NUMBER_SIZE;
	uint32_t sum = 0;

	for (unsigned i = 0; i < NUMBER_SIZE; i++) {
		uint32_t value;

		if (!digit_value(digits[i], &value))
			return false;
		sum = sum << 4 | value;
	}
	*number = sum;
	return true;
}

/*
 * The member at @offset.  Its numbers have 32 bits, so no sum of them with an
 * offset into memory overflows 64.
 */
static bool
member_read(
    const struct boot_archive *archive, uint64_t offset, struct member *member)
{
	const uint8_t *header = archive->bytes + offset;
	uint32_t file_size, name_size;
	uint64_t contents;

	if (offset > archive->size || archive->size - offset < HEADER_SIZE)
		return false;
	if (memcmp(header, "070701", MAGIC_SIZE) != 0 ||
	    !header_number(header, NUMBER_MODE, &member->mode) ||
	    !header_number(header, NUMBER_FILE_SIZE, &file_size) ||
	    !header_number(header, NUMBER_NAME_SIZE, &name_size))
		return false;

	contents = round_up_4(offset + HEADER_SIZE + name_size);
	if (name_size == 0 || contents > archive->size ||
	    file_size > archive->size - contents)
		return false;

	member->name = (const char *)header + HEADER_SIZE;
	if (member->name[name_size - 1] != '\0')
		return false;
	member->file.bytes = archive->bytes + contents;
	member->file.size = file_size;
	member->next = round_up_4(contents + file_size);
	return true;
}

enum boot_archive_status
boot_archive_next(const struct boot_archive *archive, uint64_t *offset,
    const char **name, struct boot_file *file)
{
	struct member member;

	while (member_read(archive, *offset, &member)) {
		if (strcmp(member.name, "TRAILER!!!") == 0)
			return BOOT_ARCHIVE_NO_FILE;
		*offset = member.next;
		if ((member.mode & MODE_TYPE) == MODE_REGULAR) {
			*name = member.name;
			*file = member.file;
			return BOOT_ARCHIVE_OK;
		}
	}
	return BOOT_ARCHIVE_DAMAGED;
}

enum boot_archive_status
boot_archive_find(const struct boot_archive *archive, const char *name,
    struct boot_file *file)
{
	uint64_t offset = 0;
	const char *found_name;
	struct boot_file found;
	enum boot_archive_status status;

	do
		status =
		    boot_archive_next(archive, &offset, &found_name, &found);
	while (status == BOOT_ARCHIVE_OK && strcmp(found_name, name) != 0);
	if (status == BOOT_ARCHIVE_OK)
		*file = found;
	return status;
}
