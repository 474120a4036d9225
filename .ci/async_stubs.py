"""Write python/zato_sso/aio.pyi from _core.pyi: the same tree, with every call awaitable.

With --check it writes nothing, and fails if the file is not up to date.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "python" / "zato_sso"
SOURCE = PACKAGE / "_core.pyi"
TARGET = PACKAGE / "aio.pyi"
ABOUT = "Single sign-on over one database, for asyncio: every call is awaitable and none blocks the event loop."
HEADER = '''"""Single sign-on for asyncio: the tree of `zato_sso.SSO` with every call awaitable."""

# Written by .ci/async_stubs.py from _core.pyi: change that one, and run it with Python.

'''
# The imports that the tree may need, in sorted order.
IMPORTS = {
    "": ["datetime", "os"],
    "collections.abc": ["Iterable", "Mapping", "Sequence"],
    "typing": ["Any", "final", "type_check_only"],
    "typing_extensions": ["Self"],
    "zato_sso._core": [
        "AccessTokenCtx",
        "AttrEntity",
        "Hooks",
        "ImportSummary",
        "Session",
        "SessionInfo",
        "User",
        "_JSON",
        "_RemoteAddr",
        "_Secret",
    ],
    "zato_sso.ctx": ["SearchCtx", "SignupCtx"],
}


def awaitable(lines: list[str], method: ast.FunctionDef) -> list[str]:
    """The lines of a method, with its decorators, as an awaitable method."""
    first = min([method.lineno, *(decorator.lineno for decorator in method.decorator_list)])
    text = lines[first - 1 : method.end_lineno]
    if method.decorator_list or method.name == "__new__":
        return text
    name = re.sub("^__(enter|exit)__$", r"__a\1__", method.name)
    text[0] = text[0].replace(f"def {method.name}(", f"async def {name}(", 1)
    return text if method.name != "close" else ["    async def open(self) -> None: ...", *text]


def class_of(lines: list[str], node: ast.ClassDef) -> list[str]:
    """The lines of a class of the tree, with its calls awaitable."""
    is_branch = node.name != "SSO"
    about = (ast.get_docstring(node) or "") if is_branch else ABOUT
    text = ["@final", *(["@type_check_only"] if is_branch else []), f"class {node.name}:", f'    """{about}"""', ""]
    for method in node.body:
        if isinstance(method, ast.FunctionDef):
            text += awaitable(lines, method)
    return [*text, ""]


def generate(source: str) -> str:
    """The stubs of the awaitable tree, not yet formatted."""
    lines = source.splitlines()
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    tree = [node for node in classes if node.name == "SSO" or node.name.endswith("API")]
    body = "\n".join(line for node in tree for line in class_of(lines, node))
    # Both trees share the classes of users and sessions, but not the calls of their attributes.
    body = re.sub(r"-> (User|Session)\b", r"-> \1[AttrAPI]", body)
    for node in tree[1:]:
        body = re.sub(rf"\b{node.name}\b", f"_{node.name}", body)
    imports = []
    for module, names in IMPORTS.items():
        used = [name for name in names if re.search(rf"\b{name}\b", body)]
        if module and used:
            imports.append(f"from {module} import {', '.join(used)}")
        else:
            imports += [f"import {name}" for name in used]
    return HEADER + "\n".join(imports) + '\n\n__all__ = ["SSO"]\n\n' + body


def tidied(text: str) -> str:
    """The text, formatted and with sorted imports like all Python code here."""
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        text = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(TARGET), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return text


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Write the stubs of zato_sso.aio from those of zato_sso.")
    parser.add_argument("--check", action="store_true", help="change nothing, fail where they differ")
    arguments = parser.parse_args()
    text = tidied(generate(SOURCE.read_text(encoding="utf-8")))
    if not arguments.check:
        TARGET.write_text(text, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        print(f"{TARGET.name} does not follow {SOURCE.name}: run python .ci/async_stubs.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
