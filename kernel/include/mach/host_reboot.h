/* mach/host_reboot.h: options of host_reboot(); 0 restarts the machine. */
#pragma once

#define HOST_REBOOT_HALT     0x8    /* switch the power off instead */
#define HOST_REBOOT_UPSDELAY 0x100  /* accepted, no effect */
#define HOST_REBOOT_DEBUGGER 0x1000 /* panic, with its report */

/* Not in Mach: with HALT, tell the firmware that something went wrong. */
#define HOST_REBOOT_FAILURE 0x10000
