//! The output envelope: all that is accepted, and in which words the rest is refused.

use std::fmt::Write;

use expect_test::expect;
use libtest_mimic::Trial;
use minicbor::Encoder;
use sim::host::{Instance, Output, StepError, encode_envelope};

use super::{ECHO, INPUT, guest, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("envelope", "full", full),
        trial("envelope", "least", least),
        trial("envelope", "indefinite_lengths", indefinite_lengths),
        trial("envelope", "other_order_with_tag", other_order_with_tag),
        trial("envelope", "reused_output", reused_output),
        trial("envelope", "wrong_types", wrong_types),
        trial("envelope", "wrong_fields", wrong_fields),
        trial("envelope", "malformed", malformed),
        trial("envelope", "every_truncation", every_truncation),
        trial("envelope", "every_changed_byte", every_changed_byte),
        trial("envelope", "nothing_is_reserved", nothing_is_reserved),
        trial("envelope", "encode_replaces", encode_replaces),
    ]
}

/// A reducer whose output is whatever is given as its input.
struct Echo(Instance);

impl Echo {
    fn new() -> Echo {
        Echo(guest(ECHO).instance().expect("fresh"))
    }

    fn decode(&mut self, envelope: &[u8]) -> Result<Output, StepError> {
        let mut output = Output::default();
        self.0.step_encoded(envelope, &mut output).map(|()| output)
    }

    fn refusals(&mut self, envelopes: &[&[u8]]) -> String {
        let mut messages = String::new();
        for envelope in envelopes {
            let error = self
                .decode(envelope)
                .expect_err("the envelope must be refused");
            assert!(matches!(error, StepError::BadEnvelope { .. }), "{error}");
            writeln!(messages, "{error}").expect("a string takes all");
        }
        messages
    }
}

