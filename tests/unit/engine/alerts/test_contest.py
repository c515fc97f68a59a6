"""Where several sounds are heard at once, an alert is for the likeliest one."""

import pytest

from everlisten.engine.sounds.rhythm import REGULAR, TEMPORAL_3, TEMPORAL_4, Rhythm

from .conftest import Room

SEEN = Rhythm(TEMPORAL_3, 0.8, 1)


def sounds(alerts):
    return [one.sound for one in alerts]


def begun(alerts):
    return sorted({one.sound for one in alerts})


# A rhythm


def test_a_single_beep_is_no_smoke_alarm(room):
    assert room.hears(2, smoke=0.7) == []
    assert room.quiet(10.0) == []


def test_without_its_rhythm_an_alarm_must_be_surer_and_longer(room):
    """logit(0.6) + 1 is 0.80; three hits instead of two."""
    assert room.hears(8, smoke=0.79) == []
    surer = Room()
    assert surer.hears(2, smoke=0.85) == []
    assert sounds(surer.hear(smoke=0.85)) == ["smoke"]


def test_with_its_rhythm_an_alarm_is_told_though_the_model_doubts(room):
    """logit(0.6) - 2.4 is 0.12; what was heard before the rhythm was complete counts."""
    room.hears(6, smoke=0.15)
    (alert,) = room.hear(smoke=0.15, rhythm=SEEN)
    assert alert.sound == "smoke"
    assert "three pulses and a pause, came once" in alert.why
    doubtful = Room()
    assert doubtful.hears(8, smoke=0.1, rhythm=SEEN) == []


def test_another_alarms_rhythm_does_not_help(room):
    assert room.hears(8, smoke=0.5, rhythm=Rhythm(TEMPORAL_4, 1.0, 2)) == []


def test_a_rhythm_that_is_only_guessed_does_not_help(room):
    assert room.hears(8, smoke=0.5, rhythm=Rhythm(TEMPORAL_3, 0.4, 1)) == []


def test_a_guess_does_not_outweigh_what_is_likelier(room):
    room.hears(5, clock=0.999)
    guess = Rhythm(TEMPORAL_3, 0.4, 1)
    assert begun(room.hears(8, clock=0.999, smoke=0.9, rhythm=guess)) == ["clock"]


def test_beeps_in_another_rhythm_speak_a_little_against_it(room):
    """logit(0.6) + 1.5 is 0.87: European alarms may beep evenly."""
    regular = Rhythm(REGULAR, 1.0, 8)
    assert room.hears(8, smoke=0.86, rhythm=regular) == []
    assert room.hears(8, smoke=0.88, rhythm=regular)


def test_an_alarm_that_was_told_goes_on_whatever_else_beeps(room):
    room.hears(3, smoke=0.9)
    room.hears(30, smoke=0.4, rhythm=Rhythm(REGULAR, 1.0, 8))
    assert room.state.events["smoke"].end_s == pytest.approx(33 * 0.4)


def test_its_rhythm_makes_an_alarm_of_what_was_told_as_a_lighter_sound(room):
    room.hears(5, clock=0.999)
    alerts = room.hears(3, clock=0.999, smoke=0.3, rhythm=SEEN)
    assert "smoke" in begun(alerts)


def test_a_rhythm_means_nothing_to_other_sounds(room):
    assert room.hears(8, dog=0.5, rhythm=SEEN) == []


# One group


def test_of_a_group_only_the_likelier_is_told(room):
    assert begun(room.hears(20, oven=0.95, clock=0.8)) == ["oven"]


def test_also_when_the_less_likely_one_comes_first(room):
    alerts = room.hears(3, clock=0.7)
    assert begun(alerts) == ["clock"]
    alerts = room.hears(10, clock=0.7, oven=0.99)
    assert begun(one for one in alerts if one.ongoing) == ["oven"]
    assert [one.sound for one in alerts if not one.ongoing] == ["clock"], "it was the oven"


def test_all_hits_count_for_how_likely_it_is(room):
    room.hear(oven=0.61, clock=0.9)
    assert begun(room.hear(oven=0.96, clock=0.9)) == ["clock"]


def test_about_as_likely_is_not_enough_to_change(room):
    room.hears(3, clock=0.8)
    assert begun(room.hears(10, clock=0.8, oven=0.85)) == ["clock"]


def test_the_graver_one_is_told_where_it_is_about_as_likely(room):
    room.hears(10, clock=0.9)
    alerts = room.hears(10, clock=0.9, smoke=0.94)
    assert [one.sound for one in alerts if not one.ongoing] == ["clock"]
    assert alerts[-1].sound == "smoke"


