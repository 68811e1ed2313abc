//! Which moves of a state are left out, since others lead to the same in as many decisions.
//!
//! Most of what happens in a small world touches one thing that nothing else looks at: a message
//! that starts a plan, a step of a plan, a copy of a message. Such a move is *quiet*. It commutes
//! with every move that does not touch its thing, so that of the orders of the two one is enough.
//! The one that is kept takes a quiet move as late as it can be: what follows it at once touches
//! what came of it, its [`Focus`]. A plan's last step, and a message that nobody listens to, touch
//! nothing that is left: they are taken where nothing else is in flight, at once and without being
//! counted. Two states that differ only in plans that are about to end are one.
//!
//! Why nothing is missed, and nothing gets longer: take a shortest schedule that violates
//! something. A quiet move of it whose thing is not touched later could be left out, and the
//! schedule would be shorter, unless the run must come to rest; then all that is in flight is
//! touched. So each has a first move that touches its thing, and can be taken just before that.
//! Going from the end of the schedule to its beginning, this never parts two that were brought
//! together: a move touches one thing, beside what all loud moves share. What comes of it is a
//! permutation, of which every move is among those that are left. See Godefroid, *Partial-Order
//! Methods for the Verification of Concurrent Systems* (1996), Peled, *All from one, one for all*
//! (1993), and Valmari, *Stubborn sets for reduced state space generation* (1989): these keep some
//! moves of a state, and may delay others; this keeps one order of each shortest schedule. It needs
//! no proviso for cycles, for no move is put off: one that is left out here was taken earlier, or
//! will be taken later, on a way of the same length. Nor do faults that are shared disturb it: what
//! a schedule uses up is the same in any order. Where a property is judged at rest, the ends of
//! plans come last and are not counted: a schedule may have more of these than the shortest.
//!
//! Everything else is loud, and keeps its order: what a reducer or a plan's await gets, what
//! moves time, spurious events and crashes, what services know again, blobs, grants that expire or
//! have an enforcer of the world's own, which is told the time, and what an observer of the world
//! looks at ([`Looks`]). Where one may look at any turn, nothing is left out. The focus is a part
//! of the state, so that what is left out is a function of the state alone.

mod focus;

use sim_air::{Air, Op, Plan, SchemaId};
use sim_kernel::World;
use sim_kernel::adapters::Adapter;
use sim_model::Looks;
use sim_record::trace::{Asker, Choice, Trace, ValueId};
use sim_simulator::{Flight, InFlight, Message, PlanRun, enabled, find};

use super::alphabet::Move;
use focus::is_touched;
pub(super) use focus::{Focus, Touches, touched};

/// What a move leaves to be touched by the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Leaves {
    /// It is loud.
    Anything,
    /// The plan that it starts.
    NewPlan,
    /// This plan, or the event that it raises.
    Plan(u32),
    /// A message that was there.
    Message(SchemaId, ValueId),
    /// A message that was not dropped yet.
    Dropped(SchemaId, ValueId),
    /// Nothing: it is taken where the run comes to rest.
    Nothing,
}

/// Who listens to the events of a schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Heard {
    Nobody,
    /// It starts one plan, and no more.
    OneTrigger,
    Others,
}

/// What of a world decides which moves are quiet.
pub(super) struct Reduction<'w> {
    air: &'w Air,
    looks: Looks,
    /// By schema.
    heard: Vec<Heard>,
    /// Whether asking for effects of plans is quiet.
    asks_quietly: bool,
}

