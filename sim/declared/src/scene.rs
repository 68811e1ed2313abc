//! What conditions see of a moment and of the run, read where it lies: the variables of what is
//! compiled.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::at::{At, By, plan_of};
use crate::compiled::{Halt, Item, Surroundings, Variable, first};
use crate::condition::Variables;
use crate::memory::{Memory, Scalar, Who};
use crate::properties::{Counter, Reads};
use crate::watched::{Group, Watched};
use sim_air::cbor::canonical::Canonical;
use sim_air::{Air, PlanId, ReducerId, SchemaId, Schemas};
use sim_record::trace::{Asker, Emitted, Intent, Step, Trace, ValueId};

/// A cell by its key, and its state.
pub(crate) type CellAt = (Option<ValueId>, ValueId);

/// A moment that is judged.
pub(crate) struct Here<'a> {
    pub sources: Sources<'a>,
    pub at: &'a At<'a>,
    pub at_ns: u64,
    pub group: &'a Group,
    pub who: &'a Who,
    /// Its variables, once a condition needs them made.
    pub variables: OnceCell<Arc<Variables>>,
}

/// What is looked at.
#[derive(Clone, Copy)]
pub(crate) enum Sight<'a> {
    Moment(&'a Here<'a>),
    /// A step as it is for what is absorbing: the state before it is the state.
    Before(&'a Step),
    /// The end of a run, of a cell of a reducer or of none.
    Rest(Option<(ReducerId, CellAt)>),
}

/// Where everything comes from.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub air: &'a Air,
    pub trace: &'a Trace,
    pub watched: &'a Watched,
}

/// What conditions may read beside the moment.
#[derive(Clone, Copy)]
pub(crate) struct OfRun<'a> {
    pub memory: &'a Memory,
    pub at_ns: u64,
    pub reads: &'a Reads,
    /// The reducer that is meant.
    pub of: Option<ReducerId>,
    /// Whose the counters are.
    pub whose: &'a Who,
}

/// The variables of conditions about one thing.
pub(crate) struct Scene<'a> {
    pub sources: Sources<'a>,
    pub sight: Sight<'a>,
    pub who: &'a Who,
    pub of_run: Option<OfRun<'a>>,
    /// What was looked at already, by the [places](place) of variables.
    known: [OnceCell<Item<'a>>; 8],
}

/// Where what a variable holds is kept, if it takes more to make than to keep.
#[inline]
fn place(variable: &Variable) -> Option<usize> {
    Some(match variable {
        Variable::State => 0,
        Variable::Before => 1,
        Variable::Event => 2,
        Variable::Emitted => 3,
        Variable::Effects => 4,
        // A moment has one of them.
        Variable::Sent | Variable::Effect | Variable::Receipt => 5,
        Variable::Cells => 6,
        Variable::Each => 7,
        _ => return None,
    })
}

