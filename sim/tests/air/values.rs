//! Values: every form of one value leads to the same bytes, and bytes that do not fit are refused.

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use sim::air::cbor::canonical::Canonical;
use sim::air::{SchemaId, Schemas, Type, Value};

use super::generate::{Sample, sample, world_of};
use super::trial;
use crate::support::property;

pub fn trials(seed: u64) -> Vec<Trial> {
    vec![
        trial("values::spellings_and_bytes_agree", move || {
            property(seed, 192)
                .run(&sample(), agree)
                .expect("all spellings agree");
        }),
        trial("values::loose_bytes_become_canonical", move || {
            property(seed, 128)
                .run(&(sample(), any::<u64>()), loosen)
                .expect("all bytes agree");
        }),
        trial("values::any_bytes_are_judged_alike", move || {
            let bytes = proptest::collection::vec(any::<u8>(), 0..40);
            let cut = (sample(), bytes, any::<proptest::sample::Index>());
            property(seed, 192)
                .run(&cut, judge)
                .expect("no panic, and out is left alone");
        }),
        trial("values::one_look_is_as_good_as_a_copy", move || {
            let edit = (any::<proptest::sample::Index>(), any::<u8>(), 0..6_u8);
            let edits = proptest::collection::vec(edit, 0..3);
            property(seed, 512)
                .run(&(sample(), edits), settled)
                .expect("both ways give the same");
        }),
        trial("values::items_are_gone_past_whole", items),
        trial("values::integers_have_signs", signs),
        trial("values::nearly_canonical", nearly_canonical),
        trial("values::numbers_and_times", numbers),
        trial("values::plain_wins_over_tagged", ambiguous),
        trial("values::refused_bytes", refused_bytes),
        trial("values::refused_json", refused_json),
        trial("values::deep_and_endless_bytes", hostile),
    ]
}

fn agree(sample: Sample) -> Result<(), TestCaseError> {
    let (air, id) = world_of(&sample.ty);
    let schemas = &air.schemas;
    let plain = schemas
        .value_from_json(id, &sample.plain)
        .expect("the plain spelling fits");
    let tagged = schemas.value_from_json(id, &sample.tagged);
    prop_assert_eq!(tagged.as_ref(), Ok(&plain));
    let json = schemas.value_to_json(id, &plain);
    let read = schemas.value_from_json(id, &json);
    prop_assert_eq!(read.as_ref(), Ok(&plain));
    let bytes = schemas.encode(id, &plain).expect("it fits");
    let decoded = schemas.decode(id, &bytes);
    prop_assert_eq!(decoded.as_ref(), Ok(&plain));
    let mut again = vec![7];
    schemas
        .canonicalise(id, &bytes, &mut again)
        .expect("canonical bytes fit");
    prop_assert_eq!(&again[1..], &bytes[..]);
    prop_assert_eq!(again[0], 7);
    Ok(())
}

/// The same value in the loosest bytes there are.
fn loosen((sample, noise): (Sample, u64)) -> Result<(), TestCaseError> {
    let (air, id) = world_of(&sample.ty);
    let schemas = &air.schemas;
    let value = schemas.value_from_json(id, &sample.plain).expect("it fits");
    let canonical = schemas.encode(id, &value).expect("it fits");
    let mut loose = Loose {
        schemas,
        noise,
        out: Vec::new(),
    };
    loose.write(schemas.ty(id), &value);
    let mut found = Vec::new();
    let done = schemas.canonicalise(id, &loose.out, &mut found);
    prop_assert_eq!(done, Ok(()));
    prop_assert_eq!(found, canonical);
    Ok(())
}

/// Bytes with their leading tag are looked through first, whether they are canonical as they stand;
/// without it they are always written anew.
fn settled(
    (sample, edits): (Sample, Vec<(proptest::sample::Index, u8, u8)>),
) -> Result<(), TestCaseError> {
    let (air, id) = world_of(&sample.ty);
    let schemas = &air.schemas;
    let value = schemas.value_from_json(id, &sample.plain).expect("it fits");
    let tagged = schemas.encode(id, &value).expect("it fits");
    let (tag, bytes) = tagged.split_at(3);
    let mut bytes = bytes.to_vec();
    for (place, byte, how) in edits {
        let at = place.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes[at] ^= 1 << (byte & 7),
            2 => bytes.insert(at, byte),
            3 if bytes.len() > 1 => drop(bytes.remove(at)),
            // Perhaps a head, made longer by one step.
            4 if bytes[at] & 31 < 24 => {
                let longer = [bytes[at] | 24, bytes[at] & 31];
                bytes.splice(at..=at, longer);
            }
            5 if (24..27).contains(&(bytes[at] & 31)) => {
                let zeros = 1 << (bytes[at] & 31 & 3);
                bytes[at] += 1;
                bytes.splice(at + 1..=at, std::iter::repeat_n(0, zeros));
            }
            _ => {}
        }
    }
    let canonicalised = |bytes: &[u8]| {
        let mut out = Vec::new();
        schemas.canonicalise(id, bytes, &mut out).map(|()| out)
    };
    prop_assert_eq!(
        canonicalised(&[tag, &bytes].concat()),
        canonicalised(&bytes)
    );
    Ok(())
}

