"""Typed words as speech, made on this computer: the released weights are instructed by voice.

espeak-ng is run as a separate program and never linked (its licence is GPL); macOS and Windows
bring voices of their own. The text goes in through a file, never through a command line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from everlisten.audio_io.chunk import SAMPLE_RATE_HZ, Samples
from everlisten.engine.errors import EngineError

TIMEOUT_S = 20.0
LONGEST_TEXT = 1_000
"""Characters; about a minute of speech."""
_PEAK = 0.5
"""What the loudest sample becomes: a close voice at an ordinary level."""
_WORDS_PER_MINUTE = "150"
_ESPEAK_LANGUAGES = {"en": "en-us", "zh": "cmn", "no": "nb", "jw": "jv", "tl": "fil"}
"""Where espeak-ng's name of a language is not its ISO 639-1 code."""
_POWERSHELL_SCRIPT = """
$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.Speech
$voice = New-Object System.Speech.Synthesis.SpeechSynthesizer
$culture = $voice.GetInstalledVoices() | Where-Object { $_.Enabled } |
    ForEach-Object { $_.VoiceInfo } |
    Where-Object { $_.Culture.TwoLetterISOLanguageName -eq $env:EVERLISTEN_LANGUAGE }
if (-not $culture) { throw 'no voice speaks this language' }
$voice.SelectVoice(@($culture)[0].Name)
$voice.SetOutputToWaveFile($env:EVERLISTEN_WAVE)
$voice.Speak([IO.File]::ReadAllText($env:EVERLISTEN_TEXT, [Text.Encoding]::UTF8))
$voice.Dispose()
"""


class SpeechError(EngineError):
    """Text cannot be spoken on this computer."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One text to speak, as files in a folder of its own."""

    folder: Path
    language: str
    timeout_s: float

    @property
    def text(self) -> Path:
        return self.folder / "text.txt"

    @property
    def wave(self) -> Path:
        return self.folder / "speech.wav"


@dataclass(frozen=True, slots=True)
class _Voice:
    """A program that speaks.

    Attributes:
        program: Its name on the path.
        command: Its arguments for a job.
        settings: Environment variables for a job.
    """

    program: str
    command: Callable[[_Job], list[str]]
    settings: Callable[[_Job], dict[str, str]] = field(default=lambda job: {})


def say(
    text: str,
    language: str = "en",
    *,
    timeout_s: float = TIMEOUT_S,
    platform: str = sys.platform,
) -> Samples:
    """Speak `text`.

    Args:
        text: At most 1,000 characters.
        language: ISO 639-1 code of the language that the text is in.
        timeout_s: How long the voice may take.
        platform: Whose voices to look for, as in `sys.platform`.

    Returns:
        float32 [T] at 16 kHz.

    Raises:
        SpeechError: No voice is installed, none speaks this language, or it failed.
    """
    text = " ".join(text.replace("\0", " ").split()).encode("utf-8", "replace").decode("utf-8")
    if not 0 < len(text) <= LONGEST_TEXT:
        raise SpeechError(
            f"The text to speak has {len(text)} characters; give 1 to {LONGEST_TEXT}."
        )
    for voice in _voices(platform):
        program = shutil.which(voice.program)
        if program is not None:
            with tempfile.TemporaryDirectory(prefix="everlisten-speech-") as folder:
                job = _Job(Path(folder), language, timeout_s)
                job.text.write_text(text + "\n", encoding="utf-8")
                _run(program, voice, job)
                return _read(job.wave, program)
    raise SpeechError(
        "No voice for typed instructions is installed; install the program espeak-ng or say the "
        "instruction yourself."
    )


def _voices(platform: str) -> tuple[_Voice, ...]:
    """In the order in which they are tried."""
    espeak = _Voice("espeak-ng", _espeak_command)
    if platform == "darwin":
        return (_Voice("say", _say_command), espeak)
    if platform == "win32":
        return (_Voice("powershell", _powershell_command, _powershell_settings), espeak)
    return (espeak,)


def _espeak_command(job: _Job) -> list[str]:
    language = _ESPEAK_LANGUAGES.get(job.language, job.language)
    files = ["-f", str(job.text), "-w", str(job.wave)]
    return ["-v", language, "-s", _WORDS_PER_MINUTE, "-b", "1", *files]  # -b 1: UTF-8


def _say_command(job: _Job) -> list[str]:
    command = ["-f", str(job.text), "-o", str(job.wave)]
    command += ["--file-format=WAVE", "--data-format=LEI16@22050"]
    return command + _mac_voice(job)


def _mac_voice(job: _Job) -> list[str]:
    """Arguments for a voice of the language; the user's own voice for English."""
    if job.language == "en":
        return []
    listed = subprocess.run(
        ["say", "-v", "?"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=job.timeout_s,
        check=False,
    )
    for line in listed.stdout.decode("utf-8", "replace").splitlines():
        # "Eddy (German (Germany)) de_DE    # Hallo! ..."
        name, _, tag = line.partition("#")[0].rstrip().rpartition(" ")
        if tag.replace("-", "_").split("_")[0] == job.language:
            return ["-v", name.strip()]
    raise SpeechError(_no_language(job.language, "say"))


def _powershell_command(job: _Job) -> list[str]:
    return ["-NoProfile", "-NonInteractive", "-Command", _POWERSHELL_SCRIPT]


def _powershell_settings(job: _Job) -> dict[str, str]:
    return {
        "EVERLISTEN_LANGUAGE": job.language,
        "EVERLISTEN_TEXT": str(job.text),
        "EVERLISTEN_WAVE": str(job.wave),
    }


def _run(program: str, voice: _Voice, job: _Job) -> None:
    try:
        done = subprocess.run(
            [program, *voice.command(job)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | voice.settings(job),
            timeout=job.timeout_s,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired as error:
        raise SpeechError(
            f"{program} did not finish speaking within {job.timeout_s:g} s; try a shorter text."
        ) from error
    except OSError as error:
        raise SpeechError(
            f"{program} cannot be started ({error.strerror}); install it again."
        ) from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        if any("voice" in line for line in said):
            raise SpeechError(_no_language(job.language, program))
        reason = said[0] if said else f"code {done.returncode}"
        raise SpeechError(f"{program} could not speak the text: {reason}")


def _read(path: Path, program: str) -> Samples:
    import soundfile
    import soxr

    try:
        sound, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise SpeechError(f"{program} wrote no sound; install it again.") from error
    mono: Samples = soxr.resample(sound.mean(axis=1), rate_hz, SAMPLE_RATE_HZ)
    peak = float(np.abs(mono).max(initial=0.0))
    if peak == 0.0:
        raise SpeechError(f"{program} said nothing; write the text in words.")
    return np.asarray(mono * (_PEAK / peak), np.float32)


def _no_language(language: str, program: str) -> str:
    return (
        f"{program} has no voice for the language {language!r}; write the instruction in English "
        "or install such a voice."
    )
