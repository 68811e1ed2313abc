//! The simple layer: what is read, what is written, and what is refused, on the host.

use sdk::testing::{decoded, encoded, first, given};
use sdk::{Decode, Input, Items, List, Map, Output, Pairs, Refusal};

sdk::record! {
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct All<'a> {
        nat: u64,
        int: i64,
        bool: bool,
        text: &'a str,
        bytes: &'a [u8],
        unit: (),
        option: Option<u64>,
        r#type: Option<&'a str>,
    }
}

const ALL: All<'static> = All {
    nat: u64::MAX,
    int: i64::MIN,
    bool: true,
    text: "\u{e9}",
    bytes: b"\xff",
    unit: (),
    option: Some(24),
    r#type: None,
};

sdk::variant! {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Arms<'a> {
        Fields { at: u64, name: &'a str } = "fields",
        One(All<'a>) = "one",
        Nothing,
    }
}

fn refusal<'a, T: Decode<'a>>(document: &'a [u8]) -> String {
    match decoded::<T>(document) {
        Ok(_) => "it is read".to_owned(),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(decoded(&encoded(&ALL)), Ok(ALL));
    for int in [0, 23, -1, -24, -25, i64::MAX, i64::MIN] {
        assert_eq!(decoded(&encoded(&int)), Ok(int));
    }
    let arms = [
        Arms::Fields { at: 7, name: "x" },
        Arms::One(ALL),
        Arms::Nothing,
    ];
    for arm in arms {
        assert_eq!(decoded(&encoded(&arm)), Ok(arm));
    }
    let text = encoded(&format_args!("job {}", 7));
    assert_eq!(text, b"\xd9\xd9\xf7\x65job 7");
}

/// The bytes of the format, written out.
#[test]
fn the_bytes_are_those_of_the_format() {
    assert_eq!(encoded(&-500_i64), b"\xd9\xd9\xf7\x39\x01\xf3");
    let nothing = encoded(&Arms::Nothing);
    assert_eq!(nothing, b"\xd9\xd9\xf7\xa1\x64$tag\x67Nothing");
    let fields = encoded(&Arms::Fields { at: 7, name: "x" });
    let expected = b"\xd9\xd9\xf7\xa2\x64$tag\x66fields\x66$value\xa2\x62at\x07\x64name\x61x";
    assert_eq!(fields, expected);
    let value_first = b"\xa2\x66$value\xf6\x64$tag\x67Nothing";
    assert_eq!(decoded(value_first), Ok(Arms::Nothing));
}

#[test]
fn lists_and_maps_are_gone_through() {
    let list = encoded(&Items([3_u64, 1, 2].iter()));
    let read: List<'_, u64> = decoded(&list).expect("it is a list");
    assert_eq!(read.count(), 3);
    assert!(read.iter().eq([3, 1, 2]));
    assert_eq!(encoded(&read), list);
    let map = encoded(&Pairs([("a", 1_u64), ("b", 2)].into_iter()));
    let read: Map<'_, &str, u64> = decoded(&map).expect("it is a map");
    assert_eq!((read.get(&"b"), read.get(&"c")), (Some(2), None));
    assert_eq!(encoded(&read), map);
    assert_eq!(
        refusal::<List<'_, u64>>(b"\x82\x01\x61x"),
        "value: expected a nat, found a text"
    );
    // So many items that counting them alone would take for ever.
    assert_eq!(
        refusal::<List<'_, u64>>(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
        "value: expected a nat, found the end of the input"
    );
}

#[test]
fn refusals_name_the_place() {
    sdk::record! {
        #[derive(Debug)]
        struct Point { x: u64, y: Option<u64> }
    }
    let found = [
        refusal::<Point>(b"\xa1\x61x\x01"),
        refusal::<Point>(b"\xa1\x61y\x01"),
        refusal::<Point>(b"\xa2\x61x\x01\x61x\x01"),
        refusal::<Point>(b"\xa2\x61x\x01\x61z\x01"),
        refusal::<Point>(b"\xa1\x61x\x20"),
        refusal::<Point>(b"\xa1\x61x\x19\x01"),
        refusal::<Point>(b"\xa1\x61x\x01\x00"),
        refusal::<Point>(b"\x80"),
        refusal::<Point>(b"\xbf\xff"),
        refusal::<i64>(b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
        refusal::<i64>(b"\x61x"),
        refusal::<Arms<'_>>(b"\xa1\x64$tag\x66fields"),
        refusal::<Arms<'_>>(b"\xa1\x64$tag\x61x"),
        refusal::<Arms<'_>>(b"\xa1\x66$value\xf6"),
        refusal::<Arms<'_>>(b"\xa2\x64$tag\x66fields\x66$value\xa1\x62at\xf5"),
        refusal::<Point>(b"\xa1\x78\x20name_that_is_longer_than_is_told\x01"),
        refusal::<Point>(b"\xa1\x63a\0b\x01"),
        refusal::<&str>(b"\x61\xff"),
    ];
    let expected = "\
it is read
value: the field `x` is missing
value: the field `x` is there twice
value: the field `z` is unknown
value.x: expected a nat, found a negative number
value.x: the input ends inside a value
value: bytes follow the value
value: expected a record, found a list
value: expected a value, found a value of unknown length
value: the number does not fit in an int
value: expected an int, found a text
value.fields: expected a record, found null
value: the tag `x` is unknown
value: the field `$tag` is missing
value.fields.at: expected a nat, found a bool
value: the field `name_that_is_longer_than…` is unknown
value: the field `a…` is unknown
value: a text is not UTF-8";
    assert_eq!(found.join("\n"), expected);
}

/// Gives out in an odd order.
fn busy(input: &Input<'_>, output: &mut Output<'_>) -> Result<(), Refusal> {
    let event: &str = input.event()?;
    output.effect("timer.set", "default", &1_u64);
    output.event("own/First@1", event);
    output.state(&"a state that is replaced");
    output.event_to("own/Second@1", b"cell", event);
    output.effect_once("blob.put", "blobs", b"key", event);
    output.state(&event);
    Ok(())
}

#[test]
fn outputs_may_be_given_in_any_order() {
    for event in ["", "x", &"long ".repeat(5_000)] {
        let answer = given(&"before", event).step(busy).expect("it is valid");
        assert_eq!(answer.state(), Ok(Some(event)));
        let [one, two] = &answer.events[..] else {
            panic!("there are two events");
        };
        assert_eq!((&*one.schema, &one.key), ("own/First@1", &None));
        assert_eq!(two.key.as_deref(), Some(&b"cell"[..]));
        assert_eq!((one.value(), two.value()), (Ok(event), Ok(event)));
        let [one, two] = &answer.effects[..] else {
            panic!("there are two effects");
        };
        assert_eq!((&*one.kind, &*one.slot), ("timer.set", "default"));
        assert_eq!(one.params(), Ok(1_u64));
        assert_eq!(two.idempotency_key.as_deref(), Some(&b"key"[..]));
        assert_eq!(two.params(), Ok(event));
    }
}

#[test]
fn what_is_not_given_out_stays() {
    let nothing = |_: &Input<'_>, _: &mut Output<'_>| Ok(());
    let answer = given(&7_u64, &1_u64).step(nothing).expect("it is valid");
    assert!(answer.is_ignored());
    assert_eq!(answer.state(), Ok(Some(7_u64)));
    let answer = first(&1_u64).step(nothing).expect("it is valid");
    assert_eq!(answer.state::<u64>(), Ok(None));
    let delete = |_: &Input<'_>, output: &mut Output<'_>| {
        output.state(&8_u64);
        output.delete_state();
        Ok(())
    };
    let answer = given(&7_u64, &1_u64).step(delete).expect("it is valid");
    assert_eq!(answer.state::<u64>(), Ok(None));
    assert!(!answer.is_ignored());
}

#[test]
fn an_input_tells_what_the_host_says() {
    let look = |input: &Input<'_>, _: &mut Output<'_>| {
        assert_eq!(input.schema(), "own/Event@1");
        assert_eq!(input.key(), Some(&b"cell"[..]));
        assert_eq!(input.context(), Ok(Some("context")));
        Ok(())
    };
    let input = first(&1_u64).schema("own/Event@1").key(b"cell");
    assert!(input.context("context").step(look).is_ok());
}

/// Every input cut short is refused, and none with a changed bit panics.
#[test]
fn garbage_is_refused_without_panic() {
    let step = |input: &Input<'_>, output: &mut Output<'_>| {
        if let Some(all) = input.state::<All<'_>>()? {
            output.state(&all);
        }
        output.event("own/Event@1", &input.event::<Arms<'_>>()?);
        Ok(())
    };
    let input = given(&ALL, &Arms::One(ALL)).envelope();
    let mut space = [0; 4_096];
    assert!(sdk::run(step, &input, &mut space).is_ok());
    for length in 0..input.len() {
        assert!(sdk::run(step, &input[..length], &mut space).is_err());
    }
    for index in 0..input.len() {
        for bit in 0..8 {
            let mut changed = input.clone();
            changed[index] ^= 1 << bit;
            _ = sdk::run(step, &changed, &mut space);
        }
    }
    for space_bytes in 0..400 {
        _ = sdk::run(step, &input, &mut space[..space_bytes]);
    }
}
