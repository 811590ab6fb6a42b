/* console/editor.c: see editor.h. */
#include "editor.h"

enum {
	CONTROL_C = 0x03,
	CONTROL_D = 0x04, /* in the ring: "nothing" */
	BACKSPACE = 0x08,
	CONTROL_U = 0x15,
	ESCAPE = 0x1b,
	DELETE = 0x7f,
};

void
editor_init(struct editor *editor, void (*show)(const char *text, size_t count))
{
	*editor = (struct editor){.show = show};
}

void
editor_mode(struct editor *editor, bool raw)
{
	editor->raw = raw;
	editor->length = 0;
	editor->state = KEY_PLAIN;
}

static size_t
ready_room(const struct editor *editor)
{
	return EDITOR_READY_MAX - (editor->added - editor->taken);
}

static void
ready_add(struct editor *editor, char c)
{
	editor->ready[editor->added++ % EDITOR_READY_MAX] = c;
}

/* A line for which there is no room is lost as a whole. */
static void
line_finish(struct editor *editor)
{
	editor->show("\n", 1);
	if (editor->length < ready_room(editor)) {
		for (size_t i = 0; i < editor->length; i++)
			ready_add(editor, editor->line[i]);
		ready_add(editor, '\n');
	}
	editor->length = 0;
}

static void
finish_nothing(struct editor *editor)
{
	editor->length = 0;
	if (ready_room(editor) > 0)
		ready_add(editor, CONTROL_D);
}

/* The bytes of a character behind its first one, in UTF-8. */
static bool
continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static void
erase(struct editor *editor)
{
	if (editor->length == 0)
		return;
	do
		editor->length--;
	while (editor->length > 0 && continues(editor->line[editor->length]));
	editor->show("\b \b", 3);
}

static void
insert(struct editor *editor, char key)
{
	if ((unsigned char)key < ' ' || editor->length == EDITOR_LINE_MAX)
		return;
	editor->line[editor->length++] = key;
	editor->show(&key, 1);
}

/* Arrow keys and the like come as ESC [ numbers letter; they do nothing. */
static bool
in_sequence(struct editor *editor, char key)
{
	switch (editor->state) {
	case KEY_PLAIN:
		if (key != ESCAPE)
			return false;
		editor->state = KEY_ESCAPE;
		return true;
	case KEY_ESCAPE:
		editor->state =
		    key == '[' || key == 'O' ? KEY_SEQUENCE : KEY_PLAIN;
		return true;
	case KEY_SEQUENCE:
		if (key >= '@')
			editor->state = KEY_PLAIN;
		return true;
	}
	return false;
}

static void
edit(struct editor *editor, char key)
{
	switch (key) {
	case '\r':
	case '\n':
		line_finish(editor);
		break;
	case BACKSPACE:
	case DELETE:
		erase(editor);
		break;
	case CONTROL_U:
		while (editor->length > 0)
			erase(editor);
		break;
	case CONTROL_C:
		editor->show("^C\n", 3);
		finish_nothing(editor);
		break;
	case CONTROL_D:
		if (editor->length == 0)
			finish_nothing(editor);
		break;
	default:
		insert(editor, key);
	}
}

void
editor_key(struct editor *editor, char key)
{
	if (!editor->raw) {
		if (!in_sequence(editor, key))
			edit(editor, key);
	} else if (ready_room(editor) > 0) {
		ready_add(editor, key);
	}
}

bool
editor_take(struct editor *editor, char *text, size_t wanted, size_t *count)
{
	*count = 0;
	if (editor->added == editor->taken)
		return false;
	while (*count < wanted && editor->added != editor->taken) {
		char c = editor->ready[editor->taken % EDITOR_READY_MAX];

		if (!editor->raw && c == CONTROL_D) {
			if (*count == 0)
				editor->taken++;
			break;
		}
		editor->taken++;
		text[(*count)++] = c;
		if (!editor->raw && c == '\n')
			break;
	}
	return true;
}
