"""The comparison of a checkpoint's decisions with the sound model's probabilities."""

from __future__ import annotations

import numpy as np

from everlisten.trainer.sounds.agreement import Said, compared, report

SOUNDS = ("siren", "speech", "doorbell")


def test_both_are_counted_chunk_by_chunk() -> None:
    said = [
        Said(0.1, False),
        Said(0.9, True, "doorbell"),
        Said(0.8, True, "doorbell"),
        Said(0.7, True, "siren"),
        Said(0.2, False),
        Said(0.3, False),
    ]
    probabilities = np.float32(
        [
            [0.1, 0.9, 0.2],  # speech is no alert: both silent
            [0.6, 0.0, 0.9],  # two sounds at once, of which one was told
            [0.6, 0.0, 0.1],  # another name
            [0.5, 0.0, 0.4],  # only the checkpoint
            [0.9, 0.0, 0.6],  # only the file
            [0.0, 0.0, 0.0],
        ]
    )
    comparisons = compared(said, probabilities, SOUNDS)
    assert [each.agree for each in comparisons] == [True, True, True, False, False, True]
    assert comparisons[1].names == ("doorbell", "siren"), "the surest first"
    assert report(comparisons).splitlines() == [
        "4 of 6 decisions agree: both speak 2, both silent 2, only the checkpoint speaks 1, only"
        " the file 1.",
        "Where both speak, the reply is one of the file's names in 1 of 2.",
        "   1.2 s: checkpoint 0.70 'siren', file nothing",
        "   1.6 s: checkpoint 0.20 '', file siren, doorbell",
    ]
