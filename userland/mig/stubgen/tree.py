"""What a file of definitions says: a subsystem, its routines, their types.

The parser makes these and resolves every name on the way, so that a backend
never looks anything up: an Argument has its Type, a Type all there is to know
about its form in messages and in C.
"""

import dataclasses
import enum
from typing import Optional

from .source import Place


class Form(enum.Enum):
    """How a value travels, and how C functions pass it."""

    VALUE = "a number or struct, in line; by value"
    ARRAY = "a fixed array, in line; by reference"
    COUNTED = "an array of up to `count` elements, in line, and its count"
    STRING = "c_string[n]: a field of n bytes with a NUL in it"
    VARSTRING = "c_string[*:n]: as many bytes as it is long"
    PORT = "one right"
    PORTS = "a fixed array of rights, each a descriptor"
    COUNTED_PORTS = "up to `count` rights, each a descriptor, and a count"
    MEMORY = "memory out of line"
    PORT_ARRAY = "an array of rights out of line"

    @property
    def is_descriptor(self):
        """It stands before the NDR record, and makes a message complex."""
        return self in (Form.PORT, Form.PORTS, Form.COUNTED_PORTS,
                        Form.MEMORY, Form.PORT_ARRAY)

    @property
    def carries_rights(self):
        return self.is_descriptor and self is not Form.MEMORY

    @property
    def is_reference(self):
        """C passes a pointer to it even when it goes in."""
        return self in (Form.ARRAY, Form.COUNTED, Form.STRING, Form.VARSTRING,
                        Form.PORTS, Form.COUNTED_PORTS)


class Right(enum.IntEnum):
    """MACH_MSG_TYPE_ values of rights; what a sender says."""

    MOVE_RECEIVE = 16
    MOVE_SEND = 17
    MOVE_SEND_ONCE = 18
    COPY_SEND = 19
    MAKE_SEND = 20
    MAKE_SEND_ONCE = 21
    POLYMORPHIC = -1  # the caller says, in an argument of its own

    @property
    def c_name(self):
        return f"MACH_MSG_TYPE_{self.name}"

    @property
    def received(self):
        """As the receiver reads it: the kind of right that arrived."""
        return {Right.COPY_SEND: Right.MOVE_SEND,
                Right.MAKE_SEND: Right.MOVE_SEND,
                Right.MAKE_SEND_ONCE: Right.MOVE_SEND_ONCE}.get(self, self)

    @property
    def received_name(self):
        if self is Right.POLYMORPHIC:
            return self.c_name
        return "MACH_MSG_TYPE_" + self.received.name.replace("MOVE", "PORT")


@dataclasses.dataclass(frozen=True)
class Translation:
    """intran, outtran: `result function(parameter)`; destructor: no result."""

    result: Optional[str]
    function: str
    parameter: str


@dataclasses.dataclass
class Type:
    """One type.  `name` is None where it was written without a name."""

    place: Place
    form: Form
    name: Optional[str] = None
    # Bytes: of the value; of an array with a count, of one element.
    size: int = 0
    # Elements: of a fixed array, at most in one with a count (0: no limit,
    # only out of line); bytes of a string; 1 else.
    count: int = 1
    counted: bool = False  # a count travels and is passed with it
    element: Optional["Type"] = None  # of arrays, in line or not
    base: str = ""  # the MACH_MSG_TYPE_ name of what it is made of
    base_size: int = 0  # bytes of that
    is_struct: bool = False  # struct[n] of, or of such
    right: Optional[Right] = None  # as sent
    # What the receiver finds where the .defs says so: `A | B`.
    right_out: Optional[Right] = None
    # The C types: of callers, of the server's side of messages, and of the
    # server's functions behind translation.
    user_type: Optional[str] = None
    server_type: Optional[str] = None
    intran: Optional[Translation] = None
    outtran: Optional[Translation] = None
    destructor: Optional[Translation] = None
    # Flags given with the type, `(..., dealloc)`: defaults of arguments.
    flags: frozenset = frozenset()

    @property
    def translated_type(self):
        """The C type that the server's functions see."""
        if self.intran:
            return self.intran.result
        if self.outtran:
            return self.outtran.parameter
        return self.server_type

    @property
    def max_bytes(self):
        """In line or in memory, at most; 0 out of line without limit."""
        return self.size * self.count if self.counted else self.size

    @property
    def received(self):
        """The Right that the receiver gets."""
        return (self.right_out or self.right).received

    @property
    def needs_alignment(self):
        """C may want it at a multiple of 8, which messages do not promise."""
        return self.is_struct or self.base_size > 4


