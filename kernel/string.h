/* kernel/string.h: the few functions that the compiler and we expect. */
#pragma once
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *bytes, int byte, size_t size);
size_t strlen(const char *string);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);

/* Copy as much of @from as fits and always terminate; @size is not 0. */
void string_copy(char *to, const char *from, size_t size);

/* Does the word @word (with `=`: its beginning) stand in @line?  Returns what
 * follows the word, or NULL. */
const char *string_option(const char *line, const char *word);
