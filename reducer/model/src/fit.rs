//! Which worlds are the retry machine's: by names, and by the shapes that the model needs.

use sim_air::{Air, EffectId, ReducerId, SchemaId, Schemas, Type};
use sim_kernel::adapters::timer::SET as TIMER_SET;

/// The reducer's event schema, by which a world is known to be a retry world.
const EVENT: &str = "demo/RetryEvent@1";
const REQUESTED: &str = "demo/WorkRequested@1";

/// The model of a world, if it is a retry world: see [`Retry::of`].
///
/// # Errors
/// If it is one by the names of its schemas, and what the model sends would not fit them.
pub fn model(air: &Air) -> Result<Option<Retry>, Misfit> {
    let Some(retry) = Retry::by_name(air) else {
        return Ok(None);
    };
    match retry.misfit() {
        None => Ok(Some(retry)),
        Some(what) => Err(Misfit { what }),
    }
}

/// A world that goes by the names of this model and has another shape.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "this is the world of the retry machine by its names, but {what}: its requests would not fit"
)]
pub struct Misfit {
    what: String,
}

impl Misfit {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "give the schemas names of their own, such as `my/RetryEvent@1`, to have the world run by \
         its documents"
    }
}

/// The schemas and the reducer of a retry world.
#[derive(Clone, Debug)]
pub struct Retry {
    /// What the reducer is sent: `demo/RetryEvent@1`.
    pub event: SchemaId,
    /// What it asks for work by: `demo/WorkRequested@1`.
    pub requested: SchemaId,
    /// The reducer.
    pub reducer: ReducerId,
    /// `timer.set`, if the world has it.
    pub timer: Option<EffectId>,
    pub(crate) schemas: Schemas,
}

impl Retry {
    /// None if this is not a retry world: the two schemas, in the shape that is known, and a
    /// reducer over them. Its state is its own matter.
    pub fn of(air: &Air) -> Option<Retry> {
        let retry = Retry::by_name(air)?;
        retry.misfit().is_none().then_some(retry)
    }

    /// The same, whatever the shape of the schemas.
    fn by_name(air: &Air) -> Option<Retry> {
        let event = air.schemas.find(EVENT)?;
        let requested = air.schemas.find(REQUESTED)?;
        let mut routes = air.routes.iter();
        let route = routes.find(|route| route.event == event && route.key_field.is_none())?;
        let timer = air.effects.iter().position(|it| it.kind == TIMER_SET);
        Some(Retry {
            event,
            requested,
            reducer: route.reducer,
            timer: timer.map(EffectId::new),
            schemas: air.schemas.clone(),
        })
    }

    /// What of the schemas is not as the machine's requests, answers and invariants need it.
    fn misfit(&self) -> Option<String> {
        let schemas = &self.schemas;
        let Type::Variant(event) = schemas.resolve(schemas.ty(self.event)) else {
            return Some(format!("`{EVENT}` is no variant"));
        };
        let tags: Vec<&str> = event.arms().iter().map(|arm| arm.tag.as_str()).collect();
        if tags != TAGS {
            return Some(format!("`{EVENT}` has the arms {}", tags.join(", ")));
        }
        let shapes = SHAPES.iter().filter_map(|(tag, fields)| {
            let ty = &event.arm(tag)?.ty;
            Some((ty, fields))
        });
        let requested = schemas.ty(self.requested);
        let mut shapes = shapes.chain([(requested, &REQUESTED_FIELDS)]);
        shapes.find_map(|(ty, fields)| misfit_of(schemas, ty, fields))
    }
}

/// The arms of the event, in canonical order.
const TAGS: [&str; 4] = ["ok", "err", "start", "timer"];

/// A field by name and type.
type Fields = &'static [(&'static str, Type)];

/// The fields of what the arms carry, in canonical order. A timer's are built in.
const SHAPES: [(&str, Fields); 3] = [
    (
        "start",
        &[
            ("now_ns", Type::Nat),
            ("req_id", Type::Text),
            ("payload", Type::Text),
            ("max_attempts", Type::Nat),
            ("base_delay_ms", Type::Nat),
        ],
    ),
    ("ok", &[("req_id", Type::Text)]),
    (
        "err",
        &[
            ("req_id", Type::Text),
            ("message", Type::Text),
            ("transient", Type::Bool),
        ],
    ),
];
const REQUESTED_FIELDS: Fields = &[("req_id", Type::Text), ("payload", Type::Text)];

/// The first field that is not as it should be.
fn misfit_of(schemas: &Schemas, ty: &Type, fields: &Fields) -> Option<String> {
    let name = schemas.describe(ty);
    let Type::Record(record) = schemas.resolve(ty) else {
        return Some(format!("{name} is no record"));
    };
    let unknown = record.fields().iter().find(|field| {
        let mut known = fields.iter();
        !known.any(|(name, ty)| field.name == *name && schemas.resolve(&field.ty) == ty)
    });
    if let Some(field) = unknown {
        let ty = schemas.describe(&field.ty);
        return Some(format!("{name} has a field `{}` of {ty}", field.name));
    }
    let lacks = |name: &str| record.field(name).is_none();
    let missing = fields.iter().find(|(name, _)| lacks(name));
    missing.map(|(field, _)| format!("{name} has no field `{field}`"))
}
