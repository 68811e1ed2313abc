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
    /// True or false.
    Bool,
    /// An integer of 64 bits with a sign.
    Int,
    /// An integer of 64 bits without a sign.
    Nat,
    /// A decimal (IEEE 754 decimal128), kept as its text.
    Dec128,
    /// A byte string.
    Bytes,
    /// Text in UTF-8.
    Text,
    /// A moment: ns since 1970, without a sign.
    Time,
    /// A span of time: ns, with a sign.
    Duration,
    /// A SHA-256 digest, kept as `sha256:` and hex.
    Hash,
    /// A UUID (RFC 9562), kept as its text in small letters.
    Uuid,
    /// Null, and nothing else.
    Unit,
    /// Named fields.
    Record(RecordType),
    /// One of several tags, each with a value.
    Variant(VariantType),
    /// Items in their order.
    List(Box<Type>),
    /// Items without an order, each once.
    Set(Box<Type>),
    /// Keys, each once, and their values.
    Map(Box<MapType>),
    /// A value or null.
    Option(Box<Type>),
    /// What another schema says.
    Ref(SchemaId),
}

/// A record's fields, in canonical order of their names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordType {
    fields: Vec<Field>,
}

/// A field of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Unique in the record.
    pub name: String,
    /// The type of its values.
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

/// An arm of a variant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arm {
    /// Unique in the variant.
    pub tag: String,
    /// The type of what it carries.
    pub ty: Type,
    /// Whether the arm carries nothing: its type is unit, perhaps by a ref.
    pub unit: bool,
    /// The tag as a CBOR text item.
    pub(crate) key: Vec<u8>,
}

/// The type of a map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapType {
    /// The type of its keys: int, nat, text, uuid or hash, perhaps by a ref.
    pub key: Type,
    /// The type of its values.
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

    /// The fields, in canonical order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field of that name.
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

    /// The arms, in canonical order.
    pub fn arms(&self) -> &[Arm] {
        &self.arms
    }

    /// The arm of that tag.
    pub fn arm(&self, tag: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.tag == tag)
    }
}
