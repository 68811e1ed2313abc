//! Who sends what: the events that a world listens to, arm by arm, and where each comes from.
//!
//! Documents say what plans raise and which arms receipts fill. What a reducer emits they do not
//! say: a name that stands in its code is a hint, and running the world shows the rest (see
//! [`Arms::emitted_within`]). What is left is sent by clients. Judges nothing.

use sim_air::{Air, Expr, ExprOrValue, Op, SchemaId, Type, Value};

/// One kind of event: a schema, and the arm of its variant if it is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventArm {
    /// The schema of the event itself.
    pub schema: SchemaId,
    /// The tag of the arm; None if the schema is no variant.
    pub tag: Option<String>,
    /// Who sends it, as far as is known.
    pub source: EventSource,
}

/// Where an event comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum EventSource {
    /// From outside: nothing within the world is known to send it.
    Client,
    /// A plan raises it.
    Plan,
    /// A reducer emits it.
    Reducer,
    /// It tells a reducer of a receipt.
    Receipt,
}

/// Every kind of event that a reducer, a trigger or a plan's await listens to.
#[derive(Clone, Default, Debug)]
pub struct Arms(Vec<EventArm>);

/// An index into [`Arms`].
pub type ArmIndex = usize;

impl Arms {
    /// The arms of a world. `occurs` says whether a text stands in the code of a reducer.
    pub fn of(air: &Air, occurs: impl Fn(&str) -> bool) -> Arms {
        let mut heard: Vec<SchemaId> = air.routes.iter().map(|route| route.event).collect();
        heard.extend(air.triggers.iter().map(|trigger| trigger.event));
        heard.extend(steps(air).filter_map(|op| match op {
            Op::AwaitEvent { event, .. } => Some(*event),
            _ => None,
        }));
        heard.sort();
        heard.dedup();
        let raised = Raised::of(air);
        let mut arms = Vec::new();
        for schema in heard {
            let routed = air.routes.iter().any(|route| route.event == schema);
            // What only plans listen to is what a reducer asks for, if its code knows the name.
            let is_intent = !routed && occurs(air.schemas.name(schema));
            let source = |tag: Option<&str>| {
                if is_receipt(air, schema, tag) {
                    EventSource::Receipt
                } else if raised.contains(schema, tag) {
                    EventSource::Plan
                } else if is_intent {
                    EventSource::Reducer
                } else {
                    EventSource::Client
                }
            };
            match air.schemas.resolve(air.schemas.ty(schema)) {
                Type::Variant(variant) => arms.extend(variant.arms().iter().map(|arm| EventArm {
                    schema,
                    source: source(Some(&arm.tag)),
                    tag: Some(arm.tag.clone()),
                })),
                _ => arms.push(EventArm {
                    schema,
                    tag: None,
                    source: source(None),
                }),
            }
        }
        let mut arms = Arms(arms);
        arms.leave_something_to_clients();
        arms
    }

    /// A world in which nothing came from outside could never begin: then what plans raise and
    /// reducers emit may come from clients as well.
    fn leave_something_to_clients(&mut self) {
        if self.clients().next().is_some() {
            return;
        }
        for arm in &mut self.0 {
            if arm.source != EventSource::Receipt {
                arm.source = EventSource::Client;
            }
        }
    }

    /// Running the world showed that it sends these itself, if clients send the others: they are a
    /// reducer's from now on.
    pub fn emitted_within(&mut self, emitted: &[ArmIndex]) {
        for index in emitted {
            if let Some(arm) = self.0.get_mut(*index)
                && arm.source == EventSource::Client
            {
                arm.source = EventSource::Reducer;
            }
        }
        self.leave_something_to_clients();
    }

    /// From now on clients send what is said, and nothing else: the rest comes from within, or from
    /// nobody.
    pub fn sent_by_clients(&mut self, sends: impl Fn(&EventArm) -> bool) {
        for arm in &mut self.0 {
            if sends(arm) {
                arm.source = EventSource::Client;
            } else if arm.source == EventSource::Client {
                arm.source = EventSource::Reducer;
            }
        }
    }

    /// What reports call an arm: its label, with the schema's name where others have the same.
    pub fn name(&self, air: &Air, arm: &EventArm) -> String {
        let label = arm.label(air);
        let alike = self.0.iter().filter(|other| other.label(air) == label);
        match alike.count() {
            1 => label.to_owned(),
            _ => format!("{label} ({})", local_name(air.schemas.name(arm.schema))),
        }
    }

