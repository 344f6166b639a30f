# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program of the role app_server that has a container's image on the host, with an engine that is played."""

from __future__ import annotations

import importlib.util
import io
import json
import pathlib
import subprocess
import sys
import tarfile

import pytest

SOURCE = pathlib.Path(__file__).parents[3] / "roles/app_server/files/container_image.py"
SPEC = importlib.util.spec_from_file_location("container_image", SOURCE)
container_image = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(container_image)

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
DIGEST = "sha256:" + "d" * 64


class Engine:
    """Images by their id with all their names; what an archive or a registry has is `offered`."""

    def __init__(self) -> None:
        self.images: dict[str, set[str]] = {}
        self.offered: dict[str, str] = {}
        self.calls: list[tuple[str, ...]] = []
        self.folders: dict[str, str] = {}

    def find(self, reference: str) -> str:
        return next((one for one, names in self.images.items() if reference == one or reference in names), "")

    def name(self, reference: str, image: str) -> None:
        """Give an image a name, which no other has then."""
        for names in self.images.values():
            names.discard(reference)
        self.images.setdefault(image, set()).add(reference)

    def __call__(self, *arguments: str, folder: str = "") -> subprocess.CompletedProcess:
        self.calls.append(arguments)
        if folder:
            self.folders[arguments[0]] = (pathlib.Path(folder) / "config.json").read_text(encoding="utf-8")
        text, code = self.answer(arguments)
        return subprocess.CompletedProcess(arguments, code, stdout=text)

    def answer(self, arguments: tuple[str, ...]) -> tuple[str, int]:
        what, reference = arguments[:2], arguments[-1]
        if what == ("image", "inspect"):
            found = self.find(reference)
            names = sorted(self.images.get(found, ()))
            tags, digests = [name for name in names if "@" not in name], [name for name in names if "@" in name]
            return (f"{json.dumps(tags)}|{json.dumps(digests)}" if "json" in arguments[3] else found), int(not found)
        if what == ("image", "tag"):
            self.name(reference, self.find(arguments[2]))
        elif what == ("image", "ls"):
            return "\n".join(name for names in self.images.values() for name in names if "golive/app:" in name), 0
        elif what == ("image", "rm"):
            for name in arguments[2:]:
                self.images[self.find(name)].discard(name)
            self.images = {one: names for one, names in self.images.items() if names}
        elif arguments[0] == "load":
            for name, one in self.offered.items():
                self.name(name, one)
        elif reference not in self.offered:
            return f"Error: {reference} not found, tried s3cret", 1
        else:
            self.images.setdefault(self.offered[reference], set()).add(reference)
        return "", 0


@pytest.fixture(name="engine")
def _engine(monkeypatch):
    engine = Engine()
    monkeypatch.setattr(container_image, "docker", engine)
    return engine


@pytest.fixture(name="run")
def _run(monkeypatch, capsys, tmp_path):
    def run(access="", **wanted):
        complete = {"image": "shop", "tag": "golive/app:shop_1", "archive": "", "output": str(tmp_path / "image.json")}
        monkeypatch.setattr(sys, "argv", ["-c", json.dumps({**complete, **wanted})])
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(access)))
        container_image.main()
        return json.loads(capsys.readouterr().out)

    return run


def archive(path, *identities):
    entries = [{"Config": f"{one[7:]}.json", "RepoTags": ["shop:1.0"], "Layers": []} for one in identities]
    content = json.dumps(entries).encode()
    with tarfile.open(path, "w") as file:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        file.addfile(entry, io.BytesIO(content))
    return str(path)


