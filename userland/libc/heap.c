/*
 * libc/heap.c: sbrk(), from which the C library's malloc() takes memory.
 *
 * malloc() can do with pieces that do not touch, so memory is taken from the
 * map a chunk at a time.  It calls with its lock held.
 *
 * If its last piece is too short it asks for what is missing, and again from
 * there if that does not touch: so a chunk has room for twice what was asked
 * for, or no second piece would ever touch the first.
 */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include <mach/mach.h>

#define CHUNK_SIZE (256 * 1024UL)

static uintptr_t chunk_next, chunk_end;

void *
sbrk(ptrdiff_t increment)
{
	void *piece;

	/* Memory is never given back this way. */
	if (increment < 0 || (uintptr_t)increment > VM_MAX_ADDRESS)
		goto out_no_memory;
	if ((uintptr_t)increment > chunk_end - chunk_next) {
		vm_size_t size = round_page(2 * (vm_size_t)increment);
		vm_address_t chunk;

		if (size < CHUNK_SIZE)
			size = CHUNK_SIZE;
		if (vm_allocate(mach_task_self(), &chunk, size,
			VM_FLAGS_ANYWHERE) != KERN_SUCCESS)
			goto out_no_memory;
		chunk_next = chunk;
		chunk_end = chunk + size;
	}
	piece = (void *)chunk_next;
	chunk_next += (uintptr_t)increment;
	return piece;

out_no_memory:
	errno = ENOMEM;
	return (void *)-1;
}
