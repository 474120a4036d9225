"""Shows zato_sso at work on a database of its own: `make run` and `make serve` run this.

    python examples/demo.py [--directory FOLDER] run
    python examples/demo.py [--directory FOLDER] serve [argument of zato-sso serve...]

The folder, by default var/demo, holds the database, its key and the super-user's password. Existing files are used and
never replaced, so `run` can be repeated. Nothing outside of the folder is read or written: environment variables that
name other places are removed.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
USERNAME = "admin1"
PASSWORD_FILE = "admin1.password"
ALREADY_EXISTS = "E001002"
# The default of `http.listen`.
ADDRESS = "http://127.0.0.1:17010"
# Waits for the page that it is given, and opens it.
OPENER = """
import sys, time, urllib.request, webbrowser
for _ in range(100):
    try:
        urllib.request.urlopen(sys.argv[1], timeout=5).close()
    except OSError:
        time.sleep(0.1)
    else:
        webbrowser.open(sys.argv[1])
        break
"""
START_TIMEOUT = 30.0
STOP_TIMEOUT = 30.0


class DemoError(Exception):
    """A step failed; the text says which, and what to do."""


class Demo:
    """The steps. The programs run in the folder."""

    def __init__(self, folder: Path) -> None:
        """Create the folder if it is missing."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.command = find_command()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("ZATO_SSO_")}

    def prepare(self) -> str:
        """Create a database with a super-user, and return the super-user's password."""
        password = self.password()
        self.say("A database with a super-user", "zato-sso init")
        self.check(self.zato_sso("init"))
        self.show(f"zato-sso create-super-user {USERNAME}    (the password is sent on standard input)")
        made = self.zato_sso("create-super-user", USERNAME, input=f"{password}\n")
        if made.returncode == 1 and ALREADY_EXISTS in made.stderr:
            print(f"{USERNAME} exists already")
        else:
            self.check(made)
        return password

    def run(self) -> None:
        """Run all steps."""
        password = self.prepare()

        self.say("A session from Python", f"python quickstart.py {USERNAME}")
        quickstart = [sys.executable, str(EXAMPLES / "quickstart.py"), USERNAME]
        self.check(self.program(quickstart, input=f"{password}\n"))

        self.say("The same login over REST", "zato-sso serve")
        server, url = self.start_server()
        try:
            self.log_in(f"{url}/zato/sso/user/login", password)
        finally:
            self.stop_server(server)

        print(f"\nEverything works. `make serve` starts the server on {self.folder}/sso.db.")
        print(f"Then sign in at {ADDRESS}/login, and see all users at {ADDRESS}/admin.")
        print(f"The super-user is {USERNAME}, with the password in {self.folder / PASSWORD_FILE}.")

    def serve(self, arguments: Sequence[str]) -> None:
        """Replace this process by the server."""
        self.prepare()
        self.say("The server", "zato-sso serve")
        print(f"Sign in at {ADDRESS}/login, see all users at {ADDRESS}/admin.")
        print(f"The password of {USERNAME} is in {self.folder / PASSWORD_FILE}.", flush=True)
        if not arguments:
            open_browser(f"{ADDRESS}/login")
        os.chdir(self.folder)
        os.execve(self.command, [self.command, "serve", *arguments], self.environment)  # noqa: S606

    def password(self) -> str:
        """Return the super-user's password, which the first call generates."""
        file = self.folder / PASSWORD_FILE
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return file.read_text(encoding="utf-8").strip()
        password = secrets.token_urlsafe(18)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(f"{password}\n")
        return password

    def start_server(self) -> tuple[subprocess.Popen[str], str]:
        """Start the server on a free port. Return it and its URL once it answers."""
        command = [self.command, "--json", "serve", "--listen", "127.0.0.1:0"]
        with (self.folder / "server.log").open("w", encoding="utf-8") as log:
            server = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        # It prints its address, or ends without output.
        line = server.stdout.readline() if server.stdout is not None else ""
        if not line:
            server.wait()
            raise DemoError(f"the server did not start: {self.server_log()}")
        url: str = json.loads(line)["url"]
        deadline = time.monotonic() + START_TIMEOUT
        while server.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{url}/health/ready", timeout=5).close()  # noqa: S310  it is our own
            except OSError:
                time.sleep(0.05)
            else:
                print(f"listening on {url}")
                return server, url
        self.stop_server(server)
        raise DemoError(f"the server on {url} did not become ready: {self.server_log()}")

    def stop_server(self, server: subprocess.Popen[str]) -> None:
        """Ask the server to stop, and wait for it."""
        server.terminate()
        try:
            status = server.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
            raise DemoError(f"the server did not stop: {self.server_log()}") from None
        if status != 0:
            raise DemoError(f"the server ended with status {status}: {self.server_log()}")
        print("stopped")

    def server_log(self) -> str:
        """Return the end of the server's log."""
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2000:].strip()

    def log_in(self, url: str, password: str) -> None:
        """Log in over REST and print the answer with a shortened token."""
        request = json.dumps({"username": USERNAME, "password": password, "current_app": "CRM"})
        if shutil.which("curl") is None:
            print("(curl is not installed: Python sends the request)")
            answer = post(url, request)
        else:
            shown = json.dumps({"username": USERNAME, "password": "...", "current_app": "CRM"}, separators=(",", ":"))
            self.show(f"curl -XPOST {url} -d '{shown}'")
            # Other users can see command lines, so the request goes to standard input.
            curl = ["curl", "--silent", "--show-error", "--noproxy", "*", "-XPOST", url, "--data-binary", "@-"]
            done = self.program(curl, input=request)
            if done.returncode != 0:
                raise DemoError(f"curl failed: {done.stderr.strip()}")
            answer = done.stdout
        response = json.loads(answer)
        if response.get("status") not in {"ok", "warning"}:
            raise DemoError(f"the login was rejected: {answer.strip()}")
        response["ust"] = f"{response['ust'][:8]}..."
        print(json.dumps(response, separators=(",", ":")))

    def zato_sso(self, *arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:  # noqa: A002
        """Run the command."""
        return self.program([self.command, *arguments], input=input)

    def program(self, command: Sequence[str], *, input: str | None) -> subprocess.CompletedProcess[str]:  # noqa: A002
        """Run a program in the folder."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            input=input or "",
            capture_output=True,
            text=True,
            check=False,
        )

    @staticmethod
    def check(done: subprocess.CompletedProcess[str]) -> None:
        """Print the output of a program, and stop if it failed."""
        print(done.stdout, end="", flush=True)
        if done.returncode != 0:
            raise DemoError(f"the program ended with status {done.returncode}: {done.stderr.strip()}")

    @staticmethod
    def show(command: str) -> None:
        """Print a command before it runs."""
        print(f"$ {command}", flush=True)

    def say(self, title: str, command: str) -> None:
        """Begin a step."""
        print(f"\n== {title}")
        self.show(command)


def find_command() -> str:
    """Return the command installed with this interpreter, else the one on the PATH."""
    command = shutil.which("zato-sso", path=str(Path(sys.executable).parent)) or shutil.which("zato-sso")
    if command is None:
        raise DemoError("there is no command zato-sso: run `make build`")
    return command


def open_browser(url: str) -> None:
    """Open a page in the browser of whoever sits in front of this machine, once the server answers."""
    has_screen = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if not (has_screen and sys.stdout.isatty()):
        return
    # In a process of its own: this one becomes the server.
    subprocess.Popen([sys.executable, "-c", OPENER, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def post(url: str, body: str) -> str:
    """Send a request as curl does, and return the answer with any status."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=body.encode(), method="POST"), timeout=30) as answer:  # noqa: S310
            content: bytes = answer.read()
    except urllib.error.HTTPError as error:
        content = error.read()
    return content.decode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Show zato_sso at work, on a database of its own.")
    parser.add_argument("--directory", type=Path, default=Path("var/demo"), help="the folder for its files")
    parser.add_argument("action", choices=["run", "serve"])
    options, rest = parser.parse_known_args(arguments)
    if rest and options.action == "run":
        parser.error(f"run takes no arguments: {' '.join(rest)}")
    try:
        demo = Demo(options.directory)
        if options.action == "run":
            demo.run()
        else:
            demo.serve(rest)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
