"""The language model's step: any cut of the rows, any company, and transformers give the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any

import laim_rig
import pytest
import torch
from laim_reference import CAN_COMPILE, LogitStep, compiled_graphs, compiler
from torch import Tensor
from transformers import Qwen2Config, Qwen2ForCausalLM

from everlisten.engine.laim import tokens
from everlisten.engine.laim.key_map import CONVERTED_KEYS, LAYER_PARTS, LayerPart
from everlisten.engine.laim.language_model import rotary_table
from everlisten.engine.laim.reading import SAMPLED_AMONG, RowReading, inadmissible_text
from everlisten.engine.laim.step import RowBlock, StepMode
from everlisten.engine.laim.weights import LanguageModelSize, LanguageModelWeights, LayerWeights

TOLERANCE = 2e-3
"""Of float32 logits with a deviation of 1.2, summed in another order; attention this sharp makes
rounding of 1e-6 a few hundred times larger. Rows that look one position too far are off by 0.5 in
the middle."""
WINDOW = 256
SLOTS = 5
SIZE = LanguageModelSize(
    layers=3, width=32, query_heads=8, kv_heads=2, head_width=4, feed_forward=48,
    vocabulary=151_936, norm_eps=1e-6, rope_base=1e6,
)  # fmt: skip


def new_step(
    weights: LanguageModelWeights | None = None, mode: StepMode = "eager", lanes: int = 3
) -> LogitStep:
    chosen = laim_rig.weights() if weights is None else weights
    return LogitStep(chosen, slots=SLOTS, positions=WINDOW, lanes=lanes, mode=mode)


def stream(chunks: int, seed: int = 1) -> tuple[tuple[int, ...], Tensor]:
    """Ids and audio embeddings of a prefix and so many silent chunks."""
    turn = (*tokens.CHUNK_TOKENS, tokens.KEEP_SILENCE)
    numbers = torch.Generator().manual_seed(seed)
    sound = torch.randn(chunks * tokens.AUDIO_TOKENS, laim_rig.SIZE.width, generator=numbers)
    return (*laim_rig.PREFIX, *turn * chunks), sound


def block(
    ids: Sequence[int], sound: Tensor | None, begin: int, end: int, slot: int = 0
) -> RowBlock:
    """Rows `begin` to `end` of a stream, all of them read."""
    features = None
    if sound is not None:
        first, last = (sum(id_ == tokens.PAD for id_ in ids[:cut]) for cut in (begin, end))
        features = sound[first:last] if last > first else None
    return RowBlock(
        slot=slot, position=begin, tokens=ids[begin:end], features=features,
        read=tuple(range(end - begin)),
    )  # fmt: skip


def feed(
    step: LogitStep, ids: Sequence[int], sound: Tensor | None, size: int = 104, slot: int = 0
) -> tuple[Tensor, list[RowReading]]:
    """Feed a stream in passes of `size` rows; its logits [N, V] and readings."""
    logits, readings = [], []
    for begin in range(0, len(ids), size):
        end = min(begin + size, len(ids))
        readings += step.forward([block(ids, sound, begin, end, slot)])[0]
        logits.append(step.logits)
    return torch.cat(logits), readings


def assert_close(ours: Tensor, wanted: Tensor) -> None:
    assert ours.shape == wanted.shape
    assert (ours - wanted).abs().max() < TOLERANCE


def assert_same_readings(ours: Iterable[RowReading], wanted: Iterable[RowReading]) -> None:
    for one, other in zip(ours, wanted, strict=True):
        assert (one.emotion, one.token) == (other.emotion, other.token)
        assert abs(one.score - other.score) < TOLERANCE


@pytest.mark.parametrize("size", [1, 3, 13, 50])
def test_chunked_equals_whole(size: int) -> None:
    ids, sound = stream(15)
    assert len(ids) > LogitStep.max_rows
    whole, wanted = feed(new_step(), ids, sound)
    step = new_step()
    cut, readings = feed(step, ids, sound, size)
    assert_close(cut, whole)
    assert_same_readings(readings, wanted)


def test_blocks_of_one_pass_equal_each_alone() -> None:
    streams = [stream(3, seed) for seed in range(4)]
    already, lengths = (20, 7, 1, 33), (1, 13, 14, 9)
    together, alone = new_step(), new_step()
    for slot, ((ids, sound), count) in enumerate(zip(streams, already, strict=True)):
        for step in (together, alone):
            feed(step, ids[:count], sound, slot=slot)
    blocks = [
        block(ids, sound, begin, begin + length, slot)
        for slot, ((ids, sound), begin, length) in enumerate(
            zip(streams, already, lengths, strict=True)
        )
    ]
    readings = together.forward(blocks)
    logits = together.logits.view(len(blocks), max(lengths), -1)
    for one, said, rows in zip(blocks, readings, logits, strict=True):
        (wanted,) = alone.forward([one])
        assert_close(rows[: len(wanted)], alone.logits)
        assert_same_readings(said, wanted)
    for name in ("keys", "values"):
        assert_close(
            getattr(together.cache, name)[..., :WINDOW, :],
            getattr(alone.cache, name)[..., :WINDOW, :],
        )


@pytest.fixture
def full_cache() -> LogitStep:
    """Something at every position of every slot, as after a long stream."""
    step = new_step()
    fill(step)
    return step


def fill(step: LogitStep) -> None:
    numbers = torch.Generator().manual_seed(2)
    for tensor in (step.cache.keys, step.cache.values):
        tensor.copy_(torch.randn(tensor.shape, generator=numbers))


def assert_untouched(step: LogitStep, before: Tensor, written: dict[int, range]) -> None:
    """Every position but those that the blocks wrote is bit for bit what it was."""
    changed = (step.cache.keys != before).any(dim=4).any(dim=2).any(dim=0)[:, :WINDOW]
    wanted = torch.zeros_like(changed)
    for slot, positions in written.items():
        wanted[slot, positions.start : positions.stop] = True
    assert torch.equal(changed, wanted)


def test_padding_never_touches_the_live_cache(full_cache: LogitStep) -> None:
    ids, sound = stream(3)
    before = full_cache.cache.keys.clone()
    full_cache.forward(
        [
            replace(block(ids, sound, 7, 20), slot=0),
            RowBlock(slot=2, position=WINDOW - 1, tokens=(500,), read=(0,)),
            RowBlock(slot=4, position=0, tokens=(501, 502), read=(0, 1)),
        ]
    )
    written = {0: range(7, 20), 2: range(WINDOW - 1, WINDOW), 4: range(2)}
    assert_untouched(full_cache, before, written)


@pytest.mark.skipif(not CAN_COMPILE, reason="g++ or Python.h is not installed")
def test_compiled_passes_of_a_fixed_shape_equal_eager_ones() -> None:
    """Short blocks are filled up to 13 rows, one alone and two together."""
    graphs = compiled_graphs()
    with compiler():
        fast, plain = new_step(mode="compiled", lanes=1), new_step()
        for step in (fast, plain):
            fill(step)
        before = fast.cache.keys.clone()
        passes = (
            [RowBlock(slot=0, position=3, tokens=(600, 601, 602, 603, 604), read=(4,))],
            [
                RowBlock(slot=3, position=9, tokens=(605, 606), read=(1,)),
                RowBlock(slot=1, position=240, tokens=tuple(range(610, 623)), read=(12,)),
            ],
        )
        for blocks in passes:
            for ours, wanted in zip(fast.forward(blocks), plain.forward(blocks), strict=True):
                assert_same_readings(ours, wanted)
            assert_close(fast.logits, plain.logits)
    assert_untouched(fast, before, {0: range(3, 8), 3: range(9, 11), 1: range(240, 253)})
    assert compiled_graphs() >= graphs + len(passes)


def test_rows_look_at_nothing_behind_them(full_cache: LogitStep) -> None:
    """A slot full of what is left of another stream is as good as an empty one."""
    ids, sound = stream(4)
    assert_close(feed(full_cache, ids, sound, 13)[0], feed(new_step(), ids, sound, 13)[0])


def test_cut_back_and_overwritten_equals_a_fresh_run() -> None:
    first, sound = stream(8)
    other, other_sound = stream(8, seed=5)
    kept = len(laim_rig.PREFIX) + 3 * 13
    heard = 3 * tokens.AUDIO_TOKENS
    mixed_ids = (*first[:kept], *other[kept:], 700, 701)
    mixed_sound = torch.cat((sound[:heard], other_sound[heard:]))
    cut, fresh = new_step(), new_step()
    feed(cut, first, sound)
    feed(fresh, mixed_ids[:kept], mixed_sound)
    rest = block(mixed_ids, mixed_sound, kept, len(mixed_ids))
    (ours,), (wanted,) = cut.forward([rest]), fresh.forward([rest])
    assert_close(cut.logits, fresh.logits)
    assert_same_readings(ours, wanted)


def test_a_copied_slot_goes_on_by_itself(full_cache: LogitStep) -> None:
    ids, sound = stream(3)
    step, length = full_cache, 30
    feed(step, ids, sound, slot=1)
    before = step.cache.keys.clone()
    step.copy(1, 3, length)
    assert torch.equal(step.cache.keys[:, 3, :, :length], before[:, 1, :, :length])
    assert torch.equal(step.cache.values[:, 3, :, :length], step.cache.values[:, 1, :, :length])
    assert_untouched(step, before, {3: range(length)})

    going_on = RowBlock(slot=3, position=length, tokens=(800, 801), read=(1,))
    step.forward([going_on])
    copied = step.logits
    step.forward([replace(going_on, slot=1)])
    assert torch.equal(copied, step.logits)


def test_text_is_left_out_where_it_is_not_wanted() -> None:
    ids, sound = stream(4)
    silent, speaking = new_step(), new_step()
    one = block(ids, sound, 0, len(ids))
    (with_text,), (without,) = speaking.forward([one]), silent.forward([replace(one, text=False)])
    assert {reading.token for reading in without} == {-1}
    assert [(each.score, each.emotion) for each in without] == [
        (each.score, each.emotion) for each in with_text
    ]
    assert torch.equal(silent.cache.keys, speaking.cache.keys)


def test_the_head_sees_only_the_rows_that_are_read() -> None:
    """Its matrix is the largest of all; a chunk's 13 rows need one row of it."""
    ids, sound = stream(1)
    step = new_step()
    one = block(ids, sound, 0, len(ids))
    step.forward([one])
    whole = step.logits
    step.forward([replace(one, read=(len(ids) - 1,))])
    assert step.logits.shape[0] == 1
    assert_close(step.logits, whole[-1:])


