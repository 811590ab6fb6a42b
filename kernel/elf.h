/*
 * kernel/elf.h: read a program: the first task here, all others in the
 * bootstrap server, which is built with this file too.
 *
 * Only what they have to load is accepted: 64-bit little-endian RISC-V,
 * linked to a fixed address (ET_EXEC), static.  elf_open() checks everything
 * once, so whoever then walks the segments may use them as they come:
 *
 *  - each lies in the user's half, not in the null page, and holds at least one
 *    byte; its contents lie in the file;
 *  - they rise in address, and no page belongs to two of them;
 *  - none is both writable and executable;
 *  - the entry point lies in an executable one.
 *
 * The file need not be aligned in memory.
 */
#pragma once
#include "kernel/types.h"

enum elf_status {
	ELF_OK,
	ELF_TRUNCATED,	   /* something reaches past the end of the file */
	ELF_NOT_ELF,	   /* no ELF, or a form of it that we do not know */
	ELF_OTHER_MACHINE, /* not 64-bit little-endian RISC-V */
	ELF_NOT_STATIC,	   /* wants a dynamic linker, or to be relocated */
	ELF_BAD_SEGMENT,   /* a segment breaks one of the rules above */
	ELF_BAD_ENTRY,	   /* the entry point cannot be executed */
};

/* Filled by elf_open(); refers to the caller's bytes. */
struct elf {
	const uint8_t *bytes;
	uint64_t size;
	uint64_t entry;
	uint64_t headers; /* offset of the program headers */
	uint32_t header_count;
};

/* A part of the program that is to be in memory. */
struct elf_segment {
	uint64_t start, size;	 /* where it goes, to the byte */
	uint64_t offset, stored; /* what the file has of it; the rest is zero */
	unsigned prot;		 /* VM_PROT_* */
};

enum elf_status must_check elf_open(
    struct elf *elf, const void *bytes, uint64_t size);

/*
 * The next segment at or after program header *@index (0 at first), which is
 * moved behind it; false when there is none.
 */
bool elf_next_segment(
    const struct elf *elf, uint32_t *index, struct elf_segment *segment);

/* Words for the boot log: "not static". */
const char *elf_status_name(enum elf_status status);
