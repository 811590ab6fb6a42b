"""The command line: mig [OPTION...] NAME.defs

Without options writes NAME.h, NAMEUser.c and NAMEServer.c beside where it is
run.

    -user FILE      clients' side
    -server FILE    servers' side
    -header FILE    what clients include
    -sheader FILE   what servers include
    -iheader FILE   the same as -header, for who wants two
    -prefix WORD    put before the names of clients' functions
    -I DIR -D NAME[=VALUE] -U NAME   for the preprocessor
    -cpp PROGRAM    the preprocessor, `cpp` if not given
    -depfile FILE   write what was included, as a rule for make

A FILE that is /dev/null is not written; without a header, what it would say
stands in the stubs, and the imports declare the clients' functions.  MIG's other options that only tune it
are accepted.  Errors are reported as file:line: what was found and expected;
then nothing is written, and the exit status is 1.
"""

import pathlib
import sys

from . import header, parser, server, source, user

# Options that name a file to write.
OUTPUTS = ("user", "server", "header", "sheader", "iheader")
# Options of MIG's that make no difference here, and those with a word behind.
IGNORED = ("-q", "-Q", "-v", "-V", "-l", "-L", "-k", "-K", "-s", "-S", "-r",
           "-R", "-x", "-X", "-b", "-B", "-t", "-T", "-n", "-novouchers",
           "-ansi", "-traditional", "-split", "-maxonstack")
IGNORED_WITH_WORD = ("-arch", "-isysroot", "-migcom", "-cc", "-maxonstack")


class Usage(Exception):
    pass


class Options:
    """The words of the command line."""

    def __init__(self, words):
        self.file, self.prefix = None, ""
        self.cpp, self.cpp_options, self.depends = "cpp", [], None
        self.outputs = {}
        words = iter(words)
        for word in words:
            self.take(word, words)
        if self.file is None:
            raise Usage("which .defs?")
        self.stem = pathlib.Path(self.file).name.removesuffix(".defs")

    @staticmethod
    def value(option, words):
        word = next(words, None)
        if word is None:
            raise Usage(f"{option} wants a word behind it")
        return word

    def take(self, word, words):
        if word[:2] in ("-I", "-D", "-U"):
            self.cpp_options.append(
                word if len(word) > 2 else word + self.value(word, words))
        elif word.startswith("-") and word[1:] in OUTPUTS:
            self.outputs[word[1:]] = self.value(word, words)
        elif word == "-cpp":
            self.cpp = self.value(word, words)
        elif word == "-depfile":
            self.depends = self.value(word, words)
        elif word == "-prefix":
            self.prefix = self.value(word, words)
        elif word in IGNORED_WITH_WORD:
            self.value(word, words)
        elif word.startswith("-") and word not in IGNORED:
            raise Usage(f"no option {word}")
        elif not word.startswith("-"):
            if self.file:
                raise Usage(f"two files, {self.file} and {word}")
            self.file = word

    def complete(self):
        """Without any output named, the three that MIG writes."""
        if not self.outputs:
            self.outputs = {"user": f"{self.stem}User.c",
                            "server": f"{self.stem}Server.c",
                            "header": f"{self.stem}.h"}

    def included(self, which):
        """How a written file includes another: by its name; or None."""
        path = self.outputs.get(which)
        return pathlib.Path(path).name if path and path != "/dev/null" else None


def texts(subsystem, options):
    """(option, text) of each output."""
    name = pathlib.Path(options.file).name
    made = {
        "header": lambda: header.user(subsystem, name),
        "iheader": lambda: header.user(subsystem, name),
        "sheader": lambda: header.server(subsystem, name),
        "user": lambda: user.text(
            subsystem, name, options.included("header")),
        "server": lambda: server.text(
            subsystem, name, options.included("sheader")),
    }
    for option, path in options.outputs.items():
        if path != "/dev/null":
            yield path, made[option]()


def run(options):
    options.complete()
    text = source.preprocess(
        options.file, options.cpp_options, options.cpp, options.depends,
        " ".join(path for path in options.outputs.values()
                 if path != "/dev/null"))
    subsystem = parser.parse(text, options.file)
    for routine in subsystem.routines:
        routine.user_prefix = options.prefix + routine.user_prefix
    subsystem.user_prefix = options.prefix + subsystem.user_prefix
    for path, content in list(texts(subsystem, options)):
        pathlib.Path(path).write_text(content)


def main(words):
    try:
        run(Options(words[1:]))
    except Usage as usage:
        print(f"mig: {usage}\n\n{__doc__}", file=sys.stderr)
        return 1
    except source.Failed as failed:
        for error in failed.args[0] if failed.args else ():
            print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"mig: {error}", file=sys.stderr)
        return 1
    return 0
