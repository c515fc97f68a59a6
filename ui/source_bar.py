"""Which sound is listened to: mode, meters, and a popover with devices, levels and gains."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from everlisten.audio_io.chunk import SourceName
from everlisten.ui.controls import add_shortcut
from everlisten.ui.health_facts import SOURCE_TITLES, sentence_of
from everlisten.ui.icons import labelled_icon, labelled_size, pixmap
from everlisten.ui.level_meter import LevelMeter, decibels
from everlisten.ui.protocols import HealthReading, Listening, SourceMode
from everlisten.ui.source_popover import SourcePopover
from everlisten.ui.theme import Theme

_NAME_LETTERS = 24
"""A longer name of a file is shortened."""
_MODES: tuple[tuple[SourceMode, str, str, str, str], ...] = (
    ("mic", "Microphone", "Mic", "microphone", "Listen to the microphone"),
    ("system", "Computer sound", "Computer", "computer", "Listen to what this computer plays"),
    ("both", "Both", "Both", "both", "Listen to both; captions say You or Others"),
)
_SOURCES = {
    "mic": (SourceName.MIC,),
    "system": (SourceName.SYSTEM,),
    "both": (SourceName.MIC, SourceName.SYSTEM),
}


class SourceBar(QWidget):
    """Changes go to `Listening` at once; what is shown comes from its readings."""

    changed = Signal()
    """The user chose other sources."""
    file_left = Signal()
    """The user wants to listen to the sources again, not to the file."""
    rearranged = Signal()
    """It takes more or less room than before."""

    def __init__(self, theme: Theme, listening: Listening) -> None:
        super().__init__()
        self._theme = theme
        self._listening = listening
        self._popover: SourcePopover | None = None
        self._buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self._segments = self._make_segments()
        row.addWidget(self._segments)
        self.file = FilePanel(theme)
        self.file.leave.clicked.connect(self.file_left)
        row.addWidget(self.file)
        self.file.hide()
        self.meters = _MeterButton(theme)
        self.meters.clicked.connect(self.open_popover)
        row.addWidget(self.meters, 1)
        row.addStretch()
        theme.changed.connect(self._tint)
        self._tint()
        self.refresh()

    def _make_segments(self) -> QFrame:
        frame = QFrame()
        frame.setObjectName("segments")
        frame.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(frame)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        group = QButtonGroup(self)
        for mode, label, _, _, help in _MODES:
            button = QToolButton()
            button.setText(label)
            button.setCheckable(True)
            button.setProperty("role", "segment")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setIconSize(labelled_size(16))
            button.setToolTip(help)
            button.setAccessibleName(f"Source: {label}")
            button.setAccessibleDescription(help)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(lambda _=False, mode=mode: self._choose(mode))
            group.addButton(button)
            row.addWidget(button)
            self._buttons[mode] = button
        return frame

    def show_labels(self, wide: bool) -> None:
        """A narrow window has short names and no icons."""
        style = Qt.ToolButtonStyle
        for mode, label, short, *_ in _MODES:
            self._buttons[mode].setText(label if wide else short)
            self._buttons[mode].setToolButtonStyle(
                style.ToolButtonTextBesideIcon if wide else style.ToolButtonTextOnly
            )
        self.file.show_labels(wide)

    def refresh(self) -> None:
        """Show the user's choice as the program knows it."""
        mode = self._listening.selection().mode
        self._buttons[mode].setChecked(True)
        self.file.name_way_back(mode)
        if not self.hears_file:
            self.meters.expect(_SOURCES[mode])
        if self._popover is not None:
            self._popover.refresh()

    def show_reading(self, reading: HealthReading) -> None:
        """Move the meters."""
        files = [one.device for one in reading.sources if one.source is SourceName.FILE]
        self._show_file(files[0] if files else "")
        self.meters.show_reading(reading)
        if self._popover is not None and self._popover.isVisible():
            self._popover.show_reading(reading)
            self._popover.refresh_devices()

    @property
    def hears_file(self) -> bool:
        """Whether a file is captioned instead of microphone and computer sound."""
        return not self.file.isHidden()

    def _show_file(self, name: str) -> None:
        """While a file plays, its name stands where the sources are chosen: none of them is on."""
        if bool(name) == self.hears_file and name == self.file.name:
            return
        focused = any(one.hasFocus() for one in (*self._buttons.values(), self.file.leave))
        self.file.show_name(name)
        self.file.setVisible(bool(name))
        self._segments.setVisible(not name)
        if focused:
            checked = self._buttons[self._listening.selection().mode]
            (self.file.leave if name else checked).setFocus()
        if not name:
            self.meters.expect(_SOURCES[self._listening.selection().mode])
        self.rearranged.emit()

    def open_popover(self) -> None:
        """Devices, levels and gains."""
        if self._popover is None:
            self._popover = SourcePopover(self, self._theme, self._listening)
            self._popover.chosen.connect(self._chosen)
        self._popover.refresh()
        self._popover.show_reading(self._listening.health())
        self._popover.open_at(self.meters)

    @property
    def controls(self) -> tuple[QToolButton, ...]:
        """Everything that takes the focus, in order."""
        return (*self._buttons.values(), self.file.leave, self.meters)

    def button(self, mode: SourceMode) -> QToolButton:
        """The button of one mode."""
        return self._buttons[mode]

    @property
    def popover(self) -> SourcePopover | None:
        """The open or last opened popover."""
        return self._popover

    def _choose(self, mode: SourceMode) -> None:
        self._listening.select(replace(self._listening.selection(), mode=mode))
        self._chosen()

    def _chosen(self) -> None:
        self.refresh()
        self.changed.emit()

    def _tint(self) -> None:
        for mode, _, _, picture, _ in _MODES:
            self._buttons[mode].setIcon(labelled_icon(picture, 16, self._theme.tokens.secondary))


