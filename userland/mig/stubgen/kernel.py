"""What a subsystem asks of the kernel: decoders over ipc/kserver.h.

For each routine a C function takes the request apart, calls the handler of
that name, and puts the reply together; a table says what a request has to look
like before the function is called.  The handler's parameters: what the port
called stands for, if anything, then the arguments.

    in                          out
    value                       pointer to value, 0 at first
    ELEMENT[n] (inout)          ELEMENT *, as it came
    const char * (strings)      char *, zeroed
    const ELEMENT *, count      ELEMENT *, count *: the room, then how many
    struct port *               struct port **
    struct transfer *, count    struct transfer **, count *
    const STRUCT * (memory of   -
      a struct's size)
    struct port **, count       struct port ***, count *
"""

from . import layout
from .source import DefsError
from .tree import Direction, Form, Right

# What a port of such a type stands for: the kernel's kind of object, the type
# of its struct, the handler's parameter and how to get it from that.
OBJECTS = {
    "task_t": ("KOBJECT_TASK", "task", "struct task *", ""),
    "ipc_space_t": ("KOBJECT_TASK", "task", "struct space *", "->space"),
    "vm_map_t": ("KOBJECT_TASK", "task", "struct map *", "->map"),
    "thread_t": ("KOBJECT_THREAD", "thread", "struct thread *", ""),
    "thread_act_t": ("KOBJECT_THREAD", "thread", "struct thread *", ""),
    "host_t": ("KOBJECT_HOST", None, None, None),
    "host_priv_t": ("KOBJECT_HOST_PRIV", None, None, None),
    "default_pager_control_t": ("KOBJECT_DEFAULT_PAGER", None, None, None),
    "clock_serv_t": ("KOBJECT_CLOCK", "clock", "struct clock *", ""),
    "semaphore_t": ("KOBJECT_SEMAPHORE", "semaphore", "struct semaphore *",
                    ""),
    "semaphore_consume_ref_t": ("KOBJECT_SEMAPHORE", "semaphore",
                                "struct semaphore *", ""),
    "eventlink_t": ("KOBJECT_EVENTLINK", "eventlink_side",
                    "struct eventlink_side *", ""),
    "memory_object_control_t": ("KOBJECT_PAGER", "pager", "struct pager *",
                                ""),
    "device_master_t": ("KOBJECT_DEVICE_MASTER", None, None, None),
    "device_t": ("KOBJECT_DEVICE", "device", "struct device *", ""),
}

RIGHT_LETTERS = {Right.MOVE_SEND: "s", Right.MOVE_SEND_ONCE: "o",
                 Right.MOVE_RECEIVE: "r", Right.POLYMORPHIC: "p"}
COUNT = "mach_msg_type_number_t"
COPY_MAX = 128  # bytes of memory that a decoder puts on its stack
MANY = (Form.PORTS, Form.COUNTED_PORTS)  # rights, a descriptor each


def _parameter(c_type, name):
    return c_type + ("" if c_type.endswith("*") else " ") + name


def _element(made):
    """The C type of an array's elements, or of a fixed array's."""
    return made.element.server_type or made.element.name


def _is_copied(argument):
    """Memory of one struct: the handler sees a copy of it."""
    made = argument.type
    return made.form is Form.MEMORY and not made.counted


