//! `sim diff`: how two versions of a world differ in what they do.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::errors::Hinted;
use super::input::{CORPUS, Loaded, WorldArguments, jobs};
use super::{Exit, cases, replay, run, terminal};
use crate::models;
use sim_cases::{Case, CaseVerdict, Found as FoundCase, FoundBy, WorldHashes, store};
use sim_kernel::World;
use sim_model::Model;
use sim_record::interrupt::Interrupt;
use sim_record::scenario::Scenario;
use sim_report::differing::{self, Shown};
use sim_report::text::{Look, Text};
use sim_report::words::counted;
use sim_search::diff::{
    self, DifferenceKind, Differences, Found, Options, RunFrom, Side, Sides, Versions,
};

/// The most kinds of differences that are shown.
const MOST_KINDS: usize = 20;

/// Say how two versions differ in what they do: the same decisions on both
#[derive(Args)]
#[command(after_help = "\
OLD and NEW are wasm files over the same documents, NAME=FILE where there are several reducers, or
folders of worlds. Each case and each seed runs on OLD, and what OLD decided is replayed on NEW. The
first turn from which something else goes out is the difference. See docs/upgrade.md.

Example: sim diff old.wasm new.wasm --seeds 0..10000")]
pub(super) struct Diff {
    /// The version that is there now: wasm, or the folder of a world
    #[arg(value_name = "OLD")]
    old: String,
    /// The version that is to take its place
    #[arg(value_name = "NEW")]
    new: String,
    /// Run the seeds from A up to, not including, B
    #[arg(long, value_name = "A..B", default_value = "0..1000", value_parser = run::seed_range)]
    seeds: Range<u64>,
    /// Also run the cases of this folder [default: corpus, if it is there]
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Threads; the output is the same for any number [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    world: WorldArguments,
    /// Write the shortest run of each kind into this folder, as a case
    #[arg(long, value_name = "DIR")]
    case_dir: Option<PathBuf>,
}

/// A version as it was loaded.
struct Version {
    arguments: WorldArguments,
    loaded: Loaded,
    model: Box<dyn Model>,
}

impl Version {
    fn world(&self) -> &World {
        &self.loaded.world
    }
}

/// A case, where it is from, and what it is as a run of the old version.
struct GivenCase {
    path: PathBuf,
    case: Case,
    scenario: Scenario,
}

impl Diff {
    pub fn execute(self) -> Result<Exit> {
        let versions = self.versions()?;
        let given = self.given(&versions[0])?;
        if given.is_empty() && self.seeds.is_empty() {
            terminal::note("nothing ran: no cases, and the range of seeds is empty");
            return Ok(Exit::NothingRan);
        }
        let interrupt = terminal::interrupt();
        let answers = versions[1].model.answers();
        let [old, new] = versions.each_ref().map(Version::world);
        let translate = |scenario: &Scenario| {
            // The same documents: the same schemas, by the same numbers.
            if old.air.manifest_hash == new.air.manifest_hash {
                return Ok(scenario.clone());
            }
            let case = Case::new(&old.air, scenario, unjudged(old, None));
            let checked = case.check_answers(&answers);
            let bound = checked.and_then(|()| case.bind(&new.air));
            bound.map_err(|error| error.to_string())
        };
        let pair = Versions {
            worlds: versions.each_ref().map(|it| (it.world(), &*it.model)),
            translate: &translate,
        };
        let options = Options {
            cases: given.iter().map(|given| given.scenario.clone()).collect(),
            seeds: self.seeds.clone(),
            jobs: jobs(self.jobs),
            interrupt: interrupt.clone(),
        };
        let found = search(pair, &options)?;
        let teller = Teller {
            diff: &self,
            versions: &versions,
            given: &given,
            pair,
            interrupt: &interrupt,
        };
        teller.tell(&found)
    }

    /// Both versions, loaded.
    fn versions(&self) -> Result<[Version; 2]> {
        let old = self.arguments(&self.old, &self.new)?;
        let new = self.arguments(&self.new, &self.old)?;
        let is_told = old.world == new.world;
        let old = version("the old version", old, WorldArguments::load)?;
        let load = match is_told {
            true => WorldArguments::load_again,
            false => WorldArguments::load,
        };
        Ok([old, version("the new version", new, load)?])
    }