# ---- what is chosen --------------------------------------------------------------------------


def among(logits: Tensor) -> tuple[Tensor, Tensor]:
    """The three likeliest admissible tokens [3] of logits [V], and those logits."""
    refused = inadmissible_text(len(logits), logits.device)
    best = logits.masked_fill(refused, -torch.inf).topk(SAMPLED_AMONG)
    return best.indices, best.values


def test_without_temperature_the_likeliest_is_taken() -> None:
    ids, sound = stream(6)
    logits, readings = feed(new_step(), ids, sound)
    assert [each.token for each in readings] == [int(among(row)[0][0]) for row in logits]
    assert len({each.token for each in readings}) > 3


DRAWS = 60
PASSES = 15


@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_samples_follow_the_softmax_of_the_three_likeliest(temperature: float) -> None:
    """Chi-square of the counts; a greedy lane in the same passes stays greedy."""
    weights = scaled_head(0.4)
    step = new_step(weights)
    counts: dict[int, int] = {}
    drawn = RowBlock(slot=0, position=0, tokens=(900,), read=(0,) * DRAWS, temperature=temperature)
    greedy = RowBlock(slot=1, position=0, tokens=(900,), read=(0,))
    for _ in range(PASSES):
        samples, (fixed,) = step.forward([drawn, greedy])
        for each in samples:
            counts[each.token] = counts.get(each.token, 0) + 1
        ids, logits = among(step.logits[0])
        assert fixed.token == ids[0]
    assert counts.keys() <= set(ids.tolist())
    wanted = torch.softmax(logits / temperature, dim=0) * DRAWS * PASSES
    assert wanted.min() > 20, "or the test would not see the third"
    found = torch.tensor([counts.get(id_, 0) for id_ in ids.tolist()])
    assert ((found - wanted) ** 2 / wanted).sum() < 13.8  # one in a thousand, 2 degrees of freedom


