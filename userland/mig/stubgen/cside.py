"""What user and server sides have in common: C types, parameters, structs."""

import dataclasses

from . import layout
from .layout import Part
from .tree import Dealloc, Direction, Form
from .writer import declared

COUNT = "mach_msg_type_number_t"


@dataclasses.dataclass(frozen=True)
class Side:
    """USER or SERVER, where they differ."""

    is_server: bool

    def wire_type(self, made):
        """The C type of a value as it stands in the message."""
        return made.server_type if self.is_server else made.user_type

    def seen_type(self, made):
        """As the function of this side has it."""
        return made.translated_type if self.is_server else made.user_type

    def element_type(self, made):
        """Of an array in line: what its elements are in C."""
        return self.wire_type(made.element)

    def parameters(self, routine):
        """[`type name`, ...] of the routine's function on this side."""
        found = []
        for argument in routine.arguments:
            direction = argument.direction
            if (direction.for_server if self.is_server
                    else direction.for_user):
                found += self._of_argument(argument)
        return found

    def _of_argument(self, argument):
        made, out = argument.type, argument.direction.is_out
        token = argument.direction in (Direction.USER_SEC_TOKEN,
                                       Direction.USER_AUDIT_TOKEN)
        pointer = token or (out and not made.form.is_reference)
        c_type = self.seen_type(made)
        if argument.direction is Direction.IN and not self.is_server and (
                made.form in (Form.STRING, Form.VARSTRING)):
            c_type = "const char *"  # any string: a longer one is cut
        found = [declared(c_type, argument.name, pointer)]
        if argument.is_polymorphic:
            found.append(declared("mach_msg_type_name_t", argument.poly_name,
                                  out))
        if argument.has_count and argument.direction.is_data:
            found.append(declared(COUNT, argument.count_name, out))
        sends = out if self.is_server else argument.direction.is_in
        if argument.dealloc is Dealloc.MAYBE and sends:
            found.append(declared("boolean_t", argument.dealloc_name,
                                  self.is_server))
        return found

    def name(self, routine):
        return routine.server_name if self.is_server else routine.user_name

    def subsystem_name(self, subsystem):
        """What unions of messages, and servers' tables, are named by."""
        prefix = (subsystem.server_prefix if self.is_server
                  else subsystem.user_prefix)
        return f"{prefix}{subsystem.name}_subsystem"


USER = Side(False)
SERVER = Side(True)


def prototype(writer, side, routine):
    writer.line(f"/* {comment(routine)} */")
    writer.list(f"kern_return_t {side.name(routine)}(",
                side.parameters(routine), ");")


def comment(routine):
    kind = "simpleroutine" if routine.one_way else "routine"
    return f"{kind} {routine.name}"


def bytes_of(argument, count):
    """The C expression for the bytes of @count elements."""
    size = argument.type.size
    return count if size == 1 else f"{size} * {count}"


def field_declaration(side, field):
    """The member of a message's struct."""
    argument = field.argument
    if field.part is Part.HEADER:
        return "mach_msg_header_t Head"
    if field.part is Part.BODY:
        return "mach_msg_body_t msgh_body"
    if field.part is Part.NDR:
        return "NDR_record_t NDR"
    if field.part is Part.RET_CODE:
        return "kern_return_t RetCode"
    if field.part in (Part.COUNT, Part.OFFSET):
        return f"{COUNT} {field.name}"
    made = argument.type
    if field.part is Part.DESCRIPTOR:
        c_type, _ = layout.DESCRIPTORS[made.form]
        several = made.form in (Form.PORTS, Form.COUNTED_PORTS)
        return f"{c_type} {field.name}" + (
            f"[{field.descriptors}]" if several else "")
    if made.form is Form.VARSTRING or made.form is Form.STRING:
        return f"char {field.name}[{made.count}]"
    if made.form is Form.COUNTED:
        return declared(side.element_type(made), field.name) + (
            f"[{made.count}]")
    return declared(side.wire_type(made), field.name)


