//! Worlds to copy, and reducers on the SDK, built as their authors would build them.
//!
//! The counter has a model of its own, of which the harness knows nothing: campaigns, the explorer
//! and the shrinker take it as they take the retry machine's.
//!
//! The pages in `examples/` are followed to the letter, in a folder of their own. A reducer that is
//! written here shows what the host tells of one that refuses, panics, or gives out a lot.

mod declared;

use std::fs;
use std::path::Path;
use std::process::Command;

use counter_model::Counter;
use expect_test::expect;
use libtest_mimic::Trial;
use sdk::testing::first;
use sim::campaign::{self, CampaignOptions, Runner, Summary};
use sim::explore::{self, ExploreOptions, Explored, Limits, Outcome};
use sim::host::{Code, Output};
use sim::kernel::World;
use sim::model::{Model, Property, Small};
use sim::shrink::Budget;

use crate::support::{code, documents, root, trial};

pub fn trials() -> Vec<Trial> {
    let own = vec![
        trial("examples::counter".to_owned(), || follow("counter")),
        trial("examples::model_of_ones_own".to_owned(), model_of_ones_own),
        trial("examples::reducer_of_ones_own".to_owned(), of_ones_own),
    ];
    own.into_iter().chain(declared::trials()).collect()
}

/// Runs the commands of an example's page: the build, and those of `sim`, which end with 0. The
/// rest is what others test.
fn follow(example: &str) {
    let place = tempfile::tempdir().expect("there is room for a folder");
    let folder = format!("examples/{example}");
    let page = fs::read_to_string(root(&folder).join("README.md")).expect("it has a page");
    copy(
        &root(&folder).join("air"),
        &place.path().join(&folder).join("air"),
    );
    let (_, block) = page.split_once("```sh\n").expect("it has commands");
    let (block, _) = block.split_once("```").expect("they end");
    let (mut built, mut told) = (0, Vec::new());
    for line in block.lines() {
        if let Some(arguments) = line.strip_prefix("cargo build ") {
            build(&root("."), place.path(), arguments);
            built += 1;
        } else if let Some(arguments) = line.strip_prefix("cargo run --release -- ") {
            let output = Command::new(env!("CARGO_BIN_EXE_sim"))
                .args(arguments.split(' '))
                .current_dir(place.path())
                .env_remove("GITHUB_ACTIONS")
                .output()
                .expect("the command can be run");
            let said = String::from_utf8_lossy(&output.stdout);
            let err = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{line}\n{said}{err}");
            told.push(said.into_owned());
        }
    }
    let [checked, ran] = &told[..] else {
        panic!("a page checks the world and runs it");
    };
    assert_eq!(built, 1);
    assert!(checked.ends_with("all checks pass\n"), "{checked}");
    assert!(ran.contains("everything holds"), "{ran}");
}

/// Builds for wasm, into `target` in a folder.
fn build(from: &Path, place: &Path, arguments: &str) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(from).arg("build");
    cargo.args(arguments.split(' ')).arg("--offline");
    cargo.arg("--target-dir").arg(place.join("target"));
    // What this very build was told is not for another.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO")) {
        if name != "CARGO_HOME" {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("it can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("it has a name");
        fs::copy(&path, to.join(name)).expect("it can be copied");
    }
}

/// Gives out as many events as its event says, of a thousand bytes each.
const OF_ONES_OWN: &str = r#"
#![cfg_attr(target_arch = "wasm32", no_std)]

sdk::export!(step);

sdk::record! {
    struct Long<'a> { text: &'a str }
}

fn step(input: &sdk::Input, output: &mut sdk::Output) -> Result<(), sdk::Refusal> {
    let count: u64 = input.event()?;
    match count {
        0 => return Err(sdk::Refusal::because("none is too few")),
        7 => panic!("{count} is too odd"),
        _ => {}
    }
    for _ in 0..count {
        output.event("own/Long@1", &Long { text: core::str::from_utf8(&[b'x'; 1_000]).unwrap() });
    }
    output.state(&count);
    Ok(())
}
"#;

