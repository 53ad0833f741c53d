"""What was made by others is listed with its licence, and is what was published."""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest

from tests.support.places import ROOT

FOLDER = ROOT / "server" / "page" / "static" / "vendored"
LISTED = tomllib.loads((FOLDER / "vendored.toml").read_text("utf-8"))["file"]


def test_every_file_of_others_is_listed_with_its_licence() -> None:
    told = {each["name"] for each in LISTED} | {each["licence_text"] for each in LISTED}
    assert told | {"vendored.toml"} == {file.name for file in FOLDER.iterdir()}


@pytest.mark.parametrize("listed", LISTED, ids=lambda each: each["name"])
def test_every_file_of_others_is_the_one_that_was_listed(listed: dict[str, str]) -> None:
    assert hashlib.sha256((FOLDER / listed["name"]).read_bytes()).hexdigest() == listed["sha256"]


@pytest.mark.slow
@pytest.mark.parametrize("package", sorted({(each["package"], each["version"]) for each in LISTED}))
def test_every_file_of_others_is_what_its_package_holds(package: tuple[str, str], tmp_path: Path) -> None:
    npm, (name, version) = shutil.which("npm"), package
    if not npm:
        pytest.skip("There is no npm on this machine.")
    command = [npm, "pack", "--json", "--silent", f"{name}@{version}"]
    packed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, env=dict(os.environ))
    if packed.returncode != 0:
        pytest.skip("The npm registry cannot be reached.")
    with tarfile.open(tmp_path / json.loads(packed.stdout)[0]["filename"]) as archive:
        for each in LISTED:
            if each["package"] == name:
                published = archive.extractfile(f"package/{each['path_in_package']}")
                assert published
                assert published.read() == (FOLDER / each["name"]).read_bytes()
