/*
 * test_pager.c: the library of pagers, between a kernel that notes what it is
 * told and a pager that notes what it is asked.
 *
 * Sources: userland/libmach/pager.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <baton/pager.h>
#include <mach/mach.h>
#include <mach/mig.h>
#include <mach/memory_object.h>
#include <mach/routine_ids.h>
#include <server/pager.h>

#define PAGE	4096UL
#define SET	0x10203U
#define OBJECT	0x20301U
#define OTHER	0x20401U
#define CONTROL 0x30305U
#define FORGED	0x30405U
#define NAME	0x30505U

vm_size_t vm_page_size = PAGE;
mach_port_t mach_task_self_ = 0x103;

/* What was said, a word each, in order. */
static char said[1024];

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	size_t length = strlen(said);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(said + length, sizeof(said) - length, format, arguments);
	va_end(arguments);
}

#define expect_said(words)                                                     \
	do {                                                                   \
		assert_string_equal(said, words);                              \
		said[0] = '\0';                                                \
	} while (0)

/* ---- the kernel ---- */

static mach_port_t next_port = OBJECT;
static bool no_memory, control_dead, has_senders;
static unsigned int allocated; /* pages that the pager has */

kern_return_t
mach_port_allocate(
    ipc_space_t task, mach_port_right_t right, mach_port_name_t *name)
{
	(void)task;
	assert_int_equal(right, MACH_PORT_RIGHT_RECEIVE);
	*name = next_port;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_insert_member(
    ipc_space_t task, mach_port_name_t name, mach_port_name_t pset)
{
	(void)task, (void)name;
	return pset == SET ? KERN_SUCCESS : KERN_INVALID_NAME;
}

kern_return_t
mach_port_request_notification(ipc_space_t task, mach_port_name_t name,
    mach_msg_id_t msgid, mach_port_mscount_t sync, mach_port_t notify,
    mach_msg_type_name_t notifyPoly, mach_port_t *previous)
{
	(void)task, (void)notifyPoly;
	assert_int_equal(msgid, MACH_NOTIFY_NO_SENDERS);
	assert_int_equal(name, notify);
	say("notify(%u) ", sync);
	*previous = MACH_PORT_NULL;
	return KERN_SUCCESS;
}

kern_return_t
mach_port_get_attributes(ipc_space_t task, mach_port_name_t name,
    mach_port_flavor_t flavor, mach_port_info_t info,
    mach_msg_type_number_t *count)
{
	mach_port_status_t status = {
	    .mps_srights = has_senders, .mps_mscount = 7};

	(void)task, (void)name;
	assert_int_equal(flavor, MACH_PORT_RECEIVE_STATUS);
	assert_int_equal(*count, MACH_PORT_RECEIVE_STATUS_COUNT);
	memcpy(info, &status, sizeof(status));
	return KERN_SUCCESS;
}

kern_return_t
mach_port_destroy(ipc_space_t task, mach_port_name_t name)
{
	(void)task;
	say("destroy(%x) ", name);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
	(void)task;
	say("drop(%x) ", name);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_mod_refs(ipc_space_t task, mach_port_name_t name,
    mach_port_right_t right, mach_port_delta_t delta)
{
	(void)task;
	assert_int_equal(right, MACH_PORT_RIGHT_SEND);
	say("refs(%x,%d) ", name, delta);
	return KERN_SUCCESS;
}

kern_return_t
mach_port_kobject(ipc_space_t task, mach_port_name_t name, natural_t *kind,
    mach_vm_address_t *address)
{
	(void)task;
	*address = 0;
	*kind = name == CONTROL ? IKOT_MEM_OBJ_CONTROL : IKOT_NONE;
	return name == MACH_PORT_NULL ? KERN_INVALID_NAME : KERN_SUCCESS;
}

kern_return_t
vm_allocate(vm_map_t task, vm_address_t *address, vm_size_t size, int flags)
{
	static void *all[8000]; /* none is freed */
	static unsigned int count;
	void *pages;

	(void)task;
	assert_int_equal(flags, VM_FLAGS_ANYWHERE);
	if (no_memory)
		return KERN_RESOURCE_SHORTAGE;
	assert_true(count < sizeof(all) / sizeof(all[0]));
	pages = all[count++] = calloc(1, size);
	assert_non_null(pages);
	*address = (vm_address_t)pages;
	allocated += (unsigned int)(size / PAGE);
	return KERN_SUCCESS;
}

kern_return_t
vm_deallocate(vm_map_t task, vm_address_t address, vm_size_t size)
{
	(void)task, (void)address;
	allocated -= (unsigned int)(size / PAGE);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_ready(memory_object_control_t memory_control, boolean_t may_cache,
    memory_object_copy_strategy_t copy_strategy)
{
	assert_int_equal(copy_strategy, MEMORY_OBJECT_COPY_DELAY);
	say("ready(%x,%d) ", memory_control, may_cache);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_supply(memory_object_control_t memory_control,
    vm_offset_t offset, vm_offset_t data, mach_msg_type_number_t dataCnt,
    boolean_t dealloc, vm_prot_t lock_value, boolean_t precious,
    mach_port_t reply_to)
{
	assert_int_equal(memory_control, CONTROL);
	assert_true(dealloc && !precious && reply_to == MACH_PORT_NULL);
	say("supply(%lx,%x,%d,%c) ", (unsigned long)offset, dataCnt, lock_value,
	    *(char *)data);
	if (control_dead)
		return MACH_SEND_INVALID_DEST;
	allocated -= dataCnt / PAGE;
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_unavailable(
    memory_object_control_t memory_control, vm_offset_t offset, vm_size_t size)
{
	assert_int_equal(memory_control, CONTROL);
	say("zeros(%lx,%lx) ", (unsigned long)offset, (unsigned long)size);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_error(memory_object_control_t memory_control,
    vm_offset_t offset, vm_size_t size, kern_return_t error_value)
{
	assert_int_equal(memory_control, CONTROL);
	say("error(%lx,%lx,%d) ", (unsigned long)offset, (unsigned long)size,
	    error_value);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_lock_request(memory_object_control_t memory_control,
    vm_offset_t offset, vm_size_t size, memory_object_return_t should_return,
    boolean_t should_flush, vm_prot_t lock_value, mach_port_t reply_to)
{
	assert_int_equal(memory_control, CONTROL);
	say("lock(%lx,%lx,%d,%d,%x,%x) ", (unsigned long)offset,
	    (unsigned long)size, should_return, should_flush, lock_value,
	    reply_to);
	return KERN_SUCCESS;
}

boolean_t
pager_object_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
	const __Request__memory_object_data_request_t *request =
	    (const __Request__memory_object_data_request_t *)in;

	*out = (mach_msg_header_t){0};
	say("server ");
	if (in->msgh_size == sizeof(*request))
		pager_memory_object_data_request(in->msgh_local_port,
		    request->memory_control.name, request->offset,
		    request->length, request->desired_access);
	return TRUE;
}

const NDR_record_t NDR_record;

/* ---- the pager ---- */

/* Pages 0 to 3 are there, 4 and 5 are zeros, the rest is an error. */
static kern_return_t
read_page(struct pager_object *object, uint64_t offset, void *page)
{
	(void)object;
	for (unsigned int i = 0; i < PAGE; i++)
		assert_int_equal(((char *)page)[i], 0);
	if (offset >= 6 * PAGE)
		return KERN_INVALID_ADDRESS;
	if (offset >= 4 * PAGE)
		return PAGER_ZEROS;
	memset(page, 'a' + (int)(offset / PAGE), PAGE);
	return KERN_SUCCESS;
}

static void
write_page(struct pager_object *object, uint64_t offset, const void *page)
{
	(void)object;
	say("write(%lx,%c) ", (unsigned long)offset, *(const char *)page);
}

static void
flushed(struct pager_object *object, uint64_t offset, uint64_t size)
{
	(void)object;
	say("flushed(%lx,%lx) ", (unsigned long)offset, (unsigned long)size);
}

static void
end(struct pager_object *object)
{
	say("end ");
	pager_object_end(object);
}

static const struct pager_calls files = {.read = read_page, .ahead = 2};
static const struct pager_calls memory = {
    .read = read_page, .write = write_page, .flushed = flushed, .end = end};
static struct pager_object object;

static void
begin(const struct pager_calls *calls)
{
	said[0] = '\0';
	no_memory = control_dead = has_senders = false;
	assert_int_equal(pager_object_init(&object, calls, SET), KERN_SUCCESS);
	assert_int_equal(object.port, OBJECT);
	assert_int_equal(pager_memory_object_init(OBJECT, CONTROL, NAME, PAGE),
	    KERN_SUCCESS);
	said[0] = '\0';
}

static kern_return_t
request(vm_offset_t offset, vm_size_t length)
{
	return pager_memory_object_data_request(
	    OBJECT, CONTROL, offset, length, VM_PROT_READ);
}

static kern_return_t
give_back(vm_offset_t offset, unsigned int pages, boolean_t dirty)
{
	static char data[8 * PAGE];

	memset(data, 'x', PAGE);
	memset(data + PAGE, 'y', PAGE);
	allocated += pages;
	return pager_memory_object_data_return(OBJECT, CONTROL, offset,
	    (vm_offset_t)data, (mach_msg_type_number_t)(pages * PAGE), dirty,
	    FALSE);
}

/* ---- tests ---- */

static void
test_init(void **state)
{
	(void)state;
	said[0] = '\0';
	assert_int_equal(
	    pager_object_init(&object, &files, SET + 1), KERN_INVALID_NAME);
	expect_said("destroy(20301) ");
	assert_int_equal(pager_object_init(&object, &files, SET), KERN_SUCCESS);
	expect_said("");
	pager_memory_object_init(OBJECT, CONTROL, NAME, PAGE);
	expect_said("drop(30505) ready(30305,1) ");
	assert_int_equal(object.control, CONTROL);
	pager_memory_object_terminate(OBJECT, CONTROL, NAME);
	expect_said("destroy(30505) destroy(30305) ");
	assert_int_equal(object.control, MACH_PORT_NULL);
	pager_object_end(&object);
	expect_said("destroy(20301) ");
}

static void
test_requests(void **state)
{
	(void)state;
	begin(&memory);
	assert_int_equal(request(PAGE, PAGE), KERN_SUCCESS);
	expect_said("supply(1000,1000,0,b) ");
	request(4 * PAGE, PAGE);
	expect_said("zeros(4000,1000) ");
	request(9 * PAGE, PAGE);
	expect_said("error(9000,1000,1) ");
	request(2 * PAGE, 5 * PAGE);
	expect_said("supply(2000,2000,0,c) zeros(4000,1000) zeros(5000,1000) "
		    "error(6000,1000,1) ");
	no_memory = true;
	request(0, PAGE);
	expect_said("error(0,1000,6) ");
	no_memory = false;
	control_dead = true;
	request(0, PAGE);
	expect_said("supply(0,1000,0,a) ");
	pager_object_end(&object);
	assert_int_equal(allocated, 0);
}

/* What is there to send after a request that came as a message; its first page
 * is said, or nothing. */
static void
request_message(vm_offset_t offset, vm_size_t length)
{
	__Request__memory_object_data_request_t in = {
	    .Head.msgh_size = sizeof(in),
	    .Head.msgh_id = MSGID_MEMORY_OBJECT_DATA_REQUEST,
	    .Head.msgh_local_port = OBJECT,
	    .memory_control.name = CONTROL,
	    .offset = offset,
	    .length = length,
	};
	union {
		mach_msg_header_t header;
		__Request__memory_object_data_supply_t supply;
		char room[PAGER_MESSAGE_MAX];
	} out;

	memset(&out, 0xa5, sizeof(out));
	assert_true(pager_server(&in.Head, &out.header));
	if (out.header.msgh_remote_port == MACH_PORT_NULL)
		return;
	assert_int_equal(out.header.msgh_remote_port, CONTROL);
	assert_int_equal(out.header.msgh_local_port, MACH_PORT_NULL);
	assert_int_equal(out.header.msgh_voucher_port, MACH_PORT_NULL);
	assert_int_equal(out.header.msgh_bits,
	    MACH_MSGH_BITS_COMPLEX |
		MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0));
	assert_int_equal(out.header.msgh_size, sizeof(out.supply));
	assert_int_equal(out.header.msgh_id, MSGID_MEMORY_OBJECT_DATA_SUPPLY);
	assert_int_equal(out.supply.msgh_body.msgh_descriptor_count, 2);
	assert_int_equal(out.supply.data.type, MACH_MSG_OOL_DESCRIPTOR);
	assert_int_equal(out.supply.data.copy, MACH_MSG_VIRTUAL_COPY);
	assert_int_equal(out.supply.data.size, out.supply.dataCnt);
	assert_int_equal(out.supply.reply_to.type, MACH_MSG_PORT_DESCRIPTOR);
	assert_int_equal(out.supply.reply_to.name, MACH_PORT_NULL);
	memory_object_data_supply(CONTROL, out.supply.offset,
	    (vm_offset_t)out.supply.data.address, out.supply.dataCnt,
	    out.supply.data.deallocate, out.supply.lock_value,
	    out.supply.precious, out.supply.reply_to.name);
}

/* In the loop of a server the last supply is for the loop to send. */
static void
test_requests_as_messages(void **state)
{
	(void)state;
	begin(&memory);
	request_message(PAGE, PAGE);
	expect_said("server supply(1000,1000,0,b) ");
	request_message(4 * PAGE, PAGE);
	expect_said("server zeros(4000,1000) ");
	request_message(2 * PAGE, 5 * PAGE);
	expect_said("server zeros(4000,1000) zeros(5000,1000) "
		    "error(6000,1000,1) supply(2000,2000,0,c) ");
	request(PAGE, PAGE);
	expect_said("supply(1000,1000,0,b) ");
	pager_object_end(&object);
	assert_int_equal(allocated, 0);
	said[0] = '\0';
	begin(&files);
	request_message(0, 4 * PAGE);
	expect_said("server supply(0,4000,2,a) ");
	pager_object_end(&object);
	assert_int_equal(allocated, 0);
}

/* Neither memory nor references pile up, whatever is asked. */
static void
test_many_requests(void **state)
{
	unsigned int dropped = 0;

	(void)state;
	begin(&memory);
	for (unsigned int i = 0; i < 2000; i++) {
		said[0] = '\0';
		request(i % 8 * PAGE, i % 5 * PAGE);
		if (strstr(said, "refs(30305,-255)") != NULL)
			dropped += 255;
		assert_int_equal(allocated, 0);
	}
	assert_true(dropped + 255 > 2000);
	pager_object_end(&object);
}

static void
test_ahead(void **state)
{
	(void)state;
	begin(&files);
	request(0, PAGE);
	expect_said("supply(0,3000,2,a) ");
	request(3 * PAGE, PAGE);
	expect_said("supply(3000,1000,2,d) ");
	request(5 * PAGE, PAGE);
	expect_said("zeros(5000,1000) ");
	request(UINT64_MAX - PAGE + 1, 0);
	expect_said("");
	pager_object_end(&object);
	assert_int_equal(allocated, 0);
}

/* Nothing is believed that does not come with a port of the kernel's. */
static void
test_nonsense(void **state)
{
	(void)state;
	begin(&memory);
	assert_int_not_equal(
	    pager_memory_object_init(OTHER, CONTROL, NAME, PAGE), KERN_SUCCESS);
	assert_int_not_equal(pager_memory_object_data_request(
				 OBJECT, FORGED, 0, PAGE, VM_PROT_READ),
	    KERN_SUCCESS);
	assert_int_not_equal(pager_memory_object_data_request(
				 OBJECT, MACH_PORT_NULL, 0, PAGE, VM_PROT_READ),
	    KERN_SUCCESS);
	assert_int_not_equal(pager_memory_object_data_return(
				 OBJECT, FORGED, 0, 0, PAGE, TRUE, FALSE),
	    KERN_SUCCESS);
	assert_int_not_equal(
	    pager_memory_object_lock_completed(OBJECT, FORGED, 0, PAGE),
	    KERN_SUCCESS);
	assert_int_not_equal(request(1, PAGE), KERN_SUCCESS);
	assert_int_not_equal(request(0, 100), KERN_SUCCESS);
	assert_int_not_equal(request(0, 1UL << 40), KERN_SUCCESS);
	assert_int_not_equal(
	    request(UINT64_MAX - PAGE + 1, 2 * PAGE), KERN_SUCCESS);
	expect_said("");
	/* Whose ports come with a termination, loses them. */
	pager_memory_object_terminate(OBJECT, FORGED, NAME);
	expect_said("destroy(30505) destroy(30405) ");
	assert_int_equal(object.control, CONTROL);
	pager_object_end(&object);
}

static void
test_returns(void **state)
{
	(void)state;
	begin(&memory);
	assert_int_equal(give_back(3 * PAGE, 2, TRUE), KERN_SUCCESS);
	expect_said("write(3000,x) write(4000,y) ");
	give_back(0, 1, FALSE);
	expect_said("");
	assert_int_equal(pager_flush(&object, PAGE, 2 * PAGE), KERN_SUCCESS);
	expect_said("lock(1000,2000,1,1,1000000,20301) ");
	pager_memory_object_lock_completed(OBJECT, CONTROL, PAGE, 2 * PAGE);
	expect_said("flushed(1000,2000) ");
	assert_int_equal(pager_flush(&object, 5, PAGE), KERN_INVALID_ARGUMENT);
	pager_memory_object_data_unlock(
	    OBJECT, CONTROL, PAGE, PAGE, VM_PROT_WRITE);
	expect_said("lock(1000,1000,0,0,0,0) ");
	pager_object_end(&object);
	begin(&files);
	give_back(0, 1, TRUE);
	expect_said("");
	pager_memory_object_data_unlock(
	    OBJECT, CONTROL, PAGE, PAGE, VM_PROT_WRITE);
	expect_said("error(1000,1000,2) ");
	pager_object_end(&object);
	assert_int_equal(allocated, 0);
}

static void
test_no_senders(void **state)
{
	mach_no_senders_notification_t note = {
	    .not_header = {
		.msgh_id = MACH_NOTIFY_NO_SENDERS, .msgh_local_port = OBJECT}};
	union {
		mach_msg_header_t header;
		mig_reply_error_t error;
	} reply;

	(void)state;
	begin(&memory);
	has_senders = true;
	assert_true(pager_server(&note.not_header, &reply.header));
	assert_int_equal(reply.error.RetCode, MIG_NO_REPLY);
	expect_said("notify(7) ");
	has_senders = false;
	pager_server(&note.not_header, &reply.header);
	expect_said("end refs(30305,-1) destroy(20301) ");
	assert_false(pager_server(&note.not_header, &reply.header));
	note.not_header.msgh_id = 2203;
	pager_server(&note.not_header, &reply.header);
	expect_said("server ");
}

/* A pager that comes later hears of the kernel by its first request. */
static void
test_adopted(void **state)
{
	(void)state;
	said[0] = '\0';
	assert_int_equal(
	    pager_object_adopt(&object, &files, SET, OTHER), KERN_SUCCESS);
	assert_int_equal(pager_flush(&object, 0, PAGE), KERN_NOT_FOUND);
	pager_memory_object_data_request(
	    OTHER, CONTROL, 3 * PAGE, PAGE, VM_PROT_READ);
	expect_said("supply(3000,1000,2,d) ");
	assert_int_equal(object.control, CONTROL);
	pager_object_end(&object);
	expect_said("refs(30305,-1) destroy(20401) ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_init),
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_requests_as_messages),
	    cmocka_unit_test(test_many_requests),
	    cmocka_unit_test(test_ahead),
	    cmocka_unit_test(test_nonsense),
	    cmocka_unit_test(test_returns),
	    cmocka_unit_test(test_no_senders),
	    cmocka_unit_test(test_adopted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
