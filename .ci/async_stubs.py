"""Write the stubs that follow from _core.pyi: its own docstrings, and those of `aio` and `bound`.

The docstrings of methods come from the built package, so that editors show what `help()` does. aio.pyi has the same
tree with every call awaitable, bound.pyi has both trees with the arguments of a request filled in, and of each
docstring the first paragraph. With --check it writes nothing, and fails if a file is not up to date.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "python" / "zato_sso"
SOURCE = PACKAGE / "_core.pyi"
TARGET = PACKAGE / "aio.pyi"
BOUND = PACKAGE / "bound.pyi"
ABOUT = "Single sign-on over one database, for asyncio: every call is awaitable and none blocks the event loop."
HEADER = '''"""Single sign-on for asyncio: the tree of `zato_sso.SSO` with every call awaitable."""

# Written by .ci/async_stubs.py from _core.pyi: change that one, and run it with Python.

'''
# The imports that the tree may need, in sorted order.
IMPORTS = {
    "": ["datetime", "os"],
    "collections.abc": ["Awaitable", "Iterable", "Mapping", "Sequence"],
    "typing": ["Any", "final", "type_check_only"],
    "typing_extensions": ["Self", "TypedDict", "Unpack"],
    "zato_sso.bound": ["AsyncBoundSSO"],
    "zato_sso._core": [
        "AccessTokenCtx",
        "AttrEntity",
        "Hooks",
        "ImportSummary",
        "Passkey",
        "Session",
        "SessionInfo",
        "Token",
        "User",
        "_JSON",
        "_RemoteAddr",
        "_Secret",
    ],
    "zato_sso.ctx": ["AuditSearchCtx", "SearchCtx", "SignupCtx"],
}


def awaitable(lines: list[str], method: ast.FunctionDef) -> list[str]:
    """The lines of a method, with its decorators, as an awaitable method."""
    first = min([method.lineno, *(decorator.lineno for decorator in method.decorator_list)])
    text = lines[first - 1 : method.end_lineno]
    if method.decorator_list or method.name in {"__new__", "bind"}:
        return text
    name = re.sub("^__(enter|exit)__$", r"__a\1__", method.name)
    # The user of a token is read when it is asked for.
    text = [re.sub(r"\bToken\[(.+)\]:$", r"Token[Awaitable[\1]]:", line) for line in text]
    text[0] = text[0].replace(f"def {method.name}(", f"async def {name}(", 1)
    return text if method.name != "close" else ["    async def open(self) -> None: ...", *text]


def class_of(lines: list[str], node: ast.ClassDef) -> list[str]:
    """The lines of a class of the tree, with its calls awaitable."""
    is_branch = node.name != "SSO"
    is_private = is_branch and node.name != "AttrAPI"
    about = (ast.get_docstring(node) or "") if is_branch else ABOUT
    text = ["@final", *(["@type_check_only"] if is_private else []), f"class {node.name}:", f'    """{about}"""', ""]
    for method in node.body:
        if isinstance(method, ast.FunctionDef):
            text += awaitable(lines, method)
    return [*text, ""]


def tree_of(source: str) -> list[ast.ClassDef]:
    """The classes of the tree."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    return [node for node in classes if node.name == "SSO" or node.name.endswith("API")]


def private(body: str, tree: list[ast.ClassDef]) -> str:
    """The text, in which the branches of the tree have private names."""
    for node in tree[1:]:
        if node.name != "AttrAPI":
            body = re.sub(rf"\b{node.name}\b", f"_{node.name}", body)
    return body


def imports_of(body: str) -> str:
    """The imports that this text needs."""
    imports = []
    for module, names in IMPORTS.items():
        used = [name for name in names if re.search(rf"\b{name}\b", body)]
        if module and used:
            imports.append(f"from {module} import {', '.join(used)}")
        else:
            imports += [f"import {name}" for name in used]
    return "\n".join(imports)


def generate(source: str) -> str:
    """The stubs of the awaitable tree, not yet formatted."""
    lines, tree = source.splitlines(), tree_of(source)
    body = "\n".join(line for node in tree for line in class_of(lines, node))
    body = private(re.sub(r"\bBoundSSO\b", "AsyncBoundSSO", body), tree)
    return HEADER + imports_of(body) + '\n\n__all__ = ["SSO", "AttrAPI"]\n\n' + body


