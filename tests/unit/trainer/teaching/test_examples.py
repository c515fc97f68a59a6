"""What cannot be learnt from is refused in one sentence that says what to do."""

import numpy as np
import pytest
from teaching_fixture import chime, hiss

from everlisten.trainer.teaching.examples import TeachingError, active_samples, checked


@pytest.fixture
def bells():
    rng = np.random.default_rng(5)
    return [chime(rng) for _ in range(4)]


def test_good_examples_pass_without_their_dc(bells):
    distinct, repeated = checked([bell + 0.05 for bell in bells])
    assert (len(distinct), repeated) == (4, 0)
    assert all(abs(each.mean()) < 1e-5 for each in distinct)
    assert all(each.dtype == np.float32 for each in distinct)


def refusal(examples):
    with pytest.raises(TeachingError) as caught:
        checked(examples)
    return str(caught.value)


def test_too_few_or_too_many(bells):
    assert "2 examples given: give 3 to 50" in refusal(bells[:2])
    assert "1 example given" in refusal(bells[:1])
    assert "51 examples" in refusal(bells * 12 + bells[:3])


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (np.zeros(16_000), "Example 2 is silent"),
        (np.full(16_000, 0.3), "Example 2 is silent"),
        (np.random.default_rng(0).standard_normal(16_000) * 1e-4, "Example 2 is silent"),
        (np.array([0.1, np.nan] * 8_000), "Example 2 is damaged"),
        (np.zeros((2, 16_000)), "Example 2 is damaged"),
        (np.ones(1_600), "Example 2 lasts 0.1 s"),
        (np.ones(31 * 16_000), "Example 2 lasts 31.0 s"),
        (np.clip(np.sin(np.arange(16_000) * 0.1) * 5, -1, 1), "Example 2 is overloaded"),
    ],
)
def test_a_spoilt_one_is_named(bells, spoilt, said):
    assert refusal([bells[0], spoilt.astype(np.float32), bells[2]]).startswith(said)


def test_a_loud_file_is_not_overloaded(bells):
    loud = [bell / np.abs(bell).max() for bell in bells]
    assert len(checked(loud)[0]) == 4


def test_the_same_recording_again_does_not_count(bells):
    quieter, shifted = bells[0] * 0.3, np.concatenate((np.zeros(5_000, np.float32), bells[0]))
    piece = bells[0][: len(bells[0]) * 3 // 4]
    assert "Only 1 of the 4 examples differ" in refusal([bells[0], quieter, shifted, piece])
    distinct, repeated = checked([*bells[:3], quieter])
    assert (len(distinct), repeated) == (3, 1)


def test_one_beep_recorded_again_is_another_example():
    """An oven beeps the same every time; the room around it is never the same."""
    rng = np.random.default_rng(7)
    beep = 0.3 * np.sin(np.arange(16_000) * 2 * np.pi * 2000 / 16_000)
    beep *= np.repeat([1, 0, 1, 0, 1], 3_200)
    heard = [
        np.roll(beep, int(rng.integers(3_000))) * rng.uniform(0.5, 1)
        + rng.standard_normal(16_000) * 1e-3
        for _ in range(3)
    ]
    assert checked([each.astype(np.float32) for each in heard])[1] == 0


def test_the_pause_around_a_sound_is_not_the_sound():
    rng = np.random.default_rng(6)
    room = hiss(rng, 3.0)
    room *= 0.001 / np.abs(room).max()
    room[16_000:24_000] += 0.2 * np.sin(np.arange(8_000) * 0.3).astype(np.float32)
    active = active_samples(room)
    assert active.shape == room.shape
    assert active[16_500:23_500].all()
    assert not active[:15_000].any()
    assert not active[25_000:].any()
