"""The command `zato-sso`, also run by `python -m zato_sso`. It is the same code as the stand-alone program."""

import signal
import sys

from zato_sso._core import command

__all__ = ["main"]


def main() -> int:
    """Run the command with the arguments of this process, and return its exit status."""
    # Ctrl-C ends a command immediately, as it ends the stand-alone program; the server handles it itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return command(["zato-sso", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
