"""NAMEServer.c: what a server's loop calls.

_Xname() checks a request, calls the server's function with what is in it, and
makes the reply of what the function returned.  On any error the reply says
only that, and the loop gives back what the request brought; on success, or
MIG_NO_REPLY, the server's function has taken it over.
"""

from . import body, cside, layout
from .layout import Part
from .tree import Dealloc, Direction, Form
from .writer import Writer, declared

WRONG = "return MIG_BAD_ARGUMENTS;"
TRAILERS = {Direction.MSG_SEQNO: ("seqno", "msgh_seqno"),
            Direction.SERVER_SEC_TOKEN: ("security", "msgh_sender"),
            Direction.SERVER_AUDIT_TOKEN: ("audit", "msgh_audit"),
            Direction.SERVER_CONTEXT: ("context", "msgh_context")}
REPLY_PORTS = (Direction.REPLY_PORT, Direction.SERVER_REPLY_PORT)


class _Sender(body.Sender):
    """Outs are in variables of their own by the time the reply is made."""

    def value(self, argument):
        made = argument.type
        if made.outtran:
            return f"{made.outtran.function}({argument.name})"
        return argument.name

    def count(self, argument):
        return argument.count_name

    def poly(self, argument):
        return argument.poly_name


class _Stub:
    """Writes one routine."""

    def __init__(self, writer, subsystem, routine):
        self.writer, self.subsystem = writer, subsystem
        self.routine = routine
        self.request = layout.request(routine)
        self.reply = layout.reply(routine)
        self.sender = _Sender(cside.SERVER, lambda argument: "")
        self.request_fields = {(f.part, f.name): f
                               for f in self.request.fields}
        self.reply_fields = {f.name: f for f in self.reply.fields}

    # ---- the request's form ----

    @property
    def check_name(self):
        return f"__MIG_check__{self.request.name.removeprefix('__')}"

    def check_function(self):
        w, request = self.writer, self.request
        w.line("static kern_return_t")
        w.list(f"{self.check_name}(", [f"const {request.name} *In0P"], ")")
        w.line("{")
        w.depth = 1
        if request.varying:
            w.line(f"mach_msg_size_t size = {request.min_size};")
        body.declare_shifted(w, request, "In",
                             most=body.checked_after(request))
        if request.varying:
            w.line()
        w.list("if (!mig_check_request(", [
            "&In0P->Head", str(request.min_size), str(request.size),
            str(request.descriptor_count)], "))")
        w.line(f"\t{WRONG}")
        body.check(w, request, "In", WRONG)
        w.line("return KERN_SUCCESS;")
        w.depth = 0
        w.line("}")
        w.line()

    # ---- what the function is called with ----

    def is_in(self, argument):
        return argument.direction.is_in

    def field(self, argument):
        """Where the request has the argument itself."""
        return (self.request_fields.get((Part.DESCRIPTOR, argument.name))
                or self.request_fields.get((Part.VALUE, argument.name))
                or self.request_fields.get((Part.VARYING, argument.name)))

    def in_place(self, argument):
        """The C expression for the field in the request."""
        field = self.field(argument)
        return f"{body.pointer('In', field.after)}->{field.name}"

    def in_count(self, argument):
        """The C expression for the count in the request."""
        owner = argument.same_count_as or argument
        field = self.request_fields[Part.COUNT, owner.count_name]
        return f"{body.pointer('In', field.after)}->{field.name}"

    def in_reply(self, argument):
        """An out array that the function can write where it will be sent.

        Not if C may want it better aligned, or if its place depends on how
        long another one turns out to be.
        """
        made = argument.type
        if made.form not in (Form.ARRAY, Form.COUNTED, Form.STRING,
                             Form.VARSTRING) or made.needs_alignment:
            return False
        return self.reply_fields[argument.name].after == 0

    def in_copy(self, argument):
        """An in array that has to be copied to where it is aligned."""
        made = argument.type
        return (argument.direction is Direction.IN and made.needs_alignment
                and made.form in (Form.ARRAY, Form.COUNTED))

    def in_value(self, argument):
        """What the request has, as the function wants it."""
        made = argument.type
        place = self.in_place(argument)
        if made.form is Form.PORT:
            value = f"{place}.name"
        elif made.form in (Form.MEMORY, Form.PORT_ARRAY):
            value = f"({made.server_type}){place}.address"
        else:
            value = place
        if made.intran:
            value = f"{made.intran.function}({value})"
        return value

    def array_declaration(self, argument):
        """An array of the argument's own, for copies and for rights."""
        made = argument.type
        if made.form is Form.ARRAY:
            return declared(made.server_type, argument.name)
        if made.form in (Form.STRING, Form.VARSTRING):
            return f"char {argument.name}[{made.count}]"
        element = (made.element.server_type if made.element
                   else "mach_port_t")
        return declared(element, argument.name) + f"[{made.count}]"

    def needs_variable(self, argument):
        made, direction = argument.type, argument.direction
        if not direction.is_data:
            return bool(made.destructor and made.intran
                        and direction is Direction.REQUEST_PORT)
        if made.form in (Form.PORTS, Form.COUNTED_PORTS):
            return True
        if direction.is_out:
            return not self.in_reply(argument)
        return bool(made.intran) or self.in_copy(argument)

    def variables(self):
        """Declare them, empty; the request's values follow."""
        w = self.writer
        for argument in self.routine.arguments:
            made = argument.type
            if not self.needs_variable(argument):
                continue
            if not argument.direction.is_data:
                w.line(declared(made.translated_type, argument.name) + ";")
                continue
            if made.form.is_reference:
                w.line(self.array_declaration(argument) + ";")
            elif argument.direction.is_out and not self.is_in(argument):
                w.line(self.empty(argument))
            else:
                w.line(declared(made.translated_type, argument.name) + ";")
        for argument in self.routine.outs:
            if argument.is_polymorphic:
                w.line(f"mach_msg_type_name_t {argument.poly_name} = "
                       "MACH_MSG_TYPE_PORT_SEND;")
            if argument.has_count:
                w.line(f"mach_msg_type_number_t {argument.count_name} = "
                       f"{self.first_count(argument)};")
            if argument.dealloc is Dealloc.MAYBE:
                w.line(f"boolean_t {argument.dealloc_name} = FALSE;")

    def empty(self, argument):
        """A variable for one value, which holds no rubbish."""
        made = argument.type
        name = declared(made.translated_type, argument.name)
        return f"{name} = {'{0}' if made.is_struct else '0'};"

    def first_count(self, argument):
        """What an out count is when the function is called: the room."""
        made = argument.type
        if made.form in (Form.COUNTED, Form.COUNTED_PORTS):
            return str(made.count) if not self.is_in(argument) else "0"
        return "0"

    def load(self):
        """The request's values into their variables."""
        for argument in self.routine.arguments:
            if not argument.direction.is_data:
                self.load_request_port(argument)
            elif self.is_in(argument):
                self.load_in(argument)
            else:
                self.prepare_out(argument)

    def load_request_port(self, argument):
        if self.needs_variable(argument):
            self.writer.line(f"{argument.name} = {self.port(argument)};")

    def load_in(self, argument):
        w, made, name = self.writer, argument.type, argument.name
        out = argument.direction.is_out
        if out and argument.has_count:
            w.line(f"{argument.count_name} = {self.in_count(argument)};")
        if out and argument.is_polymorphic:
            first = "[0]" if made.form is Form.PORTS or (
                made.form is Form.COUNTED_PORTS) else ""
            w.line(f"{argument.poly_name} = "
                   f"{self.in_place(argument)}{first}.disposition;")
        if made.form in (Form.PORTS, Form.COUNTED_PORTS):
            w.line(f"for (mach_msg_size_t migI = 0; migI < {made.count}; "
                   "migI++)")
            w.line(f"\t{name}[migI] = {self.in_place(argument)}[migI].name;")
        elif made.form.is_reference and (out or self.in_copy(argument)):
            self.copy_array(argument)
        elif self.needs_variable(argument):
            w.line(f"{name} = {self.in_value(argument)};")

    def copy_array(self, argument):
        made = argument.type
        if made.form is Form.COUNTED:
            size = cside.bytes_of(argument, self.in_count(argument))
        elif made.form is Form.VARSTRING:
            size = self.in_count(argument)
        else:
            size = made.size
        self.writer.list("memcpy(", [self.target(argument),
                                     self.in_place(argument), str(size)],
                         ");")

    def target(self, argument):
        """Where an array is that the function writes, or reads a copy of."""
        if argument.direction.is_out and self.in_reply(argument):
            return f"Out0P->{argument.name}"
        return argument.name

    def prepare_out(self, argument):
        """Nothing of earlier messages may be in what the function leaves."""
        made = argument.type
        target = self.target(argument)
        if made.form is Form.VARSTRING:
            self.writer.line(f"{target}[0] = '\\0';")
        elif made.form in (Form.ARRAY, Form.STRING):
            self.writer.line(f"memset({target}, 0, {made.size});")
        elif made.form in (Form.PORTS, Form.COUNTED_PORTS):
            self.writer.line(f"memset({target}, 0, sizeof({target}));")
        if argument.count_in_out:
            room = self.in_count(argument)
            self.writer.when(f"{argument.count_name} > {room}",
                             f"{argument.count_name} = {room};")

    def port(self, argument):
        """The request port, or where to reply."""
        made = argument.type
        member = ("msgh_remote_port" if argument.direction in REPLY_PORTS
                  else "msgh_local_port")
        value = f"In0P->Head.{member}"
        if made.intran:
            value = f"{made.intran.function}({value})"
        return value

    def values(self):
        """The function's arguments, in C."""
        found = []
        for argument in self.routine.arguments:
            direction = argument.direction
            if direction.is_data:
                found += self.data_values(argument)
            elif direction in TRAILERS:
                found.append(f"trailer->{TRAILERS[direction][1]}")
            elif direction.for_server:
                found.append(argument.name if self.needs_variable(argument)
                             else self.port(argument))
                if argument.is_polymorphic:
                    which = ("REMOTE" if direction in REPLY_PORTS
                             else "LOCAL")
                    found.append(f"MACH_MSGH_BITS_{which}("
                                 "In0P->Head.msgh_bits)")
        return found

    def data_values(self, argument):
        made, out = argument.type, argument.direction.is_out
        if made.form.is_reference:
            value = (self.target(argument)
                     if out or self.needs_variable(argument)
                     else self.in_value(argument))
        elif out:
            value = f"&{argument.name}"
        else:
            value = (argument.name if self.needs_variable(argument)
                     else self.in_value(argument))
        found = [value]
        if argument.is_polymorphic:
            first = "[0]" if made.form.is_reference else ""
            found.append(f"&{argument.poly_name}" if out else
                         f"{self.in_place(argument)}{first}.disposition")
        if argument.has_count:
            found.append(f"&{argument.count_name}" if out
                         else self.in_count(argument))
        if argument.dealloc is Dealloc.MAYBE and out:
            found.append(f"&{argument.dealloc_name}")
        return found

    # ---- the reply ----

    def fail(self, result):
        return [f"mig_reply_error(OutHeadP, {result});", "return;"]

    def check_outs(self):
        """A count beyond what fits is the server's mistake: say so."""
        for argument in self.routine.outs:
            made = argument.type
            limit = made.count or (
                f"UINT32_MAX / {made.size}" if made.form is Form.MEMORY
                and made.size > 1 else 0)
            if argument.type.counted and limit:
                self.writer.when(f"{argument.count_name} > {limit}",
                                 *self.fail("MIG_ARRAY_TOO_LARGE"))

    def fill_count(self, field, here):
        w, argument = self.writer, field.argument
        if argument.type.form is Form.VARSTRING:
            string = self.target(argument)
            w.line(f"{string}[{argument.type.count - 1}] = '\\0';")
            w.line(f"{here} = (mach_msg_type_number_t)strlen({string}) + 1;")
        else:
            w.line(f"{here} = {argument.count_name};")

    def fill_value(self, field, here):
        w, argument, made = self.writer, field.argument, field.argument.type
        if made.form is Form.STRING:
            w.line(f"{self.target(argument)}[{made.count - 1}] = '\\0';")
        if made.form in (Form.ARRAY, Form.STRING):
            if not self.in_reply(argument):
                w.line(f"memcpy({here}, {argument.name}, {made.size});")
        else:
            w.line(f"{here} = {self.sender.value(argument)};")
        if field.pad:
            w.line(f"memset({here}Pad, 0, {field.pad});")

    def fill_varying(self, field, here):
        w, argument = self.writer, field.argument
        count = body.count_of(self.reply, "Out", field)
        size = cside.bytes_of(argument, count)
        if not self.in_reply(argument):
            w.line(f"memcpy({here}, {argument.name}, {size});")
        if argument.type.size % 4:
            w.line(f"mig_pad({here}, {size});")
        if body.is_followed(self.reply, field):
            body.shift(w, "Out", field, count)

    def destroy(self):
        """What translation made of arguments, whatever the result."""
        for argument in self.routine.arguments:
            made = argument.type
            port = argument.direction is Direction.REQUEST_PORT
            if made.destructor and (
                    port or argument.direction is Direction.IN):
                value = (argument.name if self.needs_variable(argument)
                         else self.port(argument) if port
                         else self.in_value(argument))
                self.writer.line(f"{made.destructor.function}({value});")

    # ---- the whole ----

    def trailer(self):
        w = self.writer
        wanted = self.routine.having(*TRAILERS)
        if not wanted:
            return
        order = ["seqno", "security", "audit", "context"]
        kind = max((TRAILERS[a.direction][0] for a in wanted),
                   key=order.index)
        w.line(f"trailer = mig_trailer(InHeadP, "
               f"sizeof(mach_msg_{kind}_trailer_t));")
        w.when("trailer == NULL", *self.fail("MIG_TRAILER_ERROR"))

    def check(self):
        w = self.writer
        if body.needs_check(self.request):
            w.line(f"kr = {self.check_name}(In0P);")
            w.when("kr != KERN_SUCCESS", *self.fail("kr"))
        else:
            request = self.request
            w.list("if (!mig_check_request(", [
                "InHeadP", str(request.min_size), str(request.size),
                str(request.descriptor_count)], ")) {")
            for line in self.fail("MIG_BAD_ARGUMENTS"):
                w.line("\t" + line)
            w.line("}")

    def function(self):
        w, routine = self.writer, self.routine
        if body.needs_check(self.request):
            self.check_function()
        w.line("static void")
        w.list(f"_X{routine.name}(", ["mach_msg_header_t *InHeadP",
                                      "mach_msg_header_t *OutHeadP"], ")")
        w.line("{")
        w.depth = 1
        w.line(f"{self.request.name} *In0P = (void *)InHeadP;")
        body.declare_shifted(w, self.request, "In", const="")
        if routine.outs:
            w.line(f"{self.reply.name} *Out0P = (void *)OutHeadP;")
            body.declare_shifted(w, self.reply, "Out", const="")
        if routine.having(*TRAILERS):
            w.line("const mach_msg_max_trailer_t *trailer;")
        self.variables()
        w.line("kern_return_t kr;")
        w.line()
        self.check()
        self.trailer()
        body.shift_all(w, self.request, "In")
        self.load()
        w.list(f"kr = {routine.server_name}(", self.values(), ");")
        self.destroy()
        if routine.outs:
            w.when("kr != KERN_SUCCESS", *self.fail("kr"))
            self.check_outs()
            if self.reply.complex:
                w.line("Out0P->Head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;")
            body.fill(self, self.reply, "Out")
            w.sum("Out0P->Head.msgh_size = ",
                  body.size_expression(self.reply, "Out"), ";")
        else:
            w.line("mig_reply_error(OutHeadP, kr);")
        w.depth = 0
        w.line("}")


