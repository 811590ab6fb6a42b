/*
 * arch/usercopy.h: the only way from the kernel to user memory.
 *
 * The user range is that of the current address space.  A range outside the
 * user's half, or a fault that the map cannot serve, gives
 * KERN_INVALID_ADDRESS; bytes before the fault may have been copied.  A fault
 * that the map can serve (zero-fill, copy-on-write) is served and goes on.
 * Where the page has to be brought by somebody the copy gives KERN_MEMORY_WAIT,
 * which is to be treated as any failure: with everything undone, and whatever
 * result, the trap is made again when the page is there.  Where not everything
 * can be undone, memory_wait_block() and copy again: vm/memory_wait.h.
 * No lock may be held.
 */
#pragma once
#include <arch/layout.h>

#include "kernel/types.h"

kern_return_t copyin(void *to, uaddr_t from, size_t size) must_check;
kern_return_t copyout(uaddr_t to, const void *from, size_t size) must_check;

/*
 * Four words in registers, such as a message's header and shortest trailer, to
 * @to, which is a multiple of 8 in the user's half; and then the current thread
 * returns to user mode with 0 as its trap's result.  Comes back only to say
 * KERN_INVALID_ADDRESS; where the page is yet to come, message_words_later() is
 * called with the same arguments.
 */
kern_return_t copyout_words_return(
    uaddr_t to, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3) must_check;

/*
 * The body of a message that is one descriptor, 20 bytes, from and to multiples
 * of 8; @from is in the user's half.
 */
kern_return_t copyin_descriptor(void *to, uaddr_t from) must_check;
/*
 * As copyout_words_return(), of such a message: header, body, and the shortest
 * trailer, of @w6 the lower half.  Comes back to say KERN_INVALID_ADDRESS, or
 * KERN_MEMORY_WAIT.
 */
kern_return_t copyout_descriptor_return(uaddr_t to, uint64_t w0, uint64_t w1,
    uint64_t w2, uint64_t w3, uint64_t w4, uint64_t w5, uint64_t w6) must_check;

/*
 * The same of a question about an exception, mach_exception_raise(), with its
 * trailer.  Bits and size, names, voucher and id; @identity:
 * the names of thread and task, the latter above; @ndr_exception: an NDR's
 * second half, and above it the exception.
 */
kern_return_t copyout_raise_return(uaddr_t to, uint64_t bits_size,
    uint64_t names, uint64_t id, uint64_t identity, uint64_t ndr_exception,
    uint64_t code, uint64_t subcode) must_check;

/* The same of any message of five words, with its trailer. */
kern_return_t copyout_six_return(uaddr_t to, uint64_t w0, uint64_t w1,
    uint64_t w2, uint64_t w3, uint64_t w4, uint64_t w5) must_check;

/*
 * The name of a receive right just made for port_allocate_trap(@target,
 * @right, @to), to @to; where that is not done at once, port_name_later() is
 * called with the same arguments, and answers.  Instead of a return.
 */
kern_return_t copyout_name(
    uint64_t target, uint64_t right, uaddr_t to, uint32_t name) must_check;

/*
 * copyin() of what is there: addresses and @size are multiples of 4, @from is
 * in the user's half, and a fault is not served: KERN_INVALID_ADDRESS.  So
 * locks may be held.
 */
kern_return_t copyin_present(void *to, uaddr_t from, size_t size) must_check;

/* Is [address, address + size) wholly inside the user's half? */
static inline bool
user_range_ok(uaddr_t address, uint64_t size)
{
	return size <= USER_END && address <= USER_END - size;
}
