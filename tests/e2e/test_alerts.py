"""Alerts from a virtual microphone to the window: the wiring, its failures, and that nothing else
holds them up. A tiny model knows a tone for each sound; real ones are played elsewhere.
"""

import time

import numpy as np
import pytest
import soundfile
from alert_rig import Recording, desktop
from sound_fixture import RATE_HZ, hush, pulses, temporal_three, tone, write_sound_model

from everlisten.engine.events import AlertAcknowledged, AlertHealth, EngineState, SoundHeard
from everlisten.ui.protocols import SourceSelection

pytestmark = pytest.mark.e2e

WAIT_MS = 15_000
LATE_S = 1.5
"""The issue's bar, from the onset of a clear event."""


@pytest.fixture(scope="module")
def sound_model(tmp_path_factory):
    return write_sound_model(tmp_path_factory.mktemp("model") / "sound.onnx")


@pytest.fixture
def play(sound_server, tmp_path):
    """Plays samples in the room that the microphone hears; returns when they begin, monotonic."""

    def begin(samples, sink="room"):
        path = tmp_path / f"{time.monotonic_ns()}.wav"
        soundfile.write(path, samples, RATE_HZ)
        sound_server.play(path, sink)
        return time.monotonic()

    return begin


def ready(qtbot, desk):
    """Until the microphone delivers and sounds are judged."""

    def hears():
        sources = desk.controller.session().feed.health().sources
        return (
            all(one.condition.value == "ok" for one in sources)
            and desk.alerting.alerts.reading().working
        )

    qtbot.waitUntil(lambda: bool(desk.controller.session().feed.health().sources), timeout=WAIT_MS)
    qtbot.waitUntil(hears, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: desk.alerting.examples.last_seconds(1.0) is not None, timeout=WAIT_MS)


def loudest(desk, since_s=0.0):
    """What captions heard since then."""
    return max((peak for at_s, peak in desk.model.heard if at_s > since_s), default=0.0)


def sounds(desk):
    return [alert.sound for _, alert in desk.alerts()]


def test_alerts_appear_by_themselves_and_nothing_else_does(
    qtbot, sound_server, sound_model, play, desk_of
):
    desk = desk_of()
    began_s = {}
    for sound, samples in (
        ("doorbell", tone("doorbell", 2.0)),
        ("smoke_alarm", pulses("smoke_alarm", temporal_three(), 8.0)),
        ("baby_crying", tone("baby_crying", 3.0)),
    ):
        began_s[sound] = play(samples)
        qtbot.waitUntil(lambda sound=sound: sound in sounds(desk), timeout=WAIT_MS)
        qtbot.wait(
            int(1_000 * max(0.0, began_s[sound] + len(samples) / RATE_HZ - time.monotonic()))
        )
    play(tone("speech", 2.0))
    play(tone("music", 3.0))
    qtbot.waitUntil(
        lambda: any(isinstance(one, SoundHeard) for _, one in desk.told), timeout=WAIT_MS
    )

    assert sounds(desk) == list(began_s)
    for at_s, alert in desk.alerts():
        known_s = 2.5 if alert.sound == "smoke_alarm" else 0.0
        # paplay itself takes a moment to begin.
        assert at_s - began_s[alert.sound] <= known_s + LATE_S + 0.5, alert
    qtbot.waitUntil(lambda: len(desk.timeline()) == 3, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: sorted(desk.banner()) == sorted(began_s), timeout=WAIT_MS)
    assert desk.window.tray.alerting
    for _, alert in desk.alerts():
        assert any(alert.label in notice for notice in desk.notified), alert
    qtbot.waitUntil(lambda: len(desk.saved()) == 3, timeout=WAIT_MS)

    desk.alerting.alerts.acknowledge_all()
    qtbot.waitUntil(lambda: not desk.window.tray.alerting, timeout=WAIT_MS)
    known = {one.id for _, one in desk.told if isinstance(one, AlertAcknowledged)}
    qtbot.waitUntil(
        lambda: (
            {one.id for _, one in desk.told if isinstance(one, AlertAcknowledged)}
            == {alert.id for _, alert in desk.alerts()}
        ),
        timeout=WAIT_MS,
    )
    assert known <= {alert.id for _, alert in desk.alerts()}


@pytest.fixture
def desk_of(qtbot, sound_server, sound_model):
    """A desktop that hears the room."""
    opened = []

    def make(**options):
        context = desktop(qtbot, sound_model=sound_model, **options)
        desk = context.__enter__()
        opened.append(context)
        ready(qtbot, desk)
        return desk

    yield make
    for context in opened:
        context.__exit__(None, None, None)


def test_a_busy_and_then_failing_engine_holds_no_alert_up(qtbot, play, desk_of):
    desk = desk_of()
    desk.model.gate.clear()
    qtbot.wait(1_000)
    began_s = play(tone("siren", 2.0))
    qtbot.waitUntil(lambda: sounds(desk) == ["siren"], timeout=WAIT_MS)
    assert desk.alerts()[0][0] - began_s <= LATE_S + 0.5
    desk.model.failing = True
    desk.model.gate.set()
    qtbot.waitUntil(lambda: desk.controller.session().engine.failed, timeout=WAIT_MS)
    began_s = play(tone("dog_barking", 2.0))
    qtbot.waitUntil(lambda: sounds(desk) == ["siren", "dog_barking"], timeout=WAIT_MS)
    assert desk.alerts()[1][0] - began_s <= LATE_S + 0.5


