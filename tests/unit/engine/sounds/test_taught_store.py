"""Taught sounds outlive the program whole, and what comes from others is looked at first."""

import io
import os
import pickle
import threading
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
import soundfile
import yaml
from taught_fixture import make_examples, make_sound

from everlisten.engine.errors import EngineError
from everlisten.engine.sounds import taught_archive, taught_store
from everlisten.engine.sounds.taught_file import describe, pack
from everlisten.engine.sounds.taught_store import TaughtStore


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sounds" / "taught"


@pytest.fixture
def store(folder):
    return TaughtStore(folder)


@pytest.fixture
def kettle(rng, store):
    sound = make_sound(rng)
    store.save(sound, make_examples(rng))
    return sound


def same(one, other):
    return all(
        np.array_equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(one)
    )


def test_a_sound_is_found_again_as_it_was(rng, folder, store):
    sound, examples = make_sound(rng, name="Türglocke 门铃"), make_examples(rng)
    store.save(sound, examples)
    again = TaughtStore(folder)
    assert again.problems == []
    (found,) = again.sounds()
    assert same(found, sound)
    kept = again.examples(sound.id)
    assert [each.shape for each in kept] == [each.shape for each in examples]
    assert all(np.abs(a - b).max() <= 1 / 32768 for a, b in zip(kept, examples, strict=True))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_it_is_for_the_user_alone(folder, kettle):
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in (folder / kettle.id).iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_renamed_told_otherwise_and_switched(folder, store, kettle):
    store.rename(kettle.id, "  Whistle ")
    store.tell(kettle.id, "emergency", "Run.")
    store.enable(kettle.id, True)
    for each in (store, TaughtStore(folder)):
        sound = each.get(kettle.id)
        assert (sound.name, sound.severity, sound.advice, sound.enabled) == (
            "Whistle", "emergency", "Run.", True,
        )  # fmt: skip
        assert same(
            replace(sound, name="Kettle", severity="warning", advice=kettle.advice, enabled=False),
            kettle,
        )


def test_names_are_there_once(rng, store, kettle):
    other = make_sound(rng, name="Oven")
    store.save(other, make_examples(rng))
    with pytest.raises(EngineError, match="another name"):
        store.rename(other.id, "KETTLE")
    with pytest.raises(EngineError, match="another name"):
        store.save(make_sound(rng), make_examples(rng))
    with pytest.raises(EngineError, match="Give the sound a name"):
        store.rename(other.id, " ")
    store.rename(kettle.id, "kettle")  # its own name in another case
    assert {sound.name for sound in store.sounds()} == {"kettle", "Oven"}


def test_a_deleted_sound_is_gone_from_the_disk(folder, store, kettle):
    store.delete(kettle.id)
    assert store.sounds() == []
    assert list(folder.iterdir()) == []
    with pytest.raises(EngineError, match="no taught sound"):
        store.enable(kettle.id, True)


def test_taught_again_takes_the_place(rng, folder, store, kettle):
    again = make_sound(rng, id=kettle.id, examples=4)
    store.save(again, make_examples(rng, 4))
    found = TaughtStore(folder)
    assert same(found.get(kettle.id), again)
    assert len(found.examples(kettle.id)) == 4
    assert [path.name for path in folder.iterdir()] == [kettle.id]


def test_fitted_again_it_keeps_its_examples_and_what_the_user_chose(rng, folder, store, kettle):
    place = folder / kettle.id
    before = {path.name: path.read_bytes() for path in place.glob("*.flac")}
    again = make_sound(rng, id=kettle.id, name="Before", version="model-2", severity="notice")
    store.rename(kettle.id, "Whistle")
    store.enable(kettle.id, True)
    kept = store.renew(again)
    wanted = replace(again, name="Whistle", severity="warning", advice=kettle.advice, enabled=True)
    for each in (kept, TaughtStore(folder).get(kettle.id)):
        assert same(each, wanted)
    assert {path.name: path.read_bytes() for path in place.glob("*.flac")} == before
    assert [path.name for path in folder.iterdir()] == [kettle.id]
    store.delete(kettle.id)
    with pytest.raises(EngineError, match="no taught sound"):
        store.renew(again)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("failing", [0, 1, 4])
