"""What is asked of a sound before the user is told, and what the user does about alerts."""

import pytest

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.policy import AlertPolicy
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.alerts.snoozes import Snoozes
from everlisten.engine.events import AlertAcknowledged

from .conftest import CATALOGUE, Room, entry

# Hits


def test_one_chunk_is_not_enough_where_two_are_needed(room):
    assert room.hear(dog=0.9) == []
    assert room.quiet(10.0) == []


def test_the_alert_comes_with_the_last_hit_needed(room):
    room.quiet(2.0)
    room.hear(dog=0.8)
    (alert,) = room.hear(dog=0.9)
    assert (alert.sound, alert.label, alert.severity) == ("dog", "Dog", "notice")
    assert (alert.advice, alert.emotion) == ("Do dog.", "normal")
    assert (alert.level, alert.ongoing) == (0, True)
    assert (alert.start_s, alert.end_s, alert.emitted_s) == pytest.approx((2.0, 2.8, 2.8))
    assert (alert.session, alert.source, alert.confidence) == ("s1", SourceName.MIC, 0.9)


def test_a_clear_chunk_counts_twice(room):
    """Two logits above the bar: 0.917 where 0.6 is the threshold."""
    assert room.hear(dog=0.91) == []
    assert [one.sound for one in Room().hear(dog=0.92)] == ["dog"]


def test_a_clear_beep_still_counts_once(room):
    assert room.hears(2, smoke=0.999) == []
    assert room.hear(smoke=0.999), "three without the rhythm"


def test_hits_need_not_be_consecutive_but_within_the_window(room):
    room.hear(dog=0.9)
    room.hears(2)
    assert room.hear(dog=0.9), "the 1st and the 4th of four"
    other = Room()
    other.hear(dog=0.9)
    other.hears(3)
    assert other.hear(dog=0.9) == [], "the 1st and the 5th"


def test_just_below_the_threshold_is_no_hit(room):
    assert room.hears(10, dog=0.59) == []
    assert room.hears(2, dog=0.61)


def test_where_one_hit_is_enough_it_is_told_at_once(room):
    assert [one.sound for one in room.hear(bell=0.9)] == ["bell"]


# Sessions and signals


def test_the_end_of_the_sound_ends_every_event(room):
    room.hears(2, dog=0.9)
    (last,) = room.policy.flush(room.state, 0.8)
    assert not last.ongoing
    assert room.policy.flush(room.state, 0.8) == []


def test_reset_equals_fresh(room):
    room.hears(3, dog=0.9, oven=0.9, smoke=0.4, music=0.9)
    assert room.state != room.policy.new_state("s1")
    room.policy.reset(room.state)
    assert room.state == room.policy.new_state("s1")


def test_sessions_do_not_know_of_each_other(room):
    (alert,) = room.hears(2, dog=0.9)
    other = room.policy.new_state("s2")
    assert other.events == {}
    assert alert.id.startswith("s1-")


def test_a_broken_signal_gives_no_alert(room):
    assert room.hears(20, dog=1.0, smoke=1.0, shot=1.0, broken="No numbers.") == []
    room.hears(2, dog=0.9)
    ended = room.hears(20, dog=1.0, broken="No numbers.")
    assert [one.ongoing for one in ended] == [False]


def test_sounds_that_the_model_does_not_know_are_never_heard():
    room = Room(entries={**CATALOGUE, "ghost": entry("ghost")})
    assert room.hears(5) == []


# Sensitivity


@pytest.mark.parametrize(
    ("sensitivity", "least"), [(0.0, 0.9173), (0.5, 0.6), (0.7, 0.4026), (1.0, 0.1687)]
)
def test_sensitivity_moves_the_bar(sensitivity, least):
    """sigmoid(logit(0.6) - 4 (s - 0.5))"""
    for probability, told in ((least - 0.002, False), (least + 0.002, True)):
        room = Room(AlertSettings(sensitivity={"dog": sensitivity}))
        assert bool(room.hears(3, dog=probability)) is told


def test_the_catalogue_sets_the_sensitivity_where_the_user_did_not():
    room = Room(entries={"dog": entry("dog", sensitivity=1.0)})
    assert room.hears(2, dog=0.2)


def test_a_counter_example_raises_the_bar(room):
    assert room.hears(4, dog=0.9, raised={"dog": 2.0}) == []
    assert room.hears(4, dog=0.9, raised={"horn": 2.0})


# Switches, quiet hours


def test_nothing_is_told_of_what_is_switched_off():
    room = Room(AlertSettings(switched_off=frozenset({"smoke"})))
    assert room.hears(20, smoke=0.99) == []
    assert room.hears(2, dog=0.9)


def test_nothing_is_told_while_alerts_are_off():
    assert Room(AlertSettings(enabled=False)).hears(20, smoke=0.99, dog=0.99) == []


@pytest.mark.parametrize(
    ("time", "quiet"), [("21:59", False), ("22:00", True), ("03:00", True), ("07:00", False)]
)
def test_quiet_hours_span_midnight_and_emergencies_break_through(time, quiet):
    room = Room(AlertSettings(quiet_from="22:00", quiet_to="07:00"))
    hour, minute = map(int, time.split(":"))
    room.clock.time = room.clock.time.replace(hour=hour, minute=minute)
    assert bool(room.hears(3, dog=0.9)) is not quiet
    assert room.hear(shot=0.99)


def test_what_still_goes_on_is_told_when_the_quiet_hours_end():
    room = Room(AlertSettings(quiet_from="22:00", quiet_to="07:00"))
    room.clock.time = room.clock.time.replace(hour=6, minute=59)
    assert room.hears(10, dog=0.9) == []
    room.clock.forward(2)
    (alert,) = room.hear(dog=0.9)
    assert alert.start_s == 0.0


