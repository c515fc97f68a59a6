"""The catalogue with small models of its own: every state, every refusal, nothing half done."""

import hashlib
import os
import shutil
import threading
from pathlib import Path

import pytest

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.models import catalogue as catalogue_module
from everlisten.engine.models.catalogue import ModelCatalogue
from everlisten.engine.models.entries import ModelEntry, ModelFile, PackageSource
from everlisten.engine.models.folder import STAMP_NAME

CONTENT = {"model.bin": bytes(range(256)) * 40, "config.json": b'{"layers": 2}'}
PACKAGES = ("fake-model-part1", "fake-model-part2")


def make_entry() -> ModelEntry:
    files = tuple(
        ModelFile(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in CONTENT.items()
    )
    return ModelEntry(
        id="tiny",
        title="Tiny",
        purpose="tests",
        licence="MIT",
        home="https://example.org",
        files=files,
        packages=PackageSource(packages=PACKAGES),
    )


def install_packages(site: Path) -> dict[str, Path]:
    """Two real distributions on disk, the larger file in parts, the config whole in the first."""
    half = len(CONTENT["model.bin"]) // 2
    files = {
        "data/model.bin.part1": CONTENT["model.bin"][:half],
        "data/config.json": CONTENT["config.json"],
        "data/model.bin.part2": CONTENT["model.bin"][half:],
    }
    paths: dict[str, Path] = {}
    for name in PACKAGES:
        module = name.replace("-", "_")
        mine = {k: v for k, v in files.items() if ("part2" in k) == name.endswith("2")}
        info = site / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        record = []
        for key, data in mine.items():
            path = site / module / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            paths[path.name] = path
            record.append(f"{module}/{key},,")
        (info / "RECORD").write_text("\n".join(record) + "\n")
    return paths


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(str(site))
    return install_packages(site)


@pytest.fixture
def catalogue(tmp_path: Path) -> ModelCatalogue:
    entry = make_entry()
    return ModelCatalogue(tmp_path / "data" / "models", entries={entry.id: entry})


def put_copy(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, data in CONTENT.items():
        (folder / name).write_bytes(data)


def test_missing_model_names_the_way_out(catalogue: ModelCatalogue) -> None:
    assert catalogue.status("tiny").state == "missing"
    with pytest.raises(ModelLoadError, match=r"tiny is missing; .*pip install fake-model-part1"):
        catalogue.ensure("tiny")


def test_unknown_model_lists_the_known(catalogue: ModelCatalogue) -> None:
    with pytest.raises(ModelLoadError, match="Unknown model 'huge'; known are: tiny"):
        catalogue.ensure("huge")


@pytest.mark.usefixtures("installed")
def test_packages_are_joined_into_the_data_folder(catalogue: ModelCatalogue) -> None:
    assert catalogue.status("tiny").state == "installed"
    folder = catalogue.ensure("tiny")
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.name in CONTENT} == CONTENT
    assert catalogue.status("tiny").state == "ready"
    assert sorted(p.name for p in folder.parent.iterdir()) == ["tiny"]


def test_data_folder_copy_wins_over_packages(catalogue: ModelCatalogue) -> None:
    put_copy(catalogue.folder("tiny"))
    assert catalogue.ensure("tiny") == catalogue.folder("tiny")


@pytest.mark.usefixtures("installed")
def test_later_start_hashes_nothing(
    catalogue: ModelCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.ensure("tiny")

    def refuse(path: Path) -> str:
        raise AssertionError(f"{path} hashed at a warm start")

    monkeypatch.setattr("everlisten.engine.models.folder.hash_file", refuse)
    catalogue.ensure("tiny")


@pytest.mark.usefixtures("installed")
def test_touched_file_is_hashed_again_and_taken(catalogue: ModelCatalogue) -> None:
    folder = catalogue.ensure("tiny")
    stamps = (folder / STAMP_NAME).read_text()
    os.utime(folder / "model.bin", ns=(1, 1))
    catalogue.ensure("tiny")
    assert (folder / STAMP_NAME).read_text() != stamps


@pytest.mark.parametrize("name", list(CONTENT))
@pytest.mark.usefixtures("installed")
def test_changed_file_is_refused_by_name(catalogue: ModelCatalogue, name: str) -> None:
    folder = catalogue.ensure("tiny")
    data = bytearray(CONTENT[name])
    data[3] ^= 1
    (folder / name).write_bytes(data)
    assert catalogue.status("tiny").state == "damaged"
    for call in (catalogue.ensure, catalogue.verify):
        with pytest.raises(ModelLoadError, match=rf"^{name} in .* refused; run .*remove tiny"):
            call("tiny")
    catalogue.remove("tiny")
    catalogue.ensure("tiny")


@pytest.mark.usefixtures("installed")
def test_verify_sees_a_change_that_kept_size_and_time(catalogue: ModelCatalogue) -> None:
    path = catalogue.ensure("tiny") / "model.bin"
    before = path.stat()
    path.write_bytes(bytes(len(CONTENT["model.bin"])))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ModelLoadError, match=r"^model\.bin in"):
        catalogue.verify("tiny")


@pytest.mark.usefixtures("installed")
def test_stamp_of_another_hash_does_not_pass(catalogue: ModelCatalogue, tmp_path: Path) -> None:
    folder = catalogue.ensure("tiny")
    file = ModelFile(name="model.bin", size=len(CONTENT["model.bin"]), sha256="0" * 64)
    entry = ModelEntry(
        id="tiny", title="", purpose="", licence="", home="", files=(file,), packages=None
    )
    other = ModelCatalogue(folder.parent, entries={"tiny": entry})
    with pytest.raises(ModelLoadError, match=r"model\.bin"):
        other.ensure("tiny")


@pytest.mark.usefixtures("installed")
def test_deleted_file_is_made_good_from_the_packages(catalogue: ModelCatalogue) -> None:
    folder = catalogue.ensure("tiny")
    (folder / "model.bin").unlink()
    assert catalogue.status("tiny").state == "incomplete"
    with pytest.raises(ModelLoadError, match=r"^model\.bin is missing in .*next start copies it"):
        catalogue.verify("tiny")
    assert (catalogue.ensure("tiny") / "model.bin").read_bytes() == CONTENT["model.bin"]
    assert [p.name for p in folder.parent.iterdir()] == ["tiny"]


def test_tampered_package_is_refused_and_leaves_nothing(
    catalogue: ModelCatalogue, installed: dict[str, Path]
) -> None:
    part = installed["model.bin.part2"]
    part.write_bytes(part.read_bytes()[:-1] + b"!")
    for call in (catalogue.verify, catalogue.ensure):
        with pytest.raises(ModelLoadError, match=r"^model\.bin in the installed packages"):
            call("tiny")
    assert not list(catalogue.folder("tiny").parent.glob("*"))


def test_shortened_part_counts_as_missing(
    catalogue: ModelCatalogue, installed: dict[str, Path]
) -> None:
    part = installed["model.bin.part1"]
    part.write_bytes(part.read_bytes()[:-1])
    assert catalogue.status("tiny").state == "missing"


@pytest.mark.usefixtures("installed")
def test_full_disk_is_told_before_anything_is_written(
    catalogue: ModelCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr(catalogue_module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ModelLoadError, match=r"needs 67 MB in .* only 1 MB are free"):
        catalogue.ensure("tiny")
    assert not list(catalogue.folder("tiny").parent.glob("*"))


@pytest.mark.usefixtures("installed")
def test_models_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    entry = make_entry()
    catalogue = ModelCatalogue(tmp_path / "file" / "models", entries={"tiny": entry})
    with pytest.raises(ModelLoadError, match="cannot be made: Not a directory"):
        catalogue.ensure("tiny")


@pytest.mark.usefixtures("installed")
def test_two_at_once_both_get_the_model(catalogue: ModelCatalogue) -> None:
    results: list[Path | BaseException] = []

    def work() -> None:
        try:
            results.append(catalogue.ensure("tiny"))
        except BaseException as error:
            results.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [catalogue.folder("tiny")] * 6
    assert catalogue.verify("tiny").state == "ready"


@pytest.mark.usefixtures("installed")
def test_folder_of_a_killed_assembly_is_swept(catalogue: ModelCatalogue) -> None:
    models = catalogue.folder("tiny").parent
    stale, fresh = models / ".tiny-old", models / ".tiny-new"
    for path in (stale, fresh):
        path.mkdir(parents=True)
    os.utime(stale, (1, 1))
    catalogue.ensure("tiny")
    assert not stale.exists()
    assert fresh.exists()


def test_remove_is_fine_with_nothing_there(catalogue: ModelCatalogue) -> None:
    catalogue.remove("tiny")


def test_no_source_on_the_hub(catalogue: ModelCatalogue) -> None:
    with pytest.raises(ModelLoadError, match="not on the Hub"):
        catalogue.fetch("tiny")
