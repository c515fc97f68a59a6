"""What the loudspeakers bring into the microphone makes no second caption; the user's voice stays.

The echo is a delayed, filtered copy of real speech at -10 dB. Speech is what Silero says it is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from everlisten.audio_io.chunk import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples
from everlisten.audio_io.echo import LOOKAHEAD_SAMPLES, EchoCanceller

SECONDS = 12
COUNT = SECONDS * SAMPLE_RATE_HZ
HALF = COUNT // 2


def _speech(folder: Path, pattern: str) -> Samples:
    pieces: list[Samples] = []
    for path in sorted(folder.glob(pattern)):
        pieces += [soundfile.read(path, dtype="float32")[0], np.zeros(4_800, np.float32)]
        if sum(map(len, pieces)) > COUNT:
            return np.concatenate(pieces)[:COUNT]
    pytest.fail(f"too little speech in {folder}")


@pytest.fixture(scope="module")
def played(shared: Path) -> Samples:
    """What the computer plays."""
    return _speech(shared / "data/speech/librispeech-test-clean", "237-*.ogg")


@pytest.fixture(scope="module")
def spoken(shared: Path) -> Samples:
    """What the user says, in the second half."""
    voice = _speech(shared / "data/speech/ljspeech", "*.ogg")
    return np.where(np.arange(COUNT) >= HALF, voice, np.float32(0.0)).astype(np.float32)


def _echo(played: Samples, delay_ms: float, level_db: float) -> Samples:
    """A copy through a room of 0.1 s, `delay_ms` later (or earlier), at `level_db` of `played`."""
    rng = np.random.default_rng(3)
    room = rng.standard_normal(1_600) * np.exp(-np.arange(1_600) / 300.0)
    room[0] = 3.0
    shift = round(delay_ms * SAMPLE_RATE_HZ / 1000)
    early = np.pad(played[max(0, -shift) :], (max(0, shift), max(0, -shift)))[:COUNT]
    size = 1 << (COUNT + 1_600).bit_length()
    echo = np.fft.irfft(np.fft.rfft(early, size) * np.fft.rfft(room, size))[:COUNT]
    scale = 10 ** (level_db / 20) * np.sqrt(np.square(played).mean() / np.square(echo).mean())
    return (scale * echo).astype(np.float32)


def _clean(mic: Samples, played: Samples) -> Samples:
    canceller = EchoCanceller()
    state = canceller.new_state()
    ahead = np.pad(played[LOOKAHEAD_SAMPLES:], (0, LOOKAHEAD_SAMPLES))
    return np.concatenate(
        [
            canceller.step(mic[at : at + CHUNK_SAMPLES], ahead[at : at + CHUNK_SAMPLES], state)
            for at in range(0, COUNT, CHUNK_SAMPLES)
        ]
    )


def _speech_s(samples: Samples) -> float:
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    found = get_speech_timestamps(samples, VadOptions())
    return sum(each["end"] - each["start"] for each in found) / SAMPLE_RATE_HZ


def _db(samples: Samples) -> float:
    return float(10.0 * np.log10(np.square(samples, dtype=np.float64).mean() + 1e-15))


def _room_noise() -> Samples:
    rng = np.random.default_rng(5)
    return rng.standard_normal(COUNT).astype(np.float32) * np.float32(10 ** (-65 / 20))


@pytest.mark.parametrize("delay_ms", [-60.0, 20.0, 100.0, 250.0])
def test_an_echo_alone_holds_no_speech(played: Samples, delay_ms: float) -> None:
    echo = _echo(played, delay_ms, -10.0)
    cleaned = _clean(echo + _room_noise(), played)
    assert _speech_s(echo) > 10.0
    assert _speech_s(cleaned) == 0.0
    assert _db(cleaned) < _db(echo) - 25.0


@pytest.mark.parametrize("level_db", [-20.0, 0.0])
def test_quiet_and_loud_echoes_are_removed(played: Samples, level_db: float) -> None:
    assert _speech_s(_clean(_echo(played, 40.0, level_db) + _room_noise(), played)) == 0.0


@pytest.mark.parametrize("delay_ms", [20.0, 250.0])
def test_the_users_voice_survives(played: Samples, spoken: Samples, delay_ms: float) -> None:
    echo = _echo(played, delay_ms, -10.0)
    cleaned = _clean(echo + spoken + _room_noise(), played)
    assert not _speech_s(cleaned[:HALF])
    assert _speech_s(cleaned) == pytest.approx(_speech_s(spoken), abs=0.3)
    assert _db((cleaned - spoken)[HALF:]) < _db(spoken[HALF:]) - 20.0


def test_with_headphones_nothing_is_taken_from_the_voice(played: Samples, spoken: Samples) -> None:
    cleaned = _clean(spoken + _room_noise(), played)
    assert _db((cleaned - spoken)[HALF:]) < _db(spoken[HALF:]) - 20.0


def test_a_turned_up_loudspeaker_is_learned_again(played: Samples) -> None:
    echo = _echo(played, 60.0, -10.0)
    echo[HALF:] *= 2.0
    assert _speech_s(_clean(echo + _room_noise(), played)) == 0.0


@pytest.mark.parametrize("samples_per_s", [1.0, 5.0])
def test_clocks_that_drift_apart_are_followed(played: Samples, samples_per_s: float) -> None:
    echo = _echo(played, 60.0, -10.0)
    time_line = np.arange(COUNT)
    drift = np.maximum(0, time_line - COUNT // 4) / SAMPLE_RATE_HZ * samples_per_s
    drifted = np.interp(time_line + drift, time_line, echo).astype(np.float32)
    assert _speech_s(_clean(drifted + _room_noise(), played)) == 0.0


def test_while_nothing_plays_the_microphone_passes_untouched(spoken: Samples) -> None:
    np.testing.assert_array_equal(_clean(spoken, np.zeros(COUNT, np.float32)), spoken)


def test_a_new_state_equals_a_fresh_canceller(played: Samples) -> None:
    echo = _echo(played, 20.0, -10.0)
    canceller = EchoCanceller()
    runs = []
    for _ in range(2):
        state = canceller.new_state()
        runs.append(canceller.step(echo[:CHUNK_SAMPLES], played[:CHUNK_SAMPLES], state))
    np.testing.assert_array_equal(*runs)
