"""Other sounds become captions: often enough heard, not too often told."""

import pytest

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.evidence import HeardChunk
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.sounds.narration import Narration
from everlisten.engine.sounds.vocabulary import shipped_sounds

SOUNDS = tuple(shipped_sounds())


class Listener:
    def __init__(self, settings=None):
        self.narration = Narration()
        self.state = self.narration.new_state("s1")
        self.settings = settings or AlertSettings()
        self.index = 0

    def hear(self, warned=(), broken="", **probabilities):
        start_s = self.index * 0.4
        self.index += 1
        chunk = HeardChunk(
            probabilities={**dict.fromkeys(SOUNDS, 0.01), **probabilities},
            thresholds=dict.fromkeys(SOUNDS, 0.6),
            start_s=start_s,
            end_s=self.index * 0.4,
            source=SourceName.MIC,
            broken=broken,
        )
        return self.narration.heard(self.state, chunk, self.settings, warned)

    def hears(self, count, **heard):
        return [event for _ in range(count) for event in self.hear(**heard)]


@pytest.fixture
def listener():
    return Listener()


def test_three_of_five_chunks_become_a_caption(listener):
    assert listener.hears(2, music=0.8) == []
    (event,) = listener.hear(music=0.9)
    assert (event.sound, event.label, event.confidence) == ("music", "music", 0.9)
    assert (event.start_s, event.end_s, event.emitted_s) == pytest.approx((0.0, 1.2, 1.2))
    assert (event.session, event.source) == ("s1", SourceName.MIC)


def test_two_of_five_are_too_few(listener):
    for _ in range(5):
        assert listener.hears(2, music=0.9) == []
        assert listener.hears(3) == []


def test_what_is_over_quickly_needs_two(listener):
    assert listener.hear(door=0.9) == []
    assert [one.label for one in listener.hear(door=0.9)] == ["door"]


def test_a_caption_grows_now_and_then_under_one_id(listener):
    events = listener.hears(40, music=0.9)
    assert len({one.id for one in events}) == 1
    assert 3 <= len(events) <= 5
    assert events[-1].end_s > events[0].end_s + 8


def test_it_goes_on_at_half_the_probability_and_over_short_pauses(listener):
    listener.hears(3, music=0.9)
    listener.hears(20, music=0.35)
    listener.hears(6)
    listener.hears(4, music=0.9)
    events = listener.hears(20)
    assert [round(one.end_s, 1) for one in events] == [13.2]
    assert len(listener.state.events) == 1


def test_the_end_is_told_once(listener):
    listener.hears(6, music=0.9)
    (event,) = listener.hears(50)
    assert event.end_s == pytest.approx(2.4)


def test_the_same_sound_is_not_told_again_at_once(listener):
    (first,) = listener.hears(3, music=0.9)
    listener.hears(15)
    assert listener.hears(20, music=0.9) == []
    listener.hears(50)
    (second, *_) = listener.hears(5, music=0.9)
    assert second.id != first.id


@pytest.mark.parametrize("sound", ["speech", "background", "dog_barking", "smoke_alarm"])
def test_what_is_never_told(listener, sound):
    assert listener.hears(20, **{sound: 0.99}) == []


def test_an_alert_that_is_switched_off_becomes_a_caption():
    listener = Listener(AlertSettings(switched_off=frozenset({"dog_barking"})))
    assert [one.label for one in listener.hears(3, dog_barking=0.9)] == ["dog barking"]
    listener = Listener(AlertSettings(enabled=False))
    assert [one.label for one in listener.hears(3, dog_barking=0.9)] == ["dog barking"]


def test_narration_can_be_switched_off(listener):
    listener.settings = AlertSettings(narrate=False)
    assert listener.hears(20, music=0.99) == []
    listener.settings = AlertSettings(language="zh")
    assert [one.label for one in listener.hears(1, music=0.99)] == ["音乐"]
    listener.settings = AlertSettings(narrate=False)
    assert listener.hears(40, music=0.99) == []


def test_of_sounds_that_begin_at_once_the_likeliest_is_told(listener):
    events = listener.hears(3, rain=0.7, water=0.95)
    assert [one.sound for one in events] == ["water"]


def test_what_is_taken_for_a_sound_of_an_alert_is_not_told_as_well(listener):
    assert listener.hears(5, warned={"bangs"}, fireworks=0.9) == []
    assert listener.hears(5, warned={"voices"}, fireworks=0.9)


def test_a_broken_signal_is_no_sound(listener):
    assert listener.hears(20, music=1.0, broken="No numbers.") == []


def test_reset_equals_fresh(listener):
    listener.hears(4, music=0.9)
    listener.narration.reset(listener.state)
    assert listener.state == listener.narration.new_state("s1")


def test_the_end_of_the_sound_ends_every_caption(listener):
    listener.hears(4, music=0.9)
    listener.narration.flush(listener.state)
    assert listener.state.events["music"].over
