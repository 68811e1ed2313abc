//! The target `reducer_events`: a case is run by the simulator and judged by the invariants, as
//! everywhere else, on a reducer that tells which of its blocks it entered and what it compared.
//!
//! What a run violates is believed only if it violates it on the reducer as it ships, on fresh
//! instances. Then it is shrunk, written as a case and reported as `sim run` does.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Result;
use sim::campaign::{Effort, Runner};
use sim::cases::{Case, CaseVerdict, FoundBy, WorldHashes, store};
use sim::cli::{Loaded, replay_command};
use sim::host::Coverage;
use sim::kernel::World;
use sim::marks::Marks;
use sim::model::{Model, Signature};
use sim::models;
use sim::random::Seed;
use sim::report::event::Readers;
use sim::report::human::Human;
use sim::scenario::{Decision, Scenario};
use sim::session::{Finding, Session, Settings as SessionSettings};
use sim::shrink::Budget;
use sim::simulator::{Flight, Scripted};

use crate::features::{self, hash};
use crate::input::{self, Writer};
use crate::mutate::{self, Palette, Pool, dictionary::Dictionary};
use crate::observe::Observed;
use crate::possible::{self, Remembered};
use crate::seeds::{self, Sown};
use crate::settings::{Mutator, Settings};

/// Runs on the same wasm instances: to make them costs as much as two runs.
const RUNS_PER_INSTANCE: u32 = 256;
/// One look for leaks in so many runs.
const RUNS_PER_LEAK_CHECK: u32 = 16 * RUNS_PER_INSTANCE;

/// How closely the reducer as it ships is looked at where a find is confirmed.
const EFFORTS: [Effort; 2] = [Effort::Plain, Effort::Thorough];

/// So often a block of the guest counts as seen. What every run enters tells nothing, and libFuzzer
/// would spend a fifth of its time on it.
const TOLD_BLOCKS: u16 = 1 << 10;

/// The cases of the project, and one with nothing in it. No world is loaded for it: a case of
/// another world is rejected when it is run.
///
/// # Errors
/// If a file cannot be read.
pub fn seeds(settings: &Settings) -> Result<Vec<Sown>> {
    let mut seeds = seeds::files(&settings.seeds)?;
    seeds.retain(|seed| seed.name.ends_with(".json"));
    seeds.push(Sown::new("empty.json", input::EMPTY));
    Ok(seeds)
}

/// What is loaded once: the world as it ships, and the same with a reducer that tells more.
pub struct Subject {
    settings: Settings,
    plain: Loaded,
    observed: World,
    model: Box<dyn Model>,
}

impl Subject {
    /// # Errors
    /// If documents or wasm cannot be read, or the wasm cannot be instrumented.
    pub fn load(settings: Settings) -> Result<Subject> {
        let mut plain = settings.world.load()?;
        models::surveyed(&mut plain.world)?;
        let observed = match settings.feedback.sees_guest() {
            true => settings.world.load_instrumented()?.world,
            false => settings.world.load()?.world,
        };
        Ok(Subject::new(settings, plain, observed))
    }

    /// Of a world as it ships, and the same world to be observed.
    pub fn new(settings: Settings, plain: Loaded, observed: World) -> Subject {
        let model = models::of(&plain.world);
        Subject {
            settings,
            plain,
            observed,
            model,
        }
    }
}

/// How an execution ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The bytes are not a case of this world.
    NotACase,
    Holds,
    /// The name of the property.
    Violates(String),
    /// It violated a property, and does not on fresh instances: the reducer remembers.
    NotRepeatable(String),
}

/// The fuzzer's side of one world, for one thread.
pub struct Target<'s> {
    subject: &'s Subject,
    runner: Runner<'s>,
    /// On the reducer as it ships.
    plain: Runner<'s>,
    runs: u32,
    /// Of each reducer.
    coverage: Vec<Coverage>,
    /// How often each block was told, up to [`TOLD_BLOCKS`].
    told: Vec<u16>,
    writer: Writer,
    dictionary: Dictionary,
    pool: Pool,
    remembered: Remembered,
    /// The cases that were found before, by how they fail.
    finds: BTreeMap<Signature, PathBuf>,
    /// The files among which they are.
    read: BTreeSet<PathBuf>,
    /// Those that were met again.
    told_finds: BTreeSet<PathBuf>,
    /// The scenario that was made or read last, by the hash of its text.
    latest: Option<(u64, Scenario)>,
    /// What was in flight when the schedule that was run last had ended.
    flight: Option<(u64, Flight)>,
}