impl<'a> Sources<'a> {
    fn value(&self, schema: SchemaId, value: ValueId) -> Result<Item<'a>, Halt> {
        let schemas = &self.air.schemas;
        let at = Canonical::new(self.trace.bytes(value));
        first(schemas, schemas.ty(schema), at)
    }

    fn state(&self, of: ReducerId, state: Option<ValueId>) -> Result<Item<'a>, Halt> {
        let schema = self.air.reducers[of.index()].state;
        state.map_or(Ok(Item::Null), |state| self.value(schema, state))
    }

    fn key(&self, of: ReducerId, key: Option<ValueId>) -> Result<Item<'a>, Halt> {
        let schema = self.air.reducers[of.index()].key_schema;
        let value = schema.zip(key);
        value.map_or(Ok(Item::Null), |(schema, key)| self.value(schema, key))
    }

    fn input(&self, plan: Option<(PlanId, ValueId)>) -> Result<Item<'a>, Halt> {
        plan.map_or(Ok(Item::Null), |(plan, input)| {
            self.value(self.air.plans[plan.index()].input, input)
        })
    }

    fn emitted(&self, emitted: &Emitted) -> Result<[(&'static str, Item<'a>); 2], Halt> {
        let schema = self.air.schemas.name(emitted.schema);
        let value = self.value(emitted.schema, emitted.value)?;
        Ok([("schema", Item::text(schema)), ("value", value)])
    }

    fn intent(&self, intent: &Intent) -> Result<[(&'static str, Item<'a>); 3], Halt> {
        let effect = &self.air.effects[intent.effect.index()];
        Ok([
            ("kind", Item::text(&effect.kind)),
            ("params", self.value(effect.params, intent.params)?),
            ("allowed", Item::bool(intent.allowed)),
        ])
    }

    fn asker(&self, asker: Asker) -> Item<'a> {
        Item::text(match asker {
            Asker::Reducer { reducer, .. } => &self.air.reducers[reducer.index()].name,
            Asker::Plan { plan, .. } => &self.air.plans[plan.index()].name,
        })
    }

    fn by(&self, by: By) -> Item<'a> {
        match by {
            By::Reducer(reducer) => Item::text(&self.air.reducers[reducer.index()].name),
            By::Plan(Some(plan)) => Item::text(&self.air.plans[plan.index()].name),
            By::Plan(None) => Item::Null,
        }
    }

    fn counter(&self, place: u32) -> &'a Counter {
        &self.watched.rules.counters[place as usize]
    }

    /// What a step gave out as events.
    fn emitted_by(&self, step: &Step) -> Result<Item<'a>, Halt> {
        let emitted = self.trace.emitted_in(&step.emitted).iter();
        Item::list(emitted.map(|emitted| self.emitted(emitted).map(Item::fields)))
    }

    /// What a step asked for.
    fn effects_of(&self, step: &Step) -> Result<Item<'a>, Halt> {
        let intents = self.trace.intents_in(&step.intents).iter();
        Item::list(intents.map(|intent| self.intent(intent).map(Item::fields)))
    }

    /// The cells of a reducer, in the order of their keys.
    fn cells(&self, memory: &Memory, of: ReducerId) -> Result<Item<'a>, Halt> {
        let cells = memory.cells_of(self.trace, of);
        Item::list(cells.into_iter().map(|(key, state)| {
            Ok(Item::fields([
                ("key", self.key(of, key)?),
                ("state", self.state(of, Some(state))?),
            ]))
        }))
    }
}

