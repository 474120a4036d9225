"""Makes spans of OpenTelemetry, of what the engine has recorded. Private: the engine calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from opentelemetry import trace
from opentelemetry.context import Context, get_current, get_value
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from zato_sso._core import __version__

# Its number, the number of the one above, name, kind, start and end in nanoseconds, attributes, whether it has failed.
_Recorded: TypeAlias = tuple[int, int | None, str, str, int, int, Mapping[str, str | int | float], bool]

_tracer = trace.get_tracer("zato_sso", __version__)
_headers = TraceContextTextMapPropagator()


def context(headers: Mapping[str, str]) -> Context | None:
    """Where spans of a call that begins now belong; None where nobody wants them.

    Args:
        headers: Those of a request that name a span. They count where no span is current.
    """
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider) or get_value("suppress_instrumentation"):
        return None
    current = get_current()
    span = trace.get_current_span(current)
    if not span.get_span_context().is_valid:
        return _headers.extract(headers, current) if headers else current
    return current if span.is_recording() or span.get_span_context().trace_flags.sampled else None


def give(context: Context, recorded: Sequence[_Recorded]) -> None:
    """Makes spans, those above before those below."""
    made: dict[int, trace.Span] = {}
    contexts: dict[int | None, Context] = {None: context}
    for number, above, name, kind, start, _, attributes, is_failed in recorded:
        span = _tracer.start_span(
            name,
            contexts.get(above, context),
            kind=trace.SpanKind[kind],
            attributes=attributes,
            start_time=start,
            record_exception=False,
        )
        if is_failed:
            span.set_status(trace.Status(trace.StatusCode.ERROR))
        made[number] = span
        contexts[number] = trace.set_span_in_context(span, context)
    for number, _, _, _, _, end, _, _ in reversed(recorded):
        made[number].end(end)
