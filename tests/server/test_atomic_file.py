"""Files are written whole or not at all, also where another program has them open."""

import os
from pathlib import Path

import pytest

from strategy_bank.server.atomic_file import replacing
from strategy_bank.store.errors import InvalidInput


class Busy:
    """Moves a file as Windows does: refuses while another program has the target open, `times` times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, source: str, target: str) -> None:
        if self.left:
            self.left -= 1
            raise PermissionError(13, "Access is denied")
        os.replace(source, target)


def test_a_file_that_another_program_has_open_for_a_moment_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with replacing(tmp_path / "file", move=Busy(3)) as file:
        file.write(b"new")
    assert (tmp_path / "file").read_text() == "new"


def test_a_file_that_stays_open_is_left_as_it_was_with_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with (
        pytest.raises(InvalidInput, match=r"file cannot be written: Access is denied\. .*another program"),
        replacing(tmp_path / "file", move=Busy(100)) as file,
    ):
        file.write(b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"
