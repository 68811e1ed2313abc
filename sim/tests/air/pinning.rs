//! Pinning a wasm hash leaves every other byte of the file alone.

use expect_test::expect;
use libtest_mimic::Trial;
use sim::air::{Hash, Source, load, pin};

use super::{base, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("pinning::inserts_then_replaces", insert_and_replace),
        trial("pinning::refusals", refusals),
    ]
}

fn insert_and_replace() {
    let mut source = base().remove(0);
    let before = source.text.clone();
    let (first, second) = (Hash::of(b"one"), Hash::of(b"two"));
    source.text = pin(&source, "t/Machine@1", first).expect("the module is there");
    let inserted = format!(", \"wasm_hash\": \"{first}\"");
    assert_eq!(source.text.replace(&inserted, ""), before);
    let air = load(std::slice::from_ref(&source)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(air.reducers[0].wasm_hash, Some(first));
    let again = pin(&source, "t/Machine@1", second).expect("the module is there");
    assert_eq!(
        again,
        source.text.replace(&first.to_string(), &second.to_string())
    );
    assert_eq!(
        pin(&source, "t/Machine@1", first).as_deref(),
        Ok(source.text.as_str())
    );
}

fn refusals() {
    let refuse = |text: &str| {
        let source = Source {
            file: "m.air.json".to_owned(),
            text: text.to_owned(),
        };
        pin(&source, "t/M@1", Hash::ZERO)
            .expect_err("it is refused")
            .to_string()
    };
    expect![[r#"
        no defmodule with the name `t/M@1`
          at m.air.json:1:1"#]]
    .assert_eq(&refuse(
        "{\"$kind\": \"defmodule\", \"name\": \"t/Other@1\"}",
    ));
    expect![[r#"
        not JSON: EOF while parsing a value
          at m.air.json:1:10"#]]
    .assert_eq(&refuse("{\"$kind\": "));
    let module = "{\"$kind\": \"defmodule\", \"name\": \"t/M@1\"}";
    expect![[r#"
        a second defmodule with the name `t/M@1`
          at m.air.json:1:43 (/1)"#]]
    .assert_eq(&refuse(&format!("[{module}, {module}]")));
}
