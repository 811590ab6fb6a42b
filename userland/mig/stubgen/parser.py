"""From tokens to a Subsystem, by recursive descent.

An error is noted and reading goes on behind the next `;`, so that one run
reports several.  Keywords have no case, and are keywords only where one can
stand: an argument may be called `type`.
"""

import dataclasses
import difflib

from . import lexer, routines, typespec, wiretypes
from .source import Complaints, DefsError, Failed
from .tree import Direction, Import, Routine, Subsystem, Translation

IMPORTS = ("import", "uimport", "simport", "iimport", "dimport")
OLD_FORMS = ("function", "procedure", "simpleprocedure", "camelot")
DIRECTIONS = {direction.value: direction for direction in Direction}
DIRECTIONS["servercontext"] = Direction.SERVER_CONTEXT
TYPE_FLAGS = ("dealloc", "notdealloc", "physicalcopy", "virtualcopy",
              "overwrite", "islong", "isnotlong")
ARGUMENT_FLAGS = TYPE_FLAGS + ("samecount", "countinout", "retcode")
TRANSLATIONS = ("intran", "outtran", "destructor", "ctype", "cusertype",
                "cservertype")
# Statements that take one word or expression and change nothing here.
ACCEPTED = ("rcsid", "usertypelimit", "onstacklimit", "consumeonsenderror",
            "error")


class _Again(Exception):
    """A name whose declaration was wrong: that has been reported."""