    /// What names a version as other commands have it. The documents of a wasm are those of
    /// `--world`, or those of the other version, if that is a folder.
    fn arguments(&self, version: &str, other: &str) -> Result<WorldArguments> {
        let path = Path::new(version);
        if path.is_dir() {
            if self.world.world.is_some() {
                bail!("`--world` is for wasm files, and {version} is the folder of a world");
            }
            return Ok(WorldArguments {
                world: Some(path.to_owned()),
                ..self.world.clone()
            });
        }
        if !path.exists() && !version.contains('=') {
            return Err(Hinted::new(
                format!("no {version} here"),
                "expected a wasm file, NAME=FILE, or the folder of a world",
            ));
        }
        let of_other = || Path::new(other).is_dir().then(|| PathBuf::from(other));
        let wasm = [version.to_owned()].into_iter();
        Ok(WorldArguments {
            world: self.world.world.clone().or_else(of_other),
            wasm: wasm.chain(self.world.wasm.clone()).collect(),
            ..self.world.clone()
        })
    }

    /// The cases: all of a folder that was named must be of the old version's world. Of the usual
    /// folder those that are not are left out, and counted.
    fn given(&self, old: &Version) -> Result<Vec<GivenCase>> {
        let usual = PathBuf::from(CORPUS);
        let folder = match &self.corpus {
            Some(folder) if !folder.is_dir() => bail!("no folder {}", folder.display()),
            Some(folder) => folder,
            None if usual.is_dir() => &usual,
            None => return Ok(Vec::new()),
        };
        let answers = old.model.answers();
        let mut given = Vec::new();
        let mut others = 0_u64;
        for path in cases::expanded(std::slice::from_ref(folder), cases::is_json)? {
            let of = old.arguments.world.as_deref();
            match cases::read(&path, old.world(), &answers, of) {
                Ok((case, scenario)) => given.push(GivenCase {
                    path,
                    case,
                    scenario,
                }),
                Err(error) if self.corpus.is_some() => return Err(error),
                Err(_) => others += 1,
            }
        }
        if others > 0 {
            let others = counted(others, "case");
            terminal::note(&format!("left out {others} of {CORPUS}, not of this world"));
        }
        Ok(given)
    }
}

type Load = fn(&WorldArguments) -> Result<Loaded>;

fn version(which: &str, arguments: WorldArguments, load: Load) -> Result<Version> {
    let mut loaded = load(&arguments).context(which.to_owned())?;
    let model = models::surveyed(&mut loaded.world)
        .with_context(|| format!("{which}: the reducer cannot be run"))?;
    Ok(Version {
        arguments,
        loaded,
        model,
    })
}

/// What a case says beside its scenario, before it was judged.
fn unjudged(world: &World, found_by: Option<FoundBy>) -> FoundCase {
    FoundCase {
        about: None,
        found_by: found_by.unwrap_or(FoundBy {
            driver: "hand".to_owned(),
            seed: None,
            faults: None,
        }),
        world: WorldHashes::of(world),
        judged: None,
    }
}

fn search(pair: Versions<'_>, options: &Options) -> Result<Differences> {
    let all = options.cases.len() as u64 + (options.seeds.end - options.seeds.start);
    let progress = terminal::Progress::new(Some(all), "runs");
    let found = diff::run(pair, options, |done| {
        progress.update(done, |seconds| format!("{seconds:.0} s"));
    });
    progress.finish();
    Ok(found?)
}

/// Says what was found.
struct Teller<'a> {
    diff: &'a Diff,
    versions: &'a [Version; 2],
    given: &'a [GivenCase],
    pair: Versions<'a>,
    interrupt: &'a Interrupt,
}

