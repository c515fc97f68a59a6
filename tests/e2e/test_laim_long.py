"""A day of stream through the tiny Audio-Interaction checkpoint, run by `make test-long`."""

from statistics import fmean

import laim_fixture
import numpy as np
import pytest
from laim_stream import Stream

from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.config import LARGEST_WINDOW

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

THOUSANDS = 216
"""Thousand chunks of 0.4 s: 24 hours."""
HOURS_A_THOUSAND = 1000 * 0.4 / 3600
SETTLED = 20
"""Thousands after which memory counts; allocators fill their pools in the first ones."""


@pytest.fixture(scope="module")
def thousands(shared, tmp_path_factory):
    folder = laim_fixture.tiny_checkpoint(shared, tmp_path_factory.mktemp("day"))
    with Stream(folder, Instruction(translate_to="zh", assistant="warn")) as stream:
        return [stream.thousand() for _ in range(THOUSANDS)]


def test_memory_does_not_grow_over_a_day(thousands):
    resident_mb = [each.resident_mb for each in thousands[SETTLED:]]
    hours = np.arange(len(resident_mb)) * HOURS_A_THOUSAND
    slope = np.polyfit(hours, resident_mb, 1)[0]
    print(f"memory: {resident_mb[0]:.1f} to {resident_mb[-1]:.1f} MB, {slope:+.3f} MB an hour")
    assert slope < 1.0, resident_mb
    assert thousands[-1].objects <= thousands[SETTLED].objects * 1.01


def test_the_last_thousand_chunks_cost_what_the_first_did(thousands):
    first, last = thousands[0], thousands[-1]
    assert last.passes == pytest.approx(first.passes, rel=0.1)
    assert last.rows == pytest.approx(first.rows, rel=0.1)
    # Five thousands each: other programs share the caches.
    first_ms = fmean(each.chunk_ms for each in thousands[:5])
    last_ms = fmean(each.chunk_ms for each in thousands[-5:])
    print(
        f"a chunk: {first.chunk_ms:.2f} ms in the first thousand, {last.chunk_ms:.2f} in the last"
    )
    assert last_ms <= 1.1 * first_ms


def test_positions_stay_in_the_window_all_day(thousands):
    assert max(each.furthest for each in thousands) <= LARGEST_WINDOW
    assert sum(each.evictions for each in thousands) >= 3 * 1000
