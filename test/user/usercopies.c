/*
 * usercopies.c: bytes between the kernel and a user's memory, and between two
 * tasks, where a page begins that is not there yet, may not be used, is shared,
 * or goes away meanwhile.
 *
 * A buffer lies across the boundary of two pages: `before` bytes of it, 0 to
 * 63, in the first.  One of the two is of some kind, the other plain.  After
 * each operation every byte of both is compared with what should be there.
 *
 * Long because each operation and each kind of page is a function or a line.
 */
#include <stdatomic.h>
#include <string.h>

#include <mach/mach_traps.h>
#include <mach/mk_timer.h>

#include "test/user/paged.h"

#include <baton/thread.h>

#define SUPER (2UL << 20)
#define ROOM  200
#define RACES 3000

static mach_port_t self, port, timer;

/* ---- pages of each kind ---- */

enum kind {
	PLAIN,	   /* written */
	ABSENT,	   /* never touched: zeros */
	COPIED,	   /* copy-on-write: `other` has it too */
	SHARED,	   /* an object's: `other` sees what is written */
	READ_ONLY, /* and written before */
	PAGED_OUT, /* whoever decides that, may have taken it */
	PAGED,	   /* a pager has it, and it is private; not here yet */
	SUPERPAGE, /* part of one, as is its neighbour */
	GUARD,	   /* may not be touched */
	UNMAPPED,
	KINDS
};

static const char *const kind_names[KINDS] = {"plain", "absent", "copied",
    "shared", "read-only", "paged out", "a pager's", "a superpage's", "guard",
    "unmapped"};

static bool
is_readable(enum kind kind)
{
	return kind != GUARD && kind != UNMAPPED;
}

static bool
is_writable(enum kind kind)
{
	return is_readable(kind) && kind != READ_ONLY;
}

static char *small, *large;    /* two pages; the middle of a superpage */
static char *pages;	       /* the one of them that is used */
static char *other;	       /* a page: who else has it */
static char pattern[2 * PAGE]; /* what is there at first */
static char image[2 * PAGE];   /* what should be there */
static char was[2 * PAGE];     /* and what was */

static mach_vm_address_t
at(const void *bytes)
{
	return (mach_vm_address_t)bytes;
}

static void
make_pages(void *first)
{
	mach_vm_address_t address = at(first);

	must(mach_vm_allocate(
	    self, &address, 2 * PAGE, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE));
}

static void
remap(void *from, void *to, boolean_t copy)
{
	mach_vm_address_t address = at(to);
	vm_prot_t protection, maximum;

	must(mach_vm_remap(self, &address, PAGE, 0,
	    VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, self, at(from), copy,
	    &protection, &maximum, VM_INHERIT_NONE));
}

/* An object with the pattern, mapped so that it stays; no page of it is here.
 */
static struct paged paged;
static mach_port_t object;
static char *object_pages;

static void
map_paged(void *page, int which)
{
	mach_vm_address_t address = at(page);

	must(mach_vm_msync(self, at(object_pages), 2 * PAGE,
	    VM_SYNC_ASYNCHRONOUS | VM_SYNC_INVALIDATE));
	must(mach_vm_map(self, &address, PAGE, 0,
	    VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE, object, (size_t)which * PAGE,
	    TRUE, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_NONE));
}

/* A header in the image, of a message of @size bytes. */
static void
put_header(size_t place, size_t size)
{
	mach_msg_header_t header = {
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = (mach_msg_size_t)size,
	    .msgh_remote_port = port,
	};

	memcpy(image + place, &header, sizeof(header));
}

/*
 * Let page @which of the two be of @kind, the other plain; with a message of
 * @size bytes at @place, unless that is 0.
 */
