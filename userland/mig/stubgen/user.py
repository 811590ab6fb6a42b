"""NAMEUser.c: what a client calls."""

from . import body, cside, layout
from .layout import Part
from .tree import Direction, Form
from .writer import Writer

REGISTERS_MAX = 24 + 48  # a message that goes in registers, in bytes
WRONG = "return MIG_TYPE_ERROR;"
REPLY_PORTS = (Direction.REPLY_PORT, Direction.USER_REPLY_PORT)
TOKENS = {Direction.USER_SEC_TOKEN: ("SENDER", "msgh_sender"),
          Direction.USER_AUDIT_TOKEN: ("AUDIT", "msgh_audit")}


def _star(argument):
    """Inouts are behind pointers."""
    return "*" if argument.direction.is_out and (
        not argument.type.form.is_reference) else ""


class _Sender(body.Sender):
    def count(self, argument):
        star = "*" if argument.direction.is_out else ""
        return star + argument.count_name

    def poly(self, argument):
        star = "*" if argument.direction.is_out else ""
        return star + argument.poly_name


class _Stub:
    """Writes one routine."""

    def __init__(self, writer, subsystem, routine):
        self.writer, self.subsystem = writer, subsystem
        self.routine = routine
        self.request = layout.request(routine)
        self.reply = layout.reply(routine)
        self.sender = _Sender(cside.USER, _star)

    # ---- the reply's form ----

    @property
    def check_name(self):
        return f"__MIG_check__{self.reply.name.removeprefix('__')}"

    def check_function(self):
        """The checks of this reply, beyond those that all have in common."""
        w, reply = self.writer, self.reply
        w.line("static kern_return_t")
        w.list(f"{self.check_name}(", [f"const {reply.name} *Out0P"], ")")
        w.line("{")
        w.depth = 1
        if reply.varying:
            w.line(f"mach_msg_size_t size = {reply.min_size};")
        body.declare_shifted(w, reply, "Out",
                             most=body.checked_after(reply))
        w.line("kern_return_t kr;")
        w.line()
        self.common_check("kr", "&Out0P->Head")
        w.when("kr != KERN_SUCCESS", "return kr;")
        body.check(w, reply, "Out", WRONG)
        w.line("return KERN_SUCCESS;")
        w.depth = 0
        w.line("}")
        w.line()

    def common_check(self, result, head):
        reply = self.reply
        number = self.subsystem.id_of(self.routine) + 100
        self.writer.list(f"{result} = mig_check_reply(", [
            head, str(number), str(reply.min_size), str(reply.size),
            str(reply.descriptor_count)], ");")

    # ---- the request ----

    def check_counts(self):
        for argument in self.routine.ins:
            made = argument.type
            if not made.counted or (made.form is Form.MEMORY
                                    and not made.count and made.size == 1):
                continue
            limit = made.count or (
                f"UINT32_MAX / {made.size}" if made.form is Form.MEMORY
                else None)
            if limit:
                self.writer.when(f"{self.sender.count(argument)} > {limit}",
                                 "return MIG_ARRAY_TOO_LARGE;")

    def fill_count(self, field, here):
        w, argument = self.writer, field.argument
        made = argument.type
        if made.form is Form.VARSTRING:
            string = f"{body.pointer('In', field.after)}->{argument.name}"
            w.list(f"{here} = (mach_msg_type_number_t)mig_strncpy(",
                   [string, argument.name, str(made.count)], ");")
        elif argument.direction.is_in:
            w.line(f"{here} = {self.sender.count(argument)};")
        else:  # CountInOut: how much room there is
            room = self.sender.count(argument)
            w.line(f"{here} = {room} < {made.count} ? {room} : {made.count};")

    def fill_value(self, field, here):
        w, argument, made = self.writer, field.argument, field.argument.type
        if made.form is Form.STRING:
            w.list("mig_strncpy_zerofill(",
                   [here, argument.name, str(made.count)], ");")
        elif made.form is Form.ARRAY:
            w.line(f"memcpy({here}, {argument.name}, {made.size});")
        else:
            w.line(f"{here} = {self.sender.value(argument)};")
        if field.pad:
            w.line(f"memset({here}Pad, 0, {field.pad});")

    def fill_varying(self, field, here):
        w, argument = self.writer, field.argument
        count = body.count_of(self.request, "In", field)
        size = cside.bytes_of(argument, count)
        if argument.type.form is not Form.VARSTRING:
            w.line(f"mig_copy({here}, {argument.name}, {size});")
        if argument.type.size % 4:
            w.line(f"mig_pad({here}, {size});")
        if body.is_followed(self.request, field):
            body.shift(w, "In", field, count)

    # ---- there and back ----

    def timeout(self):
        """(option bits, C expression of milliseconds)."""
        routine, options, value = self.routine, [], "MACH_MSG_TIMEOUT_NONE"
        send = routine.the(Direction.SEND_TIME)
        wait = routine.the(Direction.WAIT_TIME)
        send_time = send.name if send else routine.send_time
        wait_time = wait.name if wait else routine.wait_time
        if send_time:
            options.append("MACH_SEND_TIMEOUT")
            value = send_time
        if wait_time:
            word = ("MACH_SEND_TIMEOUT" if routine.one_way
                    else "MACH_RCV_TIMEOUT")
            if word not in options:
                options.append(word)
            value = wait_time
        if value != "MACH_MSG_TIMEOUT_NONE":
            value = f"(mach_msg_timeout_t)({value})"
        return options, value

    def options(self):
        routine = self.routine
        words = ["MACH_SEND_MSG"] + ([] if routine.one_way
                                     else ["MACH_RCV_MSG"])
        words += self.timeout()[0]
        if routine.msg_option:
            words.append(f"({routine.msg_option})")
        if argument := routine.the(Direction.MSG_OPTION):
            words.append(argument.name)
        kinds = [TOKENS[a.direction][0]
                 for a in routine.having(*TOKENS)]
        if kinds:
            kind = "AUDIT" if "AUDIT" in kinds else "SENDER"
            words += ["MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0)",
                      f"MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_{kind})"]
        return " | ".join(words)

    def bits(self):
        routine = self.routine
        port = routine.the(Direction.REQUEST_PORT)
        remote = (port.poly_name if port.is_polymorphic
                  else port.type.right.c_name)
        local = "0"
        if argument := routine.the(*REPLY_PORTS):
            local = (argument.poly_name if argument.is_polymorphic
                     else argument.type.right.c_name)
        elif not routine.one_way:
            local = "MACH_MSG_TYPE_MAKE_SEND_ONCE"
        other = "MACH_MSGH_BITS_COMPLEX" if self.request.complex else "0"
        return [remote, local, "0", other]

    def reply_port(self):
        if argument := self.routine.the(*REPLY_PORTS):
            return argument.name
        return "MACH_PORT_NULL" if self.routine.one_way else "migReplyPort"

    def own_reply_port(self):
        """Whether the stub takes the thread's."""
        return not self.routine.one_way and (
            self.routine.the(*REPLY_PORTS) is None)

    def fits_registers(self):
        """Whether mig_call_registers() can do it."""
        return (not self.routine.one_way and not self.request.varying
                and self.request.size <= REGISTERS_MAX
                and self.options() == "MACH_SEND_MSG | MACH_RCV_MSG"
                and self.bits() == ["MACH_MSG_TYPE_COPY_SEND",
                                    "MACH_MSG_TYPE_MAKE_SEND_ONCE", "0", "0"])

    def call(self):
        """migResult = mig_call(...)"""
        routine, w = self.routine, self.writer
        port = routine.the(Direction.REQUEST_PORT).name
        if self.fits_registers():
            w.list("migResult = mig_call_registers(", [
                "&Mess", str(self.request.size), port, self.reply_port(),
                str(self.subsystem.id_of(routine)), "sizeof(Mess.Out)"], ");")
            return
        fields = [("option", self.options()), ("send_size",
                   body.size_expression(self.request, "In")),
                  ("request_port", port),
                  ("reply_port", self.reply_port()),
                  ("id", self.subsystem.id_of(routine))]
        if self.request.complex:
            fields.append(("descriptors", self.request.descriptor_count))
        if not routine.one_way:
            fields.append(("rcv_size", "sizeof(Mess.Out)"))
        if self.timeout()[0]:
            fields.append(("timeout", self.timeout()[1]))
        w.line("migResult = mig_call(&Mess, &(const struct mig_call){")
        w.list("    .bits = MACH_MSGH_BITS_SET(", self.bits(), "),")
        for name, value in fields:
            w.sum(f"    .{name} = ", str(value), ",", "        ")
        w.line("});")

    # ---- the reply ----

    def check_reply(self):
        w = self.writer
        if body.needs_check(self.reply):
            w.line(f"migResult = {self.check_name}(&Mess.Out.Reply);")
        else:
            self.common_check("migResult", "&Mess.Out.Reply.Head")
        w.when("migResult != KERN_SUCCESS",
               "mach_msg_destroy(&Mess.Out.Reply.Head);",
               "return migResult;")

    def check_room(self):
        """What the caller has no room for is given back as a whole."""
        w = self.writer
        for field in self.reply.fields:
            argument = field.argument
            if not argument or not argument.type.counted or (
                    not argument.type.form.is_reference
                    or field.part is Part.COUNT):
                continue
            count = body.count_of(self.reply, "Out", field)
            room = f"*{argument.count_name}"
            then = [f"{room} = {count};",
                    "mach_msg_destroy(&Mess.Out.Reply.Head);",
                    "return MIG_ARRAY_TOO_LARGE;"]
            if argument.type.form is Form.COUNTED:
                here = f"{body.pointer('Out', field.after)}->{field.name}"
                size = cside.bytes_of(argument, room)
                then.insert(0, f"mig_copy({argument.name}, {here}, {size});")
            w.when(f"{count} > {room}", *then)

    def take(self):
        """The reply's values to where the caller wants them."""
        for field in self.reply.fields:
            here = f"{body.pointer('Out', field.after)}->{field.name}"
            if field.part is Part.DESCRIPTOR:
                self.take_descriptor(field, here)
            elif field.part is Part.VALUE:
                self.take_value(field, here)
            elif field.part is Part.VARYING:
                argument = field.argument
                count = body.count_of(self.reply, "Out", field)
                size = cside.bytes_of(argument, count)
                self.writer.line(f"mig_copy({argument.name}, {here}, {size});")
            elif field.part is Part.COUNT and (
                    field.argument.type.form is not Form.VARSTRING):
                self.writer.line(f"*{field.name} = {here};")

    def take_descriptor(self, field, here):
        w, argument, made = self.writer, field.argument, field.argument.type
        first = here
        if made.form is Form.PORT:
            w.line(f"*{argument.name} = {here}.name;")
        elif made.form in (Form.PORTS, Form.COUNTED_PORTS):
            limit = (body.count_of(self.reply, "Out", field) if made.counted
                     else made.count)
            w.line(f"for (mach_msg_size_t migI = 0; migI < {limit}; migI++)")
            w.line(f"\t{argument.name}[migI] = {here}[migI].name;")
            first = here + "[0]"
        else:
            w.line(f"*{argument.name} = ({made.user_type}){here}.address;")
        if argument.is_polymorphic:
            w.line(f"*{argument.poly_name} = {first}.disposition;")

    def take_value(self, field, here):
        w, argument, made = self.writer, field.argument, field.argument.type
        if made.form is Form.STRING:
            w.list("mig_strncpy(",
                   [argument.name, here, str(made.count)], ");")
        elif made.form is Form.ARRAY:
            w.line(f"memcpy({argument.name}, {here}, {made.size});")
        else:
            w.line(f"*{argument.name} = {here};")

    def take_tokens(self):
        w = self.writer
        for argument in self.routine.having(*TOKENS):
            member = TOKENS[argument.direction][1]
            w.line(f"*{argument.name} = migTrailer->{member};")

    def check_trailer(self):
        w, wanted = self.writer, self.routine.having(*TOKENS)
        if not wanted:
            return
        audit = any(a.direction is Direction.USER_AUDIT_TOKEN for a in wanted)
        kind = "audit" if audit else "security"
        w.list("migTrailer = mig_trailer(", [
            "&Mess.Out.Reply.Head", f"sizeof(mach_msg_{kind}_trailer_t)"],
            ");")
        w.when("migTrailer == NULL",
               "mach_msg_destroy(&Mess.Out.Reply.Head);",
               "return MIG_TRAILER_ERROR;")

    # ---- the whole ----

    def variables(self):
        w, routine = self.writer, self.routine
        w.open("_Alignas(8) union {")
        w.line(f"{self.request.name} In;")
        if not routine.one_way:
            large = routine.msg_option or routine.having(
                Direction.MSG_OPTION, *TOKENS)
            trailer = "mach_msg_max_trailer_t" if large else (
                "mach_msg_trailer_t")
            w.open("struct {")
            w.line(f"{self.reply.name} Reply;")
            w.line(f"{trailer} trailer;")
            w.close("} Out;")
        if self.fits_registers():
            w.line(f"mig_word_t Words[{REGISTERS_MAX // 8}];")
        w.close("} Mess;")
        if len(self.request.fields) > 1:
            w.line(f"{self.request.name} *In0P = &Mess.In;")
            body.declare_shifted(w, self.request, "In", const="")
        if routine.outs:
            w.line(f"const {self.reply.name} *Out0P = &Mess.Out.Reply;")
            body.declare_shifted(w, self.reply, "Out")
        if routine.having(*TOKENS):
            w.line("const mach_msg_max_trailer_t *migTrailer;")
        if self.own_reply_port():
            kind = "special_" if routine.special_reply_port else ""
            w.line(f"mach_port_t migReplyPort = mig_get_{kind}reply_port();")
        w.line("kern_return_t migResult;")
        w.line()

    def function(self):
        w, routine = self.writer, self.routine
        if not routine.one_way and body.needs_check(self.reply):
            self.check_function()
        w.line("kern_return_t")
        w.list(f"{routine.user_name}(", cside.USER.parameters(routine), ")")
        w.line("{")
        w.depth = 1
        self.variables()
        self.check_counts()
        body.fill(self, self.request, "In")
        self.call()
        if routine.one_way:
            w.line("return migResult;")
        else:
            w.when("migResult != MACH_MSG_SUCCESS", "return migResult;")
            if self.own_reply_port() and not routine.special_reply_port:
                w.line("mig_put_reply_port(migReplyPort);")
            self.check_reply()
            self.check_trailer()
            body.shift_all(w, self.reply, "Out")
            self.check_room()
            self.take()
            self.take_tokens()
            w.line("return KERN_SUCCESS;")
        w.depth = 0
        w.line("}")


def text(subsystem, source, header=None):
    """The text of NAMEUser.c, which includes @header if there is one."""
    writer = Writer()
    writer.line(f"/* {source}: clients' side of {subsystem.name}.  "
                "Written by mig. */")
    cside.preamble(writer, cside.USER, subsystem, header)
    for routine in subsystem.routines:
        writer.line()
        writer.line(f"/* ---- {cside.comment(routine)} ---- */")
        writer.line()
        _Stub(writer, subsystem, routine).function()
    return writer.result()
