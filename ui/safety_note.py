"""What alerts are not, said at the first start until the user has understood it."""

from __future__ import annotations

from everlisten.ui.alert_protocols import SAFETY_SENTENCE
from everlisten.ui.banner import Banner
from everlisten.ui.protocols import Settings
from everlisten.ui.theme import Theme

READ_KEY = "ui.safety_note_read"


class SafetyNote(Banner):
    """Closing it hides it for now; only the button keeps it away."""

    def __init__(self, theme: Theme, settings: Settings) -> None:
        super().__init__(theme)
        self._settings = settings

    def open(self) -> None:
        """Show it, unless it was answered before."""
        if not self._settings.window().safety_note_read:
            self.tell(SAFETY_SENTENCE, "info", "&I understand", self._answered)

    def _answered(self) -> None:
        self._settings.change(READ_KEY, True)
