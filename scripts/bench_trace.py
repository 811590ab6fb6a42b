"""Samples of the benchmark, an instruction at a time.

The benchmark runs in QEMU until it has warmed up; then its samples are stepped
through with gdb's protocol (stepper.py).  A sample is what lies between two
reads of the cycle counter whose difference bench_sample() is told.  Since the
machine counts instructions, the steps in between have to be exactly as many as
were counted, which is checked: nothing is left out, nothing comes in between.

Addresses of data are those that loads, stores and atomics have by the
registers of the moment; physical ones come from the page tables.
"""

import bisect
import collections
import dataclasses
import pathlib
import subprocess
import tempfile

import benchmark
import guest
import riscv
import stepper

LINE = 64
USER_END = 1 << 38
WARM = (100, 20, 1)  # samples before, if there are so many
STEPS_MAX = 2_000_000
SECONDS = 100


@dataclasses.dataclass(frozen=True)
class Step:
    pc: int
    space: int  # as Stepper.space()
    word: int
    registers: tuple

    @property
    def user(self):
        return self.pc < USER_END

    @property
    def size(self):
        return riscv.length(self.word)

    @property
    def access(self):
        """(is a store, address, bytes), or None."""
        if (found := riscv.access(self.word)) is None:
            return None
        store, base, offset, size = found
        return store, (self.registers[base] + offset) % (1 << 64), size


class TooFew(Exception):
    """The row has fewer samples than were to be skipped."""


class Unknown(Exception):
    """There is no such row."""


class Program:
    """Functions of an ELF file, and what its code is."""

    def __init__(self, elf):
        table = guest.Symbols(elf).table
        self.starts = [start for start, _ in table]
        self.names = [name for _, name in table]
        self.addresses = {name: start for start, name in table}
        with tempfile.NamedTemporaryFile() as code:
            subprocess.run(
                ["riscv64-unknown-elf-objcopy", "-O", "binary",
                 "--only-section=.text", elf, code.name], check=True)
            self.code = pathlib.Path(code.name).read_bytes()
        sections = subprocess.run(
            ["riscv64-unknown-elf-objdump", "-h", "-j", ".text", elf],
            capture_output=True, text=True, check=True).stdout
        self.base = next(int(line.split()[3], 16)
                         for line in sections.splitlines() if ".text" in line)

    def has(self, step):
        at = step.pc - self.base
        return (0 <= at < len(self.code) and self.code[at:at + step.size]
                == step.word.to_bytes(4, "little")[:step.size])

    def function(self, pc):
        at = bisect.bisect_right(self.starts, pc) - 1
        return self.names[at] if at >= 0 else hex(pc)

    def cycle_reads(self):
        """Where the counter is read."""
        for at in range(0, len(self.code) - 3, 2):
            word = int.from_bytes(self.code[at:at + 4], "little")
            if word & 3 == 3 and riscv.reads_cycle(word) and (
                    riscv.bits(word, 19, 12) == 2):  # csrrs rd, cycle, x0
                yield self.base + at


class Tracer:
    """Steps through samples of the row @name."""

    def __init__(self, running, name, bench):
        self.stub = stepper.Stepper(running, SECONDS)
        self.bench, self.name = bench, name
        self.words = {}
        self.client = self._begin()

    def _begin(self):
        """To where the row begins: the space of who measures."""
        begin = self.bench.addresses["bench_begin"]
        self.stub.stop_at(begin)
        while True:
            try:
                registers = self.stub.resume()
            except EOFError as end:
                raise Unknown(self.name) from end
            if (registers[stepper.PC] == begin
                    and self.stub.string(registers[10]) == self.name):
                self.stub.go_past(begin)
                return self.stub.space()

    def skip(self, count):
        """Past so many samples."""
        sample, end = (self.bench.addresses[name]
                       for name in ("bench_sample", "bench_end"))
        self.stub.stop_at(sample)
        self.stub.stop_at(end)
        while count > 0:
            pc = self.stub.resume()[stepper.PC]
            if self.stub.space() != self.client:
                continue
            if pc == end:
                raise TooFew
            if pc == sample:
                count -= 1
        self.stub.go_past(sample)
        self.stub.go_past(end)

    def _word(self, space, pc):
        """Kernel code is the same in all spaces."""
        key = (space if pc < USER_END else 0, pc)
        if key not in self.words:
            low = self.stub.memory(pc, 2)
            if low is None:
                return 0  # not there yet
            more = self.stub.memory(pc + 2, 2) if low[0] & 3 == 3 else b""
            self.words[key] = int.from_bytes(low + (more or b""), "little")
        return self.words[key]

    def _to_counter(self, reads):
        """To where the client next reads the counter."""
        for pc in reads:
            self.stub.stop_at(pc)
        while True:
            registers = self.stub.resume()
            if (registers[stepper.PC] in reads
                    and self.stub.space() == self.client):
                break
        for pc in reads:
            self.stub.go_past(pc)
        return registers

    def sample(self):
        """The steps of the next one, and what it counted."""
        reads = set(self.bench.cycle_reads())
        registers, space = self._to_counter(reads), self.client
        done = self.bench.addresses["bench_sample"]
        steps, counted = [], {}
        while registers[stepper.PC] != done or space != self.client:
            pc = registers[stepper.PC]
            word = self._word(space, pc)
            steps.append(Step(pc, space, word, tuple(registers)))
            if len(steps) > STEPS_MAX:
                raise ValueError(f"{self.name}: over {STEPS_MAX} instructions")
            registers = self.stub.step()
            if pc in reads:
                counted[len(steps) - 1] = registers[riscv.destination(word)]
            if riscv.csr(word) == riscv.SATP:
                space = self.stub.space()
        return self._window(steps, counted, registers[10])

    def _window(self, steps, counted, cost):
        """Those strictly between the two reads that differ by @cost."""
        places = sorted(counted)
        for last in reversed(places):
            for first in reversed([p for p in places if p < last]):
                if counted[last] - counted[first] == cost:
                    return without_faults(steps[first + 1:last + 1]), cost - 1
        raise ValueError(f"{self.name}: no two reads of the counter "
                         f"differ by {cost}")


