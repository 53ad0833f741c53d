"""Says how much memory a part of an Arrow stream takes, before it is unpacked: a small one may claim any size."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

import struct
from typing import Any

_HEADER, _BUFFERS, _COMPRESSION = 2, 2, 3  # places of fields in the flatbuffers of Arrow's Message and RecordBatch
_NOT_PACKED = -1


def unpacked_size(message: Any) -> int:
    """Return the bytes of all buffers of a record batch, a pyarrow.ipc.Message, unpacked.

    Raises struct.error, IndexError or ValueError where it is malformed.
    """
    metadata, body = memoryview(message.metadata), memoryview(message.body)
    batch = _field(metadata, _at(metadata, 0), _HEADER)
    packed = _field(metadata, batch, _COMPRESSION, optional=True)
    vector = _field(metadata, batch, _BUFFERS)
    (count,) = struct.unpack_from("<I", metadata, vector)
    buffers = [struct.unpack_from("<qq", metadata, vector + 4 + 16 * number) for number in range(count)]
    return sum(_size(body, offset, length, bool(packed)) for offset, length in buffers)


def _size(body: memoryview, offset: int, length: int, packed: bool) -> int:
    if not packed or not length:
        return length
    (size,) = struct.unpack_from("<q", body, offset)
    return length if size == _NOT_PACKED else size


def _at(metadata: memoryview, place: int) -> int:
    """Return the place that an offset at this place leads to."""
    return place + struct.unpack_from("<I", metadata, place)[0]


def _field(metadata: memoryview, table: int, number: int, *, optional: bool = False) -> int:
    """Return where the table or vector in a field of a flatbuffers table begins; 0 without one."""
    fields = table - struct.unpack_from("<i", metadata, table)[0]
    (size,) = struct.unpack_from("<H", metadata, fields)
    place = 4 + 2 * number
    offset = struct.unpack_from("<H", metadata, fields + place)[0] if place < size else 0
    if not offset:
        if optional:
            return 0
        raise ValueError("a part of a table is malformed")
    return _at(metadata, table + offset)
