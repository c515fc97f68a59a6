"""Which clips are of one recording, and which of five folds each recording is in."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDS = 5
FEWEST_GROUPS = 5
"""So many recordings put a test clip in every fold."""

_ESC = re.compile(r"esc\d+/(\d)-(\d+)-[A-Z](?:-(\d+))?")
_ESC_10_TARGETS = frozenset({0, 1, 10, 11, 12, 20, 21, 38, 40, 41})
"""ESC-50's numbers of the ten classes that ESC-10 is made of."""
_TAKE = re.compile(r"_\d+$")
_MOVED = {"5-151085-A": 3}
"""The one clip of ESC-10 that isn't in its official fold: its recording is in another one too."""
_SAME_RECORDING = {
    # Two seconds of one cry under two ids, in two official folds.
    "freesound:151085": "freesound:151080",
    "freesound:30322": "freesound:28314",
    "mod-sounds:clock_tick": "freesound:188033",
    "mod-sounds:explosion_distant": "cdda:explosion__huge__explosion_huge",
    "mod-sounds:ar_burst": "mod-sounds:ar_fire",
    "cdda:fire_gun__rifles__automatic_rifle__outdoor_gunfire__556_auto_rifle_shot": (
        "cdda:fire_gun__rifles__automatic_rifle__indoor_gunfire__556_auto_rifle_shot"
    ),
    "cdda:smash_success__window__wood_smash_success": (
        "cdda:smash_success__window__window_boarded_smash_success"
    ),
    "cdda:plmove__walk_t_floor__walk_t_floor": "cdda:plmove__walk_t_concrete",
    "cdda:plmove__walk_t_rock_floor": "cdda:plmove__walk_t_concrete",
    "home-noise:double_mic_tap_dtaps": "home-noise:double_mic_tap_doubletaps",
}
"""Recordings that two names stand for: found by correlating the samples of all clips of a sound."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a clip comes from, as far as its name tells.

    Attributes:
        path: As in the corpus.
        sound: Its sound id.
        seconds: Its length.
        speaker: Of a clip of speech.
    """

    path: str
    sound: str
    seconds: float
    speaker: str = ""


def recording_of(source: Source) -> str:
    """What the clip was cut from, as far as it can be known; rather too coarse than too fine.

    The home noise named `elt_noise` has no session in its names: there each clip counts for itself.
    """
    named = _named_recording_of(source)
    return _SAME_RECORDING.get(named, named)


def _named_recording_of(source: Source) -> str:
    folder, _, name = source.path.rpartition("/")
    stem = name.removesuffix(".ogg")
    if (esc := _ESC.match(source.path)) is not None:
        return f"freesound:{esc[2]}"
    if source.sound == "speech":
        return f"{folder}:{source.speaker}" if source.speaker not in ("", "-") else source.path
    if folder == "donateacry":
        return f"donateacry:{stem[:36].lower()}"  # the id of the device
    if folder == "home-noise":
        return f"home-noise:{_session_of(stem)}"
    if folder in ("cdda", "mod-sounds"):
        return f"{folder}:{_TAKE.sub('', stem)}"
    return f"{folder}:{stem}"


def _session_of(stem: str) -> str:
    """The session of a clip of home noise: the name without its counter or its time."""
    if stem.startswith("false_activations-"):
        return re.sub(r"[._]\d+$", "", stem)
    if stem.startswith(("double_mic_tap", "bg_noise")):
        return re.sub(r"\d+$", "", stem)
    return stem


def official_fold_of(path: str) -> int | None:
    """The fold 1..5 that ESC-50's authors gave the clip, but for `_MOVED`."""
    found = _ESC.match(path)
    return None if found is None else _MOVED.get(Path(path).stem, int(found[1]))


def official_esc_10_fold_of(path: str) -> int | None:
    """The same, for clips of ESC-10's classes alone; fold 4 of them is with ESC-50."""
    found = _ESC.match(path)
    if found is None or (found[3] is not None and int(found[3]) not in _ESC_10_TARGETS):
        return None
    return official_fold_of(path)


def groups_of(sources: Iterable[Source]) -> dict[str, str]:
    """The group of each path: clips of one group are always in one fold.

    A group is a recording. Where a sound would have fewer than five of them, each of its numbered
    takes from the games' sets is a group: takes of one voice are then on both sides, but a test
    fold without the sound would say nothing at all about it. `recording_of` still counts them once.
    """
    listed = list(sources)
    recordings: dict[str, set[str]] = defaultdict(set)
    for source in listed:
        recordings[source.sound].add(recording_of(source))
    return {
        source.path: source.path
        if len(recordings[source.sound]) < FEWEST_GROUPS
        and source.path.startswith(("cdda/", "mod-sounds/"))
        else recording_of(source)
        for source in listed
    }


def folds_of(sources: Collection[Source], groups: Mapping[str, str]) -> dict[str, int]:
    """The fold 0..4 of each group.

    Clips of ESC-10's classes stay in their authors' fold (1 -> 0 and so on), so that one set of
    five models gives both our figures and the official ones. The others fill up each sound's
    emptiest fold, rarest sound first; which of two equal folds, a hash decides, the same on every
    machine.
    """
    folds: dict[str, int] = {}
    for source in sources:
        if (official := official_esc_10_fold_of(source.path)) is not None:
            folds[groups[source.path]] = official - 1
    seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for source in sources:
        seconds[source.sound][groups[source.path]] += source.seconds
    for sound in sorted(seconds, key=lambda each: (len(seconds[each]), each)):
        _fill(sound, seconds[sound], folds)
    return folds


def _fill(sound: str, seconds: Mapping[str, float], folds: dict[str, int]) -> None:
    """Give each group of one sound that has no fold yet the emptiest one.

    Args:
        sound: Its id.
        seconds: Of each group.
        folds: What is known already; added to.
    """
    load = {fold: [0, 0.0] for fold in range(FOLDS)}
    for group, length in seconds.items():
        if group in folds:
            load[folds[group]][0] += 1
            load[folds[group]][1] += length
    waiting = sorted(
        (group for group in seconds if group not in folds),
        key=lambda group: (-seconds[group], _hash(group)),
    )
    for group in waiting:
        fold = min(load, key=lambda each: (*load[each], _hash(f"{sound}/{each}")))
        folds[group] = fold
        load[fold][0] += 1
        load[fold][1] += seconds[group]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