/// A crate outside of any workspace.
fn of_ones_own() {
    let code = built(OF_ONES_OWN);
    let mut instance = code.instance().expect("there is room for an instance");
    let mut output = Output::default();
    // More than a step is given at first, and more than a page of it.
    for count in [1, 2, 100, 3, 1_000] {
        let input = first(&count).envelope();
        let answer = instance.step_encoded(&input, &mut output);
        answer.unwrap_or_else(|error| panic!("{count}: {error}"));
        assert_eq!(output.events().len() as u64, count);
    }
    let refused = |envelope: &[u8]| {
        let mut instance = code.instance().expect("there is room for an instance");
        let answer = instance.step_encoded(envelope, &mut Output::default());
        answer.expect_err("it is refused").to_string() + "\n"
    };
    let found = refused(&first(&0_u64).envelope())
        + &refused(&first(&7_u64).envelope())
        + &refused(&first(&-1_i64).envelope())
        + &refused(&first(&1_000_000_u64).envelope());
    expect![[r#"
        reducer panicked: none is too few; in sdk::memory::refuse < sdk::memory::step_again < step
        reducer panicked at src/lib.rs:14:14: 7 is too odd; in sdk::output::run < step
        reducer panicked: event: expected a nat, found a negative number; in sdk::memory::refuse < sdk::memory::step_again < step
        reducer used up its 50000000 units of fuel; in sdk::output::run < step; raise the fuel per step, or look for a loop
    "#]].assert_eq(&found);
}

/// A reducer of this source, built in a crate outside of any workspace.
fn built(source: &str) -> Code {
    code(&wasm_of(source))
}

/// The same, as wasm.
pub fn wasm_of(source: &str) -> Vec<u8> {
    let place = tempfile::tempdir().expect("there is room for a folder");
    let manifest = format!(
        "[package]\nname = \"own\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
        [dependencies]\nsdk = {{ path = {:?} }}\n\n[workspace]\n",
        root("sdk")
    );
    fs::create_dir(place.path().join("src")).expect("it can be made");
    fs::write(place.path().join("Cargo.toml"), manifest).expect("it can be written");
    fs::write(place.path().join("src/lib.rs"), source).expect("it can be written");
    build(
        place.path(),
        place.path(),
        "--release --target wasm32-unknown-unknown",
    );
    let built = place
        .path()
        .join("target/wasm32-unknown-unknown/release/own.wasm");
    fs::read(built).expect("it was built")
}

/// The shipped counter holds, and two broken ones violate what their model says of them.
fn model_of_ones_own() {
    let source = root("examples/counter/src/lib.rs");
    let source = fs::read_to_string(source).expect("it is there");
    let air = documents("examples/counter/air");
    let model = Counter::of(&air).expect("it is a counter's world");
    let world = |source: &str| World::new(air.clone(), vec![built(source)]);
    let shipped = world(&source);
    let summary = campaign(&shipped, &model);
    assert_eq!(summary.failures.len(), 0);
    assert_eq!(summary.missed(), Vec::<&Property>::new());
    let judged = summary.judged.iter();
    let judged = judged.filter(|one| one.property.is_of_model && one.holds > 200);
    assert_eq!(judged.count(), 2);
    assert_eq!(explored(&shipped, &model).outcome, Outcome::Complete);
    for (broken, found) in [
        (source.replace(".min(LIMIT)", ""), "counts"),
        (source.replace(" && before.total < LIMIT", ""), "announces"),
    ] {
        assert_ne!(broken, source);
        let world = world(&broken);
        let failures = campaign(&world, &model).failures;
        let sighting = &failures.first().expect("it is found").sighting;
        assert_eq!(sighting.violations[0].name(), found);
        let mut runner = Runner::new(&world, &model).expect("the reducer can be run");
        let budget = Budget::default();
        let shrunk = runner.shrink(&sighting.scenario, &sighting.signature, budget, |_| {});
        let (shrunk, _) = shrunk.expect("it fails");
        assert!(shrunk.scenario.schedule.len() <= 2, "{found}");
        let outcome = explored(&world, &model).outcome;
        assert!(matches!(outcome, Outcome::Violated(_)), "{found}");
    }
}

fn campaign(world: &World, model: &Counter) -> Summary {
    let options = CampaignOptions {
        jobs: 1,
        ..CampaignOptions::of(0..256)
    };
    campaign::run(world, model, &options, |_| {}).expect("the reducer can be run")
}

fn explored(world: &World, model: &Counter) -> Explored {
    let options = ExploreOptions {
        most_states: 100_000,
        ..ExploreOptions::of(Limits {
            scene: model.scene(&Small {
                requests: 3,
                ..Small::default()
            }),
            duplicates: 0,
            drops: 0,
            spurious: 1,
            crashes: 1,
            depth: 100,
        })
    };
    explore::run(world, model, &options, |_| {}).expect("it can be explored")
}