def test_temperature_touches_neither_decision_nor_emotion() -> None:
    """Whether to speak is never drawn by lot."""
    ids, sound = stream(6)
    step = new_step()
    one = block(ids, sound, 0, len(ids))
    (cold,), (hot,) = step.forward([one]), step.forward([replace(one, temperature=5.0)])
    assert [(each.score, each.emotion) for each in hot] == [
        (each.score, each.emotion) for each in cold
    ]
    assert [each.token for each in hot] != [each.token for each in cold]


def test_seeds_draw_differently_and_the_same_seed_the_same() -> None:
    def drawn(seed: int) -> list[int]:
        step = LogitStep(scaled_head(0.4), slots=1, positions=4, lanes=1, seed=seed)
        one = RowBlock(slot=0, position=0, tokens=(900,), read=(0,) * 50, temperature=1.0)
        return [each.token for each in step.forward([one])[0]]

    assert drawn(1) == drawn(1) != drawn(2)


def scaled_head(factor: float) -> LanguageModelWeights:
    weights = laim_rig.weights()
    head = weights.head
    assert isinstance(head, Tensor)
    return replace(weights, head=head * factor, control_rows=weights.control_rows * factor)


def loud(ids: Sequence[int]) -> LanguageModelWeights:
    """Weights with which these ids' logits are the largest after every row.

    A constant in the first place of every embedding comes out of the last norm about as large,
    whatever the layers add; there those ids' head rows listen.
    """
    weights = laim_rig.weights()
    head = weights.head
    assert isinstance(head, Tensor)
    embedding, head = weights.embedding.clone(), head.clone()
    embedding[:, 0] = 50.0
    head[:, 0] = 0.0
    head[torch.tensor(list(ids), dtype=torch.int64), 0] = 10.0
    rows = head[list(tokens.CONTROL_CHOICES)]
    return replace(weights, embedding=embedding, head=head, control_rows=rows)


