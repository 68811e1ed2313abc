//! Draws types, values of them and their JSON from dice. Makes no expressions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::dice::Dice;
use super::types::{Ty, Types};
use super::value::{Kind, Val};

pub const FIELDS: [&str; 3] = ["a", "bb", "b"];

const TAGS: [&str; 3] = ["one", "two", "x"];

pub const TEXTS: [&str; 8] = ["", "a", "b", "ab", "ba", "aé", "\u{1F600}", "id"];

pub const DECIMALS: [&str; 4] = ["0", "1", "1.0", "-12.50"];

pub const UUIDS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000000",
    "123e4567-e89b-12d3-a456-426614174000",
    "123E4567-E89B-12D3-A456-426614174000",
];

const NUMBERS: [i128; 16] = [
    0,
    1,
    2,
    3,
    -1,
    -2,
    7,
    10,
    1 << 53,
    u32::MAX as i128,
    i64::MAX as i128,
    i64::MAX as i128 + 1,
    u64::MAX as i128,
    i64::MIN as i128,
    -7,
    23,
];

/// A type; refs lead to schemas below `refs`.
pub fn ty(dice: &mut Dice<'_>, depth: usize, refs: usize) -> Ty {
    let inner = |dice: &mut Dice<'_>| match depth {
        0 => Ty::Nat,
        _ => ty(dice, depth - 1, refs),
    };
    match dice.of(19) {
        0 => Ty::Nat,
        1 => Ty::Text,
        2 => Ty::Int,
        3 => Ty::Bool,
        4 | 5 => Ty::Record(members(&FIELDS, dice, inner)),
        6 => Ty::List(Box::new(inner(dice))),
        7 | 8 => match inner(dice) {
            // An option of an option or of unit is refused: null would mean two things.
            Ty::Option(_) | Ty::Unit | Ty::Ref(_) => Ty::Option(Box::new(Ty::Text)),
            ty => Ty::Option(Box::new(ty)),
        },
        9 => {
            let key = [Ty::Text, Ty::Nat, Ty::Int, Ty::Uuid, Ty::Hash][dice.of(5)].clone();
            Ty::Map(Box::new(key), Box::new(inner(dice)))
        }
        10 | 11 => Ty::Variant(members(&TAGS, dice, inner)),
        12 => Ty::Bytes,
        13 => Ty::Set(Box::new(inner(dice))),
        14 => Ty::Time,
        15 => Ty::Duration,
        16 => Ty::Hash,
        17 if refs > 0 => Ty::Ref(dice.of(refs)),
        17 => Ty::Uuid,
        _ => [Ty::Unit, Ty::Dec, Ty::Uuid][dice.of(3)].clone(),
    }
}