impl Teller<'_> {
    fn tell(&self, found: &Differences) -> Result<Exit> {
        let mut text = Text::default();
        for (side, version) in [Side::Old, Side::New].iter().zip(self.versions) {
            let notes = &version.loaded.notes;
            if notes.is_empty() {
                let folder = version.arguments.folder();
                text.line(format!("{side}: the world {}", folder.display()));
            }
            notes
                .iter()
                .for_each(|note| text.line(format!("{side}: {note}")));
        }
        write!(terminal::out(), "{text}")?;
        let mut sides = Sides::new(self.pair, self.interrupt)?;
        let mut is_same = true;
        for (kind, one) in found.kinds.iter().take(MOST_KINDS) {
            let mut text = Text::default();
            is_same &= self.kind(&mut text, &mut sides, found, (kind, one))?;
            write!(terminal::out(), "{text}")?;
        }
        let mut text = Text::default();
        let more = found.kinds.len().saturating_sub(MOST_KINDS);
        if more > 0 {
            text.line(format!("{} more", counted(more as u64, "kind")));
        }
        if found.cut > 0 {
            let cut = counted(found.cut, "run");
            text.line(format!("{cut} ended at a bound: compared up to there"));
        }
        if found.stopped > 0 {
            let stopped = counted(found.stopped, "run");
            text.line(format!(
                "{stopped} ended where the old version violates a property: compared up to there"
            ));
        }
        let (look, verdict) = verdict(found);
        text.look(look, verdict);
        write!(terminal::out(), "{text}")?;
        Ok(match (is_same, found.out) {
            (false, _) => Exit::Nondeterminism,
            (true, 1..) => Exit::Violation,
            (true, 0) if found.is_interrupted => Exit::Interrupted,
            (true, 0) if found.turns == 0 => Exit::NothingRan,
            (true, 0) if found.are_mostly_short() => Exit::Incomplete,
            (true, 0) => Exit::Holds,
        })
    }

    /// One kind, with its shortest run; false if fresh instances do not show it again.
    fn kind(
        &self,
        text: &mut Text,
        sides: &mut Sides<'_>,
        all: &Differences,
        (kind, found): (&DifferenceKind, &Found),
    ) -> Result<bool> {
        text.look(Look::Head, differing::kind(kind));
        let (runs, of) = (found.runs, counted(all.runs, "run"));
        let first = self.name(found.first);
        text.line(format!("  in {runs} of {of}, the first is {first}"));
        let shorter = diff::shortened(sides, kind, &found.scenario)?;
        if self.interrupt.is_asked() {
            return Ok(true);
        }
        let Some(scenario) = shorter else {
            let what = sim_session::NOT_A_FUNCTION;
            text.look(Look::Bad, format!("  not deterministic: {what}"));
            return Ok(false);
        };
        let lockstep = match sides.schedule(&scenario) {
            Ok(lockstep) => lockstep,
            Err(unknown) => bail!("{unknown}"),
        };
        let decisions = counted(scenario.schedule.len() as u64, "decision");
        let shortest = self.name(found.shortest);
        text.line(format!(
            "  the shortest, made of {shortest}, has {decisions}:"
        ));
        if let Some((_, turn)) = lockstep.differs {
            let shown = [Side::Old, Side::New].map(|side| Shown {
                world: self.versions[side as usize].world(),
                trace: sides.trace(side),
                violations: &lockstep.checked[side as usize].violations,
            });
            differing::run(text, &scenario, shown, (kind, turn));
        }
        if let Some(folder) = &self.diff.case_dir {
            let old = &lockstep.checked[Side::Old as usize];
            let judged = match old.violations.first() {
                None => CaseVerdict::Holds,
                Some(violation) => CaseVerdict::Violated(violation.name().to_owned()),
            };
            let world = self.versions[0].world();
            let about = FoundCase {
                about: Some(differing::kind(kind)),
                judged: Some((judged, old.digest)),
                ..unjudged(world, Some(self.found_by(found.shortest, &scenario)))
            };
            let case = Case::new(&world.air, &scenario, about);
            let written = store::write(folder, "diff", &case)?;
            text.line(format!("  case: {}", written.path.display()));
            for (side, version) in [Side::Old, Side::New].iter().zip(self.versions) {
                let command = replay::command(&written.path, &version.arguments);
                text.line(format!("  {side}: {command}"));
            }
        }
        Ok(true)
    }

    /// Where a run is from, for a person.
    fn name(&self, run: RunFrom) -> String {
        match run {
            RunFrom::Seed(seed) => format!("seed {seed}"),
            RunFrom::Case(index) => self.given[index].path.display().to_string(),
        }
    }

    fn found_by(&self, run: RunFrom, scenario: &Scenario) -> FoundBy {
        match run {
            RunFrom::Seed(seed) => FoundBy::seed(seed, scenario),
            RunFrom::Case(index) => self.given[index].case.found_by.clone(),
        }
    }
}

fn verdict(found: &Differences) -> (Look, String) {
    let runs = counted(found.runs, "run");
    let stopped = match found.is_interrupted {
        true => ", when it was interrupted",
        false => "",
    };
    if found.out == 0 && found.turns == 0 {
        return (
            Look::Bad,
            format!("nothing ran: {runs}, and no decision was possible"),
        );
    }
    if found.out == 0 && found.are_mostly_short() {
        let what = "equal up to where they ended, which most did before their end";
        return (Look::Bad, format!("{runs}{stopped}: {what}"));
    }
    match (found.out, found.state) {
        (0, 0) => (Look::Good, format!("equal within {runs}{stopped}")),
        (0, state) => (
            Look::Good,
            format!("equal in what goes out within {runs}{stopped}; states differ in {state}"),
        ),
        (out, _) => (Look::Bad, format!("different: in {out} of {runs}{stopped}")),
    }
}
