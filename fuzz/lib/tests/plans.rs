//! The target `plans`: that `sim` and the reference agree, that the worlds are varied enough to
//! mean something, and that a fault in either would be told.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value as Json, json};
use sim_fuzz::plans::{self, Ending, Notes, OPERATORS, Planted, evaluate_alone};

/// As long as an input that uses all of its choices may be.
const INPUT_BYTES: usize = 800;

/// An input of bytes by chance.
fn input(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; INPUT_BYTES];
    ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// Thousands of steps and expressions agree, and among them is everything there is.
#[test]
fn all_agree_and_much_is_seen() {
    const INPUTS: u64 = 1200;
    let (mut refused, mut clean) = (0, 0);
    let mut notes = Notes::default();
    for seed in 0..INPUTS {
        match plans::run(&input(seed)) {
            Ending::Refused => refused += 1,
            Ending::Agrees(tally) => {
                assert!(tally.within_limits, "seed {seed} comes to a limit");
                clean += u64::from(tally.clean);
                notes.add(&tally.notes);
            }
        }
    }
    assert!(
        refused * 10 < INPUTS,
        "{refused} of {INPUTS} worlds are refused"
    );
    assert!(
        clean * 10 > INPUTS * 7,
        "only {clean} of {INPUTS} worlds are clean"
    );
    let seen = |names: &[&'static str]| {
        let missing: Vec<_> = names
            .iter()
            .filter(|name| !notes.0.contains_key(*name))
            .collect();
        assert!(missing.is_empty(), "never seen: {missing:?} in {notes:?}");
    };
    seen(&OPERATORS.map(|(name, _, _)| name));
    seen(&[
        "assign",
        "raise_event",
        "emit_effect",
        "await_receipt",
        "await_event",
        "end",
    ]);
    seen(&[
        "missing",
        "type",
        "overflow",
        "by zero",
        "not there",
        "same key",
    ]);
    seen(&[
        "false invariant",
        "not a bool",
        "bad key",
        "misfit",
        "gate",
        "ended well",
    ]);
    seen(&[
        "guard true",
        "guard false",
        "skipped",
        "join",
        "join after a branch",
    ]);
    seen(&["matched", "not matched"]);
}

/// An input that is shorter or empty means a world too.
#[test]
fn short_inputs_agree() {
    for length in (0..INPUT_BYTES).step_by(7) {
        plans::run(&input(length as u64)[..length]);
    }
}

/// One byte more or less in the shape of a world leaves the rest of it as it was.
#[test]
fn a_byte_changes_little() {
    let plan = |data: &[u8]| {
        let documents = plans::documents(data);
        let plan = documents.as_array().into_iter().flatten();
        let mut plan = plan.filter(|document| document["$kind"] == "defplan");
        plan.next()
            .map(|plan| plan["steps"].clone())
            .unwrap_or_default()
    };
    let (mut unchanged, mut steps) = (0, 0);
    for seed in 0..100 {
        let mut data = input(seed);
        let before = plan(&data);
        // The second step's bytes.
        data[12 + 8 * 6 + 24 * 6 + 44 + 9] ^= 0x15;
        let after = plan(&data);
        let pairs = before.as_array().into_iter().zip(after.as_array());
        for (index, (before, after)) in pairs.flat_map(|(b, a)| b.iter().zip(a)).enumerate() {
            if index != 1 {
                steps += 1;
                unchanged += u32::from(before == after);
            }
        }
    }
    assert!(
        unchanged * 10 > steps * 8,
        "{unchanged} of {steps} steps unchanged"
    );
}

/// A fault in the reference, whatever it is, is told; so one in `sim` would be.
#[test]
fn a_fault_is_told() {
    const MOST_INPUTS: u64 = 2000;
    for fault in Planted::FAULTS {
        let told = (0..MOST_INPUTS).find_map(|seed| plans::hold(&input(seed), fault).err());
        let told = told.unwrap_or_else(|| panic!("{fault:?} is not told"));
        let parts = [
            "sim:",
            "reference:",
            "moves:",
            "documents:",
            "\"$kind\": \"defplan\"",
        ];
        for part in parts {
            assert!(
                told.0.contains(part),
                "{fault:?} is told without `{part}`: {}",
                told.0
            );
        }
    }
}

/// The reference by itself, against what was worked out by hand from the text of the format.
#[test]
fn reference_by_hand() {
    let op = |word: &str, args: Json| json!({"op": word, "args": args});
    let (nat, int) = (|n: u64| json!({ "nat": n }), |n: i64| json!({ "int": n }));
    let text = |text: &str| json!({ "text": text });
    let empty = "sha256:75bd49cb964988d6fd2c058f51230c3dc2a254753751fbe0f313b4b1e0681b69";
    let ab = "sha256:7d5fc784e8d341244b992c902413575266e3140e9081fe12fc95849cf27e7df6";
    let mixed = "sha256:0e2c2f23ecdea86fcc33f4975460ea705a19da61c5eef7218112387036581271";
    let cases = [
        (op("add", json!([nat(1), nat(2)])), "Number(3, Nat)"),
        (op("add", json!([nat(u64::MAX), nat(1)])), "Overflow"),
        (op("sub", json!([nat(1), int(2)])), "Number(-1, Int)"),
        (op("sub", json!([nat(1), nat(2)])), "Overflow"),
        (op("mul", json!([nat(u64::MAX), nat(u64::MAX)])), "Overflow"),
        (op("div", json!([int(-7), int(2)])), "Number(-3, Int)"),
        (op("mod", json!([int(-7), int(2)])), "Number(-1, Int)"),
        (op("div", json!([int(i64::MIN), int(-1)])), "Overflow"),
        (op("mod", json!([int(1), nat(0)])), "ByZero"),
        (op("div", json!([text(""), nat(0)])), "Type"),
        (op("eq", json!([int(1), nat(1)])), "Bool(true)"),
        (op("lt", json!([int(-1), nat(u64::MAX)])), "Bool(true)"),
        (op("eq", json!([text("1"), nat(1)])), "Type"),
        (op("ne", json!([text("1"), {"null": {}}])), "Bool(true)"),
        (op("or", json!([{"bool": true}, nat(1)])), "Bool(true)"),
        (op("and", json!([{"bool": true}, nat(1)])), "Type"),
        (op("len", json!([text("aé")])), "Number(2, Nat)"),
        (op("get", json!([{"list": [nat(4)]}, nat(1)])), "NotThere"),
        (
            json!({"set": [nat(24), nat(3), int(3)]}),
            "List([Number(3, Int), Number(24, Nat)])",
        ),
        (
            json!({"map": [{"key": nat(1), "value": nat(1)}, {"key": int(1), "value": nat(1)}]}),
            "SameKey",
        ),
        (json!({"ref": "@event.id"}), "Missing"),
        (
            op("hash", json!([{"record": {}}])),
            &format!("Text({empty:?})"),
        ),
        (
            op("hash", json!([{"record": {"b": nat(2), "a": int(1)}}])),
            &format!("Text({ab:?})"),
        ),
        (
            op(
                "hash",
                json!([{"list": [text("hi"), nat(1), {"bool": true}, {"null": {}}]}]),
            ),
            &format!("Text({mixed:?})"),
        ),
    ];
    for (expression, expected) in cases {
        assert_eq!(evaluate_alone(&expression), expected, "{expression}");
    }
}