NEVER_TEXT = {
    "control ids": tokens.CONTROL_IDS,
    "specials": [tokens.TEXT_BEGIN, 151645, tokens.OFFLINE_PAD, tokens.AUDIO_BEGIN],
    "padding of the vocabulary": range(151_665, 151_936),
}


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("name", NEVER_TEXT)
def test_what_is_no_text_is_never_chosen(name: str, temperature: float) -> None:
    step = new_step(loud(NEVER_TEXT[name]))
    ids = tuple(range(1000, 1020))
    one = replace(block(ids, None, 0, len(ids)), temperature=temperature)
    (readings,) = step.forward([one])
    refused = set(NEVER_TEXT[name])
    for row, reading in zip(step.logits, readings, strict=True):
        assert int(row.argmax()) in refused, "else the test shows nothing"
        assert reading.token in among(row)[0].tolist()
        assert reading.token not in refused


def test_the_end_is_text_although_it_is_a_special_token() -> None:
    step = new_step(loud([tokens.TEXT_END]))
    (readings,) = step.forward([block(range(1000, 1010), None, 0, 10)])
    assert {each.token for each in readings} == {tokens.TEXT_END}


def test_every_id_is_text_or_not() -> None:
    refused = inadmissible_text(151_936, torch.device("cpu"))
    text = set(range(tokens.TEXT_VOCABULARY)) - set(tokens.CONTROL_IDS) | {tokens.TEXT_END}
    assert set((~refused).nonzero().flatten().tolist()) == text


def test_only_two_tokens_decide_and_only_emotions_are_felt() -> None:
    """Whatever else the model finds likeliest changes neither score nor emotion."""
    ids = tuple(range(1000, 1020))
    loudest = set(range(151_936)) - set(tokens.CONTROL_CHOICES)
    step, quiet = new_step(loud(sorted(loudest))), new_step(loud([]))
    (readings,) = step.forward([block(ids, None, 0, len(ids))])
    (wanted,) = quiet.forward([block(ids, None, 0, len(ids))])
    for row, reading in zip(step.logits, readings, strict=True):
        assert int(row.argmax()) in loudest, "else the test shows nothing"
        assert abs(reading.score - float(row[tokens.TEXT_BEGIN] - row[tokens.KEEP_SILENCE])) < 1e-3
        assert reading.emotion in tuple(tokens.Emotion)
    assert [each.emotion for each in readings] == [each.emotion for each in wanted]
    assert all(abs(a.score - b.score) < 1e-3 for a, b in zip(readings, wanted, strict=True))