static void
prepare(enum kind kind, int which, size_t place, size_t size)
{
	char *page;

	pages = kind == SUPERPAGE ? large : small;
	page = pages + (size_t)which * PAGE;
	if (kind != SUPERPAGE)
		make_pages(pages);
	memcpy(image, pattern, sizeof(image));
	if (kind == ABSENT)
		memset(image + (size_t)which * PAGE, 0, PAGE);
	if (size > 0)
		put_header(place, size);
	memcpy(was, image, sizeof(was));
	if (kind == PAGED)
		map_paged(page, which);
	if (kind == ABSENT || (kind == PAGED && size == 0)) {
		memcpy(pages + (size_t)(1 - which) * PAGE,
		    image + (size_t)(1 - which) * PAGE, PAGE);
		return;
	}
	memcpy(pages, image, sizeof(image));
	if (kind == COPIED)
		must(mach_vm_copy(self, at(page), PAGE, at(other)));
	else if (kind == SHARED)
		remap(page, other, FALSE);
	else if (kind == READ_ONLY)
		must(
		    mach_vm_protect(self, at(page), PAGE, FALSE, VM_PROT_READ));
	else if (kind == PAGED_OUT)
		must(mach_vm_behavior_set(
		    self, at(page), PAGE, VM_BEHAVIOR_PAGEOUT));
	else if (kind == GUARD)
		must(
		    mach_vm_protect(self, at(page), PAGE, FALSE, VM_PROT_NONE));
	else if (kind == UNMAPPED)
		must(mach_vm_deallocate(self, at(page), PAGE));
}

/* Whatever may be read is what it should be. */
static bool
is_as_imaged(enum kind kind, int which)
{
	for (int i = 0; i < 2; i++) {
		if ((i != which || is_readable(kind)) &&
		    memcmp(pages + (size_t)i * PAGE, image + (size_t)i * PAGE,
			PAGE) != 0)
			return false;
	}
	return true;
}

/* Who else has the page has it as it was, or as it is. */
static bool
is_other_right(enum kind kind, int which)
{
	if (kind == COPIED)
		return memcmp(other, was + (size_t)which * PAGE, PAGE) == 0;
	return kind != SHARED ||
	       memcmp(other, image + (size_t)which * PAGE, PAGE) == 0;
}

/* ---- operations ---- */

/* What is done with a buffer; bytes that are sent or come. */
static char text[ROOM + 64];

struct operation {
	const char *name;
	size_t size;
	size_t step; /* a buffer begins at a multiple of this */
	bool writes; /* to the buffer; else it reads it */
	bool vague;  /* what it writes is only known to be written */
	kern_return_t (*run)(char *buffer, size_t size);
	kern_return_t fault, fault_too; /* how it fails */
};

static kern_return_t
receive_at(void *buffer, size_t size)
{
	return mach_msg(buffer, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
	    (mach_msg_size_t)size, port, 0, MACH_PORT_NULL);
}

/* A message of @size bytes in the queue, whose body is the text. */
static void
queue(size_t size)
{
	struct {
		mach_msg_header_t header;
		char body[ROOM];
	} message = {
	    .header = {
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		.msgh_size = (mach_msg_size_t)size,
		.msgh_remote_port = port,
		.msgh_id = 7,
	    }};

	memcpy(message.body, text, size - sizeof(message.header));
	must(send_message(&message, size));
}

/* Receive what is queued; the trailer follows it. */
static kern_return_t
do_receive(char *buffer, size_t size)
{
	kern_return_t kr;

	queue(size - 8);
	kr = receive_at(buffer, size);
	if (take(port) >= 0)
		return KERN_FAILURE;
	if (kr == KERN_SUCCESS &&
	    memcmp(buffer + sizeof(mach_msg_header_t), text,
		size - 8 - sizeof(mach_msg_header_t)) != 0)
		return KERN_FAILURE;
	return kr;
}

static kern_return_t
do_read_to(char *buffer, size_t size)
{
	mach_vm_size_t copied;

	return mach_vm_read_overwrite(
	    self, at(text), size, at(buffer), &copied);
}

static kern_return_t
do_write_to(char *buffer, size_t size)
{
	return mach_vm_write(
	    self, at(buffer), (vm_offset_t)text, (mach_msg_type_number_t)size);
}

static kern_return_t
do_copy_to(char *buffer, size_t size)
{
	return mach_vm_copy(self, at(text), size, at(buffer));
}

static kern_return_t
do_allocate_port(char *buffer, size_t size)
{
	mach_port_name_t name;
	kern_return_t kr = _kernelrpc_mach_port_allocate_trap(
	    self, MACH_PORT_RIGHT_RECEIVE, (mach_port_name_t *)buffer);

	(void)size;
	memcpy(&name, buffer, kr == KERN_SUCCESS ? sizeof(name) : 0);
	if (kr == KERN_SUCCESS)
		must(mach_port_mod_refs(
		    self, name, MACH_PORT_RIGHT_RECEIVE, -1));
	return kr;
}

