""" "That was it": the last half minute as a picture, in which the user marks the sound."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from everlisten.ui.teaching_protocols import ExampleSource, Samples
from everlisten.ui.theme import Theme
from everlisten.ui.waveform import Waveform, loudest_part

GUESS_S = 2.0
"""The loudest part of this length is marked first."""


class RecentSoundDialog(QDialog):
    """Nothing of it is kept but the part that is used."""

    chosen = Signal(object)
    """The `Samples` of the marked part."""

    def __init__(
        self, parent: QWidget, theme: Theme, source: ExampleSource, samples: Samples
    ) -> None:
        super().__init__(parent)
        self._source = source
        self.setWindowTitle("That was it")
        self.setMinimumWidth(320)
        self.resize(560, 260)
        title = QLabel("Mark the sound")
        title.setProperty("role", "heading")
        help = QLabel(
            "This is what the microphone heard last; it is in memory only. Drag over the sound, "
            "or move the two ends. The loudest part is marked already."
        )
        help.setProperty("role", "secondary")
        help.setWordWrap(True)
        self.wave = Waveform(theme, "What was heard last", markable=True)
        self.wave.show_samples(samples)
        self.wave.mark(*loudest_part(samples, GUESS_S))
        self.sentence = QLabel()
        self.sentence.setProperty("role", "refusal")
        self.sentence.setWordWrap(True)
        self.sentence.hide()
        self.play = QPushButton("Play this part")
        self.play.setAutoDefault(False)
        self.use = QPushButton("Use this part")
        self.use.setProperty("role", "primary")
        self.use.setDefault(True)
        cancel = QPushButton("Cancel")
        cancel.setAutoDefault(False)
        row = QHBoxLayout()
        row.addWidget(self.play)
        row.addStretch()
        row.addWidget(cancel)
        row.addWidget(self.use)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 20)
        column.setSpacing(10)
        for widget in (title, help, self.wave, self.sentence):
            column.addWidget(widget)
        column.addStretch()
        column.addLayout(row)
        self.play.clicked.connect(self._play)
        self.use.clicked.connect(self._use)
        cancel.clicked.connect(self.reject)
        self.wave.setFocus()

    def _play(self) -> None:
        part = self.wave.part()
        refusal = self._source.play(part) if part else ""
        self.sentence.setText(refusal)
        self.sentence.setVisible(bool(refusal))

    def _use(self) -> None:
        part = self.wave.part()
        if part:
            self.chosen.emit(part)
        self.accept()

    def done(self, result: int) -> None:
        self._source.stop_playing()
        super().done(result)
