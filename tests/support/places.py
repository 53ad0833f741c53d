"""Where the repository lies, and the data beside it that are no part of it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
TAU_BENCH = DATA / "tau_bench_airline_gpt4o.json"
