"""Small controls that several parts of the window share."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QIcon,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QLineEdit,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QWidget,
)

from everlisten.ui.icons import icon
from everlisten.ui.theme import Theme

ICON_PX = 20


class ElidedLabel(QLabel):
    """A line of text that ends in … where there is no room."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignVCenter), text)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, super().minimumSizeHint().height())


class ElidedComboBox(QComboBox):
    """A box whose text ends in … where there is no room."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        room = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox,
            option,
            QStyle.SubControl.SC_ComboBoxEditField,
            self,
        )
        text = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, room.width() - 4
        )
        option.currentText = text
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


def search_field(theme: Theme, name: str, hint: str) -> QLineEdit:
    """A line to type a search into, with a glass at its left and a button that clears it."""
    field = QLineEdit()
    field.setPlaceholderText(hint)
    field.setAccessibleName(name)
    field.setClearButtonEnabled(True)
    glass = field.addAction(QIcon(), QLineEdit.ActionPosition.LeadingPosition)

    def tint() -> None:
        glass.setIcon(icon("search", theme.tokens.secondary))

    theme.changed.connect(tint)
    tint()
    return field


def announce(widget: QWidget, sentence: str, urgent: bool = False) -> None:
    """Let a screen reader say something that was not asked for; urgent words interrupt others."""
    if QAccessible.isActive():
        event = QAccessibleAnnouncementEvent(widget, sentence)
        if urgent:
            event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(event)


def add_shortcut(button: QAbstractButton, keys: str) -> None:
    """Keys that click a button wherever the focus is.

    A button's own shortcut clicks 0.1 s late and is lost when its text changes.
    """
    QShortcut(QKeySequence(keys), button, button.click)


class _IconButton(QToolButton):
    """Tinted anew when the colours change, for as long as it lives."""

    def __init__(self, theme: Theme, picture: str) -> None:
        super().__init__()
        self._theme = theme
        self._picture = picture
        theme.changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        tokens = self._theme.tokens
        self.setIcon(icon(self._picture, tokens.secondary, tokens.border))


def icon_button(theme: Theme, picture: str, name: str, shortcut: str = "") -> QToolButton:
    """A button that is only an icon; its name is spoken and shown as a tip, with the shortcut."""
    button = _IconButton(theme, picture)
    button.setProperty("role", "icon")
    button.setIconSize(QSize(ICON_PX, ICON_PX))
    button.setAccessibleName(name)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    keys = QKeySequence(shortcut)
    shown = keys.toString(QKeySequence.SequenceFormat.NativeText)
    button.setToolTip(f"{name} ({shown})" if shown else name)
    if shortcut:
        add_shortcut(button, shortcut)
    return button
