"""`python -m bench` lists the benches; `python -m bench load.crashes --kills 5` runs one of them."""

import ast
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent


def benches() -> dict[str, str]:
    """Name → the first line of its docstring, of each module that says how it is run."""
    found: dict[str, str] = {}
    for file in sorted(HERE.glob("*/*.py")):
        name = f"{file.parent.name}.{file.stem}"
        told = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
        if f"python -m bench.{name}" in told:
            found[name] = told.splitlines()[0]
    return found


def main() -> int:
    known = benches()
    if sys.argv[1:2] and sys.argv[1] in known:
        del sys.argv[0]
        runpy.run_module(f"bench.{sys.argv[0]}", run_name="__main__", alter_sys=True)
        return 0
    width = max(map(len, known))
    print("\n".join(f"{name:{width}}  {line}" for name, line in known.items()))
    return 2 if sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
