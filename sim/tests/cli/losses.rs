//! Nothing that was found is lost: processes are killed and told to end at odd moments, disks are
//! full, folders go away, names are taken, and several write into one folder.
//!
//! Each fault is injected a number of times, at another moment each time. What must hold is said of
//! what is on disk and what was printed, whenever it came. `docs/verified.md` has the figures.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value as Json;
use sim::cases::{Case, CaseVerdict, store};

use super::{Place, absolute_root, trial};

/// A kind of fault, and how often it is injected. The function is told which time it is.
type Injected = (&'static str, usize, fn(usize));

const INJECTED: [Injected; 8] = [
    ("killed_campaigns", 60, killed_campaign),
    ("terminated_campaigns", 36, terminated_campaign),
    ("killed_shrinking", 24, killed_shrinking),
    ("terminated_shrinking", 12, terminated_shrinking),
    ("full_disks", 20, full_disk),
    ("folders_that_go_away", 16, folder_goes_away),
    ("names_that_are_taken", 30, taken_name),
    ("campaigns_in_one_folder", 16, several_in_one_folder),
];

pub fn trials() -> Vec<Trial> {
    let trials = INJECTED.iter().map(|(name, times, inject)| {
        let is_impossible = *name == "full_disks" && !small_disks_can_be_had();
        let trial = trial("losses", name, move || (0..*times).for_each(inject));
        trial.with_ignored_flag(is_impossible)
    });
    let mut trials: Vec<Trial> = trials.collect();
    trials.push(trial("losses", "figures_are_told", figures_are_told));
    trials
}

fn figures_are_told() {
    let all: usize = INJECTED.iter().map(|(_, times, _)| times).sum();
    assert!(all >= 200, "{all}");
    let page = fs::read_to_string(absolute_root().join("docs/verified.md"));
    let told = format!("{all} faults");
    assert!(page.expect("it is there").contains(&told), "{told}");
}

/// Fails in several ways, one of them in nearly every run.
const BUG: &str = "second-start-resets";

fn begin(place: &Place, arguments: &str) -> Child {
    use std::os::unix::process::CommandExt;
    Command::new(env!("CARGO_BIN_EXE_sim"))
        .current_dir(place.path(""))
        .args(arguments.split_whitespace())
        .env_remove("SIM_CACHE_DIR")
        .env_remove("GITHUB_ACTIONS")
        // Of its own, which can be told to end as a whole.
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command can be run")
}

/// A moment that is another each time, up to so many ms.
fn moment(round: usize, most_ms: usize) -> Duration {
    Duration::from_millis((round * 7_919 % most_ms) as u64)
}

#[expect(clippy::disallowed_methods, reason = "signals come in real time")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

fn signal(name: &str, process: &str) {
    let kill = Command::new("kill").args([name, "--", process]).status();
    // It may have ended by itself.
    kill.expect("there is a command kill");
}

/// The cases of a folder: each can be read and says that something was violated.
fn cases(place: &Place, folder: &str) -> Vec<Case> {
    let names = place.list(folder);
    let names = names.iter().filter(|name| name.ends_with(".json"));
    let read = names.map(|name| {
        let path = place.path(&format!("{folder}/{name}"));
        let case = store::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            matches!(case.verdict, Some(CaseVerdict::Violated(_))),
            "{name}"
        );
        case
    });
    read.collect()
}

fn has_temporary(place: &Place, folder: &str) -> bool {
    let names = place.list(folder);
    names.iter().any(|name| name.starts_with(".sim-"))
}

/// Whatever was told of a seed before the process was killed, its case is on disk; and what was
/// half written goes with the next campaign.
fn killed_campaign(round: usize) {
    let place = Place::new();
    place.planted(BUG);
    // Small ones are killed while they shrink.
    let seeds = [50, 5_000_000][round % 2];
    let run = format!(
        "run --seeds 0..{seeds} --wasm {BUG}.wasm --case-dir found --format json --jobs {}",
        1 + round % 3
    );
    let mut child = begin(&place, &run);
    wait(moment(round, 300));
    child.kill().expect("it can be killed");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    let is_violated = said.contains("\"is_violated\":true");
    let cases = cases(&place, "found");
    assert!(!is_violated || !cases.is_empty(), "round {round}");
    place.sim(&format!(
        "run --seeds 0..1 --wasm {BUG}.wasm --case-dir found"
    ));
    assert!(!has_temporary(&place, "found"), "round {round}");
}