def test_a_disk_that_fails_leaves_what_was(rng, folder, store, kettle, monkeypatch, failing):
    written = []

    def full(path, data):
        if len(written) == failing:
            raise OSError(28, "No space left on device")
        written.append(path)
        path.write_bytes(data)

    monkeypatch.setattr(taught_store, "write_file", full)
    with pytest.raises(EngineError, match="No space left"):
        store.save(make_sound(rng, id=kettle.id), make_examples(rng))
    written.clear()
    with pytest.raises(EngineError, match="No space left"):
        store.renew(make_sound(rng, id=kettle.id))
    written.clear()
    with pytest.raises(EngineError, match="No space left"):
        store.save(make_sound(rng, name="Oven"), make_examples(rng))
    for each in (store, TaughtStore(folder)):
        (found,) = each.sounds()
        assert same(found, kettle)
    assert [path.name for path in folder.iterdir()] == [kettle.id]


def test_a_crash_between_two_renames_is_mended(rng, folder, store, kettle):
    """The old folder is aside, the new one is not in place yet."""
    (folder / kettle.id).rename(folder / f".old-{kettle.id}")
    (folder / f".new-{kettle.id}").mkdir()
    again = TaughtStore(folder)
    assert same(again.get(kettle.id), kettle)
    assert [path.name for path in folder.iterdir()] == [kettle.id]


def test_a_crash_after_both_renames_is_mended(rng, folder, store, kettle):
    (folder / f".old-{kettle.id}").mkdir()
    assert same(TaughtStore(folder).get(kettle.id), kettle)
    assert [path.name for path in folder.iterdir()] == [kettle.id]


def test_opened_by_another_process_while_it_is_written_it_stays_whole(rng, folder, store, kettle):
    """What begins then takes what is half written for what a crash left."""
    sounds = [make_sound(rng, id=kettle.id) for _ in range(12)]
    examples = make_examples(rng)

    def write():
        for sound in sounds:
            store.save(sound, examples)
            store.renew(sound)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while writer.is_alive():
            other = TaughtStore(folder)
            assert other.problems == []
            assert [sound.id for sound in other.sounds()] == [kettle.id]
    finally:
        writer.join(20)
    assert same(TaughtStore(folder).get(kettle.id), sounds[-1])


def test_a_damaged_sound_is_told_and_the_others_are_there(rng, folder, store, kettle):
    other = make_sound(rng, name="Oven")
    store.save(other, make_examples(rng))
    (folder / other.id / "weights.npz").write_bytes(b"PK\x03\x04 half of it")
    again = TaughtStore(folder)
    assert [sound.id for sound in again.sounds()] == [kettle.id]
    (problem,) = again.problems
    assert other.id in problem
    assert "weights.npz is damaged" in problem
    assert (folder / other.id / "example-1.flac").exists()


def test_one_file_carries_a_sound_to_another_user(rng, tmp_path, store, kettle):
    store.enable(kettle.id, True)
    path = store.export(kettle.id, tmp_path / "kettle")
    assert path.name == "kettle.everlisten-sound"
    assert path.stat().st_size < 200_000
    friend = TaughtStore(tmp_path / "friend")
    sound = friend.import_file(path)
    assert same(replace(sound, enabled=False), kettle)
    assert not sound.enabled, "what somebody else taught is off until it is switched on"
    assert len(TaughtStore(tmp_path / "friend").examples(sound.id)) == 3


def test_imported_twice_it_has_an_id_and_a_name_of_its_own(tmp_path, store, kettle):
    path = store.export(kettle.id, tmp_path / "kettle.everlisten-sound")
    names = [store.import_file(path).name for _ in range(2)]
    assert names == ["Kettle (2)", "Kettle (3)"]
    assert len({sound.id for sound in store.sounds()}) == 3


def archive(path, files, **kinds):
    with zipfile.ZipFile(path, "w", **kinds) as out:
        for name, data in files:
            out.writestr(name, data)
    return path