static kern_return_t
do_type(char *buffer, size_t size)
{
	(void)size;
	return _kernelrpc_mach_port_type_trap(
	    self, port, (mach_port_type_t *)buffer);
}

static kern_return_t
do_timebase(char *buffer, size_t size)
{
	(void)size;
	return mach_timebase_info_trap((mach_timebase_info_t)buffer);
}

static kern_return_t
do_cancel_timer(char *buffer, size_t size)
{
	uint64_t when = mach_absolute_time() + ticks_of_ms(60000);

	(void)size;
	must(mk_timer_arm(timer, when));
	return mk_timer_cancel(timer, (uint64_t *)buffer);
}

static kern_return_t
do_sleep(char *buffer, size_t size)
{
	(void)size;
	return clock_sleep_trap(
	    MACH_PORT_NULL, TIME_RELATIVE, 0, 0, (mach_timespec_t *)buffer);
}

/* The buffer holds bytes, of which a header is made if there is room. */
static kern_return_t
do_send(char *buffer, size_t size)
{
	char got[ROOM + 64];
	kern_return_t kr = mach_msg_trap((mach_msg_header_t *)buffer,
	    MACH_SEND_MSG | MACH_SEND_TIMEOUT, (mach_msg_size_t)size, 0, 0, 0,
	    0);

	if (kr != KERN_SUCCESS)
		return take(port) < 0 ? kr : KERN_FAILURE;
	must(receive_at(got, sizeof(got)));
	return memcmp(got + sizeof(mach_msg_header_t),
		   buffer + sizeof(mach_msg_header_t),
		   size - sizeof(mach_msg_header_t)) == 0
		   ? KERN_SUCCESS
		   : KERN_FAILURE;
}

static kern_return_t
check_text(kern_return_t kr, const char *buffer, const char *got, size_t size)
{
	if (kr == KERN_SUCCESS && memcmp(got, buffer, size) != 0)
		return KERN_FAILURE;
	return kr;
}

static kern_return_t
do_read_from(char *buffer, size_t size)
{
	char got[ROOM];
	mach_vm_size_t copied;

	return check_text(
	    mach_vm_read_overwrite(self, at(buffer), size, at(got), &copied),
	    buffer, got, size);
}

static kern_return_t
do_read(char *buffer, size_t size)
{
	vm_offset_t data;
	mach_msg_type_number_t count;
	kern_return_t kr = mach_vm_read(self, at(buffer), size, &data, &count);

	kr = check_text(kr, buffer, (char *)data, kr == 0 ? size : 0);
	if (kr == KERN_SUCCESS)
		must(mach_vm_deallocate(self, data, count));
	return kr;
}

static kern_return_t
do_write_from(char *buffer, size_t size)
{
	static char got[ROOM];

	return check_text(mach_vm_write(self, at(got), (vm_offset_t)buffer,
			      (mach_msg_type_number_t)size),
	    buffer, got, size);
}

static kern_return_t
do_send_memory(char *buffer, size_t size)
{
	struct crate crate;
	kern_return_t kr;

	crate_fill(&crate, port, buffer, (uint32_t)size, false,
	    MACH_MSG_PHYSICAL_COPY);
	kr = send_message(&crate, CRATE_SIZE);
	if (kr != KERN_SUCCESS)
		return kr;
	must(poll_for(&crate, sizeof(crate), port));
	kr = check_text(kr, buffer, crate.memory.address, size);
	must(mach_vm_deallocate(self, at(crate.memory.address), size));
	return kr;
}

#define BAD_ADDRESS KERN_INVALID_ADDRESS
#define BAD_RIGHTS  KERN_PROTECTION_FAILURE
#define BAD_BUFFER  MACH_RCV_INVALID_DATA
#define BAD_MESSAGE MACH_SEND_INVALID_DATA
#define BAD_MEMORY  MACH_SEND_INVALID_MEMORY