impl<'w> Reduction<'w> {
    /// None where every turn may matter.
    pub fn of(world: &'w World, looks: Looks) -> Option<Reduction<'w>> {
        let air = &world.air;
        let heard = air.schemas.ids().map(|schema| heard(air, schema));
        let heard = heard.collect();
        let is_serial = air.plans.iter().all(is_serial) && !share_effects(air);
        // Both are judged by the time at which an effect is asked for.
        let expires = air.grants.iter().any(|grant| grant.expiry_ns.is_some());
        let is_timed = expires || !air.enforcers.is_empty();
        (!looks.idle_turns).then_some(Reduction {
            air,
            looks,
            heard,
            asks_quietly: is_serial && !is_timed && !looks.effects,
        })
    }

    /// The moves that are left of all of a state's, each with what it leaves to the next.
    pub fn reduced(
        &self,
        (flight, focus): (&Flight, Focus),
        moves: Vec<Move>,
    ) -> Vec<(Move, Leaves)> {
        let told = moves.into_iter().map(|step| {
            let leaves = self.leaves(flight, &step.choice);
            (step, leaves)
        });
        let mut moves: Vec<(Move, Leaves)> = told.collect();
        let is_kept = |focus, (step, leaves): &(Move, Leaves)| match focus {
            _ if *leaves == Leaves::Nothing => false,
            Focus::Anything => true,
            focus => is_touched(flight, focus, &step.choice),
        };
        // What nothing can touch is no reason to stop.
        let focus = match moves.iter().any(|step| is_kept(focus, step)) {
            true => focus,
            false => Focus::Anything,
        };
        moves.retain(|step| is_kept(focus, step));
        moves
    }

    /// The next decision by which a run comes to rest, if all that is in flight comes to nothing.
    pub fn to_rest(&self, flight: &Flight) -> Option<Choice> {
        let is_heard = |message| self.heard(message) != Heard::Nobody;
        let goes_on = |run: &InFlight<PlanRun>| {
            run.body.next_step.is_some() && !self.only_ends(flight, &run.body)
        };
        let is_under_way = !flight.dropped.is_empty()
            || !flight.timers.is_empty()
            || !flight.pending.is_empty()
            || flight.messages.iter().any(is_heard)
            || flight.plans.iter().any(goes_on);
        if is_under_way {
            return None;
        }
        let next = enabled::messages(flight)
            .chain(enabled::plans(flight))
            .next();
        next.map(|enabled| enabled.plain(flight))
    }

    /// Whether a plan instance is a part of what two states differ in. One that only ends is not:
    /// all that it decides is how many decisions it takes to come to rest.
    pub fn counts(&self, flight: &Flight, instance: u32) -> bool {
        let only_ends = |place: usize| self.only_ends(flight, &flight.plans[place].body);
        !flight.plan(instance).is_some_and(only_ends)
    }

    fn heard(&self, message: &InFlight<Message>) -> Heard {
        self.heard[message.body.schema.index()]
    }

    fn definition(&self, run: &PlanRun) -> &'w Plan {
        &self.air.plans[run.started.0.index()]
    }

    /// What a decision leaves to be touched by the next.
    pub fn leaves(&self, flight: &Flight, choice: &Choice) -> Leaves {
        let message = |list: &[InFlight<Message>], item| {
            let message = &list[find(list, item)?];
            Some((message.body.schema, message.body.value, self.heard(message)))
        };
        let arrives = |message: Option<(_, _, Heard)>| {
            message.map(|(_, _, heard)| match heard {
                Heard::Nobody => Leaves::Nothing,
                Heard::OneTrigger => Leaves::NewPlan,
                Heard::Others => Leaves::Anything,
            })
        };
        let leaves = match choice {
            Choice::Deliver(item) => arrives(message(&flight.messages, item)),
            Choice::Redeliver(item) => arrives(message(&flight.dropped, item)),
            Choice::Duplicate(item) => {
                message(&flight.messages, item).map(|(schema, value, heard)| match heard {
                    Heard::Nobody => Leaves::Nothing,
                    _ => Leaves::Message(schema, value),
                })
            }
            Choice::Drop(item) => {
                message(&flight.messages, item).map(|(schema, value, heard)| match heard {
                    Heard::Nobody => Leaves::Nothing,
                    _ => Leaves::Dropped(schema, value),
                })
            }
            Choice::Step { plan, .. } => find(&flight.plans, plan)
                .map(|index| self.of_step(flight, &flight.plans[index].body)),
            Choice::Receipt { effect, .. } => {
                find(&flight.pending, effect).map(|index| self.of_receipt(flight, index))
            }
            _ => None,
        };
        leaves.unwrap_or(Leaves::Anything)
    }