def test_a_sound_thread_that_dies_is_seen_and_begun_again(qtbot, play, desk_of):
    desk = desk_of()
    watch = desk.controller.session().watch
    thread = watch.hearing

    def fail(*args):
        raise RuntimeError("lost its way")

    thread._detector.step = fail
    qtbot.waitUntil(lambda: not desk.alerting.alerts.reading().working, timeout=WAIT_MS)
    assert desk.alerting.alerts.reading().problem.startswith("Alerts are not working: ")
    qtbot.waitUntil(
        lambda: any("Alerts are not working" in notice for notice in desk.notified), timeout=WAIT_MS
    )
    qtbot.waitUntil(lambda: watch.hearing not in (None, thread), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: desk.alerting.alerts.reading().working, timeout=WAIT_MS)
    play(tone("doorbell", 2.0))
    qtbot.waitUntil(lambda: sounds(desk) == ["doorbell"], timeout=WAIT_MS)


def test_a_microphone_that_is_gone_is_seen_until_it_is_back(qtbot, sound_server, desk_of):
    module = sound_server.add_microphone("usb", "room", "USB")
    desk = desk_of(selection=SourceSelection(mode="mic", microphone="pulse:usb"))
    sound_server.unload(module)
    qtbot.waitUntil(lambda: not desk.alerting.alerts.reading().working, timeout=2 * WAIT_MS)
    reading = desk.alerting.alerts.reading()
    assert reading.problem.startswith("Alerts are not working")
    assert "USB" in reading.problem
    qtbot.waitUntil(
        lambda: any("Alerts are not working" in notice for notice in desk.notified), timeout=WAIT_MS
    )
    sound_server.add_microphone("usb", "room", "USB")
    qtbot.waitUntil(lambda: desk.alerting.alerts.reading().working, timeout=2 * WAIT_MS)


def test_while_the_computer_is_captioned_the_microphone_is_heard_for_alerts_alone(
    qtbot, play, desk_of
):
    desk = desk_of(selection=SourceSelection(mode="system"))
    desk.model.heard.clear()
    play(tone("siren", 2.0))
    qtbot.waitUntil(lambda: sounds(desk) == ["siren"], timeout=WAIT_MS)
    assert [one.source.value for one in desk.controller.health().sources] == ["system"]
    qtbot.wait(2_500)
    assert loudest(desk) == 0.0, "captions heard the microphone"
    play(tone("baby_crying", 2.0), "speakers")
    qtbot.waitUntil(lambda: loudest(desk) > 0.1, timeout=WAIT_MS)
    qtbot.wait(1_500)
    assert sounds(desk) == ["siren"], "a film is no emergency"


def test_the_tone_of_an_alert_is_heard_and_not_captioned(
    qtbot, sound_server, play, desk_of, tmp_path
):
    sound_server.add_microphone("near", "speakers", "Near")
    desk = desk_of(audible=True, selection=SourceSelection(mode="mic", microphone="pulse:near"))
    with Recording("speakers", tmp_path / "heard.raw", qtbot) as recording:
        began_s = play(tone("siren", 1.2), "speakers")
        qtbot.waitUntil(lambda: sounds(desk) == ["siren"], timeout=WAIT_MS)
        qtbot.wait(3_000)
    sounded = recording.strengths(659.0, 880.0, 450.0)
    assert min(sounded[:2]) > 20 * sounded[2], "no tone was played"
    at_s, _ = desk.alerts()[0]
    assert loudest(desk) > 0.1
    assert loudest(desk, since_s=max(at_s, began_s + 1.6) + 0.4) == 0.0
    assert sounds(desk) == ["siren"]
    assert desk.notified
    assert not any("silent" in notice for notice in desk.notified)


def test_without_a_model_the_program_starts_and_says_that_alerts_do_not_work(
    qtbot, sound_server, tmp_path
):
    with desktop(qtbot, sound_model=tmp_path / "missing.onnx") as desk:
        qtbot.waitUntil(lambda: not desk.alerting.alerts.reading().working, timeout=WAIT_MS)
        assert desk.controller.state() is EngineState.LISTENING
        assert "missing" in desk.alerting.alerts.reading().problem
        told = [one for _, one in desk.told if isinstance(one, AlertHealth)]
        assert told
        assert not any(one.working for one in told)


def test_a_switched_off_sound_and_switched_off_alerts_are_silent(qtbot, play, desk_of):
    desk = desk_of()
    assert desk.alerting.sounds.set_enabled("siren", False) == ""
    qtbot.wait(500)
    play(tone("siren", 2.0))
    qtbot.wait(3_000)
    assert sounds(desk) == []
    assert desk.settings.change("alerts.enabled", False) == ""
    qtbot.waitUntil(lambda: not desk.alerting.alerts.reading().enabled, timeout=WAIT_MS)
    assert desk.settings.change("alerts.enabled", True) == ""
    assert desk.alerting.sounds.set_enabled("siren", True) == ""
    qtbot.wait(500)
    play(np.concatenate((hush(0.2), tone("siren", 2.0))))
    qtbot.waitUntil(lambda: sounds(desk) == ["siren"], timeout=WAIT_MS)
