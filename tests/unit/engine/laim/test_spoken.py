"""Typed instructions as speech, and the clips that come with the program."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from everlisten.engine.laim.instructions import (
    CAPTIONS,
    instruction_for,
    shipped_instructions,
    translation_text,
)
from everlisten.engine.laim.spoken import LONGEST_TEXT, SpeechError, say
from everlisten.engine.presets import shipped_presets

TARGETS = {
    "zh": "Chinese",
    "en": "English",
    "ja": "Japanese",
    "ko": "Korean",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
    "ru": "Russian",
}
ESPEAK = shutil.which("espeak-ng")
with_espeak = pytest.mark.skipif(ESPEAK is None, reason="the program espeak-ng is not installed")
posix = pytest.mark.skipif(os.name != "posix", reason="the stand-in programs are shell scripts")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An otherwise empty folder of programs; the shell's own stay reachable by full path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@with_espeak
def test_half_a_character_is_no_failure() -> None:
    assert len(say("Warn me \ud83d now."))


@with_espeak
@pytest.mark.parametrize(("text", "language"), [("Warn me.", "en"), ("请翻译成英文", "zh")])
def test_speech_is_sound_of_a_sensible_length(text: str, language: str) -> None:
    samples = say(text, language)
    assert samples.dtype == np.float32
    assert 0.3 < len(samples) / 16_000 < 6.0
    assert np.abs(samples).max() == pytest.approx(0.5, abs=1e-3)


@with_espeak
def test_text_is_never_an_option_or_a_command(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    samples = say(f"--version; touch {canary} $(touch {canary}) `touch {canary}`")
    assert len(samples) > 16_000
    assert not canary.exists()


@with_espeak
def test_an_unknown_language_is_named() -> None:
    with pytest.raises(SpeechError, match="no voice for the language 'xx'"):
        say("hello", "xx")


@pytest.mark.parametrize("text", ["", " \n ", "x" * (LONGEST_TEXT + 1)])
def test_text_must_have_a_length_that_can_be_spoken(text: str) -> None:
    with pytest.raises(SpeechError, match="give 1 to 1000"):
        say(text)


def test_without_a_voice_the_way_out_is_named(programs: Path) -> None:
    with pytest.raises(SpeechError, match="install the program espeak-ng"):
        say("hello")


@posix
def test_a_voice_that_hangs_is_ended(programs: Path) -> None:
    install(programs, "espeak-ng", "exec /bin/sleep 60")
    with pytest.raises(SpeechError, match=r"within 0\.3 s"):
        say("hello", timeout_s=0.3)


@posix
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'out of luck' >&2; exit 3", "out of luck"),
        ("exit 3", "code 3"),
        ("exit 0", "wrote no sound"),
    ],
)
def test_a_voice_that_fails_is_reported(programs: Path, script: str, message: str) -> None:
    install(programs, "espeak-ng", script)
    with pytest.raises(SpeechError, match=message):
        say("hello")


@posix
@with_espeak
def test_the_voice_of_macos(programs: Path, tmp_path: Path) -> None:
    """Stands in for macOS's `say`: lists voices, notes its arguments, and writes a sound."""
    install(
        programs,
        "say",
        f"""
if [ "$2" = '?' ]; then
    echo "Samantha            en_US    # Hello!"
    echo "Eddy (German (Germany)) de_DE    # Hallo!"
    exit
fi
echo "$@" > {tmp_path}/arguments
exec {ESPEAK} -f "$2" -w "$4" """,
    )
    assert len(say("Guten Tag", "de", platform="darwin")) > 4_000
    assert (tmp_path / "arguments").read_text().strip().endswith("-v Eddy (German (Germany))")
    with pytest.raises(SpeechError, match="no voice for the language 'fr'"):
        say("Bonjour", "fr", platform="darwin")


@posix
@with_espeak
def test_the_voice_of_windows(programs: Path) -> None:
    """Stands in for PowerShell: takes text and paths from the environment alone."""
    install(
        programs,
        "powershell",
        """
[ "$EVERLISTEN_LANGUAGE" = de ] || { echo 'no voice speaks this language' >&2; exit 1; }
exec """
        + f'{ESPEAK} -f "$EVERLISTEN_TEXT" -w "$EVERLISTEN_WAVE"',
    )
    assert len(say("Guten Tag", "de", platform="win32")) > 4_000
    with pytest.raises(SpeechError, match="no voice for the language 'fr'"):
        say("Bonjour", "fr", platform="win32")


@pytest.mark.parametrize("name", shipped_instructions())
def test_every_clip_is_speech_and_short(name: str) -> None:
    samples = shipped_instructions()[name].load()
    assert samples.ndim == 1
    assert samples.dtype == np.float32
    assert 1.0 < len(samples) / 16_000 < 6.0
    assert 0.05 < np.abs(samples).max() <= 1.0


def test_captions_and_every_main_target_have_a_clip() -> None:
    assert CAPTIONS in shipped_instructions()
    for code, name in TARGETS.items():
        spoken = instruction_for(translation_text(name))
        assert spoken is not None
        assert spoken.id == f"translate-{code}"
    assert instruction_for("Sing a song.") is None


def test_every_preset_is_said_by_a_clip() -> None:
    for preset in shipped_presets().values():
        assert not preset.text or instruction_for(preset.text) is not None


def test_the_clips_are_small(repository: Path) -> None:
    folder = repository / "assets" / "instructions"
    files = {spoken.file for spoken in shipped_instructions().values()}
    assert files == {path.name for path in folder.glob("*.flac")}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000
