"""Files play whole, at both paces, and bad ones give one clear sentence."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from everlisten.audio_io.chunk import CHUNK_SAMPLES, AudioChunk, SourceName
from everlisten.audio_io.errors import AudioFileError
from everlisten.audio_io.file_source import AudioFile, FileSource
from everlisten.audio_io.ring_buffer import ChunkRing

FILE = (SourceName.FILE,)
RATE_HZ = 16_000


def _play(path: Path | list[Path], *, capacity: int = 4, fast: bool = True) -> list[AudioChunk]:
    ring = ChunkRing(FILE, capacity)
    source = FileSource(path, ring, fast=fast)
    source.start()
    chunks = []
    while not ring.finished:
        chunk = ring.pop()
        if chunk is None:
            time.sleep(0.001)
        else:
            chunks.append(chunk)
    source.stop()
    assert ring.dropped == 0
    assert source.error is None
    return chunks


def _joined(chunks: list[AudioChunk]) -> np.ndarray:
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    return np.concatenate([chunk.of(SourceName.FILE) for chunk in chunks])


@pytest.fixture
def sound(rng: np.random.Generator) -> np.ndarray:
    """2.5 s; does not end with a chunk."""
    return rng.uniform(-0.5, 0.5, 40_001).astype(np.float32)


def test_every_sample_comes_and_the_last_chunk_is_padded(tmp_path: Path, sound: np.ndarray) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, sound, RATE_HZ, subtype="FLOAT")
    heard = _joined(_play(path))  # the ring is smaller than the file: the reader has to wait
    assert len(heard) == 7 * CHUNK_SAMPLES
    np.testing.assert_array_equal(heard[: len(sound)], sound)
    assert not heard[len(sound) :].any()


def test_files_in_a_row_are_one_stream(tmp_path: Path, sound: np.ndarray) -> None:
    paths = [tmp_path / "a.wav", tmp_path / "b.flac"]
    soundfile.write(paths[0], sound, RATE_HZ, subtype="FLOAT")
    soundfile.write(paths[1], np.full(48_000, 0.25, np.float32), 48_000)
    chunks = _play(paths)
    heard = _joined(chunks)
    np.testing.assert_array_equal(heard[: len(sound)], sound)
    assert not heard[len(sound) : 7 * CHUNK_SAMPLES].any()
    second = heard[7 * CHUNK_SAMPLES :]
    assert second[100:15_900] == pytest.approx(np.full(15_800, 0.25), abs=1e-3)
    source = FileSource(paths, ChunkRing(FILE), name="both")
    assert source.duration_s == pytest.approx(7 * 0.4 + 1.0)
    assert source.health().sources[0].device == "both"
    source.stop()


def test_silence_follows_each_of_several_files(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(6_400, 0.5, np.float32), RATE_HZ)
    ring = ChunkRing(FILE, 20)
    source = FileSource([path, path], ring, fast=True, pause_s=1.2)
    assert source.duration_s == pytest.approx(8 * 0.4)
    source.start()
    while not source.finished:
        time.sleep(0.001)
    source.stop()
    loud = [bool(ring.pop().samples.any()) for _ in range(len(ring))]  # type: ignore[union-attr]
    assert loud == [True, False, False, False] * 2


def test_a_bad_one_among_several_is_told_before_anything_plays(tmp_path: Path) -> None:
    good = tmp_path / "a.wav"
    soundfile.write(good, np.zeros(100, np.float32), RATE_HZ)
    with pytest.raises(AudioFileError, match=r"gone\.wav"):
        FileSource([good, tmp_path / "gone.wav"], ChunkRing(FILE))


def test_only_the_first_seconds_are_played(tmp_path: Path, sound: np.ndarray) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, sound, RATE_HZ)
    ring = ChunkRing(FILE)
    source = FileSource(path, ring, fast=True, seconds=1.0)
    assert source.duration_s == 1.0
    source.start()
    while not ring.closed:
        time.sleep(0.001)
    source.stop()
    assert len(ring) == 3


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.mp3", "a.aiff", "a.au", "a.caf", "a.w64"])
def test_formats(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)
    soundfile.write(path, tone, RATE_HZ)
    heard = _joined(_play(path))
    assert np.sqrt(np.mean(np.square(heard[:RATE_HZ]))) == pytest.approx(0.3535, rel=0.05)


def test_real_time_pace_ends_no_sooner_than_the_sound(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.zeros(12_800), RATE_HZ)
    before_s = time.monotonic()
    chunks = _play(path, fast=False)
    assert time.monotonic() - before_s >= 0.8
    assert len(chunks) == 2
    assert chunks[1].captured_s - chunks[0].captured_s == pytest.approx(0.4)


def test_eight_channels_are_mixed_down(tmp_path: Path) -> None:
    path = tmp_path / "eight.wav"
    soundfile.write(path, np.tile(np.arange(8) / 16.0, (RATE_HZ, 1)), RATE_HZ, subtype="FLOAT")
    np.testing.assert_allclose(_joined(_play(path))[:RATE_HZ], 3.5 / 16.0, rtol=1e-6)


def test_192_khz_is_resampled(tmp_path: Path) -> None:
    path = tmp_path / "fine.wav"
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(192_000) / 192_000)
    soundfile.write(path, tone, 192_000)
    file = AudioFile(path)
    assert file.duration_s == pytest.approx(1.0)
    heard = np.concatenate(list(file.blocks()))
    file.close()
    assert len(heard) == pytest.approx(RATE_HZ, abs=1)
    spectrum = np.abs(np.fft.rfft(heard[:RATE_HZ]))
    assert spectrum.argmax() == 440


def test_a_single_sample_is_one_chunk(tmp_path: Path) -> None:
    path = tmp_path / "one.wav"
    soundfile.write(path, [0.5], RATE_HZ, subtype="FLOAT")
    heard = _joined(_play(path))
    assert len(heard) == CHUNK_SAMPLES
    assert heard[0] == 0.5


def test_samples_that_are_no_numbers_are_silence_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    samples = np.full(RATE_HZ, np.nan, np.float32)
    samples[:100] = 0.25
    samples[-1] = np.inf
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    ring = ChunkRing(FILE)
    source = FileSource(path, ring, fast=True)
    source.start()
    while not ring.closed:
        time.sleep(0.001)
    source.stop()
    assert source.bad_samples == RATE_HZ - 100
    first = ring.pop()
    assert first is not None
    np.testing.assert_array_equal(first.of(SourceName.FILE)[:100], 0.25)
    assert not first.of(SourceName.FILE)[100:].any()


def test_a_truncated_file_plays_what_is_there_or_tells(tmp_path: Path, sound: np.ndarray) -> None:
    whole, cut = tmp_path / "whole.wav", tmp_path / "cut.wav"
    soundfile.write(whole, sound, RATE_HZ, subtype="FLOAT")
    cut.write_bytes(whole.read_bytes()[:100_000])
    heard = _joined(_play(cut))
    np.testing.assert_array_equal(heard[:20_000], sound[:20_000])


def test_a_flac_that_breaks_off_tells_and_closes_the_ring(
    tmp_path: Path, sound: np.ndarray
) -> None:
    path = tmp_path / "cut.flac"
    soundfile.write(path, np.tile(sound, 8), RATE_HZ)
    path.write_bytes(path.read_bytes()[:200_000])
    ring = ChunkRing(FILE)
    source = FileSource(path, ring, fast=True)
    source.start()
    while not ring.closed:
        time.sleep(0.001)
    source.stop()
    assert len(ring) > 0  # what could be read is there
    assert source.error is None or "is damaged" in str(source.error)
    assert source.finished


def _bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    (folder / "empty.wav").touch()
    soundfile.write(folder / "zero.wav", np.zeros(0), RATE_HZ)
    (folder / "text.wav").write_text("this is no sound\n" * 50)
    soundfile.write(folder / "whole.wav", np.zeros(100), RATE_HZ)
    (folder / "head.wav").write_bytes((folder / "whole.wav").read_bytes()[:20])
    (folder / "folder.wav").mkdir()
    return {
        "missing": (folder / "missing.wav", "does not exist; check the path."),
        "empty": (folder / "empty.wav", "is empty (0 bytes); choose another file."),
        "zero": (folder / "zero.wav", "holds no sound (0 samples); choose another file."),
        "text": (folder / "text.wav", "is not a sound file that can be read"),
        "head": (folder / "head.wav", "is not a sound file that can be read"),
        "folder": (folder / "folder.wav", "is a folder; choose a sound file in it."),
    }


@pytest.mark.parametrize("kind", ["missing", "empty", "zero", "text", "head", "folder"])
def test_bad_files_give_one_sentence(tmp_path: Path, kind: str) -> None:
    path, sentence = _bad_files(tmp_path)[kind]
    with pytest.raises(AudioFileError) as caught:
        FileSource(path, ChunkRing(FILE))
    text = str(caught.value)
    assert text.startswith(f"'{path}' ")
    assert sentence in text
    assert text.endswith(".")
    assert "\n" not in text


def test_stop_and_pause_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(100 * RATE_HZ), RATE_HZ)
    ring = ChunkRing(FILE, 2)
    source = FileSource(path, ring, fast=True)
    assert source.duration_s == 100.0
    source.start()
    while not ring.full:
        time.sleep(0.001)
    source.pause()
    while ring.pop() is not None:  # at most one chunk was under way
        time.sleep(0.05)
    assert source.position_s <= 3 * 0.4 + 1e-6
    source.resume()
    while ring.pop() is None:
        time.sleep(0.001)
    source.stop()
    assert ring.closed
    assert source.position_s < 100.0


def test_stop_without_start_closes_the_ring(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(100), RATE_HZ)
    ring = ChunkRing(FILE)
    FileSource(path, ring).stop()
    assert ring.finished