class _Form:
    """One request or reply: fields in the order of the message."""

    def __init__(self, name, arguments, reply):
        self.name = name
        self.carried = [a for a in arguments if a.type.form.is_descriptor]
        self.fields, self.varying = [], None
        for argument in arguments:
            self._add(argument, reply)
        head = []
        if self.carried:
            head.append("mach_msg_body_t msgh_body;")
        for argument in self.carried:
            memory = argument.type.form in (Form.MEMORY, Form.PORT_ARRAY)
            kind = "ool" if memory else "port"
            many = (f"[{argument.type.count}]" if argument.type.form in MANY
                    else "")
            head.append(f"mach_msg_{kind}_descriptor_t {argument.name}{many};")
        if self.fields or reply and not self.carried:
            head.append("NDR_record_t NDR;")
        if reply and not self.carried:
            head.append("kern_return_t RetCode;")
        self.head = head

    def _count(self, argument):
        if argument.has_count:
            self.fields.append(f"{COUNT} {argument.count_name};")

    def _add(self, argument, reply):
        made, name = argument.type, argument.name
        form = made.form
        if not reply and argument.direction is Direction.OUT:
            if argument.count_in_out:
                self._count(argument)
        elif form.is_descriptor:
            self._count(argument)
        elif form is Form.VALUE:
            self.fields.append(_parameter(made.server_type, name) + ";")
        elif form is Form.STRING:
            self.fields.append(f"char {name}[{_padded(made.count)}];")
        elif form is Form.ARRAY:
            self.fields.append(f"{_element(made)} {name}[{made.count}];")
        elif form is Form.COUNTED:
            self._count(argument)
            self.varying = self.varying or argument
            room = made.count
            if made.size % 4:
                room = _padded(room * made.size) // made.size
            self.fields.append(f"{_element(made)} {name}[{room}];")
        elif form is Form.VARSTRING:
            self.varying = self.varying or argument
            self.fields += [f"{COUNT} {name}Offset;", f"{COUNT} {name}Cnt;",
                            f"char {name}[{_padded(made.count)}];"]

    @property
    def is_empty(self):
        return not self.head and not self.fields

    @property
    def descriptors(self):
        return sum(a.type.count if a.type.form in MANY else 1
                   for a in self.carried)

    def definition(self):
        lines = [f"struct {self.name} {{"]
        lines += [f"\t{field}" for field in self.head + self.fields]
        return lines + ["};"]


def _times(count, size):
    return count if size == 1 else f"{count} * {size}"


def _padded(size):
    return (size + 3) & ~3


