"""The kinds of suite that scripts/run-tests runs, and how each is judged.

A suite has a name and run(), which returns a Result.  It never hangs: every
guest and every program has a limit, and a guest that reaches it is asked
where its harts are before it is ended.
"""

import dataclasses
import os
import re
import subprocess
import time

import guest

DONE = "tests: done"  # the last line of every test run in a guest
TAP = re.compile(r"(not )?ok (\d+)(?: (?:- )?(.*))?$")
PLAN = re.compile(r"1\.\.(\d+)(?: # (SKIP|skip).*)?$")
SHOWN = 20  # lines of a hung or broken guest

progress = False  # show the lines that a suite calls its progress


@dataclasses.dataclass
class Result:
    passed: int = 0
    skipped: int = 0
    failures: list = dataclasses.field(default_factory=list)
    output: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)  # for people
    seconds: float = 0.0

    def fail(self, what, lines=()):
        """Count a failure; @lines are shown below it."""
        self.failures.append((what, list(lines)))

    def check(self, good, what, lines=()):
        if good:
            self.passed += 1
        else:
            self.fail(what, lines)


class TapReader:
    """Counts the TAP lines of programs that run one after another.

    A line "# test/NAME" begins a program.  A plan may come before its cases or
    behind them.  What a program printed since its last case is what explains
    a case that failed.
    """

    def __init__(self, result):
        self.result = result
        self.program = ""
        self.planned = None
        self.begin()

    def begin(self):
        self.ran, self.since = 0, []

    def finish(self):
        """The program is over: did it run what it had planned?"""
        if self.planned is None and self.ran:
            self.complain("ended without a plan")
        elif self.planned is not None and self.planned != self.ran:
            self.complain(f"planned {self.planned} cases, ran {self.ran}")
        self.planned = None
        self.begin()

    def complain(self, what):
        self.result.fail(f"{self.program}{what}", self.result.output[-SHOWN:])

    def case(self, bad, number, name):
        self.ran += 1
        name = f"{self.program}{name or number}"
        if "# skip" in name.lower():  # cmocka says "not ok" to these
            self.result.skipped += 1
        elif bad:
            self.result.fail(name, self.since[-2 * SHOWN:])
        else:
            self.result.passed += 1
        self.since = []

    def plan(self, cases, skipped):
        if skipped:
            self.result.skipped += 1
            return
        if self.ran and self.planned is None:
            self.planned = cases
            self.finish()
            return
        self.finish()
        self.planned = cases

    def read(self, lines):
        """Read to the end; True when that was the DONE line."""
        for line in lines:
            self.result.output.append(line)
            if found := TAP.match(line):
                self.case(*found.groups())
            elif found := PLAN.match(line):
                self.plan(int(found[1]), found[2])
            elif line.startswith("# test/"):
                self.finish()
                self.program = line.split()[1].removeprefix("test/") + ": "
            elif line.startswith("# note: "):
                self.result.notes.append(line.removeprefix("# note: "))
            elif line.strip() == DONE:
                self.finish()
                return True
            else:
                self.since.append(line)
                if line.startswith("panic:"):
                    self.result.fail(line)
        self.finish()
        return False


