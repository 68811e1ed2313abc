//! The case with one decision changed: left out, or another in its place that is possible there.
//! The rest stays as it was; what is not possible any more is skipped, as in any replay.
//!
//! A changed case is always followed to its rest, by a liveness phase, even where the case has
//! none: a schedule that merely ends before the failure is not one that does not fail. Each is run
//! on fresh instances.

use super::{Failing, NoAnswer};
use crate::campaign::{Checked, Effort, Runner};
use crate::explore;
use sim_host::StepError;
use sim_record::scenario::{Decision, Scenario};
use sim_record::trace::{Choice, Digest, Trace};
use sim_simulator::{Chooser, End, Scripted, Situation};

/// So many others are tried in the place of a decision: of what goes on by itself first.
const MOST_OTHERS: usize = 24;

/// What comes of a changed case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It fails in the same way, in its own decisions, or in the liveness phase that it has.
    Fails,
    /// It comes to the failure once its decisions are over, when faults have stopped.
    Later,
    /// It violates this property, and not that of the failure.
    Other(String),
    /// Nothing is violated until all has come to rest.
    Holds,
    /// It does not come to rest within the bounds: nothing is known.
    Open,
}

/// A decision of the case, and what comes of the case without it.
#[derive(Clone, PartialEq, Debug)]
pub struct Changed {
    /// The decision.
    pub decision: Decision,
    /// With none in its place.
    pub without: Fate,
    /// With others in its place, those that go on by themselves first.
    pub instead: Vec<Instead>,
    /// How many decisions are not possible any more without it.
    skipped: usize,
}

/// Another decision in the place of one of the case.
#[derive(Clone, PartialEq, Debug)]
pub struct Instead {
    /// The other.
    pub decision: Decision,
    /// What comes of it.
    pub fate: Fate,
    /// How many decisions are not possible any more.
    skipped: usize,
}

/// A schedule that differs from the case's in one decision, and does not fail.
#[derive(Clone, PartialEq, Debug)]
pub struct Closest {
    /// Which of the case's decisions is another.
    pub turn: usize,
    /// What is in its place; None if nothing is.
    pub instead: Option<Decision>,
    /// How many of the decisions after it are not possible any more.
    pub skipped: usize,
    /// The case with that one decision changed, and a liveness phase.
    pub scenario: Scenario,
    /// The digest of its run.
    pub digest: Digest,
}

/// Changes each decision of the case in turn.
pub(super) fn all(runner: &mut Runner<'_>, failing: Failing<'_>) -> Result<Vec<Changed>, NoAnswer> {
    let scenario = failing.scenario;
    let mut noting = Noting {
        scenario,
        case: Scripted::new(scenario),
        others: Vec::new(),
    };
    runner.until(scenario, &mut noting, failing.rank);
    let mut others = noting.others.into_iter();
    let mut changed = Vec::new();
    for (turn, decision) in scenario.schedule.iter().enumerate() {
        let (without, skipped) = try_with(runner, failing, (turn, None))?;
        let mut instead = Vec::new();
        for other in others.next().unwrap_or_default() {
            let (fate, skipped) = try_with(runner, failing, (turn, Some(&other)))?;
            instead.push(Instead {
                decision: other,
                fate,
                skipped,
            });
        }
        changed.push(Changed {
            decision: decision.clone(),
            without,
            instead,
            skipped,
        });
    }
    Ok(changed)
}

/// Of the changed cases that hold the closest: of which the fewest decisions are not possible any
/// more, of these the one that goes the same way for the longest, of these by a decision of the
/// same kind, such as another status, and by any rather than by none.
///
/// It is believed only if it holds when it is looked at as closely as can be.
pub(super) fn closest(
    runner: &mut Runner<'_>,
    failing: Failing<'_>,
    decisions: &[Changed],
) -> Result<Option<Closest>, NoAnswer> {
    let mut holding = Vec::new();
    for (turn, changed) in decisions.iter().enumerate() {
        let others = changed.instead.iter();
        let others = others.map(|other| (Some(&other.decision), &other.fate, other.skipped));
        let none = (None, &changed.without, changed.skipped);
        let all = others.chain([none]);
        let held = all.filter(|(_, fate, _)| **fate == Fate::Holds);
        holding.extend(held.map(|(instead, _, skipped)| (skipped, turn, instead)));
    }
    let is_alike = |turn: usize, instead: Option<&Decision>| {
        let of_case = failing.scenario.schedule.get(turn);
        of_case.map(std::mem::discriminant) == instead.map(std::mem::discriminant)
    };
    // Sorting is stable: what is as close stays in its order.
    holding.sort_by_key(|(skipped, turn, instead)| {
        (
            *skipped,
            std::cmp::Reverse(*turn),
            !is_alike(*turn, *instead),
        )
    });
    for (skipped, turn, instead) in holding {
        let scenario = with(failing.scenario, (turn, instead));
        runner.set_effort(Effort::Thorough);
        runner.renew()?;
        let checked = runner.replay(&scenario);
        if checked.violations.is_empty() && checked.end == End::Finished {
            return Ok(Some(Closest {
                turn,
                instead: instead.cloned(),
                skipped,
                scenario,
                digest: checked.digest,
            }));
        }
    }
    Ok(None)
}

/// The case with one decision changed, and followed to its rest.
fn with(scenario: &Scenario, (turn, instead): (usize, Option<&Decision>)) -> Scenario {
    let mut schedule = scenario.schedule.clone();
    schedule.splice(turn..turn + 1, instead.cloned());
    Scenario {
        liveness: true,
        ..scenario.with_schedule(schedule)
    }
}

/// What comes of it, and how many decisions were not possible.
fn try_with(
    runner: &mut Runner<'_>,
    failing: Failing<'_>,
    change: (usize, Option<&Decision>),
) -> Result<(Fate, usize), StepError> {
    let scenario = with(failing.scenario, change);
    runner.renew()?;
    let checked = runner.replay(&scenario);
    let fate = fate(failing, &checked, runner.trace.liveness_from);
    Ok((fate, checked.skipped.len()))
}

fn fate(failing: Failing<'_>, checked: &Checked, liveness_from: Option<usize>) -> Fate {
    let mut violations = checked.violations.iter();
    if let Some(same) = violations.find(|found| found.rank == failing.rank) {
        let is_late = liveness_from.is_some_and(|from| same.turn >= from);
        return match is_late && !failing.scenario.liveness {
            true => Fate::Later,
            false => Fate::Fails,
        };
    }
    match checked.violations.first() {
        Some(other) => Fate::Other(other.name().to_owned()),
        None if checked.end == End::Finished => Fate::Holds,
        None => Fate::Open,
    }
}

/// Takes the decisions of the case, and notes what else was possible at each.
struct Noting<'a> {
    scenario: &'a Scenario,
    case: Scripted<'a>,
    others: Vec<Vec<Decision>>,
}

impl Chooser for Noting<'_> {
    fn choose(&mut self, situation: &Situation<'_>, trace: &mut Trace) -> Option<Choice> {
        let choice = self.case.choose(situation, trace)?;
        let others = explore::possible(situation, trace).into_iter();
        let others = others.filter(|other| *other != choice).take(MOST_OTHERS);
        let others = others.map(|other| self.scenario.decision(trace, &other));
        self.others.push(others.collect());
        Some(choice)
    }
}
