//! The target, without libFuzzer: what it makes of inputs, and what of what it finds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use retry_world::planted_wasm;
use sim::air::Air;
use sim::cases::store;
use sim::cli::{Loaded, WorldArguments};
use sim::scenario::Verb;
use sim::selftest::planted_world;
use sim_fuzz::input;
use sim_fuzz::reducer_events::{self, Ending, Subject, Target};
use sim_fuzz::settings::{Settings, project_folder};
use tempfile::TempDir;

const MOST_BYTES: usize = 4096;

/// Stands in for libFuzzer.
fn turn(bytes: &mut Vec<u8>) {
    bytes.reverse();
    bytes.push(b'+');
}

fn settings(variables: &[(&str, &Path)]) -> Settings {
    let found = Settings::of(|name| {
        let variable = variables.iter().find(|(known, _)| *known == name);
        variable.map(|(_, path)| path.as_os_str().to_owned())
    });
    found.expect("all of this can be said")
}

/// The retry world, with cases written to `folder`.
fn shipped(folder: &Path) -> Subject {
    Subject::load(settings(&[("SIM_FUZZ_CASES", folder)])).expect("the world can be loaded")
}

/// The retry world with a planted bug.
fn planted(name: &str, folder: &Path) -> Subject {
    let wasm = folder.join("planted.wasm");
    fs::write(&wasm, planted_wasm(number(name))).expect("it can be written");
    let variables = [
        ("SIM_FUZZ_CASES", folder.join("cases")),
        ("SIM_FUZZ_WASM", wasm),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, path)| (*name, path.as_path()));
    Subject::load(settings(&variables)).expect("the world can be loaded")
}

fn number(name: &str) -> u8 {
    let bug = planted::BUGS.iter().find(|(_, known)| *known == name);
    bug.expect("it is a bug").0
}

fn loaded() -> Loaded {
    let world = WorldArguments::default().load();
    world.expect("the world can be loaded")
}

fn air() -> Air {
    loaded().world.air
}

fn seeds() -> Vec<Vec<u8>> {
    let sown = reducer_events::seeds(&settings(&[])).expect("they can be read");
    sown.into_iter().map(|seed| seed.content).collect()
}

fn run(target: &mut Target<'_>, input: &[u8]) -> (Ending, String) {
    let mut told = Vec::new();
    let ending = target.run(input, &mut told).expect("cases can be written");
    (ending, String::from_utf8(told).expect("it is text"))
}

fn mutate(target: &mut Target<'_>, input: &[u8], seed: u32) -> String {
    let mutated = target.mutate(input, MOST_BYTES, seed, &mut turn);
    let mutated = mutated.expect("the reducer can be run");
    mutated.expect("a schedule fits")
}

#[test]
fn kept_cases_hold() {
    let folder = TempDir::new().expect("there is room");
    let subject = shipped(folder.path());
    let mut target = Target::new(&subject).expect("the reducer can be run");
    for input in seeds() {
        assert_eq!(run(&mut target, &input), (Ending::Holds, String::new()));
    }
}

#[test]
fn other_bytes_are_no_cases() {
    let folder = TempDir::new().expect("there is room");
    let subject = shipped(folder.path());
    let mut target = Target::new(&subject).expect("the reducer can be run");
    let of_another_world = fs::read(project_folder("fuzz").join("deep/cases/magic.json"));
    let of_another_world = of_another_world.expect("it is there");
    for input in [&b""[..], b"\xff", b"{}", b"[1,2", &of_another_world] {
        assert_eq!(run(&mut target, input).0, Ending::NotACase);
    }
}