    fn of_step(&self, flight: &Flight, run: &PlanRun) -> Leaves {
        let definition = self.definition(run);
        let Some(step) = run.next_step.filter(|_| !awaits_events(definition)) else {
            return Leaves::Anything;
        };
        let is_quiet = match &definition.steps[step].op {
            Op::RaiseEvent { .. } => {
                !self.looks.raised && (run.answered.is_none() || run.same.is_none())
            }
            Op::EmitEffect { .. } => self.asks_quietly,
            Op::End { .. } if self.only_ends(flight, run) => return Leaves::Nothing,
            Op::End { .. } => false,
            Op::AwaitReceipt { .. } | Op::Assign { .. } => true,
            Op::AwaitEvent { .. } => false,
        };
        match is_quiet {
            true => Leaves::Plan(run.instance),
            false => Leaves::Anything,
        }
    }

    /// Whether all that is left of a plan is its end, which cannot go wrong.
    fn only_ends(&self, flight: &Flight, run: &PlanRun) -> bool {
        let definition = self.definition(run);
        let step = run.next_step.map(|step| &definition.steps[step].op);
        matches!(step, Some(Op::End { result: None }))
            && definition.invariants.is_empty()
            && !awaits_events(definition)
            && asked(flight, run.instance).next().is_none()
    }

    fn of_receipt(&self, flight: &Flight, index: usize) -> Leaves {
        let pending = &flight.pending[index].body;
        let effect = &self.air.effects[pending.open.effect.index()];
        let is_blob = matches!(Adapter::of(effect), Adapter::BlobPut | Adapter::BlobGet);
        let Asker::Plan { plan, instance } = pending.open.asker else {
            return Leaves::Anything;
        };
        let is_shared = is_blob || pending.same.is_some();
        let definition = &self.air.plans[plan.index()];
        let is_quiet = self.asks_quietly && !self.looks.receipts && !is_shared;
        if !is_quiet || awaits_events(definition) {
            return Leaves::Anything;
        }
        Leaves::Plan(instance)
    }

    /// What is to be touched next after a move that has been taken.
    pub fn focus(&self, leaves: Leaves, flight: &Flight, trace: &Trace) -> Focus {
        match leaves {
            Leaves::Anything | Leaves::Nothing => Focus::Anything,
            Leaves::Message(schema, value) => Focus::Message(schema, value),
            Leaves::Dropped(schema, value) => Focus::Dropped(schema, value),
            Leaves::NewPlan => {
                let newest = flight.plans.last().map(|run| run.body);
                let is_new = |run: &PlanRun| {
                    let turn = trace.turns.last();
                    let place = flight.plan(run.instance);
                    let sequence = place.map(|place| flight.plans[place].sequence);
                    sequence >= turn.map(|turn| turn.remark.first_launched)
                };
                let new = newest.filter(is_new);
                new.map_or(Focus::Anything, |run| self.on_plan(flight, &run))
            }
            Leaves::Plan(instance) => {
                let run = flight.plan(instance).map(|place| flight.plans[place].body);
                let turn = trace.turns.last();
                let raised = turn.map_or(&[][..], |turn| trace.emitted_in(&turn.emitted));
                let on_plan = run.map_or(Focus::Anything, |run| self.on_plan(flight, &run));
                match (raised, on_plan) {
                    ([], on_plan) => on_plan,
                    ([event], Focus::Anything) => Focus::Message(event.schema, event.value),
                    // Two things to be touched, by two that may be far from each other.
                    _ => Focus::Anything,
                }
            }
        }
    }

