"""Users of Django, as they follow SSO users."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from zato_sso import Session, User
from zato_sso.django.conf import setting
from zato_sso.django.models import Link
from zato_sso.web.request import group_key

__all__ = ["follow", "follow_owner", "mapped_groups"]

_logger = logging.getLogger("zato_sso")


def follow(user: User, session: Session) -> Any:
    """The user of Django for an SSO user, created at the first login; None if the name is another one's."""
    return _follow(user, is_super_user=session.is_super_user)


def follow_owner(user: User) -> Any:
    """The same for the user of an access token, who stays what they are in Django: a super-user or not."""
    return _follow(user, is_super_user=None)


def _follow(user: User, *, is_super_user: bool | None) -> Any:
    link = Link.objects.select_related("user").filter(sso_user_id=user.user_id).first()
    if link is None:
        link = _linked(user)
        if link is None:
            return None
    _update(link, user, is_super_user=link.has_flags if is_super_user is None else is_super_user)
    _put_into_groups(link.user, mapped_groups(user))
    return link.user


def mapped_groups(user: User) -> list[str]:
    """The names of the groups of Django that an SSO user is to be in, as the setting says, in order."""
    own = {group_key(name) for name in user.groups}
    return sorted({theirs for name, theirs in setting("GROUPS").items() if group_key(name) in own})


def _put_into_groups(mine: Any, wanted: list[str]) -> None:
    mapped = set(setting("GROUPS").values())
    # A model of users need not have groups.
    if not mapped or not hasattr(mine, "groups"):
        return
    current = set(mine.groups.filter(name__in=mapped).values_list("name", flat=True))
    if added := set(wanted) - current:
        mine.groups.add(*(Group.objects.get_or_create(name=name)[0] for name in sorted(added)))
    if removed := current - set(wanted):
        mine.groups.remove(*Group.objects.filter(name__in=removed))


def _linked(user: User) -> Link | None:
    model = get_user_model()
    try:
        with transaction.atomic():
            existing = model._default_manager.filter(**{model.USERNAME_FIELD: user.username}).first()
            if existing is None:
                existing = model(**{model.USERNAME_FIELD: user.username})
                existing.set_unusable_password()
                existing.save()
            elif not setting("LINK_BY_USERNAME") or Link.objects.filter(user=existing).exists():
                # It may be somebody else's account: whoever signs up chooses their name.
                _logger.warning("a user of Django has the name of SSO user %s and is not linked to it", user.user_id)
                return None
            return Link.objects.create(user=existing, sso_user_id=user.user_id)
    except IntegrityError:
        # Another process was first.
        return Link.objects.select_related("user").filter(sso_user_id=user.user_id).first()


def _update(link: Link, user: User, *, is_super_user: bool) -> None:
    model = get_user_model()
    mine = link.user
    wanted: dict[str, Any] = {
        model.USERNAME_FIELD: user.username,
        "email": user.email or "",
        "first_name": user.first_name or "",
        "last_name": user.last_name or "",
    }
    flags = {"is_staff": setting("SUPER_USERS_ARE_STAFF"), "is_superuser": setting("SUPER_USERS_ARE_SUPERUSERS")}
    if is_super_user or link.has_flags:
        wanted.update((flag, is_super_user) for flag, is_given in flags.items() if is_given)
    known = {field.name for field in model._meta.get_fields()}
    changed = [name for name, value in wanted.items() if name in known and getattr(mine, name) != value]
    for name in changed:
        setattr(mine, name, wanted[name])
    if changed:
        mine.save(update_fields=changed)
    if link.has_flags != is_super_user:
        link.has_flags = is_super_user
        link.save(update_fields=["has_flags"])
