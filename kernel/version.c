/* version.c: which kernel this is; the build says so. */
#include "kernel/version.h"

const char baton_revision[] = BATON_REVISION;
const char baton_version[] = "Baton " BATON_REVISION " (riscv64)";
