/*
 * vm/transfer.h: memory on its way from one task to another.
 *
 * A region that travels out of line is a vector of page-table entries, in
 * address order, in the largest units that the source allowed:
 *
 *     head pages | whole leaf tables (2 MiB each) | tail pages
 *
 * or, from 1 GiB on, whole middle tables between the leaf tables.  Each slot
 * holds the entry as it stood in the sender's tables; 0 is memory that was
 * never touched.  At the receiver's side, at an address that agrees with the
 * source modulo the largest unit used, each slot is linked in with one store.
 *
 * Between transfer_take() and transfer_map() nobody's tables name the pages
 * (or, where both sides keep them, nobody's tables allow writing them): every
 * hart that may have held another translation has dropped it before the
 * message can be received.  A transfer is mapped once or destroyed.
 *
 * Ends that are not whole pages are copied into fresh zeroed pages, so no byte
 * that was not sent becomes visible.  Where sharing would cost more than a
 * copy, everything is copied.
 *
 * What the receiver gets may be read and written, whatever the sender could
 * do with it; execution is lost.
 */
#pragma once
#include "kernel/types.h"

struct ledger;
struct map;
struct map_entry;
struct transfer;

enum transfer_how {
	/* Both have it: the pages are shared, copy-on-write, or copied where
	 * that is cheaper.  Wired ones are copied: the sender's may not
	 * fault. */
	TRANSFER_KEEP,
	/* The region leaves the sender, with all pages that it touches, as
	 * vm_deallocate() of it would have it. */
	TRANSFER_GIVE,
	/* All pages are copied. */
	TRANSFER_COPY,
	/* As TRANSFER_KEEP, of any map, current or not. */
	TRANSFER_READ,
	/* The same of whole pages, whatever may be done with them. */
	TRANSFER_INHERIT,
};

/*
 * Take [@address, @address + @size) out of @map, which is current unless @how
 * says otherwise, to send it.  @size 0 gives *@transferp NULL, which the calls
 * below take.
 *
 * May need more than one call for long regions: KERN_OPERATION_TIMED_OUT means
 * "progress was made, yield and call again with the same arguments and the same
 * *@transferp" (NULL at first); KERN_MEMORY_WAIT the same with
 * memory_wait_block() for yielding.  On any other failure the sender's memory
 * is as it was and *@transferp is NULL.  Whoever gives up in between destroys
 * what there is.
 *
 * Returns: KERN_SUCCESS
 *          KERN_INVALID_ADDRESS      a hole, or outside the user's half
 *          KERN_PROTECTION_FAILURE   not readable, or a window that would
 *                                    leave, or another map's
 *          KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check transfer_take(struct map *map, uaddr_t address,
    uint64_t size, enum transfer_how how, struct transfer **transferp);

/*
 * Put a kernel buffer's bytes into a new transfer (kernel to user replies).
 */
kern_return_t must_check transfer_from_kernel(struct ledger *ledger,
    const void *bytes, uint64_t size, struct transfer **transferp);

/*
 * The same for more than the kernel has in one place: @size bytes, all zero,
 * to be written piece by piece.  A piece touches a page per PAGE_SIZE bytes.
 * transfer_write(): KERN_INVALID_ARGUMENT: beyond the end.
 */
kern_return_t must_check transfer_blank(
    struct ledger *ledger, uint64_t size, struct transfer **transferp);
kern_return_t must_check transfer_write(struct transfer *transfer,
    uint64_t offset, const void *bytes, uint64_t size);
struct page;
/*
 * A transfer for up to @most pages, a few, which are then put into it, @count
 * of them in a row, with the caller's references: read, or copied when written.
 * NULL: no memory.
 */
struct transfer *must_check transfer_for_pages(unsigned most);
void transfer_put_pages(
    struct transfer *transfer, struct page *const *pages, unsigned count);

/*
 * The last bytes of one so made are not to be sent after all.  False: with
 * @size it would have fewer pages, so the caller has to make another.
 */
bool must_check transfer_trim(struct transfer *transfer, uint64_t size);

/*
 * Copy @size bytes from @offset on of what was sent into the kernel.
 * KERN_INVALID_ARGUMENT: there are not so many.
 */
kern_return_t must_check transfer_to_kernel(const struct transfer *transfer,
    uint64_t offset, void *bytes, uint64_t size);

/*
 * Enter the region into @map at an address that the kernel chooses; the
 * address of the first byte sent is returned, with its offset in the page.
 * Consumes the transfer on success; on failure it stays the caller's.
 *
 * Returns: KERN_SUCCESS, KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE
 */
kern_return_t must_check transfer_map(
    struct transfer *transfer, struct map *map, uaddr_t *addressp);

/* The same, joined with no neighbours until map_settle(), so that it can be
 * removed again without memory. */
kern_return_t must_check transfer_map_placing(
    struct transfer *transfer, struct map *map, uaddr_t *addressp);

/*
 * The same in the place and with the rights of @region, which is as large.
 * KERN_NO_SPACE: there is something.  KERN_RESOURCE_SHORTAGE.
 */
kern_return_t must_check transfer_map_at(
    struct transfer *transfer, struct map *map, const struct map_entry *region);

/* Free it and the pages in it: in bounded steps, true while there is more. */
bool must_check transfer_destroy_step(struct transfer *transfer);
/* All steps at once, for small transfers and tests. */
void transfer_destroy(struct transfer *transfer);

/* Bytes that were sent; NULL: 0. */
uint64_t transfer_size(const struct transfer *transfer);

void transfer_zone_init(void);
