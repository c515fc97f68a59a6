"""Figures of an evaluation, each checked by an example that can be counted by hand."""

from __future__ import annotations

import math

import pytest

from everlisten.trainer.sounds.measures import (
    SILENT,
    confusion,
    false_alarms,
    latencies,
    percentile,
    sound_measure,
    speaking,
)
from everlisten.trainer.sounds.outcomes import Event, Outcome, Telling, is_hit, match


def told(*pairs: tuple[str, float]) -> tuple[Telling, ...]:
    return tuple(Telling(sound=sound, at_s=at_s) for sound, at_s in pairs)


def clip(
    sound: str, *pairs: tuple[str, float], alert: bool = True, group: str = "", **more: object
) -> Outcome:
    """A clip that sounds from 3 to 5 s."""
    event = Event(sound=sound, onset_s=3.0, offset_s=5.0)
    events = (event,) if alert else ()
    return Outcome(
        kind="clip", name=sound, fold=0, seconds=10.0, sound=sound, group=group or sound,
        events=events, told=told(*pairs), **more,
    )  # fmt: skip


def test_latency_counts_from_the_onset_or_the_end_of_the_first_pattern() -> None:
    events = [
        Event(sound="doorbell", onset_s=10.0, offset_s=12.0),
        Event(sound="smoke_alarm", onset_s=20.0, offset_s=28.0),
        Event(sound="co_alarm", onset_s=40.0, offset_s=46.0),
        Event(sound="siren", onset_s=50.0, offset_s=55.0),
    ]
    found = match(
        events,
        told(("doorbell", 10.8), ("smoke_alarm", 23.2), ("co_alarm", 40.4), ("dog_barking", 51.0)),
    )
    assert found.latency_s == pytest.approx((0.8, 0.7, -0.3, None))
    assert [each.sound for each in found.false] == ["dog_barking"]


def test_a_beep_that_waits_for_an_alarm_s_pattern_is_told_in_time() -> None:
    """As long as the policy lets it wait; a bark need not wait."""
    beep, bark = (
        Event(sound=sound, onset_s=3.0, offset_s=3.5) for sound in ("appliance_beep", "dog_barking")
    )
    told = [Telling(sound=each.sound, at_s=6.8) for each in (beep, bark)]
    assert match([beep], told[:1]).latency_s == (pytest.approx(3.8),)
    assert match([bark], told[1:]).latency_s == (None,)
    assert match([beep], [Telling(sound="appliance_beep", at_s=7.2)]).latency_s == (None,)


def test_an_alert_belongs_to_the_event_that_has_begun() -> None:
    twice = [
        Event(sound="dog_barking", onset_s=10.0, offset_s=11.0),
        Event(sound="dog_barking", onset_s=12.0, offset_s=13.0),
    ]
    found = match(twice, told(("dog_barking", 9.9), ("dog_barking", 12.4), ("dog_barking", 15.1)))
    assert found.latency_s == (None, pytest.approx(0.4))
    assert [each.at_s for each in found.false] == [9.9, 15.1]
    again = match(twice[:1], told(("dog_barking", 10.4), ("dog_barking", 12.9)))
    assert again.latency_s == (pytest.approx(0.4),)
    assert again.false == (), "a second alert for one event is neither a hit nor false"


def test_recall_and_precision_of_a_sound() -> None:
    outcomes = [
        clip("siren", ("siren", 3.8), group="a"),
        clip("siren", ("siren", 4.6), group="a"),
        clip("siren", ("siren", 7.5), group="b"),  # too late
        clip("siren", ("car_horn", 3.8), group="c"),
        clip("siren", ("siren", 3.8), synthetic=True),
        clip("car_horn", ("siren", 3.8), ("siren", 4.6)),
        clip("music", ("siren", 3.8), alert=False, unsure=("siren",)),
    ]
    real = sound_measure(outcomes, "siren", synthetic=False)
    assert (real.clips, real.groups, real.hits, real.recall) == (4, 3, 2, 0.5)
    both = sound_measure(outcomes, "siren")
    assert (both.clips, both.hits, both.recall) == (5, 3, 0.6)
    # Told on four clips that hold it and one that does not; the unsure one says nothing.
    assert (both.told, both.right, both.precision) == (5, 4, 0.8)
    assert math.isnan(sound_measure(outcomes, "thunder").recall)
    assert math.isnan(sound_measure(outcomes, "thunder").precision)


