/* hart.c: the one hart of unit tests, and its current thread. */
#include "kernel/cpu.h"
#include "kernel/thread.h"

struct cpu cpus[CONFIG_MAX_HARTS];
uint32_t cpu_count = 1;
atomic_ulong cpu_online_mask = 1;

static struct thread first_thread = {.cpu = &cpus[0]};
struct thread *host_current = &first_thread;
