/* mach/host_priv.h: what only the privileged host port allows. */
#pragma once

#include <mach/mach_host.h>