def test_speaking_beside_always_silent() -> None:
    outcomes = [
        clip("siren", ("siren", 3.8)),
        clip("siren", ("car_horn", 3.8), ("siren", 4.2)),
        clip("siren", ("siren", 1.2)),  # before there was anything
        clip("thunder"),
        clip("rain", alert=False),
        clip("rain", ("siren", 4.0), alert=False),
        clip("rain", ("thunder", 4.0), alert=False, unsure=("thunder",)),
        clip("music", alert=False),
    ]
    found = speaking(outcomes)
    assert (found.alert_clips, found.spoken, found.right_name) == (4, 2, 1)
    assert (found.other_clips, found.silent, found.left_out) == (3, 2, 1)
    assert found.recall == 0.5
    assert found.specificity == pytest.approx(2 / 3)
    assert found.balanced == pytest.approx(7 / 12)
    assert found.accuracy == pytest.approx(4 / 7)
    assert found.named == 0.5
    silent = found.always_silent()
    assert silent.balanced == 0.5
    assert silent.accuracy == 0.5
    assert math.isnan(silent.named)


def test_false_alarms_per_hour() -> None:
    streams = [
        Outcome(
            kind="stream", name="a", fold=0, seconds=5400.0, told=told(("siren", 9), ("siren", 99))
        ),
        Outcome(
            kind="events", name="b", fold=0, seconds=1800.0,
            events=(Event(sound="siren", onset_s=10.0, offset_s=12.0),),
            told=told(("siren", 10.8), ("thunder", 11.0)),
        ),
    ]  # fmt: skip
    found = false_alarms(streams)
    assert found.hours == 2.0
    assert found.count == 3
    assert found.per_hour == 1.5
    assert found.by_sound == {"siren": 2, "thunder": 1}
    assert math.isnan(false_alarms([]).per_hour)


def test_latencies_of_some_sounds() -> None:
    stream = Outcome(
        kind="events", name="b", fold=0, seconds=60.0,
        events=(
            Event(sound="siren", onset_s=10.0, offset_s=12.0),
            Event(sound="thunder", onset_s=20.0, offset_s=22.0),
        ),
        told=told(("siren", 10.8)),
    )  # fmt: skip
    assert latencies([stream]) == [pytest.approx(0.8), None]
    assert latencies([stream], lambda sound: sound == "thunder") == [None]


def test_percentiles_are_interpolated() -> None:
    assert percentile([0.4, 0.8, 1.2, 1.6], 0.5) == pytest.approx(1.0)
    assert percentile([0.4], 0.95) == pytest.approx(0.4)
    assert math.isnan(percentile([], 0.5))


def test_confusion_counts_what_was_told_first() -> None:
    outcomes = [
        clip("siren", ("siren", 3.8), ("thunder", 4.0)),
        clip("siren"),
        clip("rain", ("thunder", 3.8), alert=False),
        clip("music", alert=False),
    ]
    rows, columns = ("siren", "thunder", "music", "rest"), ("siren", "thunder", SILENT)
    counts = confusion(outcomes, rows, columns, "rest")
    assert counts.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_a_hit_has_the_right_name_in_its_time() -> None:
    assert is_hit(clip("siren", ("siren", 7.0)))
    assert not is_hit(clip("siren", ("siren", 7.1)))
    assert not is_hit(clip("siren", ("siren", 2.9)))
    assert not is_hit(clip("rain", ("siren", 4.0), alert=False))
