//! How long one waits for `sim replay` of one case.

use std::path::Path;
use std::process::Command;

use super::rounds::{Contender, compare, timed};
use super::subject::Subject;

const ROUNDS: usize = 21;

pub fn measure(_: &Subject) {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/ok-after-failed.json");
    let replay = |cache: &Path| {
        let sim = env!("CARGO_BIN_EXE_sim");
        let command = &mut Command::new(sim);
        let command = command.arg("replay").arg(&case).env("SIM_CACHE_DIR", cache);
        let output = command.output().expect("it can be started");
        assert!(output.status.success(), "the case holds");
        1
    };
    println!("`sim replay` of one case                              ms");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (_, first) = timed(|| replay(folder.path()));
    println!(
        "the first time, when the reducer is compiled   {:>7.0}",
        first.as_secs_f64() * 1e3
    );
    let warm = vec![Contender::new(
        "later, compiled code from the cache",
        || replay(folder.path()),
    )];
    for each in compare(ROUNDS, warm) {
        println!("{:<46} {:>7.1}", each.name, each.best_ns() / 1e6);
    }
}
