//! What `sim replay` is given and how much it shows; and the world that is taken where none is
//! named.

use std::io::Write;
use std::process::{Command, Stdio};

use expect_test::expect;
use libtest_mimic::Trial;

use super::{CASE, Place, absolute_root, trial};
use crate::support::root;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("replaying", "built_in_world", built_in_world),
        trial("replaying", "built_in_documents", built_in_documents),
        trial("replaying", "folders", folders),
        trial("replaying", "no_cases", no_cases),
        trial("replaying", "standard_input", standard_input),
        trial("replaying", "of_another_world", of_another_world),
        trial("replaying", "some_turns", some_turns),
        trial("replaying", "a_long_run", a_long_run),
        trial("replaying", "an_edited_case", an_edited_case),
    ]
}

/// A failing case that somebody edits may hold: that is no doubt of the reducer. Unless its name
/// says that it is as it was found.
fn an_edited_case() {
    let place = Place::new();
    place.planted("attempt-limit-off-by-one");
    let wasm = "--wasm attempt-limit-off-by-one.wasm";
    let said = place.sim(&format!(
        "run --seeds 0..200 --most-failures 1 --case-dir found {wasm}"
    ));
    assert_eq!(said.code, 1, "{}", said.err);
    let found = place.list("found");
    let [name] = &found[..] else {
        panic!("{found:?}")
    };
    let text = std::fs::read_to_string(place.path(&format!("found/{name}"))).expect("it is there");
    let (start, last) = text.rsplit_once(",\n    {").expect("it has decisions");
    let rest = last.split_once("\n  ]").expect("the schedule ends").1;
    let edited = format!("{start}\n  ]{rest}");
    place.write(&format!("edited/{name}"), &edited);
    let said = place.sim(&format!("replay edited/{name} {wasm}"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("when the case was written, it violated"),
        "{}",
        said.out
    );
    let said = place.sim(&format!("shrink edited/{name} {wasm}"));
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert!(said.err.contains("it was edited"), "{}", said.err);
    // Without a name that tells, either may be so.
    place.write("renamed.json", &edited);
    let said = place.sim(&format!("replay renamed.json {wasm}"));
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    assert!(said.out.contains("or it was edited"), "{}", said.out);
}

/// In a folder without `air` and `corpus` nothing comes from where the program was built.
fn built_in_world() {
    let place = Place::new();
    place.write("one.json", CASE);
    for command in [
        "check",
        "run --seeds 0..20",
        "explore --max-attempts 1",
        "replay one.json",
        "coverage one.json",
    ] {
        let said = place.sim(command);
        assert_eq!(said.code, 0, "{command}: {}", said.err);
        assert!(said.is_built_in, "{command}: {}", said.err);
        assert_eq!(
            said.err.matches("note: no folder air").count(),
            0,
            "{command}"
        );
        assert!(
            !format!("{}{}", said.out, said.err).contains("ROOT"),
            "{command}"
        );
    }
    // It is not said of a wasm of one's own twice.
    place.planted("attempt-limit-off-by-one");
    let said = place.sim("replay one.json --wasm attempt-limit-off-by-one.wasm");
    assert!(said.is_built_in && said.err.is_empty(), "{}", said.err);
    // Cases go here.
    place.sim(
        "run --seeds 0..200 --no-shrink --most-failures 1 --wasm attempt-limit-off-by-one.wasm",
    );
    assert_eq!(place.list("corpus").len(), 1);
    let said = place.sim("check --pin");
    assert_eq!(said.code, 2);
    assert_eq!(
        said.err,
        "error: no folder air here, and the built-in world has its pin\n"
    );
    // What is here is taken.
    place.write("air/bad.air.json", "{");
    let said = place.sim("check");
    assert_eq!((said.code, said.is_built_in), (2, false));
    assert!(said.err.contains("at air/bad.air.json:1:1"), "{}", said.err);
    let said = place.sim("check air");
    assert_eq!(said.code, 2);
}

fn built_in_documents() {
    let sources = sim::cli::sources(&root("air")).expect("they can be read");
    let built_in = sim::worlds::usual().sources();
    assert_eq!(built_in.len(), sources.len());
    for (built_in, source) in built_in.iter().zip(&sources) {
        let name = source.file.rsplit('/').next().expect("it has a name");
        assert_eq!(built_in.file, format!("built-in/{name}"));
        assert_eq!(built_in.text, source.text, "{name}");
    }
}

fn folders() {
    let place = Place::new();
    place.world();
    place.write("cases/b.json", CASE);
    place.write("cases/a.json", CASE);
    place.write("cases/readme.txt", "no case");
    place.write("cases/c.json", "{}");
    place.write("more/d.json", CASE);
    place.write("e", CASE);
    let said = place.sim("replay --brief --world world cases e more");
    let verdicts = said.out.lines().filter(|line| line.ends_with(": holds"));
    expect![[r#"
        cases/a.json: holds
        cases/b.json: holds
        e: holds
        more/d.json: holds"#]]
    .assert_eq(&verdicts.collect::<Vec<_>>().join("\n"));
    expect![[r#"
        error: cases/c.json
          1: expected a case file, a JSON object with `"format": "sim-case/1"`
          2: missing field `format` at line 1 column 2
    "#]]
    .assert_eq(&said.err);
    assert_eq!(said.code, 2);
    let said = place.sim("replay --format json --world world cases");
    assert!(said.out.contains("\"cases\":3,"), "{}", said.out);
    let said = place.sim("replay --step --world world cases");
    assert_eq!(
        said.err,
        "error: `--html`, `--mermaid`, `--emit-regression` and `--step` are of one case, and several are given\n"
    );
}

fn no_cases() {
    let place = Place::new();
    place.write("empty/readme.txt", "no case");
    let said = place.sim("replay");
    assert_eq!(said.code, 2);
    expect![[r#"
        error: no folder corpus here, and no case was named
        hint: name cases, or folders of them; `sim run` writes what fails into corpus
    "#]]
    .assert_eq(&said.err);
    assert_eq!(place.sim("coverage").err, said.err);
    let said = place.sim("replay empty");
    assert_eq!(said.code, 4);
    assert_eq!(
        said.err,
        "nothing ran: no files named `*.json` in what was given\n"
    );
    place.write("corpus/one.json", CASE);
    let said = place.sim("replay");
    assert!(said.out.contains("corpus/one.json"), "{}", said.out);
    assert_eq!(said.code, 0);
}

fn standard_input() {
    let place = Place::new();
    for command in ["replay", "coverage"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sim"))
            .current_dir(place.path(""))
            .args([command, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command can be run");
        let mut input = child.stdin.take().expect("it is a pipe");
        input.write_all(CASE.as_bytes()).expect("it is read");
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        let (out, err) = (output.stdout, String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}: {err}");
        let out = String::from_utf8_lossy(&out);
        assert!(
            out.contains("-: holds") || out.contains("1 case, 1 turn"),
            "{out}"
        );
    }
}

fn of_another_world() {
    let place = Place::new();
    place.world();
    let magic = absolute_root().join("fuzz/deep/cases/magic.json");
    let case = std::fs::read_to_string(magic).expect("it can be read");
    place.write("magic.json", case);
    for (command, hint) in [
        (
            "replay magic.json",
            "hint: its documents were others: if it was found on another world, name its folder with `--world DIR`\n",
        ),
        (
            "coverage magic.json",
            "hint: its documents were others: if it was found on another world, name its folder with `--world DIR`\n",
        ),
        (
            "replay magic.json --world world",
            "hint: it was found on other documents than those of world\n",
        ),
    ] {
        let said = place.sim(command);
        assert_eq!(said.code, 2, "{command}");
        assert!(said.err.ends_with(hint), "{command}: {}", said.err);
    }
}

/// The first column of a table: the turns that it shows, and marks of those left out.
fn shown(out: &str) -> Vec<&str> {
    let lines = out.lines().skip_while(|line| !line.starts_with("turn "));
    // What begins with a blank is more of the row above.
    let rows = lines.skip(1).filter(|line| !line.starts_with(' '));
    let cells = rows.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = cells.take_while(|cells| cells[0] != "digest" && cells[1..].first() != Some(&"of"));
    let is_turn = |first: &str| first.parse::<u32>().is_ok() || first == "…";
    rows.map(|cells| cells[0])
        .filter(|first| is_turn(first))
        .collect()
}

/// A case of so many turns.
fn long(turns: usize) -> String {
    let schedule = vec![r#"{"start":"r1"}"#; turns].join(",");
    CASE.replace(r#"{"start":"r1"}"#, &schedule)
}

fn some_turns() {
    let place = Place::new();
    place.write("long.json", long(20));
    for (options, turns) in [
        ("--last 3", "17 18 19"),
        ("--last 0", ""),
        ("--last 99 --brief", ""),
        ("--around 4 --context 1", "3 4 5"),
        ("--around 0 --context 1", "0 1"),
        ("--around 999", ""),
    ] {
        let said = place.sim(&format!("replay long.json {options}"));
        assert_eq!(said.code, 0, "{}", said.err);
        assert_eq!(shown(&said.out).join(" "), turns, "{options}: {}", said.out);
    }
    let said = place.sim("replay long.json --last 3");
    assert!(
        said.out.contains("17 of 20 turns left out\n"),
        "{}",
        said.out
    );
    let said = place.sim("replay long.json");
    assert_eq!(shown(&said.out).len(), 20);
    assert!(!said.out.contains("left out"), "{}", said.out);
    let said = place.sim("replay long.json --last 3 --around 2");
    assert_eq!(said.code, 2);
}

fn a_long_run() {
    let place = Place::new();
    place.write("long.json", long(400));
    let said = place.sim("replay long.json");
    assert_eq!(said.code, 0, "{}", said.err);
    let turns = shown(&said.out);
    assert_eq!(turns.len(), 101);
    assert_eq!(turns[49..52], ["49", "…", "350"]);
    let told = "300 of 400 turns left out: --all shows them, --around TURN those about one\n";
    assert!(said.out.contains(told), "{}", said.out);
    let said = place.sim("replay long.json --all");
    assert_eq!(shown(&said.out).len(), 400);
}
