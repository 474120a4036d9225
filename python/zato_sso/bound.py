"""The tree with arguments filled in, as `sso.bind()` returns it.

There is no copy of any method here. What a call takes is read from its signature, once for each method:

- `cid`, `current_app`, `remote_addr` and `user_agent` are what was bound, unless the call names another value.
- So is `current_ust`, and what takes its place in calls about the caller's own session: `ust` where it is needed, and
  the `target_ust` of attributes of sessions.
- All other arguments keep their order.
"""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from zato_sso._core import AsyncSSO

__all__ = ["AsyncBoundSSO", "BoundSSO"]

_CONTEXT: Final = frozenset({"cid", "current_app", "remote_addr", "user_agent"})
# The branches of branches.
_BRANCHES: Final = frozenset({"session", "attr", "recovery_code", "passkey", "grant"})


class _Plan(NamedTuple):
    """How the arguments of a call come about."""

    call: Callable[..., Any]
    """The method, whose first argument is the branch."""

    given: tuple[str, ...]
    """The arguments that are given by position, in order."""

    filled: tuple[tuple[str, str], ...]
    """The arguments that are filled in, and with what."""


@cache
def _plan(branch: type, name: str) -> _Plan:
    call: Callable[..., Any] = getattr(branch, name)
    # Without `self`.
    parameters = list(inspect.signature(call).parameters.values())[1:]
    names = {parameter.name for parameter in parameters}
    filled: dict[str, str] = {}
    for parameter in parameters:
        if parameter.name in _CONTEXT or parameter.name == "current_ust":
            filled[parameter.name] = parameter.name
        elif (
            parameter.name == "ust" and "current_ust" not in names and parameter.default is inspect.Parameter.empty
        ) or (parameter.name == "target_ust" and parameter.kind is inspect.Parameter.KEYWORD_ONLY):
            filled[parameter.name] = "current_ust"
    given = tuple(
        parameter.name
        for parameter in parameters
        if parameter.name not in filled and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    )
    return _Plan(call, given, tuple(filled.items()))


class _Call:
    """A method of a branch, with arguments filled in."""

    __slots__ = ("_branch", "_name", "_plan", "_values")

    def __init__(self, branch: object, name: str, values: dict[str, Any]) -> None:
        self._branch, self._name, self._values = branch, name, values
        self._plan = _plan(type(branch), name)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        given, filled = self._plan.given, self._plan.filled
        if len(args) > len(given):
            raise TypeError(f"{self._name}() takes {len(given)} positional arguments but {len(args)} were given")
        # Without a token, a call that needs one says so itself.
        arguments = {
            name: self._values[source]
            for name, source in filled
            if source in _CONTEXT or self._values[source] is not None
        }
        positional = dict(zip(given, args))  # noqa: B905 - fewer are given than there are
        if twice := positional.keys() & kwargs.keys():
            raise TypeError(f"{self._name}() got multiple values for argument {min(twice)!r}")
        return self._plan.call(self._branch, **{**arguments, **positional, **kwargs})

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self._plan.call.__doc__

    @property
    def __name__(self) -> str:
        return self._name

    @property
    def __signature__(self) -> inspect.Signature:
        signature = inspect.signature(self._plan.call)
        filled = {name for name, _ in self._plan.filled}
        parameters = list(signature.parameters.values())[1:]
        usual = [parameter for parameter in parameters if parameter.name not in filled]
        named = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, default=None)
            for parameter in parameters
            if parameter.name in filled
        ]
        return signature.replace(parameters=[*usual, *named])

    def __repr__(self) -> str:
        return f"<bound {type(self._branch).__name__}.{self._name}>"


class _Branch:
    """A branch of the tree, whose calls have arguments filled in."""

    __slots__ = ("_branch", "_values")

    def __init__(self, branch: object, values: dict[str, Any]) -> None:
        self._branch, self._values = branch, values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self._branch).__name__!r} object has no attribute {name!r}")
        if name in _BRANCHES:
            return _Branch(getattr(self._branch, name), self._values)
        if not hasattr(type(self._branch), name):
            raise AttributeError(f"{type(self._branch).__name__!r} object has no attribute {name!r}")
        return _Call(self._branch, name, self._values)

    def __dir__(self) -> list[str]:
        return [name for name in dir(self._branch) if not name.startswith("_")]

    def __repr__(self) -> str:
        return f"<bound {type(self._branch).__name__}>"

    def __reduce__(self) -> str:
        raise TypeError("a bound tree cannot be pickled or copied: it holds a token")


def _branch(name: str) -> Any:
    def branch(self: BoundSSO) -> Any:
        return _Branch(getattr(self._tree, name), self._values)

    branch.__doc__ = f"`sso.{name}`, with arguments filled in."
    return property(branch)


class BoundSSO:
    """The tree of an `SSO` with arguments filled in; see `SSO.bind`."""

    __slots__ = ("_tree", "_values")

    def __init__(self, tree: Any, values: dict[str, Any]) -> None:
        """Private: call `SSO.bind`."""
        self._tree, self._values = tree, values

    user = _branch("user")
    session = _branch("session")
    password_reset = _branch("password_reset")
    totp = _branch("totp")
    audit = _branch("audit")
    group = _branch("group")
    client = _branch("client")
    token = _branch("token")
    site = _branch("site")
    identity = _branch("identity")

    @property
    def hooks(self) -> Any:
        """The hooks of the tree."""
        return self._tree.hooks

    @property
    def import_users(self) -> Any:
        """`sso.import_users`, which takes none of these arguments."""
        return self._tree.import_users

    @property
    def cid(self) -> str:
        """The correlation ID of the calls."""
        cid: str = self._values["cid"]
        return cid

    @property
    def is_signed_in(self) -> bool:
        """Whether a session token is bound; it may be one that is not valid any more."""
        return self._values["current_ust"] is not None

    def bind(self, **other: Any) -> BoundSSO:
        """The same tree with some of these arguments changed: `current_ust` after a login, for instance."""
        if unknown := other.keys() - self._values.keys():
            raise TypeError(f"bind() got an unexpected keyword argument {min(unknown)!r}")
        return type(self)(self._tree, {**self._values, **other})

    def __repr__(self) -> str:
        return f"<bound {self._tree!r}, cid={self.cid!r}>"

    def __reduce__(self) -> str:
        raise TypeError("a bound tree cannot be pickled or copied: it holds a token")


class AsyncBoundSSO(BoundSSO):
    """The tree of a `zato_sso.aio.SSO` with arguments filled in: every call is awaitable."""

    __slots__ = ()


def bind(
    tree: object, cid: object, current_app: object, remote_addr: object, user_agent: object, current_ust: object
) -> BoundSSO:
    """The tree with these arguments filled in."""
    values = {
        "cid": cid or uuid.uuid4().hex,
        "current_app": current_app,
        "remote_addr": remote_addr,
        "user_agent": user_agent,
        "current_ust": current_ust or None,
    }
    return (AsyncBoundSSO if isinstance(tree, AsyncSSO) else BoundSSO)(tree, values)
