"""The converted layout: the same tensors, transformers' names, nothing half written."""

import shutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from everlisten.app.bench.random_checkpoint import write_random_checkpoint
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.checkpoint import Checkpoint, load_checkpoint, read_summary
from everlisten.engine.laim.convert import convert
from everlisten.engine.laim.precision import PRECISIONS, Precision
from everlisten.engine.laim.sizes import TowerSize
from everlisten.engine.laim.weights import Int4Matrix, Int8Matrix, LanguageModelSize

SIZE = LanguageModelSize(
    layers=2,
    width=128,
    query_heads=4,
    kv_heads=2,
    head_width=32,
    feed_forward=256,
    vocabulary=151936,
    norm_eps=1e-6,
    rope_base=1e6,
)
TOWER = TowerSize(
    width=32,
    layers=2,
    heads=2,
    feed_forward=64,
    mel_bins=128,
    n_window=100,
    positions=1500,
    output_width=128,
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint whose matrices have whole int4 groups, in several shards."""
    folder = tmp_path_factory.mktemp("random")
    write_random_checkpoint(folder, SIZE, TOWER, dtype=torch.float32, shard_bytes=60_000_000)
    assert len(list(folder.glob("*.safetensors"))) > 2
    (folder / "tokenizer.json").write_text('{"a": 1}')
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def tidy(tmp_path: Path) -> Iterator[None]:
    """pytest keeps the folders of several runs; these are large."""
    yield
    shutil.rmtree(tmp_path)


def tensors(value: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor in a tree of dataclasses, tuples and dictionaries."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from tensors(item, f"{name}.{key}")
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from tensors(item, f"{name}.{number}")
    elif is_dataclass(value):
        for field in fields(value):
            yield from tensors(getattr(value, field.name), f"{name}.{field.name}")


def assert_same(one: Checkpoint, two: Checkpoint) -> None:
    first, second = dict(tensors(one)), dict(tensors(two))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert tensor.dtype == second[name].dtype, name
        assert torch.equal(tensor, second[name]), name


@pytest.mark.parametrize("precision", PRECISIONS)
def test_both_layouts_give_the_same_tensors(
    source: Path, tmp_path: Path, precision: Precision
) -> None:
    target = tmp_path / "converted"
    convert(source, target, precision)
    released = load_checkpoint(source, device="cpu", precision=precision)
    converted = load_checkpoint(target, device="cpu", precision=precision)
    # The file keeps 16 bits of the tower; a CPU computes it in float32.
    if precision != "float32":
        rounded = {k: v.bfloat16().float() for k, v in released.tower_state.items()}
        released.tower_state.update(rounded)
    assert_same(released, converted)
    assert converted.tokenizer_file == target / "tokenizer.json"
    assert (target / "tokenizer.json").read_text() == '{"a": 1}'
    kinds = {"int8": Int8Matrix, "int4": Int4Matrix}
    assert isinstance(converted.weights.layers[0].gate_up, kinds.get(precision, torch.Tensor))
    assert isinstance(converted.weights.layers[1].gate_up, torch.Tensor)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["converted"]


def test_a_window_stays_one(tmp_path: Path) -> None:
    size = replace(SIZE, window_chunks=24)
    write_random_checkpoint(tmp_path / "released", size, replace(TOWER, mel_bins=80))
    convert(tmp_path / "released", tmp_path / "converted", "bf16")
    assert read_summary(tmp_path / "released").size == size
    assert read_summary(tmp_path / "converted").size == size


def test_both_layouts_of_the_fixture(shared: Path, tmp_path: Path) -> None:
    tiny = shared / "fixtures/laim-tiny"
    for precision in PRECISIONS:
        convert(tiny, tmp_path / precision, precision)
    exact = load_checkpoint(tiny, device="cpu", precision="float32")
    assert_same(exact, load_checkpoint(tmp_path / "float32", device="cpu", precision="float32"))
    # Converting what was converted changes nothing more.
    convert(tmp_path / "float32", tmp_path / "again", "int8")
    again = load_checkpoint(tmp_path / "again", device="cpu", precision="int8")
    assert_same(again, load_checkpoint(tmp_path / "int8", device="cpu", precision="int8"))


def test_full_precision_carries_transformers_names(source: Path, tmp_path: Path) -> None:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    convert(source, tmp_path / "new", "bf16")
    config = Qwen2Config(
        hidden_size=SIZE.width,
        intermediate_size=SIZE.feed_forward,
        num_hidden_layers=SIZE.layers,
        num_attention_heads=SIZE.query_heads,
        num_key_value_heads=SIZE.kv_heads,
        vocab_size=SIZE.vocabulary,
        tie_word_embeddings=False,
    )
    with torch.device("meta"):
        model = Qwen2ForCausalLM(config)
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    with safe_open(tmp_path / "new/model.safetensors", "pt") as file:
        found = {key: file.get_slice(key) for key in file.keys() if "audio_tower." not in key}
        assert {key: value.get_shape() for key, value in found.items()} == shapes
        assert {value.get_dtype() for value in found.values()} == {"BF16"}


def test_the_file_is_no_larger_than_its_precision(source: Path, tmp_path: Path) -> None:
    sizes = {}
    for precision in PRECISIONS:
        convert(source, tmp_path / precision, precision)
        sizes[precision] = (tmp_path / precision / "model.safetensors").stat().st_size
    assert sizes["bf16"] < 0.51 * sizes["float32"]
    assert sizes["int4"] <= sizes["int8"] < sizes["bf16"]


def test_progress_ends_at_the_whole(source: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    convert(source, tmp_path / "new", "bf16", lambda *counts: seen.append(counts))
    done = [done for done, _ in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1]


def test_a_target_in_use_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used/file").write_text("mine")
    with pytest.raises(ModelLoadError, match="used exists and is not empty"):
        convert(source, tmp_path / "used", "bf16")
    assert (tmp_path / "used/file").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    convert(source, tmp_path / "empty", "bf16")
    assert read_summary(tmp_path / "empty").stored == "bf16"


def test_broken_off_leaves_nothing_behind(source: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(source, tmp_path / "new", "bf16", stop)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_before_anything_is_written(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=100_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ModelLoadError, match=r"needs \d+ MB in .* only 100 MB are free"):
        convert(source, tmp_path / "new", "bf16")
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_named(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelLoadError, match=r"new could not be written: File exists; choose"):
        convert(source, tmp_path / "file/new", "bf16")


@pytest.mark.parametrize("precision", ["bf16", "int4"])
def test_quantized_weights_stay_what_they_are(
    source: Path, tmp_path: Path, precision: Precision
) -> None:
    convert(source, tmp_path / "int8", "int8")
    message = rf"stored as int8 and cannot be run in {precision}"
    with pytest.raises(ModelLoadError, match=message):
        load_checkpoint(tmp_path / "int8", device="cpu", precision=precision)
    with pytest.raises(ModelLoadError, match=message):
        convert(tmp_path / "int8", tmp_path / "new", precision)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"version": 1', '"version": 2', "version is 2, not 1"),
        ('"int4_group": 128', '"int4_group": 64', "int4_group is 64, not 128"),
        ('"precision": "int8"', '"precision": "int3"', "precision is 'int3', not one of float32,"),
        ('"width": 128', '"width": 0', "width is 0, not a whole number above 0"),
        ('"language_model"', '"model"', "the sizes are missing"),
        ('"precision": "int8"', '"precision": "bf16"', r"the key lm_head\.\w+ is unknown"),
        ('"layers": 2', '"layers": 3', "does not belong to this configuration"),
    ],
)
def test_a_wrong_configuration_is_named(
    source: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    folder = tmp_path / "new"
    convert(source, folder, "int8")
    config = folder / "everlisten.json"
    config.write_text(config.read_text().replace(old, new, 1))
    with pytest.raises(ModelLoadError, match=message):
        load_checkpoint(folder, device="cpu", precision="int8")


def test_no_pickle_stands_beside_converted_weights(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "new", "bf16")
    name = "audiointeraction_ChunkwisedEncoder.pth"
    shutil.copyfile(source / name, tmp_path / "new" / name)
    with pytest.raises(ModelLoadError, match=rf"{name} is a pickle"):
        load_checkpoint(tmp_path / "new", device="cpu", precision="bf16")