@dataclasses.dataclass
class Program:
    """A program of this machine that prints TAP."""

    name: str
    command: list
    limit: int = 60

    def run(self):
        result = Result()
        environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
        try:
            done = subprocess.run(
                self.command, env=environment, timeout=self.limit, text=True,
                errors="replace", stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired as late:
            shown = (late.stdout or b"").decode("utf-8", "replace")
            result.fail(f"not done after {self.limit} s",
                        shown.splitlines()[-SHOWN:])
            return result
        TapReader(result).read(done.stdout.splitlines())
        if done.returncode and not result.failures:
            result.fail(f"exit status {done.returncode}",
                        done.stdout.splitlines()[-60:])
        elif not result.passed + result.skipped + len(result.failures):
            result.fail("ran no case", done.stdout.splitlines()[-SHOWN:])
        return result


@dataclasses.dataclass
class Guest:
    """A machine that is judged by its console."""

    name: str
    machine: guest.Machine
    elf: str
    limit: int = 120

    def run(self):
        result = Result()
        with guest.Guest(self.machine, self.limit) as running:
            try:
                self.judge(running, result)
            except guest.Hung:
                result.fail(f"not done after {self.limit} s",
                            result.output[-SHOWN:] + self.harts(running))
        return result

    def harts(self, running):
        """Where each hart of a guest is, and each thread, a line each."""
        symbols = guest.Symbols(self.elf)
        shown = [f"hart {hart}: pc {pc:#x} {symbols.name(pc)}"
                 for hart, pc in running.program_counters()]
        try:
            return shown + running.gdb(self.elf, "baton threads")[:2 * SHOWN]
        except (OSError, subprocess.SubprocessError):
            return shown

    def judge(self, running, result):
        raise NotImplementedError


@dataclasses.dataclass
class Tests(Guest):
    """The in-guest tests, on some machine, which has to power off then.

    QEMU's spike machine does not obey OpenSBI in that.  Lines that begin with
    @steps say how far it is.
    """

    steps: str = ""

    def followed(self, lines):
        for line in lines:
            if progress and self.steps and line.startswith(self.steps):
                print(f"  {self.name}: {line.removeprefix('# ')}", flush=True)
            yield line

    def judge(self, running, result):
        lines = self.followed(running.lines())
        if not TapReader(result).read(lines):
            result.fail(f"ended without '{DONE}'", result.output[-SHOWN:])
        elif not result.passed:
            result.fail("ran no case", result.output[-SHOWN:])
        elif self.machine.machine != "spike":
            result.output += lines  # which end when the machine powers off


@dataclasses.dataclass
class Noticed(Guest):
    """A broken kernel, on which @case has to fail.

    The same fault may also end the kernel before the test sees it; then the
    next of @runs, kernel command lines, has its turn.
    """

    runs: list = dataclasses.field(default_factory=list)
    case: str = ""

    def run(self):
        result = Result()
        for append in self.runs:
            machine = dataclasses.replace(self.machine, append=append)
            if (seen := self.verdict(machine, result)) is not None:
                result.check(not seen, f"passed: {append}: {self.case}",
                             result.output[-SHOWN:])
                return result
        result.fail(f"no run came as far as: {self.case}",
                    result.output[-SHOWN:])
        return result

    def verdict(self, machine, result):
        """Did the case pass?  None: the guest did not come to it."""
        with guest.Guest(machine, self.limit) as running:
            try:
                for line in running.lines():
                    result.output.append(line)
                    found = TAP.match(line)
                    if found and self.case in (found[3] or ""):
                        return not found[1]
                    if line.startswith("panic:"):
                        break
            except guest.Hung:
                pass
        return None


@dataclasses.dataclass
class Dialogue(Guest):
    """Steps of (what the console must come to say, what is typed then).

    Behind the last step the machine has to end by itself; @fails says with
    which kind of status.
    """

    steps: list = dataclasses.field(default_factory=list)
    fails: bool = False

    def judge(self, running, result):
        heard, at = "", 0  # the whole console; how far steps have read it
        for pattern, answer in self.steps:
            while not (found := re.compile(pattern, re.M).search(heard, at)):
                if (text := running.read()) is None:
                    result.fail(f"the machine ended before '{pattern}'",
                                result.output[-SHOWN:])
                    return
                heard += text
                result.output = heard.split("\n")
            result.passed += 1
            at = found.end()
            if answer:
                running.type(answer)
        while (text := running.read()) is not None:
            heard += text
            result.output = heard.split("\n")
        status = running.process.wait()
        result.check((status != 0) == self.fails, f"exit status {status}")


def timed(suite):
    """Run @suite and note how long it took."""
    start = time.monotonic()
    try:
        result = suite.run()
    except (OSError, subprocess.SubprocessError) as error:
        result = Result()
        result.fail(str(error))
    result.seconds = time.monotonic() - start
    return result
