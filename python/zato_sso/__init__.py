"""Single sign-on that a Python service imports."""

from zato_sso.errors import BackendError, InternalError, InvalidTOTPError, ValidationError

__all__ = ["BackendError", "InternalError", "InvalidTOTPError", "ValidationError"]
