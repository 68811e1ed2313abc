//! `sim check`: are the documents of a world right, and which wasm do they pin?

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::input::{
    WorldArguments, built_in, check_pin, folder_help, given, is_built_in, note_built_in, read_wasm,
    sources, warnings,
};
use super::layout::Layout;
use super::{Exit, terminal};
use sim_air::{Air, Diagnostic, Diagnostics, Hash, Severity, printable_lines};
use sim_cases::files;
use sim_host::{Code, Limits, PureCode, default_cache_dir};
use sim_report::text::Text;
use sim_report::words::counted;

/// Check a world's documents; with --pin, write the hash of the built reducer into them.
#[derive(Args)]
#[command(after_help = "Example: sim check air --pin")]
pub(super) struct Check {
    #[arg(help = folder_help("Folder with the AIR documents"))]
    folder: Option<PathBuf>,
    /// Refuse documents with warnings too
    #[arg(long)]
    strict: bool,
    /// Write the hash of the wasm in use into its module document
    #[arg(long)]
    pin: bool,
    /// With --pin, this wasm instead of the built-in one; NAME=FILE where there are several
    #[arg(long, value_name = "[NAME=]FILE", requires = "pin")]
    wasm: Vec<String>,
}

impl Check {
    pub fn execute(self) -> Result<Exit> {
        let world = WorldArguments {
            world: self.folder.clone(),
            ..WorldArguments::default()
        };
        let folder = world.folder();
        if self.pin && is_built_in(self.folder.as_deref()) {
            bail!(
                "no folder {} here, and the built-in world has its pin",
                folder.display()
            );
        }
        if self.pin {
            self.pin(&folder)?;
        }
        note_built_in(self.folder.as_deref())?;
        let air = match sim_air::load(&world.documents()?) {
            Ok(air) => air,
            Err(diagnostics) => {
                tell(&diagnostics.list)?;
                terminal::note(&problems(&diagnostics));
                return Ok(Exit::BadInput);
            }
        };
        tell(&air.warnings.list)?;
        let layout = world.layout()?;
        let declared = layout.as_ref().and_then(|layout| layout.declared.as_ref());
        if let Some(declared) = declared
            && let Err(diagnostics) = sim_declared::check(declared, &air)
        {
            tell(&diagnostics.list)?;
            terminal::note(&problems(&diagnostics));
            return Ok(Exit::BadInput);
        }
        for reducer in air.reducers.iter().filter(|_| !self.pin) {
            if let Some(wasm) = built_in(&reducer.name) {
                check_pin(&folder, reducer, Hash::of(wasm))?;
            }
        }
        let warnings = warnings(&air.warnings);
        if self.strict && air.warnings.count() > 0 {
            bail!("{warnings}: `--strict` refuses them");
        }
        write_table(&air)?;
        if let Some(declared) = declared {
            writeln!(terminal::out(), "{}: {}", declared.name, declared.says())?;
        }
        let verdict = match air.warnings.count() {
            0 => "all checks pass".to_owned(),
            _ => format!("no errors, {warnings}"),
        };
        let count = counted(air.documents.len() as u64, "document");
        writeln!(terminal::out(), "{count}: {verdict}")?;
        Ok(Exit::Holds)
    }

    /// Writes the hash of each module whose wasm is at hand.
    fn pin(&self, folder: &Path) -> Result<()> {
        let layout = Layout::of(folder)?;
        let folder = &layout.documents();
        let air = sim_air::load(&sources(folder)?)?;
        let given = given(&self.wasm, &air)?;
        let cache = default_cache_dir();
        let load = |wasm: &[u8], is_pure: bool| match is_pure {
            false => Code::load(wasm, Limits::default(), cache.as_deref()).map(|it| it.hash()),
            true => PureCode::load(wasm, Limits::default(), cache.as_deref()).map(|it| it.hash()),
        };
        let reducers = air.reducers.iter().map(|it| (&it.name, &it.file, false));
        let enforcers = air.enforcers.iter().map(|it| (&it.name, &it.file, true));
        let mut pinned = 0;
        for (index, (name, file, is_pure)) in reducers.chain(enforcers).enumerate() {
            let wasm = match given.iter().find(|(of, _)| *of == index) {
                Some((_, file)) => read_wasm(file)?,
                None => match (layout.wasm(name)?, built_in(name)) {
                    (Some(file), _) => read_wasm(&file)?,
                    (None, Some(wasm)) => wasm.to_vec(),
                    (None, None) => continue,
                },
            };
            let hash = load(&wasm, is_pure).with_context(|| format!("the wasm of `{name}`"))?;
            // Another module of the same file may have been pinned before.
            let sources = sources(folder)?;
            let source = sources.iter().find(|source| source.file == *file);
            let source = source.context("the module's document is one of the sources")?;
            let text = sim_air::pin(source, name, hash)?;
            files::replace(Path::new(&source.file), text.as_bytes())
                .with_context(|| format!("cannot write {}", source.file))?;
            pinned += 1;
        }
        if pinned == 0 {
            bail!("no wasm to pin: say which with `--wasm FILE`");
        }
        Ok(())
    }
}

/// Problems on standard error, in the order of their places.
fn tell(diagnostics: &[Diagnostic]) -> std::io::Result<()> {
    let told = diagnostics.iter();
    let told = told.map(|it| printable_lines(&format!("{}: {it}", it.severity)) + "\n");
    write!(terminal::err(), "{}", told.collect::<String>())
}

/// How many of each there are.
fn problems(diagnostics: &Diagnostics) -> String {
    let [hidden_errors, hidden_warnings] = diagnostics.hidden;
    let severities = [
        (Severity::Error, hidden_errors),
        (Severity::Warning, hidden_warnings),
    ];
    let parts = severities.into_iter().filter_map(|(severity, hidden)| {
        let shown = diagnostics.list.iter();
        let shown = shown.filter(|it| it.severity == severity).count();
        match shown + hidden {
            0 => None,
            count => Some(counted(count as u64, &severity.to_string())),
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn write_table(air: &Air) -> std::io::Result<()> {
    let mut text = Text::default();
    for document in &air.documents {
        let name = if document.name.is_empty() {
            "-"
        } else {
            &document.name
        };
        text.line(format!(
            "{:<12} {name:<28} {}",
            document.kind, document.hash
        ));
    }
    let reducers = air.reducers.iter().map(|it| (&it.name, it.wasm_hash));
    let enforcers = air.enforcers.iter().map(|it| (&it.name, it.wasm_hash));
    for (name, pinned) in reducers.chain(enforcers) {
        match pinned {
            None => text.line(format!("{name}: not pinned")),
            Some(hash) => text.line(format!("{name}: pinned to {hash}")),
        }
    }
    write!(terminal::out(), "{text}")
}
