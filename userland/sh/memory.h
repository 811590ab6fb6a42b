/* sh/memory.h: what tasks have and may have, for the command `mem`. */
#pragma once
#include <baton/host.h>

/* One line about a task, under the heading; see baton/ledger.h. */
void memory_heading(void);
void memory_line(const struct baton_task_summary *task);

/* All kinds, of the task with the id that @word says. */
void memory_of(const char *word);