def test_what_is_over_is_not_told_later():
    room = Room(AlertSettings(quiet_from="22:00", quiet_to="07:00"))
    room.clock.time = room.clock.time.replace(hour=6, minute=59)
    room.hears(3, dog=0.9)
    room.quiet(3.0)
    room.clock.forward(2)
    assert room.quiet(20.0) == []


def test_settings_hold_from_the_next_chunk(room):
    room.policy.settings = AlertSettings(switched_off=frozenset({"dog"}), language="zh")
    assert room.hears(3, dog=0.9) == []
    (alert,) = room.hears(2, horn=0.9)
    assert (alert.label, alert.advice) == ("horn-zh", "horn-advice-zh")
    assert "把握90%" in alert.why


def test_only_what_is_told_stands_for_its_group(room):
    room.hears(3, clock=0.9)
    assert room.policy.groups_on(room.state) == {"beeps"}
    room.quiet(10.0)
    assert room.policy.groups_on(room.state) == set()
    held = Room(AlertSettings(switched_off=frozenset({"clock"})))
    held.hears(3, clock=0.9)
    assert held.policy.groups_on(held.state) == set()


# Snooze


def test_a_snoozed_sound_is_held_back_until_then(room):
    assert room.policy.snooze(room.state, "dog", 10.0, room.now_s) == []
    assert room.hears(3, dog=0.9) == []
    assert room.hears(2, horn=0.9)
    room.clock.forward(9.9)
    assert room.hears(3, dog=0.9) == []
    room.clock.forward(0.2)
    assert room.hears(3, dog=0.9)


def test_a_snooze_of_all_holds_back_all_but_emergencies(room):
    room.policy.snooze(room.state, None, 30.0, room.now_s)
    assert room.hears(3, dog=0.9, horn=0.9) == []
    assert [one.sound for one in room.hear(shot=0.9)] == ["shot"]


def test_an_emergency_is_snoozed_by_its_name_for_an_hour_at_most(room):
    room.policy.snooze(room.state, "shot", 24 * 60.0, room.now_s)
    room.clock.forward(59)
    assert room.hear(shot=0.99) == []
    room.quiet(20.0)
    room.clock.forward(2)
    assert room.hear(shot=0.99)


def test_a_snooze_can_be_ended(room):
    room.policy.snooze(room.state, None, 30.0, room.now_s)
    room.policy.snooze(room.state, None, 0.0, room.now_s)
    assert room.hears(2, dog=0.9)


def test_a_snooze_acknowledges_what_is_open(room):
    dog = room.hears(2, dog=0.9)[0]
    horn = room.hears(2, dog=0.9, horn=0.99)[0]
    shot = room.hear(shot=0.99)[0]
    said = room.policy.snooze(room.state, "dog", 5.0, room.now_s)
    assert [(one.id, one.how) for one in said] == [(dog.id, "snooze")]
    said = room.policy.snooze(room.state, None, 5.0, room.now_s)
    assert [one.id for one in said] == [horn.id]
    said = room.policy.snooze(room.state, "shot", 5.0, room.now_s)
    assert [one.id for one in said] == [shot.id]


def test_snoozes_outlive_a_session():
    snoozes = Snoozes()
    first = Room(snoozes=snoozes)
    first.policy.snooze(first.state, "dog", 10.0, 0.0)
    second = Room(snoozes=snoozes)
    assert second.hears(3, dog=0.9) == []


# Acknowledging


def test_acknowledged_it_is_not_repeated(room):
    (alert,) = room.hear(shot=0.99)
    said = room.policy.acknowledge(room.state, alert.id, 0.4)
    assert said == AlertAcknowledged(
        id=alert.id, session="s1", source=SourceName.MIC, start_s=0.4, end_s=0.4, emitted_s=0.4
    )
    assert [one.level for one in room.quiet(60.0)] == [0], "only its end"


def test_what_is_no_longer_known_can_be_acknowledged(room):
    said = room.policy.acknowledge(room.state, "another", 3.0, "not_this")
    assert (said.id, said.how, said.source) == ("another", "not_this", None)


def test_a_new_event_is_repeated_on_its_own(room):
    (first,) = room.hear(shot=0.99)
    room.policy.acknowledge(room.state, first.id, 0.4)
    room.quiet(20.0)
    (second,) = room.hear(shot=0.99)
    assert (second.id != first.id, second.level) == (True, 0)
    assert max(one.level for one in room.quiet(30.0)) == 3


# Taught sounds and tests


def test_taught_sounds_are_alerts_like_others(room):
    room.policy.set_taught([entry("taught-12345678", hits=1, window=1)])
    (alert,) = room.hear(**{"taught-12345678": 0.9})
    assert alert.sound == "taught-12345678"
    room.policy.set_taught([])
    assert room.hears(30, **{"taught-12345678": 0.9}) == []


def test_a_test_is_marked_and_held_back_by_nothing(room):
    room.policy.settings = AlertSettings(
        enabled=False, quiet_from="00:00", quiet_to="23:59", switched_off=frozenset({"dog"})
    )
    room.policy.snooze(room.state, "dog", 60.0, 0.0)
    room.policy = room.policy.for_test("dog")
    room.state = room.policy.new_state("s1", test=True)
    (alert,) = room.hears(2, dog=0.9)
    assert alert.id.startswith("test-s1-")
    assert alert.why.startswith("Test. ")
    assert alert.label == "Test: Dog"


def test_the_shipped_catalogue_is_the_default():
    assert "smoke_alarm" in AlertPolicy().entries
