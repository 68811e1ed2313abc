//! `sim schema`: what is shipped is what is printed, all of this repository fits, and what a reader
//! refuses because of a key its schema refuses too.

mod validator;

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use sim::air::{self, Source};
use sim::cases::Case;
use sim::declared::File;

use self::validator::Validator;
use super::{Place, trial};
use crate::support::root;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("schemas", "shipped", shipped),
        trial("schemas", "documents_fit", documents_fit),
        trial("schemas", "declarations_fit", declarations_fit),
        trial("schemas", "cases_fit", cases_fit),
        trial("schemas", "events_fit", events_fit),
        trial("schemas", "misspelt_in_documents", misspelt_in_documents),
        trial(
            "schemas",
            "misspelt_in_declarations",
            misspelt_in_declarations,
        ),
        trial("schemas", "misspelt_in_cases", misspelt_in_cases),
        trial("schemas", "two_of_what_there_is_one", two_of_one),
    ]
}

fn schema(of: &str) -> Validator {
    let said = Place::new().sim(&format!("schema {of}"));
    assert_eq!((said.code, &*said.err), (0, ""));
    Validator(serde_json::from_str(&said.out).expect("it is JSON"))
}

fn shipped() {
    for of in ["documents", "sim.toml", "case", "events"] {
        let said = Place::new().sim(&format!("schema {of}"));
        expect_file![root(&format!("schemas/{of}.json"))].assert_eq(&said.out);
    }
}

/// The files of this repository whose names end so, other than what was built.
fn files(end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root("")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("it can be read")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

fn documents_fit() {
    let schema = schema("documents");
    let files = files(".air.json");
    assert!(files.len() > 25, "the documents are elsewhere");
    for file in files {
        assert!(schema.fits(&json(&read(&file))), "{}", file.display());
    }
}

fn declarations_fit() {
    let schema = schema("sim.toml");
    let files = files("sim.toml");
    assert!(files.len() > 5, "the declarations are elsewhere");
    for file in files {
        let value = toml::from_str(&read(&file)).expect("it is TOML");
        assert!(schema.fits(&value), "{}", file.display());
    }
}

/// The cases that are kept, and the first of each kit.
fn corpus() -> Vec<PathBuf> {
    let all = files(".json").into_iter();
    let is_case = |path: &PathBuf| path.parent().is_some_and(|it| it.ends_with("corpus"));
    let cases: Vec<PathBuf> = all.filter(is_case).collect();
    assert!(cases.len() > 25, "the cases are elsewhere");
    cases
}

fn cases_fit() {
    let schema = schema("case");
    for file in corpus() {
        assert!(schema.fits(&json(&read(&file))), "{}", file.display());
    }
}

/// Of a campaign that finds a bug, and of replays of good and bad cases. Of each kind of event
/// every field must be there by the schema, except for those of one command only.
fn events_fit() {
    let schema = schema("events");
    let place = Place::new();
    place.planted("attempt-limit-off-by-one");
    place.corpus();
    place.write("corpus/bad.json", "{}");
    let commands = [
        "run --seeds 0..300 --wasm attempt-limit-off-by-one.wasm --case-dir found --format json",
        "replay --format json corpus",
    ];
    let mut kinds = std::collections::BTreeSet::new();
    for line in commands
        .map(|command| place.sim(command).out)
        .iter()
        .flat_map(|it| it.lines())
    {
        let event = json(line);
        assert!(schema.fits(&event), "{line}");
        if !kinds.insert(event["event"].to_string()) {
            continue;
        }
        for (key, wrong) in misspelt(&event).filter(|(key, _)| key.len() == 1) {
            let is_of_one_command = event["event"] == "finished" && !key[0].starts_with("exit")
                || ["seeds", "cases"].contains(&&*key[0]);
            assert!(
                is_of_one_command || !schema.fits(&wrong),
                "{key:?} in {line}"
            );
        }
    }
    let expected = [
        "bad_case",
        "case_done",
        "finished",
        "seed_done",
        "shrunk",
        "started",
        "violation",
    ];
    assert!(
        kinds
            .iter()
            .eq(expected.map(|kind| format!("\"{kind}\"")).iter()),
        "{kinds:?}"
    );
}

/// A value, each time with another key misspelt, and the way to that key.
fn misspelt(value: &Value) -> Box<dyn Iterator<Item = (Vec<String>, Value)> + '_> {
    match value {
        Value::Object(members) => Box::new(members.iter().flat_map(move |(key, inner)| {
            let mut other = members.clone();
            other.remove(key);
            other.insert(format!("{key}x"), inner.clone());
            let within = misspelt(inner).map(move |(mut way, inner)| {
                way.insert(0, key.clone());
                let mut whole = members.clone();
                whole.insert(key.clone(), inner);
                (way, Value::Object(whole))
            });
            within.chain([(vec![key.clone()], Value::Object(other))])
        })),
        Value::Array(items) => Box::new(items.iter().enumerate().flat_map(move |(place, item)| {
            misspelt(item).map(move |(mut way, item)| {
                way.insert(0, place.to_string());
                let mut whole = items.clone();
                whole[place] = item;
                (way, Value::Array(whole))
            })
        })),
        _ => Box::new(std::iter::empty()),
    }
}