/// What is one step from canonical, as whoever only looks might miss it: with the tag in front it
/// is made canonical or refused as it is without.
fn nearly_canonical() {
    let cases: [(_, &[u8]); 14] = [
        (json!({"nat": {}}), b"\x18\x17"),
        (json!({"nat": {}}), b"\x19\x00\xff"),
        (json!({"nat": {}}), b"\x1a\x00\x00\xff\xff"),
        (json!({"nat": {}}), b"\x1b\x00\x00\x00\x00\xff\xff\xff\xff"),
        (json!({"nat": {}}), b"\x05\x05"),
        (json!({"text": {}}), b"\x62a\xff"),
        (json!({"text": {}}), b"\x61\xc3"),
        (json!({"text": {}}), b"\x7f\x61a\xff"),
        (json!({"bytes": {}}), b"\x58\x01a"),
        (json!({"list": {"nat": {}}}), b"\x9f\x01\xff"),
        (json!({"list": {"nat": {}}}), b"\x82\x01"),
        (json!({"option": {"nat": {}}}), b"\xf7"),
        (
            json!({"variant": {"A": {"unit": {}}}}),
            b"\xa2\x64$tag\x61A\x66$value\xf6",
        ),
        (
            json!({"variant": {"A": {"nat": {}}}}),
            b"\xa2\x66$value\x01\x64$tag\x61A",
        ),
    ];
    for (ty, bytes) in cases {
        let (air, id) = world_of(&ty);
        let tagged = [b"\xd9\xd9\xf7", bytes].concat();
        let canonicalised = |bytes: &[u8]| {
            let mut out = Vec::new();
            let done = air.schemas.canonicalise(id, bytes, &mut out);
            done.map(|()| out)
        };
        let found = canonicalised(&tagged);
        assert_eq!(found, canonicalised(bytes), "{ty} {bytes:x?}");
        assert_ne!(found.as_ref(), Ok(&tagged), "{ty} {bytes:x?}");
    }
}

/// Writes long heads, indefinite lengths, fields backwards, both spellings of variants, and leaves
/// out what may be absent; which of these, a stream of bits decides.
struct Loose<'a> {
    schemas: &'a Schemas,
    noise: u64,
    out: Vec<u8>,
}

