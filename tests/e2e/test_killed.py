"""A process killed in mid-speech loses nothing that was final."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.e2e


def run(*args):
    command = [sys.executable, "-m", "everlisten.app", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


@pytest.fixture
def speech(demo_scene, tmp_path):
    """The scene's last two sentences, the shorter one first, apart from each other."""
    samples, rate_hz = soundfile.read(demo_scene, dtype="float32")
    spans_s = ((76.5, 79.2), (79.2, 80.5), (71.2, 75.9))
    path = tmp_path / "speech.wav"
    pieces = [samples[round(begin * rate_hz) : round(end * rate_hz)] for begin, end in spans_s]
    soundfile.write(path, np.concatenate(pieces), rate_hz)
    return path


def test_kill_in_mid_speech(demo_scene, speech, tmp_path):
    command = [sys.executable, "-m", "everlisten.app", "listen", str(speech), "--json"]
    finals, session = [], ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            event = json.loads(line)
            session = event["session"] or session
            if event["type"] == "caption_final":
                finals.append(event)
            # In the middle of the second sentence.
            if event["type"] == "caption_partial" and finals:
                os.kill(process.pid, signal.SIGKILL)
                break
        # Everything that got through the pipe before the kill was already on disk.
        finals += [e for e in map(json.loads, process.stdout) if e["type"] == "caption_final"]
    assert finals

    # Reading alone changes nothing; the next writer finds the session open and lists it.
    run("listen", demo_scene, "--fast", "--seconds", "2")
    listed = run("history", "list").stdout
    assert any(session in line and "(recovered)" in line for line in listed.splitlines()), listed
    out = tmp_path / "session.json"
    run("history", "export", session, out)
    kept = {event["id"]: event["text"] for event in json.loads(out.read_text())["events"]}
    for event in finals:
        assert kept[event["id"]] == event["text"]
