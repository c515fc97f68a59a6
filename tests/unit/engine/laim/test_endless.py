"""Ten thousand chunks (67 minutes): nothing grows, positions stay in the window."""

from __future__ import annotations

from pathlib import Path

import laim_fixture
import pytest
from laim_stream import Stream, ThousandChunks

from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.config import LARGEST_WINDOW

CHUNKS = 10_000
MOST_GROWTH_MB = 12.0
"""Between the end of the second and of the last thousand: what an allocator gives and takes."""


@pytest.fixture(scope="module")
def thousands(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[ThousandChunks]:
    folder = laim_fixture.tiny_checkpoint(shared, tmp_path_factory.mktemp("endless"))
    with Stream(folder, Instruction(captions=False, assistant="warn")) as stream:
        return [stream.thousand() for _ in range(CHUNKS // 1000)]


def test_evictions_are_many_and_positions_stay_in_the_window(
    thousands: list[ThousandChunks],
) -> None:
    assert sum(each.evictions for each in thousands) >= 20
    assert all(each.evictions >= 10 for each in thousands)
    assert max(each.furthest for each in thousands) <= LARGEST_WINDOW
    assert max(each.furthest for each in thousands) > LARGEST_WINDOW - 400  # the window is used


def test_the_last_thousand_costs_what_the_first_did(thousands: list[ThousandChunks]) -> None:
    # The first thousand begins with an empty window; each later one with a used one.
    first, last = thousands[0], thousands[-1]
    assert last.passes == pytest.approx(first.passes, rel=0.1)
    assert last.rows == pytest.approx(first.rows, rel=0.1)
    assert last.events == pytest.approx(first.events, rel=0.01)


def test_what_is_kept_does_not_grow(thousands: list[ThousandChunks]) -> None:
    assert max(each.turns for each in thousands) < 160
    assert thousands[-1].objects <= thousands[1].objects * 1.01
    assert thousands[-1].resident_mb - thousands[1].resident_mb < MOST_GROWTH_MB
