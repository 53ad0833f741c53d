"""Errors of each operating system lead to the same advice."""

import os
import time
from pathlib import Path

import pytest

from strategy_bank.store.embedding import packaged_model
from strategy_bank.store.lance.files import _drop_unfinished
from strategy_bank.store.os_errors import bank_trouble, way_out


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (5, "This user may not write there"),
        (19, "remount it read-write"),
        (32, "Another program has it open"),
        (112, "There is no room left"),
        (1295, "raise the quota"),
        (13, "Check that the folder exists"),  # on Windows this is invalid data, elsewhere missing rights
    ],
)
def test_numbers_that_lancedb_reports_are_read_as_those_of_the_system(number: int, advice: str) -> None:
    assert advice in bank_trouble(r"C:\bank.lance", OSError(f"lance error: no (os error {number})"), windows=True)


def test_the_same_number_is_another_error_elsewhere() -> None:
    said = OSError("lance error: no (os error 13)")
    assert "This user may not write there" in bank_trouble("/bank.lance", said, windows=False)


def test_an_index_is_recognised_in_paths_of_windows() -> None:
    said = r"Not found: C:\bank.lance\strategies.lance\_indices\4f\tokens.lance"
    assert "rebuild the index" in bank_trouble(r"C:\bank.lance", OSError(said), windows=True)


class ErrorOfWindows(PermissionError):
    """Python raises this on Windows for files in use and for missing rights: both are EACCES."""

    def __init__(self, winerror: int) -> None:
        super().__init__(13, "Permission denied")
        self.winerror = winerror


def test_a_file_in_use_is_told_from_missing_rights(tmp_path: Path) -> None:
    assert "Another program has it open" in way_out(ErrorOfWindows(32), tmp_path)
    assert "Fix its ownership or permissions" in way_out(ErrorOfWindows(5), tmp_path)
    assert way_out(ModuleNotFoundError(), tmp_path) == ""


def test_the_second_of_two_processes_that_write_the_model_leaves_the_files_of_the_first(models_dir: Path) -> None:
    folder = packaged_model.assemble(models_dir)
    before = {file.name: file.stat().st_ino for file in folder.iterdir()}
    packaged_model._make(folder)
    assert {file.name: file.stat().st_ino for file in folder.iterdir()} == before


@pytest.mark.parametrize(("age_s", "stays"), [(0, True), (2 * packaged_model.ABANDONED_AFTER_S, False)])
def test_what_a_killed_process_wrote_of_the_model_is_removed_once_nobody_can_be_writing_it(
    models_dir: Path, tmp_path: Path, age_s: float, stays: bool
) -> None:
    model = packaged_model.assemble(models_dir)
    (tmp_path / model.name).symlink_to(model, target_is_directory=True)
    staging = tmp_path / f"{model.name}.k1lled"
    staging.mkdir()
    (staging / "weights.bin").touch()
    os.utime(staging, (time.time() - age_s,) * 2)
    packaged_model.assemble(tmp_path)
    assert staging.exists() == stays


def test_an_unfinished_file_that_cannot_be_deleted_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "data" / ".tmp_in_use").mkdir(parents=True)  # a folder refuses to be unlinked on every system
    (tmp_path / "data" / ".tmp_left").touch()
    _drop_unfinished(tmp_path)
    assert os.listdir(tmp_path / "data") == [".tmp_in_use"]
