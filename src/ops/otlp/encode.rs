//! Spans as Protocol Buffers: the message `ExportTraceServiceRequest` of opentelemetry-proto 1, whose field numbers never
//! change. Only what is sent is here, and nothing is read.

use crate::domain::trace::{Note, Span, SpanKind};

/// How a field is written (<https://protobuf.dev/programming-guides/encoding/>).
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

/// `STATUS_CODE_ERROR`.
const FAILED: u64 = 2;

/// The flag of W3C Trace Context that says that a trace is recorded.
const SAMPLED: u32 = 1;

/// A message, as far as it is written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3 | VARINT);
        self.varint(value);
    }

    fn fixed_64(&mut self, field: u64, value: u64) {
        self.varint(field << 3 | FIXED_64);
        self.0.extend(value.to_le_bytes());
    }

    fn fixed_32(&mut self, field: u64, value: u32) {
        self.varint(field << 3 | FIXED_32);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | BYTES);
        self.varint(value.len() as u64);
        self.0.extend(value);
    }

    fn part(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut part = Self::default();
        write(&mut part);
        self.bytes(field, &part.0);
    }

    /// A `KeyValue`.
    fn pair(&mut self, field: u64, name: &str, value: &Note) {
        self.part(field, |pair| {
            pair.bytes(1, name.as_bytes());
            pair.part(2, |any| match value {
                Note::Text(text) => any.bytes(1, text.as_bytes()),
                Note::Number(number) => any.number(3, number.cast_unsigned()),
                Note::Real(number) => any.fixed_64(4, number.to_bits()),
            });
        });
    }

    fn span(&mut self, span: &Span) {
        self.bytes(1, &span.trace_id.to_be_bytes());
        self.bytes(2, &span.span_id.to_be_bytes());
        if let Some(state) = &span.state {
            self.bytes(3, state.as_bytes());
        }
        if let Some(parent) = span.parent {
            self.bytes(4, &parent.to_be_bytes());
        }
        self.bytes(5, span.name.as_bytes());
        self.number(
            6,
            match span.kind {
                SpanKind::Internal => 1,
                SpanKind::Server => 2,
                SpanKind::Client => 3,
            },
        );
        let start = u64::try_from(span.start.as_micros()).unwrap_or(0).saturating_mul(1000);
        let took = u64::try_from(span.duration.as_nanos()).unwrap_or(u64::MAX);
        self.fixed_64(7, start);
        self.fixed_64(8, start.saturating_add(took));
        for (name, value) in &span.notes {
            self.pair(9, name, value);
        }
        if span.is_failed {
            self.part(15, |status| status.number(3, FAILED));
        }
        self.fixed_32(16, SAMPLED);
    }
}

/// The message for these spans of this process.
pub(super) fn request(resource: &[(String, String)], spans: &[Span]) -> Vec<u8> {
    let mut message = Message::default();
    message.part(1, |all| {
        all.part(1, |message| {
            for (name, value) in resource {
                message.pair(1, name, &Note::Text(value.clone().into()));
            }
        });
        all.part(2, |scope| {
            scope.part(1, |library| {
                library.bytes(1, b"zato_sso");
                library.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
            });
            for span in spans {
                scope.part(2, |message| message.span(span));
            }
        });
    });
    message.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn a_span_is_written_as_the_format_has_it() {
        let span = Span {
            trace_id: 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10,
            span_id: 0x1112_1314_1516_1718,
            parent: None,
            state: None,
            name: "n".into(),
            kind: SpanKind::Server,
            start: Timestamp::from_micros(1),
            duration: Duration::from_nanos(7),
            notes: vec![("k", Note::Number(300))],
            is_failed: true,
        };
        let mut message = Message::default();
        message.span(&span);
        let hex = data_encoding::HEXLOWER.encode(&message.0);
        // Field by field: its number and kind, its length, its value.
        let expected = [
            "0a100102030405060708090a0b0c0d0e0f10",
            "12081112131415161718",
            "2a016e",
            "3002",
            "39e803000000000000",
            "41ef03000000000000",
            "4a080a016b120318ac02",
            "7a021802",
            "850101000000",
        ];
        assert_eq!(hex, expected.concat());
    }
}
