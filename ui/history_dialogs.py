"""What the history asks the user: a title, a file, and twice before anything is deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

_TITLE_PX = 420
"""Wide enough for the title that a session gets by itself."""
_FORMATS = {
    "SubRip subtitles (*.srt)": ".srt",
    "WebVTT subtitles (*.vtt)": ".vtt",
    "Plain text (*.txt)": ".txt",
    "JSON (*.json)": ".json",
}


def ask_title(parent: QWidget, title: str, done: Callable[[str], None]) -> None:
    """Ask for another title, without stopping the window's work."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle("Rename session")
    dialog.setLabelText("Title")
    dialog.setTextValue(title)
    dialog.resize(_TITLE_PX, dialog.sizeHint().height())
    dialog.textValueSelected.connect(done)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()


def ask_export_path(parent: QWidget, title: str) -> Path | None:
    """Ask for a file; without a suffix it gets that of the chosen format."""
    plain = title.replace(":", ".")
    name = "".join(c if c.isalnum() or c in " -_.," else "-" for c in plain).strip(" .")
    path, kind = QFileDialog.getSaveFileName(
        parent, "Export session", f"{name}.srt", ";;".join(_FORMATS)
    )
    if not path:
        return None
    target = Path(path)
    if target.suffix.lower() in _FORMATS.values():
        return target
    return target.with_name(target.name + _FORMATS.get(kind, ".txt"))


def confirm_deletion(
    parent: QWidget, question: str, more: str, yes: str, act: Callable[[], None]
) -> None:
    """Ask before something is lost; keeping it is the default and what Escape does."""
    box = QMessageBox(parent)
    box.setWindowTitle("Delete")
    box.setIcon(QMessageBox.Icon.Warning)
    box.setText(question)
    box.setInformativeText(more)
    delete = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    delete.setProperty("role", "danger")
    delete.style().polish(delete)
    keep = box.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    delete.clicked.connect(act)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
