//! Compiled code on disk: kept, found again, and never trusted to be there or whole.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use libtest_mimic::Trial;
use sim::reducer::{Code, default_cache_dir};
use tempfile::TempDir;

use super::{assemble, first_step, guest_text, small, step_then_answer, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("cache", "written_and_reused", written_and_reused),
        trial("cache", "damaged_file", damaged_file),
        trial(
            "cache",
            "directory_cannot_be_made",
            directory_cannot_be_made,
        ),
        trial(
            "cache",
            "directory_cannot_be_written",
            directory_cannot_be_written,
        ),
        trial("cache", "default_directory", default_directory),
    ]
}

/// Loads a reducer with its code in `directory`, and sees that it works.
fn load_and_step(directory: &Path) {
    let wasm = assemble(&guest_text(&step_then_answer("")));
    let code = Code::load(&wasm, small(), Some(directory)).expect("the fixture is a reducer");
    assert_eq!(
        first_step(&code).expect("the step succeeds").state(),
        Some(&[1][..])
    );
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

/// The one file of compiled code below `directory`; statistics beside it don't count.
fn code_file(directory: &Path) -> PathBuf {
    let mut found = Vec::new();
    let mut folders = vec![directory.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                None => found.push(path),
                Some(_) => {}
            }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// A code file that is found is not written again, so its time of change stays.
fn written_and_reused() {
    let directory = temporary();
    // It is made if need be, with the folders above it.
    let cache = directory.path().join("a/b");
    load_and_step(&cache);
    let file = code_file(&cache);
    let long_ago = SystemTime::UNIX_EPOCH;
    File::options()
        .write(true)
        .open(&file)
        .and_then(|file| file.set_modified(long_ago))
        .expect("the time can be set");
    load_and_step(&cache);
    assert_eq!(code_file(&cache), file);
    let modified = fs::metadata(&file).and_then(|data| data.modified());
    assert_eq!(modified.expect("it has a time"), long_ago);
}

fn damaged_file() {
    let directory = temporary();
    load_and_step(directory.path());
    let file = code_file(directory.path());
    let whole = fs::read(&file).expect("the code can be read");
    for damaged in [
        &b""[..],
        b"garbage",
        &whole[..whole.len() / 2],
        &[0xff; 100_000],
    ] {
        fs::write(&file, damaged).expect("the code can be damaged");
        load_and_step(directory.path());
        let repaired = fs::read(&file).expect("the code can be read");
        assert!(repaired != damaged, "it must be compiled and written anew");
    }
}

/// Below a file there are no folders, not even for the superuser.
fn directory_cannot_be_made() {
    let directory = temporary();
    let file = directory.path().join("file");
    fs::write(&file, "").expect("the file can be written");
    load_and_step(&file.join("cache"));
    load_and_step(&file);
}

/// The directory is there, but the engine's own folder in it can't be.
fn directory_cannot_be_written() {
    let directory = temporary();
    fs::write(directory.path().join("modules"), "").expect("the file can be written");
    load_and_step(directory.path());
}

/// Setting the variable here would be seen by other tests, so it is taken as it is.
fn default_directory() {
    let directory = default_cache_dir();
    match env::var_os("SIM_CACHE_DIR") {
        Some(set) if set.is_empty() => assert_eq!(directory, None),
        Some(set) => assert_eq!(directory, Some(PathBuf::from(set))),
        None => {
            let directory = directory.expect("a test has an executable");
            assert!(directory.ends_with("sim-cache"), "{}", directory.display());
            let beside = directory.parent().expect("it is in a folder");
            assert!(!beside.ends_with("deps"), "{}", directory.display());
        }
    }
}