def without_faults(steps):
    """All but the last, which is only there to follow.  What faulted, at its
    address or at one that it has, was not executed, and is not counted."""
    return [step for step, after in zip(steps, steps[1:])
            if step.word and (step.access is None
                              or after.pc == step.pc + step.size)]


@dataclasses.dataclass
class Trace:
    """@rounds samples of a row, each a list of Step."""

    name: str
    rounds: list
    counted: list
    places: dict  # (space or 0, virtual page): (physical page, leaf)
    kernel: Program
    bench: Program
    client: int

    def exact(self):
        return [len(steps) for steps in self.rounds] == self.counted

    def where(self, step):
        """Whose function it is in."""
        if not step.user:
            return "kernel", self.kernel.function(step.pc)
        side = "client" if step.space == self.client else "server"
        if self.bench.has(step):
            return side, self.bench.function(step.pc)
        return "another", "(a program)"

    def functions(self):
        """[(side, function, instructions, loads, stores)] per round, the
        dearest first."""
        counts = collections.defaultdict(lambda: [0, 0, 0])
        for step in (step for steps in self.rounds for step in steps):
            row = counts[self.where(step)]
            row[0] += 1
            if touched := step.access:
                row[2 if touched[0] else 1] += 1
        rounds = len(self.rounds)
        return sorted(((*who, *(count / rounds for count in row))
                       for who, row in counts.items()), key=lambda r: -r[2])

    def _place(self, space, address):
        key = (0 if address >= USER_END else space, address >> 12)
        page, leaf = self.places[key]
        return page, leaf, key, (page << 12 | address & 4095) // LINE

    def footprint(self):
        """What the last round touches: a dictionary of counts."""
        code, data, pages, leaves = set(), set(), set(), set()
        for step in self.rounds[-1]:
            touched = [(code, step.pc), (code, step.pc + step.size - 1)]
            if found := step.access:
                touched.append((data, found[1]))
            for lines, address in touched:
                _, leaf, page, line = self._place(step.space, address)
                lines.add(line)
                pages.add(page)
                leaves.add(leaf)
        return {"instructions": len(self.rounds[-1]),
                "code_lines": len(code), "data_lines": len(data),
                "pages": len(pages), "tlb_entries": len(leaves)}


def find_places(stub, rounds):
    """Where each page is that is touched: while the machine still runs."""
    places = {}
    for step in (step for steps in rounds for step in steps):
        addresses = [step.pc, step.pc + step.size - 1]
        if found := step.access:
            addresses.append(found[1])
        for address in addresses:
            key = (0 if address >= USER_END else step.space, address >> 12)
            if key not in places:
                physical, shift = stub.translate(step.space, address)
                leaf = (key[0], address >> shift if physical else None, shift)
                places[key] = ((physical or 0) >> 12, leaf)
    return places


def attempt(kernel, initrd, name, programs, rounds, warm):
    machine = dataclasses.replace(
        benchmark.machine(kernel, initrd, [name]), sleep=True, extra=("-S",))
    with guest.Guest(machine, SECONDS) as running:
        tracer = Tracer(running, name, programs["bench"])
        tracer.skip(warm)
        samples = [tracer.sample() for _ in range(rounds)]
        steps = [sample[0] for sample in samples]
        return Trace(name, steps, [sample[1] for sample in samples],
                     find_places(tracer.stub, steps), client=tracer.client,
                     **programs)


def trace(kernel, elf, initrd, program, name, rounds):
    """A Trace of the row @name; Unknown if there is none."""
    programs = {"kernel": Program(elf), "bench": Program(program)}
    for warm in WARM:
        try:
            return attempt(kernel, initrd, name, programs, rounds, warm)
        except TooFew:
            rounds = 1
    raise Unknown(f"{name}: too few samples")
