//! The tutorial, followed to the letter: its files are written, its edits made, its commands run.
//!
//! What a block is for stands in the line above it: `` `src/lib.rs`: ``, ``Add to `sim.toml`:``,
//! ``In `src/lib.rs`, replace``, `by`. What is shown of output was said by the commands before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::root;

/// A block of a page: its kind, the line above it, and what is in it.
struct Block<'a> {
    kind: &'a str,
    above: &'a str,
    text: String,
}

pub fn follow() {
    let page = fs::read_to_string(root("docs/tutorial.md")).expect("it can be read");
    let place = tempfile::tempdir().expect("there is room for a folder");
    let mut reader = Reader {
        folder: place.path().to_owned(),
        replaced: None,
        said: String::new(),
        ran: 0,
    };
    for block in blocks(&page) {
        reader.take(&block);
    }
    assert_eq!(reader.ran, 9, "commands of `sim`");
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let (mut above, mut open): (&str, Option<Block<'_>>) = ("", None);
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                let text = String::new();
                open = Some(Block { kind, above, text });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text += &format!("{line}\n"),
            (None, None) if !line.is_empty() => above = line,
            (None, None) => {}
        }
    }
    blocks
}

/// Somebody who does what the page says.
struct Reader {
    folder: PathBuf,
    /// A piece of a file that is to be replaced by the next block.
    replaced: Option<(PathBuf, String)>,
    said: String,
    ran: usize,
}

impl Reader {
    fn take(&mut self, block: &Block<'_>) {
        let quoted = block.above.split('`').nth(1);
        let path = |folder: &Path| folder.join(quoted.expect("a file is named"));
        let above = block.above;
        match block.kind {
            "sh" => {
                self.said.clear();
                block.text.lines().for_each(|line| self.run(line));
            }
            "text" => {
                for line in block.text.lines() {
                    let is_it = |said: &str| said.trim_end() == line;
                    assert!(
                        self.said.lines().any(is_it),
                        "nothing said: {line}\n{}",
                        self.said
                    );
                }
            }
            _ if above == "by" => {
                let (path, old) = self.replaced.take().expect("something is to be replaced");
                let text = fs::read_to_string(&path).expect("it was written");
                assert_eq!(text.matches(&old).count(), 1, "{old}");
                fs::write(&path, text.replace(&old, &block.text)).expect("it can be written");
            }
            _ if above.ends_with("`, replace") => {
                self.replaced = Some((path(&self.folder), block.text.clone()));
            }
            _ if above.contains("dd to `") => {
                let path = path(&self.folder);
                let text = fs::read_to_string(&path).expect("it was written");
                fs::write(&path, format!("{text}\n{}", block.text)).expect("it can be written");
            }
            _ if above.starts_with('`') && above.ends_with("`:") => {
                // The clone is elsewhere.
                let sdk = root("sdk").display().to_string();
                let text = block.text.replace("../sim/sdk", &sdk);
                fs::write(path(&self.folder), text).expect("it can be written");
            }
            kind => panic!(
                "nothing says what this block of {kind} is for: {}",
                block.text
            ),
        }
    }

    fn run(&mut self, line: &str) {
        let (command, comment) = line.split_once(" # ").unwrap_or((line, ""));
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["rustup", ..] => {}
            ["cargo", "install", "--locked", "--path", "sim/sim"] => {
                assert!(root("sim/Cargo.toml").is_file());
            }
            ["mkdir", "-p", ref folders @ ..] => {
                for folder in folders {
                    fs::create_dir_all(self.folder.join(folder)).expect("it can be made");
                }
            }
            ["cd", folder] => self.folder.push(folder),
            ["sim", ref arguments @ ..] => {
                let output = Command::new(env!("CARGO_BIN_EXE_sim"))
                    .args(arguments)
                    .current_dir(&self.folder)
                    .env("CARGO_NET_OFFLINE", "true")
                    .env_remove("CARGO_TARGET_DIR")
                    .env_remove("GITHUB_ACTIONS")
                    .output()
                    .expect("the command can be run");
                self.said += &String::from_utf8_lossy(&output.stdout);
                self.said += &String::from_utf8_lossy(&output.stderr);
                let code = comment.strip_prefix("exit code ").unwrap_or("0");
                let found = output.status.code().expect("it was not killed").to_string();
                assert_eq!(found, code, "{line}\n{}", self.said);
                self.ran += 1;
            }
            _ => panic!("nothing is known of `{line}`"),
        }
    }
}
