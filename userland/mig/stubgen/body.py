"""Values into messages and out of them, the same for requests and replies.

What is written by whom differs only in names: a request is filled by the user
and read by the server, a reply the other way round.
"""

from . import cside, layout
from .layout import Part
from .tree import Dealloc, Form, Right

VIRTUAL, PHYSICAL = "MACH_MSG_VIRTUAL_COPY", "MACH_MSG_PHYSICAL_COPY"
TYPE_ERROR = "return MIG_TYPE_ERROR;"


def pointer(base, after):
    """In0P, In1P, ...: the message as fields behind @after arrays see it."""
    return f"{base}{after}P"


def most_shifted(message):
    """The largest `after` of all fields."""
    return max(field.after for field in message.fields)


# ---- filling ----

class Sender:
    """What the C of one side says of an argument that it sends.

    value(a), count(a), poly(a), dealloc(a) are C expressions.
    """

    def __init__(self, side, star):
        # A server's outs and a user's inouts are behind pointers: *name.
        self.side, self.star = side, star

    def _of(self, argument, name):
        return self.star(argument) + name

    def value(self, argument):
        return self._of(argument, argument.name)

    def count(self, argument):
        return self._of(argument, argument.count_name)

    def poly(self, argument):
        return self._of(argument, argument.poly_name)

    def dealloc(self, argument):
        if argument.dealloc is Dealloc.MAYBE:
            return argument.dealloc_name
        return "TRUE" if argument.dealloc is Dealloc.YES else "FALSE"


def _disposition(sender, argument):
    if argument.is_polymorphic:
        return sender.poly(argument)
    return argument.type.right.c_name


def _descriptor_fields(sender, argument, name):
    return [("name", name),
            ("disposition", _disposition(sender, argument)),
            ("type", "MACH_MSG_PORT_DESCRIPTOR")]


def _memory_fields(sender, argument):
    made = argument.type
    fields = [("address", f"(void *){_grouped(sender.value(argument))}"),
              ("deallocate", sender.dealloc(argument)),
              ("copy", PHYSICAL if argument.physical_copy else VIRTUAL)]
    if made.form is Form.PORT_ARRAY:
        count = sender.count(argument) if made.counted else made.count
        return fields + [("disposition", _disposition(sender, argument)),
                         ("type", "MACH_MSG_OOL_PORTS_DESCRIPTOR"),
                         ("count", count)]
    size = (cside.bytes_of(argument, sender.count(argument))
            if made.counted else made.size)
    return fields + [("type", "MACH_MSG_OOL_DESCRIPTOR"), ("size", size)]


def _grouped(expression):
    return expression if expression.isidentifier() else f"({expression})"


def fill_descriptor(writer, sender, base, field):
    """One member that is a descriptor, or several."""
    argument, made = field.argument, field.argument.type
    c_type, _ = layout.DESCRIPTORS[made.form]
    target = f"{pointer(base, field.after)}->{field.name}"
    if made.form is Form.PORT:
        fields = _descriptor_fields(sender, argument,
                                    sender.value(argument))
        writer.initialised(f"{target} = ({c_type})", fields)
    elif made.form in (Form.PORTS, Form.COUNTED_PORTS):
        name = f"{argument.name}[migI]"
        if made.form is Form.COUNTED_PORTS:  # the rest travels as no right
            name = (f"migI < {sender.count(argument)} ? {name} "
                    ": MACH_PORT_NULL")
        writer.open("for (mach_msg_size_t migI = 0; "
                    f"migI < {made.count}; migI++)")
        writer.initialised(f"{target}[migI] = ({c_type})",
                           _descriptor_fields(sender, argument, name))
        writer.depth -= 1
    else:
        writer.initialised(f"{target} = ({c_type})",
                           _memory_fields(sender, argument))


def fill(stub, message, base):
    """What is behind @message's header; counts and values are @stub's."""
    w = stub.writer
    for field in message.fields:
        here = f"{pointer(base, field.after)}->{field.name}"
        if field.part is Part.BODY:
            w.line(f"{here}.msgh_descriptor_count = "
                   f"{message.descriptor_count};")
        elif field.part is Part.DESCRIPTOR:
            fill_descriptor(w, stub.sender, base, field)
        elif field.part is Part.NDR:
            w.line(f"mig_set_ndr(&{here});")
        elif field.part is Part.RET_CODE:
            w.line(f"{here} = KERN_SUCCESS;")
        elif field.part is Part.OFFSET:
            w.line(f"{here} = 0;")
        elif field.part is Part.COUNT:
            stub.fill_count(field, here)
        elif field.part is Part.VALUE:
            stub.fill_value(field, here)
        elif field.part is Part.VARYING:
            stub.fill_varying(field, here)


def used_bytes(field, count):
    """The C expression for what a varying field takes."""
    return f"mig_round({cside.bytes_of(field.argument, count)})"


def shift(writer, base, field, count):
    """Point base<n+1>P to where what follows @field stands."""
    writer.line(f"{pointer(base, field.after + 1)} = mig_shift("
                f"{pointer(base, field.after)}, "
                f"{field.size + field.pad} - {used_bytes(field, count)});")


