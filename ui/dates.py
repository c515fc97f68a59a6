"""Days in words, in English like the rest of the window: strftime would follow the locale."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import QDate, QLocale


def in_words(day: date, pattern: str = "dddd d MMMM yyyy") -> str:
    """For example "Sunday 15 March 2026"; `pattern` is one of QDate's."""
    return QLocale.c().toString(QDate(day.year, day.month, day.day), pattern)
