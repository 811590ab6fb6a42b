/*
 * libc/heap.c: sbrk(), from which the C library's malloc() takes memory.
 *
 * malloc() can do with pieces that do not touch, so memory is taken from the
 * map a chunk at a time.  It calls with its lock held.
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
	if (increment < 0)
		goto out_no_memory;
	if ((uintptr_t)increment > chunk_end - chunk_next) {
		vm_size_t size = round_page(increment);
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
