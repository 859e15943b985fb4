"""Processor time and peak memory of a program with all that it starts: a reading of /proc.

What the system adds up for a parent leaves out whoever is killed in a namespace of its own, so each
process is looked at while it lives. The last moments of one are missing.
"""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_SECONDS = 0.05  # between two readings
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Process:
    """One process, as it was last seen. Memory in bytes."""

    parent: int
    seconds: float
    peak: int


@dataclass
class Ran:
    """A program that has ended, with every process of it that was seen."""

    root: int
    code: int = 0
    seconds: float = 0.0
    output: str = ""
    processes: dict[int, Process] = field(default_factory=dict)

    @property
    def controller(self) -> Process:
        return self.processes[self.root]

    @property
    def workers(self) -> list[Process]:
        """What the program started itself."""
        return [p for p in self.processes.values() if p.parent == self.root]

    @property
    def processor_seconds(self) -> float:
        return sum(process.seconds for process in self.processes.values())


def run_watched(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Ran:
    """Run a program to its end. What it prints goes to a file, so that it never waits for us."""
    started = time.perf_counter()
    with log.open("wb") as file:
        program = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    ran = Ran(program.pid)
    while program.poll() is None:
        _look(ran)
        time.sleep(_SECONDS)
    ran.seconds, ran.code = time.perf_counter() - started, program.returncode
    ran.output = log.read_text("utf-8", "replace")
    return ran


def _look(ran: Ran) -> None:
    alive = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and (process := _process(entry.path)):
            alive[int(entry.name)] = process
    ours = {ran.root}
    while more := {pid for pid, found in alive.items() if found.parent in ours} - ours:
        ours |= more
    # Who lost its parent belongs to it all the same.
    ours |= alive.keys() & ran.processes.keys()
    for pid in ours & alive.keys():
        known = ran.processes.get(pid, alive[pid])
        peak = max(known.peak, _peak(pid))
        ran.processes[pid] = Process(known.parent, alive[pid].seconds, peak)


def _process(folder: str) -> Process | None:
    try:
        text = Path(folder, "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # pid (name) state parent ... user and system time are the 14th and 15th
    words = text.rpartition(")")[2].split()
    return Process(int(words[1]), (int(words[11]) + int(words[12])) / _TICKS, 0)


def _peak(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
