//! What is compiled gives what the crate `cel` gives, or does not say.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::compiled::{Halt, Item, Surroundings, Variable, build, evaluate, first};
use crate::condition::Variables;
use crate::fields::{self, Fields, flag, list, text, words};
use crate::functions::{ENV, with_own_arithmetic};
use crate::numbers::boxed;
use cel::common::value::Val;
use cel::{Context, Value as CelValue};
use sim_air::cbor::canonical::Canonical;
use sim_air::{SchemaId, Schemas, Source, Value, load};

const DOCUMENTS: &str = r#"[
  {"$kind": "defschema", "name": "t/Item@1", "type": {"record": {
    "n": {"nat": {}}, "i": {"int": {}}, "t": {"text": {}}, "tag": {"bool": {}}}}},
  {"$kind": "defschema", "name": "t/Kind@1", "type": {"variant": {
    "idle": {"unit": {}}, "busy": {"unit": {}}}}},
  {"$kind": "defschema", "name": "t/Event@1", "type": {"variant": {
    "item": {"ref": "t/Item@1"}, "none": {"unit": {}}, "value": {"text": {}},
    "maybe": {"option": {"nat": {}}}}}},
  {"$kind": "defschema", "name": "t/State@1", "type": {"record": {
    "n": {"nat": {}}, "i": {"int": {}}, "t": {"text": {}}, "b": {"bool": {}},
    "bytes": {"bytes": {}}, "o": {"option": {"ref": "t/Item@1"}}, "kind": {"ref": "t/Kind@1"},
    "event": {"ref": "t/Event@1"}, "item": {"ref": "t/Item@1"},
    "list": {"list": {"int": {}}}, "set": {"set": {"text": {}}},
    "items": {"list": {"ref": "t/Item@1"}},
    "texts": {"map": {"key": {"text": {}}, "value": {"nat": {}}}},
    "numbers": {"map": {"key": {"int": {}}, "value": {"ref": "t/Event@1"}}}}}},
  {"$kind": "manifest", "air_version": "1", "schemas": [{"name": "t/Item@1"},
    {"name": "t/Kind@1"}, {"name": "t/Event@1"}, {"name": "t/State@1"}],
    "modules": [], "plans": [], "effects": [], "caps": [], "policies": []}
]"#;

/// The variables of a condition, both ways.
struct Both<'a> {
    schemas: &'a Schemas,
    values: &'a [(&'static str, SchemaId, Vec<u8>)],
    emitted: Item<'a>,
    count: i128,
}

impl<'a> Both<'a> {
    fn value(&self, name: &str) -> Result<Item<'a>, Halt> {
        let known = self.values.iter().find(|(known, ..)| *known == name);
        let (_, schema, bytes) = known.ok_or(Halt::Unsure)?;
        first(
            self.schemas,
            self.schemas.ty(*schema),
            Canonical::new(bytes),
        )
    }

    fn variables(&self) -> Variables {
        let mut variables = Variables::default();
        let val = |name: &str| {
            let (_, schema, bytes) = self.values.iter().find(|(known, ..)| *known == name)?;
            let value = self.schemas.decode(*schema, bytes).ok()?;
            Some(fields::val(self.schemas, self.schemas.ty(*schema), &value))
        };
        for name in ["state", "event"] {
            variables.set(name, val(name).expect("it is there"));
        }
        variables.set("before", fields::null());
        variables.set("changed", flag(true));
        variables.set("who", text("a"));
        variables.set("count", boxed(self.count).expect("it fits"));
        let emitted: Box<dyn Val> = Box::new(Fields::named([
            ("schema", text("t/Event@1")),
            ("value", val("event").expect("it is there")),
        ]));
        variables.set("emitted", list(vec![emitted]));
        variables
    }
}

impl<'a> Surroundings<'a> for Both<'a> {
    fn schemas(&self) -> &'a Schemas {
        self.schemas
    }

    fn variable(&self, variable: &Variable) -> Result<Item<'a>, Halt> {
        match variable {
            Variable::State => self.value("state"),
            Variable::Event => self.value("event"),
            Variable::Before => Ok(Item::Null),
            Variable::Changed => Ok(Item::True),
            Variable::Who => Ok(Item::text("a")),
            Variable::Emitted => Ok(self.emitted.clone()),
            Variable::Counter(name) if name == "count" => Ok(Item::Number(self.count)),
            _ => Err(Halt::Unsure),
        }
    }
}

