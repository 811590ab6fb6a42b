/*
 * drivers/fdt_find.c: nodes by path, alias, phandle, kind; and what a node says
 * of itself.  See fdt.h.
 */
#include "drivers/fdt.h"
#include "kernel/string.h"

/* ---- what a node says of itself ---- */

bool
fdt_path(const struct fdt *fdt, fdt_node_t node, char *buffer, size_t size)
{
	fdt_node_t path[FDT_DEPTH_MAX];
	uint32_t count = fdt_ancestors(fdt, node, path);
	size_t used = 0;
	const char *name;
	size_t length;
	uint32_t i;

	if (size == 0)
		return false;
	buffer[0] = '\0';
	/* The root alone is "/": its name is empty, and it has no slash. */
	for (i = count > 1 ? 1 : 0; i < count; i++) {
		name = fdt_name(fdt, path[i]);
		length = strlen(name);
		if (length + 1 >= size - used)
			return false;
		buffer[used++] = '/';
		memcpy(buffer + used, name, length + 1);
		used += length;
	}
	return count > 0;
}

bool
fdt_is_compatible(
    const struct fdt *fdt, fdt_node_t node, const char *compatible)
{
	struct fdt_prop prop;

	return fdt_get(fdt, node, "compatible", &prop) &&
	       fdt_string_list_has(&prop, compatible);
}

bool
fdt_is_okay(const struct fdt *fdt, fdt_node_t node)
{
	struct fdt_prop prop;
	const char *status;

	if (!fdt_get(fdt, node, "status", &prop))
		return true;
	status = fdt_string_at(&prop, 0);
	return status != NULL &&
	       (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0);
}

/* ---- finding ---- */

/*
 * Does a node called @name answer to the component of @length bytes at
 * @component?  "serial" finds "serial@10000000" too.
 */
static bool
component_matches(const char *name, const char *component, size_t length)
{
	if (strncmp(name, component, length) != 0)
		return false;
	if (name[length] == '\0')
		return true;
	return name[length] == '@' && memchr(component, '@', length) == NULL;
}

static fdt_node_t
find_child(const struct fdt *fdt, fdt_node_t node, const char *component,
    size_t length)
{
	fdt_node_t child;

	for (child = fdt_first_child(fdt, node); child != FDT_NONE;
	     child = fdt_next_sibling(fdt, child))
		if (component_matches(fdt_name(fdt, child), component, length))
			break;
	return child;
}

/* Bytes of @path before the first @stop, at most @length. */
static size_t
span_until(const char *path, size_t length, char stop)
{
	const char *end = length > 0 ? memchr(path, stop, length) : NULL;

	return end != NULL ? (size_t)(end - path) : length;
}

/* Follow @length bytes of @path down from @node. */
static fdt_node_t
find_below(
    const struct fdt *fdt, fdt_node_t node, const char *path, size_t length)
{
	size_t span;

	while (length > 0 && node != FDT_NONE) {
		span = span_until(path, length, '/');
		if (span > 0)
			node = find_child(fdt, node, path, span);
		else
			span = 1; /* the slash itself */
		path += span;
		length -= span;
	}
	return node;
}

/* Where the alias of @length bytes at @name points; it must be a full path. */
static fdt_node_t
find_alias(const struct fdt *fdt, const char *name, size_t length)
{
	fdt_node_t aliases = find_child(fdt, FDT_ROOT, "aliases", 7);
	struct fdt_prop prop;
	const char *path;

	if (aliases == FDT_NONE ||
	    !fdt_get_named(fdt, aliases, name, length, &prop))
		return FDT_NONE;
	path = fdt_string_at(&prop, 0);
	if (path == NULL || path[0] != '/')
		return FDT_NONE;
	return find_below(fdt, FDT_ROOT, path, strlen(path));
}

static fdt_node_t
find_path(const struct fdt *fdt, const char *path, size_t length)
{
	size_t span;

	if (length == 0)
		return FDT_NONE;
	if (path[0] == '/')
		return find_below(fdt, FDT_ROOT, path, length);
	span = span_until(path, length, '/');
	return find_below(
	    fdt, find_alias(fdt, path, span), path + span, length - span);
}

fdt_node_t
fdt_find_path(const struct fdt *fdt, const char *path)
{
	return find_path(fdt, path, strlen(path));
}

fdt_node_t
fdt_find_phandle(const struct fdt *fdt, uint32_t phandle)
{
	fdt_node_t node;
	uint32_t own;

	for (node = FDT_ROOT; node != FDT_NONE; node = fdt_next(fdt, node))
		if (fdt_get_u32(fdt, node, "phandle", &own) && own == phandle)
			break;
	return node;
}

/* The node to look at first in a search that goes on after @after. */
static fdt_node_t
search_start(const struct fdt *fdt, fdt_node_t after)
{
	return after == FDT_NONE ? FDT_ROOT : fdt_next(fdt, after);
}

fdt_node_t
fdt_find_compatible(
    const struct fdt *fdt, fdt_node_t after, const char *compatible)
{
	fdt_node_t node;

	for (node = search_start(fdt, after); node != FDT_NONE;
	     node = fdt_next(fdt, node))
		if (fdt_is_compatible(fdt, node, compatible))
			break;
	return node;
}

fdt_node_t
fdt_find_device_type(const struct fdt *fdt, fdt_node_t after, const char *type)
{
	fdt_node_t node;
	const char *own;

	for (node = search_start(fdt, after); node != FDT_NONE;
	     node = fdt_next(fdt, node)) {
		own = fdt_first_string(fdt, node, "device_type");
		if (own != NULL && strcmp(own, type) == 0)
			break;
	}
	return node;
}

/* ---- the console ---- */

fdt_node_t
fdt_stdout(const struct fdt *fdt, const char **options)
{
	fdt_node_t chosen = find_child(fdt, FDT_ROOT, "chosen", 6);
	const char *path = fdt_first_string(fdt, chosen, "stdout-path");
	size_t length, span;

	if (options != NULL)
		*options = "";
	if (path == NULL)
		return FDT_NONE;
	length = strlen(path);
	span = span_until(path, length, ':');
	if (options != NULL && span < length)
		*options = path + span + 1;
	return find_path(fdt, path, span);
}