def test_what_is_lighter_is_not_told_beside_a_graver_one(room):
    room.hears(3, smoke=0.9)
    assert begun(room.hears(10, smoke=0.7, oven=0.99)) == ["smoke"]


def test_a_pause_of_the_alarm_belongs_to_it(room):
    room.hears(3, smoke=0.9)
    room.quiet(2.4)
    assert room.hears(3, oven=0.99) == []
    room.quiet(20.0)
    assert room.hears(3, oven=0.99), "it is over"


def test_a_beep_waits_while_an_alarm_may_be_on_its_way(room):
    assert room.hears(7, oven=0.95, smoke=0.45) == []
    (alert,) = room.hear(oven=0.95, smoke=0.45, rhythm=SEEN)
    assert alert.sound == "smoke"
    assert begun(room.hears(10, oven=0.95, smoke=0.45, rhythm=SEEN)) == ["smoke"]


def test_a_beep_is_told_when_no_alarm_came(room):
    alerts = room.hears(8, oven=0.95, smoke=0.4)
    assert sounds(alerts) == ["oven"]
    assert alerts[0].emitted_s == pytest.approx(3.2)
    assert alerts[0].start_s == 0.0


def test_a_short_beep_is_told_too_though_it_is_over_by_then(room):
    room.hears(2, oven=0.95, smoke=0.4)
    alerts = room.quiet(4.0)
    assert [one.sound for one in alerts if one.ongoing] == ["oven"]


def test_a_beep_that_is_clearly_none_of_an_alarm_does_not_wait(room):
    """A model that knows the rhythm is not sure at the first pulse of an alarm either."""
    assert room.hears(2, oven=0.95, smoke=0.04) == []
    assert sounds(Room().hears(2, oven=0.95, smoke=0.03)) == ["oven"]


def test_a_likelier_sound_that_is_no_alert_wins():
    """Fireworks are taken for shots; they stand in the group of bangs in assets/sounds."""
    room = Room()
    assert room.hears(4, shot=0.7, fireworks=0.99) == []
    assert sounds(room.hear(shot=0.99, fireworks=0.9)) == ["shot"]


def test_a_sound_that_is_switched_off_still_explains_what_is_heard(room):
    """A beep of the oven must not become a smoke alarm because the oven is switched off."""
    room.policy.settings = type(room.policy.settings)(switched_off=frozenset({"oven"}))
    assert room.hears(10, oven=0.99, clock=0.7) == []


def test_what_is_heard_after_a_graver_one_is_told(room):
    """Glass breaks after the shot; while the bang lasts it is the shot's."""
    room.hear(shot=0.99)
    assert begun(room.hears(2, glass=0.95)) == ["shot"] or room.state.events.keys() == {"shot"}
    after = Room()
    after.hear(shot=0.99)
    after.quiet(2.4)
    assert "glass" in begun(after.hears(2, glass=0.95))


def test_a_sound_before_is_not_taken_back(room):
    room.hears(3, clock=0.8)
    room.quiet(0.8)
    alerts = room.hears(2, oven=0.96)
    assert begun(alerts) == ["oven"]
    assert not room.state.events["clock"].over


# Different groups


def test_two_clear_sounds_are_both_told(room):
    assert begun(room.hears(3, dog=0.95, bell=0.95)) == ["bell", "dog"]


def test_the_weaker_one_must_be_clear(room):
    assert begun(room.hears(3, dog=0.65, bell=0.99)) == ["bell"]
    alone = Room()
    assert begun(alone.hears(3, dog=0.65)) == ["dog"]


def test_a_sound_that_comes_later_stands_for_itself(room):
    room.hear(bell=0.99)
    room.quiet(2.0)
    assert begun(room.hears(3, dog=0.65)) == ["dog"]


def test_an_emergency_need_not_be_the_strongest(room):
    assert "scream" in begun(room.hears(3, dog=0.999, scream=0.62))


# Why


def test_why_says_how_often_how_sure_and_what_else(room):
    (alert,) = room.hears(2, dog=0.9, fireworks=0.12)
    assert alert.why == "Heard in 2 of 2 steps of 0.4 s, 90% sure. Next likely: fireworks, 12%."


def test_why_of_a_single_step(room):
    (alert,) = room.hear(bell=0.9)
    assert alert.why == "Heard in one step of 0.4 s, 90% sure."


def test_why_grows_with_the_event(room):
    room.hears(2, dog=0.9)
    alerts = room.hears(8, dog=0.9)
    assert alerts[-1].why.startswith("Heard in 7 of 7 steps")


def test_nothing_else_is_mentioned_where_nothing_else_is_likely(room):
    (alert,) = room.hears(2, dog=0.95, background=0.9)
    assert "Next likely" not in alert.why
