"""`everlisten eval alerts` from its options to its report, on a corpus that is made here."""

from __future__ import annotations

import csv
import json
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sound_fixture import THRESHOLD, tone, write_sound_model

from everlisten.app.cli import eval as evaluation
from everlisten.app.cli.parser import build_parser
from everlisten.app.config import ConfigError
from everlisten.app.exit_codes import BAD_INPUT, GOOD, MODEL_TROUBLE, exit_code_of
from everlisten.app.main import main
from everlisten.engine.errors import ModelLoadError
from everlisten.trainer.sounds import conditions, scene_plans, scenes
from everlisten.trainer.sounds.conditions import CONDITIONS
from everlisten.trainer.sounds.corpus import read_corpus
from everlisten.trainer.sounds.workforce import hear, workers

COLUMNS = ("path", "label", "seconds", "source", "licence", "author")
ESC = {"dog_bark": 0, "rooster": 1, "rain": 10}


def noise(seconds: float, seed: int) -> np.ndarray:
    return 0.02 * np.random.default_rng(seed).standard_normal(int(seconds * 16_000))


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Dogs (the tiny model's tone), cocks and rain in ESC-10's folds, and what fills a room."""
    folder = tmp_path_factory.mktemp("data")
    rows, speech = [], []
    for official in (1, 2):
        for label, number in ESC.items():
            for take in range(2):
                name = f"esc10/{official}-{100 * official + 10 * number + take}-A.ogg"
                sound = noise(5, take)
                if label == "dog_bark":
                    sound[16_000:48_000] += tone("dog_barking", 2.0)
                write(folder / "sounds" / name, sound)
                rows.append((name, label, 5.0, "ESC-10", "CC BY 3.0", ""))
    for number in range(10):
        for name, label in (("home-noise/double_mic_tap", "background"), ("music/piece", "music")):
            path = f"{name}{'abcdefghij'[number]}.ogg"
            write(folder / "sounds" / path, noise(6, number))
            rows.append((path, label, 6.0, "x", "x", "x"))
        path = f"librispeech-train-clean/{number}.ogg"
        write(folder / "speech" / path, noise(6, number))
        speech.append({"path": path, "seconds": "6.0", "speaker": str(number), "text": "",
                       "language": "en", "source": "x", "licence": "x"})  # fmt: skip
    table(folder / "sounds.csv", [dict(zip(COLUMNS, map(str, row), strict=True)) for row in rows])
    table(folder / "speech.csv", speech)
    return folder


def write(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 16_000)


def table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for fold in range(5):
        write_sound_model(folder / f"fold-{fold}.onnx")
    return folder


@pytest.fixture(scope="module", autouse=True)
def little():
    """Few scenes, and short ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene_plans, "_SYNTHETIC_COUNTS", {"smoke_alarm": 1, "co_alarm": 1})
        patch.setattr(scene_plans, "_OTHER_SYNTHETIC", 0)
        patch.setattr(scenes, "_EVENT_MINUTES", 0.4)
        patch.setattr(scenes, "_EVENTS", 2)
        patch.setattr(scene_plans, "_CHANGED_CLIPS", 1)
        patch.setattr(scene_plans, "_CHANGED_OTHERS", 1)
        patch.setattr(conditions, "_BROKEN_S", 4.0)
        patch.setattr(evaluation, "FOLDS", 2)
        yield


def evaluate(data: Path, out: Path, *options: object) -> dict:
    """Runs the verb on a little of everything; its report."""
    arguments = ["eval", "alerts", "--data", data, "--out", out, "--processes", 1, "--hours", 0.02]
    args = build_parser().parse_args([*map(str, (*arguments, *options))])
    assert evaluation.run(args) == GOOD
    report = out / "report.json"
    return json.loads(report.read_text("utf-8")) if report.exists() else {}


