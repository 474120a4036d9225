"""What the documentation site has beside the pages of docs/; a hook of MkDocs, see mkdocs.yml.

Pages that are made here: the reference of Python from the type stubs, the reference of REST from docs/openapi.json, the
examples, and files of the repository that pages link to. Links that lead out of docs/ lead to these.
"""

from __future__ import annotations

import ast
import json
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).resolve().parent))

from docs_pictures import picture_of  # noqa: E402

# Files of the repository that are pages. One has another name, which differs from security.md in more than case.
COPIED = {"CHANGELOG.md": "CHANGELOG.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "SECURITY.md": "reporting.md"}
LANGUAGES = {".py": "python", ".toml": "toml", ".html": "html", ".md": "markdown"}
# A browser refuses what a page would load from elsewhere.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'"
)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
MERMAID = re.compile(r"^```mermaid\n(sequenceDiagram\n.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
CELL_CODE = re.compile(r"`[^`\n]*`")

# The pages of the reference of Python that are no branches of the tree: what each is about, and what it shows.
PYTHON = {
    "objects": (
        "Objects",
        "What calls take and return.",
        [
            *("SearchCtx", "SignupCtx", "AuditSearchCtx", "User", "Session", "SessionInfo", "Token"),
            *("AttrEntity", "AttrAPI", "AccessTokenCtx"),
        ],
    ),
    "errors": (
        "Exceptions",
        "[What each means](../../python.md#errors).",
        ["ValidationError", "InvalidTOTPError", "BackendError", "InternalError"],
    ),
    "names": ("Constants", "Names for arguments and codes.", ["const", "status_code"]),
    "web": (
        "Web frameworks",
        "The adapters; [how to use them](../../web.md).",
        [
            "fastapi.ZatoSSO",
            "starlette.ZatoSSO",
            "flask.SSOExtension",
            "web.settings.Settings",
            "asgi.Application",
            "wsgi.Application",
            "django.backend.Backend",
            "django.middleware.Middleware",
            "django.mixins",
            "django.drf",
        ],
    ),
    "testing": ("pytest", "The plugin; [its fixtures](../../web.md#pytest).", ["testing.Clock", "testing.Outbox"]),
}
# What is imported from the package, and defined in a module whose name is private or long.
CORE = {"SSO", "User", "Session", "SessionInfo", "Token", "AttrEntity", "AttrAPI", "AccessTokenCtx", "ImportSummary"}
CORE |= {"Hooks"}
HOMES = {"SearchCtx": "ctx", "SignupCtx": "ctx", "AuditSearchCtx": "ctx"} | dict.fromkeys(PYTHON["errors"][2], "errors")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the pages that are made here into the navigation."""
    reference = next(section["Reference"] for section in config.nav or [] if "Reference" in section)
    reference.append({"Python, call by call": sorted(python_pages(), key=lambda page: "index" not in page)})
    reference.append({"REST, endpoint by endpoint": sorted(rest_pages(), key=lambda page: "index" not in page)})
    reference.append({"Examples": sorted(example_pages(), key=lambda page: "index" not in page)})
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the pages that are made here."""
    copied = {page: (ROOT / path).read_text(encoding="utf-8") for path, page in COPIED.items()}
    for path, text in {**copied, **python_pages(), **rest_pages(), **example_pages()}.items():
        files.append(File.generated(config, path, content=text))
    return files


def branches() -> dict[str, list[str]]:
    """The classes of each branch of the tree, with those that grow from it, by the name of the branch."""
    source = (ROOT / "python" / "zato_sso" / "_core.pyi").read_text(encoding="utf-8")
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}

    def grown(name: str) -> Iterator[tuple[str, str]]:
        for node in classes[name].body:
            if isinstance(node, ast.FunctionDef) and node.decorator_list and isinstance(node.returns, ast.Name):
                kind = node.returns.id
                if kind.endswith("API") and kind in classes:
                    yield node.name, kind

    found: dict[str, list[str]] = {}
    shown: set[str] = set()
    for branch, name in sorted(grown("SSO"), key=lambda pair: pair[0] != "session"):
        inner = [(f"{branch}.{path}", inside) for path, inside in grown(name)]
        here = [(branch, name), *((path, inside) for path, inside in inner if inside not in shown)]
        shown |= {inside for _, inside in here}
        found[branch] = [show(f"_core.{inside}", f"sso.{path}") for path, inside in here]
    return found


def show(path: str, heading: str) -> str:
    """What has mkdocstrings show a name of the package."""
    return f'::: zato_sso.{path}\n    options:\n      heading: "{heading}"\n      toc_label: "{heading}"\n'


