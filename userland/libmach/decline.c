/* decline.c: what the reasons of mach/baton_decline.h are. */
#include <baton/host.h>

#define DECLINE_TEXT(name, what) [BATON_DECLINE_##name] = what,

const char *
baton_decline_reason(unsigned reason)
{
	static const char *const reasons[BATON_DECLINES] = {
	    BATON_DECLINE_REASONS(DECLINE_TEXT)};

	return reason < BATON_DECLINES ? reasons[reason] : "?";
}