static const struct operation operations[] = {
    {"receive", 32, 4, true, true, do_receive, BAD_BUFFER, BAD_BUFFER},
    {"receive more", 96, 4, true, true, do_receive, BAD_BUFFER, BAD_BUFFER},
    {"read over it", 8, 1, true, false, do_read_to, BAD_ADDRESS, BAD_RIGHTS},
    {"read much over it", 77, 1, true, false, do_read_to, BAD_ADDRESS,
	BAD_RIGHTS},
    {"write to it", 65, 1, true, false, do_write_to, BAD_ADDRESS, BAD_RIGHTS},
    {"copy to it", 70, 1, true, false, do_copy_to, BAD_ADDRESS, BAD_RIGHTS},
    {"a port's name", 4, 1, true, true, do_allocate_port, BAD_ADDRESS,
	BAD_ADDRESS},
    {"a port's type", 4, 1, true, true, do_type, BAD_ADDRESS, BAD_ADDRESS},
    {"the timebase", 8, 1, true, true, do_timebase, BAD_ADDRESS, BAD_ADDRESS},
    {"a timer's time", 8, 1, true, true, do_cancel_timer, BAD_ADDRESS,
	BAD_ADDRESS},
    {"a clock's time", 8, 1, true, true, do_sleep, BAD_ADDRESS, BAD_ADDRESS},
    {"send", 32, 4, false, false, do_send, BAD_MESSAGE, BAD_MESSAGE},
    {"send more", 120, 4, false, false, do_send, BAD_MESSAGE, BAD_MESSAGE},
    {"read from it", 66, 1, false, false, do_read_from, BAD_ADDRESS,
	BAD_RIGHTS},
    {"read it", 66, 1, false, false, do_read, BAD_ADDRESS, BAD_RIGHTS},
    {"write from it", 66, 1, false, false, do_write_from, BAD_MEMORY,
	BAD_MEMORY},
    {"send it", 66, 1, false, false, do_send_memory, BAD_MEMORY, BAD_MEMORY},
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* ---- one place after the other ---- */

static kern_return_t
expected(const struct operation *operation, enum kind kind, bool touched)
{
	bool good = operation->writes ? is_writable(kind) : is_readable(kind);

	if (good || !touched)
		return KERN_SUCCESS;
	return kind == UNMAPPED ? operation->fault : operation->fault_too;
}

/* What a buffer holds after it was written, or may have been. */
static void
update_image(const struct operation *operation, size_t place, kern_return_t kr,
    enum kind kind, int which)
{
	size_t end = place + operation->size;

	for (size_t i = place; i < end; i++) {
		if ((int)(i / PAGE) == which && !is_readable(kind))
			continue;
		if (kr == KERN_SUCCESS && !operation->vague)
			image[i] = text[i - place];
		else if (kr == KERN_SUCCESS || operation->vague)
			image[i] = pages[i];
	}
}

/* False: something is not as it should be. */
static bool
try_place(
    const struct operation *operation, enum kind kind, int which, size_t place)
{
	size_t first = place / PAGE,
	       last = (place + operation->size - 1) / PAGE;
	bool touched = first == (size_t)which || last == (size_t)which;
	kern_return_t kr;

	/* In a page that was never touched there is no header. */
	if (operation->run == do_send && kind == ABSENT &&
	    (first == (size_t)which ||
		(place + sizeof(mach_msg_header_t) - 1) / PAGE ==
		    (size_t)which))
		return true;
	prepare(kind, which, place,
	    operation->run == do_send ? operation->size : 0);
	kr = operation->run(pages + place, operation->size);
	if (kr != expected(operation, kind, touched)) {
		note("%s: %s %d, %zu before: %#x", operation->name,
		    kind_names[kind], which, PAGE - place, (unsigned)kr);
		return false;
	}
	if (operation->writes)
		update_image(operation, place, kr, kind, which);
	if (!is_as_imaged(kind, which) || !is_other_right(kind, which)) {
		note("%s: %s %d, %zu before: other bytes", operation->name,
		    kind_names[kind], which, PAGE - place);
		return false;
	}
	return true;
}

/* Every place, and some where the page is as any other to the hardware. */
static unsigned
try_places(const struct operation *operation, enum kind kind, int which)
{
	bool quick = kind == PLAIN || kind == SHARED || kind == PAGED_OUT ||
		     kind == SUPERPAGE;
	size_t step = quick ? 4 * operation->step : operation->step;
	unsigned wrong = 0;

	for (size_t before = 0; before < 64 && wrong < 3; before += step)
		wrong += !try_place(operation, kind, which, PAGE - before);
	return wrong;
}

static void
test_operation(const struct operation *operation)
{
	unsigned names = name_count(), wrong = 0;

	for (int kind = 0; kind < KINDS; kind++)
		for (int which = 0; which < 2; which++)
			wrong += try_places(operation, (enum kind)kind, which);
	is(wrong, 0, "%s: 64 places in %d kinds of page", operation->name,
	    KINDS);
	is(name_count(), names, "%s: no right is lost or left",
	    operation->name);
	is(send_refs(port), 1, "%s: nor a send right", operation->name);
}

/* ---- straight to a receiver that waits ---- */

static mach_port_t commands, answers;
static char *direct_buffer;
static atomic_int direct_result;

/*
 * Wait for a command, then for a message in the buffer it says: while the
 * sender waits for our answer, so that the one is handed to the other.
 */
static void
receive_directly(void *arg)
{
	struct note out = {{0}}, in;

	(void)arg;
	for (;;) {
		if (mach_msg(&in.header, MACH_RCV_MSG, 0, sizeof(in), commands,
			0, MACH_PORT_NULL) != KERN_SUCCESS ||
		    in.header.msgh_id == 0)
			return;
		out.header = (mach_msg_header_t){
		    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		    .msgh_size = sizeof(out.header),
		    .msgh_remote_port = answers,
		};
		direct_result = mach_msg_overwrite_trap(&out.header,
		    MACH_SEND_MSG | MACH_RCV_MSG, sizeof(out.header),
		    (mach_msg_size_t)in.word[0], port, 0, 0,
		    (mach_msg_header_t *)direct_buffer, 0);
		must(post(answers, 2));
	}
}

static void
send_and_wait(mach_port_t to, uint32_t word, size_t size)
{
	struct note message = {.word = {word}};

	message.header = (mach_msg_header_t){
	    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
	    .msgh_size = (mach_msg_size_t)size,
	    .msgh_remote_port = to,
	    .msgh_id = 1,
	};
	must(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG,
	    (mach_msg_size_t)size, sizeof(message), answers, 0,
	    MACH_PORT_NULL));
}

