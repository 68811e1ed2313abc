//! Help, completions, Ctrl-C, and a reader that leaves.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use libtest_mimic::Trial;

use super::{Place, trial};
use crate::support::COMMANDS;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("terminal", "help_fits_the_screen", help_fits_the_screen),
        trial("terminal", "help_shows_the_way", help_shows_the_way),
        trial("terminal", "completions", completions),
        trial(
            "terminal",
            "a_closed_pipe_is_no_error",
            a_closed_pipe_is_no_error,
        ),
        trial("terminal", "interrupted", interrupted),
        trial(
            "terminal",
            "interrupted_after_a_find",
            interrupted_after_a_find,
        ),
        trial("terminal", "steps_need_a_terminal", steps_need_a_terminal),
        #[cfg(target_os = "linux")]
        trial("terminal", "steps_by_keys", steps_by_keys),
        trial(
            "terminal",
            "planted_bugs_are_written",
            planted_bugs_are_written,
        ),
    ]
}

fn help_fits_the_screen() {
    let place = Place::new();
    for command in COMMANDS.into_iter().chain([""]) {
        let said = place.sim(&format!("{command} --help"));
        assert_eq!(said.code, 0);
        let lines = said.out.lines().count();
        assert!(lines <= 41, "{lines} lines of help for {command:?}");
        let widest = said.out.lines().map(|line| line.chars().count()).max();
        assert!(
            widest <= Some(100),
            "{widest:?} columns of help for {command:?}"
        );
        if !command.is_empty() {
            let example = format!(": sim {command}");
            assert!(said.out.contains(&example), "no example of {command}");
        }
    }
}

fn help_shows_the_way() {
    let help = Place::new().sim("--help").out;
    let way = help.split_once("The way:").expect("it is in the help").1;
    let places = [
        "sim init",
        "sim run",
        "sim replay",
        "sim shrink",
        "sim explore",
        "cargo fuzz run",
    ];
    let places = places.map(|step| way.find(step).unwrap_or_else(|| panic!("no {step}")));
    assert!(places.is_sorted(), "in this order");
    let listed = help.split_once("Commands:\n").expect("they are listed").1;
    let listed = listed.split("\n\n").next().unwrap_or_default();
    let names = listed.lines().filter(|line| !line.starts_with("    "));
    assert_eq!(names.count(), COMMANDS.len(), "{listed}");
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command}")), "no {command}");
    }
}

fn completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = Place::new().sim(&format!("completions {shell}"));
        assert_eq!(said.code, 0);
        for word in ["explore", "most-failures"] {
            assert!(
                said.out.contains(word),
                "{word} is not completed in {shell}"
            );
        }
    }
}

/// The command, under way; what it has said so far is in its pipes.
fn begin(place: &Place, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sim"))
        .current_dir(place.path(""))
        .args(arguments.split_whitespace())
        .env_remove("SIM_CACHE_DIR")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command can be run")
}

/// Ends, with all that it says from here on.
fn end(mut child: Child) -> (Option<i32>, String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    if let Some(mut stream) = child.stdout.take() {
        stream.read_to_string(&mut out).expect("it can be read");
    }
    let mut stream = child.stderr.take().expect("it is piped");
    stream.read_to_string(&mut err).expect("it can be read");
    (child.wait().expect("it ends").code(), out, err)
}

/// More seeds than a trial waits for: the campaign ends since nobody listens.
fn a_closed_pipe_is_no_error() {
    let place = Place::new();
    let mut child = begin(&place, "run --seeds 0..5000000 --format json");
    let mut line = String::new();
    let stream = child.stdout.take().expect("it is piped");
    BufReader::new(stream)
        .read_line(&mut line)
        .expect("it can be read");
    assert!(line.starts_with("{\"event\":\"started\""), "{line}");
    let (code, _, err) = end(child);
    assert_eq!(code, Some(0), "{err}");
    assert!(!err.contains("error"), "{err}");
    assert!(err.contains("stopped after"), "{err}");
}

/// As Ctrl-C does.
fn interrupt(child: &Child) {
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("there is a command kill").success());
}