@pytest.fixture
def files(rng):
    return pack(make_sound(rng), make_examples(rng))


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def changed(files, **values):
    found = yaml.safe_load(files["sound.yaml"])
    found.update(values)
    return yaml.safe_dump({key: value for key, value in found.items() if value != "gone"}).encode()


def flac(seconds=0.5, rate=16_000, channels=1, kind="FLAC"):
    stream = io.BytesIO()
    samples = np.zeros((round(seconds * rate), channels), np.float32)
    soundfile.write(stream, samples, rate, format=kind)
    return stream.getvalue()


class Bomb:
    def __reduce__(self):
        return (os._exit, (1,))


def npy_header(shape, descr="<f4"):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + b"\0" * 64


def zipped_arrays(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            out.writestr(f"{name}.npy", data)
    return stream.getvalue()


HOSTILE = {
    "path": (lambda f: {"../example-1.flac": flac()}, "does not belong"),
    "absolute": (lambda f: {"/etc/passwd": b"x"}, "does not belong"),
    "folder": (lambda f: {"a/sound.yaml": b"x"}, "does not belong"),
    "windows": (lambda f: {"..\\sound.yaml": b"x"}, "does not belong"),
    "code": (lambda f: {"run.py": b"x"}, "does not belong"),
    "no weights": (lambda f: {"weights.npz": None}, "to be in it once"),
    "no example": (lambda f: {f"example-{n}.flac": None for n in (1, 2, 3)}, "0 examples"),
    "many": (lambda f: {f"example-{n}.flac": b"" for n in range(1, 60)}, "59 examples"),
    "yaml": (lambda f: {"sound.yaml": b"{["}, "cannot be read"),
    "yaml object": (
        lambda f: {"sound.yaml": b"!!python/object/apply:os.system [ls]"}, "cannot be read",
    ),
    "yaml list": (lambda f: {"sound.yaml": b"[1]"}, "does not describe"),
    "bytes": (lambda f: {"sound.yaml": b"\xff\xfe"}, "cannot be read"),
    "newer": (lambda f: {"sound.yaml": changed(f, format=2)}, "update Everlisten"),
    "missing": (lambda f: {"sound.yaml": changed(f, bias="gone")}, "'bias' is missing"),
    "unknown": (lambda f: {"sound.yaml": changed(f, run="ls")}, "'run' is missing or unknown"),
    "type": (lambda f: {"sound.yaml": changed(f, name=7)}, "name is to be of type str"),
    "bool": (lambda f: {"sound.yaml": changed(f, examples=True)}, "examples is to be of type int"),
    "nan": (lambda f: {"sound.yaml": changed(f, bias=float("nan"))}, "no usable number"),
    "span": (lambda f: {"sound.yaml": changed(f, span_chunks=10**9)}, "span of 1000000000"),
    "id": (lambda f: {"sound.yaml": changed(f, id="../../home")}, "no id of a taught sound"),
    "name": (lambda f: {"sound.yaml": changed(f, name="a\x07b")}, "cannot be used"),
    "large yaml": (lambda f: {"sound.yaml": b"#" * 70_000}, "too large"),
    "pickle": (
        lambda f: {
            "weights.npz": npz(
                weights=np.array([Bomb()], object), embeddings=np.zeros((1, 8), np.float16)
            )
        },
        "damaged",
    ),
    "pure pickle": (lambda f: {"weights.npz": pickle.dumps(Bomb())}, "damaged"),
    "infinite": (
        lambda f: {
            "weights.npz": npz(
                weights=np.full(16, np.inf, np.float32), embeddings=np.zeros((1, 8), np.float16)
            )
        },
        "not finite",
    ),
    "shapes": (
        lambda f: {
            "weights.npz": npz(
                weights=np.zeros(16, np.float32), embeddings=np.zeros((1, 9), np.float16)
            )
        },
        "do not fit together",
    ),
    "kinds": (
        lambda f: {
            "weights.npz": npz(weights=np.zeros(16), embeddings=np.zeros((1, 8), np.float16))
        },
        "damaged",
    ),
    "arrays": (lambda f: {"weights.npz": npz(weights=np.zeros(16, np.float32))}, "other arrays"),
    "promised": (
        lambda f: {
            "weights.npz": zipped_arrays(
                weights=npy_header((10**15,)), embeddings=npy_header((1, 8), "<f2")
            )
        },
        "damaged",
    ),
    "bomb": (
        lambda f: {
            "weights.npz": zipped_arrays(weights=b"\0" * (9 << 20), embeddings=b"")
        },
        "too large",
    ),
    "no flac": (lambda f: {"example-2.flac": b"MZ"}, "example-2.flac is no FLAC"),
    "wav": (lambda f: {"example-2.flac": flac(kind="WAV")}, "example-2.flac is no FLAC"),
    "rate": (lambda f: {"example-2.flac": flac(rate=44_100)}, "16 kHz"),
    "stereo": (lambda f: {"example-2.flac": flac(channels=2)}, "one channel"),
    "long": (lambda f: {"example-2.flac": flac(seconds=31)}, "at most 30 s"),
    "large flac": (lambda f: {"example-2.flac": b"\0" * (5 << 20)}, "too large"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path, folder, store, files, case):
    change, said = HOSTILE[case]
    mixed = {**files, **change(files)}
    path = archive(
        tmp_path / "bad.everlisten-sound",
        [(name, data) for name, data in mixed.items() if data is not None],
        compression=zipfile.ZIP_DEFLATED,
    )
    with pytest.raises(EngineError) as caught:
        store.import_file(path)
    sentence = str(caught.value)
    assert said in sentence
    assert sentence.startswith("bad.everlisten-sound is refused: ")
    assert "\n" not in sentence
    assert store.sounds() == []
    assert not folder.exists()


def test_a_name_twice_in_an_archive_is_refused(tmp_path, store, files):
    path = tmp_path / "bad.everlisten-sound"
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive(path, [*files.items(), ("sound.yaml", files["sound.yaml"])])
    with pytest.raises(EngineError, match="to be in it once"):
        store.import_file(path)


def test_what_is_no_archive_is_refused(tmp_path, store):
    path = tmp_path / "bad.everlisten-sound"
    with pytest.raises(EngineError, match="could not be read"):
        store.import_file(path)
    path.write_bytes(b"MZ")
    with pytest.raises(EngineError, match="no sound of Everlisten"):
        store.import_file(path)


def test_a_cut_or_changed_archive_is_refused(tmp_path, store, kettle):
    whole = store.export(kettle.id, tmp_path / "kettle").read_bytes()
    path = tmp_path / "bad.everlisten-sound"
    for cut in (1, 100, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:cut])
        with pytest.raises(EngineError, match="refused"):
            store.import_file(path)
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 60):
        spoilt = bytearray(whole)
        spoilt[at] ^= 0xFF
        path.write_bytes(bytes(spoilt))
        before = len(store.sounds())
        if (said := sentence_of(store, path)) is not None:
            assert "refused" in said
            assert len(store.sounds()) == before


def sentence_of(store, path):
    """Why the file is refused; None if it is taken in."""
    try:
        store.import_file(path)
    except EngineError as error:
        return str(error)
    return None


def test_a_huge_archive_is_not_opened(tmp_path, store, monkeypatch):
    monkeypatch.setattr(taught_archive, "_MAX_BYTES", 10)
    path = tmp_path / "bad.everlisten-sound"
    path.write_bytes(b"x" * 11)
    with pytest.raises(EngineError, match="larger than"):
        store.import_file(path)


def test_there_is_an_end_to_teaching(rng, store, kettle, monkeypatch):
    monkeypatch.setattr(taught_store, "MAX_SOUNDS", 1)
    with pytest.raises(EngineError, match="delete one"):
        store.save(make_sound(rng, name="Oven"), make_examples(rng))
    store.save(kettle, make_examples(rng))


def test_the_description_is_for_people(rng):
    text = describe(make_sound(rng, name="门铃")).decode()
    assert "name: 门铃" in text
    assert "!!" not in text
