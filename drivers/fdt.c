/*
 * drivers/fdt.c: the blob: checking it, walking it, reading properties.  See
 * fdt.h.
 *
 * Everything reads the structure block through read_token(), which alone
 * decides what may be read.  It trusts nothing but the limits in struct fdt, so
 * the walks above it are safe even from an offset that is no token at all.
 *
 * Walks start from the root or the node and are linear in the size of the tree:
 * some ten thousand instructions for a board's.  Code that asks often keeps
 * what it found.
 */
#include "drivers/fdt.h"
#include "kernel/string.h"

enum {
	FDT_MAGIC_NUMBER = 0xd00dfeed,
	FDT_VERSION = 17,
	CELL = sizeof(uint32_t),
	RESERVATION_SIZE = 4 * CELL,
	PROP_HEADER_SIZE = 3 * CELL, /* token, size of data, name */
};

/* Offsets of the words of the header. */
enum {
	HEADER_MAGIC = 0,
	HEADER_TOTAL_SIZE = 4,
	HEADER_STRUCTS = 8,
	HEADER_STRINGS = 12,
	HEADER_RESERVATIONS = 16,
	HEADER_VERSION = 20,
	HEADER_LAST_COMPATIBLE = 24,
	HEADER_STRINGS_SIZE = 32,
	HEADER_STRUCTS_SIZE = 36,
};

enum token_kind {
	TOKEN_BROKEN = 0, /* not a token, or not all of it is in the block */
	TOKEN_BEGIN = 1,
	TOKEN_END = 2,
	TOKEN_PROP = 3,
	TOKEN_NOP = 4,
	TOKEN_FINISH = 9,
};

struct token {
	enum token_kind kind;
	uint32_t next;	      /* offset of the token after this one */
	struct fdt_prop prop; /* TOKEN_PROP; prop.name also for TOKEN_BEGIN */
};

