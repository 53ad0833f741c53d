"""What a server process gives back of the memory it used."""

import subprocess
import sys

import pytest

GROWTH = """
import sys
from strategy_bank.server.freed_memory import return_freed_memory

def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS:"))

if sys.argv[1] == "returning":
    return_freed_memory()
large = bytearray(16 << 20)
del large
blocks = [bytearray(2 << 20) for _ in range(32)]
last = bytearray(64 << 10)
held = resident()
del blocks
print(held - resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is Linux's")
def test_freed_blocks_leave_the_process() -> None:
    assert _returned("returning") > 60_000
    assert _returned("as it is") < 60_000  # else this test shows nothing


def _returned(how: str) -> int:
    """KiB that the process gave back when 64 MiB were freed, in blocks smaller than an earlier one."""
    return int(subprocess.run([sys.executable, "-c", GROWTH, how], capture_output=True, check=True).stdout)
