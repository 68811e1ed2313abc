//! Expressions: total, and exact in what they give.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use sim::air::{EvalError, Expr, ExprOrValue, Op, Operator, Reference, Root, Scope, Value, load};

use super::generate::value;
use super::{edited, trial};
use crate::support::property;

pub fn trials(seed: u64) -> Vec<Trial> {
    vec![
        trial("expressions::are_total", move || {
            property(seed, 256)
                .run(&(expr(), value()), total)
                .expect("no panic, one answer");
        }),
        trial("expressions::operators", operators),
        trial("expressions::references", references),
        trial("expressions::steps_beyond_a_text", beyond_a_text),
        trial("expressions::bounded", bounded),
        trial("expressions::expression_before_value", expression_first),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    let root = prop_oneof![
        Just(Root::Input),
        Just(Root::Event),
        Just(Root::Var("v".to_owned())),
        Just(Root::Step("s".to_owned())),
    ];
    let path = proptest::collection::vec("a|b|\\$value|\\$tag", 0..2);
    let reference = (root, path).prop_map(|(root, path)| Expr::Reference(Reference { root, path }));
    let leaf = prop_oneof![reference, value().prop_map(Expr::Constant)];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let items = proptest::collection::vec(inner.clone(), 0..3);
        let operator = proptest::sample::select(Operator::ALL);
        prop_oneof![
            4 => (operator, proptest::collection::vec(inner.clone(), 0..4))
                .prop_map(|(operator, args)| Expr::Operation { operator, args }),
            1 => items.clone().prop_map(Expr::List),
            1 => items.prop_map(Expr::Set),
            1 => proptest::collection::vec((inner.clone(), inner.clone()), 0..3).prop_map(Expr::Map),
            1 => ("[ab]", proptest::option::of(inner))
                .prop_map(|(tag, value)| Expr::Variant { tag, value: value.map(Box::new) }),
        ]
    })
}

fn total((expr, value): (Expr, Value)) -> Result<(), TestCaseError> {
    let vars = BTreeMap::from([("v".to_owned(), value.clone())]);
    let steps = BTreeMap::from([("s".to_owned(), value.clone())]);
    let scope = Scope {
        input: &value,
        vars: &vars,
        steps: &steps,
        event: Some(&value),
    };
    prop_assert_eq!(expr.eval(&scope), expr.eval(&scope));
    Ok(())
}

/// Reads an expression where a plan has one, and evaluates it with `input` as the plan's input.
fn parse(expr: &Json) -> Result<ExprOrValue, String> {
    let edits = [
        (
            "\"locals\": {\"url\": \"t/Text@1\"}",
            "\"locals\": {\"url\": \"t/Text@1\", \"x.y\": \"t/State@1\"}",
        ),
        (
            "{\"op\": \"concat\", \"args\": [{\"text\": \"https://h/\"}, {\"ref\": \"@plan.input.id\"}]}",
            &expr.to_string(),
        ),
        (
            "\"bind\": {\"as\": \"url\"}",
            "\"bind\": {\"as\": \"free\"}",
        ),
    ];
    let air = load(&edited(&edits)).map_err(|error| error.list[0].to_string())?;
    match &air.plans[0].steps[0].op {
        Op::Assign { expr, .. } => Ok(expr.clone()),
        other => Err(format!("{other:?}")),
    }
}

fn eval(expr: Json) -> String {
    let input = Value::record([("id", Value::text("r1")), ("n", Value::Nat(7))]);
    let state = Value::record([("count", Value::Nat(3)), ("last", Value::Null)]);
    let vars = BTreeMap::from([("x.y".to_owned(), state)]);
    let steps = BTreeMap::new();
    let scope = Scope {
        input: &input,
        vars: &vars,
        steps: &steps,
        event: None,
    };
    match parse(&expr).map(|expr| expr.eval(&scope)) {
        Ok(Ok(value)) => format!("{value:?}"),
        Ok(Err(error)) => format!("error: {error}"),
        Err(error) => format!("refused: {error}"),
    }
}

fn op(word: &str, args: Json) -> Json {
    json!({"op": word, "args": args})
}