/* By bytes: cells are big-endian, and we are not. */
static uint32_t
load_cell(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static uint32_t
round_up_to_cell(uint32_t size)
{
	return (size + CELL - 1) & ~(uint32_t)(CELL - 1);
}

static void
read_begin(const struct fdt *fdt, uint32_t offset, struct token *token)
{
	const char *name =
	    (const char *)fdt->blob + fdt->structs + offset + CELL;
	uint32_t room = fdt->structs_size - offset - CELL;
	const char *nul = memchr(name, '\0', room);

	if (nul == NULL)
		return;
	token->kind = TOKEN_BEGIN;
	token->prop.name = name;
	token->next =
	    offset + CELL + round_up_to_cell((uint32_t)(nul - name) + 1);
}

static void
read_prop(const struct fdt *fdt, uint32_t offset, struct token *token)
{
	const uint8_t *p = fdt->blob + fdt->structs + offset;
	uint32_t room = fdt->structs_size - offset;
	uint32_t size, name;

	if (room < PROP_HEADER_SIZE)
		return;
	size = load_cell(p + CELL);
	name = load_cell(p + 2 * CELL);
	if (size > room - PROP_HEADER_SIZE || name >= fdt->strings_size)
		return;
	token->kind = TOKEN_PROP;
	token->prop.name = (const char *)fdt->blob + fdt->strings + name;
	token->prop.data = p + PROP_HEADER_SIZE;
	token->prop.size = size;
	token->next = offset + PROP_HEADER_SIZE + round_up_to_cell(size);
}

/*
 * Read the token at @offset, which may be any number at all.  A token is only
 * returned as such when it and all that belongs to it are in the block and its
 * name has an end; everything else is TOKEN_BROKEN.  token->next is larger than
 * @offset for all kinds but TOKEN_BROKEN and TOKEN_FINISH, so walks end.
 */
static enum token_kind
read_token(const struct fdt *fdt, uint32_t offset, struct token *token)
{
	token->kind = TOKEN_BROKEN;
	token->next = offset;
	if (offset % CELL != 0 || offset >= fdt->structs_size ||
	    fdt->structs_size - offset < CELL)
		return TOKEN_BROKEN;

	switch (load_cell(fdt->blob + fdt->structs + offset)) {
	case TOKEN_BEGIN:
		read_begin(fdt, offset, token);
		break;
	case TOKEN_PROP:
		read_prop(fdt, offset, token);
		break;
	case TOKEN_END:
		token->kind = TOKEN_END;
		token->next = offset + CELL;
		break;
	case TOKEN_NOP:
		token->kind = TOKEN_NOP;
		token->next = offset + CELL;
		break;
	case TOKEN_FINISH:
		token->kind = TOKEN_FINISH;
		break;
	}
	return token->kind;
}

/* ---- the blob ---- */

uint32_t
fdt_blob_size(const void *blob)
{
	const uint8_t *header = blob;
	uint32_t size;

	if (load_cell(header + HEADER_MAGIC) != FDT_MAGIC_NUMBER)
		return 0;
	size = load_cell(header + HEADER_TOTAL_SIZE);
	return size >= FDT_HEADER_SIZE && size <= INT32_MAX ? size : 0;
}

static bool
block_fits(const struct fdt *fdt, uint32_t offset, uint32_t size)
{
	return offset <= fdt->size && size <= fdt->size - offset;
}

static enum fdt_status
check_header(struct fdt *fdt, size_t limit)
{
	const uint8_t *header = fdt->blob;

	if (limit < FDT_HEADER_SIZE)
		return FDT_BAD_SIZE;
	if (load_cell(header + HEADER_MAGIC) != FDT_MAGIC_NUMBER)
		return FDT_BAD_MAGIC;
	if (load_cell(header + HEADER_VERSION) < FDT_VERSION ||
	    load_cell(header + HEADER_LAST_COMPATIBLE) > FDT_VERSION)
		return FDT_BAD_VERSION;

	fdt->size = fdt_blob_size(header);
	fdt->structs = load_cell(header + HEADER_STRUCTS);
	fdt->structs_size = load_cell(header + HEADER_STRUCTS_SIZE);
	fdt->strings = load_cell(header + HEADER_STRINGS);
	fdt->strings_size = load_cell(header + HEADER_STRINGS_SIZE);
	fdt->reservations = load_cell(header + HEADER_RESERVATIONS);
	if (fdt->size == 0 || fdt->size > limit ||
	    !block_fits(fdt, fdt->structs, fdt->structs_size) ||
	    !block_fits(fdt, fdt->strings, fdt->strings_size) ||
	    !block_fits(fdt, fdt->reservations, 0))
		return FDT_BAD_SIZE;
	if (fdt->structs % CELL != 0 || fdt->reservations % CELL != 0)
		return FDT_BAD_ALIGNMENT;
	return FDT_OK;
}

static void
load_reservation(const struct fdt *fdt, uint32_t index, struct fdt_range *range)
{
	const uint8_t *p =
	    fdt->blob + fdt->reservations + index * RESERVATION_SIZE;

	range->start = (uint64_t)load_cell(p) << 32 | load_cell(p + CELL);
	range->size =
	    (uint64_t)load_cell(p + 2 * CELL) << 32 | load_cell(p + 3 * CELL);
}

/* Count the entries of the reservation map; two zeros end it. */
static enum fdt_status
check_reservations(struct fdt *fdt)
{
	uint32_t room = (fdt->size - fdt->reservations) / RESERVATION_SIZE;
	struct fdt_range range;
	uint32_t count;

	for (count = 0; count < room; count++) {
		load_reservation(fdt, count, &range);
		if (range.start == 0 && range.size == 0) {
			fdt->reservation_count = count;
			return FDT_OK;
		}
	}
	return FDT_BAD_SIZE;
}

/* Cut off what has no NUL after it: then every name in the block ends in it. */
static void
trim_strings(struct fdt *fdt)
{
	const uint8_t *strings = fdt->blob + fdt->strings;

	while (fdt->strings_size > 0 && strings[fdt->strings_size - 1] != '\0')
		fdt->strings_size--;
}

/*
 * One root, every node ended, properties before subnodes, nothing deeper than
 * FDT_DEPTH_MAX, and the END token after it all.
 */
static enum fdt_status
check_structure(struct fdt *fdt)
{
	struct token token;
	uint32_t depth = 0;
	uint32_t offset = 0;
	bool props_allowed = false;

	if (read_token(fdt, offset, &token) != TOKEN_BEGIN)
		return FDT_BAD_STRUCTURE;
	for (;; offset = token.next) {
		switch (read_token(fdt, offset, &token)) {
		case TOKEN_BEGIN:
			if (depth == 0 && offset != 0)
				return FDT_BAD_STRUCTURE;
			if (depth++ == FDT_DEPTH_MAX)
				return FDT_TOO_DEEP;
			fdt->node_count++;
			props_allowed = true;
			break;
		case TOKEN_END:
			if (depth-- == 0)
				return FDT_BAD_STRUCTURE;
			props_allowed = false;
			break;
		case TOKEN_PROP:
			if (!props_allowed)
				return FDT_BAD_STRUCTURE;
			break;
		case TOKEN_NOP:
			break;
		case TOKEN_FINISH:
			fdt->structs_size = offset + CELL;
			return depth == 0 ? FDT_OK : FDT_BAD_STRUCTURE;
		case TOKEN_BROKEN:
			return FDT_BAD_STRUCTURE;
		}
	}
}

enum fdt_status
fdt_open(struct fdt *fdt, const void *blob, size_t limit)
{
	struct fdt new = {.blob = blob};
	enum fdt_status status;

	status = check_header(&new, limit);
	if (status == FDT_OK)
		status = check_reservations(&new);
	if (status != FDT_OK)
		return status;
	trim_strings(&new);
	status = check_structure(&new);
	if (status == FDT_OK)
		*fdt = new;
	return status;
}

const char *
fdt_status_name(enum fdt_status status)
{
	static const char *const names[] = {
	    [FDT_OK] = "ok",
	    [FDT_BAD_ALIGNMENT] = "bad alignment",
	    [FDT_BAD_MAGIC] = "bad magic",
	    [FDT_BAD_VERSION] = "bad version",
	    [FDT_BAD_SIZE] = "bad size",
	    [FDT_BAD_STRUCTURE] = "bad structure",
	    [FDT_TOO_DEEP] = "too deep",
	    [FDT_NOT_FOUND] = "not found",
	    [FDT_BAD_VALUE] = "bad value",
	    [FDT_NOT_TRANSLATABLE] = "not translatable",
	};

	return names[status];
}

bool
fdt_reservation(const struct fdt *fdt, uint32_t index, struct fdt_range *range)
{
	if (index >= fdt->reservation_count)
		return false;
	load_reservation(fdt, index, range);
	return true;
}

/* ---- walking ---- */

/* The offset after the BEGIN token of @node; false if it is no node. */
static bool
enter_node(const struct fdt *fdt, fdt_node_t node, struct token *token)
{
	return read_token(fdt, (uint32_t)node, token) == TOKEN_BEGIN;
}

fdt_node_t
fdt_next(const struct fdt *fdt, fdt_node_t node)
{
	struct token token;
	uint32_t offset;

	if (!enter_node(fdt, node, &token))
		return FDT_NONE;
	for (;;) {
		offset = token.next;
		switch (read_token(fdt, offset, &token)) {
		case TOKEN_BEGIN:
			return (fdt_node_t)offset;
		case TOKEN_FINISH:
		case TOKEN_BROKEN:
			return FDT_NONE;
		default:
			break;
		}
	}
}

/* The first node that begins at or after @offset before the next END. */
static fdt_node_t
begin_before_end(const struct fdt *fdt, uint32_t offset)
{
	struct token token;

	for (;; offset = token.next) {
		switch (read_token(fdt, offset, &token)) {
		case TOKEN_BEGIN:
			return (fdt_node_t)offset;
		case TOKEN_PROP:
		case TOKEN_NOP:
			break;
		default:
			return FDT_NONE;
		}
	}
}

fdt_node_t
fdt_first_child(const struct fdt *fdt, fdt_node_t node)
{
	struct token token;

	if (!enter_node(fdt, node, &token))
		return FDT_NONE;
	return begin_before_end(fdt, token.next);
}

fdt_node_t
fdt_next_sibling(const struct fdt *fdt, fdt_node_t node)
{
	struct token token;
	uint32_t depth = 1;

	if (!enter_node(fdt, node, &token))
		return FDT_NONE;
	while (depth > 0) {
		switch (read_token(fdt, token.next, &token)) {
		case TOKEN_BEGIN:
			depth++;
			break;
		case TOKEN_END:
			depth--;
			break;
		case TOKEN_PROP:
		case TOKEN_NOP:
			break;
		default:
			return FDT_NONE;
		}
	}
	return begin_before_end(fdt, token.next);
}

uint32_t
fdt_ancestors(
    const struct fdt *fdt, fdt_node_t node, fdt_node_t path[FDT_DEPTH_MAX])
{
	struct token token;
	uint32_t offset;
	uint32_t depth = 0;

	for (offset = 0; offset <= (uint32_t)node; offset = token.next) {
		switch (read_token(fdt, offset, &token)) {
		case TOKEN_BEGIN:
			if (depth == FDT_DEPTH_MAX)
				return 0;
			path[depth++] = (fdt_node_t)offset;
			if (offset == (uint32_t)node)
				return depth;
			break;
		case TOKEN_END:
			if (depth-- == 0)
				return 0;
			break;
		case TOKEN_PROP:
		case TOKEN_NOP:
			break;
		default:
			return 0;
		}
	}
	return 0;
}

fdt_node_t
fdt_parent(const struct fdt *fdt, fdt_node_t node)
{
	fdt_node_t path[FDT_DEPTH_MAX];
	uint32_t count = fdt_ancestors(fdt, node, path);

	return count >= 2 ? path[count - 2] : FDT_NONE;
}

const char *
fdt_name(const struct fdt *fdt, fdt_node_t node)
{
	struct token token;

	return enter_node(fdt, node, &token) ? token.prop.name : "";
}

/* ---- properties ---- */

/* Read the first property at or after token->next; false after the last. */
static bool
next_prop(const struct fdt *fdt, struct token *token)
{
	while (read_token(fdt, token->next, token) == TOKEN_NOP)
		;
	return token->kind == TOKEN_PROP;
}

static bool
string_is(const char *string, const char *bytes, size_t length)
{
	return strncmp(string, bytes, length) == 0 && string[length] == '\0';
}

bool
fdt_get_named(const struct fdt *fdt, fdt_node_t node, const char *name,
    size_t length, struct fdt_prop *prop)
{
	struct token token;

	if (!enter_node(fdt, node, &token))
		return false;
	while (next_prop(fdt, &token)) {
		if (string_is(token.prop.name, name, length)) {
			*prop = token.prop;
			return true;
		}
	}
	return false;
}

bool
fdt_get(const struct fdt *fdt, fdt_node_t node, const char *name,
    struct fdt_prop *prop)
{
	return fdt_get_named(fdt, node, name, strlen(name), prop);
}

bool
fdt_get_index(const struct fdt *fdt, fdt_node_t node, uint32_t index,
    struct fdt_prop *prop)
{
	struct token token;

	if (!enter_node(fdt, node, &token))
		return false;
	while (next_prop(fdt, &token)) {
		if (index-- == 0) {
			*prop = token.prop;
			return true;
		}
	}
	return false;
}

bool
fdt_cells(const struct fdt_prop *prop, uint32_t first, uint32_t count,
    uint64_t *value)
{
	uint32_t total = prop->size / CELL;
	uint64_t number = 0;
	uint32_t i;

	if (count > 2 || first > total || count > total - first)
		return false;
	for (i = first; i < first + count; i++)
		number = number << 32 | load_cell(prop->data + i * CELL);
	*value = number;
	return true;
}

bool
fdt_get_u32(
    const struct fdt *fdt, fdt_node_t node, const char *name, uint32_t *value)
{
	struct fdt_prop prop;

	if (!fdt_get(fdt, node, name, &prop) || prop.size != CELL)
		return false;
	*value = load_cell(prop.data);
	return true;
}

bool
fdt_get_number(
    const struct fdt *fdt, fdt_node_t node, const char *name, uint64_t *value)
{
	struct fdt_prop prop;

	if (!fdt_get(fdt, node, name, &prop))
		return false;
	if (prop.size != CELL && prop.size != 2 * CELL)
		return false;
	return fdt_cells(&prop, 0, prop.size / CELL, value);
}

const char *
fdt_string_at(const struct fdt_prop *prop, uint32_t index)
{
	const char *string = (const char *)prop->data;
	size_t room = prop->size;
	const char *nul;

	for (;;) {
		nul = room > 0 ? memchr(string, '\0', room) : NULL;
		if (nul == NULL)
			return NULL;
		if (index-- == 0)
			return string;
		room -= (size_t)(nul + 1 - string);
		string = nul + 1;
	}
}

bool
fdt_string_list_has(const struct fdt_prop *prop, const char *string)
{
	const char *entry = (const char *)prop->data;
	size_t room = prop->size;
	size_t size = strlen(string) + 1;
	const char *nul;

	while (room > 0 && (nul = memchr(entry, '\0', room)) != NULL) {
		if ((size_t)(nul + 1 - entry) == size &&
		    memcmp(entry, string, size) == 0)
			return true;
		room -= (size_t)(nul + 1 - entry);
		entry = nul + 1;
	}
	return false;
}

const char *
fdt_first_string(const struct fdt *fdt, fdt_node_t node, const char *name)
{
	struct fdt_prop prop;

	return fdt_get(fdt, node, name, &prop) ? fdt_string_at(&prop, 0) : NULL;
}
