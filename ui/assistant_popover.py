"""What the assistant does: presets, the user's own texts, how readily it speaks, captions."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSlider,
    QWidget,
)

from everlisten.ui.controls import icon_button
from everlisten.ui.popover import Popover
from everlisten.ui.protocols import Assistance, AssistantTask
from everlisten.ui.theme import Theme

_ID_ROLE = Qt.ItemDataRole.UserRole + 1
_TASK_ROLE = Qt.ItemDataRole.UserRole + 2
_MOST_ROWS = 8
_LIST_FRAME_PX = 4
_SLIDER_STEPS = 8
"""On either side of the middle."""
_SETTLE_MS = 250
"""A slider that is dragged tells where it rests, not every step."""
OFF = AssistantTask(id="", title="Off", help="The assistant says nothing. Captions go on.")


class AssistantPopover(Popover):
    """Opened from the assistant bar; every change applies at once."""

    changed = Signal()

    def __init__(self, parent: QWidget, theme: Theme, assistance: Assistance) -> None:
        super().__init__(parent, "Assistant")
        self._assistance = assistance
        self.sentence = QLabel()
        self.sentence.setProperty("role", "secondary")
        self.sentence.setWordWrap(True)
        self.tasks = QListWidget()
        self.tasks.setProperty("role", "menu")
        self.tasks.setAccessibleName("What the assistant does")
        self.tasks.setWordWrap(False)
        self.tasks.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tasks.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.help = QLabel()
        self.help.setProperty("role", "secondary")
        self.help.setWordWrap(True)
        self.help.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.own = QLineEdit()
        self.own.setPlaceholderText("In your own words")
        self.own.setAccessibleName("Your own text for the assistant")
        self.own.setAccessibleDescription("Say what the assistant is to do, in a short sentence.")
        self.add = QPushButton("Add")
        self.add.setAutoDefault(False)
        self.delete = icon_button(theme, "trash", "Delete this text")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(-_SLIDER_STEPS, _SLIDER_STEPS)
        self.slider.setPageStep(2)
        self.slider.setAccessibleName("Talkativeness")
        self.slider.setAccessibleDescription("How readily the assistant speaks up by itself.")
        self.captions = QCheckBox("Write captions")
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(_SETTLE_MS)
        self._settling.timeout.connect(self._tell_talkativeness)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        heading = QLabel("Assistant")
        heading.setProperty("role", "heading")
        for widget in (heading, self.sentence, self.tasks, self.help):
            self.content.addWidget(widget)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.own, 1)
        line.addWidget(self.add)
        line.addWidget(self.delete)
        self.content.addLayout(line)
        self.content.addWidget(self.slider)
        ends = QHBoxLayout()
        for text, side in (("Quiet", Qt.AlignmentFlag.AlignLeft),
                           ("Talkative", Qt.AlignmentFlag.AlignRight)):  # fmt: skip
            label = QLabel(text)
            label.setProperty("role", "secondary")
            ends.addWidget(label, 1, side)
        self.content.addLayout(ends)
        self.content.addWidget(self.captions)
        self.setFixedWidth(320)

    def _connect(self) -> None:
        self.tasks.itemClicked.connect(self._choose)
        self.tasks.itemActivated.connect(self._choose)
        self.tasks.currentItemChanged.connect(self._explain)
        self.own.returnPressed.connect(self._add)
        self.add.clicked.connect(self._add)
        self.delete.clicked.connect(self._delete)
        self.slider.valueChanged.connect(lambda _: self._settling.start())
        self.captions.toggled.connect(self._set_captions)

    def refresh(self) -> None:
        """Show what the assistant does now, and whether it can."""
        reading = self._assistance.reading()
        # Room for two lines: what is explained changes while the popover is open.
        self.help.setText("\n")
        self.help.setMinimumHeight(self.help.sizeHint().height())
        self.sentence.setText(reading.why_not)
        self.sentence.setVisible(bool(reading.why_not))
        for widget in (self.tasks, self.own, self.add, self.slider):
            widget.setEnabled(not reading.why_not)
        self._fill(reading.task or OFF.id)
        for control, value in (
            (self.slider, round(reading.talkativeness * _SLIDER_STEPS)),
            (self.captions, reading.captions),
        ):
            blocker = QSignalBlocker(control)
            if isinstance(control, QSlider):
                control.setValue(int(value))
            else:
                control.setChecked(bool(value))
            blocker.unblock()

    def _fill(self, chosen: str) -> None:
        blocker = QSignalBlocker(self.tasks)
        self.tasks.clear()
        for task in (OFF, *self._assistance.tasks()):
            item = QListWidgetItem(task.title)
            item.setData(_ID_ROLE, task.id)
            item.setData(_TASK_ROLE, task)
            item.setToolTip(task.help or task.title)
            self.tasks.addItem(item)
            if task.id == chosen:
                self.tasks.setCurrentItem(item)
        blocker.unblock()
        rows = min(self.tasks.count(), _MOST_ROWS)
        self.tasks.setFixedHeight(rows * self.tasks.sizeHintForRow(0) + 2 * _LIST_FRAME_PX)
        self._explain(self.tasks.currentItem())

    def _explain(self, item: QListWidgetItem | None, *_: object) -> None:
        task: AssistantTask = item.data(_TASK_ROLE) if item is not None else OFF
        self.help.setText(task.help or "Your own text; it is told to the model in speech.")
        self.delete.setEnabled(task.own and self.tasks.isEnabled())

    def _choose(self, item: QListWidgetItem) -> None:
        self._assistance.set_task(item.data(_ID_ROLE) or None)
        self.changed.emit()

    def _add(self) -> None:
        text = " ".join(self.own.text().split())
        refusal = self._assistance.add_task(text)
        if refusal:
            self.help.setText(refusal)
            return
        self.own.clear()
        self._assistance.set_task(text)
        self.refresh()
        self.changed.emit()

    def _delete(self) -> None:
        item = self.tasks.currentItem()
        if item is None:
            return
        refusal = self._assistance.delete_task(item.data(_ID_ROLE))
        self.refresh()
        if refusal:
            self.help.setText(refusal)
        self.changed.emit()

    def _set_captions(self, on: bool) -> None:
        self._assistance.set_captions(on)
        self.changed.emit()

    def _tell_talkativeness(self) -> None:
        self._assistance.set_talkativeness(self.slider.value() / _SLIDER_STEPS)

    def close_popover(self) -> None:
        """Apply what is still settling; the window ends."""
        if self._settling.isActive():
            self._settling.stop()
            self._tell_talkativeness()
        self.close()
