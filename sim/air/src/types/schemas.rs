//! The table of schemas, and what is worked out once for each type in it.
//!
//! Refs are indices and never form a cycle. Only the loader adds schemas.

use std::collections::BTreeMap;

use super::Type;

/// The most nodes that the smallest value of a type may have, and the most of a value that is made
/// up: a type that has none so small is refused.
pub const MOST_NODES: u32 = 4_096;

/// An index into [`Schemas`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SchemaId(pub(crate) u32);

impl SchemaId {
    /// The id at a place among all schemas.
    pub fn new(index: usize) -> SchemaId {
        SchemaId(index as u32)
    }

    /// The place among all schemas.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every schema of a world, the built-in ones included. Values are judged by it.
///
/// ```
/// use sim_air::{Source, Value, load};
/// # let text = r#"[
/// #   {"$kind": "defschema", "name": "demo/Point@1",
/// #    "type": {"record": {"x": {"int": {}}, "y": {"option": {"int": {}}}}}},
/// #   {"$kind": "manifest", "air_version": "1", "schemas": [{"name": "demo/Point@1"}],
/// #    "modules": [], "plans": [], "effects": [], "caps": [], "policies": []}
/// # ]"#;
/// # let source = Source { file: "point.air.json".to_owned(), text: text.to_owned() };
///
/// // demo/Point@1 is {"record": {"x": {"int": {}}, "y": {"option": {"int": {}}}}}
/// let schemas = load(&[source])?.schemas;
/// let point = schemas.find("demo/Point@1").expect("the world has it");
///
/// // An option may be left out on the way in, and is null once it is canonical.
/// let bytes = schemas.encode(point, &Value::record([("x", Value::Nat(1))]))?;
/// let value = schemas.decode(point, &bytes)?;
/// assert_eq!(value.field("y"), Some(&Value::Null));
///
/// // In JSON: plain, or tagged by type.
/// let json = serde_json::json!({"x": {"int": 1}});
/// assert_eq!(schemas.value_from_json(point, &json)?, value);
/// assert_eq!(schemas.value_to_json(point, &value), serde_json::json!({"x": 1, "y": null}));
///
/// let error = schemas.encode(point, &Value::record([("x", Value::text("1"))])).unwrap_err();
/// assert_eq!(error.to_string(), "at `/x`: expected a signed number of 64 bits, found text");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    entries: Vec<Entry>,
    by_name: BTreeMap<String, SchemaId>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    ty: Type,
    least_nodes: u32,
}

impl Schemas {
    /// The schema of that name; anonymous ones have none.
    pub fn find(&self, name: &str) -> Option<SchemaId> {
        self.by_name.get(name).copied()
    }

    /// The schema's name; for an anonymous one, what it is for.
    pub fn name(&self, id: SchemaId) -> &str {
        &self.entries[id.index()].name
    }

    /// The schema's type as written: a ref stays a ref.
    pub fn ty(&self, id: SchemaId) -> &Type {
        &self.entries[id.index()].ty
    }

    /// The type at the end of a chain of refs.
    pub fn resolve<'a>(&'a self, ty: &'a Type) -> &'a Type {
        let mut ty = ty;
        while let Type::Ref(id) = ty {
            ty = self.ty(*id);
        }
        ty
    }

    /// Every schema, in the order in which the loader met them.
    pub fn ids(&self) -> impl Iterator<Item = SchemaId> + use<> {
        (0..self.entries.len() as u32).map(SchemaId)
    }

    /// How many nodes the smallest value of a type has: refs can make a small document a vast type.
    /// Lists, sets, maps and options may be empty, and of a variant the smallest arm counts.
    pub fn least_nodes(&self, ty: &Type) -> u32 {
        let least = |ty| self.least_nodes(ty);
        match ty {
            Type::Ref(id) => self.entries[id.index()].least_nodes,
            Type::Record(record) => {
                let fields = record.fields.iter().map(|field| least(&field.ty));
                fields.fold(1, u32::saturating_add)
            }
            Type::Variant(variant) => {
                let arms = variant.arms.iter().map(|arm| least(&arm.ty));
                arms.min().unwrap_or(0).saturating_add(1)
            }
            _ => 1,
        }
    }

    /// Adds a schema, its refs already resolved. Without a name to be found by, `name` only says
    /// what the schema is for.
    pub(crate) fn add(&mut self, name: &str, ty: Type, anonymous: bool) -> SchemaId {
        let id = SchemaId(self.entries.len() as u32);
        self.entries.push(Entry {
            name: name.to_owned(),
            least_nodes: self.least_nodes(&ty),
            ty,
        });
        if !anonymous {
            self.by_name.insert(name.to_owned(), id);
        }
        id
    }

    pub(crate) fn set_type(&mut self, id: SchemaId, ty: Type) {
        self.entries[id.index()].ty = ty;
    }

    /// Works out how large the smallest value of a schema is. What it refers to must have been
    /// measured before.
    pub(crate) fn measure(&mut self, id: SchemaId) {
        self.entries[id.index()].least_nodes = self.least_nodes(self.ty(id));
    }

    /// Whether a type or a part of it has no value of at most [`MOST_NODES`].
    pub(crate) fn has_vast_part(&self, ty: &Type) -> bool {
        let again = |ty| self.has_vast_part(ty);
        self.least_nodes(ty) > MOST_NODES
            || match ty {
                Type::Record(record) => record.fields.iter().any(|field| again(&field.ty)),
                Type::Variant(variant) => variant.arms.iter().any(|arm| again(&arm.ty)),
                Type::List(inner) | Type::Set(inner) | Type::Option(inner) => again(inner),
                Type::Map(map) => again(&map.key) || again(&map.value),
                _ => false,
            }
    }

    /// Works out which fields may be absent and which arms carry nothing. Refs must be acyclic.
    pub(crate) fn finish(&mut self) {
        for index in 0..self.entries.len() {
            let mut ty = std::mem::replace(&mut self.entries[index].ty, Type::Unit);
            self.mark(&mut ty);
            self.entries[index].ty = ty;
        }
    }

    fn mark(&self, ty: &mut Type) {
        match ty {
            Type::Record(record) => {
                for field in &mut record.fields {
                    field.optional = matches!(self.resolve(&field.ty), Type::Option(_));
                    self.mark(&mut field.ty);
                }
            }
            Type::Variant(variant) => {
                for arm in &mut variant.arms {
                    arm.unit = matches!(self.resolve(&arm.ty), Type::Unit);
                    self.mark(&mut arm.ty);
                }
            }
            Type::List(inner) | Type::Set(inner) | Type::Option(inner) => self.mark(inner),
            Type::Map(map) => self.mark(&mut map.value),
            _ => {}
        }
    }

    /// A type in a few words, for messages.
    pub fn describe(&self, ty: &Type) -> String {
        let word = match ty {
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Nat => "nat",
            Type::Dec128 => "dec128",
            Type::Bytes => "bytes",
            Type::Text => "text",
            Type::Time => "time",
            Type::Duration => "duration",
            Type::Hash => "hash",
            Type::Uuid => "uuid",
            Type::Unit => "unit",
            Type::Record(_) => "a record",
            Type::Variant(_) => "a variant",
            Type::List(_) => "a list",
            Type::Set(_) => "a set",
            Type::Map(_) => "a map",
            Type::Option(inner) => return format!("an option of {}", self.describe(inner)),
            Type::Ref(id) => self.name(*id),
        };
        word.to_owned()
    }
}