/// As [`words`] has it.
fn shown<'a>(schemas: &'a Schemas, item: &Item<'a>) -> String {
    let mut items = match item {
        Item::Null => return "null".to_owned(),
        Item::True => return "true".to_owned(),
        Item::False => return "false".to_owned(),
        Item::Number(number) => return number.to_string(),
        Item::Text(text) => return format!("{:?}", String::from_utf8_lossy(text)),
        Item::Bytes(bytes) => return format!("{} bytes", bytes.len()),
        whole => whole.items(schemas).expect("it is gone through"),
    };
    let mut parts = Vec::new();
    while let Some(part) = items.next().expect("it is read") {
        parts.push(match (item.is_list(), &part) {
            (true, part) => shown(schemas, part),
            (false, key) => {
                let entry = item.entry(schemas, key).expect("the key is there");
                let name = match key {
                    Item::Text(name) => String::from_utf8_lossy(name).into_owned(),
                    key => shown(schemas, key),
                };
                format!("{name}: {}", shown(schemas, &entry))
            }
        });
    }
    let parts = parts.join(", ");
    match item.is_list() {
        true => format!("[{parts}]"),
        false => format!("{{{parts}}}"),
    }
}

/// What the two say of a source; None where the second does not say.
type Answers = (Result<String, ()>, Option<Result<String, ()>>);

fn answers(source: &str, state: &Value, event: &Value, count: i128) -> Option<Answers> {
    let document = Source {
        file: "t.air.json".to_owned(),
        text: DOCUMENTS.to_owned(),
    };
    let air = load(&[document]).expect("the documents are right");
    let schemas = &air.schemas;
    let values = [("state", "t/State@1", state), ("event", "t/Event@1", event)];
    let values = values.map(|(name, schema, value)| {
        let schema = schemas.find(schema).expect("it is there");
        let bytes = schemas.encode(schema, value).expect("it fits");
        (name, schema, bytes)
    });
    let mut both = Both {
        schemas,
        values: &values,
        emitted: Item::Null,
        count,
    };
    let emitted = Item::fields([
        ("schema", Item::text("t/Event@1")),
        ("value", both.value("event").expect("it is read")),
    ]);
    both.emitted = Item::made(vec![emitted]);
    let mut expression = ENV.compile(source).ok()?.expression().clone();
    with_own_arithmetic(&mut expression);
    let variables = both.variables();
    let mut context = Context::with_env(ENV.clone());
    context.set_variable_resolver(&variables);
    let of_crate = CelValue::resolve_val(&expression, &context);
    let of_crate = of_crate.map(|val| words(&*val)).map_err(|_| ());
    let node = build(&expression);
    let own = node.as_ref().map(|node| evaluate(node, &both));
    let own = match own {
        Some(Ok(item)) => Some(Ok(shown(schemas, &item))),
        Some(Err(Halt::Fails)) => Some(Err(())),
        None | Some(Err(Halt::Unsure)) => None,
    };
    Some((of_crate, own))
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![-3..4_i64, select(vec![i64::MIN, i64::MAX, 300])]
}

fn nat() -> impl Strategy<Value = Value> {
    let most = select(vec![u64::MAX, 1 << 63, 24, 70_000]);
    prop_oneof![0..4_u64, most].prop_map(Value::Nat)
}

fn short_text() -> impl Strategy<Value = Value> {
    select(vec![
        "",
        "a",
        "ab",
        "b",
        "é",
        "busy",
        "long enough for a head of two bytes",
    ])
    .prop_map(Value::text)
}

fn item() -> impl Strategy<Value = Value> {
    (nat(), number(), short_text(), any::<bool>()).prop_map(|(n, i, t, tag)| {
        let fields = [
            ("n", n),
            ("i", Value::Int(i)),
            ("t", t),
            ("tag", Value::Bool(tag)),
        ];
        Value::record(fields)
    })
}

fn event() -> impl Strategy<Value = Value> {
    let arm = |tag: &str, value| Value::Variant {
        tag: tag.to_owned(),
        value: Box::new(value),
    };
    let maybe = prop_oneof![Just(Value::Null), nat()];
    prop_oneof![
        item().prop_map(move |item| arm("item", item)),
        Just(arm("none", Value::Null)),
        short_text().prop_map(move |text| arm("value", text)),
        maybe.prop_map(move |maybe| arm("maybe", maybe)),
    ]
}

