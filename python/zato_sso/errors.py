"""The exceptions that calls raise."""

from __future__ import annotations

# As `typing.TYPE_CHECKING`; nothing else here needs `typing`, which takes longer to import than the compiled module.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final
else:
    Any = Final = object

__all__ = ["BackendError", "InternalError", "InvalidTOTPError", "ValidationError"]


# The HTTP status of a code: that of the code itself, else that of its group, which is the code without its last three
# digits.
_STATUS: Final = {
    "E001": 400,
    "E001002": 409,
    "E001100": 404,
    "E002": 400,
    "E002002": 409,
    "E003": 400,
    "E003004": 403,
    "E003006": 403,
    "E003007": 403,
    "E004": 403,
    "E005": 403,
    "E005006": 400,
    "E005007": 409,
    "E005009": 429,
    "E006": 403,
    "E007": 401,
    "E008": 400,
    "E008004": 500,
    "E009001": 409,
    "E009002": 404,
    "E013001": 404,
    "E013002": 409,
    "E014001": 404,
    "E014002": 400,
    "E014003": 400,
    "E010": 400,
    "W003": 200,
}
# Where a detail is about input, which its sender knows. Elsewhere it may be about an account.
_ABOUT_INPUT: Final = ("E001", "E002", "E003", "E008", "E014")


def _problem(status: int, code: str, title: str, **more: object) -> dict[str, Any]:
    """A problem of RFC 9457; what is None is left out."""
    problem = {"type": f"urn:zato-sso:{code}", "title": title, "status": status, "code": code, **more}
    return {name: value for name, value in problem.items() if value is not None}


class ValidationError(Exception):
    """The call was rejected: wrong credentials, missing permissions, or invalid input.

    Attributes:
        sub_status: Status codes that say why, for instance ``["E005001"]``.
        status: ``"error"`` or ``"warning"``.
        return_status: Whether the codes may be shown to a client outside the process.
        detail: What is wrong and what would be right, where the code alone does not say it. Never a secret.
        retry_after: With ``E005009``, the seconds until another attempt is allowed.

    Example:
        >>> from zato_sso import ValidationError
        >>> error = ValidationError(["E005009"], retry_after=3.5)
        >>> str(error)
        'E005009 auth.rate_limited: try again in 3.5 s'
        >>> error.http_status
        429
    """

    def __init__(
        self,
        sub_status: list[str],
        status: str = "error",
        return_status: bool = False,
        *,
        detail: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Takes the attributes that are described above."""
        super().__init__(list(sub_status), status, return_status)
        self.sub_status = list(sub_status)
        self.status = status
        self.return_status = return_status
        self.detail = detail
        self.retry_after = retry_after

    @property
    def http_status(self) -> int:
        """The HTTP status for a client.

        401 without a valid session, 429 with ``retry_after``, 404, 409, 400 for input that is not acceptable, and 403
        for everything else that is not allowed.
        """
        code = self.sub_status[0] if self.sub_status else ""
        return _STATUS.get(code, _STATUS.get(code[:4], 403))

    def to_problem(self, *, instance: str | None = None) -> dict[str, Any]:
        """The body of an answer of the type ``application/problem+json`` (RFC 9457), with the codes.

        The detail is in it only where it is about input. The header ``Retry-After`` belongs to it where ``retry_after``
        is in it.

        Args:
            instance: What tells this answer from others: a correlation ID, for instance.

        Example:
            >>> from zato_sso import ValidationError
            >>> ValidationError(["E007002"]).to_problem()["title"]
            'session.expired'
        """
        from zato_sso._core import code_label

        code = self.sub_status[0] if self.sub_status else "E005001"
        return _problem(
            self.http_status,
            code,
            code_label(code) or code,
            sub_status=list(self.sub_status),
            detail=self.detail if code.startswith(_ABOUT_INPUT) else None,
            retry_after=self.retry_after,
            instance=instance,
        )

    def __str__(self) -> str:
        """The codes with their labels, then `detail` and `retry_after`."""
        from zato_sso._core import code_label

        named = ((code, code_label(code)) for code in self.sub_status)
        text = ", ".join(f"{code} {label}" if label else code for code, label in named)
        if self.detail:
            text = f"{text}: {self.detail}"
        if self.retry_after is not None:
            text = f"{text}: try again in {self.retry_after:g} s"
        return text


class InvalidTOTPError(ValidationError):
    """The TOTP code is missing, wrong, or used already."""


class BackendError(Exception):
    """The database is unreachable, the machine is overloaded, or the object is closed.

    Attributes:
        retry_after: The seconds after which another attempt may succeed, where that is known.
    """

    def __init__(self, *args: object, retry_after: float | None = None) -> None:
        """Takes a message, and the attribute that is described above."""
        super().__init__(*args)
        self.retry_after = retry_after

    @property
    def http_status(self) -> int:
        """The HTTP status for a client: 503."""
        return 503

    def to_problem(self, *, instance: str | None = None) -> dict[str, Any]:
        """As with ``ValidationError``. The message is not in it: it is not for clients."""
        return _problem(
            self.http_status,
            "E008004",
            "common.internal_error",
            sub_status=["E008004"],
            retry_after=self.retry_after,
            instance=instance,
        )


class InternalError(BackendError):
    """A fault of zato_sso itself. The cause is in the log, under the logger ``zato_sso``."""

    @property
    def http_status(self) -> int:
        """The HTTP status for a client: 500."""
        return 500

    def __init__(self, message: str = "internal error, see the log of zato_sso") -> None:
        """Takes a message, which does not contain the cause."""
        super().__init__(message)
