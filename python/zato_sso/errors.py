"""What calls raise."""

from __future__ import annotations

__all__ = ["BackendError", "InternalError", "InvalidTOTPError", "ValidationError"]


class ValidationError(Exception):
    """The rules say no: wrong credentials, missing permissions, input that is not valid.

    Attributes:
        sub_status: Status codes that say why, for instance ``["E005001"]``.
        status: ``"error"`` or ``"warning"``.
        return_status: Whether the codes are meant for whoever called from outside.
        detail: What was wrong and what would be right, where the code alone does not say it. Never a secret.
        retry_after: With ``E005009``, the seconds until another attempt can succeed.
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
        """Takes the attributes as they are described above."""
        super().__init__(list(sub_status), status, return_status)
        self.sub_status = list(sub_status)
        self.status = status
        self.return_status = return_status
        self.detail = detail
        self.retry_after = retry_after

    def __str__(self) -> str:
        """The codes with their labels, and what else is known."""
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
    """What is needed is not there: the database is away, or the object is closed."""


class InternalError(BackendError):
    """A fault of zato_sso itself. What went wrong is in the log, under the logger ``zato_sso``."""

    def __init__(self, message: str = "internal error, see the log of zato_sso") -> None:
        """Takes a message; it says nothing of what went wrong."""
        super().__init__(message)
