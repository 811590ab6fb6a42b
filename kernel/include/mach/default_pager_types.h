/* mach/default_pager_types.h: what the default pager and the kernel tell each
 * other; see mach/default_pager.h. */
#pragma once
#include <mach/port.h>
#include <mach/vm_types.h>

#define DEFAULT_PAGER_WRITES_MAX  16 /* pages of one write */
#define DEFAULT_PAGER_FORGETS_MAX 64 /* slots of one forget */
#define DEFAULT_PAGER_PAGE_SIZE	  4096

typedef mach_port_t default_pager_control_t;
typedef natural_t default_pager_writes_t[DEFAULT_PAGER_WRITES_MAX];
typedef natural_t default_pager_forgets_t[DEFAULT_PAGER_FORGETS_MAX];
typedef char default_pager_page_t[DEFAULT_PAGER_PAGE_SIZE];
