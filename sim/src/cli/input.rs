//! What every command reads: the world's folder, the wasm, and where cases go.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use super::errors::Hinted;
use super::layout::{Layout, SIM_TOML};
use super::{shell, terminal};
use crate::models;
use crate::worlds::{self, WORLDS};
use sim_air::{Air, Hash, Reducer, Source, Warnings, printable};
use sim_cases::files;
use sim_declared::{Declared, File};
use sim_host::{Code, Limits, LoadError, PureCode, default_cache_dir};
use sim_kernel::{EventSource, World};
use sim_model::Model;
use sim_report::words::counted;

/// The most that is read of one document.
const MOST_DOCUMENT_BYTES: u64 = 8 << 20;

/// The most that is read of all documents of a world.
const MOST_WORLD_BYTES: u64 = 32 << 20;

/// The folder of cases, unless another is named.
pub(super) const CORPUS: &str = "corpus";

/// The folder of a world's documents, unless another is named.
const AIR: &str = "air";

/// Where a world's documents are, and the wasm given by hand.
#[derive(Args, Clone, Default)]
pub struct WorldArguments {
    /// The folder; without one, what the help says.
    #[arg(
        long,
        value_name = "DIR",
        help = folder_help("Folder with the AIR documents (`*.air.json`)")
    )]
    pub world: Option<PathBuf>,
    /// Run this wasm, not the pinned one; NAME=FILE if there are several
    #[arg(long, value_name = "[NAME=]FILE")]
    pub wasm: Vec<String>,
    /// What is meant to be so: plan-error=PLAN[/STEP], denied=KIND, unaccepted=EVENT,
    /// unstarted=PLAN, restless
    #[arg(long, value_name = "WHAT=NAME")]
    pub expect: Vec<String>,
    /// What a reducer is that loses memory from step to step: advise or deny
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "LEVEL",
        hide_possible_values = true
    )]
    pub leaks: Leaks,
}

/// How a leak is judged.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Leaks {
    /// A line of advice: the host makes up for it.
    #[default]
    Advise,
    /// It is a violation of `bounded`.
    Deny,
}

/// A world, and what a summary says of where it came from.
pub struct Loaded {
    /// The world, ready to be run.
    pub world: World,
    /// What its author declares of it, if something is.
    pub declared: Option<File>,
    /// Wasm given by hand instead of the pinned one.
    pub notes: Vec<String>,
}

impl Loaded {
    /// Says which events clients are taken to send, where no model does, and which of the rest
    /// reducers were seen to emit: a client that sends one of these too is not tried.
    pub(super) fn note_clients(&mut self, model: &dyn Model) {
        if model.knows_clients() {
            return;
        }
        let arms = &self.world.arms;
        let from = |source: EventSource| -> Vec<String> {
            let arms_of = arms.all().iter().filter(|arm| arm.source == source);
            let names = arms_of.map(|arm| arms.name(&self.world.air, arm));
            names.map(|name| printable(&name)).collect()
        };
        let clients = from(EventSource::Client);
        let sent = match clients.is_empty() {
            true => "nothing".to_owned(),
            false => clients.join(", "),
        };
        let emitted = from(EventSource::Reducer);
        let rest = match emitted.is_empty() {
            true => String::new(),
            false => format!(
                "; {} only as spurious events, for reducers emit them",
                emitted.join(", ")
            ),
        };
        self.notes.push(format!("clients send {sent}{rest}"));
    }

    /// Says on standard error that the documents have warnings, if they have.
    pub(super) fn note_warnings(&self, folder: &Path) {
        let found = &self.world.air.warnings;
        if found.count() > 0 {
            let found = warnings(found);
            terminal::note(&format!(
                "note: {found} in the documents: sim check {}",
                shell::quoted(folder)
            ));
        }
    }
}

/// How many warnings there are, in words.
pub(super) fn warnings(warnings: &Warnings) -> String {
    counted(warnings.count() as u64, "warning")
}

/// How a wasm binary becomes code.
type Load = fn(&[u8], Limits, Option<&Path>) -> Result<Code, LoadError>;

impl WorldArguments {
    /// The folder asked for, or the one that is taken if it is there: this one, if it has a
    /// `sim.toml`.
    pub fn folder(&self) -> PathBuf {
        let usual = match Path::new(SIM_TOML).is_file() {
            true => ".",
            false => AIR,
        };
        self.world.clone().unwrap_or_else(|| PathBuf::from(usual))
    }

    /// What lies in the folder; None for the world that is built in.
    pub(super) fn layout(&self) -> Result<Option<Layout>> {
        match is_built_in(self.world.as_deref()) {
            true => Ok(None),
            false => Layout::of(&self.folder()).map(Some),
        }
    }

