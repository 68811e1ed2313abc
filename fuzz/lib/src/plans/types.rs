//! The reference's own types: which there are, which are the same, how a document has them. Which
//! values they have is a matter of `fit`.

use serde_json::{Value as Json, json};

/// A type of AIR. A ref is an index among the schemas of the world.
#[derive(Clone, PartialEq, Debug)]
pub enum Ty {
    Bool,
    Int,
    Nat,
    Dec,
    Bytes,
    Text,
    Time,
    Duration,
    Hash,
    Uuid,
    Unit,
    Record(Vec<(&'static str, Ty)>),
    Variant(Vec<(&'static str, Ty)>),
    List(Box<Ty>),
    Set(Box<Ty>),
    Map(Box<Ty>, Box<Ty>),
    Option(Box<Ty>),
    Ref(usize),
}

/// The schemas of a world, by number.
pub struct Types(pub Vec<Ty>);

impl Types {
    pub fn name(index: usize) -> String {
        format!("t/S{index}@1")
    }

    /// The number in a schema's name.
    pub fn index(name: &str) -> Option<usize> {
        name.strip_prefix("t/S")?.strip_suffix("@1")?.parse().ok()
    }

    /// The type at the end of its refs.
    pub fn resolve<'t>(&'t self, mut ty: &'t Ty) -> &'t Ty {
        while let Ty::Ref(index) = ty {
            ty = &self.0[*index];
        }
        ty
    }

    /// Whether both have the same values.
    pub fn same(&self, left: &Ty, right: &Ty) -> bool {
        let fields = |left: &[(&str, Ty)], right: &[(&str, Ty)]| {
            let mut pairs = left.iter().zip(right);
            left.len() == right.len() && pairs.all(|(l, r)| l.0 == r.0 && self.same(&l.1, &r.1))
        };
        match (self.resolve(left), self.resolve(right)) {
            (Ty::Record(left), Ty::Record(right)) | (Ty::Variant(left), Ty::Variant(right)) => {
                fields(left, right)
            }
            (Ty::List(left), Ty::List(right))
            | (Ty::Set(left), Ty::Set(right))
            | (Ty::Option(left), Ty::Option(right)) => self.same(left, right),
            (Ty::Map(key, value), Ty::Map(other_key, other_value)) => {
                self.same(key, other_key) && self.same(value, other_value)
            }
            (left, right) => left == right,
        }
    }

    /// The type as a document has it.
    pub fn document(ty: &Ty) -> Json {
        let members = |members: &[(&str, Ty)]| -> Json {
            let member = |(name, ty): &(&str, Ty)| ((*name).to_owned(), Types::document(ty));
            Json::Object(members.iter().map(member).collect())
        };
        match ty {
            Ty::Bool => json!({"bool": {}}),
            Ty::Int => json!({"int": {}}),
            Ty::Nat => json!({"nat": {}}),
            Ty::Dec => json!({"dec128": {}}),
            Ty::Bytes => json!({"bytes": {}}),
            Ty::Text => json!({"text": {}}),
            Ty::Time => json!({"time": {}}),
            Ty::Duration => json!({"duration": {}}),
            Ty::Hash => json!({"hash": {}}),
            Ty::Uuid => json!({"uuid": {}}),
            Ty::Unit => json!({"unit": {}}),
            Ty::Record(fields) => json!({"record": members(fields)}),
            Ty::Variant(arms) => json!({"variant": members(arms)}),
            Ty::List(item) => json!({"list": Types::document(item)}),
            Ty::Set(item) => json!({"set": Types::document(item)}),
            Ty::Map(key, value) => {
                json!({"map": {"key": Types::document(key), "value": Types::document(value)}})
            }
            Ty::Option(inner) => json!({"option": Types::document(inner)}),
            Ty::Ref(index) => json!({"ref": Types::name(*index)}),
        }
    }
}
