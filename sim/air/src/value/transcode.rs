//! The hot path: bytes of a schema in, canonical bytes of that schema out, with no tree between.
//!
//! Reads any well-formed CBOR in either spelling of variants and any order of keys; writes what
//! RFC 8949 section 4.2.1 calls deterministic. Types are never recursive and at most
//! `MAX_TYPE_DEPTH` deep, so recursion follows the type, never the input. What a type has no use
//! for is skipped only to look for a variant's tag, and that without recursion.

use super::keys::{VariantKey, arm_index, field_index, variant_key};
use crate::cbor;
use crate::cbor::order::{Span, insert_head, sort_and_dedup_spans, sort_spans};
use crate::cbor::reader::{EntriesLeft, ItemReader, unexpected};
use crate::problems::value_error::{Fault, ValueError};
use crate::types::schemas::{SchemaId, Schemas};
use crate::types::{MapType, RecordType, Type, VariantType};
use crate::value::Value;
use crate::value::forms;

/// Records of so many fields are put in order without an allocation.
const FIELDS_ON_STACK: usize = 24;

impl Schemas {
    /// Checks that `input` is one value of the schema and appends its canonical bytes, with their
    /// leading tag, to `out`. On an error `out` is as it was.
    ///
    /// # Errors
    ///
    /// If the bytes are no CBOR, or more or less than one value of the schema.
    pub fn canonicalise(
        &self,
        id: SchemaId,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ValueError> {
        if self.is_settled(id, input) {
            out.extend_from_slice(input);
            return Ok(());
        }
        let start = out.len();
        let mut reader = ItemReader::new(input);
        out.extend_from_slice(&cbor::SELF_DESCRIBED);
        let done = self
            .transcode(self.ty(id), &mut reader, out)
            .and_then(|()| reader.finish());
        done.map_err(|fault| {
            out.truncate(start);
            *fault
        })
    }

    /// Whether the value is one of the type.
    pub(crate) fn fits(&self, ty: &Type, value: &Value) -> Result<(), ValueError> {
        let mut plain = Vec::new();
        value.write_cbor(&mut plain);
        self.transcode(ty, &mut ItemReader::new(&plain), &mut Vec::new())
            .map_err(|fault| *fault)
    }

    fn transcode(&self, ty: &Type, input: &mut ItemReader, out: &mut Vec<u8>) -> Result<(), Fault> {
        match ty {
            Type::Nat | Type::Time => cbor::write_head(out, cbor::UNSIGNED, input.nat()?),
            Type::Int | Type::Duration => cbor::write_int(out, input.int()?),
            Type::Text => input.string(cbor::TEXT, |text| cbor::write_bytes_as_text(out, text))?,
            Type::Record(record) => self.record(record, input, out)?,
            Type::Variant(variant) => self.variant(variant, input, out)?,
            Type::Option(inner) => match input.peek() {
                Some(cbor::NULL) => null(input, out)?,
                _ => self.transcode(inner, input, out)?,
            },
            Type::Ref(id) => self.transcode(self.ty(*id), input, out)?,
            Type::Bool => match input.next_byte("a bool")? {
                byte @ (cbor::TRUE | cbor::FALSE) => out.push(byte),
                byte => return Err(unexpected(byte, "a bool")),
            },
            Type::Unit => null(input, out)?,
            Type::Bytes => input.string(cbor::BYTES, |bytes| cbor::write_bytes(out, bytes))?,
            Type::Hash => checked_text(input, out, forms::hash)?,
            Type::Uuid => checked_text(input, out, forms::uuid)?,
            Type::Dec128 => checked_text(input, out, forms::dec128)?,
            Type::List(item) => self.list(item, input, out)?,
            Type::Set(item) => self.set(item, input, out)?,
            Type::Map(map) => self.map(map, input, out)?,
        }
        Ok(())
    }

    fn record(
        &self,
        record: &RecordType,
        input: &mut ItemReader,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let fields = record.fields();
        let mut on_stack = [(0, 0); FIELDS_ON_STACK];
        let mut on_heap;
        let spans: &mut [(usize, usize)] = match on_stack.get_mut(..fields.len()) {
            Some(spans) => spans,
            None => {
                on_heap = vec![(0, 0); fields.len()];
                &mut on_heap
            }
        };
        let mut entries = input.head(cbor::MAP, "a record")?;
        cbor::write_head(out, cbor::MAP, fields.len() as u64);
        let start = out.len();
        let (mut next, mut in_order, mut found) = (0, true, 0);
        while input.another(&mut entries)? {
            let index = field_index(record, input, next)?;
            let field = &fields[index];
            let from = out.len();
            if spans[index].1 != 0 {
                return Err(Box::new(
                    ValueError::new("each field once", "it twice").within(&field.name),
                ));
            }
            out.extend_from_slice(&field.key);
            if let Err(fault) = self.transcode(&field.ty, input, out) {
                return Err(Box::new(fault.within(&field.name)));
            }
            spans[index] = (from, out.len());
            in_order &= index == next;
            next = index + 1;
            found += 1;
        }
        if in_order && found == fields.len() {
            return Ok(());
        }
        let end = out.len();
        for (field, &(from, to)) in fields.iter().zip(spans.iter()) {
            if to != 0 {
                out.extend_from_within(from..to);
            } else if field.optional {
                out.extend_from_slice(&field.key);
                out.push(cbor::NULL);
            } else {
                let missing = ValueError::new(self.describe(&field.ty), "no such field");
                return Err(Box::new(missing.within(&field.name)));
            }
        }
        out.copy_within(end.., start);
        out.truncate(out.len() - (end - start));
        Ok(())
    }

    fn variant(
        &self,
        variant: &VariantType,
        input: &mut ItemReader,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut entries = input.head(cbor::MAP, "a variant")?;
        if !input.another(&mut entries)? {
            return Err(Box::new(ValueError::new("a variant", "an empty map")));
        }
        match variant_key(variant, input)? {
            VariantKey::Tag => {
                let index = arm_index(variant, input)?;
                let present = input.another(&mut entries)?;
                if present {
                    input.expect_key(cbor::VALUE_KEY, "`$value`")?;
                }
                self.arm(variant, index, present, input, out)?;
            }
            VariantKey::Value => {
                let value = input.position();
                input.skip()?;
                if !input.another(&mut entries)? {
                    return Err(Box::new(ValueError::new("`$tag`", "`$value` alone")));
                }
                input.expect_key(cbor::TAG_KEY, "`$tag`")?;
                let index = arm_index(variant, input)?;
                let end = input.position();
                input.go_to(value);
                self.arm(variant, index, true, input, out)?;
                input.go_to(end);
            }
            VariantKey::Arm(index) => self.arm(variant, index, true, input, out)?,
        }
        match input.another(&mut entries)? {
            true => Err(Box::new(ValueError::new(
                "one variant",
                "more entries in the map",
            ))),
            false => Ok(()),
        }
    }

    /// Writes the arm; its value, if `present`, is next in the input.
    fn arm(
        &self,
        variant: &VariantType,
        index: usize,
        present: bool,
        input: &mut ItemReader,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let arm = &variant.arms()[index];
        cbor::write_head(out, cbor::MAP, if arm.unit { 1 } else { 2 });
        out.extend_from_slice(cbor::TAG_KEY);
        out.extend_from_slice(&arm.key);
        let done = if arm.unit {
            if present {
                input.expect_byte(cbor::NULL, "null")
            } else {
                Ok(())
            }
        } else {
            out.extend_from_slice(cbor::VALUE_KEY);
            match (present, self.resolve(&arm.ty)) {
                (true, ty) => self.transcode(ty, input, out),
                (false, Type::Option(_)) => {
                    out.push(cbor::NULL);
                    Ok(())
                }
                (false, ty) => Err(Box::new(ValueError::new(self.describe(ty), "no `$value`"))),
            }
        };
        done.map_err(|fault| Box::new(fault.within(&arm.tag)))
    }

    fn list(&self, item: &Type, input: &mut ItemReader, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut entries = input.head(cbor::ARRAY, "a list")?;
        let start = out.len();
        let mut count = 0u64;
        if let EntriesLeft::Known(length) = entries {
            cbor::write_head(out, cbor::ARRAY, length);
        }
        let definite = matches!(entries, EntriesLeft::Known(_));
        while input.another(&mut entries)? {
            self.transcode(item, input, out)
                .map_err(|fault| Box::new(fault.within(count)))?;
            count += 1;
        }
        if !definite {
            insert_head(out, start, cbor::ARRAY, count);
        }
        Ok(())
    }

    fn set(&self, item: &Type, input: &mut ItemReader, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut entries = input.head(cbor::ARRAY, "a set")?;
        let start = out.len();
        let mut spans = Vec::new();
        while input.another(&mut entries)? {
            let from = out.len() - start;
            self.transcode(item, input, out)
                .map_err(|fault| Box::new(fault.within(spans.len())))?;
            let to = out.len() - start;
            spans.push(Span {
                from,
                key_end: to,
                to,
            });
        }
        let count = sort_and_dedup_spans(out, start, &mut spans);
        insert_head(out, start, cbor::ARRAY, count as u64);
        Ok(())
    }

    fn map(&self, map: &MapType, input: &mut ItemReader, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut entries = input.head(cbor::MAP, "a map")?;
        let start = out.len();
        let mut spans = Vec::new();
        while input.another(&mut entries)? {
            let from = out.len() - start;
            let index = spans.len();
            let within = |fault: Fault| Box::new(fault.within(index));
            self.transcode(&map.key, input, out).map_err(within)?;
            let key_end = out.len() - start;
            self.transcode(&map.value, input, out).map_err(within)?;
            spans.push(Span {
                from,
                key_end,
                to: out.len() - start,
            });
        }
        sort_spans(out, start, &mut spans);
        let body = &out[start..];
        let key = |span: &Span| &body[span.from..span.key_end];
        if spans.windows(2).any(|pair| key(&pair[0]) == key(&pair[1])) {
            return Err(Box::new(ValueError::new("each key once", "a key twice")));
        }
        insert_head(out, start, cbor::MAP, spans.len() as u64);
        Ok(())
    }
}

fn null(input: &mut ItemReader, out: &mut Vec<u8>) -> Result<(), Fault> {
    input.expect_byte(cbor::NULL, "null")?;
    out.push(cbor::NULL);
    Ok(())
}

/// A text whose form `check` accepts; it gives the canonical spelling.
fn checked_text(
    input: &mut ItemReader,
    out: &mut Vec<u8>,
    check: fn(&str) -> Result<String, ValueError>,
) -> Result<(), Fault> {
    let mut result = Ok(());
    input.string(cbor::TEXT, |bytes| {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        result = check(text).map(|text| cbor::write_text(out, &text));
    })?;
    result.map_err(Box::new)
}
