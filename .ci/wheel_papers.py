"""What `make wheel` puts beside the wheel: a bill of materials, and a note of where it comes from.

wheel_papers.py sbom FILE          writes the bill of materials, in CycloneDX, which also goes into the wheel
wheel_papers.py provenance FOLDER  checks the wheel and the source distribution in a folder, and writes the note
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MAX_BYTES = 10_000_000
FEATURES = "extension-module,server"
# Not a path that anybody has: what a build leaves of the machine that it ran on.
OURS = [str(Path.home()), str(ROOT)]


def output_of(*command: str) -> str:
    """What a program prints."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def compiled() -> tuple[dict[str, dict[str, Any]], dict[str, list[str]], str]:
    """The crates that are compiled into the module: by their id, what each needs, and the id of our own."""
    host = re.search(r"host: (\S+)", output_of("rustc", "--version", "--verbose"))
    command = [
        "cargo",
        "metadata",
        "--locked",
        "--format-version",
        "1",
        "--no-default-features",
        "--features",
        FEATURES,
    ]
    found = json.loads(output_of(*command, "--filter-platform", host[1] if host else ""))
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    needs: dict[str, list[str]] = {}
    waiting = [found["resolve"]["root"]]
    while waiting:
        name = waiting.pop()
        if name not in needs:
            # Not those that only builds and tests need.
            uses = [each for each in nodes[name]["deps"] if any(kind["kind"] is None for kind in each["dep_kinds"])]
            needs[name] = [each["pkg"] for each in uses]
            waiting += needs[name]
    return {name: packages[name] for name in needs}, needs, found["resolve"]["root"]


def checksums() -> dict[tuple[str, str], str]:
    """SHA-256 of each crate, by name and version."""
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    found = re.findall(r'^name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "(\w+)"$', lock, re.MULTILINE)
    return {(name, version): checksum for name, version, checksum in found}


def purl_of(package: dict[str, Any]) -> str:
    """The name of a crate in a bill of materials."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component_of(package: dict[str, Any], known: dict[tuple[str, str], str]) -> dict[str, Any]:
    """A crate in the bill of materials."""
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl_of(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl_of(package),
    }
    if package["license"]:
        # Before SPDX had expressions, a slash said "or".
        component["licenses"] = [{"expression": re.sub(r" */ *", " OR ", package["license"])}]
    if checksum := known.get((package["name"], package["version"])):
        component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return component


def bundled_sqlite(packages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """SQLite itself, whose source is in a crate."""
    (crate,) = [package for package in packages.values() if package["name"] == "libsqlite3-sys"]
    header = Path(crate["manifest_path"]).parent / "sqlite3" / "sqlite3.h"
    version = re.search(r'#define SQLITE_VERSION +"([\d.]+)"', header.read_text(encoding="utf-8"))
    if version is None:
        raise SystemExit(f"no version in {header.name}")
    return {
        "type": "library",
        "bom-ref": f"pkg:generic/sqlite@{version[1]}",
        "name": "sqlite",
        "version": version[1],
        "purl": f"pkg:generic/sqlite@{version[1]}",
        "cpe": f"cpe:2.3:a:sqlite:sqlite:{version[1]}:*:*:*:*:*:*:*",
        "licenses": [{"license": {"name": "Public domain"}}],
    }


def bill() -> dict[str, Any]:
    """The bill of materials. It is the same for the same Cargo.lock."""
    packages, needs, root = compiled()
    known = checksums()
    sqlite = bundled_sqlite(packages)
    others = sorted((package for name, package in packages.items() if name != root), key=purl_of)
    dependencies = [
        {"ref": purl_of(packages[name]), "dependsOn": sorted({purl_of(packages[needed]) for needed in needed_by})}
        for name, needed_by in sorted(needs.items(), key=lambda item: purl_of(packages[item[0]]))
    ]
    for dependency in dependencies:
        if dependency["ref"].startswith("pkg:cargo/libsqlite3-sys@"):
            dependency["dependsOn"].append(sqlite["bom-ref"])
    content = {
        "metadata": {"component": {**component_of(packages[root], {}), "type": "library"}},
        "components": [*(component_of(package, known) for package in others), sqlite],
        "dependencies": dependencies,
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1}
    return {**head, **content}


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check(wheel: Path) -> None:
    """Ends the program if a wheel is too large, or shows where it was built."""
    if wheel.stat().st_size >= MAX_BYTES:
        raise SystemExit(f"{wheel.name} has {wheel.stat().st_size} bytes, and may have {MAX_BYTES}")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            for path in OURS:
                if path.encode() in content:
                    raise SystemExit(f"{wheel.name}: {name} names a path of this machine")


def provenance(folder: Path) -> dict[str, Any]:
    """A statement of in-toto with a predicate of SLSA: what the files were made from, and with. It is not signed."""
    files = sorted(path for path in folder.iterdir() if path.suffix in {".whl", ".gz"})
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.datetime.now(datetime.timezone.utc)
    if epoch:
        now = datetime.datetime.fromtimestamp(float(epoch), datetime.timezone.utc)
    tools = {
        "rustc": output_of("rustc", "--version"),
        "cargo": output_of("cargo", "--version"),
        "maturin": output_of(sys.executable, "-m", "maturin", "--version"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    commit = output_of("git", "rev-parse", "HEAD")
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": path.name, "digest": {"sha256": digest_of(path)}} for path in files],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:zato-sso:make-wheel",
                "externalParameters": {
                    "target": "make wheel",
                    "features": FEATURES,
                    "has_uncommitted_changes": output_of("git", "status", "--porcelain", "--untracked-files=no") != "",
                },
                "resolvedDependencies": [
                    {"name": "source", "digest": {"gitCommit": commit}},
                    {"name": "Cargo.lock", "digest": {"sha256": digest_of(ROOT / "Cargo.lock")}},
                ],
            },
            "runDetails": {
                "builder": {"id": "urn:zato-sso:unsigned", "version": tools},
                "metadata": {"finishedOn": now.isoformat(timespec="seconds")},
            },
        },
    }


def main() -> None:
    """Writes what the arguments ask for."""
    task, path = sys.argv[1], Path(sys.argv[2])
    if task == "sbom":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(bill(), indent=1) + "\n", encoding="utf-8")
        return
    (wheel,) = path.glob("*.whl")
    check(wheel)
    note = json.dumps(provenance(path), indent=1) + "\n"
    stem = "-".join(wheel.name.split("-")[:2])
    (path / f"{stem}.provenance.json").write_text(note, encoding="utf-8")
    shutil.copy(ROOT / "target" / "zato_sso.cdx.json", path / f"{stem}.cdx.json")


if __name__ == "__main__":
    main()
