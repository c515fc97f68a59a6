"""Recordings out of Debian's packages: the list is sound, and the way from a package to a clip."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from everlisten.trainer.sounds import more_recordings
from everlisten.trainer.sounds.debian_packages import PackageError, read_members
from everlisten.trainer.sounds.game_archives import ArchiveError, sounds_inside
from everlisten.trainer.sounds.labels import SOUNDS, sound_of
from everlisten.trainer.sounds.more_recordings import (
    LICENCES,
    LONGEST_S,
    Package,
    Recording,
    RecordingsError,
    collect,
    listed,
    main,
)

BELL = "usr/share/thing/bell.wav"
ARCHIVE = "usr/share/thing/0snd.pk3"
RATE_HZ = 22_050


def wave(hertz: float, seconds: float) -> bytes:
    """A stereo WAVE file: a tone on the left, nothing on the right."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    samples = np.zeros((len(time), 2), np.float32)
    samples[:, 0] = 0.5 * np.sin(2 * np.pi * hertz * time)
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="WAV")
    return file.getvalue()


def tar_of(files: dict[str, bytes], kind: str) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode=f"w:{kind}") as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def package_of(files: dict[str, bytes], kind: str = "xz") -> bytes:
    """A `.deb` as `dpkg-deb` makes them."""
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": tar_of({"control": b"Package: thing\n!"}, "gz"),
        f"data.tar.{kind}": tar_of(files, kind),
    }
    package = b"!<arch>\n"
    for name, content in members.items():
        package += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        package += content + b"\n" * (len(content) % 2)
    return package


def zip_of(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return archive.getvalue()


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror" / "pool" / "thing"
    folder.mkdir(parents=True)
    files = {BELL: wave(880, 3.0), ARCHIVE: zip_of({"sound/dog.wav": wave(440, 1.0)})}
    (folder / "thing_1.0_all.deb").write_bytes(package_of(files))
    return tmp_path / "mirror"


@pytest.fixture
def recordings(mirror: Path) -> list[Recording]:
    pool_path = "pool/thing/thing_1.0_all.deb"
    checksum = hashlib.sha256((mirror / pool_path).read_bytes()).hexdigest()
    package = Package("thing", "1.0", pool_path, checksum)
    bell = Recording(package, BELL, 1.0, 1.5, "bell", "MIT", "Ann", "thing/bell.ogg")
    dog = replace(bell, member=f"{ARCHIVE}!sound/dog.wav", start_s=0, path="thing/dog.ogg")
    return [dog, bell]


def test_every_recording_of_the_list_may_be_used_and_has_a_sound() -> None:
    recordings = listed()
    assert {sound_of(each.path, each.label) for each in recordings} <= set(SOUNDS)
    assert {each.licence for each in recordings} <= LICENCES
    assert all(each.author for each in recordings)
    assert all(0 < each.seconds <= LONGEST_S for each in recordings)
    assert all(each.path.startswith(f"{each.package.name}/") for each in recordings)
    assert len({each.path for each in recordings}) == len(recordings) > 300
    packages = {each.package for each in recordings}
    assert len({each.name for each in packages}) == len(packages)


def test_from_a_mirror_to_clips(mirror: Path, recordings: list[Recording], tmp_path: Path) -> None:
    out, packages = tmp_path / "out", tmp_path / "packages"
    collect(recordings, out, packages, mirror.as_uri())
    samples, rate_hz = soundfile.read(out / "sounds" / "thing" / "bell.ogg", always_2d=True)
    assert (rate_hz, samples.shape) == (16_000, (24_000, 1))
    loudest = np.abs(np.fft.rfft(samples[:16_000, 0])).argmax()
    assert loudest == 880
    assert np.abs(samples).max() == pytest.approx(0.25, abs=0.02)
    with (out / "sounds.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "path": "thing/bell.ogg",
        "label": "bell",
        "seconds": "1.5",
        "source": f"Debian thing 1.0: {BELL}",
        "licence": "MIT",
        "author": "Ann",
    }
    assert (rows[1]["path"], rows[1]["seconds"]) == ("thing/dog.ogg", "1.0"), "what there is"
    assert [path.name for path in packages.iterdir()] == ["thing_1.0_all.deb"]


def test_packages_that_lie_there_need_no_mirror(
    mirror: Path, recordings: list[Recording], tmp_path: Path
) -> None:
    collect(recordings, tmp_path / "out", mirror / "pool" / "thing")
    assert (tmp_path / "out" / "sounds" / "thing" / "dog.ogg").is_file()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"member": "usr/share/none.wav"}, "has no usr/share/none.wav"),
        ({"member": f"{ARCHIVE}!none"}, "has no usr/share/thing/0snd.pk3!none"),
        ({"member": f"{BELL}!none"}, "no archive"),
        ({"member": ARCHIVE}, "0snd.pk3 of thing: it can't be read"),
        ({"start_s": 9.0}, "ends before 9.0 s"),
    ],
)
def test_a_wrong_recording_is_one_sentence(
    mirror: Path,
    recordings: list[Recording],
    tmp_path: Path,
    change: dict[str, object],
    sentence: str,
) -> None:
    wrong = replace(recordings[1], **change)  # type: ignore[arg-type]
    with pytest.raises(RecordingsError, match=sentence):
        collect([wrong], tmp_path / "out", mirror / "pool" / "thing")


