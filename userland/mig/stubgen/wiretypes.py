"""The MACH_MSG_TYPE_ names that every type is made of."""

from .tree import Right

PREFIX = "mach_msg_type_"

# name in lower case behind the prefix: (number, bytes, C type).  Several have
# one number: the wire does not tell them apart.
DATA = {
    "unstructured": (0, 1, "char"),
    "bit": (0, 1, "char"),
    "boolean": (0, 4, "boolean_t"),
    "integer_16": (1, 2, "short"),
    "integer_32": (2, 4, "int"),
    "char": (8, 1, "char"),
    "byte": (9, 1, "unsigned char"),
    "integer_8": (9, 1, "signed char"),
    "real": (10, 4, "float"),
    "real_32": (10, 4, "float"),
    "integer_64": (11, 8, "int64_t"),
    "real_64": (25, 8, "double"),
    "string": (12, 1, "char"),
    "string_c": (12, 1, "char"),
    "port_name": (15, 4, "mach_port_name_t"),
}

RIGHTS = {
    "move_receive": Right.MOVE_RECEIVE,
    "move_send": Right.MOVE_SEND,
    "move_send_once": Right.MOVE_SEND_ONCE,
    "copy_send": Right.COPY_SEND,
    "make_send": Right.MAKE_SEND,
    "make_send_once": Right.MAKE_SEND_ONCE,
    "port_receive": Right.MOVE_RECEIVE,
    "port_send": Right.MOVE_SEND,
    "port_send_once": Right.MOVE_SEND_ONCE,
    "polymorphic": Right.POLYMORPHIC,
}

PORT_C_TYPE = "mach_port_t"
PORT_BYTES = 4


def canonical(word):
    """"MACH_MSG_TYPE_CHAR" or a number as a key of DATA or RIGHTS; or None."""
    word = word.lower()
    if word == "polymorphic":
        return word
    if word.startswith(PREFIX):
        word = word[len(PREFIX):]
        return word if word in DATA or word in RIGHTS else None
    if word.isdigit():
        for table in (DATA, RIGHTS):
            for name, entry in table.items():
                if int(word) == (entry[0] if table is DATA else entry):
                    return name
    return None
