"""What is published: the source distribution, the bill of materials, the extras."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "maturin", "sdist", "--out", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (archive,) = folder.glob("zato_sso-*.tar.gz")
    assert archive.stat().st_size < 5_000_000
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def test_the_source_distribution_has_what_cargo_needs(source: Path) -> None:
    for name in (
        "Cargo.toml",
        "Cargo.lock",
        "pyproject.toml",
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "src/lib.rs",
    ):
        assert (source / name).is_file(), name
    for name in ("__init__.py", "_core.pyi", "py.typed", "django/templates/zato_sso/base.html"):
        assert (source / "python" / "zato_sso" / name).is_file(), name
    command = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]
    described = json.loads(subprocess.run(command, cwd=source, check=True, capture_output=True).stdout)
    (package,) = described["packages"]
    kinds = {kind for target in package["targets"] for kind in target["kind"]}
    assert {"rlib", "bin"} <= kinds


def test_the_source_distribution_has_nothing_else(source: Path) -> None:
    names = {path.name for path in source.iterdir()}
    assert names & {"docs", "tests", "benches", "examples", "target", ".venv", ".ci", "Makefile", "mkdocs.yml"} == set()
    built = [path for path in source.rglob("*") if path.suffix in {".so", ".pyc", ".db", ".key"}]
    assert built == []


def test_the_bill_of_materials_lists_what_is_compiled_in(tmp_path: Path) -> None:
    file = tmp_path / "zato_sso.cdx.json"
    script = ROOT / ".ci" / "wheel_papers.py"
    subprocess.run([sys.executable, str(script), "sbom", str(file)], check=True, capture_output=True)
    text = file.read_text(encoding="utf-8")
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    components = {component["name"]: component for component in bill["components"]}
    assert {"argon2", "chacha20poly1305", "ring", "rustls", "sqlx", "pyo3", "libsqlite3-sys", "sqlite"} <= set(
        components
    )
    # Only tests use these.
    assert components.keys() & {"criterion", "proptest", "insta", "tempfile"} == set()
    for component in bill["components"]:
        assert component["licenses"], component["name"]
        assert "hashes" in component or component["name"] == "sqlite", component["name"]
    references = {component["bom-ref"] for component in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    for dependency in bill["dependencies"]:
        assert {dependency["ref"], *dependency["dependsOn"]} <= references
    assert str(ROOT) not in text
    again = tmp_path / "again.json"
    subprocess.run([sys.executable, str(script), "sbom", str(again)], check=True, capture_output=True)
    assert again.read_text(encoding="utf-8") == text


def test_the_extras_are_those_of_the_page() -> None:
    metadata = importlib.metadata.metadata("zato-sso")
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\[([a-z]+)\]`", page))
    assert shown == set(metadata.get_all("Provides-Extra") or [])
    assert metadata["Requires-Python"] == ">=3.10"


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zato_sso", "--version"], env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["zato-sso", importlib.metadata.version("zato-sso")]