/// A signal to the process and one to its group, at once: as `timeout` does. The campaign ends with
/// all that was found, in every form.
fn terminated_campaign(round: usize) {
    let place = Place::new();
    place.planted(BUG);
    let form = ["json", "junit", "human"][round % 3];
    let run = format!(
        "run --seeds 0..5000000 --keep-going --wasm {BUG}.wasm --case-dir found --format {form} --html page"
    );
    let child = begin(&place, &run);
    wait(Duration::from_millis(60) + moment(round, 400));
    let process = child.id().to_string();
    signal("-TERM", &process);
    signal("-TERM", &format!("-{process}"));
    let output = child.wait_with_output().expect("it ends");
    let (out, err) = texts(&output);
    let found = cases(&place, "found").len();
    let Some(code) = output.status.code() else {
        // It came before signals were caught: then nothing was begun.
        assert_eq!((found, out.as_str()), (0, ""), "round {round}: {err}");
        return;
    };
    let expected = if found > 0 { 1 } else { 130 };
    assert_eq!(code, expected, "round {round}: {err}");
    match form {
        "json" => {
            let last = out.lines().last().expect("something is said");
            let last: Json = serde_json::from_str(last).expect("it is JSON");
            assert_eq!(last["event"], "finished");
            assert_eq!(last["failures"].as_array().map_or(0, Vec::len), found);
        }
        "junit" => {
            quick_junit::Report::deserialize_from_str(&out).expect("it is a report");
        }
        _ => assert!(out.contains("interrupted"), "{out}"),
    }
    assert!(place.path("page/index.html").is_file());
    let drafts = place.list("found");
    let drafts = drafts.iter().filter(|name| name.contains(".draft-"));
    assert_eq!(drafts.count(), 0, "all were told");
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A failing run of some length, and a better case beside it that nobody may touch.
fn to_shrink(place: &Place) -> (String, Vec<u8>) {
    let bug = "trap-at-attempt-28";
    place.planted(bug);
    let run = format!("run --wasm {bug}.wasm --case-dir found --no-shrink --seeds 0..2000");
    let said = place.sim(&run);
    assert_eq!(said.code, 1, "{}", said.err);
    let name = place.list("found")[0].clone();
    let text = fs::read(place.path(&format!("found/{name}"))).expect("it can be read");
    let better = name.replace(".json", ".shrunk.json");
    place.write(&format!("found/{better}"), "somebody's");
    (format!("found/{name}"), text)
}

/// The case and what else was there are as they were, and drafts are cases.
fn check_shrinking(place: &Place, (case, before): &(String, Vec<u8>)) {
    let text = fs::read(place.path(case)).expect("it is there");
    assert_eq!(&text, before, "the case that is shrunk stays");
    let other = case.replace(".json", ".shrunk.json");
    let other = fs::read_to_string(place.path(&other)).expect("it is there");
    assert_eq!(other, "somebody's");
    fs::rename(place.path("found"), place.path("seen")).expect("it can be renamed");
    for name in place.list("seen") {
        if name.contains(".shrunk.") {
            fs::remove_file(place.path(&format!("seen/{name}"))).expect("it is there");
        }
    }
    cases(place, "seen");
}

fn killed_shrinking(round: usize) {
    let place = Place::new();
    let case = to_shrink(&place);
    let shrink = format!("shrink {} --wasm trap-at-attempt-28.wasm", case.0);
    let mut child = begin(&place, &shrink);
    wait(Duration::from_millis(30) + moment(round, 500));
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    check_shrinking(&place, &case);
}

fn terminated_shrinking(round: usize) {
    let place = Place::new();
    let case = to_shrink(&place);
    let shrink = format!("shrink {} --wasm trap-at-attempt-28.wasm", case.0);
    let child = begin(&place, &shrink);
    wait(Duration::from_millis(100) + moment(round, 400));
    let process = child.id().to_string();
    signal("-TERM", &process);
    signal("-TERM", &format!("-{process}"));
    let output = child.wait_with_output().expect("it ends");
    let (out, err) = texts(&output);
    if let Some(code) = output.status.code() {
        assert_eq!(code, 1, "{err}");
        assert!(out.contains("shrunk from"), "{out}");
        let drafts = place.list("found");
        assert!(!drafts.iter().any(|name| name.contains(".draft-")));
    }
    check_shrinking(&place, &case);
}

/// No file can be written, or none that is as large as what was found: it is noticed at the start,
/// or else told whole.
fn full_disk(round: usize) {
    let place = Place::new();
    place.planted(BUG);
    // Less than what is looked for at the start, or not much more.
    let (size_kib, is_noticed) = [(8, true), (16, false)][round % 2];
    let form = ["json", "human", "junit"][round % 3];
    let run = format!(
        "{} run --seeds {}..{} --turns 2000 --no-shrink --keep-going --wasm {BUG}.wasm --case-dir found \
         --format {form}",
        env!("CARGO_BIN_EXE_sim"),
        round,
        round + 300,
    );
    fs::create_dir(place.path("found")).expect("it can be made");
    let mount = format!("mount -t tmpfs -o size={size_kib}k none found && exec {run}");
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", &mount])
        .current_dir(place.path(""))
        .env_remove("SIM_CACHE_DIR")
        .output()
        .expect("there is a command unshare");
    let (out, err) = texts(&output);
    if is_noticed {
        assert_eq!(output.status.code(), Some(2), "{out}{err}");
        assert!(err.contains("cases cannot be written in found"), "{err}");
        assert!(err.contains("--case-dir"), "{err}");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "round {round}: {err}");
    if form == "json" {
        let told = out
            .lines()
            .map(|line| serde_json::from_str::<Json>(line).expect("it is JSON"));
        let told = told.filter(|event| event["event"] == "violation");
        for event in told {
            let case = &event["case"];
            if let Some(text) = case["unwritten"]["text"].as_str() {
                Case::parse(text).expect("the whole case is told");
            }
        }
        assert!(out.contains("\"unwritten\":{"), "not all cases are small");
    }
}

/// Whether a file system of a few KiB can be had, in which a disk is full soon.
fn small_disks_can_be_had() -> bool {
    let mount = "mount -t tmpfs -o size=8k none /mnt";
    let mounted = Command::new("unshare")
        .args(["-Urm", "sh", "-c", mount])
        .output();
    mounted.is_ok_and(|output| output.status.success())
}

/// The folder is another one, or a file, by the time that something is to be written.
fn folder_goes_away(round: usize) {
    let place = Place::new();
    place.planted(BUG);
    fs::create_dir(place.path("found")).expect("it can be made");
    let run = format!(
        "run --seeds 0..400 --wasm {BUG}.wasm --case-dir found --format json --jobs {}",
        1 + round % 2
    );
    let mut child = begin(&place, &run);
    let mut stream = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stream.read_line(&mut line).expect("it can be read");
    wait(moment(round, 60));
    fs::rename(place.path("found"), place.path("moved")).expect("it can be renamed");
    if round.is_multiple_of(2) {
        // Nothing can be made in a file.
        place.write("found", "no folder");
    }
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("it can be read");
    assert_eq!(
        child.wait().expect("it ends").code(),
        Some(1),
        "round {round}"
    );
    let events = rest
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).expect("it is JSON"));
    let shrunk: Vec<Json> = events.filter(|event| event["event"] == "shrunk").collect();
    assert!(!shrunk.is_empty(), "it is told");
    for event in shrunk {
        let case = &event["case"];
        if let Some(text) = case["unwritten"]["text"].as_str() {
            Case::parse(text).expect("the whole case is told");
            continue;
        }
        let file = case["file"].as_str().expect("it is text");
        let moved = file.replace("found/", "moved/");
        assert!(
            is_case(&place.path(file)) || is_case(&place.path(&moved)),
            "round {round}: {file}"
        );
    }
}

