"""Nano's weights as a checkpoint of the big model's layout: `engine.laim` runs it as it is.

`python -m everlisten.trainer.sounds.released_checkpoint --weights nano-all.pt --out FOLDER`

The token layout's control ids are fixed, so embedding and head have the big model's 151,936 rows.
Names are single tokens. The bytes that a tokenizer must have lie behind the control ids, where no
text is ever chosen from: nano cannot spell. All other rows are nobody's: read, they are zeros;
said, they are copies of KEEP_SILENCE's, which is never right within a reply, whereas zeros, a logit
of 0, would win over every trained one below.

What nano never read: TEXT_END, which gets the embedding of KEEP_SILENCE, since both end a chunk's
rows; and what stands before the first chunk, which no chunk sees (`engine.laim.horizon`).
"""

from __future__ import annotations

import argparse
import json
import pickle
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim import tokens
from everlisten.engine.laim.key_map import RELEASED_KEYS, LayerPart
from everlisten.engine.laim.parts import SYSTEM_FILE
from everlisten.engine.laim.released_layout import INDEX_FILE, write_configurations
from everlisten.engine.laim.sizes import RELEASED_LANGUAGE_MODEL, TowerSize
from everlisten.engine.laim.tensor_file import TensorFileWriter, TensorSpec
from everlisten.engine.laim.text import TOKENIZER_FILE, byte_characters
from everlisten.engine.laim.tower_weights import TOWER_FILE
from everlisten.engine.laim.weights import LanguageModelSize
from everlisten.engine.sounds.vocabulary import shipped_sounds
from everlisten.trainer.sounds.labels import SOUNDS
from everlisten.trainer.sounds.log_mel import CHUNK_FRAMES
from everlisten.trainer.sounds.nano import EMOTIONS, WINDOW, Nano, Vocabulary
from everlisten.trainer.sounds.network import ROWS

_FIRST_NAME = 256
"""The tokenizer counts added tokens on from the number of its others, which are the bytes."""
_FIRST_BYTE = tokens.AUDIO_END + 1
_NORM_EPS, _ROPE_BASE = 1e-6, 10_000.0
_SHARD = "model-00001-of-00001.safetensors"
_LAYER: dict[LayerPart, tuple[str, ...]] = {
    "input_norm": ("norm_1.weight",),
    "qkv": ("qkv.weight",),
    "qkv_bias": ("qkv.bias",),
    "out": ("out.weight",),
    "post_norm": ("norm_2.weight",),
    "gate_up": ("gate.weight", "up.weight"),
    "down": ("down.weight",),
}
"""Nano's names of a layer's tensors, in the order of `RELEASED_KEYS`."""
_TOWER_LAYER = {
    "attention_norm": "self_attn_layer_norm",
    "out": "self_attn.out_proj",
    "feed_norm": "final_layer_norm",
    "up": "fc1",
    "down": "fc2",
}


def token_ids(vocabulary: Vocabulary) -> list[int]:
    """Token id of every row of nano's vocabulary."""
    names = range(_FIRST_NAME, _FIRST_NAME + vocabulary.names)
    emotions = (tokens.Emotion[name.upper()] for name in EMOTIONS)
    return [*names, *emotions, tokens.TEXT_BEGIN, tokens.KEEP_SILENCE, tokens.TEXT_END]


def write_checkpoint(nano: Nano, folder: Path) -> None:
    """Write a checkpoint in half precision, as the weights are kept.

    Args:
        nano: That knows `labels.SOUNDS`.
        folder: New or empty; whole once its configuration is there.

    Raises:
        ModelLoadError: The folder is in use or cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ModelLoadError(f"{folder} exists and is not empty; choose a new folder")
    weights = {key: value.detach().half() for key, value in nano.state_dict().items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_language_model(folder, dict(_language_model(weights, nano.vocabulary)))
        torch.save(dict(_tower(weights)), folder / TOWER_FILE)
        _tokenizer().save(str(folder / TOKENIZER_FILE))
        (folder / SYSTEM_FILE).write_text("", encoding="utf-8")
        write_configurations(folder, _size(nano), _tower_size(nano), name="nano")
    except OSError as error:
        raise ModelLoadError(
            f"{folder} could not be written: {error.strerror or error}; choose another folder"
        ) from error


def read_weights(path: Path) -> Nano:
    """What `trainer.sounds.train` wrote for nano.

    Raises:
        ModelLoadError: The file is missing, damaged or holds another network.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        nano = Nano(int(stored["candidate"]["ear"]["layers"]), len(SOUNDS))
        nano.load_state_dict(stored["weights"])
    except FileNotFoundError as error:
        raise ModelLoadError(f"{path} is missing; train nano first") from error
    # A damaged archive raises whatever its reader stumbled over.
    except (
        OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError,
        pickle.UnpicklingError,
    ) as error:  # fmt: skip
        raise ModelLoadError(
            f"{path} holds no weights of nano as it is now; train it again with --candidate nano"
        ) from error
    return nano.eval()