fn state() -> impl Strategy<Value = Value> {
    let scalars = (
        nat(),
        number(),
        short_text(),
        any::<bool>(),
        vec(any::<u8>(), 0..3),
    );
    let kind = select(vec!["idle", "busy"]).prop_map(|tag| Value::Variant {
        tag: tag.to_owned(),
        value: Box::new(Value::Null),
    });
    let parts = (
        prop_oneof![Just(Value::Null), item()],
        kind,
        event(),
        item(),
    );
    let texts = proptest::collection::btree_map(short_text(), nat(), 0..4);
    let numbers = proptest::collection::btree_map(number(), event(), 0..4);
    let set = proptest::collection::btree_set(short_text(), 0..4);
    let lists = (vec(number(), 0..4), set, vec(item(), 0..3), texts, numbers);
    (scalars, parts, lists).prop_map(|(scalars, parts, lists)| {
        let (n, i, t, b, bytes) = scalars;
        let (o, kind, event, item) = parts;
        let (list, set, items, texts, numbers) = lists;
        let numbers = numbers
            .into_iter()
            .map(|(key, value)| (Value::Int(key), value));
        Value::record([
            ("n", n),
            ("i", Value::Int(i)),
            ("t", t),
            ("b", Value::Bool(b)),
            ("bytes", Value::Bytes(bytes)),
            ("o", o),
            ("kind", kind),
            ("event", event),
            ("item", item),
            (
                "list",
                Value::List(list.into_iter().map(Value::Int).collect()),
            ),
            ("set", Value::List(set.into_iter().collect())),
            ("items", Value::List(items)),
            ("texts", Value::Map(texts.into_iter().collect())),
            ("numbers", Value::Map(numbers.collect())),
        ])
    })
}

const LEAVES: [&str; 52] = [
    "state",
    "state.n",
    "state.i",
    "state.t",
    "state.b",
    "state.bytes",
    "state.o",
    "state.o.n",
    "state.kind",
    "state.event",
    "state.event.tag",
    "state.event.value",
    "state.event.item.n",
    "state.item",
    "state.item.t",
    "state.item.tag",
    "state.list",
    "state.set",
    "state.items",
    "state.texts",
    "state.numbers",
    "state.texts.a",
    "state.texts['ab']",
    "state.numbers[1]",
    "state.list[0]",
    "state.items[0].i",
    "event",
    "event.tag",
    "event.value",
    "event.item",
    "event.item.tag",
    "event.maybe",
    "before",
    "before.n",
    "changed",
    "who",
    "count",
    "emitted",
    "emitted[0].value",
    "it",
    "it.n",
    "it.value.tag",
    "null",
    "true",
    "false",
    "0",
    "2",
    "-1",
    "9223372036854775807",
    "18446744073709551615u",
    "'a'",
    "b'a'",
];

const OPERATORS: [&str; 14] = [
    "&&", "||", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "in",
];

/// An expression, of any parts whether they go together or not.
fn expression() -> impl Strategy<Value = String> {
    let leaf = select(LEAVES.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |part| {
        let two = (part.clone(), part.clone());
        let three = (part.clone(), part.clone(), part.clone());
        let loops = vec!["all", "exists", "exists_one", "map", "filter"];
        let functions = vec!["min", "max", "pow", "sat_add", "sat_sub", "sat_mul"];
        let members = vec!["contains", "startsWith", "endsWith"];
        prop_oneof![
            4 => (select(OPERATORS.to_vec()), two.clone())
                .prop_map(|(operator, (left, right))| format!("({left}) {operator} ({right})")),
            1 => part.clone().prop_map(|part| format!("!({part})")),
            1 => part.clone().prop_map(|part| format!("-({part})")),
            1 => part.clone().prop_map(|part| format!("({part}).size()")),
            1 => part.clone().prop_map(|part| format!("size({part})")),
            1 => part.clone().prop_map(|part| format!("sum({part})")),
            1 => part.clone().prop_map(|part| format!("has(({part}).n)")),
            1 => part.clone().prop_map(|part| format!("({part}).tag")),
            1 => part.clone().prop_map(|part| format!("[{part}]")),
            1 => two.clone().prop_map(|(left, right)| format!("[{left}, {right}]")),
            1 => two.clone().prop_map(|(left, right)| format!("({left})[{right}]")),
            1 => two.clone().prop_map(|(left, right)| format!("({left}) in ['a', {right}, 1]")),
            1 => part.clone().prop_map(|part| format!("({part}) in ['a', 1, 'busy', true]")),
            1 => three.clone().prop_map(|(is, then, or)| format!("({is}) ? ({then}) : ({or})")),
            1 => three.prop_map(|(of, test, give)| format!("({of}).map(it, {test}, {give})")),
            3 => (select(loops), two.clone())
                .prop_map(|(name, (of, test))| format!("({of}).{name}(it, {test})")),
            1 => (select(functions), two.clone())
                .prop_map(|(name, (left, right))| format!("{name}({left}, {right})")),
            1 => (select(members), two)
                .prop_map(|(name, (left, right))| format!("({left}).{name}({right})")),
        ]
    })
}

