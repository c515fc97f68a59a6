"""Teaches Everlisten a sound: name and examples, then learning, then what was measured."""

from __future__ import annotations

from threading import Event

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from everlisten.engine.errors import EngineError
from everlisten.ui.alert_protocols import SEVERITIES
from everlisten.ui.alert_words import severity_word
from everlisten.ui.controls import announce
from everlisten.ui.history_worker import HistoryWorker
from everlisten.ui.teach_examples import LEAST, ExampleList
from everlisten.ui.teaching_protocols import ExampleSource, TaughtDraft, TaughtSounds
from everlisten.ui.theme import Theme

COLLECTING, LEARNING, RESULT = range(3)
INTRODUCTION = (
    "Give Everlisten three or more examples of one sound, each recorded while it sounds. "
    "Different distances and times help. They stay on this computer."
)
_HELPS = {
    "emergency": "Breaks through quiet hours, and is told again until you answer.",
    "warning": "Stands above notices. Not told in quiet hours.",
    "notice": "The mildest. Not told in quiet hours.",
}
GOOD = "That is reliable enough to switch on."
WEAK = "That is not reliable yet."
MORE_HELPS = "More examples, closer to the microphone and without other sounds, usually help."
_STEPS = 100


class TeachingStopped(EngineError):
    """The user closed the dialog while a sound was being learned."""