def _language_model(
    weights: dict[str, Tensor], vocabulary: Vocabulary
) -> Iterator[tuple[str, Tensor]]:
    """Every tensor by litgpt's names."""
    model = RELEASED_KEYS.model
    ids = token_ids(vocabulary)
    words, markers, outlet = (weights[key] for key in ("words", "markers", "outlet.weight"))
    rows = RELEASED_LANGUAGE_MODEL.vocabulary
    embedding = torch.zeros(rows, words.shape[1], dtype=words.dtype)
    embedding[ids[: len(words)]] = words
    read = [tokens.AUDIO_BEGIN, tokens.ASSISTANT, tokens.KEEP_SILENCE, tokens.TEXT_BEGIN]
    embedding[read] = markers
    embedding[tokens.TEXT_END] = embedding[tokens.KEEP_SILENCE]
    yield model["embedding"], embedding
    head = outlet[vocabulary.keep_silence].repeat(rows, 1)
    head[ids] = outlet
    yield model["head"], head
    yield model["norm"], weights["norm.weight"]
    for number in range(_layers(weights, "layers")):
        for part, names in _LAYER.items():
            keys = RELEASED_KEYS.keys(part, number)
            for key, name in zip(keys, names, strict=True):
                yield key, weights[f"layers.{number}.{name}"]


def _tower(weights: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Every tensor by Qwen2.5-Omni's names.

    The keys' bias is left out: it adds the same to all scores of a row, and so nothing. So does the
    bias for a chunk's age, where there is one chunk.
    """

    def pair(ours: str, theirs: str) -> Iterator[tuple[str, Tensor]]:
        for kind in ("weight", "bias"):
            yield f"{theirs}.{kind}", weights[f"{ours}.{kind}"]

    count = _layers(weights, "encoder.layers")
    for name in ("conv1", "conv2"):
        yield from pair(f"encoder.{name}", name)
    for number in range(count):
        ours, theirs = f"encoder.layers.{number}", f"layers.{number}"
        for name, named in _TOWER_LAYER.items():
            yield from pair(f"{ours}.{name}", f"{theirs}.{named}")
        for kind in ("weight", "bias"):
            parts = weights[f"{ours}.qkv.{kind}"].chunk(3)
            for letter, part in zip("qkv", parts, strict=True):
                if (letter, kind) != ("k", "bias"):
                    # A copy: saved, a view would take the others with it.
                    yield f"{theirs}.self_attn.{letter}_proj.{kind}", part.clone()
    yield from pair(f"encoder.norms.{count - 1}", "ln_post")
    yield from pair("projection", "proj")


def _layers(weights: dict[str, Tensor], prefix: str) -> int:
    depth = prefix.count(".") + 1
    return len({key.split(".")[depth] for key in weights if key.startswith(f"{prefix}.")})


def _size(nano: Nano) -> LanguageModelSize:
    weights = nano.state_dict()
    _, heads, _, head_width = nano.state_shapes()[1]
    return LanguageModelSize(
        layers=_layers(weights, "layers"),
        width=len(weights["norm.weight"]),
        query_heads=heads,
        kv_heads=heads,
        head_width=head_width,
        feed_forward=len(weights["layers.0.gate.weight"]),
        vocabulary=RELEASED_LANGUAGE_MODEL.vocabulary,
        norm_eps=_NORM_EPS,
        rope_base=_ROPE_BASE,
        window_chunks=WINDOW,
    )


def _tower_size(nano: Nano) -> TowerSize:
    weights = nano.state_dict()
    width, mel_bins, _ = weights["encoder.conv1.weight"].shape
    return TowerSize(
        width=width,
        layers=_layers(weights, "encoder.layers"),
        heads=len(weights["encoder.layers.0.age_bias"]),
        feed_forward=len(weights["encoder.layers.0.up.weight"]),
        mel_bins=mel_bins,
        n_window=CHUNK_FRAMES // 2,
        positions=ROWS,
        output_width=len(weights["projection.weight"]),
    )


def _write_language_model(folder: Path, tensors: dict[str, Tensor]) -> None:
    specs = {key: TensorSpec(each.dtype, tuple(each.shape)) for key, each in tensors.items()}
    with closing(TensorFileWriter(folder / _SHARD, specs, {"format": "pt"})) as writer:
        for key, each in tensors.items():
            writer.write(key, each)
    index = {"metadata": {}, "weight_map": dict.fromkeys(tensors, _SHARD)}
    (folder / INDEX_FILE).write_text(json.dumps(index, indent=1), encoding="utf-8")


def _tokenizer() -> Tokenizer:
    """The English names of the sounds, in their order, and bytes for everything else."""
    characters = byte_characters().items()
    bytes_ = {character: _FIRST_BYTE + byte for byte, character in characters}
    tokenizer = Tokenizer(BPE(vocab=bytes_, merges=[]))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = ByteLevelDecoder()
    names = [shipped_sounds()[sound].label["en"] for sound in SOUNDS]
    added = [AddedToken(name, single_word=True, normalized=False, special=False) for name in names]
    tokenizer.add_tokens(added)
    found = [tokenizer.token_to_id(name) for name in names]
    assert found == [*range(_FIRST_NAME, _FIRST_NAME + len(SOUNDS))], found
    return tokenizer


def main() -> None:
    """Write what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="nano-all.pt of train")
    parser.add_argument("--out", type=Path, required=True, help="new folder")
    args = parser.parse_args()
    try:
        write_checkpoint(read_weights(args.weights), args.out)
    except ModelLoadError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
