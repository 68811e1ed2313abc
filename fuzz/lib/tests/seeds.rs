//! What a run starts from is put into its corpus, and nothing is ever lost there.

use std::fs;
use std::path::Path;

use sim_fuzz::reducer_events;
use sim_fuzz::seeds::{self, Sown};
use sim_fuzz::settings::Settings;
use tempfile::TempDir;

fn two() -> anyhow::Result<Vec<Sown>> {
    Ok(vec![Sown::new("a", "1"), Sown::new("b", "2")])
}

fn sow(corpus: &Path, flags: &[&str]) {
    let mut arguments = vec!["target".into(), "-seed=1".into(), corpus.into()];
    arguments.extend(flags.iter().map(Into::into));
    seeds::sow(arguments, two).expect("it can be written");
}

fn names(folder: &Path) -> Vec<String> {
    let files = seeds::files(folder).expect("it can be read");
    files.into_iter().map(|file| file.name).collect()
}

#[test]
fn a_run_gets_what_it_has_not() {
    let corpus = TempDir::new().expect("there is room");
    fs::write(corpus.path().join("seed-a"), "changed").expect("it can be written");
    sow(corpus.path(), &[]);
    assert_eq!(names(corpus.path()), ["seed-a", "seed-b"]);
    let kept = fs::read_to_string(corpus.path().join("seed-a"));
    assert_eq!(kept.ok().as_deref(), Some("changed"));
}

/// `cargo fuzz cmin` would take what is sown for new finds, and reproducing one needs none.
#[test]
fn who_does_not_fuzz_gets_nothing() {
    for flag in [
        "-merge=1",
        "-minimize_crash=1",
        "-cleanse_crash=1",
        "-runs=0",
    ] {
        let corpus = TempDir::new().expect("there is room");
        sow(corpus.path(), &[flag]);
        assert!(names(corpus.path()).is_empty(), "{flag}");
    }
    let folder = TempDir::new().expect("there is room");
    let crash = folder.path().join("crash-1");
    fs::write(&crash, "{}").expect("it can be written");
    seeds::sow(["target".into(), crash.into()], || {
        panic!("it is not asked for")
    })
    .expect("there is nothing to do");
}

#[test]
fn the_first_folder_is_the_corpus() {
    let (first, second) = (TempDir::new(), TempDir::new());
    let (first, second) = (first.expect("room"), second.expect("room"));
    let arguments = ["target".into(), first.path().into(), second.path().into()];
    seeds::sow(arguments, two).expect("it can be written");
    assert_eq!(names(first.path()).len(), 2);
    assert!(names(second.path()).is_empty());
}

#[test]
fn cases_of_the_project_and_an_empty_one() {
    let settings = Settings::of(|_| None).expect("nothing is needed");
    let sown = reducer_events::seeds(&settings).expect("they can be read");
    let cases = sown.iter().filter(|seed| seed.name.ends_with(".json"));
    assert_eq!(cases.count(), sown.len());
    assert!(sown.len() > 20, "{}", sown.len());
    assert!(sown.iter().any(|seed| seed.name == "empty.json"));
    let nowhere = seeds::files(Path::new("no/such/folder"));
    assert!(nowhere.expect("that is no error").is_empty());
}