# ---- checking ----

def _check_array_of_ports(writer, message, base, field, right):
    """Each of the kind; behind the count no right may hide."""
    made = field.argument.type
    here = f"{pointer(base, field.after)}->{field.name}"
    writer.open(f"for (mach_msg_size_t i = 0; i < {made.count}; i++) {{")
    writer.when(f"!mig_is_port(&{here}[i], {right})", TYPE_ERROR)
    if made.counted:
        writer.when(f"i >= {count_of(message, base, field)} && "
                    f"{here}[i].name != MACH_PORT_NULL", TYPE_ERROR)
    writer.close()


def _check_descriptor(writer, message, base, field, wrong):
    """That a descriptor is of the kind that the .defs says."""
    made = field.argument.type
    here = f"{pointer(base, field.after)}->{field.name}"
    count = (count_of(message, base, field) if made.counted
             else str(made.count))
    if made.counted and made.count:
        writer.when(f"{count} > {made.count}", wrong)
    right = None
    if made.form.carries_rights:
        right = (made.right if made.right is Right.POLYMORPHIC
                 else (made.right_out or made.right)).received_name
    if made.form is Form.PORT:
        writer.when(f"!mig_is_port(&{here}, {right})", TYPE_ERROR)
    elif made.form in (Form.PORTS, Form.COUNTED_PORTS):
        _check_array_of_ports(writer, message, base, field, right)
    elif made.form is Form.PORT_ARRAY:
        writer.when(f"!mig_is_ports(&{here}, {count}, {right})", TYPE_ERROR)
    else:
        elements = count if made.counted else "1"
        writer.when(f"!mig_is_memory(&{here}, {elements}, {made.size})",
                    TYPE_ERROR)


def _check_varying(writer, message, base, field, wrong):
    """That an array is as long as its count, and not longer than it may."""
    made, count = field.argument.type, count_of(message, base, field)
    writer.when(f"{count} > {made.count}", wrong)
    writer.line(f"size += {used_bytes(field, count)};")
    writer.when(f"{pointer(base, 0)}->Head.msgh_size < size", wrong)
    if field.after < checked_after(message):
        shift(writer, base, field, count)


def checked_after(message):
    """The largest `after` of what check() looks at."""
    looked_at = [0]
    for field in message.fields:
        made = field.argument.type if field.argument else None
        if made and field.part in (Part.DESCRIPTOR, Part.VARYING) and (
                made.counted or made.form is Form.VARSTRING):
            looked_at.append(_count_after(message, field.argument))
        if made and field.part in (Part.VALUE, Part.VARYING) and (
                made.form in (Form.STRING, Form.VARSTRING)):
            looked_at.append(field.after)
    return max(looked_at)


def _check_string(writer, message, base, field, wrong):
    made = field.argument.type
    here = f"{pointer(base, field.after)}->{field.name}"
    size = (count_of(message, base, field) if made.form is Form.VARSTRING
            else made.count)
    writer.when(f"memchr({here}, '\\0', {size}) == NULL", wrong)


def needs_check(message):
    """Whether more than its size has to be looked at."""
    return message.complex or bool(message.varying) or any(
        f.part is Part.VALUE and f.argument.type.form is Form.STRING
        for f in message.fields)


def check(writer, message, base, wrong):
    """Counts, the size that follows from them, strings, descriptors.

    That the size is from min_size to size is known.  @wrong is the statement
    for a count, size or string that is not as it should be.
    """
    for field in message.varying:
        _check_varying(writer, message, base, field, wrong)
    if message.varying:
        writer.when(f"{pointer(base, 0)}->Head.msgh_size != size", wrong)
    for field in message.fields:
        if field.part is Part.DESCRIPTOR:
            _check_descriptor(writer, message, base, field, wrong)
        elif field.part in (Part.VALUE, Part.VARYING) and (
                field.argument.type.form in (Form.STRING, Form.VARSTRING)):
            _check_string(writer, message, base, field, wrong)


# ---- where things stand ----

def _count_after(message, argument):
    """The `after` of the count of @argument."""
    return next(f.after for f in message.fields
                if f.part is Part.COUNT and f.name == argument.count_name)


def count_of(message, base, field):
    """The C expression for the count of @field in the message."""
    after = _count_after(message, field.argument)
    return f"{pointer(base, after)}->{field.argument.count_name}"


def is_followed(message, field):
    return field.after < most_shifted(message)


def declare_shifted(writer, message, base, const="const ", most=None):
    """In1P, In2P, ... up to @most, as far as fields need them."""
    for after in range(1, (most_shifted(message) if most is None else most) + 1):
        writer.line(f"{const}{message.name} *{pointer(base, after)};")


def shift_all(writer, message, base):
    """Set In1P, In2P, ... of a message that has been checked."""
    for field in message.varying:
        if is_followed(message, field):
            shift(writer, base, field, count_of(message, base, field))


def size_expression(message, base):
    """The C expression for the bytes of a filled message."""
    terms = [str(message.min_size)]
    for field in message.varying:
        terms.append(used_bytes(field, count_of(message, base, field)))
    return " + ".join(terms)