def struct(writer, side, message):
    """The typedef of a message's struct, and the proof of its size."""
    writer.open("typedef struct {")
    for field in message.fields:
        writer.line(field_declaration(side, field) + ";")
        if field.pad:
            writer.line(f"char {field.name}Pad[{field.pad}];")
    writer.close(f"}} {message.name};")


def size_assertion(writer, message):
    writer.list("_Static_assert(", [
        f"sizeof({message.name}) == {message.size}",
        '"types as in the .defs"'], ");")


def size_assertions(writer, subsystem):
    """Whether C agrees with the .defs about the types."""
    for routine in subsystem.routines:
        size_assertion(writer, layout.request(routine))
        size_assertion(writer, layout.reply(routine))


def structs(writer, side, subsystem):
    """All requests and replies, their unions."""
    messages = [(layout.request(r), layout.reply(r))
                for r in subsystem.routines]
    guard = f"__{subsystem.name}_subsystem__messages"
    writer.text(f"#ifndef {guard}\n#define {guard}\n\n#pragma pack(push, 4)")
    for pair in messages:
        for message in pair:
            writer.line()
            struct(writer, side, message)
    writer.line()
    writer.line("#pragma pack(pop)")
    writer.text(f"""
#endif /* {guard} */""")
    for index, kind in enumerate(("Request", "Reply")):
        union = f"__{kind}Union__{side.subsystem_name(subsystem)}"
        writer.line()
        writer.line(f"#ifndef {union}__defined")
        writer.line(f"#define {union}__defined")
        writer.open(f"union {union} {{")
        for pair in messages:
            name = pair[index].routine.name
            writer.line(f"{pair[index].name} {kind}_{name};")
        if not messages:
            writer.line(f"mig_reply_error_t {kind}_none;")
        writer.close("};")
        writer.line("#endif")


def includes(writer, subsystem, kinds):
    """Imports of the .defs that are for one of @kinds."""
    seen = set()
    for wanted in subsystem.imports:
        if wanted.kind in kinds and wanted.file not in seen:
            seen.add(wanted.file)
            writer.line(f"#include {wanted.file}")


def server_prototypes(writer, subsystem):
    """What a server's loop calls."""
    writer.line("/*")
    writer.line(" * Answers the request in the first message by filling the "
                "second, for")
    writer.line(" * mach_msg_server(); FALSE, and MIG_BAD_ID, for what is not "
                "of this subsystem.")
    writer.line(" */")
    writer.list(f"boolean_t {subsystem.server_name}(", [
        "mach_msg_header_t *InHeadP", "mach_msg_header_t *OutHeadP"], ");")
    writer.list(f"mig_routine_t {subsystem.name}_server_routine(",
                ["mach_msg_header_t *InHeadP"], ");")
    name = SERVER.subsystem_name(subsystem)
    writer.text(f"""
/* The same as a table. */
extern const struct {name} {{
	mig_server_routine_t server;
	mach_msg_id_t start, end;
	mach_msg_size_t maxsize;
	vm_address_t reserved;
	struct routine_descriptor routine[{max(subsystem.end, 1)}];
}} {name};""")


def preamble(writer, side, subsystem, header):
    """What a file of stubs begins with: @header, or what it would say.

    Without a header of ours the imports have to declare a user's functions.
    """
    if header:
        writer.line(f'#include "{header}"')
    else:
        writer.line("#include <mach/mach_types.h>")
        writer.line("#include <mach/mig.h>")
        includes(writer, subsystem, (
            "import", "simport" if side.is_server else "uimport"))
        if side.is_server:
            for routine in subsystem.routines:
                writer.line()
                prototype(writer, side, routine)
            writer.line()
            server_prototypes(writer, subsystem)
        writer.line()
        structs(writer, side, subsystem)
    writer.line()
    size_assertions(writer, subsystem)
