//! Generates types, values, plain JSON and expressions.
//!
//! An expression is made for a type, and of that type by the generator's own reckoning, unless
//! the world is a wild one: then something odd takes its place now and then. Whether anything odd
//! was made is kept: what is not odd must be accepted, and cannot be of the wrong type.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::dice::Dice;
use super::evaluate::{self, OPERATORS};
use super::value::{Kind, Ty, Types, Val};

const FIELDS: [&str; 3] = ["a", "bb", "b"];
const TAGS: [&str; 3] = ["one", "two", "x"];
const TEXTS: [&str; 8] = ["", "a", "b", "ab", "ba", "aé", "\u{1F600}", "id"];
const DECIMALS: [&str; 4] = ["0", "1", "1.0", "-12.50"];
const UUIDS: [&str; 3] = [
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

fn nat(dice: &mut Dice<'_>) -> i128 {
    number(dice, 0, u64::MAX.into())
}

fn int(dice: &mut Dice<'_>) -> i128 {
    number(dice, i64::MIN.into(), i64::MAX.into())
}

fn bytes(dice: &mut Dice<'_>) -> Vec<u8> {
    let count = dice.of(4);
    (0..count).map(|_| dice.byte()).collect()
}

fn hash(dice: &mut Dice<'_>) -> String {
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
fn number_json(number: i128, dice: &mut Dice<'_>) -> Json {
    match (u64::try_from(number), dice.of(4)) {
        (_, 3) => json!(number.to_string()),
        (Ok(number), _) => json!(number),
        (Err(_), _) => json!(number as i64),
    }
}

/// Something that expressions may refer to.
#[derive(Clone)]
pub struct Known {
    pub text: String,
    pub ty: Ty,
}

/// Makes expressions over a scope.
pub struct Builder<'w> {
    pub types: &'w Types,
    /// What has a value wherever the expression stands.
    pub known: Vec<Known>,
    /// Names that are declared, and may have no value there.
    pub unsure: Vec<String>,
    /// Whether odd things are made.
    pub wild: bool,
    /// Whether any was.
    pub odd: bool,
}

impl Builder<'_> {
    /// Adds a name and all that can be reached from it without passing an option.
    pub fn know(&mut self, text: &str, ty: &Ty) {
        const DEEPEST: usize = 4;
        self.reach(text, ty, DEEPEST);
    }

    fn reach(&mut self, text: &str, ty: &Ty, depth: usize) {
        let resolved = self.types.resolve(ty).clone();
        self.known.push(Known {
            text: text.to_owned(),
            ty: resolved.clone(),
        });
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match resolved {
            Ty::Record(fields) => {
                for (name, ty) in &fields {
                    // The name `l0.a` is a variable of its own.
                    if !(text == "@var:l0" && *name == "a") {
                        self.reach(&format!("{text}.{name}"), ty, depth);
                    }
                }
            }
            Ty::Variant(_) => self.reach(&format!("{text}.$tag"), &Ty::Text, depth),
            _ => {}
        }
    }

    /// An expression of the type, its records complete: what is made has every field.
    pub fn expr(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Json {
        let ty = self.types.resolve(ty).clone();
        if self.wild && dice.one_in(12) {
            self.odd = true;
            return self.something_odd(dice, &ty, depth);
        }
        let made = self.sound(dice, &ty, depth);
        if !evaluate::fails_alone(&made) {
            return made;
        }
        // What fails whatever there is may be refused, and would end most plans.
        if dice.one_in(8) {
            self.odd = true;
            return made;
        }
        self.plainest(&ty)
    }

    fn sound(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Json {
        match (dice.of(9), depth.checked_sub(1)) {
            (0 | 1, _) | (6.., None) => self.built(dice, ty, depth),
            (6 | 7, Some(depth)) => self
                .operation(dice, ty, depth)
                .unwrap_or_else(|| self.taken(dice, ty, depth)),
            (8, Some(depth)) => self.taken(dice, ty, depth),
            _ => match self.reference(dice, ty) {
                Some(text) => json!({ "ref": text }),
                None => self.built(dice, ty, depth),
            },
        }
    }

    /// A constant or a builder of constants, without choices.
    fn plainest(&mut self, ty: &Ty) -> Json {
        self.built(&mut Dice::new(&[]), ty, 0)
    }

    fn reference(&self, dice: &mut Dice<'_>, ty: &Ty) -> Option<String> {
        let fits = |known: &&Known| match ty {
            Ty::Option(inner) => {
                self.types.same(&known.ty, inner) || self.types.same(&known.ty, ty)
            }
            Ty::Text => matches!(known.ty, Ty::Text | Ty::Hash | Ty::Uuid | Ty::Dec),
            ty => self.types.same(&known.ty, ty),
        };
        let fitting: Vec<&Known> = self.known.iter().filter(fits).collect();
        dice.pick(&fitting).map(|known| known.text.clone())
    }

    /// A constant or a builder.
    fn built(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Json {
        let depth = depth.saturating_sub(1);
        match ty {
            Ty::Nat => json!({"nat": number_json(nat(dice), dice)}),
            Ty::Time => json!({"time_ns": number_json(nat(dice), dice)}),
            Ty::Int => json!({"int": number_json(int(dice), dice)}),
            Ty::Duration => json!({"duration_ns": number_json(int(dice), dice)}),
            Ty::Bool => json!({"bool": dice.of(2) == 0}),
            Ty::Dec => json!({"dec128": DECIMALS[dice.of(DECIMALS.len())]}),
            Ty::Bytes => json!({"bytes_b64": STANDARD.encode(bytes(dice))}),
            Ty::Text => json!({"text": TEXTS[dice.of(TEXTS.len())]}),
            Ty::Hash => json!({"hash": hash(dice)}),
            Ty::Uuid => json!({"uuid": UUIDS[dice.of(UUIDS.len())]}),
            Ty::Unit => json!({"null": {}}),
            Ty::Record(fields) => {
                let field =
                    |(name, ty): &(&str, Ty)| ((*name).to_owned(), self.expr(dice, ty, depth));
                json!({"record": Json::Object(fields.iter().map(field).collect())})
            }
            Ty::Variant(arms) => {
                let (tag, ty) = &arms[dice.of(arms.len())];
                let empty = matches!(self.types.resolve(ty), Ty::Unit | Ty::Option(_));
                match empty && dice.of(2) == 0 {
                    true => json!({"variant": {"tag": tag}}),
                    false => json!({"variant": {"tag": tag, "value": self.expr(dice, ty, depth)}}),
                }
            }
            Ty::List(item) => json!({"list": self.items(dice, item, depth)}),
            Ty::Set(item) => json!({"set": self.items(dice, item, depth)}),
            Ty::Map(key, value) => {
                let count = dice.of(3);
                let entry = |_| {
                    let key = self.expr(dice, key, depth);
                    json!({"key": key, "value": self.expr(dice, value, depth)})
                };
                json!({"map": (0..count).map(entry).collect::<Vec<_>>()})
            }
            Ty::Option(inner) => match dice.of(3) {
                0 => json!({"null": {}}),
                _ => self.expr(dice, inner, depth),
            },
            Ty::Ref(_) => Json::Null,
        }
    }

    fn items(&mut self, dice: &mut Dice<'_>, item: &Ty, depth: usize) -> Vec<Json> {
        let count = dice.of(4);
        (0..count).map(|_| self.expr(dice, item, depth)).collect()
    }

    /// An item of a list, or an entry of a map; mostly it is there.
    fn taken(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Json {
        let key = TEXTS[1 + dice.of(2)];
        let (whole, key) = match dice.of(6) {
            0 | 1 => {
                let items = [self.expr(dice, ty, depth), self.expr(dice, ty, depth)];
                (json!({ "list": items }), json!({"nat": dice.of(3)}))
            }
            2 | 3 => {
                let value = self.expr(dice, ty, depth);
                let entry = json!({"key": {"text": key}, "value": value});
                (json!({"map": [entry]}), json!({ "text": key }))
            }
            4 => {
                let whole = self.expr(dice, &list_of(ty.clone()), depth);
                (whole, json!({"nat": dice.of(2)}))
            }
            _ => {
                let whole = self.expr(dice, &map_of(ty.clone()), depth);
                (whole, json!({ "text": key }))
            }
        };
        json!({"op": "get", "args": [whole, key]})
    }

    /// An operation that gives the type, if there is one beside `get`.
    fn operation(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Option<Json> {
        let list = |types: &[Ty], dice: &mut Dice<'_>| types[dice.of(types.len())].clone();
        let (op, args) = match ty {
            Ty::Bool => return Some(self.condition(dice, depth)),
            Ty::Nat | Ty::Time if dice.one_in(4) => {
                let of = list(
                    &[Ty::Text, Ty::Bytes, list_of(Ty::Nat), map_of(Ty::Nat)],
                    dice,
                );
                ("len", vec![of])
            }
            Ty::Nat | Ty::Time => (ARITHMETIC[dice.of(5)], vec![ty.clone(), Ty::Nat]),
            Ty::Int | Ty::Duration => {
                let args = [(Ty::Int, Ty::Int), (Ty::Nat, Ty::Int), (Ty::Int, Ty::Time)];
                let (left, right) = args[dice.of(3)].clone();
                (ARITHMETIC[dice.of(5)], vec![left, right])
            }
            Ty::Text | Ty::Bytes | Ty::List(_) => {
                let count = 1 + dice.of(3);
                ("concat", vec![ty.clone(); count])
            }
            Ty::Hash if dice.of(2) == 0 => ("hash", vec![self.some_type(dice)]),
            Ty::Hash => ("hash_bytes", vec![Ty::Bytes]),
            _ => return None,
        };
        Some(self.call(dice, op, &args, depth))
    }

    fn call(&mut self, dice: &mut Dice<'_>, op: &str, args: &[Ty], depth: usize) -> Json {
        let args: Vec<Json> = args.iter().map(|ty| self.expr(dice, ty, depth)).collect();
        json!({"op": op, "args": args})
    }

    /// The type of something known, or a plain one.
    fn some_type(&self, dice: &mut Dice<'_>) -> Ty {
        let plain = [Ty::Nat, Ty::Text, Ty::Int, Ty::Bool, Ty::Bytes];
        match dice.of(2) {
            0 => plain[dice.of(plain.len())].clone(),
            _ => match dice.pick(&self.known) {
                Some(known) => known.ty.clone(),
                None => Ty::Nat,
            },
        }
    }

    /// An operation that gives a bool.
    fn condition(&mut self, dice: &mut Dice<'_>, depth: usize) -> Json {
        let ordered = [
            Ty::Nat,
            Ty::Int,
            Ty::Text,
            Ty::Bytes,
            Ty::Time,
            Ty::Duration,
        ];
        match dice.of(12) {
            0..=2 => {
                let ty = self.some_type(dice);
                let op = ["eq", "ne"][dice.of(2)];
                self.call(dice, op, &[ty.clone(), ty], depth)
            }
            3 | 4 => {
                let ty = ordered[dice.of(ordered.len())].clone();
                let op = ["lt", "le", "gt", "ge"][dice.of(4)];
                self.call(dice, op, &[ty.clone(), ty], depth)
            }
            5 => {
                let count = 1 + dice.of(3);
                let op = ["and", "or"][dice.of(2)];
                self.call(dice, op, &vec![Ty::Bool; count], depth)
            }
            6 => self.call(dice, "not", &[Ty::Bool], depth),
            7 => {
                let of = [list_of(Ty::Text), map_of(Ty::Text)];
                let pairs = [(0, Ty::Nat), (1, Ty::Text)];
                let (index, key) = pairs[dice.of(2)].clone();
                self.call(dice, "has", &[of[index].clone(), key], depth)
            }
            8 => {
                let of = [
                    list_of(Ty::Nat),
                    Ty::Text,
                    map_of(Ty::Nat),
                    set_of(Ty::Text),
                ];
                let part = [Ty::Nat, Ty::Text, Ty::Text, Ty::Text];
                let index = dice.of(4);
                let args = [of[index].clone(), part[index].clone()];
                self.call(dice, "contains", &args, depth)
            }
            9 | 10 => {
                let ty = [Ty::Text, Ty::Bytes][dice.of(2)].clone();
                let op = ["starts_with", "ends_with"][dice.of(2)];
                self.call(dice, op, &[ty.clone(), ty], depth)
            }
            _ => {
                let is_whole = |known: &&Known| matches!(known.ty, Ty::Record(_) | Ty::Map(..));
                let wholes: Vec<&Known> = self.known.iter().filter(is_whole).collect();
                match dice.pick(&wholes).map(|known| known.text.clone()) {
                    Some(text) => {
                        let key = FIELDS[dice.of(FIELDS.len())];
                        json!({"op": "has", "args": [{"ref": text}, {"text": key}]})
                    }
                    None => self.call(dice, "not", &[Ty::Bool], depth),
                }
            }
        }
    }

    /// Something that is not an expression of the type: of another type, seen at load or only
    /// when it runs; a name without a value; no expression at all.
    fn something_odd(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Json {
        let depth = depth.saturating_sub(1);
        let known = dice.pick(&self.known).map(|known| known.text.clone());
        let known = known.unwrap_or_else(|| "@plan.input".to_owned());
        match dice.of(20) {
            // Hidden from the static types, so that it is found out when it runs.
            0..=6 => {
                let other = self.some_type(dice);
                let item = self.expr(dice, &other, depth);
                hidden(item)
            }
            7 | 8 => hidden(json!({ "ref": known })),
            9..=12 => match dice.pick(&self.unsure) {
                Some(name) => json!({ "ref": name }),
                None => json!({ "ref": known }),
            },
            13 => json!({"ref": format!("{known}.$value")}),
            14 => {
                let path = ["nope", "$tag.a", "$value.a", "a", ""][dice.of(5)];
                json!({"ref": format!("{known}.{path}")})
            }
            15 => {
                let optional = |known: &&Known| match &known.ty {
                    Ty::Option(inner) => self.types.same(inner, ty),
                    _ => false,
                };
                match self.known.iter().find(optional) {
                    Some(known) => json!({"ref": known.text}),
                    None => json!({"null": {}}),
                }
            }
            16 => {
                let (op, _, _) = OPERATORS[dice.of(OPERATORS.len())];
                let count = dice.of(4);
                let args: Vec<Ty> = (0..count).map(|_| self.some_type(dice)).collect();
                self.call(dice, op, &args, depth)
            }
            17 => {
                let other = self.some_type(dice);
                self.expr(dice, &other, depth)
            }
            18 => json!({"null": {}}),
            _ => [
                json!({"nat": -1}),
                json!({"ref": "@var:nobody"}),
                json!({"op": "neg", "args": [{"int": 1}]}),
                json!({"bytes_b64": "?"}),
                json!({"ref": "plan.input"}),
            ][dice.of(5)]
            .clone(),
        }
    }
}

/// The item, so that its type is not known before it runs: that of an empty list is not.
fn hidden(item: Json) -> Json {
    json!({"op": "get", "args": [{"list": [item, {"list": []}]}, {"nat": 0}]})
}

const ARITHMETIC: [&str; 5] = ["add", "sub", "mul", "div", "mod"];

fn list_of(ty: Ty) -> Ty {
    Ty::List(Box::new(ty))
}

fn set_of(ty: Ty) -> Ty {
    Ty::Set(Box::new(ty))
}

fn map_of(ty: Ty) -> Ty {
    Ty::Map(Box::new(Ty::Text), Box::new(ty))
}