# What `zato_sso.bound` fills in; in every call but a few the first three.
CONTEXT = {"cid": "str", "current_app": "str | None", "remote_addr": "_RemoteAddr | None"}
FILLED = {*CONTEXT, "user_agent", "current_ust"}


def kind_of(filled: list[ast.arg], kinds: dict[str, str]) -> str:
    """The name of the TypedDict with these arguments; it is added to the kinds where it is new."""
    fields = {argument.arg: ast.unparse(argument.annotation or ast.Name("Any")) for argument in filled}
    is_usual = fields.items() >= CONTEXT.items()
    more = {name: kind for name, kind in fields.items() if not is_usual or name not in CONTEXT}
    parts = [name.title().replace("_", "") + ("OrNone" if "None" in kind else "") for name, kind in more.items()]
    name, base = "_With" + "".join(parts), "_Context" if is_usual else "TypedDict"
    if not more:
        return base
    body = "".join(f"    {name}: {kind}\n" for name, kind in more.items())
    kinds[name] = f"@type_check_only\nclass {name}({base}, total=False):\n{body}"
    return name


def bound(method: ast.FunctionDef, kinds: dict[str, str]) -> None:
    """Makes the arguments that are filled in ones that may be named, and keeps the first paragraph of the docstring."""
    arguments = method.args
    usual, named = list(arguments.args), list(arguments.kwonlyargs)
    defaults = [*[None] * (len(usual) - len(arguments.defaults)), *arguments.defaults]
    given = [*zip(usual, defaults, strict=True), *zip(named, arguments.kw_defaults, strict=True)]
    names = {argument.arg for argument, _ in given}
    filled = [
        argument
        for argument, default in given
        if argument.arg in FILLED
        or (argument.arg == "ust" and "current_ust" not in names and default is None)
        or (argument.arg == "target_ust" and argument in named)
    ]
    kept = [pair for pair in given if pair[0] not in filled]
    others = [(argument, default) for argument, default in kept if argument in named]
    kept = [pair for pair in kept if pair not in others]
    arguments.args = [argument for argument, _ in kept]
    arguments.defaults = [default for _, default in kept if default is not None]
    arguments.kwonlyargs = [argument for argument, _ in others]
    arguments.kw_defaults = [default for _, default in others]
    if filled:
        arguments.kwarg = ast.arg("filled", ast.parse(f"Unpack[{kind_of(filled, kinds)}]", mode="eval").body)
    if about := ast.get_docstring(method):
        method.body = [ast.Expr(ast.Constant(about.partition("\n\n")[0]))]


def bound_class(node: ast.ClassDef, root: str, is_awaitable: bool, kinds: dict[str, str]) -> str:
    """A class of the tree with arguments filled in."""
    is_branch = node.name != "SSO"
    body: list[ast.stmt] = []
    for method in node.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        if method.decorator_list:
            if ast.unparse(method.decorator_list[0]) != "property":
                continue
        elif is_branch:
            bound(method, kinds)
        elif method.name not in {"bind", "import_users"}:
            continue
        elif method.name == "import_users":
            result = "Awaitable[ImportSummary]" if is_awaitable else "ImportSummary"
            call = f"class C:\n    @property\n    def import_users(self) -> Callable[..., {result}]:\n        ..."
            (made,) = ast.parse(call).body
            assert isinstance(made, ast.ClassDef)
            assert isinstance(made.body[0], ast.FunctionDef)
            made.body[0].body = [ast.Expr(ast.Constant("`sso.import_users`, which takes none of these arguments."))]
            body.append(made.body[0])
            continue
        else:
            method.args.kw_defaults = [ast.Constant(...) for _ in method.args.kwonlyargs]
        body.append(method)
    if not is_branch:
        extra = """class C:
    def __init__(self, tree: Any, values: dict[str, Any]) -> None:
        'Private: call `SSO.bind`.'
    @property
    def cid(self) -> str:
        'The correlation ID of the calls.'
    @property
    def is_signed_in(self) -> bool:
        'Whether a session token is bound; it may be one that is not valid any more.'
"""
        (made,) = ast.parse(extra).body
        assert isinstance(made, ast.ClassDef)
        body += made.body
    about = ast.Expr(ast.Constant(ast.get_docstring(node) if is_branch else "The tree, with arguments filled in."))
    name = node.name if is_branch else root
    decorators: list[ast.expr] = [ast.Name("type_check_only")] if is_branch else []
    made = ast.ClassDef(name=name, bases=[], keywords=[], body=[about, *body], decorator_list=decorators)
    text = ast.unparse(ast.fix_missing_locations(made))
    if is_awaitable and is_branch:
        text = re.sub(r"(?m)^    def (?=\w+\()", "    async def ", text)
        text = re.sub(r"\bToken\[(.+)\]:$", r"Token[Awaitable[\1]]:", text, flags=re.MULTILINE)
        text = re.sub(r"(?m)(^    @property\n    )async ", r"\1", text)
    return text


