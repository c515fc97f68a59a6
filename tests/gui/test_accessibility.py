"""Every control has a name and can be reached by keyboard; every colour can be read."""

from __future__ import annotations

import itertools

import gui_doubles as doubles
import pytest
from alert_doubles import tone
from conftest import Stage
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QColor
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from everlisten.ui.icons import icon_path
from everlisten.ui.level_meter import LevelMeter
from everlisten.ui.sounds_page import SoundsPage
from everlisten.ui.theme import DARK, LIGHT, Tokens

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QSlider,
)
PRIVATE = (QAbstractSpinBox, QComboBox, QLineEdit)
"""Parts that these make for themselves are named through them."""


def controls(root: QWidget) -> list[QWidget]:
    found = [w for w in [root, *root.findChildren(QWidget)] if isinstance(w, CONTROLS)]
    own = [w for w in found if not any(isinstance(p, PRIVATE) for p in parents(w, root))]
    return [w for w in own if not w.objectName().startswith("qt_")]


def parents(widget: QWidget, root: QWidget) -> list[QWidget]:
    chain = []
    while widget is not root and (parent := widget.parentWidget()) is not None:
        chain.append(parent)
        widget = parent
    return chain


@pytest.fixture
def everything_open(stage: Stage, qtbot: QtBot) -> Stage:
    stage.history.add("h1", "Stand-up", [doubles.final("a", "Hello.")])
    stage.listen(doubles.final("a", "Hello."))
    window = stage.window
    window.show_history(session="h1")
    qtbot.waitUntil(lambda: window.history_page.pane.model.rowCount() == 1)
    window.show_settings()
    window.header.sources.open_popover()
    window.header.sources.popover.close()
    window.header.language.open_list()
    window.header.language.popover.close()
    window.health.open_details()
    window.health.popover.close()
    window.banner.tell("Something.", "info", "&Do it", lambda: None)
    stage.warn(doubles.alert(), doubles.alert("a2", severity="notice", label="Doorbell"))
    pages = window.findChild(SoundsPage)
    assert pages is not None
    pages.own.open_dialog()
    pages.own.dialog.examples.add(tone(1.0), "recorded")
    return stage


def test_every_control_has_a_name_and_takes_the_focus(everything_open: Stage) -> None:
    found = controls(everything_open.window)
    assert len(found) > 40
    nameless = [
        f"{type(w).__name__} {w.objectName()} in {type(w.parent()).__name__}"
        for w in found
        if not (w.accessibleName() or (isinstance(w, QAbstractButton) and w.text()))
    ]
    assert nameless == []
    unreachable = [
        w.accessibleName() or type(w).__name__
        for w in found
        if w.focusPolicy() in (Qt.FocusPolicy.NoFocus, Qt.FocusPolicy.ClickFocus)
    ]
    assert unreachable == []
    meters = everything_open.window.findChildren(LevelMeter)
    assert all(meter.accessibleName() for meter in meters)


def test_a_screen_reader_finds_the_captions_and_their_text(stage: Stage) -> None:
    stage.listen(doubles.began(), doubles.final("a", "Hello.", start_s=1.0))
    interface = QAccessible.queryAccessibleInterface(stage.window.live.view)
    assert interface.role() == QAccessible.Role.List
    assert interface.text(QAccessible.Text.Name) == "Captions"
    assert interface.childCount() == 2
    assert interface.child(1).text(QAccessible.Text.Name) == "10:02:01, Hello."


def test_tab_reaches_every_part_of_the_window(stage: Stage, qtbot: QtBot) -> None:
    window = stage.window
    stage.listen(doubles.final("a", "Hello."))
    window.activateWindow()
    header = window.header
    header.listen.setFocus()
    seen = [header.listen]
    for _ in range(40):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        if QApplication.focusWidget() is header.listen:
            break
        seen.append(QApplication.focusWidget())
    wanted = [
        header.listen,
        header.sources.button("mic"),
        header.sources.meters,
        header.language,
        header.target,
        header.new_session,
        header.open_file,
        header.history,
        header.settings,
        window.live.view,
        window.health,
    ]
    assert [w for w in seen if w in wanted] == wanted


def test_focus_can_be_seen(stage: Stage) -> None:
    stage.listen(doubles.final("a", "Hello."))
    window = stage.window
    for widget in (window.header.target, window.header.settings, window.health, window.live.view):
        window.header.listen.setFocus()
        before = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        QApplication.processEvents()
        if widget is window.live.view:
            widget.setCurrentIndex(window.live.model.index(0))
        assert widget.grab().toImage() != before, widget.accessibleName()


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance."""

    def luminance(name: str) -> float:
        color = QColor(name)
        parts = []
        for value in (color.redF(), color.greenF(), color.blueF()):
            parts.append(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


READABLE = [
    *itertools.product(
        ("text", "secondary", "dim", "translation"), ("base", "surface", "raised", "accent_soft")
    ),
    *itertools.product(("you", "others"), ("base", "accent_soft")),
    ("text", "hover"),
    ("secondary", "hover"),
    ("text", "selection"),
    ("translation", "selection"),
    ("on_accent", "accent"),
    ("you", "accent_soft"),
    ("danger", "raised"),
    ("danger", "base"),
    ("danger", "danger_soft"),
    ("text", "danger_soft"),
    ("secondary", "danger_soft"),
    ("warning", "warning_soft"),
    ("text", "warning_soft"),
    ("secondary", "warning_soft"),
    ("translation", "warning_soft"),
    ("translation", "danger_soft"),
    ("translation", "surface"),
    ("dim", "base"),
    ("on_danger", "danger"),
    ("on_warning", "warning"),
    ("text", "accent_soft"),
]


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_colour_reaches_wcag_aa(tokens: Tokens) -> None:
    weak = {
        f"{text} on {ground}": round(contrast(getattr(tokens, text), getattr(tokens, ground)), 2)
        for text, ground in READABLE
        if contrast(getattr(tokens, text), getattr(tokens, ground)) < 4.5
    }
    assert weak == {}
    # Icons, focus rings and meters need 3 to 1 (WCAG 1.4.11).
    for mark in ("accent", "ok", "warning", "danger"):
        assert contrast(getattr(tokens, mark), tokens.surface) >= 3


def test_every_shipped_icon_is_drawn() -> None:
    from everlisten.ui.icons import icon

    names = sorted(path.stem for path in icon_path("everlisten").parent.glob("*.svg"))
    assert {"everlisten", "tray-listening", "tray-paused", "tray-problem"} <= set(names)
    for name in names:
        image = icon(name, "#000000").pixmap(32, 32).toImage()
        inked = sum(image.pixelColor(x, y).alpha() > 0 for x in range(32) for y in range(32))
        assert inked > 10, name