/// libFuzzer keeps the text and the target ran the scenario: they have to be the same thing.
#[test]
fn what_is_made_is_what_the_text_says() {
    let folder = TempDir::new().expect("there is room");
    let subject = shipped(folder.path());
    let mut target = Target::new(&subject).expect("the reducer can be run");
    let air = air();
    let mut writer = input::Writer::new(sim::cases::WorldHashes::of(&loaded().world));
    let seeds = seeds();
    let mut input = seeds[0].clone();
    let mut changed = 0;
    for seed in 0..3_000 {
        let other = &seeds[seed as usize % seeds.len()];
        let text = match seed % 4 {
            0 => mutate(&mut target, other, seed),
            1 => {
                let crossed = target.cross(&input, other, MOST_BYTES, seed, &mut turn);
                crossed.expect("it can be run").expect("a schedule fits")
            }
            _ => mutate(&mut target, &input, seed),
        };
        assert!(text.len() <= MOST_BYTES);
        changed += u32::from(text.as_bytes() != input);
        let scenario = input::read(&air, text.as_bytes());
        let scenario = scenario.unwrap_or_else(|| panic!("not a case: {text}"));
        assert_eq!(writer.write(&air, &scenario), text);
        // What the target remembers of the text is what anyone reads in it.
        assert_eq!(run(&mut target, text.as_bytes()).0, Ending::Holds, "{text}");
        input = text.into_bytes();
    }
    assert!(changed > 2_500, "{changed}");
}

#[test]
fn the_same_seed_makes_the_same_input() {
    let make = || {
        let folder = TempDir::new().expect("there is room");
        let subject = shipped(folder.path());
        let mut target = Target::new(&subject).expect("the reducer can be run");
        let mut input = seeds()[0].clone();
        for seed in 0..200 {
            input = mutate(&mut target, &input, seed).into_bytes();
            run(&mut target, &input);
        }
        input
    };
    let first = make();
    assert_eq!(first, make());
    assert!(first.len() > 500, "{}", first.len());
}

/// Every verb of the schedule is made, and inputs stay as short as asked.
#[test]
fn schedules_are_varied_and_short() {
    let folder = TempDir::new().expect("there is room");
    let mut settings = settings(&[("SIM_FUZZ_CASES", folder.path())]);
    settings.most_decisions = 8;
    let subject = Subject::load(settings).expect("the world can be loaded");
    let mut target = Target::new(&subject).expect("the reducer can be run");
    let air = air();
    let mut seen = BTreeSet::new();
    let mut input = input::EMPTY.as_bytes().to_vec();
    for seed in 0..4_000 {
        input = mutate(&mut target, &input, seed).into_bytes();
        run(&mut target, &input);
        let scenario = input::read(&air, &input).expect("it is a case");
        assert!(scenario.schedule.len() <= 8 && scenario.requests.len() <= 4);
        let case: serde_json::Value = serde_json::from_slice(&input).expect("it is JSON");
        for decision in case["schedule"].as_array().expect("it is a list") {
            seen.extend(decision.as_object().expect("it has fields").keys().cloned());
        }
    }
    for verb in Verb::ALL.map(Verb::name) {
        // No plan of this world awaits a receipt.
        assert_eq!(seen.contains(verb), verb != "receipt", "{verb}");
    }
}

/// Mutated from an empty case until the bug shows: then there is a case that anyone can replay.
#[test]
fn a_find_is_told_shrunk_and_kept() {
    let folder = TempDir::new().expect("there is room");
    let subject = planted("second-start-resets", folder.path());
    let mut target = Target::new(&subject).expect("the reducer can be run");
    let mut input = input::EMPTY.as_bytes().to_vec();
    let mut found = None;
    for seed in 0..20_000 {
        // Back to the beginning now and then, or schedules only get longer.
        if seed % 64 == 0 {
            input = input::EMPTY.as_bytes().to_vec();
        }
        input = mutate(&mut target, &input, seed).into_bytes();
        let (ending, told) = run(&mut target, &input);
        if ending != Ending::Holds {
            found = Some((ending, told));
            break;
        }
    }
    let (ending, told) = found.expect("the bug shows");
    let Ending::Violates(name) = ending else {
        panic!("{ending:?}");
    };
    assert!(told.contains("violation: an input of the fuzzer"), "{told}");
    assert!(told.contains(&*name), "{told}");
    let cases = store::list(&folder.path().join("cases")).expect("the folder is there");
    let [case] = cases.as_slice() else {
        panic!("{cases:?}");
    };
    assert!(told.contains(&case.display().to_string()), "{told}");
    let case = fs::read(case).expect("it is there");
    assert_eq!(run(&mut target, &case).0, Ending::Violates(name));
    // On the reducer that ships it holds: a regression test from now on.
    let elsewhere = TempDir::new().expect("there is room");
    let subject = shipped(elsewhere.path());
    let mut target = Target::new(&subject).expect("the reducer can be run");
    assert_eq!(run(&mut target, &case).0, Ending::Holds);
}

