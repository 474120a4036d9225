"""Emails through a real SMTP server, and a forgotten password replaced with what stands in one."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from inbox import PASSWORD as SMTP_PASSWORD
from inbox import Inbox, demanding_inbox, text_of
from stage import Stage, refused
from support import ADDRESS, APP, PASSWORD, Config, changed, in_child, unique
from zato_sso import SSO, SignupCtx

NEW = "a new battery staple"
RESET_PAGE = "https://example.com/reset?from=mail"


@pytest.fixture
def with_mail(config: Config, mail: Inbox) -> Config:
    """Configuration whose emails come to the server of the tests."""
    sender = {"email_from": "Sign-on <sso@example.com>", "url": RESET_PAGE}
    return changed(config, smtp={"url": mail.url}, password_reset=sender, main={"site_name": "Example"})


def new_user(sso: SSO) -> tuple[str, str]:
    """A user: username and address."""
    username = unique("user")
    address = f"{username}@example.com"
    data = {"username": username, "password": PASSWORD, "email": address}
    sso.user.create_user("cid", data, None, APP, ADDRESS, require_super_user=False, auto_approve=True)
    return username, address


def test_the_link_of_the_email_leads_to_a_login_with_the_new_password(with_mail: Config, mail: Inbox) -> None:
    with SSO(config=with_mail) as sso:
        username, address = new_user(sso)
        sso.password_reset.create_token("cid", username, APP, ADDRESS, "agent")
        message = mail.wait(address)
        assert (message["From"], message["Subject"]) == ("Sign-on <sso@example.com>", "A new password for Example")
        (link,) = (line for line in text_of(message).splitlines() if line.startswith("https:"))
        assert link.startswith(RESET_PAGE)
        (token,) = parse_qs(urlsplit(link).query)["token"]

        access = sso.password_reset.access_token("cid", token, APP, ADDRESS, "agent")
        assert access.user["username"] == username
        sso.password_reset.change_password("cid", NEW, token, access.reset_key, APP, ADDRESS, "agent")
        assert sso.user.login("cid", username, NEW, APP, ADDRESS).username == username
        with refused("E005001"):
            sso.user.login("cid", username, PASSWORD, APP, ADDRESS)


def test_the_email_of_a_sign_up_shows_the_token_and_no_link_to_the_reset_of_passwords(
    with_mail: Config, mail: Inbox
) -> None:
    with SSO(config=with_mail) as sso:
        username = unique("user")
        address = f"{username}@example.com"
        who = SignupCtx(username=username, email=address, password=PASSWORD, app_list=[APP])
        assert sso.user.signup("cid", who, APP, ADDRESS) is None
        lines = text_of(mail.wait(address)).splitlines()
        (token,) = (line for line in lines if len(line) == 32 and " " not in line)
        sso.user.confirm_signup("cid", token, APP, ADDRESS)
    assert "example.com/" not in "".join(lines)


def test_a_folder_of_templates_overrides_the_built_in_ones(with_mail: Config, mail: Inbox, tmp_path: Path) -> None:
    (tmp_path / "password-reset-link.pl_PL.txt").write_text("Cześć {{username}}\n\n{{token}}\n", encoding="utf-8")
    (tmp_path / "password-reset-link.html").write_text("<p>{{site_name}}</p>", encoding="utf-8")
    title = {"email_title": {"pl_PL": "Nowe hasło"}}
    config = changed(with_mail, email={"templates": str(tmp_path)}, main={"site_name": "<Ö>"}, password_reset=title)
    with SSO(config=config) as sso:
        username, address = new_user(sso)
        sso.password_reset.create_token("cid", username, APP, ADDRESS, None)
        message = mail.wait(address)
    assert message["Subject"] == "Nowe hasło"
    assert text_of(message).startswith(f"Cześć {username}\n")
    html = message.get_body(preferencelist=("html",))
    assert html is not None
    assert html.get_content().strip() == "<p>&lt;Ö&gt;</p>"
    (tmp_path / "signup-confirm.txt").write_text("{{usrname}}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"signup-confirm\.txt: line 1 .* known are username, site_name, token, link$"):
        SSO(config=config)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for this machine, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = str(folder / "certificate.pem"), str(folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    about = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=CA:FALSE",
    ]
    files = ["-days", "2", "-keyout", key, "-out", certificate]
    subprocess.run([*command, *about, *files], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def demanding(certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """A server that wants an encrypted connection and a login."""
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    with demanding_inbox(*certificate) as inbox:
        yield inbox


def told(log: Path) -> list[str]:
    """What the log says became of emails; those not sent may have been given up before closing, or by it."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    errors = [line["extra"].get("error", ": ok") for line in lines if line["op"] == "email.send"]
    return [error.partition(": ")[2] for error in errors]


