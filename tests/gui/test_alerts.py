"""Alerts reach the user in the window, the tray and the health line, and take the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import gui_doubles as doubles
import pytest
from conftest import Stage
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QSystemTrayIcon
from pytestqt.qtbot import QtBot

from everlisten.engine.events import SoundAlert
from everlisten.ui import alert_banner
from everlisten.ui.alert_banner import AlertBanner
from everlisten.ui.alert_card import AlertCard
from everlisten.ui.alert_protocols import SAFETY_SENTENCE

CONTROL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton
BROKEN = "Alerts are not working: the microphone is gone."


def smoke(**changes: object) -> SoundAlert:
    return doubles.alert(
        "smoke", why="Three pulses, four times.", start_s=10.0, end_s=22.0, ongoing=True, **changes
    )


def of(id: str, severity: str, **changes: object) -> SoundAlert:
    return doubles.alert(id, sound=id, label=id.title(), severity=severity, **changes)


def banner(stage: Stage) -> AlertBanner:
    assert stage.window.alerts is not None
    return stage.window.alerts.banner


def labels(stage: Stage) -> list[str]:
    return [card.label.text() for card in banner(stage).cards]


def card(stage: Stage) -> AlertCard:
    return banner(stage).cards[0]


@pytest.fixture
def warned(stage: Stage) -> Stage:
    stage.listen()
    stage.warn(smoke())
    return stage


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Title and text of every desktop notification."""
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)
    monkeypatch.setattr(QSystemTrayIcon, "show", lambda self: None)
    monkeypatch.setattr(
        QSystemTrayIcon, "showMessage", lambda self, title, text, *_: told.append((title, text))
    )
    return told


def test_an_alert_stands_at_the_top_until_it_is_acknowledged(warned: Stage, qtbot: QtBot) -> None:
    shown = card(warned)
    assert shown.isVisible()
    assert shown.label.text() == "Smoke alarm"
    assert "Emergency" in shown.facts.text()
    assert "for 12 s" in shown.facts.text()
    assert "93 % sure" in shown.facts.text()
    assert "Check the kitchen" in shown.advice.text()
    assert "Three pulses" in shown.facts.toolTip()
    warned.say(doubles.final("c", "Somebody speaks."))
    assert shown.isVisible()
    qtbot.mouseClick(shown.know, LEFT)
    warned.window.bridge.refresh()
    assert warned.alerting.calls == [("acknowledge", "smoke")]
    assert labels(warned) == []
    assert not banner(warned).isVisible()


def test_it_grows_while_the_sound_goes_on_and_ends_with_it(warned: Stage) -> None:
    warned.warn(replace(smoke(), end_s=75.4))
    assert "for 1 min 5 s" in card(warned).facts.text()
    warned.warn(replace(smoke(), end_s=80.0, ongoing=False))
    assert "1 min 10 s long" in card(warned).facts.text()
    assert len(banner(warned).cards) == 1


def test_screen_readers_hear_it_whole(warned: Stage) -> None:
    shown = card(warned)
    said = shown.accessibleName()
    assert said.startswith("Emergency, Smoke alarm. Check the kitchen")
    assert shown.know.accessibleName() == "OK, I know: Smoke alarm"
    assert shown.accessibleDescription() == "Three pulses, four times."
    warned.warn(replace(smoke(), level=1))
    assert shown.accessibleName().startswith("Emergency, again, Smoke alarm.")


def test_screen_readers_are_interrupted_once_and_when_it_is_told_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        alert_banner, "announce", lambda _, text, urgent=False: said.append((text, urgent))
    )
    stage.listen()
    for change in ({}, {"end_s": 30.0}, {"level": 1}, {"level": 1, "end_s": 40.0}):
        stage.warn(replace(smoke(), **change))
    assert [text.split(".")[0] for text, _ in said] == [
        "Emergency, Smoke alarm",
        "Emergency, again, Smoke alarm",
    ]
    assert all(urgent for _, urgent in said)


def test_every_answer_goes_to_the_application(warned: Stage, qtbot: QtBot) -> None:
    shown = card(warned)
    qtbot.mouseClick(shown.play, LEFT)
    qtbot.mouseClick(shown.keep, LEFT)
    assert shown.keep.text() == "Clip kept"
    assert not shown.keep.isEnabled()
    for action in shown.snooze.menu().actions():
        if action.text() == "This sound for 30 minutes":
            action.trigger()
    warned.warn(of("other", "warning"))
    for action in card(warned).snooze.menu().actions():
        if action.text() == "All but emergencies for 60 minutes":
            action.trigger()
    warned.warn(replace(smoke(), id="third"))
    qtbot.mouseClick(card(warned).not_this, LEFT)
    assert warned.alerting.calls == [
        ("play", "smoke"),
        ("keep_clip", "smoke"),
        ("snooze", "smoke_alarm", 30),
        ("snooze", None, 60),
        ("not_this", "third"),
    ]


