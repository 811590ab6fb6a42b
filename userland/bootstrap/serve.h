/* bootstrap/serve.h: answer requests and notifications, for ever. */
#pragma once

void serve(void);
