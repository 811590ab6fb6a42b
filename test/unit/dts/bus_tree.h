/*
 * test/unit/dts/bus_tree.h: bus.dts, opened once for a group of tests.
 * Include after cmocka.h.
 */
#pragma once
#include "dts/blobs.h"
#include "dts/explore.h"

struct bus_tree {
	struct blob blob;
	struct fdt fdt;
};

static inline int
open_bus_tree(void **state)
{
	struct bus_tree *tree = calloc(1, sizeof(*tree));

	if (tree == NULL)
		return -1;
	*state = tree;
	tree->blob = blob_from_source("bus");
	if (tree->blob.bytes == NULL)
		return 0;
	return fdt_open(&tree->fdt, tree->blob.bytes, tree->blob.size);
}

static inline int
close_bus_tree(void **state)
{
	struct bus_tree *tree = *state;

	free(tree->blob.bytes);
	free(tree);
	return 0;
}

/* Skips the test if there is no such tree here. */
static inline const struct fdt *
bus_tree(void **state)
{
	struct bus_tree *tree = *state;

	if (tree->blob.bytes == NULL)
		skip();
	return &tree->fdt;
}
