/* sh/ipcstat.c: see ipcstat.h. */
#include "ipcstat.h"

#include <stdio.h>
#include <stdlib.h>

#include <baton/host.h>
#include <mach/mach.h>
#include <servers/bootstrap.h>

void
ipcstat_show(const char *word)
{
	uint32_t hart =
	    word != NULL ? (uint32_t)strtoul(word, NULL, 10) : BATON_ALL_HARTS;
	struct baton_decline_count counts[BATON_DECLINES];
	uint32_t count = BATON_DECLINES;
	mach_port_t host = mach_host_self();
	kern_return_t kr = host_declines(host, hart, counts, &count);

	mach_port_deallocate(mach_task_self(), host);
	if (kr == KERN_INVALID_ARGUMENT) {
		printf("ipcstat: no hart %s\n", word);
		return;
	}
	if (kr != KERN_SUCCESS) {
		printf("ipcstat: %s\n", bootstrap_strerror(kr));
		return;
	}
	printf("DECLINED  WHY\n");
	for (uint32_t i = 0; i < count; i++)
		if (counts[i].times > 0)
			printf("%8lu  %s\n", counts[i].times,
			    baton_decline_reason(i));
}
