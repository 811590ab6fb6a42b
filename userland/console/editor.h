/*
 * console/editor.h: from keys to lines.
 *
 * Keys go in one by one; what is to be shown goes out through @show; finished
 * input collects until somebody takes it. In raw mode every key is finished
 * input and nothing is shown.
 *
 *	Enter	    ends the line	  ^C  drops it: "nothing"
 *	Backspace   takes one character	  ^D  on an empty line: "nothing"
 *	^U	    takes all		  others below space: ignored
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define EDITOR_LINE_MAX	 255
#define EDITOR_READY_MAX 1024 /* a power of two */

struct editor {
	void (*show)(const char *text, size_t count);
	bool raw;
	enum {
		KEY_PLAIN,
		KEY_ESCAPE,   /* after ESC */
		KEY_SEQUENCE, /* after ESC [ */
	} state;
	size_t length;
	char line[EDITOR_LINE_MAX];

	/* A ring: bytes from taken to added, both counted for ever. */
	size_t added, taken;
	char ready[EDITOR_READY_MAX];
};

void editor_init(
    struct editor *editor, void (*show)(const char *text, size_t count));

/* Raw or not, from the next key on; a line begun is dropped. */
void editor_mode(struct editor *editor, bool raw);

void editor_key(struct editor *editor, char key);

/*
 * The next line, its newline included, or in raw mode all keys; at most
 * @wanted bytes.  False when nothing is finished; true with *@count = 0 for
 * "nothing".
 */
bool editor_take(
    struct editor *editor, char *text, size_t wanted, size_t *count);
