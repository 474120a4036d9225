"""Traces: a request, its operation, its statements and its hash, below the span of the caller."""

from __future__ import annotations

import asyncio
import http.server
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from serving import Node, log_in, running
from support import ADDRESS, APP, PASSWORD, Config, changed, config_of, new_key, super_user
from web import web_config
from with_postgres import free_port
from zato_sso import SSO, ValidationError, aio, asgi, wsgi

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
CODES = {"INTERNAL": 1, "SERVER": 2, "CLIENT": 3}


@dataclass
class Seen:
    """A span, wherever it comes from."""

    trace_id: str
    span_id: str
    parent: str
    name: str
    kind: int
    start: int
    end: int
    attributes: dict[str, Any]
    is_failed: bool
    resource: dict[str, Any] = field(default_factory=dict)


class Collector:
    """A collector of OTLP over HTTP, which keeps what it gets."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.messages: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.status == 200 and self.path == "/v1/traces":
                    collector.messages.append(body)
                    collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
            self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self) -> list[Seen]:
        seen = []
        for message in self.messages:
            for whole in ExportTraceServiceRequest.FromString(message).resource_spans:
                resource = values(whole.resource.attributes)
                for scope in whole.scope_spans:
                    assert scope.scope.name == "zato_sso"
                    seen += [seen_in(span, resource) for span in scope.spans]
        return seen

    def until(self, name: str, count: int = 1) -> list[Seen]:
        """All spans, as soon as there are so many of this name."""
        deadline = time.monotonic() + 30
        while [span.name for span in self.spans()].count(name) < count:
            assert time.monotonic() < deadline, [span.name for span in self.spans()]
            time.sleep(0.05)
        return self.spans()


def values(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def seen_in(span: Any, resource: dict[str, Any]) -> Seen:
    return Seen(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.name,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        values(span.attributes),
        span.status.code == 2,
        resource,
    )


@pytest.fixture
def collector(request: pytest.FixtureRequest) -> Iterator[Collector]:
    """One that speaks TLS where the test is marked so by a parameter."""
    made = Collector(getattr(request, "param", None) and tls())
    yield made
    made.server.shutdown()
    made.server.server_close()


CERTIFICATES = Path(__file__).resolve().parents[1] / "certificates"


def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "localhost.pem", CERTIFICATES / "localhost-key.pem")
    return context


@pytest.fixture
def node(database_url: str, tmp_path: Path) -> Node:
    return Node(tmp_path / "node", database_url, new_key())


@pytest.fixture
def username(node: Node) -> str:
    with SSO(config=config_of(node.database_url, node.key)) as sso:
        return super_user(sso)


def traced(node: Node, endpoint: str, monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """Has a node send its traces there, soon, and follow the traces of its callers."""
    node.options["OTEL__ENDPOINT"] = endpoint
    node.options["HTTP__TRUSTED_PROXIES"] = ADDRESS
    for name, value in {"OTEL_BSP_SCHEDULE_DELAY": "50", **variables}.items():
        monkeypatch.setenv(name, value)


def check_login(spans: Sequence[Seen], above: str) -> Seen:
    """One operation, whose statements and hash are below it; the operation."""
    (login,) = (span for span in spans if span.name == "user.login")
    assert login.parent == above
    below = [span for span in spans if span.parent == login.span_id]
    (hashed,) = (span for span in below if span.name == "password.verify")
    assert hashed.kind == CODES["INTERNAL"]
    assert hashed.attributes["zato_sso.wait_seconds"] >= 0
    statements = [span for span in below if span.kind == CODES["CLIENT"]]
    names = [span.name for span in statements]
    assert "SELECT sso_user" in names
    assert "INSERT sso_session" in names
    assert "COMMIT" in names
    for span in statements:
        assert span.attributes["db.system.name"] in {"sqlite", "postgresql"}
    for span in (*statements, hashed):
        assert login.start <= span.start <= span.end
        assert span.end <= login.end + 1_000_000
    return login


def check_private(spans: Sequence[Seen], *secrets: str) -> None:
    text = repr(spans)
    for secret in secrets:
        assert secret not in text


def test_a_collector_gets_a_request_with_all_that_it_does(
    node: Node, username: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced(
        node,
        collector.url,
        monkeypatch,
        OTEL_SERVICE_NAME="logins",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        OTEL_EXPORTER_OTLP_HEADERS="api-key=abc%20def",
    )
    with running(node):
        body = {"username": username, "password": PASSWORD, "current_app": APP}
        headers = {"traceparent": PARENT, "tracestate": "vendor=1", "X-Zato-CID": "cid-of-trace"}
        url = f"{node.url}/zato/sso/user/login"
        answer = requests.post(url, json=body, headers=headers, timeout=30)
        assert answer.status_code == 200
        spans = [span for span in collector.until("POST /user/login") if span.trace_id == TRACE]
        (request,) = (span for span in spans if span.name == "POST /user/login")
        assert (request.parent, request.kind, request.is_failed) == (SPAN, CODES["SERVER"], False)
        assert request.attributes["http.response.status_code"] == 200
        assert request.attributes["http.route"] == "/user/login"
        login = check_login(spans, request.span_id)
        assert login.attributes["zato_sso.outcome"] == "ok"
        assert login.attributes["zato_sso.cid"] == request.attributes["zato_sso.cid"] == "cid-of-trace"
        assert request.start <= login.start <= login.end <= request.end + 1_000_000
        assert request.resource["service.name"] == "logins"
        assert request.resource["deployment.environment.name"] == "test"
        assert collector.headers[0]["api-key"] == "abc def"
        assert collector.headers[0]["content-type"] == "application/x-protobuf"
        check_private(spans, username, PASSWORD, answer.json()["ust"], node.key, ADDRESS)

        # Without a caller's span a request begins a trace of its own, and a refusal is no fault.
        assert log_in(node.url, username, "wrong").status_code == 403
        spans = [span for span in collector.until("POST /user/login", 2) if span.trace_id != TRACE]
        (refused,) = (span for span in spans if span.name == "user.login")
        (request,) = (span for span in spans if span.span_id == refused.parent)
        assert (request.parent, request.is_failed, refused.is_failed) == ("", False, False)
        assert refused.attributes["zato_sso.outcome"] == "refused"
        assert refused.attributes["zato_sso.code"].startswith("E0")
        # What asks for the state of the process all the time is in no trace.
        assert not [span for span in collector.spans() if "health" in span.name]
        found = {
            sample.labels["outcome"]: sample.value
            for family in text_string_to_metric_families(metrics_of(node))
            for sample in family.samples
            if sample.name == "zato_sso_spans_total"
        }
        assert found["sent"] > 0
        assert (found["failed"], found["dropped"]) == (0, 0)


def metrics_of(node: Node) -> str:
    """The text: unless it is asked for, it would be that of OpenMetrics."""
    url = f"http://127.0.0.1:{node.admin_port}/metrics"
    return requests.get(url, headers={"Accept": "text/plain"}, timeout=5).text


def test_a_caller_that_does_not_record_is_followed(
    node: Node, username: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced(node, "", monkeypatch, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    with running(node):
        unwanted = {"traceparent": PARENT.removesuffix("01") + "00"}
        url = f"{node.url}/zato/sso/user/login"
        body = {"username": username, "password": PASSWORD, "current_app": APP}
        assert requests.post(url, json=body, headers=unwanted, timeout=30).status_code == 200
        assert log_in(node.url, username, PASSWORD).status_code == 200
        spans = collector.until("POST /user/login")
    # What was left is sent at the end.
    spans = collector.spans()
    assert [span.name for span in spans].count("POST /user/login") == 1
    assert not [span for span in spans if span.trace_id == TRACE]
    assert spans[0].resource["service.name"] == "zato-sso"


def test_a_stranger_names_no_trace(
    node: Node, username: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced(node, collector.url, monkeypatch)
    node.options["HTTP__TRUSTED_PROXIES"] = "10.0.0.1"
    with running(node):
        body = {"username": username, "password": PASSWORD, "current_app": APP}
        for flags in ("01", "00"):
            headers = {"traceparent": PARENT.removesuffix("01") + flags}
            assert requests.post(f"{node.url}/zato/sso/user/login", json=body, headers=headers, timeout=30).ok
        spans = [span for span in collector.until("POST /user/login", 2) if span.kind == CODES["SERVER"]]
    assert len({span.trace_id for span in spans} | {TRACE}) == 3
    assert {span.parent for span in spans} == {""}


@pytest.mark.parametrize("collector", ["tls"], indirect=True)
def test_a_collector_over_tls_must_have_a_certificate_that_is_trusted(
    node: Node, username: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced(node, collector.url, monkeypatch)
    with running(node):
        assert log_in(node.url, username, PASSWORD).status_code == 200
        deadline = time.monotonic() + 30
        while "traces.lost" not in node.log():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert "UnknownIssuer" in node.log()
    assert collector.messages == []
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(CERTIFICATES / "ca.pem"))
    with running(node):
        assert log_in(node.url, username, PASSWORD).status_code == 200
        collector.until("POST /user/login")


def test_a_collector_that_is_away_harms_nothing(
    node: Node, username: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    traced(node, away, monkeypatch, OTEL_BSP_MAX_QUEUE_SIZE="10", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="5")
    with running(node):
        for _ in range(5):
            assert log_in(node.url, username, PASSWORD).status_code == 200
        start = 'zato_sso_spans_total{outcome="dropped"}'
        (dropped,) = (line for line in metrics_of(node).splitlines() if line.startswith(start))
        assert float(dropped.split()[-1]) > 0
        begun = time.monotonic()
        node.stop()
        assert time.monotonic() - begun < 10
    assert "panic" not in node.log()


def test_a_collector_that_refuses_is_told_once(
    node: Node, username: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.status = 400
    traced(node, collector.url, monkeypatch)
    with running(node):
        for _ in range(3):
            assert log_in(node.url, username, PASSWORD).status_code == 200
            deadline = time.monotonic() + 30
            while "traces.lost" not in node.log():
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert node.log().count("traces.lost") == 1
        assert "status 400" in node.log()
        collector.status = 200
        assert log_in(node.url, username, PASSWORD).status_code == 200
        collector.until("POST /user/login")
    assert node.log().count("traces.sent") == 1


def test_a_variable_that_cannot_be_used_is_a_warning(
    node: Node, username: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced(node, collector.url, monkeypatch, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    with running(node):
        assert log_in(node.url, username, PASSWORD).status_code == 200
        collector.until("POST /user/login")
    assert "OTEL_EXPORTER_OTLP_PROTOCOL is not http/protobuf" in node.log()


@pytest.fixture(scope="session")
def exporter() -> InMemorySpanExporter:
    """What this process exports to. A process can be set up once."""
    made = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(made))
    trace.set_tracer_provider(provider)
    return made


@pytest.fixture
def exported(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    exporter.clear()
    return exporter


def number(span_id: int | None) -> str:
    return "" if span_id is None else f"{span_id:016x}"


def finished(exporter: InMemorySpanExporter) -> list[Seen]:
    return [of_sdk(span) for span in exporter.get_finished_spans()]


def of_sdk(span: ReadableSpan) -> Seen:
    context = span.get_span_context()
    assert context is not None
    assert span.start_time is not None
    assert span.end_time is not None
    return Seen(
        f"{context.trace_id:032x}",
        number(context.span_id),
        number(span.parent.span_id if span.parent else None),
        span.name,
        CODES[span.kind.name],
        span.start_time,
        span.end_time,
        dict(span.attributes or {}),
        span.status.status_code is trace.StatusCode.ERROR,
    )


def current() -> Any:
    return trace.get_tracer("test").start_as_current_span("caller")


def test_calls_have_spans_below_the_current_one(exported: InMemorySpanExporter, config: Config) -> None:
    with SSO(config=config) as sso:
        name = super_user(sso)
        exported.clear()
        with current() as caller:
            info = sso.user.login("cid-1", name, PASSWORD, APP, ADDRESS)
        spans = finished(exported)
        login = check_login(spans, number(caller.get_span_context().span_id))
        assert {span.trace_id for span in spans} == {f"{caller.get_span_context().trace_id:032x}"}
        assert login.attributes["zato_sso.cid"] == "cid-1"
        check_private(spans, name, PASSWORD, info.ust, ADDRESS)
        exported.clear()
        with pytest.raises(ValidationError):
            sso.user.login("cid-1", name, "wrong", APP, ADDRESS)
        (refused,) = (span for span in finished(exported) if span.name == "user.login")
        assert (refused.parent, refused.attributes["zato_sso.outcome"]) == ("", "refused")
        assert 'zato_sso_spans_total{outcome="sent"}' in sso.metrics()


async def test_awaited_calls_have_spans_below_that_of_their_task(
    exported: InMemorySpanExporter, config: Config
) -> None:
    with SSO(config=config) as blocking:
        name = super_user(blocking)
    exported.clear()
    async with aio.SSO(config=config) as sso:

        async def task() -> str:
            with current() as caller:
                await sso.user.login("cid-1", name, PASSWORD, APP, ADDRESS)
                return number(caller.get_span_context().span_id)

        callers = await asyncio.gather(task(), task())
    spans = finished(exported)
    for caller in callers:
        (own,) = (span for span in spans if span.span_id == caller)
        check_login([span for span in spans if span.trace_id == own.trace_id], caller)


async def test_requests_in_the_process_have_spans(exported: InMemorySpanExporter, database_url: str) -> None:
    config = changed(web_config(database_url), http={"trusted_proxies": [ADDRESS]})
    body = {"current_app": "default", "password": PASSWORD}
    with SSO(config=config) as blocking:
        body["username"] = super_user(blocking)
    async with aio.SSO(config=config) as sso:
        transport = httpx.ASGITransport(asgi.Application(sso))
        async with httpx.AsyncClient(transport=transport, base_url="http://sso") as client:
            exported.clear()
            with current() as caller:
                headers = {"traceparent": PARENT}
                done = await client.post("/zato/sso/user/login", json=body, headers=headers)
            assert done.status_code == 200
            spans = finished(exported)
            (request,) = (span for span in spans if span.name == "POST /user/login")
            assert request.parent == number(caller.get_span_context().span_id)
            check_login(spans, request.span_id)

            # Where nothing is current, the header counts.
            exported.clear()
            assert (await client.get("/zato/sso/user?ust=x", headers={"traceparent": PARENT})).status_code == 403
            (request,) = (span for span in finished(exported) if span.kind == CODES["SERVER"])
            assert (request.trace_id, request.parent) == (TRACE, SPAN)

        # But not that of a stranger.
        transport = httpx.ASGITransport(asgi.Application(sso), client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://sso") as client:
            exported.clear()
            assert (await client.get("/zato/sso/user?ust=x", headers={"traceparent": PARENT})).status_code == 403
            (request,) = (span for span in finished(exported) if span.kind == CODES["SERVER"])
            assert (request.trace_id != TRACE, request.parent) == (True, "")


def test_requests_by_wsgi_have_spans(exported: InMemorySpanExporter, database_url: str) -> None:
    from werkzeug.test import Client

    config = web_config(database_url)
    with SSO(config=config) as sso:
        body = {"username": super_user(sso), "password": PASSWORD, "current_app": "default"}
        client = Client(wsgi.Application(sso))
        exported.clear()
        with current() as caller:
            assert client.post("/zato/sso/user/login", json=body).status_code == 200
        spans = finished(exported)
        (request,) = (span for span in spans if span.name == "POST /user/login")
        assert request.parent == number(caller.get_span_context().span_id)
        check_login(spans, request.span_id)


async def test_no_audit_entry_is_lost_for_spans(
    exported: InMemorySpanExporter, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    """While nothing returns to Python, more spans wait than there is room for."""
    caplog.set_level("INFO", "zato_sso.audit")
    config = {**config, "audit": {"to_database": False}}
    interval, count = sys.getswitchinterval(), 3_000
    with SSO(config=config) as blocking:
        name = super_user(blocking)
    async with aio.SSO(config=config) as sso:
        await sso.user.get_user_by_username("cid", name)
        caplog.clear()
        calls = [asyncio.ensure_future(sso.user.get_user_by_username("cid", name)) for _ in range(count)]
        await asyncio.sleep(0)
        sys.setswitchinterval(60)
        try:
            end = time.monotonic() + 3
            while time.monotonic() < end:
                pass
        finally:
            sys.setswitchinterval(interval)
        await asyncio.gather(*calls)
        start = 'zato_sso_spans_total{outcome="dropped"}'
        (dropped,) = (line for line in (await sso.metrics()).splitlines() if line.startswith(start))
    assert float(dropped.split()[-1]) > 0
    assert len([record for record in caplog.records if record.name == "zato_sso.audit"]) == count


def test_traces_can_be_off(exported: InMemorySpanExporter, config: Config) -> None:
    # The database may have been made by an object.
    exported.clear()
    with SSO(config=changed(config, otel={"python": "off"})) as sso:
        super_user(sso)
    assert finished(exported) == []


def test_a_span_that_is_not_recorded_has_none_below(exported: InMemorySpanExporter, config: Config) -> None:
    exported.clear()
    unwanted = trace.NonRecordingSpan(trace.SpanContext(int(TRACE, 16), int(SPAN, 16), is_remote=True))
    with SSO(config=config) as sso:
        opened = [span.name for span in finished(exported) if span.parent == ""]
        assert opened == ["open"]
        exported.clear()
        with trace.use_span(unwanted):
            super_user(sso)
        assert finished(exported) == []


def test_without_opentelemetry_nothing_of_it_is_imported() -> None:
    code = "import sys, zato_sso; zato_sso.SSO('sqlite::memory:').close(); print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_is_asked_for_and_not_installed_is_named() -> None:
    code = """
import sys, zato_sso
sys.modules["opentelemetry"] = None
try:
    zato_sso.SSO("sqlite::memory:", config={"otel": {"python": "on"}})
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'zato-sso[otel]'" in done.stdout
