"""Says no to sub-interpreters, before the compiled part is loaded: a process that has it in one does not end."""


def is_main() -> bool:
    """Whether this is the main interpreter of its process."""
    # The first is there from Python 3.13 on.
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            interpreters = __import__(name)
        except ImportError:
            continue
        return bool(interpreters.get_current() == interpreters.get_main())
    return True


if not is_main():
    raise ImportError(
        "zato_sso cannot be imported in a sub-interpreter: import it in the main interpreter of a process of its own "
        "(with mod_wsgi: WSGIApplicationGroup %{GLOBAL})"
    )
