/*
 * console/line.h: the serial line, whatever drives it.
 *
 * A 16550 that the device tree calls the console, with registers mapped and
 * interrupts as messages; or else the firmware's console, which can only be
 * asked again and again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <mach/mach_types.h>

/*
 * Opens what the manifest grants.  Interrupts will arrive at @notify; where
 * there are none *@polled is true, and line_input() must be called from time
 * to time.  False: no console at all.
 */
bool line_open(mach_port_t notify, bool *polled);

/* Writes; each newline goes out as CR and LF. */
void line_output(const char *text, size_t count);

/* Waits until what was written has left the machine. */
void line_drain(void);

/* Hands every key that is there to @take. */
void line_input(void (*take)(char key));

/* After an interrupt was handled: let the next one come. */
void line_acknowledge(void);
