"""Where utterances begin and end."""

from __future__ import annotations

from itertools import pairwise

from everlisten.engine.embedded.config import SegmenterConfig
from everlisten.engine.embedded.segmenter import Segmenter, Utterance
from everlisten.engine.embedded.vad import WINDOW_SAMPLES

WINDOW_S = WINDOW_SAMPLES / 16_000


def seconds(value: float) -> int:
    return round(value / WINDOW_S)


def cut(probabilities: list[float], size: int = 13) -> list[Utterance]:
    segmenter = Segmenter(SegmenterConfig())
    state = segmenter.new_state()
    found = []
    for i in range(0, len(probabilities), size):
        found += segmenter.step(probabilities[i : i + size], state)
    last = segmenter.flush(state)
    return found + ([last] if last else [])


def test_two_sentences() -> None:
    quiet, loud = [0.0] * seconds(1.0), [0.9] * seconds(2.0)
    found = cut(quiet + loud + quiet + loud + quiet)
    assert [round(u.speech_begin / 16_000, 1) for u in found] == [1.0, 4.0]
    assert [round(u.speech_end / 16_000, 1) for u in found] == [3.0, 6.0]
    assert all(u.closed and not u.cut for u in found)
    assert found[0].begin < found[0].speech_begin


def test_a_click_opens_nothing() -> None:
    assert cut([0.0] * 20 + [0.9] * 2 + [0.0] * 40) == []


def test_a_short_pause_does_not_end() -> None:
    loud, pause = [0.9] * seconds(1.0), [0.0] * seconds(0.3)
    assert len(cut(loud + pause + loud)) == 1


def test_a_short_pause_ends_a_long_utterance() -> None:
    config = SegmenterConfig()
    loud = [0.9] * (seconds(config.soft_limit_s) + 10)
    pause = [0.0] * (seconds(config.soft_silence_s) + 1)
    assert len(cut(loud + pause + loud)) == 2


def test_endless_speech_is_cut_at_the_quietest_window() -> None:
    config = SegmenterConfig()
    speech = [0.9] * seconds(60.0)
    dip = seconds(config.hard_limit_s) - 5
    speech[dip] = 0.6
    found = cut(speech)
    assert found[0].cut
    assert found[0].speech_end == dip * WINDOW_SAMPLES
    for before, after in pairwise(found):
        assert after.begin == before.speech_end
        assert (after.speech_end - after.begin) / 16_000 <= config.hard_limit_s + WINDOW_S


def test_chunked_equals_whole() -> None:
    speech = ([0.0] * 30 + [0.8] * 90 + [0.4] * 10 + [0.7] * 300) * 5
    assert cut(speech, size=1) == cut(speech, size=12) == cut(speech, size=len(speech))
