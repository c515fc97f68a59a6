"""Tones and what plays them: nobody waits, a refusal is told once, urgent sounds go first."""

import threading

import numpy as np
import pytest

from everlisten.app.alert_config import AlertConfig
from everlisten.app.alert_delivery import AlertDelivery
from everlisten.app.alert_tone import TONE_RATE_HZ, tone
from everlisten.app.sound_player import SoundPlayer
from everlisten.audio_io.errors import AudioError
from everlisten.engine.events import CaptionFinal, SoundAlert


class Speaker:
    """A loudspeaker that keeps what it was given."""

    def __init__(self):
        self.played = []
        self.refusal = None
        self.gate = threading.Event()
        self.gate.set()
        self.writing = threading.Event()

    def __call__(self, rate_hz):
        if self.refusal is not None:
            raise self.refusal
        self.played.append((rate_hz, []))
        return self

    def write(self, samples):
        self.writing.set()
        self.gate.wait(10)
        self.played[-1][1].append(samples)

    def close(self):
        pass

    def sounds(self):
        return [np.concatenate(blocks) for _, blocks in self.played if blocks]


@pytest.fixture
def speaker():
    return Speaker()


@pytest.fixture
def told():
    return []


@pytest.fixture
def heard():
    return []


@pytest.fixture
def player(speaker, told, heard):
    player = SoundPlayer(lambda *times: heard.append(times), told.append, speaker)
    player.start()
    yield player
    speaker.gate.set()
    player.stop()


def samples_of(seconds):
    return np.full(round(seconds * 16_000), 0.1, np.float32), 16_000


@pytest.mark.parametrize("severity", ["emergency", "warning", "notice", "unheard-of"])
def test_a_tone_is_sound_without_clicks(severity):
    samples = tone(severity)
    assert samples.dtype == np.float32
    assert 0.2 < len(samples) / TONE_RATE_HZ < 2.0
    assert 0.05 < np.abs(samples).max() <= 1.0
    assert abs(samples[0]) < 0.01
    assert abs(samples[-1]) < 0.01


def test_tones_differ_by_severity_and_grow_louder_with_each_level():
    lengths = {len(tone(severity)) for severity in ("emergency", "warning", "notice")}
    assert len(lengths) == 3
    peaks = [np.abs(tone("emergency", level=level)).max() for level in range(6)]
    assert peaks[0] < peaks[1] < peaks[2]
    assert max(peaks) <= 1.0
    assert np.abs(tone("emergency", volume=0.5)).max() == pytest.approx(peaks[0] / 2)


def test_what_is_played_is_announced_before(player, speaker, heard, wait_for):
    player.play(lambda: samples_of(0.3))
    wait_for(lambda: speaker.sounds() and len(speaker.sounds()[0]) == 4_800)
    [(from_s, until_s)] = heard
    assert until_s - from_s == pytest.approx(0.3)


def test_urgent_sounds_cut_others_short(player, speaker, wait_for):
    speaker.gate.clear()
    player.play(lambda: samples_of(5.0))
    assert speaker.writing.wait(10)
    player.play(lambda: samples_of(0.2), urgent=True)
    speaker.gate.set()
    wait_for(lambda: len(speaker.sounds()) == 2 and len(speaker.sounds()[1]) == 3_200)
    assert len(speaker.sounds()[0]) < 16_000


def test_a_stop_cuts_an_example_but_no_alert(player, speaker, wait_for):
    speaker.gate.clear()
    player.play(lambda: samples_of(0.4), urgent=True)
    assert speaker.writing.wait(10)
    player.cut()
    speaker.gate.set()
    wait_for(lambda: speaker.sounds() and len(speaker.sounds()[0]) == 6_400)


def test_a_computer_without_a_loudspeaker_is_told_once(player, speaker, told, wait_for):
    speaker.refusal = AudioError("there is no sound output; plug one in.")
    for _ in range(3):
        player.play(lambda: samples_of(0.1), urgent=True)
    wait_for(lambda: told)
    player.play(lambda: None)
    wait_for(lambda: player._jobs.empty())
    assert told == [
        "No sound can be played on this computer, so alerts are silent: there is no sound output;"
        " plug one in."
    ]
    assert player.problem == told[0]
    speaker.refusal = None
    player.play(lambda: samples_of(0.1))
    wait_for(lambda: speaker.sounds() and not player.problem)


def deliver(player, told, **config):
    settings = AlertConfig(**config)
    return AlertDelivery(player, lambda: settings, lambda: "en", told.append).deliver


def alert(level=0, **fields):
    return SoundAlert(id="a", session="s", label="Siren", severity="warning", level=level, **fields)


def test_an_alert_sounds_once_and_again_at_each_level(player, speaker, told, wait_for):
    take = deliver(player, told)
    take(CaptionFinal(id="c", session="s", text="Hello."))
    take(alert())
    take(alert(end_s=5.0))
    take(alert(level=1))
    take(alert(level=1, end_s=9.0))
    player.play(lambda: samples_of(0.1))
    wait_for(lambda: speaker.sounds() and len(speaker.sounds()[-1]) == 1_600)
    quiet, loud, _ = speaker.sounds()
    assert np.abs(quiet).max() < np.abs(loud).max()


def test_switched_off_it_is_silent(player, speaker, told):
    take = deliver(player, told, tone=False)
    take(alert())
    deliver(player, told, tone_volume=0.0)(alert())
    player.stop()
    assert not speaker.played


def test_words_follow_the_tone(player, speaker, told, wait_for, monkeypatch):
    said = []

    def say(text, language):
        said.append((text, language))
        return samples_of(0.2)[0]

    monkeypatch.setattr("everlisten.engine.laim.spoken.say", say)
    take = deliver(player, told, spoken=True)
    take(alert(advice="Look out."))
    wait_for(lambda: len(speaker.sounds()) == 2 and len(speaker.sounds()[1]) == 3_200)
    assert said == [("Siren. Look out.", "en")]
    assert [rate_hz for rate_hz, _ in speaker.played] == [TONE_RATE_HZ, 16_000]
