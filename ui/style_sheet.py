"""The style sheet: rounded fields and buttons over Fusion, a visible focus ring everywhere."""

from __future__ import annotations

from dataclasses import asdict
from string import Template
from typing import TYPE_CHECKING

from everlisten.ui.icons import icon_path

if TYPE_CHECKING:
    from everlisten.ui.theme import Tokens

_SHEET = Template("""
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 4px 6px; }

QPushButton, QToolButton, QComboBox, QLineEdit, QSpinBox, QDoubleSpinBox,
QTimeEdit {
    background: $raised; color: $text; border: 1px solid $border; border-radius: 7px;
    padding: 5px 10px; min-height: 20px;
}
QPushButton:hover, QToolButton:hover, QComboBox:hover { background: $hover; }
QPushButton:pressed, QToolButton:pressed { background: $border; }
QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QSpinBox:focus,
QDoubleSpinBox:focus, QTimeEdit:focus { border: 2px solid $accent; padding: 4px 9px; }
QPushButton:disabled, QToolButton:disabled, QComboBox:disabled { color: $dim; }

QPushButton[role="primary"] {
    background: $accent; color: $on_accent; border: 1px solid $accent; font-weight: 600;
}
QPushButton[role="primary"]:focus { border: 2px solid $text; }
QPushButton[role="danger"] { color: $danger; }
QPushButton[role="listen"] {
    font-weight: 600; border-radius: 18px; padding: 7px 18px; min-height: 22px;
}
QPushButton[role="listen"]:focus { padding: 6px 17px; }
QPushButton[role="listen"][active="false"] {
    background: $accent; color: $on_accent; border: 1px solid $accent;
}
QPushButton[role="listen"][active="true"] {
    background: $accent_soft; color: $you; border: 1px solid $accent;
}
QPushButton[role="listen"][active="true"]:focus { border: 2px solid $accent; }
QPushButton[role="listen"][active="false"]:focus { border: 2px solid $text; }
QPushButton[role="listen"]:disabled {
    background: $raised; color: $dim; border: 1px solid $border;
}
QPushButton[role="float"] {
    background: $accent; color: $on_accent; border: 1px solid $accent; border-radius: 16px;
    padding: 5px 14px; font-weight: 600;
}
QPushButton[role="float"]:focus { border: 2px solid $text; padding: 4px 13px; }

QToolButton[role="icon"], QPushButton[role="icon"] {
    background: transparent; border: 1px solid transparent; padding: 6px; min-height: 0px;
}
QToolButton[role="icon"]:hover, QPushButton[role="icon"]:hover { background: $hover; }
QToolButton[role="icon"]:focus { border: 2px solid $accent; padding: 5px; }
QToolButton[role="icon"]:checked { background: $accent_soft; border-color: $accent_soft; }
QToolButton[role="icon"]:checked:focus { border-color: $accent; }

QLineEdit > QToolButton, QLineEdit > QToolButton:hover, QLineEdit > QToolButton:focus {
    background: transparent; border: 0; padding: 0; min-height: 0;
}

QFrame#segments { background: $hover; border: 1px solid $border; border-radius: 9px; }
QToolButton[role="segment"] {
    background: transparent; border: 1px solid transparent; padding: 4px 9px; color: $secondary;
}
QToolButton[role="segment"]:hover { color: $text; }
QToolButton[role="segment"]:checked {
    background: $raised; color: $text; border: 1px solid $border; font-weight: 600;
}
QToolButton[role="segment"]:focus { border: 2px solid $accent; padding: 3px 8px; }

QToolButton[role="raised"] { padding: 4px 9px; }
QToolButton[role="raised"]:focus { padding: 3px 8px; }

QComboBox { padding-right: 24px; }
QComboBox::drop-down { border: 0; width: 24px; }
QComboBox::down-arrow { image: url("$arrow"); width: 16px; height: 16px; }
QComboBox QAbstractItemView {
    background: $raised; border: 1px solid $border; outline: 0; padding: 4px;
    selection-background-color: $accent_soft; selection-color: $text;
}

QFrame#header, QFrame#pageHeader { background: $surface; border-bottom: 1px solid $border; }
QFrame#footer { background: $surface; border-top: 1px solid $border; }
QFrame#assistantBar { background: $surface; border-top: 1px solid $border; }
QPlainTextEdit { background: $raised; border: 1px solid $border; border-radius: 7px; padding: 4px; }
QPlainTextEdit:focus { border: 2px solid $accent; padding: 3px; }
QLineEdit:disabled { background: $surface; color: $dim; }
QFrame#sideBar { background: $surface; border-right: 1px solid $border; }
QFrame#popover { background: $surface; border: 1px solid $border; }
QFrame#card { background: $raised; border: 1px solid $border; border-radius: 10px; }
QFrame#note { background: $accent_soft; border: 1px solid $border; border-radius: 10px; }
QFrame#soundItem { border-bottom: 1px solid $hover; }
QStackedWidget#pages { background: $base; }

QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }

QLabel[role="title"] { font-size: 17pt; font-weight: 600; color: $text; }
QLabel[role="lead"] { font-size: 11pt; color: $secondary; }
QLabel[role="heading"] { font-weight: 600; color: $text; }
QLabel[role="group"] { font-weight: 600; font-size: 11pt; color: $text; }
QLabel[role="secondary"] { color: $secondary; }
QLabel[role="refusal"] { color: $danger; }
QLabel[role="badge"] {
    background: $warning_soft; color: $warning; border-radius: 6px; padding: 2px 6px;
}

QFrame[banner="info"] { background: $accent_soft; border-bottom: 1px solid $border; }
QFrame[banner="warning"] { background: $warning_soft; border-bottom: 1px solid $border; }
QFrame[banner="error"] { background: $danger_soft; border-bottom: 1px solid $border; }

QFrame#alertBanner { background: $surface; border-bottom: 1px solid $border; }
QFrame#alertTrouble { background: $danger; border-radius: 10px; }
QFrame#alertTrouble QLabel { color: $on_danger; font-weight: 600; }
QFrame#alertCard QLabel { color: $text; }
QFrame#alertCard QLabel[role="alertLabel"] { font-size: 13pt; font-weight: 700; }
QFrame#alertCard QLabel[role="alertLabel"][told="1"] { font-size: 15pt; }
QFrame#alertCard QLabel[role="alertLabel"][told="2"] { font-size: 17pt; }
QFrame#alertCard QLabel[role="alertAdvice"] { font-size: 11pt; }
QFrame#alertCard QLabel[role="alertNote"] { font-style: italic; }
QFrame#alertCard[strong="true"][alert="emergency"] QLabel { color: $on_danger; }
QFrame#alertCard[strong="true"][alert="warning"] QLabel { color: $on_warning; }
QFrame#alertCard[strong="true"][alert="notice"] QLabel { color: $on_accent; }
QPushButton[role="alertKnow"] { font-weight: 600; }
QFrame#alertCard[alert="emergency"] QPushButton[role="alertKnow"] {
    background: $danger; color: $on_danger; border: 1px solid $danger;
}
QFrame#alertCard[alert="warning"] QPushButton[role="alertKnow"] {
    background: $warning; color: $on_warning; border: 1px solid $warning;
}
QFrame#alertCard[alert="notice"] QPushButton[role="alertKnow"] {
    background: $accent; color: $on_accent; border: 1px solid $accent;
}
QFrame#alertCard[strong="true"] QPushButton[role="alertKnow"] {
    background: $base; color: $text; border: 2px solid $base; padding: 4px 9px;
}
QFrame#alertCard QPushButton[role="alertKnow"]:focus {
    border: 2px solid $text; padding: 4px 9px;
}
QFrame#alertCard[strong="true"] QPushButton:focus { border: 2px solid $text; }
QPushButton::menu-indicator {
    image: url("$arrow"); width: 16px; height: 16px; left: -6px;
    subcontrol-origin: padding; subcontrol-position: right center;
}

QListView { background: $base; border: 0; outline: 0; }
QListView[role="side"] { background: $surface; }
QListView[role="pages"] { background: $surface; padding: 8px; border-right: 1px solid $border; }
QListView[role="pages"]::item { padding: 8px 10px; border-radius: 7px; color: $text; }
QListView[role="pages"]::item:hover { background: $hover; }
QListView[role="pages"]::item:selected { background: $accent_soft; color: $text; }
QListView[role="pages"]::item:focus { border: 1px solid $accent; }
QListView[role="menu"] { background: $raised; border: 1px solid $border; border-radius: 7px; }
QListView[role="menu"]::item { padding: 5px 8px; border-radius: 5px; }
QListView[role="menu"]::item:selected { background: $accent_soft; color: $text; }
QListView[role="menu"]::item:disabled { color: $dim; }
QListView[role="menu"]:focus { border: 2px solid $accent; }

QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: 0; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar::handle:vertical {
    background: $border; border-radius: 4px; min-height: 36px; margin: 2px;
}
QScrollBar::handle:vertical:hover { background: $dim; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QSlider { min-height: 24px; }
QSlider:focus { border: 2px solid $accent; border-radius: 7px; }
QSlider::groove:horizontal { background: $meter_track; height: 4px; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; height: 4px; border-radius: 2px; }
QSlider::handle:horizontal {
    background: $raised; border: 2px solid $accent; width: 12px; height: 12px; margin: -6px 0;
    border-radius: 8px;
}
QSlider::sub-page:horizontal:disabled { background: $border; }
QSlider::handle:horizontal:disabled { border-color: $border; }
QCheckBox { spacing: 8px; }
QCheckBox::indicator {
    width: 16px; height: 16px; border: 1px solid $dim; border-radius: 5px; background: $raised;
}
QCheckBox::indicator:hover { border-color: $accent; }
QCheckBox::indicator:focus { border: 2px solid $accent; width: 14px; height: 14px; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url("$check"); }
QCheckBox::indicator:checked:focus { border-color: $text; }

QSpinBox, QDoubleSpinBox, QTimeEdit { padding-right: 22px; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QTimeEdit::up-button {
    subcontrol-origin: border; subcontrol-position: top right; width: 22px; border: 0;
    margin: 2px 2px 0 0;
}
QSpinBox::down-button, QDoubleSpinBox::down-button, QTimeEdit::down-button {
    subcontrol-origin: border; subcontrol-position: bottom right; width: 22px; border: 0;
    margin: 0 2px 2px 0;
}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow, QTimeEdit::up-arrow {
    image: url("$up"); width: 14px; height: 14px;
}
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow, QTimeEdit::down-arrow {
    image: url("$arrow"); width: 14px; height: 14px;
}

QMenu { background: $raised; color: $text; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 6px 22px 6px 12px; border-radius: 5px; }
QMenu::item:selected { background: $accent_soft; }
QMenu::item:disabled { color: $dim; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QProgressBar { background: $meter_track; border: 0; border-radius: 3px; max-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
QSplitter::handle { background: $border; }
""")


def style_sheet(tokens: Tokens) -> str:
    """The sheet in the colours of `tokens`. Sheets cannot tint icons, so these come in two."""
    scheme = "dark" if tokens.dark else "light"
    files = {
        "arrow": icon_path(f"arrow-{scheme}").as_posix(),
        "up": icon_path(f"arrow-up-{scheme}").as_posix(),
        "check": icon_path(f"check-{scheme}").as_posix(),
    }
    return _SHEET.substitute(asdict(tokens), **files)