@pytest.fixture
def run(data, tmp_path, capsys):
    """Report and what was printed."""

    def run(*options: object) -> tuple[dict, str]:
        return evaluate(data, tmp_path / "out", *options), capsys.readouterr().out

    return run


@pytest.fixture(scope="module")
def once(data, models, tmp_path_factory) -> Path:
    """The folder of a run over two folds."""
    out = tmp_path_factory.mktemp("once")
    evaluate(data, out, "--folds", models, "--share", 0.999)
    return out


def test_each_fold_is_measured_with_its_own_model(once):
    report = json.loads((once / "report.json").read_text("utf-8"))
    dog = report["sounds"]["dog_barking"]
    assert dog["real"] == {"clips": 4, "groups": 4, "hits": 4, "recall": 1.0}
    assert report["sounds"]["smoke_alarm"]["synthesised"]["clips"] == 2
    assert report["streams"]["false alarms"] == report["streams"]["per hour"] == 0
    assert report["streams"]["unique most uses"] <= 4
    assert report["events"]["events"] == 4
    assert report["ESC-10"]["clips"] == 12
    assert report["speaking"]["always silent"]["balanced accuracy"] == 0.5
    assert report["folds"] == [0, 1]
    assert (once / "confusion.png").read_bytes().startswith(b"\x89PNG")
    outcomes = json.loads((once / "outcomes.json").read_text("utf-8"))
    assert {each["kind"] for each in outcomes} == {
        "clip", "changed clip", "broken signal", "stream", "other stream", "events"
    }  # fmt: skip
    assert report["broken signals"]["alerts"] == 0
    assert report["conditions"].keys() == {"as they are", *CONDITIONS}
    assert {found["alert clips"] for found in report["conditions"].values()} == {6}


def test_kept_readings_are_used_again(data, once, models, monkeypatch):
    first = json.loads((once / "report.json").read_text("utf-8"))

    def never(*arguments):
        raise AssertionError("a kept fold was played again")

    monkeypatch.setattr("everlisten.trainer.sounds.workforce.hear", never)
    options = ("--folds", models, "--share", 0.999)
    assert evaluate(data, once, *options) == first
    with pytest.raises(AssertionError, match="played again"):
        evaluate(data, once, *options, "--seed", 1)


def test_kept_readings_are_counted_without_the_model(run, once, tmp_path):
    first = json.loads((once / "report.json").read_text("utf-8"))
    kept = [once / f"readings-fold-{fold}.npz" for fold in range(2)]
    report, printed = run("--probabilities", *kept)
    assert {**report, "warnings": []} == {**first, "warnings": []}
    assert "| dog_barking |" in printed
    assert "always silent" in printed
    path = tmp_path / "thresholds.json"
    path.write_text(json.dumps({"dog_barking": 0.9999}))
    report, printed = run("--probabilities", kept[0], "--thresholds", path)
    assert report["folds"] == [0]
    assert report["sounds"]["dog_barking"]["real"]["hits"] == 0
    assert "Thresholds are those of thresholds.json." in printed


def test_folds_choose_their_thresholds_on_each_other(run, once, tmp_path):
    kept = [once / f"readings-fold-{fold}.npz" for fold in range(2)]
    report, printed = run("--probabilities", *kept, "--calibrate")
    assert report["sounds"]["dog_barking"]["real"]["hits"] == 4
    assert "chosen on the other folds" in printed
    thresholds = json.loads((tmp_path / "out" / "thresholds.json").read_text("utf-8"))
    assert thresholds["music"] == THRESHOLD
    assert 0 < thresholds["dog_barking"] < 1
    with pytest.raises(ConfigError, match="--calibrate needs several folds"):
        run("--probabilities", kept[0], "--calibrate")


