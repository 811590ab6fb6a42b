/*
 * drivers/fdt.h: reading a flattened device tree.  machine.h is the first
 * user and a good example.
 *
 * The tree is what firmware passes: one blob that describes the machine.
 *
 *	header | reservations | structure block        | strings block
 *	                        BEGIN "" PROP PROP       "reg\0compatible\0..."
 *	                          BEGIN "cpus" PROP ...
 *	                          END
 *	                        END
 *
 * fdt_open() reads every token once and refuses a blob that is not a whole,
 * well-formed tree; the limits that it found bound every later access too, so
 * no call here reads outside the blob, whatever the bytes are and whichever
 * node handle it is given.  Nothing is allocated, nothing is written, and
 * nothing recurses: depth is limited to FDT_DEPTH_MAX and ancestors are kept
 * in arrays of that size.
 *
 * A node is named by the offset of its BEGIN token.  The blob must stay where
 * it is, unchanged, for as long as the struct fdt and the strings and
 * properties that point into it are used.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FDT_DEPTH_MAX = 16, /* nodes from the root to the deepest, inclusive */
	FDT_INTERRUPT_CELLS_MAX = 4,
	FDT_HEADER_SIZE = 40,
};

typedef int32_t fdt_node_t; /* offset in the structure block, or FDT_NONE */
#define FDT_NONE ((fdt_node_t)-1)
#define FDT_ROOT ((fdt_node_t)0)

enum fdt_status {
	FDT_OK,
	FDT_BAD_ALIGNMENT,   /* a block does not begin on a 4-byte boundary */
	FDT_BAD_MAGIC,	     /* these bytes are not a device tree */
	FDT_BAD_VERSION,     /* not readable as version 17 */
	FDT_BAD_SIZE,	     /* a block, or the whole, is outside the blob */
	FDT_BAD_STRUCTURE,   /* tokens or names that make no tree */
	FDT_TOO_DEEP,	     /* more than FDT_DEPTH_MAX levels */
	FDT_NOT_FOUND,	     /* no such property, entry or node */
	FDT_BAD_VALUE,	     /* the property does not have the right shape */
	FDT_NOT_TRANSLATABLE /* no path for this address up to the CPU */
};

/* I: all fields are immutable once fdt_open() has returned FDT_OK. */
struct fdt {
	const uint8_t *blob;
	uint32_t size; /* of the whole blob, by its header */
	uint32_t structs;
	uint32_t structs_size; /* up to and with the END token */
	uint32_t strings;
	uint32_t strings_size; /* up to and with the last NUL */
	uint32_t reservations;
	uint32_t reservation_count;
	uint32_t node_count;
};

/* A property; @data points into the blob and has no alignment. */
struct fdt_prop {
	const char *name;
	const uint8_t *data;
	uint32_t size; /* bytes */
};

struct fdt_range {
	uint64_t start;
	uint64_t size;
};

/* One interrupt of a node: who takes it, and what to tell them. */
struct fdt_interrupt {
	fdt_node_t controller; /* FDT_NONE: an empty entry */
	uint32_t cell_count;
	uint32_t cells[FDT_INTERRUPT_CELLS_MAX];
};

/* ---- the blob ---- */

/*
 * Size that the header at @blob claims, or 0 if it is no device tree: how much
 * to map or copy before fdt_open() can look at the rest.  Reads only the
 * FDT_HEADER_SIZE bytes at @blob.
 */
uint32_t fdt_blob_size(const void *blob);

/*
 * Check the blob at @blob, of which @limit bytes may be read, and describe it
 * in *@fdt.  *@fdt is written only on FDT_OK.
 */
enum fdt_status fdt_open(struct fdt *fdt, const void *blob, size_t limit);

/* A word for people: "bad magic". */
const char *fdt_status_name(enum fdt_status status);

/* The @index-th entry of the header's memory reservation map. */
bool fdt_reservation(
    const struct fdt *fdt, uint32_t index, struct fdt_range *range);

/* ---- walking: each returns FDT_NONE when there is no such node ---- */

/* The node after @node in the order of the blob: parents before children. */
fdt_node_t fdt_next(const struct fdt *fdt, fdt_node_t node);
fdt_node_t fdt_first_child(const struct fdt *fdt, fdt_node_t node);
fdt_node_t fdt_next_sibling(const struct fdt *fdt, fdt_node_t node);
fdt_node_t fdt_parent(const struct fdt *fdt, fdt_node_t node);

/*
 * Fill @path with the nodes from the root to @node and return how many they
 * are; 0 if @node is no node of the tree.  path[count - 1] is @node.
 */
uint32_t fdt_ancestors(
    const struct fdt *fdt, fdt_node_t node, fdt_node_t path[FDT_DEPTH_MAX]);

