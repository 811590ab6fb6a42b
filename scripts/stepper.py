"""A machine that is run an instruction at a time, through QEMU's gdb stub.

The stub stops at breakpoints, steps, and shows registers and memory; while it
steps, it lets neither interrupts nor timers come between.  A step costs some
100 microseconds: enough for what one wants to look at closely.
"""

import os
import re
import socket
import threading
import time

import guest

PC = 32  # the stub's number of it, behind x0 to x31
PAGE_SHIFT = 12
ROOT = (1 << 44) - 1  # satp's bits of a page number, and an entry's
LEAF = 0b1110  # an entry that maps memory may be read, written or executed


class Stepper:
    """@running is a guest.Guest that was started with -S; if its machine counts
    instructions, then one with sleep=True: without, QEMU does not go on after
    a step."""

    def __init__(self, running, seconds):
        path = f"{running.folder}/step"
        while (not os.path.exists(running.monitor_path)
               and running.process.poll() is None):
            time.sleep(0.01)
        running.monitor(f"gdbserver unix:{path},server=on,wait=off")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(path)
        self.received = b""
        self.output = []
        self.stops = set()
        threading.Thread(target=self._listen, args=(running,),
                         daemon=True).start()
        self.ask("QStartNoAckMode")
        self.socket.sendall(b"+")
        self.satp = self._register_number("satp")

    def _listen(self, running):
        """A console that nobody reads would stop the machine."""
        try:
            for line in running.lines():
                self.output.append(line)
        except (guest.Hung, OSError, ValueError):
            pass

    def ask(self, request):
        """The stub's answer to @request."""
        body = request.encode()
        self.socket.sendall(b"$%s#%02x" % (body, sum(body) % 256))
        while not (found := re.search(rb"\$([^#]*)#..", self.received)):
            if not (piece := self.socket.recv(65536)):
                raise EOFError("the machine ended")
            self.received += piece
        self.received = self.received[found.end():]
        return found[1].decode("latin-1")

    def _register_number(self, name):
        """Of a register that is not among the general ones."""
        text, answer = "", "m"
        while answer.startswith("m"):
            answer = self.ask(
                f"qXfer:features:read:riscv-csr.xml:{len(text):x},1000")
            text += answer[1:]
        return int(re.search(rf'name="{name}"[^>]*regnum="(\d+)"', text)[1])

    def space(self):
        """Which address space the hart is in: the number of the page that
        its root table is.  Its ASID may change."""
        satp = bytes.fromhex(self.ask(f"p{self.satp:x}"))
        return int.from_bytes(satp, "little") & ROOT

    def registers(self):
        """x0 to x31 and the program counter."""
        text = self.ask("g")
        return [int.from_bytes(bytes.fromhex(text[i * 16:i * 16 + 16]),
                               "little") for i in range(PC + 1)]

    def memory(self, address, size):
        """None where there is none."""
        answer = self.ask(f"m{address:x},{size:x}")
        if answer.startswith("E"):
            return None
        return bytes.fromhex(answer)

    def string(self, address):
        text = b""
        while (byte := self.memory(address + len(text), 1)) not in (None, b"\0"):
            text += byte
        return text.decode("latin-1")

    def stop_at(self, address):
        self.ask(f"Z0,{address:x},2")
        self.stops.add(address)

    def go_past(self, address):
        self.ask(f"z0,{address:x},2")
        self.stops.discard(address)

    def resume(self):
        """To a breakpoint: the registers there."""
        here = self.registers()[PC]
        if here in self.stops:  # or it would stop before it has begun
            self.go_past(here)
            self.step()
            self.stop_at(here)
        if not self.ask("c").startswith("T"):
            raise EOFError("the machine ended")
        return self.registers()

    def step(self):
        """One instruction: the registers behind it."""
        self.ask("s")
        return self.registers()

    def translate(self, space, address):
        """Where Sv39 has @address: (physical address, bits of the page)."""
        self.ask("Qqemu.PhyMemMode:1")
        table = space << PAGE_SHIFT
        try:
            for shift in (30, 21, 12):
                at = table + (address >> shift & 511) * 8
                entry = int.from_bytes(self.memory(at, 8), "little")
                table = (entry >> 10 & ROOT) << PAGE_SHIFT
                if entry & LEAF:
                    inside = address & ((1 << shift) - 1)
                    return (table >> shift << shift) + inside, shift
                if not entry & 1:
                    break
        finally:
            self.ask("Qqemu.PhyMemMode:0")
        return None, 0
