//! `sim run --out` and `sim merge`: a campaign of many machines is that of one.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use serde_json::{Value as Json, json};
use sim::air::Hash;

use super::{Place, Said, absolute_root, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("shards", "are_that_of_one_machine", are_that_of_one_machine),
        trial("shards", "end_early", end_early),
        trial("shards", "of_runs_that_differ", of_runs_that_differ),
        trial("shards", "of_declared_worlds", of_declared_worlds),
        trial("shards", "killed", killed),
        trial("shards", "interrupted", interrupted),
        trial("shards", "twice", twice),
        trial("shards", "missing", missing),
        trial("shards", "schedulers", schedulers),
        trial(
            "shards",
            "what_schedulers_cannot_say",
            what_schedulers_cannot_say,
        ),
        trial("shards", "of_another_campaign", of_another_campaign),
        trial("shards", "damaged", damaged),
        trial("shards", "foreign", foreign),
        trial("shards", "of_another_folder", of_another_folder),
        trial("shards", "vast", vast),
        trial("shards", "contradict", contradict),
        trial("shards", "gaps", gaps),
        trial("shards", "no_folder", no_folder),
    ]
}

/// Fails in several ways, one of them in nearly every run.
const BUG: &str = "second-start-resets";
/// Fails in one way, now and then.
const RARE: &str = "attempt-limit-off-by-one";

/// A folder with the wasm of two bugs.
fn place() -> Place {
    let place = Place::new();
    place.planted(BUG);
    place.planted(RARE);
    place
}

/// Runs shards `1/N` to `N/N`, each with a number of jobs of its own.
fn run_all(place: &Place, campaign: &str, count: usize) {
    for number in 1..=count {
        let jobs = 1 + number % 2;
        let said = place.sim(&format!(
            "run {campaign} --shard {number}/{count} --out results --jobs {jobs}"
        ));
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }
}

/// Everything in a folder, by name.
fn contents(place: &Place, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let names = place.list(folder).into_iter();
    let read = names.map(|name| {
        let path = place.path(&format!("{folder}/{name}"));
        let bytes = fs::read(&path).unwrap_or_default();
        (name, bytes)
    });
    read.collect()
}

/// The merged report is that of one process in all forms, and so are its cases and pages.
fn is_that_of_one(campaign: &str, world: &str, count: usize, code: i32) {
    let (one, many) = (place(), place());
    run_all(&many, &format!("{campaign} {world}"), count);
    for form in ["human", "json", "junit"] {
        let told = format!("{world} --format {form} --case-dir found/{form} --html page/{form}");
        let expected = one.sim(&format!("run {campaign} {told} --jobs 2"));
        let merged = many.sim(&format!("merge results {told} --jobs 1"));
        assert_eq!(expected.code, code, "{}{}", expected.out, expected.err);
        assert_eq!(merged.code, code, "{}", merged.err);
        assert!(
            merged.out == expected.out,
            "{}\n{}",
            merged.out,
            expected.out
        );
        for folder in ["found", "page"].map(|folder| format!("{folder}/{form}")) {
            assert_eq!(
                contents(&many, &folder),
                contents(&one, &folder),
                "{folder}"
            );
        }
    }
}

fn are_that_of_one_machine() {
    is_that_of_one("--seeds 0..3000", "", 5, 0);
    is_that_of_one(
        "--seeds 7..1500 --keep-going",
        &format!("--wasm {BUG}.wasm"),
        3,
        1,
    );
    is_that_of_one(
        "--seeds 0..2500 --fixed-mix",
        &format!("--wasm {RARE}.wasm"),
        4,
        1,
    );
    // Fewer chunks than shards; and a campaign that does not see all that it should.
    is_that_of_one("--seeds 0..70 --plans-as-written --turns 20", "", 4, 0);
    is_that_of_one("--seeds 0..2100 --turns 5", "", 2, 5);
}

