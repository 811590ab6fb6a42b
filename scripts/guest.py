"""How Baton is started in QEMU: the one place that composes its command line.

Used by scripts/qemu (make run, debug), scripts/run-tests and
scripts/bench-report.
"""

import dataclasses
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
QEMU = "qemu-system-riscv64"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\x00]")
UBOOT = pathlib.Path("/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin")


@dataclasses.dataclass
class Machine:
    """What to start.  Either kernel and initrd, or a disk through U-Boot."""

    kernel: str = ""
    initrd: str = ""
    append: str = ""
    disk: str = ""
    harts: int = 4
    mem: str = "1G"
    machine: str = "virt"
    cpu: str = "rv64"
    dtb: str = ""
    disabled: tuple = ()  # harts that the device tree calls disabled
    threads: bool = True  # one host thread per hart
    icount: bool = False  # count instructions, and let them be the clock
    sleep: bool = False  # then, while all harts wait, the host's clock goes on
    extra: tuple = ()

    def arguments(self, folder):
        """QEMU's arguments; files that have to be made go to @folder."""
        args = self._hardware() + ["-nic", "none", "-no-reboot"]
        if self.disk:
            args += ["-kernel", str(UBOOT)]
            args += ["-drive", f"file={self.disk},format=raw,if=none,id=disk"]
            args += ["-device", "virtio-blk-device,drive=disk"]
        else:
            args += ["-kernel", self.kernel]
            args += ["-initrd", self.initrd] if self.initrd else []
            args += ["-append", self.append] if self.append else []
        if self.dtb or self.disabled:
            args += ["-dtb", self.dtb or self._edited_tree(folder)]
        if self.icount:
            sleep = "on" if self.sleep else "off"
            args += ["-icount", f"shift=0,sleep={sleep}"]
        else:
            threads = "multi" if self.threads else "single"
            args += ["-accel", f"tcg,thread={threads}"]
        return args + list(self.extra)

    def _hardware(self, more=""):
        """Memory comes from the host as it is touched, so that a small host
        can have a large guest."""
        return [QEMU, "-M", f"{self.machine},memory-backend=ram{more}",
                "-cpu", self.cpu, "-smp", str(self.harts), "-m", self.mem,
                "-object",
                f"memory-backend-ram,id=ram,size={self.mem},reserve=off",
                "-display", "none"]

    def _edited_tree(self, folder):
        """The machine's own device tree, with some harts disabled."""
        tree = str(pathlib.Path(folder) / "machine.dtb")
        subprocess.run(
            self._hardware(f",dumpdtb={tree}"), check=True,
            capture_output=True)
        for hart in self.disabled:
            subprocess.run(["fdtput", "-t", "s", tree, f"/cpus/cpu@{hart}",
                            "status", "disabled"], check=True)
        return tree


def add_arguments(parser):
    """The options of every script that starts a machine."""
    parser.add_argument("--kernel", default="", help="flat image or ELF")
    parser.add_argument("--initrd", default="", help="the boot archive")
    parser.add_argument("--append", default="", help="kernel command line")
    parser.add_argument("--disk", default="", help="boot this disk by U-Boot")
    parser.add_argument("--harts", type=int, default=4)
    parser.add_argument("--mem", default="1G")
    parser.add_argument("--machine", default="virt")
    parser.add_argument("--cpu", default="rv64")
    parser.add_argument("--dtb", default="", help="pass this device tree")
    parser.add_argument("--disable-hart", dest="disabled", type=int,
                        action="append", default=[], metavar="HART")
    parser.add_argument("--icount", action="store_true",
                        help="one instruction is one nanosecond")


def from_arguments(options):
    names = {field.name for field in dataclasses.fields(Machine)}
    return Machine(**{k: v for k, v in vars(options).items() if k in names})


started = []  # processes of guests that still run


def end_all():
    """For a script that is told to stop: leave no machine behind."""
    for process in list(started):
        process.kill()


class Hung(Exception):
    """The guest's time is up."""


class Guest:
    """A machine that runs with its console in our hands."""

    def __init__(self, machine, seconds):
        self.folder = tempfile.mkdtemp(prefix="baton-")
        self.monitor_path = f"{self.folder}/monitor"
        self.end = time.monotonic() + seconds
        self.process = subprocess.Popen(
            machine.arguments(self.folder)
            + ["-serial", "stdio"]
            + ["-monitor", f"unix:{self.monitor_path},server=on,wait=off"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        started.append(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        started.remove(self.process)
        self.process.stdin.close()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self):
        """Some of what the console says; None once the machine has ended."""
        left = self.end - time.monotonic()
        stdout = self.process.stdout
        if left <= 0 or not select.select([stdout], [], [], left)[0]:
            raise Hung
        text = os.read(stdout.fileno(), 65536).decode("utf-8", "replace")
        return CONTROL.sub("", text) if text else None

    def lines(self):
        """The console's lines as they come, until the machine ends."""
        line = ""
        while (text := self.read()) is not None:
            *whole, line = (line + text).split("\n")
            yield from whole
        if line:
            yield line

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def monitor(self, command, seconds=5):
        """What QEMU's monitor answers to @command."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(self.monitor_path)
            answer = b""
            for line in (None, command):
                if line is not None:
                    connection.sendall(line.encode() + b"\n")
                    answer = b""
                while not answer.rstrip().endswith(b"(qemu)"):
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    answer += piece
        return answer.decode("utf-8", "replace")

    def program_counters(self):
        """Where every hart is: (hart, pc) pairs."""
        try:
            registers = self.monitor("info registers -a")
        except OSError:
            return []
        found = re.findall(r"CPU#(\d+).*?\bpc\s+([0-9a-f]+)", registers, re.S)
        return [(int(hart), int(pc, 16)) for hart, pc in found]


    def gdb(self, elf, command, seconds=30):
        """What a command of scripts/gdb/baton.py shows of this machine."""
        socket_path = f"{self.folder}/gdb"
        self.monitor(f"gdbserver unix:{socket_path},server=on,wait=off")
        shown = subprocess.run(
            ["gdb-multiarch", "-q", "-batch", elf,
             "-ex", f"target remote {socket_path}",
             "-ex", f"source {HERE}/gdb/baton.py",
             "-ex", r"echo ==\n", "-ex", command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=seconds).stdout
        return shown.partition("==\n")[2].splitlines()


class Symbols:
    """Names for addresses in the kernel."""

    def __init__(self, elf):
        self.table = []
        if pathlib.Path(elf).is_file():
            listing = subprocess.run(
                ["riscv64-unknown-elf-nm", "-n", elf],
                capture_output=True, text=True, check=True).stdout
            rows = [line.split() for line in listing.splitlines()]
            self.table = [(int(r[0], 16), r[2]) for r in rows
                          if len(r) == 3 and r[1] in "tT" and r[2][0] not in ".$"]

    def name(self, address):
        best = None
        for start, name in self.table:
            if start > address:
                break
            best = (start, name)
        if best is None or address - best[0] > 0x10000:
            return "outside the kernel"
        return f"{best[1]}+{address - best[0]:#x}"