def generate_bound(source: str) -> str:
    """The stubs of both trees with arguments filled in, not yet formatted."""
    parts: list[str] = []
    kinds: dict[str, str] = {}
    for root, prefix, attr in (("BoundSSO", "_", "AttrAPI"), ("AsyncBoundSSO", "_Async", "AsyncAttrAPI")):
        tree = [node for node in tree_of(source) if node.name != "AttrAPI"]
        body = "\n\n".join(bound_class(node, root, prefix == "_Async", kinds) for node in tree)
        body = re.sub(r"\bBoundSSO\b", root, body)
        for node in tree[1:]:
            body = re.sub(rf"\b{node.name}\b", f"{prefix}{node.name}", body)
        parts.append(re.sub(r"\bAttrAPI\b", attr, body))
    context = "".join(f"    {name}: {kind}\n" for name, kind in CONTEXT.items())
    usual = f"@type_check_only\nclass _Context(TypedDict, total=False):\n{context}"
    body = "\n\n".join([usual, *kinds.values(), *parts])
    header = HEADER.replace(
        "for asyncio: the tree of `zato_sso.SSO` with every call awaitable", "with arguments filled in"
    )
    imports = "\n".join(line for line in imports_of(body).splitlines() if "zato_sso.bound" not in line)
    more = "from collections.abc import Awaitable, Callable\nfrom zato_sso._core import AttrAPI\n"
    more += "from zato_sso.aio import AttrAPI as AsyncAttrAPI\n"
    return header + imports + "\n" + more + '\n__all__ = ["AsyncBoundSSO", "BoundSSO"]\n\n' + body


def with_docstrings(source: str) -> str:
    """The source, with the docstrings of methods and properties that the built package has."""
    from zato_sso import _core

    lines = source.splitlines()
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    methods = [(node.name, method) for node in classes for method in node.body if isinstance(method, ast.FunctionDef)]
    for class_name, method in reversed(methods):
        found = getattr(getattr(_core, class_name), method.name, None)
        text = inspect.cleandoc(found.__doc__ or "") if found is not None else ""
        if not text or (method.name.startswith("__") and method.name.endswith("__")):
            continue
        body = method.body[0]
        end = method.body[-1]
        start = lines[body.lineno - 1][: body.col_offset].rstrip()
        quoted = text.splitlines()
        doc = [f'"""{quoted[0]}', *quoted[1:], '"""'] if len(quoted) > 1 else [f'"""{text}"""']
        indented = textwrap.indent("\n".join(doc), " " * 8).splitlines()
        lines[body.lineno - 1 : end.end_lineno] = [*([start] if start else []), *indented]
    return "\n".join(lines) + "\n"


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
    parser = argparse.ArgumentParser(description="Write the stubs that follow from those of zato_sso._core.")
    parser.add_argument("--check", action="store_true", help="change nothing, fail where they differ")
    arguments = parser.parse_args()
    source = tidied(with_docstrings(SOURCE.read_text(encoding="utf-8")))
    stubs = {SOURCE: source, TARGET: tidied(generate(source)), BOUND: tidied(generate_bound(source))}
    for path, text in stubs.items():
        if not arguments.check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.name} does not follow {SOURCE.name}: run python .ci/async_stubs.py", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
