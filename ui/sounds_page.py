"""The settings page of alerts: every sound, the user's own ones, when and how they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from everlisten.ui.alert_protocols import SAFETY_SENTENCE
from everlisten.ui.alert_words import alerts_trouble
from everlisten.ui.alerting import Alerting
from everlisten.ui.history_worker import HistoryWorker
from everlisten.ui.icons import pixmap
from everlisten.ui.protocols import SettingField
from everlisten.ui.quiet_hours import FROM_KEY, TO_KEY, QuietHours
from everlisten.ui.setting_row import Change, SettingRow
from everlisten.ui.sound_list import SoundList
from everlisten.ui.taught_list import TaughtList
from everlisten.ui.theme import Theme
from everlisten.ui.volume_row import VolumeRow

PAGE = "Sounds"
ENABLED_KEY = "alerts.enabled"
VOLUME_KEY = "alerts.tone_volume"
DELIVERY_KEYS = (
    "alerts.tray",
    "alerts.flash",
    "alerts.tone",
    VOLUME_KEY,
    "alerts.spoken",
)
PARTS = ("Sounds", "Your own", "When and how")
REFRESH_MS = 1_000
ALWAYS = "The banner in the window always shows an alert, and stays until you answer it."


class SoundsPage(QWidget):
    """What concerns all sounds at the top, then one of three parts."""

    def __init__(
        self,
        theme: Theme,
        alerting: Alerting,
        worker: HistoryWorker,
        fields: Sequence[SettingField],
        change: Change,
    ) -> None:
        super().__init__()
        self._theme = theme
        self._alerts = alerting.alerts
        self._change = change
        self._fields = {one.key: one for one in fields}
        self.rows: dict[str, SettingRow] = {}
        self.volume: VolumeRow | None = None
        self.quiet: QuietHours | None = None
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.wake = QPushButton("End the snooze")
        self.wake.setAutoDefault(False)
        self.wake.clicked.connect(self._wake)
        self.sounds = SoundList(theme, alerting.sounds)
        self.own = TaughtList(theme, alerting.taught, alerting.examples, worker)
        self.own.changed.connect(self.sounds.refresh)
        self.parts: list[QToolButton] = []
        self._picture = QLabel()
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(16)
        self._shown = (self.sounds, self.own, self._make_delivery())
        self._lay_out()
        theme.changed.connect(self._tint)
        self._tint()
        self.refresh()

    def _lay_out(self) -> None:
        self._column.addWidget(self._make_note())
        if ENABLED_KEY in self._fields:
            self._column.addWidget(self._row(ENABLED_KEY))
        state = QHBoxLayout()
        state.addWidget(self.state, 1)
        state.addWidget(self.wake)
        self._column.addLayout(state)
        self._column.addWidget(self._make_parts(), 0, Qt.AlignmentFlag.AlignLeft)
        for part in self._shown:
            self._column.addWidget(part)
        self._column.addStretch()
        self.show_part(0)

    def _make_note(self) -> QFrame:
        note = QFrame()
        note.setObjectName("note")
        label = QLabel(SAFETY_SENTENCE)
        label.setWordWrap(True)
        row = QHBoxLayout(note)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(10)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(label, 1)
        return note

    def _make_parts(self) -> QFrame:
        frame = QFrame()
        frame.setObjectName("segments")
        frame.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
        row = QHBoxLayout(frame)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        group = QButtonGroup(self)
        for at, name in enumerate(PARTS):
            button = QToolButton()
            button.setText(name)
            button.setProperty("role", "segment")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(self._shower(at))
            group.addButton(button)
            row.addWidget(button)
            self.parts.append(button)
        return frame

    def _shower(self, at: int) -> Callable[[], None]:
        return lambda: self.show_part(at)

    def _make_delivery(self) -> QWidget:
        """Source, narration and language, quiet hours, then the ways to the user."""
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(18)
        begin, end = self._fields.get(FROM_KEY), self._fields.get(TO_KEY)
        if begin is not None and end is not None:
            self.quiet = QuietHours(str(begin.value), str(end.value), self._change)
            column.addWidget(self.quiet)
        always = QLabel(ALWAYS)
        always.setProperty("role", "secondary")
        always.setWordWrap(True)
        column.addWidget(_heading("How you are told"))
        column.addWidget(always)
        for key in DELIVERY_KEYS:
            if key == VOLUME_KEY and key in self._fields:
                self.volume = VolumeRow(self._fields[key], self._change)
                column.addWidget(self.volume)
            elif key in self._fields:
                column.addWidget(self._row(key))
        column.addWidget(_heading("What is heard"))
        special = (ENABLED_KEY, FROM_KEY, TO_KEY, *DELIVERY_KEYS)
        for key in self._fields:
            if key not in special:
                column.addWidget(self._row(key))
        return part

    def _row(self, key: str) -> SettingRow:
        row = SettingRow(self._fields[key], self._change)
        self.rows[key] = row
        return row

    def show_part(self, at: int) -> None:
        """Show the sounds (0), the user's own ones (1), or when and how alerts are told (2)."""
        self.parts[at].setChecked(True)
        for number, part in enumerate(self._shown):
            part.setVisible(number == at)

    def refresh(self) -> None:
        """Show how alerting goes now."""
        reading = self._alerts.reading()
        trouble = alerts_trouble(reading)
        text = trouble or reading.snoozed
        self.state.setText(text)
        role = "refusal" if trouble else "secondary"
        if self.state.property("role") != role:
            self.state.setProperty("role", role)
            self.state.style().unpolish(self.state)
            self.state.style().polish(self.state)
        self.state.setVisible(bool(text))
        self.wake.setVisible(bool(reading.snoozed))
        if self.own.isVisible():
            # What another sound model learned is learned again in the background.
            self.own.refresh()

    def _wake(self) -> None:
        self._alerts.snooze(None, 0)
        self.refresh()

    @property
    def widget(self) -> QWidget:
        """The page itself."""
        return self

    def close_page(self) -> None:
        """The settings are closed: apply what is still settling, close what is open."""
        self.sounds.apply_pending()
        self.own.close_dialog()
        for part in (self.volume, self.quiet):
            if part is not None:
                part.apply_pending()

    def _tint(self) -> None:
        color = self._theme.tokens.color("accent")
        self._picture.setPixmap(pixmap("info", 18, color, self.devicePixelRatioF()))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()


def _heading(text: str) -> QLabel:
    heading = QLabel(text)
    heading.setProperty("role", "group")
    return heading
