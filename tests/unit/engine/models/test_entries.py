"""The shipped catalogue and what a catalogue may say."""

import pytest

from everlisten.engine.models.entries import ModelFile, parse_entries, shipped_entries

GOOD = """
models:
  tiny:
    title: Tiny
    purpose: tests
    licence: MIT
    home: https://example.org
    files: [{name: a.bin, size: 1, sha256: %s}]
    sources: [{kind: hub, repo: x/y, revision: abc}]
""" % ("a" * 64)


def test_shipped_catalogue_holds_whisper_base() -> None:
    entry = shipped_entries()["whisper-base"]
    assert {file.name for file in entry.files} == {
        "model.bin",
        "config.json",
        "tokenizer.json",
        "vocabulary.txt",
    }
    assert entry.licence == "MIT"
    assert entry.hub is not None
    assert entry.hub.revision == "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"
    assert 147e6 < entry.size < 148e6


def test_good_catalogue() -> None:
    assert parse_entries(GOOD)["tiny"].packages is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("models:", "things:", "mapping 'models'"),
        ("    licence: MIT\n", "", "tiny: the field 'licence' is missing"),
        ("kind: hub", "kind: ftp", "unknown sources"),
        ("name: a.bin", "name: ../a.bin", "must be plain"),
        ("size: 1", "size: -1", "negative"),
        ("sha256: a", "sha256: z", "not 64 hex digits"),
        ("  tiny:", "  .tiny:", "plain name"),
    ],
)
def test_bad_catalogue_is_named(old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_entries(GOOD.replace(old, new))


def test_hash_is_lower_case_hex() -> None:
    with pytest.raises(ValueError, match="64 hex"):
        ModelFile(name="a", size=1, sha256="A" * 64)
