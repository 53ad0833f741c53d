"""Whom the files of a bank are open to."""

import os
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
