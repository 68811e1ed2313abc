//! Bytes and hashes that the format's authors publish, and the example of the ABI.

use libtest_mimic::Trial;
use serde_json::{Value as Json, json};
use sim::air::{Hash, Value, canonical_cbor, load};

use super::{base, edited, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("vectors::documents", documents),
        trial("vectors::event_on_the_wire", event_on_the_wire),
        trial("vectors::untyped_values_agree_with_json", untyped),
        trial("vectors::comments_are_not_hashed", comments),
        trial(
            "vectors::hashes_may_be_zero_absent_or_right",
            manifest_hashes,
        ),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn documents() {
    let point = json!({
        "$kind": "defschema",
        "name": "com.acme/Point@1",
        "type": {"record": {"x": {"int": {}}, "y": {"int": {}}}},
    });
    let vectors: [(Json, Option<&str>, &str); 4] = [
        (
            json!({}),
            Some("d9d9f7a0"),
            "75bd49cb964988d6fd2c058f51230c3dc2a254753751fbe0f313b4b1e0681b69",
        ),
        (
            json!({"b": 2, "a": 1}),
            Some("d9d9f7a2616101616202"),
            "7d5fc784e8d341244b992c902413575266e3140e9081fe12fc95849cf27e7df6",
        ),
        (
            json!(["hi", 1, true, null]),
            Some("d9d9f78462686901f5f6"),
            "0e2c2f23ecdea86fcc33f4975460ea705a19da61c5eef7218112387036581271",
        ),
        (
            point,
            None,
            "9b74eadb8810612f1becfbf9b4502cccb0ef290b90e3e912b316fc279e779add",
        ),
    ];
    for (json, bytes, hash) in vectors {
        let cbor = canonical_cbor(&json);
        assert!(bytes.is_none_or(|bytes| hex(&cbor) == bytes), "{json}");
        assert_eq!(
            Hash::of(&cbor).to_string(),
            format!("sha256:{hash}"),
            "{json}"
        );
    }
    let numbers = json!([23, 24, 255, 256, 65536, u64::MAX, -1, -25, i64::MIN]);
    assert_eq!(
        hex(&canonical_cbor(&numbers)),
        "d9d9f789171818\
         18ff1901001a000100001bffffffffffffffff2038183b7fffffffffffffff"
    );
}

fn event_on_the_wire() {
    let edits = [
        (
            "\"id\": {\"text\": {}}, \"n\": {\"nat\": {}}",
            "\"req_id\": {\"text\": {}}, \"payload\": {\"text\": {}}, \"max_attempts\": {\"nat\": {}}, \
         \"base_delay_ms\": {\"nat\": {}}, \"now_ns\": {\"nat\": {}}",
        ),
        ("@plan.input.id", "@plan.input.req_id"),
        ("@plan.input.n", "@plan.input.now_ns"),
        ("\"correlate_by\": \"id\"", "\"correlate_by\": \"req_id\""),
    ];
    let air = load(&edited(&edits)).expect("the world loads");
    let id = air.schemas.find("t/Event@1").expect("the schema is there");
    let json = json!({"start": {"req_id": "req-123", "payload": "do_work", "max_attempts": 3,
        "base_delay_ms": 10, "now_ns": 1_000_000}});
    let value = air.schemas.value_from_json(id, &json).expect("it fits");
    let bytes = air.schemas.encode(id, &value).expect("it fits");
    let mut expected =
        b"\xd9\xd9\xf7\xa2\x64$tag\x65start\x66$value\xa5\x66now_ns\x1a\x00\x0f\x42\x40".to_vec();
    expected.extend(b"\x66req_id\x67req-123\x67payload\x67do_work\x6cmax_attempts\x03");
    expected.extend(b"\x6dbase_delay_ms\x0a");
    assert_eq!(hex(&bytes), hex(&expected));
    assert_eq!(bytes.len(), 95);
}

fn untyped() {
    let value = Value::record([("b", Value::Nat(2)), ("a", Value::Int(1))]);
    assert_eq!(value.to_cbor(), canonical_cbor(&json!({"a": 1, "b": 2})));
    let value = Value::record([
        ("bb", Value::Int(-5)),
        ("c", Value::List(vec![Value::Null])),
    ]);
    assert_eq!(
        value.to_cbor(),
        canonical_cbor(&json!({"c": [null], "bb": -5}))
    );
}

fn comments() {
    let hashes = |edits: &[(&str, &str)]| {
        let air = load(&edited(edits)).expect("the world loads");
        (air.manifest_hash, air.documents)
    };
    let commented = (
        "{\"$kind\": \"defcap\",",
        "{\"$kind\": \"defcap\", \"$comment\": [1],",
    );
    assert_eq!(hashes(&[]), hashes(&[commented]));
    assert_ne!(hashes(&[]), hashes(&[("https://h/", "http://h/")]));
}

fn manifest_hashes() {
    let air = load(&base()).expect("the world loads");
    let document = air
        .documents
        .iter()
        .find(|it| it.name == "t/Text@1")
        .expect("it is listed");
    let zero = format!("{{\"name\": \"t/Text@1\", \"hash\": \"{}\"}}", Hash::ZERO);
    let right = format!(
        "{{\"name\": \"t/Text@1\", \"hash\": \"{}\"}}",
        document.hash
    );
    for entry in [zero, right] {
        let other = load(&edited(&[("{\"name\": \"t/Text@1\"}", &entry)])).expect("it loads");
        assert_eq!(air.manifest_hash, other.manifest_hash, "{entry}");
    }
}
