"""The exceptions that calls raise."""

from __future__ import annotations

__all__ = ["BackendError", "InternalError", "InvalidTOTPError", "ValidationError"]


class ValidationError(Exception):
    """The call was rejected: wrong credentials, missing permissions, or invalid input.

    Attributes:
        sub_status: Status codes that say why, for instance ``["E005001"]``.
        status: ``"error"`` or ``"warning"``.
        return_status: Whether the codes may be shown to a client outside the process.
        detail: What is wrong and what would be right, where the code alone does not say it. Never a secret.
        retry_after: With ``E005009``, the seconds until another attempt is allowed.
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
    """The database is unreachable, or the object is closed."""


class InternalError(BackendError):
    """A fault of zato_sso itself. The cause is in the log, under the logger ``zato_sso``."""

    def __init__(self, message: str = "internal error, see the log of zato_sso") -> None:
        """Takes a message, which does not contain the cause."""
        super().__init__(message)
