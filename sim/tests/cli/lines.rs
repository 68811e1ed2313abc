//! Texts of others in the output: whatever a case, a document or a file's name holds, it begins no
//! line of its own, gives no order to a terminal or a CI, and leaves a report that can be parsed.

use libtest_mimic::Trial;
use quick_junit::Report;
use serde_json::Value as Json;

use super::{CASE, Place, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("lines", "odd_cases", odd_cases),
        trial("lines", "odd_documents", odd_documents),
        trial("lines", "odd_arguments", odd_arguments),
        trial("lines", "replay_command_for_a_shell", replay_command),
    ]
}

/// What each of them must not do is in the name that follows it.
const ODD: [&str; 14] = [
    "x\n::error::INJECTED",
    "::add-mask::INJECTED",
    "  ::stop-commands::INJECTED",
    "x\r::error::INJECTED",
    "x\u{2028}::error::INJECTED",
    "x\u{85}::error::INJECTED",
    "##[error]INJECTED",
    "x ##vso[task.setvariable variable=a]INJECTED",
    "x\n##teamcity[INJECTED]",
    "\u{1b}[31mINJECTED\u{0}",
    "\u{202e}INJECTED\u{2066}",
    "INJECTED\u{ffff}\u{fffe}\u{1ffff}",
    "\u{feff}INJECTED\u{ad}\u{200b}",
    "<script>INJECTED</script>]]>&amp;\"'",
];

/// Fails if a text tells a terminal, a CI or a parser anything.
fn assert_calm(what: &str, text: &str) {
    for line in text.split('\n') {
        let begins = line.trim_start();
        assert!(
            !begins.starts_with("::") || begins.starts_with("::error file="),
            "{what}: {line:?}"
        );
        for command in ["##[", "##vso[", "##teamcity["] {
            assert!(!line.contains(command), "{what}: {line:?}");
        }
        let hidden = line.chars().find(|char| {
            char.is_control()
                || matches!(char, '\u{ad}' | '\u{feff}' | '\u{200b}'..='\u{200f}')
                || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                || u32::from(*char) & 0xfffe == 0xfffe
        });
        assert_eq!(hidden, None, "{what}: {line:?}");
    }
}