class TeachDialog(QDialog):
    """Three pages. Learning runs on the worker's thread and can be stopped."""

    saved = Signal()
    _progressed = Signal(float)

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        taught: TaughtSounds,
        source: ExampleSource,
        worker: HistoryWorker,
    ) -> None:
        super().__init__(parent)
        self._taught = taught
        self._worker = worker
        self._draft: TaughtDraft | None = None
        self._stop = Event()
        self._closed = False
        self.setWindowTitle("Teach a sound")
        self.setMinimumSize(330, 420)
        self.resize(560, 560)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the sound")
        self.name.setPlaceholderText("Our washing machine")
        self.name.setMaxLength(60)
        self.severity = QComboBox()
        self.severity.setAccessibleName("How grave it is")
        for severity in SEVERITIES:
            self.severity.addItem(severity_word(severity), severity)
        self.severity.setCurrentIndex(SEVERITIES.index("notice"))
        self.severity_help = _quiet("")
        self.examples = ExampleList(theme, source, worker)
        self.teach = _primary("Teach")
        self.progress = QProgressBar()
        self.progress.setRange(0, _STEPS)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of learning")
        self.learning = QLabel()
        self.learning.setProperty("role", "heading")
        self.estimate = QLabel()
        self.verdict = _quiet("")
        self.heading = QLabel()
        self.heading.setProperty("role", "title")
        self.refusal = QLabel()
        self.refusal.setProperty("role", "refusal")
        for label in (self.estimate, self.heading, self.refusal, self.learning):
            label.setWordWrap(True)
        self.switch = QCheckBox("Alert me about this sound")
        self.save = _primary("Save")
        self.pages = QStackedWidget()
        for page in (self._collecting_page(), self._learning_page(), self._result_page()):
            self.pages.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.pages)
        self._connect()
        self._explain()
        self._show_able()

    def _collecting_page(self) -> QWidget:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(20, 20, 20, 12)
        column.setSpacing(8)
        column.addWidget(_title("Teach a sound"))
        column.addWidget(_quiet(INTRODUCTION))
        for text, control in (("Name", self.name), ("How grave it is", self.severity)):
            label = QLabel(text)
            label.setProperty("role", "heading")
            label.setBuddy(control)
            column.addSpacing(4)
            column.addWidget(label)
            column.addWidget(control)
        column.addWidget(self.severity_help)
        heading = QLabel("Examples")
        heading.setProperty("role", "heading")
        column.addSpacing(4)
        column.addWidget(heading)
        column.addWidget(self.examples)
        column.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(content)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        cancel = _plain("Cancel")
        cancel.clicked.connect(self.reject)
        return _page(area, self.refusal, _buttons(cancel, self.teach))

    def _learning_page(self) -> QWidget:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(20, 20, 20, 12)
        column.setSpacing(12)
        column.addStretch()
        column.addWidget(self.learning)
        column.addWidget(self.progress)
        column.addWidget(
            _quiet(
                "This takes less than a minute. Everlisten goes on listening. Each example is left "
                "out once, to measure how well the others find it."
            )
        )
        column.addStretch()
        self.stop = _plain("Stop")
        return _page(content, None, _buttons(self.stop))

    def _result_page(self) -> QWidget:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(20, 20, 20, 12)
        column.setSpacing(12)
        self.estimate.setProperty("role", "lead")
        for widget in (self.heading, self.estimate, self.verdict, self.switch):
            column.addWidget(widget)
        column.addStretch()
        self.discard = _plain("Discard")
        self.again = _plain("More examples")
        return _page(content, None, _buttons(self.discard, self.again, self.save))

    def _connect(self) -> None:
        self.name.textChanged.connect(self._show_able)
        self.severity.currentIndexChanged.connect(self._explain)
        self.examples.changed.connect(self._show_able)
        self.teach.clicked.connect(self._teach)
        self.stop.clicked.connect(self._stop_learning)
        self.save.clicked.connect(self._save)
        self.again.clicked.connect(self._collect)
        self.discard.clicked.connect(self.reject)
        self._progressed.connect(self._show_progress)

    def _explain(self) -> None:
        self.severity_help.setText(_HELPS[str(self.severity.currentData())])

    def _show_able(self) -> None:
        named = bool(self.name.text().strip())
        enough = len(self.examples.rows) >= LEAST
        self.teach.setEnabled(named and enough)
        self.teach.setToolTip("" if named and enough else "Give it a name and three examples.")
        self.refusal.setVisible(bool(self.refusal.text()))

    # Learning

    def _teach(self) -> None:
        self.examples.recorder.cancel()
        name, severity = self.name.text().strip(), self.severity.currentData()
        examples, stop = self.examples.examples, Event()
        self._stop = stop
        self.learning.setText(f"Learning “{name}”")
        self._refuse("")
        self.progress.setValue(0)
        self.pages.setCurrentIndex(LEARNING)
        self.stop.setFocus()

        def progress(share: float) -> None:
            if stop.is_set():
                raise TeachingStopped("Teaching was stopped.")
            self._progressed.emit(share)

        self._worker.submit(
            lambda: self._taught.teach(name, severity, examples, progress),
            lambda draft: self._learned(draft, stop),
            lambda sentence: self._failed(sentence, stop),
        )

    def _show_progress(self, share: float) -> None:
        self.progress.setValue(round(share * _STEPS))

    def _stop_learning(self) -> None:
        self._stop.set()
        self._collect()

    def _learned(self, draft: TaughtDraft, stop: Event) -> None:
        if stop.is_set():
            self._taught.discard(draft)
            return
        self._draft = draft
        good = draft.estimate.good
        self.heading.setText(f"“{draft.name}” was learned")
        self.estimate.setText(draft.estimate.words)
        # Its own doubts say what helps; nothing may.
        weak = WEAK if draft.estimate.warnings else f"{WEAK} {MORE_HELPS}"
        self.verdict.setText(GOOD if good else weak)
        self.switch.setChecked(good)
        self.pages.setCurrentIndex(RESULT)
        self.save.setDefault(True)
        self.save.setFocus()
        announce(self, f"{draft.estimate.words} {self.verdict.text()}")

    def _failed(self, sentence: str, stop: Event) -> None:
        if not stop.is_set():
            self._collect()
            self._refuse(sentence)

    def _refuse(self, sentence: str) -> None:
        self.refusal.setText(sentence)
        self.refusal.setVisible(bool(sentence))

    def _collect(self) -> None:
        """Back to the examples; what was learned from fewer of them is not kept."""
        self._forget_draft()
        self.pages.setCurrentIndex(COLLECTING)
        self._show_able()

    def _forget_draft(self) -> None:
        if self._draft is not None:
            self._taught.discard(self._draft)
            self._draft = None

    def _save(self) -> None:
        draft, self._draft = self._draft, None
        if draft is None:
            return
        enabled = self.switch.isChecked()
        self.save.setEnabled(False)
        self._worker.submit(
            lambda: self._taught.save(draft, enabled),
            lambda _: self._saved(),
            lambda sentence: self._not_saved(draft, sentence),
        )

    def _saved(self) -> None:
        if not self._closed:
            self.saved.emit()
            self.accept()

    def _not_saved(self, draft: TaughtDraft, sentence: str) -> None:
        if not self._closed:
            self._draft = draft
            self.save.setEnabled(True)
            self.verdict.setText(sentence)

    def done(self, result: int) -> None:
        self._closed = True
        self._stop.set()
        self._forget_draft()
        self.examples.close_list()
        super().done(result)


def _page(content: QWidget, sentence: QLabel | None, buttons: QLayout) -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(content, 1)
    footer = QFrame()
    footer.setObjectName("footer")
    below = QVBoxLayout(footer)
    below.setContentsMargins(20, 10, 20, 12)
    if sentence is not None:
        below.addWidget(sentence)
    below.addLayout(buttons)
    column.addWidget(footer)
    return page


def _buttons(*buttons: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addStretch()
    for button in buttons:
        row.addWidget(button)
    return row


def _title(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "title")
    return label


def _quiet(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "secondary")
    label.setWordWrap(True)
    return label


def _plain(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    return button


def _primary(text: str) -> QPushButton:
    button = _plain(text)
    button.setProperty("role", "primary")
    return button