class KernelRoutine:
    """The C of one routine."""

    def __init__(self, subsystem, routine):
        self.subsystem, self.routine = subsystem, routine
        target = routine.the(Direction.REQUEST_PORT)
        if target.type.name not in OBJECTS:
            raise DefsError(target.place, f"found request port "
                            f"'{target.name}' of type '{target.type.name}', "
                            "which stands for nothing in the kernel; "
                            "expected one of " + ", ".join(OBJECTS))
        self.target = target
        self.kind, self.struct, self.object_type, self.member = OBJECTS[
            target.type.name]
        self.ins = [a for a in routine.arguments if a.direction.is_in
                    or a.count_in_out]
        self.outs = routine.outs
        self.request = _Form(f"{routine.name}_request", self.ins, False)
        self.reply = _Form(f"{routine.name}_reply", self.outs, True)
        self._check()

    def _check(self):
        varying = self.request.varying
        behind = self.ins[self.ins.index(varying) + 1:] if varying else []
        if any(not a.type.form.is_descriptor or a.has_count for a in behind):
            raise DefsError(varying.place, f"found '{varying.name}' before "
                            "other arguments, expected an array with a count "
                            "to be the last of what goes to the kernel")
        for argument in self.ins:
            bad = (Form.COUNTED_PORTS, Form.PORTS, Form.VARSTRING)
            made = argument.type
            if _is_copied(argument) and (
                    not made.element.name or made.size > COPY_MAX):
                raise DefsError(argument.place, f"found '{argument.name}', "
                                "memory of a fixed size; expected ^ of a "
                                "struct that has a name and at most "
                                f"{COPY_MAX} bytes, or of array[]")
            if argument.direction.is_in and argument.type.form in bad or (
                    argument.direction is Direction.INOUT
                    and argument.type.form not in (Form.VALUE, Form.ARRAY)):
                raise DefsError(argument.place, f"found '{argument.name}', "
                                "which the kernel's side cannot take: "
                                f"{argument.type.form.value}")

    # ---- the handler's declaration ----

    def _parameters(self, argument):
        made, name = argument.type, argument.name
        out = "*" if argument.direction.is_out else ""
        form = made.form
        if form is Form.VALUE:
            yield _parameter(made.server_type + (" *" if out else ""), name)
        elif form in (Form.STRING, Form.VARSTRING):
            yield f"char *{name}" if out else f"const char *{name}"
        elif form in (Form.ARRAY, Form.COUNTED):
            yield _parameter(("" if out else "const ") + _element(made) + " *",
                             name)
        elif form is Form.PORT:
            struct = OBJECTS.get(made.name, (0, None, 0, 0))[1]
            if struct and not out:
                yield f"struct {struct} *{name}"
            else:
                yield f"struct port *{out}{name}"
            if argument.is_polymorphic:
                yield f"mach_msg_type_name_t {out}{argument.poly_name}"
        elif form in MANY:
            yield f"struct port **{name}"
        elif _is_copied(argument):
            yield f"const {made.element.name} *{name}"
        elif form is Form.MEMORY:
            yield f"struct transfer *{out}{name}"
        elif form is Form.PORT_ARRAY:
            yield f"struct port **{out}{name}"
        if argument.has_count:
            yield f"{COUNT} {out}{argument.count_name}"

    def prototype(self):
        parameters = []
        if self.struct:
            parameters.append(_parameter(self.object_type, self.target.name))
        for argument in self.routine.arguments:
            if argument.direction.is_data:
                parameters += self._parameters(argument)
        return (f"kern_return_t {self.routine.server_name}("
                + (",\n    ".join(parameters) or "void") + ")")

    # ---- the decoder ----

    def _translated(self, argument):
        """The struct that a port argument is turned into, or None."""
        if argument.type.form is not Form.PORT or argument.direction.is_out:
            return None
        return OBJECTS.get(argument.type.name, (0, None))[1]

    @property
    def translated_structs(self):
        return [self._translated(a) for a in self.request.carried]

    def _translations(self):
        """(argument, kind of object) of those."""
        return [(a, OBJECTS[a.type.name][0]) for a in self.request.carried
                if self._translated(a)]

    def _locals(self):
        """Declarations before the call."""
        for index, argument in enumerate(self.request.carried):
            made, name = argument.type, argument.name
            descriptor = f"&call->request->descriptor[{index}]"
            yield f"struct kdescriptor *{name} = {descriptor};"
            if _is_copied(argument):
                yield f"{made.element.name} {name}Copy;"
        for argument, kind in self._translations():
            struct, name = self._translated(argument), argument.name
            yield (f"struct {struct} *{name}Object = "
                   f"port_object_get({name}->port, {kind});")
        for argument in self.outs:
            yield from self._out_locals(argument)

    def _out_locals(self, argument):
        made, name = argument.type, argument.name
        if made.form is Form.VALUE:
            first = "{0}" if made.is_struct else "0"
            if argument.direction is Direction.INOUT:
                first = f"In->{name}"
            yield f"{made.server_type} {name} = {first};"
        elif made.form is Form.PORT:
            yield f"struct port *{name} = NULL;"
            if argument.is_polymorphic:
                yield f"mach_msg_type_name_t {argument.poly_name} = 0;"
        elif made.form in MANY:
            yield f"struct port *{name}[{made.count}] = {{NULL}};"
        elif made.form is Form.MEMORY:
            yield f"struct transfer *{name} = NULL;"
        elif made.form is Form.PORT_ARRAY:
            yield f"struct port **{name} = NULL;"
        if argument.has_count:
            room = 0 if made.form in (
                Form.MEMORY, Form.PORT_ARRAY) else made.count
            if argument.count_in_out:
                room = f"call_room(In->{argument.count_name}, {room})"
            yield f"{COUNT} {argument.count_name} = {room};"

    def _checks(self):
        """What the table cannot say: counts and strings."""
        request = f"struct {self.request.name}"
        for argument in self.ins:
            made, name = argument.type, argument.name
            if not argument.direction.is_in:
                continue
            if made.form is Form.COUNTED:
                yield (f"!call_array_fits(call, offsetof({request}, {name}), "
                       f"In->{argument.count_name}, {made.count}, "
                       f"{made.size})"), "MIG_BAD_ARGUMENTS"
            elif made.form is Form.STRING:
                yield (f"!call_string_ends(In->{name}, {made.count})",
                       "MIG_BAD_ARGUMENTS")
            elif _is_copied(argument):
                yield (f"!call_copy_memory({name}, &{name}Copy, "
                       f"sizeof({name}Copy))"), "MIG_TYPE_ERROR"
            elif made.form is Form.MEMORY:
                size = _times(f"(uint64_t)In->{argument.count_name}",
                              made.size)
                yield f"{name}->size != {size}", "MIG_TYPE_ERROR"
            elif made.form is Form.PORT_ARRAY:
                yield (f"{name}->size != In->{argument.count_name}",
                       "MIG_TYPE_ERROR")

    def _prepared(self):
        """Memory of the reply that a handler fills in place, made clean."""
        for argument in self.outs:
            name = argument.name
            if argument.direction is Direction.INOUT:
                if argument.type.form is Form.ARRAY:
                    yield (f"memcpy(Out->{name}, In->{name}, "
                           f"sizeof(Out->{name}));")
            elif argument.type.form in (Form.ARRAY, Form.STRING,
                                        Form.VARSTRING):
                yield f"memset(Out->{name}, 0, sizeof(Out->{name}));"

    def _passed(self, argument):
        made, name = argument.type, argument.name
        out, form = argument.direction.is_out, made.form
        if form is Form.VALUE:
            yield f"&{name}" if out else f"In->{name}"
        elif form in (Form.STRING, Form.ARRAY, Form.COUNTED, Form.VARSTRING):
            yield f"Out->{name}" if out else f"In->{name}"
        elif form in MANY:
            yield name
        elif out:
            yield f"&{name}"
        elif form is Form.PORT:
            yield (f"{name}Object" if self._translated(argument)
                   else f"call_right({name})" if made.right in (
                       Right.POLYMORPHIC, Right.MOVE_RECEIVE)
                   else f"{name}->port")
        elif _is_copied(argument):
            yield f"&{name}Copy"
        elif form is Form.MEMORY:
            yield f"{name}->transfer"
        else:
            yield f"{name}->ports"
        if argument.is_polymorphic:
            yield f"&{argument.poly_name}" if out else f"{name}->disposition"
        if argument.has_count:
            yield (f"&{argument.count_name}" if out
                   else f"In->{argument.count_name}")

    def _call(self):
        passed = [f"Self{self.member}"] if self.struct else []
        for argument in self.routine.arguments:
            if argument.direction.is_data:
                passed += self._passed(argument)
        return f"{self.routine.server_name}({', '.join(passed)})"

    def _called(self):
        """The call, unless a port is of the wrong kind."""
        wrong = [f"{a.name}Object == NULL && {a.name}->port != NULL"
                 for a, _ in self._translations()]
        if not wrong:
            return [f"Result = {self._call()};"]
        condition = " || ".join(f"({w})" for w in wrong) if (
            len(wrong) > 1) else wrong[0]
        lines = [f"if ({condition})", "\tResult = KERN_INVALID_ARGUMENT;",
                 "else", f"\tResult = {self._call()};"]
        for argument, kind in self._translations():
            lines += [f"if ({argument.name}Object != NULL)",
                      f"\tkobject_put({kind}, {argument.name}Object);"]
        return lines

    def _taken(self):
        """A handler that succeeds has taken the rights it was given."""
        for argument in self.request.carried:
            if (argument.type.form is Form.PORT
                    and not self._translated(argument)):
                yield f"{argument.name}->port = NULL;"

    def _put_carried(self):
        index = 0
        if self.reply.carried and self.reply.fields:
            yield "mig_set_ndr(&Out->NDR);"
        for argument in self.reply.carried:
            made, name = argument.type, argument.name
            right = argument.poly_name
            if made.right and not argument.is_polymorphic:
                right = made.received.received_name
            if made.form is Form.PORT:
                yield f"call_put_port(call, {index}, {name}, {right});"
            elif made.form in MANY:
                yield f"for (uint32_t i = 0; i < {made.count}; i++)"
                yield f"\tcall_put_port(call, {index} + i, {name}[i], {right});"
                index += made.count - 1
            elif made.form is Form.MEMORY:
                yield (f"call_put_memory(call, {index}, {name}, "
                       f"{_times(argument.count_name, made.size)});")
            else:
                yield (f"call_put_ports(call, {index}, {name}, "
                       f"{argument.count_name}, {right});")
            index += 1

    def _put_data(self):
        """Results behind the first array of varying length move together."""
        moving = False
        for argument in self.outs:
            made, name = argument.type, argument.name
            form = made.form
            count = argument.count_name
            if form is Form.VARSTRING:
                yield f"Out->{name}Offset = 0;"
                yield (f"Out->{name}Cnt = call_string_size(Out->{name}, "
                       f"{made.count});")
                yield f"At = offsetof(struct {self.reply.name}, {name});"
                yield f"At = call_append(call, At, Out->{name}, Out->{name}Cnt);"
                moving = True
                continue
            if argument.has_count:
                if moving:
                    yield f"At = call_append(call, At, &{count}, sizeof({count}));"
                else:
                    yield f"Out->{count} = {count};"
            if form is Form.COUNTED:
                if not moving:
                    yield f"At = offsetof(struct {self.reply.name}, {name});"
                yield (f"At = call_append(call, At, Out->{name}, "
                       f"{_times(count, made.size)});")
                moving = True
            elif form is Form.VALUE and moving:
                yield f"At = call_append(call, At, &{name}, sizeof({name}));"
            elif form is Form.VALUE:
                yield f"Out->{name} = {name};"
            elif moving and form in (Form.STRING, Form.ARRAY):
                yield (f"At = call_append(call, At, Out->{name}, "
                       f"sizeof(Out->{name}));")
        if moving:
            yield "call->reply_size = At;"

    def decoder(self):
        lines = ["static kern_return_t",
                 f"decode_{self.routine.name}(struct call *call)", "{"]
        checks = list(self._checks())
        results = [*self._taken(), *self._put_carried(), *self._put_data()]
        body = [*self._locals(), *self._prepared(), self._call()]
        if any("In->" in line for line in body + [c for c, _ in checks]):
            lines.append(f"\tconst struct {self.request.name} *In = "
                         "call->in;")
        if any("Out->" in line for line in body + results):
            lines.append(f"\tstruct {self.reply.name} *Out = call->out;")
        if self.struct:
            lines.append(f"\tstruct {self.struct} *Self = call->object;")
        lines += [f"\t{line}" for line in self._locals()]
        if self.reply.varying:
            lines.append("\tuint32_t At;")
        lines += ["\tkern_return_t Result;", ""]
        for condition, code in checks:
            lines += [f"\tif ({condition})", f"\t\treturn {code};"]
        lines += [f"\t{line}" for line in self._prepared()]
        lines += [f"\t{line}" for line in self._called()]
        if results:
            lines += ["\tif (Result != KERN_SUCCESS)", "\t\treturn Result;"]
            lines += [f"\t{line}" for line in results]
        return lines + ["\treturn Result;", "}"]

    # ---- the table ----

    def _letters(self):
        letters = ""
        for argument in self.request.carried:
            form = argument.type.form
            letters += ("m" if form is Form.MEMORY
                        else "a" if form is Form.PORT_ARRAY
                        else RIGHT_LETTERS[argument.type.received])
        return letters

    @property
    def _keeps_request(self):
        """Something the handler sees lies in the request, or is cleared."""
        return bool(self.request.carried or self.reply.carried
                    or list(self._prepared())
                    or any(a.direction.is_in and a.type.form in (
                        Form.STRING, Form.ARRAY, Form.COUNTED)
                        for a in self.ins))

    def row(self):
        request, reply = self.request, self.reply
        size = "0" if request.is_empty else f"sizeof(struct {request.name})"
        least = size
        if request.varying:
            least = f"offsetof(struct {request.name}, {request.varying.name})"
        cells = [f".id = {self.subsystem.id_of(self.routine)}",
                 f'.name = "{self.routine.name}"', f".kind = {self.kind}",
                 f".decode = decode_{self.routine.name}",
                 f".least = {least}", f".most = {size}",
                 f'.descriptors = "{self._letters()}"',
                 f".reply_size = sizeof(struct {reply.name})"]
        if reply.descriptors:
            cells.append(f".reply_descriptors = {reply.descriptors}")
        if self._keeps_request:
            cells.append(".keeps_request = true")
        return "\t{" + ",\n\t    ".join(cells) + "},"

    def shape(self):
        """A row for tests: what a request is like, in numbers."""
        request = layout.request(self.routine)
        letters = "".join(
            "t" if self._translated(a) else letter
            for a, letter in zip(self.request.carried, self._letters()))
        cells = [f".id = {self.subsystem.id_of(self.routine)}",
                 f'.name = "{self.routine.name}"', f".kind = {self.kind}",
                 f".least = {request.min_size}", f".most = {request.size}",
                 f'.descriptors = "{letters}"']
        for argument in filter(_is_copied, self.request.carried):
            cells.append(f".memory_size = {argument.type.size}")
        for field in request.fields:
            form = field.argument.type.form if field.argument else None
            given = field.argument and field.argument.direction.is_in
            if field.part is layout.Part.COUNT and given:
                what = "array" if form is Form.COUNTED else "memory"
                cells.append(f".{what}_count_at = {field.offset}")
                if form is Form.COUNTED:
                    cells.append(".array_most = "
                                 f"{field.argument.type.count}")
            elif form is Form.STRING and given:
                cells += [f".string_at = {field.offset}",
                          f".string_size = {field.size}"]
        return "{" + ", ".join(cells) + "},"

    def structs(self):
        forms = [self.reply] if self.request.is_empty else [
            self.request, self.reply]
        return [line for form in forms for line in form.definition()]

    def assertions(self):
        """C and the definition agree on sizes; pointers may be used."""
        for argument in self.ins + self.outs:
            made = argument.type
            if made.form is Form.VALUE:
                yield f"sizeof({made.server_type}) == {made.size}"
            elif _is_copied(argument):
                yield f"sizeof({made.element.name}) == {made.size}"
            elif made.form in (Form.ARRAY, Form.COUNTED):
                yield f"sizeof({_element(made)}) == {made.element.size}"
                yield f"_Alignof({_element(made)}) <= 4"


