"""Baton's commands for gdb: `baton` lists them.

Loaded by scripts/debug (`make debug`), or by `source scripts/gdb/baton.py` in
a gdb-multiarch that has build/baton.elf and a machine.  A TASK is a task's
number, its name, or the address of its struct.

They read the kernel's own structs, so they work wherever the machine was
stopped, in any state; a list that is being changed at that moment may end
early.
"""

import contextlib
import json
import pathlib
import re

import gdb

LAYOUT = pathlib.Path(__file__).parents[2] / "arch/riscv64/include/arch/layout.h"
DIRECT_BASE = int(re.search(r"DIRECT_BASE\s+(\w+)", LAYOUT.read_text())[1], 0)

RIGHTS = (("receive", 1 << 17), ("send", 1 << 16), ("once", 1 << 18),
          ("set", 1 << 19), ("dead", 1 << 20))
PAGE_SHIFT = 12
LEVELS = (2, 1, 0)


# ---- reading the kernel ----


@contextlib.contextmanager
def supervisor():
    """Kernel memory can be read: the selected hart acts as in S-mode."""
    mode = int(gdb.parse_and_eval("$priv"))
    try:
        gdb.execute("set $priv = 1", to_string=True)
        yield
    finally:
        gdb.execute(f"set $priv = {mode}", to_string=True)


def value(expression):
    return gdb.parse_and_eval(expression)


def pointer(address, kind):
    return gdb.Value(int(address)).cast(gdb.lookup_type(kind).pointer())


def walk(head, kind, member):
    """The structs of @kind on the circular list @head, linked by @member."""
    offset = next(field.bitpos // 8 for field in
                  gdb.lookup_type(kind).fields() if field.name == member)
    link, start = head["next"], int(head.address)
    while int(link) not in (0, start):
        yield pointer(int(link) - offset, kind).dereference()
        link = link.dereference()["next"]


def text(characters):
    return characters.string(errors="replace")


def atomic(field):
    """An _Atomic integer as a plain one."""
    return int(field.cast(gdb.lookup_type("unsigned long"))
               if field.type.sizeof == 8 else
               field.cast(gdb.lookup_type("unsigned int")))


def enum_name(field, prefix):
    return str(field).removeprefix(prefix).lower()


def function_at(address):
    symbol = gdb.execute(f"info symbol {int(address):#x}", to_string=True)
    return symbol.split(" in section")[0] if "in section" in symbol else ""


def tasks():
    return walk(value("task_list"), "struct task", "link")


def threads_of(task):
    return walk(task["threads"], "struct thread", "task_link")


def task_named(word):
    for task in tasks():
        if word in (str(int(task["id"])), text(task["name"]),
                    hex(int(task.address))):
            return task
    raise gdb.GdbError(f"there is no task '{word}': see `baton tasks`")


def running():
    """The thread that each hart runs: address -> hart's number in gdb."""
    found, selected = {}, gdb.selected_thread()
    for hart in gdb.selected_inferior().threads():
        hart.switch()
        register = "$sscratch" if int(value("$priv")) == 0 else "$tp"
        found[int(value(register))] = hart.num
    selected.switch()
    return found


def rows(titles, lines):
    """Print @lines, lists of cells, in columns."""
    table = [list(titles)] + [[str(cell) for cell in line] for line in lines]
    widths = [max(len(line[i]) for line in table) for i in range(len(titles))]
    for line in table:
        print("  ".join(f"{cell:<{width}}" for cell, width
                        in zip(line, widths)).rstrip())


# ---- names and rights ----


