"""Fetching with the real Hub client from a small server that speaks the Hub's protocol."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.models.catalogue import ModelCatalogue
from everlisten.engine.models.entries import HubSource, ModelEntry, ModelFile

CONTENT = {"model.bin": bytes(range(251)) * 12_000, "config.json": b"{}"}
REVISION = "ab" * 20


class HubServer(ThreadingHTTPServer):
    """Serves CONTENT; with `break_at` it dies after so many bytes of model.bin."""

    daemon_threads = False
    content: dict[str, bytes]
    ranges: list[str]
    break_at: int | None = None
    broken = False


class Handler(BaseHTTPRequestHandler):
    server: HubServer

    def _reply(self, *, body: bool) -> None:
        name = self.path.split("/")[-1].split("?")[0]
        data = self.server.content.get(name)
        if data is None or REVISION not in self.path or self.server.broken:
            self.send_error(404)
            return
        start = 0
        if asked := self.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").split("-")[0])
            self.server.ranges.append(asked)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Connection", "close")
        self.end_headers()
        if not body:
            return
        cut = self.server.break_at
        if name == "model.bin" and cut is not None:
            self.wfile.write(data[start:cut])
            self.close_connection = True
            self.server.broken = True
            return
        self.wfile.write(data[start:])

    def do_HEAD(self) -> None:
        self._reply(body=False)

    def do_GET(self) -> None:
        self._reply(body=True)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # The client writes whole blocks of this size; by default longer than the test's file.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100_000)
    server = HubServer(("127.0.0.1", 0), Handler)
    server.content, server.ranges = dict(CONTENT), []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def make_catalogue(tmp_path: Path, port: int) -> ModelCatalogue:
    files = tuple(
        ModelFile(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in CONTENT.items()
    )
    entry = ModelEntry(
        id="tiny",
        title="Tiny",
        purpose="tests",
        licence="MIT",
        home="https://example.org",
        files=files,
        hub=HubSource(repo="someone/tiny", revision=REVISION),
    )
    return ModelCatalogue(
        tmp_path / "models", entries={"tiny": entry}, hub_endpoint=f"http://127.0.0.1:{port}"
    )


def test_fetch_brings_every_file_and_reports_progress(hub: HubServer, tmp_path: Path) -> None:
    catalogue = make_catalogue(tmp_path, hub.server_port)
    seen: list[tuple[int, int]] = []
    folder = catalogue.fetch("tiny", lambda done, total: seen.append((done, total)))
    assert {name: (folder / name).read_bytes() for name in CONTENT} == CONTENT
    total = sum(map(len, CONTENT.values()))
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert catalogue.ensure("tiny") == folder
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == ["tiny"]


def test_a_file_of_the_hub_that_is_not_the_right_one(hub: HubServer, tmp_path: Path) -> None:
    catalogue = make_catalogue(tmp_path, hub.server_port)
    hub.content["model.bin"] = bytes(len(CONTENT["model.bin"]))
    with pytest.raises(ModelLoadError, match=r"^model\.bin of model tiny, as fetched"):
        catalogue.fetch("tiny")
    assert catalogue.status("tiny").state == "missing"
    hub.content["model.bin"] = CONTENT["model.bin"]
    catalogue.fetch("tiny")


def test_broken_off_download_is_resumed(hub: HubServer, tmp_path: Path) -> None:
    catalogue = make_catalogue(tmp_path, hub.server_port)
    hub.break_at = 1_500_000
    with pytest.raises(ModelLoadError, match=r"^model\.bin of model tiny could not be fetched"):
        catalogue.fetch("tiny")
    hub.break_at, hub.broken = None, False
    hub.ranges.clear()
    catalogue.fetch("tiny")
    assert hub.ranges == ["bytes=1500000-"]
    assert catalogue.verify("tiny").state == "ready"


def test_damaged_copy_is_replaced_only_by_fetch(hub: HubServer, tmp_path: Path) -> None:
    catalogue = make_catalogue(tmp_path, hub.server_port)
    folder = catalogue.fetch("tiny")
    (folder / "config.json").write_bytes(b"[]")
    with pytest.raises(ModelLoadError):
        catalogue.ensure("tiny")
    catalogue.fetch("tiny")
    assert (catalogue.ensure("tiny") / "config.json").read_bytes() == b"{}"


def test_a_hub_that_refuses_names_the_way_out(hub: HubServer, tmp_path: Path) -> None:
    hub.broken = True
    catalogue = make_catalogue(tmp_path, hub.server_port)
    with pytest.raises(ModelLoadError, match=r"network connection .* fetch tiny"):
        catalogue.fetch("tiny")


def test_remove_takes_the_broken_off_download_too(hub: HubServer, tmp_path: Path) -> None:
    catalogue = make_catalogue(tmp_path, hub.server_port)
    hub.break_at = 1_500_000
    with pytest.raises(ModelLoadError):
        catalogue.fetch("tiny")
    catalogue.remove("tiny")
    assert not list((tmp_path / "models").iterdir())
