"""From samples to alerts and captions; whatever the signal, no alert from a broken one."""

import numpy as np
import pytest
import sound_fixture
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_fixture import (
    WIDTH,
    chunks,
    hush,
    pulses,
    temporal_four,
    temporal_three,
    tone,
)

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.events import SoundAlert, SoundHeard
from everlisten.engine.sounds.detector import SoundDetector, taught_entry
from everlisten.engine.sounds.narration import Narration
from everlisten.engine.sounds.taught import Estimate, TaughtHeads, TaughtSound


@pytest.fixture
def detector(model):
    return SoundDetector(model, AlertPolicy(), Narration())


def hear(detector, samples, state=None, begin_s=0.0):
    """Events of a whole sound."""
    state = detector.new_state("s1") if state is None else state
    events = []
    for index, chunk in enumerate(chunks(samples)):
        number = index + round(begin_s / 0.4)
        events += detector.step(chunk, number * 0.4, (number + 1) * 0.4, SourceName.MIC, state)
    return events


def told(events):
    return {one.sound for one in events if isinstance(one, SoundAlert)}


def narrated(events):
    return {one.sound for one in events if isinstance(one, SoundHeard)}


def in_room(*sounds, deviation=0.001):
    samples = np.concatenate((hush(1.2, deviation), *sounds, hush(1.2, deviation)))
    return samples + hush(len(samples) / 16000, deviation)


def taught_head(sound="taught-00000001", weight=8.0, severity="warning"):
    """A head that reacts to the loudness of the tiny model's first embedding value."""
    weights = np.zeros(2 * WIDTH, np.float32)
    weights[0] = weight
    return TaughtSound(
        id=sound, name="Kettle", severity=severity, enabled=True, weights=weights, bias=0.0, span=1,
        threshold=0.5, examples=3, version=sound_fixture.VERSION, created_at=0.0,
        estimate=Estimate(
            trials=3, recognised=3, recall=1.0, false_alarms=0, background_hours=1.0
        ),
        embeddings=np.zeros((3, WIDTH), np.float16),
    )  # fmt: skip


@pytest.mark.parametrize(
    "sound", ["siren", "baby_crying", "scream", "doorbell", "dog_barking", "gunshot"]
)
def test_a_sound_becomes_its_alert_and_no_other(detector, sound):
    events = hear(detector, in_room(tone(sound, 2.0)))
    assert told(events) == {sound}
    first = next(one for one in events if isinstance(one, SoundAlert))
    assert first.source is SourceName.MIC
    assert first.start_s == pytest.approx(1.2)
    assert first.emitted_s <= 1.2 + 0.4 * 3


def test_other_sounds_become_captions(detector):
    events = hear(detector, in_room(tone("music", 2.0)))
    assert (told(events), narrated(events)) == (set(), {"music"})
    assert hear(detector, in_room(tone("speech", 3.0))) == []


def test_a_quiet_room_is_nothing(detector):
    assert hear(detector, hush(20.0)) == []


def test_a_smoke_alarm_is_told_within_a_second_of_its_first_pattern(detector):
    """Also where the model, on its own, finds beeps of an appliance likelier."""
    events = hear(detector, in_room(pulses("smoke_alarm", temporal_three(0.0), 8.0)))
    assert told(events) == {"smoke_alarm"}
    first = next(one for one in events if isinstance(one, SoundAlert))
    assert first.emitted_s - 1.2 <= 2.5 + 1.0
    last = [one for one in events if isinstance(one, SoundAlert)][-1]
    assert "three pulses and a pause" in last.why


def test_a_carbon_monoxide_alarm_is_told_within_a_second_of_its_first_burst(detector):
    events = hear(detector, in_room(pulses("co_alarm", temporal_four(0.0, 1), 3.0)))
    assert told(events) == {"co_alarm"}
    first = next(one for one in events if isinstance(one, SoundAlert))
    assert first.emitted_s - 1.2 <= 0.7 + 1.0


def test_one_beep_at_a_smoke_alarms_pitch_is_none(detector):
    assert told(hear(detector, in_room(tone("smoke_alarm", 0.3), hush(5.0)))) == set()