fn members(
    names: &[&'static str],
    dice: &mut Dice<'_>,
    mut ty: impl FnMut(&mut Dice<'_>) -> Ty,
) -> Vec<(&'static str, Ty)> {
    let count = 1 + dice.of(names.len());
    let names = names.iter().take(count);
    names.map(|name| (*name, ty(dice))).collect()
}

fn number(dice: &mut Dice<'_>, low: i128, high: i128) -> i128 {
    let number = NUMBERS[dice.of(NUMBERS.len())];
    if (low..=high).contains(&number) {
        number
    } else {
        5
    }
}

pub fn nat(dice: &mut Dice<'_>) -> i128 {
    number(dice, 0, u64::MAX.into())
}

pub fn int(dice: &mut Dice<'_>) -> i128 {
    number(dice, i64::MIN.into(), i64::MAX.into())
}

pub fn bytes(dice: &mut Dice<'_>) -> Vec<u8> {
    let count = dice.of(4);
    (0..count).map(|_| dice.byte()).collect()
}

pub fn hash(dice: &mut Dice<'_>) -> String {
    let digit = ["0", "a", "7"][dice.of(3)];
    format!("sha256:{}", digit.repeat(64))
}

impl Types {
    /// A value of the type.
    pub fn value(&self, ty: &Ty, dice: &mut Dice<'_>) -> Val {
        match self.resolve(ty) {
            Ty::Bool => Val::Bool(dice.of(2) == 1),
            Ty::Nat | Ty::Time => Val::Number(nat(dice), Kind::Nat),
            Ty::Int | Ty::Duration => Val::Number(int(dice), Kind::Int),
            Ty::Dec => Val::text(DECIMALS[dice.of(DECIMALS.len())]),
            Ty::Bytes => Val::Bytes(bytes(dice)),
            Ty::Text => Val::text(TEXTS[dice.of(TEXTS.len())]),
            Ty::Hash => Val::text(hash(dice)),
            Ty::Uuid => Val::text(UUIDS[dice.of(2)]),
            Ty::Unit => Val::Null,
            Ty::Record(fields) => {
                let field = |(name, ty): &(&str, Ty)| (Val::text(*name), self.value(ty, dice));
                Val::map(fields.iter().map(field).collect())
            }
            Ty::Variant(arms) => {
                let (tag, ty) = &arms[dice.of(arms.len())];
                Val::Variant((*tag).to_owned(), Box::new(self.value(ty, dice)))
            }
            Ty::List(item) | Ty::Set(item) => {
                let count = dice.of(3);
                let items = (0..count).map(|_| self.value(item, dice)).collect();
                self.fit(ty, &Val::List(items))
                    .unwrap_or(Val::List(Vec::new()))
            }
            Ty::Map(key, value) => {
                let count = dice.of(3);
                let entry = |_| (self.value(key, dice), self.value(value, dice));
                let entries = Val::Map((0..count).map(entry).collect());
                self.fit(ty, &entries).unwrap_or(Val::Map(Vec::new()))
            }
            Ty::Option(inner) => match dice.of(3) {
                0 => Val::Null,
                _ => self.value(inner, dice),
            },
            Ty::Ref(_) => Val::Null,
        }
    }

    /// A value of the type as JSON, in both spellings mixed. What is not plain by the first byte
    /// of each level is tagged.
    pub fn plain(&self, ty: &Ty, value: &Val, dice: &mut Dice<'_>) -> Json {
        let ty = self.resolve(ty);
        let tag = dice.of(3) == 1 && !self.reads_two_ways(ty);
        let (word, json) = match (ty, value) {
            (Ty::Option(_), Val::Null) => {
                return if tag { json!({"null": {}}) } else { Json::Null };
            }
            (Ty::Option(inner), value) => return self.plain(inner, value, dice),
            (Ty::Unit, _) => return if tag { json!({"null": {}}) } else { Json::Null },
            (ty, Val::Number(number, _)) => {
                let word = match ty {
                    Ty::Nat => "nat",
                    Ty::Int => "int",
                    Ty::Time => "time",
                    _ => "duration",
                };
                (word, number_json(*number, dice))
            }
            (_, Val::Bool(flag)) => ("bool", json!(flag)),
            (_, Val::Bytes(bytes)) => ("bytes", json!(STANDARD.encode(bytes))),
            (ty, Val::Text(text)) => {
                let word = match ty {
                    Ty::Dec => "dec128",
                    Ty::Hash => "hash",
                    Ty::Uuid => "uuid",
                    _ => "text",
                };
                (word, json!(text))
            }
            (Ty::Record(fields), Val::Map(entries)) => {
                let mut members = Map::new();
                for (name, value) in entries {
                    let name = name.as_text().unwrap_or_default();
                    let ty = fields
                        .iter()
                        .find(|field| field.0 == name)
                        .map(|field| &field.1);
                    let optional = ty.is_some_and(|ty| matches!(self.resolve(ty), Ty::Option(_)));
                    if optional && *value == Val::Null && dice.of(2) == 1 {
                        continue;
                    }
                    members.extend(ty.map(|ty| (name.to_owned(), self.plain(ty, value, dice))));
                }
                ("record", Json::Object(members))
            }
            (Ty::Variant(arms), Val::Variant(name, value)) => {
                let arm = arms.iter().find(|arm| arm.0 == name);
                let inner = arm.map_or(Json::Null, |arm| self.plain(&arm.1, value, dice));
                return match tag {
                    true => json!({"variant": {"tag": name, "value": inner}}),
                    false => json!({ name: inner }),
                };
            }
            (Ty::List(item) | Ty::Set(item), Val::List(items)) => {
                let word = if matches!(ty, Ty::Set(_)) {
                    "set"
                } else {
                    "list"
                };
                let items = items.iter().map(|value| self.plain(item, value, dice));
                (word, items.collect())
            }
            (Ty::Map(key_ty, value_ty), Val::Map(entries)) => {
                let json = self.plain_map(key_ty, value_ty, entries, tag, dice);
                ("map", json)
            }
            _ => return Json::Null,
        };
        if tag { json!({ word: json }) } else { json }
    }

    /// Whether `{"map":[…]}` may also be an object with one key, `map`: the format does not say
    /// which is meant.
    fn reads_two_ways(&self, ty: &Ty) -> bool {
        let Ty::Map(key, value) = ty else {
            return false;
        };
        let value = match self.resolve(value) {
            Ty::Option(value) => self.resolve(value),
            value => value,
        };
        *self.resolve(key) == Ty::Text && matches!(value, Ty::List(_) | Ty::Set(_) | Ty::Map(..))
    }

    fn plain_map(
        &self,
        key_ty: &Ty,
        value_ty: &Ty,
        entries: &[(Val, Val)],
        tag: bool,
        dice: &mut Dice<'_>,
    ) -> Json {
        if *self.resolve(key_ty) == Ty::Text && !tag {
            let member = |(key, value): &(Val, Val)| {
                let key = key.as_text().unwrap_or_default().to_owned();
                (key, self.plain(value_ty, value, dice))
            };
            return Json::Object(entries.iter().map(member).collect());
        }
        let pair = |(key, value): &(Val, Val)| {
            let key = self.plain(key_ty, key, dice);
            let value = self.plain(value_ty, value, dice);
            match tag {
                true => json!({"key": key, "value": value}),
                false => json!([key, value]),
            }
        };
        entries.iter().map(pair).collect()
    }
}

/// A number, now and then as text, as large ones are to be.
pub fn number_json(number: i128, dice: &mut Dice<'_>) -> Json {
    match (u64::try_from(number), dice.of(4)) {
        (_, 3) => json!(number.to_string()),
        (Ok(number), _) => json!(number),
        (Err(_), _) => json!(number as i64),
    }
}
