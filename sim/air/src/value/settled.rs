//! Bytes that are canonical as they stand, which is what a careful reducer gives out: they are
//! looked through once, and copied as a whole.
//!
//! A scan answers whether bytes are one value of a type in its canonical form, or that it cannot
//! tell; then the transcoder, which says what is wrong and where, does the work. What is rare in a
//! state or an event (sets, maps, texts of a special form) is left to it.

use crate::cbor;
use crate::types::schemas::{SchemaId, Schemas};
use crate::types::{RecordType, Type, VariantType};

/// What is left of the bytes.
struct Scan<'a> {
    rest: &'a [u8],
}

impl Schemas {
    /// Whether `bytes`, their leading tag included, are canonical bytes of the schema. False may
    /// also mean that it was not found out.
    pub(super) fn is_settled(&self, id: SchemaId, bytes: &[u8]) -> bool {
        let Some(rest) = bytes.strip_prefix(&cbor::SELF_DESCRIBED) else {
            return false;
        };
        let mut scan = Scan { rest };
        self.scan(self.ty(id), &mut scan).is_some() && scan.rest.is_empty()
    }

    fn scan(&self, ty: &Type, scan: &mut Scan<'_>) -> Option<()> {
        match ty {
            Type::Nat | Type::Time => scan.head(cbor::UNSIGNED).map(drop),
            Type::Text => {
                let text = scan.string(cbor::TEXT)?;
                (text.is_ascii() || std::str::from_utf8(text).is_ok()).then_some(())
            }
            Type::Record(record) => self.scan_record(record, scan),
            Type::Variant(variant) => self.scan_variant(variant, scan),
            Type::Option(inner) => match scan.take(&[cbor::NULL]) {
                Some(()) => Some(()),
                None => self.scan(inner, scan),
            },
            Type::Ref(id) => self.scan(self.ty(*id), scan),
            Type::Bool => scan
                .take(&[cbor::TRUE])
                .or_else(|| scan.take(&[cbor::FALSE])),
            Type::Unit => scan.take(&[cbor::NULL]),
            Type::Bytes => scan.string(cbor::BYTES).map(drop),
            Type::List(item) => {
                let count = scan.head(cbor::ARRAY)?;
                (0..count).try_for_each(|_| self.scan(item, scan))
            }
            _ => None,
        }
    }

    fn scan_record(&self, record: &RecordType, scan: &mut Scan<'_>) -> Option<()> {
        let fields = record.fields();
        if scan.head(cbor::MAP)? != fields.len() as u64 {
            return None;
        }
        fields.iter().try_for_each(|field| {
            scan.take(&field.key)?;
            self.scan(&field.ty, scan)
        })
    }

    fn scan_variant(&self, variant: &VariantType, scan: &mut Scan<'_>) -> Option<()> {
        let entries = scan.head(cbor::MAP)?;
        scan.take(cbor::TAG_KEY)?;
        let arms = variant.arms().iter();
        let arm = arms.clone().find(|arm| scan.take(&arm.key).is_some())?;
        match (arm.unit, entries) {
            (true, 1) => Some(()),
            (false, 2) => {
                scan.take(cbor::VALUE_KEY)?;
                self.scan(&arm.ty, scan)
            }
            _ => None,
        }
    }
}

impl<'a> Scan<'a> {
    #[inline]
    fn take(&mut self, item: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(item)?;
        Some(())
    }

    /// The argument of a head of that major type, in the shortest form.
    #[inline]
    fn head(&mut self, major: u8) -> Option<u64> {
        let (&first, rest) = self.rest.split_first()?;
        if first >> 5 != major {
            return None;
        }
        let (argument, rest) = match first & 31 {
            small @ 0..24 => (u64::from(small), rest),
            24 => {
                let (&byte, rest) = rest.split_first()?;
                (u64::from(byte), if byte >= 24 { rest } else { return None })
            }
            25 => shortest(rest, u16::from_be_bytes, u64::from(u8::MAX))?,
            26 => shortest(rest, u32::from_be_bytes, u64::from(u16::MAX))?,
            27 => shortest(rest, u64::from_be_bytes, u64::from(u32::MAX))?,
            _ => return None,
        };
        self.rest = rest;
        Some(argument)
    }

    #[inline]
    fn string(&mut self, major: u8) -> Option<&'a [u8]> {
        let length = usize::try_from(self.head(major)?).ok()?;
        let (string, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(string)
    }
}

/// A number of so many bytes, if it is too large for fewer.
fn shortest<const SIZE: usize, N: Into<u64>>(
    bytes: &[u8],
    number: fn([u8; SIZE]) -> N,
    too_small: u64,
) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<SIZE>()?;
    let number = number(*first).into();
    (number > too_small).then_some((number, rest))
}