def test_a_refusal_stands_on_the_card(warned: Stage, qtbot: QtBot) -> None:
    warned.alerting.refusal = "The disk is full: free some room."
    qtbot.mouseClick(card(warned).keep, LEFT)
    assert card(warned).note.text() == "The disk is full: free some room."
    assert card(warned).note.isVisible()


def test_without_its_sound_there_is_nothing_to_play_or_keep(warned: Stage, qtbot: QtBot) -> None:
    warned.alerting.clips.clear()
    qtbot.waitUntil(lambda: not card(warned).play.isEnabled())
    assert not card(warned).keep.isEnabled()


def test_several_stack_by_severity_and_the_rest_is_counted(stage: Stage, qtbot: QtBot) -> None:
    stage.window.resize(920, 900)
    stage.listen()
    stage.warn(of("bell", "notice"), of("baby", "warning"), of("dog", "notice"), smoke())
    stage.warn(of("knock", "notice"))
    assert labels(stage) == ["Smoke alarm", "Baby", "Knock"]
    assert banner(stage).more.text() == "2 more"
    assert [one.compact for one in banner(stage).cards] == [False, True, True]
    assert not banner(stage).cards[1].snooze.isVisible()
    qtbot.mouseClick(banner(stage).cards[1].more, LEFT)
    assert [one.compact for one in banner(stage).cards] == [True, False, True]
    qtbot.mouseClick(banner(stage).know_all, LEFT)
    stage.window.bridge.refresh()
    assert stage.alerting.calls == [("acknowledge_all",)]
    assert not banner(stage).isVisible()


def test_what_to_do_in_an_emergency_is_never_folded_away(warned: Stage) -> None:
    warned.window.resize(920, 900)
    warned.warn(of("co", "emergency"), of("bell", "notice"))
    assert [one.compact for one in banner(warned).cards] == [False, True, True]
    assert [one.advice.isVisible() for one in banner(warned).cards] == [True, True, False]


def test_a_low_window_shows_one_and_counts_the_others(stage: Stage) -> None:
    stage.window.resize(420, 560)
    stage.listen()
    stage.warn(of("bell", "notice"), smoke())
    assert labels(stage) == ["Smoke alarm"]
    assert banner(stage).more.text() == "1 more"


