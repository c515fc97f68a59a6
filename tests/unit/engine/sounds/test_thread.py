"""The sound thread hears every chunk of its ring, obeys between them, and fails with a sentence."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import sound_fixture
from sound_fixture import chunks, hush, pulses, temporal_three, tone

from everlisten.audio_io.chunk import CHUNK_S, AudioChunk, SourceName
from everlisten.audio_io.ring_buffer import ChunkRing
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.errors import EngineError
from everlisten.engine.events import (
    AlertAcknowledged,
    AlertHealth,
    EngineFailed,
    SoundAlert,
    SoundHeard,
)
from everlisten.engine.sounds import thread as thread_module
from everlisten.engine.sounds.detector import SoundDetector
from everlisten.engine.sounds.narration import Narration
from everlisten.engine.sounds.thread import (
    Acknowledge,
    Mute,
    NotThis,
    Play,
    SetAlertSettings,
    SetTaught,
    Snooze,
    SoundThread,
)

MIC, SYSTEM, FILE = SourceName.MIC, SourceName.SYSTEM, SourceName.FILE


class Counter:
    def __init__(self):
        self.added = []

    def penalty(self, sound, embedding):
        return 0.0

    def add(self, sound, samples, embeddings):
        self.added.append((sound, samples, embeddings, threading.current_thread().name))


class Rig:
    """A sound thread on a ring that a test fills."""

    def __init__(self, model, *, ring_sources=(MIC,), sources=(MIC,), settings=None, detector=None):
        self.counter = Counter()
        self.policy = AlertPolicy(settings=settings)
        self.detector = detector or SoundDetector(
            model, self.policy, Narration(), None, self.counter
        )
        self.ring = ChunkRing(ring_sources)
        self.said = []
        self.sources = sources
        self.problem = ""
        self.index = 0
        self.pushed = 0
        self.thread = SoundThread(
            detector=self.detector,
            ring=self.ring,
            sources=lambda: self.sources,
            sink=self.said.append,
            session="s1",
            feed_problem=lambda: self.problem,
        )

    def play(self, captured_s=None, **rows):
        """Push whole sounds, one for each source by name."""
        cut = {SourceName(name): chunks(samples) for name, samples in rows.items()}
        for number in range(len(next(iter(cut.values())))):
            chunk = AudioChunk(
                index=self.index,
                sources=tuple(cut),
                samples=np.stack([rows_of[number] for rows_of in cut.values()]),
                captured_s=time.monotonic() if captured_s is None else captured_s,
            )
            assert self.ring.push(chunk)
            self.index += 1
            self.pushed += 1

    def settle(self):
        """Wait until everything pushed and sent was dealt with, and all about it was said."""
        wait_for(lambda: self.thread.load.chunks == self.pushed)
        # A command is obeyed between two chunks, after what was sent before it.
        policy = self.detector.policy
        settings = replace(policy.settings)
        self.thread.send(SetAlertSettings(settings))
        wait_for(lambda: policy.settings is settings)

    def of(self, kind):
        return [event for event in tuple(self.said) if isinstance(event, kind)]

    @property
    def told(self):
        return {one.sound for one in self.of(SoundAlert)}


def wait_for(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def rigs(model):
    made = []

    def build(**values):
        made.append(Rig(model, **values))
        return made[-1]

    yield build
    for rig in made:
        rig.thread.stop()


@pytest.fixture
def rig(rigs):
    rig = rigs()
    rig.thread.start()
    return rig


SIREN = np.concatenate((hush(1.2), tone("siren", 2.0)))


def test_it_is_a_daemon_of_its_own_name(rig):
    (own,) = [one for one in threading.enumerate() if one.name == "sounds"]
    assert own.daemon
    assert rig.thread.alive


def test_what_is_heard_is_told_with_its_times(rig):
    rig.play(mic=SIREN)
    wait_for(lambda: rig.told)
    alert = rig.of(SoundAlert)[0]
    assert (alert.sound, alert.session, alert.source) == ("siren", "s1", MIC)
    assert alert.start_s == pytest.approx(1.2)
    assert rig.thread.load.consumed_s >= alert.emitted_s - 1e-6


def test_it_ends_by_itself_with_the_ring_and_everything_is_over(rig):
    rig.play(mic=np.concatenate((SIREN, tone("music", 2.0))))
    rig.ring.close()
    assert rig.thread.join(10.0)
    assert not rig.thread.failed
    assert rig.of(SoundAlert)[-1].ongoing is False
    assert [one.sound for one in rig.of(SoundHeard)][:1] == ["music"]


def test_it_catches_up_with_what_waits(rigs):
    """Sound never waits: a minute is worked through in a moment, in order."""
    rig = rigs()
    rig.play(mic=np.concatenate((hush(30.0), tone("siren", 2.0), hush(20.0))))
    rig.thread.start()
    # The ring is empty a moment before its last chunk is counted.
    wait_for(lambda: rig.thread.load.chunks == 130)
    assert len(rig.ring) == 0
    assert rig.told == {"siren"}


# What is listened to


def test_the_microphone_alone_is_heard(rigs):
    """A siren in a film is no emergency."""
    rig = rigs(ring_sources=(MIC, SYSTEM))
    rig.thread.start()
    rig.play(mic=hush(3.2), system=SIREN)
    rig.settle()
    assert rig.told == set()
    rig.play(mic=SIREN, system=hush(3.2))
    wait_for(lambda: rig.told)


def test_the_chosen_sources_are_mixed_and_the_loudest_is_named(rigs):
    rig = rigs(ring_sources=(MIC, SYSTEM), sources=(MIC, SYSTEM))
    rig.thread.start()
    rig.play(mic=hush(3.2), system=SIREN)
    wait_for(lambda: rig.told)
    assert rig.of(SoundAlert)[0].source is SYSTEM
    rig.settle()
    assert len(rig.thread.last_30_s()) == 8 * 6400


def test_the_choice_may_change_at_any_time(rigs):
    rig = rigs(ring_sources=(MIC, SYSTEM))
    rig.thread.start()
    rig.play(mic=hush(3.2), system=SIREN)
    rig.settle()
    rig.sources = SYSTEM  # one alone needs no list
    rig.play(mic=hush(3.2), system=SIREN)
    wait_for(lambda: rig.told == {"siren"})


def test_a_source_that_is_not_captured_is_said(rigs):
    rig = rigs(ring_sources=(MIC, SYSTEM))
    rig.thread.start()
    rig.play(system=SIREN)
    wait_for(lambda: any(not one.working for one in rig.of(AlertHealth)))
    assert rig.of(AlertHealth)[-1].problem == (
        "Alerts are not working: the microphone is not listened to."
    )
    assert rig.told == set()
    rig.play(mic=SIREN, system=SIREN)
    wait_for(lambda: rig.of(AlertHealth)[-1].working)


# Commands


def test_an_acknowledged_alert_is_said_and_not_repeated(rig):
    rig.play(mic=np.concatenate((hush(0.8), tone("gunshot", 0.4), hush(0.8))))
    wait_for(lambda: rig.told == {"gunshot"})
    alert = rig.of(SoundAlert)[0]
    rig.thread.send(Acknowledge(alert.id))
    rig.play(mic=hush(50.0))
    rig.settle()
    (known,) = rig.of(AlertAcknowledged)
    assert (known.id, known.how) == (alert.id, "user")
    assert {one.level for one in rig.of(SoundAlert)} == {0}


def test_an_emergency_is_repeated_until_then(rig):
    rig.play(mic=np.concatenate((hush(0.8), tone("gunshot", 0.4), hush(55.0))))
    wait_for(lambda: rig.told and rig.of(SoundAlert)[-1].level > 0)


def test_a_snooze_holds_back(rig):
    rig.thread.send(Snooze("siren", 10.0))
    rig.play(mic=np.concatenate((SIREN, tone("doorbell", 2.0))))
    wait_for(lambda: rig.told)
    rig.settle()
    assert rig.told == {"doorbell"}


def test_settings_hold_from_the_next_chunk(rig):
    rig.thread.send(SetAlertSettings(AlertSettings(switched_off=frozenset({"siren"}))))
    rig.thread.send(SetTaught(None))
    rig.play(mic=SIREN)
    wait_for(lambda: rig.of(SoundHeard))
    assert rig.told == set()
    assert rig.of(SoundHeard)[0].label == "siren"


def test_not_this_keeps_the_clip_as_a_counter_example_elsewhere(rig):
    rig.play(mic=SIREN)
    wait_for(lambda: rig.told)
    rig.settle()
    alert = rig.of(SoundAlert)[0]
    rig.thread.send(NotThis(alert.id))
    wait_for(lambda: rig.counter.added)
    (known,) = rig.of(AlertAcknowledged)
    assert known.how == "not_this"
    (sound, samples, embeddings, name) = rig.counter.added[0]
    assert sound == "siren"
    assert np.array_equal(samples, rig.thread.clip(alert.id))
    assert embeddings.shape[1] == sound_fixture.WIDTH
    assert len(embeddings) >= 4
    assert name == "sounds-disk"
    rig.thread.send(NotThis("unknown"))
    rig.settle()
    assert len(rig.counter.added) == 1


def test_without_counter_examples_it_is_acknowledged_all_the_same(rigs, model):
    rig = rigs(detector=SoundDetector(model, AlertPolicy()))
    rig.thread.start()
    rig.play(mic=SIREN)
    wait_for(lambda: rig.told)
    rig.thread.send(NotThis(rig.of(SoundAlert)[0].id))
    wait_for(lambda: rig.of(AlertAcknowledged))
    rig.thread.stop()
    assert rig.of(EngineFailed) == []


def test_what_everlisten_says_itself_is_not_heard(rig):
    rig.thread.send(Mute(time.monotonic() + 60.0))
    rig.settle()
    rig.play(mic=SIREN)
    rig.settle()
    assert rig.told == set()
    assert not rig.thread.last_30_s().any()


def test_what_was_heard_before_and_after_it_is_judged(rigs):
    rig = rigs()
    now_s = time.monotonic()
    rig.thread.start()
    rig.thread.send(Mute(now_s + 1.0))
    rig.settle()
    rig.play(mic=SIREN, captured_s=now_s - 2.0)
    wait_for(lambda: rig.told == {"siren"})
    rig.play(mic=tone("doorbell", 2.0), captured_s=now_s + 2.0)
    wait_for(lambda: rig.told == {"siren", "doorbell"})


# A test


def test_a_test_goes_the_real_way_and_is_marked(rigs):
    rig = rigs(settings=AlertSettings(switched_off=frozenset({"smoke_alarm"})))
    rig.thread.start()
    rig.play(mic=hush(2.0))
    rig.settle()
    samples = pulses("smoke_alarm", temporal_three(0.4), 6.0)
    rig.thread.send(Play(samples, "smoke_alarm"))
    wait_for(lambda: rig.of(SoundAlert) and not rig.of(SoundAlert)[-1].ongoing)
    alerts = rig.of(SoundAlert)
    assert rig.told == {"smoke_alarm"}
    assert all(one.id.startswith("test-s1-smoke_alarm") for one in alerts)
    assert alerts[0].why.startswith("Test. ")
    assert rig.thread.clip(alerts[0].id) is None
    assert rig.policy.settings.switched_off == {"smoke_alarm"}


def test_a_test_does_not_deafen(rigs):
    """What is really heard meanwhile is told, and not marked."""
    rig = rigs()
    rig.play(mic=np.concatenate((hush(2.0), tone("doorbell", 2.0), hush(2.0))))
    rig.thread.send(Play(np.concatenate((hush(1.2), tone("siren", 4.0))), "siren"))
    rig.thread.start()
    wait_for(lambda: rig.told == {"siren", "doorbell"})
    for one in rig.of(SoundAlert):
        assert one.id.startswith("test-") is (one.sound == "siren")


def test_two_tests_are_two_alerts(rig):
    for _ in range(2):
        rig.thread.send(Play(tone("siren", 2.0), "siren"))
    wait_for(lambda: len({one.id for one in rig.of(SoundAlert)}) == 2)


# Memory


def test_clips_and_the_last_half_minute(rig):
    assert len(rig.thread.last_30_s()) == 0
    assert rig.thread.clip("nothing") is None
    rig.play(mic=np.concatenate((SIREN, hush(4.0))))
    wait_for(lambda: rig.told)
    rig.settle()
    assert len(rig.thread.last_30_s()) == 18 * 6400
    clip = rig.thread.clip(rig.of(SoundAlert)[0].id)
    loud = np.abs(clip) > 0.1
    assert 0.9 < np.flatnonzero(loud)[0] / 16000 < 1.1, "a second before"
    assert loud.sum() / 16000 > 1.0


def test_when_each_sound_was_heard_last(rig):
    assert rig.thread.last_heard == {}
    rig.play(mic=np.concatenate((SIREN, tone("music", 2.0))))
    wait_for(lambda: {"siren", "music"} <= set(rig.thread.last_heard))
    assert abs(rig.thread.last_heard["siren"] - time.time()) < 10.0


# Health and failure


def test_health_is_told_at_the_start_on_change_and_now_and_then(rig, monkeypatch):
    wait_for(lambda: rig.of(AlertHealth))
    assert [one.working for one in rig.of(AlertHealth)] == [True]
    rig.problem = "The microphone is gone. Everlisten waits for it."
    wait_for(lambda: len(rig.of(AlertHealth)) == 2)
    assert rig.of(AlertHealth)[-1].problem == (
        "Alerts are not working: the microphone is gone. Everlisten waits for it."
    )
    rig.problem = ""
    wait_for(lambda: len(rig.of(AlertHealth)) == 3)
    assert rig.of(AlertHealth)[-1].working
    time.sleep(0.1)
    assert len(rig.of(AlertHealth)) == 3, "not again at once"
    monkeypatch.setattr(thread_module, "HEALTH_EVERY_S", 0.05)
    wait_for(lambda: len(rig.of(AlertHealth)) >= 5)


def test_alerts_that_would_come_too_late_are_not_called_working(rigs):
    rig = rigs()
    rig.play(mic=hush(0.8), captured_s=time.monotonic() - 20.0)
    busy = threading.Event()
    step = rig.detector.step

    def slow(*args):
        busy.wait(0.2)
        return step(*args)

    rig.detector.step = slow
    rig.thread.start()
    wait_for(lambda: any("too busy" in one.problem for one in rig.of(AlertHealth)))
    busy.set()


class Failing:
    """A detector that breaks."""

    def __init__(self, detector, error):
        self._detector, self._error = detector, error

    def __getattr__(self, name):
        return getattr(self._detector, name)

    def step(self, *args):
        raise self._error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (EngineError("The model is gone."), "The model is gone."),
        (ZeroDivisionError("by zero"), "Listening for sounds failed: ZeroDivisionError"),
    ],
)
def test_a_failure_is_said_once_and_ends_the_thread(rigs, model, error, sentence):
    detector = Failing(SoundDetector(model, AlertPolicy()), error)
    rig = rigs(detector=detector)
    rig.thread.start()
    rig.play(mic=hush(0.8))
    assert rig.thread.join(10.0)
    assert rig.thread.failed
    (failure,) = rig.of(EngineFailed)
    assert sentence in failure.text
    health = rig.of(AlertHealth)[-1]
    assert not health.working
    assert health.problem.startswith("Alerts are not working: ")
    assert sentence in health.problem


def test_a_failed_counter_example_is_said_and_nothing_ends(rig):
    def refuse(*args):
        raise EngineError("The disk is full.")

    rig.counter.add = refuse
    rig.play(mic=SIREN)
    wait_for(lambda: rig.told)
    rig.thread.send(NotThis(rig.of(SoundAlert)[0].id))
    wait_for(lambda: rig.of(EngineFailed))
    assert rig.of(EngineFailed)[0].text == "The disk is full."
    assert rig.thread.alive


def test_stop_before_start_and_twice(rigs):
    rig = rigs()
    rig.thread.stop()
    rig.thread.start()
    rig.thread.stop()
    rig.thread.stop()
    assert not rig.thread.alive


def test_dropped_chunks_do_not_disturb_it(rig):
    rig.play(mic=hush(1.2))
    rig.index += 20
    rig.play(mic=SIREN)
    wait_for(lambda: rig.told == {"siren"})
    assert rig.of(SoundAlert)[0].start_s == pytest.approx(23 * CHUNK_S + 1.2)
