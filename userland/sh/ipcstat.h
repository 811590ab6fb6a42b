/* sh/ipcstat.h: why messages left the fast path, for the command `ipcstat`. */
#pragma once

/* What the hart has counted whose number @word says; NULL: all harts. */
void ipcstat_show(const char *word);
