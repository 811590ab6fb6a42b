/* mach/ndr.h: how the numbers in a message are represented. */
#pragma once

#include <stdint.h>

#include <mach/cdefs.h>

MACH_BEGIN_DECLS

typedef struct {
	unsigned char mig_vers;
	unsigned char if_vers;
	unsigned char reserved1;
	unsigned char mig_encoding;
	unsigned char int_rep;
	unsigned char char_rep;
	unsigned char float_rep;
	unsigned char reserved2;
} NDR_record_t;

#define NDR_PROTOCOL_2_0      0
#define NDR_INT_BIG_ENDIAN    0
#define NDR_INT_LITTLE_ENDIAN 1
#define NDR_FLOAT_IEEE	      0
#define NDR_FLOAT_VAX	      1
#define NDR_FLOAT_CRAY	      2
#define NDR_FLOAT_IBM	      3
#define NDR_CHAR_ASCII	      0
#define NDR_CHAR_EBCDIC	      1

/* This machine's: little endian, ASCII, IEEE */
extern const NDR_record_t NDR_record;

MACH_ABI_ASSERT(sizeof(NDR_record_t) == 8, "ABI");

/* Makes @ndr, in a message and so at a multiple of four, the same. */
static inline void
mig_set_ndr(NDR_record_t *ndr)
{
	typedef uint32_t half_t __attribute__((__may_alias__));
	half_t *half = (half_t *)(void *)ndr;

	half[0] = 0;
	half[1] = NDR_INT_LITTLE_ENDIAN;
}

MACH_END_DECLS
