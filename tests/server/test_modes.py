"""Whom the files of a bank are open to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.name != "posix", reason="modes of folders")]


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o700), (0o777, 0o700), (0o2770, 0o2770)])
@pytest.mark.parametrize("uri", ["", "elsewhere/tables"])
async def test_the_tables_in_an_open_folder_are_closed_and_those_of_a_team_are_not(
    home: Path, uri: str, before: int, after: int
) -> None:
    location = Location(home, str(home / uri) if uri else "")
    tables = Path(location.tables_uri)
    tables.parent.mkdir(exist_ok=True)
    tables.parent.chmod(before)
    old = os.umask(0o007 if before & 0o2000 else 0)
    try:
        await (await Bank.open(location)).close()
    finally:
        os.umask(old)
    assert tables.stat().st_mode & 0o7777 == after


@pytest.mark.parametrize(("before", "after"), [(0o700, 0o700), (0o2770, 0o3770)])
def test_scratch_files_lie_where_a_team_can_make_some_too_and_else_in_a_closed_folder(
    home: Path, before: int, after: int
) -> None:
    home.chmod(before)
    code = "import sys, pathlib; from strategy_bank.store.scratch import lend_scratch; lend_scratch(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(home)], check=True, umask=0o077)
    assert (home / "tmp").stat().st_mode & 0o7777 == after
