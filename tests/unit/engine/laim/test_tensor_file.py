"""Our safetensors files and the library's are the same files."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim import tensor_file
from everlisten.engine.laim.tensor_file import TensorFile, TensorFileWriter, TensorSpec

DTYPES = [torch.float32, torch.bfloat16, torch.float16, torch.int8, torch.uint8, torch.float64]


def make_tensors() -> dict[str, torch.Tensor]:
    numbers = torch.Generator().manual_seed(0)
    return {
        f"t{number}": torch.randint(0, 100, (7, 3, number + 1), generator=numbers).to(dtype)
        for number, dtype in enumerate(DTYPES)
    }


def read(file: TensorFile, key: str) -> torch.Tensor:
    return torch.cat([block.clone() for _, block in file.blocks(key)])


def test_the_library_reads_what_is_written_in_pieces_and_any_order(tmp_path: Path) -> None:
    tensors = make_tensors()
    specs = {key: TensorSpec(value.dtype, tuple(value.shape)) for key, value in tensors.items()}
    writer = TensorFileWriter(tmp_path / "a.safetensors", specs, {"format": "pt"})
    for key in reversed(tensors):
        writer.write(key, tensors[key][4:], 4)
        writer.write(key, tensors[key][:4])
    writer.close()
    loaded = load_file(tmp_path / "a.safetensors")
    assert loaded.keys() == tensors.keys()
    for key, value in tensors.items():
        assert loaded[key].dtype == value.dtype
        assert torch.equal(loaded[key], value)


@pytest.mark.parametrize("block_bytes", [1, 50, 1 << 20])
def test_what_the_library_wrote_is_read_in_blocks(
    tmp_path: Path, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor_file, "_BLOCK_BYTES", block_bytes)
    tensors = make_tensors()
    save_file(tensors, tmp_path / "a.safetensors", metadata={"by": "the library"})
    with TensorFile(tmp_path / "a.safetensors") as file:
        assert file.specs.keys() == tensors.keys()
        for key, value in tensors.items():
            assert torch.equal(read(file, key), value)
            assert file.specs[key] == TensorSpec(value.dtype, tuple(value.shape))


def with_header(path: Path, header: object, data: bytes) -> None:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}, "contradicts itself at a"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}, "contradicts itself at a"),
        ({"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}, "no safetensors header"),
        ({"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]}, "no safetensors header"),
        ({"dtype": "X9", "shape": [2], "data_offsets": [0, 8]}, "no safetensors header"),
        ({"dtype": "F32", "shape": [2]}, "no safetensors header"),
        ("text", "no safetensors header"),
        ({"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}, "it ends within a"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, fields: object, reason: str) -> None:
    path = tmp_path / "a.safetensors"
    with_header(path, {"a": fields}, bytes(8))
    with pytest.raises(ModelLoadError, match=rf"a\.safetensors is damaged: .*{reason}"):
        TensorFile(path)


def test_a_header_that_is_no_mapping(tmp_path: Path) -> None:
    with_header(tmp_path / "a.safetensors", [1, 2], b"")
    with pytest.raises(ModelLoadError, match="no safetensors header"):
        TensorFile(tmp_path / "a.safetensors")


def test_an_absurd_header_length_is_not_allocated(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes((1 << 62).to_bytes(8, "little") + bytes(100))
    with pytest.raises(ModelLoadError, match="it ends within its header"):
        TensorFile(tmp_path / "a.safetensors")


def test_a_file_cut_while_it_is_open_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1000)}, path)
    with TensorFile(path) as file:
        with path.open("r+b") as stream:
            stream.truncate(500)
        with pytest.raises(ModelLoadError, match="it ends within a"):
            read(file, "a")