def test_pieces_of_a_stream_equal_the_whole(detector):
    samples = in_room(tone("siren", 2.0), hush(2.0), tone("dog_barking", 1.0))
    state = detector.new_state("s1")
    half = 7 * 6400
    events = hear(detector, samples[:half], state)
    events += hear(detector, samples[half:], state, begin_s=2.8)
    assert events == hear(detector, samples)


def test_reset_equals_fresh(detector):
    samples = in_room(tone("siren", 2.0), tone("music", 2.0))
    state = detector.new_state("s1")
    first = hear(detector, samples, state)
    detector.reset(state)
    assert hear(detector, samples, state) == first
    assert first


def test_a_gap_begins_the_models_stream_anew(detector, model):
    state = detector.new_state("s1")
    hear(detector, tone("music", 2.0), state)
    hear(detector, tone("door", 0.4), state, begin_s=30.0)
    fresh = detector.new_state("s1")
    hear(detector, tone("door", 0.4), fresh)
    assert np.array_equal(state.embedding, fresh.embedding)
    assert state.heard == fresh.heard


def test_the_end_of_the_sound_ends_alerts(detector):
    state = detector.new_state("s1")
    hear(detector, tone("siren", 2.0), state)
    (last,) = detector.flush(state)
    assert not last.ongoing


# Broken signals


def broken(samples, kind):
    rng = np.random.default_rng(3)
    match kind:
        case "nan":
            return np.where(rng.random(len(samples)) < 0.01, np.nan, samples).astype(np.float32)
        case "infinite":
            return np.where(rng.random(len(samples)) < 0.001, np.inf, samples).astype(np.float32)
        case "silence":
            return np.zeros_like(samples)
        case "offset":
            return np.full_like(samples, 0.7)
        case "rail":
            return np.ones_like(samples)
        case "overdriven":
            return (1000 * rng.standard_normal(len(samples))).astype(np.float32)
        case "huge":
            return (samples * np.float32(3e38)).astype(np.float32)


@pytest.mark.parametrize("kind", ["nan", "infinite", "silence", "offset", "rail", "overdriven"])
@pytest.mark.parametrize("sound", ["smoke_alarm", "gunshot", "siren"])
def test_a_broken_signal_gives_no_alert(detector, kind, sound):
    with np.errstate(all="ignore"):
        samples = broken(tone(sound, 8.0), kind)
    state = detector.new_state("s1")
    assert told(hear(detector, samples, state)) == set()
    after = hear(detector, in_room(tone("siren", 2.0)), state, begin_s=8.0)
    assert told(after) == {"siren"}, "it recovers"


@pytest.mark.parametrize("gain", [0.01, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_a_loud_or_faint_alarm_with_an_offset_is_told(detector, gain, offset):
    sound = in_room(pulses("smoke_alarm", temporal_three(0.0), 8.0), deviation=0.00005)
    samples = np.clip(gain * sound + offset, -1.0, 1.0).astype(np.float32)
    assert told(hear(detector, samples)) == {"smoke_alarm"}


def test_a_source_of_8_khz_gives_nothing_else(detector):
    """Nothing above 4 kHz, as from an old telephone."""
    spectrum = np.fft.rfft(in_room(tone("baby_crying", 2.0), tone("music", 1.2)))
    spectrum[len(spectrum) // 2 :] = 0.0
    samples = np.fft.irfft(spectrum).astype(np.float32)
    assert told(hear(detector, samples)) == {"baby_crying"}


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["hush", "siren", "nan", "infinite", "silence", "offset", "rail", "overdriven",
                 "huge"]
            ),
            st.integers(1, 3),
        ),
        min_size=1,
        max_size=8,
    )
)  # fmt: skip
def test_no_signal_makes_it_fail(model, parts):
    detector = SoundDetector(model, AlertPolicy(), Narration())
    with np.errstate(all="ignore"):
        samples = np.concatenate([
            hush(0.4 * n) if kind == "hush" else
            tone("siren", 0.4 * n) if kind == "siren" else broken(tone("siren", 0.4 * n), kind)
            for kind, n in parts
        ])  # fmt: skip
    for event in hear(detector, samples):
        assert np.isfinite([event.start_s, event.end_s, event.confidence]).all()


