//! Types as the codec needs them, and the table of schemas.
//!
//! What the codec needs at every byte is worked out here once: fields and arms in canonical order,
//! with their keys already encoded. Nothing here knows a value, or how a type is written in JSON.

mod same;
pub mod schemas;

use self::schemas::SchemaId;
use crate::cbor;

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
    Record(RecordType),
    Variant(VariantType),
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<MapType>),
    Option(Box<Type>),
    Ref(SchemaId),
}

/// A record's fields, in canonical order of their names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordType {
    fields: Vec<Field>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    pub name: String,
    pub ty: Type,
    /// Whether the field may be absent on the way in: its type is an option, perhaps by a ref.
    pub optional: bool,
    /// The name as a CBOR text item.
    pub(crate) key: Vec<u8>,
}

/// A variant's arms, in canonical order of their tags.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VariantType {
    arms: Vec<Arm>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arm {
    pub tag: String,
    pub ty: Type,
    /// Whether the arm carries nothing: its type is unit, perhaps by a ref.
    pub unit: bool,
    /// The tag as a CBOR text item.
    pub(crate) key: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapType {
    pub key: Type,
    pub value: Type,
}

impl RecordType {
    /// Names must be unique. Whether fields are optional is known once refs are resolved.
    pub(crate) fn new(fields: impl IntoIterator<Item = (String, Type)>) -> RecordType {
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
        RecordType { fields }
    }

    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl VariantType {
    /// Tags must be unique. Whether arms are unit is known once refs are resolved.
    pub(crate) fn new(arms: impl IntoIterator<Item = (String, Type)>) -> VariantType {
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
        VariantType { arms }
    }

    pub fn arms(&self) -> &[Arm] {
        &self.arms
    }

    pub fn arm(&self, tag: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.tag == tag)
    }
}
