"""Colours, palette and style sheet, light and dark, switched live.

Every text colour has a contrast of at least 4.5 to 1 on the surfaces it is used on (WCAG AA); a
test measures it.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from everlisten.ui.style_sheet import style_sheet

GRID_PX = 4
"""Every distance is a multiple of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The colours of one scheme, as #RRGGBB."""

    dark: bool
    base: str
    """Where captions stand."""
    surface: str
    """Bars, pages and popovers."""
    raised: str
    """Buttons and fields."""
    hover: str
    border: str
    text: str
    secondary: str
    dim: str
    """The unstable tail of a caption."""
    translation: str
    accent: str
    on_accent: str
    accent_soft: str
    selection: str
    you: str
    others: str
    ok: str
    warning: str
    warning_soft: str
    danger: str
    danger_soft: str
    on_warning: str
    """Text on the full colour, as on an alert that is told again."""
    on_danger: str
    meter_track: str

    def color(self, name: str) -> QColor:
        """One of the colours, for painting."""
        return QColor(getattr(self, name))


LIGHT = Tokens(
    dark=False,
    base="#FFFFFF",
    surface="#F5F7F8",
    raised="#FFFFFF",
    hover="#E9EDEF",
    border="#D5DBE0",
    text="#14191D",
    secondary="#4B5862",
    dim="#5D6973",
    translation="#3A5A73",
    accent="#0B7A74",
    on_accent="#FFFFFF",
    accent_soft="#DDF1EF",
    selection="#BFE5E1",
    you="#0B716B",
    others="#7D3C98",
    ok="#1A7A3D",
    warning="#8A5200",
    warning_soft="#FFF3DC",
    danger="#B3261E",
    danger_soft="#FDE9E7",
    on_warning="#FFFFFF",
    on_danger="#FFFFFF",
    meter_track="#DFE5E8",
)
DARK = Tokens(
    dark=True,
    base="#13171A",
    surface="#1A1F23",
    raised="#242A2F",
    hover="#2C343A",
    border="#343C43",
    text="#E8ECEE",
    secondary="#A8B4BC",
    dim="#95A2AC",
    translation="#A9C6DC",
    accent="#4CCFC3",
    on_accent="#05211F",
    accent_soft="#173834",
    selection="#1F544F",
    you="#5FD6CB",
    others="#D5A6E6",
    ok="#6BD68F",
    warning="#FFC56B",
    warning_soft="#33290F",
    danger="#FF9288",
    danger_soft="#3B1C1A",
    on_warning="#2B1B00",
    on_danger="#2B0705",
    meter_track="#2B3238",
)


class Theme(QObject):
    """The scheme in use. Widgets that paint by hand read `tokens` and listen to `changed`."""

    changed = Signal()

    def __init__(self, application: QApplication, choice: str = "system") -> None:
        super().__init__()
        self._application = application
        self._choice = choice
        request_scheme(application, choice)
        self.tokens = self._wanted()
        self._apply()
        application.styleHints().colorSchemeChanged.connect(self._refresh)

    def choose(self, choice: str) -> None:
        """Use "system", "light" or "dark"."""
        self._choice = choice
        request_scheme(self._application, choice)
        self._refresh()

    def _wanted(self) -> Tokens:
        if self._choice == "system":
            scheme = self._application.styleHints().colorScheme()
            return DARK if scheme == Qt.ColorScheme.Dark else LIGHT
        return DARK if self._choice == "dark" else LIGHT

    def _refresh(self) -> None:
        wanted = self._wanted()
        if wanted is not self.tokens:
            self.tokens = wanted
            self._apply()
            self.changed.emit()

    def _apply(self) -> None:
        self._application.setPalette(palette(self.tokens))
        self._application.setStyleSheet(style_sheet(self.tokens))


def request_scheme(application: QApplication, choice: str) -> None:
    """Ask the platform for title bars and native dialogs in the same scheme."""
    schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
    application.styleHints().setColorScheme(schemes.get(choice, Qt.ColorScheme.Unknown))


def palette(tokens: Tokens) -> QPalette:
    """The palette that Fusion and every plain widget draw with."""
    role = QPalette.ColorRole
    made = QPalette()
    for name, roles in {
        "surface": (role.Window,),
        "base": (role.Base,),
        "raised": (role.Button, role.ToolTipBase, role.AlternateBase),
        "text": (role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.BrightText),
        "secondary": (role.PlaceholderText,),
        "accent": (role.Highlight, role.Link, role.Accent),
        "on_accent": (role.HighlightedText,),
        "border": (role.Mid, role.Midlight, role.Dark),
    }.items():
        for one in roles:
            made.setColor(one, tokens.color(name))
    for one in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, one, tokens.color("dim"))
    return made
