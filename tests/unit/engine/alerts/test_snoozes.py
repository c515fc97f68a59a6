"""How long what is held back."""

from datetime import timedelta

import pytest

from everlisten.engine.alerts.snoozes import Snoozes

from .conftest import CATALOGUE, WallClock

DOG, SHOT = CATALOGUE["dog"], CATALOGUE["shot"]


@pytest.mark.parametrize(("minutes", "most"), [(10.0, 10.0), (99999.0, 24 * 60.0)])
def test_a_day_is_the_longest(minutes, most):
    now = WallClock().time
    snoozes = Snoozes()
    assert snoozes.set("dog", minutes, now) == now + timedelta(minutes=most)
    assert snoozes.holds(DOG, now + timedelta(minutes=most - 0.1))
    assert not snoozes.holds(DOG, now + timedelta(minutes=most))
    assert not snoozes.holds(SHOT, now)


def test_an_hour_is_the_longest_for_an_emergency():
    now = WallClock().time
    until = Snoozes().set("shot", 600.0, now, emergency=True)
    assert until == now + timedelta(hours=1)


def test_everything_is_all_but_emergencies():
    now = WallClock().time
    snoozes = Snoozes()
    snoozes.set(None, 5.0, now)
    assert snoozes.holds(DOG, now)
    assert not snoozes.holds(SHOT, now)


def test_what_is_active_can_be_shown():
    now = WallClock().time
    snoozes = Snoozes()
    snoozes.set(None, 5.0, now)
    snoozes.set("dog", 10.0, now)
    snoozes.set("horn", 10.0, now)
    snoozes.set("horn", 0.0, now)
    later = now + timedelta(minutes=6)
    assert snoozes.active(later) == {"dog": now + timedelta(minutes=10)}