fn operators() {
    let nat = |number: u64| json!({ "nat": number });
    let int = |number: i64| json!({ "int": number });
    let text = |text: &str| json!({ "text": text });
    let list = json!({"list": [{"nat": 1}, {"nat": 2}]});
    // What fails without it is refused.
    let n = json!({"ref": "@plan.input.n"});
    let cases = [
        (op("add", json!([nat(1), nat(2)])), "Nat(3)"),
        (op("add", json!([nat(1), int(2)])), "Int(3)"),
        (
            op("sub", json!([n, nat(8)])),
            "error: `sub` overflows 64 bits",
        ),
        (op("sub", json!([int(1), nat(2)])), "Int(-1)"),
        (
            op("mul", json!([nat(u64::MAX), n])),
            "error: `mul` overflows 64 bits",
        ),
        (op("div", json!([int(-7), int(2)])), "Int(-3)"),
        (op("mod", json!([int(-7), int(2)])), "Int(-1)"),
        (
            op(
                "div",
                json!([op("sub", json!([int(i64::MIN + 7), n])), int(-1)]),
            ),
            "error: `div` overflows 64 bits",
        ),
        (
            op("div", json!([n, op("sub", json!([n, n]))])),
            "error: `div` by zero",
        ),
        (op("eq", json!([int(1), nat(1)])), "Bool(true)"),
        (op("ne", json!([text("a"), {"null": {}}])), "Bool(true)"),
        (op("lt", json!([int(-1), nat(0)])), "Bool(true)"),
        (op("ge", json!([text("b"), text("a")])), "Bool(true)"),
        (op("len", json!([text("aé")])), "Nat(2)"),
        (op("len", json!([list])), "Nat(2)"),
        (op("get", json!([list, nat(1)])), "Nat(2)"),
        (
            op("get", json!([list, n])),
            "error: `get`: a nat is not there",
        ),
        (
            op("has", json!([{"ref": "@plan.input"}, text("id")])),
            "Bool(true)",
        ),
        (
            op("has", json!([{"ref": "@var:x.y"}, text("last")])),
            "Bool(false)",
        ),
        (op("contains", json!([list, int(2)])), "Bool(true)"),
        (
            op("contains", json!([text("abc"), text("bc")])),
            "Bool(true)",
        ),
        (
            op("starts_with", json!([text("abc"), text("ab")])),
            "Bool(true)",
        ),
        (
            op("ends_with", json!([text("abc"), text("ab")])),
            "Bool(false)",
        ),
        (
            op("concat", json!([text("a"), text("b"), text("c")])),
            "Text(\"abc\")",
        ),
        (
            op(
                "and",
                json!([{"bool": false}, op("lt", json!([{"ref": "@var:x.y"}, nat(1)]))]),
            ),
            "refused: `lt` of t/State@1 and nat\n  at world.air.json:19:17 (/6/steps/0/expr)",
        ),
        (
            op(
                "or",
                json!([{"bool": true}, op("eq", json!([op("div", json!([nat(1), nat(0)])), nat(1)]))]),
            ),
            "Bool(true)",
        ),
        (op("not", json!([{"bool": true}])), "Bool(false)"),
        (
            op("hash_bytes", json!([{"bytes_b64": ""}])),
            "Text(\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\")",
        ),
        (
            op("hash", json!([{"record": {}}])),
            "Text(\"sha256:75bd49cb964988d6fd2c058f51230c3dc2a254753751fbe0f313b4b1e0681b69\")",
        ),
        (
            json!({"set": [nat(300), nat(2), int(2)]}),
            "List([Int(2), Nat(300)])",
        ),
        (
            json!({"map": [{"key": n, "value": nat(2)}, {"key": int(7), "value": nat(3)}]}),
            "error: the same key twice in a map",
        ),
        (
            json!({"variant": {"tag": "a"}}),
            "Variant { tag: \"a\", value: Null }",
        ),
    ];
    for (expr, expected) in cases {
        assert_eq!(eval(expr.clone()), expected, "{expr}");
    }
}

