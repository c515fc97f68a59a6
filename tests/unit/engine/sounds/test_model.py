"""The sound model hears a tone wherever it begins, at any level, and refuses what is no model."""

import json

import numpy as np
import pytest
import sound_fixture
from sound_fixture import THRESHOLD, chunks, hush, tone

from everlisten.engine.embedded.log_mel import LogMelStream
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.sounds import signal
from everlisten.engine.sounds.model import SoundModel


def readings(model, samples, state=None):
    state = model.new_state() if state is None else state
    return [model.step(chunk, state) for chunk in chunks(samples)]


def heard(model, reading):
    return {
        sound
        for sound, probability in zip(model.sounds, reading.probabilities, strict=True)
        if probability >= THRESHOLD and sound != "background"
    }


def test_what_the_file_says(model):
    assert model.sounds == sound_fixture.SOUNDS
    assert model.thresholds == dict.fromkeys(sound_fixture.SOUNDS, THRESHOLD)
    assert model.version == sound_fixture.VERSION
    assert model.embedding_width == sound_fixture.WIDTH


@pytest.mark.parametrize("sound", sound_fixture.TONES_HZ)
@pytest.mark.parametrize("gain", [0.02, 1.0, 2.0])
def test_each_tone_is_heard_over_40_db(model, sound, gain):
    """From 0.006 to 0.6 of full scale."""
    room = hush(2.0, 0.0003)
    state = model.new_state()
    quiet = readings(model, room, state)
    loud = readings(model, gain * tone(sound, 0.8) + room[:12800], state)
    assert heard(model, quiet[-1]) == set()
    assert heard(model, loud[-1]) == {sound}


def test_one_tone_is_heard_wherever_in_the_chunk_it_begins(model):
    for begin in range(0, 6400, 800):
        samples = np.concatenate((hush(0.8), hush(begin / 16000), tone("siren", 0.8)))
        assert "siren" in heard(model, readings(model, samples)[3])


def test_an_offset_or_a_few_bits_change_nothing(model):
    sound = np.concatenate((hush(0.8), tone("doorbell", 0.8, 0.1)))
    plain = readings(model, sound)[-1].probabilities
    shifted = readings(model, sound + np.float32(0.5))[-1].probabilities
    rough = readings(model, np.round(sound * 128) / np.float32(128))[-1].probabilities
    assert np.abs(plain - shifted).max() < 0.05
    assert np.abs(plain - rough).max() < 0.3


def test_the_frames_are_those_of_the_whole_stream(model, rng):
    """Forty a chunk, none twice, none left out."""
    samples = rng.uniform(-0.5, 0.5, 5 * 6400).astype(np.float32)
    state, inputs = model.new_state(), []
    for chunk in chunks(samples):
        model.step(chunk, state)
        newest = state.log_mel.total
        inputs.append(model._log_mel.frames(max(0, newest - 40), newest, state.log_mel))
    cleaner = signal.new_state()
    whole = LogMelStream()
    whole_state = whole.new_state()
    whole.step(np.concatenate([signal.step(c, cleaner).samples for c in chunks(samples)]),
               whole_state)  # fmt: skip
    assert [each.shape[1] for each in inputs] == [39, 40, 40, 40, 40]
    expected = whole.frames(0, whole_state.total, whole_state)
    assert np.abs(np.concatenate(inputs, axis=1) - expected).max() < 1e-4


def test_a_quiet_room_is_not_blown_up(model):
    state = model.new_state()
    model.step(hush(0.4, 1e-5), state)
    lowest = (-4.0 - 8.0 + 4.0) / 4.0
    assert model._input(state).min() >= lowest
    assert model._input(state).max() < 0.3


def test_what_was_loud_is_forgotten_after_half_a_minute(model):
    state = model.new_state()
    readings(model, tone("siren", 0.4, 0.9), state)
    readings(model, hush(29.2), state)
    lifted = model._input(state).min()
    readings(model, hush(0.8), state)
    assert model._input(state).min() < lifted - 0.3


