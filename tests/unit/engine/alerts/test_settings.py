"""Quiet hours by the clock on the wall, and what is possible."""

from datetime import time

import pytest

from everlisten.engine.alerts.settings import AlertSettings


@pytest.mark.parametrize(
    ("begin", "end", "now", "quiet"),
    [
        ("22:00", "07:00", "22:00", True),
        ("22:00", "07:00", "00:00", True),
        ("22:00", "07:00", "06:59", True),
        ("22:00", "07:00", "07:00", False),
        ("13:00", "15:00", "14:00", True),
        ("13:00", "15:00", "12:59", False),
        ("13:00", "15:00", "15:00", False),
        ("", "", "03:00", False),
        ("22:00", "", "23:00", False),
        ("22:00", "22:00", "22:00", False),
    ],
)
def test_quiet_hours(begin, end, now, quiet):
    settings = AlertSettings(quiet_from=begin, quiet_to=end)
    assert settings.quiet_at(time.fromisoformat(now)) is quiet


@pytest.mark.parametrize(
    "wrong", [{"quiet_from": "25:00"}, {"quiet_to": "7"}, {"sensitivity": {"siren": 2.0}}]
)
def test_what_is_not_possible_is_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AlertSettings(**wrong)