impl Loose<'_> {
    fn flip(&mut self) -> bool {
        self.noise = self
            .noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.noise >> 63 == 1
    }

    fn head(&mut self, major: u8, argument: u64) {
        self.out.push(major << 5 | 27);
        self.out.extend(argument.to_be_bytes());
    }

    fn string(&mut self, major: u8, bytes: &[u8]) {
        if self.flip() {
            self.head(major, bytes.len() as u64);
            self.out.extend(bytes);
        } else {
            self.out.push(major << 5 | 31);
            self.head(major, bytes.len() as u64);
            self.out.extend(bytes);
            self.out.extend([major << 5, 0xff]);
        }
    }

    fn text(&mut self, text: &str) {
        self.string(3, text.as_bytes());
    }

    /// Opens an array or a map; whether a break must close it.
    fn open(&mut self, major: u8, count: usize) -> bool {
        let endless = self.flip();
        match endless {
            true => self.out.push(major << 5 | 31),
            false => self.head(major, count as u64),
        }
        endless
    }

    fn close(&mut self, endless: bool) {
        if endless {
            self.out.push(0xff);
        }
    }

    fn write(&mut self, ty: &Type, value: &Value) {
        match (self.schemas.resolve(ty), value) {
            (Type::Option(inner), value) if *value != Value::Null => self.write(inner, value),
            (Type::Record(record), Value::Map(entries)) => {
                let mut kept: Vec<_> = entries.iter().collect();
                let drop_nulls = self.flip();
                kept.retain(|(key, value)| {
                    let field = key.as_text().and_then(|key| record.field(key));
                    let optional = field.is_some_and(|field| field.optional);
                    !(optional && drop_nulls && *value == Value::Null)
                });
                if self.flip() {
                    kept.reverse();
                }
                let endless = self.open(5, kept.len());
                for (key, value) in kept {
                    let name = key.as_text().expect("a field has a name");
                    self.text(name);
                    self.write(&record.field(name).expect("it is known").ty, value);
                }
                self.close(endless);
            }
            (Type::Map(map), Value::Map(entries)) => {
                let endless = self.open(5, entries.len());
                for (key, value) in entries.iter().rev() {
                    self.write(&map.key, key);
                    self.write(&map.value, value);
                }
                self.close(endless);
            }
            (Type::Set(item), Value::List(items)) => {
                let endless = self.open(4, items.len() * 2);
                for value in items.iter().rev().chain(items) {
                    self.write(item, value);
                }
                self.close(endless);
            }
            (Type::List(item), Value::List(items)) => {
                let endless = self.open(4, items.len());
                items.iter().for_each(|value| self.write(item, value));
                self.close(endless);
            }
            (Type::Variant(variant), Value::Variant { tag, value }) => {
                let ty = &variant.arm(tag).expect("the tag is known").ty;
                self.variant(tag, ty, value);
            }
            (_, Value::Nat(number)) => self.head(0, *number),
            (_, Value::Int(number)) if *number < 0 => self.head(1, !*number as u64),
            (_, Value::Int(number)) => self.head(0, *number as u64),
            (_, Value::Text(text)) => self.text(text),
            (_, Value::Bytes(bytes)) => self.string(2, bytes),
            (_, Value::Bool(flag)) => self.out.push(if *flag { 0xf5 } else { 0xf4 }),
            _ => self.out.push(0xf6),
        }
    }

    fn variant(&mut self, tag: &str, ty: &Type, value: &Value) {
        let short = self.flip();
        let endless = self.open(5, if short { 1 } else { 2 });
        if short {
            self.text(tag);
            self.write(ty, value);
        } else if self.flip() {
            self.text("$value");
            self.write(ty, value);
            self.text("$tag");
            self.text(tag);
        } else {
            self.text("$tag");
            self.text(tag);
            self.text("$value");
            self.write(ty, value);
        }
        self.close(endless);
    }
}

/// Noise, and good bytes with a bit turned: the answer may be yes or no, but the bytes that come
/// out are always canonical, and nothing comes out with a no.
fn judge(
    (sample, noise, at): (Sample, Vec<u8>, proptest::sample::Index),
) -> Result<(), TestCaseError> {
    let (air, id) = world_of(&sample.ty);
    let value = air
        .schemas
        .value_from_json(id, &sample.plain)
        .expect("it fits");
    let mut bent = air.schemas.encode(id, &value).expect("it fits");
    let index = at.index(bent.len());
    bent[index] ^= 1 << (noise.len() % 8);
    for bytes in [&bent, &noise, &bent[..index].to_vec()] {
        let mut out = b"before".to_vec();
        match air.schemas.canonicalise(id, bytes, &mut out) {
            Err(_) => prop_assert_eq!(&out, b"before"),
            Ok(()) => {
                let mut again = Vec::new();
                prop_assert_eq!(air.schemas.canonicalise(id, &out[6..], &mut again), Ok(()));
                prop_assert_eq!(&out[6..], &again[..]);
                let value = air.schemas.decode(id, bytes).expect("it was accepted");
                prop_assert_eq!(&air.schemas.encode(id, &value).expect("it fits"), &again);
            }
        }
    }
    Ok(())
}

fn read(ty: Json, json: Json) -> Result<Value, String> {
    let (air, id) = world_of(&ty);
    air.schemas
        .value_from_json(id, &json)
        .map_err(|error| error.to_string())
}