fn references() {
    let check = |text: &str, expected: Expect| expected.assert_eq(&eval(json!({ "ref": text })));
    check("@plan.input.n", expect!["Nat(7)"]);
    check("@var:x.y.count", expect!["Nat(3)"]);
    check(
        "@var:x.y.cuont",
        expect![[r#"
        refused: `@var:x.y.cuont`: there is no field `cuont`
          at world.air.json:19:17 (/6/steps/0/expr)"#]],
    );
    check(
        "@var:x",
        expect![[r#"
        refused: unknown variable: `x`
          at world.air.json:19:24 (/6/steps/0/expr/ref)
          hint: a plain value needs a variable of `locals`, which has a schema"#]],
    );
    check("@var:url", expect!["error: `@var:url` has no value here"]);
    check(
        "@step:b_ask",
        expect!["error: `@step:b_ask` has no value here"],
    );
    check(
        "@step:e_raise",
        expect![[r#"
        refused: unknown step with a value: `e_raise`
          at world.air.json:19:24 (/6/steps/0/expr/ref)
          hint: a plain value needs a variable of `locals`, which has a schema"#]],
    );
    check(
        "@event.id",
        expect![[r#"
        refused: `@event` means something in the `where` of `await_event` only
          at world.air.json:19:24 (/6/steps/0/expr/ref)
          hint: a plain value needs a variable of `locals`, which has a schema"#]],
    );
    check(
        "@plan.inputs",
        expect![[r#"
        refused: not a reference: the text `@plan.inputs`
          at world.air.json:19:24 (/6/steps/0/expr/ref)
          expected: `@plan.input`, `@var:name`, `@step:id` or `@event`, perhaps with `.field`
          hint: a plain value needs a variable of `locals`, which has a schema"#]],
    );
    check(
        "@plan.input.",
        expect![[r#"
        refused: not a reference: the text `@plan.input.`
          at world.air.json:19:24 (/6/steps/0/expr/ref)
          expected: `@plan.input`, `@var:name`, `@step:id` or `@event`, perhaps with `.field`
          hint: a plain value needs a variable of `locals`, which has a schema"#]],
    );
    check(
        "plan.input",
        expect![[r#"
        refused: not a reference: the text `plan.input`
          at world.air.json:19:24 (/6/steps/0/expr/ref)
          expected: `@plan.input`, `@var:name`, `@step:id` or `@event`, perhaps with `.field`
          hint: a plain value needs a variable of `locals`, which has a schema"#]],
    );
}

/// A path that goes on from a text is a mismatch, also where the text is a tag: nothing is missing.
fn beyond_a_text() {
    let text = Value::text("a");
    let variant = Value::Variant {
        tag: "a".to_owned(),
        value: Box::new(text.clone()),
    };
    let (vars, steps) = (BTreeMap::new(), BTreeMap::new());
    for (input, path) in [(text, &["b"][..]), (variant, &["$tag", "b"])] {
        let path = path.iter().map(|&step| step.to_owned()).collect();
        let root = Root::Input;
        let found = Expr::Reference(Reference { root, path }).eval(&Scope {
            input: &input,
            vars: &vars,
            steps: &steps,
            event: None,
        });
        assert!(matches!(found, Err(EvalError::Type { .. })), "{found:?}");
    }
}

/// Doubling a text again and again, and nesting without end, stop at a limit.
fn bounded() {
    let mut text = Expr::Constant(Value::Text("ab".repeat(1 << 10)));
    for _ in 0..40 {
        text = Expr::Operation {
            operator: Operator::Concat,
            args: vec![text.clone(), text],
        };
        if matches!(run(&text), Err(ref error) if error.contains("needs more than")) {
            break;
        }
    }
    assert!(
        run(&text).is_err_and(|error| error.contains("needs more than")),
        "no limit on size"
    );
    let mut value = Value::Null;
    for _ in 0..127 {
        value = Value::List(vec![value]);
    }
    assert!(run(&Expr::Constant(value.clone())).is_ok());
    assert!(
        run(&Expr::List(vec![Expr::Constant(value)])).is_err(),
        "no limit on depth"
    );
}

fn run(expr: &Expr) -> Result<Value, String> {
    let (vars, steps) = (BTreeMap::new(), BTreeMap::new());
    let scope = Scope {
        input: &Value::Null,
        vars: &vars,
        steps: &steps,
        event: None,
    };
    expr.eval(&scope).map_err(|error| error.to_string())
}

fn expression_first() {
    let result = |result: &str| {
        let air = load(&edited(&[("\"result\": \"done\"", result)])).expect("the world loads");
        match &air.plans[0].steps[5].op {
            Op::End {
                result: Some(result),
            } => result.clone(),
            other => panic!("{other:?}"),
        }
    };
    let text = || Value::text("done");
    assert_eq!(result("\"result\": \"done\""), ExprOrValue::Value(text()));
    let constant = ExprOrValue::Expr(Expr::Constant(text()));
    assert_eq!(result("\"result\": {\"text\": \"done\"}"), constant);
}
