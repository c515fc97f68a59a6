"""A process killed in mid-speech loses nothing that was final."""

import json
import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e


def run(*args):
    command = [sys.executable, "-m", "everlisten.app", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def test_kill_in_mid_speech(demo_scene, tmp_path):
    command = [sys.executable, "-m", "everlisten.app", "listen", str(demo_scene), "--json"]
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
