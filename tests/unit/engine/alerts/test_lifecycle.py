"""One event gives one alert, a continuing one the same alert again, and then there is a pause."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .conftest import SOUNDS, Room


def test_a_continuing_event_keeps_its_id_and_grows(room):
    alerts = room.hears(30, dog=0.9)
    assert len({one.id for one in alerts}) == 1
    assert {one.start_s for one in alerts} == {0.0}
    ends = [one.end_s for one in alerts]
    assert ends == sorted(ends)
    assert 4 <= len(alerts) <= 8, "every two seconds, not every chunk"
    assert room.state.told == 1


def test_an_event_goes_on_at_half_the_probability(room):
    room.hears(2, dog=0.9)
    room.hears(20, dog=0.31)  # half of 0.6 and a little
    room.hears(10, dog=0.29)
    assert room.state.events["dog"].end_s == pytest.approx(22 * 0.4)


def test_a_gap_shorter_than_merge_s_is_the_same_event(room):
    first = room.hears(2, dog=0.9)[0]
    room.quiet(3.6)
    again = room.hears(2, dog=0.9)
    assert {one.id for one in again} == {first.id}
    assert again[0].ongoing


def test_its_end_is_told(room):
    room.hears(2, dog=0.9)
    (last,) = room.quiet(6.0)
    assert not last.ongoing
    assert last.end_s == pytest.approx(0.8)
    assert last.emitted_s == pytest.approx(0.8 + 4.0 + 0.4)
    assert room.quiet(30.0) == []


def test_after_an_event_the_kind_is_quiet_for_a_while(room):
    first = room.hears(2, dog=0.9)[0]
    room.quiet(4.8)
    assert [one for one in room.hears(10, dog=0.9) if one.id != first.id] == []
    later = Room()
    first = later.hears(2, dog=0.9)[0]
    later.quiet(10.0)
    second = later.hears(2, dog=0.9)
    assert len(second) == 1
    assert second[0].id != first.id
    assert later.state.told == 2


def test_a_sound_that_outlasts_the_pause_is_told_after_it(room):
    """No alarm stays untold because it followed another one."""
    room.hears(2, dog=0.9)
    room.quiet(5.0)
    alerts = room.hears(40, dog=0.9)
    assert {one.id for one in alerts} != set()
    assert alerts[0].emitted_s == pytest.approx(0.8 + 10.0, abs=0.41)


def test_confidence_is_the_highest_so_far(room):
    room.hears(2, dog=0.8)
    room.hear(dog=0.97)
    alerts = room.hears(10, dog=0.7)
    assert alerts[-1].confidence == 0.97


@given(st.lists(st.dictionaries(st.sampled_from(SOUNDS), st.floats(0.0, 1.0)), max_size=40))
def test_whatever_is_heard_ids_are_one_event_each(readings):
    room = Room()
    told = [alert for reading in readings for alert in room.hear(**reading)]
    for sound in SOUNDS:
        of_sound = [one for one in told if one.sound == sound]
        spans = {one.id: one.start_s for one in of_sound}
        assert len(set(spans.values())) == len(spans)
        for one in of_sound:
            assert 0.0 <= one.start_s <= one.end_s <= one.emitted_s + 1e-6
            assert 0.0 <= one.confidence <= 1.0
            assert one.why


# Repeating


def test_an_emergency_is_repeated_louder_three_times(room):
    alerts = room.hear(shot=0.99) + room.quiet(60.0)
    assert len({one.id for one in alerts}) == 1
    levels = [(one.level, round(one.emitted_s, 1)) for one in alerts if one.ongoing or one.level]
    assert levels == [(0, 0.4), (1, 5.6), (2, 10.4), (3, 15.6)]


def test_it_is_repeated_also_while_it_goes_on(room):
    alerts = room.hears(100, scream=0.99)
    steps = [later.level - sooner.level for sooner, later in itertools.pairwise(alerts)]
    assert alerts[-1].level == 3
    assert set(steps) == {0, 1}
    assert all(one.ongoing for one in alerts)


def test_a_notice_is_not_repeated(room):
    alerts = room.hears(2, dog=0.9) + room.quiet(60.0)
    assert {one.level for one in alerts} == {0}
