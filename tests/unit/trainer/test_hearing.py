"""Kept readings: the policy over them tells what the program's own detector tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sound_fixture import (
    chunks,
    hush,
    pulses,
    temporal_four,
    temporal_three,
    tone,
    write_sound_model,
)

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.catalogue import shipped_alerts
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.events import SoundAlert
from everlisten.engine.sounds.detector import SoundDetector
from everlisten.engine.sounds.model import SoundModel
from everlisten.trainer.sounds.esc10 import ClipReading
from everlisten.trainer.sounds.hearing import (
    Recording,
    alerts,
    facts_of,
    readings_of,
    replayed,
)
from everlisten.trainer.sounds.outcomes import Event, Outcome
from everlisten.trainer.sounds.recordings import FoldRecordings, read_fold, write_fold
from everlisten.trainer.sounds.scene_plans import Material

CHUNK_S = 0.4
SECONDS = 44.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> SoundModel:
    return SoundModel(write_sound_model(tmp_path_factory.mktemp("model") / "tiny.onnx"))


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Alarms for smoke and CO, a dog, odd beeps at an alarm's pitch, a microwave, clipping."""
    stage = hush(SECONDS)
    put(stage, 2.0, pulses("smoke_alarm", temporal_three(), 8.0))
    put(stage, 12.0, tone("dog_barking", 1.2))
    put(stage, 16.0, pulses("smoke_alarm", [(0.0, 0.2), (0.5, 0.7)], 1.0))
    put(stage, 22.0, pulses("co_alarm", temporal_four(), 7.0))
    put(stage, 32.0, pulses("appliance_beep", [(0.0, 0.5), (1.0, 1.5), (2.0, 2.5)], 3.0))
    put(stage, 38.0, tone("siren", 3.0, level=1.5))
    return stage


def put(stage: np.ndarray, at_s: float, samples: np.ndarray) -> None:
    begin = round(at_s * 16_000)
    stage[begin : begin + len(samples)] += samples


def detected(model: SoundModel, samples: np.ndarray) -> list[SoundAlert]:
    """Every alert as the detector first tells it."""
    detector = SoundDetector(model, AlertPolicy())
    state = detector.new_state("evaluation")
    told: dict[str, SoundAlert] = {}
    for number, chunk in enumerate(chunks(samples)):
        start_s, end_s = number * CHUNK_S, (number + 1) * CHUNK_S
        for event in detector.step(chunk, start_s, end_s, SourceName.MIC, state):
            if isinstance(event, SoundAlert):
                told.setdefault(event.id, event)
    return list(told.values())


def test_the_policy_over_kept_readings_is_the_detector(
    model: SoundModel, samples: np.ndarray
) -> None:
    wanted = detected(model, samples)
    assert {"smoke_alarm", "dog_barking", "siren"} <= {each.sound for each in wanted}
    assert alerts(readings_of(model, samples), facts_of(model)) == wanted


def test_alerts_are_told_when_they_are_told(model: SoundModel, samples: np.ndarray) -> None:
    outcome = Outcome(
        kind="clip", name="x", fold=0, seconds=SECONDS, sound="smoke_alarm",
        events=(Event(sound="smoke_alarm", onset_s=2.0, offset_s=9.5),),
    )  # fmt: skip
    recording = Recording(outcome, readings_of(model, samples))
    found = replayed(recording, facts_of(model))
    assert replace(found, told=()) == outcome
    assert [each.at_s for each in found.told] == [a.emitted_s for a in detected(model, samples)]
    dogs = {"dog_barking": shipped_alerts()["dog_barking"]}
    assert {each.sound for each in replayed(recording, facts_of(model), dogs).told} == set(dogs)


def test_a_fold_is_read_back_as_it_was_written(
    model: SoundModel, samples: np.ndarray, tmp_path: Path
) -> None:
    outcome = Outcome(
        kind="clip", name="x", fold=3, seconds=4.0, sound="siren", group="g", synthetic=True,
        unsure=("engine",), events=(Event(sound="siren", onset_s=1.0, offset_s=2.0),),
    )  # fmt: skip
    rng = np.random.default_rng(1)
    scenes = [
        Recording(replace(outcome, name=str(n)), readings_of(model, samples[: n * 6400]))
        for n in (2, 5)
    ]
    clip = ClipReading(4, 2, *(rng.random(size).astype(np.float32) for size in (10, 10, 6)))
    fold = FoldRecordings(
        key="k", fold=3, facts=facts_of(model), scenes=tuple(scenes), clips=(clip,),
        material=Material(files=2, seconds=9.0, most_uses=1),
    )  # fmt: skip
    path = tmp_path / "fold.npz"
    write_fold(path, fold)
    found = read_fold(path, "k")
    assert found is not None
    assert (found.key, found.fold, found.facts, found.material) == (
        "k", 3, fold.facts, fold.material
    )  # fmt: skip
    for one, other in zip(found.scenes, scenes, strict=True):
        assert one.outcome == other.outcome
        for name in ("probabilities", "broken", "rhythms"):
            assert np.array_equal(getattr(one.readings, name), getattr(other.readings, name))
    assert (found.clips[0].label, found.clips[0].official_fold) == (4, 2)
    assert np.array_equal(found.clips[0].features, clip.features)


def test_a_file_for_something_else_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "fold.npz"
    assert read_fold(path, "k") is None
    path.write_bytes(b"no archive")
    assert read_fold(path, "k") is None
    np.savez(path, about=np.array('{"format": 0, "key": "k"}'))
    assert read_fold(path, "k") is None