def test_the_state_is_the_streams_own(model):
    one, other = model.new_state(), model.new_state()
    alone = readings(model, tone("music", 1.2))
    for index, chunk in enumerate(chunks(tone("music", 1.2))):
        mixed = model.step(chunk, one)
        model.step(chunks(tone("door", 1.2))[index], other)
        assert np.array_equal(mixed.embedding, alone[index].embedding)


def test_reset_equals_fresh(model):
    state = model.new_state()
    readings(model, tone("music", 1.2, 0.9) + np.float32(0.2), state)
    model.reset(state)
    again, fresh = readings(model, hush(1.2), state), readings(model, hush(1.2))
    for one, other in zip(again, fresh, strict=True):
        assert np.array_equal(one.probabilities, other.probabilities)
        assert np.array_equal(one.embedding, other.embedding)


def test_the_embedding_remembers(model):
    after_music = readings(model, np.concatenate((tone("music", 0.8), hush(0.4))))[-1].embedding
    after_door = readings(model, np.concatenate((tone("door", 0.8), hush(0.4))))[-1].embedding
    assert np.abs(after_music - after_door).max() > 0.01


def test_readings_belong_to_the_receiver(model):
    state = model.new_state()
    first = model.step(chunks(tone("music", 0.4))[0], state)
    before = first.probabilities.copy(), first.embedding.copy()
    model.step(chunks(tone("door", 0.4))[0], state)
    assert np.array_equal(first.probabilities, before[0])
    assert np.array_equal(first.embedding, before[1])


def test_the_samples_are_left_as_they_are(model):
    samples = tone("music", 0.4) + np.float32(0.3)
    before = samples.copy()
    model.step(samples, model.new_state())
    assert np.array_equal(samples, before)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_numbers_give_no_sound_and_are_forgotten(model, value):
    broken = tone("siren", 0.4)
    broken[100] = value
    state = model.new_state()
    reading = model.step(broken, state)
    assert reading.broken
    assert not reading.probabilities.any()
    later = readings(model, tone("siren", 0.8), state)
    assert not later[-1].broken
    assert heard(model, later[-1]) == {"siren"}


def test_digital_silence_gives_nothing(model):
    state = model.new_state()
    readings(model, tone("siren", 0.4), state)
    (reading,) = readings(model, np.zeros(6400, np.float32), state)
    assert not reading.probabilities.any()
    assert reading.broken == ""


def test_a_network_that_loses_its_way_starts_afresh(model):
    state = model.new_state()
    state.memory["level_in"][:] = np.nan
    reading = model.step(chunks(tone("siren", 0.4))[0], state)
    assert reading.broken
    assert np.isfinite(reading.embedding).all()
    assert heard(model, model.step(chunks(tone("siren", 0.4))[0], state)) == {"siren"}


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(ModelLoadError, match=r"sound model is missing .*nowhere\.onnx"):
        SoundModel(tmp_path / "nowhere.onnx")


def test_a_damaged_file_is_said(tmp_path, model_file):
    damaged = tmp_path / "damaged.onnx"
    whole = model_file.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\x00" * 100):
        damaged.write_bytes(content)
        with pytest.raises(ModelLoadError, match=r"damaged\.onnx"):
            SoundModel(damaged)


@pytest.mark.parametrize(
    "metadata",
    [
        {"sounds": "no JSON"},
        {"sounds": json.dumps(["siren"])},
        {"thresholds": json.dumps({"siren": 1.5})},
    ],
)
def test_a_model_that_does_not_say_what_it_knows_is_refused(tmp_path, metadata):
    path = sound_fixture.write_sound_model(tmp_path / "odd.onnx", metadata=metadata)
    with pytest.raises(ModelLoadError, match=r"odd\.onnx"):
        SoundModel(path)
