"""What the operating system says about a server process: CPU, memory, disk."""

import os
import subprocess
import sys
import time
from pathlib import Path

CPU_METHOD = (
    "the process's CPU clock (clock_gettime, nanoseconds, all threads), read right after the answer"
    if sys.platform == "linux"
    else "rusage (wait4) of the process, killed right after the answer"
)


def end_and_read_cpu(process: "subprocess.Popen[bytes]") -> float:
    """Kill the process; the CPU seconds (user and system, all threads) it had used when this was called."""
    seconds = time.clock_gettime(~process.pid << 3 | 2) if sys.platform == "linux" else None  # clock_getcpuclockid(3)
    process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime if seconds is None else seconds


def child_running(module: str) -> int | None:
    """The id of our child process that runs `python -m module`; None where there is no /proc to look in."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if int(parent) == os.getpid() and module.encode() in command:
            return int(folder.name)
    return None


def resident_mb(pid: int | None) -> float | None:
    """Resident memory of a process in MB; None where /proc does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), None)


def disk_mb(folder: Path) -> float:
    """What the files below a folder take, links not followed."""
    files = [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]
    return sum(file.stat().st_size for file in files) / 1e6
