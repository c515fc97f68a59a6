"""Urgent replies of the big model become alerts, one for one event, and then there is a pause."""

import pytest

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.alerts.snoozes import Snoozes
from everlisten.engine.alerts.urgent_replies import UrgentReplyPolicy

from .conftest import CATALOGUE, WallClock


@pytest.fixture
def clock():
    return WallClock()


@pytest.fixture
def snoozes():
    return Snoozes()


@pytest.fixture
def policy(clock, snoozes):
    return UrgentReplyPolicy(CATALOGUE, now=clock, snoozes=snoozes)


@pytest.fixture
def state(policy):
    return policy.new_state("s1")


def sign(policy, state, start_s, confidence=0.9):
    return policy.reply_begun(
        state,
        source=SourceName.MIC,
        start_s=start_s,
        end_s=start_s + 2.0,
        confidence=confidence,
        emitted_s=start_s + 2.4,
    )


def test_an_urgent_reply_is_an_alert(policy, state):
    alert = sign(policy, state, 10.0)
    assert (alert.sound, alert.severity, alert.ongoing) == ("urgent-reply", "emergency", False)
    assert (alert.start_s, alert.end_s, alert.emitted_s) == (10.0, 12.0, 12.4)
    assert (alert.session, alert.source, alert.confidence) == ("s1", SourceName.MIC, 0.9)
    assert "urgent" in alert.why


def test_further_urgent_replies_continue_the_event(policy, state):
    first, second, third = (sign(policy, state, at_s, 0.5 + at_s / 100) for at_s in (10, 16, 23))
    assert first.id == second.id == third.id
    assert [one.end_s for one in (first, second, third)] == [12, 18, 25]
    assert third.confidence == pytest.approx(0.73)
    assert state.told == 1


def test_after_an_urgent_reply_there_is_a_pause(policy, state):
    first = sign(policy, state, 10.0)
    assert sign(policy, state, 17.5) is None
    assert sign(policy, state, 31.9) is None
    later = sign(policy, state, 32.0)
    assert later.id != first.id
    assert state.told == 2


def test_urgent_replies_are_held_back_by_the_same_choices(policy, state, clock, snoozes):
    policy.settings = AlertSettings(switched_off=frozenset({"urgent-reply"}))
    assert sign(policy, state, 10.0) is None
    policy.settings = AlertSettings(quiet_from="00:00", quiet_to="23:59")
    assert sign(policy, state, 60.0), "an emergency"
    snoozes.set("urgent-reply", 5.0, clock(), emergency=True)
    assert sign(policy, state, 100.0) is None


def test_the_shipped_catalogue_is_the_default():
    policy = UrgentReplyPolicy()
    assert sign(policy, policy.new_state("s1"), 10.0).label == "Everlisten warns"
