"""What `make test` runs: the list of suites, and the machines they run on.

Each row of MACHINES is one boot of the in-guest tests.  A new machine is a new
row; a new test in a guest is a new test/user/NAME.c and needs no change here.
"""

import dataclasses
import os
import pathlib
import struct
import subprocess

import guest
import harness

BUILD = pathlib.Path("build")
ELF = str(BUILD / "baton.elf")
IMAGE = str(BUILD / "baton.img")
ARCHIVE = str(BUILD / "archive.cpio")
DEBUG_IMAGE = str(BUILD / "debug/baton.img")
DEBUG_ELF = str(BUILD / "debug/baton.elf")
UNFENCED_IMAGE = str(BUILD / "unfenced/baton.img")
UNFENCED_ELF = str(BUILD / "unfenced/baton.elf")

NORMAL = guest.Machine(kernel=IMAGE, initrd=ARCHIVE, append="run=test/all")

# For machines that differ in clocks, harts and registers alone: what has to do
# with these; and of everything else each of them runs its part.
CORE = ["clocks", "exceptions", "faults", "floating", "handoff",
        "memory_messages", "messages", "patches", "sharing", "standstill",
        "tasks", "threads", "timers", "vm"]
PARTS = 5


def part(number):
    others = sorted({source.stem for source in
                     pathlib.Path("test/user").glob("*.c")}
                    - {"all", *CORE})
    return "run=test/all," + ",".join(CORE + others[number::PARTS])


# name, what differs from NORMAL
MACHINES = {
    "8 harts": dict(harts=8),
    "1 hart, 8 GiB": dict(harts=1, mem="8G"),
    "4 harts, 1 GiB": dict(harts=4, mem="1G"),
    "4 harts, checks on": dict(kernel=DEBUG_IMAGE),
    "2 harts, 64 MiB, the ELF": dict(harts=2, mem="64M", kernel=ELF),
    "4 harts, no Sstc": dict(cpu="rv64,sstc=off", append=part(0)),
    "4 harts, V extension": dict(cpu="rv64,v=true", append=part(1)),
    "5 harts, hart 0 disabled": dict(
        harts=5, disabled=(0,), append=part(2)),
    "2 harts, no ASIDs": dict(harts=2, append="run=test/all asid_bits=0"),
    "4 harts, no fast path": dict(append="run=test/all fastpath=off"),
    "4 harts, the legs in C": dict(append="run=test/all fastpath=c"),
    "the spike machine": dict(
        harts=2, machine="spike", append=part(3)),
    "1 hart, instructions counted": dict(
        harts=1, icount=True, append="run=test/all,beside"),
}

PROMPT = r"^baton> "

# How long the storm of test/soak is, in seconds, and its first round's seed.
SOAK_SECONDS = int(os.environ.get("SOAK_SECONDS", 30))
SOAK_SEED = int(os.environ.get("SOAK_SEED", 1))
# How many regions a hostile sender sends.
TRANSFERS = int(os.environ.get("TRANSFERS", 20000))


def unit_tests():
    """The host unit tests that the Makefile has built."""
    sources = sorted(pathlib.Path("test/unit").glob("test_*.c"))
    return [harness.Program(f"unit {source.stem[5:]}",
                            [str(BUILD / "unit" / source.stem)], limit=600)
            for source in sources]


def model():
    """The model of ports, beside the kernel's ipc/: five million steps."""
    command = [str(BUILD / "unit/model"), "--steps", "5000000"]
    return harness.Program("model", command, limit=900)


def host_scripts():
    """Tests of what the build made and of the scripts, run here."""
    scripts = sorted(pathlib.Path("test/host").glob("test_*"))
    return [harness.Program(f"host {script.stem[5:]}", [str(script)], 120)
            for script in scripts]


def guest_tests():
    for name, changes in MACHINES.items():
        machine = dataclasses.replace(NORMAL, **changes)
        debug = machine.kernel == DEBUG_IMAGE
        yield harness.Tests(name, machine, DEBUG_ELF if debug else ELF,
                            limit=240)