def test_told_again_looks_stronger(warned: Stage, qtbot: QtBot) -> None:
    shown = card(warned)
    before, size = shown.grab().toImage(), shown.label.font().pointSizeF()
    danger = warned.window.theme.tokens.color("danger").rgb()
    middle = before.width() // 2, before.height() // 2
    assert before.pixel(*middle) != danger
    warned.warn(replace(smoke(), level=2))
    assert shown.strong
    assert shown.label.font().pointSizeF() > size
    assert "told 3 times" in shown.facts.text()
    qtbot.wait(20)
    after = shown.grab().toImage()
    assert after.pixel(after.width() * 2 // 3, after.height() // 2) == danger


def test_it_pulses_unless_motion_is_reduced(make_stage: Callable[..., Stage]) -> None:
    moving, still = make_stage(), make_stage(reduce_motion=True)
    for stage in (moving, still):
        stage.listen()
        stage.warn(smoke())
    assert card(moving).pulsing
    assert not card(still).pulsing


def test_the_keyboard_answers_and_nothing_takes_the_focus(warned: Stage, qtbot: QtBot) -> None:
    window = warned.window
    window.assistant.task.setFocus()
    warned.warn(of("baby", "warning"))
    assert QApplication.focusWidget() is window.assistant.task
    qtbot.keyClick(window, Qt.Key.Key_K, CONTROL)
    warned.window.bridge.refresh()
    assert labels(warned) == ["Baby"]
    qtbot.keyClick(window, Qt.Key.Key_K, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert warned.alerting.calls == [("acknowledge", "smoke"), ("acknowledge_all",)]


def test_the_focus_goes_on_to_the_next_alert(warned: Stage, qtbot: QtBot) -> None:
    warned.warn(of("baby", "warning"))
    card(warned).know.setFocus()
    qtbot.keyClick(card(warned).know, Qt.Key.Key_Space)
    warned.window.bridge.refresh()
    assert labels(warned) == ["Baby"]
    assert QApplication.focusWidget() is card(warned).know


def test_what_was_open_before_the_window_is_shown(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(open=False)
    stage.alerting.show(smoke())
    stage.open()
    assert labels(stage) == ["Smoke alarm"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_theme(warned: Stage, scheme: str) -> None:
    warned.settings.change("ui.theme", scheme)
    warned.window.apply_config(warned.settings.window())
    card(warned)._pulse.stop()
    image = card(warned).grab().toImage()
    tokens = warned.window.theme.tokens
    assert image.pixel(image.width() * 2 // 3, 8) == tokens.color("danger_soft").rgb()


def test_a_theme_can_change_after_cards_went(warned: Stage, qtbot: QtBot) -> None:
    warned.alerting.parts.alerts.acknowledge_all()
    warned.window.bridge.refresh()
    qtbot.wait(10)
    warned.window.theme.choose("dark")
    warned.window.theme.choose("light")


# The tray


def test_the_tray_tells_it_and_its_icon_blinks(
    shown: list[tuple[str, str]], make_stage: Callable[..., Stage], qtbot: QtBot
) -> None:
    stage = make_stage()
    stage.listen()
    stage.warn(smoke())
    stage.warn(replace(smoke(), end_s=30.0))
    assert shown == [("Smoke alarm", "Check the kitchen; leave the house if you see smoke.")]
    tray = stage.window.tray
    assert tray.alerting
    assert tray.blinking
    stage.warn(replace(smoke(), level=1))
    assert shown[1][0] == "Emergency, told again: Smoke alarm"
    stage.window.hide()
    tray._icon.messageClicked.emit()
    assert stage.window.isVisible()
    stage.alerting.parts.alerts.acknowledge_all()
    stage.window.bridge.refresh()
    assert not tray.alerting
    assert not tray.blinking


def test_what_is_switched_off_is_not_done(
    shown: list[tuple[str, str]], make_stage: Callable[..., Stage]
) -> None:
    stage = make_stage()
    stage.alerting.ways = replace(stage.alerting.ways, tray=False, flash=False)
    stage.listen()
    stage.warn(smoke())
    assert shown == []
    assert stage.window.tray.alerting
    assert not stage.window.tray.blinking
    assert not card(stage).pulsing
    assert card(stage).isVisible()


def test_alerts_that_do_not_work_are_seen_and_notified_once(
    shown: list[tuple[str, str]], make_stage: Callable[..., Stage]
) -> None:
    stage = make_stage()
    stage.listen()
    assert "alerts on" in stage.window.health.facts.facts
    stage.alerting.now = replace(stage.alerting.now, working=False, problem=BROKEN)
    for _ in range(3):
        stage.window.bridge.refresh()
    assert shown == [("Everlisten", BROKEN)]
    assert banner(stage).isVisible()
    assert banner(stage).trouble.text() == BROKEN
    assert stage.window.health.facts.sentence == BROKEN
    assert stage.window.health.facts.color == "danger"
    assert stage.window.tray.state == "problem"
    stage.alerting.now = replace(stage.alerting.now, working=True, problem="")
    stage.window.bridge.refresh()
    assert not banner(stage).isVisible()
    assert stage.window.health.facts.sentence == "Listening"
    stage.alerting.now = replace(stage.alerting.now, working=False, problem=BROKEN)
    stage.window.bridge.refresh()
    assert len(shown) == 2


def test_snoozed_and_switched_off_are_said_in_the_health_line(stage: Stage) -> None:
    stage.alerting.now = replace(stage.alerting.now, snoozed="All until 14:35.")
    stage.listen()
    assert "alerts snoozed" in stage.window.health.facts.facts
    stage.window.health.open_details()
    assert "Alerts: All until 14:35." in stage.window.health.popover.text()
    stage.window.health.popover.close()
    stage.alerting.now = replace(stage.alerting.now, enabled=False, working=False, problem=BROKEN)
    stage.window.bridge.refresh()
    assert "alerts off" in stage.window.health.facts.facts
    assert not banner(stage).isVisible()


# The first start


def test_the_first_start_says_what_alerts_are_not(stage: Stage, qtbot: QtBot) -> None:
    note = stage.window.safety
    assert note.isVisible()
    assert note.text == SAFETY_SENTENCE
    qtbot.mouseClick(note.action, LEFT)
    assert not note.isVisible()
    assert stage.settings.config.safety_note_read


def test_it_is_said_once(make_stage: Callable[..., Stage]) -> None:
    assert not make_stage(safety_note_read=True).window.safety.isVisible()


def test_without_alerting_the_window_is_as_before(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(open=False)
    stage.alerting = None  # type: ignore[assignment]
    stage.open()
    stage.listen(doubles.alert(), doubles.sound("s", "music"))
    assert stage.window.alerts is None
    assert not stage.window.safety.isVisible()
    assert stage.window.live.model.rowCount() == 2