/* ---- finding ---- */

/*
 * By path: "/soc/serial@10000000".  A component without a unit address finds
 * the first child of that name; a path that does not start with '/' starts
 * with an alias.
 */
fdt_node_t fdt_find_path(const struct fdt *fdt, const char *path);
fdt_node_t fdt_find_phandle(const struct fdt *fdt, uint32_t phandle);

/*
 * The next node after @after (FDT_NONE: from the start) that has @compatible
 * among its compatible strings, or @type as its device_type.
 */
fdt_node_t fdt_find_compatible(
    const struct fdt *fdt, fdt_node_t after, const char *compatible);
fdt_node_t fdt_find_device_type(
    const struct fdt *fdt, fdt_node_t after, const char *type);

/* ---- what a node says of itself ---- */

/* Name with unit address, "serial@10000000"; "" for the root. */
const char *fdt_name(const struct fdt *fdt, fdt_node_t node);

/*
 * Write the full path of @node to @buffer.  False if @size bytes do not hold it
 * with its NUL; what @buffer holds then is a shorter string.
 */
bool fdt_path(
    const struct fdt *fdt, fdt_node_t node, char *buffer, size_t size);

bool fdt_is_compatible(
    const struct fdt *fdt, fdt_node_t node, const char *compatible);

/* status is absent, "okay" or "ok". */
bool fdt_is_okay(const struct fdt *fdt, fdt_node_t node);

/* ---- properties ---- */

bool fdt_get(const struct fdt *fdt, fdt_node_t node, const char *name,
    struct fdt_prop *prop);

/* fdt_get() by a name of @length bytes, without a NUL. */
bool fdt_get_named(const struct fdt *fdt, fdt_node_t node, const char *name,
    size_t length, struct fdt_prop *prop);

/* The @index-th property of @node, in the order of the blob. */
bool fdt_get_index(const struct fdt *fdt, fdt_node_t node, uint32_t index,
    struct fdt_prop *prop);

/* A property that is one cell; and one that is one cell or two. */
bool fdt_get_u32(
    const struct fdt *fdt, fdt_node_t node, const char *name, uint32_t *value);
bool fdt_get_number(
    const struct fdt *fdt, fdt_node_t node, const char *name, uint64_t *value);

/* The first string of a property; NULL if absent or without an end. */
const char *fdt_first_string(
    const struct fdt *fdt, fdt_node_t node, const char *name);

/* The @index-th string of a list; NULL when there are fewer. */
const char *fdt_string_at(const struct fdt_prop *prop, uint32_t index);
bool fdt_string_list_has(const struct fdt_prop *prop, const char *string);

/*
 * The number in @count cells (0, 1 or 2) of @prop that start at cell @first:
 * big-endian, most significant cell first.  Never cast @data instead: cells
 * of a tree have no alignment that a load of 64 bits could rely on.
 */
bool fdt_cells(const struct fdt_prop *prop, uint32_t first, uint32_t count,
    uint64_t *value);

/* ---- addresses ---- */

/* Cells in an address and in a size in `reg` of the children of @bus. */
uint32_t fdt_bus_address_cells(const struct fdt *fdt, fdt_node_t bus);
uint32_t fdt_bus_size_cells(const struct fdt *fdt, fdt_node_t bus);

/*
 * The @index-th tuple of `reg`: as written; and as the CPU sees it, through
 * the `ranges` of every bus above (empty: the same addresses; absent: the CPU
 * has no such address).
 * Returns FDT_OK, FDT_NOT_FOUND, FDT_BAD_VALUE or FDT_NOT_TRANSLATABLE.
 */
enum fdt_status fdt_reg_untranslated(const struct fdt *fdt, fdt_node_t node,
    uint32_t index, struct fdt_range *range);
enum fdt_status fdt_reg(const struct fdt *fdt, fdt_node_t node, uint32_t index,
    struct fdt_range *range);

/* ---- interrupts ---- */

/*
 * The @index-th interrupt of @node, from `interrupts-extended` if it has that,
 * else from `interrupts` and the nearest `interrupt-parent`.
 * Returns FDT_OK, FDT_NOT_FOUND or FDT_BAD_VALUE.
 */
enum fdt_status fdt_interrupt(const struct fdt *fdt, fdt_node_t node,
    uint32_t index, struct fdt_interrupt *interrupt);

/* ---- the console ---- */

/*
 * The node that /chosen/stdout-path names, by path or by alias; *@options, if
 * @options is not NULL, is what follows the ':' ("115200n8"), or "".
 */
fdt_node_t fdt_stdout(const struct fdt *fdt, const char **options);
