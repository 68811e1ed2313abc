//! One schedule on two versions, in lockstep: the first turn that is not the same.
//!
//! The old version runs first. The new one is given the decisions that it took. Both are judged,
//! each by its own world, and only by the properties that both know. Nothing is counted or kept.

use super::kinds::{At, DifferenceKind, Side, out_differs, state_differs};
use crate::campaign::{Checked, Runner};
use sim_host::StepError;
use sim_kernel::World;
use sim_model::Model;
use sim_record::interrupt::Interrupt;
use sim_record::random::Seed;
use sim_record::scenario::{Bounds, Decision, Mix, PlanMode, Scenario};
use sim_record::trace::Trace;
use sim_simulator::End;

/// A scenario of the old version as one of the new version, whose documents may be others; or why
/// there is none.
pub type Translate<'a> = &'a (dyn Fn(&Scenario) -> Result<Scenario, String> + Sync);

/// The two versions.
#[derive(Clone, Copy)]
pub struct Versions<'w> {
    /// The old one and the new one: a world, and what is known of it.
    pub worlds: [(&'w World, &'w dyn Model); 2],
    /// How a scenario goes from the old one to the new one.
    pub translate: Translate<'w>,
}

/// Why two versions could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum Incomparable {
    /// A reducer cannot be run.
    #[error("the reducer cannot be run")]
    Step(#[from] StepError),
    /// What the old version is sent is not known to the new one.
    #[error("the new version cannot take {run} of the old one")]
    Scenario {
        /// Where it is from.
        run: String,
        /// What is not known.
        #[source]
        because: Unknown,
    },
}

/// What the new version does not know.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unknown(pub(super) String);

/// A schedule on both sides.
#[derive(Clone, Debug)]
pub struct Lockstep {
    /// How the sides differ, in which turn; None if they don't.
    pub differs: Option<(DifferenceKind, usize)>,
    /// What shows it: the scenario of the old version, up to that turn.
    pub scenario: Scenario,
    /// How each side went.
    pub checked: [Checked; 2],
    /// A bound ended one of them before its end, so that they were compared up to there.
    pub is_cut: bool,
    /// A violation ended one of them before its end, so that they were compared up to there.
    pub is_stopped: bool,
    /// Turns that both took.
    pub turns: usize,
    /// It was interrupted, and nothing is known.
    pub is_interrupted: bool,
}

/// A runner for each side.
pub struct Sides<'w> {
    versions: Versions<'w>,
    runners: [Runner<'w>; 2],
}

