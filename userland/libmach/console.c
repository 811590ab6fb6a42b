/* libmach/console.c: servers/console.h over servers/console.defs. */
#include <mach/mach.h>
#include <servers/console.h>
#include <user/console.h>

kern_return_t
console_write(mach_port_t console, const char *data, size_t count)
{
	kern_return_t kr = KERN_SUCCESS;

	while (count > 0 && kr == KERN_SUCCESS) {
		uint32_t piece = count < CONSOLE_WRITE_MAX ? (uint32_t)count
							   : CONSOLE_WRITE_MAX;

		kr = console_put(console, data, piece);
		data += piece;
		count -= piece;
	}
	return kr;
}

kern_return_t
console_read(mach_port_t console, char *data, size_t wanted, size_t *count)
{
	mach_msg_type_number_t room =
	    wanted < CONSOLE_READ_MAX ? (uint32_t)wanted : CONSOLE_READ_MAX;
	kern_return_t kr = console_get(console, data, &room);

	if (kr == KERN_SUCCESS)
		*count = room;
	return kr;
}