def test_another_package_is_refused(
    mirror: Path, recordings: list[Recording], tmp_path: Path
) -> None:
    package = mirror / "pool" / "thing" / "thing_1.0_all.deb"
    package.write_bytes(package.read_bytes() + b"\0")
    with pytest.raises(RecordingsError, match=r"another thing than 1\.0"):
        collect(recordings, tmp_path / "out", tmp_path / "packages", mirror.as_uri())


def test_a_package_that_is_nowhere(recordings: list[Recording], tmp_path: Path) -> None:
    with pytest.raises(RecordingsError, match=r"apt-get download thing=1\.0"):
        collect(recordings, tmp_path / "out", tmp_path)
    nowhere = (tmp_path / "nowhere").as_uri()
    with pytest.raises(RecordingsError, match="can't be fetched"):
        collect(recordings, tmp_path / "out", tmp_path, nowhere)
    assert not list(tmp_path.glob("*.part"))


def test_the_command_line(
    mirror: Path,
    recordings: list[Recording],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "apt-get download" in error
    assert error.count("\n") == 1
    monkeypatch.setattr(more_recordings, "listed", lambda: recordings)
    assert main(["--out", str(tmp_path / "out"), "--mirror", mirror.as_uri()]) == 0
    assert (tmp_path / "out" / "packages" / "thing_1.0_all.deb").is_file()


@pytest.mark.parametrize("kind", ["gz", "xz"])
def test_both_ways_of_packing(tmp_path: Path, kind: str) -> None:
    package = tmp_path / "a.deb"
    package.write_bytes(package_of({"a": b"1", "b": b"22"}, kind))
    assert read_members(package, ["b"]) == {"b": b"22"}


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda whole: b"PK" + whole, "no Debian package"),
        (lambda whole: whole[:100], "holds no files|damaged|read"),
        (lambda whole: whole.replace(b"data.tar", b"none.tar"), "holds no files"),
        (lambda whole: whole[:-300], "can't be read"),
        (lambda whole: whole.replace(b"`\n", b"``"), "damaged"),
    ],
)
def test_a_damaged_package_is_one_sentence(tmp_path: Path, spoil, sentence: str) -> None:  # type: ignore[no-untyped-def]
    noise = np.random.default_rng(0).bytes(2000)
    package = tmp_path / "a.deb"
    package.write_bytes(spoil(package_of({"a": noise})))
    with pytest.raises(PackageError, match=sentence):
        read_members(package, ["a"])


def test_openttd_sounds() -> None:
    one, two = wave(440, 0.1), wave(880, 0.2)
    first = b"\x03one" + one + b"\x05a.wav"
    table = struct.pack("<4I", 16 | 1 << 31, len(one), 16 + len(first), len(two))
    assert sounds_inside("x.cat", table + first + b"\x00" + two) == {"0": one, "1": two}


def test_soundfont_samples() -> None:
    samples = np.arange(100, dtype="<i2")
    header = struct.pack("<20s5I6x", b"Bell", 10, 60, 0, 0, 8000)
    data = _list(b"sdta", _chunk(b"smpl", samples.tobytes()))
    presets = _list(b"pdta", _chunk(b"phdr", b"odd") + _chunk(b"shdr", header))
    inside = sounds_inside("x.sf2", b"RIFF\0\0\0\0sfbk" + data + presets)
    read, rate_hz = soundfile.read(io.BytesIO(inside["Bell"]), dtype="int16")
    assert rate_hz == 8000
    assert read.tolist() == list(range(10, 60))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _list(kind: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", kind + content)


def _group(entries: dict[str, tuple[bool, bytes]]) -> bytes:
    header = bytearray(b"RedWolf Design GrpFolder".ljust(28, b"\0"))
    header += struct.pack("<3i", 1, 2, len(entries))
    header = header.ljust(204, b"\0")
    for at in range(0, 202, 3):
        header[at], header[at + 2] = header[at + 2], header[at]
    group, contents = bytes(byte ^ 237 for byte in header), b""
    for name, (is_group, content) in entries.items():
        entry = name.encode().ljust(260, b"\0")
        entry += struct.pack("<5i", 0, is_group, len(content), 0, len(contents))
        group, contents = group + entry.ljust(316, b"\0"), contents + content
    return group + contents


def test_openclonk_groups() -> None:
    group = _group({"a.txt": (False, b"1"), "In": (True, _group({"b.wav": (False, b"22")}))})
    inside = sounds_inside("Sound.ocg", b"\x1e\x8c" + gzip.compress(group)[2:])
    assert inside == {"a.txt": b"1", "In/b.wav": b"22"}


@pytest.mark.parametrize("name", ["x.cat", "x.sf2", "x.ocg", "x.pk3"])
def test_a_damaged_archive_is_one_sentence(name: str) -> None:
    with pytest.raises(ArchiveError, match=f"{name} is damaged"):
        sounds_inside(name, b"\x07\x07\x07")
