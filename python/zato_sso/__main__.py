"""The command `zato-sso`, the same code as the stand-alone program: `python -m zato_sso`."""

import signal
import sys

from zato_sso._core import command

__all__ = ["main"]


def main() -> int:
    """Run the command with the arguments of this process, and return its exit status."""
    # Ctrl-C ends a command at once, as it ends the stand-alone program; the server waits for it itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return command(["zato-sso", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