    /// The documents of the folder; without one, those that are built in.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn documents(&self) -> Result<Vec<Source>> {
        match self.layout()? {
            None => Ok(worlds::usual().sources()),
            Some(layout) => sources(&layout.documents()),
        }
    }

    /// # Errors
    /// If documents or wasm cannot be read, or are not what they should be.
    pub fn load(&self) -> Result<Loaded> {
        note_built_in(self.world.as_deref())?;
        self.load_again()
    }

    /// The same, without a word on where it is from: that was said.
    ///
    /// # Errors
    /// If documents or wasm cannot be read, or are not what they should be.
    pub(super) fn load_again(&self) -> Result<Loaded> {
        self.load_by(Code::load)
    }

    /// The same world, its reducers made to tell what they reach.
    ///
    /// # Errors
    /// As [`WorldArguments::load`], and if the wasm cannot be instrumented.
    pub fn load_instrumented(&self) -> Result<Loaded> {
        note_built_in(self.world.as_deref())?;
        self.load_by(Code::load_instrumented)
    }

    fn load_by(&self, load: Load) -> Result<Loaded> {
        let cache = default_cache_dir();
        let cache = cache.as_deref();
        let folder = self.folder();
        let layout = self.layout()?;
        let air = sim_air::load(&self.documents()?)?;
        models::check(&air)?;
        let declared = layout.as_ref().and_then(|layout| layout.declared.as_ref());
        if let Some(declared) = declared {
            sim_declared::check(declared, &air)?;
        }
        let given = given(&self.wasm, &air)?;
        let file_of = |index: usize| given.iter().find(|(of, _)| *of == index);
        let of_layout = |module: &str| match &layout {
            None => Ok(None),
            Some(layout) => layout.wasm(module),
        };
        let mut notes = Vec::new();
        let mut note = |name: &str, file: &Path, hash: Hash| {
            let file = file.display();
            notes.push(format!("{name} runs {file}, given by hand ({hash})"));
        };
        let mut codes = Vec::new();
        for (index, reducer) in air.reducers.iter().enumerate() {
            let name = &reducer.name;
            let by_layout = match file_of(index) {
                Some(_) => None,
                None => of_layout(name)?,
            };
            codes.push(match file_of(index) {
                None if let Some(file) = by_layout => {
                    let code = load(&read_wasm(&file)?, Limits::default(), cache);
                    let code = code.with_context(|| file.display().to_string())?;
                    check_pin(&folder, reducer, code.hash())?;
                    code
                }
                Some((_, file)) => {
                    let code = load(&read_wasm(file)?, Limits::default(), cache);
                    let code = code.with_context(|| file.display().to_string())?;
                    note(name, file, code.hash());
                    code
                }
                None => {
                    let wasm = built_in(name).with_context(|| {
                        let file = match air.reducers.len() {
                            1 => "FILE".to_owned(),
                            _ => format!("{name}=FILE"),
                        };
                        format!("no wasm for the reducer `{name}`: say which with `--wasm {file}`")
                    })?;
                    check_pin(&folder, reducer, Hash::of(wasm))?;
                    load(wasm, Limits::default(), cache)
                        .with_context(|| format!("the built-in wasm of `{name}`"))?
                }
            });
        }
        let mut enforcers = Vec::new();
        for (index, module) in air.enforcers.iter().enumerate() {
            let name = &module.name;
            let by_hand = file_of(air.reducers.len() + index).map(|(_, file)| file.clone());
            let is_by_hand = by_hand.is_some();
            let file = match by_hand {
                Some(file) => Some(file),
                None => of_layout(name)?,
            };
            let file = file.with_context(|| {
                format!("no wasm for the enforcer `{name}`: say which with `--wasm {name}=FILE`")
            })?;
            let code = PureCode::load(&read_wasm(&file)?, Limits::default(), cache);
            let code = code.with_context(|| file.display().to_string())?;
            if is_by_hand {
                note(name, &file, code.hash());
            }
            enforcers.push(code);
        }
        let mut world = World::with_enforcers(air, codes, enforcers);
        let monitors = layout.as_ref().map(Layout::monitors).transpose()?;
        for (name, file) in monitors.into_iter().flatten() {
            let code = Code::load(&read_wasm(&file)?, Limits::default(), cache);
            let code = code.with_context(|| format!("the monitor `{name}`, {}", file.display()))?;
            world.monitors.push((name, code));
        }
        if let Some(declared) = declared {
            Declared::declare(declared, &mut world)?;
        }
        world.expected.forbids_leaks = self.leaks == Leaks::Deny;
        for text in &self.expect {
            world.expect(text).context("`--expect`")?;
        }
        let declared = layout.and_then(|layout| layout.declared);
        Ok(Loaded {
            world,
            declared,
            notes,
        })
    }

    /// The same world with the reducers that are built in, if others were given by hand.
    pub fn built_in(&self) -> Option<Loaded> {
        let documents = WorldArguments {
            wasm: Vec::new(),
            ..self.clone()
        };
        (!self.wasm.is_empty()).then(|| documents.load_by(Code::load).ok())?
    }
}

