"""What has to hold of a routine's arguments as a whole."""

import dataclasses

from .source import DefsError
from .tree import Argument, Dealloc, Direction, Form, Right

# Whose value is a word that a trailer or a caller supplies, and how many
# bytes the type has to have.
WORD_SIZES = {
    Direction.WAIT_TIME: 4, Direction.SEND_TIME: 4, Direction.MSG_OPTION: 4,
    Direction.MSG_SEQNO: 4, Direction.SERVER_SEC_TOKEN: 8,
    Direction.USER_SEC_TOKEN: 8, Direction.SERVER_AUDIT_TOKEN: 32,
    Direction.USER_AUDIT_TOKEN: 32, Direction.SERVER_CONTEXT: 8,
}
PORTS = (Direction.REQUEST_PORT, Direction.REPLY_PORT,
         Direction.USER_REPLY_PORT, Direction.SERVER_REPLY_PORT)


def _request_port(found):
    """Which argument is the request port: as it says, or the first port."""
    for index, (_, _, direction, _, _) in enumerate(found):
        if direction is Direction.REQUEST_PORT:
            return index
    for index, (_, _, direction, made, _) in enumerate(found):
        if direction is None and made.form is Form.PORT:
            return index
    return None


def _check_count_flags(argument, flags, before):
    made, name = argument.type, argument.name
    if "countinout" in flags:
        if not argument.direction.is_out or made.form not in (
                Form.COUNTED, Form.COUNTED_PORTS):
            raise DefsError(argument.place, f"found CountInOut with '{name}', "
                            "expected an out array[*:n] in line")
        argument.count_in_out = True
    if "samecount" in flags:
        others = [a for a in before if a.type.counted
                  and a.direction is argument.direction]
        if not made.counted or not others:
            raise DefsError(argument.place, f"found SameCount with '{name}', "
                            "expected an array with a count behind another")
        argument.same_count_as = others[-1].same_count_as or others[-1]


def _check_dealloc(argument, flags):
    made = argument.type
    if not flags & {"dealloc", "dealloc[]"}:
        return
    if made.form is Form.PORT and made.right is Right.COPY_SEND:
        # The sender's right goes with it.
        argument.type = dataclasses.replace(made, right=Right.MOVE_SEND)
    elif made.form in (Form.MEMORY, Form.PORT_ARRAY):
        argument.dealloc = (Dealloc.MAYBE if "dealloc[]" in flags
                            else Dealloc.YES)
    elif made.form is not Form.PORT and not made.flags & flags:
        raise DefsError(argument.place, f"found dealloc with "
                        f"'{argument.name}', expected something out of line")


def _check_direction(routine, argument):
    direction, made, name = argument.direction, argument.type, argument.name
    if direction in PORTS and made.form is not Form.PORT:
        raise DefsError(argument.place, f"found {direction.value} '{name}' of "
                        f"type '{made.name}', expected a port")
    size = WORD_SIZES.get(direction)
    if size and (made.form is not Form.VALUE or made.size != size):
        raise DefsError(argument.place, f"found {direction.value} '{name}' of "
                        f"{made.size} bytes, expected {size}")
    if routine.one_way and direction.is_out:
        raise DefsError(argument.place, f"found {direction.value} '{name}' of "
                        f"a simpleroutine, which has no reply; expected "
                        "'routine'")
    if argument.is_polymorphic and direction in (
            Direction.REQUEST_PORT, Direction.REPLY_PORT,
            Direction.USER_REPLY_PORT):
        return
    if direction is Direction.INOUT and argument.type.counted and (
            not argument.has_count):
        raise DefsError(argument.place, f"found SameCount with inout '{name}'")


def _make(routine, found, default):
    place, name, direction, made, flags = found
    argument = Argument(place, name, direction or default, made)
    if any(a.name == name for a in routine.arguments):
        raise DefsError(place, f"found a second argument '{name}' of "
                        f"'{routine.name}'")
    _check_direction(routine, argument)
    _check_count_flags(argument, flags, routine.arguments)
    _check_dealloc(argument, flags)
    argument.physical_copy = "physicalcopy" in flags
    argument.ret_code = "retcode" in flags
    return argument


def complete(routine, found):
    """Put the arguments @found by the parser into @routine, checked.

    @found has (place, name, direction or None, type, flags) for each.
    """
    request = _request_port(found)
    if request is None:
        raise DefsError(routine.place, f"found no request port in "
                        f"'{routine.name}', expected a first argument that "
                        "is a port")
    for index, item in enumerate(found):
        default = (Direction.REQUEST_PORT if index == request
                   else Direction.IN)
        routine.arguments.append(_make(routine, item, default))
    for direction in Direction:
        several = routine.having(direction)
        if not direction.is_data and len(several) > 1:
            raise DefsError(several[1].place, f"found a second "
                            f"{direction.value} of '{routine.name}'")
