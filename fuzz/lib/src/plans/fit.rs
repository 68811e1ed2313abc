//! What fits a type, and the canonical bytes of what does. Written from the text of the format, and
//! never with the help of `sim::air`'s types or codec.

use super::types::{Ty, Types};
use super::value::{Kind, Val, head};

/// The value does not fit the type.
#[derive(Debug)]
pub struct Misfit;

impl Types {
    /// The value as its type has it: numbers of the type's kind, sets and maps in order, absent
    /// options null. Any form that a value may have at run time comes in.
    pub fn fit(&self, ty: &Ty, value: &Val) -> Result<Val, Misfit> {
        self.fit_erased(ty, &value.erased())
    }

    fn fit_erased(&self, ty: &Ty, value: &Val) -> Result<Val, Misfit> {
        let within = |number: i128, low: i128, high: i128, kind| match number {
            _ if (low..=high).contains(&number) => Ok(Val::Number(number, kind)),
            _ => Err(Misfit),
        };
        match (self.resolve(ty), value) {
            (Ty::Option(_), Val::Null) | (Ty::Unit, Val::Null) => Ok(Val::Null),
            (Ty::Option(inner), _) => self.fit_erased(inner, value),
            (Ty::Nat | Ty::Time, Val::Number(number, _)) => {
                within(*number, 0, u64::MAX.into(), Kind::Nat)
            }
            (Ty::Int | Ty::Duration, Val::Number(number, _)) => {
                within(*number, i64::MIN.into(), i64::MAX.into(), Kind::Int)
            }
            (Ty::Bool, Val::Bool(_)) | (Ty::Bytes, Val::Bytes(_)) | (Ty::Text, Val::Text(_)) => {
                Ok(value.clone())
            }
            (Ty::Hash, Val::Text(text)) if is_hash(text) => Ok(value.clone()),
            (Ty::Dec, Val::Text(text)) if is_decimal(text) => Ok(value.clone()),
            (Ty::Uuid, Val::Text(text)) if is_uuid(text) => Ok(Val::Text(text.to_lowercase())),
            (Ty::Record(fields), Val::Map(entries)) => self.fit_record(fields, entries),
            (Ty::Variant(arms), Val::Map(entries)) => self.fit_variant(arms, entries),
            (Ty::List(item), Val::List(items)) => {
                let items = items.iter().map(|value| self.fit_erased(item, value));
                Ok(Val::List(items.collect::<Result<_, _>>()?))
            }
            (Ty::Set(item), Val::List(items)) => {
                let items = items.iter().map(|value| self.fit_erased(item, value));
                let mut items: Vec<Val> = items.collect::<Result<_, _>>()?;
                items.sort_by_key(|value| self.bytes(item, value));
                items.dedup_by_key(|value| self.bytes(item, value));
                Ok(Val::List(items))
            }
            (Ty::Map(key_ty, value_ty), Val::Map(entries)) => {
                let mut fitted = Vec::new();
                for (key, value) in entries {
                    let key = self.fit_erased(key_ty, key)?;
                    fitted.push((key, self.fit_erased(value_ty, value)?));
                }
                fitted.sort_by_key(|(key, _)| key.cbor());
                match fitted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                    true => Err(Misfit),
                    false => Ok(Val::Map(fitted)),
                }
            }
            _ => Err(Misfit),
        }
    }

    fn fit_record(&self, fields: &[(&str, Ty)], entries: &[(Val, Val)]) -> Result<Val, Misfit> {
        let known = |name: &Val| fields.iter().any(|field| name.as_text() == Some(field.0));
        if !entries.iter().all(|(name, _)| known(name)) {
            return Err(Misfit);
        }
        let mut fitted = Vec::new();
        for (name, ty) in fields {
            let name = Val::text(*name);
            let value = match entries.iter().find(|(key, _)| *key == name) {
                Some((_, value)) => self.fit_erased(ty, value)?,
                None if matches!(self.resolve(ty), Ty::Option(_)) => Val::Null,
                None => return Err(Misfit),
            };
            fitted.push((name, value));
        }
        Ok(Val::map(fitted))
    }

    /// `{"$tag": …, "$value": …}`, or `{Tag: value}`.
    fn fit_variant(&self, arms: &[(&str, Ty)], entries: &[(Val, Val)]) -> Result<Val, Misfit> {
        let entry = |name| Val::Map(entries.to_vec()).field(name).cloned();
        let (tag, value) = match (entry("$tag"), entry("$value"), entries) {
            (Some(tag), None, [_]) => (tag, None),
            (Some(tag), Some(value), [_, _]) => (tag, Some(value)),
            (None, None, [(tag, value)]) => (tag.clone(), Some(value.clone())),
            _ => return Err(Misfit),
        };
        let arm = arms.iter().find(|arm| tag.as_text() == Some(arm.0));
        let (tag, ty) = arm.ok_or(Misfit)?;
        let value = match (value, self.resolve(ty)) {
            (Some(value), ty) => self.fit_erased(ty, &value)?,
            (None, Ty::Unit | Ty::Option(_)) => Val::Null,
            (None, _) => return Err(Misfit),
        };
        Ok(Val::Variant((*tag).to_owned(), Box::new(value)))
    }

    /// The canonical bytes of a value that [`Types::fit`] gave, without the leading tag. Only a
    /// variant needs its type for that: `$value` is left out for unit, and is null for an option.
    pub fn bytes(&self, ty: &Ty, value: &Val) -> Vec<u8> {
        let mut out = Vec::new();
        match (self.resolve(ty), value) {
            (Ty::Option(inner), value) if *value != Val::Null => out = self.bytes(inner, value),
            (Ty::List(item) | Ty::Set(item), Val::List(items)) => {
                head(&mut out, 4, items.len() as i128);
                items
                    .iter()
                    .for_each(|value| out.extend(self.bytes(item, value)));
            }
            (Ty::Record(fields), Val::Map(entries)) => {
                head(&mut out, 5, entries.len() as i128);
                for (name, value) in entries {
                    out.extend(name.cbor());
                    let field = fields.iter().find(|field| name.as_text() == Some(field.0));
                    out.extend(field.map_or_else(Vec::new, |field| self.bytes(&field.1, value)));
                }
            }
            (Ty::Map(_, ty), Val::Map(entries)) => {
                head(&mut out, 5, entries.len() as i128);
                for (key, value) in entries {
                    out.extend(key.cbor());
                    out.extend(self.bytes(ty, value));
                }
            }
            (Ty::Variant(arms), Val::Variant(tag, value)) => {
                let ty = arms.iter().find(|arm| arm.0 == tag).map(|arm| &arm.1);
                let ty = ty.filter(|ty| *self.resolve(ty) != Ty::Unit);
                head(&mut out, 5, if ty.is_some() { 2 } else { 1 });
                out.extend(Val::text("$tag").cbor());
                out.extend(Val::text(tag).cbor());
                if let Some(ty) = ty {
                    out.extend(Val::text("$value").cbor());
                    out.extend(self.bytes(ty, value));
                }
            }
            (_, value) => out = value.cbor(),
        }
        out
    }
}

pub fn is_hash(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix("sha256:")
        .is_some_and(|digits| digits.len() == 64 && digits.bytes().all(digit))
}

pub fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let digits = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(digits)
}

/// Without an exponent: none is generated.
pub fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.strip_prefix('-').unwrap_or(text);
    match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(number),
    }
}
