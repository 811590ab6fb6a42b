/* bootstrap/manifest.c: see manifest.h. */
#include "manifest.h"

#include <string.h>

static const struct {
	const char *word;
	unsigned int least, most; /* words behind it */
} verbs[] = {
    [MANIFEST_SERVER] = {"server", 2, MANIFEST_WORDS_MAX},
    [MANIFEST_GRANT] = {"grant", 2, 2},
    [MANIFEST_FILES] = {"files", 1, 1},
    [MANIFEST_RUN] = {"run", 1, MANIFEST_WORDS_MAX},
    [MANIFEST_SESSION] = {"session", 1, MANIFEST_WORDS_MAX},
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static bool
verb_find(const char *word, enum manifest_verb *verb)
{
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(word, verbs[i].word) == 0) {
			*verb = (enum manifest_verb)i;
			return true;
		}
	}
	return false;
}

/* The verb and the words behind it; false when they make no sense. */
static bool
line_parse(struct manifest_line *line, char *first, char **rest)
{
	char *word;

	line->count = 0;
	if (!verb_find(first, &line->verb))
		return false;
	while ((word = strtok_r(NULL, " \t\r", rest)) != NULL) {
		if (line->count == MANIFEST_WORDS_MAX)
			return false;
		line->words[line->count++] = word;
	}
	line->words[line->count] = NULL;
	if (line->count < verbs[line->verb].least ||
	    line->count > verbs[line->verb].most)
		return false;
	return line->verb != MANIFEST_SERVER || line->count == 2 ||
	       manifest_restarts(line);
}

unsigned int
manifest_parse(struct manifest *manifest, char *text)
{
	unsigned int number = 0;

	manifest->count = 0;
	while (text != NULL) {
		char *next = strchr(text, '\n'), *first, *rest;

		number++;
		if (next != NULL)
			*next++ = '\0';
		text[strcspn(text, "#")] = '\0';
		first = strtok_r(text, " \t\r", &rest);
		text = next;
		if (first == NULL)
			continue;
		if (manifest->count == MANIFEST_LINES_MAX ||
		    !line_parse(
			&manifest->lines[manifest->count], first, &rest))
			return number;
		manifest->count++;
	}
	return 0;
}

const struct manifest_line *
manifest_server(const struct manifest *manifest, const char *service)
{
	for (unsigned int i = 0; i < manifest->count; i++) {
		const struct manifest_line *line = &manifest->lines[i];

		if (line->verb == MANIFEST_SERVER &&
		    strcmp(line->words[0], service) == 0)
			return line;
	}
	return NULL;
}

bool
manifest_grants(
    const struct manifest *manifest, const char *program, const char *thing)
{
	for (unsigned int i = 0; i < manifest->count; i++) {
		const struct manifest_line *line = &manifest->lines[i];

		if (line->verb == MANIFEST_GRANT &&
		    strcmp(line->words[0], program) == 0 &&
		    strcmp(line->words[1], thing) == 0)
			return true;
	}
	return false;
}

const char *
manifest_files(const struct manifest *manifest)
{
	for (unsigned int i = 0; i < manifest->count; i++)
		if (manifest->lines[i].verb == MANIFEST_FILES)
			return manifest->lines[i].words[0];
	return NULL;
}

bool
manifest_restarts(const struct manifest_line *server)
{
	return server->count > 2 && strcmp(server->words[2], "restart") == 0;
}
