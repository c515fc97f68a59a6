"""Many kinds of sound, none too often, sources undivided."""

from itertools import pairwise
from pathlib import Path

import pytest

from everlisten.trainer.sounds.corpus import Clip
from everlisten.trainer.teaching.background_set import selected


def clip(label, number):
    group = f"{label}-{number // 3}"
    return Clip(
        path=Path(f"{label}{number}.ogg"), name=f"{label}{number}", sound=label, seconds=5.0,
        source_group=group, recording=group, fold=0, official_fold=None, licence="", author="",
        source="", label=label,
    )  # fmt: skip


@pytest.fixture
def clips():
    return [
        clip(label, number)
        for label in ("rain", "cow", "background", "cat")
        for number in range(60)
    ]


def test_no_kind_is_too_frequent_and_some_are_left_out(clips):
    """Nobody's cat is to be learnt against cats."""
    labels = [each.label for each in selected(clips)]
    assert {label: labels.count(label) for label in set(labels)} == {
        "rain": 16, "cow": 16, "background": 60,
    }  # fmt: skip


def test_recordings_of_a_source_stand_side_by_side_and_kinds_are_mixed(clips):
    found = selected(clips)
    groups = [each.source_group for each in found]
    runs = 1 + sum(one != two for one, two in pairwise(groups))
    assert runs == len(set(groups))
    labels = [each.label for each in found]
    assert sum(one != two for one, two in pairwise(labels)) > 10


def test_the_choice_is_always_the_same(clips):
    assert selected(clips) == selected(clips)
