"""Loading: the released fixture bit for bit, other stored types, every refusal in one sentence."""

import dataclasses
import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from everlisten.app import exit_codes
from everlisten.app.main import main
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.checkpoint import load_checkpoint, read_summary
from everlisten.engine.laim.sizes import TowerSize
from everlisten.engine.laim.tokens import CONTROL_CHOICES
from everlisten.engine.laim.tower_weights import TOWER_FILE, UNUSED_KEYS, tower_shapes
from everlisten.engine.laim.weights import Int8Matrix

SHARD = "model-00001-of-00002.safetensors"
OTHER_SHARD = "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"
CONFIG = "model_config.yaml"
OMNI = "qwen25OmniConfig/config.json"


@pytest.fixture
def tiny(shared: Path) -> Path:
    return shared / "fixtures/laim-tiny"


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Iterator[Path]:
    """A writable copy; pytest keeps the folders of several runs, so that it is deleted."""
    target = tmp_path / "tiny"
    for path in (path for path in tiny.rglob("*") if path.is_file() and path.suffix != ".npz"):
        copy = target / path.relative_to(tiny)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    yield target
    shutil.rmtree(target)


def stored_tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {k: v for path in folder.glob("*.safetensors") for k, v in load_file(path).items()}


def test_released_fixture_is_loaded_bit_for_bit(tiny: Path) -> None:
    checkpoint = load_checkpoint(tiny, device="cpu", precision="float32")
    stored = {key: value.float() for key, value in stored_tensors(tiny).items()}
    weights = checkpoint.weights
    head = stored["lm_head.weight"]
    assert torch.equal(weights.embedding, stored["transformer.wte.weight"])
    assert torch.equal(weights.head, head)  # type: ignore[arg-type]
    assert torch.equal(weights.control_rows, head[list(CONTROL_CHOICES)])
    assert torch.equal(weights.norm, stored["transformer.ln_f.weight"])
    for number, layer in enumerate(weights.layers):
        prefix = f"transformer.h.{number}."
        gate, up = (stored[f"{prefix}mlp.fc_{n}.weight"] for n in (1, 2))
        expected = {
            "input_norm": stored[f"{prefix}norm_1.weight"],
            "qkv": stored[f"{prefix}attn.qkv.weight"],
            "qkv_bias": stored[f"{prefix}attn.qkv.bias"],
            "out": stored[f"{prefix}attn.proj.weight"],
            "post_norm": stored[f"{prefix}norm_2.weight"],
            "gate_up": torch.cat([gate, up]),
            "down": stored[f"{prefix}mlp.proj.weight"],
        }
        for name, tensor in expected.items():
            assert torch.equal(getattr(layer, name), tensor), (number, name)