def _argument_words(routine):
    return len(cside.SERVER.parameters(routine))


def _table(writer, subsystem):
    name, first = subsystem.name, subsystem.base
    table = cside.SERVER.subsystem_name(subsystem)
    routines = {r.number: r for r in subsystem.routines}
    writer.text(f"""
/* ---- the subsystem ---- */

const struct {table} {table} = {{
	.server = {name}_server_routine,
	.start = {first},
	.end = {first + subsystem.end},
	.maxsize = sizeof(union __ReplyUnion__{table}),
	.routine = {{""")
    for number in range(subsystem.end):
        if number in routines:
            routine = routines[number]
            writer.text(f"""
		[{number}] = {{
			.stub_routine = _X{routine.name},
			.argc = {_argument_words(routine)},
			.max_reply_msg = sizeof({layout.reply(routine).name}),
		}},""")
    writer.text(f"""
	}},
}};

mig_routine_t
{name}_server_routine(mach_msg_header_t *InHeadP)
{{
	int64_t number = (int64_t)InHeadP->msgh_id - {first};

	if (number < 0 || number >= {subsystem.end})
		return NULL;
	return {table}.routine[number].stub_routine;
}}

boolean_t
{subsystem.server_name}(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP)
{{
	mig_routine_t routine = {name}_server_routine(InHeadP);

	mig_reply_setup(InHeadP, OutHeadP);
	if (routine == NULL)
		return FALSE;
	routine(InHeadP, OutHeadP);
	return TRUE;
}}""")


def text(subsystem, source, header=None):
    """The text of NAMEServer.c, which includes @header if there is one."""
    writer = Writer()
    writer.line(f"/* {source}: servers' side of {subsystem.name}.  "
                "Written by mig. */")
    cside.preamble(writer, cside.SERVER, subsystem, header)
    for routine in subsystem.routines:
        writer.line()
        writer.line(f"/* ---- {cside.comment(routine)} ---- */")
        writer.line()
        _Stub(writer, subsystem, routine).function()
    writer.line()
    _table(writer, subsystem)
    return writer.result()
