"""Languages by code or name; targets that need the big model say so."""

import pytest
import tokenizers

from everlisten.app.config import ConfigError
from everlisten.app.languages import (
    parse_language,
    parse_target,
    spoken_languages,
    translation_targets,
)
from everlisten.engine.models.entries import shipped_entries
from everlisten.engine.models.packages import find_parts


@pytest.mark.parametrize(
    ("value", "code"),
    [("auto", None), ("", None), ("de", "de"), ("German", "de"), (" german ", "de"), ("no", "no")],
)
def test_spoken(value, code):
    assert parse_language(value) == code


def test_unknown_languages_are_named():
    with pytest.raises(ConfigError, match="'klingon'"):
        parse_language("klingon")


@pytest.mark.parametrize(("value", "code"), [("off", None), ("en", "en"), ("English", "en")])
def test_targets(value, code):
    assert parse_target(value) == code


def test_other_targets_need_the_big_model():
    with pytest.raises(ConfigError, match=r"French needs the big model.*--translate en"):
        parse_target("fr", any_language=False)


def test_exactly_one_target_works_and_comes_first():
    targets = translation_targets()
    assert targets[0] == ("en", "English", "")
    assert all(why_not for _, _, why_not in targets[1:])


def test_the_big_model_translates_into_every_language():
    assert parse_target("French", any_language=True) == "fr"
    targets = translation_targets(any_language=True)
    assert [code for code, _, _ in targets] == list(spoken_languages())
    assert not any(why_not for _, _, why_not in targets)


def test_the_list_is_whispers_own():
    parts = find_parts(shipped_entries()["whisper-base"])
    assert parts is not None
    tokens = tokenizers.Tokenizer.from_file(str(parts["tokenizer.json"][0]))
    languages = spoken_languages()
    assert [code for code in languages if tokens.token_to_id(f"<|{code}|>") is None] == []
    assert len(languages) == 99
