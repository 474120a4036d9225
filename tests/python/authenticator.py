"""A passkey of a software authenticator that others wrote, with JSON as browsers read and write it."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from soft_webauthn import SoftWebauthnDevice

ORIGIN = "http://localhost"


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _json(value: Any) -> Any:
    if isinstance(value, bytes):
        return urlsafe_b64encode(value).decode().rstrip("=")
    return {name: _json(one) for name, one in value.items()} if isinstance(value, dict) else value


def _answer(credential: dict[str, Any]) -> dict[str, Any]:
    # The id is base64 already.
    answer: dict[str, Any] = _json(credential)
    return {**answer, "id": answer["rawId"]}


class Authenticator:
    """A security key without verification of its user."""

    def __init__(self, origin: str = ORIGIN) -> None:
        self.device = SoftWebauthnDevice()
        self.origin = origin

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        """What a browser answers to the options of a registration."""
        user = {**options["user"], "id": _bytes(options["user"]["id"])}
        asked = {**options, "challenge": _bytes(options["challenge"]), "user": user}
        return _answer(self.device.create({"publicKey": asked}, self.origin))

    def login(self, options: dict[str, Any]) -> dict[str, Any]:
        """What a browser answers to the options of a login."""
        asked = {**options, "challenge": _bytes(options["challenge"])}
        return _answer(self.device.get({"publicKey": asked}, self.origin))