fn numbers() {
    let cases = [
        (
            "time",
            json!("1970-01-01T00:00:01.5Z"),
            Some(Value::Nat(1_500_000_000)),
        ),
        (
            "time",
            json!("1970-01-01T01:00:00+01:00"),
            Some(Value::Nat(0)),
        ),
        ("time", json!("1969-12-31T23:59:59Z"), None),
        ("time", json!("12"), Some(Value::Nat(12))),
        ("duration", json!("PT1.5S"), Some(Value::Int(1_500_000_000))),
        (
            "duration",
            json!("-P1DT2H3M"),
            Some(Value::Int(-93_780_000_000_000)),
        ),
        ("duration", json!("P1Y"), None),
        ("duration", json!("PT"), None),
        (
            "nat",
            json!("18446744073709551615"),
            Some(Value::Nat(u64::MAX)),
        ),
        ("nat", json!("18446744073709551616"), None),
        ("nat", json!("+1"), None),
        ("nat", json!("01"), None),
        ("nat", json!(1.5), None),
        (
            "int",
            json!("-9223372036854775808"),
            Some(Value::Int(i64::MIN)),
        ),
        (
            "uuid",
            json!("0000000A-0000-0000-0000-00000000000B"),
            Some(Value::text("0000000a-0000-0000-0000-00000000000b")),
        ),
        ("dec128", json!("12345678901234567890123456789012345"), None),
    ];
    for (word, json, expected) in cases {
        let found = read(json!({ word: {} }), json.clone());
        assert_eq!(
            found.as_ref().ok(),
            expected.as_ref(),
            "{word} {json}: {found:?}"
        );
    }
    let (air, id) = world_of(&json!({"record": {"a": {"int": {}}, "s": {"set": {"nat": {}}}}}));
    let mixed = Value::record([
        (
            "s",
            Value::List(vec![Value::Int(300), Value::Nat(2), Value::Nat(300)]),
        ),
        ("a", Value::Nat(5)),
    ]);
    let expected = Value::record([
        ("a", Value::Int(5)),
        ("s", Value::List(vec![Value::Nat(2), Value::Nat(300)])),
    ]);
    let bytes = air
        .schemas
        .encode(id, &mixed)
        .expect("numbers are fitted, sets put in order");
    assert_eq!(air.schemas.decode(id, &bytes), Ok(expected));
}

fn ambiguous() {
    let ty = json!({"record": {"record": {"nat": {}}}});
    let expected = Value::record([("record", Value::Nat(1))]);
    assert_eq!(read(ty.clone(), json!({"record": 1})), Ok(expected.clone()));
    assert_eq!(read(ty, json!({"record": {"nat": 1}})), Ok(expected));
    let ty = json!({"map": {"key": {"text": {}}, "value": {"nat": {}}}});
    let expected = Value::record([("map", Value::Nat(1))]);
    assert_eq!(read(ty.clone(), json!({"map": 1})), Ok(expected.clone()));
    assert_eq!(
        read(ty, json!({"map": [{"key": "map", "value": {"nat": 1}}]})),
        Ok(expected)
    );
}

fn schema() -> Json {
    json!({"record": {
        "id": {"text": {}},
        "n": {"option": {"nat": {}}},
        "v": {"variant": {"on": {"unit": {}}, "off": {"record": {"why": {"text": {}}}}}},
    }})
}