static kern_return_t
do_receive_directly(char *buffer, size_t size)
{
	direct_buffer = buffer;
	send_and_wait(commands, (uint32_t)size, NOTE_SIZE);
	send_and_wait(port, 0x77777777, size - 8);
	if (take(port) >= 0)
		return KERN_FAILURE;
	return direct_result;
}

static void
test_direct(void)
{
	static const struct operation direct[] = {
	    {"handed over", 32, 4, true, true, do_receive_directly, BAD_BUFFER,
		BAD_BUFFER},
	    {"handed over, more", 64, 4, true, true, do_receive_directly,
		BAD_BUFFER, BAD_BUFFER},
	};
	struct mach_thread *thread;

	commands = port_new_send();
	answers = port_new_send();
	must(mach_thread_start(receive_directly, NULL, 0, &thread));
	for (unsigned i = 0; i < 2; i++)
		test_operation(&direct[i]);
	must(post(commands, 0));
	mach_thread_join(thread);
	port_end(commands);
	port_end(answers);
}

/* ---- while the page goes away ---- */

static atomic_bool over;

/* Another thread, on another hart if there is one: the second page comes, goes,
 * and changes its rights. */
static void
disturb(void *arg)
{
	static const vm_prot_t prots[] = {
	    VM_PROT_NONE, VM_PROT_READ, VM_PROT_DEFAULT, VM_PROT_DEFAULT};
	mach_vm_address_t address = at(small + PAGE);

	(void)arg;
	for (unsigned i = 0; !over; i++) {
		switch (i * 7 % 5) {
		case 0:
			(void)mach_vm_deallocate(self, address, PAGE);
			break;
		case 1:
		case 2:
			(void)mach_vm_allocate(self, &address, PAGE,
			    VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE);
			break;
		case 3:
			(void)mach_vm_copy(self, at(other), PAGE, address);
			break;
		default:
			(void)mach_vm_protect(
			    self, address, PAGE, FALSE, prots[i / 5 % 4]);
		}
	}
}