fn interrupted() {
    let place = Place::new();
    let mut child = begin(&place, "run --seeds 0..5000000 --format json");
    // Not before it runs.
    let mut stream = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stream.read_line(&mut line).expect("it can be read");
    interrupt(&child);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("it can be read");
    let last = rest.lines().last().expect("there are more events");
    let last: serde_json::Value = serde_json::from_str(last).expect("it is JSON");
    assert_eq!(last["event"], "finished");
    assert_eq!(
        (&last["is_interrupted"], &last["exit_code"]),
        (&true.into(), &130.into())
    );
    assert!(last["seeds"].as_u64() < Some(5_000_000));
    let (code, _, err) = end(child);
    assert_eq!(code, Some(130), "{err}");
}

/// What was found is written and told, and the exit code says so.
fn interrupted_after_a_find() {
    let place = Place::new();
    // One seed in thirty fails.
    let bug = "empty-req-id-matches-any";
    place.planted(bug);
    let run = format!(
        "run --seeds 0..5000000 --most-failures 10000 --no-shrink --wasm {bug}.wasm \
         --case-dir found --format json"
    );
    let mut child = begin(&place, &run);
    let mut stream = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains("\"is_violated\":true") {
        line.clear();
        stream.read_line(&mut line).expect("it can be read");
    }
    interrupt(&child);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("it can be read");
    let (code, _, err) = end(child);
    assert_eq!(code, Some(1), "{err}");
    let told = rest
        .lines()
        .filter(|line| line.starts_with("{\"event\":\"violation\""))
        .count();
    assert!(told > 0 && !place.list("found").is_empty());
    assert!(rest.contains("\"is_interrupted\":true"));
}

fn steps_need_a_terminal() {
    let case = super::absolute_root().join("corpus/ok-after-failed.json");
    let said = Place::new().sim(&format!("replay --step {}", case.display()));
    assert_eq!(said.code, 2);
    assert!(said.err.contains("needs a terminal"), "{}", said.err);
}

fn planted_bugs_are_written() {
    let place = Place::new();
    let said = place.sim("selftest --emit no-such-bug");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("no-such-bug") && said.err.contains("hidden-state"));
    let child = Command::new(env!("CARGO_BIN_EXE_sim"))
        .args(["selftest", "--emit", "hidden-state"])
        .output();
    place.planted("hidden-state");
    let wasm = std::fs::read(place.path("hidden-state.wasm")).expect("it can be read");
    assert!(child.expect("the command can be run").stdout == wasm);
}

/// In a terminal, which `script` of util-linux makes: keys go forth and back, and one leaves.
#[cfg(target_os = "linux")]
fn steps_by_keys() {
    let place = Place::new();
    place.planted("attempt-limit-off-by-one");
    place.sim("run --seeds 0..20 --wasm attempt-limit-off-by-one.wasm --case-dir found");
    let case = format!("found/{}", place.list("found")[0]);
    let step = format!(
        // A walk that went elsewhere would wait for keys for ever.
        "timeout --foreground 30 {} replay {case} --wasm attempt-limit-off-by-one.wasm --step",
        env!("CARGO_BIN_EXE_sim")
    );
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &step, "/dev/null"])
        .current_dir(place.path(""))
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is a command script");
    let mut keys = child.stdin.take().expect("it is piped");
    let mut screen = BufReader::new(child.stdout.take().expect("it is piped"));
    // It begins where something is wrong; the arrow goes back, `g` to the first, `v` to what is
    // wrong.
    for (turn, key) in [(3, "\x1b[D"), (2, "g"), (0, "v"), (3, "q")] {
        let head = format!("turn {turn} of 3");
        let mut line = Vec::new();
        while !String::from_utf8_lossy(&line).contains(&head) {
            line.clear();
            let read = screen.read_until(b'\n', &mut line).expect("it can be read");
            assert!(read > 0, "no {head}");
        }
        if turn == 3 {
            let mut more = String::new();
            while !more.contains("VIOLATED attempts_bounded") {
                more.clear();
                assert!(screen.read_line(&mut more).expect("it is text") > 0);
            }
        }
        keys.write_all(key.as_bytes()).expect("it takes keys");
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}
