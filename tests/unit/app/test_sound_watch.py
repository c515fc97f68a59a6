"""A sound thread is begun again when it fails, and meanwhile it is said that alerts do not work."""

import numpy as np
import pytest

from everlisten.app import sound_watch
from everlisten.app.session_plan import WatchPost
from everlisten.app.sound_watch import SoundWatch
from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.sounds.thread import SetAlertSettings


class Thread:
    """In place of the sound thread."""

    def __init__(self):
        self.alive = False
        self.commands = []

    def start(self):
        self.alive = True

    def stop(self):
        self.alive = False

    def join(self, timeout_s=None):
        self.alive = False
        return True

    def send(self, command):
        self.commands.append(command)


class Rig:
    def __init__(self):
        self.now_s = 1_000.0
        self.ring = ChunkRing((SourceName.MIC,))
        self.threads = []
        self.told = []
        self.refusal = None
        self.wanted = True
        post = WatchPost(ring=self.ring, session="s", problem=lambda sources: "")
        self.watch = SoundWatch(
            post,
            self.employ,
            self.told.append,
            wanted=lambda: self.wanted,
            settings=AlertSettings,
            clock=lambda: self.now_s,
        )

    def employ(self, post):
        if self.refusal is not None:
            raise self.refusal
        self.threads.append(Thread())
        return self.threads[-1]

    def after(self, seconds):
        self.now_s += seconds
        self.watch.look_after()

    def push(self):
        samples = np.zeros((1, CHUNK_SAMPLES), np.float32)
        chunk = AudioChunk(index=0, sources=(SourceName.MIC,), samples=samples, captured_s=0.0)
        return self.ring.push(chunk)


@pytest.fixture
def rig():
    return Rig()


def test_a_thread_that_runs_is_left_alone(rig):
    rig.watch.start()
    rig.after(60.0)
    assert len(rig.threads) == 1
    assert rig.watch.hearing is rig.threads[0]
    assert not rig.told
    rig.watch.stop()
    assert not rig.threads[0].alive


def test_a_thread_that_failed_is_begun_again_with_growing_pauses(rig):
    rig.watch.start()
    begun = []
    for _ in range(200):
        for thread in rig.threads:
            thread.alive = False
        rig.after(0.5)
        begun.append(len(rig.threads))
    assert 6 <= begun[-1] <= 9, "1 s, 2 s, 4 s, ... at most 30 s"
    assert not any(health.working for health in rig.told)


def test_a_missing_model_is_said_told_again_and_tried_again(rig):
    rig.refusal = ModelLoadError("The sound model is missing; install Everlisten again")
    rig.watch.start()
    assert [health.problem for health in rig.told] == [
        "Alerts are not working: The sound model is missing; install Everlisten again"
    ]
    for _ in range(60):
        rig.after(1.0)
    assert 3 <= len(rig.told) <= 8
    times_s = [health.emitted_s for health in rig.told]
    assert times_s == sorted(times_s)
    assert times_s[0] == 0.0
    assert 30.0 <= times_s[-1] <= 60.0
    rig.refusal = None
    rig.after(sound_watch.RESTART_LAST_S)
    assert rig.watch.hearing is not None
    assert rig.push()
    assert len(rig.ring) == 1


def test_an_error_of_ours_is_told_too(rig):
    rig.refusal = RuntimeError("slip")
    rig.watch.start()
    assert "slip" in rig.told[0].problem


def test_what_is_heard_without_a_thread_is_let_go_of(rig):
    rig.refusal = ModelLoadError("missing")
    rig.watch.start()
    for _ in range(300):
        assert rig.push()
    assert len(rig.ring) == 0
    rig.ring.close()
    assert rig.watch.finished


def test_a_failed_thread_leaves_nothing_stale_behind(rig):
    rig.watch.start()
    rig.push()
    rig.threads[0].alive = False
    rig.after(0.1)
    assert len(rig.ring) == 0


def test_switches_reach_it(rig):
    rig.watch.start()
    rig.watch.reconfigure()
    assert rig.threads[0].commands == [SetAlertSettings(AlertSettings())]
    rig.wanted = False
    rig.watch.reconfigure()
    rig.after(1.0)
    assert rig.watch.hearing is None
    assert not rig.told, "the user's own wish is no failure"
    rig.wanted = True
    rig.watch.reconfigure()
    rig.after(0.1)
    assert rig.watch.hearing is rig.threads[1]
