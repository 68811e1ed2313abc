//! One run of both, a move at a time: what runs, what comes out, what the instances hold.

use sim::air::{Air, Hash, SchemaId, Value};
use sim::kernel::{Kernel, World as SimWorld};
use sim::trace::{Record, Trace};

use super::held::Held;
use super::{Compared, Difference, differ, errors};
use crate::plans::Planted;
use crate::plans::evaluate::Class;
use crate::plans::generate::{EFFECTS, EVENTS, Move, World};
use crate::plans::interpret::{Cause, Interpreter, Out};
use crate::plans::types::{Ty, Types};
use crate::plans::value::{Val, described};

/// Ticks after the last move, so that most plans come to an end.
const LAST_TICKS: usize = 32;

/// Instances beyond this many are not ticked: each event may start one.
const MOST_INSTANCES: usize = 4;

/// One run of both.
pub struct Run<'w> {
    world: &'w World,
    air: &'w Air,
    kernel: Kernel<'w>,
    trace: Trace,
    pub reference: Interpreter<'w>,
    /// What was read of the trace: journal records, events, intents.
    read: (usize, usize, usize),
    now_ns: u64,
}

impl<'w> Run<'w> {
    pub fn new(world: &'w World, sim_world: &'w SimWorld, planted: Planted) -> Compared<Run<'w>> {
        let kernel = Kernel::new(sim_world);
        let kernel = kernel.map_err(|error| Difference(format!("no kernel: {error:?}")))?;
        Ok(Run {
            world,
            air: &sim_world.air,
            kernel,
            trace: Trace::default(),
            reference: Interpreter::new(world, planted),
            read: (0, 0, 0),
            now_ns: 0,
        })
    }

    /// All moves; whether no limit of `sim` ended it early, which the reference does not have.
    pub fn all(&mut self) -> Compared<bool> {
        let world = self.world;
        self.event(0, &world.scope)?;
        let last = Move::Tick { which: 0 };
        let rest = std::iter::repeat_n(&last, LAST_TICKS);
        for next in world.moves.iter().chain(rest) {
            self.now_ns += 1;
            match next {
                Move::Tick { which } => self.tick(*which)?,
                Move::Receipt { which, value } => self.receipt(*which, value)?,
                Move::Event { which, value } => self.event(*which, value)?,
            }
            if !self.agree(&format!("after {next:?} at {}", self.now_ns))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn event(&mut self, which: usize, value: &[u8]) -> Compared<()> {
        let schema = EVENTS[which % EVENTS.len()];
        let event = self.world.event(schema, value);
        let (id, bytes) = self.canonical(schema, &event)?;
        let span = self.trace.store(&bytes);
        let now_ns = self.now_ns;
        self.kernel
            .accept(&mut self.trace, (id, span), None, now_ns);
        self.reference.event(schema, &event);
        Ok(())
    }

    /// The canonical bytes of a value, on which both must agree.
    fn canonical(&self, schema: usize, value: &Val) -> Compared<(SchemaId, Vec<u8>)> {
        let name = Types::name(schema);
        let id = self.air.schemas.find(&name);
        let id = id.ok_or_else(|| Difference(format!("no schema {name}")))?;
        let bytes = described(&self.world.types.bytes(&Ty::Ref(schema), value));
        let by_sim = self.air.schemas.encode(id, &Value::from(value));
        match by_sim {
            Ok(by_sim) if by_sim == bytes => Ok((id, bytes)),
            other => {
                let what = format!("canonical bytes of {value:?} differ");
                Err(differ(self.world, &what, other, bytes))
            }
        }
    }

    /// A tick of an instance; if it has nothing to do, what it may wait for.
    fn tick(&mut self, which: usize) -> Compared<()> {
        let count = self.kernel.plans().len();
        if count != self.reference.instances.len() {
            let reference = self.reference.instances.len();
            return Err(differ(self.world, "other instances", count, reference));
        }
        if count == 0 {
            return Ok(());
        }
        let index = which % count.min(MOST_INSTANCES);
        let sim = self.kernel.next_step(&mut self.trace, index);
        let reference = self.reference.next(index);
        if sim != reference {
            let id =
                |step: Option<usize>| step.map(|step| self.reference.steps()[step]["id"].clone());
            let what = format!("another step comes next at {}", self.now_ns);
            return Err(differ(self.world, &what, id(sim), id(reference)));
        }
        let Some(step) = sim else {
            // It waits, or has ended: what it may wait for happens.
            return match self.reference.open.is_empty() {
                false => self.receipt(which, &[1, 1, 1, 1]),
                true => self.event(1 + which % 2, &[which as u8, 1, 1, 1]),
            };
        };
        self.kernel
            .tick(&mut self.trace, index, step, false, self.now_ns);
        self.reference.tick(index, step, self.now_ns);
        Ok(())
    }

    fn receipt(&mut self, which: usize, value: &[u8]) -> Compared<()> {
        let count = self.reference.open.len();
        if count == 0 {
            return Ok(());
        }
        let (intent, _, effect) = self.reference.open[which % count].clone();
        let receipt = self.world.event(EFFECTS[effect].2, value);
        let (_, bytes) = self.canonical(EFFECTS[effect].2, &receipt)?;
        let span = self.trace.store(&bytes);
        let hash = intent.parse::<Hash>();
        let hash = hash.map_err(|_| Difference(format!("no hash: {intent}")))?;
        let hash = self.trace.values.intent(&hash);
        let mut open = self.kernel.open_intents().iter();
        let open = open.find(|open| open.hash == hash).copied();
        let sim = open.is_some_and(|open| self.kernel.receive(&mut self.trace, &open, span));
        let reference = self.reference.receipt(&intent, &receipt);
        match sim == reference {
            true => Ok(()),
            false => Err(differ(
                self.world,
                "a receipt is taken by one",
                sim,
                reference,
            )),
        }
    }

    /// Whether the two still agree; no if `sim` came to a limit, which ends the comparison.
    fn agree(&mut self, when: &str) -> Compared<bool> {
        let sim = self.outs();
        let limit = |out: &Out| match out {
            Out::Ended { failure, .. } => failure
                .as_ref()
                .is_some_and(|failure| failure.cause == Cause::Expression(Class::Limit)),
            _ => false,
        };
        if sim.iter().any(limit) {
            return Ok(false);
        }
        let reference = std::mem::take(&mut self.reference.out);
        if sim != reference {
            let what = format!("what comes out differs {when}");
            return Err(differ(self.world, &what, sim, reference));
        }
        let names = self.reference.names();
        let plans = self.kernel.plans().iter();
        let sim: Vec<Held> = plans.map(|plan| Held::by_sim(plan, names)).collect();
        let instances = self.reference.instances.iter();
        let reference: Vec<Held> = instances.map(Held::by_reference).collect();
        match sim == reference {
            true => Ok(true),
            false => {
                let what = format!("instances differ {when}");
                Err(differ(self.world, &what, sim, reference))
            }
        }
    }

    /// What has come out of `sim` since this was last asked.
    fn outs(&mut self) -> Vec<Out> {
        let trace = &self.trace;
        let (journal, emitted, intents) = self.read;
        self.read = (
            trace.journal.len(),
            trace.emitted.len(),
            trace.intents.len(),
        );
        let mut outs = Vec::new();
        for event in &trace.emitted[emitted..] {
            outs.push(Out::Raised {
                schema: self.air.schemas.name(event.schema).to_owned(),
                bytes: trace.bytes(event.value).to_vec(),
            });
        }
        for intent in &trace.intents[intents..] {
            outs.push(Out::Asked {
                kind: self.air.effects[intent.effect.index()].kind.clone(),
                params: trace.bytes(intent.params).to_vec(),
                intent: trace.values.intent_hash(intent.hash).to_string(),
                allowed: intent.allowed,
            });
        }
        for record in &trace.journal[journal..] {
            outs.extend(match record {
                Record::PlanResult {
                    instance, result, ..
                } => Some(Out::Result {
                    instance: *instance,
                    bytes: trace.bytes(*result).to_vec(),
                }),
                Record::PlanEnded {
                    instance, error, ..
                } => Some(Out::Ended {
                    instance: *instance,
                    failure: error.as_deref().map(errors::failure),
                }),
                _ => None,
            });
        }
        outs
    }
}
