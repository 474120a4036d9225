"""What a browser makes of the pages' policy, and of somebody in a hurry: in Chromium."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from chromium import Driver
from support import PASSWORD, Config, changed, totp_code
from test_pages import Stage, enrolled

TEMPLATE = """\
{% extends "layout.html" %}
{% block main %}
<h1>Mine</h1>
<script>document.title = "evil"</script>
<p id="styled" style="color: rgb(1, 2, 3)" onclick="document.title = 'evil'">x</p>
<img src="http://evil.example/x.png" onerror="document.title = 'evil'" alt="">
<a id="link" href="javascript:document.title='evil'">y</a>
<iframe src="login"></iframe>
{% endblock %}
"""


def test_nothing_runs_that_is_not_of_the_pages(config: Config, tmp_path: Path, driver: Driver) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "forgot.html").write_text(TEMPLATE, encoding="utf-8")
    # Written on Windows: its ends of lines are others when a browser hashes them.
    css = tmp_path / "own.css"
    css.write_bytes(b"h1 {\r\n  color: rgb(9, 8, 7)\r\n}\r\n")
    own = changed(config, pages={"templates": str(templates), "css": str(css)})
    with ExitStack() as kept:
        chromium = Stage(own, tmp_path, kept, driver).browser
        assert "Mine" in chromium.open("/password/forgot")
        chromium.do("tap", "#styled")
        chromium.do("tap", "#link")
        seen = chromium.open("/login")
        assert "evil" not in seen
        complaints = chromium.do("complaints")["complaints"]
        for directive in ("script-src", "style-src", "img-src", "default-src"):
            assert any(directive in complaint for complaint in complaints), (directive, complaints)
        chromium.open("/password/forgot")
        assert chromium.do("style", ["#styled", "color"])["value"] != "rgb(1, 2, 3)"
        assert chromium.do("style", ["h1", "color"])["value"] == "rgb(9, 8, 7)"


def test_a_button_that_is_pressed_twice_sends_its_form_once(config: Config, tmp_path: Path, driver: Driver) -> None:
    with ExitStack() as kept:
        stage = Stage(config, tmp_path, kept, driver)
        key = enrolled(stage)
        chromium = stage.browser
        assert chromium.sign_in("ann") == "/login/code"
        chromium.do("fill", {"[name=totp_code]": totp_code(key, 1)})
        # A code is good once: the second form would be refused.
        assert chromium.do("double", "main form button")["url"] == f"{stage.base}/account"
        chromium.open("/account/password")
        chromium.do("fill", {"[name=old_password]": PASSWORD, "[name=new_password]": "a quite different password"})
        assert chromium.do("double", "main form button:not([type=button])")["url"].endswith("/account?done=password")
        chromium.has_no_complaint()