impl<'w> Sides<'w> {
    /// # Errors
    /// If an instance cannot be had.
    pub fn new(versions: Versions<'w>, interrupt: &Interrupt) -> Result<Sides<'w>, StepError> {
        let [old, new] = versions.worlds.map(|(world, model)| {
            let mut runner = Runner::new(world, model)?;
            runner.set_interrupt(interrupt.clone());
            runner.remember_steps();
            Ok(runner)
        });
        Ok(Sides {
            versions,
            runners: [old?, new?],
        })
    }

    /// Fresh wasm instances.
    pub fn renew(&mut self) -> Result<(), StepError> {
        self.runners.iter_mut().try_for_each(Runner::renew)
    }

    /// The last run of a side.
    pub fn trace(&self, side: Side) -> &Trace {
        &self.runners[side as usize].trace
    }

    /// A seed: what the old version's scheduler decides, on both.
    ///
    /// # Errors
    /// Why the new version does not know what the old one is sent.
    pub fn seed(&mut self, seed: Seed) -> Result<Lockstep, Unknown> {
        let old = &mut self.runners[0];
        let bounds = Bounds::default();
        let drawn = old.scenario(seed, PlanMode::Answered, bounds, Mix::Swarm);
        let checked = old.seed(seed, &drawn);
        let turns = old.trace.turns.len();
        let taken = match (checked.end, turns.checked_sub(1)) {
            (End::Stopped, Some(last)) => drawn.with_schedule_up_to(&old.trace, last),
            _ => drawn.with_schedule_of(&old.trace),
        };
        self.follow(&taken, checked)
    }

    /// The schedule of a scenario of the old version, on both.
    ///
    /// # Errors
    /// Why the new version does not know what the old one is sent.
    pub fn schedule(&mut self, scenario: &Scenario) -> Result<Lockstep, Unknown> {
        let checked = self.runners[0].replay(scenario);
        self.follow(scenario, checked)
    }

    fn follow(&mut self, scenario: &Scenario, old: Checked) -> Result<Lockstep, Unknown> {
        let translated = (self.versions.translate)(scenario).map_err(Unknown)?;
        let new = self.runners[1].replay(&translated);
        let checked = [old, new];
        let is_interrupted = checked.iter().any(|it| it.end == End::Interrupted);
        let is_cut = checked.iter().any(|it| it.end.cut_by().is_some());
        let differs = match is_interrupted {
            true => None,
            false => self.differs((scenario, &translated), &checked, is_cut),
        };
        let scenario = match &differs {
            Some((kind, turn)) => self.shown(scenario, &checked, (kind, *turn)),
            None => scenario.clone(),
        };
        Ok(Lockstep {
            differs,
            scenario,
            is_stopped: checked.iter().any(|it| it.end == End::Stopped),
            turns: self.turns_of_both(),
            checked,
            is_cut,
            is_interrupted,
        })
    }

    fn turns_of_both(&self) -> usize {
        let turns = [Side::Old, Side::New].map(|side| self.trace(side).turns.len());
        turns[0].min(turns[1])
    }

    /// What shows a difference. A decision that one side skipped is not among those of its run,
    /// and what is judged after a run needs all of it.
    fn shown(
        &self,
        scenario: &Scenario,
        checked: &[Checked; 2],
        (kind, turn): (&DifferenceKind, usize),
    ) -> Scenario {
        let is_stopped = checked.iter().any(|it| it.end == End::Stopped);
        match kind {
            DifferenceKind::Possible { .. } => scenario.clone(),
            DifferenceKind::Violated { .. } if !is_stopped => scenario.clone(),
            _ => scenario.with_schedule_up_to(self.trace(Side::Old), turn),
        }
    }

    fn differs(
        &self,
        scenarios: (&Scenario, &Scenario),
        checked: &[Checked; 2],
        is_cut: bool,
    ) -> Option<(DifferenceKind, usize)> {
        let worlds = self.versions.worlds.map(|(world, _)| world);
        let traces = [Side::Old, Side::New].map(|side| self.trace(side));
        let at = |side: Side, turn: usize| At {
            world: worlds[side as usize],
            trace: traces[side as usize],
            turn: &traces[side as usize].turns[turn],
        };
        let lengths = traces.map(|trace| trace.turns.len());
        let both = self.turns_of_both();
        let mut state = None;
        for turn in 0..both {
            if let Some(kind) = self.choice_differs(scenarios, checked, turn) {
                return Some((kind, turn));
            }
            let (old, new) = (at(Side::Old, turn), at(Side::New, turn));
            if let Some(kind) = out_differs(old, new) {
                return Some((kind, turn));
            }
            if state.is_none() {
                let reducer = state_differs(old, new);
                state = reducer.map(|reducer| (DifferenceKind::State { reducer }, turn));
            }
        }
        let is_stopped = checked.iter().any(|it| it.end == End::Stopped);
        if lengths[0] != lengths[1] && !is_stopped && !is_cut {
            let on = match lengths[0] > lengths[1] {
                true => Side::Old,
                false => Side::New,
            };
            let verb = traces[on as usize].turns[both].choice.verb();
            return Some((DifferenceKind::Possible { on, verb }, both));
        }
        let up_to = (is_stopped || is_cut).then_some(both);
        self.verdict_differs(checked, up_to).or(state)
    }

    /// The decision that one side alone took in a turn: the other skipped it, or took another in
    /// the liveness phase.
    fn choice_differs(
        &self,
        (old_scenario, new_scenario): (&Scenario, &Scenario),
        checked: &[Checked; 2],
        turn: usize,
    ) -> Option<DifferenceKind> {
        let decision = |side: Side, scenario: &Scenario| {
            let trace = self.trace(side);
            scenario.decision(trace, &trace.turns[turn].choice)
        };
        let old = decision(Side::Old, old_scenario);
        let mut new = decision(Side::New, new_scenario);
        if let (Decision::Inject { schema, .. }, Decision::Inject { schema: other, .. }) =
            (old.without_crash(), new.without_crash_mut())
        {
            // The scenario was translated: its number is that of other documents.
            *other = *schema;
        }
        if old == new {
            return None;
        }
        let first = |side: Side| {
            let (mine, others) = (
                &checked[side as usize].skipped,
                &checked[side.other() as usize].skipped,
            );
            mine.iter().find(|index| !others.contains(index)).copied()
        };
        // The seed's schedule is the old version's, which skips nothing in it.
        let on = match (first(Side::Old), first(Side::New)) {
            (Some(old), Some(new)) if old < new => Side::New,
            (Some(_), None) => Side::New,
            _ => Side::Old,
        };
        let verb = match on {
            Side::Old => old.verb(),
            Side::New => new.verb(),
        };
        Some(DifferenceKind::Possible { on, verb })
    }

    /// What one side alone violates, in a turn below `up_to` if there is one.
    fn verdict_differs(
        &self,
        checked: &[Checked; 2],
        up_to: Option<usize>,
    ) -> Option<(DifferenceKind, usize)> {
        let properties = [0, 1].map(|side: usize| self.runners[side].checker().properties());
        let violated = |side: Side| {
            let others = &properties[side.other() as usize];
            let violations = checked[side as usize].violations.iter();
            let counted = violations.filter(move |it| {
                others.find(it.name()).is_some() && up_to.is_none_or(|end| it.turn < end)
            });
            counted.map(|it| (it.turn, it.name().to_owned()))
        };
        let alone = |by: Side| {
            let others: Vec<(usize, String)> = violated(by.other()).collect();
            let mine = violated(by).find(|it| !others.contains(it));
            mine.map(|(turn, property)| (turn, by, property))
        };
        let first = [Side::Old, Side::New].into_iter().filter_map(alone).min();
        first.map(|(turn, by, property)| (DifferenceKind::Violated { by, property }, turn))
    }
}
