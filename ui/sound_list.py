"""Every sound that can be alerted about: its switch, sensitivity, test, when it was heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from everlisten.ui.alert_protocols import SoundRow, SoundSwitches
from everlisten.ui.alert_words import (
    ago_words,
    sensitivity_words,
    severity_rank,
    severity_style,
    severity_word,
)
from everlisten.ui.controls import search_field
from everlisten.ui.icons import pixmap
from everlisten.ui.theme import Theme
from everlisten.ui.wheel_guard import guard_wheel

NARROW_PX = 460
STEPS = 20
REFRESH_MS = 5_000
_SETTLE_MS = 250
_TOLD_MS = 8_000
_ICON_PX = 16
_HEADINGS = {"emergency": "Emergencies", "warning": "Warnings", "notice": "Notices"}
TESTED = "An example is on its way; the alert appears in the window in a few seconds."


class SoundList(QWidget):
    """Rows by severity, with a search above them."""

    def __init__(self, theme: Theme, switches: SoundSwitches) -> None:
        super().__init__()
        self._theme = theme
        self._switches = switches
        self.items: dict[str, SoundItem] = {}
        self._headings: dict[str, QLabel] = {}
        self.search = search_field(theme, "Search sounds", "Search sounds")
        self.search.textChanged.connect(self._filter)
        self.nothing = QLabel()
        self.nothing.setProperty("role", "secondary")
        self.nothing.hide()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.search)
        column.addWidget(self.nothing)
        column.addLayout(self._rows)
        column.addStretch()
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the sounds as they are now; rows stay where the sounds are the same."""
        sounds = sorted(self._switches.rows(), key=lambda row: severity_rank(row.severity))
        if [(row.id, row.severity) for row in sounds] != [
            (item.sound.id, item.sound.severity) for item in self.items.values()
        ]:
            self._build(sounds)
        for row in sounds:
            self.items[row.id].show_sound(row)
        self._filter()

    def _build(self, sounds: Sequence[SoundRow]) -> None:
        while (taken := self._rows.takeAt(0)) is not None:
            if (widget := taken.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.items, self._headings = {}, {}
        for row in sounds:
            if row.severity not in self._headings:
                heading = QLabel(_HEADINGS.get(row.severity, "Others"))
                heading.setProperty("role", "group")
                heading.setContentsMargins(0, 8, 0, 2)
                self._headings[row.severity] = heading
                self._rows.addWidget(heading)
            self.items[row.id] = SoundItem(self._theme, self._switches, row)
            self._rows.addWidget(self.items[row.id])

    def _filter(self) -> None:
        text = self.search.text().strip()
        words = text.lower().split()
        shown = {
            id: all(word in item.searched for word in words) for id, item in self.items.items()
        }
        for id, item in self.items.items():
            item.setVisible(shown[id])
        for severity, heading in self._headings.items():
            members = (id for id, item in self.items.items() if item.sound.severity == severity)
            heading.setVisible(any(shown[id] for id in members))
        self.nothing.setText(f"No sound is called “{text}”.")
        self.nothing.setVisible(not any(shown.values()))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def apply_pending(self) -> None:
        """Tell what is still settling."""
        for item in self.items.values():
            item.apply_pending()


class SoundItem(QFrame):
    """One sound. In a narrow window the slider stands on a line of its own."""

    def __init__(self, theme: Theme, switches: SoundSwitches, sound: SoundRow) -> None:
        super().__init__()
        self._theme = theme
        self._switches = switches
        self.sound = sound
        self._narrow = False
        self.setObjectName("soundItem")
        self.mark = QLabel()
        self.mark.setFixedWidth(_ICON_PX)
        self.mark.setContentsMargins(0, 3, 0, 0)
        self.switch = QCheckBox()
        self.heard = QLabel()
        self.heard.setProperty("role", "secondary")
        self.heard.setContentsMargins(26, 0, 0, 0)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 5)
        self.slider.setFixedWidth(110)
        self.degree = QLabel()
        self.degree.setProperty("role", "secondary")
        self.test = QPushButton("Test")
        self.test.setAutoDefault(False)
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.told.setContentsMargins(26, 0, 0, 0)
        self.told.hide()
        self._settling = _timer(self, _SETTLE_MS, self._tell_sensitivity)
        self._reading = _timer(self, _TOLD_MS, self.told.hide)
        self._lay_out()
        self.switch.toggled.connect(self._set_enabled)
        self.slider.valueChanged.connect(self._slid)
        self.test.clicked.connect(self._test)
        guard_wheel(self.slider)
        theme.changed.connect(self._tint)
        self._tint()
        self.show_sound(sound)

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.switch)
        names.addWidget(self.heard)
        degrees = QVBoxLayout()
        degrees.setSpacing(0)
        degrees.addWidget(self.slider)
        degrees.addWidget(self.degree, 0, Qt.AlignmentFlag.AlignHCenter)
        self._controls = QWidget()
        controls = QHBoxLayout(self._controls)
        controls.setContentsMargins(0, 0, 0, 0)
        controls.setSpacing(12)
        controls.addLayout(degrees)
        controls.addWidget(self.test)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(8, 6, 8, 6)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(4)
        self._grid.addWidget(self.mark, 0, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addLayout(names, 0, 1)
        self._grid.addWidget(self._controls, 0, 2)
        self._grid.addWidget(self.told, 2, 1, 1, 2)
        self._grid.setColumnStretch(1, 1)

    @property
    def searched(self) -> str:
        """What a search looks at, in lower case."""
        row = self.sound
        own = "yours taught own" if row.taught else ""
        return f"{row.label} {row.id} {severity_word(row.severity)} {own}".lower()

    def show_sound(self, row: SoundRow) -> None:
        """Show the sound as it is now; what the user is changing stays."""
        self.sound = row
        label = f"{row.label} (yours)" if row.taught else row.label
        self.switch.setText(label.replace("&", "&&"))
        self.switch.setToolTip(row.advice)
        self.switch.setAccessibleName(f"{label}, {severity_word(row.severity)}")
        self.mark.setToolTip(severity_word(row.severity))
        ago = ago_words(row.last_heard_s_ago)
        self.heard.setText("never heard" if ago == "never" else f"heard {ago}")
        self.switch.setAccessibleDescription(self.heard.text())
        self.slider.setAccessibleName(f"Sensitivity of {row.label}")
        self.test.setAccessibleName(f"Test {row.label}")
        self.test.setToolTip("Sends an example through the same way as what is heard.")
        blocker = QSignalBlocker(self.switch)
        self.switch.setChecked(row.enabled)
        blocker.unblock()
        if not self._settling.isActive() and not self.slider.isSliderDown():
            blocker = QSignalBlocker(self.slider)
            self.slider.setValue(round(row.sensitivity * STEPS))
            blocker.unblock()
        self._show_degree()

    def _show_degree(self) -> None:
        words = sensitivity_words(self.slider.value() / STEPS)
        self.degree.setText(words)
        self.slider.setAccessibleDescription(f"{words}; higher also finds fainter ones")
        self.slider.setToolTip(f"Sensitivity: {words.lower()}. Higher also finds fainter ones.")
        for control in (self.slider, self.degree):
            control.setEnabled(self.switch.isChecked())

    def _set_enabled(self, on: bool) -> None:
        self._tell(self._switches.set_enabled(self.sound.id, on))
        self._show_degree()

    def _slid(self) -> None:
        self._show_degree()
        self._settling.start()

    def _tell_sensitivity(self) -> None:
        value = self.slider.value() / STEPS
        self._tell(self._switches.set_sensitivity(self.sound.id, value))

    def apply_pending(self) -> None:
        """Tell the sensitivity at once if it is still settling."""
        if self._settling.isActive():
            self._settling.stop()
            self._tell_sensitivity()

    def _test(self) -> None:
        refusal = self._switches.test(self.sound.id)
        self._tell(refusal, TESTED)

    def _tell(self, refusal: str, said: str = "") -> None:
        self.told.setProperty("role", "refusal" if refusal else "secondary")
        self.told.style().unpolish(self.told)
        self.told.style().polish(self.told)
        self.told.setText(refusal or said)
        self.told.setVisible(bool(refusal or said))
        if self.isVisible():
            self._reading.start()

    def _tint(self) -> None:
        line, _, name = severity_style(self.sound.severity)
        color = self._theme.tokens.color(line)
        self.mark.setPixmap(pixmap(name, _ICON_PX, color, self.devicePixelRatioF()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW_PX
        if narrow is not self._narrow:
            self._narrow = narrow
            self._grid.removeWidget(self._controls)
            if narrow:
                self._controls.setContentsMargins(26, 0, 0, 0)
                self._grid.addWidget(self._controls, 1, 1, Qt.AlignmentFlag.AlignLeft)
            else:
                self._controls.setContentsMargins(0, 0, 0, 0)
                self._grid.addWidget(self._controls, 0, 2)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._reading.stop()
        self.apply_pending()


def _timer(parent: QWidget, after_ms: int, does: Callable[[], object]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(after_ms)
    timer.timeout.connect(does)
    return timer