/// What the reader says of a key or a word that it does not know, or misses.
const OF_KEYS: [&str; 5] = [
    "has no field",
    "lacks the field",
    "unknown type",
    "the document has no `$kind`",
    "a type is",
];

/// What may be an expression or a value, which only the types that are meant tell apart.
const EITHER: [&str; 4] = ["expr", "params", "result", "value"];

/// One world that has nearly everything, in one file.
fn misspelt_in_documents() {
    let schema = schema("documents");
    let whole = json(&read(&root("sim/tests/air/base.air.json")));
    let (mut refused, mut taken) = (0, 0);
    for (way, wrong) in misspelt(&whole) {
        let file = "base.air.json".to_owned();
        let text = wrong.to_string();
        match air::load(&[Source { file, text }]) {
            Ok(_) => {
                assert!(schema.fits(&wrong), "{way:?} is refused");
                taken += 1;
            }
            Err(problems) => {
                let problems = problems.to_string();
                let is_open = way.iter().any(|key| EITHER.contains(&&**key));
                if !is_open && OF_KEYS.iter().any(|of| problems.contains(of)) {
                    assert!(!schema.fits(&wrong), "{way:?} is not refused: {problems}");
                    refused += 1;
                }
            }
        }
    }
    assert!(
        refused > 150 && taken > 0,
        "{refused} refused, {taken} taken"
    );
}

/// The keys at the beginning of lines.
fn misspelt_in_declarations() {
    let schema = schema("sim.toml");
    let mut refused = 0;
    for file in files("sim.toml") {
        let text = read(&file);
        let lines: Vec<&str> = text.lines().collect();
        for (place, line) in lines.iter().enumerate() {
            let is_key = |char: char| char.is_ascii_lowercase() || char == '_';
            let end = line.find(|char| !is_key(char)).unwrap_or(line.len());
            if end == 0 || !line[end..].starts_with([' ', '.']) {
                continue;
            }
            let wrong = format!("{}x{}", &line[..end], &line[end..]);
            let before = lines[..place].iter().copied();
            let all = before
                .chain([&*wrong])
                .chain(lines[place + 1..].iter().copied());
            let text = all.collect::<Vec<_>>().join("\n");
            let Ok(value) = toml::from_str(&text) else {
                continue;
            };
            let is_read = File::parse("sim.toml", &text).is_ok();
            assert_eq!(schema.fits(&value), is_read, "{}: {wrong}", file.display());
            refused += u32::from(!is_read);
        }
    }
    assert!(refused > 100, "{refused} refused");
}

fn misspelt_in_cases() {
    let schema = schema("case");
    let (mut refused, mut taken) = (0, 0);
    for file in corpus() {
        let whole = json(&read(&file));
        for (way, wrong) in misspelt(&whole) {
            let is_read = Case::parse(&wrong.to_string()).is_ok();
            assert_eq!(
                schema.fits(&wrong),
                is_read,
                "{way:?} in {}",
                file.display()
            );
            match is_read {
                true => taken += 1,
                false => refused += 1,
            }
        }
    }
    assert!(
        refused > 500 && taken > 100,
        "{refused} refused, {taken} taken"
    );
}

fn two_of_one() {
    let two_verbs = json!({"format": "sim-case/1", "found_by": {"driver": "hand"}, "requests": [],
        "world": {"manifest": "", "reducers": {}}, "schedule": [{"start": "a", "drop": "b"}]});
    let toml = |rest: &str| toml::from_str(&format!("format = \"sim/1\"\n{rest}")).expect("TOML");
    let document = |ty| json!({"$kind": "defschema", "name": "a/B@1", "type": ty});
    let wrong = [
        ("case", two_verbs),
        (
            "sim.toml",
            toml("[properties.a]\nalways = 'true'\nnever = 'false'"),
        ),
        ("sim.toml", toml("[reducers.a]\nwasm = 'a'\npackage = 'b'")),
        ("sim.toml", toml("[faults]\ncrashes = false")),
        ("sim.toml", toml("[counters.a]")),
        ("documents", document(json!({"text": {}, "nat": {}}))),
        ("documents", document(json!({"variant": {}}))),
        ("documents", document(json!({}))),
    ];
    for (of, value) in wrong {
        assert!(!schema(of).fits(&value), "{of}: {value}");
    }
}
