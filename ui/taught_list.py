"""The sounds that the user taught: switched, renamed, shared as a file, deleted; and new ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from everlisten.ui.controls import icon_button
from everlisten.ui.flow_layout import FlowLayout
from everlisten.ui.history_dialogs import confirm_deletion
from everlisten.ui.history_worker import HistoryWorker
from everlisten.ui.icons import labelled_icon, labelled_size
from everlisten.ui.teach_dialog import TeachDialog
from everlisten.ui.teaching_protocols import ExampleSource, TaughtRow, TaughtSounds
from everlisten.ui.theme import Theme

SUFFIX = ".everlisten-sound"
FILES = f"Taught sounds (*{SUFFIX})"
EMPTY = (
    "Nothing yet. Teach Everlisten a sound of your home, such as the washing machine's tune or the "
    "bell of your own door: three examples are enough to begin."
)


class TaughtList(QWidget):
    """Owns the dialog that teaches."""

    changed = Signal()
    """A sound came, went, or has another name."""

    def __init__(
        self, theme: Theme, taught: TaughtSounds, source: ExampleSource, worker: HistoryWorker
    ) -> None:
        super().__init__()
        self._theme = theme
        self._taught = taught
        self._source = source
        self._worker = worker
        self.dialog: TeachDialog | None = None
        self.rows: dict[str, TaughtItem] = {}
        self.teach = QPushButton("Teach a sound…")
        self.teach.setProperty("role", "primary")
        self.import_file = QPushButton("Import…")
        self.sentence = QLabel()
        self.empty = QLabel(EMPTY)
        self.empty.setProperty("role", "secondary")
        for label in (self.sentence, self.empty):
            label.setWordWrap(True)
        buttons = QWidget()
        flow = FlowLayout(buttons)
        for button in (self.teach, self.import_file):
            button.setAutoDefault(False)
            button.setIconSize(labelled_size(16))
            flow.addWidget(button)
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for widget in (buttons, self.sentence, self.empty):
            column.addWidget(widget)
        column.addLayout(self._list)
        column.addStretch()
        self.teach.clicked.connect(self.open_dialog)
        self.import_file.clicked.connect(self._ask_import)
        theme.changed.connect(self._tint)
        self._tint()
        self.tell("")
        self.refresh()

    def refresh(self) -> None:
        """Show the taught sounds as they are now."""
        taught = self._taught.rows()
        if [row.id for row in taught] != list(self.rows):
            for item in self.rows.values():
                self._list.removeWidget(item)
                item.hide()
                item.deleteLater()
            self.rows = {row.id: self._item(row) for row in taught}
        for row in taught:
            self.rows[row.id].show_row(row)
        self.empty.setVisible(not taught)

    def _item(self, row: TaughtRow) -> TaughtItem:
        item = TaughtItem(self._theme, row)
        item.switch.toggled.connect(lambda on: self._done(self._taught.enable(row.id, on)))
        item.rename.clicked.connect(lambda: self._ask_name(row.id))
        item.export.clicked.connect(lambda: self._ask_export(row.id))
        item.delete.clicked.connect(lambda: self._ask_delete(row.id))
        self._list.addWidget(item)
        return item

    def _done(self, refusal: str, said: str = "") -> None:
        self.tell(refusal or said, bool(refusal))
        self.refresh()
        self.changed.emit()

    def tell(self, sentence: str, refusal: bool = True) -> None:
        """One sentence above the list."""
        self.sentence.setProperty("role", "refusal" if refusal else "secondary")
        self.sentence.style().unpolish(self.sentence)
        self.sentence.style().polish(self.sentence)
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))

    def open_dialog(self) -> None:
        """Teach another sound."""
        self.dialog = TeachDialog(self, self._theme, self._taught, self._source, self._worker)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.saved.connect(lambda: self._done(""))
        self.dialog.destroyed.connect(self._forget_dialog)
        self.dialog.open()

    def _forget_dialog(self) -> None:
        self.dialog = None

    def close_dialog(self) -> None:
        """The settings are closed."""
        if self.dialog is not None:
            self.dialog.reject()

    def _ask_name(self, id: str) -> None:
        dialog = QInputDialog(self)
        dialog.setWindowTitle("Rename sound")
        dialog.setLabelText("Name")
        dialog.setTextValue(self.rows[id].row.name)
        dialog.textValueSelected.connect(lambda name: self.rename(id, name))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def rename(self, id: str, name: str) -> None:
        """Give a sound another name."""
        if name.strip():
            self._done(self._taught.rename(id, name.strip()))

    def _ask_delete(self, id: str) -> None:
        confirm_deletion(
            self,
            f"Delete “{self.rows[id].row.name}”?",
            "What was learned and its examples are deleted for good.",
            "Delete",
            lambda: self._done(self._taught.delete(id)),
        )

    def _ask_export(self, id: str) -> None:
        name = self.rows[id].row.name
        plain = "".join(c if c.isalnum() or c in " -_" else "-" for c in name).strip()
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export sound", f"{plain or 'sound'}{SUFFIX}", FILES
        )
        if chosen:
            path = Path(chosen)
            path = path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
            self._work(lambda: self._taught.export(id, path), f"Saved {path.name}.")

    def _ask_import(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Import sound", "", FILES)
        if chosen:
            path = Path(chosen)
            self._work(
                lambda: self._taught.import_file(path),
                f"{path.name} was imported. Switch it on where you want its alerts.",
            )

    def _work(self, call: Callable[[], str], said: str) -> None:
        self.setEnabled(False)

        def answer(refusal: str) -> None:
            self.setEnabled(True)
            self._done(refusal, said)

        self._worker.submit(call, answer, answer)

    def _tint(self) -> None:
        tokens = self._theme.tokens
        self.teach.setIcon(labelled_icon("plus", 16, tokens.on_accent))
        self.import_file.setIcon(labelled_icon("folder", 16, tokens.secondary))


class TaughtItem(QFrame):
    """Switch and name, what was measured, and three buttons."""

    def __init__(self, theme: Theme, row: TaughtRow) -> None:
        super().__init__()
        self.row = row
        self.setObjectName("card")
        self.switch = QCheckBox()
        self.words = QLabel()
        self.words.setProperty("role", "secondary")
        self.words.setWordWrap(True)
        self.words.setContentsMargins(26, 0, 0, 0)
        self.rename = icon_button(theme, "rename", "Rename")
        self.export = icon_button(theme, "export", "Export as a file")
        self.delete = icon_button(theme, "trash", "Delete")
        top = QHBoxLayout()
        top.setSpacing(2)
        top.addWidget(self.switch, 1)
        for button in (self.rename, self.export, self.delete):
            top.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 8, 10)
        column.setSpacing(2)
        column.addLayout(top)
        column.addWidget(self.words)
        self.show_row(row)

    def show_row(self, row: TaughtRow) -> None:
        """Show the sound as it is now."""
        self.row = row
        blocker = QSignalBlocker(self.switch)
        self.switch.setText(row.name.replace("&", "&&"))
        self.switch.setChecked(row.enabled)
        blocker.unblock()
        count = f"{row.examples} examples." if row.examples != 1 else "1 example."
        self.words.setText(f"{count} {row.estimate}".strip())
        self.switch.setAccessibleDescription(self.words.text())
        for button, does in (
            (self.rename, "Rename"),
            (self.export, "Export"),
            (self.delete, "Delete"),
        ):
            button.setAccessibleName(f"{does} {row.name}")
