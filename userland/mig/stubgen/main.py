"""The command line: mig [OPTION...] NAME.defs

    -I DIR -D NAME[=VALUE] -U NAME   for the preprocessor
    -cpp PROGRAM       the preprocessor, `cpp` if not given
    -depfile FILE      write what NAME.defs includes, as a rule for make
    -n                 write nothing, only say what is wrong
"""

import sys

from . import parser, source


def main(words):
    options, file, command = [], None, "cpp"
    depends = None
    rest = iter(words[1:])
    for word in rest:
        if word in ("-I", "-D", "-U"):
            options.append(word + next(rest, ""))
        elif word[:2] in ("-I", "-D", "-U"):
            options.append(word)
        elif word == "-cpp":
            command = next(rest, command)
        elif word == "-depfile":
            depends = next(rest, None)
        elif word != "-n":
            file = word
    if file is None:
        print(__doc__, file=sys.stderr)
        return 1
    try:
        parser.parse(source.preprocess(file, options, command, depends), file)
    except source.Failed as failed:
        for error in failed.args[0] if failed.args else ():
            print(error, file=sys.stderr)
        return 1
    return 0