impl<'s> Target<'s> {
    /// # Errors
    /// If the reducer cannot be instantiated.
    pub fn new(subject: &'s Subject) -> Result<Target<'s>> {
        let model = &*subject.model;
        let mut runner = Runner::new(&subject.observed, model)?;
        runner.set_effort(Effort::Sampled);
        runner.trace.leave_out_digest();
        Ok(Target {
            subject,
            runner,
            plain: Runner::new(&subject.plain.world, model)?,
            runs: 0,
            coverage: subject
                .observed
                .air
                .reducer_ids()
                .map(|_| Coverage::default())
                .collect(),
            told: vec![0; features::BLOCK_COUNT],
            writer: Writer::new(WorldHashes::of(&subject.plain.world)),
            dictionary: Dictionary::default(),
            pool: Pool::default(),
            remembered: Remembered::default(),
            finds: BTreeMap::new(),
            read: BTreeSet::new(),
            told_finds: BTreeSet::new(),
            latest: None,
            flight: None,
        })
    }

    /// Runs an input and notes its features. A violation is written and told on `out`.
    ///
    /// # Errors
    /// If an instance of the reducer cannot be made, or `out` cannot be written to.
    pub fn run(&mut self, data: &[u8], out: &mut impl Write) -> Result<Ending> {
        let hash = text_hash(data);
        let Some(scenario) = self.scenario(hash, data) else {
            return Ok(Ending::NotACase);
        };
        let violated = self.execute(hash, &scenario)?;
        self.note_coverage();
        let ending = match violated {
            None => Ending::Holds,
            Some(name) => self.confirm(&scenario, name, out)?,
        };
        self.latest = Some((hash, scenario));
        Ok(ending)
    }

    /// The scenario of a text, which is mostly the one that the mutator has just made. Any other
    /// is one that libFuzzer keeps: it will come again, and is remembered.
    fn scenario(&mut self, hash: u64, data: &[u8]) -> Option<Scenario> {
        if let Some((_, scenario)) = self.latest.take_if(|(of, _)| *of == hash) {
            return Some(scenario);
        }
        if let Some(known) = self.remembered.get_mut(hash) {
            return Some(known.scenario.clone());
        }
        let scenario = input::read(&self.subject.observed.air, data)?;
        self.remembered.put(hash, scenario.clone());
        Some(scenario)
    }

    /// The invariant that a run violates on the instrumented reducer.
    fn execute(&mut self, hash: u64, scenario: &Scenario) -> Result<Option<String>> {
        if self.runs.is_multiple_of(RUNS_PER_INSTANCE) {
            self.runner.renew()?;
        }
        if self.runs.is_multiple_of(RUNS_PER_LEAK_CHECK) {
            self.runner.look_for_leaks();
        }
        self.runs = self.runs.wrapping_add(1);
        let feedback = self.subject.settings.feedback;
        let mut chooser = Observed::new(Scripted::new(scenario), feedback.states);
        // Which recoveries are tried is drawn by the input, so that it shows the same again.
        let checked = self.runner.run(Seed(hash), scenario, &mut chooser);
        self.flight = chooser.into_flight().map(|flight| (hash, flight));
        let first = checked.violations.first();
        Ok(first.map(|violation| violation.name().to_owned()))
    }

    /// What was reached and compared since this was last called.
    fn take_coverage(&mut self) {
        let reducers = self.subject.observed.air.reducer_ids();
        for (reducer, coverage) in reducers.zip(&mut self.coverage) {
            self.runner.take_coverage(reducer, coverage);
        }
    }

    fn note_coverage(&mut self) {
        self.take_coverage();
        let feedback = self.subject.settings.feedback;
        let reducers = self.subject.observed.air.reducer_ids();
        for (reducer, coverage) in reducers.zip(&mut self.coverage) {
            let first = features::first_block(reducer);
            coverage.drain_blocks(|index| {
                let block = features::block_of(first + index);
                if feedback.blocks && self.told[block] < TOLD_BLOCKS {
                    self.told[block] += 1;
                    features::block(block);
                }
            });
            if feedback.compares {
                for compared in &coverage.compares {
                    let site = hash([reducer.index() as u64, compared.site.into()]);
                    features::compare(site, compared);
                    self.dictionary.note(compared.a, compared.b);
                }
            }
            coverage.compares.clear();
        }
    }

    /// What runs have reached since it was taken last is no feature.
    fn forget_coverage(&mut self) {
        self.take_coverage();
        self.coverage.iter_mut().for_each(Coverage::clear);
    }

    /// Whether it is so on the reducer as it ships; if so it is written and told.
    fn confirm(
        &mut self,
        scenario: &Scenario,
        name: String,
        out: &mut impl Write,
    ) -> Result<Ending> {
        for effort in EFFORTS {
            self.plain.set_effort(effort);
            self.plain.renew()?;
            let checked = self.plain.replay(scenario);
            let mut sightings = self.plain.sightings(scenario, &checked).into_iter();
            let Some(sighting) = sightings.next() else {
                continue;
            };
            let first = sighting.violations.first();
            let name = first.map_or(name, |violation| violation.name().to_owned());
            let finding = Finding {
                found_by: FoundBy::fuzzer(),
                runs: 1,
                sighting,
                marks: Marks::default(),
            };
            if let Some(case) = self.known(&finding.sighting.signature)? {
                // Once for each: a process that goes on meets it again and again.
                if self.told_finds.insert(case.clone()) {
                    writeln!(out, "known: {} fails in the same way", case.display())?;
                }
                return Ok(Ending::Violates(name));
            }
            // The artifact is as good a case: a folder that cannot be written loses nothing.
            if let Err(error) = self.tell(&finding, out) {
                writeln!(out, "{}\nerror: {error:#}", finding.found_by)?;
            }
            return Ok(Ending::Violates(name));
        }
        // More fuel and stack are used where every block is counted: that is no finding. What a
        // fresh instance does not show in either form is one.
        self.runner.renew()?;
        let again = self.runner.replay(scenario);
        Ok(match again.violations.is_empty() {
            true => Ending::NotRepeatable(name),
            false => Ending::Holds,
        })
    }

    /// Whether fuzzing goes on after a find.
    pub fn goes_on(&self) -> bool {
        self.subject.settings.goes_on
    }

    /// The case that fails in the same way, if one of those that were found before does, by this
    /// process or another.
    fn known(&mut self, signature: &Signature) -> Result<Option<PathBuf>> {
        // The draft of a process that shrinks goes away when its case is there.
        self.finds
            .retain(|of, path| of != signature || path.exists());
        if !self.finds.contains_key(signature) {
            // What cannot be listed or read is no reason to lose a find.
            for path in store::list(&self.subject.settings.cases).unwrap_or_default() {
                if self.read.insert(path.clone()) {
                    self.learn(path)?;
                }
            }
        }
        Ok(self.finds.get(signature).cloned())
    }

    /// Takes in how a case fails, if it is a find.
    fn learn(&mut self, path: PathBuf) -> Result<()> {
        let air = &self.subject.plain.world.air;
        let case = store::read(&path).ok();
        let is_find = |case: &Case| matches!(case.verdict, Some(CaseVerdict::Violated(_)));
        let case = case.filter(is_find);
        let Some(scenario) = case.and_then(|case| case.bind(air).ok()) else {
            return Ok(());
        };
        for effort in EFFORTS {
            self.plain.set_effort(effort);
            self.plain.renew()?;
            let checked = self.plain.replay(&scenario);
            for sighting in self.plain.sightings(&scenario, &checked) {
                self.finds
                    .entry(sighting.signature)
                    .or_insert_with(|| path.clone());
            }
        }
        Ok(())
    }

    fn tell(&self, finding: &Finding, out: &mut impl Write) -> Result<()> {
        let settings = &self.subject.settings;
        let replay = |path: &Path| replay_command(path, &settings.world);
        let mut session = Session::new(
            &self.subject.plain.world,
            &*self.subject.model,
            SessionSettings {
                folder: settings.cases.clone(),
                budget: Some(Budget::default()),
                // What else was met on the way libFuzzer finds by itself, and it is kept by then.
                most_failures: 1,
                replay: &replay,
                progress: &|_| {},
            },
        )?;
        let mut readers = Readers(vec![Box::new(Human::plain(out, &self.subject.plain.world))]);
        session.settle([finding.clone()], &mut readers)?;
        Ok(())
    }

    /// Makes another input of one, of at most so many bytes; of what is not a case, a case. `bytes`
    /// changes bytes as libFuzzer does. None if that is how the whole input is to be changed.
    pub fn mutate(
        &mut self,
        data: &[u8],
        most_bytes: usize,
        seed: u32,
        bytes: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Result<Option<String>> {
        if self.subject.settings.mutator == Mutator::Bytes {
            return Ok(None);
        }
        let hash = text_hash(data);
        let mut scenario = self.scenario(hash, data).unwrap_or_else(input::blank);
        let possible = self.possible(hash, &scenario)?;
        let mut palette = Palette {
            air: &self.subject.observed.air,
            model: &*self.subject.model,
            pool: &self.pool,
            dictionary: &self.dictionary,
            answers: possible::answers(&*self.subject.model),
            words: possible::words(&scenario),
            possible: &possible,
            bytes,
        };
        mutate::mutate(&mut scenario, &mut palette, seed);
        Ok(self.finish(scenario, most_bytes))
    }

    /// Makes one input of two. libFuzzer asks for it half the time, which is too often: mostly it
    /// is another mutation of the first.
    pub fn cross(
        &mut self,
        data: &[u8],
        other: &[u8],
        most_bytes: usize,
        seed: u32,
        bytes: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Result<Option<String>> {
        const CROSSED: u32 = 4;
        if !seed.is_multiple_of(CROSSED) {
            return self.mutate(data, most_bytes, seed, bytes);
        }
        let Some(other) = self.scenario(text_hash(other), other) else {
            return self.mutate(data, most_bytes, seed, bytes);
        };
        let mut scenario = self
            .scenario(text_hash(data), data)
            .unwrap_or_else(input::blank);
        mutate::splice(&mut scenario, &other, seed);
        Ok(self.finish(scenario, most_bytes))
    }

    /// The text of a scenario, its schedule cut short until it fits; None if no schedule does.
    fn finish(&mut self, mut scenario: Scenario, most_bytes: usize) -> Option<String> {
        mutate::trim(&mut scenario, self.subject.settings.most_decisions);
        loop {
            let text = self.writer.write(&self.subject.observed.air, &scenario);
            if text.len() <= most_bytes {
                self.latest = Some((text_hash(text.as_bytes()), scenario));
                return Some(text);
            }
            let length = scenario.schedule.len();
            let fits = length * most_bytes / text.len();
            scenario.schedule.truncate(fits.min(length.checked_sub(1)?));
        }
    }

    /// What could be decided when the schedule of an input had ended; it is run for that if it
    /// was not just now.
    fn possible(&mut self, hash: u64, scenario: &Scenario) -> Result<Rc<[Decision]>> {
        let known = self.remembered.get_mut(hash);
        if let Some(possible) = known.and_then(|known| known.possible.clone()) {
            return Ok(possible);
        }
        if self.flight.as_ref().is_none_or(|(of, _)| *of != hash) {
            self.execute(hash, scenario)?;
            self.forget_coverage();
        }
        let Some((_, flight)) = &self.flight else {
            return Ok(Rc::default());
        };
        let possible: Rc<[Decision]> =
            possible::decisions(scenario, flight, &self.runner.trace).into();
        possible
            .iter()
            .for_each(|decision| self.pool.note(decision));
        if let Some(known) = self.remembered.get_mut(hash) {
            known.possible = Some(possible.clone());
        }
        Ok(possible)
    }
}

fn text_hash(data: &[u8]) -> u64 {
    // Words of eight bytes: it is computed a few times for each execution.
    let (words, rest) = data.as_chunks::<8>();
    let rest = rest.iter().map(|byte| u64::from(*byte));
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    hash(words.chain(rest).chain([data.len() as u64]))
}
