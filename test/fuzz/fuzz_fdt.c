/*
 * test/fuzz/fuzz_fdt.c: the device-tree reader, and machine.c above it, on
 * bytes that libFuzzer makes up.
 *
 * Sources: drivers/fdt.c drivers/fdt_find.c drivers/fdt_bus.c drivers/machine.c
 */
#include "dts/explore.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* In a block of its own, so that it is aligned and its end is guarded. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		return 0;
	memcpy(copy, bytes, size);
	explore_blob(copy, size);
	free(copy);
	return 0;
}