class Parser:
    """Reads one file.  subsystem() is the result."""

    def __init__(self, tokens, complaints):
        self.tokens, self.at = tokens, 0
        self.complaints = complaints
        self.types, self.broken = {}, set()
        self.result = None
        self.imports = []
        self.number = 0
        # What statements said, for the routines behind them.
        self.state = {"user_prefix": "", "server_prefix": "",
                      "wait_time": None, "send_time": None,
                      "msg_option": None, "special_reply_port": False}

    # ---- tokens ----

    @property
    def token(self):
        return self.tokens[self.at]

    def next(self):
        token = self.token
        if token.kind != "end":
            self.at += 1
        return token

    def wrong(self, expected):
        """The error that the token here is not @expected."""
        return DefsError(self.token.place,
                         f"found {self.token}, expected {expected}")

    def have(self, *words):
        """Take the token if it is one of @words; its word, or None."""
        if self.token.kind in ("name", "symbol") and self.token.word in words:
            return self.next().word
        return None

    def want(self, symbol, after=""):
        if not self.have(symbol):
            raise self.wrong(f"'{symbol}'" + (f" {after}" if after else ""))

    def name(self, what):
        if self.token.kind != "name":
            raise self.wrong(what)
        return self.next().text

    def text_to_semicolon(self, what):
        """An expression of C, as it is written."""
        words = []
        while self.token.kind != "end" and self.token.text != ";":
            words.append(self.next().text)
        if not words:
            raise self.wrong(what)
        return " ".join(words)

    # ---- numbers ----

    def expression(self):
        value = self.product()
        while sign := self.have("+", "-"):
            other = self.product()
            value = value + other if sign == "+" else value - other
        return value

    def product(self):
        value = self.factor()
        while sign := self.have("*", "/"):
            place = self.token.place
            other = self.factor()
            if sign == "/" and other == 0:
                raise DefsError(place, "found a division by 0")
            value = value * other if sign == "*" else value // other
        return value

    def factor(self):
        if self.have("("):
            value = self.expression()
            self.want(")", "behind an expression")
            return value
        if self.token.kind != "number":
            raise self.wrong("a number")
        text = self.next().text
        return int(text, 16 if text[:2] in ("0x", "0X") else 10)

    # ---- types ----

    def basic_name(self):
        token = self.token
        name = wiretypes.canonical(token.text)
        if name is None:
            raise self.wrong("a type: MACH_MSG_TYPE_..., or one declared "
                             "before")
        self.next()
        return name

    def basic_pair(self):
        """A | B: as it is sent, as it is received."""
        name = self.basic_name()
        other = None
        if self.have("|"):
            place = self.token.place
            other = self.basic_name()
            rights = (name in wiretypes.RIGHTS) + (other in wiretypes.RIGHTS)
            if rights == 1 or (not rights and wiretypes.DATA[name][1]
                               != wiretypes.DATA[other][1]):
                raise DefsError(place, "found two types of different sizes "
                                "or kinds on both sides of '|'")
        return name, other

    def basic_type(self):
        place = self.token.place
        if not self.have("("):
            name, other = self.basic_pair()
            return typespec.basic(place, name, None, other)
        name, other = self.basic_pair()
        self.want(",", "and a number of bits")
        bits = self.expression()
        flags = set()
        while self.have(","):
            flags |= self.flag(TYPE_FLAGS)
        self.want(")", "behind a type")
        made = typespec.basic(place, name, bits, other)
        made.flags = frozenset(flags)
        return made

    def flag(self, known):
        if self.token.kind != "name" or self.token.word not in known:
            raise self.wrong("one of " + ", ".join(known))
        word = self.next().word
        if word == "dealloc" and self.have("["):
            self.want("]", "behind 'dealloc['")
            word = "dealloc[]"
        return {word}

    def previous_type(self):
        token = self.next()
        if token.text in self.types:
            return typespec.alias(token.place, self.types[token.text])
        if token.text in self.broken:
            raise _Again
        close = difflib.get_close_matches(token.text, self.types, 1)
        hint = f"; is it '{close[0]}'?" if close else ""
        raise DefsError(token.place, f"found '{token.text}', expected a type "
                        f"that is declared before{hint}")

    def array(self, place):
        self.want("[", "behind 'array'")
        if self.have("]"):
            count, counted = 0, True
        elif self.have("*"):
            count, counted = (self.expression() if self.have(":") else 0), True
            self.want("]", "behind an array's size")
        else:
            count, counted = self.expression(), False
            self.want("]", "behind an array's size")
        self.want("of", "and what the array is of")
        element = self.type_spec()
        make = typespec.counted_array if counted else typespec.array
        return make(place, count, element)

    def struct(self, place):
        self.want("[", "behind 'struct'")
        count = self.expression()
        if self.have(","):
            self.expression()  # an alignment: everything is packed to 4
        self.want("]", "behind a struct's size")
        self.want("of", "and what the struct is of")
        return typespec.struct(place, count, self.type_spec())

    def string(self, place):
        self.want("[", "behind 'c_string'")
        varying = bool(self.have("*"))
        if varying:
            self.want(":", "and the longest size")
        size = self.expression()
        self.want("]", "behind a string's size")
        return typespec.string(place, size, varying)

    def type_spec(self):
        """A type without its translation."""
        place = self.token.place
        if self.have("^"):
            return typespec.out_of_line(place, self.type_spec())
        if self.have("array"):
            return self.array(place)
        if self.have("struct"):
            return self.struct(place)
        if self.have("c_string"):
            return self.string(place)
        if (self.token.kind == "name"
                and wiretypes.canonical(self.token.text) is None):
            return self.previous_type()
        return self.basic_type()

    def c_words(self, *ends):
        """The words of a C type, up to one of @ends or a translation."""
        words = []
        while self.token.text not in ends and (
                self.token.kind == "name" or self.token.text == "*"):
            if (words and self.token.word in TRANSLATIONS
                    and self.tokens[self.at + 1].text == ":"):
                break
            words.append(self.next().text)
        if not words:
            raise self.wrong("a type of C")
        return words

    def translation(self, returns):
        """result function(parameter), or without a result."""
        words = self.c_words("(")
        if len(words) < (2 if returns else 1) or words[-1] == "*":
            raise self.wrong("`result function(parameter)`" if returns
                             else "`function(parameter)`")
        self.want("(", "behind a function's name")
        parameter = " ".join(self.c_words(")"))
        self.want(")", "behind a parameter's type")
        return Translation(" ".join(words[:-1]) or None, words[-1], parameter)

    def translated(self, made):
        """What may stand behind a type."""
        while (word := self.token.word) in TRANSLATIONS:
            self.next()
            self.want(":", f"behind '{word}'")
            if word in ("intran", "outtran", "destructor"):
                setattr(made, word, self.translation(word != "destructor"))
                continue
            c_type = " ".join(self.c_words(";", ","))
            if word in ("ctype", "cusertype"):
                made.user_type = c_type
            if word in ("ctype", "cservertype"):
                made.server_type = c_type
        if made.intran and not self._explicit(made):
            made.server_type = made.intran.parameter
        elif made.outtran and not self._explicit(made):
            made.server_type = made.outtran.result

    @staticmethod
    def _explicit(made):
        return made.server_type != made.name

    def named_type(self, name, place):
        """Behind `NAME =`."""
        made = self.type_spec()
        made.name, made.place = name, place
        made.user_type = made.server_type = name
        self.translated(made)
        old = self.types.get(name)
        if old and _differ(old, made):
            raise DefsError(place, f"found another declaration of '{name}', "
                            f"which is declared at {old.place}")
        self.types[name] = made
        return made

    # ---- statements ----

    def type_statement(self):
        place = self.token.place
        name = self.name("the name of a type")
        try:
            self.want("=", f"behind 'type {name}'")
            self.named_type(name, place)
            self.want(";", f"at the end of type '{name}'")
        except DefsError:
            self.broken.add(name)
            raise

    def subsystem_statement(self, place):
        made = Subsystem(place, "", 0)
        while word := self.have("kerneluser", "kernelserver"):
            if word == "kerneluser":
                made.kernel_user = True
            else:
                made.kernel_server = True
        made.name = self.name("the subsystem's name")
        if self.token.kind not in ("number", "symbol") or (
                self.token.text == ";"):
            raise self.wrong("the number of the subsystem's first message")
        made.base = self.expression()
        self.want(";", "behind the subsystem's number")
        if self.result:
            raise DefsError(place, "found a second subsystem; the first is "
                            f"at {self.result.place}")
        made.types, made.imports = self.types, self.imports
        self.result = made

    def argument(self):
        """One argument.  Without a direction, that is None for now."""
        place = self.token.place
        direction = None
        if (self.token.word in DIRECTIONS
                and self.tokens[self.at + 1].text != ":"):
            direction = DIRECTIONS[self.next().word]
        name = self.name("an argument: `[in|out|inout|...] name : type`")
        self.want(":", f"and the type of '{name}'")
        if (self.token.kind == "name"
                and self.tokens[self.at + 1].text == "="):
            type_place, type_name = self.token.place, self.next().text
            self.next()
            found = self.named_type(type_name, type_place)
        elif self.token.kind != "name":
            raise self.wrong(f"the name of the type of '{name}'")
        elif wiretypes.canonical(self.token.text):
            found = self.basic_type()
        else:
            if self.token.text in self.types:
                found = self.types[self.next().text]
            else:
                found = self.previous_type()
        flags = set(found.flags)
        while self.have(","):
            flags |= self.flag(ARGUMENT_FLAGS)
        return place, name, direction, found, flags

    def arguments(self):
        """(...), noting an error for each argument that is wrong."""
        found, good = [], True
        self.want("(", "before the arguments")
        if self.have(")"):
            return found
        while True:
            try:
                found.append(self.argument())
                if self.token.text not in (";", ")"):
                    raise self.wrong("';' or ')' behind an argument")
            except (DefsError, _Again) as error:
                good = False
                self.note(error)
                while self.token.kind != "end" and (
                        self.token.text not in (";", ")")):
                    self.next()
            if self.have(")"):
                break
            if self.token.kind == "end" and not good:
                raise _Again  # which has been said
            if not self.have(";"):
                raise self.wrong("')' behind the arguments")
            if self.token.word in ("routine", "simpleroutine", "skip"):
                raise self.wrong("')' behind the arguments")
        if not good:
            raise _Again
        return found

    def routine_statement(self, place, one_way):
        number, self.number = self.number, self.number + 1
        name = self.name("the routine's name")
        found = self.arguments()
        self.want(";", f"at the end of routine '{name}'")
        if self.result is None:
            raise DefsError(place, "found a routine, expected a subsystem "
                            "statement before it")
        made = Routine(place, name, number, one_way, [], **self.state)
        if same := next((r for r in self.result.routines if r.name == name),
                        None):
            raise DefsError(place, f"found a second routine '{name}'; the "
                            f"first is at {same.place}")
        routines.complete(made, found)
        self.result.routines.append(made)

    def option_statement(self, word):
        """A statement that sets something for the routines behind it."""
        if word == "userprefix":
            self.state["user_prefix"] = self.name("a prefix")
        elif word == "serverprefix":
            self.state["server_prefix"] = self.name("a prefix")
        elif word == "serverdemux":
            place = self.token.place
            demux = self.name("a function's name")
            if self.result is None:
                raise DefsError(place, "found serverdemux, expected a "
                                "subsystem statement before it")
            self.result.demux = demux
        elif word == "waittime":
            self.state["wait_time"] = self.text_to_semicolon("milliseconds")
        elif word == "sendtime":
            self.state["send_time"] = self.text_to_semicolon("milliseconds")
        elif word == "nowaittime":
            self.state["wait_time"] = None
        elif word == "nosendtime":
            self.state["send_time"] = None
        elif word == "msgoption":
            option = self.text_to_semicolon("options of mach_msg()")
            self.state["msg_option"] = (
                None if option.lower() in ("none", "mach_msg_option_none")
                else option)
        elif word == "usespecialreplyport":
            self.state["special_reply_port"] = self.expression() != 0
        elif word in ACCEPTED:
            self.text_to_semicolon("a value")
        self.want(";", f"at the end of '{word}'")

    def statement(self):
        token = self.token
        if self.have(";"):
            return
        word = token.word if token.kind == "name" else ""
        options = ("userprefix", "serverprefix", "serverdemux", "waittime",
                   "nowaittime", "sendtime", "nosendtime", "msgoption",
                   "usespecialreplyport", *ACCEPTED)
        if word == "subsystem":
            self.next()
            self.subsystem_statement(token.place)
        elif word == "type":
            self.next()
            self.type_statement()
        elif word in ("routine", "simpleroutine"):
            self.next()
            self.routine_statement(token.place, word == "simpleroutine")
        elif word == "skip":
            self.next()
            self.number += (self.expression()
                            if self.token.kind == "number" else 1)
            self.want(";", "behind 'skip'")
        elif word in IMPORTS:
            self.next()
            if self.token.kind != "file":
                raise self.wrong('<FILE> or "FILE" to import')
            self.imports.append(Import(word, self.next().text))
            self.want(";", "behind an import")
        elif word in options:
            self.next()
            self.option_statement(word)
        elif word in OLD_FORMS:
            raise DefsError(token.place, f"found '{token.text}', an old form; "
                            "expected 'routine' or 'simpleroutine', whose "
                            "result is a kern_return_t")
        else:
            raise self.wrong("a statement: subsystem, type, routine, "
                             "simpleroutine, skip, import, ...")

    # ---- the whole ----

    def note(self, error):
        if isinstance(error, DefsError):
            self.complaints.add(error)

    def recover(self, start):
        """Go on behind the `;` that ends the statement begun at @start."""
        depth = 0
        for token in self.tokens[start:self.at]:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
        while self.token.kind != "end":
            token = self.next()
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if token.text == ";" and depth <= 0:
                return

    def subsystem(self):
        """Read to the end.  The Subsystem; raises Failed after any error."""
        while self.token.kind != "end":
            start = self.at
            try:
                self.statement()
            except (DefsError, _Again) as error:
                self.note(error)
                if self.at == start:
                    self.next()
                if self.tokens[self.at - 1].text != ";":
                    self.recover(start)
        if self.complaints.errors:
            raise Failed
        if self.result is None:
            self.complaints.add(self.wrong("a subsystem statement"))
            raise Failed
        self.result.end = self.number
        self.result.user_prefix = self.state["user_prefix"]
        self.result.server_prefix = self.state["server_prefix"]
        return self.result


def _differ(old, new):
    """Whether two declarations of one name say different things."""
    def plain(made):
        return dataclasses.replace(made, place=None, element=None)
    return plain(old) != plain(new)


def parse(text, file="<text>"):
    """The Subsystem that preprocessed @text describes.

    Raises Failed, with the errors as its argument.
    """
    complaints = Complaints()
    try:
        found = lexer.tokens(text, file)
        return Parser(found, complaints).subsystem()
    except Failed:
        raise Failed(complaints.errors) from None
