//! What a turn gave out is put in flight, and plans are looked at anew. Decides nothing.

use super::flight::{Message, Pending, PlanRun, Timer};
use super::naming::{Names, Thing};
use super::{Simulator, work_of};
use sim_air::Op;
use sim_kernel::adapters::Adapter;
use sim_kernel::{Moved, OpenIntent};
use sim_model::Work;
use sim_record::scenario::{PlanMode, Scenario};
use sim_record::trace::{Asker, Mark, Trace};

impl Simulator<'_> {
    /// Puts in flight what the turn gave out, and looks where each plan stands.
    pub(super) fn settle(&mut self, scenario: &Scenario, trace: &mut Trace, mark: Mark) {
        for index in mark.emitted as usize..trace.emitted.len() {
            let event = trace.emitted[index].clone();
            let thing = Thing::Event(event.schema);
            let names = self.naming.names(trace, thing, event.value);
            let body = Message {
                schema: event.schema,
                value: event.value,
                copy: false,
            };
            let message = self.flight.launch(self.now_ns, names, body);
            self.flight.messages.push(message);
        }
        for index in mark.intents as usize..trace.intents.len() {
            let intent = &trace.intents[index];
            if intent.allowed {
                let open = OpenIntent {
                    effect: intent.effect,
                    params: intent.params,
                    hash: intent.hash,
                    asker: intent.asker,
                };
                self.add_effect(trace, open, false);
            }
        }
        match self.kernel.take_moved() {
            Moved::None => {}
            Moved::Some(mut moved) => {
                moved.sort_unstable();
                moved.dedup();
                moved
                    .into_iter()
                    .for_each(|id| self.update_plan(scenario, trace, id));
            }
            Moved::All => self.update_plans(scenario, trace),
        }
    }

    /// Hands an effect to its adapter; `copy` says that it was handed over before.
    pub(super) fn add_effect(&mut self, trace: &mut Trace, open: OpenIntent, copy: bool) {
        let air = &self.kernel.world().air;
        let effect = &air.effects[open.effect.index()];
        let adapter = Adapter::of(effect);
        let same = match adapter {
            Adapter::Timer => None,
            _ => self.model.same(&work_of(trace, &open)),
        };
        let same = same.map(|key| trace.store(&key));
        match open.asker {
            Asker::Reducer { reducer, .. } => {
                let thing = Thing::Effect(reducer, open.effect);
                let names = self.naming.names(trace, thing, open.params);
                let due_ns = adapter.due_ns(trace.bytes(open.params), self.now_ns);
                let body = Timer {
                    open,
                    is_timer: adapter == Adapter::Timer,
                    copy,
                    same,
                };
                let timer = self.flight.launch(due_ns, names, body);
                self.flight.timers.push(timer);
            }
            Asker::Plan { instance, .. } => {
                let plan = self.flight.plan(instance);
                let correlation = plan.and_then(|plan| self.flight.plans[plan].correlation);
                let names = Names {
                    label: trace.name(&effect.kind),
                    correlation,
                };
                let body = Pending {
                    open,
                    silent: false,
                    same,
                };
                let pending = self.flight.launch(self.now_ns, names, body);
                self.flight.pending.push(pending);
            }
        }
    }

    /// Brings the list of plans in flight up to date with the kernel's.
    fn update_plans(&mut self, scenario: &Scenario, trace: &mut Trace) {
        let living: Vec<u32> = self.kernel.plans().iter().map(|plan| plan.id).collect();
        let is_living = |id: &u32| living.binary_search(id).is_ok();
        self.flight
            .plans
            .retain(|run| is_living(&run.body.instance));
        living
            .iter()
            .for_each(|id| self.update_plan(scenario, trace, *id));
    }

    /// Looks where one plan instance stands. Both lists are in the order of instances.
    fn update_plan(&mut self, scenario: &Scenario, trace: &mut Trace, id: u32) {
        let standing = self.kernel.plan(id).and_then(|index| {
            let next = self.kernel.next_step(trace, index);
            // It may have come to its end by being asked.
            let index = self.kernel.plan(id)?;
            Some((index, next))
        });
        let known = self.flight.plan(id);
        let Some((index, next)) = standing else {
            if let Some(run) = known {
                self.flight.plans.remove(run);
            }
            return;
        };
        let plan = self.kernel.plans()[index].plan;
        let run = match known {
            Some(run) => run,
            None => self.add_plan(scenario, trace, index),
        };
        let definition = &self.kernel.world().air.plans[plan.index()];
        let run = &mut self.flight.plans[run].body;
        run.next_step = next;
        let answered = next.filter(|_| run.answerable);
        run.answered = answered.and_then(|step| match definition.steps[step].op {
            Op::RaiseEvent { event, .. } => Some(event),
            _ => None,
        });
    }

    fn add_plan(&mut self, scenario: &Scenario, trace: &mut Trace, index: usize) -> usize {
        let instance = &self.kernel.plans()[index];
        let definition = &self.kernel.world().air.plans[instance.plan.index()];
        let awaits = definition
            .steps
            .iter()
            .any(|step| matches!(step.op, Op::AwaitReceipt { .. } | Op::AwaitEvent { .. }));
        let known = |raised| {
            let plan = instance.plan;
            self.model.knows_answers(plan, raised, definition.input)
        };
        let raises = definition
            .steps
            .iter()
            .any(|step| matches!(step.op, Op::RaiseEvent { event, .. } if known(event)));
        let answerable = scenario.plans == PlanMode::Answered && !awaits && raises;
        let work = Work::Plan {
            plan: instance.plan,
            input: trace.bytes(instance.input_bytes),
        };
        let same = self.model.same(&work).filter(|_| answerable);
        let id = instance.id;
        let thing = Thing::Plan(instance.plan);
        let names = self.naming.names(trace, thing, instance.input_bytes);
        let body = PlanRun {
            instance: id,
            started: (instance.plan, instance.input_bytes),
            answerable,
            next_step: None,
            answered: None,
            silent: false,
            same: same.map(|key| trace.store(&key)),
        };
        let run = self.flight.launch(self.now_ns, names, body);
        self.flight.plans.push(run);
        self.flight.plans.len() - 1
    }
}
