"""Open alerts across the top of the window, gravest first, until they are acknowledged."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from everlisten.engine.events import SoundAlert
from everlisten.ui.alert_card import NARROW_PX, AlertCard
from everlisten.ui.alert_protocols import AlertReading, Alerts, ClipPlayback
from everlisten.ui.alert_words import alerts_trouble, severity_rank, spoken_alert
from everlisten.ui.controls import announce
from everlisten.ui.icons import pixmap
from everlisten.ui.theme import Theme

MOST_SHOWN = 3
LOW_PX = 600
"""A window lower than this shows one alert and counts the others."""
NARROW_AND_LOW_PX = 800
"""The same for a narrow window, where an alert takes more lines."""
LOWEST_PX = 500
"""A window lower than this shows one line of it, until the user wants more."""
KNOW_KEYS = "Ctrl+K"
KNOW_ALL_KEYS = "Ctrl+Shift+K"


class AlertBanner(QFrame):
    """Hidden while nothing is open and alerts work."""

    def __init__(self, theme: Theme, alerts: Alerts, clips: ClipPlayback) -> None:
        super().__init__()
        self._theme = theme
        self._alerts = alerts
        self._clips = clips
        self._cards: dict[str, AlertCard] = {}
        self._expanded = ""
        self.setObjectName("alertBanner")
        self.setAccessibleName("Alerts")
        self.trouble = QLabel()
        self._strip = self._make_strip()
        self.more = QLabel()
        self.more.setProperty("role", "secondary")
        self.know_all = QPushButton("OK, I know of all")
        self.know_all.setToolTip(f"Acknowledge every alert ({KNOW_ALL_KEYS})")
        self.know_all.clicked.connect(alerts.acknowledge_all)
        self._rest = QWidget()
        rest = QHBoxLayout(self._rest)
        rest.setContentsMargins(4, 0, 0, 0)
        rest.addWidget(self.more, 1)
        rest.addWidget(self.know_all)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 8, 12, 8)
        self._column.setSpacing(8)
        self._column.addWidget(self._strip)
        self._column.addWidget(self._rest)
        theme.changed.connect(self._tint)
        self._tint()
        self.hide()

    def _make_strip(self) -> QFrame:
        strip = QFrame()
        strip.setObjectName("alertTrouble")
        self._picture = QLabel()
        self.trouble.setWordWrap(True)
        row = QHBoxLayout(strip)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(10)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.trouble, 1)
        return strip

    def add_keys(self, window: QWidget) -> None:
        """Keys that answer alerts wherever the focus is."""
        for keys, answer in ((KNOW_KEYS, self._know_first), (KNOW_ALL_KEYS, self._know_all)):
            QShortcut(QKeySequence(keys), window, answer)

    @property
    def cards(self) -> list[AlertCard]:
        """The cards that are shown, gravest first."""
        return [card for card in self._ordered() if not card.isHidden()]

    def card(self, alert_id: str) -> AlertCard | None:
        """The card of an open alert, shown or counted."""
        return self._cards.get(alert_id)

    def show_reading(self, reading: AlertReading) -> None:
        """Show what is open now, and whether alerts work."""
        wanted = {alert.id: alert for alert in reading.open}
        for gone in [id for id in self._cards if id not in wanted]:
            card = self._cards.pop(gone)
            self._keep_focus(card)
            card.hide()
            card.deleteLater()
        for alert in reading.open:
            self._show_alert(alert)
        trouble = alerts_trouble(reading)
        if trouble != self.trouble.text():
            self.trouble.setText(trouble)
            if trouble:
                announce(self, trouble, urgent=True)
        self._strip.setVisible(bool(trouble))
        self._arrange()

    def _show_alert(self, alert: SoundAlert) -> None:
        card = self._cards.get(alert.id)
        if card is None:
            card = AlertCard(self._theme, self._alerts, self._clips, alert)
            card.expand.connect(self._expander(alert.id))
            card.hide()
            self._cards[alert.id] = card
            self._column.insertWidget(self._column.count() - 1, card)
        elif card.alert != alert:
            card.show_alert(alert)
        else:
            card.refresh()

    def tell(self, alert: SoundAlert, moving: bool) -> None:
        """An alert came, or is told again: screen readers say it, the card pulses."""
        announce(self, spoken_alert(alert), urgent=True)
        card = self._cards.get(alert.id)
        if card is not None and moving and card.isVisible():
            card.pulse()

    def _expander(self, alert_id: str) -> Callable[[], None]:
        def expand() -> None:
            self._expanded = alert_id
            self._arrange()
            self._cards[alert_id].know.setFocus()

        return expand

    def _ordered(self) -> list[AlertCard]:
        """Gravest first; among equals what was told oftener, then what came last."""
        newest = list(reversed(self._cards.values()))
        return sorted(
            newest, key=lambda card: (severity_rank(card.alert.severity), -card.alert.level)
        )

    def _arrange(self) -> None:
        cards = self._ordered()
        if self._expanded not in self._cards:
            self._expanded = ""
        room_px = self.window().height()
        first = self._expanded
        if not first and cards and room_px >= LOWEST_PX:
            first = cards[0].alert.id
        narrow = self.width() < NARROW_PX
        most = 1 if room_px < (NARROW_AND_LOW_PX if narrow else LOW_PX) else MOST_SHOWN
        shown = cards[:most]
        for at, card in enumerate(cards):
            if self._column.indexOf(card) != at + 1:
                self._column.insertWidget(at + 1, card)
            card.set_compact(card.alert.id != first)
            card.setVisible(card in shown)
        hidden = len(cards) - len(shown)
        self.more.setText(f"{hidden} more" if hidden else "")
        self._rest.setVisible(len(cards) > 1)
        self.setVisible(bool(cards) or bool(self.trouble.text()))

    def _keep_focus(self, card: AlertCard) -> None:
        """The focus goes on to the next alert, not to wherever Qt would send it."""
        focused = self.window().focusWidget()
        if focused is None or not card.isAncestorOf(focused):
            return
        others = [one for one in self._ordered() if one is not card and not one.isHidden()]
        if others:
            others[0].know.setFocus()

    def _know_first(self) -> None:
        cards = self.cards
        if cards:
            self._alerts.acknowledge(cards[0].alert.id)

    def _know_all(self) -> None:
        if self._cards:
            self._alerts.acknowledge_all()

    def _tint(self) -> None:
        tokens = self._theme.tokens
        ratio = self.devicePixelRatioF()
        self._picture.setPixmap(pixmap("error", 18, tokens.color("on_danger"), ratio))
