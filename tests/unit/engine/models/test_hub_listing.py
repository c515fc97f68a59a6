"""Fetching a model whose sizes and hashes only the Hub knows, from a server that speaks for it."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.models.catalogue import ModelCatalogue
from everlisten.engine.models.entries import HubSource, ModelEntry, WantedFiles, shipped_entries

SHARD = "model-00001-of-00001.safetensors"
TOWER = "audiointeraction_ChunkwisedEncoder.pth"
OMNI = "qwen25OmniConfig/config.json"
LARGE = (SHARD, TOWER, "pytorch_model.bin")
CONTENT = {
    SHARD: bytes(range(249)) * 8_000,
    TOWER: b"tower" * 1000,
    "model_config.yaml": b"n_layer: 2\n",
    "model.safetensors.index.json": b"{}",
    OMNI: b'{"a": 1}',
    "tokenizer.json": b"{}",
    "pytorch_model.bin": b"a pickle",
    "samples/evil.pkl": b"another",
    ".gitattributes": b"*.bin lfs",
}
WANTED = sorted(CONTENT.keys() - {"pytorch_model.bin", "samples/evil.pkl", ".gitattributes"})


class HubServer(ThreadingHTTPServer):
    """Serves `content` and lists `listed`; with `break_at` it dies after so many bytes."""

    daemon_threads = False
    content: dict[str, bytes]
    listed: dict[str, bytes]
    commit: str
    served: list[str]
    break_at: int | None = None


class Handler(BaseHTTPRequestHandler):
    server: HubServer

    def _listing(self) -> bytes:
        siblings = []
        for name, data in self.server.listed.items():
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            sibling = {"rfilename": name, "size": len(data), "blobId": blob}
            if name in LARGE:
                digest = hashlib.sha256(data).hexdigest()
                sibling["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 130}
            siblings.append(sibling)
        return json.dumps(
            {"id": "someone/big", "sha": self.server.commit, "siblings": siblings}
        ).encode()

    def _data(self) -> bytes | None:
        if self.path.lower() == "/api/models/someone/big/revision/main?blobs=true":
            return self._listing()
        name = self.path.partition(f"/resolve/{self.server.commit}/")[2]
        if self.command == "GET" and name:
            self.server.served.append(name)
        return self.server.content.get(name)

    def _reply(self) -> None:
        data = self._data()
        if data is None:
            self.send_error(404)
            return
        start = 0
        if asked := self.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "GET":
            cut = self.server.break_at if self.path.endswith(SHARD) else None
            self.wfile.write(data[start:cut])

    def do_HEAD(self) -> None:
        self._reply()

    def do_GET(self) -> None:
        self._reply()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100_000)
    server = HubServer(("127.0.0.1", 0), Handler)
    server.content, server.listed = dict(CONTENT), dict(CONTENT)
    server.commit, server.served = "ab" * 20, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def catalogue(hub: HubServer, tmp_path: Path) -> ModelCatalogue:
    wanted = shipped_entries()["audio-interaction"].wanted
    assert wanted is not None
    entry = ModelEntry(
        id="big",
        title="Big",
        purpose="tests",
        licence="MIT",
        home="https://example.org",
        files=(),
        hub=HubSource(repo="someone/big", revision="main"),
        wanted=WantedFiles(patterns=wanted.patterns, size=2_000_000),
    )
    return ModelCatalogue(
        tmp_path / "models",
        entries={"big": entry},
        hub_endpoint=f"http://127.0.0.1:{hub.server_port}",
    )


def names(folder: Path) -> list[str]:
    """Every file below a folder but the catalogue's own notes."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if not path.name.startswith("."))