fn canonicalise(schemas: &Schemas, id: SchemaId, bytes: &[u8]) -> String {
    match schemas.canonicalise(id, bytes, &mut Vec::new()) {
        Ok(()) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn refused_bytes() {
    let (air, id) = world_of(&schema());
    let check = |bytes: &[u8], expected: Expect| {
        expected.assert_eq(&canonicalise(&air.schemas, id, bytes));
    };
    check(
        b"\xa2\x62id\x61a\x61v\xa1\x64$tag\x62on",
        expect!["accepted"],
    );
    check(
        b"\xa1\x62id\x61a",
        expect!["at `/v`: expected a variant, found no such field"],
    );
    check(
        b"\xa3\x62id\x61a\x62id\x61a\x61v\xa1\x64$tag\x62on",
        expect!["at `/id`: expected each field once, found it twice"],
    );
    check(
        b"\xa3\x62id\x61a\x61x\x00\x61v\xa1\x64$tag\x62on",
        expect!["at the top: expected one of n, v, id, found the unknown field `x`"],
    );
    check(
        b"\xa3\x67$schema\x61a",
        expect![
            "at the top: expected one of n, v, id, found a payload with `$schema`, which only an envelope has"
        ],
    );
    check(
        b"\xa2\x62id\x01\x61v\xa1\x64$tag\x62on",
        expect!["at `/id`: expected text, found a number"],
    );
    check(
        b"\xa2\x62id\x61\xff\x61v\xa1\x64$tag\x62on",
        expect!["at `/id`: expected text, found bytes that are not UTF-8"],
    );
    check(
        b"\xa3\x62id\x61a\x61n\x20\x61v\xa1\x64$tag\x62on",
        expect!["at `/n`: expected a whole number up to 64 bits, found a negative number"],
    );
    check(
        b"\xa2\x62id\x61a\x61v\xa1\x64$tag\x62up",
        expect!["at `/v`: expected one of on, off, found the unknown tag `up`"],
    );
    check(
        b"\xa2\x62id\x61a\x61v\xa1\x64$tag\x63off",
        expect!["at `/v/off`: expected a record, found no `$value`"],
    );
    check(
        b"\xa2\x62id\x61a\x61v\xa2\x64$tag\x63off\x66$value\xa1\x63why\xf6",
        expect!["at `/v/off/why`: expected text, found null"],
    );
    check(
        b"\xa2\x62id\x61a\x61v\xa2\x64$tag\x62on\x65other\xf6",
        expect!["at `/v`: expected `$value`, found the key `other`"],
    );
    check(
        b"\xa2\x62id\x61a\x61v\xa1\x64$tag\x62on\x00",
        expect!["at the top: expected the end of the value, found 1 more bytes"],
    );
    check(
        b"\xa2\x62id\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
        expect![
            "at `/id`: expected text, found a length of 18446744073709551615, past the end of the bytes"
        ],
    );
    check(
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        expect!["at the top: expected text, found the end of the bytes"],
    );
    check(
        b"",
        expect!["at the top: expected a record, found the end of the bytes"],
    );
    check(
        b"\xfb\x00\x00\x00\x00\x00\x00\x00\x00",
        expect!["at the top: expected a record, found a float"],
    );
}

fn refused_json() {
    let check = |json: Json, expected: Expect| {
        let found = read(schema(), json);
        expected.assert_eq(&found.map_or_else(|error| error, |_| "accepted".to_owned()));
    };
    check(json!({"id": "a", "v": {"on": null}}), expect!["accepted"]);
    check(
        json!({"id": 1, "v": {"on": null}}),
        expect!["at `/id`: expected text, found the number 1"],
    );
    check(
        json!({"id": "a", "n": -1, "v": {"on": null}}),
        expect![
            "at `/n`: expected a whole number up to 64 bits (a great one as text), found the number -1"
        ],
    );
    check(
        json!({"id": "a", "v": {"off": {}}}),
        expect!["at `/v/off/why`: expected text, found no such field"],
    );
    check(
        json!({"id": "a", "v": {"record": {}}}),
        expect!["at `/v`: expected one of on, off, found the tag `record`"],
    );
    check(
        json!({"id": "a", "v": {"variant": {"tag": "off", "value": {"why": 1}}}}),
        expect!["at `/v/variant/value/why`: expected text, found the number 1"],
    );
    check(
        json!({"record": {"id": {"nat": 1}, "v": {"on": null}}}),
        expect!["at `/record/id`: expected text, found an object with the field `nat`"],
    );
    check(
        json!({"id": "a", "v": {"on": null}, "$schema": "x"}),
        expect!["at `/$schema`: expected one of n, v, id, found an unknown field"],
    );
}

/// Bytes that would make a careless reader recurse or allocate without end.
fn hostile() {
    let ty = json!({"variant": {"a": {"list": {"nat": {}}}}});
    let (air, id) = world_of(&ty);
    let mut nested = b"\xa2\x66$value".to_vec();
    nested.extend([0x81; 1_000_000]);
    let mut endless = b"\xa2\x66$value".to_vec();
    endless.extend([0xc0; 1_000_000]);
    for bytes in [
        nested,
        endless,
        vec![0x9f; 1_000_000],
        vec![0xd9; 1_000_000],
    ] {
        assert_ne!(canonicalise(&air.schemas, id, &bytes), "accepted");
    }
}

fn items() {
    let items = [
        Value::Null,
        Value::Bool(true),
        Value::Int(-300),
        Value::Nat(u64::MAX),
        Value::Bytes(vec![0xf6; 30]),
        Value::text("a".repeat(300)),
        Value::List(vec![Value::List(vec![]), Value::text("x"), Value::Int(-1)]),
        Value::record([("a", Value::Nat(7)), ("b", Value::record([]))]),
    ];
    let bytes = Value::List(items.to_vec()).to_cbor();
    let mut reader = Canonical::new(&bytes);
    assert_eq!(reader.array(), Some(items.len() as u64));
    for item in &items {
        let mut alone = Vec::new();
        item.write_cbor(&mut alone);
        assert_eq!(reader.item(), Some(alone.as_slice()), "{item:?}");
    }
    assert_eq!(reader.item(), None);
    let cut = &bytes[..bytes.len() - 1];
    assert_eq!(Canonical::new(cut).item(), None);
}

fn signs() {
    for number in [0, -1, 23, -24, i64::MAX, i64::MIN] {
        let bytes = Value::Int(number).to_cbor();
        assert_eq!(Canonical::new(&bytes).int(), Some(number.into()));
    }
    let most = Value::Nat(u64::MAX).to_cbor();
    assert_eq!(Canonical::new(&most).int(), Some(u64::MAX.into()));
}