/// Every variant of a document in which one text, a value or the name of a member, is an odd one.
fn variants(of: &Json) -> Vec<Json> {
    fn texts(json: &mut Json, at: &mut usize, odd: &str) {
        let here = |text: &mut String, at: &mut usize| {
            if *at == 0 {
                *text = odd.to_owned();
            }
            *at = at.wrapping_sub(1);
        };
        match json {
            Json::String(text) => here(text, at),
            Json::Array(items) => items.iter_mut().for_each(|item| texts(item, at, odd)),
            Json::Object(members) => {
                *members = std::mem::take(members)
                    .into_iter()
                    .map(|(mut name, mut value)| {
                        here(&mut name, at);
                        texts(&mut value, at, odd);
                        (name, value)
                    })
                    .collect();
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }
    let mut count = usize::MAX;
    texts(&mut of.clone(), &mut count, "");
    let count = usize::MAX - count;
    let variants = (0..count).map(|at| {
        let mut variant = of.clone();
        // Each place has another of them; the next document goes on where this one ends.
        texts(&mut variant, &mut at.clone(), ODD[at % ODD.len()]);
        variant
    });
    variants.collect()
}

fn odd_cases() {
    let place = Place::new();
    place.world();
    let mut case: Json = serde_json::from_str(CASE).expect("it is JSON");
    let mut count = 0;
    for odd in ODD {
        case["about"] = odd.into();
        case["requests"][0]["value"]["start"]["payload"] = odd.into();
        place.write(&format!("cases/{count:03}.json"), case.to_string());
        count += 1;
        // What a member is called, and the first line of an error.
        for path in ["/format", "/requests/0/schema", "/requests/0/name"] {
            let mut bad = case.clone();
            *bad.pointer_mut(path).expect("it is there") = odd.into();
            place.write(&format!("cases/{count:03}.json"), bad.to_string());
            count += 1;
        }
    }
    for variant in variants(&case) {
        place.write(&format!("cases/{count:03}.json"), variant.to_string());
        count += 1;
    }
    place.write("cases/x\n::error::INJECTED.json", CASE);
    place.write("cases/x\n::error::INJECTED bad.json", "{}");
    for format in ["human", "json", "junit"] {
        let command = format!("replay cases --world world --format {format}");
        let said = place.sim_with(&command, &[("GITHUB_ACTIONS", "true")]);
        assert_eq!(said.code, 2, "{command}: {}", said.err);
        assert_calm(&command, &said.out);
        assert_calm(&command, &said.err);
        assert!(said.out.matches("INJECTED").count() > ODD.len(), "{format}");
        if format == "junit" {
            let report = Report::deserialize_from_str(&said.out);
            let report = report.unwrap_or_else(|error| panic!("it is XML: {error}"));
            assert_eq!(report.test_suites[0].test_cases.len(), count + 3);
        }
    }
    for number in 0..8 {
        let page = format!(
            "replay cases/{:03}.json --html page.html --world world",
            number * 4
        );
        assert_eq!(place.sim(&page).code, 0, "{page}");
        let page = std::fs::read_to_string(place.path("page.html")).expect("it is written");
        assert!(!page.contains("<script>INJECTED"), "{page}");
    }
}

fn odd_documents() {
    let place = Place::new();
    for document in ["schemas", "manifest", "plans"] {
        place.world();
        let name = format!("world/{document}.air.json");
        let text = std::fs::read_to_string(place.path(&name)).expect("it can be read");
        let json: Json = serde_json::from_str(&text).expect("it is JSON");
        let variants = variants(&json);
        // Some of many, spread over the whole.
        let every = variants.len().div_ceil(14) | 1;
        for variant in variants.iter().step_by(every) {
            place.write(&name, variant.to_string());
            let said = place.sim("check world");
            assert!([0, 2].contains(&said.code), "{variant}: {}", said.err);
            assert_calm(&variant.to_string(), &said.out);
            assert_calm(&variant.to_string(), &said.err);
        }
    }
}

fn odd_arguments() {
    let place = Place::new();
    place.world();
    place.write("one.json", CASE);
    for odd in ODD.iter().filter(|odd| !odd.contains('\0')) {
        for arguments in [
            vec!["replay", odd],
            vec!["check", odd],
            vec!["run", "--world", odd],
            vec!["run", "--world", "world", "--wasm", odd],
            vec!["run", "--world", "world", "--expect", odd],
            vec!["run", "--seeds", odd],
            vec![odd],
        ] {
            let said = place.sim_of(&arguments, &[("GITHUB_ACTIONS", "true")]);
            assert_eq!(said.code, 2, "{arguments:?}: {}", said.err);
            assert_calm(&format!("{arguments:?}"), &said.err);
            assert_calm(&format!("{arguments:?}"), &said.out);
        }
    }
}

/// The line that replays a case is pasted into a shell, and then replays that case.
fn replay_command() {
    let place = Place::new();
    place.world();
    // The shell runs what stands for cargo.
    let program = env!("CARGO_BIN_EXE_sim");
    place.write(
        "bin/cargo",
        format!("#!/bin/sh\nshift 3\nexec {program} \"$@\"\n"),
    );
    std::fs::set_permissions(
        place.path("bin/cargo"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .expect("it is ours");
    for name in [
        "two words.json",
        "it's.json",
        "-dash.json",
        "$(touch ran);`touch ran`&.json",
        "line\nbreak #.json",
        "##[error].json",
        "na\u{ef}ve \u{202e}.json",
    ] {
        place.write(name, CASE);
        let mut world = "wo'rld".to_owned();
        if name.starts_with('-') {
            world.insert(0, '-');
        }
        let _ = std::fs::rename(place.path("world"), place.path(&world));
        let option = format!("--world={world}");
        let said = place.sim_of(&["replay", &option, "--format", "json", "--", name], &[]);
        assert_eq!(said.code, 0, "{name}: {}", said.err);
        let line = said.out.lines().nth(1).expect("the case is told");
        let done: Json = serde_json::from_str(line).expect("it is JSON");
        let command = done["replay"].as_str().expect("it is a text");
        let path = format!("{}:/usr/bin:/bin", place.path("bin").display());
        let ran = std::process::Command::new("bash")
            .args(["-c", &format!("{command} --format json")])
            .env("PATH", path)
            .current_dir(place.path(""))
            .output()
            .expect("there is a shell");
        let again = String::from_utf8_lossy(&ran.stdout);
        let line = again.lines().nth(1).unwrap_or_else(|| {
            panic!("{command}: {}", String::from_utf8_lossy(&ran.stderr));
        });
        let again: Json = serde_json::from_str(line).expect("it is JSON");
        assert_eq!(again["digest"], done["digest"], "{command}");
        let _ = std::fs::rename(place.path(&world), place.path("world"));
    }
    assert!(!place.path("ran").exists(), "a name was run as a command");
}
