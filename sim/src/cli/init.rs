//! `sim init`: a world to begin with, in a folder of its own.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::errors::Hinted;
use super::{Exit, shell, terminal};
use crate::kits::{KitFile, Language};

/// Begin a world: documents, a reducer, sim.toml, a first case and a CI file.
#[derive(Args)]
#[command(after_help = "Example: sim init shop && cd shop && sim run")]
pub(super) struct Init {
    /// The folder to make; it may be there if it is empty
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What the reducer is written in: rust, c or assemblyscript
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "LANGUAGE",
        hide_possible_values = true
    )]
    language: Language,
    /// The name of the package: small letters, digits and `-` [default: that of the folder]
    #[arg(long)]
    name: Option<String>,
}

impl Init {
    pub fn execute(self) -> Result<Exit> {
        let name = self.package_name()?;
        let files = self.language.world(&name);
        refuse_full(&self.folder)?;
        write_all(&self.folder, &files)?;
        let shown = sim_air::printable(&self.folder.display().to_string());
        let (language, count) = (self.language.name(), files.len());
        let steps = [self.go_there(), self.language.build().map(str::to_owned)];
        let steps: Vec<String> = steps
            .into_iter()
            .flatten()
            .chain(["sim run".to_owned()])
            .collect();
        let mut out = terminal::out();
        writeln!(out, "made {shown}: a world in {language}, {count} files")?;
        writeln!(out, "next:\n  {}", steps.join(" && "))?;
        Ok(Exit::Holds)
    }

    /// The name asked for, or that of the folder.
    fn package_name(&self) -> Result<String> {
        if let Some(name) = &self.name {
            check_name(name, self.language)
                .with_context(|| format!("`--name {name}` is no name for a package"))?;
            return Ok(name.clone());
        }
        // `.` has its name from where it is.
        let folder = match self.folder.file_name() {
            Some(_) => self.folder.clone(),
            None => self.folder.canonicalize().unwrap_or_default(),
        };
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        check_name(&name, self.language).map_err(|error| {
            let what = format!("the folder's name `{name}` is no name for a package");
            Hinted::new(error.to_string(), "say one with `--name NAME`").context(what)
        })?;
        Ok(name.into_owned())
    }

    /// The command that goes to the folder, if that is another.
    fn go_there(&self) -> Option<String> {
        let is_here = self.folder.canonicalize().ok() == Path::new(".").canonicalize().ok();
        (!is_here).then(|| format!("cd {}", shell::argument(&self.folder)))
    }
}

/// The longest name of a package.
const MOST_NAME_BYTES: usize = 64;

/// Names that a Rust package cannot have beside the keywords: they would be of two crates.
const CRATES: [&str; 6] = ["alloc", "core", "proc-macro", "sdk", "std", "test"];

/// Keywords of Rust, in small letters, those that are only reserved among them.
const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn else \
    enum extern false final fn for gen if impl in let loop macro match mod move mut override priv \
    pub ref return self static struct super trait true try type typeof unsafe unsized use virtual \
    where while yield";

fn check_name(name: &str, language: Language) -> Result<()> {
    let is_part = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    if !name.starts_with(|char: char| char.is_ascii_lowercase()) || !name.chars().all(is_part) {
        bail!("expected small letters, digits and `-`, beginning with a letter");
    }
    if name.len() > MOST_NAME_BYTES {
        bail!("expected at most {MOST_NAME_BYTES} characters");
    }
    let is_taken = CRATES.contains(&name) || KEYWORDS.split(' ').any(|word| word == name);
    if language == Language::Rust && is_taken {
        bail!("no package of Rust can have this name");
    }
    Ok(())
}

/// Of a folder that has something in it nothing is written over. A repository that was just begun
/// has nothing yet.
fn refuse_full(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let shown = folder.display();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot make {shown}"))?;
    for entry in entries {
        let name = entry
            .with_context(|| format!("cannot read {shown}"))?
            .file_name();
        if name != ".git" {
            let what = format!("{shown} is not empty: it has {}", name.display());
            return Err(Hinted::new(
                what,
                "name a folder that is empty, or not there yet",
            ));
        }
    }
    Ok(())
}

/// Writes all files. What was made before an error is taken away again.
fn write_all(folder: &Path, files: &[KitFile]) -> Result<()> {
    let mut made = Vec::new();
    for (path, text) in files {
        let path = folder.join(path);
        if let Err(error) = write(&path, text, &mut made) {
            for path in made.iter().rev() {
                // What cannot be removed stays.
                let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
            }
            return Err(error).with_context(|| format!("cannot write {}", path.display()));
        }
    }
    Ok(())
}

/// Writes a file that is not there yet, and says what was made for it, in order.
fn write(path: &Path, text: &str, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let above = path.ancestors().skip(1);
    let missing: Vec<&Path> = above
        .take_while(|it| !it.as_os_str().is_empty() && !it.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder)?;
        made.push(folder.to_owned());
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    made.push(path.to_owned());
    file.write_all(text.as_bytes())
}