fn is_case(path: &Path) -> bool {
    store::read(path).is_ok()
}

/// Something else has the name that a case would have: it stays, and the case has another name.
fn taken_name(round: usize) {
    let place = Place::new();
    let bug = "attempt-limit-off-by-one";
    place.planted(bug);
    let run = format!("run --seeds 0..40 --wasm {bug}.wasm --case-dir found");
    assert_eq!(place.sim(&run).code, 1);
    let name = place.list("found")[0].clone();
    let path = place.path(&format!("found/{name}"));
    let case = fs::read_to_string(&path).expect("it can be read");
    fs::remove_file(&path).expect("it is there");
    let cut = &case[..case.len() * (round % 7) / 7];
    match round % 5 {
        0 => fs::write(&path, cut).expect("it can be written"),
        1 => fs::create_dir(&path).expect("it can be made"),
        2 => std::os::unix::fs::symlink("nowhere", &path).expect("it can be made"),
        3 => {
            // A link to the very case is no case that this folder keeps.
            fs::write(place.path("elsewhere.json"), &case).expect("it can be written");
            std::os::unix::fs::symlink("../elsewhere.json", &path).expect("it can be made");
        }
        _ => fs::write(&path, case.replace("violated", "violates")).expect("it can be written"),
    }
    let said = place.sim(&run);
    assert_eq!(said.code, 1, "{}", said.err);
    let second = format!("found/{}", name.replace(".json", "-2.json"));
    assert!(said.out.contains(&second), "{}", said.out);
    assert!(is_case(&place.path(&second)), "round {round}");
    assert!(fs::symlink_metadata(&path).is_ok(), "what was there stays");
    // What was written then is known from then on.
    let said = place.sim(&run);
    assert!(
        said.out.contains(&format!("{second} (known before)")),
        "{}",
        said.out
    );
}

/// Four at once, of which two are the same.
fn several_in_one_folder(round: usize) {
    let place = Place::new();
    place.planted(BUG);
    let run = |seeds: usize| {
        let run = format!(
            "run --seeds {seeds}..{} --wasm {BUG}.wasm --case-dir found --format json --jobs 1",
            seeds + 60
        );
        begin(&place, &run)
    };
    let children = [run(round), run(round), run(round + 40), run(round + 80)];
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{err}");
        let events = out
            .lines()
            .map(|line| serde_json::from_str::<Json>(line).expect("JSON"));
        let shrunk: Vec<Json> = events.filter(|event| event["event"] == "shrunk").collect();
        assert!(!shrunk.is_empty());
        for event in shrunk {
            let file = event["case"]["file"].as_str().expect("it is text");
            assert!(is_case(&place.path(file)), "{file}");
        }
    }
    let names = place.list("found");
    let is_left = |name: &&String| name.contains(".draft-") || name.starts_with(".sim-");
    assert_eq!(names.iter().filter(is_left).count(), 0, "{names:?}");
}