    /// All of them, in the order of their indices: by schema, then as its variant lists them.
    pub fn all(&self) -> &[EventArm] {
        &self.0
    }

    /// What clients may send.
    pub fn clients(&self) -> impl Iterator<Item = (ArmIndex, &EventArm)> {
        let all = self.0.iter().enumerate();
        all.filter(|(_, arm)| arm.source == EventSource::Client)
    }

    /// The arm of an event of that schema and tag.
    pub fn find(&self, schema: SchemaId, tag: Option<&str>) -> Option<ArmIndex> {
        let is_it = |arm: &EventArm| arm.schema == schema && arm.tag.as_deref() == tag;
        self.0.iter().position(is_it)
    }
}

impl EventArm {
    /// What schedules and reports call such an event: its tag, or the name of its schema without
    /// namespace and version.
    pub fn label<'a>(&'a self, air: &'a Air) -> &'a str {
        match &self.tag {
            Some(tag) => tag,
            None => local_name(air.schemas.name(self.schema)),
        }
    }
}

/// The name of a schema or plan as schedules have it, without namespace and version.
///
/// ```
/// assert_eq!(sim_kernel::local_name("demo/OrderPaid@1"), "OrderPaid");
/// ```
pub fn local_name(name: &str) -> &str {
    let name = name.split_once('/').map_or(name, |(_, local)| local);
    name.split_once('@').map_or(name, |(local, _)| local)
}

fn steps(air: &Air) -> impl Iterator<Item = &Op> {
    let plans = air.plans.iter();
    plans.flat_map(|plan| plan.steps.iter().map(|step| &step.op))
}

/// Whether a reducer gets its receipts in this arm, or as events of this schema.
fn is_receipt(air: &Air, schema: SchemaId, tag: Option<&str>) -> bool {
    let is_receipt_event = |ty: &Type| {
        let Type::Ref(id) = ty else { return false };
        let mut effects = air.effects.iter();
        effects.any(|effect| effect.receipt_event == Some(*id))
    };
    let Some(tag) = tag else {
        return is_receipt_event(&Type::Ref(schema));
    };
    match air.schemas.resolve(air.schemas.ty(schema)) {
        Type::Variant(variant) => variant
            .arm(tag)
            .is_some_and(|arm| is_receipt_event(&arm.ty)),
        _ => false,
    }
}

/// What plans raise.
struct Raised {
    /// Schemas, and the tag where it is written down.
    events: Vec<(SchemaId, Option<String>)>,
    /// The payloads of arms, by schema of the variant and tag.
    payloads: Vec<(SchemaId, String, SchemaId)>,
}

impl Raised {
    fn of(air: &Air) -> Raised {
        let events = steps(air).filter_map(|op| match op {
            Op::RaiseEvent { event, value } => Some((*event, tag_of(value))),
            _ => None,
        });
        let mut payloads = Vec::new();
        for route in &air.routes {
            let variant = air.reducers[route.reducer.index()].event;
            if let Type::Variant(arms) = air.schemas.resolve(air.schemas.ty(variant)) {
                payloads.extend(arms.arms().iter().filter_map(|arm| match arm.ty {
                    Type::Ref(payload) => Some((variant, arm.tag.clone(), payload)),
                    _ => None,
                }));
            }
        }
        Raised {
            events: events.collect(),
            payloads,
        }
    }

    /// Whether a plan raises such an event, or the payload of such an arm where that is an event of
    /// its own. What a plan raises by a tag that it works out may be anything, so it counts for
    /// nothing.
    fn contains(&self, schema: SchemaId, tag: Option<&str>) -> bool {
        let raises = |schema: SchemaId, tag: Option<&str>| {
            let mut events = self.events.iter();
            events.any(|(event, of)| *event == schema && of.as_deref() == tag)
        };
        let mut payloads = self.payloads.iter();
        raises(schema, tag)
            || payloads.any(|(variant, of, payload)| {
                *variant == schema && Some(of.as_str()) == tag && raises(*payload, None)
            })
    }
}

fn tag_of(value: &ExprOrValue) -> Option<String> {
    match value {
        ExprOrValue::Expr(Expr::Variant { tag, .. })
        | ExprOrValue::Expr(Expr::Constant(Value::Variant { tag, .. }))
        | ExprOrValue::Value(Value::Variant { tag, .. }) => Some(tag.clone()),
        _ => None,
    }
}