def test_what_is_wanted_comes_and_no_other_pickle(
    hub: HubServer, catalogue: ModelCatalogue
) -> None:
    assert catalogue.status("big").state == "missing"
    with pytest.raises(ModelLoadError, match=r"run 'everlisten models fetch big' \(2 MB\)"):
        catalogue.ensure("big")
    seen: list[tuple[int, int]] = []
    folder = catalogue.fetch("big", lambda *counts: seen.append(counts))
    assert names(folder) == WANTED
    assert all((folder / name).read_bytes() == CONTENT[name] for name in WANTED)
    assert sorted(hub.served) == WANTED
    total = sum(len(CONTENT[name]) for name in WANTED)
    assert seen[-1] == (total, total)
    assert catalogue.ensure("big") == folder
    assert catalogue.verify("big").state == "ready"
    assert catalogue.status("big").size == total
    assert sorted(path.name for path in folder.parent.iterdir()) == ["big"]


def test_the_model_is_checked_later_without_the_hub(
    hub: HubServer, catalogue: ModelCatalogue
) -> None:
    folder = catalogue.fetch("big")
    hub.listed.clear()
    (folder / OMNI).write_bytes(b'{"a": 2}')
    assert catalogue.status("big").state == "damaged"
    with pytest.raises(ModelLoadError, match=rf"{OMNI} in .* is not the file"):
        catalogue.ensure("big")
    (folder / OMNI).unlink()
    assert catalogue.status("big").state == "missing"


def test_a_broken_off_download_goes_on(hub: HubServer, catalogue: ModelCatalogue) -> None:
    hub.break_at = 1_200_000
    with pytest.raises(ModelLoadError, match=rf"{SHARD} of model big could not be fetched"):
        catalogue.fetch("big")
    hub.break_at = None
    before = list(hub.served)
    folder = catalogue.fetch("big")
    assert names(folder) == WANTED
    again = hub.served[len(before) :]
    assert not set(again) & (set(before) - {SHARD})


@pytest.mark.parametrize("name", [SHARD, OMNI], ids=["by SHA-256", "by git's hash"])
def test_a_file_that_is_not_the_listed_one(
    hub: HubServer, catalogue: ModelCatalogue, name: str
) -> None:
    hub.content[name] = CONTENT[name][::-1]
    with pytest.raises(ModelLoadError, match=rf"^{name} of model big, as fetched.* was deleted"):
        catalogue.fetch("big")
    assert catalogue.status("big").state == "missing"
    hub.content[name] = CONTENT[name]
    hub.served.clear()
    catalogue.fetch("big")
    assert hub.served == [name]


def test_what_the_hub_replaced_meanwhile_is_fetched_anew(
    hub: HubServer, catalogue: ModelCatalogue
) -> None:
    hub.break_at = 1_200_000
    with pytest.raises(ModelLoadError):
        catalogue.fetch("big")
    hub.break_at, hub.commit = None, "cd" * 20
    for name in (SHARD, "model_config.yaml"):
        hub.content[name] = hub.listed[name] = CONTENT[name][1:]
    folder = catalogue.fetch("big")
    assert (folder / SHARD).read_bytes() == CONTENT[SHARD][1:]
    assert (folder / "model_config.yaml").read_bytes() == CONTENT["model_config.yaml"][1:]


def test_a_repository_without_a_wanted_file(hub: HubServer, catalogue: ModelCatalogue) -> None:
    del hub.listed[TOWER]
    with pytest.raises(ModelLoadError, match=rf"someone/big holds no {TOWER}"):
        catalogue.fetch("big")
    assert not hub.served


def test_no_room(
    hub: HubServer, catalogue: ModelCatalogue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ModelLoadError, match="only 1 MB are free"):
        catalogue.fetch("big")
    assert not hub.served


def test_a_hub_that_refuses_the_list(hub: HubServer, catalogue: ModelCatalogue) -> None:
    hub.commit = "x"
    catalogue_without = ModelCatalogue(
        catalogue.folder("big").parent,
        entries={
            "big": ModelEntry(
                id="big",
                title="Big",
                purpose="tests",
                licence="MIT",
                home="https://example.org",
                files=(),
                hub=HubSource(repo="someone/else", revision="main"),
                wanted=WantedFiles(patterns=("*",), size=1),
            )
        },
        hub_endpoint=f"http://127.0.0.1:{hub.server_port}",
    )
    with pytest.raises(ModelLoadError, match=r"list of files of model big .* someone/else"):
        catalogue_without.fetch("big")
