"""The metrics of an object in a Python process: as text, and by the collector."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from support import ADDRESS, APP, PASSWORD, AsyncSSO, Config, log_in, super_user
from zato_sso import SSO, BackendError, ValidationError, wsgi
from zato_sso.prometheus import Collector

# What stands for each subject, and the type of its metric.
EXPECTED = {
    "zato_sso_operations": "counter",
    "zato_sso_operation_duration_seconds": "histogram",
    "zato_sso_cached_answers": "counter",
    "zato_sso_hash_threads": "gauge",
    "zato_sso_hash_threads_busy": "gauge",
    "zato_sso_hash_waiting": "gauge",
    "zato_sso_hash_wait_seconds": "histogram",
    "zato_sso_hash_duration_seconds": "histogram",
    "zato_sso_hash_refusals": "counter",
    "zato_sso_database_connections": "gauge",
    "zato_sso_database_connections_max": "gauge",
    "zato_sso_database_wait_seconds": "histogram",
    "zato_sso_database_wait_failures": "counter",
    "zato_sso_database_up": "gauge",
    "zato_sso_session_cache_entries": "gauge",
    "zato_sso_session_cache_hits": "counter",
    "zato_sso_session_cache_misses": "counter",
    "zato_sso_throttle_failures": "counter",
    "zato_sso_throttle_refusals": "counter",
    "zato_sso_rate_limit_refusals": "counter",
    "zato_sso_emails": "counter",
    "zato_sso_email_queue": "gauge",
    "zato_sso_email_queue_age_seconds": "gauge",
    "zato_sso_sessions": "gauge",
    "zato_sso_audit_writable": "gauge",
    "zato_sso_audit_lines_lost": "counter",
    "zato_sso_log_lines_lost": "counter",
    "zato_sso_build_info": "gauge",
    "zato_sso_spans": "counter",
}


def values(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Each value by its name and the values of its labels."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_text_has_every_subject_and_prometheus_reads_it(sso: SSO) -> None:
    log_in(sso, super_user(sso))
    families = {family.name: family.type for family in text_string_to_metric_families(sso.metrics())}
    assert families == EXPECTED


def test_operations_are_counted_by_name_and_outcome(sso: SSO) -> None:
    username = super_user(sso)
    ust = log_in(sso, username)
    with pytest.raises(ValidationError):
        sso.user.login("cid", username, "wrong", APP, ADDRESS)
    for _ in range(3):
        assert sso.session.verify("cid", ust, ust, APP, ADDRESS)
    text = sso.metrics()
    found = values(text)
    total = "zato_sso_operations_total"
    assert found[total, ("user.login", "ok")] == 1
    assert found[total, ("user.login", "refused")] == 1
    assert found[total, ("session.verify", "ok")] == 3
    assert found["zato_sso_operation_duration_seconds_count", ("user.login",)] == 2
    # On PostgreSQL answers are cached once changes are heard of.
    deadline = time.monotonic() + 20
    while values(sso.metrics()).get(("zato_sso_cached_answers_total", ("session.verify",)), 0) == 0:
        assert time.monotonic() < deadline
        assert sso.session.verify("cid", ust, ust, APP, ADDRESS)
    # Only what was not cached is timed.
    assert found["zato_sso_operation_duration_seconds_count", ("session.verify",)] >= 1
    assert values(sso.metrics())["zato_sso_session_cache_hits_total", ()] >= 1
    assert found["zato_sso_session_cache_misses_total", ()] >= 1
    assert found["zato_sso_throttle_failures_total", ()] == 1
    assert found["zato_sso_hash_duration_seconds_count", ()] == 3
    assert found["zato_sso_hash_wait_seconds_count", ()] == 3
    assert found["zato_sso_sessions", ()] == 1
    assert found["zato_sso_database_wait_seconds_count", ("read",)] > 0
    assert found["zato_sso_database_up", ()] == 1
    for secret in (username, ust, PASSWORD, ADDRESS):
        assert secret not in text


def test_buckets_grow_up_to_the_count(sso: SSO) -> None:
    super_user(sso)
    buckets = [
        sample
        for family in text_string_to_metric_families(sso.metrics())
        for sample in family.samples
        if sample.name == "zato_sso_operation_duration_seconds_bucket"
    ]
    assert [sample.labels["le"] for sample in buckets][-1] == "+Inf"
    counts = [sample.value for sample in buckets]
    assert counts == sorted(counts)
    assert counts[-1] == 1


async def test_asyncio_has_the_same(sso: SSO, aio: Callable[[], AsyncSSO]) -> None:
    username = super_user(sso)
    async with aio() as other:
        await other.user.login("cid", username, PASSWORD, APP, ADDRESS)
        found = values(await other.metrics())
    # Each object counts what it does itself; sessions are in the database.
    assert found["zato_sso_operations_total", ("user.login", "ok")] == 1
    assert ("zato_sso_operations_total", ("user.create_super_user", "ok")) not in found
    assert found["zato_sso_sessions", ()] == 1


def test_the_collector_gives_them_to_the_client(sso: SSO) -> None:
    log_in(sso, super_user(sso))
    registry = CollectorRegistry()
    registry.register(Collector(sso))
    found = values(generate_latest(registry).decode())
    assert found["zato_sso_operations_total", ("user.login", "ok")] == 1
    assert registry.get_sample_value("zato_sso_sessions") == 1
    expected = {family.name: family.type for family in text_string_to_metric_families(sso.metrics())}
    assert {family.name: family.type for family in registry.collect()} == expected == EXPECTED


def test_two_objects_are_told_apart_by_labels(config: Config, sso: SSO) -> None:
    registry = CollectorRegistry(auto_describe=True)
    with SSO(config=config) as other:
        registry.register(Collector(sso, labels={"sso": "one"}))
        registry.register(Collector(other, labels={"sso": "two"}))
        log_in(sso, super_user(sso))
        sample = "zato_sso_operations_total"
        labels = {"operation": "user.login", "outcome": "ok"}
        assert registry.get_sample_value(sample, {**labels, "sso": "one"}) == 1
        assert registry.get_sample_value(sample, {**labels, "sso": "two"}) is None


@pytest.fixture(params=["blocking", "awaitable"])
def closed(request: pytest.FixtureRequest, config: Config) -> Iterator[Any]:
    """An object that is closed."""
    if request.param == "blocking":
        sso = SSO(config=config)
        sso.close()
        yield sso
    else:
        # Nothing listens there, so that it cannot be opened.
        yield AsyncSSO("postgresql://nobody@127.0.0.1:1/nothing", secret_key=config["main"]["secret_key"])


def test_what_is_closed_is_not_up_and_breaks_no_page(closed: Any) -> None:
    registry = CollectorRegistry()
    registry.register(Collector(closed))
    assert generate_latest(registry).decode().splitlines()[-1] == "zato_sso_database_up 0.0"


def test_a_closed_object_has_no_metrics(config: Config) -> None:
    sso = SSO(config=config)
    sso.close()
    with pytest.raises(BackendError, match="closed"):
        sso.metrics()


def test_the_collector_takes_objects_only() -> None:
    with pytest.raises(TypeError, match="expected an SSO object"):
        list(Collector("sso").collect())  # type: ignore[arg-type]


def test_the_server_s_metrics_are_these_and_those_of_requests(sso: SSO) -> None:
    log_in(sso, super_user(sso))
    app = wsgi.Application(sso)

    def get(accept: str) -> tuple[str, str]:
        told: list[Any] = []
        environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "QUERY_STRING": ""}
        environ |= {"wsgi.input": io.BytesIO(), "REMOTE_ADDR": ADDRESS, "HTTP_ACCEPT": accept}
        body = b"".join(app(environ, lambda status, headers, *_: told.append((status, dict(headers)))))
        (status, headers) = told[0]
        assert status.startswith("200")
        return {name.lower(): value for name, value in headers.items()}["content-type"], body.decode()

    kind, text = get("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2")
    assert kind.startswith("application/openmetrics-text")
    of_requests = {
        "zato_sso_http_requests": "counter",
        "zato_sso_http_request_duration_seconds": "histogram",
        "zato_sso_http_refusals": "counter",
        "zato_sso_http_requests_in_flight": "gauge",
    }
    read: Callable[[str], Any] = read_openmetrics
    assert {family.name: family.type for family in read(text)} == EXPECTED | of_requests
    kind, text = get("text/plain")
    assert kind.startswith("text/plain; version=0.0.4")
    found = values(text)
    # The routes of operators have no name of their own.
    assert found["zato_sso_http_requests_total", ("", "", "200")] == 1
    assert found["zato_sso_operations_total", ("user.login", "ok")] == 1


def test_the_client_is_imported_only_where_it_is_asked_for() -> None:
    code = "import sys, zato_sso, zato_sso.aio; sys.exit('prometheus_client' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
