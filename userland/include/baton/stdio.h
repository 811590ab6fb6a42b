/* baton/stdio.h: where a program's standard streams lead. */
#pragma once

#include <mach/cdefs.h>
#include <mach/mach_types.h>

MACH_BEGIN_DECLS

/*
 * By default output goes to the console server or, when there is none yet,
 * to the "sbi-console" device if the manifest grants it, or nowhere; that is
 * found out at the first write.  These settle it before.
 */
void stdio_use_console(mach_port_t console);
void stdio_use_device(mach_port_t device);

MACH_END_DECLS