def python_pages() -> dict[str, str]:
    """The reference of Python."""
    folder = "reference/python"
    pages = {
        f"{folder}/sso.md": page_of(
            "sso",
            "The object. `zato_sso.aio.SSO` is the same for `await`.",
            [
                show("_core.SSO", "zato_sso.SSO"),
                show("_core.Hooks", "sso.hooks"),
                show("_core.ImportSummary", "ImportSummary"),
            ],
        )
    }
    for branch, shown in branches().items():
        about = (
            "With `zato_sso.aio.SSO` each call is awaited. In a [bound tree](../../python.md#a-bound-tree) most "
            "arguments are filled in."
        )
        pages[f"{folder}/{branch}.md"] = page_of(f"sso.{branch}", about, shown)
    for name, (title, about, names) in PYTHON.items():
        shown = [show(f"{home_of(path)}", f"zato_sso.{path}") for path in names]
        pages[f"{folder}/{name}.md"] = page_of(title, about, shown)
    listed = "\n".join(f"- [{title_of(text)}]({path.rpartition('/')[2]})" for path, text in pages.items())
    pages[f"{folder}/index.md"] = (
        "# Python, call by call\n\nFrom the type stubs of the package, so what editors and `help()` show. "
        "[python.md](../../python.md) has the rules for all calls.\n\n"
        "`_Secret` is a str or bytes, `_RemoteAddr` an address or several, `_JSON` a JSON value.\n\n" + listed + "\n"
    )
    return pages


def home_of(path: str) -> str:
    """Where a name is defined, below the package."""
    home = "_core" if path in CORE else HOMES.get(path)
    return f"{home}.{path}" if home else path


def page_of(title: str, about: str, parts: list[str]) -> str:
    """The text of a page."""
    return f"# {title}\n\n{about}\n\n" + "\n".join(parts)


def title_of(text: str) -> str:
    """The heading of a page."""
    return text.partition("\n")[0].removeprefix("# ")


def example_pages() -> dict[str, str]:
    """The files in examples/, one page for each folder."""
    pages: dict[str, str] = {}
    alone = []
    for path in sorted((ROOT / "examples").iterdir()):
        if path.is_dir() and not path.name.startswith("_"):
            about = (path / "README.md").read_text(encoding="utf-8")
            files = [file for file in sorted(path.rglob("*")) if file.suffix in LANGUAGES and file.name != "README.md"]
            sources = [
                source_of(file, str(file.relative_to(path))) for file in files if file.parent.name != "__pycache__"
            ]
            pages[f"examples/{path.name}.md"] = about + "\n" + "\n".join(sources)
        elif path.suffix in LANGUAGES:
            alone.append(source_of(path, path.name))
    listed = "\n".join(f"- [{title_of(text)}]({path.rpartition('/')[2]})" for path, text in pages.items())
    pages["examples/index.md"] = (
        f"# Examples\n\nWhole applications, which the tests start and use as their pages say:\n\n{listed}\n\n"
        + "\n".join(alone)
    )
    return pages


def source_of(path: Path, name: str) -> str:
    """A file, with its name as a heading."""
    return f"## {name}\n\n````{LANGUAGES[path.suffix]}\n{path.read_text(encoding='utf-8')}````\n"


DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, with references followed and `allOf` merged."""
    while "$ref" in node:
        target: Any = DOCUMENT
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = target
    if "allOf" in node:
        parts = [resolved(part) for part in node["allOf"]]
        properties = {name: value for part in parts for name, value in part.get("properties", {}).items()}
        return {
            "type": "object",
            "properties": properties,
            "required": [n for p in parts for n in p.get("required", [])],
        }
    return node


def kind_of(schema: dict[str, Any]) -> str:
    """A type in words."""
    if "$ref" in schema and "enum" in resolved(schema):
        return str(schema["$ref"].rpartition("/")[2]).lower()
    schema = resolved(schema)
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(kind_of(option) for option in schema[union]))
    kind = schema.get("type", "any JSON")
    kinds = [kind] if isinstance(kind, str) else list(kind)
    if "array" in kinds and "items" in schema:
        return f"list of {kind_of(schema['items'])}"
    text = " or ".join(kinds)
    return f"{text}, {schema['format']}" if schema.get("format") not in {None, "password"} else text


def rows(schema: dict[str, Any], before: str = "") -> Iterator[tuple[str, str, bool, str]]:
    """The elements of an object, those of objects inside it too: name, type, whether it is required, meaning."""
    schema = resolved(schema)
    for name, anything in schema.get("properties", {}).items():
        # True is the schema of any JSON.
        value = anything if isinstance(anything, dict) else {}
        is_required = name in schema.get("required", [])
        inside = resolved(value)
        about = " ".join(str(value.get("description", inside.get("description", ""))).split()).replace("|", "\\|")
        yield f"{before}{name}", kind_of(value), is_required, about
        if inside.get("properties") and before.count(".") < 3:
            yield from rows(inside, f"{before}{name}.")
        elif (items := resolved(inside.get("items") or {})).get("properties") and before.count(".") < 3:
            yield from rows(items, f"{before}{name}[].")


def table(heads: list[str], lines: list[list[str]]) -> str:
    """A table, or nothing."""
    if not lines:
        return ""
    head = f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
    return head + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def endpoint_of(method: str, path: str, operation: dict[str, Any]) -> str:
    """One endpoint."""
    text = f"## {method.upper()} {path}\n\n{operation.get('summary', '')}.\n\n"
    if operation.get("description"):
        text += f"{operation['description']}\n\n"
    taken = []
    for found in operation.get("parameters", []):
        parameter = resolved(found)
        about = " ".join(parameter.get("description", "").split())
        kind = kind_of(parameter.get("schema", {}))
        taken.append(
            [f"`{parameter['name']}`", parameter["in"], kind, "yes" if parameter.get("required") else "", about]
        )
    body = resolved(operation.get("requestBody") or {}).get("content", {}).get("application/json", {}).get("schema", {})
    for name, kind, is_required, about in rows(body):
        taken.append([f"`{name}`", "body", kind, "yes" if is_required else "", about])
    text += table(["element", "in", "type", "required", "meaning"], taken) or "It takes nothing.\n\n"
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            schema = resolved(answer).get("content", {}).get("application/json", {}).get("schema", {})
            answers = [
                [f"`{name}`", kind, "yes" if always else "", about] for name, kind, always, about in rows(schema)
            ]
            text += f"**{status}**: {resolved(answer)['description']}\n\n"
            text += table(["element", "type", "always", "meaning"], answers)
    others = [
        f"{status}: {resolved(answer)['description']}"
        for status, answer in operation["responses"].items()
        if status[0] != "2"
    ]
    return text + "".join(f"- {other}\n" for other in others) + "\n"


def rest_pages() -> dict[str, str]:
    """The reference of REST, one page for each tag."""
    folder = "reference/rest"
    pages = {}
    for tag in DOCUMENT["tags"]:
        endpoints = [
            endpoint_of(method, path, operation)
            for path, methods in DOCUMENT["paths"].items()
            for method, operation in methods.items()
            if tag["name"] in operation["tags"]
        ]
        pages[f"{folder}/{tag['name'].lower().replace(' ', '-')}.md"] = f"# {tag['name']}\n\n" + "\n".join(endpoints)
    listed = "\n".join(f"- [{title_of(text)}]({path.rpartition('/')[2]})" for path, text in pages.items())
    pages[f"{folder}/index.md"] = (
        f"# REST, endpoint by endpoint\n\n{DOCUMENT['info']['description']}\n\n[rest.md](../../rest.md) has the rules, "
        f"and [openapi.json](../../openapi.json) is the document that these pages are made from.\n\n{listed}\n"
    )
    return pages


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads links to pages of the site, draws diagrams, and writes tables as MkDocs reads them."""
    path = page.file.src_uri
    markdown = MERMAID.sub(lambda found: picture_of(found[1]), markdown)
    at, text = 0, []
    for fence in FENCE.finditer(markdown):
        text += [prose(markdown[at : fence.start()], path), fence[0]]
        at = fence.end()
    return "".join([*text, prose(markdown[at:], path)])


def prose(markdown: str, path: str) -> str:
    """The text between blocks of code."""
    lines = []
    for line in markdown.split("\n"):
        if line.startswith("|"):
            # GitHub wants bars in code escaped, MkDocs does not.
            line = CELL_CODE.sub(lambda code: code[0].replace("\\|", "|"), line)
        lines.append(LINK.sub(lambda link: target_of(link[1], path), line))
    return "\n".join(lines)


def target_of(link: str, path: str) -> str:
    """Where a link leads in the site."""
    origin = next((source for source, copy in COPIED.items() if copy == path), f"docs/{path}")
    if path.startswith("examples/"):
        origin = path
    found = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))
    if found == "examples":
        found = "examples/index.md"
    elif found.startswith("examples/") and not found.endswith(".md"):
        found = f"{'/'.join(found.split('/')[:2]).removesuffix('.py')}.md"
    found = COPIED.get(found, found.removeprefix("docs/"))
    return posixpath.relpath(found, posixpath.dirname(path) or ".")


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Takes the roles out of docstrings, which mkdocstrings leaves as they are."""
    return re.sub(r":(?:meth|class|attr|func|exc):(?=<code>)", "", html)


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:
    """Adds the policy."""
    return with_policy(output)


def on_post_template(output: str, *, template_name: str, config: MkDocsConfig) -> str:
    """The same for the page about what is not there."""
    return with_policy(output) if template_name.endswith(".html") else output


def with_policy(output: str) -> str:
    """A page that lets a browser load only what comes with the site."""
    return output.replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">', 1)
