/*
 * test_elf.c: what the loader of the first task accepts and, mostly, what it
 * does not.
 *
 * Every program is given in a block of exactly its size, misaligned as in a
 * boot archive, so that the sanitisers see a byte read too far or a wide load
 * from a narrow place.
 *
 * Sources: kernel/elf.c
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mach/vm_prot.h>

#include "kernel/elf.h"

#define HALF_END 0x4000000000UL /* where the user's half ends */

struct program {
	Elf64_Ehdr file;
	Elf64_Phdr part[3];
	char contents[256];
};

#define CONTENTS offsetof(struct program, contents)

/* Code, constants-free, and data that is larger than its contents. */
static void
build(struct program *program)
{
	memset(program, 0, sizeof(*program));
	memcpy(program->file.e_ident, ELFMAG, SELFMAG);
	program->file.e_ident[EI_CLASS] = ELFCLASS64;
	program->file.e_ident[EI_DATA] = ELFDATA2LSB;
	program->file.e_ident[EI_VERSION] = EV_CURRENT;
	program->file.e_type = ET_EXEC;
	program->file.e_machine = EM_RISCV;
	program->file.e_version = EV_CURRENT;
	program->file.e_entry = 0x10010;
	program->file.e_phoff = offsetof(struct program, part);
	program->file.e_ehsize = sizeof(Elf64_Ehdr);
	program->file.e_phentsize = sizeof(Elf64_Phdr);
	program->file.e_phnum = 3;
	program->part[0] = (Elf64_Phdr){.p_type = PT_LOAD,
	    .p_flags = PF_R | PF_X,
	    .p_offset = CONTENTS,
	    .p_vaddr = 0x10000,
	    .p_filesz = 128,
	    .p_memsz = 128};
	program->part[1] = (Elf64_Phdr){.p_type = PT_NOTE};
	program->part[2] = (Elf64_Phdr){.p_type = PT_LOAD,
	    .p_flags = PF_R | PF_W,
	    .p_offset = CONTENTS + 128,
	    .p_vaddr = 0x12000,
	    .p_filesz = 128,
	    .p_memsz = 0x3000};
}

/* elf_open() of the first @size bytes, which then walks all segments. */
static enum elf_status
open_bytes(const void *bytes, size_t size)
{
	uint8_t *block = malloc(size + 4);
	struct elf elf;
	struct elf_segment segment;
	uint32_t index = 0;
	enum elf_status status;

	memcpy(block + 4, bytes, size);
	status = elf_open(&elf, block + 4, size);
	while (status == ELF_OK && elf_next_segment(&elf, &index, &segment)) {
		assert_true(segment.size > 0);
		assert_true(segment.start >= 0x1000);
		assert_true(segment.size <= HALF_END - segment.start);
		assert_true(segment.stored <= segment.size);
		assert_true(segment.offset <= size);
		assert_true(segment.stored <= size - segment.offset);
	}
	free(block);
	return status;
}

static enum elf_status
open_program(const struct program *program)
{
	return open_bytes(program, sizeof(*program));
}

static void
test_segments(void **state)
{
	struct program program;
	struct elf elf;
	struct elf_segment segment;
	uint32_t index = 0;

	(void)state;
	build(&program);
	assert_int_equal(elf_open(&elf, &program, sizeof(program)), ELF_OK);
	assert_int_equal(elf.entry, 0x10010);

	assert_true(elf_next_segment(&elf, &index, &segment));
	assert_int_equal(segment.start, 0x10000);
	assert_int_equal(segment.size, 128);
	assert_int_equal(segment.offset, CONTENTS);
	assert_int_equal(segment.stored, 128);
	assert_int_equal(segment.prot, VM_PROT_READ | VM_PROT_EXECUTE);

	assert_true(elf_next_segment(&elf, &index, &segment));
	assert_int_equal(segment.start, 0x12000);
	assert_int_equal(segment.size, 0x3000);
	assert_int_equal(segment.stored, 128);
	assert_int_equal(segment.prot, VM_PROT_READ | VM_PROT_WRITE);

	assert_false(elf_next_segment(&elf, &index, &segment));
	assert_false(elf_next_segment(&elf, &index, &segment));
}

static void
test_every_truncation(void **state)
{
	struct program program;

	(void)state;
	build(&program);
	for (size_t size = 0; size < sizeof(program); size++)
		assert_int_equal(open_bytes(&program, size), ELF_TRUNCATED);
}

#define assert_refused(status, change)                                         \
	do {                                                                   \
		struct program program;                                        \
		build(&program);                                               \
		change;                                                        \
		assert_int_equal(open_program(&program), status);              \
	} while (0)

static void
test_other_files(void **state)
{
	(void)state;
	assert_refused(ELF_NOT_ELF, program.file.e_ident[0] = 0);
	assert_refused(ELF_NOT_ELF, program.file.e_ident[EI_VERSION] = 2);
	assert_refused(ELF_NOT_ELF, program.file.e_version = 0);
	assert_refused(
	    ELF_OTHER_MACHINE, program.file.e_ident[EI_CLASS] = ELFCLASS32);
	assert_refused(
	    ELF_OTHER_MACHINE, program.file.e_ident[EI_DATA] = ELFDATA2MSB);
	assert_refused(ELF_OTHER_MACHINE, program.file.e_machine = EM_X86_64);
	assert_refused(ELF_NOT_STATIC, program.file.e_type = ET_DYN);
	assert_refused(ELF_NOT_STATIC, program.part[1].p_type = PT_INTERP);
	assert_refused(ELF_NOT_STATIC, program.part[1].p_type = PT_DYNAMIC);
	assert_refused(ELF_NOT_ELF, program.file.e_type = ET_REL);
	assert_refused(ELF_NOT_ELF, program.file.e_phentsize = 32);
	assert_refused(ELF_NOT_ELF, program.file.e_ehsize = 52);
	assert_refused(ELF_NOT_ELF, program.file.e_phnum = 0);
	assert_refused(ELF_NOT_ELF, program.file.e_phnum = 0xffff);
}

