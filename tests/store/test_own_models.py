"""Embedding models from a folder: copied into the home, compared by word pieces, refused where something is missing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding import own_models, packaged_model
from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, Embedder
from strategy_bank.store.errors import ModelUnavailable
from strategy_bank.store.records import Strategy
from tests.support.shell import Shell

NAME = "my-model"


@pytest.fixture
def folder(tmp_path: Path, models_dir: Path) -> Path:
    """The packaged model in the form in which others are published, under another name."""
    made = tmp_path / NAME
    shutil.copytree(packaged_model.assemble(models_dir), made)
    (made / "model.safetensors").write_bytes(b"the same weights for another library")
    return made


def test_a_folder_is_copied_without_what_is_not_needed_and_reads_like_the_model_that_it_is(
    folder: Path, tmp_path: Path, models_dir: Path
) -> None:
    own = own_models.adopt(tmp_path / "models", folder)
    shutil.rmtree(folder)
    assert not (own.folder / "model.safetensors").exists()
    text = "Measure before you tune"
    read, packaged = (
        Embedder(at, name).read_query(text) for at, name in ((tmp_path / "models", NAME), (models_dir, DEFAULT_MODEL))
    )
    assert np.allclose(read.vector, packaged.vector, atol=1e-5)
    assert np.allclose(read.pieces, packaged.pieces, atol=1e-5)


def test_the_first_piece_stands_for_the_text_where_the_model_says_so(folder: Path, tmp_path: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}', "utf-8")
    own_models.adopt(tmp_path / "models", folder)
    read = Embedder(tmp_path / "models", NAME).read_query("Measure before you tune")
    assert np.allclose(read.vector, read.pieces[0], atol=1e-5)


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json", "config.json"])
def test_what_a_folder_lacks_is_named(folder: Path, tmp_path: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(ModelUnavailable, match=missing):
        own_models.adopt(tmp_path / "models", folder)
    assert own_models.names(tmp_path / "models") == []


def test_a_text_vector_that_is_made_in_an_unknown_way_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_max_tokens": true}', "utf-8")
    with pytest.raises(ModelUnavailable, match="pooling_mode_max_tokens"):
        own_models.adopt(tmp_path / "models", folder)


def test_other_weights_beside_the_same_graph_are_another_model(folder: Path, tmp_path: Path) -> None:
    first = own_models.adopt(tmp_path / "models", folder)
    with (folder / "weights.bin").open("r+b") as weights:
        weights.write(b"other")
    assert own_models.adopt(tmp_path / "models", folder).fingerprint != first.fingerprint


def test_the_packaged_model_keeps_its_name(folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / DEFAULT_MODEL)
    with pytest.raises(ModelUnavailable, match="another name"):
        own_models.adopt(tmp_path / "models", tmp_path / DEFAULT_MODEL)


def test_a_configuration_without_a_size_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}), "utf-8")
    with pytest.raises(ModelUnavailable, match="hidden_size"):
        own_models.adopt(tmp_path / "models", folder)


@pytest.fixture
def shell(tmp_path: Path, models_dir: Path) -> Shell:
    """On a bank with a folder of models of its own, in which the packaged one lies already."""
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True, mode=0o700)
    packaged = packaged_model.assemble(models_dir)
    (models / packaged.name).symlink_to(packaged, target_is_directory=True)
    return Shell(tmp_path / "home", {})


def test_a_bank_changes_to_a_model_from_a_folder_and_back(folder: Path, shell: Shell) -> None:
    words = ["--title", "Measure first", "--description", "When it is slow.", "--content", "Profile the request."]
    shell("add", *words, "--scope", "web")
    used = shell("models", "use", str(folder))
    assert f"The bank uses {NAME} now" in used.stderr
    assert "was never fitted for it" in used.stderr
    assert "Measure first" in shell("recall", "the request is slow, profile it", "--scope", "web").stdout
    listed = shell("models", "list", "--time").stdout
    assert "in use" in next(line for line in listed.splitlines() if line.strip().startswith(NAME))
    shell("models", "use", DEFAULT_MODEL)
    assert "Measure first" in shell("recall", "the request is slow, profile it", "--scope", "web").stdout


def test_the_pieces_of_another_model_are_stored_and_recall_compares_them(folder: Path, shell: Shell) -> None:
    shell("models", "use", str(folder))
    lesson = Strategy(id="st_1", title="Measure", description="When slow.", content="Profile it.", outcome="success")

    async def recalled(bank: Bank) -> tuple[bool, int, list[str]]:
        (item,) = await bank.embed([lesson])
        async with bank.lock.hold():
            await bank.add_strategies([item])
        hits = await bank.search("it is slow, so profile it", ["global"], 3)
        return bank.embedder.stamp.reads_pieces, len(item.packed_pieces), [hit.id for hit in hits]

    reads_pieces, packed, found = shell.inside(recalled)
    assert (reads_pieces, found) == (True, ["st_1"])
    assert packed > 0
