/*
 * test/unit/dts/blobs.h: device trees for tests, from four places.
 *
 * Each comes in a heap block of exactly its size, so that the address sanitiser
 * sees the first byte read beyond it.  Whoever asks frees it.  Where a tree
 * cannot be had (no dtc, no QEMU, no boards' trees beside the project), the
 * answer is NULL, and a word on stderr says what was left out.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOARD_TREES "../shared/dtb/"

struct blob {
	uint8_t *bytes;
	size_t size;
};

/* The trees that boards really have. */
static const char *const board_names[] = {
    "debian-uboot-visionfive2-control",
    "hifive-unmatched-a00",
    "jh7110-starfive-visionfive-2-v1.3b",
    "mpfs-icicle-kit",
    "passed-sifive_u72-spl-uboot",
    "passed-virt72-uboot",
    "sun20i-d1-nezha",
};

static inline struct blob
blob_copy(const void *bytes, size_t size)
{
	struct blob blob = {malloc(size > 0 ? size : 1), size};

	if (blob.bytes != NULL)
		memcpy(blob.bytes, bytes, size);
	return blob;
}

static inline struct blob
blob_read(FILE *file)
{
	static uint8_t buffer[2 << 20];
	size_t size = fread(buffer, 1, sizeof(buffer), file);

	return size > 0 ? blob_copy(buffer, size) : (struct blob){NULL, 0};
}

/* Cut @blob to the size in its header; QEMU pads what it dumps. */
static inline struct blob
blob_without_padding(struct blob blob, uint32_t size)
{
	struct blob cut = {NULL, 0};

	if (blob.bytes != NULL && size <= blob.size)
		cut = blob_copy(blob.bytes, size);
	free(blob.bytes);
	return cut;
}

static inline struct blob
blob_left_out(const char *what)
{
	fprintf(stderr, "left out: %s\n", what);
	return (struct blob){NULL, 0};
}

static inline struct blob
blob_from_board(const char *name)
{
	struct blob blob = {NULL, 0};
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), BOARD_TREES "%s.dtb", name);
	file = fopen(path, "rb");
	if (file != NULL) {
		blob = blob_read(file);
		fclose(file);
	}
	return blob.bytes != NULL ? blob : blob_left_out(path);
}

/* test/unit/dts/@name.dts, through dtc. */
static inline struct blob
blob_from_source(const char *name)
{
	struct blob blob = {NULL, 0};
	char command[200];
	FILE *pipe;

	snprintf(command, sizeof(command),
	    "dtc -q -I dts -O dtb test/unit/dts/%s.dts", name);
	pipe = popen(command, "r");
	if (pipe != NULL) {
		blob = blob_read(pipe);
		pclose(pipe);
	}
	return blob.bytes != NULL ? blob : blob_left_out(command);
}

/* The tree that QEMU makes when it is given @options. */
static inline struct blob
blob_from_qemu(const char *machine, const char *options)
{
	char path[] = "/tmp/baton-dtb-XXXXXX";
	struct blob blob = {NULL, 0};
	char command[300];
	int fd = mkstemp(path);
	FILE *file;

	if (fd < 0)
		return blob;
	close(fd);
	snprintf(command, sizeof(command),
	    "timeout 20 qemu-system-riscv64 -M %s,dumpdtb=%s -display none %s "
	    ">/dev/null 2>&1",
	    machine, path, options);
	if (system(command) == 0 && (file = fopen(path, "rb")) != NULL) {
		blob = blob_read(file);
		fclose(file);
	}
	unlink(path);
	return blob.bytes != NULL ? blob : blob_left_out(command);
}