def reset_through(config: Config, url: str, log: Path) -> str:
    """Asks for a reset, with emails through this server and lines into this log; the address."""
    with SSO(config=changed(config, smtp={"url": url}, audit={"file": str(log)})) as sso:
        username, address = new_user(sso)
        sso.password_reset.create_token("cid", username, APP, ADDRESS, None)
    return address


def test_starttls_and_a_login_are_done_where_the_url_says_so(config: Config, demanding: Inbox, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    password = SMTP_PASSWORD.replace("/", "%2F").replace("#", "%23")
    url = f"smtp://mailer%40example.com:{password}@localhost:{demanding.port}?tls=starttls"
    address = reset_through(config, url, log)
    assert len(demanding.to(address)) == 1
    # Without a configured sender it is the user of the server.
    assert demanding.wait(address)["From"] == "mailer@example.com"
    assert told(log) == ["ok"]

    reset_through(config, url.replace(password, "wrong"), log)
    assert told(log)[1:] == ["the server answered 535"]
    # A certificate that is another's is as good as none.
    reset_through(config, url.replace("@localhost", "@127.0.0.1"), log)
    assert told(log)[2:] == ["no encrypted connection: is the certificate valid for the host?"]
    assert "planted" not in log.read_text(encoding="utf-8")


def test_nothing_is_sent_in_clear_where_it_must_not_be(config: Config, mail: Inbox, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    address = reset_through(config, f"smtp://127.0.0.1:{mail.port}?tls=starttls", log)
    assert mail.to(address) == []
    (line,) = told(log)
    assert line.startswith("the server does not offer what is configured")


def test_a_server_that_is_not_there_changes_no_answer_and_closing_takes_seconds_at_most(
    config: Config, tmp_path: Path
) -> None:
    log = tmp_path / "audit.jsonl"
    start = time.monotonic()
    reset_through(config, "smtp://127.0.0.1:1", log)
    assert time.monotonic() - start < 20
    (line,) = told(log)
    assert line == "no connection to the server: connection refused"


def test_emails_are_sent_before_and_after_a_fork_in_parent_and_child(with_mail: Config, mail: Inbox) -> None:
    with SSO(config=with_mail) as sso:
        username, address = new_user(sso)

        def ask() -> None:
            sso.password_reset.create_token("cid", username, APP, ADDRESS, None)
            # Only closing waits for an email to be sent.
            sso.close()

        sso.password_reset.create_token("cid", username, APP, ADDRESS, None)
        assert in_child(ask) == 0
        ask()
    assert len([mail.wait(address, count) for count in (1, 2, 3)]) == 3


def test_a_reset_is_refused_with_the_documented_codes(stage: Stage) -> None:
    someone = stage.someone(email=f"{unique('user')}@example.com")
    reset = stage.sso.password_reset
    token = stage.reset_token(someone)
    for wrong in ("", "zust", "\0", "ż" * 10_000):
        with refused("E010001"):
            reset.access_token("cid", wrong, APP, ADDRESS, None)
        with refused("E010001"):
            reset.change_password("cid", NEW, wrong, token, APP, ADDRESS, None)
    access = reset.access_token("cid", token, APP, ADDRESS, None)
    assert access.user == {"user_id": someone.user_id, "username": someone.username}
    assert access == access
    assert access.reset_key not in repr(access)
    with refused("E010001"):
        reset.access_token("cid", token, APP, ADDRESS, None)
    for password, code in (("short", "E003002"), ("x" * 257, "E003003"), ("xx letmein xx", "E003001")):
        with refused(code):
            reset.change_password("cid", password, token, access.reset_key, APP, ADDRESS, None)
    reset.change_password("cid", NEW.encode(), token.encode(), access.reset_key.encode(), APP, ADDRESS, None)
    stage.sso.user.login("cid", someone.username, NEW, APP, ADDRESS)
    with refused("E010001"):
        reset.change_password("cid", NEW, token, access.reset_key, APP, ADDRESS, None)


def test_whoever_asks_is_told_nothing(stage: Stage) -> None:
    for credential in (stage.super_user, "nobody", "", "\0", "ż" * 10_000):
        assert stage.sso.password_reset.create_token("cid", credential, APP, ADDRESS, None) is None  # type: ignore[func-returns-value]
