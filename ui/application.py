"""Sets up the QApplication. The event loop, signals and the window's life belong to `app`."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from everlisten.ui.config import UiConfig
from everlisten.ui.icons import forget_icons, icon
from everlisten.ui.theme import request_scheme

SMALLEST_FONT_PT = 10.0


def create_application(argv: Sequence[str], config: UiConfig) -> QApplication:
    """The application object: name, icon, style and font; closing a window does not end it."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    application = QApplication(list(argv))
    dress(application)
    request_scheme(application, config.theme)
    # Pictures must not outlive the application object.
    application.aboutToQuit.connect(forget_icons)
    return application


def dress(application: QApplication) -> None:
    """Name, icon, style and font."""
    application.setApplicationName("everlisten")
    application.setApplicationDisplayName("Everlisten")
    application.setDesktopFileName("everlisten")
    application.setStyle("Fusion")
    application.setWindowIcon(icon("everlisten"))
    # The window ends the program itself: closing it may only hide it in the tray.
    application.setQuitOnLastWindowClosed(False)
    font = application.font()
    if font.pointSizeF() < SMALLEST_FONT_PT:
        font.setPointSizeF(SMALLEST_FONT_PT)
        application.setFont(font)
