"""Bodies that take a hundred times their size in memory once they are read, from strangers who wait for a hash."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import requests

from target import PASSWORD, Target, main, target

SIZE = 1 << 20
WRONG = ("nobody", "wrong")


def bodies() -> Iterator[tuple[str, str]]:
    """Each is 1 MiB: what it is made of, and the body."""
    half = SIZE // 2 - 20
    yield "nested lists", '{"data":' + "[" * half + "]" * half + "}"
    yield "numbers", '{"data":[' + "1," * half + "1]}"
    yield "objects", '{"data":[' + '{"":{}},' * (SIZE // 8 - 10) + "1]}"
    yield "lists under a name that nobody asks for", '{"x":[' + "[]," * (SIZE // 3 - 10) + "1]}"
    yield "one long text", '{"x":"' + "y" * (SIZE - 20) + '"}'


def send(server: Target, body: str) -> int:
    """One request with a wrong secret; the status."""
    answer = requests.request("GET", f"{server.url}/zato/sso/user/attr", data=body, auth=WRONG, timeout=60)
    return answer.status_code


class Watch:
    """How much memory a server takes at most, while it is watched."""

    def __init__(self, server: Target) -> None:
        self.server = server
        self.before = self.most = server.memory()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self.ended.wait(0.005):
            self.most = max(self.most, self.server.memory())

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    @property
    def added(self) -> int:
        """Megabytes more than before."""
        return (self.most - self.before) // 1_000_000


def attack(database_url: str | None) -> Iterator[str]:
    """40 requests of 1 MiB at a time, and then one attribute that is asked for again and again."""
    # Hashes as in production, so that requests wait for them.
    slow = {"memory_kib": 19456, "iterations": 2, "parallelism": 1}
    with target(database_url, hash_secret=slow, login_throttle={"enabled": False}) as server:
        send(server, "{}")
        with ThreadPoolExecutor(40) as pool, Watch(server) as watch:
            for kind, body in bodies():
                statuses = sorted(set(pool.map(lambda _, body=body: send(server, body), range(40))))
                yield f"40 bodies of {kind}: answered {statuses}, {watch.added} MB more at most so far"
                assert not any(200 <= status < 300 for status in statuses), statuses
        assert watch.added < 100, f"{watch.added} MB more"

        ust = server.log_in(server.user()).json()["ust"]
        long = {"ust": ust, "name": "a", "value": "x" * 60_000}
        assert server.call("PUT", "/user/attr", long).status_code == 200
        with Watch(server) as watch:
            answer = server.call("GET", "/user/attr", {"ust": ust, "data": ["a"] * 5_000})
        yield f"one attribute 5,000 times: {len(answer.content)} bytes, {watch.added} MB more at most"
        assert answer.json()["sub_status"] == ["E008002"], answer.text[:100]
        assert server.log_in(server.user(), PASSWORD).status_code == 200


if __name__ == "__main__":
    main(attack)
