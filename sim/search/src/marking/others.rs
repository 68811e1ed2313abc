//! Other values for a field: some that the model draws at its place, and some that its schema
//! allows.

use std::collections::BTreeSet;

use super::fields::{self, Field};
use sim_air::{SchemaId, Schemas, Type, Value};
use sim_model::{Model, sample};
use sim_record::random::{Component, Seed, Stream};
use sim_record::scenario::{Depth, Scenario};

/// So many times a model is asked for requests and for spurious events.
const DRAWS: u64 = 24;
/// Of what it drew at the place of a field, so many values are tried first.
const DRAWN_VALUES: usize = 2;
/// Texts from elsewhere in the scenario that are tried for a text.
const KNOWN_TEXTS: usize = 2;

/// Values to take others from.
pub(super) struct Others<'a> {
    schemas: &'a Schemas,
    /// What the model drew: requests and spurious events, always the same.
    drawn: Vec<(SchemaId, Value)>,
    /// The texts of the scenario.
    texts: BTreeSet<String>,
}

impl<'a> Others<'a> {
    pub fn of(
        schemas: &'a Schemas,
        model: &dyn Model,
        scenario: &Scenario,
        values: &[(SchemaId, Value)],
    ) -> Others<'a> {
        let mut drawn = Vec::new();
        let mut add = |schema, bytes: &[u8]| {
            drawn.extend(schemas.decode(schema, bytes).map(|value| (schema, value)));
        };
        for seed in 0..DRAWS {
            let mut stream = Stream::new(Seed(seed), Component::Shrinker);
            for request in model.requests(&mut stream, Depth::Usual) {
                add(request.schema, &request.value);
            }
            if let Some(spurious) = model.spurious(&scenario.requests, &mut stream) {
                add(spurious.schema, &spurious.value);
            }
        }
        let mut texts = BTreeSet::new();
        for (schema, value) in values {
            let fields = fields::fields(schemas, schemas.ty(*schema), value);
            let fields = fields.iter().filter(|field| *field.ty == Type::Text);
            texts.extend(fields.filter_map(|field| field.value.as_text().map(str::to_owned)));
        }
        Others {
            schemas,
            drawn,
            texts,
        }
    }

    /// Other values for a field of a value of this schema, none twice: those first with which the
    /// failure is most likely another.
    pub fn values(&self, schema: SchemaId, field: &Field<'_>) -> Vec<Value> {
        let mut values = Vec::new();
        let mut add = |value: Value| {
            let is_new = value != field.value && !values.contains(&value);
            if is_new {
                values.push(value);
            }
            is_new
        };
        let of_schema = self.drawn.iter().filter(|(drawn, _)| *drawn == schema);
        let mut drawn = of_schema.filter_map(|(_, value)| fields::at(value, &field.way));
        let mut count = 0;
        while count < DRAWN_VALUES
            && let Some(value) = drawn.next()
        {
            count += usize::from(add(value.clone()));
        }
        if field.is_optional {
            add(Value::Null);
        }
        for value in self.of_schema(field.ty, &field.value) {
            add(value);
        }
        values
    }

    fn of_schema(&self, ty: &Type, value: &Value) -> Vec<Value> {
        let plainest = || sample::plainest(self.schemas, ty);
        match (ty, value) {
            (_, Value::Null) => vec![plainest()],
            (Type::Bool, Value::Bool(flag)) => vec![Value::Bool(!flag)],
            (_, Value::Nat(is)) => {
                let others = [0, is.saturating_add(1), is.saturating_sub(1), u64::MAX];
                others.map(Value::Nat).into()
            }
            (_, Value::Int(is)) => {
                let others = [0, is.saturating_add(1), is.saturating_sub(1), i64::MAX];
                others.map(Value::Int).into()
            }
            (Type::Text, Value::Text(is)) => {
                let known = self.texts.iter().filter(|known| *known != is);
                let known = known.take(KNOWN_TEXTS).cloned();
                let others = [format!("{is}a"), "b".to_owned()];
                let others = known.chain(others);
                std::iter::once(String::new())
                    .chain(others)
                    .map(Value::Text)
                    .collect()
            }
            (Type::Bytes, Value::Bytes(is)) => {
                let longer = [is.as_slice(), &[0]].concat();
                [longer, Vec::new(), vec![255]].map(Value::Bytes).into()
            }
            (Type::Variant(variant), _) => {
                let arms = variant.arms().iter();
                arms.map(|arm| Value::Variant {
                    tag: arm.tag.clone(),
                    value: Box::new(sample::plainest(self.schemas, &arm.ty)),
                })
                .collect()
            }
            (Type::List(item) | Type::Set(item), _) => {
                vec![Value::List(vec![sample::plainest(self.schemas, item)])]
            }
            (Type::Map(map), _) => {
                let [key, value] =
                    [&map.key, &map.value].map(|ty| sample::plainest(self.schemas, ty));
                vec![Value::Map(vec![(key, value)])]
            }
            _ => {
                let mut stream = Stream::new(Seed(0), Component::Shrinker);
                let mut drawn = || sample::arbitrary(self.schemas, ty, &mut stream);
                vec![plainest(), drawn(), drawn(), drawn()]
            }
        }
    }
}
