"""Words are found in every writing system, and only where they are."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everlisten.engine.events import ReplyFinal, SoundAlert, TranslationFinal
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.store import TimelineStore

from .conftest import caption, started

TEXTS = {
    "en": "The quick brown fox doesn't jump.",
    "de": "Größe und Straße, früher Übergang",
    "zh": "今天天气很好,我们去公园散步。",
    "ja": "これは日本語のテストです。カタカナも。",
    "ko": "안녕하세요 여러분 반갑습니다",
    "th": "สวัสดีครับ วันนี้อากาศดี",
    "hi": "मैं हिन्दी बोलता हूँ",
    "ar": "مرحبا بالعالم",
    "ru": "Привет, как дела?",
}


@pytest.fixture
def filled(store: TimelineStore, history: TimelineHistory) -> TimelineHistory:
    captions = [
        caption(text, start_s=float(i), id=language)
        for i, (language, text) in enumerate(TEXTS.items())
    ]
    store.commit([started(), *captions])
    return history


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("quick", "en"),
        ("fox BROWN", "en"),
        ("qui", "en"),
        ("doesn't", "en"),
        ("grosse strasse", "de"),
        ("GRÖSSE", "de"),
        ("uber", "de"),
        ("天气", "zh"),
        ("公园", "zh"),
        ("气", "zh"),
        ("今天 散步", "zh"),
        ("日本", "ja"),
        ("カタ", "ja"),
        ("\uff76\uff80", "ja"),
        ("テスト", "ja"),
        ("안녕", "ko"),
        ("อากาศ", "th"),
        ("ดี", "th"),
        ("हिन्दी", "hi"),
        ("بالعالم", "ar"),
        ("ПРИВЕТ", "ru"),
        ("quick Привет", None),
        ("天公", None),
        ("ick", None),
        ('"quick', "en"),
        ("quick*", "en"),
        ("NOT quick", None),
        ("。", "zh ja"),
        ("doesn't.", "en"),
    ],
)
def test_found(filled: TimelineHistory, words: str, language: str | None) -> None:
    assert {hit.event for hit in filled.search(words)} == set((language or "").split())


@pytest.mark.parametrize("words", ["", "   ", "\n"])
def test_nothing_asked_nothing_found(filled: TimelineHistory, words: str) -> None:
    assert not filled.search(words)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=12))
def test_no_query_fails(filled: TimelineHistory, words: str) -> None:
    filled.search(words)


def test_every_kind_of_final_is_found(store: TimelineStore, history: TimelineHistory) -> None:
    finals = [
        TranslationFinal(id="t", session="s1", caption="c", text="guten Morgen", start_s=1.0),
        SoundAlert(id="a", session="s1", label="Smoke alarm", start_s=2.0),
        ReplyFinal(id="r", session="s1", text="It is noon", start_s=3.0),
    ]
    store.commit([started(), *finals])
    for words, id_ in (("morgen", "t"), ("smoke", "a"), ("noon", "r")):
        assert [hit.event for hit in history.search(words)] == [id_]
    assert history.search("smoke")[0].text == "Smoke alarm"


def test_newest_first(store: TimelineStore, history: TimelineHistory) -> None:
    store.commit(
        [
            started("later", "2026-11-22T10:00:00+00:00"),
            # Reads later as text, yet is earlier: its offset is larger.
            started("sooner", "2026-11-22T15:00:00+09:00"),
            caption("word", session="sooner", start_s=1.0),
            caption("word", session="later", start_s=1.0),
            caption("word", session="later", start_s=5.0),
        ]
    )
    found = [(hit.session.id, hit.start_s) for hit in history.search("word")]
    assert found == [("later", 5.0), ("later", 1.0), ("sooner", 1.0)]


def test_an_updated_alert_is_one_event_found_by_its_last_words(
    store: TimelineStore, history: TimelineHistory
) -> None:
    store.commit([started(), SoundAlert(id="a", session="s1", label="beeping")])
    store.commit([SoundAlert(id="a", session="s1", label="smoke alarm", end_s=9.0)])
    assert len(history.events("s1")) == 1
    assert not history.search("beeping")
    assert history.search("alarm")
