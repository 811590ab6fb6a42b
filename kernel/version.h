/* kernel/version.h: which kernel this is. */
#pragma once

/* What git called the source, and the line that host_kernel_version() gives. */
extern const char baton_revision[];
extern const char baton_version[];
