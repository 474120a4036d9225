"""`manage.py sso …`: the command `zato-sso` on the database of the setting `ZATO_SSO`, and `import-django-users`."""

from __future__ import annotations

import os
import sys
from argparse import REMAINDER
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from zato_sso.django.conf import get_sso, setting
from zato_sso.django.models import Link

IMPORT = "import-django-users"


class Command(BaseCommand):
    """The command."""

    help = f"Runs the command zato-sso on the database of ZATO_SSO; `{IMPORT}` imports the users of Django."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django has it

    def add_arguments(self, parser: CommandParser) -> None:
        """All arguments are those of the command."""
        parser.add_argument("arguments", nargs=REMAINDER)

    def run_from_argv(self, argv: list[str]) -> None:
        """Runs it with the arguments as they are: options of the command are not options of Django."""
        if argv[2:3] == [IMPORT] or argv[2:3] in ([], ["--help"], ["-h"]):
            super().run_from_argv(argv)
            return
        sys.exit(self._forward(argv[2:]))

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs one of the two."""
        arguments: list[str] = options["arguments"]
        if arguments[:1] == [IMPORT]:
            self._import(dry_run="--dry-run" in arguments[1:], link_existing="--link-existing" in arguments[1:])
        elif not arguments:
            self.print_help("manage.py", "sso")
        elif status := self._forward(arguments):
            raise CommandError(f"zato-sso ended with {status}", returncode=status)

    def _forward(self, arguments: list[str]) -> int:
        from zato_sso._core import command

        url, config = setting("URL"), setting("CONFIG")
        extra: list[str] = []
        if isinstance(config, str | os.PathLike):
            extra += ["--config", os.fspath(config)]
        elif config:
            for name, value in _flat(config):
                os.environ.setdefault(f"ZATO_SSO_{name.upper().replace('.', '__')}", value)
        if isinstance(url, str):
            extra += ["--database-url", url]
        return command(["zato-sso", *extra, *arguments])

    def _import(self, *, dry_run: bool, link_existing: bool) -> None:
        # An SSO user who was there before may be somebody else with the same name.
        strangers = set() if link_existing else {user.pk for user in _users() if _sso_user(user) is not None}
        summary = get_sso().import_users((_described(user) for user in _users()), dry_run=dry_run)
        self.stdout.write(
            f"{summary.read} users of Django: {summary.imported} imported, {summary.already_there} there before, "
            f"{summary.refused} refused"
        )
        for finding in summary.findings:
            self.stdout.write(str(finding))
        if not dry_run:
            self.stdout.write(f"{_link_all(strangers)} users of Django are linked now")
        if strangers:
            self.stdout.write(
                f"{len(strangers)} names were taken before and are not linked: check that they are the same people, "
                "and run it again with --link-existing"
            )


def _users() -> Iterator[Any]:
    return get_user_model()._default_manager.filter(is_active=True, sso_link=None).order_by("pk").iterator()


def _described(user: Any) -> dict[str, Any]:
    found = {
        "username": user.get_username(),
        "email": getattr(user, "email", "") or None,
        "first_name": getattr(user, "first_name", "") or None,
        "last_name": getattr(user, "last_name", "") or None,
        "is_super_user": bool(getattr(user, "is_superuser", False)),
        "password_hash": user.password if user.has_usable_password() else None,
        "sign_up_time": getattr(user, "date_joined", None),
    }
    return {name: value for name, value in found.items() if value is not None}


def _sso_user(user: Any) -> Any:
    sso = get_sso()
    return sso.user.get_user_by_username("import-django-users", user.get_username(), needs_approved=False)


def _link_all(strangers: set[Any]) -> int:
    linked = 0
    for user in list(_users()):
        found = None if user.pk in strangers else _sso_user(user)
        if found is not None and not Link.objects.filter(sso_user_id=found.user_id).exists():
            Link.objects.create(user=user, sso_user_id=found.user_id, has_flags=bool(user.is_superuser))
            linked += 1
    return linked


def _flat(config: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value).lower() if isinstance(value, bool) else str(value)
