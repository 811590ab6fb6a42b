/*
 * drivers/machine.h: the machine as the kernel wants to know it.
 *
 * machine_read() goes through the device tree once, at boot, and leaves a plain
 * struct: memory that may be used, harts that may be started, the interrupt
 * controller, the clock.  Nothing here assumes a board.
 *
 *	RAM        |====================|      |==========|
 *	reserved    ##   ####       #  #             ###       firmware, image,
 *	usable        ===    =======                =   ==     tree, ramdisk ...
 *
 * What does not fit an array is counted in the field beside it.  Memory lost
 * that way is memory not used; a reserved range is always kept out of `usable`,
 * whether or not there was room to list it.
 */
#pragma once
#include "drivers/fdt.h"
#include <stdbool.h>
#include <stdint.h>

enum {
	MACHINE_RAM_MAX = 16,
	MACHINE_RESERVED_MAX = 48,
	MACHINE_USABLE_MAX = 64,
	MACHINE_HARTS_MAX = 64,
	MACHINE_NO_CONTEXT = -1,
};

/* Physical addresses from @start up to but not including @end. */
struct machine_range {
	uint64_t start;
	uint64_t end;
};

enum machine_reason {
	MACHINE_RESERVED_MEMORY, /* a child of /reserved-memory */
	MACHINE_RESERVATION,	 /* the header's memory reservation map */
	MACHINE_FIRMWARE,	 /* the 2 MiB below the kernel image */
	MACHINE_IMAGE,		 /* the kernel */
	MACHINE_TREE,		 /* the device tree, where firmware put it */
	MACHINE_RAMDISK,	 /* the boot archive */
};

struct machine_reserved {
	struct machine_range range;
	enum machine_reason reason;
};

/*
 * A hart that the kernel may start: okay, with an MMU, with f and d.  Ids are
 * any numbers in any order.
 */
struct machine_hart {
	uint64_t id;
	fdt_node_t node; /* FDT_NONE: the boot hart of a tree without it */
	uint32_t intc;	 /* phandle of its local interrupt controller, or 0 */
	int32_t context; /* PLIC context of its S-mode, or MACHINE_NO_CONTEXT */
	bool has_sstc;	 /* by the tree, so only a hint: probe before use */
};

struct machine_plic {
	fdt_node_t node; /* FDT_NONE: this machine has none */
	struct machine_range window;
	uint32_t source_count;	  /* sources are 1 .. source_count */
	uint32_t context_count;	  /* entries of interrupts-extended */
	uint32_t interrupt_cells; /* 1, or 2 on T-Head: number, flags */
};

/* What the boot code knows and the tree does not say.  Physical addresses. */
struct machine_boot {
	uint64_t hart;		    /* the hart that runs, a0 at entry */
	struct machine_range image; /* the kernel, to the end of its .bss */
	struct machine_range
	    tree; /* where firmware put the blob, a1 at entry */
};

/* I: all fields are immutable once machine_read() has returned. */
struct machine {
	const struct fdt *fdt;
	const char *model; /* in the tree; "unknown" if it says nothing */
	const char *command_line; /* in the tree; "" if there is none */

	/* sorted by address; neither overlapping nor touching */
	struct machine_range ram[MACHINE_RAM_MAX];
	uint32_t ram_count;
	uint32_t ram_dropped;

	/* in the order found; may overlap, may lie outside RAM */
	struct machine_reserved reserved[MACHINE_RESERVED_MAX];
	uint32_t reserved_count;
	uint32_t reserved_dropped;

	/* RAM less reserved, whole pages only; sorted */
	struct machine_range usable[MACHINE_USABLE_MAX];
	uint32_t usable_count;
	uint32_t usable_dropped;

	struct machine_range ramdisk; /* start == end: none */

	/* harts[0] is the boot hart; the others in the order of the tree */
	struct machine_hart harts[MACHINE_HARTS_MAX];
	uint32_t hart_count;
	uint32_t harts_dropped;
	uint32_t harts_unfit; /* in the tree, but not for us */

	uint64_t timebase; /* ticks per second of the time counter */
	const char *isa;   /* boot hart's riscv,isa, or "" */

	struct machine_plic plic;
};

enum machine_status {
	MACHINE_OK,
	MACHINE_NO_RAM,	     /* no memory node with a size */
	MACHINE_NO_TIMEBASE, /* nobody says how fast time runs */
};

/*
 * Fill *@machine from the tree.  The kernel cannot go on after anything but
 * MACHINE_OK, but what was found until then is there to be printed.
 * Keeps @fdt, and pointers into its blob.
 */
enum machine_status machine_read(struct machine *machine, const struct fdt *fdt,
    const struct machine_boot *boot);

/* Words for the boot log: "firmware", "ramdisk". */
const char *machine_reason_name(enum machine_reason reason);

static inline uint64_t
machine_range_size(struct machine_range range)
{
	return range.end - range.start;
}