# Taught sounds and counter-examples


def test_a_taught_sound_is_told(model, detector):
    loudest = np.argmax([hear_embedding(model, name)[0] for name in ("music", "door")])
    name = ("music", "door")[loudest]
    value = hear_embedding(model, name)[0]
    head = taught_head(weight=20.0 / max(value, 1e-3) if value > 0 else -20.0 / max(-value, 1e-3))
    detector.set_taught(TaughtHeads([head]))
    events = hear(detector, tone(name, 2.0))
    alert = next(one for one in events if isinstance(one, SoundAlert))
    assert (alert.sound, alert.label, alert.severity) == (head.id, "Kettle", "warning")
    detector.set_taught(None)
    assert head.id not in told(hear(detector, tone(name, 2.0)))


def hear_embedding(model, name):
    state = model.new_state()
    return [model.step(chunk, state) for chunk in chunks(tone(name, 1.2))][-1].embedding


def test_taught_sounds_may_change_while_it_listens(detector):
    state = detector.new_state("s1")
    hear(detector, hush(1.2), state)
    detector.set_taught(TaughtHeads([taught_head()]))
    hear(detector, hush(1.2), state, begin_s=1.2)
    detector.set_taught(TaughtHeads([taught_head(), taught_head("taught-00000002")]))
    hear(detector, hush(1.2), state, begin_s=2.4)
    assert state.heads is not None
    assert len(state.heads.sounds) == 2


def test_a_taught_sound_is_silent_in_digital_silence(detector):
    detector.set_taught(TaughtHeads([taught_head(weight=0.0)]))  # 0.5 whatever is heard
    assert told(hear(detector, hush(1.2)))
    assert told(hear(detector, np.zeros(6400 * 5, np.float32))) == set()


def test_taught_words():
    entry = taught_entry(taught_head(severity="emergency"))
    assert (entry.label["zh"], entry.emotion, entry.hits) == ("Kettle", "urgent", 1)
    assert entry.advice["en"]
    assert entry.escalate_s > 0


class Counter:
    """Says of everything that it is like a counter-example of `sound`."""

    def __init__(self, sound, penalty):
        self.sound, self.amount, self.asked = sound, penalty, []

    def penalty(self, sound, embedding):
        self.asked.append(sound)
        return self.amount if sound == self.sound else 0.0

    def add(self, sound, samples, embeddings):
        raise AssertionError


def test_what_is_like_a_counter_example_must_be_surer(model):
    counter = Counter("siren", 30.0)
    detector = SoundDetector(model, AlertPolicy(), None, None, counter)
    assert told(hear(detector, in_room(tone("siren", 2.0)))) == set()
    assert told(hear(detector, in_room(tone("doorbell", 2.0)))) == {"doorbell"}
    counter.amount = 0.0
    assert told(hear(detector, in_room(tone("siren", 2.0)))) == {"siren"}
    assert set(counter.asked) <= set(detector.policy.entries), "only of what may be told"


# Tests that the user asks for


def test_a_test_is_marked_and_narrates_nothing(detector):
    detector.policy.settings = AlertSettings(switched_off=frozenset({"siren"}))
    rehearsed = detector.for_test("siren")
    state = rehearsed.new_state("s1", test=True)
    events = hear(rehearsed, in_room(tone("siren", 2.0), tone("music", 3.0)), state)
    assert told(events) == {"siren"}
    assert narrated(events) == set()
    assert all(one.id.startswith("test-") for one in events)


def test_the_rhythm_is_looked_at_only_where_it_matters(detector, monkeypatch):
    from everlisten.engine.sounds import rhythm

    asked = []
    monkeypatch.setattr(rhythm, "rhythm", lambda samples: asked.append(len(samples)))
    hear(detector, in_room(tone("music", 2.0)))
    assert asked == []
    hear(detector, in_room(tone("smoke_alarm", 2.0)))
    assert asked
