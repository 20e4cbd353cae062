from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load, save

from inr_registration.core import MAX_HEADER_BYTES, InputError, ModelState, from_bytes, to_bytes

TYPES = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1")


def a_state() -> ModelState:
    generator = np.random.default_rng(3)
    shapes = {"weights.0": (3, 5), "weights.1": (2, 2, 2), "biases.0": (5,), "scale": (), "nothing": (0, 4)}
    tensors = {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return ModelState({"format": "a model", "affine": np.eye(4).tolist(), "named": "Käse"}, tensors)


A_FILE = to_bytes(a_state())


def assert_same(state: ModelState, other: ModelState) -> None:
    assert state.metadata == other.metadata
    assert state.tensors.keys() == other.tensors.keys()
    for name, array in state.tensors.items():
        assert array.dtype == other.tensors[name].dtype
        np.testing.assert_array_equal(array, other.tensors[name])


def header_of(data: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return header


def with_header(text: str | bytes, content: bytes = b"") -> bytes:
    text = text.encode() if isinstance(text, str) else text
    return len(text).to_bytes(8, "little") + text + content


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The file with something changed in its header."""
    header = header_of(A_FILE)
    change(header)
    return with_header(json.dumps(header), A_FILE[8 + int.from_bytes(A_FILE[:8], "little") :])


def test_a_model_comes_back_as_it_was() -> None:
    again = from_bytes(A_FILE)
    assert_same(again, a_state())
    assert all(array.flags.writeable and array.flags.owndata for array in again.tensors.values())


def test_further_metadata_join_those_of_the_model() -> None:
    assert from_bytes(to_bytes(a_state(), grids=[1, 2])).metadata == {**a_state().metadata, "grids": [1, 2]}


def test_safetensors_reads_what_was_written() -> None:
    read = load(A_FILE)
    assert read.keys() == a_state().tensors.keys()
    for name, array in a_state().tensors.items():
        np.testing.assert_array_equal(read[name], array)
    assert list(header_of(A_FILE)["__metadata__"]) == ["inr-registration"]


def test_what_safetensors_wrote_is_read() -> None:
    state = a_state()
    assert_same(from_bytes(save(state.tensors, {"inr-registration": json.dumps(state.metadata), "other": "text"})), state)


@given(
    st.dictionaries(st.text(max_size=5), st.sampled_from(TYPES).flatmap(lambda t: hnp.arrays(t, hnp.array_shapes(min_dims=0))), max_size=4)
)
def test_any_arrays_agree_with_safetensors_in_both_directions(arrays: dict[str, Any]) -> None:
    state = ModelState({}, arrays)
    assert_same(ModelState({}, load(to_bytes(state))), state)
    assert_same(from_bytes(save(arrays, {"inr-registration": "{}"})), state)


def test_tensors_begin_where_their_type_can_be_read_in_place() -> None:
    arrays: dict[str, Any] = {"a": np.ones(3, "u1"), "b": np.ones(3, "f8"), "c": np.ones(3, "f2")}
    data = to_bytes(ModelState({}, arrays))
    header = header_of(data)
    start = 8 + int.from_bytes(data[:8], "little")
    assert [(start + header[name]["data_offsets"][0]) % arrays[name].itemsize for name in arrays] == [0, 0, 0]


def test_an_array_that_is_not_contiguous_or_of_foreign_byte_order_is_written_by_value() -> None:
    array = np.arange(12, dtype=">f4").reshape(3, 4).T
    assert array.dtype.byteorder == ">"
    np.testing.assert_array_equal(from_bytes(to_bytes(ModelState({}, {"a": array}))).tensors["a"], array)


BROKEN = {
    "no bytes": (b"", "too few"),
    "a text": (b"not a model", "header of"),
    "a longer header than there are bytes": ((1000).to_bytes(8, "little") + b"{}", "header of 1000"),
    "a huge header": ((MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b" " * 8, "header of 100000001"),
    "not JSON": (with_header("{nothing}"), "not JSON"),
    "not UTF-8": (with_header(b'{"\xff": 1}'), "utf-8"),
    "a list": (with_header("[]"), "the header is not an object"),
    "deep nesting": (with_header("[" * 100_000), "nested too deeply"),
    "a name twice": (with_header('{"a": 1, "a": 2}'), "twice"),
    "an endless number": (with_header('{"a": ' + "9" * 5000 + "}"), "limit"),
    "no metadata": (changed(lambda h: h.pop("__metadata__")), "the metadata is not an object"),
    "other metadata": (changed(lambda h: h.update(__metadata__={"format": "pt"})), "no text 'inr-registration'"),
    "metadata that are not text": (changed(lambda h: h.update(__metadata__={"inr-registration": 5})), "no text"),
    "metadata that are not JSON": (changed(lambda h: h.update(__metadata__={"inr-registration": "{"})), "not JSON"),
    "metadata that are a list": (changed(lambda h: h.update(__metadata__={"inr-registration": "[1]"})), "description of the model is not"),
    "a tensor that is a number": (changed(lambda h: h.update(scale=3)), "tensor 'scale' is not an object"),
    "no offsets": (changed(lambda h: h["scale"].pop("data_offsets")), "offsets of tensor 'scale' cannot be None"),
    "three offsets": (changed(lambda h: h["scale"].update(data_offsets=[0, 1, 2])), "cannot be"),
    "a negative offset": (changed(lambda h: h["weights.0"].update(data_offsets=[-4, 56])), "cannot be"),
    "offsets the wrong way round": (changed(lambda h: h["scale"]["data_offsets"].reverse()), "lies at bytes"),
    "an offset beyond the end": (changed(lambda h: h["weights.1"].update(data_offsets=[84, 9000])), "lies at bytes"),
    "overlapping tensors": (changed(lambda h: h["scale"].update(data_offsets=[0, 4])), "lies at bytes"),
    "a gap": (changed(lambda h: h.pop("scale")), "lies at bytes"),
    "bytes at the end": (A_FILE + b"more", "4 bytes belong to no tensor"),
    "a lost end": (A_FILE[:-1], "lies at bytes"),
    "an unknown type": (changed(lambda h: h["scale"].update(dtype="BF16")), "unknown type 'BF16'"),
    "a type that is a list": (changed(lambda h: h["scale"].update(dtype=["F32"])), "unknown type"),
    "another shape": (changed(lambda h: h["weights.0"].update(shape=[3, 6])), "has 60 bytes"),
    "no shape": (changed(lambda h: h["weights.0"].pop("shape")), "shape of tensor 'weights.0' cannot be None"),
    "a shape of truth values": (changed(lambda h: h["scale"].update(shape=[True])), "cannot be"),
    "too many axes": (changed(lambda h: h["scale"].update(shape=[1] * 99)), "cannot be"),
    "an empty shape that is huge": (changed(lambda h: h["nothing"].update(shape=[0, 2**80])), "not a model"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_file_is_refused_in_one_sentence(name: str) -> None:
    data, said = BROKEN[name]
    with pytest.raises(InputError) as caught:
        from_bytes(data)
    text = str(caught.value)
    assert said in text
    assert text.startswith("not a model of inr-register (")
    assert text.endswith("give the model.safetensors that it wrote")
    assert "\n" not in text


@given(st.data())
def test_damaged_bytes_give_a_model_or_an_input_error_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(A_FILE)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged)))
        damaged[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    try:
        state = from_bytes(bytes(damaged))
    except InputError as error:
        str(error).encode()  # no lone surrogates: the sentence can be printed
    else:
        assert isinstance(state.metadata, dict)


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s))
)
def test_any_json_as_header_gives_an_input_error(header: Any) -> None:
    with pytest.raises(InputError):
        from_bytes(with_header(json.dumps(header), b"\0" * 8))
