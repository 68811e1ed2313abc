//! `sim.toml` as a person meets it: what is refused and where, and what what it says does to runs.
//!
//! Its worlds are small and were there before: leases, the retry machine, and the retry machine
//! whose plan asks over HTTP.

mod answers;
mod assertions;
mod bugs;
mod clients;
mod commands;
mod counters;
mod definitions;
mod hostile;
mod monitors;
mod properties;
mod refusals;

use std::fs;

use libtest_mimic::Trial;

use crate::cli::{Place, Said};
use crate::support::root;

pub fn trials() -> Vec<Trial> {
    [
        answers::trials(),
        assertions::trials(),
        bugs::trials(),
        clients::trials(),
        commands::trials(),
        counters::trials(),
        definitions::trials(),
        hostile::trials(),
        monitors::trials(),
        properties::trials(),
        refusals::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A trial named `declared::subject::test`; it fails by panicking.
fn trial(subject: &str, name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    crate::support::trial(format!("declared::{subject}::{name}"), test)
}

/// The first lines of the world of leases, whose wasm is in its folder.
const LEASES: &str = r#"format = "sim/1"

[reducers."lease/Lease@1"]
wasm = "lease.wasm"
"#;

/// The clients of leases, and as many seeds as each trial takes.
const CLIENTS: &str = r#"
[clients.acquire]
event = "lease/Event@1"
arm = "acquire"
fields.resource = { any = "resource" }
fields.holder = { one_of = ["ann", "bob"] }
fields.ttl_ms = { range = [1, 5000] }
fields.now_ns = { now = true }

[clients.renew]
event = "lease/Event@1"
arm = "renew"
weight = 20
fields.resource = { known = "resource" }
fields.holder = { one_of = ["ann", "bob"] }
fields.token = { range = [1, 3] }
fields.ttl_ms = { range = [1, 5000] }
fields.now_ns = { now = true }

[clients.release]
event = "lease/Event@1"
arm = "release"
fields.resource = { known = "resource" }
fields.holder = { one_of = ["ann", "bob"] }
fields.token = { range = [1, 3] }

[correlation]
"lease/Granted@1" = "resource"

[campaign]
seeds = 100
"#;

/// The world of leases in the folder `w`, with this `sim.toml`.
fn leases_of(text: &str) -> Place {
    let place = documents_of("examples/lease/air");
    let wasm = fs::read(root("examples/lease/lease.wasm")).expect("it is checked in");
    place.write("w/lease.wasm", wasm);
    place.write("w/sim.toml", text);
    place
}

/// The world of leases with its clients, and more.
fn leases(more: &str) -> Place {
    leases_of(&format!("{LEASES}{CLIENTS}{more}"))
}

/// The documents of a folder of the workspace, in the folder `w`.
fn documents_of(folder: &str) -> Place {
    let place = Place::new();
    for entry in fs::read_dir(root(folder)).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("it has a name").to_string_lossy();
        let text = fs::read(&path).expect("it can be read");
        place.write(&format!("w/{name}"), text);
    }
    place
}

/// A campaign on the world of leases.
fn run(more: &str) -> Said {
    leases(more).sim("run --world w --case-dir found")
}

/// The same, which ends with a code.
fn ends(more: &str, code: i32) -> String {
    let said = run(more);
    assert_eq!(said.code, code, "{more}\n{}{}", said.out, said.err);
    said.out
}

/// What is told of the first violation: whose it is, what was expected, and what was found.
fn violation(out: &str) -> String {
    let (_, told) = out
        .split_once("violation: seed ")
        .expect("something is violated");
    let lines = told.lines().skip(1);
    let lines = lines.skip_while(|line| line.starts_with("  seen in "));
    let lines = lines.take_while(|line| !line.starts_with("  faults: "));
    let lines = lines.map(|line| line.strip_prefix("  ").unwrap_or(line));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The number beside a name in a table of a summary.
fn count(out: &str, name: &str) -> u64 {
    let rows = out.lines().filter_map(|line| line.trim().rsplit_once(' '));
    let mut rows = rows.filter(|(known, _)| known.trim() == name);
    let (_, count) = rows
        .next()
        .unwrap_or_else(|| panic!("no row {name}: {out}"));
    count.parse().expect("it is a number")
}
