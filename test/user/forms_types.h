/* test/user/forms_types.h: what forms.defs speaks of, in C. */
#pragma once

#include <mach/mach_types.h>

#define FORM_NOTHING_ID	  77000
#define FORM_NUMBERS_ID	  77001
#define FORM_COUNTED_ID	  77005
#define FORM_STRINGS_ID	  77006
#define FORM_RIGHTS_ID	  77009
#define FORM_ANY_RIGHT_ID 77011
#define FORM_ARRAYS_ID	  77012
#define FORM_MEMORY_ID	  77015
#define FORM_NOTE_ID	  77021
#define FORM_LATE_ID	  77026
#define FORMS_END	  77031

typedef struct {
	uint64_t first, second;
} form_pair_t;

typedef short form_shorts_t[3];
typedef uint64_t form_longs_t[3];
typedef int *form_words_t;
typedef char *form_bytes_t;
typedef uint64_t *form_wides_t;
typedef char form_name_t[10];
typedef char form_text_t[22];
typedef mach_port_t form_three_t[3];
typedef mach_port_t *form_few_t;
typedef mach_port_t *form_got_few_t;
typedef mach_port_t *form_ports_t;
typedef mach_port_t *form_moved_ports_t;
typedef char *form_data_t;
typedef char *form_page_t;
typedef form_pair_t *form_out_pair_t;
typedef int *form_ints_t;

/* What the server makes of the port of form_object(). */
struct form_object {
	mach_port_t port;
	int uses; /* how often it was looked up, and not yet put */
};

struct form_object *form_object_of(mach_port_t port);
mach_port_t form_object_port(struct form_object *object);
void form_object_put(struct form_object *object);
