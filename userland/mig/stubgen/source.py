"""Files of interface definitions: the preprocessor, places, complaints."""

import dataclasses
import subprocess
import sys

MOST_ERRORS = 20  # reported for one file


@dataclasses.dataclass(frozen=True)
class Place:
    """A line of a file, as the author knows it."""

    file: str
    line: int

    def __str__(self):
        return f"{self.file}:{self.line}"


class DefsError(Exception):
    """Something that a definition may not say.  str() names the place."""

    def __init__(self, place, message):
        super().__init__(f"{place}: {message}")
        self.place = place


class Failed(Exception):
    """The file has errors; all of them have been reported."""


class Complaints:
    """Collects errors, so that one run reports several."""

    def __init__(self):
        self.errors = []

    def add(self, error):
        """Note a DefsError, once for each place and text."""
        if str(error) not in self.errors:
            self.errors.append(str(error))
        if len(self.errors) >= MOST_ERRORS:
            self.errors.append(f"{error.place}: too many errors")
            raise Failed

    def report(self, stream=sys.stderr):
        for error in self.errors:
            print(error, file=stream)


def preprocess(path, options=(), cpp="cpp", depends=None, target=None):
    """The text of @path behind the C preprocessor, with line markers.

    @options are -I, -D and -U words.  With @depends a makefile rule is written
    there that makes @target depend on every file that was included.
    """
    command = [cpp, "-x", "c", "-undef", "-nostdinc", *options]
    if depends:
        command += ["-MD", "-MP", "-MF", depends, "-MT", target or path]
    done = subprocess.run([*command, path], stdout=subprocess.PIPE,
                          text=True, errors="replace", check=False)
    if done.returncode:
        raise Failed  # cpp has said why
    return done.stdout