type Encoding<'a> = Encoder<&'a mut Vec<u8>>;
type Encoded = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn encoded(encode: impl FnOnce(&mut Encoding<'_>) -> Encoded) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&mut Encoder::new(&mut bytes)).expect("a vector takes all");
    bytes
}

/// Every field that there is, in declaration order, without a tag.
fn full_envelope() -> Vec<u8> {
    encoded(|cbor| {
        cbor.map(4)?.str("state")?.bytes(b"S")?;
        cbor.str("domain_events")?.array(2)?;
        cbor.map(2)?
            .str("schema")?
            .str("demo/A@1")?
            .str("value")?
            .bytes(b"a")?;
        cbor.map(3)?
            .str("schema")?
            .str("demo/B@1")?
            .str("value")?
            .bytes(b"b")?;
        cbor.str("key")?.bytes(b"k")?;
        cbor.str("effects")?
            .array(1)?
            .map(4)?
            .str("kind")?
            .str("timer.set")?;
        cbor.str("params_cbor")?
            .bytes(b"p")?
            .str("cap_slot")?
            .str("default")?;
        cbor.str("idempotency_key")?.bytes(b"i")?;
        cbor.str("ann")?.bytes(b"n")?;
        Ok(())
    })
}

fn full() {
    let output = Echo::new().decode(&full_envelope()).expect("it is valid");
    assert_eq!((output.events().len(), output.effects().len()), (2, 1));
    expect![[r#"
        Output {
            state: Some(
                [
                    83,
                ],
            ),
            events: [
                OutEvent {
                    schema: "demo/A@1",
                    value: [
                        97,
                    ],
                    key: None,
                },
                OutEvent {
                    schema: "demo/B@1",
                    value: [
                        98,
                    ],
                    key: Some(
                        [
                            107,
                        ],
                    ),
                },
            ],
            effects: [
                OutEffect {
                    kind: "timer.set",
                    params: [
                        112,
                    ],
                    cap_slot: Some(
                        "default",
                    ),
                    idempotency_key: Some(
                        [
                            105,
                        ],
                    ),
                },
            ],
            annotations: Some(
                [
                    110,
                ],
            ),
        }
    "#]]
    .assert_debug_eq(&output);
}

fn least() {
    let mut echo = Echo::new();
    let output = echo.decode(b"\xa1\x65state\xf6").expect("it is valid");
    assert_eq!(output, Output::default());
    let nulls = echo
        .decode(b"\xa2\x63ann\xf6\x65state\xf6")
        .expect("it is valid");
    assert_eq!(nulls, output);
    let empty = encoded(|cbor| {
        cbor.map(3)?
            .str("state")?
            .bytes(b"")?
            .str("effects")?
            .array(0)?;
        cbor.str("domain_events")?.array(0)?;
        Ok(())
    });
    let empty = echo.decode(&empty).expect("it is valid");
    assert_eq!(
        empty.state(),
        Some(&[][..]),
        "no bytes are not the same as no state"
    );
    assert_ne!(empty, output);
}

fn indefinite_lengths() {
    let envelope = encoded(|cbor| {
        cbor.begin_map()?
            .begin_str()?
            .str("sta")?
            .str("te")?
            .end()?;
        cbor.begin_bytes()?.bytes(b"S")?.bytes(b"")?.end()?;
        cbor.str("domain_events")?.begin_array()?;
        cbor.map(2)?
            .str("schema")?
            .str("demo/A@1")?
            .str("value")?
            .bytes(b"a")?;
        cbor.begin_map()?
            .str("schema")?
            .begin_str()?
            .str("demo/")?
            .str("B@1")?
            .end()?;
        cbor.str("value")?.begin_bytes()?.bytes(b"b")?.end()?;
        cbor.str("key")?.bytes(b"k")?.end()?.end()?;
        cbor.str("effects")?
            .begin_array()?
            .begin_map()?
            .str("kind")?
            .str("timer.set")?;
        cbor.str("params_cbor")?
            .bytes(b"p")?
            .str("cap_slot")?
            .str("default")?;
        cbor.str("idempotency_key")?.bytes(b"i")?.end()?.end()?;
        cbor.str("ann")?.begin_bytes()?.bytes(b"n")?.end()?.end()?;
        Ok(())
    });
    let mut echo = Echo::new();
    let indefinite = echo.decode(&envelope).expect("it is valid");
    assert_eq!(
        indefinite,
        echo.decode(&full_envelope()).expect("it is valid")
    );
}

fn other_order_with_tag() {
    let envelope = encoded(|cbor| {
        cbor.tag(minicbor::data::Tag::new(55799))?;
        cbor.map(4)?.str("ann")?.bytes(b"n")?;
        cbor.str("effects")?
            .array(1)?
            .map(4)?
            .str("idempotency_key")?
            .bytes(b"i")?;
        cbor.str("cap_slot")?
            .str("default")?
            .str("params_cbor")?
            .bytes(b"p")?;
        cbor.str("kind")?
            .str("timer.set")?
            .str("state")?
            .bytes(b"S")?;
        cbor.str("domain_events")?.array(2)?;
        cbor.map(2)?
            .str("value")?
            .bytes(b"a")?
            .str("schema")?
            .str("demo/A@1")?;
        cbor.map(3)?
            .str("key")?
            .bytes(b"k")?
            .str("value")?
            .bytes(b"b")?;
        cbor.str("schema")?.str("demo/B@1")?;
        Ok(())
    });
    assert_eq!(&envelope[..3], b"\xd9\xd9\xf7");
    let mut echo = Echo::new();
    let other = echo.decode(&envelope).expect("it is valid");
    assert_eq!(other, echo.decode(&full_envelope()).expect("it is valid"));
}

/// Nothing of one step is left in the output of the next.
fn reused_output() {
    let Echo(mut instance) = Echo::new();
    let mut output = Output::default();
    instance
        .step_encoded(&full_envelope(), &mut output)
        .expect("it is valid");
    instance
        .step_encoded(b"\xa1\x65state\xf6", &mut output)
        .expect("it is valid");
    assert_eq!(output, Output::default());
}

fn wrong_types() {
    let found = Echo::new().refusals(&[
        b"\x80",
        b"\xf6",
        b"\x1a\0\0\0\x01",
        b"\xa1\x65state\x61S",
        b"\xa1\x65state\x82\x01\x02",
        b"\xa1\x65state\xf7",
        b"\xa1\x65state\xc2\x41\x01",
        b"\xa1\x07\xf6",
        b"\xa2\x65state\xf6\x6ddomain_events\xa0",
        b"\xa2\x65state\xf6\x6ddomain_events\x81\x01",
        b"\xa2\x65state\xf6\x67effects\xf6",
        b"\xa2\x65state\xf6\x67effects\x81\xa1\x64kind\x41t",
        b"\xa2\x65state\xf6\x67effects\x81\xa1\x68cap_slot\xf6",
        b"\xa2\x65state\xf6\x6ddomain_events\x81\xa1\x65value\xfb\0\0\0\0\0\0\0\0",
        b"\xa2\x65state\xf6\x63ann\x20",
    ]);
    expect![[r#"
        output envelope, at its top (byte 0): expected a map, found an array
        output envelope, at its top (byte 0): expected a map, found null
        output envelope, at its top (byte 0): expected a map, found an unsigned integer
        output envelope, at `/state` (byte 7): expected bytes or null, found text
        output envelope, at `/state` (byte 7): expected bytes or null, found an array
        output envelope, at `/state` (byte 7): expected bytes or null, found undefined
        output envelope, at `/state` (byte 7): expected bytes or null, found a tag
        output envelope, at its top (byte 1): expected a field name, text, found an unsigned integer
        output envelope, at `/domain_events` (byte 22): expected an array, found a map
        output envelope, at `/domain_events/0` (byte 23): expected a map, found an unsigned integer
        output envelope, at `/effects` (byte 16): expected an array, found null
        output envelope, at `/effects/0/kind` (byte 23): expected text, found bytes
        output envelope, at `/effects/0/cap_slot` (byte 27): expected text, found null
        output envelope, at `/domain_events/0/value` (byte 30): expected bytes, found a float
        output envelope, at `/ann` (byte 12): expected bytes or null, found a negative integer
    "#]]
    .assert_eq(&found);
}

fn wrong_fields() {
    let found = Echo::new().refusals(&[
        b"\xa0",
        b"\xbf\xff",
        b"\xa1\x63ann\xf6",
        b"\xa2\x65state\xf6\x65other\xf6",
        b"\xa1\x62\n\x1b\xf6",
        &[&b"\xa1\x78\xc8"[..], &[b'x'; 200], b"\xf6"].concat(),
        b"\xa2\x65state\xf6\x65state\xf6",
        b"\xa2\x65state\xf6\x67effects\x81\xa0",
        b"\xa2\x65state\xf6\x67effects\x81\xa1\x64kind\x61t",
        b"\xa2\x65state\xf6\x67effects\x81\xa2\x64kind\x61t\x64kind\x61t",
        b"\xa2\x65state\xf6\x6ddomain_events\x81\xa1\x66schema\x61t",
        b"\xa2\x65state\xf6\x6ddomain_events\x82\xa2\x66schema\x61t\x65value\x40\xa1\x63kez\x40",
    ]);
    expect![[r#"
        output envelope, at its top (byte 1): expected field `state`, found none
        output envelope, at its top (byte 2): expected field `state`, found none
        output envelope, at its top (byte 6): expected field `state`, found none
        output envelope, at its top (byte 8): expected one of `state`, `domain_events`, `effects`, `ann`, found `other`
        output envelope, at its top (byte 1): expected one of `state`, `domain_events`, `effects`, `ann`, found `\n\u{1b}`
        output envelope, at its top (byte 1): expected one of `state`, `domain_events`, `effects`, `ann`, found `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`
        output envelope, at its top (byte 8): expected each field once, found `state` again
        output envelope, at `/effects/0` (byte 18): expected field `kind`, found none
        output envelope, at `/effects/0` (byte 25): expected field `params_cbor`, found none
        output envelope, at `/effects/0` (byte 25): expected each field once, found `kind` again
        output envelope, at `/domain_events/0` (byte 33): expected field `value`, found none
        output envelope, at `/domain_events/1` (byte 41): expected one of `schema`, `value`, `key`, found `kez`
    "#]].assert_eq(&found);
}

fn malformed() {
    let found = Echo::new().refusals(&[
        b"",
        b"\xd9\xd9\xf7",
        b"\xd9\xd9\xf7\xd9\xd9\xf7\xa1\x65state\xf6",
        b"\xff",
        b"\xfc",
        b"\xa1\x65state\xf6\0",
        b"\xa1\x65state\x5a\xff\xff\xff\xff\x01",
        b"\xa1\x65state\x5b\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\xa1\x65state\x5c\x01",
        b"\xa1\x65state\x5f\x41\x01",
        b"\xa1\x65state\x5f\x5f\x41\x01\xff\xff",
        b"\xa1\x65state\x5f\x61S\xff",
        b"\xa1\x62\xc3\x28\xf6",
        b"\xa1\x7f\x61\xc3\x61\xa9\xff\xf6",
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x65state\xf6",
        b"\xa2\x67effects\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xa2\x67effects\xff",
        b"\xa1\x65state\xff",
    ]);
    expect![[r#"
        output envelope, at its top (byte 0): expected a map, found the end of the envelope
        output envelope, at its top (byte 3): expected a map, found the end of the envelope
        output envelope, at its top (byte 3): expected a map, found a tag
        output envelope, at its top (byte 0): expected a map, found a break
        output envelope, at its top (byte 0): expected a map, found a byte that begins no CBOR value
        output envelope, at its top (byte 8): expected the end, found 1 more bytes
        output envelope, at `/state` (byte 12): expected bytes or null, found the end of the envelope
        output envelope, at `/state` (byte 16): expected bytes or null, found the end of the envelope
        output envelope, at `/state` (byte 7): expected bytes or null, found a byte that begins no CBOR value
        output envelope, at `/state` (byte 10): expected bytes or null, found the end of the envelope
        output envelope, at `/state` (byte 9): expected bytes or null, found a malformed one (unexpected type indefinite bytes at position 8: expected bytes (definite length))
        output envelope, at `/state` (byte 9): expected bytes or null, found a malformed one (unexpected type string at position 8: expected bytes (definite length))
        output envelope, at its top (byte 4): expected a field name, text, found a malformed one (invalid utf-8 at position 1)
        output envelope, at its top (byte 4): expected a field name, text, found a malformed one (invalid utf-8 at position 2)
        output envelope, at its top (byte 16): expected a field name, text, found the end of the envelope
        output envelope, at `/effects/0` (byte 18): expected a map, found the end of the envelope
        output envelope, at `/effects` (byte 9): expected an array, found a break
        output envelope, at `/state` (byte 7): expected bytes or null, found a break
    "#]].assert_eq(&found);
}

fn every_truncation() {
    let (mut echo, envelope) = (Echo::new(), full_envelope());
    for length in 0..envelope.len() {
        let error = echo
            .decode(&envelope[..length])
            .expect_err("a prefix must fail");
        assert!(
            matches!(error, StepError::BadEnvelope { .. }),
            "{length} bytes: {error}"
        );
    }
}

/// Whatever one byte is changed into: an output or an error with its place, never a panic.
fn every_changed_byte() {
    let (mut echo, envelope) = (Echo::new(), full_envelope());
    for index in 0..envelope.len() {
        for value in (0..=255).step_by(5) {
            let mut changed = envelope.clone();
            changed[index] = value;
            if let Err(error) = echo.decode(&changed) {
                assert!(
                    matches!(error, StepError::BadEnvelope { .. }),
                    "{index}: {error}"
                );
            }
        }
    }
}

/// The deepest and the widest that fit in an output are refused as quickly as any.
fn nothing_is_reserved() {
    let mut echo = Echo::new();
    for head in [0x81, 0x9f, 0xa1, 0xbf, 0xc1, 0x5f, 0x7f] {
        let mut deep = b"\xa1\x65state".to_vec();
        deep.resize(4096, head);
        echo.decode(&deep).expect_err("it is never closed");
    }
    let mut wide = b"\xa2\x65state\xf6\x67effects\x99\x10\0".to_vec();
    wide.resize(4096, 0xa0);
    echo.decode(&wide).expect_err("an effect without fields");
}

fn encode_replaces() {
    let mut envelope = b"old".to_vec();
    encode_envelope(&INPUT, &mut envelope);
    let mut fresh = Vec::new();
    encode_envelope(&INPUT, &mut fresh);
    assert_eq!(envelope, fresh);
}
