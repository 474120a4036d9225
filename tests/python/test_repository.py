"""What holds for the files of the repository, whatever is in them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 600
TOP_LEVEL = {
    *(".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "Cargo.lock", "Cargo.toml", "LICENSE-APACHE"),
    *(
        "LICENSE-MIT",
        "Makefile",
        "README.md",
        "SECURITY.md",
        "benches",
        "clippy.toml",
        "deny.toml",
        "docs",
        "examples",
        "mkdocs.yml",
        "pyproject.toml",
        "python",
    ),
    *("rustfmt.toml", "src", "tests"),
}
# Written so that they do not match themselves.
MACHINE_PATHS = re.compile(r"(?<![\w.~}:])(/(home|Users)/\w|/(root|work|builds)/\w|[/](tmp|var/tmp)/\w|[A-Z]:\\Users)")
REGISTRY_HOSTS = re.compile(r"\b(pypi|files\.pythonhosted|static\.crates|index\.crates|registry\.npmjs)\.(org|io)\b")


def tracked() -> list[Path]:
    """The files that are in git, or would be with the next commit."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.fail("this is no clone: the tests look at what git tracks")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def lines_with(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    found = []
    for path in files:
        for number, line in enumerate(path.read_bytes().decode(errors="replace").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    return found


def test_nothing_names_a_path_of_a_machine() -> None:
    assert lines_with(MACHINE_PATHS, tracked()) == []


@pytest.mark.parametrize("folder", ["home/someone", "Users/someone", "root/clone", "work/repo", "tmp/build"])
def test_a_path_of_a_machine_would_be_found(folder: str) -> None:
    for before in ("", "see ", '"', "file://", "sqlite:////", "="):
        assert MACHINE_PATHS.search(f"{before}/{folder}/x".replace("////", "///")), before


@pytest.mark.parametrize("text", ["tests/home/x", "~/tmp/x", "https://example.org/tmp/x", "$PWD/tmp/x", "/"])
def test_other_paths_are_fine(text: str) -> None:
    assert not MACHINE_PATHS.search(text)


def test_nothing_names_the_host_of_a_registry() -> None:
    # Cargo.lock names the index that cargo itself knows.
    assert lines_with(REGISTRY_HOSTS, [path for path in tracked() if path.name != "Cargo.lock"]) == []


def test_the_top_level_stays_clean() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} - TOP_LEVEL == set()


def test_no_source_file_is_long() -> None:
    # Stubs mirror a module, however many names it has.
    lengths = {path: path.read_bytes().count(b"\n") for path in tracked() if path.suffix in {".rs", ".py"}}
    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > MAX_LINES} == {}


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in tracked():
        if page.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_both_builds_share_their_dependencies() -> None:
    # docs/decisions/010: what differs is compiled twice.
    def crates(features: str) -> set[str]:
        command = ["cargo", "tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p} {f}"]
        command += ["--no-default-features", "--features", features]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return {line.removesuffix(" (*)") for line in done.stdout.splitlines()}

    own = ("zato_sso ", "pyo3", "inventory ", "target-lexicon ")
    command, package = crates("server"), crates("extension-module,server")
    assert {crate for crate in command ^ package if not crate.startswith(own)} == set()
