//! What a trace is made of: values by id, numbers in few bytes, keys.

use std::collections::BTreeSet;
use std::thread;

use libtest_mimic::Trial;
use proptest::collection::vec;
use proptest::prelude::*;
use sim::trace::{Element, Key, Packer, Pool, Trace, Unpacker, ValueId, Values};

use crate::support::{property, trial};

pub fn trials(seed: Option<u64>) -> Vec<Trial> {
    let seed = seed.unwrap_or(0);
    let traced = |name: &str, test: fn(u64)| trial(format!("trace::{name}"), move || test(seed));
    vec![
        traced("values::each_is_kept_once", each_is_kept_once),
        traced(
            "values::what_fails_leaves_nothing",
            what_fails_leaves_nothing,
        ),
        traced("values::ids_of_one_table_only", ids_of_one_table_only),
        traced("values::tables_of_a_pool_agree", tables_of_a_pool_agree),
        traced("packed::comes_back", packed_comes_back),
        traced("key::order_in_a_multiset", order_in_a_multiset),
    ]
}

/// Few different ones, so that they recur.
fn values() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(0..3_u8, 0..4), 0..60)
}

fn each_is_kept_once(seed: u64) {
    let judge = |given: Vec<Vec<u8>>| {
        let mut values = Values::default();
        let ids: Vec<ValueId> = given.iter().map(|bytes| values.intern(bytes)).collect();
        let different: BTreeSet<&Vec<u8>> = given.iter().collect();
        prop_assert_eq!(values.count(), different.len());
        let bytes: usize = different.iter().map(|bytes| bytes.len()).sum();
        prop_assert_eq!(values.size_bytes(), bytes);
        for (bytes, id) in given.iter().zip(&ids) {
            prop_assert_eq!(values.bytes(*id), &bytes[..]);
            for (other_bytes, other) in given.iter().zip(&ids) {
                let is_same = bytes == other_bytes;
                prop_assert_eq!(id == other, is_same);
                prop_assert_eq!(
                    values.fingerprint(*id) == values.fingerprint(*other),
                    is_same
                );
            }
        }
        Ok(())
    };
    property(seed, 64)
        .run(&values(), judge)
        .expect("ids are equal exactly when bytes are");
}

fn what_fails_leaves_nothing(_: u64) {
    let mut values = Values::default();
    let first = values.intern(b"first");
    let failed = values.try_build(|out| {
        out.extend_from_slice(b"half of it");
        Err("no more")
    });
    assert_eq!(failed, Err("no more"));
    assert_eq!((values.count(), values.size_bytes()), (1, 5));
    let second = values.try_build(|out| -> Result<(), ()> {
        out.extend_from_slice(b"second");
        Ok(())
    });
    let second = second.expect("it does not fail");
    assert_eq!(values.bytes(first), b"first");
    assert_eq!(values.bytes(second), b"second");
}

/// The generation tells when ids have lost their meaning.
fn ids_of_one_table_only(_: u64) {
    let mut values = Values::default();
    values.intern(b"a");
    let mut generations = BTreeSet::from([values.generation()]);
    let copy = values.clone();
    assert!(
        generations.insert(copy.generation()),
        "a copy is another table"
    );
    values.clear_if_above(1);
    assert!(
        !generations.insert(values.generation()),
        "one byte is not above one"
    );
    values.clear_if_above(0);
    assert!(generations.insert(values.generation()), "it was cleared");
    assert_eq!((values.count(), copy.count()), (0, 1));
}

