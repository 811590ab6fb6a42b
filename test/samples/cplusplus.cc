// Mach from C++: a right that gives itself up, and a message of any plain type.
#include <stdio.h>

#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <mach/notify.h>
#include <servers/bootstrap.h>

namespace
{

class Port
{
	mach_port_t name_ = MACH_PORT_NULL;

      public:
	Port()
	{
		mach_port_options_t options = {};

		options.flags = MPO_INSERT_SEND_RIGHT | MPO_QLIMIT;
		options.mpl.mpl_qlimit = MACH_PORT_QLIMIT_SMALL;
		if (mach_port_construct(mach_task_self(), &options, 0,
			&name_) != KERN_SUCCESS)
			name_ = MACH_PORT_NULL;
	}
	~Port()
	{
		if (MACH_PORT_VALID(name_))
			mach_port_destruct(mach_task_self(), name_, -1, 0);
	}
	Port(const Port &) = delete;
	Port &operator=(const Port &) = delete;
	mach_port_t name() const
	{
		return name_;
	}
};

template <typename Data> struct Message {
	mach_msg_header_t header;
	Data data;
	mach_msg_max_trailer_t trailer;

	mach_msg_return_t send(mach_port_t to)
	{
		header = mach_msg_header_t();
		header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
		header.msgh_size = sizeof(header) + sizeof(data);
		header.msgh_remote_port = to;
		return mach_msg_send(&header);
	}
	mach_msg_return_t receive(mach_port_t from)
	{
		return mach_msg(&header,
		    MACH_RCV_MSG |
			MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT),
		    0, sizeof(*this), from, MACH_MSG_TIMEOUT_NONE,
		    MACH_PORT_NULL);
	}
};

struct Point {
	int x, y;
};

} // namespace

int
main()
{
	Port port;
	Message<Point> out = {}, in = {};

	out.data.x = 3;
	out.data.y = 4;
	if (out.send(port.name()) != MACH_MSG_SUCCESS ||
	    in.receive(port.name()) != MACH_MSG_SUCCESS)
		return 1;
	printf("(%d, %d), trailer of %u bytes\n", in.data.x, in.data.y,
	    in.trailer.msgh_trailer_size);
	return in.data.x == 3 && in.data.y == 4 ? 0 : 1;
}
