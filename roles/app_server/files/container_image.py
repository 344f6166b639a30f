# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have a container's image on the host: load it from an archive or pull it, by its digest.

The argument is a JSON object. To have an image: `image`, `digest`, `archive` ("" to pull), `tag` (keeps the image from
being pruned) and `output` (where to note what it is); the standard input, which nobody else can read, is then a JSON
text, user:password of the registry or "". To remove the images of releases that are gone: `prune` (name of the kept
images), `application` and `releases` (their folder). Prints a JSON object with `error` ("" when all is well) and
`changed`; the return code is always 0, as the caller hides the output.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile


class ImageError(Exception):
    """What keeps the image from being there, for the user to read."""


def docker(*arguments: str, folder: str = "") -> subprocess.CompletedProcess[str]:
    """Run the engine's client; `folder` has the configuration that it shall use."""
    environment = dict(os.environ, DOCKER_CONFIG=folder) if folder else None
    return subprocess.run(
        ["docker", *arguments],
        check=False,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def image_id(reference: str) -> str:
    """Return the id of an image that is on the host, or an empty text."""
    shown = docker("image", "inspect", "--format", "{{.Id}}", reference)
    return shown.stdout.strip() if shown.returncode == 0 else ""


def archived(path: str) -> dict[str, list[str]]:
    """Return the names of the images in an archive of `docker save` by their ids."""
    try:
        with tarfile.open(path) as archive:
            manifest = archive.extractfile("manifest.json")
            entries = json.load(manifest) if manifest else []
        return {"sha256:" + re.findall("[0-9a-f]{64}", one["Config"])[-1]: one.get("RepoTags") or [] for one in entries}
    except (OSError, tarfile.TarError, KeyError, IndexError, ValueError) as error:
        raise ImageError(f"{path} is no archive as `docker save` writes it: {error}") from error


def load(path: str, digest: str) -> dict[str, str]:
    """Load the image of that id from the archive; return which images had the archive's names before."""
    images = archived(path)
    if digest not in images:
        found = ", ".join(f"{one} ({' '.join(names) or 'no name'})" for one, names in images.items()) or "no image"
        raise ImageError(f"container.digest is {digest}, but the archive has {found}")
    before = {name: image_id(name) for names in images.values() for name in names}
    done = docker("load", "--input", path)
    if done.returncode != 0:
        raise ImageError(f"the archive cannot be loaded: {done.stdout.strip()}")
    return before


def pull(reference: str, access: str) -> None:
    """Pull the image, with a user and password that no file keeps."""
    with tempfile.TemporaryDirectory() as folder:
        if access:
            # A registry is what stands before the first / and has a dot, a colon or is localhost.
            first = reference.split("/", 1)[0]
            named = "/" in reference and (re.search("[.:]", first) or first == "localhost")
            registry = first if named else "https://index.docker.io/v1/"
            auth = base64.b64encode(access.encode()).decode()
            with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as config:
                json.dump({"auths": {registry: {"auth": auth}}}, config)
        done = docker("pull", "--quiet", reference, folder=folder if access else "")
    if done.returncode != 0:
        raise ImageError(f"{reference} cannot be pulled: {done.stdout.strip()}")


def ensure(wanted: dict[str, str], access: str) -> bool:
    """Have the image and the note of it; return whether it had to be brought."""
    bare = re.sub(r"(:[^/:@]+)?(@.*)?$", "", wanted["image"])
    reference = wanted["digest"] if wanted["archive"] else f"{bare}@{wanted['digest']}"
    changed = not image_id(reference)
    before: dict[str, str] = {}
    if changed and wanted["archive"]:
        before = load(wanted["archive"], wanted["digest"])
    elif changed:
        pull(reference, access)
    identity = image_id(reference)
    if not identity:
        raise ImageError(f"the engine does not know {reference} although it took it")
    tagged = docker("image", "tag", identity, wanted["tag"])
    if tagged.returncode != 0:
        raise ImageError(f"the image cannot be named {wanted['tag']}: {tagged.stdout.strip()}")
    # The archive's own names would keep its images when the release is long gone, or were another image's until now.
    for name, owner in before.items():
        if owner:
            docker("image", "tag", owner, name)
        else:
            docker("image", "rm", name)
    note = {
        "id": identity,
        "digest": wanted["digest"],
        "image": wanted["image"],
        "reference": reference,
        "tag": wanted["tag"],
    }
    # By a rename: a run that is killed leaves no half a note.
    written = wanted["output"] + ".new"
    with open(written, "w", encoding="utf-8") as output:
        json.dump(note, output, indent=2, sort_keys=True)
        output.write("\n")
    os.chmod(written, 0o644)
    os.replace(written, wanted["output"])
    return changed


def prune(wanted: dict[str, str]) -> bool:
    """Remove the images of the application whose release has no folder any more; return whether there were any."""
    listed = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", wanted["prune"])
    if listed.returncode != 0:
        raise ImageError(f"the images cannot be listed: {listed.stdout.strip()}")
    prefix = f"{wanted['prune']}:{wanted['application']}_"
    kept = {prefix + name.replace("+", "_") for name in os.listdir(wanted["releases"])}
    gone = [tag for tag in listed.stdout.split() if tag.startswith(prefix) and tag not in kept]
    for tag in gone:
        shown = docker("image", "inspect", "--format", "{{json .RepoTags}}|{{json .RepoDigests}}", tag)
        tags, digests = (shown.stdout.strip() + "|").split("|")[:2]
        # An image that somebody else has named is left to them.
        own = shown.returncode == 0 and not set(json.loads(tags)) - set(gone)
        removed = docker("image", "rm", *(json.loads(digests) if own else []), tag)
        if removed.returncode != 0 and image_id(tag):
            raise ImageError(f"the image {tag} cannot be removed: {removed.stdout.strip()}")
    return bool(gone)


def main() -> None:
    """Read the arguments, print the answer."""
    wanted = json.loads(sys.argv[1])
    access = "" if "prune" in wanted else json.load(sys.stdin)
    answer = {"error": "", "changed": False}
    try:
        answer["changed"] = prune(wanted) if "prune" in wanted else ensure(wanted, access)
    except (ImageError, OSError) as error:
        text = str(error)
        password = access.partition(":")[2]
        answer["error"] = text.replace(password, "***") if password else text
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
