"""`python -m bench` lists every bench that can be run, and runs one by name."""

import subprocess
import sys

from tests.support.places import ROOT


def bench(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "bench", *words], cwd=ROOT, capture_output=True, text=True)


def test_every_module_that_runs_by_itself_is_listed() -> None:
    files = [file for file in ROOT.glob("bench/*/*.py") if '__name__ == "__main__"' in file.read_text("utf-8")]
    runs = {f"{file.parent.name}.{file.stem}" for file in files} - {"load.one_tool"}  # a server, for load.startup
    assert {line.split()[0] for line in bench().stdout.splitlines()} == runs


def test_a_bench_is_run_by_its_name_and_an_unknown_one_answered_with_the_list() -> None:
    assert "--kills" in bench("load.crashes", "--help").stdout
    unknown = bench("load.nothing")
    assert unknown.returncode == 2
    assert "load.crashes" in unknown.stdout
