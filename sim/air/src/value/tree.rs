//! Values as trees, to and from the canonical bytes of a schema.
//!
//! There is one judge of what fits a schema, `canonicalise`: a tree is written as plain CBOR and
//! judged like bytes from outside, and bytes are made canonical before they become a tree.

use crate::cbor;
use crate::cbor::reader::{EntriesLeft, ItemReader};
use crate::problems::value_error::{Fault, ValueError};
use crate::types::Type;
use crate::types::schemas::{SchemaId, Schemas};
use crate::value::Value;

impl Schemas {
    /// The canonical bytes of a value, with their tag. Numbers may be `Int` or `Nat`, sets may
    /// come in any order and optional fields may be absent.
    ///
    /// # Errors
    ///
    /// If the value is none of the schema.
    pub fn encode(&self, id: SchemaId, value: &Value) -> Result<Vec<u8>, ValueError> {
        let mut plain = Vec::new();
        value.write_cbor(&mut plain);
        let mut out = Vec::with_capacity(plain.len() + cbor::SELF_DESCRIBED.len());
        self.canonicalise(id, &plain, &mut out)?;
        Ok(out)
    }

    /// The value in any bytes that [`Schemas::canonicalise`] accepts.
    ///
    /// # Errors
    ///
    /// Those of [`Schemas::canonicalise`].
    pub fn decode(&self, id: SchemaId, bytes: &[u8]) -> Result<Value, ValueError> {
        let mut canonical = Vec::with_capacity(bytes.len() + cbor::SELF_DESCRIBED.len());
        self.canonicalise(id, bytes, &mut canonical)?;
        let mut reader = ItemReader::new(&canonical);
        self.read(self.ty(id), &mut reader).map_err(|fault| *fault)
    }

    /// Reads canonical bytes: types and keys were checked, so only their order is relied on.
    fn read(&self, ty: &Type, input: &mut ItemReader) -> Result<Value, Fault> {
        Ok(match ty {
            Type::Nat | Type::Time => Value::Nat(input.nat()?),
            Type::Int | Type::Duration => Value::Int(input.int()?),
            Type::Bool => Value::Bool(input.next_byte("a bool")? == cbor::TRUE),
            Type::Unit => {
                input.expect_byte(cbor::NULL, "null")?;
                Value::Null
            }
            Type::Text | Type::Hash | Type::Uuid | Type::Dec128 => Value::Text(text(input)?),
            Type::Bytes => {
                let mut value = Vec::new();
                input.string(cbor::BYTES, |bytes| value = bytes.to_vec())?;
                Value::Bytes(value)
            }
            Type::Ref(id) => self.read(self.ty(*id), input)?,
            Type::Option(_) if input.take(&[cbor::NULL]) => Value::Null,
            Type::Option(inner) => self.read(inner, input)?,
            Type::List(item) | Type::Set(item) => {
                let mut entries = input.head(cbor::ARRAY, "a list")?;
                let mut items = Vec::new();
                while input.another(&mut entries)? {
                    items.push(self.read(item, input)?);
                }
                Value::List(items)
            }
            Type::Record(record) => {
                input.head(cbor::MAP, "a record")?;
                let mut entries = Vec::with_capacity(record.fields().len());
                for field in record.fields() {
                    let name = Value::Text(text(input)?);
                    entries.push((name, self.read(&field.ty, input)?));
                }
                Value::Map(entries)
            }
            Type::Map(map) => {
                let mut head = input.head(cbor::MAP, "a map")?;
                let mut entries = Vec::new();
                while input.another(&mut head)? {
                    entries.push((self.read(&map.key, input)?, self.read(&map.value, input)?));
                }
                Value::Map(entries)
            }
            Type::Variant(variant) => {
                let entries = input.head(cbor::MAP, "a variant")?;
                input.expect_key(cbor::TAG_KEY, "`$tag`")?;
                let tag = text(input)?;
                let mut value = Value::Null;
                if let (EntriesLeft::Known(2), Some(arm)) = (entries, variant.arm(&tag)) {
                    input.expect_key(cbor::VALUE_KEY, "`$value`")?;
                    value = self.read(&arm.ty, input)?;
                }
                Value::Variant {
                    tag,
                    value: Box::new(value),
                }
            }
        })
    }
}

fn text(input: &mut ItemReader) -> Result<String, Fault> {
    let mut value = String::new();
    input.string(cbor::TEXT, |bytes| {
        value = String::from_utf8_lossy(bytes).into_owned()
    })?;
    Ok(value)
}