def test_tower_of_the_fixture(tiny: Path) -> None:
    checkpoint = load_checkpoint(tiny, device="cpu", precision="bf16")
    stored = torch.load(tiny / TOWER_FILE, weights_only=True)
    assert checkpoint.tower_state.keys() == stored.keys() - UNUSED_KEYS
    for key, tensor in checkpoint.tower_state.items():
        assert torch.equal(tensor, stored[key].float())
    assert checkpoint.tower_size == TowerSize(
        width=32,
        layers=2,
        heads=2,
        feed_forward=64,
        mel_bins=128,
        n_window=100,
        positions=1500,
        output_width=8,
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_any_stored_float_type(folder: Path, dtype: torch.dtype) -> None:
    for path in folder.glob("*.safetensors"):
        save_file({key: value.to(dtype) for key, value in load_file(path).items()}, path)
    tower = torch.load(folder / TOWER_FILE, weights_only=True)
    torch.save({key: value.to(dtype) for key, value in tower.items()}, folder / TOWER_FILE)
    checkpoint = load_checkpoint(folder, device="cpu", precision="bf16")
    stored = stored_tensors(folder)["transformer.h.1.mlp.proj.weight"]
    assert torch.equal(checkpoint.weights.layers[1].down, stored.bfloat16())  # type: ignore[arg-type]
    key = "layers.1.fc2.bias"
    assert torch.equal(checkpoint.tower_state[key], tower[key].to(dtype).float())


def interleave(rows: torch.Tensor, heads: int, groups: int) -> torch.Tensor:
    """How litgpt once ordered the rows of qkv: group by group its queries, its key, its value."""
    width = rows.shape[0] // (heads + 2 * groups)
    each = rows.split(width)
    queries, keys, values = each[:heads], each[heads : heads + groups], each[heads + groups :]
    share = heads // groups
    ordered: list[torch.Tensor] = []
    for group in range(groups):
        ordered += [*queries[group * share : (group + 1) * share], keys[group], values[group]]
    return torch.cat(ordered)


def test_the_legacy_order_of_qkv_is_reassembled(tiny: Path, folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        tensors = load_file(path)
        for key in [key for key in tensors if ".qkv." in key]:
            rows = interleave(tensors.pop(key), 4, 2)
            tensors[key.replace("attn.qkv", "attn.attn")] = rows
        save_file(tensors, path)
    index = (folder / INDEX).read_text().replace("attn.qkv", "attn.attn")
    (folder / INDEX).write_text(index)
    legacy = load_checkpoint(folder, device="cpu", precision="float32").weights
    present = load_checkpoint(tiny, device="cpu", precision="float32").weights
    for old, new in zip(legacy.layers, present.layers, strict=True):
        assert torch.equal(old.qkv, new.qkv)  # type: ignore[arg-type]
        assert torch.equal(old.qkv_bias, new.qkv_bias)


def test_one_file_without_an_index(tiny: Path, folder: Path) -> None:
    tensors = stored_tensors(folder)
    for path in (*folder.glob("*.safetensors"), folder / INDEX):
        path.unlink()
    save_file(tensors, folder / "model.safetensors")
    one = load_checkpoint(folder, device="cpu", precision="float32").weights
    two = load_checkpoint(tiny, device="cpu", precision="float32").weights
    assert torch.equal(one.embedding, two.embedding)


def test_int8_keeps_what_decides_exact(tiny: Path) -> None:
    exact = load_checkpoint(tiny, device="cpu", precision="bf16").weights
    weights = load_checkpoint(tiny, device="cpu", precision="int8").weights
    first, last = weights.layers
    assert all(
        isinstance(matrix, Int8Matrix)
        for matrix in (first.qkv, first.out, first.gate_up, first.down, weights.head)
    )
    for name in ("qkv", "out", "gate_up", "down"):
        assert torch.equal(getattr(last, name), getattr(exact.layers[1], name)), name
    assert torch.equal(weights.control_rows, exact.control_rows)
    assert torch.equal(weights.embedding, exact.embedding)
    assert weights.norm.dtype == torch.bfloat16


def test_int4_leaves_matrices_without_whole_groups_alone(tiny: Path) -> None:
    exact = load_checkpoint(tiny, device="cpu", precision="bf16").weights
    weights = load_checkpoint(tiny, device="cpu", precision="int4").weights
    assert torch.equal(weights.layers[0].qkv, exact.layers[0].qkv)  # type: ignore[arg-type]


def test_progress_counts_layers(tiny: Path) -> None:
    seen: list[tuple[int, int]] = []
    load_checkpoint(
        tiny, device="cpu", precision="bf16", progress=lambda *counts: seen.append(counts)
    )
    assert seen == [(1, 2), (2, 2)]


def test_the_summary_needs_no_tensors_and_finds_the_tokenizer(folder: Path) -> None:
    assert read_summary(folder).tokenizer_file is None
    (folder / "tokenizer.json").write_text("{}")
    for path in folder.glob("*.safetensors"):
        path.unlink()
    summary = read_summary(folder)
    assert summary.tokenizer_file == folder / "tokenizer.json"
    assert summary.stored is None
    assert dataclasses.asdict(summary.size)["vocabulary"] == 151936


def test_litgpt_s_window_is_read_as_whole_chunks(folder: Path) -> None:
    assert read_summary(folder).size.window_chunks is None
    edit_config(sliding_window_size=312, sliding_window_indices=[1, 1])(folder)
    assert read_summary(folder).size.window_chunks == 24


# Refusals -----------------------------------------------------------------------------------------


def edit_shard(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        tensors = load_file(folder / SHARD)
        change(tensors)
        save_file(tensors, folder / SHARD)

    return edit


def edit_bytes(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return edit


def edit_config(**changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        values = yaml.safe_load((folder / CONFIG).read_text()) | changes
        kept = {key: value for key, value in values.items() if value is not None}
        (folder / CONFIG).write_text(yaml.safe_dump(kept))

    return edit


def edit_tower(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        state = torch.load(folder / TOWER_FILE, weights_only=True)
        torch.save(change(state) or state, folder / TOWER_FILE)

    return edit


def add(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(b"x") and None


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def edit_index(key: str, name: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        index = json.loads((folder / INDEX).read_text())
        index["weight_map"][key] = name
        (folder / INDEX).write_text(json.dumps(index))

    return edit


NORM = "transformer.h.0.norm_1.weight"
HEADER_END = 8 + 500

REFUSALS: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing shard": (remove(OTHER_SHARD), rf"{OTHER_SHARD} is missing"),
    "missing index": (remove(INDEX), rf"{INDEX} is missing"),
    "index is no JSON": (edit_bytes(INDEX, lambda data: data[:50]), rf"{INDEX} is not valid JSON"),
    "index without a map": (edit_bytes(INDEX, lambda _: b"{}"), rf"{INDEX}: weight_map is missing"),
    "index leaves the folder": (
        edit_index(NORM, "../evil.safetensors"),
        rf"{INDEX}: {NORM} .*no file name",
    ),
    "index names a pickle": (
        edit_index(NORM, "pytorch_model.bin"),
        rf"{INDEX}: {NORM} .*only safetensors",
    ),
    "missing key": (edit_shard(lambda t: t.pop(NORM)), rf"{SHARD} lacks {NORM}"),
    "unknown key": (
        edit_shard(lambda t: t.update({"transformer.extra": torch.zeros(1)})),
        rf"{SHARD}: the key transformer\.extra is unknown",
    ),
    "key in two shards": (
        edit_shard(lambda t: t.update({"transformer.ln_f.weight": torch.zeros(8)})),
        rf"{OTHER_SHARD}: transformer\.ln_f\.weight stands in {SHARD} too",
    ),
    "wrong shape": (
        edit_shard(lambda t: t.update({NORM: torch.zeros(9)})),
        rf"{SHARD}: {NORM} has shape \[9\], not \[8\]",
    ),
    "wrong type": (
        edit_shard(lambda t: t.update({NORM: torch.zeros(8, dtype=torch.int64)})),
        rf"{SHARD}: {NORM} is torch\.int64, not a floating-point type",
    ),
    "shard cut in its data": (
        edit_bytes(SHARD, lambda data: data[:-10]),
        rf"{SHARD} is damaged: it ends within ",
    ),
    "shard cut in its header": (
        edit_bytes(SHARD, lambda data: data[:200]),
        rf"{SHARD} is damaged: it ends within its header",
    ),
    "empty shard": (edit_bytes(SHARD, lambda _: b""), rf"{SHARD} is damaged"),
    "shard with a tail": (
        edit_bytes(SHARD, lambda data: data + b"123"),
        rf"{SHARD} is damaged: 3 bytes stand behind",
    ),
    "shard is a pickle": (
        edit_bytes(SHARD, lambda _: pickle.dumps({"a": 1})),
        rf"{SHARD} is damaged",
    ),
    "shard with a wrong header": (
        edit_bytes(SHARD, lambda data: data.replace(b'"dtype"', b'"dtipe"')),
        rf"{SHARD} is damaged: its header",
    ),
    "missing config": (remove(CONFIG), r"neither model_config\.yaml nor everlisten\.json"),
    "config is no YAML": (
        edit_bytes(CONFIG, lambda _: b"a: [1,"),
        rf"{CONFIG} is not valid YAML",
    ),
    "config is a list": (edit_bytes(CONFIG, lambda _: b"- 1"), rf"{CONFIG} holds no settings"),
    "config lacks a key": (edit_config(n_layer=None), rf"{CONFIG}: n_layer is missing"),
    "config with a wrong value": (
        edit_config(intermediate_size="many"),
        rf"{CONFIG}: intermediate_size is 'many', not a whole number above 0",
    ),
    "other architecture": (
        edit_config(norm_class_name="LayerNorm"),
        rf"{CONFIG}: norm_class_name is 'LayerNorm', but only 'RMSNorm'",
    ),
    "window of parts of chunks": (
        edit_config(sliding_window_size=300),
        rf"{CONFIG}: sliding_window_size is 300, not a multiple of 13",
    ),
    "window in some layers": (
        edit_config(sliding_window_size=312, sliding_window_indices=[1, 0]),
        rf"{CONFIG}: sliding_window_indices is \[1, 0\], not a window in every layer",
    ),
    "uneven heads": (edit_config(n_query_groups=3), rf"{CONFIG}: n_head 4 is not a multiple"),
    "more layers than tensors": (
        edit_config(n_layer=3),
        rf"{SHARD} lacks transformer\.h\.2",
    ),
    "missing tower config": (remove(OMNI), r"qwen25OmniConfig/config\.json is missing"),
    "tower config lacks a key": (
        edit_bytes(OMNI, lambda data: data.replace(b'"d_model"', b'"width"')),
        r"config\.json: d_model is missing",
    ),
    "tower config without its part": (
        edit_bytes(OMNI, lambda data: data.replace(b'"audio_config"', b'"sound_config"')),
        r"config\.json: the key audio_config is missing",
    ),
    "tower of another width": (
        edit_bytes(OMNI, lambda data: data.replace(b'"output_dim": 8', b'"output_dim": 16')),
        r"output_dim is 16, but n_embd .* is 8",
    ),
    "missing tower": (remove(TOWER_FILE), rf"{TOWER_FILE} is missing"),
    "tower cut": (edit_bytes(TOWER_FILE, lambda data: data[:-1000]), rf"{TOWER_FILE} is "),
    "tower emptied": (edit_bytes(TOWER_FILE, lambda _: b""), rf"{TOWER_FILE} is "),
    "tower's middle is gone": (
        edit_bytes(TOWER_FILE, lambda data: data[:20000] + data[40000:]),
        rf"{TOWER_FILE} is ",
    ),
    "tower lacks a key": (
        edit_tower(lambda t: {key: t[key] for key in t if key != "proj.bias"}),
        rf"{TOWER_FILE} .*proj\.bias is missing",
    ),
    "tower with an unknown key": (
        edit_tower(lambda t: t.update(extra=torch.zeros(1))),
        rf"{TOWER_FILE} .*the key extra is unknown",
    ),
    "tower of a wrong shape": (
        edit_tower(lambda t: t.update({"proj.bias": torch.zeros(9)})),
        rf"{TOWER_FILE} .*proj\.bias has shape \[9\], not \[8\]",
    ),
    "tower of a wrong type": (
        edit_tower(lambda t: t.update({"proj.bias": torch.zeros(8, dtype=torch.int32)})),
        rf"{TOWER_FILE} .*proj\.bias is torch\.int32",
    ),
    "tower is a list": (
        edit_tower(lambda t: list(t.values())),
        rf"{TOWER_FILE} .*no state dictionary",
    ),
    **{
        f"{name} beside": (add(name), rf"{name} is a pickle")
        for name in ("pytorch_model.bin", "state.pkl", "adapter.PT", "old.pth", "step.ckpt")
    },
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_wrong_is_named_in_one_sentence(folder: Path, case: str) -> None:
    damage, message = REFUSALS[case]
    damage(folder)
    with pytest.raises(ModelLoadError, match=message) as caught:
        load_checkpoint(folder, device="cpu", precision="float32")
    assert "\n" not in str(caught.value)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="nowhere is missing"):
        load_checkpoint(tmp_path / "nowhere", device="cpu", precision="bf16")


class Evil:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("archive", [True, False], ids=["archive", "bare pickle"])
def test_a_malicious_tower_runs_nothing(folder: Path, tmp_path: Path, archive: bool) -> None:
    trace = tmp_path / "was-here"
    state = {"conv1.weight": Evil(trace)}
    if archive:
        torch.save(state, folder / TOWER_FILE)
    else:
        (folder / TOWER_FILE).write_bytes(pickle.dumps(state, protocol=2))
    with pytest.raises(ModelLoadError, match=r"refused without running any of it"):
        load_checkpoint(folder, device="cpu", precision="float32")
    assert not trace.exists()
    # The trap works: what is refused above would have run.
    if not archive:
        pickle.loads((folder / TOWER_FILE).read_bytes())
        assert trace.exists()


def test_the_command_line_says_it_with_code_3(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / OTHER_SHARD).unlink()
    arguments = ["models", "convert", str(folder), str(tmp_path / "new"), "--device", "cpu"]
    assert main(arguments) == exit_codes.MODEL_TROUBLE
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert error[0].startswith(f"everlisten: {folder / OTHER_SHARD} is missing")
    assert not (tmp_path / "new").exists()


def test_tower_keys_are_those_of_transformers(tiny: Path) -> None:
    from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import (
        Qwen2_5OmniAudioEncoderConfig,
    )
    from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import Qwen2_5OmniAudioEncoder

    audio = json.loads((tiny / OMNI).read_text())["thinker_config"]["audio_config"]
    names = ("d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim")
    fields = {name: audio[name] for name in (*names, "output_dim", "num_mel_bins")}
    with torch.device("meta"):
        module = Qwen2_5OmniAudioEncoder(Qwen2_5OmniAudioEncoderConfig(**fields))
    shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    ours = tower_shapes(read_summary(tiny).tower_size)
    assert ours == {key: shape for key, shape in shapes.items() if key not in UNUSED_KEYS}