/// A campaign that ends with so many failures ends with the same ones, though shards know nothing of
/// each other; and no shard runs on once it alone has seen as many.
fn end_early() {
    let campaign = "--seeds 0..2000 --most-failures 2";
    let world = format!("--wasm {BUG}.wasm");
    is_that_of_one(campaign, &world, 3, 1);
    let place = place();
    let said = place.sim(&format!(
        "run {campaign} {world} --shard 2/3 --out results --jobs 1"
    ));
    expect![[r#"
        shard 2/3: 1 of 5 chunks done, 0 of them before
        43 runs violated something: sim merge tells what
        stopped: as many failures were found as were asked for (5)
    "#]]
    .assert_eq(&said.out);
    assert_eq!(said.code, 0);
    // What is missing is what the whole needs: the first chunk, and none after the second.
    let said = place.sim(&format!(
        "merge results {world} --format json --case-dir found"
    ));
    let last = said.out.lines().last().expect("something is said");
    let last: Json = serde_json::from_str(last).expect("it is JSON");
    assert_eq!(last["missing_seeds"], json!([[0, 125]]), "{last}");
    assert_eq!(said.code, 1);
}

/// Seeds whose second run is not the same.
fn of_runs_that_differ() {
    let (one, many) = (place(), place());
    one.planted("hidden-state");
    many.planted("hidden-state");
    let world = "--wasm hidden-state.wasm --case-dir found";
    let campaign = "--seeds 0..300 --twice --no-memo --wasm hidden-state.wasm";
    run_all(&many, campaign, 3);
    let said = many.sim(&format!("run {campaign} --shard 1/3 --out results"));
    assert!(
        said.out
            .contains("differed the second time: sim merge tells what"),
        "{}",
        said.out
    );
    let expected = one.sim(&format!("run {campaign} --case-dir found"));
    let merged = many.sim(&format!("merge results {world}"));
    assert_eq!(expected.code, 3, "{}{}", expected.out, expected.err);
    assert_eq!(
        (merged.code, merged.out),
        (3, expected.out),
        "{}",
        merged.err
    );
}

/// Worlds with a `sim.toml`, properties and a monitor of their own.
fn of_declared_worlds() {
    for world in ["lease", "bank"] {
        let folder = absolute_root().join("examples").join(world);
        let world = format!("--world {}", folder.display());
        is_that_of_one("--seeds 0..600", &world, 3, 0);
    }
}

pub(super) fn begin(place: &Place, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sim"))
        .current_dir(place.path(""))
        .args(arguments.split_whitespace())
        .env_remove("SIM_CACHE_DIR")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command can be run")
}

#[expect(
    clippy::disallowed_methods,
    reason = "processes are killed in real time"
)]
pub(super) fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// Shards that are killed at odd moments, and started again, leave what one that was left alone
/// does.
fn killed() {
    let campaign = format!("--seeds 0..6000 --keep-going --wasm {BUG}.wasm");
    let (calm, place) = (place(), place());
    run_all(&calm, &campaign, 2);
    let run = format!("run {campaign} --shard 1/2 --out results --jobs 2");
    let mut cut = 0;
    for round in 0..40 {
        let mut child = begin(&place, &run);
        wait(Duration::from_millis(40 + round * 37 % 400));
        let has_ended = child.try_wait().expect("it is a child").is_some();
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        cut += usize::from(!has_ended);
    }
    assert!(cut > 0, "none was killed");
    run_all(&place, &campaign, 2);
    assert_eq!(contents(&place, "results"), contents(&calm, "results"));
}

/// Where a seed is run twice, an end that is asked for comes between the two or within the second. Of
/// such a seed nothing is known: it is not taken for one that differs, and a chunk that ends with it
/// is not written.
fn interrupted() {
    let place = place();
    let campaign = "--seeds 0..100000 --twice --no-memo --jobs 1";
    let mut codes = Vec::new();
    for round in 0..12 {
        let out = ["", "--out results"][round % 2];
        let mut child = begin(&place, &format!("run {campaign} {out}"));
        wait(Duration::from_millis(250 + round as u64 * 17));
        let id = child.id().to_string();
        let told = Command::new("kill").args(["-INT", &id]).status();
        assert!(told.expect("there is a command kill").success());
        codes.push(child.wait().expect("it ends").code());
    }
    assert!(codes.iter().all(|code| *code == Some(130)), "{codes:?}");
    for name in place.list("results") {
        if name.starts_with("chunk-") {
            let stored = stored(&place, &format!("results/{name}"));
            assert_eq!(stored["results"]["unequal"], json!([]), "{name}");
        }
    }
}

