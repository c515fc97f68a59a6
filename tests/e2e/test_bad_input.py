"""Bad input gets one clear sentence and the right exit code, never a traceback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("demo_run")]

RATE_HZ = 16_000


def everlisten(*args, env=None, timeout=60):
    return subprocess.run(
        [sys.executable, "-m", "everlisten.app", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {})},
        check=False,
    )


def assert_refused(result, code, *words):
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("everlisten: ")
    for word in words:
        assert word in lines[0]


@pytest.fixture
def speech(demo_scene):
    """The first 9 s of the demo scene: one English sentence."""
    samples, rate_hz = soundfile.read(demo_scene, dtype="float32")
    return samples[: 9 * rate_hz], rate_hz


def test_missing_file():
    assert_refused(
        everlisten("listen", "no-such.wav", "--fast"), 2, "no-such.wav", "does not exist"
    )


def test_empty_file(tmp_path):
    path = tmp_path / "empty.wav"
    path.touch()
    assert_refused(everlisten("listen", path, "--fast"), 2, "empty.wav", "empty")


def test_file_without_samples(tmp_path):
    path = tmp_path / "nothing.wav"
    soundfile.write(path, np.zeros(0, np.float32), RATE_HZ)
    assert_refused(everlisten("listen", path, "--fast"), 2, "nothing.wav", "no sound")


def test_text_file(tmp_path):
    path = tmp_path / "letter.wav"
    path.write_text("Dear Everlisten,\n" * 100)
    assert_refused(everlisten("listen", path, "--fast"), 2, "letter.wav", "not a sound file")


def test_folder(tmp_path):
    assert_refused(everlisten("listen", tmp_path, "--fast"), 2, "is a folder")


def test_unknown_language(demo_scene):
    result = everlisten("listen", demo_scene, "--fast", "--language", "klingon")
    assert_refused(result, 2, "klingon", "German")


def test_target_that_needs_the_big_model(demo_scene):
    result = everlisten("listen", demo_scene, "--fast", "--translate", "fr")
    assert_refused(result, 2, "French", "big model", "--translate en")


def test_unknown_subtitle_format(demo_scene, tmp_path):
    result = everlisten("listen", demo_scene, "--fast", "--srt", tmp_path / "out.doc")
    assert_refused(result, 2, "out.doc", ".srt")


def test_subtitles_for_a_folder_that_is_not_there(demo_scene, tmp_path):
    result = everlisten("listen", demo_scene, "--fast", "--srt", tmp_path / "none" / "out.srt")
    assert_refused(result, 2, "no folder", "out.srt")


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_seconds_that_never_end(demo_scene, seconds):
    result = everlisten("listen", demo_scene, "--fast", f"--seconds={seconds}")
    assert_refused(result, 2, "--seconds", "more than 0")


def test_unknown_model(demo_scene):
    result = everlisten("listen", demo_scene, "--fast", "--model", "giant")
    assert_refused(result, 2, "giant", "embedded")


def test_unknown_model_of_the_catalogue():
    assert_refused(everlisten("models", "verify", "giant"), 2, "giant", "whisper-base")


def test_unknown_session(tmp_path):
    result = everlisten("history", "export", "nope", tmp_path / "a.srt")
    assert_refused(result, 2, "nope", "history list")


def test_damaged_weights_are_refused_by_name(demo_scene, data_dir):
    assert everlisten("models", "list").returncode == 0
    folder = data_dir / "models" / "whisper-base"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"not a model")
    result = everlisten("listen", demo_scene, "--fast")
    assert_refused(result, 3, "model.bin", "whisper-base")


def test_damaged_configuration_names_key_value_and_choices(demo_scene, config_dir):
    config_dir.mkdir()
    (config_dir / "config.yaml").write_text("listen:\n  source: radio\n")
    result = everlisten("listen", demo_scene, "--fast")
    assert_refused(result, 2, "source", "radio", "mic, system, both")


def test_unknown_key_in_the_configuration(demo_scene, config_dir):
    config_dir.mkdir()
    (config_dir / "config.yaml").write_text("listen:\n  volume: 11\n")
    assert_refused(everlisten("listen", demo_scene, "--fast"), 2, "volume", "language")


def test_unreadable_yaml(demo_scene, config_dir):
    config_dir.mkdir()
    (config_dir / "config.yaml").write_text("listen: [\n")
    assert_refused(everlisten("listen", demo_scene, "--fast"), 2, "config.yaml")


def test_data_folder_that_cannot_be_written(demo_scene, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    result = everlisten(
        "listen", demo_scene, "--fast", env={"EVERLISTEN_DATA_DIR": str(blocked / "data")}
    )
    assert_refused(result, 2, str(blocked))


def test_unknown_device(sound_server):
    result = everlisten("listen", "--source", "mic", "--microphone", "Golden Ear")
    assert_refused(result, 4, "Golden Ear")


def test_no_sound_server_at_all(tmp_path):
    nowhere = {"PULSE_SERVER": f"unix:{tmp_path}/none", "XDG_RUNTIME_DIR": str(tmp_path)}
    result = everlisten("listen", "--source", "system", env=nowhere)
    assert result.returncode == 4, result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("name", "subtype"), [("a.wav", "PCM_16"), ("a.flac", "PCM_24"), ("a.ogg", "VORBIS")]
)
def test_formats(speech, tmp_path, name, subtype):
    samples, rate_hz = speech
    path = tmp_path / name
    soundfile.write(path, samples, rate_hz, subtype=subtype)
    assert "printing" in captions_of(path)


def test_eight_channels(speech, tmp_path):
    samples, rate_hz = speech
    path = tmp_path / "eight.wav"
    soundfile.write(path, np.repeat(samples[:, None], 8, axis=1), rate_hz)
    assert "printing" in captions_of(path)


def test_192_khz(speech, tmp_path):
    import soxr

    samples, rate_hz = speech
    path = tmp_path / "fine.wav"
    soundfile.write(path, soxr.resample(samples, rate_hz, 192_000), 192_000)
    assert "printing" in captions_of(path)


def test_samples_that_are_no_numbers(speech, tmp_path):
    samples, rate_hz = speech
    samples = np.concatenate([samples, np.full(rate_hz, np.nan, np.float32)])
    path = tmp_path / "nan.wav"
    soundfile.write(path, samples, rate_hz, subtype="FLOAT")
    assert "printing" in captions_of(path)


def test_one_sample(tmp_path):
    path = tmp_path / "one.wav"
    soundfile.write(path, np.ones(1, np.float32), RATE_HZ)
    assert captions_of(path) == ""


def test_truncated_file_says_what_it_holds(speech, tmp_path):
    samples, rate_hz = speech
    whole = tmp_path / "whole.wav"
    soundfile.write(whole, np.concatenate([samples, samples]), rate_hz)
    cut = tmp_path / "cut.wav"
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) * 6 // 10])
    assert "printing" in captions_of(cut)


def captions_of(path: Path) -> str:
    result = everlisten("listen", path, "--fast", "--json")
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events[-1]["type"] == "end"
    return " ".join(event["text"] for event in events if event["type"] == "caption_final")


def test_interrupted_listening_ends_in_order(demo_scene):
    command = [sys.executable, "-m", "everlisten.app", "listen", str(demo_scene), "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        types = []
        for line in run.stdout:
            event = json.loads(line)
            types.append(event["type"])
            if len(event.get("stable", "").split()) >= 3:
                run.send_signal(signal.SIGINT)
                break
        types += [json.loads(line)["type"] for line in run.stdout]
        assert run.wait(20) == 0
        assert run.stderr.read() == ""
    assert types[-1] == "end"
    assert "caption_final" in types


def test_a_reader_that_goes_away_ends_listening_in_order(demo_scene):
    command = [sys.executable, "-m", "everlisten.app", "listen", str(demo_scene), "--json"]
    with subprocess.Popen(
        [*command, "--fast"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        # A session in which nothing was said yet would not be kept.
        assert any(json.loads(line)["type"] == "caption_final" for line in run.stdout)
        run.stdout.close()
        assert run.wait(60) == 0
        assert run.stderr.read() == ""
    [listed] = everlisten("history", "list").stdout.splitlines()
    assert "(listening now)" not in listed
    assert "(recovered)" not in listed


def test_a_reader_that_went_away_is_no_error_at_the_exit():
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [sys.executable, "-m", "everlisten.app", "models", "list"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        run.stdout.close()
        assert run.wait(60) == 0
        assert run.stderr.read() == ""
