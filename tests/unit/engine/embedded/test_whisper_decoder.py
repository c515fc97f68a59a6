"""The real decoder: words of tokens, forced prefixes, two texts in one batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from everlisten.engine.embedded.log_mel import LogMelStream, whisper_input
from everlisten.engine.embedded.whisper_decoder import DecodeRequest, Encoded, WhisperDecoder


@pytest.fixture(scope="module")
def decoder(weights: Path) -> WhisperDecoder:
    return WhisperDecoder(weights, threads=2)


@pytest.fixture(scope="module")
def encoded(decoder: WhisperDecoder, speech: np.ndarray) -> Encoded:
    stream = LogMelStream()
    state = stream.new_state()
    stream.step(speech[6_400:54_400], state)
    return decoder.encode(whisper_input(stream.frames(0, 300, state), 5.0), sound_s=3.0)


def test_forced_prefix_is_kept(decoder: WhisperDecoder, encoded: Encoded) -> None:
    free = decoder.decode(encoded, [DecodeRequest(language="en")], beam=1)[0]
    assert decoder.text(free.tokens).strip().lower().startswith("printing in the only sense")
    prefix = free.tokens[:4]
    forced = decoder.decode(encoded, [DecodeRequest(language="en", prefix=prefix)], beam=1)[0]
    assert forced.tokens == free.tokens
    assert len(forced.probabilities) == len(forced.tokens)
    assert all(0.0 < p <= 1.0001 for p in forced.probabilities)


def test_two_texts_in_one_batch(decoder: WhisperDecoder, encoded: Encoded) -> None:
    requests = [DecodeRequest(language="en"), DecodeRequest(language="en", translate=True)]
    both = decoder.decode(encoded, requests, beam=1)
    alone = decoder.decode(encoded, requests[:1], beam=1)
    assert both[0].tokens == alone[0].tokens
    assert both[1].tokens


def test_language_of_real_speech(decoder: WhisperDecoder, encoded: Encoded) -> None:
    found = decoder.languages(encoded)
    assert max(found, key=lambda code: found[code]) == "en"
    assert sum(found.values()) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" Hello there, world's end.", [" Hello", " there,", " world's", " end."]),
        ("日本語です", ["日本", "語", "です"]),
        (" 사용자 지정", [" 사용자", " 지정"]),
    ],
)
def test_words_of_tokens(decoder: WhisperDecoder, text: str, words: list[str]) -> None:
    tokens = decoder._tokenizer.encode(text, add_special_tokens=False).ids
    begin, found = 0, []
    for end in decoder.word_ends(tokens):
        found.append(decoder.text(tokens[begin:end]))
        begin = end
    assert "".join(found) == text
    assert [w.strip() for w in found] == [w.strip() for w in words]