class FilePanel(QFrame):
    """The name of the file that is captioned, and the way back to the sources."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._mode: SourceMode = "mic"
        self._wide = True
        self.name = ""
        self.setObjectName("segments")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 2, 2)
        row.setSpacing(6)
        self._picture = QLabel()
        self._label = QLabel()
        self._label.setProperty("role", "heading")
        self.leave = QToolButton()
        self.leave.setProperty("role", "raised")
        self.leave.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for widget in (self._picture, self._label, self.leave):
            row.addWidget(widget)
        theme.changed.connect(self._tint)
        self._tint()
        self.name_way_back("mic")

    @property
    def text(self) -> str:
        """The name as far as there is room."""
        return self._label.text()

    def show_name(self, name: str) -> None:
        """Show a file's name, shortened in its middle where it is long."""
        self.name = name
        room = self.fontMetrics().averageCharWidth() * (_NAME_LETTERS if self._wide else 14)
        middle = Qt.TextElideMode.ElideMiddle
        self._label.setText(self._label.fontMetrics().elidedText(name, middle, room))
        self._label.setToolTip(f"{name} is captioned; no device is listened to.")
        self.setAccessibleName(f"File: {name}")

    def show_labels(self, wide: bool) -> None:
        """A narrow window has short words."""
        self._wide = wide
        self.show_name(self.name)
        self.name_way_back(self._mode)

    def name_way_back(self, mode: SourceMode) -> None:
        """Say what is listened to instead."""
        self._mode = mode
        title = {"mic": "microphone", "system": "computer sound", "both": "both sources"}[mode]
        self.leave.setText(f"Back to {title}" if self._wide else "Back")
        self.leave.setAccessibleName(f"Back to {title}")
        self.leave.setToolTip(f"End the file and begin a session with {title}")

    def _tint(self) -> None:
        ratio = self.devicePixelRatioF()
        self._picture.setPixmap(pixmap("folder", 16, self._theme.tokens.secondary, ratio))


class _MeterButton(QToolButton):
    """One slim meter for each source; a click opens devices and gains."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._meters: dict[SourceName, LevelMeter] = {}
        self.setProperty("role", "icon")
        self.setMinimumSize(96, 34)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMaximumWidth(180)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("Choose devices, see levels, set the gain (Ctrl+D)")
        add_shortcut(self, "Ctrl+D")
        self.setAccessibleName("Devices and levels")
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 30, 6)
        column.setSpacing(4)
        column.addStretch()
        for name in SourceName:
            meter = LevelMeter(theme, f"Level of {SOURCE_TITLES[name].lower()}")
            meter.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            self._meters[name] = meter
            column.addWidget(meter)
            meter.setVisible(name is SourceName.MIC)
        column.addStretch()
        self._arrow = QLabel(self)
        self._arrow.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self._tint)
        self._tint()

    def expect(self, names: tuple[SourceName, ...]) -> None:
        """Show a meter for each of these sources."""
        for name, meter in self._meters.items():
            meter.setVisible(name in names)

    def show_reading(self, reading: HealthReading) -> None:
        """Move the meters; a file has a meter while it plays."""
        if reading.sources:
            self.expect(tuple(one.source for one in reading.sources))
        heard = {one.source: one for one in reading.sources}
        for name, meter in self._meters.items():
            one = heard.get(name)
            if one is None:
                meter.rest()
            else:
                meter.show_level(one.level_db, one.peak_db)
        words = [
            f"{SOURCE_TITLES[one.source]} {sentence_of(one) or decibels(one.level_db)}"
            for one in reading.sources
        ]
        described = ", ".join(words) or "No source is open."
        if not self.hasFocus() and described != self.accessibleDescription():
            self.setAccessibleDescription(described)

    def _tint(self) -> None:
        ratio = self.devicePixelRatioF()
        self._arrow.setPixmap(pixmap("chevron", 18, self._theme.tokens.secondary, ratio))

    def resizeEvent(self, event: object) -> None:
        self._arrow.setGeometry(self.width() - 26, (self.height() - 18) // 2, 18, 18)
