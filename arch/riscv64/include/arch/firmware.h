/*
 * arch/firmware.h: what the kernel asks of the firmware below it, apart from
 * timers and other harts (arch/cpu.h): a console, and the power switch.
 */
#pragma once
#include "kernel/types.h"

/* Find out what the firmware offers.  First of all calls. */
void firmware_init(void);
/* Its name and abilities in some words, for the boot log. */
void firmware_describe(char *buffer, size_t size);

void firmware_console_write(const char *bytes, size_t count);
/* The next byte from its console, or -1. */
int firmware_console_read(void);

enum firmware_reset {
	RESET_OFF,
	RESET_REBOOT,
	RESET_FAILURE
};
/* Ends the machine; where firmware cannot, this hart waits for ever. */
noreturn void firmware_reset(enum firmware_reset how);
