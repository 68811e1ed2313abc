//! The command as a person meets it: what it prints, where, and its exit code.

mod bad_input;
mod beginning;
mod campaigns;
mod cases;
mod checking;
mod coverage;
mod diagrams;
mod diffing;
mod doctor;
mod exploring;
mod files;
mod formats;
mod hostile;
mod lines;
#[cfg(target_os = "linux")]
mod losses;
mod marks;
mod regressions;
mod replaying;
mod schemas;
mod shards;
mod shrinking;
mod terminal;
mod together;
mod worlds;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::support::root;

pub fn trials() -> Vec<Trial> {
    [
        bad_input::trials(),
        beginning::trials(),
        campaigns::trials(),
        cases::trials(),
        checking::trials(),
        coverage::trials(),
        diffing::trials(),
        diagrams::trials(),
        doctor::trials(),
        exploring::trials(),
        files::trials(),
        formats::trials(),
        hostile::trials(),
        lines::trials(),
        #[cfg(target_os = "linux")]
        losses::trials(),
        marks::trials(),
        regressions::trials(),
        replaying::trials(),
        schemas::trials(),
        shards::trials(),
        shrinking::trials(),
        terminal::trials(),
        together::trials(),
        worlds::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A case of the retry world.
const CASE: &str = r#"{"format":"sim-case/1","found_by":{"driver":"hand"},
    "world":{"manifest":"","reducers":{}},
    "requests":[{"name":"r1","schema":"demo/RetryEvent@1","value":{"start":{"req_id":"r1",
        "payload":"p","max_attempts":1,"base_delay_ms":1,"now_ns":1}}}],
    "schedule":[{"start":"r1"}],"verdict":"holds","digest":""}"#;

/// A trial named `cli::subject::test`; it fails by panicking.
fn trial(subject: &str, name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    crate::support::trial(format!("cli::{subject}::{name}"), test)
}

/// What a command said, with the folder it ran in written as `DIR`.
pub struct Said {
    pub code: i32,
    pub out: String,
    /// Without the line that says that the world is the built-in one.
    pub err: String,
    is_built_in: bool,
}

/// What is said where no world is named and none is in the folder.
const BUILT_IN: &str = "note: no folder air here: the built-in retry world\n";

/// A folder of its own, in which `sim` is run.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().expect("there is room for a folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("it can be made");
        fs::write(path, bytes).expect("it can be written");
    }

    /// The retry world's documents, as `world` in this folder, pinned to nothing.
    fn world(&self) {
        let documents = fs::read_dir(root("air")).expect("the folder is there");
        for document in documents.map(|entry| entry.expect("it can be read").path()) {
            let text = fs::read_to_string(&document).expect("it can be read");
            let text: Vec<&str> = text
                .lines()
                .filter(|line| !line.contains("wasm_hash"))
                .collect();
            let name = document
                .file_name()
                .expect("it has a name")
                .to_string_lossy();
            self.write(&format!("world/{name}"), text.join("\n"));
        }
    }

    /// The cases that are kept, as `corpus` in this folder.
    fn corpus(&self) {
        let cases = fs::read_dir(root("corpus")).expect("the folder is there");
        for case in cases.map(|entry| entry.expect("it can be read").path()) {
            let name = case.file_name().expect("it has a name").to_string_lossy();
            let text = fs::read(&case).expect("it can be read");
            self.write(&format!("corpus/{name}"), text);
        }
    }

    /// The world of `world`, with a piece of one document replaced.
    fn world_with(&self, document: &str, from: &str, to: &str) {
        self.world();
        let name = format!("world/{document}.air.json");
        let text = fs::read_to_string(self.path(&name)).expect("it can be read");
        assert!(text.contains(from), "{document} has no {from}");
        self.write(&name, text.replacen(from, to, 1));
    }

    fn planted(&self, name: &str) {
        let number = planted::BUGS
            .iter()
            .find(|(_, bug)| *bug == name)
            .expect("it is a bug")
            .0;
        self.write(&format!("{name}.wasm"), retry_world::planted_wasm(number));
    }

    pub fn sim(&self, arguments: &str) -> Said {
        self.sim_with(arguments, &[])
    }

    /// With variables of the environment.
    fn sim_with(&self, arguments: &str, variables: &[(&str, &str)]) -> Said {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        self.sim_of(&arguments, variables)
    }

    /// With arguments that may hold anything.
    fn sim_of(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_sim"))
            .current_dir(self.0.path())
            .args(arguments)
            .env_remove("SIM_CACHE_DIR")
            .env_remove("GITHUB_ACTIONS")
            .envs(variables.iter().copied())
            .output()
            .expect("the command can be run");
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("output is UTF-8");
            text.replace(&self.0.path().display().to_string(), "DIR")
                .replace(&absolute_root().display().to_string(), "ROOT")
        };
        let err = text(output.stderr);
        Said {
            code: output.status.code().expect("the command was not killed"),
            out: text(output.stdout),
            err: err.strip_prefix(BUILT_IN).unwrap_or(&err).to_owned(),
            is_built_in: err.starts_with(BUILT_IN),
        }
    }

    /// The names in a folder of this one, in order.
    pub fn list(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).map(|entries| {
            entries.map(|entry| {
                entry
                    .expect("it can be read")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
        });
        let mut names: Vec<String> = entries.map_or(Vec::new(), Iterator::collect);
        names.sort();
        names
    }
}

fn absolute_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("it has a parent")
        .to_owned()
}