/// The wasm files given, by the index of their module: the reducers, then the enforcers.
pub(super) fn given(wasm: &[String], air: &Air) -> Result<Vec<(usize, PathBuf)>> {
    let reducers = air.reducers.iter().map(|reducer| reducer.name.as_str());
    let enforcers = air.enforcers.iter().map(|module| module.name.as_str());
    let names: Vec<&str> = reducers.chain(enforcers).collect();
    let mut given: Vec<(usize, PathBuf)> = Vec::new();
    for text in wasm {
        let named = text.split_once('=');
        let index_of = |name: &str| names.iter().position(|known| *known == name);
        let entry = match named.map(|(name, file)| (name, index_of(name), file)) {
            Some((name, _, "")) => bail!("`--wasm {text}`: expected a file for `{name}`"),
            Some((_, Some(index), file)) => (index, PathBuf::from(file)),
            Some((name, None, _)) if !Path::new(text).exists() => bail!(
                "`--wasm {text}`: there is no module `{name}`: expected one of {}",
                names.join(", ")
            ),
            _ if air.reducers.len() == 1 => (0, PathBuf::from(text)),
            _ => bail!(
                "`--wasm {text}` does not say which module: write NAME=FILE, with one of {}",
                names.join(", ")
            ),
        };
        if given.iter().any(|(index, _)| *index == entry.0) {
            let name = names[entry.0];
            bail!("`--wasm {text}`: `{name}` has its wasm already");
        }
        given.push(entry);
    }
    Ok(given)
}

/// The reducer's wasm unless another is given by hand.
pub(super) fn built_in(reducer: &str) -> Option<&'static [u8]> {
    let mut worlds = WORLDS.iter();
    let known = worlds.find(|world| world.reducer == reducer)?;
    Some(known.wasm)
}

/// Refuses a wasm that is not the one that its document pins.
pub(super) fn check_pin(folder: &Path, reducer: &Reducer, found: Hash) -> Result<()> {
    if let Some(pinned) = reducer.wasm_hash.filter(|hash| *hash != found) {
        let pin = format!("pin it with `sim check --pin {}`", shell::quoted(folder));
        return Err(Hinted::new(format!("the wasm in use is {found}"), pin)
            .context(format!("its pin is {pinned}"))
            .context(format!(
                "`{}` is pinned to another wasm in {}",
                reducer.name, reducer.file
            )));
    }
    Ok(())
}

/// The threads asked for, or one for each core.
pub(super) fn jobs(asked: Option<u16>) -> usize {
    asked.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    )
}

/// Whether it is the built-in world: no folder was asked for, and none is here.
pub(super) fn is_built_in(folder: Option<&Path>) -> bool {
    folder.is_none() && !Path::new(AIR).is_dir() && !Path::new(SIM_TOML).is_file()
}

/// Says so on standard error.
///
/// # Errors
/// If this is a folder within a world: that one is meant.
pub(super) fn note_built_in(folder: Option<&Path>) -> Result<()> {
    if is_built_in(folder) {
        let here = std::env::current_dir().unwrap_or_default();
        let mut above = here.ancestors().skip(1);
        if let Some(world) = above.find(|folder| folder.join(SIM_TOML).is_file()) {
            let what = format!("no {SIM_TOML} here, and one in {}", world.display());
            let way = format!("name the world: --world {}", shell::quoted(world));
            return Err(Hinted::new(what, way));
        }
        let name = worlds::usual().name;
        terminal::note(&format!(
            "note: no folder air here: the built-in {name} world"
        ));
    }
    Ok(())
}

/// What an argument says that names the folder of a world.
pub(super) fn folder_help(says: &str) -> String {
    let name = worlds::usual().name;
    format!("{says} [default: air, or the built-in {name} world]")
}

/// The texts of a folder's documents (`*.air.json`), in order of their names.
pub fn sources(folder: &Path) -> Result<Vec<Source>> {
    let is_document = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".air.json")
    };
    let paths = files::list(folder, is_document)
        .with_context(|| format!("cannot read the world's folder {}", folder.display()))?;
    if paths.is_empty() {
        bail!(
            "{} has no documents: expected files named `*.air.json`",
            folder.display()
        );
    }
    let mut left_bytes = MOST_WORLD_BYTES;
    let mut read = |path: &PathBuf| {
        let text = files::read_text_at_most(path, MOST_DOCUMENT_BYTES)
            .with_context(|| format!("cannot read {}", path.display()))?;
        left_bytes = left_bytes.checked_sub(text.len() as u64).with_context(|| {
            format!(
                "the documents of {} are larger than {} MiB, the most that is read",
                folder.display(),
                MOST_WORLD_BYTES >> 20
            )
        })?;
        Ok(Source {
            file: path.display().to_string(),
            text,
        })
    };
    paths.iter().map(&mut read).collect()
}

pub(super) fn read_wasm(file: &Path) -> Result<Vec<u8>> {
    files::read_at_most(file, Limits::default().wasm_bytes as u64)
        .with_context(|| format!("cannot read {}", file.display()))
}
