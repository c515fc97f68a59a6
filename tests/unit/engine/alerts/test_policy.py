"""One event gives one alert, a continuing one the same alert again, and then there is a pause."""

import pytest

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.catalogue import URGENT_REPLY, AlertEntry, shipped_alerts
from everlisten.engine.alerts.policy import AlertPolicy

ENTRY = AlertEntry(
    id=URGENT_REPLY, label="Look", severity="emergency", advice="Go.", merge_s=5, cooldown_s=20
)


@pytest.fixture
def policy():
    return AlertPolicy({URGENT_REPLY: ENTRY})


def sign(policy, state, start_s, confidence=0.9):
    return policy.urgent_reply(
        state,
        source=SourceName.MIC,
        start_s=start_s,
        end_s=start_s + 2.0,
        confidence=confidence,
        emitted_s=start_s + 2.4,
    )


def test_the_first_sign_is_told(policy):
    alert = sign(policy, policy.new_state("s1"), 10.0)
    assert (alert.label, alert.severity, alert.advice) == ("Look", "emergency", "Go.")
    assert (alert.start_s, alert.end_s, alert.emitted_s) == (10.0, 12.0, 12.4)
    assert (alert.session, alert.source, alert.confidence) == ("s1", SourceName.MIC, 0.9)


def test_a_continuing_event_keeps_its_id_and_grows(policy):
    state = policy.new_state("s1")
    first, second, third = (sign(policy, state, at_s, 0.5 + at_s / 100) for at_s in (10, 16, 23))
    assert first.id == second.id == third.id
    assert [one.start_s for one in (first, second, third)] == [10, 10, 10]
    assert [one.end_s for one in (first, second, third)] == [12, 18, 25]
    assert third.confidence == pytest.approx(0.73)
    assert state.told == 1


def test_after_an_event_the_kind_is_quiet_for_a_while(policy):
    state = policy.new_state("s1")
    first = sign(policy, state, 10.0)
    assert sign(policy, state, 17.5) is None
    assert sign(policy, state, 31.9) is None
    later = sign(policy, state, 32.0)
    assert later.id != first.id
    assert state.told == 2


def test_reset_equals_fresh(policy):
    state = policy.new_state("s1")
    sign(policy, state, 10.0)
    policy.reset(state)
    assert state == policy.new_state("s1")


def test_sessions_do_not_know_of_each_other(policy):
    one, other = policy.new_state("s1"), policy.new_state("s2")
    assert sign(policy, one, 10.0).id != sign(policy, other, 10.0).id


def test_the_shipped_catalogue_has_the_urgent_reply():
    entry = shipped_alerts()[URGENT_REPLY]
    assert entry.severity == "emergency"
    assert entry.advice


@pytest.mark.parametrize(
    ("change", "named"), [({"severity": "loud"}, "loud"), ({"merge_s": 30}, "merge_s = 30")]
)
def test_a_wrong_entry_is_named(change, named):
    fields = {"id": "x", "label": "X", "severity": "notice", "advice": "", "merge_s": 1}
    with pytest.raises(ValueError, match=named):
        AlertEntry(**{**fields, "cooldown_s": 20, **change})