def soak(seconds):
    """The storm, half of the time without the fast path and with all checks
    on, each half with a guest of its own."""
    append = f"run=soak,{seconds // 2},{SOAK_SEED}"
    limit = seconds // 2 + 120
    yield harness.Tests(
        "the storm", dataclasses.replace(NORMAL, append=append), ELF, limit,
        steps="# round")
    yield harness.Tests(
        "the storm, no fast path",
        dataclasses.replace(NORMAL, kernel=DEBUG_IMAGE,
                            append=f"{append} fastpath=off"),
        DEBUG_ELF, limit, steps="# round")


def hostile_senders():
    """Memory that is received while its sender still writes to it; and on a
    kernel that lets it, to see that the test notices."""
    machine = dataclasses.replace(
        NORMAL, append=f"run=test/immutable,{TRANSFERS},{SOAK_SEED}")
    yield harness.Tests("hostile senders", machine, ELF,
                        limit=120 + TRANSFERS // 20, steps="# round: ")
    yield harness.Noticed(
        "hostile senders, no fences",
        dataclasses.replace(NORMAL, kernel=UNFENCED_IMAGE), UNFENCED_ELF,
        runs=[f"run=test/immutable,20000,{seed}" for seed in range(1, 9)],
        case="not one byte has changed")


def high_base():
    """The kernel somewhere else in memory, where a jump takes the firmware."""
    base = 0x9A600000
    # auipc t0, 0; ld t0, 16(t0); jr t0; nop; .dword base
    jump = BUILD / "test/jump.bin"
    jump.parent.mkdir(parents=True, exist_ok=True)
    jump.write_bytes(struct.pack("<4IQ", 0x297, 0x102B283, 0x28067, 0x13, base))
    machine = dataclasses.replace(
        NORMAL, kernel=str(jump), append=part(4),
        extra=("-device", f"loader,file={IMAGE},addr={base:#x}"))
    return harness.Tests("another load address", machine, ELF)


def shell():
    """What a user sees: the prompt, each command, and the way out."""
    return harness.Dialogue(
        "the shell", dataclasses.replace(NORMAL, append=""), ELF, limit=90,
        steps=[
            (PROMPT, "help\n"),
            (r"run PROGRAM", ""),
            (PROMPT, "ps\n"),
            (r"bootstrap", ""),
            (PROMPT, "ports\n"),
            (PROMPT, "mem\n"),
            (r"free", ""),
            (r"^ +\d+ +bootstrap +\d+", ""),
            (PROMPT, "mem 1\n"),
            (r"^ +\d+ +\d+ +\d+ +ports", ""),
            (PROMPT, "no-such-command\n"),
            (PROMPT, "halt\n"),
        ])


def shell_panic():
    return harness.Dialogue(
        "a panic", dataclasses.replace(NORMAL, append=""), ELF, limit=90,
        fails=True,
        steps=[(PROMPT, "panic\n"), (r"^panic: ", ""),
               (r"^  hart \d+ thread \S+ task \S+", ""),
               (r"^  at serve_host_reboot.* < fast_call", "")])


def real_boot_chain():
    """From a disk, through OpenSBI and U-Boot, to the same prompt."""
    disk = BUILD / "test/uboot.img"
    disk.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["scripts/mkimage", "--kernel", IMAGE, "--archive", ARCHIVE,
                    disk], check=True, stdout=subprocess.DEVNULL)
    return harness.Dialogue(
        "U-Boot", guest.Machine(disk=str(disk)), ELF, limit=90,
        steps=[(r"Starting kernel", ""), (PROMPT, "halt\n")])


def suites():
    """Every suite, in the order in which they start."""
    return [model(), *unit_tests(), *host_scripts(), *guest_tests(),
            *hostile_senders(), *soak(SOAK_SECONDS), high_base(),
            shell(), shell_panic(), real_boot_chain()]