def test_a_model_that_has_heard_everything_is_said_to_have(run, models, monkeypatch):
    monkeypatch.setattr(evaluation, "FOLDS", 1)
    report, printed = run("--model", models / "fold-0.onnx", "--share", "0.1")
    assert "was trained on these recordings" in printed
    assert len(report["warnings"]) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--hours", "0"), "--hours is 0; give more than 0"),
        (("--share", "1.5"), "--share is 1.5; give more than 0 and at most 1"),
        (("--psb", "x.jsonl"), "--psb and --audio go together"),
        (("--folds", "nowhere"), "nowhere lacks fold-0.onnx, .*; --folds needs all five"),
        (("--probabilities", "none.npz"), "none.npz holds no kept readings"),
        (("--probabilities", "a.npz", "--fold", "1"), "needs no model and no fold"),
        (("--psb", "x.jsonl", "--audio", "."), "The manifest x.jsonl cannot be read"),
    ],
)
def test_what_does_not_fit_is_one_sentence(run, options, sentence):
    with pytest.raises(ConfigError, match=sentence) as refused:
        run(*options)
    assert "\n" not in str(refused.value)
    assert exit_code_of(refused.value) == BAD_INPUT


def test_thresholds_that_make_no_sense_are_refused(run, once, tmp_path):
    path = tmp_path / "thresholds.json"
    for text, sentence in (
        ('{"theremin": 0.5}', "sounds that the model has not: theremin"),
        ('{"siren": 2}', "the threshold of siren is not between 0 and 1"),
        ("[1]", "cannot be read as thresholds"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=sentence):
            run("--probabilities", once / "readings-fold-0.npz", "--thresholds", path)


def test_missing_data_and_models_end_with_their_codes(run, models, tmp_path, capsys):
    out = ["--out", str(tmp_path / "o")]
    assert main(["eval", "alerts", "--data", str(tmp_path / "none"), *out]) == BAD_INPUT
    assert "sounds.csv is missing" in capsys.readouterr().err
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no model")
    with pytest.raises(ModelLoadError, match="damaged") as refused:
        run("--model", damaged, "--fold", 0)
    assert exit_code_of(refused.value) == MODEL_TROUBLE


def test_predictions_for_the_benchmarks_own_scorer(run, models, tmp_path, capsys):
    manifest = tmp_path / "manifest.jsonl"
    rows = [("a1", "RESPOND", "siren"), ("b2", "IGNORE", ""), ("c3", "RESPOND", None)]
    lines = [
        json.dumps({"id": i, "path": f"./root/Traffic/Vehicle/{d}/{i}.wav", "decision": d})
        for i, d, _ in rows
    ]
    manifest.write_text("\n".join(lines))
    for name, decision, sound in rows:
        if sound is not None:
            samples = tone(sound, 2.0) if sound else noise(2, 1)
            write(tmp_path / f"audio/Traffic/Vehicle/{decision}/{name}.wav", samples)
    _, printed = run(
        "--psb", manifest, "--audio", tmp_path / "audio", "--model", models / "fold-0.onnx"
    )
    lines = (tmp_path / "out" / "predictions.jsonl").read_text("utf-8").splitlines()
    replies = {row["id"]: row["_raw_reply"] for row in map(json.loads, lines)}
    assert replies.keys() == {"a1", "b2"}
    assert replies["a1"].startswith("<Decision>RESPOND</Decision>\n<Reply>Siren")
    assert replies["b2"].startswith("<Decision>IGNORE</Decision>")
    assert "| Traffic | 2 | 1.000 | 0.500 | 1.000 | 0.000 | 1.000 |" in printed


@pytest.mark.slow
def test_processes_hear_what_one_hears(data, models):
    corpus = read_corpus(data)
    plans = scene_plans.plans_of(
        corpus, 0, 3, scene_plans.SceneAmounts(stream_s=0.0, event_streams=0)
    )[:3]
    found = []
    for processes in (1, 2):
        with workers(data, models / "fold-0.onnx", processes) as apply:
            found.append([each.readings.probabilities for each in apply(hear, plans)])
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one, other)
    resource_tracker._resource_tracker._stop()  # multiprocessing's own, else left until the exit