def _routines(subsystem):
    return [KernelRoutine(subsystem, r) for r in subsystem.routines]


def _includes(subsystem):
    names = ["<mach/mig_errors.h>"]
    for item in subsystem.imports:
        if item.kind in ("import", "simport") and item.file not in names:
            names.append(item.file)
    return [f"#include {name}" for name in names]


def header(subsystem):
    """The handlers' declarations, and the table's."""
    routines = _routines(subsystem)
    lines = [f"/* What the routines of {subsystem.name} are served by. */",
             "#pragma once", *_includes(subsystem), "",
             '#include "ipc/kserver.h"', ""]
    structs = {"port", "transfer"}
    for routine in routines:
        structs.add(routine.struct)
        if routine.object_type:
            structs.add(routine.object_type.split()[1])
        structs |= set(routine.translated_structs)
    lines += [f"struct {name};" for name in sorted(filter(None, structs))]
    lines.append("")
    for routine in routines:
        lines += [routine.prototype() + ";", ""]
    lines += [f"extern const struct subsystem {subsystem.name}_subsystem;"]
    return "\n".join(lines) + "\n"


def source(subsystem, header_name):
    """The decoders and the table."""
    routines = _routines(subsystem)
    lines = [f'#include "{header_name}"', "",
             '#include "ipc/call.h"', "", "#pragma pack(push, 4)"]
    for routine in routines:
        lines += routine.structs()
    lines += ["#pragma pack(pop)", ""]
    for fact in sorted({a for r in routines for a in r.assertions()}):
        lines.append(f'static_assert({fact}, "as the definition says");')
    for routine in routines:
        lines += ["", *routine.decoder()]
    lines += ["", "static const struct routine routines[] = {"]
    lines += [routine.row() for routine in routines]
    lines += ["};", "",
              f"const struct subsystem {subsystem.name}_subsystem = "
              "{routines, ARRAY_SIZE(routines)};"]
    return "\n".join(lines) + "\n"


def shapes(subsystem):
    """Rows of a struct shape for each routine; see test/user/malformed.c."""
    return "".join(f"{r.shape()}\n" for r in _routines(subsystem))
