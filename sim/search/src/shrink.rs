//! The shortest schedule that still violates what a scenario violates.
//!
//! A candidate is a scenario that is changed in one way. An *oracle* runs it and, if it still fails
//! in the same way, answers with the decisions that were really taken, up to the violation: those
//! that were not possible are left out, and what comes after is cut off. The answer takes the place
//! of the best so far if it is simpler by [`Measure`], which only ever goes down, so that shrinking
//! ends. Nothing is run, read or written here, and what is drawn is always the same: the same
//! scenario and the same oracle give the same result.
//!
//! The passes are ordered by what they cost. Whenever one finds something, all begin anew, from
//! the cheapest; no candidate is tried twice.

mod decisions;
mod deletion;
mod measure;
mod numbers;
mod requests;
mod stories;
mod values;
mod ways;

use decisions::Answers;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use twox_hash::XxHash3_128;

pub use measure::Measure;
use sim_air::{Air, SchemaId};
use sim_model::Model;
use sim_record::interrupt::Interrupt;
use sim_record::scenario::{Decision, Scenario};

/// Attempts that are made by default.
pub const DEFAULT_ATTEMPTS: u32 = 20_000;
/// Decisions that are run in them by default: fewer attempts of a long scenario,
/// of which each takes long.
pub const WORTHWHILE_DECISIONS: u64 = 1_000_000;

/// The most attempts that anyone may ask for.
pub const MOST_ATTEMPTS: u32 = 10_000_000;

/// Schedules with more decisions are long.
const LONG: usize = 100;

/// The world that scenarios are of.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Its documents.
    pub air: &'a Air,
    /// Its model.
    pub model: &'a dyn Model,
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Shrunk {
    /// Simpler than the first, or the same; it fails.
    pub scenario: Scenario,
    /// Candidates that were run, beside the one without decisions.
    pub attempts: u32,
    /// Decisions that were run in them.
    pub decisions: u64,
    /// How often a simpler scenario was found.
    pub improvements: u32,
    /// What each pass did, in order of what they cost.
    pub passes: Vec<PassStatistics>,
    /// All attempts were used up, or it was interrupted: more may find something simpler.
    pub exhausted: bool,
}

impl Shrunk {
    /// Counts what was spent before on another start, whose result is not used.
    pub(crate) fn add_spent(&mut self, before: &Shrunk) {
        self.attempts += before.attempts;
        self.decisions += before.decisions;
        self.improvements += before.improvements;
        for (pass, before) in self.passes.iter_mut().zip(&before.passes) {
            pass.attempts += before.attempts;
            pass.improvements += before.improvements;
            pass.decisions_removed += before.decisions_removed;
        }
    }
}

/// What a pass did in all its turns. Attempts and improvements of all passes add up to those of
/// [`Shrunk`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PassStatistics {
    /// What it is called.
    pub name: &'static str,
    /// Candidates that were run, those of its detours included.
    pub attempts: u32,
    /// How often it found a simpler scenario.
    pub improvements: u32,
    /// By how many decisions the best scenario is shorter for it. Below 0 where the simpler one is
    /// longer: a story may read more naturally with another decision.
    pub decisions_removed: i64,
}

/// Why there is nothing to shrink.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// It holds.
    #[error("it does not fail")]
    DoesNotFail,
    /// Nothing can be left out.
    #[error("it fails without a single decision, so no decision is to blame")]
    EmptyFails,
}

/// What may be spent on shrinking.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Candidates that may be run.
    pub attempts: u32,
    /// In all attempts.
    pub decisions: u64,
    /// Ends it soon after this is asked.
    pub interrupt: Interrupt,
}

impl From<u32> for Budget {
    /// So many attempts, however long.
    fn from(attempts: u32) -> Budget {
        Budget {
            attempts,
            decisions: u64::MAX,
            interrupt: Interrupt::default(),
        }
    }
}

impl Default for Budget {
    /// What is worth it.
    fn default() -> Budget {
        Budget {
            attempts: DEFAULT_ATTEMPTS,
            decisions: WORTHWHILE_DECISIONS,
            interrupt: Interrupt::default(),
        }
    }
}

impl Budget {
    /// What is left after something was shrunk.
    pub fn after(&self, shrunk: &Shrunk) -> Budget {
        Budget {
            attempts: self.attempts.saturating_sub(shrunk.attempts),
            decisions: self.decisions.saturating_sub(shrunk.decisions),
            interrupt: self.interrupt.clone(),
        }
    }
}

