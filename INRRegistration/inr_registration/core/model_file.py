"""The model file: safetensors bytes, written and read with numpy and json alone, so that 3D Slicer needs no further package.

The format: the length of the header (8 bytes, little-endian), a JSON header, then the tensors one after the other. The header
says for each name ``{"dtype", "shape", "data_offsets": [begin, end]}``; ``__metadata__`` holds texts, and ours is the JSON text
under ``inr-registration``.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.result import ModelState

METADATA_KEY = "inr-registration"
MAX_HEADER_BYTES = 100_000_000
MAX_AXES = 16
LENGTH_BYTES = 8

_METADATA = "__metadata__"
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
}  # fmt: skip
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}


def to_bytes(state: ModelState, **extra: Any) -> bytes:
    """The content of a model file.

    Args:
        state: The fitted transform.
        extra: Further metadata, JSON-ready.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in state.tensors.items()}
    header: dict[str, Any] = {_METADATA: {METADATA_KEY: json.dumps({**state.metadata, **extra})}}
    parts, end = [], 0
    for name in sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name)):  # wide ones first, so that all are aligned
        array = arrays[name].astype(arrays[name].dtype.newbyteorder("<"), copy=False)
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [begin, end]}
        parts.append(array.tobytes())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)
    return b"".join([len(text).to_bytes(LENGTH_BYTES, "little"), text, *parts])


def from_bytes(data: bytes) -> ModelState:
    """Read the content of a model file.

    Raises:
        InputError: It is not one, or it is damaged; the text says in which way.
    """
    try:
        header, content = _split(data)
        metadata = _metadata(header.pop(_METADATA, None))
        return ModelState(metadata, _tensors(header, content))
    except RecursionError:
        cause = "the header is nested too deeply"
    except (ValueError, OverflowError) as error:
        cause = str(error)
    raise InputError(f"not a model of inr-register ({cause}); give the model.safetensors that it wrote")


def _split(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """The header, and the bytes after it."""
    if len(data) < LENGTH_BYTES:
        raise ValueError(f"{len(data)} bytes are too few")
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    if length > min(MAX_HEADER_BYTES, len(data) - LENGTH_BYTES):
        raise ValueError(f"a header of {length} bytes in a file of {len(data)}")
    try:
        header = json.loads(data[LENGTH_BYTES : LENGTH_BYTES + length].decode(), object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise ValueError("the header is not JSON") from error
    return _object(header, "the header"), memoryview(data)[LENGTH_BYTES + length :]


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("the header names something twice")
    return found


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not an object")
    return value


def _metadata(texts: Any) -> dict[str, Any]:
    """What the package wrote about the model."""
    text = _object(texts, "the metadata").get(METADATA_KEY)
    if not isinstance(text, str):
        raise ValueError(f"the metadata have no text '{METADATA_KEY}'")
    try:
        return _object(json.loads(text), "the description of the model")
    except json.JSONDecodeError as error:
        raise ValueError("the description of the model is not JSON") from error


def _tensors(header: dict[str, Any], content: memoryview) -> dict[str, npt.NDArray[np.float32]]:
    """The arrays, which must fill the content without gap and without overlap."""
    spans = {name: _span(name, entry) for name, entry in header.items()}
    tensors, end = {}, 0
    for name in sorted(spans, key=lambda name: spans[name]):
        begin, stop = spans[name]
        if begin != end or stop > len(content):
            raise ValueError(f"tensor {name!r} lies at bytes {begin} to {stop} of {len(content)}, and {end} was to be its first")
        tensors[name] = _tensor(name, header[name], content[begin:stop])
        end = stop
    if end != len(content):
        raise ValueError(f"{len(content) - end} bytes belong to no tensor")
    return tensors


def _span(name: str, entry: Any) -> tuple[int, int]:
    begin, end = _counts(_object(entry, f"tensor {name!r}").get("data_offsets"), f"the offsets of tensor {name!r}", 2)
    return begin, end


def _tensor(name: str, entry: dict[str, Any], data: memoryview) -> npt.NDArray[np.float32]:
    """A copy in the byte order of this machine."""
    code, shape = entry.get("dtype"), _counts(entry.get("shape"), f"the shape of tensor {name!r}")
    if not isinstance(code, str) or code not in _TYPES:
        raise ValueError(f"tensor {name!r} is of the unknown type {code!r}")
    dtype = np.dtype(_TYPES[code])
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"tensor {name!r} of shape {shape} and type {code} has {len(data)} bytes")
    array: npt.NDArray[np.float32] = np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))
    return array


def _counts(value: Any, what: str, number: int | None = None) -> list[int]:
    """A list of whole numbers from 0 up."""
    whole = isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)
    if not whole or len(value) > MAX_AXES or (number is not None and len(value) != number):
        raise ValueError(f"{what} cannot be {str(value)[:100]}")
    counts: list[int] = value
    return counts