static void
test_offsets_that_lie(void **state)
{
	(void)state;
	assert_refused(ELF_TRUNCATED, program.file.e_phoff = UINT64_MAX);
	assert_refused(ELF_TRUNCATED, program.file.e_phoff = UINT64_MAX - 55);
	assert_refused(ELF_TRUNCATED, program.file.e_phoff = sizeof(program));
	assert_refused(ELF_TRUNCATED, program.part[0].p_offset = UINT64_MAX);
	assert_refused(
	    ELF_TRUNCATED, program.part[0].p_offset = UINT64_MAX - 127);
	assert_refused(ELF_TRUNCATED, program.part[0].p_offset += 129);
	assert_refused(ELF_TRUNCATED, program.part[2].p_filesz = UINT64_MAX);
}

static void
test_segments_that_cannot_be(void **state)
{
	(void)state;
	assert_refused(ELF_BAD_SEGMENT, program.part[0].p_memsz = 127);
	assert_refused(ELF_BAD_SEGMENT, program.part[2].p_memsz = 0;
		       program.part[2].p_filesz = 0);
	/* the null page, the kernel's half, all of memory */
	assert_refused(ELF_BAD_SEGMENT, program.part[0].p_vaddr = 0);
	assert_refused(ELF_BAD_SEGMENT, program.part[0].p_vaddr = 0xfff);
	assert_refused(ELF_BAD_SEGMENT, program.part[2].p_vaddr = HALF_END);
	assert_refused(
	    ELF_BAD_SEGMENT, program.part[2].p_vaddr = HALF_END - 0x2fff);
	assert_refused(
	    ELF_BAD_SEGMENT, program.part[2].p_vaddr = 0xffffffc000000000);
	assert_refused(ELF_BAD_SEGMENT, program.part[2].p_vaddr = UINT64_MAX);
	assert_refused(ELF_BAD_SEGMENT, program.part[2].p_memsz = UINT64_MAX);
	assert_refused(
	    ELF_BAD_SEGMENT, program.part[2].p_memsz = HALF_END - 0x12000 + 1);
	/* two on one page, or out of order */
	assert_refused(ELF_BAD_SEGMENT, program.part[2].p_vaddr = 0x10800);
	assert_refused(ELF_BAD_SEGMENT, program.part[2].p_vaddr = 0x10000);
	assert_refused(ELF_BAD_SEGMENT, program.part[2].p_vaddr = 0x8000);
	/* writable code */
	assert_refused(ELF_BAD_SEGMENT, program.part[0].p_flags |= PF_W);
	assert_refused(ELF_BAD_SEGMENT, program.part[2].p_flags |= PF_X);
}

static void
test_segments_at_the_edges(void **state)
{
	(void)state;
	assert_refused(ELF_OK, program.part[2].p_vaddr = HALF_END - 0x3000);
	assert_refused(ELF_OK, program.part[0].p_vaddr = 0x1000;
		       program.file.e_entry = 0x107e);
	assert_refused(ELF_OK, program.part[2].p_vaddr = 0x11000);
	assert_refused(ELF_OK, program.part[2].p_filesz = 0);
}

static void
test_entry(void **state)
{
	(void)state;
	assert_refused(ELF_BAD_ENTRY, program.file.e_entry = 0);
	assert_refused(ELF_BAD_ENTRY, program.file.e_entry = 0xfffe);
	assert_refused(ELF_BAD_ENTRY, program.file.e_entry = 0x10080);
	assert_refused(ELF_BAD_ENTRY, program.file.e_entry = 0x10011);
	assert_refused(ELF_BAD_ENTRY, program.file.e_entry = 0x12000);
	assert_refused(ELF_BAD_ENTRY, program.file.e_entry = UINT64_MAX - 1);
	assert_refused(ELF_BAD_ENTRY, program.part[0].p_type = PT_NULL);
}

/* Bytes changed at random: any answer will do, but no byte read too far. */
static void
test_random_damage(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 50000; round++) {
		struct program program;

		build(&program);
		for (int change = 0; change < 4; change++)
			((uint8_t *)&program)[(size_t)rand() % CONTENTS] =
			    (uint8_t)(rand() % 3 ? rand() : 0xff);
		(void)open_program(&program);
	}
}

static void
test_names(void **state)
{
	(void)state;
	for (int status = ELF_OK; status <= ELF_BAD_ENTRY; status++)
		assert_string_not_equal(
		    elf_status_name((enum elf_status)status), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_segments),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_other_files),
	    cmocka_unit_test(test_offsets_that_lie),
	    cmocka_unit_test(test_segments_that_cannot_be),
	    cmocka_unit_test(test_segments_at_the_edges),
	    cmocka_unit_test(test_entry),
	    cmocka_unit_test(test_random_damage),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