/// Proves that the scenario fails, and does not without its decisions, and makes it simpler within
/// the budget. `oracle` answers with the scenario as it was really run, its schedule up to the
/// violation, or None if it does not fail in the same way. `progress` gets each improvement, and
/// the attempts so far.
///
/// # Errors
/// If it does not fail, or fails without a decision.
pub fn shrink(
    scenario: &Scenario,
    subject: Subject<'_>,
    budget: impl Into<Budget>,
    mut oracle: impl FnMut(&Scenario) -> Option<Scenario>,
    progress: impl FnMut(&Scenario, u32),
) -> Result<Shrunk, Refused> {
    let best = oracle(scenario).ok_or(Refused::DoesNotFail)?;
    shrink_proven(best, subject, budget, oracle, progress)
}

/// The same of a scenario that was seen to fail, as it was really run.
///
/// # Errors
/// If it fails without a decision.
pub fn shrink_proven(
    best: Scenario,
    subject: Subject<'_>,
    budget: impl Into<Budget>,
    mut oracle: impl FnMut(&Scenario) -> Option<Scenario>,
    mut progress: impl FnMut(&Scenario, u32),
) -> Result<Shrunk, Refused> {
    let empty = Scenario {
        schedule: Vec::new(),
        ..best.clone()
    };
    if oracle(&empty).is_some() {
        return Err(Refused::EmptyFails);
    }
    let context = Context::new(subject, &best);
    let mut search = Search {
        measure: context.measure(&best),
        most_decisions: best.schedule.len(),
        context,
        best,
        tried: BTreeSet::new(),
        attempts: 0,
        decisions: 0,
        budget: budget.into(),
        exhausted: false,
        improvements: 0,
        passes: Search::PASSES.map(|(name, _)| PassStatistics {
            name,
            attempts: 0,
            improvements: 0,
            decisions_removed: 0,
        }),
        is_detour: false,
        oracle: &mut oracle,
        progress: &mut progress,
    };
    search.tried.insert(key(&search.best));
    search.run();
    Ok(Shrunk {
        scenario: search.best,
        attempts: search.attempts,
        decisions: search.decisions,
        improvements: search.improvements,
        passes: search.passes.into(),
        exhausted: search.exhausted,
    })
}

/// What the passes know beside the best scenario.
struct Context<'a> {
    subject: Subject<'a>,
    /// The requests of the first scenario, which later ones may be renamed to.
    identities: Vec<Identity>,
    /// The schemas and labels of their first events.
    starts: Vec<(SchemaId, String)>,
    /// The answers that work may get, the simplest first.
    answers: Answers,
    /// What a spurious event counts for; see [`Measure::cost`].
    spurious_cost: u64,
    /// The first scenario is one that clients allow; so are those that are tried.
    is_allowed: bool,
}

/// What a spurious event costs at least, in worlds whose plans answer nothing.
const LEAST_SPURIOUS_COST: u64 = 3;

/// What a request is called: by the schedule, and in events.
#[derive(Clone, PartialEq, Eq)]
struct Identity {
    name: String,
    correlation: Option<String>,
}

impl<'a> Context<'a> {
    fn new(subject: Subject<'a>, scenario: &Scenario) -> Context<'a> {
        let mut context = Context {
            subject,
            identities: Vec::new(),
            starts: Vec::new(),
            answers: Answers::of(subject.model),
            spurious_cost: 0,
            is_allowed: subject.model.allows(scenario),
        };
        context.spurious_cost = context.longest_way().max(LEAST_SPURIOUS_COST);
        for request in &scenario.requests {
            context.identities.push(context.identity(request));
            let label = context.item(request.schema, &request.value).label;
            context.starts.push((request.schema, label));
        }
        context
    }

    /// What the requests of a scenario are called in events.
    fn correlations<'s>(&self, scenario: &'s Scenario) -> Vec<Cow<'s, str>> {
        let model = self.subject.model;
        let requests = scenario.requests.iter();
        requests
            .filter_map(|request| model.correlation(request.schema, &request.value))
            .collect()
    }
}

/// A way to make a scenario simpler, and its name.
type Pass<'a> = (&'static str, fn(&mut Search<'a>));

const PASS_COUNT: usize = 14;

/// The best scenario so far, and what was spent to find it.
struct Search<'a> {
    context: Context<'a>,
    best: Scenario,
    measure: Measure,
    /// As many as the first one has: a story that reads more naturally may be longer than another,
    /// and never longer than what was found.
    most_decisions: usize,
    tried: BTreeSet<u128>,
    attempts: u32,
    /// That were run in the attempts.
    decisions: u64,
    budget: Budget,
    exhausted: bool,
    improvements: u32,
    /// What each of [`Search::PASSES`] did, in their order.
    passes: [PassStatistics; PASS_COUNT],
    /// Within a detour, whose improvements are none until it is better than the best before it.
    is_detour: bool,
    oracle: &'a mut dyn FnMut(&Scenario) -> Option<Scenario>,
    progress: &'a mut dyn FnMut(&Scenario, u32),
}

