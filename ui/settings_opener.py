"""Opens the settings window, one at a time."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from everlisten.ui.protocols import Settings
from everlisten.ui.settings_dialog import MakePage, SettingsDialog


class SettingsOpener(QObject):
    """Owns the dialog while it is open."""

    changed = Signal()
    """A setting was changed."""

    def __init__(self, window: QWidget, settings: Settings, pages: Mapping[str, MakePage]) -> None:
        super().__init__(window)
        self._window = window
        self._settings = settings
        self._pages = pages
        self._dialog: SettingsDialog | None = None

    @property
    def dialog(self) -> SettingsDialog | None:
        """The settings window while it is open."""
        return self._dialog

    def open(self) -> None:
        """Open the settings, or bring them to the front."""
        if self._dialog is None:
            self._dialog = SettingsDialog(self._settings, self._window, self._pages)
            self._dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self._dialog.changed.connect(lambda _: self.changed.emit())
            self._dialog.destroyed.connect(self._forget)
        self._dialog.show()
        self._dialog.raise_()
        self._dialog.activateWindow()

    def close(self) -> None:
        """The window ends."""
        if self._dialog is not None:
            self._dialog.close()

    def _forget(self) -> None:
        self._dialog = None
