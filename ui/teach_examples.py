"""The examples of a sound that is being taught: recorded, picked, or marked in what was heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from everlisten.ui.controls import ElidedLabel, icon_button
from everlisten.ui.file_work import AUDIO_FILES
from everlisten.ui.flow_layout import FlowLayout
from everlisten.ui.history_worker import HistoryWorker
from everlisten.ui.icons import labelled_icon, labelled_size
from everlisten.ui.recent_sound import RecentSoundDialog
from everlisten.ui.recorder import Recorder
from everlisten.ui.teaching_protocols import SAMPLE_RATE_HZ, ExampleSource, Samples
from everlisten.ui.theme import Theme
from everlisten.ui.waveform import Waveform

LEAST = 3
RECENT_S = 30.0
NOT_LISTENING = "Nothing was heard in the last half minute: press Start listening first."


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One example and where it comes from."""

    samples: Samples
    origin: str

    @property
    def length_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ


class ExampleList(QWidget):
    """Adds, plays and deletes examples."""

    changed = Signal()

    def __init__(self, theme: Theme, source: ExampleSource, worker: HistoryWorker) -> None:
        super().__init__()
        self._theme = theme
        self._source = source
        self._worker = worker
        self._closed = False
        self.rows: list[ExampleRow] = []
        self.recorder = Recorder(theme, source)
        self.that = QPushButton("That was it…")
        self.that.setToolTip("Mark the sound in the last 30 seconds that were heard")
        self.pick = QPushButton("Pick files…")
        self.hint = QLabel()
        self.hint.setProperty("role", "secondary")
        self.hint.setWordWrap(True)
        self.sentence = QLabel()
        self.sentence.setProperty("role", "refusal")
        self.sentence.setWordWrap(True)
        self.recent: RecentSoundDialog | None = None
        self._lay_out()
        self.recorder.recorded.connect(lambda samples: self.add(samples, "recorded"))
        self.recorder.refused.connect(self._tell)
        self.that.clicked.connect(self.open_recent)
        self.pick.clicked.connect(self._ask_files)
        theme.changed.connect(self._tint)
        self._tint()
        self._show()

    def _lay_out(self) -> None:
        buttons = QWidget()
        flow = FlowLayout(buttons)
        for widget in (self.recorder, self.that, self.pick):
            flow.addWidget(widget)
        for button in (self.that, self.pick):
            button.setAutoDefault(False)
            button.setIconSize(labelled_size(16))
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(buttons)
        column.addWidget(self.sentence)
        column.addLayout(self._list)
        column.addWidget(self.hint)

    @property
    def examples(self) -> tuple[Samples, ...]:
        """The sounds, in the order in which they came."""
        return tuple(row.example.samples for row in self.rows)

    def add(self, samples: Samples, origin: str) -> None:
        """Take an example in."""
        if self._closed:
            return
        row = ExampleRow(self._theme, Example(samples, origin), len(self.rows) + 1)
        row.play.clicked.connect(lambda: self._tell(self._source.play(samples)))
        row.delete.clicked.connect(lambda: self._remove(row))
        self.rows.append(row)
        self._list.addWidget(row)
        self._tell("")
        self._show()
        self.changed.emit()

    def add_files(self, paths: list[Path]) -> None:
        """Read files on the worker's thread and take them in."""
        for path in paths:
            self._worker.submit(*self._reading(path))

    def _reading(
        self, path: Path
    ) -> tuple[Callable[[], Samples], Callable[[Samples], None], Callable[[str], None]]:
        return (
            lambda: self._source.read_file(path),
            lambda samples: self.add(samples, path.name),
            self._tell,
        )

    def _ask_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(
            self, "Pick examples", "", f"{AUDIO_FILES};;All files (*)"
        )
        self.add_files([Path(one) for one in chosen])

    def open_recent(self) -> None:
        """Let the user mark the sound in the last half minute."""
        samples = self._source.last_seconds(RECENT_S)
        if not samples:
            self._tell(NOT_LISTENING)
            return
        self.recent = RecentSoundDialog(self, self._theme, self._source, samples)
        self.recent.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.recent.chosen.connect(lambda part: self.add(part, "just heard"))
        self.recent.destroyed.connect(self._forget_recent)
        self.recent.open()

    def _forget_recent(self) -> None:
        self.recent = None

    def _remove(self, row: ExampleRow) -> None:
        self.rows.remove(row)
        self._list.removeWidget(row)
        row.hide()
        row.deleteLater()
        for number, left in enumerate(self.rows, 1):
            left.set_number(number)
        (self.rows[-1].delete if self.rows else self.recorder.button).setFocus()
        self._show()
        self.changed.emit()

    def _tell(self, sentence: str) -> None:
        if not self._closed:
            self.sentence.setText(sentence)
            self.sentence.setVisible(bool(sentence))

    def _show(self) -> None:
        missing = LEAST - len(self.rows)
        more = "one more example is" if missing == 1 else f"{missing} more examples are"
        enough = "Five or more, from different distances, make it more reliable."
        self.hint.setText(f"At least {more} needed." if missing > 0 else enough)
        self.sentence.setVisible(bool(self.sentence.text()))

    def _tint(self) -> None:
        tokens = self._theme.tokens
        self.that.setIcon(labelled_icon("wave", 16, tokens.secondary))
        self.pick.setIcon(labelled_icon("folder", 16, tokens.secondary))

    def close_list(self) -> None:
        """The dialog is closed: stop recording and playing; what is read still is thrown away."""
        self._closed = True
        self.recorder.cancel()
        self._source.stop_playing()
        if self.recent is not None:
            self.recent.close()


class ExampleRow(QFrame):
    """Picture, length, origin, and two buttons."""

    def __init__(self, theme: Theme, example: Example, number: int) -> None:
        super().__init__()
        self.example = example
        self.setObjectName("card")
        self.wave = Waveform(theme, "Example")
        self.wave.show_samples(example.samples)
        self.wave.setFixedWidth(96)
        self.label = ElidedLabel(f"{example.length_s:.1f} s \u00b7 {example.origin}")
        self.label.setToolTip(self.label.text())
        self.play = icon_button(theme, "play", "Play")
        self.delete = icon_button(theme, "trash", "Delete")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 6, 4)
        row.setSpacing(10)
        row.addWidget(self.wave)
        row.addWidget(self.label, 1)
        row.addWidget(self.play)
        row.addWidget(self.delete)
        self.set_number(number)

    def set_number(self, number: int) -> None:
        """Its place in the list."""
        said = f"example {number}, {self.example.length_s:.1f} seconds, {self.example.origin}"
        self.wave.setAccessibleName(f"Sound of {said}")
        self.play.setAccessibleName(f"Play {said}")
        self.delete.setAccessibleName(f"Delete {said}")