impl<'a> Search<'a> {
    /// In order of what they cost.
    const PASSES: [Pass<'a>; PASS_COUNT] = [
        ("delete_groups", Self::delete_groups),
        ("plain_numbers_of_long", Self::plain_numbers_of_long),
        ("delete_chunks", Self::delete_chunks),
        ("delete_requests", Self::delete_requests),
        ("simplify_decisions", Self::simplify_decisions),
        ("delete_returns", Self::delete_returns),
        ("simplify_values", Self::simplify_values),
        ("delete_windows", Self::delete_windows),
        ("delete_pairs", Self::delete_pairs),
        ("tell_otherwise", Self::tell_otherwise),
        ("lower_numbers", Self::lower_numbers),
        ("delete_rounds", Self::delete_rounds),
        ("copy_later", Self::copy_later),
        ("delete_triples", Self::delete_triples),
    ];

    /// Short scenarios begin anew, from the cheapest pass, whenever something was found. Of long
    /// ones, of which each attempt takes long, all passes have their turn before.
    fn run(&mut self) {
        let mut pass = 0;
        let mut found = 0;
        loop {
            if self.exhausted {
                break;
            }
            if pass == PASS_COUNT {
                if self.improvements == found {
                    break;
                }
                (pass, found) = (0, self.improvements);
            }
            let before = self.improvements;
            self.run_pass(pass);
            let is_anew = self.improvements > before && !self.is_long();
            pass = if is_anew { 0 } else { pass + 1 };
        }
    }

    /// Gives a pass its turn, and counts what it did by the difference.
    fn run_pass(&mut self, pass: usize) {
        let (attempts, improvements) = (self.attempts, self.improvements);
        let decisions = self.best.schedule.len() as i64;
        let (_, run) = Self::PASSES[pass];
        run(self);
        let statistics = &mut self.passes[pass];
        statistics.attempts += self.attempts - attempts;
        statistics.improvements += self.improvements - improvements;
        statistics.decisions_removed += decisions - self.best.schedule.len() as i64;
    }

    fn is_long(&self) -> bool {
        self.best.schedule.len() > LONG
    }

    /// Runs a candidate, unless it was tried or nothing is left to spend. True if it is the best
    /// now.
    fn attempt(&mut self, candidate: &Scenario) -> bool {
        let Some(taken) = self.ask(candidate) else {
            return false;
        };
        let measure = self.context.measure(&taken);
        if measure >= self.measure || taken.schedule.len() > self.most_decisions {
            return false;
        }
        self.best = taken;
        self.measure = measure;
        if !self.is_detour {
            self.tell();
        }
        true
    }

    /// What the oracle says of a candidate that is new.
    fn ask(&mut self, candidate: &Scenario) -> Option<Scenario> {
        if self.exhausted || !self.tried.insert(key(candidate)) {
            return None;
        }
        if self.context.is_allowed && !self.context.subject.model.allows(candidate) {
            return None;
        }
        let is_spent = self.attempts >= self.budget.attempts
            || self.decisions >= self.budget.decisions
            || self.budget.interrupt.is_asked();
        if is_spent {
            self.exhausted = true;
            return None;
        }
        self.attempts += 1;
        self.decisions += candidate.schedule.len() as u64;
        (self.oracle)(candidate)
    }

    /// Runs a candidate that is a detour: it may be less simple than the best, if deleting makes
    /// it simpler than that. True if it is the best now.
    fn detour(&mut self, candidate: &Scenario) -> bool {
        let Some(taken) = self.ask(candidate) else {
            return false;
        };
        let measure = self.context.measure(&taken);
        let best = std::mem::replace(&mut self.best, taken);
        let best_measure = std::mem::replace(&mut self.measure, measure);
        self.is_detour = true;
        self.delete_chunks();
        self.simplify_decisions();
        self.delete_chunks();
        self.delete_windows();
        self.is_detour = false;
        if self.measure < best_measure && self.best.schedule.len() <= self.most_decisions {
            self.tell();
            return true;
        }
        self.best = best;
        self.measure = best_measure;
        false
    }

    fn tell(&mut self) {
        self.improvements += 1;
        (self.progress)(&self.best, self.attempts);
    }

    /// The best scenario with another schedule.
    fn with_schedule(&self, schedule: Vec<Decision>) -> Scenario {
        self.best.with_schedule(schedule)
    }
}

/// By what a candidate is known: all in which candidates differ. It never leaves this process.
fn key(scenario: &Scenario) -> u128 {
    let mut hasher = Wide(XxHash3_128::new());
    scenario.requests.hash(&mut hasher);
    scenario.schedule.hash(&mut hasher);
    hasher.0.finish_128()
}

/// A hasher of 128 bits, which the standard interface has no room for.
struct Wide(XxHash3_128);

impl Hasher for Wide {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish_128() as u64
    }
}
