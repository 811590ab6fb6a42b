/* sync.c: semaphores and eventlinks: signalled, waited for, ended meanwhile. */
#include "test/soak/soak.h"

#include <mach/mach_eventlink.h>
#include <mach/mach_time.h>
#include <mach/semaphore.h>
#include <mach/task.h>

#include "test/user/mach_test.h"

#define SEMAPHORES 3
#define CLOCK	   KERN_CLOCK_MACH_ABSOLUTE_TIME

/* As with the pool of ports, each may end while it is used. */
static _Atomic semaphore_t semaphores[SEMAPHORES];
static _Atomic mach_port_t sides[2]; /* of one link */

static void
renew_semaphore(struct worker *worker)
{
	static const int policies[] = {
	    SYNC_POLICY_FIFO, SYNC_POLICY_LIFO, SYNC_POLICY_FIXED_PRIORITY};
	semaphore_t fresh;

	if (semaphore_create(mach_task_self(), &fresh,
		policies[chance(worker, 3)],
		(int)chance(worker, 2)) != KERN_SUCCESS)
		return;
	fresh = atomic_exchange(&semaphores[chance(worker, SEMAPHORES)], fresh);
	if (fresh == MACH_PORT_NULL)
		return;
	if (chance(worker, 2) == 0)
		(void)semaphore_destroy(mach_task_self(), fresh);
	else /* it ends with its last send right */
		mach_port_deallocate(mach_task_self(), fresh);
}

static void
renew_link(struct worker *worker)
{
	mach_port_t pair[2];

	if (mach_eventlink_create(
		mach_task_self(), MELC_OPTION_NO_COPYIN, pair) != KERN_SUCCESS)
		return;
	for (int i = 0; i < 2; i++) {
		mach_port_t old = atomic_exchange(&sides[i], pair[i]);

		if (old == MACH_PORT_NULL)
			continue;
		if (chance(worker, 2) == 0)
			(void)mach_eventlink_destroy(old);
		else
			mach_port_deallocate(mach_task_self(), old);
	}
}

void
sync_start(struct worker *worker)
{
	for (int i = 0; i < SEMAPHORES; i++)
		renew_semaphore(worker);
	renew_link(worker);
}

static semaphore_t
any_semaphore(struct worker *worker)
{
	return semaphores[chance(worker, SEMAPHORES)];
}

void
use_semaphore(struct worker *worker)
{
	semaphore_t one = any_semaphore(worker), two = any_semaphore(worker);
	mach_timespec_t time = {0, (int)chance(worker, 2000000)};
	kern_return_t kr = KERN_FAILURE;

	switch (chance(worker, 16)) {
	case 0:
		renew_semaphore(worker);
		break;
	case 1:
		(void)semaphore_signal_all(one);
		break;
	case 2:
		(void)semaphore_signal_thread(one, MACH_PORT_NULL);
		break;
	case 3:
		kr = semaphore_wait(one); /* until a signal, or a blow */
		break;
	case 4:
	case 5:
	case 6:
		kr = semaphore_timedwait(one, time);
		break;
	case 7:
	case 8:
	case 9:
		kr = semaphore_timedwait_signal(one, two, time);
		break;
	default:
		(void)semaphore_signal(one);
	}
	worker->waits += kr == KERN_SUCCESS;
}

void
use_eventlink(struct worker *worker)
{
	mach_port_t side = sides[chance(worker, 2)];
	uint64_t count = 0, deadline;

	switch (chance(worker, 8)) {
	case 0:
		if (chance(worker, 4) == 0)
			renew_link(worker);
		break;
	case 1:
		(void)mach_eventlink_disassociate(side, MELD_OPTION_NONE);
		break;
	case 2:
	case 3:
		(void)mach_eventlink_associate(side, MACH_PORT_NULL, 0, 0, 0, 0,
		    MELA_OPTION_ASSOCIATE_ON_WAIT);
		break;
	case 4:
		(void)mach_eventlink_signal(side, 0);
		break;
	default:
		deadline =
		    mach_absolute_time() + ticks_of_ms(chance(worker, 3));
		worker->waits +=
		    mach_eventlink_signal_wait_until(side, &count, 0,
			MELSW_OPTION_NONE, CLOCK, deadline) == KERN_SUCCESS;
	}
}