/// Who finds the same again, this process or another that shares the folder, tells once the case
/// that is there, and writes no second one. Another failure is news.
#[test]
fn the_same_find_is_told_once() {
    let folder = TempDir::new().expect("there is room");
    let subject = planted("second-start-resets", folder.path());
    let cases = folder.path().join("cases");
    let files = || store::list(&cases).unwrap_or_default();
    let (mut news, mut again) = (0, 0);
    for process in 0..2 {
        let mut target = Target::new(&subject).expect("the reducer can be run");
        let mut input = input::EMPTY.as_bytes().to_vec();
        let mut told_known = Vec::new();
        for seed in 0..6_000 {
            if seed % 64 == 0 {
                input = input::EMPTY.as_bytes().to_vec();
            }
            input = mutate(&mut target, &input, seed + process).into_bytes();
            let before = files();
            let (ending, told) = run(&mut target, &input);
            if ending == Ending::Holds {
                assert_eq!(told, "");
            } else if files().len() > before.len() {
                assert!(told.contains("violation: "), "{told}");
                news += 1;
            } else {
                again += 1;
                told_known.extend(told.strip_prefix("known: ").map(str::to_owned));
                assert!(told.is_empty() || told.starts_with("known: "), "{told}");
            }
        }
        let count = told_known.len();
        told_known.sort();
        told_known.dedup();
        assert_eq!(told_known.len(), count, "each once");
        assert!(count > 0, "none was met again");
    }
    assert!(again > 10 * news && news > 1, "{again} again, {news} new");
    // Each is a failure of its own: with the others alone in the folder it is news.
    for case in files() {
        let text = fs::read(&case).expect("it is there");
        fs::rename(&case, folder.path().join("aside")).expect("it can be renamed");
        let mut target = Target::new(&subject).expect("the reducer can be run");
        let (_, told) = run(&mut target, &text);
        assert!(told.contains("violation: "), "{told}");
    }
}

/// A subject whose observed reducer has a bug that the one it is said to be has not.
fn observed_otherwise(name: &str, folder: &Path) -> Subject {
    let plain = loaded();
    let observed =
        planted_world(&plain.world.air, &planted_wasm(number(name))).expect("it is a reducer");
    Subject::new(settings(&[("SIM_FUZZ_CASES", folder)]), plain, observed)
}

/// What instruments do to a reducer, like spending its fuel, is no finding.
#[test]
fn what_the_original_does_not_do_is_no_finding() {
    let folder = TempDir::new().expect("there is room");
    let subject = observed_otherwise("exponent-off-by-one", folder.path());
    let mut target = Target::new(&subject).expect("the reducer can be run");
    for input in seeds() {
        assert_eq!(run(&mut target, &input), (Ending::Holds, String::new()));
    }
    assert!(store::list(folder.path()).is_ok_and(|cases| cases.is_empty()));
}

/// What a reducer hides in its memory shows in one run and not in the next.
#[test]
fn what_does_not_repeat_is_told() {
    let folder = TempDir::new().expect("there is room");
    let subject = observed_otherwise("hidden-state", folder.path());
    let mut target = Target::new(&subject).expect("the reducer can be run");
    let inputs = seeds();
    let endings = (0..20)
        .flat_map(|_| &inputs)
        .map(|input| run(&mut target, input).0);
    let odd = endings.into_iter().find(|ending| *ending != Ending::Holds);
    assert!(matches!(odd, Some(Ending::NotRepeatable(_))), "{odd:?}");
}

#[test]
fn bytes_are_left_to_libfuzzer() {
    let folder = TempDir::new().expect("there is room");
    let mut settings = settings(&[("SIM_FUZZ_CASES", folder.path())]);
    settings.mutator = sim_fuzz::settings::Mutator::Bytes;
    let subject = Subject::load(settings).expect("the world can be loaded");
    let mut target = Target::new(&subject).expect("the reducer can be run");
    let mutated = target.mutate(b"{}", MOST_BYTES, 1, &mut turn);
    assert_eq!(mutated.expect("nothing is run"), None);
}
