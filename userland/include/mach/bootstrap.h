/* mach/bootstrap.h: servers/bootstrap.h, under its older name. */
#pragma once

#include <servers/bootstrap.h>