def test_an_archive_is_loaded_once(engine, run, tmp_path):
    engine.offered = {"shop:1.0": NEW}
    wanted = {"digest": NEW, "archive": archive(tmp_path / "shop.tar", NEW)}
    assert run(**wanted) == {"error": "", "changed": True}
    note = json.loads((tmp_path / "image.json").read_text(encoding="utf-8"))
    assert (note["id"], note["reference"]) == (NEW, NEW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image.json", "shop.tar"]
    assert "golive/app:shop_1" in engine.images[NEW]
    engine.calls.clear()
    assert run(**wanted) == {"error": "", "changed": False}
    assert not [call for call in engine.calls if call[0] == "load"]


@pytest.mark.parametrize("owner", ["", OLD])
def test_the_names_in_an_archive_are_not_taken_over(engine, run, tmp_path, owner):
    engine.images = {owner: {"shop:1.0", "other:1"}} if owner else {}
    engine.offered = {"shop:1.0": NEW}
    assert run(digest=NEW, archive=archive(tmp_path / "shop.tar", NEW))["error"] == ""
    assert engine.images[NEW] == {"golive/app:shop_1"}
    assert engine.images.get(OLD, set()) == ({"shop:1.0", "other:1"} if owner else set())


def test_an_archive_with_another_image_is_not_loaded(engine, run, tmp_path):
    answer = run(digest=NEW, archive=archive(tmp_path / "shop.tar", OLD))
    assert answer["error"] == f"container.digest is {NEW}, but the archive has {OLD} (shop:1.0)"
    assert not engine.images


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_what_is_no_archive_is_named(engine, run, tmp_path, content):
    path = tmp_path / "shop.tar"
    if content is not None:
        path.write_bytes(content)
    answer = run(digest=NEW, archive=str(path))
    assert f"{path} is no archive" in answer["error"]


@pytest.mark.parametrize(
    ("image", "reference", "registry"),
    [
        ("registry.example.com:5000/erp/shop:1.0", "registry.example.com:5000/erp/shop@", "registry.example.com:5000"),
        ("localhost/shop", "localhost/shop@", "localhost"),
        ("golive/shop:1.0", "golive/shop@", "https://index.docker.io/v1/"),
        ("shop", "shop@", "https://index.docker.io/v1/"),
    ],
)
def test_an_image_is_pulled_by_digest_with_a_password_in_no_argument(engine, run, image, reference, registry):
    engine.offered = {reference + DIGEST: NEW}
    assert run(image=image, digest=DIGEST, access="robot:s3cret") == {"error": "", "changed": True}
    assert list(json.loads(engine.folders["pull"])["auths"]) == [registry]
    assert not [call for call in engine.calls if "s3cret" in " ".join(call)]
    assert run(image=image, digest=DIGEST)["changed"] is False


def test_what_the_registry_says_is_told_without_the_password(engine, run):
    answer = run(image="registry.example.com/shop", digest=DIGEST, access="robot:s3cret")
    assert answer["error"].startswith(f"registry.example.com/shop@{DIGEST} cannot be pulled: Error:")
    assert "s3cret" not in answer["error"]


def test_images_of_releases_that_are_gone_are_removed(engine, run, tmp_path):
    (tmp_path / "2.0+1-bb").mkdir()
    engine.images = {
        OLD: {"golive/app:shop_1.0-aa", f"registry.example.com/shop@{DIGEST}"},
        NEW: {"golive/app:shop_2.0_1-bb"},
        DIGEST: {"golive/app:shop-two_1.0-aa"},
    }
    wanted = {"prune": "golive/app", "application": "shop", "releases": str(tmp_path)}
    assert run(**wanted) == {"error": "", "changed": True}
    assert set(engine.images) == {NEW, DIGEST}
    assert run(**wanted) == {"error": "", "changed": False}


def test_an_image_with_a_name_of_somebody_else_only_loses_ours(engine, run, tmp_path):
    engine.images = {OLD: {"golive/app:shop_1.0-aa", "shop:1.0", f"shop@{DIGEST}"}}
    assert run(prune="golive/app", application="shop", releases=str(tmp_path))["changed"] is True
    assert engine.images == {OLD: {"shop:1.0", f"shop@{DIGEST}"}}
