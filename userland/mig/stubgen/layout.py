"""Where things stand in messages: the wire layout of OSF's and XNU's MIG.

    simple                      complex
     0  mach_msg_header_t        0  mach_msg_header_t
    24  NDR record              24  mach_msg_body_t
    32  RetCode (replies)       28  descriptors, 12 or 16 bytes each
     .  values, packed to 4      .  NDR record, if values follow
                                 .  values

Descriptors and values each stand in the order of the arguments.  A value
behind an array with a count stands earlier when that is not full, so an offset
holds only up to the first such array, which `after` counts.
"""

import dataclasses
import enum
from typing import Optional

from .tree import Argument, Form, Routine

HEADER = 24
BODY = 4
NDR = 8
ERROR_REPLY = 36  # mig_reply_error_t
DESCRIPTORS = {Form.PORT: ("mach_msg_port_descriptor_t", 12),
               Form.PORTS: ("mach_msg_port_descriptor_t", 12),
               Form.COUNTED_PORTS: ("mach_msg_port_descriptor_t", 12),
               Form.MEMORY: ("mach_msg_ool_descriptor_t", 16),
               Form.PORT_ARRAY: ("mach_msg_ool_ports_descriptor_t", 16)}


def rounded(size):
    """Up to whole words."""
    return (size + 3) & ~3


class Part(enum.Enum):
    """What a field of a message is."""

    HEADER = "Head"
    BODY = "msgh_body"
    DESCRIPTOR = "descriptor"
    NDR = "NDR"
    RET_CODE = "RetCode"
    COUNT = "count"  # of its argument's elements; a string's bytes
    OFFSET = "offset"  # in front of a varying string, 0
    VALUE = "value"  # always as long as it says
    VARYING = "varying"  # as many elements as the count before it


@dataclasses.dataclass
class Field:
    """One member of a message's struct."""

    part: Part
    name: str
    size: int  # bytes, without the padding; of a varying one, at most
    offset: int
    argument: Optional[Argument] = None
    descriptors: int = 0  # how many it is
    pad: int = 0  # bytes up to the next word
    after: int = 0  # how many varying fields stand before it


@dataclasses.dataclass
class Message:
    """A request or a reply."""

    routine: Routine
    is_reply: bool
    fields: list

    @property
    def complex(self):
        return self.descriptor_count > 0

    @property
    def descriptor_count(self):
        return sum(f.descriptors for f in self.fields)

    @property
    def size(self):
        """Bytes, with every array full."""
        last = self.fields[-1]
        return last.offset + last.size + last.pad

    @property
    def min_size(self):
        """Bytes, with every array empty."""
        return self.size - sum(f.size + f.pad for f in self.varying)

    @property
    def varying(self):
        return [f for f in self.fields if f.part is Part.VARYING]

    def parts(self, *parts):
        return [f for f in self.fields if f.part in parts]

    @property
    def name(self):
        """Of its struct."""
        kind = "Reply" if self.is_reply else "Request"
        return f"__{kind}__{self.routine.name}_t"


class _Builder:
    def __init__(self):
        self.fields, self.offset, self.after = [], 0, 0

    def add(self, part, name, size, **more):
        pad = rounded(size) - size
        self.fields.append(Field(part, name, size, self.offset, pad=pad,
                                 after=self.after, **more))
        self.offset += size + pad
        if part is Part.VARYING:
            self.after += 1

    def descriptor(self, argument):
        made = argument.type
        _, size = DESCRIPTORS[made.form]
        several = (made.count if made.form in (Form.PORTS, Form.COUNTED_PORTS)
                   else 1)
        self.add(Part.DESCRIPTOR, argument.name, size * several,
                 argument=argument, descriptors=several)

    def value(self, argument):
        """What of @argument stands behind the NDR record."""
        made = argument.type
        if made.form is Form.VARSTRING:
            self.add(Part.OFFSET, f"{argument.name}Offset", 4,
                     argument=argument)
            self.count(argument)
            self.add(Part.VARYING, argument.name, made.count,
                     argument=argument)
            return
        if argument.has_count:
            self.count(argument)
        if made.form is Form.COUNTED:
            self.add(Part.VARYING, argument.name, made.size * made.count,
                     argument=argument)
        elif not made.form.is_descriptor:
            self.add(Part.VALUE, argument.name, made.size, argument=argument)

    def count(self, argument):
        self.add(Part.COUNT, f"{argument.name}Cnt", 4, argument=argument)


def _message(routine, is_reply, arguments, counts_only):
    """@counts_only are arguments of which only the count travels."""
    builder = _Builder()
    builder.add(Part.HEADER, "Head", HEADER)
    carried = [a for a in arguments if a not in counts_only]
    descriptors = [a for a in carried if a.type.form.is_descriptor]
    if descriptors:
        builder.add(Part.BODY, "msgh_body", BODY)
        for argument in descriptors:
            builder.descriptor(argument)
    has_ret_code = is_reply and not descriptors
    values = [a for a in arguments if a in counts_only or a.has_count
              or not a.type.form.is_descriptor]
    if values or has_ret_code:
        builder.add(Part.NDR, "NDR", NDR)
    if has_ret_code:
        builder.add(Part.RET_CODE, "RetCode", 4)
    for argument in values:
        if argument in counts_only:
            builder.count(argument)
        else:
            builder.value(argument)
    return Message(routine, is_reply, builder.fields)


def request(routine):
    """The Message that asks for @routine."""
    counts_only = [a for a in routine.outs
                   if a.count_in_out and not a.direction.is_in]
    arguments = [a for a in routine.arguments
                 if a.direction.is_in or a in counts_only]
    return _message(routine, False, arguments, counts_only)


def reply(routine):
    """The Message that answers it; of a simpleroutine, the error reply."""
    return _message(routine, True, routine.outs, [])