/// A shard that is run twice, at once or later, or by other numbers of shards, changes nothing.
fn twice() {
    let campaign = format!("--seeds 0..2000 --wasm {RARE}.wasm");
    let (calm, place) = (place(), place());
    run_all(&calm, &campaign, 4);
    let shards = ["1/2", "1/2", "2/2", "3/3", "1/1"];
    let children = shards.map(|shard| {
        begin(
            &place,
            &format!("run {campaign} --shard {shard} --out results --jobs 1"),
        )
    });
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    assert_eq!(contents(&place, "results"), contents(&calm, "results"));
    let said = place.sim(&format!("run {campaign} --shard 2/4 --out results"));
    assert!(
        said.out.contains("4 of 4 chunks done, 4 of them before"),
        "{}",
        said.out
    );
}

/// What is missing is told in every form, and is no success.
fn missing() {
    let place = place();
    for shard in ["1/4", "3/4"] {
        place.sim(&format!(
            "run --seeds 0..1000 --shard {shard} --out results"
        ));
    }
    let said = place.sim("merge results --html page");
    assert_eq!(said.code, 7, "{}{}", said.out, said.err);
    let tail = said.out.lines().rev().take(10).collect::<Vec<_>>();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    expect![[r#"
        missing: the seeds 64..128
        missing: the seeds 192..256
        missing: the seeds 320..384
        missing: the seeds 448..512
        missing: the seeds 576..640
        missing: the seeds 704..768
        missing: the seeds 832..896
        missing: the seeds 960..1000
        hint: start the shards again: what is done is skipped
        results of some seeds are missing, and nothing was found in the others"#]]
    .assert_eq(&tail.join("\n"));
    let page = fs::read_to_string(place.path("page/index.html")).expect("it is there");
    assert!(page.contains("Missing: the results of the seeds 64..128, 192..256"));
    let said = place.sim("merge results --format junit");
    assert!(said.out.contains("missing: 64..128"), "{}", said.out);
    let said = place.sim("merge results --format json");
    let last: Json =
        serde_json::from_str(said.out.lines().last().expect("it is said")).expect("it is JSON");
    assert_eq!(last["missing_seeds"][7], json!([960, 1000]));
    // Nothing is there but the word of a campaign.
    place.write(
        "bare/campaign.json",
        fs::read(place.path("results/campaign.json")).unwrap(),
    );
    let said = place.sim("merge bare");
    assert_eq!(said.code, 7, "{}", said.out);
    assert!(
        said.out.contains("missing: the seeds 0..1000"),
        "{}",
        said.out
    );
    // The rest, left somewhere else: the whole is in two folders.
    for shard in ["2/4", "4/4"] {
        place.sim(&format!("run --seeds 0..1000 --shard {shard} --out others"));
    }
    let expected = place.sim("run --seeds 0..1000");
    let said = place.sim("merge results others");
    assert_eq!((said.code, said.out), (0, expected.out), "{}", said.err);
}

/// The part that a run says it is, with these variables.
fn shard_of(variables: &[(&str, &str)], arguments: &str) -> Said {
    let place = Place::new();
    place.sim_with(
        &format!("run --seeds 0..64 --out results {arguments}"),
        variables,
    )
}

fn schedulers() {
    let cases: [(&[(&str, &str)], &str); 11] = [
        (
            &[
                ("SLURM_ARRAY_TASK_ID", "7"),
                ("SLURM_ARRAY_TASK_COUNT", "4"),
                ("SLURM_ARRAY_TASK_MIN", "3"),
                ("SLURM_ARRAY_TASK_STEP", "2"),
            ],
            "3/4",
        ),
        (
            &[
                ("SLURM_ARRAY_TASK_ID", "0"),
                ("SLURM_ARRAY_TASK_COUNT", "8"),
            ],
            "1/8",
        ),
        (&[("JOB_COMPLETION_INDEX", "0"), ("SIM_SHARDS", "8")], "1/8"),
        (
            &[
                ("AWS_BATCH_JOB_ARRAY_INDEX", "2"),
                ("AWS_BATCH_JOB_ARRAY_SIZE", "3"),
            ],
            "3/3",
        ),
        (
            &[("BATCH_TASK_INDEX", "0"), ("BATCH_TASK_COUNT", "2")],
            "1/2",
        ),
        (
            &[("CLOUD_RUN_TASK_INDEX", "1"), ("CLOUD_RUN_TASK_COUNT", "2")],
            "2/2",
        ),
        (&[("CI_NODE_INDEX", "5"), ("CI_NODE_TOTAL", "5")], "5/5"),
        (
            &[("CIRCLE_NODE_INDEX", "1"), ("CIRCLE_NODE_TOTAL", "2")],
            "2/2",
        ),
        (
            &[
                ("BUILDKITE_PARALLEL_JOB", "0"),
                ("BUILDKITE_PARALLEL_JOB_COUNT", "9"),
            ],
            "1/9",
        ),
        (
            &[
                ("SYSTEM_JOBPOSITIONINPHASE", "3"),
                ("SYSTEM_TOTALJOBSINPHASE", "4"),
            ],
            "3/4",
        ),
        // Set to nothing is not set.
        (&[("CI_NODE_INDEX", ""), ("CIRCLE_NODE_INDEX", "")], "1/1"),
    ];
    for (variables, shard) in cases {
        let said = shard_of(variables, "");
        let told = format!("shard {shard}: ");
        assert!(
            said.out.starts_with(&told),
            "{variables:?}: {}{}",
            said.out,
            said.err
        );
        let is_said = said
            .err
            .contains(&format!("shard {shard}, as {} says", variables[0].0));
        assert_eq!(is_said, shard != "1/1", "{}", said.err);
        // What the command line says comes first.
        let said = shard_of(variables, "--shard 2/6");
        assert!(said.out.starts_with("shard 2/6: "), "{}", said.out);
    }
    // A campaign that is no shard is whole, whoever started it.
    let said = Place::new().sim_with(
        "run --seeds 0..64",
        &[("CI_NODE_INDEX", "5"), ("CI_NODE_TOTAL", "5")],
    );
    assert!(said.out.starts_with("64 seeds"), "{}", said.out);
}

fn what_schedulers_cannot_say() {
    let cases: [&[(&str, &str)]; 4] = [
        &[("JOB_COMPLETION_INDEX", "0")],
        &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "5")],
        &[
            ("SLURM_ARRAY_TASK_ID", "one"),
            ("SLURM_ARRAY_TASK_COUNT", "5"),
        ],
        &[
            ("BATCH_TASK_INDEX", "18446744073709551615"),
            ("BATCH_TASK_COUNT", "2"),
        ],
    ];
    let mut told = String::new();
    for variables in cases {
        let said = shard_of(variables, "");
        assert_eq!(said.code, 2, "{}", said.out);
        told.push_str(&said.err);
    }
    for shard in ["0/3", "4/3", "1/0", "3", "a/b", "-1/3"] {
        let said = shard_of(&[], &format!("--shard={shard}"));
        assert_eq!(said.code, 2, "{}", said.out);
        told.push_str(said.err.lines().next().unwrap_or_default());
        told.push('\n');
    }
    let said = Place::new().sim("run --shard 1/3");
    assert_eq!(said.code, 2, "a shard without a folder leaves nothing");
    expect![[r#"
        error: JOB_COMPLETION_INDEX is set, and SIM_SHARDS is not: it says of how many
        hint: say which: --shard K/N
        error: there is no shard 0 of 5: they are numbered from 1
        hint: say which: --shard K/N
        error: SLURM_ARRAY_TASK_ID is `one`, expected a number
        hint: say which: --shard K/N
        error: there is no shard 18446744073709551615 of 2: they are numbered from 1
        hint: say which: --shard K/N
        error: invalid value '0/3' for '--shard <K/N>': there is no shard 0 of 3: they are numbered from 1
        error: invalid value '4/3' for '--shard <K/N>': there is no shard 4 of 3: they are numbered from 1
        error: invalid value '1/0' for '--shard <K/N>': there is no shard 1 of 0: they are numbered from 1
        error: invalid value '3' for '--shard <K/N>': expected K/N, two numbers such as 3/8, found `3`
        error: invalid value 'a/b' for '--shard <K/N>': expected K/N, two numbers such as 3/8, found `a/b`
        error: invalid value '-1/3' for '--shard <K/N>': expected K/N, two numbers such as 3/8, found `-1/3`
    "#]].assert_eq(&told);
}

/// What a command says of an error, and its code.
fn says(said: &Said, code: i32, expected: &Expect) {
    assert_eq!(said.code, code, "{}{}", said.out, said.err);
    assert_eq!(said.out, "");
    expected.assert_eq(&said.err);
}

/// Results of other seeds, options, wasm, documents or builds are not mixed up.
fn of_another_campaign() {
    let place = place();
    place.sim("run --seeds 0..200 --shard 1/2 --out results");
    let before = contents(&place, "results");
    let mut told = String::new();
    let others = [
        "--seeds 0..300".to_owned(),
        "--seeds 0..200 --turns 50".to_owned(),
        "--seeds 0..200 --thorough".to_owned(),
        "--seeds 0..200 --keep-going".to_owned(),
        "--seeds 0..200 --expect restless".to_owned(),
        format!("--seeds 0..200 --wasm {BUG}.wasm"),
        format!(
            "--seeds 0..200 --world {}",
            absolute_root().join("examples/lease").display()
        ),
    ];
    for other in others {
        let said = place.sim(&format!("run {other} --shard 2/2 --out results"));
        assert_eq!(said.code, 2, "{}", said.out);
        told.push_str(
            said.err
                .lines()
                .find(|line| line.starts_with("error"))
                .unwrap_or_default(),
        );
        told.push('\n');
    }
    // A build that draws other runs.
    let file = place.path("results/campaign.json");
    let text = fs::read_to_string(&file).expect("it is there");
    let mut campaign: Json = serde_json::from_str(&text).expect("it is JSON");
    campaign["first_run"] = "xxh3:00000000000000000000000000000000".into();
    place.write("older/campaign.json", campaign.to_string());
    let said = place.sim("merge older");
    assert_eq!(said.code, 2);
    told.push_str(&said.err);
    let said = place.sim("merge results older");
    assert_eq!(said.code, 2);
    told.push_str(&said.err);
    expect![[r#"
        error: results has results of another campaign: seeds is [0,200] there, and [0,300] here
        error: results has results of another campaign: turns is 160 there, and 50 here
        error: results has results of another campaign: thorough is false there, and true here
        error: results has results of another campaign: most_failures is 20 there, and null here
        error: results has results of another campaign: expect is [] there, and ["restless"] here
        error: results has results of another campaign: world reducers demo/RetrySM@1 is "sha256:f2b55359e32304ca5c721a5927a691e592ecab64627a07ebb0e146b79bf86770" there, and "sha256:1a820a0c7f24b3c33f0f29673d944ce6c26de7b8263f60d589f9df6a693a32d0" here
        error: results has results of another campaign: world manifest is "sha256:0a254f58436a538f44f37124e890820833309278621bad44f2e18e63323657cc" there, and "sha256:b05892852019c553ed6ac5781c8c432cae8a6d2008ba532594c64d6d8da4834b" here
        error: older has results of another campaign: the run of the first seed is "xxh3:00000000000000000000000000000000" there, and "xxh3:60dcfc543432343ae459ad6c253a841b" here
        hint: give each campaign a folder of its own, and the same world, wasm and options to all who work on it
        error: older has results of another campaign: the run of the first seed is "xxh3:00000000000000000000000000000000" there, and "xxh3:60dcfc543432343ae459ad6c253a841b" here
        hint: give each campaign a folder of its own, and the same world, wasm and options to all who work on it
    "#]].assert_eq(&told);
    assert_eq!(contents(&place, "results"), before, "nothing is added");
}

/// A file of the results, other than the campaign's.
fn a_chunk(place: &Place) -> String {
    let names = place.list("results");
    let mut chunks = names.into_iter().filter(|name| name.starts_with("chunk-"));
    chunks.next().expect("there is one")
}

/// A file that was cut short or changed is no result, and says so to whoever reads it.
fn damaged() {
    let place = place();
    place.sim("run --seeds 0..200 --out results");
    let name = a_chunk(&place);
    let path = format!("results/{name}");
    let text = fs::read(place.path(&path)).expect("it is there");
    for cut in [0, 1, text.len() / 2, text.len() - 1] {
        place.write(&path, &text[..cut]);
        for command in ["merge results", "run --seeds 0..200 --out results"] {
            let said = place.sim(command);
            assert_eq!(said.code, 2, "{}", said.out);
            assert!(
                said.err.contains("was cut short or changed"),
                "{}",
                said.err
            );
            assert!(said.err.contains("delete the file"), "{}", said.err);
        }
    }
    fs::remove_file(place.path(&path)).expect("it is there");
    fs::create_dir(place.path(&path)).expect("it can be made");
    let said = place.sim("merge results");
    assert!(
        said.err.contains("it is a folder, expected a regular file"),
        "{}",
        said.err
    );
    fs::remove_dir(place.path(&path)).expect("it is there");
    let said = place.sim("run --seeds 0..200 --out results");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out.contains("4 of 4 chunks done, 3 of them before"),
        "{}",
        said.out
    );
    assert_eq!(
        fs::read(place.path(&path)).expect("it is there again"),
        text
    );
    for text in ["", "{", "[]", "{\"format\":\"sim-campaign/9\"}"] {
        place.write("results/campaign.json", text);
        let said = place.sim("merge results");
        assert_eq!(said.code, 2, "{}", said.out);
        assert!(
            said.err.starts_with("error: results/campaign.json: "),
            "{}",
            said.err
        );
        assert!(
            said.err.contains("hint: name another folder"),
            "{}",
            said.err
        );
    }
}

/// The results in a file, as it has them.
fn stored(place: &Place, path: &str) -> Json {
    let text = fs::read_to_string(place.path(path)).expect("it is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// Writes results under the name of what is in them.
fn put(place: &Place, folder: &str, stored: &Json) {
    let text = format!("{stored}\n");
    let hash = Hash::of(text.as_bytes()).to_string();
    let digits = &hash["sha256:".len()..][..16];
    let chunk = stored["results"]["chunk"].as_u64().unwrap_or(0);
    place.write(&format!("{folder}/chunk-{chunk:08}-{digits}.json"), text);
}

/// Copies a folder.
fn copy(place: &Place, from: &str, to: &str) {
    for (name, bytes) in contents(place, from) {
        place.write(&format!("{to}/{name}"), bytes);
    }
}

/// Results that are well formed and named by what is in them, and cannot be.
fn foreign() {
    let place = place();
    place.sim("run --seeds 0..200 --out results");
    let name = a_chunk(&place);
    let before = stored(&place, &format!("results/{name}"));
    type Change = fn(&mut Json);
    let changes: [Change; 20] = [
        |it| it["chunk"] = json!(1_000),
        |it| it["runs"] = json!([]),
        |it| it["runs"][0][1] = json!(1_000_000),
        |it| it["runs"][0][3] = json!("interrupted"),
        |it| it["runs"][0][3] = json!("over"),
        |it| it["counts"]["decisions"][0] = json!(u64::MAX),
        |it| it["counts"]["decisions"] = json!([1]),
        |it| it["counts"]["faults"] = json!([u64::MAX, u64::MAX]),
        |it| it["counts"]["faults"][0] = json!(1_u64 << 63),
        |it| it["counts"]["tallies"] = json!([]),
        |it| it["counts"]["tallies"][0] = json!([1, 2, 3]),
        |it| it["counts"]["tallies"][0] = json!([64, 1, 0]),
        |it| it["counts"]["leaks"] = json!({ "9": "much" }),
        |it| it["counts"]["leaks"] = json!({ "0": "much ".repeat(20_000) }),
        |it| it["violated"] = json!([5_000]),
        |it| it["violated"] = json!([it["runs"].as_array().map_or(0, Vec::len)]),
        |it| {
            it["unequal"] =
                json!([[2, { "turn": 1, "field": "x" }], [1, { "turn": 1, "field": "x" }]])
        },
        |it| {
            it["failures"] =
                json!([{ "violates": ["converges"], "what": "", "runs": 1, "seed": 1, "size": 1 }]);
        },
        |it| it["failures"] = json!([{ "violates": [], "what": "" }]),
        |it| it["more"] = json!(1),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = before.clone();
        change(&mut changed["results"]);
        fs::remove_dir_all(place.path("changed")).unwrap_or_default();
        copy(&place, "results", "changed");
        fs::remove_file(place.path(&format!("changed/{name}"))).expect("it is there");
        put(&place, "changed", &changed);
        let said = place.sim("merge changed");
        assert_eq!(said.code, 2, "{number}: {}{}", said.out, said.err);
        assert!(!said.err.contains("panicked"), "{}", said.err);
        assert!(said.err.len() < 4_000, "{number}: {}", said.err.len());
    }
    let campaigns: [Change; 5] = [
        |it| it["most_failures"] = json!(0),
        |it| it["seeds"] = json!([0, 0]),
        |it| it["seeds"] = json!([1_000, 0]),
        |it| it["turns"] = json!(u32::MAX),
        |it| it["format"] = json!("sim-campaign/2"),
    ];
    for change in campaigns {
        let mut changed = stored(&place, "results/campaign.json");
        change(&mut changed);
        place.write("changed/campaign.json", changed.to_string());
        let said = place.sim("merge changed");
        assert_eq!(said.code, 2, "{}", said.out);
        assert!(
            said.err.starts_with("error: changed/campaign.json: "),
            "{}",
            said.err
        );
    }
}

/// A file of one campaign in the folder of another: copied there, or left by a process that went on
/// when the folder was emptied.
fn of_another_folder() {
    let place = place();
    place.sim("run --seeds 0..200 --out right");
    place.sim(&format!(
        "run --seeds 0..200 --shard 2/2 --wasm {RARE}.wasm --out wrong"
    ));
    place.sim("run --seeds 0..5000 --shard 16/16 --out longer");
    for (from, told) in [
        ("wrong", "has results of another campaign than its folder"),
        ("longer", "has results of another campaign than its folder"),
    ] {
        fs::remove_dir_all(place.path("mixed")).unwrap_or_default();
        copy(&place, from, "mixed");
        // The last of two campaigns' files wins.
        fs::remove_file(place.path("mixed/campaign.json")).expect("it is there");
        fs::copy(
            place.path("right/campaign.json"),
            place.path("mixed/campaign.json"),
        )
        .expect("it can be copied");
        for command in ["merge mixed", "run --seeds 0..200 --out mixed"] {
            let said = place.sim(command);
            assert_eq!(said.code, 2, "{from}: {}", said.out);
            assert!(said.err.contains(told), "{}", said.err);
        }
    }
}

/// What a campaign is asked for takes no room, and what is missing no time.
fn vast() {
    let place = place();
    let most = u64::MAX;
    let campaign = format!("--seeds 0..{most} --turns 1 --most-failures 1 --wasm {BUG}.wasm");
    let said = place.sim(&format!("run {campaign} --shard 3/{most} --out results"));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out
            .starts_with(&format!("shard 3/{most}: 1 of 1 chunk done")),
        "{}",
        said.out
    );
    let said = place.sim(&format!(
        "merge results --wasm {BUG}.wasm --format json --case-dir found"
    ));
    let last: Json =
        serde_json::from_str(said.out.lines().last().expect("it is said")).expect("it is JSON");
    assert_eq!(last["missing_seeds"][0], json!([0, 2048]));
    assert!(matches!(said.code, 1 | 7), "{}", said.err);
    // Whoever is to run half of it ends when enough was found.
    let campaign = format!("--seeds 0..{most} --most-failures 1 --wasm {BUG}.wasm");
    let said = place.sim(&format!("run {campaign} --shard 1/2 --out half"));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out.contains("stopped: as many failures"),
        "{}",
        said.out
    );
}

/// Two results of the same seeds, or a failure that is another one where it is merged: nothing is
/// chosen.
fn contradict() {
    let place = place();
    let again = format!("run --seeds 0..200 --wasm {RARE}.wasm --out results");
    place.sim(&again);
    let name = a_chunk(&place);
    let mut changed = stored(&place, &format!("results/{name}"));
    changed["results"]["runs"][0][0] = json!("xxh3:00000000000000000000000000000000");
    put(&place, "results", &changed);
    let merge = format!("merge results --wasm {RARE}.wasm --case-dir found");
    for command in [&merge, &again] {
        let said = place.sim(command);
        assert_eq!(said.code, 3, "{}", said.out);
        let told = "have different results of the same seeds";
        assert!(said.err.contains(told), "{}", said.err);
    }
    // Only one is there, in which something else failed.
    fs::remove_dir_all(place.path("results")).expect("it is there");
    place.sim(&again);
    let failing = place.list("results").into_iter().find_map(|name| {
        let is_chunk = name.starts_with("chunk-");
        let stored = is_chunk.then(|| stored(&place, &format!("results/{name}")))?;
        (stored["results"]["failures"] != json!([])).then_some((name, stored))
    });
    let (name, mut changed) = failing.expect("the bug is seen");
    changed["results"]["failures"][0]["what"] = json!("something else");
    fs::remove_file(place.path(&format!("results/{name}"))).expect("it is there");
    put(&place, "results", &changed);
    let said = place.sim(&merge);
    assert_eq!(said.code, 3, "{}", said.out);
    assert!(said.err.contains("does not fail so here: "), "{}", said.err);
}

/// A shard that is started again ends early only by what it has without a gap: the whole ends with
/// the first of these, whatever came later.
fn gaps() {
    let (one, place) = (place(), place());
    let (campaign, world) = (
        "--seeds 0..2000 --most-failures 1",
        format!("--wasm {BUG}.wasm"),
    );
    let said = place.sim(&format!("run {campaign} {world} --shard 9/9 --out results"));
    assert!(
        said.out.contains("stopped: as many failures"),
        "{}",
        said.out
    );
    let said = place.sim(&format!("run {campaign} {world} --shard 1/1 --out results"));
    assert!(!said.out.contains(": 1 of 16 chunks done"), "{}", said.out);
    let expected = one.sim(&format!("run {campaign} {world} --case-dir found"));
    let merged = place.sim(&format!("merge results {world} --case-dir found"));
    assert_eq!(
        (merged.code, merged.out),
        (1, expected.out),
        "{}",
        merged.err
    );
}

fn no_folder() {
    let place = Place::new();
    says(
        &place.sim("merge nowhere"),
        2,
        &expect![[r#"
            error: nowhere has no results of a campaign: there is no campaign.json
            hint: `sim run --out DIR` leaves results in a folder
        "#]],
    );
    place.write("empty/readme", "");
    says(
        &place.sim("merge empty"),
        2,
        &expect![[r#"
        error: empty has no results of a campaign: there is no campaign.json
        hint: `sim run --out DIR` leaves results in a folder
    "#]],
    );
    place.sim("run --seeds 0..64 --out results");
    says(
        &place.sim("merge results empty"),
        2,
        &expect![[r#"
        error: empty has no results of a campaign: there is no campaign.json
        hint: `sim run --out DIR` leaves results in a folder
    "#]],
    );
    fs::remove_dir_all(place.path("results")).expect("it is there");
    place.write("file", "");
    says(
        &place.sim("run --seeds 0..10 --out file"),
        2,
        &expect![[r#"
            error: file is no folder
            hint: name another folder, or a new one
        "#]],
    );
    for option in [
        "--html page",
        "--format json",
        "--case-dir found",
        "--no-shrink",
        "--seed 3",
    ] {
        let said = place.sim(&format!("run --out results {option}"));
        assert_eq!(said.code, 2, "{option}: {}", said.out);
    }
    assert_eq!(place.list("results"), Vec::<String>::new());
}
