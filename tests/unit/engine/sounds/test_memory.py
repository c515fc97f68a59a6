"""Half a minute and the last alerts' sounds, whole and never more."""

import numpy as np
import pytest

from everlisten.engine.events import SoundAlert
from everlisten.engine.sounds.memory import MOST_CLIPS, SoundMemory

CHUNK = 6400


class Feed:
    """Gives a memory a ramp: each sample tells its own position in the stream."""

    def __init__(self):
        self.memory = SoundMemory()
        self.index = 0

    def hear(self, count=1):
        for _ in range(count):
            begin = self.index * CHUNK
            ramp = (np.arange(begin, begin + CHUNK) % 32767 / 32767.0).astype(np.float32)
            embedding = np.full(4, self.index, np.float32)
            self.memory.hear(ramp, self.index * 0.4, (self.index + 1) * 0.4, embedding)
            self.index += 1


@pytest.fixture
def feed():
    return Feed()


def alert(start_s, end_s, id="a"):
    return SoundAlert(id=id, session="s", sound="siren", start_s=start_s, end_s=end_s)


def first(samples):
    return round(float(samples[0]) * 32767)


def test_the_newest_half_minute_is_there(feed):
    assert len(feed.memory.last()) == 0
    feed.hear(10)
    assert len(feed.memory.last()) == 10 * CHUNK
    assert np.array_equal(feed.memory.last(0.4), feed.memory.last()[-CHUNK:])
    feed.hear(190)
    assert len(feed.memory.last()) == 480_000
    position = 200 * CHUNK - 480_000
    assert first(feed.memory.last()) == position % 32767
    assert len(np.unique(np.round(np.diff(feed.memory.last()), 4))) <= 2, "no joint"


def test_what_is_handed_out_is_a_copy(feed):
    feed.hear(2)
    taken = feed.memory.last()
    taken[:] = 7.0
    assert feed.memory.last().max() <= 1.0


def test_a_clip_begins_a_second_before_and_ends_a_second_after(feed):
    feed.hear(10)
    feed.memory.note(alert(2.8, 4.0))
    assert len(feed.memory.clip("a")) == round((4.0 - 1.8) * 16000)
    feed.hear(10)
    clip = feed.memory.clip("a")
    assert len(clip) == round((5.0 - 1.8) * 16000)
    assert first(clip) == round(1.8 * 16000) % 32767
    expected = (np.arange(round(1.8 * 16000), 5 * 16000) % 32767) / 32767.0
    assert np.abs(clip - expected).max() < 1e-4


def test_a_clip_grows_with_its_alert(feed):
    feed.hear(5)
    feed.memory.note(alert(0.4, 2.0))
    feed.hear(10)
    feed.memory.note(alert(0.4, 6.0))
    feed.hear(10)
    clip = feed.memory.clip("a")
    assert len(clip) == 7 * 16000
    assert len(np.unique(np.round(np.diff(clip), 3))) <= 2, "no joint"


def test_a_clip_has_an_end(feed):
    feed.hear(2)
    for _ in range(30):
        feed.memory.note(alert(0.0, feed.index * 0.4))
        feed.hear(3)
    assert len(feed.memory.clip("a")) == 20 * 16000


def test_twenty_clips_are_kept(feed):
    feed.hear(5)
    for number in range(MOST_CLIPS + 1):
        feed.memory.note(alert(1.0, 1.4, f"a{number}"))
    assert feed.memory.clip("a0") is None
    assert feed.memory.clip("a1") is not None
    assert feed.memory.clip("unknown") is None


def test_a_gap_leaves_no_joint(feed):
    feed.hear(10)
    feed.index += 5
    feed.hear(2)
    assert len(feed.memory.last()) == 2 * CHUNK
    feed.memory.note(alert(6.0, 6.4))
    assert len(feed.memory.clip("a")) == round(0.8 * 16000)


def test_a_test_is_not_remembered(feed):
    feed.hear(5)
    feed.memory.note(alert(1.0, 1.4, "test-a"))
    assert feed.memory.clip("test-a") is None


def test_an_example_has_the_embeddings_of_the_alert(feed):
    feed.hear(5)
    feed.memory.note(alert(1.2, 2.0))
    feed.hear(1)
    feed.memory.note_sounding(["a", "unknown"], np.full(4, 5.0, np.float32))
    sound, samples, rows = feed.memory.example("a")
    assert sound == "siren"
    assert np.array_equal(samples, feed.memory.clip("a"))
    assert [row[0] for row in rows] == [3.0, 4.0, 5.0]
    assert feed.memory.example("unknown") is None


def test_twenty_five_embeddings_are_enough(feed):
    feed.hear(5)
    feed.memory.note(alert(1.2, 2.0))
    for _ in range(100):
        feed.memory.note_sounding(["a"], np.zeros(4, np.float32))
    assert len(feed.memory.example("a")[2]) == 25
