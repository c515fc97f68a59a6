"""What to do with a file: caption it as it plays, or work on the whole of it and show the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from everlisten.ui.controls import ElidedComboBox
from everlisten.ui.protocols import FileTaskKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWish:
    """What the user chose."""

    path: Path
    kind: FileTaskKind
    text: str = ""
    language: str = ""


class FileTaskDialog(QDialog):
    """Two pages: the choice, then the work and its result."""

    caption_wanted = Signal(object)
    """The path: caption it as it plays."""
    work_wanted = Signal(object)
    """A `FileWish`; answer with `show_text` or `show_refusal`."""

    def __init__(
        self, parent: QWidget, path: Path, languages: Sequence[tuple[str, str]], language: str
    ) -> None:
        super().__init__(parent)
        self._path = path
        self.setWindowTitle("Open a file")
        self.setMinimumWidth(320)
        self.caption = QRadioButton("Caption it while it plays")
        self.transcribe = QRadioButton("Transcribe the whole file")
        self.translate = QRadioButton("Translate the whole file")
        self.ask = QRadioButton("Ask a question about it")
        self.caption.setChecked(True)
        self._kinds = QButtonGroup(self)
        self.language = ElidedComboBox()
        self.language.setAccessibleName("Translate into")
        for code, name in languages:
            self.language.addItem(name, code)
        self.language.setCurrentIndex(max(0, self.language.findData(language)))
        self.question = QLineEdit()
        self.question.setAccessibleName("Question")
        self.question.setPlaceholderText("What happens in it?")
        self.start = QPushButton("Start")
        self.start.setProperty("role", "primary")
        self.start.setDefault(True)
        self.answer = QPlainTextEdit()
        self.answer.setReadOnly(True)
        self.answer.setAccessibleName("Result")
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.sentence = QLabel()
        self.sentence.setProperty("role", "secondary")
        self.sentence.setWordWrap(True)
        self.copy = QPushButton("Copy")
        self._pages = QStackedWidget()
        self._pages.addWidget(self._choice_page())
        self._pages.addWidget(self._result_page())
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 20)
        column.addWidget(self._pages)
        self._connect()
        self._enable()

    def _choice_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        title = QLabel(f"What shall be done with {self._path.name}?")
        title.setProperty("role", "heading")
        title.setWordWrap(True)
        column.addWidget(title)
        for button, extra in (
            (self.caption, None),
            (self.transcribe, None),
            (self.translate, self.language),
            (self.ask, self.question),
        ):
            self._kinds.addButton(button)
            column.addWidget(button)
            if extra is not None:
                line = QHBoxLayout()
                line.setContentsMargins(26, 0, 0, 0)
                line.addWidget(extra)
                column.addLayout(line)
        column.addStretch()
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        column.addLayout(_buttons(cancel, self.start))
        return page

    def _result_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for widget in (self.sentence, self.progress, self.answer):
            column.addWidget(widget)
        close = QPushButton("Close")
        close.clicked.connect(self.reject)
        column.addLayout(_buttons(self.copy, close))
        return page

    def _connect(self) -> None:
        self._kinds.buttonToggled.connect(lambda *_: self._enable())
        self.question.textEdited.connect(lambda _: self._enable())
        self.start.clicked.connect(self._begin)
        self.copy.clicked.connect(
            lambda: QGuiApplication.clipboard().setText(self.answer.toPlainText())
        )

    def _enable(self) -> None:
        self.language.setEnabled(self.translate.isChecked())
        self.question.setEnabled(self.ask.isChecked())
        asked = bool(self.question.text().strip())
        self.start.setEnabled(asked or not self.ask.isChecked())

    def _begin(self) -> None:
        if self.caption.isChecked():
            self.accept()
            self.caption_wanted.emit(self._path)
            return
        self.sentence.setText(f"Listening to the whole of {self._path.name}…")
        self.copy.setEnabled(False)
        self._pages.setCurrentIndex(1)
        self.resize(max(self.width(), 520), 360)
        self.work_wanted.emit(self._wish())

    def _wish(self) -> FileWish:
        if self.translate.isChecked():
            language = str(self.language.currentData())
            return FileWish(path=self._path, kind="translate", language=language)
        if self.ask.isChecked():
            return FileWish(path=self._path, kind="question", text=self.question.text().strip())
        return FileWish(path=self._path, kind="asr")

    def show_text(self, text: str) -> None:
        """The work is done."""
        self._end(f"{self._path.name}:" if text else "The model found nothing to say about it.")
        self.answer.setPlainText(text)
        self.copy.setEnabled(bool(text))
        self.answer.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_refusal(self, sentence: str) -> None:
        """The work cannot be done."""
        self._end(sentence)
        self.answer.hide()

    def _end(self, sentence: str) -> None:
        self.progress.hide()
        self.sentence.setText(sentence)


def _buttons(*buttons: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addStretch()
    for button in buttons:
        row.addWidget(button)
    return row
