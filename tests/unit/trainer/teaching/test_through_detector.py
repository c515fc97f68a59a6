"""A taught sound is told by the program's own detector, until the user says it is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from sound_fixture import chunks, hush, tone, write_sound_model

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.events import SoundAlert
from everlisten.engine.sounds.counter_examples import CounterExamples
from everlisten.engine.sounds.detector import SoundDetector
from everlisten.engine.sounds.model import SoundModel
from everlisten.engine.sounds.taught import TaughtHeads, pooled
from everlisten.trainer.teaching.background import build_background
from everlisten.trainer.teaching.embedder import embed
from everlisten.trainer.teaching.lesson import teach
from everlisten.trainer.teaching.refit import sounding

pytestmark = pytest.mark.usefixtures("few_copies")


@pytest.fixture(scope="module")
def onnx(tmp_path_factory):
    """A real ONNX file that hears tones."""
    return SoundModel(write_sound_model(tmp_path_factory.mktemp("model") / "sound.onnx"))


def kettle(rng, seconds=2.0):
    """Two tones at once, which no sound of the model is."""
    both = tone("music", seconds) * rng.uniform(0.5, 1) + tone("door", seconds)
    return (both * rng.uniform(0.3, 0.9) + rng.standard_normal(len(both)) * 1e-3).astype(np.float32)


@pytest.fixture(scope="module")
def elsewhere(onnx):
    rng = np.random.default_rng(3)
    recordings = [
        part
        for _ in range(12)
        for name in ("music", "door", "laughter", "speech")
        for part in (tone(name, rng.uniform(1, 4), rng.uniform(0.05, 0.5)), hush(2.0))
    ]
    return build_background(onnx, recordings)


def alerts(onnx, sound, samples, counter=None):
    heads = TaughtHeads([replace(sound, enabled=True)], version=onnx.version)
    detector = SoundDetector(onnx, AlertPolicy(), None, heads, counter)
    state = detector.new_state("s1")
    stream = chunks(np.concatenate((hush(2.0), samples, hush(1.2))))
    told = [
        event
        for index, chunk in enumerate(stream)
        for event in detector.step(chunk, index * 0.4, (index + 1) * 0.4, SourceName.MIC, state)
    ]
    return [event for event in told if isinstance(event, SoundAlert)]


def test_it_is_told_by_its_name(onnx, elsewhere):
    rng = np.random.default_rng(4)
    examples = [kettle(rng) for _ in range(3)]
    sound = teach(examples, "Kettle", onnx, elsewhere, severity="warning", advice="Take it off.")
    assert sound.estimate.recognised == 3
    told = alerts(onnx, sound, kettle(rng))
    assert {event.sound for event in told} == {sound.id}
    assert told[0].label == "Kettle"
    assert (told[0].severity, told[0].advice) == ("warning", "Take it off.")
    assert told[0].emitted_s - 2.0 <= 2.4, "within the window that it looks back on"
    for other in ("music", "door", "laughter"):
        assert not alerts(onnx, sound, tone(other))


def test_not_this_sound_raises_its_bar(onnx, elsewhere, tmp_path):
    rng = np.random.default_rng(5)
    sound = teach([kettle(rng) for _ in range(3)], "Kettle", onnx, elsewhere)
    counter = CounterExamples(tmp_path / "not-this", *elsewhere.statistics(), onnx.version)
    clip = kettle(rng)
    rows = embed(onnx, np.concatenate((hush(2.0), clip, hush(1.2))))
    logits = pooled(rows, sound.span) @ sound.weights
    sound = replace(sound, bias=2.0 - float(logits.max()))  # at most 88 % sure
    before = alerts(onnx, sound, clip, counter)
    counter.add(sound.id, clip, sounding(onnx, clip))
    after = alerts(onnx, sound, clip, counter)
    assert before
    assert not after
    counter.forget(sound.id)
    assert len(alerts(onnx, sound, clip, counter)) == len(before)