def entries(space):
    """(name, entry) for each name in use of a name space."""
    bound = int(space["bound"])
    chunk_count = int(value("sizeof(((struct chunk *)0)->entry) / "
                            "sizeof(struct entry)"))
    for index in range(bound):
        chunk = chunk_of(space, index // chunk_count)
        if not chunk:
            continue
        entry = chunk["entry"][index % chunk_count]
        if int(entry["key"]) & sum(bit for _, bit in RIGHTS):
            yield index << 8 | int(entry["key"]) & 0xFF, entry


def chunk_of(space, number):
    first = space["first"]
    count = first.type.sizeof // 8
    if number < count:
        return pointer(atomic(first[number]), "struct chunk")
    middles = gdb.lookup_type("struct middle").sizeof // 8
    root = atomic(space["root"])
    if not root:
        return None
    middle = int(gdb.Value(root + 8 * (number // middles)).cast(
        gdb.lookup_type("unsigned long").pointer()).dereference())
    if not middle:
        return None
    return pointer(middle, "struct middle")["chunk"][number % middles]


def rights(entry):
    return "+".join(name for name, bit in RIGHTS if int(entry["key"]) & bit)


def length(head):
    link, start, count = head["next"], int(head.address), 0
    while int(link) not in (0, start) and count < 10000:
        link, count = link.dereference()["next"], count + 1
    return count


def owner(port):
    """Who receives from a port, in a word or two."""
    state = enum_name(port["state"].cast(gdb.lookup_type("enum port_state")),
                      "PORT_")
    if state == "in_kernel":
        kind = port["kind"].cast(gdb.lookup_type("enum kobject_kind"))
        return "kernel: " + enum_name(kind, "KOBJECT_")
    if state == "in_space":
        return f"task {int(port['receiver']['task_id'])}"
    return state.removeprefix("is_")


# ---- the commands ----


class Baton(gdb.Command):
    """Baton's kernel: tasks, threads, ports, memory, log and trace."""

    def __init__(self):
        super().__init__("baton", gdb.COMMAND_STATUS, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, from_tty):
        for command in COMMANDS:
            usage, what = command.__doc__.split(": ", 1)
            print(f"  baton {usage:<22} {' '.join(what.split())}")


class Command(gdb.Command):
    def __init__(self):
        super().__init__(f"baton {self.__doc__.split()[0].rstrip(':')}",
                         gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        wanted = sum(word.isupper() and word[0] != "["
                     for word in self.__doc__.split(":")[0].split())
        if len(words) < wanted:
            raise gdb.GdbError(f"baton {self.__doc__.split(':')[0]}")
        with supervisor():
            self.show(*words)


class Tasks(Command):
    """tasks: every task, with what it holds"""

    def show(self):
        rows(("ID", "NAME", "THREADS", "NAMES", "REGIONS", "MAPPED", "TABLES",
              "STRUCT"),
             ((int(task["id"]),
               text(task["name"]) + (" (dying)" if task["dying"] else ""),
               int(task["thread_count"]),
               int(task["space"]["count"]),
               int(task["map"]["entry_count"]),
               f"{int(task['map']['size']) >> 10} KiB",
               int(task["map"]["pmap"]["table_count"]),
               f"{int(task.address):#x}") for task in tasks()))


class Threads(Command):
    """threads [TASK]: every thread: its state, and where it goes on"""

    def show(self, task=None):
        where = running()
        chosen = [task_named(task)] if task else tasks()
        rows(("STRUCT", "TASK", "STATE", "PRIORITY", "USER PC", "GOES ON IN"),
             (self.row(owner_task, thread, where)
              for owner_task in chosen for thread in threads_of(owner_task)))

    @staticmethod
    def row(task, thread, where):
        address = int(thread.address)
        state = enum_name(thread["state"], "THREAD_")
        if state == "active":
            armed = int(thread["wait_armed"])
            state = "waiting" if armed else "running"
        if address in where:
            state += f" (hart {where[address]} of gdb)"
        return (f"{address:#x}", text(task["name"]), state,
                int(thread["priority"]), f"{int(thread['tf']['epc']):#x}",
                function_at(thread["cont"]) if thread["cont"] else "user code")


class Space(Command):
    """space TASK: every name of a task and the right it denotes"""

    def show(self, word):
        space = task_named(word)["space"].dereference()
        rows(("NAME", "RIGHTS", "REFERENCES", "PORT", "RECEIVER"),
             (self.row(name, entry) for name, entry in entries(space)))

    @staticmethod
    def row(name, entry):
        what = rights(entry)
        denotes = "" if what in ("set", "dead") else owner(entry["port"])
        return (f"{name:#x}", what, int(entry["urefs"]),
                f"{int(entry['port']):#x}", denotes)


class Ports(Command):
    """ports TASK: the ports and sets that a task receives from, and who
    waits there"""

    def show(self, word):
        space = task_named(word)["space"].dereference()
        rows(("NAME", "PORT OR SET", "QUEUED", "LIMIT", "RECEIVERS", "SENDERS",
              "SEND RIGHTS", "SEND-ONCE", "MEMBERS"),
             (self.row(name, entry) for name, entry in entries(space)
              if {"receive", "set"} & set(rights(entry).split("+"))))

    @staticmethod
    def row(name, entry):
        if rights(entry) == "set":
            pset = entry["pset"]
            return (f"{name:#x}", f"{int(pset):#x}", length(pset["ready"]), "",
                    length(pset["receivers"]), "", "", "",
                    int(pset["member_count"]))
        port, queue = entry["port"], entry["port"]["queue"]
        return (f"{name:#x}", f"{int(port):#x}", int(queue["count"]),
                int(queue["limit"]), length(queue["receivers"]),
                length(queue["senders"]), int(port["send_rights"]),
                int(port["send_once_rights"]), "")


class Map(Command):
    """map TASK: the regions of a task's memory"""

    def show(self, word):
        entries_of_map = walk(task_named(word)["map"]["entries"],
                              "struct map_entry", "link")
        rows(("START", "END", "SIZE", "PROTECTION", "KIND"),
             (self.row(entry) for entry in entries_of_map))

    def row(self, entry):
        start, end = int(entry["start"]), int(entry["end"])
        kind = entry["kind"].cast(gdb.lookup_type("enum map_kind"))
        return (f"{start:#x}", f"{end:#x}", f"{(end - start) >> 10} KiB",
                f"{self.letters(entry['prot'])} of "
                f"{self.letters(entry['max_prot'])}", enum_name(kind, "MAP_"))

    @staticmethod
    def letters(protection):
        bits = int(protection)
        return "".join(letter if bits & 1 << i else "-"
                       for i, letter in enumerate("rwx"))


class Pagetable(Command):
    """pagetable VA [TASK]: the entries for an address, from the root down"""

    LETTERS = "vrwxugad"

    def show(self, address, word=None):
        address = int(value(address)) & (1 << 64) - 1
        if word:
            table = int(task_named(word)["map"]["pmap"]["root"])
        else:
            table = self.direct((int(value("$satp")) & (1 << 44) - 1)
                                << PAGE_SHIFT)
        for level in LEVELS:
            index = address >> PAGE_SHIFT + 9 * level & 511
            entry = int(pointer(table, "unsigned long")[index])
            print(f"level {level}  table {table:#x}[{index}] = "
                  f"{entry:#018x}  {self.describe(entry)}")
            if not entry & 1 or entry & 0xE:
                return
            table = self.direct(self.physical(entry))

    @staticmethod
    def physical(entry):
        return (entry >> 10 & (1 << 44) - 1) << PAGE_SHIFT

    @staticmethod
    def direct(physical):
        return physical + DIRECT_BASE

    def describe(self, entry):
        if not entry & 1:
            return "not present"
        bits = "".join(letter if entry & 1 << i else "-"
                       for i, letter in enumerate(self.LETTERS))
        kind = "page" if entry & 0xE else "table"
        return f"{bits}  {kind} at {self.physical(entry):#x}"


class Log(Command):
    """log: what the kernel has logged since it booted"""

    def show(self):
        ring, written = value("klog_ring"), int(value("klog_ring_next"))
        size = ring.type.sizeof
        raw = bytes(gdb.selected_inferior().read_memory(
            int(ring.address), size))
        start = written % size
        kept = raw[:written] if written <= size else raw[start:] + raw[:start]
        print(kept.decode("utf-8", "replace").rstrip())


def events():
    """(time, hart, kind, a, b) of every event in the rings, by time."""
    kinds, cpus, found = gdb.lookup_type("enum ktrace_event"), value("cpus"), []
    for hart in range(int(value("cpu_count"))):
        ring = cpus[hart]["trace"]
        size, written = ring["entry"].type.range()[1] + 1, int(ring["next"])
        for i in range(max(0, written - size), written):
            event = ring["entry"][i % size]
            found.append((int(event["time"]), hart,
                          enum_name(event["event"].cast(kinds), "KT_"),
                          int(event["a"]), int(event["b"])))
    if not found:
        raise gdb.GdbError("nothing was traced: boot with APPEND=trace=on")
    return sorted(found)


class Trace(Command):
    """trace [COUNT]: the last events of all harts, in order of time"""

    def show(self, count="40"):
        rows(("TIME", "HART", "EVENT", "A", "B"),
             ((time, hart, kind, f"{a:#x}", f"{b:#x}")
              for time, hart, kind, a, b in events()[-int(count):]))


class Timeline(Command):
    """timeline FILE: the trace for a viewer: ui.perfetto.dev, chrome://tracing"""

    def show(self, path):
        found = events()
        ticks = int(value("timer_frequency")) / 1e6  # per microsecond
        names = {int(thread.address): f"{text(task['name'])} "
                 f"{int(thread.address) & 0xFFFFFF:x}"
                 for task in tasks() for thread in threads_of(task)}
        start, open_slices, timeline = found[0][0], {}, []

        def close(hart, time):
            if hart in open_slices:
                began, name = open_slices.pop(hart)
                timeline.append({"ph": "X", "name": name, "pid": 0,
                                 "tid": hart, "ts": began, "dur": time - began})

        for ticked, hart, kind, a, b in found:
            time = (ticked - start) / ticks
            timeline.append({"ph": "i", "s": "t", "name": kind, "pid": 0,
                             "tid": hart, "ts": time,
                             "args": {"a": f"{a:#x}", "b": f"{b:#x}"}})
            if kind == "switch":
                close(hart, time)
                open_slices[hart] = (time, names.get(b, "idle"))
        for hart in list(open_slices):
            close(hart, (found[-1][0] - start) / ticks)
        pathlib.Path(path).write_text(json.dumps({"traceEvents": timeline}))
        print(f"{path}: {len(found)} events")


COMMANDS = (Tasks, Threads, Space, Ports, Map, Pagetable, Log, Trace,
            Timeline)

Baton()
for command_class in COMMANDS:
    command_class()
