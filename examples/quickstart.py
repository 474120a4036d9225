"""A service that logs a user in, verifies the session and renews it.

    zato-sso init
    zato-sso create-super-user admin1
    python quickstart.py admin1

It reads `sso.toml` in the current folder, and the password from standard input.
"""

import sys
from getpass import getpass

from zato_sso import SSO, ValidationError

APP = "CRM"
ADDRESS = "127.0.0.1"


class MyService:
    """Any class works: it only needs access to the SSO object."""

    sso: SSO

    def handle(self, username: str, password: str) -> None:
        """Print the life of a session."""
        session = self.sso.user.login("cid-login", username, password, APP, ADDRESS)
        print(f"{session.username} ({session.user_id}) logged in")
        # The whole token lets anyone act as the user: print only its beginning.
        print(f"  the session's token is {session.ust[:8]}..., valid until {session.expiration_time} UTC")

        # A super-user may verify any session, here the one just opened.
        is_valid = self.sso.user.session.verify("cid-verify", session.ust, session.ust, APP, ADDRESS)
        print(f"  verified: {is_valid}")

        expiration_time = self.sso.user.session.renew("cid-renew", session.ust, APP, ADDRESS)
        print(f"  renewed: valid until {expiration_time} UTC")

        user = self.sso.user.get_current_user("cid-user", session.ust, APP, ADDRESS)
        print(f"  current user: {user.username}, super-user: {user.is_super_user}")

        self.sso.user.logout("cid-logout", session.ust, APP, ADDRESS)
        try:
            self.sso.user.get_current_user("cid-user", session.ust, APP, ADDRESS)
        except ValidationError as error:
            print(f"  logged out: the token is rejected with {error.sub_status}")


def main() -> int:
    """Run the service for one user."""
    if len(sys.argv) != 2:
        print("usage: quickstart.py USERNAME", file=sys.stderr)
        return 2
    password = getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")

    with SSO.from_config("sso.toml") as sso:
        MyService.sso = sso
        try:
            MyService().handle(sys.argv[1], password)
        except ValidationError as error:
            print(f"rejected: {', '.join(error.sub_status)}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
