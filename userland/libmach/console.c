/* libmach/console.c: the client side of servers/console.h. */
#include "call.h"

#include <mach/mach.h>
#include <servers/console.h>

kern_return_t
console_write(mach_port_t console, const char *data, size_t count)
{
	kern_return_t kr = KERN_SUCCESS;

	while (count > 0 && kr == KERN_SUCCESS) {
		uint32_t piece = count < CONSOLE_WRITE_MAX ? (uint32_t)count
							   : CONSOLE_WRITE_MAX;
		struct call call;

		call_begin(&call, MSGID_CONSOLE_WRITE);
		call_put_u32(&call, piece);
		call_put_bytes(&call, data, piece);
		call_send(&call, console);
		kr = call_end(&call);
		data += piece;
		count -= piece;
	}
	return kr;
}

kern_return_t
console_read(mach_port_t console, char *data, size_t wanted, size_t *count)
{
	uint32_t sent = 0;
	struct call call;

	if (wanted > CONSOLE_READ_MAX)
		wanted = CONSOLE_READ_MAX;
	call_begin(&call, MSGID_CONSOLE_READ);
	call_put_u32(&call, (uint32_t)wanted);
	call_perform(&call, console);
	call_get_u32(&call, &sent);
	if (sent > wanted)
		sent = (uint32_t)wanted;
	call_get_bytes(&call, data, sent);
	*count = sent;
	return call_end(&call);
}

kern_return_t
console_mode(mach_port_t console, boolean_t raw)
{
	struct call call;

	call_begin(&call, MSGID_CONSOLE_MODE);
	call_put_u32(&call, raw);
	call_perform(&call, console);
	return call_end(&call);
}
