//! Types and the table of schemas.
//!
//! Everything that the codec needs at every byte is worked out here once: fields and arms in
//! canonical order, with their keys already encoded. Refs are indices and never form a cycle.

use std::collections::BTreeMap;

use crate::cbor;

/// The most nodes that the smallest value of a type may have, and the most of a value that is made
/// up: a type that has none so small is refused.
pub const MOST_NODES: u32 = 4_096;

/// An index into [`Schemas`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SchemaId(pub(super) u32);

impl SchemaId {
    /// The id at a place among all schemas.
    pub fn new(index: usize) -> SchemaId {
        SchemaId(index as u32)
    }

    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A type of AIR. `Time` is u64 ns, `Duration` i64 ns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    Bool,
    Int,
    Nat,
    Dec128,
    Bytes,
    Text,
    Time,
    Duration,
    Hash,
    Uuid,
    Unit,
    Record(Record),
    Variant(Variant),
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<MapType>),
    Option(Box<Type>),
    Ref(SchemaId),
}

/// A record's fields, in canonical order of their names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    fields: Vec<Field>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    pub name: String,
    pub ty: Type,
    /// Whether the field may be absent on the way in: its type is an option, perhaps by a ref.
    pub optional: bool,
    /// The name as a CBOR text item.
    pub(super) key: Vec<u8>,
}

/// A variant's arms, in canonical order of their tags.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variant {
    arms: Vec<Arm>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arm {
    pub tag: String,
    pub ty: Type,
    /// Whether the arm carries nothing: its type is unit, perhaps by a ref.
    pub unit: bool,
    /// The tag as a CBOR text item.
    pub(super) key: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapType {
    pub key: Type,
    pub value: Type,
}

impl Record {
    /// Names must be unique. Whether fields are optional is known once refs are resolved.
    pub(super) fn new(fields: impl IntoIterator<Item = (String, Type)>) -> Record {
        let mut fields: Vec<Field> = fields
            .into_iter()
            .map(|(name, ty)| Field {
                key: cbor::text_item(&name),
                name,
                ty,
                optional: false,
            })
            .collect();
        fields.sort_by(|left, right| left.key.cmp(&right.key));
        Record { fields }
    }

    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Variant {
    /// Tags must be unique. Whether arms are unit is known once refs are resolved.
    pub(super) fn new(arms: impl IntoIterator<Item = (String, Type)>) -> Variant {
        let mut arms: Vec<Arm> = arms
            .into_iter()
            .map(|(tag, ty)| Arm {
                key: cbor::text_item(&tag),
                tag,
                ty,
                unit: false,
            })
            .collect();
        arms.sort_by(|left, right| left.key.cmp(&right.key));
        Variant { arms }
    }

    pub fn arms(&self) -> &[Arm] {
        &self.arms
    }

    pub fn arm(&self, tag: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.tag == tag)
    }
}

/// Every schema of a world, the built-in ones included.
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
    pub(super) fn add(&mut self, name: &str, ty: Type, anonymous: bool) -> SchemaId {
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

    pub(super) fn set_type(&mut self, id: SchemaId, ty: Type) {
        self.entries[id.index()].ty = ty;
    }

    /// Works out how large the smallest value of a schema is. What it refers to must have been
    /// measured before.
    pub(super) fn measure(&mut self, id: SchemaId) {
        self.entries[id.index()].least_nodes = self.least_nodes(self.ty(id));
    }

    /// Whether a type or a part of it has no value of at most [`MOST_NODES`].
    pub(super) fn has_vast_part(&self, ty: &Type) -> bool {
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
    pub(super) fn finish(&mut self) {
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

    /// Whether two types have the same values: equal once refs are followed. Gives up, with a no,
    /// after a bounded number of steps, since refs can make a small document a vast type.
    pub(super) fn same(&self, left: &Type, right: &Type) -> bool {
        const MAX_COMPARISONS: usize = 100_000;
        self.same_within(left, right, &mut { MAX_COMPARISONS })
    }

    fn same_within(&self, left: &Type, right: &Type, fuel: &mut usize) -> bool {
        let Some(rest) = fuel.checked_sub(1) else {
            return false;
        };
        *fuel = rest;
        match (left, right) {
            (Type::Ref(left), Type::Ref(right)) if left == right => true,
            (Type::Ref(_), _) | (_, Type::Ref(_)) => {
                self.same_within(self.resolve(left), self.resolve(right), fuel)
            }
            (Type::Record(left), Type::Record(right)) => {
                let mut pairs = left.fields.iter().zip(&right.fields);
                left.fields.len() == right.fields.len()
                    && pairs.all(|(l, r)| l.name == r.name && self.same_within(&l.ty, &r.ty, fuel))
            }
            (Type::Variant(left), Type::Variant(right)) => {
                let mut pairs = left.arms.iter().zip(&right.arms);
                left.arms.len() == right.arms.len()
                    && pairs.all(|(l, r)| l.tag == r.tag && self.same_within(&l.ty, &r.ty, fuel))
            }
            (Type::List(left), Type::List(right))
            | (Type::Set(left), Type::Set(right))
            | (Type::Option(left), Type::Option(right)) => self.same_within(left, right, fuel),
            (Type::Map(left), Type::Map(right)) => {
                self.same_within(&left.key, &right.key, fuel)
                    && self.same_within(&left.value, &right.value, fuel)
            }
            _ => left == right,
        }
    }
}