# ---- against transformers --------------------------------------------------------------------


@cache
def theirs() -> Qwen2ForCausalLM:
    config = Qwen2Config(
        hidden_size=SIZE.width,
        intermediate_size=SIZE.feed_forward,
        num_hidden_layers=SIZE.layers,
        num_attention_heads=SIZE.query_heads,
        num_key_value_heads=SIZE.kv_heads,
        vocab_size=SIZE.vocabulary,
        rms_norm_eps=SIZE.norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": SIZE.rope_base},
        tie_word_embeddings=False,
    )
    model = Qwen2ForCausalLM(config).eval()
    numbers = torch.Generator().manual_seed(4)
    # Fresh norms and biases are ones and zeros, which would hide a mix-up.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=numbers) * 0.4)
    return model


def ours(state: dict[str, Tensor]) -> LanguageModelWeights:
    """transformers' tensors by the key map of the converted layout."""

    def part(name: LayerPart, layer: int) -> Tensor:
        return torch.cat([state[key] for key in CONVERTED_KEYS.keys(name, layer)])

    layers = tuple(
        LayerWeights(**{name: part(name, layer) for name in LAYER_PARTS})
        for layer in range(SIZE.layers)
    )
    embedding, norm, head = (state[CONVERTED_KEYS.keys(name)[0]] for name in _OUTSIDE)
    return LanguageModelWeights(
        size=SIZE, embedding=embedding, layers=layers, norm=norm, head=head,
        control_rows=head[list(tokens.CONTROL_CHOICES)],
    )  # fmt: skip


_OUTSIDE = ("embedding", "norm", "head")


@pytest.mark.parametrize("size", [1, 13, 104])
def test_logits_equal_transformers(size: int) -> None:
    model = theirs()
    ids, _ = stream(15)
    numbers = torch.Generator().manual_seed(9)
    sound = torch.randn(15 * tokens.AUDIO_TOKENS, SIZE.width, generator=numbers)
    embedded = model.get_input_embeddings().weight[list(ids)].detach().clone()
    embedded[torch.tensor(ids) == tokens.PAD] = sound
    with torch.inference_mode():
        wanted = model(inputs_embeds=embedded[None]).logits[0]
    weights = ours({key: value.detach() for key, value in model.state_dict().items()})
    logits, _ = feed(new_step(weights), ids, sound, size)
    assert wanted.std() > 0.5
    assert_close(logits, wanted)


def test_positions_are_exact_however_far() -> None:
    """Rounded to float16, as in the released code, a third of them would share their angles."""
    count = 32_768
    table = rotary_table(SIZE, count, torch.device("cpu")).double()
    exponents = torch.arange(0, SIZE.head_width, 2).double() / SIZE.head_width
    angles = torch.arange(count).double()[:, None] * SIZE.rope_base**-exponents
    assert (table[0] - angles.cos()).abs().max() < 1e-6
    assert (table[1] - angles.sin()).abs().max() < 1e-6
    fastest = torch.stack((table[0, :, 0], table[1, :, 0]), dim=1)
    assert len(fastest.unique(dim=0)) == count


def test_angles_stay_float32_beside_bf16_weights() -> None:
    """bfloat16 has 8 bits for an angle: positions next to each other would become one."""
    seen: list[torch.dtype] = []
    weights = in_bfloat16(laim_rig.weights())
    step = new_step(weights)
    rotate = step._operations.rotate_store

    def note(*arguments: Any) -> Tensor:
        places = arguments[4]
        seen.extend((places.cos.dtype, places.sin.dtype))
        return rotate(*arguments)

    step._operations.rotate_store = note  # type: ignore[method-assign]
    step.forward([block(range(1000, 1010), None, 0, 10)])
    assert step.cache.keys.dtype == torch.bfloat16
    assert set(seen) == {torch.float32}


def in_bfloat16(weights: LanguageModelWeights) -> LanguageModelWeights:
    def halved(value: Any) -> Any:
        tensors = {
            field.name: getattr(value, field.name).bfloat16()
            for field in fields(value)
            if isinstance(getattr(value, field.name), Tensor)
        }
        return replace(value, **tensors)

    return replace(halved(weights), layers=tuple(halved(layer) for layer in weights.layers))
