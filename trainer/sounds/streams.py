"""Long streams to measure on: some without any alert in them, some with alerts at known times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from everlisten.trainer.sounds import staging
from everlisten.trainer.sounds.activity import SAMPLE_RATE_HZ
from everlisten.trainer.sounds.alarms import SYNTHESES
from everlisten.trainer.sounds.corpus import Clip, Corpus, read_audio
from everlisten.trainer.sounds.labels import ALERT_SOUNDS
from everlisten.trainer.sounds.staging import Prop, Rng, Samples, level_db

LONGEST_EVENT_S = 6.5
_LONG_ALARM_S = 6.0
"""A patterned alarm in a stream goes on at least so long: nobody stops it after one group."""
_PATTERNED = ("smoke_alarm", "co_alarm")
_LEVELS_DB = {
    "speech": (-36.0, -22.0),
    "music": (-44.0, -26.0),
    "background": (-58.0, -34.0),
}
"""RMS of what a room is filled with, dB of full scale."""
_OTHER_DB = (-44.0, -24.0)
_QUIET_DB = (-74.0, -62.0)
_EVENT_DB = (-40.0, -12.0)
"""However quiet the rest is, an event is not louder or quieter than this."""
_GAP_S = (0.2, 1.5)
_LEAD_S = 3.0
"""No event before this: nobody switches a microphone on and has an alarm at once."""
_COLLIDES = 0.25
"""Share of the files in a stream without events that begin before the one before has ended."""

EventSpan = tuple[str, float, float]
"""Sound, onset and offset, seconds."""


def event_stream(
    corpus: Corpus,
    fold: int,
    rng: Rng,
    minutes: float,
    events: int | Sequence[str],
    *,
    snr_db: tuple[float, float] = (3.0, 18.0),
) -> tuple[Samples, list[EventSpan]]:
    """Alerts at known times under speech, music and home noise of one test fold.

    Args:
        corpus: Real clips.
        fold: Only its clips are used.
        rng: Draws everything; the same state gives the same stream.
        minutes: Length.
        events: How many, of every alert sound in turn; or their sounds in order.
        snr_db: Range of an event's level over what else sounds then, RMS.

    Returns:
        float32 [T] at 16 kHz, and (sound, onset, offset) of each event in order of time.
    """
    seconds = minutes * 60
    sounds = _in_turn(corpus, fold, rng, events) if isinstance(events, int) else list(events)
    spacing_s = (seconds - _LEAD_S - 1.0) / max(1, len(sounds))
    if spacing_s < LONGEST_EVENT_S + 1.0:
        raise ValueError(
            f"{len(sounds)} events do not fit into {minutes:g} minutes; give at most"
            f" {int((seconds - _LEAD_S) / (LONGEST_EVENT_S + 1))}"
        )
    stage = _bed(corpus, fold, rng, seconds)
    bed = stage.copy()
    spans: list[EventSpan] = []
    for number, sound in enumerate(sounds):
        prop = event_prop(corpus, fold, sound, rng, LONGEST_EVENT_S)
        slack_s = spacing_s - LONGEST_EVENT_S - 0.5
        at_s = _LEAD_S + number * spacing_s + float(rng.uniform(0, slack_s))
        begin_s, end_s = at_s + prop.onset_s, at_s + prop.offset_s
        around = bed[_sample(begin_s) : _sample(end_s)]
        wanted_db = np.clip(level_db(around) + rng.uniform(*snr_db), *_EVENT_DB)
        heard = staging.in_room(prop.samples, rng)
        staging.add(stage, heard, at_s, float(wanted_db) - prop.level_db)
        spans.append((sound, begin_s, end_s))
    return staging.finished(stage, staging.microphone(rng)), spans


def event_prop(corpus: Corpus, fold: int, sound: str, rng: Rng, longest_s: float) -> Prop:
    """One held-out clip of an alert sound; synthesised where the fold has none."""
    clips = _of(corpus, fold, sound)
    for number in rng.permutation(len(clips)):
        if (prop := staging.real(clips[number], rng, longest_s)) is not None:
            return prop
    if sound not in SYNTHESES:
        raise ValueError(f"fold {fold} has no clip of {sound}, and there is no synthesis of it")
    long_s = _LONG_ALARM_S if sound in _PATTERNED else 0.0
    return staging.synthetic(sound, rng, longest_s, uncut=True, least_s=min(long_s, longest_s))


def eventless_stream(clips: Sequence[Clip], rng: Rng) -> Samples:
    """Every given file once, each in a room and at a level of its own, some of them together.

    Args:
        clips: Of sounds that are no alerts, in the order in which they are heard.
        rng: Draws everything else.

    Returns:
        float32 [T] at 16 kHz.
    """
    placed: list[tuple[float, Samples, float]] = []
    at_s = end_s = 1.0
    for clip in clips:
        samples = read_audio(clip)
        heard = staging.in_room(samples, rng)
        wanted_db = rng.uniform(*_LEVELS_DB.get(clip.sound, _OTHER_DB))
        placed.append((at_s, heard, float(wanted_db) - level_db(samples)))
        end_s = max(end_s, at_s + len(samples) / SAMPLE_RATE_HZ)
        collides = rng.random() < _COLLIDES
        at_s = float(rng.uniform(at_s, end_s) if collides else end_s + rng.uniform(*_GAP_S))
    stage = staging.room_noise(rng, end_s + 2.0, float(rng.uniform(*_QUIET_DB)))
    for begin_s, heard, gain_db in placed:
        staging.add(stage, heard, begin_s, gain_db)
    return staging.finished(stage, staging.microphone(rng))


def dealt(
    clips: Sequence[Clip], rng: Rng, seconds: float, most_uses: int
) -> Iterator[tuple[Clip, ...]]:
    """Files for streams of about five minutes until the time is filled.

    Every file is used once before any is used again, and none more than `most_uses` times.
    """
    hand: list[Clip] = []
    held_s = dealt_s = 0.0
    for _ in range(most_uses):
        for number in rng.permutation(len(clips)):
            if dealt_s + held_s >= seconds:
                break
            hand.append(clips[number])
            held_s += _lasting_s(clips[number])
            if held_s >= 300.0:
                yield tuple(hand)
                dealt_s += held_s
                hand, held_s = [], 0.0
    if hand:
        yield tuple(hand)


def _lasting_s(clip: Clip) -> float:
    """What a file adds to a stream, on average: some begin while another one sounds."""
    return (1 - _COLLIDES) * (clip.seconds + sum(_GAP_S) / 2) + _COLLIDES * clip.seconds / 2


def _in_turn(corpus: Corpus, fold: int, rng: Rng, count: int) -> list[str]:
    """Alert sounds, each as often as the others and far from its last time."""
    there = [s for s in ALERT_SOUNDS if s in SYNTHESES or _of(corpus, fold, s)]
    order = [str(each) for each in rng.permutation(there)]
    return [order[number % len(order)] for number in range(count)]


def _bed(corpus: Corpus, fold: int, rng: Rng, seconds: float) -> Samples:
    """Home noise always, speech for most of the time, music for a part of it."""
    stage = staging.room_noise(rng, seconds, float(rng.uniform(*_QUIET_DB)))
    home = staging.joined(_of(corpus, fold, "background"), rng, seconds)
    staging.add(stage, home, 0.0, float(rng.uniform(-60, -46)))
    for sound, share, longest_s in (("speech", 0.6, 40.0), ("music", 0.4, 60.0)):
        clips = _of(corpus, fold, sound)
        at_s = float(rng.uniform(0, 10))
        while at_s < seconds and clips:
            length_s = float(rng.uniform(0.4, 1.0)) * longest_s
            piece = staging.in_room(staging.joined(clips, rng, length_s), rng)
            staging.add(stage, piece, at_s, float(rng.uniform(*_LEVELS_DB[sound])))
            at_s += length_s * (1 + float(rng.uniform(0, 2)) * (1 - share) / share)
    return stage


def _of(corpus: Corpus, fold: int, sound: str) -> list[Clip]:
    return [clip for clip in corpus.test(fold) if clip.sound == sound]


def _sample(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)
