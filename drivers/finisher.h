/*
 * drivers/finisher.h: the simulator's off switch that takes a status.
 *
 * QEMU's virt machine has a device ("sifive,test0") that ends the simulator
 * with an exit status.  Firmware uses it too, but always with status 0; so
 * that a panic is seen by whoever started the simulator, the kernel writes the
 * failing status itself.  Machines without it are reset by firmware alone.
 */
#pragma once

struct machine;

/* Map it, if the tree has it. */
void finisher_init(const struct machine *machine);

/* End the simulator with a failing status; returns where there is none. */
void finisher_fail(void);
