"""What is done with audio files: choose one, caption it, or have the whole of it worked on."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from everlisten.ui.file_task_dialog import FileTaskDialog, FileWish
from everlisten.ui.history_worker import HistoryWorker
from everlisten.ui.protocols import Assistance, FileTasks, Listening

AUDIO_FILES = "Audio (*.wav *.flac *.ogg *.oga *.opus *.mp3 *.aiff *.aif *.au *.caf *.w64)"


class FileWork(QObject):
    """Owns the dialog of a file and the thread that works on whole files."""

    caption_wanted = Signal(object)
    """The path: caption it as it plays."""
    told = Signal(str)
    """A sentence for the banner."""

    def __init__(
        self, window: QWidget, listening: Listening, assistance: Assistance, tasks: FileTasks
    ) -> None:
        super().__init__(window)
        self._window = window
        self._listening = listening
        self._assistance = assistance
        self._tasks = tasks
        self._worker: HistoryWorker | None = None
        self._dialog: FileTaskDialog | None = None
        self._asked: deque[FileTaskDialog | None] = deque()
        """Which dialog each task is for that is not done, in their order; it may be closed."""

    @property
    def dialog(self) -> FileTaskDialog | None:
        """The dialog of a file while it is open."""
        return self._dialog

    def ask(self) -> None:
        """Let the user choose an audio file, then offer it."""
        path, _ = QFileDialog.getOpenFileName(
            self._window,
            "Open an audio file",
            "",
            f"{AUDIO_FILES};;Sequence of files (*.json);;All files (*)",
        )
        if path:
            self.offer(Path(path))

    def offer(self, path: Path) -> None:
        """Ask what to do with a file, where there is a choice, and do it."""
        # A list of files plays in one context; a task needs one recording.
        if self._assistance.reading().why_not or path.suffix.lower() == ".json":
            self.caption_wanted.emit(path)
            return
        languages, target = self._listening.languages(), self._listening.target()
        dialog = FileTaskDialog(self._window, path, languages, target or "en")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.caption_wanted.connect(self.caption_wanted)
        dialog.work_wanted.connect(self._work_on)
        dialog.destroyed.connect(self._forget)
        self._dialog = dialog
        dialog.open()

    def _work_on(self, wish: FileWish) -> None:
        if self._worker is None:
            self._worker = HistoryWorker(self, "whole-files")
            self._worker.failed.connect(self._show_refusal)
        self._asked.append(self._dialog)
        self._worker.submit(
            lambda: self._tasks.run(wish.path, wish.kind, wish.text, wish.language),
            self._show_text,
        )

    def _show_text(self, text: str) -> None:
        if (dialog := self._asking()) is not None:
            dialog.show_text(text)

    def _show_refusal(self, sentence: str) -> None:
        if (dialog := self._asking()) is not None:
            dialog.show_refusal(sentence)
        else:
            self.told.emit(sentence)

    def _asking(self) -> FileTaskDialog | None:
        """The dialog whose task is done now, if it is still the open one."""
        asked = self._asked.popleft()
        return asked if asked is self._dialog else None

    def _forget(self) -> None:
        self._dialog = None

    def close_dialog(self) -> None:
        """The window ends: close what is open."""
        if self._dialog is not None:
            self._dialog.close()

    def close(self) -> None:
        """End the thread, after what it is at."""
        if self._worker is not None:
            self._worker.close()
