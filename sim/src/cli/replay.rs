//! `sim replay`: a case as a table, its verdict and its digest.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::Exit;
use super::input::{WorldArguments, error_text, printable_lines};
use crate::campaign::{Checked, Effort, Runner};
use crate::corpus::{Case, CaseVerdict, WorldHashes, store};
use crate::report;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::workload;
use crate::world::World;

/// Replay cases: what happened turn by turn, the verdict, the digest.
///
/// Example: sim replay corpus/late-timer.json
#[derive(Args)]
pub(super) struct Replay {
    /// Case files
    #[arg(required = true, value_name = "CASE")]
    cases: Vec<PathBuf>,
    #[command(flatten)]
    world: WorldArguments,
    /// Only the verdict of each case
    #[arg(long)]
    brief: bool,
}

/// The command that replays a case on the same world.
pub(super) fn command(path: &Path, world: &WorldArguments) -> String {
    let mut command = format!("cargo run --release -- replay {}", path.display());
    if let Some(folder) = &world.world {
        command.push_str(&format!(" --world {}", folder.display()));
    }
    for wasm in &world.wasm {
        command.push_str(&format!(" --wasm {wasm}"));
    }
    command
}

impl Replay {
    pub fn execute(self) -> Result<Exit> {
        let loaded = self.world.load()?;
        let built_in = self.world.built_in();
        let workload = workload::of(&loaded.world.air);
        let mut runner = Runner::new(&loaded.world, &*workload)?;
        runner.set_effort(Effort::Thorough);
        let mut reference = match &built_in {
            Some(built_in) => Some(Runner::new(&built_in.world, &*workload)?),
            None => None,
        };
        let mut exit = Exit::Holds;
        for note in &loaded.notes {
            println!("{note}");
        }
        for path in &self.cases {
            // One bad file among many is told, and the others are still replayed.
            match self.replay(path, &loaded.world, &mut runner, reference.as_mut()) {
                Ok(one) => exit = exit.or(one),
                Err(error) => {
                    eprint!("{}", error_text(&error));
                    exit = exit.or(Exit::BadInput);
                }
            }
        }
        Ok(exit)
    }

    fn replay(
        &self,
        path: &Path,
        world: &World,
        runner: &mut Runner<'_>,
        reference: Option<&mut Runner<'_>>,
    ) -> Result<Exit> {
        let name = || path.display().to_string();
        let case = store::read(path).with_context(name)?;
        let scenario = case.bind(&world.air).with_context(name)?;
        runner.renew()?;
        let checked = runner.replay(&scenario);
        let once = runner.trace.clone();
        let mut out = Vec::new();
        self.show(&mut out, path, &case, &scenario, world, &once, &checked)?;
        for change in changes(&case, world, &checked) {
            writeln!(out, "{change}")?;
        }
        if let Some(reference) = reference {
            reference.replay(&scenario);
            match once.difference(&reference.trace) {
                Some(difference) => writeln!(out, "the built-in reducer differs at {difference}")?,
                None => writeln!(out, "the built-in reducer does the same")?,
            }
        }
        writeln!(out, "digest {}", checked.digest)?;
        let shown = printable_lines(&String::from_utf8_lossy(&out));
        let mut out = std::io::stdout().lock();
        out.write_all(shown.as_bytes())?;
        runner.replay(&scenario);
        if let Some(difference) = once.difference(&runner.trace) {
            writeln!(
                out,
                "not deterministic: another replay differs at {difference}"
            )?;
            return Ok(Exit::Nondeterminism);
        }
        if once.turns.is_empty() && case.decision_count() > 0 {
            writeln!(out, "nothing ran: no decision of the case was possible")?;
            return Ok(Exit::NothingRan);
        }
        Ok(if checked.violations.is_empty() {
            Exit::Holds
        } else {
            Exit::Violation
        })
    }

    #[expect(clippy::too_many_arguments, reason = "what is shown of a replay, once")]
    fn show(
        &self,
        out: &mut impl Write,
        path: &Path,
        case: &Case,
        scenario: &Scenario,
        world: &World,
        trace: &Trace,
        checked: &Checked,
    ) -> std::io::Result<()> {
        let verdict = match checked.violations.first() {
            None => "holds".to_owned(),
            Some(violation) => format!("violates {}", violation.name()),
        };
        writeln!(out, "{}: {verdict}", path.display())?;
        if !self.brief {
            if let Some(about) = &case.about {
                writeln!(out, "{about}")?;
            }
            let turns = report::turns(world, scenario, trace, 0, &checked.violations);
            write!(out, "{turns}")?;
        }
        write!(out, "{}", report::violations(&checked.violations))?;
        if !checked.skipped.is_empty() {
            let count = checked.skipped.len();
            writeln!(out, "{count} decisions were not possible and were skipped")?;
        }
        Ok(())
    }
}

/// What is not as it was when the case was written.
fn changes(case: &Case, world: &World, checked: &Checked) -> Vec<String> {
    let mut changes = Vec::new();
    let now = WorldHashes::of(world);
    for (name, hash) in &now.reducers {
        match case.world.reducers.get(name) {
            Some(then) if then == hash => {}
            Some(then) => changes.push(format!("{name} was {then} and is {hash}")),
            None => changes.push(format!("{name} was not in the world of this case")),
        }
    }
    if case.world.manifest != now.manifest {
        changes.push(format!(
            "the manifest was {} and is {}",
            case.world.manifest, now.manifest
        ));
    }
    let verdict = match checked.violations.first() {
        None => CaseVerdict::Holds,
        Some(violation) => CaseVerdict::Violated(violation.name().to_owned()),
    };
    let text = |verdict: &CaseVerdict| match verdict {
        CaseVerdict::Holds => "it held".to_owned(),
        CaseVerdict::Violated(name) => format!("it violated {name}"),
    };
    if let Some(then) = case.verdict.as_ref().filter(|then| **then != verdict) {
        changes.push(format!("when the case was written, {}", text(then)));
    }
    let digest = checked.digest.to_string();
    if let Some(then) = case.digest.as_ref().filter(|then| **then != digest) {
        changes.push(format!("the digest was {then}"));
    }
    changes
}
