/* sum.c: a call through generated stubs, and the server that it goes to. */
#include <stdlib.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>

#include "bench.h"
#include "userland/bench/sum.h"
#include "userland/bench/sumServer.h"

/* Larger than any request and reply of sum.defs, trailers not counted. */
#define LARGEST 256

/* ---- the server ---- */

kern_return_t
serve_sum_of(mach_port_t server, int a, int b, int *sum)
{
	(void)server;
	*sum = a + b;
	return KERN_SUCCESS;
}

kern_return_t
serve_sum_end(mach_port_t server)
{
	(void)server;
	exit(0);
}

void
bench_serve_sums(unsigned port)
{
	bench_check(
	    mach_msg_server(sum_server, LARGEST, port, 0), "serve sums");
	exit(1);
}

/* ---- the client ---- */

void
bench_sums(void)
{
	mach_port_t server = bench_server_of_sums();

	bench_begin("rpc.mig.inter",
	    "generated stubs on both sides: two integers in, one out");
	for (unsigned i = 0; i < WARM_UP + bench_rounds(); i++) {
		int a = (int)i, b = 7, sum = 0;
		uint64_t before = bench_now();
		kern_return_t kr = sum_of(server, a, b, &sum);

		before = bench_now() - before;
		bench_check(kr, "ask for a sum");
		if (sum != a + b)
			bench_fail("a wrong sum", sum);
		if (i >= WARM_UP)
			bench_sample(before);
	}
	bench_end();
	bench_check(sum_end(server), "end the server of sums");
}