#[test]
fn both_give_the_same() {
    let config = Config {
        cases: 4096,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let (mut all, mut said) = (0, 0);
    let (all, said) = (
        std::cell::Cell::from_mut(&mut all),
        std::cell::Cell::from_mut(&mut said),
    );
    let drawn = (expression(), state(), event(), number());
    runner
        .run(&drawn, |(source, state, event, count)| {
            let Some((of_crate, own)) = answers(&source, &state, &event, count.into()) else {
                return Ok(());
            };
            all.set(all.get() + 1);
            if let Some(own) = own {
                said.set(said.get() + 1);
                prop_assert_eq!(own, of_crate, "{}", source);
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let (all, said) = (all.get(), said.get());
    assert!(said * 4 > all * 3, "{said} of {all} are told");
}

/// What properties are made of is told, and told from the bytes.
#[test]
fn conditions_as_they_are_written_are_told() {
    let arm = |tag: &str, value| Value::Variant {
        tag: tag.to_owned(),
        value: Box::new(value),
    };
    let item = Value::record([
        ("n", Value::Nat(3)),
        ("i", Value::Int(-2)),
        ("t", Value::text("a")),
        ("tag", Value::Bool(true)),
    ]);
    let state = Value::record([
        ("n", Value::Nat(3)),
        ("i", Value::Int(-2)),
        ("t", Value::text("éa")),
        ("b", Value::Bool(true)),
        ("bytes", Value::Bytes(vec![1])),
        ("o", Value::Null),
        ("kind", arm("busy", Value::Null)),
        ("event", arm("none", Value::Null)),
        ("item", item.clone()),
        ("list", Value::List(vec![Value::Int(4), Value::Int(-1)])),
        ("set", Value::List(vec![Value::text("x")])),
        ("items", Value::List(vec![item.clone()])),
        ("texts", Value::Map(vec![(Value::text("k"), Value::Nat(9))])),
        ("numbers", Value::Map(vec![])),
    ]);
    for (source, wanted) in [
        (
            "state.n <= max(state.i, 3) && state.kind in ['idle', 'busy']",
            Ok("true"),
        ),
        ("event.tag == 'item' && event.item.t == who", Ok("true")),
        ("emitted.all(e, e.value.item.n == state.n)", Ok("true")),
        ("sum(state.list.map(it, it * 2)) + count", Ok("11")),
        (
            "state.items.filter(it, it.tag).size() + state.t.size()",
            Ok("3"),
        ),
        ("state.texts.map(it, state.texts[it])", Ok("[9]")),
        ("has(state.event.item) || state.o == null", Ok("true")),
        ("state.event.item.n == 1 && false", Ok("false")),
        ("state.event.item.n == 1", Err(())),
        ("before.n < state.n", Err(())),
        ("state.n - 4 == -1", Ok("true")),
        ("9223372036854775807 * 3", Err(())),
        ("state.n / 0", Err(())),
    ] {
        let (of_crate, own) = answers(source, &state, &arm("item", item.clone()), 5)
            .unwrap_or_else(|| panic!("{source} is no condition"));
        let wanted = wanted.map(str::to_owned);
        assert_eq!(own.as_ref(), Some(&wanted), "{source}");
        assert_eq!(of_crate, wanted, "{source}");
    }
}
