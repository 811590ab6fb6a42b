/*
 * kernel/elf.c: check a program, then hand out its segments.
 *
 * Every field is copied out before it is used, because a file in the boot
 * archive is aligned to 4 bytes only, and every sum is checked before it is
 * made, because a file may say anything.
 */
#include "kernel/elf.h"

#include <mach/vm_param.h>
#include <mach/vm_prot.h>

#include "kernel/string.h"

struct file_header {
	uint8_t magic[4];
	uint8_t class, byte_order, ident_version;
	uint8_t padding[9];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, headers, sections;
	uint32_t flags;
	uint16_t size, header_size, header_count;
	uint16_t section_size, section_count, section_names;
};
static_assert(sizeof(struct file_header) == 64, "as the ELF standard says");

struct program_header {
	uint32_t type, flags;
	uint64_t offset, start, physical, stored, size, alignment;
};
static_assert(sizeof(struct program_header) == 56, "as the ELF standard says");

enum {
	CLASS_64 = 2,
	LITTLE_ENDIAN_BYTES = 1,
	CURRENT_VERSION = 1,
	TYPE_EXECUTABLE = 2,
	TYPE_SHARED = 3,
	MACHINE_RISCV = 243,
	SEGMENT_LOAD = 1,
	SEGMENT_DYNAMIC = 2,
	SEGMENT_INTERPRETER = 3,
	FLAG_EXECUTE = 1,
	FLAG_WRITE = 2,
	FLAG_READ = 4,
	HEADERS_MAX = 32,
};

static void
header_read(
    const struct elf *elf, uint32_t index, struct program_header *header)
{
	memcpy(header, elf->bytes + elf->headers + index * sizeof(*header),
	    sizeof(*header));
}

static enum elf_status
check_file_header(const struct file_header *header, uint64_t size)
{
	if (memcmp(header->magic, "\177ELF", 4) != 0 ||
	    header->ident_version != CURRENT_VERSION ||
	    header->version != CURRENT_VERSION)
		return ELF_NOT_ELF;
	if (header->class != CLASS_64 ||
	    header->byte_order != LITTLE_ENDIAN_BYTES ||
	    header->machine != MACHINE_RISCV)
		return ELF_OTHER_MACHINE;
	if (header->type == TYPE_SHARED)
		return ELF_NOT_STATIC;
	if (header->type != TYPE_EXECUTABLE ||
	    header->size != sizeof(*header) ||
	    header->header_size != sizeof(struct program_header) ||
	    header->header_count == 0 || header->header_count > HEADERS_MAX)
		return ELF_NOT_ELF;
	if (header->headers > size ||
	    header->header_count * sizeof(struct program_header) >
		size - header->headers)
		return ELF_TRUNCATED;
	return ELF_OK;
}

/* @lowest: the first address that no earlier segment's pages reach. */
static enum elf_status
check_segment(
    const struct elf *elf, const struct program_header *header, uint64_t lowest)
{
	if (header->offset > elf->size ||
	    header->stored > elf->size - header->offset)
		return ELF_TRUNCATED;
	if (header->size == 0 || header->stored > header->size)
		return ELF_BAD_SEGMENT;
	if (header->start >= VM_MAX_ADDRESS ||
	    header->size > VM_MAX_ADDRESS - header->start ||
	    page_floor(header->start) < lowest)
		return ELF_BAD_SEGMENT;
	if ((header->flags & FLAG_WRITE) && (header->flags & FLAG_EXECUTE))
		return ELF_BAD_SEGMENT;
	return ELF_OK;
}

static bool
holds_entry(const struct elf *elf, const struct program_header *header)
{
	return (header->flags & FLAG_EXECUTE) && elf->entry >= header->start &&
	       elf->entry - header->start < header->size && elf->entry % 2 == 0;
}

static enum elf_status
check_program_headers(const struct elf *elf)
{
	uint64_t lowest = VM_MIN_ADDRESS;
	bool has_entry = false;

	for (uint32_t i = 0; i < elf->header_count; i++) {
		struct program_header header;
		enum elf_status status;

		header_read(elf, i, &header);
		if (header.type == SEGMENT_DYNAMIC ||
		    header.type == SEGMENT_INTERPRETER)
			return ELF_NOT_STATIC;
		if (header.type != SEGMENT_LOAD)
			continue;
		status = check_segment(elf, &header, lowest);
		if (status != ELF_OK)
			return status;
		lowest = page_ceil(header.start + header.size);
		has_entry = has_entry || holds_entry(elf, &header);
	}
	return has_entry ? ELF_OK : ELF_BAD_ENTRY;
}

enum elf_status
elf_open(struct elf *elf, const void *bytes, uint64_t size)
{
	struct file_header header;
	enum elf_status status;

	if (size < sizeof(header))
		return ELF_TRUNCATED;
	memcpy(&header, bytes, sizeof(header));
	status = check_file_header(&header, size);
	if (status != ELF_OK)
		return status;

	*elf = (struct elf){
	    .bytes = bytes,
	    .size = size,
	    .entry = header.entry,
	    .headers = header.headers,
	    .header_count = header.header_count,
	};
	return check_program_headers(elf);
}

bool
elf_next_segment(
    const struct elf *elf, uint32_t *index, struct elf_segment *segment)
{
	while (*index < elf->header_count) {
		struct program_header header;

		header_read(elf, (*index)++, &header);
		if (header.type != SEGMENT_LOAD)
			continue;
		*segment = (struct elf_segment){
		    .start = header.start,
		    .size = header.size,
		    .offset = header.offset,
		    .stored = header.stored,
		    .prot = (header.flags & FLAG_READ ? VM_PROT_READ : 0) |
			    (header.flags & FLAG_WRITE ? VM_PROT_WRITE : 0) |
			    (header.flags & FLAG_EXECUTE ? VM_PROT_EXECUTE : 0),
		};
		return true;
	}
	return false;
}

const char *
elf_status_name(enum elf_status status)
{
	switch (status) {
	case ELF_OK:
		return "fine";
	case ELF_TRUNCATED:
		return "cut short";
	case ELF_NOT_ELF:
		return "not an ELF program";
	case ELF_OTHER_MACHINE:
		return "not for 64-bit RISC-V";
	case ELF_NOT_STATIC:
		return "not static";
	case ELF_BAD_SEGMENT:
		return "a segment that cannot be loaded";
	case ELF_BAD_ENTRY:
		return "an entry point outside its code";
	}
	return "unknown";
}
