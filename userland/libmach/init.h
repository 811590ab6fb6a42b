/* libmach/init.h: called once by the C start-up code, before main(). */
#pragma once

void mach_init(void);