fn tables_of_a_pool_agree(seed: u64) {
    let judge = |lists: Vec<Vec<Vec<u8>>>| {
        let pool = Pool::default();
        let work = |list: &Vec<Vec<u8>>| {
            let mut values = Values::of(&pool);
            let ids: Vec<ValueId> = list.iter().map(|bytes| values.intern(bytes)).collect();
            (values, ids)
        };
        let mut tables: Vec<(Values, Vec<ValueId>)> = thread::scope(|scope| {
            let work = &work;
            let spawned = lists.iter().map(|list| scope.spawn(move || work(list)));
            let threads: Vec<_> = spawned.collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.map(|done| done.expect("no thread panics")).collect()
        });
        tables.iter_mut().for_each(|(values, _)| values.catch_up());
        let different: BTreeSet<&Vec<u8>> = lists.iter().flatten().collect();
        for (values, _) in &tables {
            prop_assert_eq!(values.count(), different.len());
            for ((_, ids), list) in tables.iter().zip(&lists) {
                for (id, bytes) in ids.iter().zip(list) {
                    prop_assert_eq!(values.bytes(*id), &bytes[..]);
                }
            }
        }
        Ok(())
    };
    property(seed, 32)
        .run(&vec(values(), 3), judge)
        .expect("an id means the same in every table");
}

fn packed_comes_back(seed: u64) {
    let judge = |(numbers, picks): (Vec<u64>, Vec<Option<u8>>)| {
        let mut values = Values::default();
        let ids: Vec<ValueId> = (0..=u8::MAX).map(|byte| values.intern(&[byte])).collect();
        let mut bytes = vec![7];
        let mut packer = Packer::new(&mut bytes);
        for number in &numbers {
            packer.number(*number).flag(number % 2 == 1);
        }
        for pick in &picks {
            packer.optional_value(pick.map(|pick| ids[usize::from(pick)]));
        }
        prop_assert_eq!(bytes[0], 7);
        let mut unpacker = Unpacker::new(&bytes);
        prop_assert_eq!(unpacker.byte(), 7);
        for number in numbers {
            prop_assert_eq!(unpacker.number(), number);
            prop_assert_eq!(unpacker.flag(), number % 2 == 1);
        }
        for pick in picks {
            let id = pick.map(|pick| ids[usize::from(pick)]);
            prop_assert_eq!(unpacker.optional_value(), id);
        }
        Ok(())
    };
    // Of every length in bits.
    let number = (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift);
    property(seed, 128)
        .run(
            &(vec(number, 0..20), vec(any::<Option<u8>>(), 0..20)),
            judge,
        )
        .expect("what is packed is unpacked");
}

/// In a multiset order says nothing, and how often something is there does; in a row it says much.
fn order_in_a_multiset(seed: u64) {
    let multiset = |elements: &[(u64, u128)]| {
        let mut key = Key::default();
        let elements = elements.iter();
        let elements = elements.map(|(number, print)| Element::new(*number).and_print(*print));
        key.set(&Trace::default(), elements);
        key.fingerprint()
    };
    let row = |elements: &[(u64, u128)]| {
        let mut key = Key::default();
        for (number, _) in elements {
            key.word(*number);
        }
        key.fingerprint()
    };
    type Elements = Vec<(u64, u128)>;
    let judge = |(mut elements, other): (Elements, Elements)| {
        let before = elements.clone();
        elements.reverse();
        prop_assert_eq!(multiset(&before), multiset(&elements));
        let is_palindrome = before
            .iter()
            .map(|(number, _)| number)
            .eq(elements.iter().map(|(number, _)| number));
        prop_assert_eq!(row(&before) == row(&elements), is_palindrome);
        let (mut sorted, mut sorted_other) = (before.clone(), other.clone());
        sorted.sort_unstable();
        sorted_other.sort_unstable();
        prop_assert_eq!(
            multiset(&before) == multiset(&other),
            sorted == sorted_other
        );
        elements.push(elements.first().copied().unwrap_or((0, 0)));
        prop_assert_ne!(multiset(&before), multiset(&elements));
        Ok(())
    };
    let elements = || vec((0..3_u64, 0..2_u128), 0..4);
    property(seed, 256)
        .run(&(elements(), elements()), judge)
        .expect("a multiset is a multiset");
    assert_ne!(
        Key::default().word(1).bytes(&[]).fingerprint(),
        Key::default().word(1).fingerprint()
    );
    let mut trace = Trace::default();
    let (one, other) = (trace.store(b"one"), trace.store(b"other"));
    assert_ne!(
        Key::default().value(&trace, one).fingerprint(),
        Key::default().value(&trace, other).fingerprint()
    );
}
