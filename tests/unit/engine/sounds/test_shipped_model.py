"""The weights that ship: they know every sound, and warn of nothing where nothing can be known."""

import numpy as np
import pytest
import soundfile
from sound_fixture import chunks, hush

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.catalogue import URGENT_REPLY, shipped_alerts
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.events import SoundAlert
from everlisten.engine.sounds.detector import SoundDetector
from everlisten.engine.sounds.model import SoundModel, shipped_model
from everlisten.engine.sounds.vocabulary import shipped_sounds

LARGEST_BYTES = 25_000_000
SECONDS = 8.0


@pytest.fixture(scope="module")
def model():
    return SoundModel()


@pytest.fixture(scope="module")
def speech(repository):
    samples, _ = soundfile.read(
        repository / "assets" / "demo" / "scene.flac", dtype="float32", always_2d=True
    )
    return samples[: round(SECONDS * 16000), 0]


def told(model, samples):
    detector = SoundDetector(model, AlertPolicy())
    state = detector.new_state("s")
    events = []
    for index, chunk in enumerate(chunks(samples)):
        events += detector.step(chunk, index * 0.4, (index + 1) * 0.4, SourceName.MIC, state)
    return {one.sound for one in events if isinstance(one, SoundAlert)}


def test_it_knows_every_sound(model):
    assert set(model.sounds) == set(shipped_sounds())
    assert set(shipped_alerts()) - {URGENT_REPLY} <= set(model.sounds)
    assert all(0.0 < one < 1.0 for one in model.thresholds.values())


def test_it_is_small():
    assert shipped_model().stat().st_size <= LARGEST_BYTES


def broken(kind, samples):
    rng = np.random.default_rng(5)
    match kind:
        case "no numbers":
            return np.where(rng.random(len(samples)) < 0.01, np.nan, samples).astype(np.float32)
        case "digital silence":
            return np.zeros_like(samples)
        case "an offset":
            return np.full_like(samples, 0.6)
        case "at the rail":
            return np.ones_like(samples)
        case "far overdriven noise":
            return (1000 * rng.standard_normal(len(samples))).astype(np.float32)
        case "a quiet room":
            return hush(SECONDS)
        case "clipped speech":
            return np.clip(10 * samples, -1.0, 1.0)
        case "speech with an offset":
            return np.clip(samples + 0.5, -1.0, 1.0).astype(np.float32)
        case "speech 40 dB down":
            return samples * np.float32(0.01)
        case "speech of a telephone":
            spectrum = np.fft.rfft(samples)
            spectrum[len(spectrum) * 34 // 80 :] = 0.0
            return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


@pytest.mark.parametrize(
    "kind",
    [
        "no numbers",
        "digital silence",
        "an offset",
        "at the rail",
        "far overdriven noise",
        "a quiet room",
        "clipped speech",
        "speech with an offset",
        "speech 40 dB down",
        "speech of a telephone",
    ],
)
def test_it_warns_of_nothing(model, speech, kind):
    assert told(model, broken(kind, speech)) == set()