class Direction(enum.Enum):
    """What an argument is for.  `value` is the keyword."""

    IN = "in"
    OUT = "out"
    INOUT = "inout"
    REQUEST_PORT = "requestport"
    REPLY_PORT = "replyport"  # both of the next two
    USER_REPLY_PORT = "ureplyport"
    SERVER_REPLY_PORT = "sreplyport"
    WAIT_TIME = "waittime"
    SEND_TIME = "sendtime"
    MSG_OPTION = "msgoption"
    MSG_SEQNO = "msgseqno"
    SERVER_SEC_TOKEN = "serversectoken"
    SERVER_AUDIT_TOKEN = "serveraudittoken"
    SERVER_CONTEXT = "servercontexttoken"
    USER_SEC_TOKEN = "usersectoken"
    USER_AUDIT_TOKEN = "useraudittoken"

    @property
    def is_in(self):
        return self in (Direction.IN, Direction.INOUT)

    @property
    def is_out(self):
        return self in (Direction.OUT, Direction.INOUT)

    @property
    def is_data(self):
        """It stands in a message's body."""
        return self.is_in or self.is_out

    @property
    def for_user(self):
        """The user's function has such a parameter."""
        return self in USERS or self.is_data

    @property
    def for_server(self):
        """The server's function has such a parameter."""
        return self in SERVERS or self.is_data


USERS = (Direction.REQUEST_PORT, Direction.REPLY_PORT,
         Direction.USER_REPLY_PORT, Direction.WAIT_TIME, Direction.SEND_TIME,
         Direction.MSG_OPTION, Direction.USER_SEC_TOKEN,
         Direction.USER_AUDIT_TOKEN)
SERVERS = (Direction.REQUEST_PORT, Direction.REPLY_PORT,
           Direction.SERVER_REPLY_PORT, Direction.MSG_SEQNO,
           Direction.SERVER_SEC_TOKEN, Direction.SERVER_AUDIT_TOKEN,
           Direction.SERVER_CONTEXT)


class Dealloc(enum.Enum):
    """Whether memory, or rights, leave the sender."""

    NO = 0
    YES = 1
    MAYBE = 2  # dealloc[]: the sender says, in an argument of its own


@dataclasses.dataclass
class Argument:
    place: Place
    name: str
    direction: Direction
    type: Type
    dealloc: Dealloc = Dealloc.NO
    physical_copy: bool = False
    count_in_out: bool = False  # the request says how much room there is
    ret_code: bool = False  # its value takes the place of a reply's RetCode
    # The argument before it that has the same count, which travels once.
    same_count_as: Optional["Argument"] = None

    @property
    def count_name(self):
        """The C name of its count."""
        return f"{(self.same_count_as or self).name}Cnt"

    @property
    def poly_name(self):
        return f"{self.name}Poly"

    @property
    def dealloc_name(self):
        return f"{self.name}Dealloc"

    @property
    def is_polymorphic(self):
        return self.type.right is Right.POLYMORPHIC

    @property
    def has_count(self):
        """A count of its own is passed and sent."""
        return self.type.counted and self.same_count_as is None


@dataclasses.dataclass
class Routine:
    place: Place
    name: str
    number: int  # behind the subsystem's base
    one_way: bool  # simpleroutine: there is no reply
    arguments: list
    # What the subsystem's statements said when it was declared.
    user_prefix: str = ""
    server_prefix: str = ""
    wait_time: Optional[str] = None  # a C expression, milliseconds
    send_time: Optional[str] = None
    msg_option: Optional[str] = None  # a C expression, option bits
    special_reply_port: bool = False

    @property
    def user_name(self):
        return self.user_prefix + self.name

    @property
    def server_name(self):
        return self.server_prefix + self.name

    def having(self, *directions):
        """The arguments of one of @directions."""
        return [a for a in self.arguments if a.direction in directions]

    def the(self, *directions):
        """The argument of one of @directions, or None."""
        return next(iter(self.having(*directions)), None)

    @property
    def ins(self):
        return [a for a in self.arguments if a.direction.is_in]

    @property
    def outs(self):
        return [a for a in self.arguments if a.direction.is_out]


@dataclasses.dataclass(frozen=True)
class Import:
    kind: str  # import, uimport, simport, iimport, dimport
    file: str  # <name> or "name"


@dataclasses.dataclass
class Subsystem:
    place: Place
    name: str
    base: int  # the message id of its first routine
    kernel_user: bool = False
    kernel_server: bool = False
    demux: Optional[str] = None  # serverdemux: the name of NAME_server()
    imports: list = dataclasses.field(default_factory=list)
    routines: list = dataclasses.field(default_factory=list)
    types: dict = dataclasses.field(default_factory=dict)
    end: int = 0  # one behind the last number, skipped ones included
    # The last of each, by which the whole is named.
    user_prefix: str = ""
    server_prefix: str = ""

    @property
    def server_name(self):
        return self.demux or f"{self.name}_server"

    def id_of(self, routine):
        return self.base + routine.number
