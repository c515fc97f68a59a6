"""Proactive-Sound-Bench: its manifest, and predictions in the form that its scorer reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sound_fixture import tone, write_sound_model

from everlisten.engine.events import SoundAlert
from everlisten.engine.sounds.model import SoundModel
from everlisten.trainer.sounds.proactive_bench import (
    Item,
    ManifestError,
    Prediction,
    find_audio,
    predict,
    read_manifest,
    score,
    scores,
    write_predictions,
)

MANIFEST = "data/proactive-sound-bench/proactive_reply_benchmark.jsonl"
CLIPS = {"smoke alarm": True, "door bell": True, "balloon": False, "button": False}
"""Descriptions of the manifest, and whether the tiny model should speak on what stands for them."""


def decision_of(raw: str) -> str:
    """What the benchmark's scorer takes from a raw reply: nothing where the tag is not closed."""
    found = re.search(r"<\s*Decision\s*>(.*?)<\s*/\s*Decision\s*>", raw, re.I | re.S)
    word = re.search(r"\b(RESPOND|IGNORE)\b", found[1], re.I) if found else None
    return word[1].upper() if word else ""


@pytest.fixture(scope="module")
def items(shared: Path) -> list[Item]:
    return read_manifest(shared / MANIFEST)


def test_the_real_manifest(items: list[Item]) -> None:
    assert len(items) == 644
    assert sum(item.respond for item in items) == 267
    nothing = scores([Prediction(item, ()) for item in items])
    assert nothing["all"].accuracy == nothing["all"].always_ignore
    assert {name: round(100 * each.accuracy, 1) for name, each in nothing.items()} == {
        "Daily Living Sounds": 75.1, "Equipment": 52.9, "Human Sound Signals": 53.2, "Music": 53.3,
        "Nature & Environment": 47.6, "Traffic": 55.1, "all": 58.5,
    }  # fmt: skip
    assert nothing["all"].balanced == 0.5


def test_some_clips_are_there(items: list[Item], shared: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (shared / MANIFEST).read_text("utf-8").splitlines()]
    wanted = {row["description"]: row for row in rows if row["description"] in CLIPS}
    for description, row in wanted.items():
        path = tmp_path / row["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        speaks = CLIPS[description]
        sound = tone("siren", 2.0, noise=0.01) if speaks else 0.001 * np.ones(32_000, np.float32)
        stereo = np.stack((sound, sound), axis=1).repeat(3, axis=0)  # 48 kHz
        soundfile.write(path, stereo, 48_000)
    audio, missing = find_audio(items, tmp_path)
    assert len(audio) == 4
    assert len(missing) == 640
    ticks: list[int] = []
    model = SoundModel(write_sound_model(tmp_path / "tiny.onnx"))
    predictions = predict(items, audio, model, tick=lambda: ticks.append(1))
    assert len(ticks) == 4
    found = score(predictions)
    assert (found.wanted, found.answered, found.unwanted, found.false) == (2, 2, 2, 0)
    assert found.accuracy == 1.0

    write_predictions(tmp_path / "predictions.jsonl", predictions)
    lines = (tmp_path / "predictions.jsonl").read_text("utf-8").splitlines()
    written = {row["id"]: row for row in map(json.loads, lines)}
    for description, row in wanted.items():
        raw = written[row["id"]]["_raw_reply"]
        assert decision_of(raw) == ("RESPOND" if CLIPS[description] else "IGNORE")
        assert re.search(r"<Reply>.+</Reply>", raw)
    assert "siren" in written[wanted["smoke alarm"]["id"]]["reply"].lower()


def test_counts_by_hand() -> None:
    alert = SoundAlert(id="1", session="s", sound="siren", label="Siren", advice="Look out.")

    def prediction(domain: str, respond: bool, spoken: bool) -> Prediction:
        return Prediction(Item("x", Path("x.wav"), domain, respond), (alert,) if spoken else ())

    found = scores(
        [
            prediction("Traffic", True, True),
            prediction("Traffic", True, False),
            prediction("Traffic", False, True),
            prediction("Music", False, False),
            prediction("Music", False, False),
        ]
    )
    assert found["Traffic"].accuracy == pytest.approx(1 / 3)
    assert found["Traffic"].always_ignore == pytest.approx(1 / 3)
    assert found["Traffic"].recall == 0.5
    assert found["Traffic"].false_rate == 1.0
    assert found["Traffic"].balanced == 0.25
    assert found["Music"].accuracy == 1.0
    assert found["all"].accuracy == 0.6
    assert found["all"].false_rate == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "names no clip"),
        ("not JSON", "line 1: give id, path and decision"),
        ('{"id": "1", "path": "./a/b/c.wav", "decision": "MAYBE"}', "line 1: give id"),
        ('{"id": "1", "decision": "IGNORE"}', "line 1: give id"),
    ],
)
def test_a_bad_manifest_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(text)
    with pytest.raises(ManifestError, match=sentence):
        read_manifest(path)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path / "none.jsonl")
    with pytest.raises(ManifestError, match="There is no folder"):
        find_audio([], tmp_path / "none")
