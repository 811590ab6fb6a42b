/* mach/boolean.h: the truth value of the Mach interfaces. */
#pragma once

typedef unsigned int boolean_t;

#ifndef TRUE
#define TRUE ((boolean_t)1)
#endif
#ifndef FALSE
#define FALSE ((boolean_t)0)
#endif
