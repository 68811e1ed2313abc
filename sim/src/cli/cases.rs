//! Cases as arguments: files, folders of them, and `-` for standard input.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::errors::Hinted;
use super::input::CORPUS;
use super::shell;
use sim_cases::files;
use sim_cases::{Case, MOST_BYTES, WorldHashes, store};
use sim_kernel::World;
use sim_record::scenario::Scenario;
use sim_record::trace::Answers;

/// Standard input, as an argument.
const STANDARD_INPUT: &str = "-";

/// The folder that is meant where no case is named.
///
/// # Errors
/// If there is none.
pub(super) fn corpus() -> Result<PathBuf> {
    let folder = PathBuf::from(CORPUS);
    match folder.is_dir() {
        true => Ok(folder),
        false => Err(Hinted::new(
            format!("no folder {CORPUS} here, and no case was named"),
            "name cases, or folders of them; `sim run` writes what fails into corpus",
        )),
    }
}

/// What the arguments say: for a folder the files in it that `wanted` says yes to, in order of
/// their names.
///
/// # Errors
/// If a folder cannot be read.
pub(super) fn expanded(
    arguments: &[PathBuf],
    wanted: impl Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for path in arguments {
        match path.is_dir() {
            false => paths.push(path.clone()),
            true => {
                let listed = files::list(path, &wanted);
                let listed =
                    listed.with_context(|| format!("cannot read the folder {}", path.display()))?;
                paths.extend(listed);
            }
        }
    }
    Ok(paths)
}

/// Files whose names say that they are cases.
pub(super) fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

/// Reads a case of this world, whose work has these answers.
///
/// # Errors
/// If it is none.
pub(super) fn read(
    path: &Path,
    world: &World,
    answers: &Answers,
    folder: Option<&Path>,
) -> Result<(Case, Scenario)> {
    let name = || path.display().to_string();
    let case = case(path).with_context(name)?;
    let bound = case
        .check_answers(answers)
        .and_then(|()| case.bind(&world.air));
    let scenario = bound.map_err(|error| {
        let manifest = WorldHashes::of(world).manifest;
        let is_of_another = !case.world.manifest.is_empty() && case.world.manifest != manifest;
        match (is_of_another, folder) {
            (false, _) => anyhow::Error::from(error),
            (true, None) => Hinted::new(
                error.to_string(),
                "its documents were others: if it was found on another world, name its folder with \
                 `--world DIR`",
            ),
            (true, Some(folder)) => Hinted::new(
                error.to_string(),
                format!(
                    "it was found on other documents than those of {}",
                    shell::quoted(folder)
                ),
            ),
        }
    });
    Ok((case, scenario.with_context(name)?))
}

fn case(path: &Path) -> Result<Case> {
    if path == Path::new(STANDARD_INPUT) {
        let text = files::read_standard_input(MOST_BYTES)?;
        return Ok(Case::parse(&text)?);
    }
    Ok(store::read(path)?)
}
