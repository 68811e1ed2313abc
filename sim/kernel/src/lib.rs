//! A world that can run: the validated AIR documents and the code of their reducers.
//!
//! [`World`] is fixed and shared by all threads; [`Kernel`] is what one run changes: cells, plan
//! instances, the reducers' wasm instances. The kernel does what AIR v1 says and knows nothing of
//! faults: its caller says which event arrives, which plan moves and which receipt is there.

#![warn(missing_docs)]

pub mod adapters;
mod arms;
mod assertion;
mod context;
mod envelope;
mod expected;
mod gate;
mod kernel;
mod plan;

use sim_air::{Air, Hash, Op, Reducer, ReducerId, Route, SchemaId, Source};
use sim_host::{Code, PureCode};
use sim_record::trace::End;

pub use adapters::timer::{TimerSet, timer_params, timer_receipt};
pub use arms::{ArmIndex, Arms, EventArm, EventSource, local_name};
pub use assertion::{Assertion, AssertionKind};
pub use envelope::{Receipt, receipt_event};
pub use expected::{ExpectError, Expected};
pub use kernel::{
    Checkpoint, Divergence, Kernel, Moved, OpenIntent, Sampling, input_of, variant_tag,
};
pub use plan::{PlanInstance, PlanStatus};

/// The documents, the code, and who listens to what.
pub struct World {
    /// The documents, checked.
    pub air: Air,
    /// Who sends what.
    pub arms: Arms,
    /// What its author declared to be meant.
    pub expected: Expected,
    /// What is declared of it beside its documents, as it is written, if something is.
    pub declared: Option<Source>,
    /// States that a reducer takes on at its first event, whichever that is: to do so is not to
    /// accept it.
    pub initial_states: Vec<(ReducerId, Vec<u8>)>,
    /// What its reducers are known to assert.
    pub assertions: Vec<Assertion>,
    /// Code that watches runs, by name: a property each. No part of a run, and never run here.
    pub monitors: Vec<(String, Code)>,
    codes: Vec<Code>,
    enforcers: Vec<PureCode>,
    listeners: Vec<Listeners>,
}

/// Who listens to the events of one schema: indices into `air.routes` and `air.triggers`.
#[derive(Default)]
struct Listeners {
    routes: Vec<usize>,
    triggers: Vec<usize>,
    /// Reducers that get receipts as events of the schema, and no other event of it: their routes
    /// are from the schemas of single arms.
    receipts: Vec<ReducerId>,
    /// A step of some plan awaits the schema.
    are_awaited: bool,
}

impl World {
    /// A world from its documents and a compiled reducer for each of `air.reducers`, in order,
    /// without enforcers of its own.
    ///
    /// ```
    /// use sim_air::{Source, load};
    /// use sim_kernel::{Kernel, World};
    ///
    /// let text = r#"[
    ///   {"$kind": "defschema", "name": "demo/Point@1", "type": {"record": {"x": {"int": {}}}}},
    ///   {"$kind": "manifest", "air_version": "1", "schemas": [{"name": "demo/Point@1"}],
    ///    "modules": [], "plans": [], "effects": [], "caps": [], "policies": []}
    /// ]"#;
    /// let source = Source { file: "point.air.json".to_owned(), text: text.to_owned() };
    /// let world = World::new(load(&[source])?, Vec::new());
    /// let kernel = Kernel::new(&world)?;
    /// assert!(kernel.plans().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If there is not one code for each reducer, or there are such enforcers.
    pub fn new(air: Air, codes: Vec<Code>) -> World {
        World::with_enforcers(air, codes, Vec::new())
    }

    /// The same with the modules of `air.enforcers`, in order.
    ///
    /// # Panics
    /// If there is not one code for each reducer and each enforcer.
    pub fn with_enforcers(air: Air, codes: Vec<Code>, enforcers: Vec<PureCode>) -> World {
        assert_eq!(air.reducers.len(), codes.len(), "one code for each reducer");
        assert_eq!(
            air.enforcers.len(),
            enforcers.len(),
            "one for each enforcer"
        );
        let mut listeners = Vec::new();
        listeners.resize_with(air.schemas.ids().count(), Listeners::default);
        for (index, route) in air.routes.iter().enumerate() {
            listeners[route.event.index()].routes.push(index);
        }
        for step in air.plans.iter().flat_map(|plan| &plan.steps) {
            if let Op::AwaitEvent { event, .. } = &step.op {
                listeners[event.index()].are_awaited = true;
            }
        }
        for (index, trigger) in air.triggers.iter().enumerate() {
            listeners[trigger.event.index()].triggers.push(index);
        }
        let occurs = |text: &str| codes.iter().any(|code| code.mentions(text));
        for (id, reducer) in air.reducer_ids().zip(&air.reducers) {
            let is_its = |route: &Route| route.reducer == id && route.event == reducer.event;
            if !reducer.receipt_arms.is_empty() && !air.routes.iter().any(is_its) {
                listeners[reducer.event.index()].receipts.push(id);
            }
        }
        World {
            arms: Arms::of(&air, occurs),
            expected: Expected::default(),
            declared: None,
            initial_states: Vec::new(),
            assertions: Vec::new(),
            monitors: Vec::new(),
            air,
            codes,
            enforcers,
            listeners,
        }
    }

    /// The compiled code of a reducer.
    pub fn code(&self, reducer: ReducerId) -> &Code {
        &self.codes[reducer.index()]
    }

    /// The reducers in the order of their ids.
    pub fn reducers(&self) -> impl Iterator<Item = (ReducerId, &Reducer)> {
        self.air.reducer_ids().zip(&self.air.reducers)
    }

    /// Declares what is meant to be so: see [`Expected::add`].
    ///
    /// # Errors
    /// If the text is no declaration, or names what the documents do not have.
    pub fn expect(&mut self, text: &str) -> Result<(), ExpectError> {
        self.expected.add(&self.air, &self.arms, text)
    }

    /// The bound that cut a run short, in words; that of its liveness phase does not if the world
    /// is meant never to come to rest.
    pub fn cut_by(&self, end: End) -> Option<&'static str> {
        let is_meant = end == End::LivenessBound && self.expected.is_restless;
        end.cut_by().filter(|_| !is_meant)
    }

    /// Whether an event of that schema starts a plan.
    pub fn starts_plans(&self, schema: SchemaId) -> bool {
        !self.listeners(schema).triggers.is_empty()
    }

    /// Name and wasm hash of all that runs: the reducers, then the enforcers.
    pub fn modules(&self) -> impl Iterator<Item = (&str, Hash)> {
        let reducers = self.reducers().zip(&self.codes);
        let reducers = reducers.map(|((_, reducer), code)| (reducer.name.as_str(), code.hash()));
        let enforcers = self.air.enforcers.iter().zip(&self.enforcers);
        reducers.chain(enforcers.map(|(module, code)| (module.name.as_str(), code.hash())))
    }

    fn listeners(&self, schema: SchemaId) -> &Listeners {
        &self.listeners[schema.index()]
    }
}