    /// A plan that can be touched, and not only to end.
    fn on_plan(&self, flight: &Flight, run: &PlanRun) -> Focus {
        let mut asked = asked(flight, run.instance);
        let (mut is_asked, mut is_shared) = (false, false);
        asked.by_ref().for_each(|same| {
            is_asked = true;
            is_shared |= same;
        });
        let can_go_on = run.next_step.is_some() && !self.only_ends(flight, run);
        match (can_go_on || is_asked) && !is_shared {
            true => Focus::Plan(run.instance),
            false => Focus::Anything,
        }
    }
}

/// What a plan instance has asked for and has had no receipt of: whether a service knows it again.
fn asked(flight: &Flight, of: u32) -> impl Iterator<Item = bool> + '_ {
    let pending = flight.pending.iter().map(|pending| &pending.body);
    let of_it = pending
        .filter(move |it| matches!(it.open.asker, Asker::Plan { instance, .. } if instance == of));
    of_it.map(|it| it.same.is_some())
}

/// A plan that waits for events is touched by those, whosever they are.
fn awaits_events(plan: &Plan) -> bool {
    let mut steps = plan.steps.iter();
    steps.any(|step| matches!(step.op, Op::AwaitEvent { .. }))
}

/// Whether a plan awaits the receipt of each effect that it asks for before it raises an event or
/// ends. Receipts of effects that are alike go to who asked first, so that the order in which two
/// plans ask counts where both wait while something else goes on.
fn is_serial(plan: &Plan) -> bool {
    let steps = plan.steps.iter().enumerate();
    let mut asks = steps.filter_map(|(step, it)| match &it.op {
        Op::EmitEffect { handle, .. } => Some((step, handle)),
        _ => None,
    });
    asks.all(|(step, handle)| {
        let is_its = |op: &Op| matches!(op, Op::AwaitReceipt { handle: of, .. } if of == handle);
        let mut steps = (0..plan.steps.len()).filter(|step| is_its(&plan.steps[*step].op));
        steps.any(|awaits| {
            let mut into = plan.edges.iter().filter(|edge| edge.to == awaits);
            let only = (into.next(), into.next());
            let follows = matches!(only, (Some(edge), None)
                if edge.from == step && edge.when.is_none());
            let after = after(plan, awaits);
            let mut others = plan.steps.iter().zip(after);
            follows
                && others.all(|(step, is_after)| {
                    is_after || !matches!(step.op, Op::RaiseEvent { .. } | Op::End { .. })
                })
        })
    })
}

/// By step: whether it comes after another.
fn after(plan: &Plan, step: usize) -> Vec<bool> {
    let mut after = vec![false; plan.steps.len()];
    let mut open = vec![step];
    while let Some(step) = open.pop() {
        for edge in plan.edges.iter().filter(|edge| edge.from == step) {
            if !std::mem::replace(&mut after[edge.to], true) {
                open.push(edge.to);
            }
        }
    }
    after
}

/// Whether an effect is asked for by plans and by a reducer without keys: one may get the other's
/// receipt if they are alike.
fn share_effects(air: &Air) -> bool {
    let asks = |op: &Op| match op {
        Op::EmitEffect { effect, .. } => air.reducers.iter().any(|reducer| {
            reducer.key_schema.is_none() && reducer.effects_emitted.contains(effect)
        }),
        _ => false,
    };
    let mut steps = air.plans.iter().flat_map(|plan| &plan.steps);
    steps.any(|step| asks(&step.op))
}

fn heard(air: &Air, schema: SchemaId) -> Heard {
    let is_routed = air.routes.iter().any(|route| route.event == schema);
    let is_own = air.reducers.iter().any(|reducer| reducer.event == schema);
    let is_awaited = air.plans.iter().any(|plan| {
        let mut steps = plan.steps.iter();
        steps.any(|step| matches!(step.op, Op::AwaitEvent { event, .. } if event == schema))
    });
    if is_routed || is_own || is_awaited {
        return Heard::Others;
    }
    let triggers = air.triggers.iter();
    match triggers.filter(|trigger| trigger.event == schema).count() {
        0 => Heard::Nobody,
        1 => Heard::OneTrigger,
        _ => Heard::Others,
    }
}