static bool
is_allowed(const struct operation *operation, kern_return_t kr)
{
	return kr == KERN_SUCCESS || kr == operation->fault ||
	       kr == operation->fault_too;
}

/* Operations that do not look at the buffer themselves, or only where it is. */
static bool
can_race(const struct operation *operation)
{
	return operation->run != do_receive &&
	       operation->run != do_allocate_port &&
	       operation->run != do_send && operation->run != do_read_from &&
	       operation->run != do_read && operation->run != do_write_from &&
	       operation->run != do_send_memory;
}

/* What these do, and no look at what came of it. */
static kern_return_t
race(const struct operation *operation, char *buffer)
{
	static char got[ROOM];
	vm_offset_t data;
	mach_msg_type_number_t count;
	kern_return_t kr;

	if (can_race(operation))
		return operation->run(buffer, operation->size);
	if (operation->run == do_receive) {
		queue(operation->size - 8);
		kr = receive_at(buffer, operation->size);
		return take(port) < 0 ? kr : KERN_FAILURE;
	}
	if (operation->run == do_read) {
		kr = mach_vm_read(
		    self, at(buffer), operation->size, &data, &count);
		if (kr == KERN_SUCCESS)
			must(mach_vm_deallocate(self, data, count));
		return kr;
	}
	if (operation->run == do_write_from)
		return mach_vm_write(self, at(got), (vm_offset_t)buffer,
		    (mach_msg_type_number_t)operation->size);
	return KERN_SUCCESS;
}

static void
test_races(void)
{
	struct mach_thread *thread;
	unsigned wrong = 0, failed = 0;
	struct baton_kernel_counters before, after;

	prepare(PLAIN, 1, 0, 0);
	memcpy(image, small, PAGE);
	before = quiet_counters();
	must(mach_thread_start(disturb, NULL, 0, &thread));
	for (unsigned i = 0; i < RACES; i++) {
		const struct operation *operation = &operations[i % OPERATIONS];
		size_t place = PAGE - i / OPERATIONS % 64 / 4 * 4;
		size_t inside = PAGE - place < operation->size
				    ? PAGE - place
				    : operation->size;
		kern_return_t kr = race(operation, small + place);

		wrong += !is_allowed(operation, kr);
		failed += kr != KERN_SUCCESS;
		/* What may have been written, and not a byte before it. */
		memcpy(image + place, small + place, inside);
		wrong += memcmp(image, small, PAGE) != 0;
	}
	over = true;
	mach_thread_join(thread);
	is(wrong, 0, "a page that comes and goes: the documented codes");
	note("%u of %u failed", failed, RACES);
	after = quiet_counters();
	is(after.objects[BATON_OBJECT_PORT], before.objects[BATON_OBJECT_PORT],
	    "no port is left");
	is(after.objects[BATON_OBJECT_MESSAGE],
	    before.objects[BATON_OBJECT_MESSAGE], "nor a message");
	is(send_refs(port), 1, "nor a right");
}

/* Pages side by side in a superpage, if memory allows. */
static char *
make_superpage(void)
{
	mach_vm_address_t address = 0;

	must(mach_vm_allocate(self, &address, SUPER,
	    VM_FLAGS_ANYWHERE | VM_FLAGS_SUPERPAGE_SIZE_2MB));
	return (char *)address;
}

int
main(void)
{
	char *block;

	self = mach_task_self();
	port = port_new_send();
	timer = mk_timer_create();
	small = pages_new(2 * PAGE);
	other = pages_new(PAGE);
	block = make_superpage();
	large = block + 100 * PAGE;
	pattern_fill(text, sizeof(text), 99);
	pattern_fill(pattern, sizeof(pattern), 1);
	paged_start();
	object = paged_make(&paged, sizeof(pattern), false);
	memcpy(paged.store, pattern, sizeof(pattern));
	object_pages = paged_map(object, 0, sizeof(pattern), FALSE);
	is(object_pages[PAGE], pattern[PAGE], "a pager has two others");
	/* The first word and the first call make names that stay. */
	ok(access_to(small) == VM_PROT_DEFAULT, "there is a page");
	for (unsigned i = 0; i < OPERATIONS; i++)
		test_operation(&operations[i]);
	test_direct();
	test_races();
	pages_end(block, SUPER);
	pages_end(object_pages, sizeof(pattern));
	return done();
}
