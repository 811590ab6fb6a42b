/* mach/vm_page_size.h: how large a page is. */
#pragma once

#include <mach/mach_init.h>
#include <mach/vm_param.h>
