/*
 * test_boot_archive.c: the boot archive's reader, with sound archives and with
 * what a hostile or broken one may hold.
 *
 * Every archive is given in a block of exactly its size, so that the address
 * sanitiser sees a byte read too far.
 *
 * Sources: kernel/boot_archive.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/boot_archive.h"

#define REGULAR 0100755
#define FOLDER	0040755

struct builder {
	char bytes[4096];
	size_t size;
};

static void
pad(struct builder *builder)
{
	while (builder->size % 4 != 0)
		builder->bytes[builder->size++] = '\0';
}

static void
add(struct builder *builder, const char *name, unsigned mode,
    const char *contents)
{
	builder->size += (size_t)sprintf(builder->bytes + builder->size,
	    "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1,
	    mode, 0, 0, 1, 0, (unsigned)strlen(contents), 0, 0, 0, 0,
	    (unsigned)strlen(name) + 1, 0);
	strcpy(builder->bytes + builder->size, name);
	builder->size += strlen(name) + 1;
	pad(builder);
	memcpy(builder->bytes + builder->size, contents, strlen(contents));
	builder->size += strlen(contents);
	pad(builder);
}

/* Three files, the middle one empty, and a folder. */
static void
build(struct builder *builder)
{
	memset(builder, 0, sizeof(*builder));
	add(builder, "manifest", REGULAR, "lines");
	add(builder, "empty", REGULAR, "");
	add(builder, "bin", FOLDER, "");
	add(builder, "bootstrap", REGULAR, "program!");
	add(builder, "TRAILER!!!", 0, "");
}

/* Look @name up in an exactly sized copy; its contents go to @found. */
static enum boot_archive_status
find_in(const char *bytes, size_t size, const char *name, char found[16])
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	struct boot_archive archive = {.bytes = copy, .size = size};
	struct boot_file file;
	enum boot_archive_status status;

	memcpy(copy, bytes, size);
	status = boot_archive_find(&archive, name, &file);
	if (status == BOOT_ARCHIVE_OK) {
		assert_true(file.bytes >= copy);
		assert_true(file.size <= size);
		assert_true((size_t)(file.bytes - copy) <= size - file.size);
		memset(found, 0, 16);
		memcpy(found, file.bytes, file.size < 15 ? file.size : 15);
	}
	free(copy);
	return status;
}

static enum boot_archive_status
find(const struct builder *builder, const char *name, char found[16])
{
	return find_in(builder->bytes, builder->size, name, found);
}

static void
test_files_are_found(void **state)
{
	struct builder builder;
	char found[16];

	(void)state;
	build(&builder);
	assert_int_equal(find(&builder, "manifest", found), BOOT_ARCHIVE_OK);
	assert_string_equal(found, "lines");
	assert_int_equal(find(&builder, "empty", found), BOOT_ARCHIVE_OK);
	assert_string_equal(found, "");
	assert_int_equal(find(&builder, "bootstrap", found), BOOT_ARCHIVE_OK);
	assert_string_equal(found, "program!");
}

static void
test_others_are_not(void **state)
{
	static const char *const names[] = {
	    "", "boot", "bootstrap/", "bootstrapper", "TRAILER!!!", "bin"};
	struct builder builder;
	char found[16];

	(void)state;
	build(&builder);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(
		    find(&builder, names[i], found), BOOT_ARCHIVE_NO_FILE);
}

static void
test_large_digits(void **state)
{
	struct builder builder;
	char found[16];

	(void)state;
	memset(&builder, 0, sizeof(builder));
	add(&builder, "abcdefghij", REGULAR, "ten and one");
	memcpy(builder.bytes + 6 + 6 * 8, "0000000B", 8);
	memcpy(builder.bytes + 6 + 11 * 8, "0000000B", 8);
	assert_int_equal(find(&builder, "abcdefghij", found), BOOT_ARCHIVE_OK);
	assert_string_equal(found, "ten and one");
}

static void
test_every_truncation(void **state)
{
	struct builder builder;
	char found[16];

	(void)state;
	build(&builder);
	for (size_t size = 0; size < builder.size; size++) {
		enum boot_archive_status status =
		    find_in(builder.bytes, size, "bootstrap", found);

		if (status == BOOT_ARCHIVE_OK)
			assert_string_equal(found, "program!");
		else
			assert_int_equal(status, BOOT_ARCHIVE_DAMAGED);
	}
}

static void
test_lengths_that_lie(void **state)
{
	static const char *const lengths[] = {"ffffffff", "fffffffc",
	    "80000000", "00000fff", "0000000g", "        "};
	static const unsigned numbers[] = {6, 11};
	char found[16];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (size_t j = 0; j < 2; j++) {
			struct builder builder;

			build(&builder);
			memcpy(
			    builder.bytes + 6 + numbers[j] * 8, lengths[i], 8);
			assert_int_equal(find(&builder, "bootstrap", found),
			    BOOT_ARCHIVE_DAMAGED);
		}
}

static void
test_name_without_end(void **state)
{
	struct builder builder;
	char found[16];

	(void)state;
	build(&builder);
	memcpy(builder.bytes + 110, "manifestXX", 9);
	assert_int_equal(
	    find(&builder, "manifest", found), BOOT_ARCHIVE_DAMAGED);
	build(&builder);
	memcpy(builder.bytes + 6 + 11 * 8, "00000000", 8);
	assert_int_equal(
	    find(&builder, "manifest", found), BOOT_ARCHIVE_DAMAGED);
}

static void
test_other_forms_of_cpio(void **state)
{
	static const char *const magics[] = {
	    "070707", "070702", "\307\161abcd"};
	char found[16];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct builder builder;

		build(&builder);
		memcpy(builder.bytes, magics[i], 6);
		assert_int_equal(
		    find(&builder, "manifest", found), BOOT_ARCHIVE_DAMAGED);
	}
}

/* Bytes changed at random: any answer will do, but no byte read too far. */
static void
test_random_damage(void **state)
{
	char found[16];

	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct builder builder;

		build(&builder);
		for (int change = 0; change < 3; change++) {
			size_t at = (size_t)rand() % builder.size;

			builder.bytes[at] =
			    rand() % 2 ? (char)rand()
				       : "0123456789abcdef"[rand() % 16];
		}
		(void)find(&builder, "bootstrap", found);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_files_are_found),
	    cmocka_unit_test(test_others_are_not),
	    cmocka_unit_test(test_large_digits),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_lengths_that_lie),
	    cmocka_unit_test(test_name_without_end),
	    cmocka_unit_test(test_other_forms_of_cpio),
	    cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