impl<'a> Scene<'a> {
    pub fn new(
        sources: Sources<'a>,
        sight: Sight<'a>,
        who: &'a Who,
        of_run: Option<OfRun<'a>>,
    ) -> Scene<'a> {
        Scene {
            sources,
            sight,
            who,
            of_run,
            known: [const { OnceCell::new() }; 8],
        }
    }

    /// Whether there is no state, and whether there is none before it.
    pub fn lacks(&self) -> (bool, bool) {
        match self.sight {
            Sight::Moment(Here {
                at: At::Step(step), ..
            }) => (step.after.is_none(), step.before.is_none()),
            _ => (false, false),
        }
    }

    fn of_step(&self, step: &Step, variable: &Variable) -> Result<Item<'a>, Halt> {
        let sources = &self.sources;
        match variable {
            Variable::Event => sources.value(step.schema, step.event),
            Variable::Before => sources.state(step.reducer, step.before),
            Variable::State => sources.state(step.reducer, step.after),
            Variable::Key => sources.key(step.reducer, step.key),
            Variable::Changed => Ok(Item::bool(!step.is_unchanged())),
            Variable::Emitted => sources.emitted_by(step),
            Variable::Effects => sources.effects_of(step),
            _ => Err(Halt::Unsure),
        }
    }

    fn of_moment(&self, here: &Here<'a>, variable: &Variable) -> Result<Item<'a>, Halt> {
        let sources = &self.sources;
        match (here.at, variable) {
            (_, Variable::Who) => Ok(self.who()),
            (At::Step(step), variable) => self.of_step(step, variable),
            (At::Sent(emitted, by), Variable::Sent) => {
                let [schema, value] = sources.emitted(emitted)?;
                Ok(Item::fields([schema, value, ("by", sources.by(*by))]))
            }
            (At::Effect(intent), Variable::Effect) => {
                let [kind, params, allowed] = sources.intent(intent)?;
                let input = sources.input(plan_of(intent))?;
                let by = sources.asker(intent.asker);
                Ok(Item::fields([
                    kind,
                    params,
                    allowed,
                    ("input", input),
                    ("by", by),
                ]))
            }
            (
                At::Receipt {
                    effect,
                    params,
                    plan,
                    status,
                    value,
                },
                Variable::Receipt,
            ) => {
                let of = &sources.air.effects[effect.index()];
                Ok(Item::fields([
                    ("kind", Item::text(&of.kind)),
                    ("params", sources.value(of.params, *params)?),
                    ("input", sources.input(*plan)?),
                    ("status", Item::text(status.name())),
                    ("value", sources.value(of.receipt, *value)?),
                ]))
            }
            _ => Err(Halt::Unsure),
        }
    }

    /// What a variable holds.
    #[inline(never)]
    fn find(&self, variable: &Variable) -> Result<Item<'a>, Halt> {
        let sources = &self.sources;
        if variable.is_of_run() {
            return self.of_run(variable);
        }
        match (self.sight, variable) {
            (Sight::Moment(here), variable) => self.of_moment(here, variable),
            (Sight::Before(step), Variable::State) => sources.state(step.reducer, step.before),
            (Sight::Before(step), Variable::Key) => sources.key(step.reducer, step.key),
            (Sight::Rest(_), Variable::Who) => Ok(self.who()),
            (Sight::Rest(Some((of, (_, state)))), Variable::State) => {
                sources.state(of, Some(state))
            }
            (Sight::Rest(Some((of, (key, _)))), Variable::Key) => sources.key(of, key),
            _ => Err(Halt::Unsure),
        }
    }

    /// Counters by name, for all correlations.
    fn each(&self, of_run: OfRun<'a>) -> Item<'a> {
        let each = of_run.reads.each.iter().map(|place| {
            let all = of_run.memory.of_all(*place);
            let all = all.map(|(who, scalar)| (who, scalar.item()));
            let name = self.sources.counter(*place).name.as_str();
            (name, Item::Fields(all.collect()))
        });
        Item::Fields(each.collect())
    }

    fn who(&self) -> Item<'a> {
        self.who.as_deref().map_or(Item::Null, Item::text)
    }

    fn of_run(&self, variable: &Variable) -> Result<Item<'a>, Halt> {
        let of_run = self.of_run.ok_or(Halt::Unsure)?;
        match variable {
            Variable::Now => Ok(Item::Number(of_run.at_ns.into())),
            Variable::Counter(name) => {
                let mut places = of_run.reads.counters.iter();
                let place = *places
                    .find(|place| self.sources.counter(**place).name == *name)
                    .ok_or(Halt::Unsure)?;
                Ok(of_run.count(self.sources.counter(place), place).item())
            }
            Variable::Each => Ok(self.each(of_run)),
            Variable::Cells => {
                let of = of_run.of.ok_or(Halt::Unsure)?;
                self.sources.cells(of_run.memory, of)
            }
            Variable::World => {
                let all = self.sources.air.reducer_ids();
                let all = all.zip(&self.sources.air.reducers).map(|(id, of)| {
                    let cells = self.sources.cells(of_run.memory, id)?;
                    Ok((of.name.as_str(), cells))
                });
                Ok(Item::Fields(all.collect::<Result<Rc<[_]>, Halt>>()?))
            }
            _ => Err(Halt::Unsure),
        }
    }
}

impl<'a> OfRun<'a> {
    /// What a counter holds.
    pub fn count(&self, counter: &Counter, place: u32) -> &'a Scalar {
        let count = self.memory.count(place, self.whose);
        count.unwrap_or(counter.keeps.at_first())
    }
}

impl<'a> Surroundings<'a> for Scene<'a> {
    fn schemas(&self) -> &'a Schemas {
        &self.sources.air.schemas
    }

    fn variable(&self, variable: &Variable) -> Result<Item<'a>, Halt> {
        match self.kept(variable) {
            Some(item) => Ok(item.clone()),
            None => self.find(variable),
        }
    }

    #[inline]
    fn kept(&self, variable: &Variable) -> Option<&Item<'a>> {
        let known = &self.known[place(variable)?];
        match known.get() {
            Some(item) => Some(item),
            None => {
                let item = self.find(variable).ok()?;
                Some(known.get_or_init(|| item))
            }
        }
    }
}
